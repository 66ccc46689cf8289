//! Numbers in formulas that a recorded program keeps in double precision even where tensors have less: replayed in more digits, a
//! rule must have the same constants as the operation it belongs to.

use crate::core::tensor::Tensor;
use crate::ops::Scale;
use crate::{Array, DType, Dd, Number, Result};

/// A number in the dtype of `x`, as a tensor without dimensions.
pub(in crate::ops) fn number_like(x: &Tensor, value: f64) -> Result<Tensor> {
    let of = |n: f64| Array::number(n.into(), x.dtype()).map(Tensor::from_array);
    // A tensor of fewer digits would be all that a recorded program keeps of it.
    match f64::from(value as f32) == value || value.is_nan() || !is_narrow(x.dtype()) {
        true => of(value),
        false => Scale::of(&of(1.0)?, value.into()),
    }
}

fn is_narrow(dtype: DType) -> bool {
    dtype.is_float() && !matches!(dtype, DType::F64 | DType::Dd)
}

/// A number that follows from an operation's own by a sum, for a product with `x`: with all its digits where `x` has them, since the
/// operation itself computes with the number that it follows from.
pub(in crate::ops) fn derived(x: &Tensor, value: Dd) -> Number {
    match x.dtype() {
        DType::Dd if value != Dd::from(value.to_f64()) => Number::Dd(value),
        _ => Number::Float(value.to_f64()),
    }
}

/// `a·x`.
#[track_caller]
pub(in crate::ops) fn times(x: &Tensor, a: f64) -> Result<Tensor> {
    if x.dtype().is_float() {
        Scale::of(x, a.into())
    } else {
        x.mul(a)
    }
}

/// `x + a`.
#[track_caller]
pub(in crate::ops) fn plus(x: &Tensor, a: f64) -> Result<Tensor> {
    if f64::from(a as f32) == a || !x.dtype().is_float() {
        x.add(a)
    } else {
        x.add_scaled(&number_like(x, 1.0)?, a)
    }
}
