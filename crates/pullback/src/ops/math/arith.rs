//! Addition, subtraction, multiplication, division and powers by a number.

use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads, pulled};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{Operand, promote, with_promoted};
use crate::{Arith, Array, DType, Error, Number, Result};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, broken_shapes, pairs, signed, unary};

/// `a + b`.
#[derive(Clone, Debug)]
pub struct Add;
define! { Add: Linear "add", "torch.add";
    summary: "Sum, element by element, with broadcasting.";
    formula: "a + b";
    derivative: "g to both";
    proof: { samples: || pairs(Add), errors: || broken_shapes(Add) }
}

impl Formula<2> for Add {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a + b
    }
}

impl Op for Add {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        match x[0].dtype() {
            DType::F32 => kernels::zip(x[0], x[1], |a: f32, b: f32| self.at([a, b])),
            DType::Bool => kernels::zip(x[0], x[1], |a: bool, b: bool| a | b),
            other => {
                dispatch!(number other, T => kernels::zip(x[0], x[1], |a: T, b: T| a.plus(b)), else unreachable!())
            }
        }
    }
}

impl rules::Linear for Add {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone())
    }
}

/// `a + alpha·b`.
#[derive(Clone, Debug)]
pub struct AddScaled {
    /// The factor.
    pub alpha: f64,
}
define! { AddScaled: Linear "add_scaled", "torch.add";
    summary: "Sum with a factor on the second term: PyTorch's `add(a, b, alpha=…)` and `sub(…, alpha=…)`.";
    formula: "a + alpha·b";
    derivative: "g to a, alpha·g to b";
    node: "AddBackward0";
    proof: { samples: || pairs(AddScaled { alpha: -0.75 }), errors: || broken_shapes(AddScaled { alpha: 2.0 }) }
}

impl Op for AddScaled {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(number x[0].dtype(), T => {
            let alpha = Number::Float(self.alpha).cast::<T>();
            kernels::add_scaled(x[0], x[1], alpha)
        }, else {
            let alpha = self.alpha != 0.0;
            kernels::zip(x[0], x[1], |a: bool, b: bool| a | (alpha & b))
        })
    }
}

impl rules::Linear for AddScaled {
    fn vjp(&self, _: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 0 {
            Ok(g.clone())
        } else {
            g.mul(self.alpha)
        }
    }
}

/// `a - b`.
#[derive(Clone, Debug)]
pub struct Sub;
define! { Sub: Linear "sub", "torch.sub";
    summary: "Difference, element by element, with broadcasting.";
    formula: "a - b";
    derivative: "g to a, -g to b";
    node by |made| if made.number_first() { "RsubBackward1" } else { "SubBackward0" };
    proof: { samples: || pairs(Sub), errors: || broken_shapes(Sub) }
}

impl Formula<2> for Sub {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a - b
    }
}

impl Op for Sub {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(number x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| a.minus(b)), else
            Err(error!(Unsupported, "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.")))
    }
}

impl rules::Linear for Sub {
    fn vjp(&self, _: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 0 { Ok(g.clone()) } else { g.neg() }
    }
}

/// `-x`.
#[derive(Clone, Debug)]
pub struct Neg;
define! { Neg: Linear "neg", "torch.neg";
    summary: "Negative, element by element.";
    formula: "-x";
    derivative: "-g";
    proof: { samples: || unary(Neg, signed()) }
}

impl Formula<1> for Neg {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        -x
    }
}

impl Op for Neg {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
            dispatch!(number x[0].dtype(), T => kernels::map(x[0], |a: T| T::NIL.minus(a)), else
                Err(error!(Unsupported, "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."))))
    }
}

impl rules::Linear for Neg {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.neg()
    }
}

/// `a · b`, element by element.
#[derive(Clone, Debug)]
pub struct Mul;
define! { Mul: Multilinear "mul", "torch.mul";
    summary: "Product, element by element, with broadcasting.";
    formula: "a · b";
    derivative: "g·b to a, g·a to b";
    proof: { samples: || pairs(Mul), errors: || broken_shapes(Mul) }
}

impl Formula<2> for Mul {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a * b
    }
}

impl Op for Mul {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        match x[0].dtype() {
            DType::F32 => kernels::zip(x[0], x[1], |a: f32, b: f32| self.at([a, b])),
            DType::Bool => kernels::zip(x[0], x[1], |a: bool, b: bool| a & b),
            other => {
                dispatch!(number other, T => kernels::zip(x[0], x[1], |a: T, b: T| a.times(b)), else unreachable!())
            }
        }
    }
}

impl rules::Multilinear for Mul {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        g.mul(&cx.factor(1 - i)?)
    }
}

