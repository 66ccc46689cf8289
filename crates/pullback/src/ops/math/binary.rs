//! Smooth functions of two numbers, applied element by element with broadcasting; and three of which one operand has no influence
//! but at jumps: copysign, heaviside, nextafter.

use crate::core::define::{common, define};
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::anchored;
use crate::ops::common::gate::{magnitude, select};
use crate::ops::common::loops::float_zip;
use crate::ops::common::methods::{binary_methods, not_implemented, replace, set_apart};
use crate::{Array, DType, Real, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, broken_shapes, pairs, point};

/// Pairs of which the second is positive.
#[cfg(feature = "proof")]
fn second_positive<O: Op + Clone>(op: O) -> Vec<Sample> {
    let mut samples = pairs(op);
    samples
        .iter_mut()
        .for_each(|s| s.map_input(1, |b| b.abs() + 0.25));
    samples
}

/// Pairs that are farther apart.
#[cfg(feature = "proof")]
fn wider<O: Op + Clone>(op: O) -> Vec<Sample> {
    let mut samples = pairs(op);
    samples.iter_mut().for_each(|s| s.map_input(1, |b| 1.7 * b));
    samples
}

/// The methods that apply a binary operation; `$kernel` is PyTorch's name for the loop, where integers have none.
macro_rules! methods {
    ($(#[$doc:meta])* $op:ident $method:ident $method_:ident $kernel:literal) => {
        binary_methods! { $(#[$doc])* $op $method $method_, float $kernel.is_empty(), errors "Where the shapes do not broadcast; where the operation has no form for the dtypes." }
    };
}

macro_rules! smooth {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal, $torch:literal, $method:ident $method_:ident $kernel:literal;
        $summary:literal;
        $formula:literal, $derivative:literal;
        value |$a:ident, $b:ident: $T:ident| $value:expr;
        reads $reads:expr;
        slopes |$cx:ident| $first:expr, $second:expr;
        samples $samples:expr, points $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Pointwise $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            proof: { samples: || $samples($op), points: || $points, errors: || broken_shapes($op) }
        }

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                if !x[0].dtype().is_float() {
                    return Err(not_implemented($kernel, x[0].dtype()));
                }
                float_zip!(slow x[0], x[1], |a, b: T| $op.at([a, b]))
            }
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            fn reads(&self, _: usize) -> Reads {
                $reads
            }
        }

        impl rules::Pointwise for $op {
            fn slope(&self, $cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
                let ($a, $b) = ($cx.input(0)?, $cx.input(1)?);
                if i == 0 { $first } else { $second }
            }
        }

        impl Formula<2> for $op {
            fn at<$T: Scalar>(&self, [$a, $b]: [$T; 2]) -> $T {
                $value
            }
        }

        methods! { $(#[$doc])* $op $method $method_ $kernel }
    )*};
}

/// PyTorch's sum of exponentials: infinities that are equal stay.
#[inline(always)]
fn add_exponentials<T: Scalar>(a: T, b: T, tail: impl Fn(T) -> T) -> T {
    let infinite = !a.is_finite() & !a.is_nan();
    T::choose(
        infinite & a.equals(b),
        || a,
        || {
            let most = T::choose(a.above(b) | a.is_nan(), || a, || b);
            most + tail(-(a - b).abs())
        },
    )
}

