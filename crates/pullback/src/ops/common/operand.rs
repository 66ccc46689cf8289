//! The right-hand side of an arithmetic operation: a tensor or a number, and what dtype the pair is computed in.
//!
//! PyTorch's promotion: dimensioned tensors decide among themselves; tensors without dimensions, and then plain
//! numbers, count only if their category (bool < integer < float) is higher.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::error;
use crate::core::history::in_place_dyn;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, Category, DType, Error, Number, Result};
use std::borrow::Cow;

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

/// PyTorch's sentence for an operation that has no form for a dtype; `kernel` as PyTorch calls it.
pub(in crate::ops) fn not_implemented(kernel: &str, dtype: DType) -> Error {
    error!(
        Unsupported,
        "\"{kernel}\" not implemented for '{}'",
        dtype.scalar_type_name()
    )
}

/// PyTorch's sentence for a result that does not fit the tensor it is written to.
pub(in crate::ops) fn cannot_cast(from: DType, to: DType) -> Error {
    error!(
        DType,
        "result type {} can't be cast to the desired output type {}",
        from.scalar_type_name(),
        to.scalar_type_name()
    )
}

/// A unary operation of floats; integers become float32 first.
pub(in crate::ops) fn unary(op: &dyn Op, x: &Tensor, site: Site) -> Result<Tensor> {
    apply_dyn(op, &[floating(x, site)?.as_ref()], site)
}

/// As [`unary`], over its own operand.
pub(in crate::ops) fn unary_(op: &dyn Op, x: &Tensor, site: Site) -> Result<()> {
    if !x.dtype().is_float() {
        return Err(cannot_cast(DType::F32, x.dtype()));
    }
    direct_(op, x, &[], site)
}

/// An operation over its first operand, dtypes as they are.
pub(in crate::ops) fn direct_(
    op: &dyn Op,
    x: &Tensor,
    others: &[&Tensor],
    site: Site,
) -> Result<()> {
    in_place_dyn(op, x, others, site, &mut |_| Ok(false))
}

/// A binary operation in the common dtype of its operands; `float` converts integers.
pub(in crate::ops) fn binary(
    op: &dyn Op,
    a: &Tensor,
    b: Operand<'_>,
    float: bool,
    site: Site,
) -> Result<Tensor> {
    if float && !a.dtype().is_float() {
        // Straight to a float: what the integer's dtype cannot hold beside it must not wrap on the way.
        let common = match b {
            Operand::Tensor(b) => common_type(a, b)?,
            Operand::Number(n) => result_type_number(a.dtype(), n),
        };
        let common = match common.is_float() {
            true => common,
            false => DType::default_float(),
        };
        let b = match b {
            Operand::Tensor(b) => converted(b, common, site)?,
            Operand::Number(n) => Cow::Owned(Tensor::from_array(Array::number(n, common)?)),
        };
        return apply_dyn(
            op,
            &[converted(a, common, site)?.as_ref(), b.as_ref()],
            site,
        );
    }
    let (a, b) = promote(a, b, site)?;
    apply_dyn(op, &[a.as_ref(), b.as_ref()], site)
}

/// As [`binary`], over the first operand, which keeps its dtype.
pub(in crate::ops) fn binary_(
    op: &dyn Op,
    x: &Tensor,
    b: Operand<'_>,
    float: bool,
    site: Site,
) -> Result<()> {
    let name = op.def().name;
    let common = match b {
        Operand::Tensor(b) => common_type(x, b)?,
        Operand::Number(n) => result_type_number(x.dtype(), n),
    };
    let common = if float && !common.is_float() {
        DType::default_float()
    } else {
        common
    };
    if common.category() > x.dtype().category() {
        return Err(cannot_cast(common, x.dtype()));
    }
    if common != x.dtype() {
        // Computed in the wider dtype, rounded once, as PyTorch does.
        return match b {
            Operand::Tensor(b) => {
                let b = apart(x, b, site)?;
                replace(x, &[&b], name, site, |x| {
                    binary(op, x, (&*b).into(), float, site)
                })
            }
            number => replace(x, &[], name, site, |x| binary(op, x, number, float, site)),
        };
    }
    let b = match b {
        Operand::Tensor(b) => converted(b, common, site)?,
        Operand::Number(n) => Cow::Owned(Tensor::from_array(Array::number(n, common)?)),
    };
    direct_(op, x, &[b.as_ref()], site)
}

/// Writes what `f` makes of a tensor over it: in-place forms of compositions. Operands that share the tensor's memory must be copied
/// by `f`'s maker where gradients are wanted.
pub(in crate::ops) fn replace(
    x: &Tensor,
    others: &[&Tensor],
    name: &'static str,
    site: Site,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    let tracked = x.has_edge() || others.iter().any(|t| t.has_edge());
    x.rewrite(tracked, name, site, f)
}

