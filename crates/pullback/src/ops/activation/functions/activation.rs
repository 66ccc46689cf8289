//! Activation functions, softmax and its kin, dropout.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::{Result, Tensor, ops};

/// `f` of `input`, or `f_` of it where `inplace` is asked for.
fn maybe_in_place(
    a: &Args<'_>,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
    f_: impl FnOnce(&Tensor) -> Result<()>,
) -> Result<Value> {
    let x = a.tensor("input")?;
    if a.bool("inplace")? {
        f_(x)?;
        return x.into_value();
    }
    f(x).into_value()
}

/// `input` in the dtype asked for.
fn typed(a: &Args<'_>) -> Result<Tensor> {
    let x = a.tensor("input")?;
    match a.dtype("dtype")? {
        Some(d) => x.to(d),
        None => Ok(x.clone()),
    }
}

/// The dimension that `nn.functional.softmax` takes where none is given.
fn implicit_dim(a: &Args<'_>) -> Result<i64> {
    let n = a.tensor("input")?.ndim();
    Ok(a.int_opt("dim")?
        .unwrap_or(if matches!(n, 0 | 1 | 3) { 0 } else { 1 }))
}

/// PyTorch's warning where no dimension is given.
fn no_dim(a: &Args<'_>) -> Result<Vec<String>> {
    let said = || {
        format!(
            "Implicit dimension choice for {} has been deprecated. Change the call to include dim=X as an argument.",
            a.name()
        )
    };
    Ok(a.int_opt("dim")?.is_none().then(said).into_iter().collect())
}

