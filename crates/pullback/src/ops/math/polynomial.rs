//! Special functions that PyTorch has no gradient of, or one by one argument alone: orthogonal polynomials, Hurwitz' zeta function, Airy's
//! function, scaled and spherical Bessel functions.

use crate::core::Site;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::error;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_zip;
use crate::ops::common::methods::{binary, unary};
use crate::ops::common::operand::Operand;
use crate::ops::math::incomplete::no_derivative;
use crate::{Array, Element, Real, Result};
use pullback_array::{Series, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::DType;
#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// Which orthogonal polynomials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orthogonal {
    /// Chebyshev's of the first kind.
    ChebyshevT,
    /// Chebyshev's of the second kind.
    ChebyshevU,
    /// Chebyshev's of the third kind.
    ChebyshevV,
    /// Chebyshev's of the fourth kind.
    ChebyshevW,
    /// Hermite's, as physics has them.
    HermiteH,
    /// Hermite's, as statistics has them.
    HermiteHe,
    /// Laguerre's.
    LaguerreL,
    /// Legendre's.
    LegendreP,
}
use Orthogonal as P;

impl Orthogonal {
    /// The largest degree: the recurrence takes a step for each, and beyond this its rounding errors are as large as its value.
    const MOST: f64 = 16_777_216.0;

    /// An error for degrees that would take their time.
    fn bounded(self, degrees: &[f64]) -> Result<()> {
        let hermite = matches!(self, P::HermiteH | P::HermiteHe);
        // What is beyond 64 bits is no degree, as in PyTorch.
        let much = |n: &&f64| **n > Self::MOST && **n < i64::MAX as f64;
        match degrees.iter().find(much) {
            Some(n) if !hermite => Err(error!(Argument, "an orthogonal polynomial of degree {n} is not computed: the recurrence takes a step for each degree")
            .help(format!("degrees go up to {}", Self::MOST))),
            _ => Ok(()),
        }
    }

    /// The polynomial of degree `n` at `x`, by the recurrence of three terms.
    fn at<T: Real>(self, x: T, n: i64) -> T {
        if n < 0 {
            return T::ZERO;
        }
        let two = T::lit(2.0);
        // PyTorch's bound on the degrees of Hermite polynomials.
        let most = if size_of::<T>() == 4 { 128 } else { 512 };
        if matches!(self, P::HermiteH | P::HermiteHe) && n > most {
            return T::lit(f64::NAN);
        }
        let (mut before, mut now) = (
            T::ONE,
            match self {
                P::ChebyshevT | P::HermiteHe | P::LegendreP => x,
                P::ChebyshevU | P::HermiteH => two * x,
                P::ChebyshevV => two * x - T::ONE,
                P::ChebyshevW => two * x + T::ONE,
                P::LaguerreL => T::ONE - x,
            },
        );
        if n == 0 {
            return before;
        }
        for k in 2..=n {
            if now.is_nan() {
                break;
            }
            let (k, less) = (T::lit(k as f64), T::lit((k - 1) as f64));
            let next = match self {
                P::ChebyshevT | P::ChebyshevU | P::ChebyshevV | P::ChebyshevW => {
                    two * x * now - before
                }
                P::HermiteH => two * x * now - two * less * before,
                P::HermiteHe => x * now - less * before,
                P::LaguerreL => ((k + less - x) * now - less * before) / k,
                P::LegendreP => ((k + less) * x * now - less * before) / k,
            };
            (before, now) = (now, next);
        }
        now
    }
}

/// Orthogonal polynomials of the degrees that a second operand names.
#[derive(Clone, Debug)]
pub struct Polynomial {
    /// Which.
    pub kind: Orthogonal,
    /// Of 2x - 1, which has [0, 1] for an interval.
    pub shifted: bool,
}
define! { Polynomial: Cut "orthogonal_polynomial", "torch.special.chebyshev_polynomial_t";
    summary: "Orthogonal polynomials (Chebyshev's, Hermite's, Laguerre's, Legendre's) of the degrees given, element by element.";
    formula: "pₙ(x), by its recurrence of three terms";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |kind, shifted| Sample::new(Polynomial { kind, shifted }, &[(&[2, 3], &SIX), (&[3], &[0.0, 2.0, 5.0])]);
        let mut all = [P::ChebyshevT, P::ChebyshevU, P::ChebyshevV, P::ChebyshevW, P::HermiteH, P::HermiteHe, P::LaguerreL, P::LegendreP]
            .map(|kind| of(kind, false)).to_vec();
        all.push(of(P::ChebyshevT, true));
        all.push(Sample::new(Polynomial { kind: P::LegendreP, shifted: false }, &[(&[], &[0.5]), (&[0], &[])]));
        all
    } }
}

impl Op for Polynomial {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let Polynomial { kind, shifted } = *self;
        if !x[1].is_meta() {
            kind.bounded(&x[1].numbers_f64()?)?;
        }
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], move |a: T, n: T| {
            let a = if shifted { a + a - <T as Real>::ONE } else { a };
            {
                let n = Real::trunc(n).to_f64();
                kind.at(a, if n < i64::MAX as f64 { n as i64 } else { -1 })
            }
        }), else Err(crate::ops::math::arith::needs_float(x[0])))
    }
}

