//! The angle of a point of the plane, and its slopes, whose squares neither overflow nor underflow.
//!
//! Not for: other functions of two numbers ([`super::binary`]).

use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_zip;
use crate::ops::common::methods::{binary_methods, not_implemented};
use crate::{Array, Result};
use pullback_array::{Expression, Formula, Scalar};

#[cfg(feature = "proof")]
use crate::core::samples::{broken_shapes, pairs, point};

/// The angle of the point (other, self), element by element.
#[derive(Clone, Debug)]
pub struct Atan2;
define! { Atan2: Pointwise "atan2", "torch.atan2";
    summary: "Angle of the point (b, a), element by element, with broadcasting.";
    formula: "arg(b + ia)";
    derivative: "b/(a² + b²) by a, -a/(a² + b²) by b, and 0 at the origin";
    convention: "the slopes of points so near or far that a² + b² has no number of the dtype are right, where PyTorch's are 0";
    proof: { samples: || pairs(Atan2), points: || vec![point(Atan2, &[&[0.0], &[0.0]], &[&[0.0], &[-0.0]])], errors: || broken_shapes(Atan2) }
}

impl Op for Atan2 {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if !x[0].dtype().is_float() {
            return Err(not_implemented("atan2", x[0].dtype()));
        }
        float_zip!(slow x[0], x[1], |a, b: T| Atan2.at([a, b]))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
}

impl Formula<2> for Atan2 {
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a.atan2(b)
    }
}

impl rules::Pointwise for Atan2 {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let (a, b) = (&cx.input(0)?, &cx.input(1)?);
        match i {
            0 => apply(AngleSlope, &[a, b], cx.site()),
            _ => apply(AngleSlope, &[b, a], cx.site())?.neg(),
        }
    }
}

binary_methods! {
    /// The angle of the point (other, self), element by element.
    Atan2 atan2 atan2_, float true, errors "Where the shapes do not broadcast; where the operation has no form for the dtypes."
}

/// The slope of the angle of the point (b, a) by a; with its operands exchanged and its sign, by b.
#[derive(Clone, Debug)]
pub struct AngleSlope;
define! { AngleSlope: Pointwise "atan2_slope", "torch.atan2";
    summary: "The slope of the angle of the point (b, a) by a, element by element, with broadcasting.";
    formula: "s(a, b) = b/(a² + b²), and 0 at the origin";
    derivative: "-2·s(a, b)·s(b, a) by a, s(b, a)² - s(a, b)² by b";
    proof: { samples: || pairs(AngleSlope), points: || vec![point(AngleSlope, &[&[0.0], &[0.0]], &[&[-0.0], &[0.0]])] }
}

/// A power of two that brings numbers of this size to where their squares are numbers too, in single and in double precision.
#[inline(always)]
fn factor<T: Scalar>(size: T) -> T {
    let power = |n: i32| T::lit(2f64.powi(n));
    let large = || T::choose(size.above(power(500)), || power(-700), || power(-100));
    let small = || T::choose(size.below(power(-500)), || power(700), || power(100));
    T::choose(size.above(power(60)), large, || {
        T::choose(size.below(power(-60)), small, || T::ONE)
    })
}

impl Formula<2> for AngleSlope {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        let s = factor(T::choose(a.abs().above(b.abs()), || a.abs(), || b.abs()));
        let (x, y) = (a * s, b * s);
        let square = x * x + y * y;
        T::choose(
            square.equals(T::ZERO),
            || T::ZERO,
            || y * (T::ONE / square) * s,
        )
    }
}

impl Op for AngleSlope {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if !x[0].dtype().is_float() {
            return Err(not_implemented("atan2", x[0].dtype()));
        }
        float_zip!(slow x[0], x[1], |a, b: T| AngleSlope.at([a, b]))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
}

impl rules::Pointwise for AngleSlope {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let (a, b) = (&cx.input(0)?, &cx.input(1)?);
        let (by_a, by_b) = (
            apply(AngleSlope, &[a, b], cx.site())?,
            apply(AngleSlope, &[b, a], cx.site())?,
        );
        match i {
            0 => by_a.mul(&by_b)?.mul(-2.0),
            _ => by_b.square()?.sub(&by_a.square()?),
        }
    }
}
