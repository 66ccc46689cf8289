//! Arithmetic, powers, extremes, bounds, choices: functions of two or three, element by element with broadcasting.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::ops::math::functions::arithmetic::*;
use crate::ops::math::functions::logic::{numbers, pair};
use crate::{DType, Result, ops};

const PAIRS: &[&str] = &[
    "T(2,3), T(2,3)",
    "T(2,3), T(3)",
    "T(2,1), T(1,3)",
    "T(), T(4)",
    "T(3), T()",
    "T(), T()",
    "T(0,3), T(3)",
    "T(2,3).t, T(2,3)",
    "T(3).f64, T(3).f32",
    "I(3, 5), T(3)",
];
const POSITIVE: &[&str] = &[
    "T(2,3, pos), T(2,3, pos)",
    "T(2,3, pos), T(3, pos)",
    "T(2,1, pos), T(1,3, pos)",
    "T(pos), T(4, pos)",
    "T(0,3), T(3, pos)",
    "T(2,3, pos).t, T(2,3, pos)",
    "T(3, pos).f64, T(3, pos).f32",
];

/// Two operands of numbers: tensors and what arithmetic takes besides.
macro_rules! arithmetic {
    ($name:ident, $places:literal, $op:ident, [$($sample:literal),*], [$($edge:literal),*], [$($error:literal),*] $(; $($more:tt)*)?) => {
        Function::new(
            concat!(stringify!($name), "(Tensor|number input, Tensor|number other) -> Tensor"),
            $places,
            |a| {
                let (x, y) = pair(a)?;
                x.$name(&y).into_value()
            },
        )
        .of(ops::$op::DEF)
        .in_place()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32",
            "I(3, 5), T(3)", "T(3), 2.5", "T(3), 2", "3.5, T(3)", "2, T(3)", $($sample),*])
        .edges(&[$($edge),*])
        .errors(&["T(2,3), T(4)", $($error),*]) $($($more)*)?
    };
}

/// A function of two tensors.
macro_rules! tensors {
    ($name:ident, $places:literal, $op:ident, $samples:expr, [$($edge:literal),*], [$($error:literal),*] $(; $($more:tt)*)?) => {
        Function::new(
            concat!(stringify!($name), "(Tensor input, Tensor other) -> Tensor"),
            $places,
            |a| a.tensor("input")?.$name(a.tensor("other")?).into_value(),
        )
        .of(ops::$op::DEF)
        .samples($samples)
        .edges(&[$($edge),*])
        .errors(&["T(2,3), T(4)", $($error),*]) $($($more)*)?
    };
}

