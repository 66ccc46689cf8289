//! Smooth activations: silu, mish, gelu in both forms, logsigmoid. The formula is the code: value, gradient in one loop for a
//! plain backward, and the derivative in operations for higher orders.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::times;
use crate::ops::common::formula::{Gradient, Pulled};
use crate::ops::common::gate::no_form;
use crate::ops::math::arith::needs_float;
use crate::{Array, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary};

/// Defines smooth functions of one number whose gradient is worth a loop of its own.
macro_rules! smooth {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal, $kernel:literal;
        $summary:literal;
        $formula:literal, $derivative:literal;
        value |$v:ident: $T:ident| $value:expr;
        fused |$g:ident, $f:ident: $F:ident| $fused:expr;
        slope |$x:ident| $slope:expr;
        points $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Pointwise $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            proof: { samples: || unary($op, signed()), points: || points1($op, $points) }
        }

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), T => kernels::map_wide(x[0], #[inline(always)] |x: T| $op.at([x])), else Err(no_form($kernel, x[0])))
            }
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            fn gradient_expression(&self) -> Option<Expression> {
                Some(Expression::of(&Gradient(self)))
            }
            fn reads(&self, _: usize) -> Reads {
                Reads::input(0)
            }
        }

        impl rules::Pointwise for $op {
            fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
                let $x = &cx.input(0)?;
                $slope
            }
            fn fused(&self, cx: &Ctx<'_>, _: usize, g: &Array) -> Option<Result<Array>> {
                Some(cx.input(0).and_then(|x| {
                    let x = &x.array();
                    dispatch!(float x.dtype(), T => kernels::zip_wide(g, x, #[inline(always)] |g: T, x: T| $op.pull_at(g, x)), else Err(no_form($kernel, x)))
                }))
            }
        }

        impl Formula<1> for $op {
            #[inline(always)]
            fn at<$T: Scalar>(&self, [$v]: [$T; 1]) -> $T {
                $value
            }
        }

        impl Pulled for $op {
            #[inline(always)]
            fn pull_at<$F: Scalar>(&self, $g: $F, $f: $F) -> $F {
                $fused
            }
        }
    )*};
}

#[inline(always)]
fn logistic<T: Scalar>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp_quick())
}

/// √(2/π) and the cubic coefficient of gelu's approximation, which PyTorch defines in double precision.
const TANH_SCALE: f64 = std::f64::consts::SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI * 0.5;
const TANH_CUBE: f64 = 0.044715;

