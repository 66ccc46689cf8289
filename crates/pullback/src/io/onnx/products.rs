//! Counterparts of products of matrices, norms with weights, attention.

use super::call::{Call, Written};
use super::graph::Attribute::{Float, Int, Ints};
use super::graph::{Dim, Graph, Product};
use crate::{DType, Result, Tensor, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    for table in [products, norms, attention] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn products(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::Outer>().is_some() {
        let last = g.ints(&[1])?;
        let column = g.plain("Unsqueeze", &[c.x(0), &last]);
        return Ok(Some(g.plain("Mul", &[&column, c.x(1)])));
    }
    if c.of::<ops::Linear>().is_none() {
        return Ok(None);
    }
    let name = match c.rank(0) {
        2 => g.node("Gemm", &c.names(), vec![("transB", Int(1))]),
        _ => {
            let turned = g.node("Transpose", &[c.x(1)], vec![("perm", Ints(vec![1, 0]))]);
            let name = g.plain("MatMul", &[c.x(0), &turned]);
            match c.inputs.get(2) {
                Some(bias) => g.plain("Add", &[&name, &bias.name]),
                None => name,
            }
        }
    };
    let of = Product {
        x: c.x(0).to_string(),
        weight: c.x(1).to_string(),
        bias: c.inputs.get(2).map(|b| b.name.clone()),
        width: c.inputs[1].shape[1],
    };
    g.note_product(&name, of);
    Ok(Some(name))
}

/// `x` over its mean square, or over its spread around its mean, by the last dimensions.
fn normed(g: &mut Graph, c: &Call<'_>, dims: usize, eps: f64, centred: bool) -> Result<String> {
    let dims: Vec<usize> = (c.rank(0) - dims..c.rank(0)).collect();
    let mut x = c.x(0).to_string();
    if centred {
        let mean = c.reduced(g, "ReduceMean", &x, &dims, true)?;
        x = g.plain("Sub", &[&x, &mean]);
    }
    let square = g.plain("Mul", &[&x, &x]);
    let mean = c.reduced(g, "ReduceMean", &square, &dims, true)?;
    let eps = g.number(eps, c.dtype())?;
    let sum = g.plain("Add", &[&mean, &eps]);
    let root = g.plain("Sqrt", &[&sum]);
    let mut name = g.plain("Div", &[&x, &root]);
    for (kind, operand) in ["Mul", "Add"].into_iter().zip(&c.inputs[1..]) {
        name = g.plain(kind, &[&name, &operand.name]);
    }
    Ok(name)
}

fn norms(g: &mut Graph, c: &Call<'_>) -> Written {
    if let Some(op) = c.of::<ops::RmsNorm>() {
        return normed(g, c, op.dims, op.eps, false).map(Some);
    }
    let Some(op) = c.of::<ops::LayerNorm>() else {
        return Ok(None);
    };
    // ONNX's node takes means in single precision, and not of one number.
    let sizes = &c.inputs[0].shape[c.rank(0) - op.dims..];
    let few = c.sizes(sizes)?.iter().product::<i64>() <= 1;
    if few || c.dtype() == DType::F64 {
        return normed(g, c, op.dims, op.eps, true).map(Some);
    }
    let mut x = c.names();
    let own;
    if x.len() == 1 {
        let shape = c.sizes(&c.inputs[0].shape[c.rank(0) - op.dims..])?;
        let shape: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
        own = g.constant(None, Tensor::ones(shape, c.dtype())?);
        x.push(&own);
    }
    let told = vec![("axis", Int(-(op.dims as i64))), ("epsilon", Float(op.eps))];
    Ok(Some(g.node("LayerNormalization", &x, told)))
}

/// Softmax of rows that see no column beyond their own number.
fn causal(
    g: &mut Graph,
    c: &Call<'_>,
    scores: &str,
    sizes: [Dim; 2],
    rank: usize,
) -> Result<String> {
    let sizes: Vec<usize> = c.sizes(&sizes)?.iter().map(|&n| n as usize).collect();
    let seen = Tensor::ones(sizes, DType::F32)?.tril(0)?.to(DType::Bool)?;
    let (seen, none) = (
        g.constant(None, seen),
        g.number(f64::NEG_INFINITY, c.dtype())?,
    );
    let scores = g.plain("Where", &[&seen, scores, &none]);
    Ok(g.node("Softmax", &[&scores], vec![("axis", Int(rank as i64 - 1))]))
}

fn attention(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::CausalSoftmax>().is_some() {
        let rank = c.rank(0);
        let last = [c.shape[rank - 2], c.shape[rank - 1]];
        return causal(g, c, c.x(0), last, rank).map(Some);
    }
    let Some(op) = c.of::<ops::BlockAttention>() else {
        return Ok(None);
    };
    let scale = g.number(op.scale, c.dtype())?;
    let queries = g.plain("Mul", &[c.x(0), &scale]);
    let keys = g.node("Transpose", &[c.x(1)], vec![("perm", Ints(vec![0, 2, 1]))]);
    let scores = g.plain("MatMul", &[&queries, &keys]);
    let weights = match op.causal {
        true => {
            let sizes = [c.inputs[0].shape[1], c.inputs[1].shape[1]];
            causal(g, c, &scores, sizes, 3)?
        }
        false => g.node("Softmax", &[&scores], vec![("axis", Int(2))]),
    };
    Ok(Some(g.plain("MatMul", &[&weights, c.x(2)])))
}
