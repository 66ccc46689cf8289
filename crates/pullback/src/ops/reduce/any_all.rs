//! Reductions to truth values and counts, and sums that leave NaN out.

use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::fail::bail;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::converted;
use crate::ops::reduce::sum::{resolve, spread};
use crate::{Array, DType, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

#[cfg(feature = "proof")]
fn samples<O: Op>(op: impl Fn(Vec<usize>, bool) -> O) -> Vec<Sample> {
    let of = |dims: &[usize], keepdim, shape: &[usize], x: &[f64]| {
        Sample::new(op(dims.to_vec(), keepdim), &[(shape, x)])
    };
    vec![
        of(&[1], false, &[2, 3], &[0.5, 2.0, 0.0, -1.0, -3.0, 1.0]),
        of(&[0], true, &[2, 2], &[0.0, 0.25, 0.0, -2.0]),
        of(&[0, 1], false, &[1, 4], &[0.5, 9.0, 2.0, -1.0]),
        of(&[], false, &[], &[1.5]),
        of(&[0], false, &[0, 3], &[]),
    ]
}

macro_rules! truth {
    ($($(#[$doc:meta])* $op:ident $name:literal $torch:literal, $summary:literal, $formula:literal, |$count:ident, $n:ident| $result:expr;)*) => {$(
        reduction! { $(#[$doc])* $op }
        define! { $op: Cut $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "none: the result is no real number";
            proof: { samples: || samples(|dims, keepdim| $op { dims, keepdim }) }
        }

        impl Op for $op {
            common!(pieces, over_dims);
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                let count = kernels::count_nonzero(x[0], &self.dims, self.keepdim)?;
                let $n: i64 = self.dims.iter().map(|&d| x[0].shape()[d] as i64).product();
                let result = kernels::map(&count, |$count: i64| $result)?;
                match (result.dtype(), x[0].dtype()) {
                    (DType::Bool, DType::U8) => kernels::cast(&result, DType::U8),
                    _ => Ok(result),
                }
            }
        }
    )*};
}

truth! {
    /// Whether all elements are true.
    All "all" "torch.all", "Whether all elements over dimensions are true (not 0); bool, but uint8 for uint8.", "x ≠ 0 for all", |count, n| count == n;
    /// Whether any element is true.
    Any "any" "torch.any", "Whether any element over dimensions is true (not 0); bool, but uint8 for uint8.", "x ≠ 0 for any", |count, _n| count > 0;
    /// How many elements are not 0.
    CountNonzero "count_nonzero" "torch.count_nonzero", "How many elements over dimensions are not 0; NaN is not.", "Σ [x ≠ 0]", |count, _n| count;
}

reduction! {
    /// Sum over dimensions, NaN left out.
    NanSum
}
define! { NanSum: General "nansum", "torch.nansum";
    summary: "Sum over dimensions of the elements that are no NaN.";
    formula: "Σ x over x that is no NaN";
    derivative: "g times 1, and times 0 for NaN";
    proof: { samples: || samples(|dims, keepdim| NanSum { dims, keepdim }), points: || vec![
        point(NanSum { dims: vec![0], keepdim: false }, &[&[1.0, f64::NAN, 2.0]], &[&[1.0, 0.0, 1.0]]),
    ] }
}

impl Op for NanSum {
    common!(pieces, over_dims);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let numbers = dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| if a.is_nan() { T::ZERO } else { a }), else Ok(x[0].clone()))?;
        kernels::sum(&numbers, &self.dims, self.keepdim)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl rules::General for NanSum {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let x = cx.input(0)?;
        spread(g, cx, &self.dims, self.keepdim)?.mul(&x.eq(&x)?.to(g.dtype())?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let x = cx.input(0)?;
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        sum_terms(t, |_, t| {
            t.mul(&x.eq(&x)?.to(t.dtype())?)?
                .sum_dims(&dims, self.keepdim)
        })
    }
}

macro_rules! over_dims {
    ($($(#[$doc:meta])* $method:ident $op:ident;)*) => {$(
        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// All dimensions if `dims` is empty; they stay with size 1 if `keepdim`.
            ///
            /// # Errors
            /// For a dimension out of range or named twice.
            #[track_caller]
            pub fn $method(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
                let site = Location::caller();
                let dims = resolve(self, dims)?;
                apply($op { dims, keepdim }, &[self], site)
            }
        }
    )*};
}

over_dims! {
    /// Whether all elements are true, that is not 0; bool, but uint8 for uint8.
    all All;
    /// Whether any element is true, that is not 0; bool, but uint8 for uint8.
    any Any;
    /// Sum of the elements that are no NaN.
    nansum NanSum;
}

#[pullback_macros::called]
impl Tensor {
    /// How many elements over `dims` (all if empty) are not 0.
    ///
    /// # Errors
    /// For a dimension out of range or named twice.
    #[track_caller]
    pub fn count_nonzero(&self, dims: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        let dims = resolve(self, dims)?;
        let keepdim = false;
        apply(CountNonzero { dims, keepdim }, &[self], site)
    }

    /// Mean over `dims` (all if empty) of the elements that are no NaN; NaN where there are none.
    ///
    /// # Errors
    /// For integers; for a dimension out of range or named twice.
    #[track_caller]
    pub fn nanmean(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        if !self.dtype().is_float() {
            let dtype = self.dtype().scalar_type_name();
            bail!(
                Unsupported,
                "nanmean(): expected input to have floating point or complex dtype but got {dtype}"
            );
        }
        let x = self.detach();
        let count = x.eq(&x)?.sum_dims(dims, keepdim)?;
        let count = converted(&count, self.dtype(), site)?;
        self.nansum(dims, keepdim)?.div(count.as_ref())
    }
}