smooth! {
    /// √(self² + other²) without overflow on the way, element by element.
    Hypot "hypot", "torch.hypot", hypot hypot_ "hypot_cpu";
    "Length of the hypotenuse without overflow on the way, element by element, with broadcasting.";
    "√(a² + b²)", "a/y by a, b/y by b";
    value |a, b: T| a.hypot(b);
    reads Reads::INPUTS.and(Reads::OUTPUT);
    slopes |cx| a.div(&cx.output()?), b.div(&cx.output()?);
    samples pairs, points vec![point(Hypot, &[&[0.0, 0.0], &[0.0, 4.0]], &[&[f64::NAN, 0.0], &[f64::NAN, 1.0]])];

    /// ln(e^self + e^other) without overflow on the way, element by element.
    Logaddexp "logaddexp", "torch.logaddexp", logaddexp logaddexp_ "logaddexp_cpu";
    "Logarithm of a sum of exponentials without overflow on the way, element by element, with broadcasting.";
    "ln(eᵃ + eᵇ)", "1/(1 + eᵇ⁻ᵃ) by a, 1/(1 + eᵃ⁻ᵇ) by b";
    value |a, b: T| add_exponentials(a, b, |d: T| d.exp().ln_1p());
    reads Reads::INPUTS;
    slopes |cx| b.sub(&a)?.exp()?.add(1.0)?.reciprocal(), a.sub(&b)?.exp()?.add(1.0)?.reciprocal();
    samples wider, points vec![point(Logaddexp, &[&[0.0], &[0.0]], &[&[0.5], &[0.5]])];

    /// log₂(2^self + 2^other) without overflow on the way, element by element.
    Logaddexp2 "logaddexp2", "torch.logaddexp2", logaddexp2 logaddexp2_ "logaddexp2_cpu";
    "Logarithm to base 2 of a sum of powers of 2, element by element, with broadcasting.";
    "log₂(2ᵃ + 2ᵇ)", "1/(1 + 2ᵇ⁻ᵃ) by a, 1/(1 + 2ᵃ⁻ᵇ) by b";
    value |a, b: T| add_exponentials(a, b, |d: T| d.exp2().ln_1p() * T::constant(Dd::LOG2_E));
    reads Reads::INPUTS;
    slopes |cx| b.sub(&a)?.exp2()?.add(1.0)?.reciprocal(), a.sub(&b)?.exp2()?.add(1.0)?.reciprocal();
    samples wider, points vec![point(Logaddexp2, &[&[0.0], &[0.0]], &[&[0.5], &[0.5]])];

    /// self · ln(other), and 0 where self is 0, element by element.
    Xlogy "xlogy", "torch.xlogy", xlogy xlogy_ "";
    "Product with a logarithm, 0 where the factor is 0, element by element, with broadcasting.";
    "a ln b, 0 at a = 0", "ln b by a (0 at a = 0, b ≤ 0), a/b by b";
    value |a, b: T| T::choose(b.is_nan(), || b, || T::choose(a.equals(T::ZERO), || T::ZERO, || a * b.ln()));
    reads Reads::INPUTS;
    slopes |cx| select(&a.eq(0.0)?.logical_and(&b.le(0.0)?)?.logical_not()?, &b.log()?), a.div(&b);
    samples second_positive, points vec![point(Xlogy, &[&[0.0, 2.0], &[0.0, 1.0]], &[&[0.0, 0.0], &[f64::NAN, 2.0]])];

    /// self · ln(1 + other), and 0 where self is 0, element by element.
    Xlog1py "special_xlog1py", "torch.special.xlog1py", xlog1py xlog1py_ "";
    "Product with the logarithm of one more, 0 where the factor is 0, element by element, with broadcasting.";
    "a ln(1 + b), 0 at a = 0", "ln(1 + b) by a (0 at a = 0, b ≤ -1), a/(1 + b) by b";
    value |a, b: T| T::choose(b.is_nan(), || b, || T::choose(a.equals(T::ZERO), || T::ZERO, || a * b.ln_1p()));
    reads Reads::INPUTS;
    slopes |cx| select(&a.eq(0.0)?.logical_and(&b.le(-1.0)?)?.logical_not()?, &b.log1p()?), a.div(&b.add(1.0)?);
    samples second_positive, points vec![point(Xlog1py, &[&[0.0], &[-1.0]], &[&[0.0], &[f64::NAN]])];
}

/// The magnitude of the first with the sign of the second.
#[derive(Clone, Debug)]
pub struct Copysign;
define! { Copysign: Gate "copysign", "torch.copysign";
    summary: "Magnitude of the first with the sign of the second, element by element, with broadcasting.";
    formula: "|a| sign(b)";
    derivative: "g·y/a to a, 0 to b";
    convention: "at a = 0 nothing passes, as in PyTorch";
    proof: { samples: || pairs(Copysign), points: || vec![
        point(Copysign, &[&[0.0, 2.0, -2.0], &[-1.0, -0.0, 1.0]], &[&[0.0, -1.0, -1.0], &[0.0, 0.0, 0.0]]),
    ], errors: || broken_shapes(Copysign) }
}

impl Copysign {
    fn ratio(cx: &Ctx<'_>) -> Result<Tensor> {
        // Constant wherever it has a derivative, whatever the quotient's rounding says.
        let (a, y) = (cx.input(0)?.detach(), cx.output()?.detach());
        select(&a.ne(0.0)?, &y.div(&a)?)
    }
}

impl Formula<2> for Copysign {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a.copysign(b)
    }
}

impl Op for Copysign {
    common!();
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        float_zip!(fast x[0], x[1], |a, b: T| Copysign.at([a, b]))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(0).and(Reads::OUTPUT),
            _ => Reads::NOTHING,
        }
    }
}

impl rules::Gate for Copysign {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => anchored(cx, "copysign", Copysign::ratio(cx)?.mul(g)?, &cx.input(0)?),
            _ => Tensor::zeros_of(cx.shape(1), cx.dtype(1)),
        }
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| {
            if a == <T as Real>::ZERO { 0 } else if a.is_sign_negative() == b.is_sign_negative() { 1i64 } else { -1 }
        }), else Err(crate::ops::math::arith::needs_float(x[0])))
        .map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        x[0].mul(&decision.to(x[0].dtype())?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let (a, b) = (magnitude(x[0])?, magnitude(x[1])?);
        crate::ops::Minimum.eval(&[&a, &b]).map(Some)
    }
}

