//! The right-hand side of an arithmetic operation: a tensor or a number, and what dtype the pair is computed in.
//!
//! PyTorch's promotion: dimensioned tensors decide among themselves; tensors without dimensions, and then plain
//! numbers, count only if their category (bool < integer < float) is higher.

use crate::tensor::Tensor;
use crate::{Array, Category, DType, Number, Result};
use std::borrow::Cow;
use std::panic::Location;

/// A tensor or a number.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A tensor.
    Tensor(&'a Tensor),
    /// A number; it takes the tensor's dtype unless its category is higher.
    Number(Number),
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    #[inline]
    fn from(t: &'a Tensor) -> Self {
        Operand::Tensor(t)
    }
}

impl<N: Into<Number>> From<N> for Operand<'_> {
    #[inline]
    fn from(n: N) -> Self {
        Operand::Number(n.into())
    }
}

/// The dtype of a result of two tensors: PyTorch's `result_type`.
///
/// ```
/// use pullback::{DType, Tensor, result_type};
/// let counts = Tensor::arange(3)?;
/// assert_eq!(result_type(&counts, &Tensor::scalar(0.5f64)), DType::F64);
/// assert_eq!(result_type(&Tensor::zeros([3], DType::F32)?, &Tensor::scalar(0.5f64)), DType::F32);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn result_type(a: &Tensor, b: &Tensor) -> DType {
    let (da, db) = (a.dtype(), b.dtype());
    if da == db {
        return da;
    }
    let (high, low) = match (a.ndim(), b.ndim()) {
        (0, 0) => return da.promote(db),
        (0, _) => (db, da),
        (_, 0) => (da, db),
        _ => return da.promote(db),
    };
    if low.category() > high.category() {
        high.promote(low)
    } else {
        high
    }
}

/// The dtype of a result of a tensor and a plain number.
pub(crate) fn result_type_number(a: DType, n: Number) -> DType {
    if let (Number::Dd(_), Category::Float) = (n, a.category()) {
        return DType::Dd; // a 32-digit number is never meant to be rounded to 7
    }
    if n.category() > a.category() {
        a.promote(n.default_dtype())
    } else {
        a
    }
}

/// Both operands in their common dtype.
#[inline]
pub(crate) fn promote<'a>(
    a: &'a Tensor,
    b: Operand<'a>,
    site: &'static Location<'static>,
) -> Result<(Cow<'a, Tensor>, Cow<'a, Tensor>)> {
    match b {
        Operand::Tensor(b) if a.dtype() == b.dtype() => Ok((Cow::Borrowed(a), Cow::Borrowed(b))),
        Operand::Tensor(b) => {
            let dtype = result_type(a, b);
            Ok((converted(a, dtype, site)?, converted(b, dtype, site)?))
        }
        Operand::Number(n) => {
            let dtype = result_type_number(a.dtype(), n);
            let b = Tensor::from_array(Array::number(n, dtype)?);
            Ok((converted(a, dtype, site)?, Cow::Owned(b)))
        }
    }
}

/// The tensor in a dtype; itself where it has it already.
#[inline]
pub(crate) fn converted<'a>(
    t: &'a Tensor,
    dtype: DType,
    site: &'static Location<'static>,
) -> Result<Cow<'a, Tensor>> {
    if t.dtype() == dtype {
        return Ok(Cow::Borrowed(t));
    }
    crate::apply::apply(super::To { dtype }, &[t], site).map(Cow::Owned)
}

/// The tensor in a floating dtype: integers become PyTorch's default, float32.
#[inline]
pub(crate) fn floating<'a>(
    t: &'a Tensor,
    site: &'static Location<'static>,
) -> Result<Cow<'a, Tensor>> {
    if t.dtype().is_float() {
        Ok(Cow::Borrowed(t))
    } else {
        converted(t, DType::F32, site)
    }
}
