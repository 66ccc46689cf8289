//! Powers: of a tensor to a number, of a tensor or a number to a tensor.

use super::arith::needs_float;
use super::operand::floating;
use super::{common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op, Reads};
use crate::tensor::Tensor;
use crate::{Array, Number, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Sample, point, points1, signed, unary};

/// `x` to the power of a number.
#[derive(Clone, Debug)]
pub struct PowScalar {
    /// The exponent.
    pub exponent: f64,
}
define! { PowScalar: Pointwise "pow", "torch.pow";
    summary: "Power with a number as exponent, element by element.";
    formula: "xᵉ";
    derivative: "e·xᵉ⁻¹, and 0 where e = 0";
    convention: "0⁰ is 1 with derivative 0; at x = 0 the derivative is 0 for e > 1, 1 for e = 1, infinite for 0 < e < 1";
    proof: { samples: pow_samples, points: || [
        points1(PowScalar { exponent: 0.0 }, &[(0.0, 0.0), (3.0, 0.0)]),
        points1(PowScalar { exponent: 1.0 }, &[(0.0, 1.0), (-2.0, 1.0)]),
        points1(PowScalar { exponent: 2.0 }, &[(0.0, 0.0), (-3.0, -6.0)]),
        points1(PowScalar { exponent: 0.5 }, &[(0.0, f64::INFINITY), (4.0, 0.25), (-1.0, f64::NAN)]),
        vec![point(PowScalar { exponent: 3.0 }, &[&[0.0, -1.0]], &[&[0.0, 3.0]])],
    ].concat() }
}

#[cfg(feature = "proof")]
fn pow_samples() -> Vec<Sample> {
    let at = |exponent, x: Vec<f64>| unary(PowScalar { exponent }, x);
    let positive = vec![0.3, 0.9, 1.7, 2.6];
    [
        at(2.0, signed()),
        at(3.0, signed()),
        at(-1.0, signed()),
        at(1.0, signed()),
        at(0.0, signed()),
        at(0.5, positive.clone()),
        at(-2.5, positive),
    ]
    .concat()
}

impl Op for PowScalar {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let e = self.exponent;
        dispatch!(float x[0].dtype(), T => {
            // The exponents PyTorch's kernel writes as products and roots, in its rounding.
            if e == 2.0 {
                kernels::map(x[0], |a: T| a * a)
            } else if e == 3.0 {
                kernels::map(x[0], |a: T| a * a * a)
            } else if e == 1.0 {
                kernels::map(x[0], |a: T| a)
            } else if e == 0.5 {
                kernels::map(x[0], |a: T| a.sqrt())
            } else if e == -0.5 {
                kernels::map(x[0], |a: T| T::ONE / a.sqrt())
            } else if e == -1.0 {
                kernels::map(x[0], |a: T| T::ONE / a)
            } else if e == -2.0 {
                kernels::map(x[0], |a: T| T::ONE / (a * a))
            } else {
                let e = T::lit(e);
                kernels::map(x[0], |a: T| a.powf(e))
            }
        }, else Err(needs_float(x[0])))
    }
    fn reads(&self, _: usize) -> Reads {
        if self.exponent == 0.0 {
            Reads::NOTHING
        } else {
            Reads::input(0)
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let slope = self.slope(cx, i)?;
        // x⁰ is constant: +0 even for an infinite or negative gradient.
        if self.exponent == 0.0 {
            Ok(slope)
        } else {
            slope.mul(g)
        }
    }
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        if self.exponent == 0.0 {
            return Tensor::zeros_of(cx.shape(0), cx.dtype(0));
        }
        let x = cx.input(0)?;
        if self.exponent == 2.0 {
            x.mul(2.0)
        } else {
            x.pow(self.exponent - 1.0)?.mul(self.exponent)
        }
    }
}

impl Tensor {
    /// `self` to the power of a number, element by element.
    #[track_caller]
    pub fn pow(&self, exponent: impl Into<Number>) -> Result<Tensor> {
        let site = Location::caller();
        apply(
            PowScalar {
                exponent: exponent.into().to_f64(),
            },
            &[floating(self, site)?.as_ref()],
            site,
        )
    }

    /// `self · self`.
    #[track_caller]
    pub fn square(&self) -> Result<Tensor> {
        self.pow(2.0)
    }
}
