//! Reductions to sums, products, truth values and moments, and running totals. Extremes are in `order`, norms in `norm`.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::{bail, ensure, error};
use crate::{DType, Result, Tensor, is_grad_enabled, ops};

/// The dimensions given, none for all.
pub(in crate::ops) fn dims(a: &Args<'_>) -> Result<Vec<i64>> {
    Ok(a.ints_opt("dim")?.unwrap_or_default())
}

/// A total in the dtype that `dtype=` asked for, computed in it: the operand is converted, and an integer total again.
fn in_dtype(
    x: &Tensor,
    dtype: Option<DType>,
    total: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    match dtype {
        Some(d) if !d.is_differentiable() && x.requires_grad() && is_grad_enabled() => Err(error!(
            Autograd,
            "Autograd not support dtype: {}",
            d.scalar_type_name()
        )
        .help("convert a detached tensor: what is an integer has no gradient")),
        None => total(x),
        Some(d) => total(&x.to(d)?)?.to(d),
    }
}

/// A reduction with `dim`, `keepdim` and `dtype`.
fn total(a: &Args<'_>, f: fn(&Tensor, &[i64], bool) -> Result<Tensor>) -> Result<Value> {
    let (dims, keepdim) = (dims(a)?, a.bool("keepdim")?);
    in_dtype(a.tensor("input")?, a.dtype("dtype")?, |x| {
        f(x, &dims, keepdim)
    })
    .into_value()
}

fn mean(a: &Args<'_>, f: fn(&Tensor, &[i64], bool) -> Result<Tensor>) -> Result<Value> {
    match a.dtype("dtype")? {
        Some(d) if !d.is_differentiable() => Err(error!(
            Unsupported,
            "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. Got: {}",
            d.scalar_type_name()
        )),
        _ => total(a, f),
    }
}

/// `all` or `any`; an empty list of dimensions reduces none.
fn truth(a: &Args<'_>, f: fn(&Tensor, &[i64], bool) -> Result<Tensor>) -> Result<Value> {
    let x = a.tensor("input")?;
    match a.ints_opt("dim")? {
        Some(dims) if dims.is_empty() => {
            let dtype = match x.dtype() {
                DType::U8 => DType::U8,
                _ => DType::Bool,
            };
            x.to(DType::Bool)?.to(dtype).into_value()
        }
        dims => f(x, &dims.unwrap_or_default(), a.bool("keepdim")?).into_value(),
    }
}

/// A running total with `dtype`.
fn running(a: &Args<'_>, name: &str, f: fn(&Tensor, i64) -> Result<Tensor>) -> Result<Value> {
    ensure!(
        a.dtype("dtype")? != Some(DType::Bool),
        Unsupported,
        "\"{name}_out_cpu\" not implemented for 'Bool'"
    );
    let dim = a.int("dim")?;
    in_dtype(a.tensor("input")?, a.dtype("dtype")?, |x| f(x, dim)).into_value()
}

/// One of the four functions of spread, from any of its overloads.
fn spread<T>(a: &Args<'_>, f: fn(&Tensor, &[i64], f64, bool) -> Result<T>) -> Result<Value>
where
    Result<T>: IntoValue,
{
    let keepdim = a.bool("keepdim").unwrap_or(false);
    let (dims, correction) = spread_by(a)?;
    f(a.tensor("input")?, &dims, correction, keepdim).into_value()
}

/// The dimensions, none for all, and what is taken off the number of elements.
fn spread_by(a: &Args<'_>) -> Result<(Vec<i64>, f64)> {
    let dims = a.ints_opt("dim").ok().flatten().unwrap_or_default();
    let correction = match a.bool_opt("unbiased") {
        Ok(Some(unbiased)) => f64::from(u8::from(unbiased)),
        _ => a.float_opt("correction")?.unwrap_or(1.0),
    };
    Ok((dims, correction))
}

/// PyTorch's warning where nothing is left to divide by.
fn freedom(a: &Args<'_>) -> Result<Vec<String>> {
    let x = a.tensor("input")?;
    let (dims, correction) = spread_by(a)?;
    let n = x.ndim().max(1) as i64;
    let size = |d: i64| {
        x.shape()
            .get(d.rem_euclid(n) as usize)
            .map_or(1.0, |&n| n as f64)
    };
    // As a double, for dimensions may be named twice, whatever their sizes.
    let (all, each) = match dims.as_slice() {
        [] => (x.numel() as f64, x.numel() as f64),
        dims => (x.numel() as f64, dims.iter().map(|&d| size(d)).product()),
    };
    // PyTorch divides the numbers of elements; of no results each is made of none.
    let each = if each > 0.0 && all < each { 0.0 } else { each };
    if !x.dtype().is_float() || each - correction > 0.0 {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "{}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by output numel).",
        a.name()
    )])
}

