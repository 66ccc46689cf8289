//! Locally constant functions whose gradient PyTorch defines as exactly zero.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::{direct_, not_implemented};
use crate::{Arith, Array, Result};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary};

/// -1, 0 or 1; 0 for NaN, as in PyTorch.
#[inline(always)]
pub(in crate::ops) fn sign<T: Scalar>(x: T) -> T {
    let below = || T::choose(x.below(T::ZERO), || -T::ONE, || T::ZERO);
    T::choose(x.above(T::ZERO), || T::ONE, below)
}

/// Where the jumps are: 0 is at one.
#[derive(Clone, Copy)]
enum Jumps {
    /// At 0.
    Zero,
    /// At the integers.
    Integers,
    /// At the integers but 0.
    OtherIntegers,
    /// Half-way between integers.
    Halves,
}

fn margin(x: &Array, jumps: Jumps) -> Result<Option<Array>> {
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| {
        let (low, high) = (a - a.floor(), a.ceil() - a);
        let near = if low < high { low } else { high };
        match jumps {
            Jumps::Zero => a.abs(),
            Jumps::OtherIntegers if a.abs() < T::ONE => T::ONE - a.abs(),
            Jumps::Integers | Jumps::OtherIntegers => near,
            Jumps::Halves => (low - T::lit(0.5)).abs(),
        }
    }).map(Some), else Ok(None))
}

macro_rules! zero {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal, $method:ident $method_:ident $kernel:literal $jumps:ident;
        $summary:literal, $formula:literal;
        float |$x:ident: $T:ident| $value:expr; integer |$i:ident: $I:ident| $int:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Zero $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "0";
            convention: "locally constant: the gradient is exactly 0 everywhere, at the jumps too, as in PyTorch";
            proof: { samples: || unary($op, signed()), points: || points1($op, &[(0.0, 0.0), (2.0, 0.0), (-1.5, 0.0)]) }
        }

        impl Formula<1> for $op {
            #[inline(always)]
            fn at<$T: Scalar>(&self, [$x]: [$T; 1]) -> $T {
                $value
            }
        }

        impl Op for $op {
            common!(native);
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
                    dispatch!(number x[0].dtype(), $I => kernels::map(x[0], |$i: $I| $int), else
                        if $kernel.is_empty() { x[0].copy() } else { Err(not_implemented($kernel, x[0].dtype())) }))
            }
        }

        impl rules::Zero for $op {
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                margin(x[0], Jumps::$jumps)
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                apply_dyn(&$op, &[self], Location::caller())
            }

            #[doc = concat!("[`Tensor::", stringify!($method), "`], in place.")]
            ///
            /// # Errors
            /// A leaf that requires a gradient outside `no_grad`.
            #[track_caller]
            pub fn $method_(&self) -> Result<()> {
                direct_(&$op, self, &[], Location::caller())
            }
        }
    )*};
}

zero! {
    /// The largest integer not above, element by element.
    Floor "floor", "torch.floor", floor floor_ "floor_vml_cpu" Integers;
    "The largest integer not above, element by element.", "⌊x⌋";
    float |x: T| x.floor(); integer |i: I| i;

    /// The smallest integer not below, element by element.
    Ceil "ceil", "torch.ceil", ceil ceil_ "ceil_vml_cpu" Integers;
    "The smallest integer not below, element by element.", "⌈x⌉";
    float |x: T| x.ceil(); integer |i: I| i;

    /// The integer part, element by element.
    Trunc "trunc", "torch.trunc", trunc trunc_ "trunc_vml_cpu" OtherIntegers;
    "The integer part, element by element.", "sign(x)⌊|x|⌋";
    float |x: T| x.trunc(); integer |i: I| i;

    /// The nearest integer, ties to even, element by element.
    Round "round", "torch.round", round round_ "round_vml_cpu" Halves;
    "The nearest integer, ties to even, element by element.", "round(x)";
    float |x: T| x.round_ties_even(); integer |i: I| i;

    /// The sign: -1, 0 or 1, element by element; 0 for NaN.
    Sign "sign", "torch.sign", sign sign_ "" Zero;
    "The sign: -1, 0 or 1, element by element; 0 for NaN.", "x/|x|, 0 at 0";
    float |x: T| sign(x); integer |i: I| match i.partial_cmp(&I::NIL) { Some(Ordering::Greater) => I::UNIT, Some(Ordering::Less) => I::NIL.minus(I::UNIT), _ => I::NIL };
}
