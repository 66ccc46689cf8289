//! Operations through which no gradient exists: comparisons, sorting positions, and detach.

use super::operand::{Operand, promote};
use super::{common, define};
use crate::apply::apply;
use crate::op::Op;
use crate::tensor::Tensor;
use crate::{Array, Element, Result};
use pullback_array::{dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Sample, broken_shapes, pairs, signed, unary};

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
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| $op::holds(a.partial_cmp(&b))))
            }
        }

        impl Tensor {
            $(#[$doc])*
            ///
            /// # Errors
            /// Where the shapes do not broadcast.
            #[track_caller]
            pub fn $method<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                let site = Location::caller();
                let (a, b) = promote(self, other.into(), site)?;
                apply($op, &[a.as_ref(), b.as_ref()], site)
            }
        }
    )*};
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

/// NaN is the largest, as in PyTorch's orders.
fn order<T: Element + PartialOrd>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| {
        let nan = |x: T| x.partial_cmp(&x).is_none();
        nan(a).cmp(&nan(b))
    })
}

/// The positions that sort a dimension.
#[derive(Clone, Debug)]
pub struct Argsort {
    /// The dimension, resolved.
    pub dim: usize,
    /// Largest first.
    pub descending: bool,
}
define! { Argsort: Cut "argsort", "torch.argsort";
    summary: "Positions that sort a dimension, equals in their order; NaN is the largest.";
    formula: "the permutation that sorts x";
    derivative: "none: the result is positions";
    proof: { samples: || [
        unary(Argsort { dim: 0, descending: false }, signed()),
        vec![Sample::new(Argsort { dim: 1, descending: true }, &[(&[2, 3], &[0.5, 2.0, 2.0, -1.0, -3.0, -1.0])])],
    ].concat() }
}

impl Op for Argsort {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (dim, descending) = (self.dim as i64, self.descending);
        if x[0].rank() == 0 {
            return Array::scalar(0i64);
        }
        let rows = x[0].transpose(dim, -1)?.contiguous()?;
        let n = rows.shape()[rows.rank() - 1];
        let sorted = dispatch!(rows.dtype(), T => {
            let data = rows.to_vec::<T>()?;
            let mut out = Vec::with_capacity(data.len());
            for row in data.chunks(n.max(1)) {
                let mut places: Vec<i64> = (0..row.len() as i64).collect();
                places.sort_by(|&i, &j| {
                    let o = order(row[i as usize], row[j as usize]);
                    if descending { o.reverse() } else { o }
                });
                out.extend(places);
            }
            Array::from_slice(&out, rows.shape())
        })?;
        sorted.transpose(dim, -1)?.contiguous()
    }
}

/// The same numbers without history.
#[derive(Clone, Debug)]
pub struct Detach;
define! { Detach: Cut "detach", "torch.Tensor.detach";
    summary: "The same numbers, in the same memory, without history.";
    formula: "x";
    derivative: "none: that is its purpose";
    proof: { samples: || unary(Detach, signed()) }
}

impl Op for Detach {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(x[0].clone())
    }
}

/// The same numbers without history; what [`Tensor::detach`] does.
#[track_caller]
pub fn detach(x: &Tensor) -> Tensor {
    // Evaluating it cannot fail; recording it can, and then the recorder reports that itself.
    apply(Detach, &[x], Location::caller())
        .unwrap_or_else(|_| Tensor::from_array(x.array().clone()))
        .inference_like(x)
}

impl Tensor {
    /// Positions that sort `dim`; equals keep their order.
    #[track_caller]
    pub fn argsort(&self, dim: i64, descending: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self
            .shape()
            .dim(dim)
            .map_err(|e| e.op("argsort").at(site))?;
        apply(Argsort { dim, descending }, &[self], site)
    }
}