/// `a / b`, element by element.
#[derive(Clone, Debug)]
pub struct Div;
define! { Div: Pointwise "div", "torch.div";
    summary: "Quotient, element by element, with broadcasting; integers divide as floats.";
    formula: "a / b";
    derivative: "1/b by a, -(a/b)/b by b";
    node by |made| if made.number_first() { "MulBackward0" } else { "DivBackward0" };
    proof: { samples: div_samples, errors: || broken_shapes(Div) }
}

#[cfg(feature = "proof")]
fn div_samples() -> Vec<Sample> {
    let mut samples = pairs(Div);
    samples
        .iter_mut()
        .for_each(|s| s.map_input(1, |b| if b < 0.0 { b - 0.5 } else { b + 0.5 }));
    samples
}

impl Formula<2> for Div {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a / b
    }
}

impl Op for Div {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| self.at([a, b])), else Err(needs_float(x[0])))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(1)
        } else {
            Reads::INPUTS
        }
    }
}

impl rules::Pointwise for Div {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let b = cx.input(1)?;
        if i == 0 {
            b.ones_like()?.div(&b)
        } else {
            cx.input(0)?.div(&b)?.div(&b)?.neg()
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        // g/b and -g·((a/b)/b), as PyTorch rounds them.
        let b = cx.factor(1)?;
        if i == 0 {
            g.div(&b)
        } else {
            g.neg()?.mul(&cx.factor(0)?.div(&b)?.div(&b)?)
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match t {
            // As PyTorch has it: a number divided by itself does not move.
            [Some(p), Some(q)] => p.sub(&q.mul(&cx.output()?)?)?.div(&cx.input(1)?),
            _ => pulled(self, cx, t),
        }
    }
}

pub(in crate::ops) fn needs_float(x: &Array) -> Error {
    error!(Unsupported, "expected a floating dtype, got {}", x.dtype())
        .help_in("convert it: `x.to(DType::F32)?`", "convert it: `x.float()`")
}

/// Errors where the dtype cannot hold a factor.
pub(super) fn fits(alpha: f64, dtype: DType) -> Result<()> {
    match dtype.is_float() {
        true => Number::Float(alpha).fit(dtype),
        false => Number::Int(alpha as i64).fit(dtype),
    }
}

pub(super) fn float_alpha() -> Error {
    error!(
        DType,
        "For integral input tensors, argument alpha must not be a floating point number."
    )
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident, $op:expr;)*) => {
        impl Tensor {
            $($(#[$doc])*
            ///
            /// # Errors
            /// Where the shapes do not broadcast, with both shapes and the source line.
            #[track_caller]
            #[inline]
            pub fn $name<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
                let site = Location::caller();
                with_promoted(self, other.into(), site, |a, b| apply($op, &[a, b], site))
            })*
        }
    };
}
binary! {
    /// `self + other`, with broadcasting and PyTorch's promotion; `other` is a tensor or a number.
    add, Add;
    /// `self - other`, with broadcasting and PyTorch's promotion; `other` is a tensor or a number.
    sub, Sub;
    /// `self · other`, element by element, with broadcasting and PyTorch's promotion; `other` is a tensor or a number.
    mul, Mul;
}

#[pullback_macros::called]
impl Tensor {
    /// `self / other`, element by element; integers divide as floats, as in PyTorch.
    ///
    /// # Errors
    /// Where the shapes do not broadcast.
    #[track_caller]
    pub fn div<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        if !self.dtype().is_float() {
            return crate::ops::common::methods::binary(&Div, self, other.into(), true, site);
        }
        with_promoted(self, other.into(), site, |a, b| apply(Div, &[a, b], site))
    }

    /// `self + alpha·other`.
    #[track_caller]
    pub fn add_scaled<'a>(&'a self, other: impl Into<Operand<'a>>, alpha: f64) -> Result<Tensor> {
        let site = Location::caller();
        let (a, b) = promote(self, other.into(), site)?;
        if !a.dtype().is_float() && alpha.fract() != 0.0 {
            return Err(float_alpha());
        }
        fits(alpha, a.dtype())?;
        apply(AddScaled { alpha }, &[a.as_ref(), b.as_ref()], site)
    }

    /// `-self`.
    ///
    /// # Errors
    /// For truth values.
    #[track_caller]
    pub fn neg(&self) -> Result<Tensor> {
        apply(Neg, &[self], Location::caller())
    }

    /// `other - alpha·self`: PyTorch's `rsub`.
    ///
    /// # Errors
    /// As [`Tensor::sub`].
    #[track_caller]
    pub fn rsub<'a>(&'a self, other: impl Into<Operand<'a>>, alpha: f64) -> Result<Tensor> {
        let site = Location::caller();
        let (a, b) = promote(self, other.into(), site)?;
        if alpha == 1.0 || a.dtype() == DType::Bool {
            return apply(Sub, &[b.as_ref(), a.as_ref()], site);
        }
        b.add_scaled(a.as_ref(), -alpha)
    }
}
