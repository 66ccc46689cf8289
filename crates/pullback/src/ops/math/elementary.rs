//! Smooth functions of one number, applied element by element. The formula is the code: value and slope side by side.
//!
//! The macro that defines them, and the exponentials, logarithms and roots. Others are in `trig` and `special`.

use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_map;
use crate::ops::common::methods::{unary, unary_};
use crate::ops::{common, define};
use crate::{Array, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary as samples_of};

/// Defines smooth unary operations and the tensor methods that apply them, in place too. The slope is a formula of the one value that it
/// reads (`slope reads …, formula fast |y: T| …`), from which the loop of a plain backward and the rule for all others follow; or it
/// is written in tensor operations (`slope reads …, |cx| …`), with a formula for the loop where there is a faster one.
macro_rules! pointwise {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal $(, $method:ident $method_:ident)?;
        $summary:literal;
        $formula:literal, $derivative:literal;
        $how:ident |$x:ident: $T:ident| $value:expr;
        slope $reads:expr $(, formula $fhow:ident |$v:ident: $F:ident| $gradient:expr)? $(, |$cx:ident| $slope:expr)?;
        $(loop $lhow:ident |$l:ident: $L:ident| $looped:expr;)?
        samples $samples:expr, points $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Pointwise $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            proof: { samples: || samples_of($op, $samples), points: || points1($op, $points) }
        }

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                float_map!($how x[0], |x: T| $op.at([x]))
            }
            fn reads(&self, _: usize) -> Reads {
                $reads
            }
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            $(crate::ops::math::elementary::recorded! { $fhow })?
            $(crate::ops::math::elementary::recorded! { $lhow })?
        }

        impl rules::Pointwise for $op {
            $(fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
                crate::ops::common::formula::on_tensor(&Expression::of(&crate::ops::common::formula::Slope(self)), &crate::ops::common::formula::only($reads, cx)?)
            }
            crate::ops::math::elementary::looped! { $fhow $reads, $op })?
            $(fn slope(&self, $cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
                $slope
            })?
            $(crate::ops::math::elementary::looped! { $lhow $reads, $op })?
        }

        impl Formula<1> for $op {
            #[inline(always)]
            fn at<$T: Scalar>(&self, [$x]: [$T; 1]) -> $T {
                $value
            }
        }

        $(impl crate::ops::common::formula::Sloped for $op {
            #[inline(always)]
            fn slope_at<$F: Scalar>(&self, $v: $F) -> $F {
                $gradient
            }
        })?
        $(impl crate::ops::common::formula::Sloped for $op {
            #[inline(always)]
            fn slope_at<$L: Scalar>(&self, $l: $L) -> $L {
                $looped
            }
        })?

        $(crate::ops::math::elementary::methods! { $summary $op $method $method_ })?
    )*};
}
pub(in crate::ops) use pointwise;

/// The loop of a gradient whose slope is a formula of one value.
macro_rules! looped {
    ($how:ident $reads:expr, $op:ident) => {
        fn fused(&self, cx: &Ctx<'_>, _: usize, g: &Array) -> Option<Result<Array>> {
            Some(crate::ops::common::formula::only($reads, cx).and_then(|v| {
                crate::ops::common::loops::float_slope!($how g, &v.array(), |g, v: T| crate::ops::common::formula::Sloped::slope_at(&$op, v) * g)
            }))
        }
    };
}

/// The same formula, recorded.
macro_rules! recorded {
    ($how:ident) => {
        fn gradient_expression(&self) -> Option<Expression> {
            Some(Expression::of(&crate::ops::common::formula::Pull(self)))
        }
    };
}
pub(in crate::ops) use {looped, recorded};

/// The methods that apply a unary operation.
macro_rules! methods {
    ($summary:literal $op:ident $method:ident $method_:ident) => {
        #[pullback_macros::called]
        impl Tensor {
            #[doc = $summary]
            ///
            /// Integers are converted to float32 first.
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                unary(&$op, self, Location::caller())
            }

            #[doc = concat!("[`Tensor::", stringify!($method), "`], in place.")]
            ///
            /// # Errors
            /// Where the tensor is no float; a leaf that requires a gradient outside `no_grad`.
            #[track_caller]
            pub fn $method_(&self) -> Result<()> {
                unary_(&$op, self, Location::caller())
            }
        }
    };
}
pub(in crate::ops) use methods;

/// Samples of functions of positive numbers.
#[cfg(feature = "proof")]
pub(in crate::ops) fn positive() -> Vec<f64> {
    vec![0.2, 0.9, 1.0, 3.5]
}

