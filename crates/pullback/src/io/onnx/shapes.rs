//! Counterparts of what moves elements by their places alone: shapes, pieces, borders.

use super::call::{Call, Written, ints};
use super::graph::Attribute::{Int, Ints};
use super::graph::{Dim, Graph};
use crate::{DType, Result, Tensor, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    for table in [orders, pieces, joined, bordered, windows] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn orders(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::Reshape>().is_some() {
        return g.reshape(c.x(0), &c.shape).map(Some);
    }
    if c.of::<ops::Permute>().is_some() {
        let order = c.fixed(|op: &ops::Permute| op.order.clone())?;
        let told = vec![("perm", Ints(ints(&order)))];
        return Ok(Some(g.node("Transpose", &[c.x(0)], told)));
    }
    if c.of::<ops::Expand>().is_some() {
        let to = g.dims(&c.shape)?;
        return Ok(Some(g.plain("Expand", &[c.x(0), &to])));
    }
    if c.of::<ops::Copy>().is_some() {
        let right = c.cast(g, 1, c.dtype())?;
        let to = g.dims(&c.shape)?;
        return Ok(Some(g.plain("Expand", &[&right, &to])));
    }
    if c.of::<ops::Flip>().is_some() {
        let dims = c.fixed(|op: &ops::Flip| op.dims.clone())?;
        if dims.is_empty() || c.rank(0) == 0 {
            return Ok(Some(c.x(0).to_string()));
        }
        let (from, to) = (
            g.ints(&vec![-1; dims.len()])?,
            g.ints(&vec![i64::MIN + 1; dims.len()])?,
        );
        let axes = g.ints(&ints(&dims))?;
        return Ok(Some(g.plain("Slice", &[c.x(0), &from, &to, &axes, &from])));
    }
    Ok(None)
}

fn pieces(g: &mut Graph, c: &Call<'_>) -> Written {
    if let Some(op) = c.of::<ops::Select>() {
        let at = c.place(|op: &ops::Select| op.index)?;
        let at = g.size(at)?;
        let told = vec![("axis", Int(op.dim as i64))];
        return Ok(Some(g.node("Gather", &[c.x(0), &at], told)));
    }
    if let Some(op) = c.of::<ops::Slice>() {
        let start = c.place(|op: &ops::Slice| op.start)?;
        let end = c.place(|op: &ops::Slice| match op.len {
            0 => op.start,
            len => op.start + (len - 1) * op.step + 1,
        })?;
        let step = c.fixed(|op: &ops::Slice| op.step)?;
        let (start, end) = (g.dims(&[start])?, g.dims(&[end])?);
        let (axes, steps) = (g.ints(&[op.dim as i64])?, g.ints(&[step as i64])?);
        return Ok(Some(
            g.plain("Slice", &[c.x(0), &start, &end, &axes, &steps]),
        ));
    }
    let (upper, diagonal) = match (c.of::<ops::Tril>(), c.of::<ops::Triu>()) {
        (Some(_), _) => (0, c.fixed(|op: &ops::Tril| op.diagonal)?),
        (_, Some(_)) => (1, c.fixed(|op: &ops::Triu| op.diagonal)?),
        _ => return Ok(None),
    };
    let diagonal = g.number(diagonal, DType::I64)?;
    let told = vec![("upper", Int(upper))];
    Ok(Some(g.node("Trilu", &[c.x(0), &diagonal], told)))
}

fn joined(g: &mut Graph, c: &Call<'_>) -> Written {
    let Some(op) = c.of::<ops::Cat>() else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for (k, v) in c.inputs.iter().enumerate() {
        // PyTorch passes over empty vectors beside other shapes.
        if v.shape.len() == c.shape.len() {
            parts.push(c.cast(g, k, c.dtype())?);
        }
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let told = vec![("axis", Int(op.dim as i64))];
    Ok(Some(g.node("Concat", &parts, told)))
}

fn bordered(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::Pad>().is_none() {
        return Ok(None);
    }
    let (by, value) = c.fixed(|op: &ops::Pad| (op.by.clone(), op.value))?;
    if by.iter().all(|b| *b == (0, 0)) {
        return Ok(Some(c.x(0).to_string()));
    }
    let both: Vec<i64> = (by.iter().map(|b| b.0))
        .chain(by.iter().map(|b| b.1))
        .collect();
    let wide = match c.dtype() {
        DType::Bool => DType::I32,
        dtype => dtype,
    };
    let x = c.cast(g, 0, wide)?;
    let (pads, value) = (g.ints(&both)?, g.number(value, wide)?);
    let name = g.plain("Pad", &[&x, &pads, &value]);
    g.cast(&name, wide, c.dtype()).map(Some)
}

/// Windows of a dimension, as a new last one.
fn windows(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::Unfold>().is_none() || c.rank(0) == 0 {
        return Ok(None);
    }
    let (dim, size, step) = c.fixed(|op: &ops::Unfold| (op.dim, op.size, op.step))?;
    let many = c.sizes(&[c.shape[dim]])?[0];
    let at: Vec<i64> = (0..many)
        .flat_map(|w| (0..size as i64).map(move |k| w * step as i64 + k))
        .collect();
    let at = g.constant(None, Tensor::from_slice(&at, [many as usize, size])?);
    let picked = g.node("Gather", &[c.x(0), &at], vec![("axis", Int(dim as i64))]);
    let mut order: Vec<usize> = (0..=c.rank(0)).collect();
    let last = order.remove(dim + 1);
    order.push(last);
    Ok(Some(g.node(
        "Transpose",
        &[&picked],
        vec![("perm", Ints(ints(&order)))],
    )))
}

/// Sizes of which some in a row are joined to one. The first of these may follow the batch.
pub(super) fn merged(c: &Call<'_>, shape: &[Dim], at: usize, count: usize) -> Result<Vec<Dim>> {
    let joined = match &shape[at..at + count] {
        [first, rest @ ..] => {
            let rest: i64 = c.sizes(rest)?.iter().product();
            Dim {
                per: first.per * rest,
                plus: first.plus * rest,
            }
        }
        [] => Dim::of(1),
    };
    let mut shape = shape.to_vec();
    shape.splice(at..at + count, [joined]);
    Ok(shape)
}
