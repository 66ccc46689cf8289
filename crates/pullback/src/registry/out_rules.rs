//! Which dtypes `out=` may have, function by function, and what PyTorch says to others. Most functions write every dtype that their result can be cast to;
//! some want exactly their result's, and reductions compute in the dtype of `out`. `tests/out` of the Python package holds PyTorch's answers for every
//! function and pair of dtypes. Writing is in `outs.rs`.

use super::out_factors;
use super::out_tables::{ELEMENTWISE, EXACT, OWN};
use crate::call::Value;
use crate::{DType, Error, ErrorKind, Result};

/// Which dtypes a result may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Those of its category and the ones above: integers into floats, but not back.
    Castable,
    /// Its own.
    Same,
    /// Every one.
    Any,
    /// Bool and bytes.
    Truth,
    /// Floating ones.
    Floating,
}

/// A rule and what is said where it is broken: `{out}` and `{result}` are the dtypes as `Float`, `{o}` and `{r}` as `float`, `{tensor}` as
/// `torch.FloatTensor`, `{name}` the function, `{input}` its first tensor's dtype, `{int32}` whether the result is int32.
pub(super) type Rule = (Takes, &'static str);

const CAST: Rule = (
    Takes::Castable,
    "result type {result} can't be cast to the desired output type {out}",
);
pub(super) const SAME: Rule = (
    Takes::Same,
    "Expected out tensor to have dtype {r}, but got {o} instead",
);
/// What PyTorch's elementwise kernels say where the dtype is given.
const FOUND: Rule = (Takes::Same, "Found dtype {out} but expected {result}");
pub(super) const ANY: Rule = (Takes::Any, "");
const MEAN: Rule = (
    Takes::Castable,
    "mean.dtype_out(): input types can't be cast to the desired output type {out}",
);
const MEAN_DIM: Rule = (
    Takes::Castable,
    "result type Float can't be cast to the desired output type {out}",
);
const NANSUM: Rule = (
    Takes::Same,
    "nansum: provided dtype must match dtype of result. Got {out} and {result}.",
);

/// Functions of several results, whose sentences name them.
fn several(name: &str, which: usize) -> Option<Rule> {
    let text = match (name, which) {
        ("frexp", 0) => "torch.frexp() expects mantissa to have dtype {r} but got {o}",
        ("frexp", _) => "torch.frexp() expects exponent to have int dtype but got {o}",
        ("histogram", 1) => {
            "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input {r} and bin_edges {o} for dimension 0"
        }
        ("histogram", _) => {
            "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {r} and hist {o}"
        }
        ("median" | "nanmedian", 0) => {
            "Expected tensor for 'values' to have the same type as tensor for argument #2 'self'; but type {tensor} does not equal {own} (while checking arguments for median)"
        }
        ("median" | "nanmedian", _) => {
            "Expected tensor for argument #1 'indices' to have scalar type Long; but got {tensor} instead (while checking arguments for median)"
        }
        ("kthvalue", 0) => "output values must be of same type as input",
        ("kthvalue", _) => "output indices must be of scalar type Long",
        ("mode", 0) => "expected scalar type '{result}' but got '{out}' for values output",
        ("mode", _) => "expected scalar type 'Long' but got '{out}' for indices output",
        _ => return None,
    };
    Some((Takes::Same, text))
}

fn own(name: &str) -> Option<Rule> {
    let found = OWN.iter().find(|(names, _)| names.contains(&name));
    found.map(|(_, rule)| *rule)
}

/// What the rule depends on.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The function's name.
    pub name: &'a str,
    /// Whether it is one of PyTorch's module `linalg`.
    pub linalg: bool,
    /// Arguments without names.
    pub args: &'a [Value],
    /// How many have names.
    pub named: usize,
    /// Whether a dtype was given.
    pub dtype: bool,
}

/// The rule for a result of a function.
fn rule(call: Call<'_>, which: usize) -> Rule {
    let (name, args) = (call.name, call.args);
    let tensor = |place: usize| matches!(args.get(place), Some(Value::Tensor(_)));
    let scalar = |v: &Value| matches!(v, Value::Tensor(t) if t.ndim() == 0);
    match name {
        "norm" if call.linalg => (
            Takes::Same,
            "linalg.norm expected out tensor dtype {result} but got: {out}",
        ),
        // Bounds that are tensors make them functions of several operands.
        "clamp" | "clip" | "clamp_max" | "clamp_min" if tensor(1) || tensor(2) => CAST,
        "lerp" if matches!(args.get(2), Some(Value::Tensor(t)) if t.ndim() > 0) => FOUND,
        "max" | "min" if args.len() > 1 || call.named > 0 => CAST,
        "inner" if args.iter().any(scalar) => CAST,
        "chain_matmul" if args.len() == 1 => ANY,
        // They compute in the dtype of `out`, or in one that was given.
        "sum" | "prod" | "cumsum" | "cumprod" => SAME,
        "mean" if call.dtype => SAME,
        "mean" if call.args.len() == 1 && call.named == 0 => MEAN,
        "mean" => MEAN_DIM,
        "nansum" | "nanmean" if call.dtype => NANSUM,
        _ if ELEMENTWISE.contains(&name) => FOUND,
        _ if EXACT.contains(&name) => SAME,
        _ => several(name, which)
            .or_else(|| own(name))
            .or_else(|| out_factors::rule(name, call.linalg, which))
            .unwrap_or(CAST),
    }
}