pointwise! {
    /// Exponential, element by element.
    Exp "exp", "torch.exp", exp exp_;
    "Exponential, element by element.";
    "eˣ", "eˣ";
    fast |x: T| x.exp();
    slope Reads::OUTPUT, formula fast |y: T| y;
    samples signed(), points &[(0.0, 1.0), (f64::NEG_INFINITY, 0.0), (f64::INFINITY, f64::INFINITY)];

    /// Power of two, element by element.
    Exp2 "exp2", "torch.exp2", exp2 exp2_;
    "Power of two, element by element.";
    "2ˣ", "2ˣ ln 2";
    fast |x: T| x.exp2();
    slope Reads::OUTPUT, formula fast |y: T| y * T::constant(Dd::LN_2);
    samples signed(), points &[(f64::NEG_INFINITY, 0.0), (f64::INFINITY, f64::INFINITY)];

    /// eˣ - 1 without cancellation, element by element.
    Expm1 "expm1", "torch.expm1", expm1 expm1_;
    "Exponential less one, without cancellation near 0, element by element.";
    "eˣ - 1", "eˣ";
    fast |x: T| x.exp_m1();
    slope Reads::OUTPUT, formula fast |y: T| y + T::ONE;
    samples signed(), points &[(0.0, 1.0), (f64::NEG_INFINITY, 0.0)];

    /// Natural logarithm, element by element.
    Log "log", "torch.log", log log_;
    "Natural logarithm, element by element.";
    "ln x", "1/x";
    fast |x: T| x.ln();
    slope Reads::input(0), formula fast |x: T| T::ONE / x;
    samples positive(), points &[(0.0, f64::INFINITY), (2.0, 0.5)];

    /// Logarithm to base 2, element by element.
    Log2 "log2", "torch.log2", log2 log2_;
    "Logarithm to base 2, element by element.";
    "log₂ x", "1/(x ln 2)";
    fast |x: T| x.log2();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x * T::constant(Dd::LN_2));
    samples positive(), points &[(0.0, f64::INFINITY)];

    /// Logarithm to base 10, element by element.
    Log10 "log10", "torch.log10", log10 log10_;
    "Logarithm to base 10, element by element.";
    "log₁₀ x", "1/(x ln 10)";
    fast |x: T| x.log10();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x * T::constant(Dd::LN_10));
    samples positive(), points &[(0.0, f64::INFINITY)];

    /// ln(1 + x) without cancellation, element by element.
    Log1p "log1p", "torch.log1p", log1p log1p_;
    "Logarithm of one more, without cancellation near 0, element by element.";
    "ln(1 + x)", "1/(1 + x)";
    fast |x: T| x.ln_1p();
    slope Reads::input(0), formula fast |x: T| T::ONE / (x + T::ONE);
    samples vec![-0.6, 0.4, 1.7, 3.5], points &[(-1.0, f64::INFINITY), (0.0, 1.0)];

    /// Square root, element by element.
    Sqrt "sqrt", "torch.sqrt", sqrt sqrt_;
    "Square root, element by element.";
    "√x", "1/(2√x)";
    fast |x: T| x.sqrt();
    slope Reads::OUTPUT, formula fast |y: T| T::ONE / (y * T::lit(2.0));
    samples positive(), points &[(0.0, f64::INFINITY), (4.0, 0.25)];

    /// 1/√x, element by element.
    Rsqrt "rsqrt", "torch.rsqrt", rsqrt rsqrt_;
    "Reciprocal of the square root, element by element.";
    "1/√x", "-y³/2";
    fast |x: T| T::ONE / x.sqrt();
    slope Reads::OUTPUT, |cx| cx.output()?.pow(3.0)?.mul(-0.5);
    samples positive(), points &[(0.0, f64::NEG_INFINITY), (4.0, -0.0625)];

    /// 1/x, element by element.
    Reciprocal "reciprocal", "torch.reciprocal", reciprocal reciprocal_;
    "Reciprocal, element by element.";
    "1/x", "-y²";
    fast |x: T| T::ONE / x;
    slope Reads::OUTPUT, formula fast |y: T| -(y * y);
    samples signed(), points &[(0.0, f64::NEG_INFINITY), (2.0, -0.25), (f64::INFINITY, -0.0)];

    /// Logistic function, element by element.
    Sigmoid "sigmoid", "torch.sigmoid", sigmoid sigmoid_;
    "Logistic function, element by element.";
    "1/(1 + e⁻ˣ)", "y(1 - y)";
    fast |x: T| T::ONE / (T::ONE + (-x).exp());
    slope Reads::OUTPUT, formula fast |y: T| (T::ONE - y) * y;
    samples signed(), points &[(0.0, 0.25), (-800.0, 0.0), (800.0, 0.0)];
}
