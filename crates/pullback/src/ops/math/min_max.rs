//! The larger and the smaller of two, and magnitudes: gates between two smooth pieces.

use crate::core::apply::{apply, apply_dyn};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::{magnitude, no_form};
use crate::ops::common::methods::{binary_methods, direct_, not_implemented};
use crate::ops::{Where, common, define};
use crate::{Array, DType, Element, Result, Shape};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{broken_shapes, pairs, point, points1, signed, unary};

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

impl Formula<1> for Abs {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.abs()
    }
}

impl Op for Abs {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        match x[0].dtype() {
            DType::I64 => kernels::map(x[0], i64::wrapping_abs),
            DType::I32 => kernels::map(x[0], i32::wrapping_abs),
            DType::U8 => x[0].copy(),
            DType::Bool => Err(not_implemented("abs_cpu", DType::Bool)),
            other => {
                dispatch!(float other, T => kernels::map(x[0], |x: T| self.at([x])), else Err(no_form("abs", x[0])))
            }
        }
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl rules::Gate for Abs {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.mul(&cx.input(0)?.sign()?)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        // -1, 0, 1: at 0 the derivative is 0, so the piece is 0·x.
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| crate::ops::math::floor_sign::sign(a).to_i64()), else Err(no_form("abs", x[0]))).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        x[0].mul(&decision.to(x[0].dtype())?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        magnitude(x[0]).map(Some)
    }
}

/// What was decided between two elements; unordered ones (a NaN) pass the gradient of `maximum` and `minimum` to both, as in
/// PyTorch.
const TIE: i64 = 0;
const FIRST: i64 = 1;
const SECOND: i64 = 2;
const UNORDERED: i64 = 3;

/// What the four extremes have in common: which order wins, and whether a NaN loses.
#[derive(Clone, Copy)]
struct Extreme {
    /// How the winner compares with the loser.
    wins: Ordering,
    /// `fmax` and `fmin`: numbers win over NaN.
    skips_nan: bool,
}

impl Extreme {
    /// The winner of two. Of zeros with different signs it is the second, as in PyTorch's vector loops; `fmax` and `fmin` have scalar
    /// loops, where it is the first.
    #[inline(always)]
    fn formula<T: Scalar>(self, a: T, b: T) -> T {
        let wins = |x: T, y: T| match self.wins {
            Ordering::Greater => x.above(y),
            _ => x.below(y),
        };
        match self.skips_nan {
            true => T::choose(wins(b, a) | a.is_nan(), || b, || a),
            false => T::choose(wins(a, b) | a.is_nan(), || a, || b),
        }
    }

    /// The same of integers and truth values.
    #[inline(always)]
    fn value<T: Element + PartialOrd>(self, a: T, b: T) -> T {
        if a.partial_cmp(&b) == Some(self.wins) {
            a
        } else {
            b
        }
    }

    fn eval(self, formula: &(impl Formula<2> + Sync), a: &Array, b: &Array) -> Result<Array> {
        if [a.dtype(), b.dtype()] == [DType::U64; 2] {
            // The bits it computes in are not in its order.
            let largest = self.wins == Ordering::Greater;
            return kernels::zip(
                a,
                b,
                |a: u64, b: u64| if largest { a.max(b) } else { a.min(b) },
            );
        }
        dispatch!(float a.dtype(), T => kernels::zip(a, b, |a: T, b: T| formula.at([a, b])), else
            dispatch!(a.dtype(), T => kernels::zip(a, b, |a: T, b: T| self.value(a, b))))
    }

    fn winner(self, a: &Array, b: &Array) -> Result<Array> {
        dispatch!(float a.dtype(), T => kernels::zip(a, b, |a: T, b: T| match a.partial_cmp(&b) {
            Some(Ordering::Equal) => TIE,
            Some(order) if order == self.wins => FIRST,
            Some(_) => SECOND,
            None if !self.skips_nan => UNORDERED,
            None if b.partial_cmp(&b).is_none() => FIRST,
            None => SECOND,
        }), else Err(no_form("maximum", a)))
    }

    /// As [`Extreme::winner`], by operations that a recorder sees where one watches.
    fn decision(self, cx: &Ctx<'_>) -> Result<Tensor> {
        let (a, b) = (cx.input(0)?, cx.input(1)?);
        if !crate::core::mode::watched() && !a.is_elsewhere() {
            return Ok(Tensor::from_array(self.winner(&a.array(), &b.array())?));
        }
        let pick = |mask: Result<Tensor>, code: i64, other: &Tensor| {
            Tensor::scalar(code).where_(&mask?, other)
        };
        let (above, below) = match self.wins {
            Ordering::Greater => (a.gt(&b), a.lt(&b)),
            _ => (a.lt(&b), a.gt(&b)),
        };
        let rest = if self.skips_nan {
            let unordered = pick(b.ne(&b), FIRST, &Tensor::scalar(SECOND))?;
            pick(a.eq(&b), TIE, &unordered)?
        } else {
            pick(a.eq(&b), TIE, &Tensor::scalar(UNORDERED))?
        };
        pick(above, FIRST, &pick(below, SECOND, &rest)?)
    }
}

