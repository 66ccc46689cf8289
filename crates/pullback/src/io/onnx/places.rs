//! Counterparts of what reads elements at places that are numbers themselves: tables, indices, grids.
//!
//! An index along a dimension is recorded in two steps, which places it means and what stands there; ONNX has one node for both.

use super::call::{Call, Written};
use super::graph::Attribute::{Int, Text};
use super::graph::Graph;
use super::shapes::merged;
use crate::core::fail::ensure;
use crate::{DType, Result, Shape, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    let along = |dim: usize| vec![("axis", Int(dim as i64))];
    if c.of::<ops::Embedding>().is_some() {
        return Ok(Some(g.node("Gather", &c.names(), along(0))));
    }
    if let Some(op) = c.of::<ops::Along>() {
        // Places in a row become elements where they are read.
        g.along(c.x(0), op.dim);
        return Ok(Some(Graph::places(c.x(0), op.dim)));
    }
    if c.of::<ops::Positions>().is_some() {
        return positions(g, c).map(Some);
    }
    if c.of::<ops::GridSample>().is_some() {
        return grid(g, c);
    }
    if c.of::<ops::Take>().is_some() {
        let row = g.ints(&[-1])?;
        let row = g.plain("Reshape", &[c.x(0), &row]);
        let found = g.node("Gather", &[&row, c.x(1)], along(0));
        // ONNX counts from the end where here nothing is.
        let (none, zero) = (g.number(0, DType::I64)?, g.number(0, c.dtype())?);
        let outside = g.plain("Less", &[c.x(1), &none]);
        return Ok(Some(g.plain("Where", &[&outside, &zero, &found])));
    }
    let Some(op) = c.of::<ops::IndexTake>() else {
        return Ok(None);
    };
    if let Some((index, dim)) = g.is_along(c.x(1)) {
        ensure!(
            op.at == 0 && op.count == c.rank(0),
            Unsupported,
            "an index of several dimensions has no counterpart in ONNX"
        );
        if let Some(values) = g.found(&index, &c.inputs[0], dim) {
            return g.reshape(&values, &c.shape).map(Some);
        }
        if c.rank(0) == 0 {
            return Ok(Some(c.x(0).to_string()));
        }
        return Ok(Some(g.node(
            "GatherElements",
            &[c.x(0), &index],
            along(dim),
        )));
    }
    let mut x = c.x(0).to_string();
    if op.count != 1 {
        x = g.reshape(&x, &merged(c, &c.inputs[0].shape, op.at, op.count)?)?;
    }
    Ok(Some(g.node("Gather", &[&x, c.x(1)], along(op.at))))
}

/// Places in a row that an index for each of several dimensions means together.
fn positions(g: &mut Graph, c: &Call<'_>) -> Result<String> {
    let shapes: Vec<&Shape> = c.all::<ops::Positions>().map(|op| &op.sizes).collect();
    let sizes = c.batches.shape(&shapes)?;
    let modulo = c.fixed(|op: &ops::Positions| op.modulo)?;
    let zero = g.number(0, DType::I64)?;
    let mut sum: Option<String> = None;
    for (k, size) in sizes.iter().enumerate() {
        let (x, n) = (c.x(k), g.size(*size)?);
        let at = match modulo {
            true => g.plain("Mod", &[x, &n]),
            false => {
                let (below, other) = (g.plain("Less", &[x, &zero]), g.plain("Add", &[x, &n]));
                g.plain("Where", &[&below, &other, x])
            }
        };
        let stride: i64 = c.sizes(&sizes[k + 1..])?.iter().product();
        let at = match stride {
            1 => at,
            _ => {
                let stride = g.number(stride, DType::I64)?;
                g.plain("Mul", &[&at, &stride])
            }
        };
        sum = Some(match sum {
            Some(sum) => g.plain("Add", &[&sum, &at]),
            None => at,
        });
    }
    Ok(sum.unwrap_or(zero))
}

/// An image read at the points of a grid.
fn grid(g: &mut Graph, c: &Call<'_>) -> Written {
    let how = c.fixed(|op: &ops::GridSample| op.how)?;
    if c.rank(0) != 4 || how.orders != [0; 3] {
        return Ok(None);
    }
    let between = match how.between {
        ops::Between::Bilinear => "bilinear",
        ops::Between::Nearest => "nearest",
        ops::Between::Bicubic => "bicubic",
    };
    let outside = match how.outside {
        ops::Outside::Zeros => "zeros",
        ops::Outside::Border => "border",
        ops::Outside::Reflection => "reflection",
    };
    let told = vec![
        ("mode", Text(between)),
        ("padding_mode", Text(outside)),
        ("align_corners", Int(i64::from(how.align))),
    ];
    Ok(Some(g.node("GridSample", &c.names(), told)))
}