/// One overload of a function of spread.
macro_rules! spread {
    ($signature:literal, $places:literal, $method:ident, $about:literal, $samples:expr, $edges:expr, $errors:expr) => {
        spread!(@entry $signature, $places, $method, $samples, $edges, $errors).about($about, "Σ (x - mean)² / (n - correction), Σ x / n")
    };
    ($signature:literal, $places:literal, $method:ident, $def:expr, $samples:expr, $edges:expr, $errors:expr) => {
        spread!(@entry $signature, $places, $method, $samples, $edges, $errors).of($def)
    };
    (@entry $signature:literal, $places:literal, $method:ident, $samples:expr, $edges:expr, $errors:expr) => {
        Function::new($signature, $places, |a| spread(a, Tensor::$method)).warns(freedom).samples($samples).edges($edges).errors($errors)
    };
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "sum(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| total(a, Tensor::sum_dims),
    )
    .node_by(|a| Ok(if matches!(a.value("dim")?, crate::call::Value::None) { "SumBackward0" } else { "SumBackward1" }))
    .of(ops::Sum::DEF)
    .exact()
    .samples(&[
        "T(2,3)",
        "T(2,3), 1",
        "T(2,3,4).t, dim=(0,-1), keepdim=True",
        "T()",
        "T(), -1",
        "T(0,3), 0",
        "T(0,3)",
        "T(5,40)",
        "T(40,5), 0",
        "T(3,20).t, 1",
        "T(2,3), ()",
        "I(2,3, 9), 0",
        "I[1, 2].u8",
        "I[100000, 2, 3].i32",
        "B(2,3), 1",
        "T(2,3), dtype=float64",
        "B[True, True, False], dtype=bool",
        "I(3, 5), dtype=float32",
    ])
    .edges(&["T[inf, -inf, 1.0]", "T[[nan, 1.0], [2.0, inf]], 1", "T[-0.0, -0.0]"])
    .errors(&["T(2,3), 5", "T(2,3), (0, 0)", "T(2,3), (0, -2)", "T[1.7, 2.6, -1.2], dtype=int64", "T(), 1"]),
    Function::new(
        "nansum(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| total(a, Tensor::nansum),
    )
    .of(ops::NanSum::DEF)
    .exact()
    .samples(&["T(2,3)", "T(2,3).t, 1, True", "T()", "T(0,3), 0", "T(2,2,3), (0,2)", "I(2,3, 5)", "T(2,3), dtype=float64"])
    .edges(&["T[1.0, nan, 2.0]", "T[nan, nan]", "T[[nan, 1.0], [inf, nan]], 0", "T[inf, nan, -inf]"])
    .errors(&["T(2,3), (0, 0)", "T(2,3), 2"]),
    Function::new(
        "mean(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| mean(a, Tensor::mean_dims),
    )
    .node_by(|a| Ok(if matches!(a.value("dim")?, crate::call::Value::None) { "MeanBackward0" } else { "MeanBackward1" }))
    .of(ops::Mean::DEF)
    .exact()
    .samples(&["T(2,3)", "T(2,3), 1", "T(2,3,4).t, (0,-1), True", "T()", "T(5,40), -1", "T(2,3), dtype=float64", "I(4, 9), dtype=float32", "T(2,3), dim=()"])
    .edges(&["T(0,3)", "T(0,3), 0", "T(0,3), 1", "T[inf, 1.0]", "T[nan, 1.0]"])
    .errors(&["I(3, 5)", "B(3)", "T(3), dtype=int64", "T(2,3), (1, 1)", "T(2,3), -3"]),
    Function::new(
        "nanmean(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| total(a, Tensor::nanmean),
    )
    .about("Mean over dimensions of the elements that are no NaN.", "Σ x / n over x that is no NaN")
    .samples(&["T(2,3)", "T(2,3).t, 1, True", "T()", "T(2,2,3), (0,2)"])
    .edges(&["T[1.0, nan, 2.0]", "T[nan, nan]", "T[[nan, 1.0], [3.0, 5.0]], 0", "T(0,3), 0", "T[inf, nan]"])
    .errors(&["I(3, 5)", "T(2,3), (0, 0)"]),
    Function::new(
        "prod(Tensor input, int? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| {
            let (dim, keepdim) = (a.int_opt("dim")?, a.bool("keepdim")?);
            in_dtype(a.tensor("input")?, a.dtype("dtype")?, |x| match dim {
                Some(dim) => x.prod_dim(dim, keepdim),
                None => x.prod(),
            })
            .into_value()
        },
    )
    .node_by(|a| Ok(if matches!(a.value("dim")?, crate::call::Value::None) { "ProdBackward0" } else { "ProdBackward1" }))
    .of(ops::Prod::DEF)
    .samples(&[
        "T(2,3)",
        "T(2,3), 1",
        "T(2,3).t, 0, True",
        "T(2,3,2), -2",
        "T()",
        "T(), 0",
        "T(0,3)",
        "T(0,3), 0",
        "T(0,3), 1",
        "I(4, 5)",
        "B(3)",
        "T(3), dtype=float64",
        "I[1, 2].u8, 0",
        "T[0.5, 0.0, 2.0, -1.5]",
        "T[[0.5, 0.0, 2.0], [0.0, 3.0, 0.0], [1.0, -2.0, 0.5]], 1",
    ])
    .edges(&[
        "T[0.0, 0.0, 2.0]",
        "T[[0.0, 0.0], [2.0, 3.0]], 0, True",
        "T[inf, 1.0, 2.0]",
        "T[inf, 0.0, 2.0]",
        "T[inf, 0.0, 0.0]",
        "T[inf, 0.0, 0.0], 0",
        "T[nan, 1.0, 2.0]",
        "T[nan, 0.0, 2.0]",
        "T[0.0]",
        "T[-0.0, 3.0]",
    ])
    .errors(&["T(2,3), 5", "~T(2,3), (0, 1)"]),
    Function::new("all(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "torch Tensor", |a| truth(a, Tensor::all))
        .of(ops::All::DEF)
        .samples(&["T(2,3)", "B(2,3), 1", "B(2,3).t, 0, True", "T()", "T(0,3)", "T(0,3), 0", "B(2,2,3), (0,2)", "I(2,3, 2).u8, 1", "T(2,2), ()", "I(4, 3).u8, ()", "I(3, 2), dim=-1"])
        .edges(&["T[nan, 1.0]", "T[0.0, nan]", "T[-0.0, 1.0]", "T[inf, 1.0]"])
        .errors(&["T(2,3), 5", "T(2,3), (0, 0)"]),
    Function::new("any(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", "torch Tensor", |a| truth(a, Tensor::any))
        .of(ops::Any::DEF)
        .samples(&["T(2,3)", "B(2,3), 1", "B(2,3).t, 0, True", "T()", "T(0,3)", "T(0,3), 0", "B(2,2,3), (0,2)", "I(2,3, 2).u8, 1", "T(2,2), ()", "I(3, 2), dim=-1"])
        .edges(&["T[nan, 0.0]", "T[0.0, -0.0]", "T[inf, 0.0]"])
        .errors(&["T(2,3), 5", "T(2,3), (0, 0)"]),
    Function::new("count_nonzero(Tensor input, int[]? dim=None) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.count_nonzero(&dims(a)?).into_value()
    })
    .of(ops::CountNonzero::DEF)
    .samples(&["T(2,3)", "B(2,3), 1", "I(2,3, 2).t, (0,1)", "T()", "T(0,3)", "T(0,3), 0", "I(5, 3).u8"])
    .edges(&["T[nan, 0.0, -0.0, inf]"])
    .errors(&["T(2,3), 5", "T(2,3), (0, 0)"]),
    Function::new("hash_tensor(Tensor input, int[]? dim=None, *, bool keepdim=False, int mode=0) -> Tensor", "torch Tensor", |a| {
        match a.int("mode")? {
            0 => a.tensor("input")?.hash_tensor(&dims(a)?, a.bool("keepdim")?).into_value(),
            mode => bail!(Argument, "Unknown hash_tensor mode: {mode}"),
        }
    })
    .of(ops::Hash::DEF)
    .exact()
    .samples(&["T(2,3)", "T(2,3).t, 1", "I(2,3, 9), (0,1), keepdim=True", "T()", "B(3)", "I(5, 3).u8", "T(0,3), 1"])
    .edges(&["T[1.5, 2.0, -0.0, inf, nan]"])
    .errors(&["T(2,3), 5", "T(2,3), (0, 0)", "T(0,3)", "T(0,3), 0", "T(3), mode=1"]),
    Function::new("logsumexp(Tensor input, int[] dim, bool keepdim=False) -> Tensor", "torch Tensor special", |a| {
        a.tensor("input")?.logsumexp(&a.ints("dim")?, a.bool("keepdim")?).into_value()
    })
    .of(ops::LogSumExp::DEF)
    .samples(&["T(2,3), 1", "T(2,3), (0,1)", "T(2,3).t, 0, True", "T(), 0", "T(2,3,2), (0,-1)", "T(0,3), 0", "T(0,3), 1", "I(3, 5), 0", "B(3), 0", "T(), ()"])
    .edges(&[
        "T[-inf, -inf], 0",
        "T[-inf, 1.0], 0",
        "T[inf, 1.0], 0",
        "T[inf, inf], 0",
        "T[inf, -inf], 0",
        "T[nan, 1.0], 0",
        "T[1000.0, 1000.0], 0",
        "T[-1000.0, -1001.0], 0",
    ])
    .errors(&["T(2,3), 5", "T(2,3), (0, 0)"]),
    Function::new("cumsum(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", "torch Tensor", |a| {
        running(a, "cumsum", Tensor::cumsum)
    })
    .of(ops::CumSum::DEF)
    .in_place()
    .exact()
    .samples(&["T(6), 0", "T(2,3), 1", "T(3,4).t, 0", "T(2,3,2), -2", "T(), 0", "T(0,3), 0", "T(3,0), 1", "T(1,5), 0", "I(5, 9), 0", "B(4), 0", "I[200, 100].u8, 0", "T(3), 0, dtype=float64"])
    .edges(&["T[inf, -inf, 1.0], 0", "T[1.0, nan, 2.0], 0"])
    .errors(&["T(2,3), 5", "T(), 1", "T(3), 0, dtype=bool", "T(3), 0, dtype=int32"]),
    Function::new("cumprod(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", "torch Tensor", |a| {
        running(a, "cumprod", Tensor::cumprod)
    })
    .of(ops::CumProd::DEF)
    .in_place()
    .samples(&["T(6), 0", "T(2,3), 1", "T(3,4).t, 0", "T(2,3,2), -2", "T(), 0", "T(0,3), 0", "T(3,0), 1", "T(1,5), 0", "I(5, 9), 0", "B(4), 0", "T(3), 0, dtype=float64", "T[1.5, 0.0, 2.0, -0.5], 0", "T[[1.5, 0.0], [2.0, 3.0], [0.0, -0.5]], 0"])
    .edges(&["T[2.0, 0.0, 3.0, 0.0, 4.0], 0", "T[0.0, 0.0, 1.0], 0", "T[0.0], 0", "T[inf, 1.0, 2.0], 0", "T[1.0, nan, 2.0], 0", "T[2.0, 0.0], -1"])
    .errors(&["T(2,3), 5", "T(3), 0, dtype=bool"]),
    Function::new("logcumsumexp(Tensor input, int dim) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.logcumsumexp(a.int("dim")?).into_value()
    })
    .of(ops::LogCumSumExp::DEF)
    // PyTorch takes the gradient apart by sign and goes through logarithms, which costs digits where x is large.
    .units(4.0, 64.0)
    .samples(&["T(4), 0", "T(2,3), 1", "T(3,2).t, 0", "T(), 0", "T(0,3), 0", "T(2,1,2), 1", "T(3, wide), 0"])
    .edges(&["T[-inf, 1.0, 2.0], 0", "T[-inf, -inf], 0", "T[inf, 1.0], 0", "T[1.0, inf, 2.0], 0", "T[1.0, -inf, 2.0], 0", "T[5.0, 10.0, -20.0], 0", "T[1.0, nan, 2.0], 0"])
    .errors(&["T(2,3), 5", "I(3, 5), 0", "B(3), 0"]),
    spread!("var(Tensor input, bool unbiased) -> Tensor", "torch Tensor", var, ops::Var::DEF, &["T(2,3), True", "T(2,3), False", "T(4), unbiased=False", "T(), False"], &[], &[]),
    spread!("var(Tensor input, int[]? dim, bool unbiased, bool keepdim=False) -> Tensor", "torch Tensor", var, ops::Var::DEF, &["T(2,3), 1, False", "T(2,3), (0,1), True, True", "T(2,3), 0, unbiased=False", "T(2,3), None, True"], &[], &[]),
    spread!(
        "var(Tensor input, int[]? dim=None, *, number? correction=1, bool keepdim=False) -> Tensor",
        "torch Tensor",
        var,
        ops::Var::DEF,
        &["T(2,3)", "T(2,3), 1", "T(3,2).t, 0, correction=0", "T(2,3,2), (0,-1), keepdim=True", "T(5), correction=2.5", "T(3,0), 0"],
        &["T()", "T(1)", "T(1), 0", "T[1.0, 2.0], correction=2", "T[1.0, 2.0], 0, correction=2", "T[1.0, 2.0], 0, correction=3", "T[2.0, 2.0], correction=2", "T[2.0, 2.0]", "T(0,3)", "T(0,3), 0", "T[inf, 1.0]", "T[nan, 1.0, 2.0], 0"],
        &["T(2,3), 5", "T(2,3), (0, 0)", "I(3, 5)"]
    ),
    spread!("std(Tensor input, bool unbiased) -> Tensor", "torch Tensor", std, ops::Std::DEF, &["T(2,3), True", "T(2,3), False", "T(4), unbiased=False", "T(5), True"], &[], &[]),
    spread!("std(Tensor input, int[]? dim, bool unbiased, bool keepdim=False) -> Tensor", "torch Tensor", std, ops::Std::DEF, &["T(2,3), 1, False", "T(2,3), (0,1), True, True", "T(2,3), 0, unbiased=False", "T(2,3), None, True"], &[], &[]),
    spread!(
        "std(Tensor input, int[]? dim=None, *, number? correction=1, bool keepdim=False) -> Tensor",
        "torch Tensor",
        std,
        ops::Std::DEF,
        &["T(2,3)", "T(2,3), 1", "T(3,2).t, 0, correction=0", "T(2,3,2), (0,-1), keepdim=True", "T(5), correction=2.5", "T(3,0), 0"],
        &["T()", "T(1)", "T(1), 0", "T[1.0, 2.0], correction=2", "T[1.0, 2.0], 0, correction=3", "T[2.0, 2.0]", "T[[2.0, 2.0], [1.0, 3.0]], 1", "T(0,3)", "T(0,3), 0", "T[inf, 1.0]", "T[nan, 1.0, 2.0], 0"],
        &["T(2,3), 5", "T(2,3), (0, 0)", "I(3, 5)"]
    ),
    spread!("var_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)", "torch", var_mean, "Variance and mean over dimensions.", &["T(2,3), True", "T(2,3), False", "T(4), unbiased=False", "T(5), True"], &[], &[]).node("VarMeanBackward0"),
    spread!("var_mean(Tensor input, int[]? dim, bool unbiased, bool keepdim=False) -> (Tensor, Tensor)", "torch", var_mean, "Variance and mean over dimensions.", &["T(2,3), 1, False", "T(2,3), (0,1), True, True", "T(2,3), 0, unbiased=False", "T(2,3), None, True"], &[], &[]).node("VarMeanBackward0"),
    spread!(
        "var_mean(Tensor input, int[]? dim=None, *, number? correction=1, bool keepdim=False) -> (Tensor, Tensor)",
        "torch",
        var_mean,
        "Variance and mean over dimensions.",
        &["T(2,3)", "T(2,3), 1", "T(3,2).t, 0, correction=0", "T(2,3,2), (0,-1), keepdim=True"],
        &["T(1)", "T[2.0, 2.0]", "T(0,3), 0"],
        &["T(2,3), 5", "I(3, 5)"]
    ).node("VarMeanBackward0"),
    spread!("std_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)", "torch", std_mean, "Standard deviation and mean over dimensions.", &["T(2,3), True", "T(2,3), False", "T(4), unbiased=False", "T(5), True"], &[], &[]).node("StdMeanBackward0"),
    spread!("std_mean(Tensor input, int[]? dim, bool unbiased, bool keepdim=False) -> (Tensor, Tensor)", "torch", std_mean, "Standard deviation and mean over dimensions.", &["T(2,3), 1, False", "T(2,3), (0,1), True, True", "T(2,3), 0, unbiased=False", "T(2,3), None, True"], &[], &[]).node("StdMeanBackward0"),
    spread!(
        "std_mean(Tensor input, int[]? dim=None, *, number? correction=1, bool keepdim=False) -> (Tensor, Tensor)",
        "torch",
        std_mean,
        "Standard deviation and mean over dimensions.",
        &["T(2,3)", "T(2,3), 1", "T(3,2).t, 0, correction=0", "T(2,3,2), (0,-1), keepdim=True"],
        &["T(1)", "T[2.0, 2.0]", "T(0,3), 0"],
        &["T(2,3), 5", "I(3, 5)"]
    ).node("StdMeanBackward0"),
];
