//! Special functions, element by element: error functions, gamma functions, Bessel functions, entropies.

use crate::core::fail::{bail, error};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::common::loops::float_map;
use crate::ops::common::methods::{replace, unary, unary_};
use crate::ops::math::elementary::pointwise;
#[cfg(feature = "proof")]
use crate::ops::math::elementary::positive;
use crate::ops::{Scale, common, define};
use crate::{Array, Number, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary as samples_of};

/// 2/√π e^-x².
fn gaussian(x: &Tensor) -> Result<Tensor> {
    Scale::of(&x.mul(x)?.neg()?.exp()?, Dd::FRAC_2_SQRT_PI)
}

/// Where an odd Bessel function is not divided by x in its derivative: near 0, where the limit is ½; and x away from there.
fn near_zero(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let near = x.abs()?.le(x.dtype().unit_roundoff() * 2.0)?;
    let safe = x.ones_like()?.where_(&near, x)?;
    Ok((near, safe))
}

fn half(x: &Tensor) -> Result<Tensor> {
    Tensor::full([], 0.5, x.dtype())
}

pointwise! {
    /// The error function, element by element.
    Erf "erf", "torch.erf", erf erf_;
    "The error function, element by element.";
    "2/√π ∫₀ˣ e^(-t²) dt", "2/√π e^(-x²)";
    fast |x: T| x.erf();
    slope Reads::input(0), |cx| gaussian(&cx.input(0)?);
    samples signed(), points &[(f64::INFINITY, 0.0), (f64::NEG_INFINITY, 0.0)];

    /// 1 - erf(x), accurate where that is tiny.
    Erfc "erfc", "torch.erfc", erfc erfc_;
    "The complement of the error function, accurate where it is tiny, element by element.";
    "1 - erf x", "-2/√π e^(-x²)";
    slow |x: T| x.erfc();
    slope Reads::input(0), |cx| gaussian(&cx.input(0)?)?.neg();
    samples signed(), points &[(f64::INFINITY, -0.0)];

    /// The inverse of the error function, element by element.
    Erfinv "erfinv", "torch.erfinv", erfinv erfinv_;
    "The inverse of the error function, element by element.";
    "y with erf y = x", "√π/2 e^(y²)";
    slow |x: T| x.erfinv();
    slope Reads::OUTPUT, |cx| { let y = cx.output()?; Scale::of(&y.mul(&y)?.exp()?, Dd::FRAC_2_SQRT_PI.recip()) };
    samples vec![0.6, -0.3, 0.2, -0.85], points &[(1.0, f64::INFINITY)];

    /// The logarithm of |Γ(x)|, element by element.
    Lgamma "lgamma", "torch.lgamma", lgamma lgamma_;
    "The logarithm of the magnitude of the gamma function, element by element.";
    "ln |Γ(x)|", "ψ(x)";
    slow |x: T| x.lgamma();
    slope Reads::input(0), |cx| cx.input(0)?.digamma();
    samples vec![3.4, 5.7, 6.2, 4.5], points &[(f64::INFINITY, f64::INFINITY)];

    /// The derivative of [`Tensor::lgamma`], element by element.
    Digamma "digamma", "torch.digamma", digamma digamma_;
    "The logarithmic derivative of the gamma function, element by element.";
    "ψ(x)", "ψ′(x)";
    slow |x: T| x.digamma();
    slope Reads::input(0), |cx| cx.input(0)?.polygamma(1);
    samples vec![0.6, 2.7, -1.2, 4.5], points &[(0.0, f64::INFINITY)];

    /// The modified Bessel function of the first kind and order 0, element by element.
    I0 "i0", "torch.i0", i0 i0_;
    "The modified Bessel function of the first kind and order 0, element by element.";
    "I₀(x)", "I₁(x)";
    slow |x: T| x.i0();
    slope Reads::input(0), |cx| cx.input(0)?.i1();
    samples signed(), points &[(0.0, 0.0)];

    /// The modified Bessel function of the first kind and order 1, element by element.
    I1 "special_i1", "torch.special.i1", i1 i1_;
    "The modified Bessel function of the first kind and order 1, element by element.";
    "I₁(x)", "I₀(x) - I₁(x)/x";
    slow |x: T| x.i1();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        let (near, safe) = near_zero(&x)?;
        half(&x)?.where_(&near, &x.i0()?.sub(&cx.output()?.div(&safe)?)?)
    };
    samples vec![1.6, -2.3, 3.2, -1.4], points &[(0.0, 0.5)];

    /// [`Tensor::i0`] times e^-|x|, element by element.
    I0e "special_i0e", "torch.special.i0e", i0e i0e_;
    "The modified Bessel function of the first kind and order 0, scaled by e^-|x|, element by element.";
    "e^-|x| I₀(x)", "e^-|x| I₁(x) - sign(x) y";
    slow |x: T| x.i0e();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        x.i1e()?.sub(&x.sign()?.mul(&cx.output()?)?)
    };
    samples signed(), points &[(0.0, 0.0)];

    /// [`Tensor::i1`] times e^-|x|, element by element.
    I1e "special_i1e", "torch.special.i1e", i1e i1e_;
    "The modified Bessel function of the first kind and order 1, scaled by e^-|x|, element by element.";
    "e^-|x| I₁(x)", "e^-|x| I₀(x) - y (sign(x) + 1/x)";
    slow |x: T| x.i1e();
    slope Reads::input(0).and(Reads::OUTPUT), |cx| {
        let x = cx.input(0)?;
        let (near, safe) = near_zero(&x)?;
        let inner = x.sign()?.add(&safe.reciprocal()?)?;
        half(&x)?.where_(&near, &x.i0e()?.sub(&cx.output()?.mul(&inner)?)?)
    };
    samples vec![0.5, -0.6, 0.45, -0.7], points &[(0.0, 0.5)];

    /// -x ln x, element by element; 0 at 0 and -∞ below.
    Entr "special_entr", "torch.special.entr", entr entr_;
    "Entropy of one probability, element by element: 0 at 0, -∞ below.";
    "-x ln x", "-1 - ln x";
    slow |x: T| T::choose(x.above(T::ZERO), || -x * x.ln(), || {
        T::choose(x.equals(T::ZERO), || T::ZERO, || T::choose(x.is_nan(), || x, || T::lit(f64::NEG_INFINITY)))
    });
    slope Reads::input(0), |cx| cx.input(0)?.log()?.add(1.0)?.neg();
    samples positive(), points &[(0.0, f64::INFINITY)];

    /// ln(x/(1 - x)) without bounds; what [`Tensor::logit`] applies.
    Logit "logit", "torch.logit";
    "Logarithm of the odds, element by element.";
    "ln(x/(1 - x))", "1/(x(1 - x)), NaN outside [0, 1]";
    slow |x: T| (x / (T::ONE - x)).ln();
    slope Reads::input(0), |cx| {
        let x = cx.input(0)?;
        // -0 counts as 0, as in PyTorch.
        let slope = x.add(0.0)?.mul(&x.ones_like()?.sub(&x)?)?.reciprocal()?;
        let outside = x.lt(0.0)?.logical_or(&x.gt(1.0)?)?;
        let nan = Tensor::full([], Number::Float(f64::NAN), x.dtype())?;
        nan.where_(&outside, &slope)
    };
    samples vec![0.6, 0.3, 0.2, 0.85], points &[(0.5, 4.0), (0.0, f64::INFINITY), (2.0, f64::NAN)];
}

