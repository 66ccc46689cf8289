//! Counterparts of arithmetic: operations that are one node, those that change nothing, and numbers element by element. Activations are in `activations`.

use super::call::{Call, Written};
use super::graph::Attribute::Int;
use super::graph::Graph;
use crate::core::structural::To;
use crate::{DType, Number, Result, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    for table in [plain, truths] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    if c.dtype() == DType::Bool {
        return Ok(None);
    }
    for table in [remainders, logarithms, bounds, mixtures] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The node of an operation of numbers that has one.
fn kind(name: &str) -> Option<&'static str> {
    Some(match name {
        "abs" => "Abs",
        "acos" => "Acos",
        "acosh" => "Acosh",
        "add" => "Add",
        "asin" => "Asin",
        "asinh" => "Asinh",
        "atan" => "Atan",
        "atanh" => "Atanh",
        "ceil" => "Ceil",
        "cos" => "Cos",
        "cosh" => "Cosh",
        "div" => "Div",
        "erf" => "Erf",
        "exp" => "Exp",
        "floor" => "Floor",
        "log" => "Log",
        "matmul" => "MatMul",
        "maximum" => "Max",
        "minimum" => "Min",
        "mul" => "Mul",
        "neg" => "Neg",
        "pow_tensor" => "Pow",
        "reciprocal" => "Reciprocal",
        "relu" => "Relu",
        "round" => "Round",
        "sigmoid" => "Sigmoid",
        "sign" => "Sign",
        "sin" => "Sin",
        "sinh" => "Sinh",
        "sqrt" => "Sqrt",
        "sub" => "Sub",
        "tan" => "Tan",
        "tanh" => "Tanh",
        _ => return None,
    })
}

/// Operations that are one node, and those that change nothing.
fn plain(g: &mut Graph, c: &Call<'_>) -> Written {
    if let "alias" | "anchored_input" | "clone" | "detach" | "unshared" = c.name() {
        return Ok(Some(c.x(0).to_string()));
    }
    if c.of::<To>().is_some() {
        return g.cast(c.x(0), c.inputs[0].dtype, c.dtype()).map(Some);
    }
    if c.name() == "where" {
        return Ok(Some(g.plain("Where", &c.names())));
    }
    let name = match (c.name(), c.dtype()) {
        // Sums and products of truth values.
        ("add" | "maximum", DType::Bool) => return Ok(Some(g.plain("Or", &c.names()))),
        ("mul" | "minimum", DType::Bool) => return Ok(Some(g.plain("And", &c.names()))),
        (_, DType::Bool) => return Ok(None),
        ("relu" | "abs", dtype) if !is_signed(dtype) => return Ok(Some(c.x(0).to_string())),
        ("neg" | "sign", dtype) if !is_signed(dtype) => return Ok(None),
        // They are whole already.
        ("ceil" | "floor" | "round", dtype) if !dtype.is_float() => {
            return Ok(Some(c.x(0).to_string()));
        }
        (name, _) => name,
    };
    Ok(kind(name).map(|kind| g.plain(kind, &c.names())))
}

fn is_signed(dtype: DType) -> bool {
    let unsigned = [DType::U8, DType::U16, DType::U32, DType::U64];
    !unsigned.contains(&dtype)
}

/// Comparisons, and what is asked of numbers and truth values.
fn truths(g: &mut Graph, c: &Call<'_>) -> Written {
    let kind = match c.name() {
        "eq" | "ne" => "Equal",
        "ge" => "GreaterOrEqual",
        "gt" => "Greater",
        "le" => "LessOrEqual",
        "lt" => "Less",
        "logical_and" => "And",
        "logical_or" => "Or",
        "logical_xor" => "Xor",
        "logical_not" => "Not",
        "bitwise_and" if c.dtype() == DType::Bool => "And",
        "bitwise_or" if c.dtype() == DType::Bool => "Or",
        "bitwise_xor" if c.dtype() == DType::Bool => "Xor",
        "bitwise_not" if c.dtype() == DType::Bool => "Not",
        "bitwise_and" => "BitwiseAnd",
        "bitwise_or" => "BitwiseOr",
        "bitwise_xor" => "BitwiseXor",
        "bitwise_not" => "BitwiseNot",
        "isnan" => "IsNaN",
        "isinf" | "isposinf" | "isneginf" | "isfinite" => return infinite(g, c).map(Some),
        _ => return Ok(None),
    };
    let mut operands = Vec::new();
    for (k, v) in c.inputs.iter().enumerate() {
        let to = match kind {
            "And" | "Or" | "Xor" | "Not" => DType::Bool,
            // Orders of truth values are those of 0 and 1.
            _ if v.dtype == DType::Bool && kind != "Equal" => DType::I32,
            _ => v.dtype,
        };
        operands.push(c.cast(g, k, to)?);
    }
    if kind == "IsNaN" && !c.inputs[0].dtype.is_float() {
        return Ok(None);
    }
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let name = g.plain(kind, &operands);
    Ok(Some(match c.name() {
        "ne" => g.plain("Not", &[&name]),
        _ => name,
    }))
}

