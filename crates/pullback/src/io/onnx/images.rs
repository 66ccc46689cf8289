//! Counterparts of images in other sizes, and of their blocks as columns. What ONNX has no node for is a product with a matrix for each dimension, whose
//! sizes are the example's.

use super::call::{Call, Written, ints};
use super::graph::Attribute::{Float, Ints, Text};
use super::graph::{Dim, Graph};
use crate::core::apply::apply_dyn;
use crate::ops::{self, Filter};
use crate::{DType, Result, Tensor};
use std::panic::Location;

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    match c.of::<ops::Resize>() {
        Some(op) => resized(g, c, op).map(Some),
        None => columns(g, c),
    }
}

/// A dimension of a value multiplied with a matrix, one row for each of its elements.
pub(super) fn along(
    g: &mut Graph,
    x: &str,
    rank: usize,
    dim: usize,
    matrix: Tensor,
) -> Result<String> {
    let matrix = g.constant(None, matrix);
    if dim + 1 == rank {
        return Ok(g.plain("MatMul", &[x, &matrix]));
    }
    // To the last place, and back.
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(dim, rank - 1);
    let turn =
        |g: &mut Graph, x: &str| g.node("Transpose", &[x], vec![("perm", Ints(ints(&order)))]);
    let turned = turn(g, x);
    let product = g.plain("MatMul", &[&turned, &matrix]);
    Ok(turn(g, &product))
}

fn resized(g: &mut Graph, c: &Call<'_>, op: &ops::Resize) -> Result<String> {
    if let Some(name) = node(g, c, op)? {
        return Ok(name);
    }
    let mut name = c.x(0).to_string();
    let nearest = matches!(op.filter, Filter::Nearest | Filter::NearestExact);
    for (k, axis) in op.axes.iter().enumerate() {
        let dim = c.rank(0) - op.axes.len() + k;
        let one = ops::Resize {
            axes: std::iter::once(axis.clone()).collect(),
            ..op.clone()
        };
        let site = Location::caller();
        if nearest && !op.transposed {
            // Which element each is, from the numbers of elements.
            let numbers = Tensor::arange(axis.from)?.to(DType::F64)?;
            let at = apply_dyn(&one, &[&numbers.reshape([1, axis.from])?], site)?;
            let at = at.reshape([axis.to])?.to(DType::I64)?;
            let at = g.constant(None, at);
            let told = vec![("axis", super::graph::Attribute::Int(dim as i64))];
            name = g.node("Gather", &[&name, &at], told);
            continue;
        }
        let rows = if op.transposed { axis.to } else { axis.from };
        let wide = match c.dtype() {
            DType::F64 => DType::F64,
            _ => DType::F32,
        };
        let matrix = crate::eye(rows, None, wide)?;
        let matrix = apply_dyn(&one, &[&matrix], site)?.to(c.dtype())?;
        name = along(g, &name, c.rank(0), dim, matrix)?;
    }
    Ok(name)
}

/// ONNX's own node, where its places are the same.
fn node(g: &mut Graph, c: &Call<'_>, op: &ops::Resize) -> Written {
    let aligned = op.axes.iter().any(|a| a.align);
    let times = |a: &ops::Axis| a.from > 0 && a.to.is_multiple_of(a.from);
    let same = match op.filter {
        Filter::Nearest => op.axes.iter().all(times),
        // A dimension of one element, aligned, has no place in ONNX.
        Filter::Linear | Filter::Cubic => !aligned || op.axes.iter().all(|a| a.to > 1),
        _ => false,
    };
    let known = c.rank(0) == op.axes.len() + 2 && c.dtype() != DType::F64;
    if !same || !known || op.transposed || op.filter == Filter::Cubic && op.axes.len() != 2 {
        return Ok(None);
    }
    let mut told = match op.filter {
        Filter::Nearest => vec![
            ("mode", Text("nearest")),
            ("coordinate_transformation_mode", Text("asymmetric")),
            ("nearest_mode", Text("floor")),
        ],
        _ => {
            let places = if aligned {
                "align_corners"
            } else {
                "half_pixel"
            };
            let mode = if op.filter == Filter::Cubic {
                "cubic"
            } else {
                "linear"
            };
            vec![
                ("mode", Text(mode)),
                ("coordinate_transformation_mode", Text(places)),
            ]
        }
    };
    if op.filter == Filter::Cubic {
        told.push(("cubic_coeff_a", Float(-0.75)));
    }
    let scales: Option<Vec<f32>> = (op.axes.iter())
        .map(|a| a.scale.filter(|s| *s > 0.0).map(|s| s as f32))
        .collect();
    let scales = scales.filter(|s| {
        // ONNX makes the sizes of the scales, rounded down.
        (op.axes.iter().zip(s)).all(|(a, &s)| (a.from as f32 * s).floor() as usize == a.to)
    });
    Ok(Some(match scales {
        Some(scales) if !aligned => {
            let all = [&[1.0, 1.0][..], &scales].concat();
            let scales = g.constant(None, Tensor::from_slice(&all, [all.len()])?);
            g.node("Resize", &[c.x(0), "", &scales], told)
        }
        _ => {
            let sizes = g.dims(&c.shape)?;
            g.node("Resize", &[c.x(0), "", "", &sizes], told)
        }
    }))
}

/// Blocks of an image as columns; columns added up to an image.
fn columns(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::Columns>().is_none() {
        return Ok(None);
    }
    let (by, transposed) = c.fixed(|op: &ops::Columns| (op.by, op.transposed))?;
    let pair = |of: fn(&ops::Blocked) -> usize| [of(&by[0]) as i64, of(&by[1]) as i64];
    if transposed {
        let [image, block] = [pair(|b| b.size), pair(|b| b.kernel)];
        let (image, block) = (g.ints(&image)?, g.ints(&block)?);
        let pads = pair(|b| b.padding);
        let told = vec![
            ("dilations", Ints(pair(|b| b.dilation).to_vec())),
            ("pads", Ints([pads, pads].concat())),
            ("strides", Ints(pair(|b| b.stride).to_vec())),
        ];
        if c.rank(0) != 3 {
            return Ok(None);
        }
        return Ok(Some(g.node("Col2Im", &[c.x(0), &image, &block], told)));
    }
    let rank = c.rank(0);
    let (mut name, mut shape) = (c.x(0).to_string(), c.inputs[0].shape[..rank - 2].to_vec());
    let mut pads = vec![0; 2 * rank];
    for (k, b) in by.iter().enumerate() {
        pads[rank - 2 + k] = b.padding as i64;
        pads[2 * rank - 2 + k] = b.padding as i64;
    }
    if pads.iter().any(|&p| p != 0) {
        let (pads, zero) = (g.ints(&pads)?, g.number(0, c.dtype())?);
        name = g.plain("Pad", &[&name, &pads, &zero]);
    }
    for (k, b) in by.iter().enumerate() {
        let at: Vec<i64> = (0..b.kernel * b.count)
            .map(|n| ((n % b.count) * b.stride + (n / b.count) * b.dilation) as i64)
            .collect();
        let at = g.ints(&at)?;
        let told = vec![("axis", super::graph::Attribute::Int((rank - 2 + k) as i64))];
        name = g.node("Gather", &[&name, &at], told);
        shape.extend([b.kernel, b.count].map(|n| Dim::of(n as i64)));
    }
    let name = g.reshape(&name, &shape)?;
    let mut order: Vec<usize> = (0..rank + 2).collect();
    order.swap(rank - 1, rank);
    let name = g.node("Transpose", &[&name], vec![("perm", Ints(ints(&order)))]);
    g.reshape(&name, &c.shape).map(Some)
}
