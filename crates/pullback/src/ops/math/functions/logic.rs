//! Comparisons, questions about elements, logic, bits; conversions and copies.

use crate::call::IntoValue;
use crate::call::{Args, Function};
use crate::core::fail::{ensure, error};
use crate::{Closeness, DType, Error, Number, Operand, Result, Tensor, ops};

const ONE: &[&str] = &[
    "T(2,3)",
    "T()",
    "T(0,2)",
    "T(2,3).t",
    "I[3, -3, 0]",
    "B[True, False]",
    "I[3, 0].u8",
];

/// A question about each element.
macro_rules! question {
    ($name:ident, $op:ident $(; $($more:tt)*)?) => {
        Function::new(
            concat!(stringify!($name), "(Tensor input) -> Tensor"),
            "torch Tensor",
            |a| a.tensor("input")?.$name().into_value(),
        ).of(ops::$op::DEF).exact().samples(ONE).edges(&["T[nan, inf, -inf, 0.0, -0.0, 1.0, -1.0]"]) $($($more)*)?
    };
}

/// A comparison of two.
macro_rules! comparison {
    ($name:ident, $places:literal, $op:ident) => {
        Function::new(
            concat!(
                stringify!($name),
                "(Tensor input, Tensor|number other) -> Tensor"
            ),
            $places,
            |a| a.tensor("input")?.$name(a.operand("other")?).into_value(),
        )
        .of(ops::$op::DEF)
        .in_place()
        .exact()
        .samples(&[
            "T(2,3), T(2,3)",
            "T(2,3), T(3)",
            "T(2,1), T(1,3)",
            "T(), T()",
            "T(0,3), T(3)",
            "T(2,3).t, T(2,3)",
            "T(3), 0.5",
            "I(3, 5), 2",
            "I(3, 5), 1.5",
            "B[True, False], True",
            "B[True, False], 1",
            "I(3, 5), T(3)",
            "T(3).f32, T(3).f64",
            "I[1, 200].u8, I[1, 2]",
        ])
        .edges(&[
            "T[nan, inf, -inf, 0.0, -0.0, 1.0], T[nan, inf, inf, -0.0, 0.0, nan]",
            "T[nan, inf, 1.0], 1",
            "T[nan, 1.0], True",
            "I[9007199254740993], 9007199254740992",
            "T[0.1], 0.1",
        ])
        .errors(&["T(2,3), T(4)"])
    };
}

const LOGIC: &[&str] = &[
    "B[[True, False], [False, True]], B[True, False]",
    "T(2,3), T(3)",
    "I[3, 0, -1], T[0.0, 1.0, 2.0]",
    "B[True], B[[False], [True]]",
    "T(0,2), T(2)",
    "I[1, 0].u8, B[True, True]",
    "T[nan, 0.0, -0.0, inf], T[1.0, 1.0, 1.0, 0.0]",
];

macro_rules! logic {
    ($name:ident, $op:ident) => {
        Function::new(
            concat!(stringify!($name), "(Tensor input, Tensor other) -> Tensor"),
            "torch Tensor",
            |a| a.tensor("input")?.$name(a.tensor("other")?).into_value(),
        )
        .of(ops::$op::DEF)
        .in_place()
        .exact()
        .samples(LOGIC)
        .errors(&["T(2,3), T(4)"])
    };
}

/// An operation of integers, with a number on either side too.
macro_rules! bits {
    ($name:ident, $op:ident, [$($errors:literal),*]) => {
        Function::new(
            concat!(stringify!($name), "(Tensor|number input, Tensor|number other) -> Tensor"),
            "torch Tensor",
            |a| {
                let (x, y) = pair(a)?;
                x.$name(&y).into_value()
            },
        )
        .of(ops::$op::DEF)
        .in_place()
        .exact()
        .samples(&[
            "I[12, 10, -7], I[10, 1, 3]", "I[[12, 10], [-7, 3]], I[1, 2]", "I[12, 10], 3", "5, I[1, 2, 3]", "I[12, 250].u8, I[1, 7].u8", "I[12, -5].i32, I[1, 2]",
            "I(0, 5), I[1]", "I[[1, 2], [3, 4]].t, I[[1, 2], [3, 0]]", "B[True, False], 1",
        ])
        .errors(&[$($errors),*])
    };
}

