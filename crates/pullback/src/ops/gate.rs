//! Operations that choose: relu, abs, maximum, amax. Smooth where the choice holds, with a kink where it changes.
//!
//! A gate is not a product: the gradient is *selected* (`where(mask, g, 0)`) and not multiplied by a mask, so a unit that
//! is off passes +0 even for an infinite gradient. What is chosen can be written down (`decide`) and forced (`frozen`).

use super::operand::{Operand, promote};
use super::{Where, common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op, Reads, sum_terms};
use crate::tensor::Tensor;
use crate::{Array, DType, Element, Error, ErrorKind, Real, Result, Shape, mode};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Sample, broken_shapes, pairs, point, points1, signed, unary};

/// Whether a recorder watches: then decisions are taken by operations that it sees, or a replay would keep old ones.
fn recording() -> bool {
    mode::flags() & mode::RECORD != 0
}

fn no_form(name: &str, x: &Array) -> Error {
    Error::new(
        ErrorKind::DType,
        format!(
            "\"{name}\" not implemented for '{}'",
            x.dtype().scalar_type_name()
        ),
    )
}

/// `mask ? a : 0`, for gradients and tangents.
fn select(mask: &Tensor, a: &Tensor) -> Result<Tensor> {
    apply(
        Where,
        &[mask, a, &Tensor::zeros_of(&Shape::scalar(), a.dtype())?],
        Location::caller(),
    )
}

/// `max(x, 0)`.
#[derive(Clone, Debug)]
pub struct Relu;
define! { Relu: Gate "relu", "torch.relu";
    summary: "Rectified linear unit, element by element.";
    formula: "max(x, 0)";
    derivative: "g where x > 0, else 0";
    convention: "the derivative at 0 is 0, as in PyTorch; NaN passes through";
    proof: { samples: || unary(Relu, signed()), points: || points1(Relu, &[(0.0, 0.0), (-0.0, 0.0), (1e-30, 1.0), (-1.0, 0.0)]) }
}

impl Op for Relu {
    common!();
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        // Selected as PyTorch's kernel does: NaN stays NaN and -0 stays -0.
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| if a < T::ZERO { T::ZERO } else { a }), else
            dispatch!(number x[0].dtype(), T => kernels::map(x[0], |a: T| if a > T::default() { a } else { T::default() }), else
                Err(Error::new(ErrorKind::DType, "Boolean inputs not supported for relu"))))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(ThresholdBackward, &[g, &cx.output()?], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| {
            apply(ThresholdBackward, &[t, &cx.output()?], cx.site())
        })
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        positive(x[0]).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        select(decision, &x[0])
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        magnitude(x[0]).map(Some)
    }
}

/// `x > 0`; a NaN counts as passing, since it does.
fn positive(x: &Array) -> Result<Array> {
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| a > T::ZERO || a.is_nan()), else Err(no_form("relu", x)))
}

fn magnitude(x: &Array) -> Result<Array> {
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| a.abs()), else Err(no_form("abs", x)))
}

/// `g` where `y > 0`, else `+0`.
#[derive(Clone, Debug)]
pub struct ThresholdBackward;
define! { ThresholdBackward: Gate "threshold_backward", "torch.ops.aten.threshold_backward";
    summary: "The gradient of relu: passes the first operand where the second is positive.";
    formula: "g where y > 0, else 0";
    derivative: "the same selection of the incoming gradient to g, nothing to y";
    convention: "selects and does not multiply: an infinite gradient behind an inactive unit gives +0; at y = 0 nothing passes";
    proof: { samples: || pairs(ThresholdBackward), points: || vec![
        point(ThresholdBackward, &[&[f64::INFINITY, 2.0, -3.0], &[0.0, 0.0, 1.0]], &[&[0.0, 0.0, 1.0]]),
    ] }
}

impl Op for ThresholdBackward {
    common!();
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |g: T, y: T| if y > T::ZERO || y.is_nan() { g } else { T::ZERO }), else
            Err(no_form("threshold_backward", x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(1)
        } else {
            Reads::NOTHING
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 0 {
            apply(ThresholdBackward, &[g, &cx.input(1)?], cx.site())
        } else {
            Tensor::zeros_of(cx.shape(1), cx.dtype(1))
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match &t[0] {
            Some(t) => apply(ThresholdBackward, &[t, &cx.input(1)?], cx.site()),
            None => cx.output()?.zeros_like(),
        }
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        positive(x[1]).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        select(decision, &x[0])
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        magnitude(x[1]).map(Some)
    }
}

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

/// The largest element along dimensions.
#[derive(Clone, Debug)]
pub struct Amax {
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keepdim: bool,
}
define! { Amax: Gate "amax", "torch.amax";
    summary: "The largest element along dimensions; NaN wins.";
    formula: "max over dims of x";
    derivative: "g to the winner";
    convention: "tied winners share the gradient evenly, as in PyTorch's amax";
    proof: { samples: amax_samples, points: || vec![
        point(Amax { dims: vec![0], keepdim: false }, &[&[3.0, 1.0, 3.0, 2.0]], &[&[0.5, 0.0, 0.5, 0.0]]),
    ] }
}

#[cfg(feature = "proof")]
fn amax_samples() -> Vec<Sample> {
    let data = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];
    let with = |dims: &[usize], keepdim, shape: &[usize]| {
        let dims = dims.to_vec();
        Sample::new(
            Amax { dims, keepdim },
            &[(shape, &data[..shape.iter().product()])],
        )
    };
    vec![
        with(&[1], false, &[2, 3]),
        with(&[0], true, &[2, 3]),
        with(&[0, 1], false, &[2, 3]),
        with(&[1], true, &[2, 3]),
        with(&[0, 2], false, &[1, 2, 3]),
        with(&[], false, &[]),
        with(&[1], false, &[0, 3]),
    ]
}

