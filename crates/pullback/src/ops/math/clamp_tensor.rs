//! Elements kept between two tensors: the gate with three inputs that share a gradient at ties.

use crate::core::apply::apply;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::{no_form, select};
use crate::ops::math::clamp::{BOTH, HIGH, HIGH_TIE, INSIDE, LOW, LOW_TIE, NOBODY, above, below};
use crate::ops::{Where, common, define};
use crate::{Array, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, error, point};

/// Elements kept between the elements of two tensors.
#[derive(Clone, Debug)]
pub struct ClampTensor;
define! { ClampTensor: Gate "clamp_tensor", "torch.clamp";
    summary: "Elements kept between those of two tensors, element by element, with broadcasting.";
    formula: "min(max(x, low), high)";
    derivative: "g to x where it is between the bounds, else to the bound that it became";
    convention: "at a bound x and the bound get half each, where both bounds are equal x gets all, as in PyTorch";
    node: "ClampBackward0";
    proof: { samples: clamp_samples, points: || vec![
        point(ClampTensor,
            &[&[0.0, 1.0, 2.0, -1.0, 5.0, 0.0, 1.0], &[0.0, 2.0, 0.0, 1.0, 1.0, 3.0, 1.0], &[1.0, 3.0, 2.0, 1.0, 4.0, 2.0, 1.0]],
            &[&[0.5, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0], &[0.5, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.5, 0.0, 1.0, 1.0, 0.0]]),
    ], errors: || vec![error(ClampTensor, &[&[2, 3], &[4], &[]],
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1")] }
}

#[cfg(feature = "proof")]
fn clamp_samples() -> Vec<Sample> {
    let (x, low, high) = (
        [0.6, -1.3, 2.2, -0.4, 1.7, -2.6],
        [0.1, -0.7, -1.9, 0.3, -0.8, -3.0],
        [0.5, 1.1, 1.4, 2.2, 0.9, 1.3],
    );
    let of = |s: [&[usize]; 3]| {
        let n = s.map(|s| s.iter().product::<usize>());
        let inputs = [
            (s[0], &x[..n[0]]),
            (s[1], &low[..n[1]]),
            (s[2], &high[..n[2]]),
        ];
        Sample::new(ClampTensor, &inputs)
    };
    vec![
        of([&[6], &[6], &[6]]),
        of([&[2, 3], &[3], &[2, 1]]),
        of([&[], &[4], &[]]),
        of([&[0, 3], &[3], &[]]),
    ]
}

/// What input `i` gets of `g`, by operations that a recorder sees: all where one mask holds, half where another does.
fn share(cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
    let (x, low, high) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let at_low = x.eq(&low)?;
    let at_high = x.eq(&high)?;
    let (all, tied) = match i {
        0 => {
            let outside = x.lt(&low)?.logical_or(&x.gt(&high)?)?;
            (outside.logical_not()?, at_low.logical_or(&at_high)?)
        }
        1 => (x.lt(&low)?.logical_and(&low.le(&high)?)?, at_low),
        _ => {
            let above = x.gt(&high)?.logical_and(&low.le(&high)?)?;
            (above.logical_or(&high.lt(&low)?)?, at_high)
        }
    };
    let half = tied.logical_and(&low.lt(&high)?)?;
    let rest = select(&all, g)?;
    apply(Where, &[&half, &g.div(2.0)?, &rest], Location::caller())
}

impl Op for ClampTensor {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(x[0].dtype(), T => {
            // A NaN on either side wins.
            let nan = |x: T| x.partial_cmp(&x).is_none();
            let low = kernels::zip(x[0], x[1], |a: T, l: T| if nan(l) { l } else { above(a, l) })?;
            kernels::zip(&low, x[2], |a: T, h: T| if nan(h) { h } else { below(a, h) })
        })
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
}

impl rules::Gate for ClampTensor {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        share(cx, i, g)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::zip3(x[0], x[1], x[2], |a: T, l: T, h: T| {
            if h < l {
                if a.is_nan() { BOTH } else { HIGH }
            } else if a == l && l < h {
                LOW_TIE
            } else if a == h && l < h {
                HIGH_TIE
            } else if a > h {
                if l <= h { HIGH } else { NOBODY }
            } else if a < l {
                if l <= h { LOW } else { NOBODY }
            } else {
                INSIDE
            }
        }), else Err(no_form("clamp", x[0])))
        .map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let weights = [
            ([INSIDE, BOTH], [LOW_TIE, HIGH_TIE]),
            ([LOW, LOW], [LOW_TIE, LOW_TIE]),
            ([HIGH, BOTH], [HIGH_TIE, HIGH_TIE]),
        ];
        let mut y = Tensor::zeros_of(decision.shape(), x[0].dtype())?;
        let among = |codes: [i64; 2]| decision.eq(codes[0])?.logical_or(&decision.eq(codes[1])?);
        for (x, (all, half)) in x.iter().zip(weights) {
            let rest = select(&among(all)?, x)?;
            let site = Location::caller();
            y = y.add(&apply(Where, &[&among(half)?, &x.div(2.0)?, &rest], site)?)?;
        }
        Ok(y)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::zip3(x[0], x[1], x[2], |a: T, l: T, h: T| {
            let least = |a: T, b: T| if a < b { a } else { b };
            let most = |a: T, b: T| if a > b { a } else { b };
            if a > h || h < l {
                most(a - h, l - h)
            } else if a < l {
                least(l - a, h - l)
            } else if a >= l && a <= h {
                least(a - l, h - a)
            } else {
                T::ZERO
            }
        }), else Err(no_form("clamp", x[0])))
        .map(Some)
    }
}