/// The polygamma function of an order of at least 1.
#[derive(Clone, Debug)]
pub struct Polygamma {
    /// The order: how often digamma is differentiated.
    pub n: u32,
}
define! { Polygamma: Pointwise "polygamma", "torch.polygamma";
    summary: "The derivative of order n of the digamma function, element by element.";
    formula: "ψ⁽ⁿ⁾(x)";
    derivative: "ψ⁽ⁿ⁺¹⁾(x)";
    proof: { samples: || [1, 2].map(|n| samples_of(Polygamma { n }, vec![0.6, 2.7, -1.2, 4.5])).concat() }
}

impl Formula<1> for Polygamma {
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.polygamma(self.n)
    }
}

impl Op for Polygamma {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
            Err(crate::ops::math::arith::needs_float(x[0])))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
}

impl rules::Pointwise for Polygamma {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        cx.input(0)?.polygamma(self.n as i64 + 1)
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The derivative of order `n` of [`Tensor::digamma`], element by element.
    ///
    /// # Errors
    /// For a negative order.
    #[track_caller]
    pub fn polygamma(&self, n: impl Into<Count>) -> Result<Tensor> {
        let n = n.into().0;
        let site = Location::caller();
        match u32::try_from(n) {
            Ok(0) => unary(&Digamma, self, site),
            Ok(n) => unary(&Polygamma { n }, self, site),
            Err(_) => Err(error!(
                Argument,
                "polygamma(n, x) does not support negative n."
            )),
        }
    }

