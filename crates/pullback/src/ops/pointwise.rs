//! Smooth functions of one number, applied element by element. The formula is the code: value and slope side by side.

use super::arith::needs_float;
use super::operand::floating;
use super::{common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op, Reads};
use crate::tensor::Tensor;
use crate::{Array, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{points1, signed, unary};

/// Defines smooth unary operations and the tensor methods that apply them.
macro_rules! pointwise {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal, $method:ident;
        $summary:literal;
        $formula:literal, $derivative:literal;
        value |$x:ident: $T:ident| $value:expr;
        slope $reads:expr, |$cx:ident| $slope:expr;
        samples $samples:expr, points $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Pointwise $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            proof: { samples: || unary($op, $samples), points: || points1($op, $points) }
        }

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), $T => kernels::map(x[0], |$x: $T| $value), else Err(needs_float(x[0])))
            }
            fn reads(&self, _: usize) -> Reads {
                $reads
            }
            fn slope(&self, $cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
                $slope
            }
        }

        impl Tensor {
            $(#[$doc])*
            ///
            /// Integers are converted to float32 first.
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                let site = Location::caller();
                apply($op, &[floating(self, site)?.as_ref()], site)
            }
        }
    )*};
}

pointwise! {
    /// Exponential, element by element.
    Exp "exp", "torch.exp", exp;
    "Exponential, element by element.";
    "eˣ", "eˣ";
    value |x: T| x.exp();
    slope Reads::OUTPUT, |cx| cx.output();
    samples signed(), points &[(0.0, 1.0), (f64::NEG_INFINITY, 0.0), (f64::INFINITY, f64::INFINITY)];

    /// Natural logarithm, element by element.
    Log "log", "torch.log", log;
    "Natural logarithm, element by element.";
    "ln x", "1/x";
    value |x: T| x.ln();
    slope Reads::input(0), |cx| { let x = cx.input(0)?; x.ones_like()?.div(&x) };
    samples vec![0.2, 0.9, 1.0, 3.5], points &[(0.0, f64::INFINITY), (2.0, 0.5)];

    /// Square root, element by element.
    Sqrt "sqrt", "torch.sqrt", sqrt;
    "Square root, element by element.";
    "√x", "1/(2√x)";
    value |x: T| x.sqrt();
    slope Reads::OUTPUT, |cx| { let y = cx.output()?; y.ones_like()?.div(&y.mul(2.0)?) };
    samples vec![0.2, 0.9, 1.0, 3.5], points &[(0.0, f64::INFINITY), (4.0, 0.25)];

    /// Sine, element by element.
    Sin "sin", "torch.sin", sin;
    "Sine, element by element.";
    "sin x", "cos x";
    value |x: T| x.sin();
    slope Reads::input(0), |cx| cx.input(0)?.cos();
    samples signed(), points &[(0.0, 1.0)];

    /// Cosine, element by element.
    Cos "cos", "torch.cos", cos;
    "Cosine, element by element.";
    "cos x", "-sin x";
    value |x: T| x.cos();
    slope Reads::input(0), |cx| cx.input(0)?.sin()?.neg();
    samples signed(), points &[(0.0, -0.0), (-0.0, 0.0)];

    /// Hyperbolic tangent, element by element.
    Tanh "tanh", "torch.tanh", tanh;
    "Hyperbolic tangent, element by element.";
    "tanh x", "1 - tanh²x";
    value |x: T| x.tanh();
    slope Reads::OUTPUT, |cx| { let y = cx.output()?; y.ones_like()?.sub(&y.mul(&y)?) };
    samples signed(), points &[(0.0, 1.0), (40.0, 0.0)];

    /// Logistic function, element by element.
    Sigmoid "sigmoid", "torch.sigmoid", sigmoid;
    "Logistic function, element by element.";
    "1/(1 + e⁻ˣ)", "y(1 - y)";
    value |x: T| T::ONE / (T::ONE + (-x).exp());
    slope Reads::OUTPUT, |cx| { let y = cx.output()?; y.ones_like()?.sub(&y)?.mul(&y) };
    samples signed(), points &[(0.0, 0.25), (-800.0, 0.0), (800.0, 0.0)];
}
