//! Sums, differences, products and quotients written over their first operand. What they compute is in `arith`.

use crate::core::apply::apply;
use crate::core::history::in_place;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::{binary_, direct_};
use crate::ops::common::operand::{Operand, converted, promote};
use crate::ops::math::arith::{Add, AddScaled, Div, Mul, Neg, Sub, fits, float_alpha};
use crate::{Arith, Number, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

/// The operand of an in-place operation, in the dtype of the pair; in place the tensor itself keeps its own.
macro_rules! in_place_binary {
    ($($(#[$doc:meta])* $name:ident, $op:expr, |$a:ident, $b:ident| $fast:expr;)*) => {
        #[pullback_macros::called]
        impl Tensor {
            $($(#[$doc])*
            ///
            /// # Errors
            /// PyTorch's sentences: a leaf that requires a gradient outside `no_grad`, a result of another shape or
            /// category.
            #[track_caller]
            pub fn $name<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<()> {
                let site = Location::caller();
                let (a, b) = promote(self, other.into(), site)?;
                if a.dtype() != self.dtype() {
                    // Computed in the wider dtype, rounded once, as PyTorch does.
                    let value = apply($op, &[a.as_ref(), b.as_ref()], site)?;
                    return self.overwrite(&value, $op.def().name, site);
                }
                in_place($op, self, &[b.as_ref()], site, |x| {
                    dispatch!(number x.dtype(), T => {
                        kernels::zip_assign(x, &b.array(), |$a: T, $b: T| $fast).map(|()| true)
                    }, else Ok(false))
                })
            })*
        }
    };
}
in_place_binary! {
    /// `self += other`, in place.
    add_, Add, |a, b| a.plus(b);
    /// `self -= other`, in place.
    sub_, Sub, |a, b| a.minus(b);
    /// `self *= other`, in place.
    mul_, Mul, |a, b| a.times(b);
}

#[pullback_macros::called]
impl Tensor {
    /// `self += alpha·other`, in place: PyTorch's `add_(other, alpha=…)`.
    ///
    /// # Errors
    /// As [`Tensor::add_`].
    #[track_caller]
    pub fn add_scaled_(&self, other: &Tensor, alpha: f64) -> Result<()> {
        let site = Location::caller();
        if !self.dtype().is_float() && alpha.fract() != 0.0 && !other.dtype().is_float() {
            return Err(float_alpha());
        }
        if crate::ops::result_type(self, other) != self.dtype() {
            // Computed in the wider dtype, rounded once, as PyTorch does.
            let (a, b) = promote(self, other.into(), site)?;
            let value = apply(AddScaled { alpha }, &[a.as_ref(), b.as_ref()], site)?;
            return self.overwrite(&value, AddScaled::DEF.name, site);
        }
        fits(alpha, self.dtype())?;
        let other = converted(other, self.dtype(), site)?;
        in_place(AddScaled { alpha }, self, &[other.as_ref()], site, |x| {
            dispatch!(number x.dtype(), T => {
                let alpha = Number::Float(alpha).cast::<T>();
                kernels::add_scaled_assign(x, &other.array(), alpha).map(|()| true)
            }, else Ok(false))
        })
    }

    /// `self -= alpha·other`, in place: PyTorch's `sub_(other, alpha=…)`.
    ///
    /// # Errors
    /// As [`Tensor::add_`].
    #[track_caller]
    pub fn sub_scaled_(&self, other: &Tensor, alpha: f64) -> Result<()> {
        self.add_scaled_(other, -alpha)
    }

    /// `self = -self`, in place.
    ///
    /// # Errors
    /// As [`Tensor::neg`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn neg_(&self) -> Result<()> {
        direct_(&Neg, self, &[], Location::caller())
    }

    /// `self /= other`, in place.
    ///
    /// # Errors
    /// As [`Tensor::add_`]; integers cannot hold quotients.
    #[track_caller]
    pub fn div_<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<()> {
        binary_(&Div, self, other.into(), true, Location::caller())
    }
}