    /// ln(x/(1 - x)), element by element; with `eps`, x is kept inside [eps, 1 - eps] first, and passes no gradient
    /// outside.
    #[track_caller]
    pub fn logit(&self, eps: Option<f64>) -> Result<Tensor> {
        let site = Location::caller();
        let Some(eps) = eps.filter(|e| *e >= 0.0) else {
            return unary(&Logit, self, site);
        };
        // Not a clamp: NaN passes its gradient on.
        let x = crate::ops::common::operand::floating(self, site)?;
        let bound = |n: f64| Tensor::full([], n, x.dtype());
        let above = bound(1.0 - eps)?.where_(&x.gt(1.0 - eps)?, x.as_ref())?;
        unary(&Logit, &bound(eps)?.where_(&x.lt(eps)?, &above)?, site)
    }

    /// The normal distribution's cumulative distribution function, element by element.
    #[track_caller]
    pub fn ndtr(&self) -> Result<Tensor> {
        let x = crate::ops::common::operand::floating(self, Location::caller())?;
        Scale::of(&x, Dd::FRAC_1_SQRT_2)?.erf()?.add(1.0)?.mul(0.5)
    }

    /// The logarithm of the multivariate gamma function of dimension `p`, element by element.
    ///
    /// # Errors
    /// Where `p` is less than 1 or more than 10000 (there is a term for each dimension).
    #[track_caller]
    pub fn mvlgamma(&self, p: impl Into<Count>) -> Result<Tensor> {
        let p = p.into().0;
        if p < 1 {
            bail!(Argument, "p has to be greater than or equal to 1");
        }
        if p > 10_000 {
            return Err(error!(Value, "p is too large: {p}")
                .help("the function has one term for each dimension; at most 10000 are computed"));
        }
        let x = crate::ops::common::operand::floating(self, Location::caller())?.contiguous()?;
        let terms = Tensor::full([], (p * (p - 1)) as f64 / 4.0, x.dtype())?;
        let mut sum = Scale::of(&terms, Dd::PI.ln())?;
        for j in 0..p {
            sum = x.sub(j as f64 / 2.0)?.lgamma()?.add(&sum)?;
        }
        Ok(sum)
    }

    /// [`Tensor::logit`], in place.
    ///
    /// # Errors
    /// Where the tensor is no float; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn logit_(&self, eps: Option<f64>) -> Result<()> {
        replace(self, &[], "logit", Location::caller(), |x| x.logit(eps))
    }

    /// [`Tensor::polygamma`], in place.
    ///
    /// # Errors
    /// As [`Tensor::polygamma`]; where the tensor is no float.
    #[track_caller]
    pub fn polygamma_(&self, n: impl Into<Count>) -> Result<()> {
        let n = n.into().0;
        replace(self, &[], "polygamma", Location::caller(), |x| {
            x.polygamma(n)
        })
    }

    /// [`Tensor::mvlgamma`], in place.
    ///
    /// # Errors
    /// As [`Tensor::mvlgamma`]; where the tensor is no float.
    #[track_caller]
    pub fn mvlgamma_(&self, p: impl Into<Count>) -> Result<()> {
        let p = p.into().0;
        replace(self, &[], "mvlgamma", Location::caller(), |x| x.mvlgamma(p))
    }
}
