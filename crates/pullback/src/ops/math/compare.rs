//! Comparisons: operations through which no gradient exists. Detaching is structural and stands in the core.

use crate::core::Site;
use crate::core::apply::{apply, apply_dyn};
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{Operand, converted, promote};
use crate::{Array, Category, DType, Number, Result};
use pullback_array::{dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{broken_shapes, pairs};

/// What the six comparisons have in common.
pub trait Compare {
    /// Whether the comparison holds for two elements in this order; `None` where one is NaN.
    fn holds(order: Option<Ordering>) -> bool;
}

macro_rules! compare {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal $method:ident $formula:literal => $pattern:pat),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Cut $name, $torch;
            summary: "Comparison, element by element, with broadcasting; the result is bool.";
            formula: $formula;
            derivative: "none: the result is bool";
            proof: { samples: || pairs($op), errors: || broken_shapes($op) }
        }

        impl Compare for $op {
            #[inline(always)]
            fn holds(order: Option<Ordering>) -> bool {
                matches!(order, $pattern)
            }
        }

        impl Op for $op {
            common!(native);
            fn elementwise(&self) -> bool {
                true
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| $op::holds(a.partial_cmp(&b))))
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// Integers are compared as integers, whatever the number beside them: a byte is less than 256. (PyTorch 2.15 takes
            /// the number modulo 256 there.)
            ///
            /// # Errors
            /// Where the shapes do not broadcast.
            #[track_caller]
            pub fn $method<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                let (site, other) = (Location::caller(), other.into());
                if let Operand::Number(n) = other
                    && n.category() <= Category::Integer
                    && n.beside(self.dtype()) != Ordering::Equal
                {
                    return out_of_range(&$op, self, n, site);
                }
                let (a, b) = promote(self, other, site)?;
                apply($op, &[a.as_ref(), b.as_ref()], site)
            }
        }
    )*};
}

/// A comparison of integers with an integer that their dtype does not hold, in digits that hold both.
#[cold]
fn out_of_range(op: &dyn Op, x: &Tensor, n: Number, site: Site) -> Result<Tensor> {
    let n = Tensor::from_array(Array::number(n, DType::Dd)?);
    apply_dyn(op, &[converted(x, DType::Dd, site)?.as_ref(), &n], site)
}

compare! {
    /// `self > other`, element by element.
    Gt "gt" "torch.gt" gt "a > b" => Some(Ordering::Greater),
    /// `self ≥ other`, element by element.
    Ge "ge" "torch.ge" ge "a ≥ b" => Some(Ordering::Greater | Ordering::Equal),
    /// `self < other`, element by element.
    Lt "lt" "torch.lt" lt "a < b" => Some(Ordering::Less),
    /// `self ≤ other`, element by element.
    Le "le" "torch.le" le "a ≤ b" => Some(Ordering::Less | Ordering::Equal),
    /// `self == other`, element by element; NaN equals nothing.
    Eq "eq" "torch.eq" eq "a = b" => Some(Ordering::Equal),
    /// `self != other`, element by element; NaN differs from everything.
    Ne "ne" "torch.ne" ne "a ≠ b" => None | Some(Ordering::Less | Ordering::Greater),
}