impl Amax {
    /// Marks the winners, and counts them along the dimensions (kept).
    fn winners(&self, x: &Array) -> Result<(Array, Array)> {
        let kept = Amax {
            keepdim: true,
            ..self.clone()
        };
        let best = kept.eval(&[x])?;
        let won = dispatch!(float x.dtype(), T => kernels::zip(x, &best, |a: T, b: T| a == b), else Err(no_form("amax", x)))?;
        let count = kernels::sum(&won, &self.dims, true)?;
        Ok((won, count))
    }

    /// As [`Amax::winners`], as tensors.
    fn marks(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        if !recording() {
            let (won, count) = self.winners(x.array())?;
            return Ok((Tensor::from_array(won), Tensor::from_array(count)));
        }
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let kept = Amax {
            keepdim: true,
            ..self.clone()
        };
        let won = x.eq(&apply(kept, &[x], Location::caller())?)?;
        let count = if dims.is_empty() {
            won.to(DType::I64)?
        } else {
            won.sum_dims(&dims, true)?
        };
        Ok((won, count))
    }

    fn kept(&self, g: &Tensor, of: &Shape) -> Result<Tensor> {
        if self.keepdim {
            Ok(g.clone())
        } else {
            g.reshape(kernels::reduced_shape(of, &self.dims, true))
        }
    }
}

impl Op for Amax {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].numel() == 0 && self.dims.iter().any(|&d| x[0].shape()[d] == 0) {
            return Err(Error::new(ErrorKind::Shape, "amax(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
                .note(format!("shape {}", x[0].shape())));
        }
        dispatch!(float x[0].dtype(), T => kernels::reduce(x[0], &self.dims, self.keepdim, |mut run: kernels::Run<'_, T>| {
            let first = run.next().unwrap_or_default();
            run.fold(first, |best, a| if a > best || a.is_nan() { a } else { best })
        }), else dispatch!(x[0].dtype(), T => kernels::reduce(x[0], &self.dims, self.keepdim, |mut run: kernels::Run<'_, T>| {
            let first = run.next().unwrap_or_default();
            run.fold(first, |best, a| if a.to_i64() > best.to_i64() { a } else { best })
        })))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (won, count) = self.marks(&cx.input(0)?)?;
        // A product and not a selection, because PyTorch's is one: where no element equals the result (NaN), 0/0.
        let won = won.to(g.dtype())?;
        self.kept(g, cx.shape(0))?
            .mul(&won)?
            .div(&count.to(g.dtype())?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (won, _) = self.marks(&cx.input(0)?)?;
        sum_terms(t, |_, t| self.frozen(std::slice::from_ref(t), &won))
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        Ok(Some(self.winners(x[0])?.0))
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let count = decision.to(x[0].dtype())?.sum_dims(&dims, self.keepdim)?;
        select(decision, &x[0])?
            .sum_dims(&dims, self.keepdim)?
            .div(&count)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        // Distance of every element to the winner; the winner's own is its distance to the runner-up.
        let (won, count) = self.winners(x[0])?;
        dispatch!(float x[0].dtype(), T => {
            let lowest = kernels::zip(x[0], &won, |a: T, w: bool| if w { T::lit(f64::NEG_INFINITY) } else { a })?;
            let kept = Amax { keepdim: true, ..self.clone() };
            let (best, second) = (kept.eval(&[x[0]])?, kept.eval(&[&lowest])?);
            let lead = kernels::zip3(&best, &second, &count, |b: T, s: T, c: i64| if c > 1 { T::ZERO } else { b - s })?;
            let behind = kernels::zip(&best, x[0], |b: T, a: T| b - a)?;
            kernels::zip3(&won, &lead, &behind, |w: bool, lead: T, behind: T| if w { lead } else { behind })
        }, else Err(no_form("amax", x[0]))).map(Some)
    }
}

impl Tensor {
    /// `max(self, 0)`, element by element; the derivative at 0 is 0.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[-1.0f32, 0.0, 2.0], [3])?.requires_grad_(true)?;
    /// x.relu()?.sum()?.backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 0.0, 1.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn relu(&self) -> Result<Tensor> {
        apply(Relu, &[self], Location::caller())
    }

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

    /// The largest element along `dims` (all of them if empty); tied winners share the gradient.
    #[track_caller]
    pub fn amax(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dims = super::reduce::resolve(self, dims).map_err(|e| e.op("amax").at(site))?;
        apply(Amax { dims, keepdim }, &[self], site)
    }

    /// The largest element. PyTorch's `max()` without a dimension.
    #[track_caller]
    pub fn max(&self) -> Result<Tensor> {
        self.amax(&[], false)
    }
}
