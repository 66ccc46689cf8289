//! What operations that choose have in common, and the simplest of them, relu. Smooth where the choice holds, with a kink
//! where it changes. Others are in `extremes`, `clamp`, `rounding` and `amax`.
//!
//! A gate is not a product: the gradient is *selected* (`where(mask, g, 0)`) and not multiplied by a mask, so a unit that
//! is off passes +0 even for an infinite gradient. What is chosen can be written down (`decide`) and forced (`frozen`).

use crate::core::apply::apply;
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::{Where, common, define};
use crate::{Array, Error, Result, Shape};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{pairs, point, points1, signed, unary};

pub(in crate::ops) fn no_form(name: &str, x: &Array) -> Error {
    error!(
        Unsupported,
        "\"{name}\" not implemented for '{}'",
        x.dtype().scalar_type_name()
    )
}

/// `mask ? a : 0`, for gradients and tangents.
pub(in crate::ops) fn select(mask: &Tensor, a: &Tensor) -> Result<Tensor> {
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

impl Formula<1> for Relu {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        // Selected as PyTorch's kernel does: NaN stays NaN and -0 stays -0.
        T::choose(x.below(T::ZERO), || T::ZERO, || x)
    }
}

impl Op for Relu {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
            dispatch!(number x[0].dtype(), T => kernels::map(x[0], |a: T| if a > T::default() { a } else { T::default() }), else
                Err(error!(Unsupported, "Boolean inputs not supported for relu"))))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::Gate for Relu {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(ThresholdBackward, &[g, &cx.output()?], cx.site())
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
pub(in crate::ops) fn positive(x: &Array) -> Result<Array> {
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| a.above(T::ZERO) || a.is_nan()), else Err(no_form("relu", x)))
}

pub(in crate::ops) fn magnitude(x: &Array) -> Result<Array> {
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

impl Formula<2> for ThresholdBackward {
    #[inline(always)]
    fn at<T: Scalar>(&self, [g, y]: [T; 2]) -> T {
        T::choose(y.above(T::ZERO) | y.is_nan(), || g, || T::ZERO)
    }
}

impl Op for ThresholdBackward {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |g: T, y: T| self.at([g, y])), else
            Err(no_form("threshold_backward", x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(1)
        } else {
            Reads::NOTHING
        }
    }
}

impl rules::Gate for ThresholdBackward {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 0 {
            apply(ThresholdBackward, &[g, &cx.input(1)?], cx.site())
        } else {
            Tensor::zeros_of(cx.shape(1), cx.dtype(1))
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
}
