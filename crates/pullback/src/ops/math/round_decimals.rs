//! Rounding to a number of decimals, and the fractional part.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::no_form;
use crate::ops::common::methods::{direct_, not_implemented, replace};
use crate::{Array, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary as samples_of};

/// Rounding to a number of decimals.
#[derive(Clone, Debug)]
pub struct RoundDecimals {
    /// Digits after the point; negative ones before it.
    pub decimals: i32,
}
define! { RoundDecimals: Zero "round_decimals", "torch.round";
    summary: "Rounded to a number of decimals, ties to even, element by element.";
    formula: "round(x·10ᵈ)/10ᵈ";
    derivative: "0";
    convention: "locally constant: the gradient is exactly 0 everywhere, at the jumps too, as in PyTorch";
    node: "RoundBackward1";
    proof: { samples: || [1, -1].map(|decimals| samples_of(RoundDecimals { decimals }, signed())).concat(),
        points: || points1(RoundDecimals { decimals: 1 }, &[(0.25, 0.0), (1.0, 0.0)]) }
}

impl RoundDecimals {
    fn ten<T: Real>(&self) -> T {
        let mut ten = T::ONE;
        for _ in 0..self.decimals.unsigned_abs().min(400) {
            ten = ten * T::lit(10.0);
        }
        ten
    }
}

impl Op for RoundDecimals {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let up = self.decimals > 0;
        dispatch!(float x[0].dtype(), T => {
            let ten = self.ten::<T>();
            kernels::map(x[0], |a: T| if up { (a * ten).round_ties_even() / ten } else { (a / ten).round_ties_even() * ten })
        }, else Err(not_implemented("round_cpu", x[0].dtype())))
    }
}

impl rules::Zero for RoundDecimals {
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let up = self.decimals > 0;
        dispatch!(float x[0].dtype(), T => {
            let ten = self.ten::<T>();
            kernels::map(x[0], |a: T| {
                let t = if up { a * ten } else { a / ten };
                let off = (t - t.floor() - T::lit(0.5)).abs();
                if up { off / ten } else { off * ten }
            })
        }, else Err(no_form("round", x[0])))
        .map(Some)
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The nearest number with `decimals` digits after the point (before it if negative), ties to even; without any, the nearest integer.
    #[track_caller]
    pub fn round_decimals(&self, decimals: i64) -> Result<Tensor> {
        if decimals == 0 {
            return self.round();
        }
        let decimals = decimals.clamp(-400, 400) as i32;
        apply_dyn(&RoundDecimals { decimals }, &[self], Location::caller())
    }

    /// [`Tensor::round_decimals`], in place.
    #[track_caller]
    pub fn round_decimals_(&self, decimals: i64) -> Result<()> {
        if decimals == 0 {
            return self.round_();
        }
        let decimals = decimals.clamp(-400, 400) as i32;
        direct_(&RoundDecimals { decimals }, self, &[], Location::caller())
    }

    /// What [`Tensor::trunc`] takes away, element by element.
    ///
    /// # Errors
    /// Where the tensor is no float.
    #[track_caller]
    pub fn frac(&self) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return Err(not_implemented("frac_cpu", self.dtype()));
        }
        self.sub(&self.trunc()?)
    }

    /// [`Tensor::frac`], in place.
    ///
    /// # Errors
    /// Where the tensor is no float; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn frac_(&self) -> Result<()> {
        replace(self, &[], "frac", Location::caller(), |x| x.frac())
    }
}
