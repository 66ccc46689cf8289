//! How arithmetic is called by name: operands of which one may be a number, factors as PyTorch checks them, bounds that may be missing. The
//! entries are in `pointwise`.

use crate::call::Args;
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, error};
use crate::ops::math::functions::logic::{numbers, pair, two_numbers};
use crate::{Category, DType, Number, Operand, Result, Rounding, Tensor};

/// The factor of `add` and `sub`, as PyTorch checks it.
pub(super) fn alpha(a: &Args<'_>, x: &Tensor, y: &Tensor) -> Result<f64> {
    let alpha = a.number("alpha")?;
    let result = crate::result_type(x, y);
    let text = match alpha {
        Number::Bool(_) if result != DType::Bool => {
            "Boolean alpha only supported for Boolean results."
        }
        Number::Float(_) if !result.is_float() => {
            "For integral input tensors, argument alpha must not be a floating point number."
        }
        _ => {
            alpha.fit(result)?;
            return Ok(alpha.to_f64());
        }
    };
    Err(error!(DType, "{text}"))
}

/// `y` times a factor that has more digits than double precision, where there is one.
pub(super) fn by_long_alpha(a: &Args<'_>, y: &Tensor) -> Result<Option<Tensor>> {
    match a.number("alpha")? {
        n @ Number::Int(i)
            if i.unsigned_abs() > 1 << 53 && y.dtype().category() == Category::Integer =>
        {
            y.to(DType::I64)?.mul(n).map(Some)
        }
        _ => Ok(None),
    }
}

/// PyTorch's error where truth values are subtracted.
pub(super) fn no_bool(x: &Tensor, y: &Tensor) -> Result<()> {
    let text = match (x.dtype(), y.dtype()) {
        (DType::Bool, DType::Bool) => {
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
        }
        (DType::Bool, _) | (_, DType::Bool) => {
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        }
        _ => return Ok(()),
    };
    Err(error!(Unsupported, "{text}"))
}

pub(super) fn add(a: &Args<'_>) -> Result<Value> {
    let (x, y) = numbers(a)?;
    match alpha(a, &x, &y)? {
        1.0 => x.add(&y).into_value(),
        _ if let Some(y) = by_long_alpha(a, &y)? => x.add(&y).into_value(),
        alpha => x.add_scaled(&y, alpha).into_value(),
    }
}

pub(super) fn sub(a: &Args<'_>) -> Result<Value> {
    let (x, y) = numbers(a)?;
    no_bool(&x, &y)?;
    // A truth value on the left becomes a tensor of truth values in PyTorch.
    if matches!(a.value("input")?, Value::Bool(_)) {
        no_bool(&Tensor::scalar(true), &y)?;
    }
    match alpha(a, &x, &y)? {
        1.0 => x.sub(&y).into_value(),
        _ if let Some(y) = by_long_alpha(a, &y)? => x.sub(&y).into_value(),
        alpha => x.add_scaled(&y, -alpha).into_value(),
    }
}

pub(super) fn rsub(a: &Args<'_>) -> Result<Value> {
    let (x, y) = pair(a)?;
    no_bool(&x, &y)?;
    let alpha = alpha(a, &x, &y)?;
    match by_long_alpha(a, &x)? {
        Some(x) => y.sub(&x).into_value(),
        None => x.rsub(&y, alpha).into_value(),
    }
}

/// Two operands of a function whose results are floats: numbers beside integers do not wrap on the way to it.
pub(super) fn float_pair(a: &Args<'_>) -> Result<(Tensor, Tensor)> {
    let float = |t: &Tensor| match t.dtype().is_float() {
        true => Ok(t.clone()),
        false => t.to(DType::default_float()),
    };
    match (a.operand("input")?, a.operand("other")?) {
        (Operand::Tensor(x), Operand::Number(n)) => {
            let x = float(x)?;
            let y = x.number_like(n)?;
            Ok((x, y))
        }
        (Operand::Number(n), Operand::Tensor(y)) => {
            let y = float(y)?;
            Ok((y.number_like(n)?, y))
        }
        _ => pair(a),
    }
}

pub(super) fn div(a: &Args<'_>) -> Result<Value> {
    let mode = a
        .str_opt("rounding_mode")?
        .map(str::parse::<Rounding>)
        .transpose()?;
    quotient(a, mode)
}

pub(super) fn quotient(a: &Args<'_>, mode: Option<Rounding>) -> Result<Value> {
    let (x, y) = match (mode, a.operand("input")?, a.operand("other")?) {
        // A quotient of integers is a float, and numbers do not wrap on the way to it.
        (None, Operand::Tensor(x), y @ Operand::Number(_)) => return x.div(y).into_value(),
        (None, Operand::Number(n), Operand::Tensor(y)) if !y.dtype().is_float() => {
            let y = y.to(DType::default_float())?;
            (y.number_like(n)?, y)
        }
        _ => numbers(a)?,
    };
    x.div_rounded(&y, mode).into_value()
}

pub(super) fn pow(a: &Args<'_>) -> Result<Value> {
    match (a.operand("input")?, a.operand("exponent")?) {
        (Operand::Tensor(x), e) => x.pow(e).into_value(),
        (Operand::Number(n), Operand::Tensor(e)) => e.rpow(n).into_value(),
        _ => Err(two_numbers("pow")),
    }
}

pub(super) fn float_power(a: &Args<'_>) -> Result<Value> {
    match (a.operand("input")?, a.operand("exponent")?) {
        (Operand::Tensor(x), e) => x.float_power(e).into_value(),
        (Operand::Number(n), Operand::Tensor(e)) => e
            .to(e.dtype().promote(DType::F64))?
            .rpow(n.to_f64())
            .into_value(),
        _ => Err(two_numbers("float_power")),
    }
}

/// A bound that may be missing; both must be of one kind, as in PyTorch.
pub(super) fn bounds<'a>(a: &'a Args<'_>) -> Result<[Option<Operand<'a>>; 2]> {
    let bound = |name| match a.value(name)? {
        Value::None => Ok(None),
        _ => a.operand(name).map(Some),
    };
    Ok([bound("min")?, bound("max")?])
}

pub(super) fn clamp(a: &Args<'_>) -> Result<Value> {
    let [min, max] = bounds(a)?;
    if let (Some(Operand::Tensor(_)), Some(Operand::Number(_)))
    | (Some(Operand::Number(_)), Some(Operand::Tensor(_))) = (min, max)
    {
        bail!(Type, "clamp() received an invalid combination of arguments");
    }
    a.tensor("input")?.clamp(min, max).into_value()
}