/// What operand `i` gets of `g`.
fn share(decision: &Tensor, i: usize, g: &Tensor) -> Result<Tensor> {
    let site = Location::caller();
    let lost = decision.eq(if i == 0 { SECOND } else { FIRST })?;
    let kept = apply(Where, &[&decision.eq(TIE)?, &g.div(2.0)?, g], site)?;
    let zero = Tensor::zeros_of(&Shape::scalar(), g.dtype())?;
    apply(Where, &[&lost, &zero, &kept], site)
}

macro_rules! extremes {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal $torch:literal $method:ident $method_:ident $wins:ident $skips:literal;
        $summary:literal; $formula:literal, $derivative:literal; $convention:literal; $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Gate $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            convention: $convention;
            proof: { samples: || pairs($op), points: || $points, errors: || broken_shapes($op) }
        }

        impl $op {
            const EXTREME: Extreme = Extreme { wins: Ordering::$wins, skips_nan: $skips };
        }

        impl Formula<2> for $op {
            #[inline(always)]
            fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
                $op::EXTREME.formula(a, b)
            }
        }

        impl Op for $op {
            common!(native);
            fn elementwise(&self) -> bool {
                true
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                $op::EXTREME.eval(self, x[0], x[1])
            }
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            fn reads(&self, _: usize) -> Reads {
                Reads::INPUTS
            }
        }

        impl rules::Gate for $op {
            fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
                share(&$op::EXTREME.decision(cx)?, i, g)
            }
            fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
                $op::EXTREME.winner(x[0], x[1]).map(Some)
            }
            fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
                let part = |i: usize| share(decision, i, &x[i].expand(decision.shape())?);
                part(0)?.add(&part(1)?)
            }
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                magnitude(&crate::ops::Sub.eval(x)?).map(Some)
            }
        }

        binary_methods! { $(#[$doc])* $op $method $method_, float false, errors "Where the shapes do not broadcast." }
    )*};
}

extremes! {
    /// The larger of two, element by element; a tie sends half the gradient to each.
    Maximum "maximum" "torch.maximum" maximum maximum_ Greater false;
    "The larger of two tensors, element by element, with broadcasting; NaN wins.";
    "max(a, b)", "g to the larger";
    "a tie gives half to each, and an element with NaN all to both, as in PyTorch";
    vec![point(Maximum, &[&[1.0, 2.0, 3.0], &[1.0, 5.0, -1.0]], &[&[0.5, 0.0, 1.0], &[0.5, 1.0, 0.0]])];

    /// The smaller of two, element by element; a tie sends half the gradient to each.
    Minimum "minimum" "torch.minimum" minimum minimum_ Less false;
    "The smaller of two tensors, element by element, with broadcasting; NaN wins.";
    "min(a, b)", "g to the smaller";
    "a tie gives half to each, and an element with NaN all to both, as in PyTorch";
    vec![point(Minimum, &[&[1.0, 2.0, 3.0], &[1.0, 5.0, -1.0]], &[&[0.5, 1.0, 0.0], &[0.5, 0.0, 1.0]])];

    /// The larger of two, element by element; numbers win over NaN.
    Fmax "fmax" "torch.fmax" fmax fmax_ Greater true;
    "The larger of two tensors, element by element, with broadcasting; NaN loses.";
    "max(a, b)", "g to the larger";
    "a tie gives half to each, as in PyTorch";
    vec![point(Fmax, &[&[1.0, 2.0, f64::NAN], &[1.0, 5.0, -1.0]], &[&[0.5, 0.0, 0.0], &[0.5, 1.0, 1.0]])];

    /// The smaller of two, element by element; numbers win over NaN.
    Fmin "fmin" "torch.fmin" fmin fmin_ Less true;
    "The smaller of two tensors, element by element, with broadcasting; NaN loses.";
    "min(a, b)", "g to the smaller";
    "a tie gives half to each, as in PyTorch";
    vec![point(Fmin, &[&[1.0, 2.0, f64::NAN], &[1.0, 5.0, -1.0]], &[&[0.5, 1.0, 0.0], &[0.5, 0.0, 1.0]])];
}

#[pullback_macros::called]
impl Tensor {
    /// `|self|`, element by element; the derivative at 0 is 0.
    #[track_caller]
    pub fn abs(&self) -> Result<Tensor> {
        apply_dyn(&Abs, &[self], Location::caller())
    }

    /// [`Tensor::abs`], in place.
    ///
    /// # Errors
    /// A leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn abs_(&self) -> Result<()> {
        direct_(&Abs, self, &[], Location::caller())
    }
}
