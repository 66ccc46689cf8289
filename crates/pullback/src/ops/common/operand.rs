//! The right-hand side of an arithmetic operation: a tensor or a number, and what dtype the pair is computed in.
//!
//! PyTorch's promotion: dimensioned tensors decide among themselves; tensors without dimensions, and then plain
//! numbers, count only if their category (bool < integer < float) is higher.

use crate::core::Site;
pub use crate::core::operand::Operand;
use crate::core::tensor::Tensor;
use crate::{Array, Category, DType, Number, Result};
use smallvec::SmallVec;
use std::borrow::{Borrow, Cow};

/// What is given as tensors or as references, as references.
pub(in crate::ops) fn borrowed<T: Borrow<Tensor>>(tensors: &[T]) -> SmallVec<[&Tensor; 8]> {
    tensors.iter().map(T::borrow).collect()
}

/// The elements that exist: along an expanded dimension the first of them, which are all the same. For what asks whether all or any
/// are so and so: an expanded tensor may look larger than any memory.
pub(in crate::ops) fn once(x: &Array) -> Result<Array> {
    let mut y = x.clone();
    if !x.is_contiguous() {
        for (d, &step) in x.layout().strides().iter().enumerate() {
            if step == 0 && y.shape()[d] > 1 {
                y = y.slice(d, 0, 1, 1)?;
            }
        }
    }
    Ok(y)
}

/// Whether one of them has no numbers: then an operation looks at none and gives [`inferred`].
pub(in crate::ops) fn unnumbered(x: &[&Array]) -> bool {
    x.iter().any(|a| a.is_meta())
}

/// What stands for a result of which only shape and dtype are known.
pub(in crate::ops) fn inferred(shape: impl Into<crate::Shape>, dtype: DType) -> Result<Array> {
    Array::meta(crate::Layout::row_major(shape.into()), dtype)
}

/// Zeros of a tensor's shape in row-major order; without numbers where it has none.
#[cfg(feature = "functions")]
pub(in crate::ops) fn zeros_beside(x: &Tensor) -> Result<Tensor> {
    match unnumbered(&[&x.array()]) {
        true => inferred(x.shape().clone(), x.dtype()).map(Tensor::from_array),
        false => Tensor::zeros(x.shape().clone(), x.dtype()),
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
///
/// Where PyTorch knows none ([`DType::promotes`]) this is int64, and [`common_type`] an error.
pub fn result_type(a: &Tensor, b: &Tensor) -> DType {
    let (da, db) = (a.dtype(), b.dtype());
    match pair(a, b) {
        None => da,
        Some(_) if da == db => da,
        Some((x, y)) => x.promote(y),
    }
}

/// As [`result_type`].
///
/// # Errors
/// PyTorch's sentence for unsigned integers of 16 bits and more beside other integers.
pub fn common_type(a: &Tensor, b: &Tensor) -> Result<DType> {
    match pair(a, b) {
        None => Ok(a.dtype()),
        Some((x, y)) => x.common(y),
    }
}

/// The two dtypes that decide, one of them twice where only one does.
fn pair(a: &Tensor, b: &Tensor) -> Option<(DType, DType)> {
    let (da, db) = (a.dtype(), b.dtype());
    if da == db {
        return None;
    }
    let (high, low) = match (a.ndim(), b.ndim()) {
        (0, 1..) => (db, da),
        (1.., 0) => (da, db),
        _ => return Some((da, db)),
    };
    Some(match low.category() > high.category() {
        true => (high, low),
        false => (high, high),
    })
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
    site: Site,
) -> Result<(Cow<'a, Tensor>, Cow<'a, Tensor>)> {
    match b {
        Operand::Tensor(b) if a.dtype() == b.dtype() => Ok((Cow::Borrowed(a), Cow::Borrowed(b))),
        Operand::Tensor(b) => {
            let dtype = common_type(a, b)?;
            Ok((converted(a, dtype, site)?, converted(b, dtype, site)?))
        }
        Operand::Number(n) => {
            let dtype = result_type_number(a.dtype(), n);
            if let Number::UInt(_) = n
                && a.dtype() == DType::Bool
            {
                n.fit(dtype)?; // nothing was there that would wrap
            }
            let b = Tensor::from_array(Array::number(n, dtype)?);
            Ok((converted(a, dtype, site)?, Cow::Owned(b)))
        }
    }
}

/// `f` of both operands in their common dtype. Where that is the first one's, which it nearly always is, nothing is moved.
#[inline(always)]
pub(crate) fn with_promoted<'a, R>(
    a: &'a Tensor,
    b: Operand<'a>,
    site: Site,
    f: impl Fn(&Tensor, &Tensor) -> Result<R>,
) -> Result<R> {
    match b {
        Operand::Tensor(b) if a.dtype() == b.dtype() => f(a, b),
        Operand::Number(n) if a.dtype() == result_type_number(a.dtype(), n) => {
            f(a, &Tensor::from_array(Array::number(n, a.dtype())?))
        }
        b => {
            let (a, b) = promote(a, b, site)?;
            f(&a, &b)
        }
    }
}

/// The tensor in a dtype; itself where it has it already.
#[inline]
pub(crate) fn converted<'a>(t: &'a Tensor, dtype: DType, site: Site) -> Result<Cow<'a, Tensor>> {
    if t.dtype() == dtype {
        return Ok(Cow::Borrowed(t));
    }
    crate::core::apply::apply(crate::ops::To { dtype }, &[t], site).map(Cow::Owned)
}

/// The tensor in a floating dtype: integers become PyTorch's default, float32.
#[inline]
pub(crate) fn floating<'a>(t: &'a Tensor, site: Site) -> Result<Cow<'a, Tensor>> {
    if t.dtype().is_float() {
        Ok(Cow::Borrowed(t))
    } else {
        converted(t, DType::default_float(), site)
    }
}
