//! Locally constant functions whose gradient PyTorch defines as exactly zero.

use super::{common, define};
use crate::apply::apply;
use crate::op::Op;
use crate::tensor::Tensor;
use crate::{Arith, Array, Error, ErrorKind, Real, Result};
use pullback_array::{dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{points1, signed, unary};

/// -1, 0 or 1; 0 for NaN, as in PyTorch.
pub(super) fn sign<T: Real>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

macro_rules! zero {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal, $method:ident; $summary:literal, $formula:literal;
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

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), $T => kernels::map(x[0], |$x: $T| $value), else
                    dispatch!(number x[0].dtype(), $I => kernels::map(x[0], |$i: $I| $int), else
                        Err(Error::new(ErrorKind::DType, concat!("\"", $name, "\" not implemented for 'Bool'")))))
            }
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| {
                    if $name == "sign" { a.abs() } else { (a - a.floor()).abs_min(a.ceil() - a) }
                }).map(Some), else Ok(None))
            }
        }

        impl Tensor {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                apply($op, &[self], Location::caller())
            }
        }
    )*};
}

/// The smaller of two distances.
trait AbsMin: Real {
    fn abs_min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
}
impl<T: Real> AbsMin for T {}

zero! {
    /// The largest integer not above, element by element.
    Floor "floor", "torch.floor", floor; "The largest integer not above, element by element.", "⌊x⌋";
    float |x: T| x.floor(); integer |i: I| i;

    /// The sign: -1, 0 or 1, element by element; 0 for NaN.
    Sign "sign", "torch.sign", sign; "The sign: -1, 0 or 1, element by element; 0 for NaN.", "x/|x|, 0 at 0";
    float |x: T| sign(x); integer |i: I| match i.partial_cmp(&I::NIL) { Some(Ordering::Greater) => I::UNIT, Some(Ordering::Less) => I::NIL.minus(I::UNIT), _ => I::NIL };
}
