//! Trigonometric and hyperbolic functions and their inverses, element by element.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_map;
use crate::ops::common::methods::{unary, unary_};
use crate::ops::math::elementary::pointwise;
use crate::{Array, Real, Result};
use pullback_array::dd::Dd;
use pullback_array::{Element, Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary as samples_of};

/// Numbers inside (-1, 1).
#[cfg(feature = "proof")]
fn inside() -> Vec<f64> {
    vec![0.6, -0.3, 0.2, -0.55]
}

pointwise! {
    /// Sine, element by element.
    Sin "sin", "torch.sin", sin sin_;
    "Sine, element by element.";
    "sin x", "cos x";
    sin |x: T| x.sin();
    slope Reads::input(0), |cx| cx.input(0)?.cos();
    loop cos |x: T| x.cos();
    samples signed(), points &[(0.0, 1.0)];

    /// Cosine, element by element.
    Cos "cos", "torch.cos", cos cos_;
    "Cosine, element by element.";
    "cos x", "-sin x";
    cos |x: T| x.cos();
    slope Reads::input(0), |cx| cx.input(0)?.sin()?.neg();
    loop sin |x: T| -x.sin();
    samples signed(), points &[(0.0, -0.0), (-0.0, 0.0)];

    /// Tangent, element by element.
    Tan "tan", "torch.tan", tan tan_;
    "Tangent, element by element.";
    "tan x", "1 + tan²x";
    slow |x: T| x.tan();
    slope Reads::OUTPUT, formula fast |y: T| y * y + T::ONE;
    samples signed(), points &[(0.0, 1.0)];

    /// Inverse sine, element by element.
    Asin "asin", "torch.asin", asin asin_;
    "Inverse sine, element by element.";
    "arcsin x", "1/√(1 - x²)";
    slow |x: T| x.asin();
    slope Reads::input(0), formula fast |x: T| T::ONE / (-(x * x) + T::ONE).sqrt();
    samples inside(), points &[(0.0, 1.0), (1.0, f64::INFINITY), (-1.0, f64::INFINITY)];

    /// Inverse cosine, element by element.
    Acos "acos", "torch.acos", acos acos_;
    "Inverse cosine, element by element.";
    "arccos x", "-1/√(1 - x²)";
    slow |x: T| x.acos();
    slope Reads::input(0), formula fast |x: T| -(T::ONE / (-(x * x) + T::ONE).sqrt());
    samples inside(), points &[(0.0, -1.0), (1.0, f64::NEG_INFINITY)];

    /// Inverse tangent, element by element.
    Atan "atan", "torch.atan", atan atan_;
    "Inverse tangent, element by element.";
    "arctan x", "1/(1 + x²)";
    slow |x: T| x.atan();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x * x + T::ONE);
    samples signed(), points &[(0.0, 1.0), (f64::INFINITY, 0.0)];

    /// Hyperbolic sine, element by element.
    Sinh "sinh", "torch.sinh", sinh sinh_;
    "Hyperbolic sine, element by element.";
    "sinh x", "cosh x";
    slow |x: T| x.sinh();
    slope Reads::input(0), |cx| cx.input(0)?.cosh();
    samples signed(), points &[(0.0, 1.0)];

    /// Hyperbolic cosine, element by element.
    Cosh "cosh", "torch.cosh", cosh cosh_;
    "Hyperbolic cosine, element by element.";
    "cosh x", "sinh x";
    slow |x: T| x.cosh();
    slope Reads::input(0), |cx| cx.input(0)?.sinh();
    samples signed(), points &[(0.0, 0.0)];

    /// Hyperbolic tangent, element by element.
    Tanh "tanh", "torch.tanh", tanh tanh_;
    "Hyperbolic tangent, element by element.";
    "tanh x", "1 - tanh²x";
    fast |x: T| x.tanh();
    slope Reads::OUTPUT, formula fast |y: T| T::ONE - y * y;
    samples signed(), points &[(0.0, 1.0), (40.0, 0.0)];

    /// Inverse hyperbolic sine, element by element.
    Asinh "asinh", "torch.asinh", asinh asinh_;
    "Inverse hyperbolic sine, element by element.";
    "arsinh x", "1/√(x² + 1)";
    slow |x: T| x.asinh();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x * x + T::ONE).sqrt();
    samples signed(), points &[(0.0, 1.0)];

    /// Inverse hyperbolic cosine, element by element.
    Acosh "acosh", "torch.acosh", acosh acosh_;
    "Inverse hyperbolic cosine, element by element.";
    "arcosh x", "1/√(x² - 1)";
    slow |x: T| x.acosh();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x * x + T::lit(-1.0)).sqrt();
    samples vec![1.3, 2.2, 1.7, 3.6], points &[(1.0, f64::INFINITY)];

    /// Inverse hyperbolic tangent, element by element.
    Atanh "atanh", "torch.atanh", atanh atanh_;
    "Inverse hyperbolic tangent, element by element.";
    "artanh x", "1/(1 - x²)";
    slow |x: T| x.atanh();
    slope Reads::input(0), formula fast |x: T| T::ONE / (-(x * x) + T::ONE);
    samples inside(), points &[(0.0, 1.0), (1.0, f64::INFINITY)];

    /// sin(πx)/(πx), element by element; 1 at 0.
    Sinc "sinc", "torch.sinc", sinc sinc_;
    "Normalised cardinal sine, element by element; 1 at 0.";
    "sin(πx)/(πx)", "(πx cos πx - sin πx)/(πx²)";
    slow |x: T| {
        let t = x * T::constant(Dd::PI);
        T::choose(x.equals(T::ZERO), || T::ONE, || t.sin() / t)
    };
    slope Reads::input(0), |cx| apply_dyn(&SincDerivative { n: 1 }, &[&cx.input(0)?], cx.site());
    samples signed(), points &[(0.0, 0.0), (-0.0, 0.0)];
}