/// An error where a result of this dtype cannot be written to `out`, in PyTorch's words.
pub(super) fn check(call: Call<'_>, which: usize, [result, out]: [DType; 2]) -> Option<Error> {
    let (mut takes, mut text) = rule(call, which);
    let of = |v: &Value| v.tensors().first().map(|t| t.dtype());
    let input = call.args.iter().find_map(of).unwrap_or(result);
    if call.name == "mean" && call.args.len() == 1 && input.category() > out.category() {
        (takes, text) = MEAN;
    }
    if result.category() > out.category() {
        match call.name {
            "diag" => {
                text = "diag: result type {result} can't be cast to the desired out= type {out}"
            }
            "matrix_power" => {
                text = "matrix_power: Expected result to be safely castable from {result} dtype, but got result with dtype {out}";
            }
            _ => {}
        }
    }
    let fits = match takes {
        Takes::Castable => result.category() <= out.category(),
        Takes::Same => result == out,
        Takes::Any => true,
        Takes::Truth => matches!(out, DType::Bool | DType::U8),
        Takes::Floating => out.is_float(),
    };
    if fits {
        return None;
    }
    let kind = match text {
        _ if text.starts_with("torch.cat") => ErrorKind::Type,
        _ if text.starts_with('"') => ErrorKind::Unsupported,
        _ => ErrorKind::DType,
    };
    let flag = if result == DType::I32 {
        "True"
    } else {
        "False"
    };
    Some(Error::new(
        kind,
        text.replace("{name}", call.name)
            .replace("{result}", result.scalar_type_name())
            .replace("{out}", out.scalar_type_name())
            .replace("{r}", result.cpp_name())
            .replace("{o}", out.cpp_name())
            .replace("{own}", &tensor_name(result))
            .replace("{tensor}", &tensor_name(out))
            .replace("{input}", input.scalar_type_name())
            .replace("{int32}", flag),
    ))
}

/// What PyTorch calls tensors of a dtype.
fn tensor_name(dtype: DType) -> String {
    match dtype {
        DType::Bool | DType::BF16 => format!("CPU{}Type", dtype.scalar_type_name()),
        _ => format!("torch.{}Tensor", dtype.scalar_type_name()),
    }
}

/// Whether a function computes in the dtype of `out` where none was given it.
///
/// # Errors
/// Where PyTorch has no such sum.
pub(super) fn follows(call: Call<'_>, out: DType) -> Result<bool> {
    let float = |v: &Value| matches!(v, Value::Tensor(t) if t.dtype().is_float());
    Ok(match call.name {
        "sum" | "prod" | "cumsum" | "cumprod" => true,
        "mean" => out.is_float(),
        "nansum" | "nanmean" if !out.is_float() && call.args.first().is_some_and(float) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "\"nansum_cpu\" not implemented for '{}'",
                    out.scalar_type_name()
                ),
            ));
        }
        "nansum" | "nanmean" => true,
        "arange" | "linspace" | "logspace" | "randperm" if out == DType::Bool => {
            let name = call
                .name
                .replace("space", "space_cpu")
                .replace("arange", "arange_cpu");
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("\"{name}\" not implemented for 'Bool'"),
            ));
        }
        name => creates(name),
    })
}

/// Whether a function makes its result of nothing: a dtype that is given has to be that of `out`.
pub(super) fn creates(name: &str) -> bool {
    matches!(
        name,
        "zeros"
            | "ones"
            | "full"
            | "empty"
            | "eye"
            | "arange"
            | "linspace"
            | "logspace"
            | "rand"
            | "randn"
            | "randint"
            | "randperm"
            | "range"
    )
}

/// Functions that give `out` their result's size without a warning.
pub(super) fn resizes_silently(name: &str) -> bool {
    creates(name)
        || matches!(
            name,
            "addbmm" | "bernoulli" | "logsigmoid" | "multinomial" | "narrow_copy"
        )
}
