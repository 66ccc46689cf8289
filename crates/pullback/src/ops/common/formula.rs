//! Formulas of operations: what the loops, the rules and the recorded expressions of one operation have in common.
//!
//! An operation that is a [`Formula`] is its own value. Its gradient is a slope of the one value that it reads ([`Sloped`]), or, where
//! it selects and does not multiply, a formula of gradient and value ([`Pulled`]).

use crate::core::fail::error;
use crate::core::op::{Ctx, Reads};
use crate::core::tensor::Tensor;
use crate::ops::Scale;
use crate::{Array, Error, Number, Result};
use pullback_array::dd::Dd;
use pullback_array::{Arithmetic, Comparison, Expression, Formula, Function, Scalar, Step};

/// A function of one number whose derivative is a formula of its input or of its result.
pub(in crate::ops) trait Sloped {
    /// The derivative.
    fn slope_at<T: Scalar>(&self, v: T) -> T;
}

/// The slope as a formula of its own.
pub(in crate::ops) struct Slope<'a, O>(pub &'a O);

impl<O: Sloped> Formula<1> for Slope<'_, O> {
    #[inline(always)]
    fn at<T: Scalar>(&self, [v]: [T; 1]) -> T {
        self.0.slope_at(v)
    }
}

/// The slope times the incoming gradient, which comes first.
pub(in crate::ops) struct Pull<'a, O>(pub &'a O);

impl<O: Sloped> Formula<2> for Pull<'_, O> {
    #[inline(always)]
    fn at<T: Scalar>(&self, [g, v]: [T; 2]) -> T {
        self.0.slope_at(v) * g
    }
}

/// A function of one number whose gradient is a formula of the incoming gradient and of its input.
pub(in crate::ops) trait Pulled {
    /// The gradient.
    fn pull_at<T: Scalar>(&self, g: T, x: T) -> T;
}

/// That gradient as a formula of its own.
pub(in crate::ops) struct Gradient<'a, O>(pub &'a O);

impl<O: Pulled> Formula<2> for Gradient<'_, O> {
    #[inline(always)]
    fn at<T: Scalar>(&self, [g, x]: [T; 2]) -> T {
        self.0.pull_at(g, x)
    }
}

/// The one value that a slope reads.
pub(in crate::ops) fn only(reads: Reads, cx: &Ctx<'_>) -> Result<Tensor> {
    match reads {
        Reads::OUTPUT => cx.output(),
        _ => cx.input(0),
    }
}

/// An expression of one number, computed in tensor operations: so it can be recorded, and differentiated again.
pub(in crate::ops) fn on_tensor(e: &Expression, x: &Tensor) -> Result<Tensor> {
    let mut known: Vec<Value> = Vec::with_capacity(e.steps().len());
    for step in e.steps() {
        let value = match *step {
            Step::Input(_) => Value::Tensor(x.clone()),
            Step::Number(c) => Value::Number(c),
            Step::Arithmetic(how, a, b) => arithmetic(how, &known[a], &known[b], x)?,
            Step::Neg(a) => Value::Tensor(known[a].tensor(x)?.neg()?),
            Step::Call(f, a, _) if f.arity() == 1 => call(f, &known[a].tensor(x)?)?,
            Step::Compare(how, a, b) => {
                let (a, b) = (known[a].tensor(x)?, known[b].tensor(x)?);
                Value::Tensor(match how {
                    Comparison::Above => a.gt(&b)?,
                    Comparison::AtLeast => a.ge(&b)?,
                    Comparison::Below => a.lt(&b)?,
                    Comparison::AtMost => a.le(&b)?,
                    Comparison::Equal => a.eq(&b)?,
                })
            }
            Step::Choose(c, a, b) => {
                let (a, b) = (known[a].tensor(x)?, known[b].tensor(x)?);
                Value::Tensor(a.where_(&known[c].tensor(x)?, &b)?)
            }
            ref other => return Err(no_tensor_form(other)),
        };
        known.push(value);
    }
    // A slope that is the same everywhere is one number for each element.
    let value = known[e.value()].tensor(x)?;
    value.expand(x.shape())
}

/// A step's value.
enum Value {
    Tensor(Tensor),
    Number(Dd),
}

impl Value {
    /// As a tensor, of `x`'s dtype where it is a number.
    fn tensor(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Value::Tensor(t) => Ok(t.clone()),
            Value::Number(c) => Array::number(Number::Dd(*c), x.dtype()).map(Tensor::from_array),
        }
    }
}

/// One of the four operations: with numbers as users write it, so that graphs stay small.
fn arithmetic(how: Arithmetic, a: &Value, b: &Value, x: &Tensor) -> Result<Value> {
    Ok(Value::Tensor(match (how, a, b) {
        (Arithmetic::Mul, Value::Tensor(t), Value::Number(c))
        | (Arithmetic::Mul, Value::Number(c), Value::Tensor(t)) => Scale::of(t, *c)?,
        (Arithmetic::Div, Value::Number(c), Value::Tensor(t)) if *c == Dd::ONE => t.reciprocal()?,
        (how, a, b) => {
            let (a, b) = (a.tensor(x)?, b.tensor(x)?);
            match how {
                Arithmetic::Add => a.add(&b)?,
                Arithmetic::Sub => a.sub(&b)?,
                Arithmetic::Mul => a.mul(&b)?,
                Arithmetic::Div => a.div(&b)?,
            }
        }
    }))
}

/// A function that slopes call.
fn call(f: Function, x: &Tensor) -> Result<Value> {
    Ok(Value::Tensor(match f {
        Function::Abs => x.abs()?,
        Function::Sqrt => x.sqrt()?,
        Function::Exp | Function::ExpQuick => x.exp()?,
        Function::Ln => x.log()?,
        Function::Ln1p => x.log1p()?,
        Function::Sin => x.sin()?,
        Function::Cos => x.cos()?,
        Function::Sinh => x.sinh()?,
        Function::Cosh => x.cosh()?,
        Function::Tanh => x.tanh()?,
        Function::Digamma => x.digamma()?,
        _ => return Err(no_tensor_form(&f)),
    }))
}

/// A slope that calls what has no differentiable form here: our mistake.
#[cold]
fn no_tensor_form(what: &dyn std::fmt::Debug) -> Error {
    error!(
        Unsupported,
        "a slope's formula uses {what:?}, which has no form in tensor operations"
    )
    .help("this is a defect of the operation's definition; please report it")
}