/// Samples of a function of one tensor and nothing else.
const ONE: &[&str] = &["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "T(5, wide)"];
/// Ends of the number line, zeros, and the usual kinks; few at a time, since PyTorch's loops for many numbers treat NaN and signs of
/// zeros another way.
const LINE: &[&str] = &[
    "T[0.0, -0.0, inf, -inf, nan]",
    "T[1.0, -1.0, 3.0, -3.0, 6.0, 0.5, -0.5]",
    "T[20.0, -20.0, 100.0, -100.0]",
];

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "relu(Tensor input, bool inplace=False) -> Tensor",
        "nn.functional torch Tensor",
        |a| maybe_in_place(a, Tensor::relu, Tensor::relu_),
    )
    .of(ops::Relu::DEF)
    .in_place()
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "I[-1, 0, 2]", "I(4, 5).u8"])
    .edges(LINE)
    .errors(&["B(2)"]),
    Function::new(
        "relu6(Tensor input, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| maybe_in_place(a, Tensor::relu6, Tensor::relu6_),
    )
    .about("Numbers cut off at 0 and 6.", "min(max(x, 0), 6)")
    .in_place()
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "T(5, wide)", "I[-1, 0, 2, 8]", "I(4, 5).u8"])
    .edges(LINE)
    .errors(&["B(2)"]),
    Function::new(
        "leaky_relu(Tensor input, float negative_slope=0.01, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let slope = a.float("negative_slope")?;
            maybe_in_place(a, |x| x.leaky_relu(slope), |x| x.leaky_relu_(slope))
        },
    )
    .of(ops::LeakyRelu::DEF)
    .in_place()
    .exact()
    .samples(&["T(2,3)", "T(), 0.3", "T(0,2)", "T(3,2).t, negative_slope=-0.5", "T(4), 1"])
    .edges(LINE)
    .errors(&["I(3, 5)", "B(2)"]),
    Function::new(
        "prelu(Tensor input, Tensor weight) -> Tensor",
        "torch Tensor nn.functional",
        |a| a.tensor("input")?.prelu(a.tensor("weight")?).into_value(),
    )
    .node("PreluKernelBackward0")
    .of(ops::Prelu::DEF)
    .samples(&[
        "T(2,3), T(3)",
        "T(2,3), T(1)",
        "T(2,3), T()",
        "T(), T(1)",
        "T(0,3), T(3)",
        "T(2,3,2).t, T(3)",
        "T(3), T(1)",
    ])
    .edges(&["T[0.0, -0.0, inf, -inf, nan, 1.0, -2.0], T[0.25]", "T[-inf, 0.0, 2.0], T[0.0]"])
    .errors(&[
        "T(2,3), T(2)",
        "T(3), T(3)",
        "T(), T(3)",
        "T(2,3), T(1,3)",
        "T(2,3).f32, T(3).f64",
        "I(3, 5), I(1, 3)",
    ]),
    Function::new(
        "rrelu(Tensor input, float lower=0.125, float upper=0.3333333333333333, bool training=False, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let (lower, upper) = (a.float("lower")?, a.float("upper")?);
            let training = a.bool("training")?;
            maybe_in_place(a, |x| x.rrelu(lower, upper, training), |x| x.rrelu_(lower, upper, training))
        },
    )
    .node("RreluWithNoiseBackward0")
    .about(
        "Leaky relu with a slope drawn for each negative number, or with the mean slope outside of training.",
        "x where x > 0, else r·x, r uniform between the bounds",
    )
    .random()
    .exact()
    .samples(&["T(2,3)", "T(), 0.1, 0.3", "T(0,2)", "T(3,2).t", "T(2,5), training=True", "T(3,2).t, 0.25, 0.75, True"])
    .edges(LINE)
    .errors(&["T(3), 0.5, 0.1", "I(3, 5)"]),
    Function::new(
        "elu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let alpha = a.float("alpha")?;
            maybe_in_place(a, |x| x.elu(alpha), |x| x.elu_(alpha))
        },
    )
    .of(ops::Elu::DEF)
    .in_place()
    .samples(&["T(2,3)", "T(), 0.3", "T(0,2)", "T(3,2).t, alpha=1.7", "T(5, wide)", "T(4), -0.5"])
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new("selu(Tensor input, bool inplace=False) -> Tensor", "nn.functional torch", |a| {
        maybe_in_place(a, Tensor::selu, Tensor::selu_)
    })
    .about(
        "Exponential linear unit whose constants keep the variance of normal inputs.",
        "1.0507·x where x > 0, else 1.0507·1.6733·(eˣ - 1)",
    )
    .in_place()
    .samples(ONE)
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new(
        "celu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let alpha = a.float("alpha")?;
            maybe_in_place(a, |x| x.celu(alpha), |x| x.celu_(alpha))
        },
    )
    .node("CeluBackward0")
    .about(
        "Exponential linear unit with a continuous derivative for every α.",
        "x where x > 0, else α·(e^{x/α} - 1)",
    )
    .in_place()
    .samples(&["T(2,3)", "T(), 0.25", "T(0,2)", "T(3,2).t, alpha=1.75", "T(5, wide)"])
    .edges(LINE)
    .errors(&["T(3), 0.0", "I(3, 5)"]),
    Function::new(
        "gelu(Tensor input, *, str approximate='none') -> Tensor",
        "nn.functional",
        |a| a.tensor("input")?.gelu(a.str("approximate")?.parse()?).into_value(),
    )
    .node("GeluBackward0")
    .about(
        "x times the normal distribution function, or its approximation by a hyperbolic tangent.",
        "x·Φ(x), or x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2",
    )
    .samples(&[
        "T(2,3)",
        "T()",
        "T(0,2), approximate='tanh'",
        "T(3,2).t, approximate='tanh'",
        "T(3,2).t",
        "T[-6.5, 4.0, -3.25, 8.5]",
        "T[-3.5, 4.0, -2.25, 3.5], approximate='tanh'",
    ])
    .edges(&[
        "T[0.0, -0.0, 1.0, -1.0]",
        "T[20.0, -20.0, 100.0, -100.0]",
        // In single precision PyTorch's vector instructions make NaN of gelu(inf).
        "T[inf, -inf, nan].f64",
        "T[0.0, -0.0, inf, -inf, nan, 20.0, -20.0], approximate='tanh'",
    ])
    .errors(&["T(3), approximate='sigmoid'", "I(3, 5)"]),
    Function::new("silu(Tensor input, bool inplace=False) -> Tensor", "nn.functional", |a| {
        maybe_in_place(a, Tensor::silu, Tensor::silu_)
    })
    .of(ops::Silu::DEF)
    .in_place()
    .samples(ONE)
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new("mish(Tensor input, bool inplace=False) -> Tensor", "nn.functional", |a| {
        maybe_in_place(a, Tensor::mish, Tensor::mish_)
    })
    .of(ops::Mish::DEF)
    .in_place()
    .samples(ONE)
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new(
        "softplus(Tensor input, float beta=1, float threshold=20) -> Tensor",
        "nn.functional",
        |a| a.tensor("input")?.softplus(a.float("beta")?, a.float("threshold")?).into_value(),
    )
    .of(ops::Softplus::DEF)
    .samples(&["T(2,3)", "T(), 2.5", "T(0,2)", "T(3,2).t, threshold=1.0", "T(5, wide), 0.7, 3.0", "T(4), -0.5, 0.6"])
    .edges(&["T[0.0, -0.0, inf, -inf, nan]", "T[20.0, -20.0, 100.0, -100.0]", "T[1.0, 0.5, -1.0, 2.0], 2.0, 2.0"])
    .errors(&["I(3, 5)"]),
    Function::new("softsign(Tensor input) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.softsign().into_value()
    })
    .about("x over one more than its magnitude.", "x/(1 + |x|)")
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "T(5, wide)", "I[-1, 0, 2]"])
    .edges(LINE)
    .errors(&["~B(2)"]),
    Function::new("tanhshrink(Tensor input) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.tanhshrink().into_value()
    })
    .about("What the hyperbolic tangent leaves.", "x - tanh x")
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "T(5, wide)", "I[-1, 0, 2]"])
    .edges(LINE),
    Function::new(
        "hardtanh(Tensor input, float min_val=-1.0, float max_val=1.0, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let (low, high) = (a.float("min_val")?, a.float("max_val")?);
            maybe_in_place(a, |x| x.hardtanh(low, high), |x| x.hardtanh_(low, high))
        },
    )
    .of(ops::Hardtanh::DEF)
    .in_place()
    .exact()
    .samples(&["T(2,3)", "T(), -0.5, 0.25", "T(0,2)", "T(3,2).t, max_val=2.0", "T(5, wide)", "I[-3, 0, 3], -2.0, 2.0"])
    .edges(&["T[0.0, -0.0, inf, -inf, nan, 1.0, -1.0]", "T[0.5, 1.0, 0.0], 0.5, 0.5"])
    .errors(&["T(3), 1.0, -1.0", "B(2)"]),
    Function::new("hardsigmoid(Tensor input, bool inplace=False) -> Tensor", "nn.functional", |a| {
        maybe_in_place(a, Tensor::hardsigmoid, Tensor::hardsigmoid_)
    })
    .of(ops::Hardsigmoid::DEF)
    .in_place()
    // PyTorch's gradient in double precision has a sixth in single precision; the proof has no such leniency.
    .samples(&["T(2,3).f32", "T().f32", "T(0,2)", "T(3,2).t.f32", "T(5, wide).f32"])
    .edges(&["T[0.0, -0.0, inf, -inf, nan, 3.0, -3.0].f32"])
    .errors(&["I(3, 5)"]),
    Function::new("hardswish(Tensor input, bool inplace=False) -> Tensor", "nn.functional", |a| {
        maybe_in_place(a, Tensor::hardswish, Tensor::hardswish_)
    })
    .of(ops::Hardswish::DEF)
    .in_place()
    .samples(ONE)
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new("hardshrink(Tensor input, float lambd=0.5) -> Tensor", "nn.functional torch Tensor", |a| {
        a.tensor("input")?.hardshrink(a.float("lambd")?).into_value()
    })
    .of(ops::Hardshrink::DEF)
    .exact()
    .samples(&["T(2,3)", "T(), 1.5", "T(0,2)", "T(3,2).t, 0", "T(5, wide), lambd=4.0"])
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new("softshrink(Tensor input, float lambd=0.5) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.softshrink(a.float("lambd")?).into_value()
    })
    .of(ops::Softshrink::DEF)
    .exact()
    .samples(&["T(2,3)", "T(), 1.5", "T(0,2)", "T(3,2).t, 0", "T(5, wide), lambd=4.0"])
    .edges(&["T[0.0, -0.0, 0.5, -0.5, 0.25]", "T[-0.25, inf, -inf, nan]"])
    .errors(&["T(3), -1.5", "~I(3, 5)"]),
    Function::new(
        "threshold(Tensor input, float threshold, float value, bool inplace=False) -> Tensor",
        "nn.functional torch",
        |a| {
            let (t, v) = (a.float("threshold")?, a.float("value")?);
            maybe_in_place(a, |x| x.threshold(t, v), |x| x.threshold_(t, v))
        },
    )
    .of(ops::Threshold::DEF)
    .in_place()
    .exact()
    .samples(&["T(2,3), 0.1, 7.0", "T(), 5.0, -0.5", "T(0,2), 0.0, 1.0", "T(3,2).t, 0, 3", "I[-3, 0, 3], 1.0, 8.0"])
    .edges(&["T[0.0, -0.0, inf, -inf, nan, 0.5, 1.0, -1.0], 0.5, 7.0"])
    .errors(&["B(2), 0.5, 1.0"]),
    Function::new("logsigmoid(Tensor input) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.logsigmoid().into_value()
    })
    .node("LogSigmoidBackward0")
    .of(ops::LogSigmoid::DEF)
    .samples(ONE)
    .edges(LINE)
    .errors(&["I(3, 5)"]),
    Function::new("glu(Tensor input, int dim=-1) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.glu(a.int("dim")?).into_value()
    })
    .node("GluBackward0")
    .about("The first half along a dimension, times the logistic function of the second.", "a·σ(b), x = [a, b]")
    .samples(&["T(2,4)", "T(2)", "T(0,2)", "T(4,3).t, 0", "T(2,4,2), dim=1", "T(2,0)"])
    .edges(&["T[inf, -inf, 0.0, nan, 1.0, -inf, inf, 1.0]"])
    .errors(&["T(3)", "T()", "T(2), 1", "I(4, 5)"]),
    Function::new(
        "softmax(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
        "torch Tensor special",
        |a| typed(a)?.softmax(a.int("dim")?).into_value(),
    )
    .of(ops::Softmax::DEF)
    // Gradients are differences of numbers of the size of g.
    .units(4.0, 64.0)
    .samples(&["T(2,3), 1", "T(4), -1", "T(0,3), 0", "T(), 0", "T(3,2).t, dim=1, dtype=float64", "I(2,3, 5), 1, dtype=float32", "T(2,3,2), 1"])
    .edges(&["T[[1.0, inf, 0.0], [1.0, nan, 2.0], [-inf, 1.0, 2.0]], 1", "T[[-inf, -inf], [100.0, -200.0]], 1"])
    .errors(&["T(2,3), 5", "~I(2,3, 5), 1"]),
    Function::new(
        "softmax(Tensor input, int? dim=None, int _stacklevel=3, dtype? dtype=None) -> Tensor",
        "nn.functional",
        |a| typed(a)?.softmax(implicit_dim(a)?).into_value(),
    )
    .warns(no_dim)
    .of(ops::Softmax::DEF)
    // Gradients are differences of numbers of the size of g.
    .units(4.0, 64.0)
    .samples(&["T(2,3), 0", "T(4)", "T(2,2,2)", "T(2,3)", "T(1,2,2,2), dtype=float64"])
    .errors(&["T(2,3), -3"]),
    Function::new(
        "softmin(Tensor input, int? dim=None, int _stacklevel=3, dtype? dtype=None) -> Tensor",
        "nn.functional",
        |a| {
            let x = a.tensor("input")?.neg()?;
            let x = match a.dtype("dtype")? { Some(d) => x.to(d)?, None => x };
            x.softmax(implicit_dim(a)?).into_value()
        },
    )
    .warns(no_dim)
    .about("Exponentials of the negative along a dimension, scaled to sum to one.", "yᵢ = e^{-xᵢ} / Σⱼ e^{-xⱼ}")
    // Gradients are differences of numbers of the size of g.
    .units(4.0, 64.0)
    .samples(&["T(2,3), 0", "T(4)", "T(0,3), 1", "T()", "T(3,2).t, dim=1, dtype=float64"])
    .errors(&["T(2,3), -3"]),
    Function::new(
        "log_softmax(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
        "torch Tensor special",
        |a| typed(a)?.log_softmax(a.int("dim")?).into_value(),
    )
    .of(ops::LogSoftmax::DEF)
    // Gradients are differences of numbers of the size of g.
    .units(4.0, 64.0)
    .samples(&["T(2,3), 1", "T(4), -1", "T(0,3), 0", "T(), 0", "T(3,2).t, dim=1, dtype=float64", "I(2,3, 5), 1, dtype=float32", "T(2,3,2), 1"])
    .edges(&["T[[1.0, inf, 0.0], [1.0, nan, 2.0], [-inf, 1.0, 2.0]], 1", "T[[-inf, -inf], [100.0, -200.0]], 1"])
    .errors(&["T(2,3), 5", "~I(2,3, 5), 1"]),
    Function::new(
        "log_softmax(Tensor input, int? dim=None, int _stacklevel=3, dtype? dtype=None) -> Tensor",
        "nn.functional",
        |a| typed(a)?.log_softmax(implicit_dim(a)?).into_value(),
    )
    .warns(no_dim)
    .of(ops::LogSoftmax::DEF)
    // Gradients are differences of numbers of the size of g.
    .units(4.0, 64.0)
    .samples(&["T(2,3), 0", "T(4)", "T(2,2,2)", "T(2,3)", "T(1,2,2,2), dtype=float64"])
    .errors(&["T(2,3), -3"]),
    Function::new(
        "dropout(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor",
        "nn.functional",
        |a| {
            let (p, training) = (a.probability("p")?, a.bool("training")?);
            maybe_in_place(a, |x| x.dropout(p, training), |x| x.dropout_(p, training))
        },
    )
    .about(
        "Some numbers become 0 by chance, the others grow so that the mean stays; outside of training nothing changes.",
        "x·m/(1 - p), m 0 with probability p, else 1",
    )
    .random()
    .exact()
    .samples(&[
        "T(2,3)",
        "T(), 0.3",
        "T(0,2)",
        "T(3,2).t, p=0.4",
        "T(2,3,4).t, p=0.25",
        "T(5), training=False",
        "T(4), 0.0",
        "T(4), 1.0",
        "T(40), 0.1",
        "I(3, 5), 0.5, False",
    ])
    .edges(&["T[inf, -inf, nan, 1.0, inf, 0.0, -0.0, 2.0]", "T[inf, nan, 1.0], 1.0"])
    .errors(&["T(3), 1.5", "T(3), -0.5", "I(3, 5)", "B(3)"]),
    Function::new(
        "dropout(Tensor input, float p, bool train) -> Tensor",
        "torch",
        |a| a.tensor("input")?.dropout(a.float("p")?, a.bool("train")?).into_value(),
    )
    .about(
        "Some numbers become 0 by chance, the others grow so that the mean stays; outside of training nothing changes.",
        "x·m/(1 - p), m 0 with probability p, else 1",
    )
    .random()
    .exact()
    .samples(&["T(2,3), 0.5, True", "T(3), 0.5, False", "T(0), 0.5, True", "T(3,3).t, p=0.75, train=True"])
    .errors(&["T(3), 1.5, True"]),
];
