//! Counterparts of reductions, running sums and orders.

use super::call::{Call, Written};
use super::graph::Attribute::Int;
use super::graph::{Found, Graph};
use crate::{DType, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    for table in [sums, extremes, truths, positions, spreads, norms, orders] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// What an operation is over, if it is of this kind: dimensions, and whether they stay.
macro_rules! over {
    ($c:ident, $op:ident) => {
        match $c.of::<ops::$op>() {
            Some(_) => Some($c.fixed(|op: &ops::$op| (op.dims.clone(), op.keepdim))?),
            None => None,
        }
    };
}

fn sums(g: &mut Graph, c: &Call<'_>) -> Written {
    if let Some((dims, keepdim)) = over!(c, Sum) {
        let x = c.cast(g, 0, c.dtype())?;
        return c.reduced(g, "ReduceSum", &x, &dims, keepdim).map(Some);
    }
    if let Some((dims, keepdim)) = over!(c, Mean) {
        return (c.reduced(g, "ReduceMean", c.x(0), &dims, keepdim)).map(Some);
    }
    if let Some((dims, keepdim)) = over!(c, NanSum) {
        if !c.inputs[0].dtype.is_float() {
            let x = c.cast(g, 0, c.dtype())?;
            return c.reduced(g, "ReduceSum", &x, &dims, keepdim).map(Some);
        }
        let (nan, zero) = (g.plain("IsNaN", &[c.x(0)]), g.number(0.0, c.dtype())?);
        let x = g.plain("Where", &[&nan, &zero, c.x(0)]);
        return c.reduced(g, "ReduceSum", &x, &dims, keepdim).map(Some);
    }
    if let Some((dims, keepdim)) = over!(c, LogSumExp) {
        return (c.reduced(g, "ReduceLogSumExp", c.x(0), &dims, keepdim)).map(Some);
    }
    if c.of::<ops::Prod>().is_some() {
        let (dim, keepdim) = c.fixed(|op: &ops::Prod| (op.dim, op.keepdim))?;
        let x = c.cast(g, 0, c.dtype())?;
        let dims = dim.map_or_else(|| (0..c.rank(0)).collect(), |d| vec![d]);
        let dims = if c.rank(0) == 0 { vec![] } else { dims };
        return c.reduced(g, "ReduceProd", &x, &dims, keepdim).map(Some);
    }
    if c.of::<ops::CumSum>().is_some() && c.rank(0) > 0 {
        let (dim, reverse) = c.fixed(|op: &ops::CumSum| (op.dim, op.reverse))?;
        let (x, axis) = (c.cast(g, 0, c.dtype())?, g.number(dim as i64, DType::I64)?);
        let told = vec![("reverse", Int(i64::from(reverse)))];
        return Ok(Some(g.node("CumSum", &[&x, &axis], told)));
    }
    Ok(None)
}

fn extremes(g: &mut Graph, c: &Call<'_>) -> Written {
    let all = || (0..c.rank(0)).collect::<Vec<usize>>();
    let (kind, dims, keepdim) = if let Some((dims, keepdim)) = over!(c, Amax) {
        ("ReduceMax", dims, keepdim)
    } else if let Some((dims, keepdim)) = over!(c, Amin) {
        ("ReduceMin", dims, keepdim)
    } else if c.of::<ops::Max>().is_some() {
        ("ReduceMax", all(), false)
    } else if c.of::<ops::Min>().is_some() {
        ("ReduceMin", all(), false)
    } else {
        return Ok(None);
    };
    let wide = match c.dtype() {
        DType::Bool | DType::I16 | DType::U16 => DType::I32,
        dtype => dtype,
    };
    let x = c.cast(g, 0, wide)?;
    let name = c.reduced(g, kind, &x, &dims, keepdim)?;
    g.cast(&name, wide, c.dtype()).map(Some)
}

/// Whether all or any elements are true, and how many are.
fn truths(g: &mut Graph, c: &Call<'_>) -> Written {
    let (kind, (dims, keepdim)) = if let Some(over) = over!(c, All) {
        ("ReduceProd", over)
    } else if let Some(over) = over!(c, Any) {
        ("ReduceSum", over)
    } else if let Some(over) = over!(c, CountNonzero) {
        ("ReduceSum", over)
    } else {
        return Ok(None);
    };
    let truth = c.cast(g, 0, DType::Bool)?;
    let number = g.cast(&truth, DType::Bool, DType::I32)?;
    let name = c.reduced(g, kind, &number, &dims, keepdim)?;
    if kind == "ReduceSum" && c.of::<ops::Any>().is_some() {
        let some = g.cast(&name, DType::I32, DType::Bool)?;
        return g.cast(&some, DType::Bool, c.dtype()).map(Some);
    }
    g.cast(&name, DType::I32, c.dtype()).map(Some)
}

/// Where the largest and smallest elements are.
fn positions(g: &mut Graph, c: &Call<'_>) -> Written {
    let (kind, (dims, keepdim)) = if let Some(over) = over!(c, Argmax) {
        ("ArgMax", over)
    } else if let Some(over) = over!(c, Argmin) {
        ("ArgMin", over)
    } else {
        return Ok(None);
    };
    let told = |axis: usize, keepdim: bool| {
        vec![
            ("axis", Int(axis as i64)),
            ("keepdims", Int(i64::from(keepdim))),
        ]
    };
    let wide = match c.inputs[0].dtype {
        DType::I64 | DType::Bool | DType::I16 => DType::I32,
        dtype => dtype,
    };
    // ONNX's programs look for places of 32 bits' integers alone, which do not hold all of 64.
    if c.inputs[0].dtype == DType::I64 {
        return Ok(None);
    }
    let x = c.cast(g, 0, wide)?;
    if let ([dim], 1..) = (&dims[..], c.rank(0)) {
        return Ok(Some(g.node(kind, &[&x], told(*dim, keepdim))));
    }
    if dims.len() != c.rank(0) && c.rank(0) > 0 {
        return Ok(None);
    }
    let row = g.ints(&[-1])?;
    let row = g.plain("Reshape", &[&x, &row]);
    let name = g.node(kind, &[&row], told(0, false));
    g.reshape(&name, &c.shape).map(Some)
}

/// Variances and their roots.
fn spreads(g: &mut Graph, c: &Call<'_>) -> Written {
    let (root, over) = match (c.of::<ops::Var>(), c.of::<ops::Std>()) {
        (Some(_), _) => (false, c.fixed(|op: &ops::Var| parts(&op.0))?),
        (_, Some(_)) => (true, c.fixed(|op: &ops::Std| parts(&op.0))?),
        _ => return Ok(None),
    };
    let (dims, correction, keepdim) = over;
    let sizes: Vec<_> = (dims.iter())
        .filter_map(|&d| c.inputs[0].shape.get(d).copied())
        .collect();
    let many: i64 = c.sizes(&sizes)?.iter().product();
    let dims = if c.rank(0) == 0 { vec![] } else { dims };
    let mean = c.reduced(g, "ReduceMean", c.x(0), &dims, true)?;
    let rest = g.plain("Sub", &[c.x(0), &mean]);
    let square = g.plain("Mul", &[&rest, &rest]);
    let total = c.reduced(g, "ReduceSum", &square, &dims, keepdim)?;
    // What is left is no number where there are too few, as in PyTorch.
    let count = g.number((many as f64 - correction).max(0.0), c.dtype())?;
    let var = g.plain("Div", &[&total, &count]);
    Ok(Some(match root {
        true => g.plain("Sqrt", &[&var]),
        false => var,
    }))
}

fn parts(over: &ops::Over) -> (Vec<usize>, f64, bool) {
    (over.dims.clone(), over.correction, over.keepdim)
}

fn norms(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::ExtremeNorm>().is_some() {
        let (largest, dims, keepdim) =
            c.fixed(|op: &ops::ExtremeNorm| (op.largest, op.dims.clone(), op.keepdim))?;
        let kind = if largest { "ReduceMax" } else { "ReduceMin" };
        let size = g.plain("Abs", &[c.x(0)]);
        return c.reduced(g, kind, &size, &dims, keepdim).map(Some);
    }
    if c.of::<ops::VectorNorm>().is_none() {
        return Ok(None);
    }
    let (ord, dims, keepdim) =
        c.fixed(|op: &ops::VectorNorm| (op.ord, op.dims.clone(), op.keepdim))?;
    let dtype = c.dtype();
    Ok(Some(match ord {
        2.0 => c.reduced(g, "ReduceL2", c.x(0), &dims, keepdim)?,
        1.0 => c.reduced(g, "ReduceL1", c.x(0), &dims, keepdim)?,
        0.0 => {
            let truth = g.cast(c.x(0), dtype, DType::Bool)?;
            let number = g.cast(&truth, DType::Bool, dtype)?;
            c.reduced(g, "ReduceSum", &number, &dims, keepdim)?
        }
        ord => {
            let (power, root) = (g.number(ord, dtype)?, g.number(1.0 / ord, dtype)?);
            let size = g.plain("Abs", &[c.x(0)]);
            let size = g.plain("Pow", &[&size, &power]);
            let total = c.reduced(g, "ReduceSum", &size, &dims, keepdim)?;
            g.plain("Pow", &[&total, &root])
        }
    }))
}

/// Positions of elements in order; what stands there, the same node gives.
fn orders(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.inputs.len() != 1 || c.rank(0) == 0 || c.inputs[0].dtype == DType::Bool {
        return Ok(None);
    }
    let (many, dim, largest, sorted) = if c.of::<ops::Topk>().is_some() {
        c.fixed(|op: &ops::Topk| (op.k as i64, op.dim, op.largest, op.sorted))?
    } else if c.of::<ops::Argsort>().is_some() {
        let (dim, descending) = c.fixed(|op: &ops::Argsort| (op.dim, op.descending))?;
        let many = c.sizes(&[c.inputs[0].shape[dim]])?[0];
        (many, dim, descending, true)
    } else {
        return Ok(None);
    };
    let told = vec![
        ("axis", Int(dim as i64)),
        ("largest", Int(i64::from(largest))),
        ("sorted", Int(i64::from(sorted))),
    ];
    let many = g.ints(&[many])?;
    let mut made = g.nodes("TopK", &[c.x(0), &many], told, 2);
    let places = made.swap_remove(1);
    let found = Found {
        values: made.swap_remove(0),
        source: c.x(0).to_string(),
        dim,
        plane: None,
    };
    g.found_at(&places, found);
    Ok(Some(places))
}