/// Two operands, of which one may be a number.
pub(in crate::ops) fn pair(a: &Args<'_>) -> Result<(Tensor, Tensor)> {
    match (a.operand("input")?, a.operand("other")?) {
        (Operand::Number(_), Operand::Number(_)) => Err(two_numbers(a.name())),
        _ => numbers(a),
    }
}

/// PyTorch's error for two numbers where one of two operands is to be a tensor.
pub(in crate::ops) fn two_numbers(name: &str) -> Error {
    error!(
        Type,
        "{name}() received an invalid combination of arguments - got two numbers"
    )
}

/// Two operands, numbers or tensors.
pub(in crate::ops) fn numbers(a: &Args<'_>) -> Result<(Tensor, Tensor)> {
    let alone = |n: Number| Tensor::full([], n, n.default_dtype());
    Ok(match (a.operand("input")?, a.operand("other")?) {
        (Operand::Tensor(x), Operand::Tensor(y)) => (x.clone(), y.clone()),
        (Operand::Tensor(x), Operand::Number(n)) => (x.clone(), x.number_like(n)?),
        (Operand::Number(n), Operand::Tensor(y)) => (y.number_like(n)?, y.clone()),
        (Operand::Number(x), Operand::Number(y)) => (alone(x)?, alone(y)?),
    })
}

fn closeness(a: &Args<'_>) -> Result<Closeness> {
    Ok(Closeness {
        rtol: a.float("rtol")?,
        atol: a.float("atol")?,
        equal_nan: a.bool("equal_nan")?,
    })
}

const CONVERTED: &[&str] = &[
    "T(2,3)",
    "T()",
    "T(0,2)",
    "T(2,3).t",
    "I[3, -3, 0]",
    "B[True, False]",
    "T(3).f32",
    "I[3, 0].u8",
];

/// `x.float()` and its kin.
macro_rules! conversion {
    ($name:ident, $dtype:ident, $about:literal) => {
        Function::new(
            concat!(
                stringify!($name),
                "(Tensor input, *, any memory_format=None) -> Tensor"
            ),
            "Tensor",
            |a| a.tensor("input")?.to(DType::$dtype).into_value(),
        )
        .about($about, "x")
        .exact()
        .samples(CONVERTED)
        .edges(&["T[0.0, -0.0, 1.5, -1.5, 0.25]", "I[300, -1, 70000]"])
    };
}