/// A derivative of [`Sinc`].
#[derive(Clone, Debug)]
pub struct SincDerivative {
    /// Its order, at least 1.
    pub n: u32,
}
define! { SincDerivative: Pointwise "sinc_derivative", "torch.sinc";
    summary: "The derivative of order n of sinc, by its series where the formula's terms cancel.";
    formula: "πⁿ·g⁽ⁿ⁾(πx), g(t) = sin t/t";
    derivative: "that of order n + 1";
    convention: "exact at 0 and near it, where PyTorch's second derivative is NaN, and 0";
    proof: { samples: || samples_of(SincDerivative { n: 1 }, vec![0.6, -1.3, 0.05, -0.4, 1.7, -0.11]), points: || points1(SincDerivative { n: 2 }, &[(0.0, 0.0)]) }
}

impl SincDerivative {
    /// Σ (-1)ᵏ t²ᵏ⁻ⁿ/((2k + 1) (2k - n)!) near 0; else from t·g⁽ⁿ⁾ + n·g⁽ⁿ⁻¹⁾ = sin⁽ⁿ⁾ t, upwards.
    fn of<T: Real>(&self, x: T) -> T {
        let (pi, n) = (<T as Element>::from_dd(Dd::PI), self.n);
        let (t, number) = (x * pi, |k: u32| T::lit(f64::from(k)));
        let scale = (1..n).fold(pi, |product, _| product * pi);
        if n == 1 && t.abs() >= T::lit(0.5) {
            return (t * t.cos() - t.sin()) / (t * x); // as PyTorch
        }
        if t.abs() < number(n + 1) {
            let (square, first) = (t * t, n.div_ceil(2));
            let mut term = if n.is_multiple_of(2) { T::ONE } else { t } / number(2 * first + 1);
            if first % 2 == 1 {
                term = -term;
            }
            let mut sum = term;
            for k in first..first + 16 + 2 * n {
                let below = (2 * k + 2 - n) * (2 * k + 1 - n);
                term = -term * square * number(2 * k + 1) / (number(below) * number(2 * k + 3));
                sum += term;
            }
            return sum * scale;
        }
        let (sine, cosine) = (t.sin(), t.cos());
        let mut g = sine / t;
        for m in 1..=n {
            let turned = [sine, cosine, -sine, -cosine][m as usize % 4];
            g = (turned - number(m) * g) / t;
        }
        g * scale
    }
}

impl Op for SincDerivative {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.of(x)), else Err(crate::ops::math::arith::needs_float(x[0])))
    }
}

impl rules::Pointwise for SincDerivative {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        apply_dyn(
            &SincDerivative { n: self.n + 1 },
            &[&cx.input(0)?],
            cx.site(),
        )
    }
}