/// An operand that stays as it is when `x` is written: a copy where it shares its memory.
///
/// # Errors
/// PyTorch's sentence where both share some elements, but are not the same.
pub(in crate::ops) fn apart<'a>(
    x: &Tensor,
    other: &'a Tensor,
    site: Site,
) -> Result<Cow<'a, Tensor>> {
    crate::core::overlap::same_or_apart(&x.array(), &other.array())?;
    set_apart(x, other, site)
}

/// As [`apart`], for a value that is read before anything is written.
pub(in crate::ops) fn set_apart<'a>(
    x: &Tensor,
    other: &'a Tensor,
    site: Site,
) -> Result<Cow<'a, Tensor>> {
    if other.array().storage().same(x.array().storage()) {
        return apply_dyn(&crate::ops::Clone::default(), &[other], site).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(other))
}

/// A loop over one float array. `fast` formulas are compiled into the loops of `f32` and `f64`, so that they may become vectors; `slow`
/// ones are called, and so are all in double-double: one loop for all of them. Sine and cosine have kernels of their own.
macro_rules! float_map {
    (sin $x:expr, |$a:ident: $T:ident| $value:expr) => {
        match $x.dtype().is_float() {
            true => pullback_array::kernels::sin($x),
            false => Err(crate::ops::math::arith::needs_float($x)),
        }
    };
    (cos $x:expr, |$a:ident: $T:ident| $value:expr) => {
        match $x.dtype().is_float() {
            true => pullback_array::kernels::cos($x),
            false => Err(crate::ops::math::arith::needs_float($x)),
        }
    };
    (fast $x:expr, |$a:ident: $T:ident| $value:expr) => {
        float_map!(@match $x, |$a: $T| $value, |x| pullback_array::kernels::map_wide(x, #[inline(always)] |$a: $T| $value))
    };
    (slow $x:expr, |$a:ident: $T:ident| $value:expr) => {
        float_map!(@match $x, |$a: $T| $value, |x| { let f: fn($T) -> $T = |$a| $value; pullback_array::kernels::map(x, f) })
    };
    (@match $x:expr, |$a:ident: $T:ident| $value:expr, |$y:ident| $run:expr) => {{
        let x: &crate::Array = $x;
        match x.dtype() {
            crate::DType::F32 | crate::DType::F16 | crate::DType::BF16 => {
                type $T = f32;
                let $y = x;
                $run
            }
            crate::DType::F64 => {
                type $T = f64;
                let $y = x;
                $run
            }
            crate::DType::Dd => {
                type $T = crate::Dd;
                let f: fn($T) -> $T = |$a| $value;
                pullback_array::kernels::map(x, f)
            }
            _ => Err(crate::ops::math::arith::needs_float(x)),
        }
    }};
}
pub(in crate::ops) use float_map;

/// As [`float_map`], for two operands of one dtype.
macro_rules! float_zip {
    (fast $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        float_zip!(@match $x, $y, |$a, $b: $T| $value, { let f = |$a: $T, $b: $T| $value; f })
    };
    (slow $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        float_zip!(@match $x, $y, |$a, $b: $T| $value, { let f: fn($T, $T) -> $T = |$a, $b| $value; f })
    };
    (@match $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr, $f:expr) => {{
        let (x, y): (&crate::Array, &crate::Array) = ($x, $y);
        match x.dtype() {
            crate::DType::F32 | crate::DType::F16 | crate::DType::BF16 => {
                type $T = f32;
                pullback_array::kernels::zip(x, y, $f)
            }
            crate::DType::F64 => {
                type $T = f64;
                pullback_array::kernels::zip(x, y, $f)
            }
            crate::DType::Dd => {
                type $T = crate::Dd;
                let f: fn($T, $T) -> $T = |$a, $b| $value;
                pullback_array::kernels::zip(x, y, f)
            }
            _ => Err(crate::ops::math::arith::needs_float(x)),
        }
    }};
}
pub(in crate::ops) use float_zip;

/// A loop over a gradient and what a slope is made of: as [`float_map`], for two arrays.
macro_rules! float_slope {
    (cos $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        pullback_array::kernels::cos_times($v, $g)
    };
    (sin $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        pullback_array::kernels::minus_sin_times($v, $g)
    };
    (fast $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {{
        let (g, v): (&crate::Array, &crate::Array) = ($g, $v);
        match v.dtype() {
            crate::DType::F32 | crate::DType::F16 | crate::DType::BF16 => {
                type $T = f32;
                pullback_array::kernels::zip_wide(
                    g,
                    v,
                    #[inline(always)]
                    |$a: $T, $b: $T| -> $T { $value },
                )
            }
            crate::DType::F64 => {
                type $T = f64;
                pullback_array::kernels::zip_wide(g, v, |$a: $T, $b: $T| -> $T { $value })
            }
            crate::DType::Dd => {
                type $T = crate::Dd;
                let f: fn($T, $T) -> $T = |$a, $b| $value;
                pullback_array::kernels::zip(g, v, f)
            }
            _ => Err(crate::ops::math::arith::needs_float(v)),
        }
    }};
}
pub(in crate::ops) use float_slope;