fn infinite(g: &mut Graph, c: &Call<'_>) -> Result<String> {
    // Single precision holds what half precisions do, and ONNX asks it alone.
    let wide = match c.inputs[0].dtype {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    let x = c.cast(g, 0, wide)?;
    let told = match c.name() {
        "isposinf" => vec![("detect_negative", Int(0))],
        "isneginf" => vec![("detect_positive", Int(0))],
        _ => vec![],
    };
    let name = g.node("IsInf", &[&x], told);
    if c.name() != "isfinite" {
        return Ok(name);
    }
    let nan = g.plain("IsNaN", &[&x]);
    let either = g.plain("Or", &[&name, &nan]);
    Ok(g.plain("Not", &[&either]))
}

/// Quotients that are rounded, and what is left over.
fn remainders(g: &mut Graph, c: &Call<'_>) -> Written {
    let float = c.dtype().is_float();
    let cut = |g: &mut Graph, x: &str| {
        let (size, sign) = (g.plain("Abs", &[x]), g.plain("Sign", &[x]));
        let size = g.plain("Floor", &[&size]);
        g.plain("Mul", &[&size, &sign])
    };
    if let Some(op) = c.of::<ops::DivRounded>() {
        let floor = op.how == ops::Rounding::Floor;
        if float {
            let quotient = g.plain("Div", &c.names());
            return Ok(Some(match floor {
                true => g.plain("Floor", &[&quotient]),
                false => cut(g, &quotient),
            }));
        }
        // ONNX's quotient of integers is cut off; without the rest, whose sign is the divisor's, nothing is.
        let mut x = c.x(0).to_string();
        if floor {
            let rest = g.plain("Mod", &c.names());
            x = g.plain("Sub", &[&x, &rest]);
        }
        return Ok(Some(g.plain("Div", &[&x, c.x(1)])));
    }
    Ok(Some(match c.name() {
        "trunc" if float => cut(g, c.x(0)),
        "trunc" => c.x(0).to_string(),
        "fmod" => g.node("Mod", &c.names(), vec![("fmod", Int(1))]),
        "remainder" if !float => g.plain("Mod", &c.names()),
        "remainder" => {
            let quotient = g.plain("Div", &c.names());
            let whole = g.plain("Floor", &[&quotient]);
            let whole = g.plain("Mul", &[&whole, c.x(1)]);
            g.plain("Sub", &[c.x(0), &whole])
        }
        _ => return Ok(None),
    }))
}

/// Powers, roots, exponentials and logarithms of other kinds.
fn logarithms(g: &mut Graph, c: &Call<'_>) -> Written {
    let (dtype, x) = (c.dtype(), c.x(0));
    if c.of::<ops::PowScalar>().is_some() {
        let exponent = c.fixed(|op: &ops::PowScalar| op.exponent)?;
        if exponent == 2.0 {
            return Ok(Some(g.plain("Mul", &[x, x])));
        }
        let exponent = g.number(exponent, dtype)?;
        return Ok(Some(g.plain("Pow", &[x, &exponent])));
    }
    let times = |g: &mut Graph, by: f64| -> Result<String> {
        let (log, by) = (g.plain("Log", &[x]), g.number(by, dtype)?);
        Ok(g.plain("Mul", &[&log, &by]))
    };
    Ok(Some(match c.name() {
        "rsqrt" => {
            let root = g.plain("Sqrt", &[x]);
            g.plain("Reciprocal", &[&root])
        }
        "log1p" => {
            let one = g.number(1.0, dtype)?;
            let sum = g.plain("Add", &[x, &one]);
            g.plain("Log", &[&sum])
        }
        "expm1" => {
            let one = g.number(1.0, dtype)?;
            let power = g.plain("Exp", &[x]);
            g.plain("Sub", &[&power, &one])
        }
        "exp2" => {
            let two = g.number(2.0, dtype)?;
            g.plain("Pow", &[&two, x])
        }
        "log2" => times(g, std::f64::consts::LOG2_E)?,
        "log10" => times(g, std::f64::consts::LOG10_E)?,
        "logaddexp" => {
            let (larger, apart) = (g.plain("Max", &c.names()), g.plain("Sub", &c.names()));
            let apart = g.plain("Abs", &[&apart]);
            let apart = g.plain("Neg", &[&apart]);
            let rest = g.plain("Softplus", &[&apart]);
            g.plain("Add", &[&larger, &rest])
        }
        "hypot" => {
            let squares = [0, 1].map(|k| g.plain("Mul", &[c.x(k), c.x(k)]));
            let sum = g.plain("Add", &[&squares[0], &squares[1]]);
            g.plain("Sqrt", &[&sum])
        }
        "xlogy" => {
            let zero = g.number(0.0, dtype)?;
            let log = g.plain("Log", &[c.x(1)]);
            let (product, none) = (g.plain("Mul", &[x, &log]), g.plain("Equal", &[x, &zero]));
            g.plain("Where", &[&none, &zero, &product])
        }
        _ => return Ok(None),
    }))
}

/// Numbers kept between bounds, and what is not a number replaced.
fn bounds(g: &mut Graph, c: &Call<'_>) -> Written {
    let dtype = c.dtype();
    if c.of::<ops::Clamp>().is_some() {
        let (min, max) = c.fixed(|op: &ops::Clamp| (op.min, op.max))?;
        let mut name = c.x(0).to_string();
        for (kind, bound) in [("Max", min), ("Min", max)] {
            if let Some(bound) = bound {
                let bound = g.number(bound, dtype)?;
                name = g.plain(kind, &[&name, &bound]);
            }
        }
        return Ok(Some(name));
    }
    if c.of::<ops::ClampTensor>().is_some() {
        let above = g.plain("Max", &[c.x(0), c.x(1)]);
        return Ok(Some(g.plain("Min", &[&above, c.x(2)])));
    }
    if c.of::<ops::NanToNum>().is_some() && matches!(dtype, DType::F32 | DType::F64) {
        let (nan, high, low) = c.fixed(|op: &ops::NanToNum| (op.nan, op.posinf, op.neginf))?;
        let most = match dtype {
            DType::F32 => f64::from(f32::MAX),
            _ => f64::MAX,
        };
        let mut name = c.x(0).to_string();
        for (negative, to) in [(0, high.unwrap_or(most)), (1, low.unwrap_or(-most))] {
            let told = vec![
                ("detect_negative", Int(negative)),
                ("detect_positive", Int(1 - negative)),
            ];
            let (is, to) = (g.node("IsInf", &[c.x(0)], told), g.number(to, dtype)?);
            name = g.plain("Where", &[&is, &to, &name]);
        }
        let (is, to) = (
            g.plain("IsNaN", &[c.x(0)]),
            g.number(nan.unwrap_or(0.0), dtype)?,
        );
        return Ok(Some(g.plain("Where", &[&is, &to, &name])));
    }
    if let "fmax" | "fmin" = c.name() {
        let kind = if c.name() == "fmax" { "Max" } else { "Min" };
        let mut name = g.plain(kind, &c.names());
        for (k, other) in [(0, 1), (1, 0)] {
            if c.dtype().is_float() {
                let nan = g.plain("IsNaN", &[c.x(k)]);
                name = g.plain("Where", &[&nan, c.x(other), &name]);
            }
        }
        return Ok(Some(name));
    }
    Ok(None)
}

/// Sums and products with a factor.
fn mixtures(g: &mut Graph, c: &Call<'_>) -> Written {
    let dtype = c.dtype();
    let scaled = |g: &mut Graph, x: &str, by: Number| -> Result<String> {
        let by = g.number(by, dtype)?;
        Ok(g.plain("Mul", &[x, &by]))
    };
    if c.of::<ops::Scale>().is_some() {
        let factor = c.fixed(|op: &ops::Scale| op.factor)?;
        return scaled(g, c.x(0), Number::Dd(factor)).map(Some);
    }
    if c.of::<ops::AddScaled>().is_some() {
        let alpha = c.fixed(|op: &ops::AddScaled| op.alpha)?;
        let right = scaled(g, c.x(1), alpha.into())?;
        return Ok(Some(g.plain("Add", &[c.x(0), &right])));
    }
    if c.of::<ops::Addcmul>().is_some() {
        let value = c.fixed(|op: &ops::Addcmul| op.value)?;
        let product = g.plain("Mul", &[c.x(1), c.x(2)]);
        let product = scaled(g, &product, value)?;
        return Ok(Some(g.plain("Add", &[c.x(0), &product])));
    }
    if c.of::<ops::Addcdiv>().is_some() {
        let value = c.fixed(|op: &ops::Addcdiv| op.value)?;
        let quotient = g.plain("Div", &[c.x(1), c.x(2)]);
        let quotient = scaled(g, &quotient, value)?;
        return Ok(Some(g.plain("Add", &[c.x(0), &quotient])));
    }
    let step = match c.name() {
        "lerp" => {
            let apart = g.plain("Sub", &[c.x(1), c.x(0)]);
            g.plain("Mul", &[&apart, c.x(2)])
        }
        "lerp_scalar" => {
            let weight = c.fixed(|op: &ops::LerpScalar| op.weight)?;
            let apart = g.plain("Sub", &[c.x(1), c.x(0)]);
            scaled(g, &apart, weight.into())?
        }
        _ => return Ok(None),
    };
    Ok(Some(g.plain("Add", &[c.x(0), &step])))
}