pub(in crate::ops) static LIST: &[Function] = &[
    comparison!(eq, "torch Tensor", Eq),
    comparison!(ne, "torch Tensor torch:not_equal Tensor:not_equal", Ne),
    comparison!(lt, "torch Tensor torch:less Tensor:less", Lt),
    comparison!(le, "torch Tensor torch:less_equal Tensor:less_equal", Le),
    comparison!(gt, "torch Tensor torch:greater Tensor:greater", Gt),
    comparison!(ge, "torch Tensor torch:greater_equal Tensor:greater_equal", Ge),
    question!(isnan, Isnan),
    question!(isinf, Isinf),
    question!(isfinite, Isfinite),
    question!(isposinf, Isposinf),
    question!(isneginf, Isneginf),
    question!(isreal, Isreal),
    question!(signbit, Signbit),
    question!(logical_not, LogicalNot; .in_place()),
    logic!(logical_and, LogicalAnd),
    logic!(logical_or, LogicalOr),
    logic!(logical_xor, LogicalXor),
    Function::new(
        "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.isclose(a.tensor("other")?, closeness(a)?).into_value(),
    )
    .about("Which elements are near each other.", "|a - b| ≤ atol + rtol|b|")
    .exact()
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3), 0.5", "T(), T(), atol=3.0", "T(0,3), T(3)", "I[1, 2, 3], I[1, 3, 3]", "B[True, False], B[True, True]", "I[10, 20], I[11, 25], rtol=0.125"])
    .edges(&[
        "T[1.0, nan, inf, inf, 0.0], T[1.0, nan, inf, -inf, -0.0]", "T[1.0, nan, inf, inf], T[1.0, nan, inf, -inf], equal_nan=True",
        "T[1.0, nan], T[1.0, nan], rtol=0.0, atol=0.0, equal_nan=True", "T[1.0, 1.0, 1.0], T[1.00001, 1.00002, 1.000001]", "T[1.0, 2.0], T[inf, 2.0], rtol=inf",
    ])
    .errors(&["T(2), I[1, 2]", "T(2), T(2), rtol=-1.0", "T(2), T(2), atol=-0.5", "T(2,3), T(4)"]),
    Function::new(
        "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool",
        "torch Tensor",
        |a| a.tensor("input")?.allclose(a.tensor("other")?, closeness(a)?).into_value(),
    )
    .about("Whether all elements are near each other.", "all |a - b| ≤ atol + rtol|b|")
    .no_check() // no tensor
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3), 10.0", "T(), T(), atol=3.0", "T(0,3), T(3)", "I[1, 2, 3], I[1, 2, 3]"])
    .edges(&["T[1.0, nan], T[1.0, nan]", "T[1.0, nan], T[1.0, nan], equal_nan=True", "T[1.0, 2.0], T[[1.0], [1.0]]"])
    .errors(&["T(2), I[1, 2]"]),
    Function::new("equal(Tensor input, Tensor other) -> bool", "torch Tensor", |a| {
        a.tensor("input")?.equal(a.tensor("other")?).into_value()
    })
    .about("Whether shapes and all elements are equal.", "all a = b")
    .no_check() // no tensor
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T[1.0, 2.0], T[1.0, 2.0]", "T(0,3), T(0,3)", "T[1.0, 2.0], I[1, 2]", "I[1, 2], I[1, 2]"])
    .edges(&["T[nan], T[nan]", "T[0.0], T[-0.0]"]),
    // bits
    bits!(bitwise_and, BitwiseAnd, ["T(2), T(2)", "I[1, 2], 2.5", "I[1, 2, 3], I[1, 2]"]),
    bits!(bitwise_or, BitwiseOr, ["T(2), T(2)", "I[1, 2], 2.5"]),
    bits!(bitwise_xor, BitwiseXor, ["T(2), T(2)", "I[1, 2], 2.5"]),
    bits!(bitwise_left_shift, BitwiseLeftShift, ["T(2), T(2)", "B[True], B[True]"]),
    bits!(bitwise_right_shift, BitwiseRightShift, ["T(2), T(2)", "B[True], B[True]"]),
    Function::new("bitwise_not(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.bitwise_not().into_value())
        .of(ops::BitwiseNot::DEF)
        .in_place()
        .exact()
        .samples(&["I[3, -3, 0]", "B[True, False]", "I[3, 0].u8", "I[[1, 2], [3, 4]].t", "I[7].i32"])
        .errors(&["T(2)"]),
    Function::new("gcd(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.gcd(a.tensor("other")?).into_value()
    })
    .of(ops::Gcd::DEF)
    .in_place()
    .exact()
    .samples(&["I[12, -18, 0], I[18, 0, 0]", "I[[12, 18], [5, 7]], I[4, 14]", "I[12].u8, I[8, 9].u8", "I[12, 8].i32, I[-8, 6]"])
    .errors(&["T(2), T(2)", "B[True], B[True]"]),
    Function::new("lcm(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.lcm(a.tensor("other")?).into_value()
    })
    .of(ops::Lcm::DEF)
    .in_place()
    .exact()
    .samples(&["I[12, -18, 0], I[18, 0, 0]", "I[[12, 18], [5, 7]], I[4, 14]", "I[12].u8, I[8, 9].u8", "I[12, 8].i32, I[-8, 6]"])
    .errors(&["T(2), T(2)", "B[True], B[True]"]),
    // conversions and copies
    conversion!(float, F32, "The numbers in single precision."),
    conversion!(double, F64, "The numbers in double precision."),
    conversion!(long, I64, "The numbers as 64-bit integers, truncated."),
    conversion!(int, I32, "The numbers as 32-bit integers, truncated."),
    conversion!(bool, Bool, "Which elements are not zero."),
    conversion!(byte, U8, "The numbers as bytes, truncated."),
    conversion!(char, I8, "The numbers as bytes with a sign, truncated."),
    conversion!(short, I16, "The numbers as 16-bit integers, truncated."),
    conversion!(half, F16, "The numbers in half precision, rounded to nearest.").no_check(), // it rounds in steps

    conversion!(bfloat16, BF16, "The numbers as the upper halves of single precision, rounded to nearest.").no_check(),
    Function::new(
        "to(Tensor input, dtype dtype, bool non_blocking=False, bool copy=False, *, any memory_format=None) -> Tensor",
        "Tensor",
        |a| {
            let (x, dtype) = (a.tensor("input")?, a.dtype("dtype")?.unwrap_or(DType::F32));
            if a.bool("copy")? && x.dtype() == dtype { x.copy().into_value() } else { x.to(dtype).into_value() }
        },
    )
    .of(ops::To::DEF)
    .exact()
    .samples(&["T(2,3), float64", "T(), float32", "T(0,2), int64", "T(2,3).t, float32", "I[3, -3, 0], float64", "T(3), bool", "T(3), float32, copy=True"])
    .edges(&["T[0.1, 1e300, nan, inf], float32"]),
    Function::new(
        "to(Tensor input, Tensor other, bool non_blocking=False, bool copy=False, *, any memory_format=None) -> Tensor",
        "Tensor",
        |a| a.tensor("input")?.to(a.tensor("other")?.dtype()).into_value(),
    )
    .about("The numbers in another tensor's dtype.", "x")
    .exact()
    .samples(&["T(2,3), T(1).f64", "T(), T(2).f32", "T(0,2), I[1]", "I[3, 1], T(2)"]),
    Function::new(
        "to(Tensor input, str? device=None, dtype? dtype=None, bool non_blocking=False, bool copy=False, *, any memory_format=None) -> Tensor",
        "Tensor",
        |a| {
            let x = a.tensor("input")?;
            let device = a.str_opt("device")?.unwrap_or("cpu");
            ensure!(device.split(':').next() == Some("cpu"), Unsupported, "there is no device {device:?} here: tensors live on the CPU");
            let dtype = a.dtype("dtype")?.unwrap_or(x.dtype());
            if a.bool("copy")? && x.dtype() == dtype { x.copy().into_value() } else { x.to(dtype).into_value() }
        },
    )
    .about("The numbers on a device, of which there is one, and in a dtype.", "x")
    .exact()
    .samples(&["T(2,3), 'cpu'", "T(), 'cpu', float64", "T(0,2), device='cpu', dtype=float32", "I[3, 1], 'cpu', float64, False, True", "T(3,2).t"]),
    Function::new("type_as(Tensor input, Tensor other) -> Tensor", "Tensor", |a| {
        a.tensor("input")?.to(a.tensor("other")?.dtype()).into_value()
    })
    .about("The numbers in another tensor's dtype.", "x")
    .exact()
    .samples(&["T(2,3), T(1).f64", "T(), T(2).f32", "T(0,2), I[1]", "I[3, 1], T(2)"]),
    Function::new("clone(Tensor input, *, any memory_format=None) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.copy().into_value()
    })
    .of(ops::Clone::DEF)
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "I(3, 5)"]),
    Function::new("contiguous(Tensor input, *, any memory_format=None) -> Tensor", "Tensor", |a| {
        a.tensor("input")?.contiguous().into_value()
    })
    .about("The same numbers in row-major memory without gaps; the tensor itself where it is so already.", "x")
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "I(3, 5)"]),
];
