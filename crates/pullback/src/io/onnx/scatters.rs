//! Counterparts of what writes elements at places that are numbers themselves: rows replaced, added, multiplied, compared; and the places of classes.

use super::call::{Call, Written, ints};
use super::graph::Attribute::{Int, Ints, Text};
use super::graph::Graph;
use super::shapes::merged;
use crate::core::fail::ensure;
use crate::{DType, Result, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::ClassPositions>().is_some() {
        return classes(g, c).map(Some);
    }
    if let Some(op) = c.of::<ops::ScatterReduce>() {
        let kind = match op.reduce {
            ops::Reduce::Prod => "mul",
            ops::Reduce::Amax => "max",
            ops::Reduce::Amin => "min",
            _ => return Ok(None),
        };
        let (x, rank) = (c.x(0).to_string(), c.rank(0));
        return put(g, c, (x, c.x(1), c.x(2)), (0, rank), kind).map(Some);
    }
    if let Some(op) = c.of::<ops::IndexPut>() {
        let kind = if op.accumulate { "add" } else { "none" };
        let x = c.x(0).to_string();
        return put(g, c, (x, c.x(1), c.x(2)), (op.at, op.count), kind).map(Some);
    }
    let Some(op) = c.of::<ops::IndexAddUp>() else {
        return Ok(None);
    };
    let (zero, to) = (g.number(0, c.dtype())?, g.dims(&c.shape)?);
    let x = g.plain("Expand", &[&zero, &to]);
    put(g, c, (x, c.x(1), c.x(0)), (op.at, op.count), "add").map(Some)
}

/// `src` at places among `count` dimensions of `x`, from dimension `at` on.
fn put(
    g: &mut Graph,
    c: &Call<'_>,
    (x, index, src): (String, &str, &str),
    (at, count): (usize, usize),
    kind: &'static str,
) -> Result<String> {
    let rank = c.shape.len();
    if let Some((index, dim)) = g.is_along(index) {
        ensure!(
            at == 0 && count == rank && rank > 0,
            Unsupported,
            "an index of several dimensions has no counterpart in ONNX"
        );
        let told = vec![("axis", Int(dim as i64)), ("reduction", Text(kind))];
        return Ok(g.node("ScatterElements", &[&x, &index, src], told));
    }
    let places = (c.inputs.iter()).find(|v| v.name == index);
    let many = places.map_or(0, |v| v.shape.len());
    let mut x = g.reshape(&x, &merged(c, &c.shape, at, count)?)?;
    let mut src = src.to_string();
    let width = rank - count + 1;
    let moved = |from: usize, of: usize, all: usize| -> Vec<usize> {
        ((from..from + of).chain(0..from))
            .chain(from + of..all)
            .collect()
    };
    let turn = |g: &mut Graph, x: &str, order: &[usize]| {
        g.node("Transpose", &[x], vec![("perm", Ints(ints(order)))])
    };
    if at > 0 {
        // ONNX writes along the first dimension.
        x = turn(g, &x, &moved(at, 1, width));
        src = turn(g, &src, &moved(at, many, width - 1 + many));
    }
    let last = g.ints(&[-1])?;
    let index = g.plain("Unsqueeze", &[index, &last]);
    let told = vec![("reduction", Text(kind))];
    let mut name = g.node("ScatterND", &[&x, &index, &src], told);
    if at > 0 {
        let back: Vec<usize> = (1..=at).chain([0]).chain(at + 1..width).collect();
        name = turn(g, &name, &back);
    }
    g.reshape(&name, &c.shape)
}

/// Where the scores of classes are, in a row; -1 for those that are passed over.
fn classes(g: &mut Graph, c: &Call<'_>) -> Result<String> {
    let (many, ignored) = c.fixed(|op: &ops::ClassPositions| (op.classes, op.ignore_index))?;
    let number = |g: &mut Graph, n: i64| g.number(n, DType::I64);
    let mut at = c.x(0).to_string();
    if let [samples, inner @ ..] = &c.shape[..] {
        let sizes = c.sizes(inner)?;
        let inner: i64 = sizes.iter().product();
        let (zero, one, end) = (number(g, 0)?, number(g, 1)?, g.size(*samples)?);
        let step = number(g, many as i64)?;
        let rows = g.plain("Range", &[&zero, &end, &one]);
        let rows = g.plain("Mul", &[&rows, &step]);
        let column = g.ints(&[&[-1][..], &vec![1; sizes.len()]].concat())?;
        let rows = g.plain("Reshape", &[&rows, &column]);
        at = g.plain("Add", &[&at, &rows]);
        if !sizes.is_empty() {
            let step = number(g, inner)?;
            let shape: Vec<usize> = sizes.iter().map(|&n| n as usize).collect();
            let own = crate::Tensor::arange(inner as usize)?.reshape(shape)?;
            let own = g.constant(None, own);
            at = g.plain("Mul", &[&at, &step]);
            at = g.plain("Add", &[&at, &own]);
        }
    }
    let (ignored, none) = (number(g, ignored)?, number(g, -1)?);
    let over = g.plain("Equal", &[c.x(0), &ignored]);
    Ok(g.plain("Where", &[&over, &none, &at]))
}