methods! {
    /// The magnitude of `self` with the sign of `other`, element by element.
    Copysign copysign copysign_ ""
}

/// The step function.
#[derive(Clone, Debug)]
pub struct Heaviside;
define! { Heaviside: Cut "heaviside", "torch.heaviside";
    summary: "0 below zero, 1 above, the second operand at zero, element by element, with broadcasting.";
    formula: "0 if a < 0, b if a = 0, 1 if a > 0";
    derivative: "none: PyTorch defines none";
    proof: { samples: || pairs(Heaviside), errors: || broken_shapes(Heaviside) }
}

impl Formula<2> for Heaviside {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        let zero = T::lit(0.0);
        let step = T::choose(a.above(zero), || T::lit(1.0), || zero);
        T::choose(a.equals(zero), || b, || step)
    }
}

impl Op for Heaviside {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].dtype() == DType::Bool {
            return kernels::zip(x[0], x[1], |a: bool, b: bool| a | b);
        }
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| self.at([a, b])), else
            dispatch!(number x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| {
            let zero = T::default();
            let one: T = pullback_array::Arith::UNIT;
            if a == zero { b } else if a > zero { one } else { zero }
        }), else unreachable!("the other dtypes are numbers")))
    }
}

/// The next number that the dtype has towards another.
#[derive(Clone, Debug)]
pub struct Nextafter;
define! { Nextafter: Pointwise "nextafter", "torch.nextafter";
    summary: "The next number of the dtype after the first towards the second, element by element, with broadcasting.";
    formula: "the neighbour of a towards b";
    derivative: "1 by a, 0 where a = b; 0 by b";
    proof: { samples: || pairs(Nextafter), points: || vec![
        point(Nextafter, &[&[1.0, 2.0, 0.0], &[1.0, 0.0, 1.0]], &[&[0.0, 1.0, 1.0], &[0.0, 0.0, 0.0]]),
    ], errors: || broken_shapes(Nextafter) }
}

impl Op for Nextafter {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if !x[0].dtype().is_float() {
            return Err(not_implemented("nextafter_cpu", x[0].dtype()));
        }
        float_zip!(slow x[0], x[1], |a, b: T| pullback_array::Special::nextafter(a, b))
    }
}

impl rules::Pointwise for Nextafter {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        match i {
            0 => cx.input(0)?.ne(&cx.input(1)?)?.to(cx.dtype(0)),
            _ => Tensor::zeros_of(cx.shape(1), cx.dtype(1)),
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => select(&cx.input(0)?.ne(&cx.input(1)?)?, g),
            _ => self.slope(cx, 1),
        }
    }
}

methods! {
    /// The next number of the dtype after `self` towards `other`, element by element.
    Nextafter nextafter nextafter_ "nextafter_cpu"
}

#[pullback_macros::called]
impl Tensor {
    /// 0 where `self` is negative or NaN, 1 where it is positive, `values` where it is zero.
    ///
    /// # Errors
    /// Where the dtypes differ; where the shapes do not broadcast.
    #[track_caller]
    pub fn heaviside(&self, values: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        Heaviside::same_dtype(self, values)?;
        crate::core::apply::apply_dyn(&Heaviside, &[self, values], site)
    }

    /// [`Tensor::heaviside`], in place.
    ///
    /// # Errors
    /// As [`Tensor::heaviside`].
    #[track_caller]
    pub fn heaviside_(&self, values: &Tensor) -> Result<()> {
        // Written as a value without history: what `self` was before gets no gradient.
        let value = self.heaviside(values)?;
        self.overwrite(&value, "heaviside", Location::caller())
    }

    /// self · 2^other, element by element, in the dtype of both; integers become float32.
    ///
    /// # Errors
    /// Where the shapes do not broadcast.
    #[track_caller]
    pub fn ldexp(&self, other: &Tensor) -> Result<Tensor> {
        let dtype = match crate::result_type(self, other) {
            float if float.is_float() => float,
            _ => DType::default_float(),
        };
        self.to(dtype)?.mul(&other.to(dtype)?.rpow(2.0)?)
    }

    /// [`Tensor::ldexp`], in place.
    ///
    /// # Errors
    /// As [`Tensor::add_`].
    #[track_caller]
    pub fn ldexp_(&self, other: &Tensor) -> Result<()> {
        let site = Location::caller();
        let other = set_apart(self, other, site)?;
        replace(self, &[&other], "ldexp", site, |x| x.ldexp(&other))
    }
}

impl Heaviside {
    fn same_dtype(a: &Tensor, b: &Tensor) -> Result<()> {
        if a.dtype() == b.dtype() {
            return Ok(());
        }
        Err(error!(
            DType,
            "heaviside is not yet implemented for tensors with different dtypes."
        ))
    }
}
