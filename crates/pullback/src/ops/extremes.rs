//! The larger and the smaller of two, and magnitudes: gates between two smooth pieces.

use super::gate::{magnitude, no_form, recording};
use super::operand::{Operand, promote};
use super::{Where, common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op, Reads, sum_terms};
use crate::tensor::Tensor;
use crate::{Array, DType, Element, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{broken_shapes, pairs, point, points1, signed, unary};

/// `|x|`.
#[derive(Clone, Debug)]
pub struct Abs;
define! { Abs: Gate "abs", "torch.abs";
    summary: "Magnitude, element by element.";
    formula: "|x|";
    derivative: "g·sign(x)";
    convention: "the derivative at 0 is 0, as in PyTorch";
    proof: { samples: || unary(Abs, signed()), points: || points1(Abs, &[(0.0, 0.0), (-0.0, 0.0), (2.0, 1.0), (-2.0, -1.0)]) }
}

impl Op for Abs {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        match x[0].dtype() {
            DType::I64 => kernels::map(x[0], i64::wrapping_abs),
            DType::I32 => kernels::map(x[0], i32::wrapping_abs),
            DType::U8 => x[0].copy(),
            _ => magnitude(x[0]),
        }
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.mul(&cx.input(0)?.sign()?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| t.mul(&cx.input(0)?.sign()?))
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        // -1, 0, 1: at 0 the derivative is 0, so the piece is 0·x.
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| super::zero::sign(a).to_i64()), else Err(no_form("abs", x[0]))).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        x[0].mul(&decision.to(x[0].dtype())?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        magnitude(x[0]).map(Some)
    }
}

/// The larger of two, element by element.
#[derive(Clone, Debug)]
pub struct Maximum;
define! { Maximum: Gate "maximum", "torch.maximum";
    summary: "The larger of two tensors, element by element, with broadcasting; NaN wins.";
    formula: "max(a, b)";
    derivative: "g to the larger";
    convention: "a tie gives half to each, as in PyTorch";
    proof: { samples: || pairs(Maximum), points: || vec![
        point(Maximum, &[&[1.0, 2.0, 3.0], &[1.0, 5.0, -1.0]], &[&[0.5, 0.0, 1.0], &[0.5, 1.0, 0.0]]),
    ], errors: || broken_shapes(Maximum) }
}

/// What was decided between two elements; unordered ones (a NaN) pass the gradient to both, as in PyTorch.
const TIE: i64 = 0;
const FIRST: i64 = 1;
const SECOND: i64 = 2;
const UNORDERED: i64 = 3;

impl Maximum {
    /// What operand `i` gets of `g`.
    fn share(decision: &Tensor, i: usize, g: &Tensor) -> Result<Tensor> {
        let lost = decision.eq(if i == 0 { SECOND } else { FIRST })?;
        let kept = apply(
            Where,
            &[&decision.eq(TIE)?, &g.div(2.0)?, g],
            Location::caller(),
        )?;
        apply(
            Where,
            &[
                &lost,
                &Tensor::zeros_of(&Shape::scalar(), g.dtype())?,
                &kept,
            ],
            Location::caller(),
        )
    }

    fn decision(cx: &Ctx<'_>) -> Result<Tensor> {
        let (a, b) = (cx.input(0)?, cx.input(1)?);
        if !recording() {
            return Ok(Tensor::from_array(Maximum::winner(a.array(), b.array())?));
        }
        let pick = |mask: Result<Tensor>, code: i64, other: &Tensor| {
            Tensor::scalar(code).where_(&mask?, other)
        };
        let tied = pick(a.eq(&b), TIE, &Tensor::scalar(UNORDERED))?;
        pick(a.gt(&b), FIRST, &pick(a.lt(&b), SECOND, &tied)?)
    }

    fn winner(a: &Array, b: &Array) -> Result<Array> {
        dispatch!(float a.dtype(), T => kernels::zip(a, b, |a: T, b: T| match a.partial_cmp(&b) {
            Some(std::cmp::Ordering::Equal) => TIE,
            Some(std::cmp::Ordering::Greater) => FIRST,
            Some(std::cmp::Ordering::Less) => SECOND,
            None => UNORDERED,
        }), else Err(no_form("maximum", a)))
    }
}

impl Op for Maximum {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| if a > b || a.is_nan() { a } else { b }), else
            dispatch!(number x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| if a > b { a } else { b }), else
                kernels::zip(x[0], x[1], |a: bool, b: bool| a | b)))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        Maximum::share(&Maximum::decision(cx)?, i, g)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let decision = Maximum::decision(cx)?;
        sum_terms(t, |i, t| {
            Maximum::share(&decision, i, &t.expand(decision.shape())?)
        })
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        Maximum::winner(x[0], x[1]).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let shape = decision.shape();
        Maximum::share(decision, 0, &x[0].expand(shape)?)?.add(&Maximum::share(
            decision,
            1,
            &x[1].expand(shape)?,
        )?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| (a - b).abs()), else Err(no_form("maximum", x[0]))).map(Some)
    }
}

impl Tensor {
    /// `|self|`, element by element; the derivative at 0 is 0.
    #[track_caller]
    pub fn abs(&self) -> Result<Tensor> {
        apply(Abs, &[self], Location::caller())
    }

    /// The larger of two, element by element; a tie sends half the gradient to each.
    #[track_caller]
    pub fn maximum<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        let (a, b) = promote(self, other.into(), site)?;
        apply(Maximum, &[a.as_ref(), b.as_ref()], site)
    }
}
