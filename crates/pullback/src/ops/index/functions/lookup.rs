//! Elements looked up: coordinates of places, places of elements, membership; rows reduced where an index names.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, ensure};
use crate::core::watch;
use crate::{DType, Device, Number, Operand, Result, Tensor, cat, on_device, result_type};
use std::cmp::Ordering;

/// Coordinates of places in a flattened array.
fn unravel_index(indices: &Tensor, shape: &[i64]) -> Result<Value> {
    if indices.dtype().is_float() || indices.dtype() == DType::Bool {
        bail!(
            Type,
            "expected 'indices' to be integer dtype, but got torch.{}",
            indices.dtype()
        );
    }
    if shape.iter().any(|&n| n < 0) {
        let list: Vec<String> = shape.iter().map(i64::to_string).collect();
        let list = match list.len() {
            1 => format!("({},)", list[0]),
            _ => format!("({})", list.join(", ")),
        };
        bail!(Value, "'shape' cannot have negative values, but got {list}");
    }
    let indices = indices.to(DType::I64)?;
    let mut behind = 1;
    let mut out = Vec::new();
    for &n in shape.iter().rev() {
        let at = indices.div_rounded(behind, Some(crate::Rounding::Floor))?;
        out.push(at.remainder(n)?);
        // Beyond 64 bits every position is 0, as behind the largest number there is.
        behind = n.max(1).saturating_mul(behind);
    }
    out.reverse();
    Value::tuple(out)
}

fn nonzero_static(x: &Tensor, size: i64, fill: i64) -> Result<Tensor> {
    let Ok(size) = usize::try_from(size) else {
        bail!(
            Shape,
            "nonzero_static: 'size' must be an non-negative integer"
        );
    };
    if x.device() == Device::Meta {
        return on_device(Device::Meta, || {
            Tensor::full([size, x.ndim()], fill, DType::I64)
        });
    }
    watch::looked(x);
    let found = x.nonzero()?;
    let (n, rank) = (found.shape()[0], found.shape()[1]);
    let kept = found.narrow(0, 0, n.min(size))?;
    if n >= size {
        return kept.copy();
    }
    let rest = Tensor::full([size - n, rank], fill, DType::I64)?;
    cat(&[&kept, &rest], 0)
}

fn isin(a: &Args<'_>) -> Result<Value> {
    let (elements, test) = (a.operand("elements")?, a.operand("test_elements")?);
    let (x, y) = match (elements, test) {
        (Operand::Tensor(x), Operand::Tensor(y)) => (x.clone(), y.clone()),
        // One that the integers' dtype does not hold is none of them.
        (Operand::Tensor(x), Operand::Number(n)) if n.beside(x.dtype()) != Ordering::Equal => {
            return Tensor::full(x.shape().clone(), a.bool("invert")?, DType::Bool).into_value();
        }
        (Operand::Number(n), Operand::Tensor(y)) if n.beside(y.dtype()) != Ordering::Equal => {
            return Tensor::full([], a.bool("invert")?, DType::Bool).into_value();
        }
        (Operand::Tensor(x), Operand::Number(n)) => (x.clone(), number_as(n, x)?),
        (Operand::Number(n), Operand::Tensor(y)) => (number_as(n, y)?, y.clone()),
        _ => return Err(crate::ops::math::functions::logic::two_numbers("isin")),
    };
    let (x, y) = (x.detach(), y.detach());
    let dtype = result_type(&x, &y);
    if [x.dtype(), y.dtype()].contains(&DType::Bool) {
        bail!(
            Unsupported,
            "Unsupported input type encountered for isin(): Bool"
        );
    }
    if [&x, &y].iter().any(|t| t.device() == Device::Meta) {
        let none = || Tensor::full(x.shape().clone(), false, DType::Bool);
        return on_device(Device::Meta, none).into_value();
    }
    if watch::varies(&y) {
        let found = x.to(dtype)?.unsqueeze(-1)?.eq(&y.to(dtype)?.flatten()?)?;
        let found = found.any(&[-1], false)?;
        return match a.bool("invert")? {
            true => found.logical_not().into_value(),
            false => found.into_value(),
        };
    }
    // Sorted once, then looked up: each number in n log m.
    let y = y.to(dtype)?.flatten()?;
    // NaN equals nothing, and has no place in an order.
    let y = match dtype.is_float() {
        true => y.masked_select(&y.isnan()?.logical_not()?)?,
        false => y,
    };
    let (sorted, _) = y.sort(0, false)?;
    let x = x.to(dtype)?;
    let invert = a.bool("invert")?;
    let n = sorted.numel();
    if n == 0 || x.numel() == 0 {
        return Tensor::full(x.shape().clone(), invert && n == 0, DType::Bool).into_value();
    }
    let at = sorted.searchsorted(&x, false)?;
    let at = at.clamp_max(n as i64 - 1)?;
    let found = sorted.take(&at)?.eq(&x)?;
    match invert {
        true => found.logical_not().into_value(),
        false => found.into_value(),
    }
}

