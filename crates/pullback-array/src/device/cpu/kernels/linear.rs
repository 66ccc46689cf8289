//! A fully connected layer: `x Wᵀ + b` in one pass over the result.

use super::matmul::{dot_shapes, product};
use crate::array::Array;
use crate::dispatch;
use crate::error::{Error, ErrorKind, Result};

/// `x Wᵀ + bias`: the last dimension of `x` (of 2 or more) goes from `in` to `out` numbers, `w` is (out, in) and the bias
/// (out). Floats only; the bits are those of the product and a sum.
///
/// # Errors
/// Where the shapes do not fit or the dtypes differ.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let x = Array::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let w = Array::from_slice(&[1.0f32, 0.0, 0.0, 3.0, 1.0, 1.0], [3, 2])?;
/// let b = Array::from_slice(&[0.5f32, 0.0, -1.0], [3])?;
/// assert_eq!(kernels::linear(&x, &w, Some(&b))?.to_vec::<f32>()?, [1.5, 6.0, 2.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn linear(x: &Array, w: &Array, bias: Option<&Array>) -> Result<Array> {
    let fail = |kind, text: &str| Err(Error::new(kind, text));
    if x.rank() < 2 || w.rank() != 2 {
        return fail(
            ErrorKind::Shape,
            "linear: a matrix of rows and one of weights are needed",
        );
    }
    let turned = w.transpose(0, 1)?;
    let shape = dot_shapes(x.shape(), turned.shape())?;
    if bias.is_some_and(|b| b.shape()[..] != w.shape()[..1]) {
        return fail(
            ErrorKind::Shape,
            "linear: the bias needs one number for each row of the weight",
        );
    }
    if w.dtype() != x.dtype() || bias.is_some_and(|b| b.dtype() != x.dtype()) {
        return fail(ErrorKind::DType, "linear: the operands need one dtype");
    }
    let x = match x.rank() {
        2 => x.clone(),
        _ => x.contiguous()?,
    };
    if x.dtype().is_narrow() && x.dtype().is_float() {
        return super::matmul_narrow::product(&x, &turned, bias, shape);
    }
    dispatch!(float x.dtype(), T => product::<T>(&x, &turned, bias, shape), else
        fail(ErrorKind::DType, "linear: the operands need to be floats"))
}
