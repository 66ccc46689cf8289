//! Numbers in formulas that a recorded program keeps in double precision even where tensors have less: replayed in more digits, a
//! rule must have the same constants as the operation it belongs to.

use crate::core::tensor::Tensor;
use crate::ops::Scale;
use crate::{Array, Result};

/// A number in the dtype of `x`, as a tensor without dimensions.
pub(in crate::ops) fn number_like(x: &Tensor, value: f64) -> Result<Tensor> {
    Ok(Tensor::from_array(Array::number(value.into(), x.dtype())?))
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