/// Hurwitz' zeta function.
#[derive(Clone, Debug)]
pub struct Zeta;
define! { Zeta: Pointwise "special_zeta", "torch.special.zeta";
    summary: "Hurwitz' zeta function, element by element.";
    formula: "Σ (q + k)^-x over k ≥ 0";
    derivative: "-x ζ(x + 1, q) by q; none by x, as in PyTorch";
    proof: { samples: || {
        // Exponents are integers here, by which nothing differentiates.
        let of = |x: &[usize], q: &[usize]| Sample::mixed(Zeta, vec![
            (x.to_vec(), [2.0, 3.0, 4.0, 6.0, 2.0, 5.0][..x.iter().product()].to_vec(), DType::I64),
            (q.to_vec(), [0.5, 1.0, 2.5, 1.75, 3.25, 0.75][..q.iter().product()].to_vec(), DType::F64),
        ]);
        vec![of(&[2, 3], &[3]), of(&[3], &[]), of(&[], &[2, 3]), of(&[0], &[1]), of(&[2, 1], &[1, 3])]
    } }
}

impl Op for Zeta {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let s = kernels::cast(x[0], x[1].dtype())?;
        float_zip!(slow & s, x[1], |a, q: T| Series::zeta(a, q))
    }
}

impl rules::Pointwise for Zeta {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        if i == 0 {
            return no_derivative("zeta");
        }
        let x = cx.input(0)?.to(cx.dtype(1))?;
        Tensor::zeta(&x.add(1.0)?, &cx.input(1)?)?.mul(&x.neg()?)
    }
}

/// A function of one number without a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Airy's function Ai.
    AiryAi,
    /// eˣ K₀(x).
    ScaledK0,
    /// eˣ K₁(x).
    ScaledK1,
    /// sin x / x, 0 at infinity.
    SphericalJ0,
}

/// Airy's function, scaled and spherical Bessel functions.
#[derive(Clone, Debug)]
pub struct Curved {
    /// Which.
    pub curve: Curve,
}
define! { Curved: Cut "special_curve", "torch.special.airy_ai";
    summary: "Airy's function, or a scaled or spherical Bessel function, element by element.";
    formula: "Ai(x), eˣ K₀(x), eˣ K₁(x) or sin(x)/x";
    derivative: "none, as in PyTorch";
    proof: { samples: || [Curve::AiryAi, Curve::ScaledK0, Curve::ScaledK1, Curve::SphericalJ0].into_iter().flat_map(|curve| [
        Sample::new(Curved { curve }, &[(&[2, 3], &[0.5, 1.25, 2.5, 7.0, 10.0, 12.0])]),
        Sample::new(Curved { curve }, &[(&[], &[3.5])]),
    ]).collect() }
}

impl Op for Curved {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let curve = self.curve;
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], move |a: T| match curve {
            Curve::AiryAi => Series::airy_ai(a),
            Curve::ScaledK0 => Series::bessel_k0e(a),
            Curve::ScaledK1 => Series::bessel_k1e(a),
            Curve::SphericalJ0 => spherical(a),
        }), else Err(crate::ops::math::arith::needs_float(x[0])))
    }
}

fn spherical<T: Real>(x: T) -> T {
    if x == T::ZERO {
        T::ONE
    } else if x.is_nan() || x.is_finite() {
        x.sin() / x
    } else {
        T::ZERO
    }
}

/// Both as tensors; a number takes the other's dtype by the usual rules.
fn pair(op: &dyn Op, x: Operand<'_>, n: Operand<'_>, site: Site) -> Result<Tensor> {
    match (x, n) {
        (Operand::Tensor(x), n) => binary(op, x, n, true, site),
        (Operand::Number(x), Operand::Tensor(n)) => {
            // Both as floats, so that the number does not wrap beside integers.
            let n = crate::ops::common::operand::floating(n, site)?;
            binary(op, &n.number_like(x)?, (&*n).into(), true, site)
        }
        _ => Err(error!(Type, "one operand must be a tensor")),
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Orthogonal polynomials at `x` of the degrees `n`, either of which may be a number; `shifted` ones are of 2x - 1. No gradient, as
    /// in PyTorch.
    ///
    /// # Errors
    /// Where both are numbers or shapes do not broadcast.
    #[track_caller]
    pub fn orthogonal_polynomial<'a>(
        kind: Orthogonal,
        shifted: bool,
        x: impl Into<Operand<'a>>,
        n: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        pair(
            &Polynomial { kind, shifted },
            x.into(),
            n.into(),
            Location::caller(),
        )
    }

    /// Hurwitz' zeta function Σ (q + k)^-x; either operand may be a number. It has a gradient by `q` alone, as in PyTorch.
    ///
    /// # Errors
    /// As [`Tensor::orthogonal_polynomial`].
    #[track_caller]
    pub fn zeta<'a>(x: impl Into<Operand<'a>>, q: impl Into<Operand<'a>>) -> Result<Tensor> {
        pair(&Zeta, x.into(), q.into(), Location::caller())
    }

    /// Airy's function, or a scaled or spherical Bessel function, element by element. No gradient, as in PyTorch.
    #[track_caller]
    pub fn special_curve(&self, curve: Curve) -> Result<Tensor> {
        unary(&Curved { curve }, self, Location::caller())
    }
}