/// A number beside a tensor, in the dtype of its own kind.
fn number_as(n: Number, beside: &Tensor) -> Result<Tensor> {
    match n {
        Number::UInt(_) => beside.number_like(n),
        _ => Tensor::full([], n, n.default_dtype()),
    }
}

fn index_reduce(a: &Args<'_>) -> Result<Value> {
    let (x, index, source) = (a.tensor("input")?, a.tensor("index")?, a.tensor("source")?);
    let reduce = a.str("reduce")?;
    if !["prod", "mean", "amax", "amin"].contains(&reduce) {
        bail!(
            Shape,
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        );
    }
    let dim = x.shape().dim(a.int("dim")?)?;
    if index.ndim() > 1 {
        bail!(Index, "index_reduce_(): Index is supposed to be a vector");
    }
    ensure!(
        index.numel() == source.shape().get(dim).copied().unwrap_or(1),
        Shape,
        "index_reduce_(): Number of indices ({}) should be equal to source.size(dim): ({}), for dim: {dim}",
        index.numel(),
        source.shape().get(dim).copied().unwrap_or(1)
    );
    let reduce = crate::Reduce::from_name(reduce)?;
    let mut shape = vec![1i64; source.ndim().max(1)];
    shape[dim] = index.numel() as i64;
    let spread = match source.ndim() {
        0 => index.reshape([0i64; 0])?,
        _ => index.to(DType::I64)?.reshape(shape)?.expand_as(source)?,
    };
    x.scatter_reduce(dim as i64, &spread, source, reduce, a.bool("include_self")?)
        .into_value()
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("unravel_index(Tensor indices, int[] shape) -> Tensor[]", "torch", |a| {
        unravel_index(a.tensor("indices")?, &a.ints("shape")?)
    })
    .about("Coordinates of places in a flattened array.", "(i // n₁ …) mod nₖ")
    .exact()
    .samples(&["I(4, 6), (2, 3)", "I[[5, 0], [3, 2]], (3, 2)", "I[4], 5", "I(0, 2), (2, 3)", "I[5].i32, (2, 3)"])
    .errors(&["T(2), (2, 3)", "I[1], (2, -3)"]),
    Function::new("nonzero_static(Tensor input, *, int size, int fill_value=-1) -> Tensor", "torch Tensor", |a| {
        nonzero_static(a.tensor("input")?, a.int("size")?, a.int("fill_value")?).into_value()
    })
    .about("Places of elements that are not zero, as many as asked for.", "i with xᵢ ≠ 0")
    .exact()
    .samples(&["I[[1, 0], [0, 2]], size=3", "I[1, 0, 3], size=1", "T(2,3), size=2", "B[True, False], size=2, fill_value=7", "I[0, 0], size=0"])
    .errors(&["I[1], size=-1"]),
    Function::new("isin(Tensor|number elements, Tensor|number test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor", "torch", isin)
        .about("Which elements are among others.", "xᵢ ∈ {yⱼ}")
        .exact()
        .samples(&["I[[1, 2], [3, 4]], I[2, 3]", "T[1.5, 2.0], T[2.0]", "I(3, 5), 2", "2, I(3, 5)", "I(4, 3), I(0, 3)", "I(0, 3), I[1]", "I[1, 2], I[1], invert=True", "I[1, 2], I[1], assume_unique=True", "I[1, 2], T[1.0, 2.5]"])
        .edges(&["T[nan, 1.0, inf], T[nan, inf]"])
        .errors(&["1, 2", "B[True, False], B[True]"]),
    Function::new("index_reduce(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor", "torch Tensor", index_reduce)
    .node("IndexReduceBackward0")
    .about("Rows of a source reduced into the rows that an index names.", "y[index[i]] = reduce(y[index[i]], s[i])")
        .in_place()
        .samples(&["T(3,2), 0, I[0, 2, 0], T(3,2), 'prod'", "T(2,3), 1, I[1, 1], T(2,2), 'mean'", "T(3), 0, I[2, 1], T(2), 'amax'", "T(3,2).t, 1, I[0, 0], T(3,2).t, 'amin'", "T(3), 0, I[1, 1], T(2), 'mean', include_self=False", "T(3), 0, I[1, 1], T(2), 'amax', include_self=False", "T(3), 0, I(0, 3), T(0), 'prod'"])
        .errors(&["T(3), 0, I[1], T(1), 'sum'", "T(3), 0, I[1, 2], T(1), 'prod'"]),
];