/// PyTorch's warning about conditions that are bytes.
fn of_bytes(a: &Args<'_>) -> Result<Vec<String>> {
    let bytes = a.tensor("condition")?.dtype() == DType::U8;
    Ok(bytes.then(|| "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future version of PyTorch. Use a boolean condition instead.".to_string()).into_iter().collect())
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("add(Tensor|number input, Tensor|number other, *, number alpha=1) -> Tensor", "torch Tensor", add)
        .of(ops::Add::DEF)
        .in_place()
        .exact()
        .samples(&[
            "T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32", "I(3, 5), T(3)",
            "T(3), 2.5", "2, T(3)", "T(2,3), T(3), alpha=0.3", "T(3), 2, alpha=-2", "I(3, 5), I(3, 4), alpha=3", "B[True, False], B[True, True]", "I(3, 5), 2.5, alpha=2.5",
            "I[250].u8, 10", "B[True, False], 2",
        ])
        .edges(&["T[inf, inf, nan, -0.0, 0.0], T[inf, -inf, 1.0, -0.0, -0.0]", "T[inf, 1.0], T[inf, nan], alpha=-1", "B[True, False], B[True, True], alpha=2"])
        .errors(&["T(2,3), T(4)", "I[1, 2], 1, alpha=0.5", "T(2), T(2), alpha=True"]),
    Function::new("sub(Tensor|number input, Tensor|number other, *, number alpha=1) -> Tensor", "torch Tensor torch:subtract Tensor:subtract", sub)
        .node("SubBackward0")
    .of(ops::Sub::DEF)
        .in_place()
        .exact()
        .samples(&[
            "T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32", "I(3, 5), T(3)",
            "T(3), 2.5", "2, T(3)", "T(2,3), T(3), alpha=0.3", "T(3), 2, alpha=-2", "I(3, 5), I(3, 4), alpha=3", "I[3, 250].u8, 10",
        ])
        .edges(&["T[inf, inf, nan, -0.0, 0.0], T[inf, -inf, 1.0, -0.0, -0.0]"])
        .errors(&["T(2,3), T(4)", "I[1, 2], 1, alpha=0.5", "B[True], B[True]", "B[True], 1", "B[True], T(1)"]),
    Function::new("rsub(Tensor input, Tensor|number other, *, number alpha=1) -> Tensor", "torch", rsub)
        .node_by(|a| Ok(if a.is_tensor("other") { "RsubBackward0" } else { "RsubBackward1" }))
    .about("Difference the other way round: other less input.", "b - alpha·a")
        .exact()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3), alpha=0.3", "T(), 2", "T(0,3), T(3)", "I(3, 5), 2", "I(3, 5), 2, alpha=2", "T(2,3).t, 1.5"])
        .errors(&["T(2,3), T(4)", "B[True], B[True]"]),
    Function::new("mul(Tensor|number input, Tensor|number other) -> Tensor", "torch Tensor torch:multiply Tensor:multiply", |a| {
        let (x, y) = numbers(a)?;
        x.mul(&y).into_value()
    })
        .of(ops::Mul::DEF)
        .in_place()
        .exact()
        .samples(&[
            "T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32", "I(3, 5), T(3)",
            "T(3), 2.5", "2, T(3)", "B(3), I(3, 4)", "B[True, False], B[True, True]", "I[3, 200].u8, 2", "B[True, False], 2.5",
        ])
        .edges(&["T[inf, 0.0, nan, -0.0], T[0.0, inf, 1.0, 2.0]"])
        .errors(&["T(2,3), T(4)"]),
    // PyTorch multiplies by the reciprocal of a number.
    Function::new("div(Tensor|number input, Tensor|number other, *, str? rounding_mode=None) -> Tensor", "torch Tensor torch:divide Tensor:divide", div)
        .node_by(|a| Ok(if matches!(a.value("rounding_mode")?, crate::call::Value::None) { "DivBackward0" } else { "DivBackward2" }))
    .of(ops::Div::DEF)
        .in_place()
        .samples(&[
            "T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32", "I(3, 5), T(3)",
            "T(3), 2.5", "2, T(3)", "I(3, 5), I[1, 2, 3]", "B[True, False], 2", "T(2,3), T(3), rounding_mode='floor'", "T(2,3), 0.75, rounding_mode='trunc'",
            "I[7, -7, 6], I[2, 2, 3], rounding_mode='floor'", "I[7, -7, 6], 2, rounding_mode='trunc'", "I[7, 250].u8, I[2, 3].u8, rounding_mode='floor'",
            "I[7, -7], 2.0, rounding_mode='floor'",
        ])
        .edges(&[
            "T[1.0, -1.0, 0.0, inf, nan, 1.0], T[0.0, 0.0, 0.0, inf, 1.0, inf]", "T[1.0, 0.0], 0", "I[1, 0], 0",
            "T[7.0, -7.0, 0.0, inf, -inf, nan, 1.0, -1.0, -0.0], 2.0, rounding_mode='floor'", "T[7.0, -7.0, 0.0, inf, nan, -0.0], 0.0, rounding_mode='trunc'",
            "T[7.0, -7.0, 0.0, inf, nan, -0.0], 0.0, rounding_mode='floor'", "T[1.0, -1.0, 0.0, -0.0, inf], inf, rounding_mode='floor'",
            "T[6.0, -6.0, 6.0, 0.3], T[3.0, 3.0, -3.0, 0.1], rounding_mode='floor'",
        ])
        .errors(&["T(2,3), T(4)", "T(2), 2, rounding_mode='x'", "I[1, 2], 0, rounding_mode='floor'", "I[1, 2], I[0, 1], rounding_mode='trunc'",
            "B[True], B[True], rounding_mode='floor'", "B[True], True, rounding_mode='trunc'"]),
    Function::new("true_divide(Tensor|number input, Tensor|number other) -> Tensor", "torch Tensor", |a| {
        quotient(a, None)
    })
        .node("DivBackward0")
        .of(ops::Div::DEF)
        .in_place()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(), 4", "T(0,3), T(3)", "I(3, 5), 2", "T(2,3).t, 1.5", "2, T(3)", "2.5, I[1, 2, 3]", "2, 3"]),
    // PyTorch defines no derivative: a backward pass through it is an error.
    Function::new("floor_divide(Tensor|number input, Tensor|number other) -> Tensor", "torch Tensor", |a| {
        let (x, y) = numbers(a)?;
        x.floor_divide(&y).into_value()
    })
        .about("Quotient rounded downwards: Python's //.", "⌊a/b⌋")
        .in_place()
        .exact()
        .no_check()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(), 4", "T(0,3), T(3)", "I[7, -7, 8], 2", "T(2,3).t, 0.5", "I[7, -7, 8], I[2, -2, 3]", "7, I[2, -2]", "I[7, -7], 2.5"])
        .edges(&["T[7.0, -7.0, 0.0, inf, nan, -0.0, 1.0], T[2.0, 2.0, -1.0, 2.0, 1.0, 2.0, 0.0]", "I(0,2, 3), I[0, 1]", "I(0, 3), 0"])
        .errors(&["I[1, 2], 0", "B[True], True", "T(2,3), T(4)"]),
    arithmetic!(remainder, "torch Tensor", Remainder, ["I[7, -7, 8], 3", "I[7, -7, 7, -7], I[3, 3, -3, -3]", "I[7, 250].u8, 3", "7, I[2, -2]", "I[7, -7], 2.5"],
        ["T[1.0, -1.0, 0.0, -0.0, inf, -inf, nan], inf", "T[1.0, -1.0, 0.0, -0.0, inf], -inf", "T[6.0, -6.0, 6.0, -6.0, 0.0, -0.0], T[3.0, 3.0, -3.0, -3.0, -2.0, 2.0]", "T[1.0, 0.0], 0.0"],
        ["I[1, 2], 0", "B[True], True", "3, I[0, 1]"]; .exact())
    .node_by(|a| Ok(if a.is_tensor("other") { "RemainderBackward1" } else { "RemainderBackward0" })),
    Function::new("fmod(Tensor input, Tensor|number other) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.fmod(a.operand("other")?).into_value()
    })
        .node_by(|a| Ok(if a.is_tensor("other") { "FmodBackward1" } else { "FmodBackward0" }))
    .of(ops::Fmod::DEF)
        .in_place()
        .exact()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(3), T()", "T(0,3), T(3)", "T(2,3).t, T(2,3)", "T(3).f64, T(3).f32", "I(3, 5), T(3)", "T(3), 0.75",
            "I[7, -7, 8], 3", "I[7, -7, 7, -7], I[3, 3, -3, -3]", "I[7, 250].u8, 3"])
        .edges(&["T[1.0, -1.0, 0.0, -0.0, inf, -inf, nan], inf", "T[6.0, -6.0, 6.0, -6.0, 0.0, -0.0], T[3.0, 3.0, -3.0, -3.0, -2.0, 2.0]", "T[1.0, 0.0], 0.0", "I(0,2, 3), I[0, 1]", "I(0, 3), 0"])
        .errors(&["I[1, 2], 0", "B[True], True", "T(2,3), T(4)"]),
    Function::new("pow(Tensor|number input, Tensor|number exponent) -> Tensor", "torch Tensor", pow)
        .about("Power, element by element; tensors or numbers on either side.", "aᵇ")
        .in_place()
        .samples(&[
            "T(2,3, pos), T(2,3)", "T(2,3, pos), T(3)", "T(2,1, pos), T(1,3)", "T(pos), T(4)", "T(0,3), T(3)", "T(2,3, pos).t, T(2,3)", "T(3, pos).f64, T(3).f32", "T(3), 2", "T(3), 3.0",
            "T(2,3, pos), 0.5", "T(3, pos), -0.5", "T(3), -1", "T(3), -2.0", "T(3, pos), 2.7", "T(3), 0", "T(3), 1", "2, T(2,3)", "0.5, T(3)", "I[2, -3, 0], 3", "I[2, -3, 0], 0.5", "2, I[1, 2, 3]",
            "I[2, 3, -1, 1], I[3, 0, -1, -2]", "I[3, 200].u8, 2", "B[True, False], 2", "I[2, 3], 2.0",
        ])
        .edges(&[
            "T[0.0, -0.0, 1.0, -1.0, 2.0, inf, -inf, nan], 0", "T[0.0, -0.0, 1.0, -1.0, inf, -inf, nan], 2", "T[0.0, -0.0, 1.0, -1.0, inf, -inf, nan], 0.5",
            "T[0.0, -0.0, 1.0, -1.0, inf, -inf, nan], -1", "T[0.0, 0.0, 0.0, 0.0, -1.0, -1.0, 1.0, inf], T[0.0, 1.0, 2.0, -1.0, 2.0, 0.5, nan, 0.0]", "T[0.0, 0.0], T[0.5, nan]",
            "0, T[0.0, -1.0, 1.0, nan]", "1, T[0.0, -1.0, nan, inf]", "-2, T[0.0, 2.0, 0.5, 3.0]", "T[nan, 2.0], T[0.0, nan]", "B[True, False], True", "2, T[0.0, inf, -inf, nan]",
            "I[2, 1, -1, 3], -1.0", "T[0.0, 2.0], 1", "T[0.0, 2.0], 1.5",
        ])
        .errors(&["T(2,3), T(4)", "I[1, 2], -1", "B[True], B[True]"]),
    Function::new("float_power(Tensor|number input, Tensor|number exponent) -> Tensor", "torch Tensor", float_power)
        .about("Power in double precision, element by element.", "aᵇ")
        .in_place_refusing(|d| (!matches!(d, DType::F64 | DType::Dd)).then(|| format!(
        "the base given to float_power_ has dtype {} but the operation's result requires dtype Double",
        d.scalar_type_name()
    )))
        .samples(&["T(2,3, pos), T(2,3)", "T(2,3, pos), T(3)", "T(), 2", "T(0,3), T(3)", "2, T(3)", "I[1, 2, 3], 2", "I[1, 2, 3], I[2, -1, 0]", "T(2,3, pos).t, 1.5"]),
    tensors!(maximum, "torch Tensor", Maximum, PAIRS, ["T[1.0, nan, 1.0, nan, inf], T[1.0, 1.0, nan, nan, inf]", "B[True, False], B[False, False]", "I[1, 2], I[2, 1]"], []; .exact()),
    tensors!(minimum, "torch Tensor", Minimum, PAIRS, ["T[1.0, nan, 1.0, nan, inf], T[1.0, 1.0, nan, nan, inf]", "B[True, False], B[False, False]", "I[1, 2], I[2, 1]"], []; .exact()),
    tensors!(fmax, "torch Tensor", Fmax, PAIRS, ["T[-0.0, 0.0, 1.0, nan, 1.0, nan, inf], T[0.0, -0.0, 1.0, 1.0, nan, nan, inf]", "B[True, False], B[False, False]", "I[1, 2], I[2, 1]"], []; .exact()),
    tensors!(fmin, "torch Tensor", Fmin, PAIRS, ["T[-0.0, 0.0, 1.0, nan, 1.0, nan, inf], T[0.0, -0.0, 1.0, 1.0, nan, nan, inf]", "B[True, False], B[False, False]", "I[1, 2], I[2, 1]"], []; .exact()),
    Function::new("clamp(Tensor input, Tensor|number? min=None, Tensor|number? max=None) -> Tensor", "torch Tensor torch:clip Tensor:clip", clamp)
        .node_by(|a| Ok(if a.is_tensor("min") || a.is_tensor("max") { "ClampBackward0" } else { "ClampBackward1" }))
    .of(ops::Clamp::DEF)
        .in_place()
        .exact()
        .samples(&["T(2,3), -0.75, 1.125", "T(), 0.03125", "T(0,2), 0.5", "T(2,3).t, max=0.6875", "T(2,3), min=-1", "I(3, 5), 1, 3", "I(3, 5), 1.5", "T(2,3), 1.5, -1.5", "B[True, False], 0, 1",
            "T(2,3), T(2,3)", "T(2,3), T(3), T(2,1)", "T(), T(2), T(2)", "T(2,3), max=T(3)", "T(0,3), T(3)", "I[1, 5], T[1.5, 2.5]", "T(3).f32, T(3).f64"])
        .edges(&[
            "T[-1.0, 2.0, nan, inf, -inf, 0.0], -1.0, 2.0", "T[1.0, nan], nan, 1.0", "T[1.0, nan], max=nan", "T[-0.0, 0.0], min=0.0", "T[-0.0, 0.0], max=-0.0", "T[1.0, 2.0, 3.0], 2.0, 1.0",
            "T[0.0, 1.0, 2.0, -1.0, 5.0, 0.0, nan], T[0.0, 2.0, 0.0, 1.0, 1.0, 3.0, 0.0], T[1.0, 3.0, 2.0, 1.0, 4.0, 2.0, 1.0]", "T[0.0, 1.0, nan, 1.0], T[0.0, 2.0, 0.0, nan]",
            "T[0.0, 1.0, nan, 1.0], max=T[0.0, 0.5, 0.0, nan]", "T[-0.0, 0.0], T[0.0, -0.0]",
        ])
        .errors(&["T(2)", "T(2,3), T(4)"]),
    Function::new("clamp_min(Tensor input, Tensor|number min) -> Tensor", "torch Tensor", |a| a.tensor("input")?.clamp_min(a.operand("min")?).into_value())
        .node_by(|a| Ok(if a.is_tensor("min") { "ClampMinBackward1" } else { "ClampMinBackward0" }))
    .about("Elements that are less than a bound become it.", "max(x, low)")
        .in_place()
        .exact()
        .samples(&["T(2,3), 0.03125", "T(), -0.25", "T(0,2), 0.5", "T(2,3).t, T(3)", "I(3, 5), 2", "I(3, 5), 1.5", "T(2,3), T(3)"])
        .edges(&["T[1.0, nan, 2.0, -inf], 1.0", "T[1.0, nan, 2.0, 1.0], T[1.0, 0.0, 3.0, nan]"]),
    Function::new("clamp_max(Tensor input, Tensor|number max) -> Tensor", "torch Tensor", |a| a.tensor("input")?.clamp_max(a.operand("max")?).into_value())
        .node_by(|a| Ok(if a.is_tensor("max") { "ClampMaxBackward1" } else { "ClampMaxBackward0" }))
    .about("Elements that are greater than a bound become it.", "min(x, high)")
        .in_place()
        .exact()
        .samples(&["T(2,3), 0.03125", "T(), -0.25", "T(0,2), 0.5", "T(2,3).t, T(3)", "I(3, 5), 2", "I(3, 5), 1.5", "T(2,3), T(3)"])
        .edges(&["T[1.0, nan, 2.0, inf], 1.0", "T[1.0, nan, 2.0, 1.0], T[1.0, 0.0, 1.5, nan]"]),
    // smooth
    tensors!(atan2, "torch Tensor torch:arctan2 Tensor:arctan2", Atan2, PAIRS, ["T[0.0, -0.0, 0.0, -0.0, 1.0, inf, nan, 1.0], T[0.0, 0.0, -0.0, -0.0, 0.0, inf, 1.0, -inf]", "I[1, -1], I[2, 0]"], []; .in_place()),
    tensors!(hypot, "torch Tensor", Hypot, PAIRS, ["T[inf, nan, inf, 3.0, 0.0], T[nan, 1.0, 1.0, 4.0, 0.0]"], ["I[1], I[2]", "B[True], B[False]"]; .in_place()),
    tensors!(logaddexp, "torch Tensor", Logaddexp, PAIRS, ["T[inf, -inf, inf, nan, 1.0], T[inf, -inf, -inf, 1.0, -inf]", "T[1000.0, 0.0], T[0.0, -800.0]"], ["I[1], I[2]"]),
    tensors!(logaddexp2, "torch Tensor", Logaddexp2, PAIRS, ["T[inf, -inf, inf, nan, 1.0], T[inf, -inf, -inf, 1.0, -inf]", "T[1000.0, 0.0], T[0.0, -800.0]"], ["I[1], I[2]"]),
    Function::new("xlogy(Tensor|number input, Tensor|number other) -> Tensor", "torch Tensor special", |a| {
        let (x, y) = float_pair(a)?;
        x.xlogy(&y).into_value()
    })
        .node_by(|a| Ok(match (a.is_tensor("input"), a.is_tensor("other")) { (true, true) => "XlogyBackward0", (false, _) => "XlogyBackward1", _ => "XlogyBackward2" }))
    .of(ops::Xlogy::DEF)
        .in_place()
        .samples(POSITIVE)
        .edges(&["T[0.0, 0.0, 0.0, 0.0, 1.0, nan, nan, 1.0], T[0.0, nan, inf, -1.0, 0.0, 0.0, 1.0, -1.0]", "0, T[0.0, nan, inf, 2.0]", "T[0.0, 1.0], 0", "I[1, 2], I[2, 3]", "2.5, I[2, 3]"])
        .errors(&["T(2,3), T(4)"]),
    Function::new("xlog1py(Tensor|number input, Tensor|number other) -> Tensor", "special", |a| {
        let (x, y) = float_pair(a)?;
        x.xlog1py(&y).into_value()
    })
        .node_by(|a| Ok(match (a.is_tensor("input"), a.is_tensor("other")) { (true, true) => "SpecialXlog1PyBackward0", (false, _) => "SpecialXlog1PyBackward1", _ => "SpecialXlog1PyBackward2" }))
    .of(ops::Xlog1py::DEF)
        .samples(POSITIVE)
        .edges(&["T[0.0, 0.0, 0.0, 0.0, 1.0, nan, 1.0], T[-1.0, nan, inf, -2.0, -1.0, 0.0, -2.0]", "0, T[0.0, nan, inf]", "I[1, 2], I[2, 3]"])
        .errors(&["T(2,3), T(4)"]),
    Function::new("ldexp(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| a.tensor("input")?.ldexp(a.tensor("other")?).into_value())
        .node("LdexpBackward0")
    .about("Product with a power of two, element by element.", "a·2ᵇ")
        .in_place_refusing(|d| (!d.is_float()).then(|| format!("ldexp can't be cast to the desired output type {}", d.scalar_type_name())))
        .samples(&["T(2,3), T(2,3)", "T(2,3), I[1, 2, -3]", "T(), I[2, 3]", "T(0,3), T(3)", "T(2,3).t, T(3)"]),
    // no derivative by one of them
    Function::new("copysign(Tensor input, Tensor|number other) -> Tensor", "torch Tensor", |a| a.tensor("input")?.copysign(a.operand("other")?).into_value())
        .node_by(|a| Ok(if a.is_tensor("other") { "CopysignBackward0" } else { "CopysignBackward1" }))
    .of(ops::Copysign::DEF)
        .in_place()
        .exact()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), T(1,3)", "T(), T(4)", "T(0,3), T(3)", "T(2,3).t, -1.5", "I[1, -2], -1", "T(3).f64, T(3).f32"])
        .edges(&["T[1.0, -1.0, nan, 0.0, -0.0, inf], T[-0.0, 0.0, -1.0, -2.0, 3.0, -1.0]", "T[1.0, -1.0, 0.0], -0.0", "T[1.0, -2.0], T[0.0, -0.0]"])
        .errors(&["T(2,3), T(4)"]),
    Function::new("heaviside(Tensor input, Tensor values) -> Tensor", "torch Tensor", |a| a.tensor("input")?.heaviside(a.tensor("values")?).into_value())
        .of(ops::Heaviside::DEF)
        .in_place()
        .exact()
        .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(), T()", "T(0,3), T(3)", "I[-1, 0, 2], I[5, 6, 7]"])
        .edges(&["T[-1.0, 0.0, -0.0, 2.0, nan, inf], T[5.0, 6.0, 7.0, 8.0, 9.0, 1.0]"])
        .errors(&["I[1], T(1)", "T(2,3), T(4)"]),
    tensors!(nextafter, "torch Tensor", Nextafter, &["T(2,3), T(2,3)", "T(2,3), T(3)", "T(), T()", "T(0,3), T(3)"], ["T[0.0, 1.0, nan, inf, -0.0, 1.0], T[-1.0, inf, 1.0, 0.0, 0.0, 1.0]"], ["I[1], I[2]"]; .in_place().exact()),
    // of three
    Function::new("lerp(Tensor input, Tensor end, Tensor|number weight) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.lerp(a.tensor("end")?, a.operand("weight")?).into_value()
    })
        .of(ops::Lerp::DEF)
        .in_place()
        .samples(&["T(2,3), T(2,3), 0.375", "T(2,3), T(3), T(2,1)", "T(), T(), 0.75", "T(0,3), T(3), T()", "T(2,3).t, T(2,3), 1.5", "T(3), T(3), T(3, unit)", "T(3), T(3), -2"])
        .edges(&["T[1.0, inf, nan, 0.0], T[2.0, 1.0, 1.0, inf], 0.5", "T[1.0, 2.0], T[3.0, 4.0], T[0.5, 0.25]", "T[1.0, 2.0], T[3.0, inf], 1", "T[1.0, 2.0], T[3.0, inf], 0"])
        .errors(&["I[1], I[2], 0.5", "T(2), I[1, 2], 0.5", "T(2).f32, T(2).f64, 0.5", "T(2).f32, T(2).f32, T(2).f64", "T(2,3), T(4), 0.5"]),
    Function::new("addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, number value=1) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.addcmul(a.tensor("tensor1")?, a.tensor("tensor2")?, a.number("value")?).into_value()
    })
        .of(ops::Addcmul::DEF)
        .in_place()
        .samples(&["T(2,3), T(2,3), T(2,3)", "T(2,3), T(3), T(2,1), value=0.375", "T(), T(2), T()", "T(0,3), T(3), T()", "T(2,3).t, T(2,3), T(3), value=-2", "I[1, 2], I[3, 4], I[5, 6], value=2", "T(2), I[1, 2], I[3, 4]"])
        .edges(&["T[1.0, inf, 0.0], T[0.0, 1.0, inf], T[inf, nan, 0.0]"])
        .errors(&["B[True], B[True], B[True]", "T(2,3), T(4), T(3)"]),
    Function::new("addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, number value=1) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.addcdiv(a.tensor("tensor1")?, a.tensor("tensor2")?, a.number("value")?).into_value()
    })
        .of(ops::Addcdiv::DEF)
        .in_place()
        .samples(&["T(2,3), T(2,3), T(2,3)", "T(2,3), T(3), T(2,1), value=0.375", "T(), T(2), T()", "T(0,3), T(3), T()", "T(2,3).t, T(2,3), T(3), value=-2", "I[1, 2], T(2), T(2)", "T(2), I[1, 2], T(2)"])
        .edges(&["T[1.0, inf, 0.0, 1.0], T[0.0, 1.0, inf, 2.0], T[0.0, inf, 0.0, 0.0]"])
        .errors(&["T(2), I[1, 2], I[3, 4]", "I[1], I[2], I[3]", "T(2,3), T(4), T(3)"]),
    Function::new("where(Tensor condition, Tensor|number input, Tensor|number other) -> Tensor", "torch", |a| {
        a.tensor("condition")?.choose(a.operand("input")?, a.operand("other")?).into_value()
    })
        .warns(of_bytes)
        .of(ops::Where::DEF)
        .exact()
        .samples(&["B(2,3), T(2,3), T(2,3)", "B(3), T(2,3), T(2,1)", "B(), T(), T()", "B(3), T(3), 2.5", "B(3), 1, T(3)", "B(0,3), T(3), T(3)", "B(2), 1, 2", "B(2), 1.5, 2", "B(2), True, 2",
            "B(2), I[1, 2], 2.5", "B(3), T(3).f64, T(3).f32", "I[1, 0].u8, T(2), T(2)", "B(2,3), T(2,3).t, 0"])
        .edges(&["B[True, False, True], T[inf, nan, -0.0], T[nan, 1.0, 2.0]"])
        .errors(&["I[1, 0], T(2), T(2)", "B(2), T(3), T(3)"]),
    Function::new("where(Tensor condition) -> Tensor[]", "torch", |a| {
        Value::tuple(a.tensor("condition")?.nonzero_tuple()?)
    })
        .about("Where elements are not zero: the indices along each dimension.", "{i : c[i] ≠ 0}")
        .exact()
        .samples(&["B(2,3)", "T(2,3)", "B()", "I[0, 2, 0]", "B(0,3)"]),
    Function::new("where(Tensor input, Tensor condition, Tensor|number other) -> Tensor", "Tensor", |a| {
        a.tensor("condition")?.choose(a.tensor("input")?, a.operand("other")?).into_value()
    })
        .warns(of_bytes)
        .about("The elements of input where the condition holds, else those of other.", "c ? a : b")
        .exact()
        .samples(&["T(2,3), B(2,3), T(2,3)", "T(2,3), B(3), 2.5", "T(), B(), T()", "T(0,3), B(3), T(3)"]),
    Function::new("masked_fill(Tensor input, Tensor mask, Tensor|number value) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.masked_fill(a.tensor("mask")?, a.operand("value")?).into_value()
    })
        .node_by(|a| Ok(if a.is_tensor("value") { "MaskedFillBackward1" } else { "MaskedFillBackward0" }))
    .about("A number, or a tensor without dimensions, where a mask holds, else the elements themselves.", "m ? v : x")
        .in_place()
        .exact()
        .samples(&["T(2,3), B(2,3), 2", "T(2,3), B(3), T()", "T(), B(), 0.5", "T(2,3).t, B(2,1), -1.5", "T(0,3), B(3), 1", "I[1, 2], B(2), 2.5", "T(3).f32, B(3), T().f64", "B(2), B(2), 1", "T(3), B(2,3), 1.0"])
        .edges(&["T[1.0, 2.0], B[True, False], inf"])
        .errors(&["T(2), I[1, 0], 2", "T(2), B(2), T(1)", "T(2,3), B(4), 1"]),
];
