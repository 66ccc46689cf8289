//! How methods apply an operation: to one operand or two, to a new tensor or over the first operand, with PyTorch's conversions.
//!
//! Not for: which dtype a pair is computed in (`operand`).

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::error;
use crate::core::history::in_place_dyn;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{
    Operand, common_type, converted, floating, promote, result_type_number,
};
use crate::{Array, DType, Error, Result};
use std::borrow::Cow;

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
    let tracked = x.is_tracked() || others.iter().any(|t| t.is_tracked());
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

/// The methods that apply a binary operation, the second one in place; `float` says whether integers become floats first.
macro_rules! binary_methods {
    ($(#[$doc:meta])* $op:ident $method:ident $method_:ident, float $float:expr, errors $errors:literal) => {
        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// # Errors
            #[doc = $errors]
            #[track_caller]
            pub fn $method<'a>(
                &'a self,
                other: impl Into<crate::ops::common::operand::Operand<'a>>,
            ) -> Result<Tensor> {
                let site = std::panic::Location::caller();
                crate::ops::common::methods::binary(&$op, self, other.into(), $float, site)
            }

            #[doc = concat!("[`Tensor::", stringify!($method), "`], in place.")]
            ///
            /// # Errors
            /// As [`Tensor::add_`].
            #[track_caller]
            pub fn $method_<'a>(
                &'a self,
                other: impl Into<crate::ops::common::operand::Operand<'a>>,
            ) -> Result<()> {
                let site = std::panic::Location::caller();
                crate::ops::common::methods::binary_(&$op, self, other.into(), $float, site)
            }
        }
    };
}
pub(in crate::ops) use binary_methods;