smooth! {
    /// `x` times its logistic function.
    Silu "silu", "torch.nn.functional.silu", "silu_cpu";
    "x times its logistic function (swish).";
    "x/(1 + e⁻ˣ)", "σ(x)·(1 + x·(1 - σ(x)))";
    value |x: T| x / (T::ONE + (-x).exp_quick());
    fused |g, x: T| { let s = logistic(x); g * s * (T::ONE + x * (T::ONE - s)) };
    slope |x| { let s = x.sigmoid()?; s.mul(&s.neg()?.add(1.0)?.mul(x)?.add(1.0)?) };
    points &[(0.0, 0.5), (-800.0, -0.0), (f64::NAN, f64::NAN)];

    /// `x` times the hyperbolic tangent of its softplus.
    Mish "mish", "torch.nn.functional.mish", "mish_cpu";
    "x times the hyperbolic tangent of its softplus.";
    "x·tanh(ln(1 + eˣ))", "t + x·σ(x)·(1 - t²), t = tanh(ln(1 + eˣ))";
    value |x: T| x * x.exp().ln_1p().tanh();
    fused |g, x: T| { let t = x.exp().ln_1p().tanh(); g * (t + x * logistic(x) * (T::ONE - t * t)) };
    slope |x| {
        let t = x.neg()?.logsigmoid()?.neg()?.tanh()?;
        t.mul(&t)?.neg()?.add(1.0)?.mul(&x.sigmoid()?)?.mul(x)?.add(&t)
    };
    points &[(-800.0, 0.0), (f64::NAN, f64::NAN)];

    /// Logarithm of the logistic function, without overflow.
    LogSigmoid "logsigmoid", "torch.nn.functional.logsigmoid", "log_sigmoid_cpu";
    "Logarithm of the logistic function, without overflow on the way.";
    "-ln(1 + e⁻ˣ)", "1/(1 + eˣ)";
    value |x: T| T::choose(x.is_nan(), || x, || {
        T::choose(x.below(T::ZERO), || x, || T::ZERO) - (-x.abs()).exp().ln_1p()
    });
    fused |g, x: T| {
        let z = (-x.abs()).exp();
        let part = z / (T::ONE + z);
        g * T::choose(x.below(T::ZERO), || T::ONE - part, || part)
    };
    slope |x| x.neg()?.sigmoid();
    points &[(0.0, 0.5), (f64::INFINITY, 0.0), (f64::NEG_INFINITY, 1.0), (f64::NAN, f64::NAN)];

    /// `x` times the probability that a normal number is below it.
    Gelu "gelu", "torch.nn.functional.gelu", "GeluKernelImpl";
    "x times the normal distribution function.";
    "x·Φ(x) = x·(1 + erf(x/√2))/2", "Φ(x) + x·φ(x)";
    value |x: T| x * x.normal_quick();
    fused |g, x: T| g * (x.normal_quick() + x * density_at(x));
    slope |x| apply_dyn(&Ndtr, &[x], std::panic::Location::caller())?.add(&density(x)?.mul(x)?);
    points &[(0.0, 0.5), (f64::INFINITY, f64::NAN), (f64::NEG_INFINITY, f64::NAN), (-1e4, 0.0)];

    /// [`Gelu`] by a hyperbolic tangent.
    GeluTanh "gelu_tanh", "torch.nn.functional.gelu", "GeluKernelImpl";
    "x times the normal distribution function, approximated by a hyperbolic tangent.";
    "x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2", "(1 + t)/2 + x·(1 - t²)·√(2/π)·(1 + 3·0.044715·x²)/2, t the tangent";
    value |x: T| {
        // (1 + tanh u)/2 is the logistic function of 2u, which does not cancel.
        let (a, c) = (T::lit(TANH_SCALE * 2.0), T::lit(TANH_CUBE));
        x / (T::ONE + (-(a * (x + c * (x * x * x)))).exp_quick())
    };
    fused |g, x: T| {
        let (a, c, square) = (T::lit(TANH_SCALE * 2.0), T::lit(TANH_CUBE), x * x);
        let s = logistic(a * (x + c * (square * x)));
        g * (s + x * (s * (T::ONE - s) * (a * (T::ONE + T::lit(3.0) * c * square))))
    };
    slope |x| {
        let square = x.mul(x)?;
        let s = times(&times(&square.mul(x)?, TANH_CUBE)?.add(x)?, TANH_SCALE * 2.0)?.sigmoid()?;
        let inner = times(&times(&square, TANH_CUBE)?.mul(3.0)?.add(1.0)?, TANH_SCALE * 2.0)?;
        s.neg()?.add(1.0)?.mul(&s)?.mul(&inner)?.mul(x)?.add(&s)
    };
    points &[(0.0, 0.5), (f64::INFINITY, f64::NAN), (-1e4, 0.0)];

    /// The probability that a normal number is below `x`.
    Ndtr "ndtr", "torch.special.ndtr", "ndtr_cpu";
    "The distribution function of the normal distribution.";
    "Φ(x) = (1 + erf(x/√2))/2", "φ(x) = e^{-x²/2}/√(2π)";
    value |x: T| x.normal_quick();
    fused |g, x: T| g * density_at(x);
    slope |x| density(x);
    points &[(f64::INFINITY, 0.0), (f64::NEG_INFINITY, 0.0)];
}

/// e^{-x²/2}/√(2π).
#[inline(always)]
fn density_at<T: Scalar>(x: T) -> T {
    T::constant(Dd::FRAC_1_SQRT_TAU) * (x * x * T::lit(-0.5)).exp_quick()
}

/// The density of the normal distribution.
#[derive(Clone, Debug)]
pub struct NormalDensity;
define! { NormalDensity: Pointwise "normal_density", "torch.distributions.Normal.log_prob";
    summary: "The density of the normal distribution: what gelu's derivative is made of.";
    formula: "φ(x) = e^{-x²/2}/√(2π)";
    derivative: "-x·φ(x)";
    proof: { samples: || unary(NormalDensity, signed()) }
}

impl Op for NormalDensity {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else Err(needs_float(x[0])))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0).and(Reads::OUTPUT)
    }
}

impl rules::Pointwise for NormalDensity {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        cx.input(0)?.neg()?.mul(&cx.output()?)
    }
}

impl Formula<1> for NormalDensity {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        density_at(x)
    }
}

#[track_caller]
fn density(x: &Tensor) -> Result<Tensor> {
    apply_dyn(&NormalDensity, &[x], std::panic::Location::caller())
}
