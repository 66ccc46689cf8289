//! Special functions that are summed as series: Bessel functions of other kinds, the scaled complement of the error function, the
//! normal distribution's inverse and logarithm. Those that PyTorch has a gradient of have one here; the others are in `polynomial`.

use crate::core::apply::apply_dyn;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_map;
use crate::ops::common::methods::{unary, unary_};
use crate::ops::math::elementary::pointwise;
#[cfg(feature = "proof")]
use crate::ops::math::elementary::positive;
use crate::ops::{Scale, common, define};
use crate::{Array, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary as samples_of};

/// Where `x` is zero, a number; elsewhere what `slope` says.
fn at_zero(x: &Tensor, number: f64, slope: &Tensor) -> Result<Tensor> {
    Tensor::full([], number, x.dtype())?.where_(&x.eq(0.0)?, slope)
}

pointwise! {
    /// The Bessel function of the first kind and order 0, element by element.
    BesselJ0 "special_bessel_j0", "torch.special.bessel_j0", bessel_j0 bessel_j0_;
    "The Bessel function of the first kind and order 0, element by element.";
    "J₀(x)", "-J₁(x)";
    slow |x: T| x.bessel_j0();
    slope Reads::input(0), |cx| cx.input(0)?.bessel_j1()?.neg();
    samples signed(), points &[(0.0, -0.0)];

    /// The Bessel function of the first kind and order 1, element by element.
    BesselJ1 "special_bessel_j1", "torch.special.bessel_j1", bessel_j1 bessel_j1_;
    "The Bessel function of the first kind and order 1, element by element.";
    "J₁(x)", "J₀(x) - J₁(x)/x";
    slow |x: T| x.bessel_j1();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        let safe = x.ones_like()?.where_(&x.eq(0.0)?, &x)?;
        at_zero(&x, 0.5, &x.bessel_j0()?.sub(&cx.output()?.div(&safe)?)?)
    };
    samples vec![1.6, -2.3, 3.2, -1.4], points &[(0.0, 0.5)];

    /// The Bessel function of the second kind and order 0, element by element.
    BesselY0 "special_bessel_y0", "torch.special.bessel_y0", bessel_y0 bessel_y0_;
    "The Bessel function of the second kind and order 0, element by element.";
    "Y₀(x)", "-Y₁(x)";
    slow |x: T| x.bessel_y0();
    slope Reads::input(0), |cx| cx.input(0)?.bessel_y1()?.neg();
    samples positive(), points &[(0.0, f64::INFINITY)];

    /// The Bessel function of the second kind and order 1, element by element.
    BesselY1 "special_bessel_y1", "torch.special.bessel_y1", bessel_y1 bessel_y1_;
    "The Bessel function of the second kind and order 1, element by element.";
    "Y₁(x)", "Y₀(x) - Y₁(x)/x";
    slow |x: T| x.bessel_y1();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        at_zero(&x, f64::INFINITY, &x.bessel_y0()?.sub(&cx.output()?.div(&x)?)?)
    };
    samples positive(), points &[(0.0, f64::INFINITY)];

    /// The modified Bessel function of the second kind and order 0, element by element.
    BesselK0 "special_modified_bessel_k0", "torch.special.modified_bessel_k0", modified_bessel_k0 modified_bessel_k0_;
    "The modified Bessel function of the second kind and order 0, element by element.";
    "K₀(x)", "-K₁(x)";
    slow |x: T| x.bessel_k0();
    slope Reads::input(0), |cx| cx.input(0)?.modified_bessel_k1()?.neg();
    samples vec![0.2, 0.9, 1.0, 1.6], points &[(0.0, f64::NEG_INFINITY)];

    /// The modified Bessel function of the second kind and order 1, element by element.
    BesselK1 "special_modified_bessel_k1", "torch.special.modified_bessel_k1", modified_bessel_k1 modified_bessel_k1_;
    "The modified Bessel function of the second kind and order 1, element by element.";
    "K₁(x)", "-K₀(x) - K₁(x)/x";
    slow |x: T| x.bessel_k1();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        x.modified_bessel_k0()?.neg()?.sub(&cx.output()?.div(&x)?)
    };
    samples vec![0.2, 0.9, 1.0, 1.6], points &[(0.0, f64::NEG_INFINITY)];

    /// e^(x²) erfc x, element by element.
    Erfcx "special_erfcx", "torch.special.erfcx", erfcx erfcx_;
    "The complement of the error function, scaled by e^(x²), element by element.";
    "e^(x²) erfc x", "2xy - 2/√π";
    slow |x: T| x.erfcx();
    slope Reads::input(0), |cx| apply_dyn(&ErfcxDerivative { n: 1 }, &[&cx.input(0)?], cx.site());
    samples vec![0.6, -0.3, 0.2, -0.85], points &[(f64::NEG_INFINITY, f64::NEG_INFINITY), (f64::INFINITY, f64::NAN)];

    /// ln Φ(x), element by element.
    LogNdtr "special_log_ndtr", "torch.special.log_ndtr", log_ndtr log_ndtr_;
    "The logarithm of the normal distribution's cumulative distribution function, element by element.";
    "ln Φ(x)", "e^(-x²/2 - y)/√(2π)";
    slow |x: T| x.log_ndtr();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        // NaN at -∞, where PyTorch has ∞ - ∞. Far below 0, x²/2 and y are as large as they are close; there it is √(2/π)/erfcx(-x/√2).
        let (x, y) = (cx.input(0)?, cx.output()?);
        let low = x.le(0.0)?;
        let nothing = Tensor::full([], 0.0, x.dtype())?;
        let (far, near) = (x.where_(&low, 0.0)?, nothing.where_(&low, &x)?);
        let scaled = Scale::of(&far, -Dd::FRAC_1_SQRT_2)?.erfcx()?.reciprocal()?;
        let far = Scale::of(&scaled, Dd::FRAC_2_SQRT_PI * Dd::FRAC_1_SQRT_2)?;
        let far = Tensor::full([], f64::NAN, x.dtype())?.where_(&x.eq(f64::NEG_INFINITY)?, &far)?;
        let y = nothing.where_(&low, &y)?;
        let near = near.mul(&near)?.mul(-0.5)?.sub(&y)?.exp()?;
        far.where_(&low, &Scale::of(&near, Dd::TAU.sqrt().recip())?)
    };
    samples vec![0.6, -0.3, 0.2, -0.85], points &[(f64::INFINITY, 0.0)];

    /// The inverse of the normal distribution's cumulative distribution function, element by element.
    Ndtri "special_ndtri", "torch.special.ndtri", ndtri ndtri_;
    "The inverse of the normal distribution's cumulative distribution function, element by element.";
    "y with Φ(y) = x", "√(2π) e^(y²/2)";
    slow |x: T| x.ndtri();
    slope Reads::OUTPUT, |cx| {
        let y = cx.output()?;
        Scale::of(&y.mul(&y)?.mul(0.5)?.exp()?, Dd::TAU.sqrt())
    };
    samples vec![0.6, 0.3, 0.02, 0.85], points &[(0.0, f64::INFINITY), (1.0, f64::INFINITY)];
}

/// A derivative of [`Erfcx`].
#[derive(Clone, Debug)]
pub struct ErfcxDerivative {
    /// Its order, at least 1.
    pub n: u32,
}
define! { ErfcxDerivative: Pointwise "erfcx_derivative", "torch.special.erfcx";
    summary: "The derivative of order n of the scaled complement of the error function, accurate where its terms cancel.";
    formula: "(-2)ⁿ n! e^(x²) iⁿerfc x";
    derivative: "that of order n + 1";
    proof: { samples: || [1, 2].map(|n| samples_of(ErfcxDerivative { n }, vec![0.6, -0.3, 0.2, -0.85])).concat() }
}

impl Formula<1> for ErfcxDerivative {
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.erfcx_derivative(self.n)
    }
}

impl Op for ErfcxDerivative {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
            Err(crate::ops::math::arith::needs_float(x[0])))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
}

impl rules::Pointwise for ErfcxDerivative {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        apply_dyn(
            &ErfcxDerivative { n: self.n + 1 },
            &[&cx.input(0)?],
            cx.site(),
        )
    }
}
