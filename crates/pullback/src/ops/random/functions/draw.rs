//! Random numbers that depend on tensors, random fills in place, and the dropouts of whole channels. New tensors of random
//! numbers are in `create`.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, error};
use crate::core::mode;
use crate::ops::common::operand::zeros_beside;
use crate::ops::create::functions::create::made;
use crate::{Result, Tensor, broadcast_tensors};

/// Drawn numbers as a result that has a gradient of zero where `x` wants one.
pub(in crate::ops) fn without_slope(drawn: Tensor, x: &[&Tensor]) -> Result<Value> {
    let mut y = drawn;
    for x in x {
        if x.requires_grad() && crate::is_grad_enabled() {
            let zero = x
                .sign()?
                .nan_to_num(Some(0.0), Some(0.0), Some(0.0))?
                .mul(0.0)?;
            y = y.add(&zero)?;
        }
    }
    y.into_value()
}

/// An in-place fill that returns the tensor.
fn filled(a: &Args<'_>, node: &str, fill: impl FnOnce(&Tensor) -> Result<()>) -> Result<Value> {
    let x = a.tensor("input")?;
    x.named_write(node, || fill(x))?;
    x.clone().into_value()
}

fn not_float(kernel: &str, x: &Tensor) -> Result<()> {
    match x.dtype().is_float() {
        true => Ok(()),
        false => Err(error!(
            Unsupported,
            "\"{kernel}\" not implemented for '{}'",
            x.dtype().scalar_type_name()
        )),
    }
}

/// Normal numbers about `mean`, as far apart as `std`.
fn normal(mean: Option<&Tensor>, std: Option<&Tensor>, plain: (f64, f64)) -> Result<Value> {
    for t in [mean, std].into_iter().flatten() {
        not_float("normal_kernel_cpu", t)?;
    }
    if let Some(std) = std
        && std.numel() > 0
        && std.device() != crate::Device::Meta
        && std.detach().min()?.item_f64()? < 0.0
    {
        bail!(Argument, "normal expects all elements of std >= 0.0");
    }
    let y = match (mean, std) {
        (Some(mean), None) => {
            let y = Tensor::zeros(mean.shape().clone(), mean.dtype())?;
            let _own = mode::set(mode::OWN, true);
            y.normal_(0.0, plain.1)?;
            y.add(&mean.detach())?
        }
        (None, Some(std)) => {
            let y = Tensor::zeros(std.shape().clone(), std.dtype())?;
            let _own = mode::set(mode::OWN, true);
            y.normal_(0.0, 1.0)?;
            y.mul(&std.detach())?.add(plain.0)?
        }
        (Some(mean), Some(std)) => {
            let wide = broadcast_tensors(&[&mean.detach(), &std.detach()])?;
            let y = Tensor::zeros(wide[0].shape().clone(), mean.dtype())?;
            let _own = mode::set(mode::OWN, true);
            y.normal_(0.0, 1.0)?;
            y.mul(&wide[1])?.add(&wide[0])?
        }
        (None, None) => {
            bail!(Unsupported, "normal: nothing to draw for");
        }
    };
    without_slope(y, &[mean, std].into_iter().flatten().collect::<Vec<_>>())
}

/// Dropout of whole channels, which are the second of at least `least` dimensions; without a batch one is put in front.
fn channels(a: &Args<'_>, unbatched: Option<usize>) -> Result<Value> {
    let (x, p, training) = (a.tensor("input")?, a.probability("p")?, a.bool("training")?);
    match unbatched {
        Some(rank) if x.ndim() == rank => (x.unsqueeze(0)?.feature_dropout(p, training)?)
            .squeeze_dims(&[0])
            .into_value(),
        _ => x.feature_dropout(p, training).into_value(),
    }
}

/// PyTorch's warnings about inputs of other ranks than a dropout is for.
fn ranks(a: &Args<'_>) -> Result<Vec<String>> {
    let rank = a.tensor("input")?.ndim();
    let (name, spatial) = match a.name() {
        "dropout2d" => ("dropout2d", 2),
        _ => ("dropout3d", 3),
    };
    let (least, most) = (spatial + 1, spatial + 2);
    let mut said = Vec::new();
    if rank != least && rank != most {
        said.push(format!(
            "{name}: Received a {rank}-D input to {name}, which is deprecated and will result in an error in a future release. To retain the behavior and silence this warning, please use dropout instead. Note that {name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel dimension, and an optional batch dimension (i.e. {least}D or {most}D inputs)."
        ));
    }
    if spatial == 2 && rank == 3 {
        said.push("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.".to_string());
    }
    Ok(said)
}

fn dropout1d(a: &Args<'_>) -> Result<Value> {
    a.probability("p")?;
    let rank = a.tensor("input")?.ndim();
    if rank != 2 && rank != 3 {
        bail!(
            Shape,
            "dropout1d: Expected 2D or 3D input, but received a {rank}D input. Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        );
    }
    channels(a, Some(2))
}

/// Probabilities from logits with Gumbel noise; `hard` ones are 0 and 1 with the gradient of the soft ones.
fn gumbel_softmax(a: &Args<'_>) -> Result<Value> {
    let (x, dim) = (a.tensor("logits")?, a.int("dim")?);
    let noise = zeros_beside(x)?;
    let _own = mode::set(mode::OWN, true);
    noise.exponential_(1.0)?;
    let soft = x
        .add(&noise.log()?.neg()?)?
        .div(a.float("tau")?)?
        .softmax(dim)?;
    if !a.bool("hard")? {
        return soft.into_value();
    }
    let index = soft.detach().argmax(dim, true)?;
    let hard = zeros_beside(x)?.scatter(dim, &index, 1.0)?;
    hard.sub(&soft.detach())?.add(&soft)?.into_value()
}

/// An in-place fill with its own parameters.
macro_rules! fill {
    ($signature:literal, $node:literal, $about:literal, $formula:literal, |$x:ident, $a:ident| $fill:expr, [$($sample:literal),*], [$($error:literal),*]) => {
        Function::new($signature, "Tensor", |$a| filled($a, $node, |$x| $fill))
            .about($about, $formula)
            .random()
            .exact()
            .samples(&[$($sample),*])
            .errors(&[$($error),*])
    };
}

pub(in crate::ops) static LIST: &[Function] = &[
    fill!("uniform_(Tensor input, float from_=0.0, float to=1.0) -> Tensor", "UniformBackward0", "Fills with uniform numbers.", "U(from, to)",
        |x, a| x.uniform_(a.float("from_")?, a.float("to")?),
        ["T(2,3)", "T(3,2).t, -1.0, 2.5", "T(20), 0.1, 0.7", "T()", "T(0)"], ["T(2), 3.0, 1.0", "~I(3, 5)"]),
    fill!("normal_(Tensor input, float mean=0.0, float std=1.0) -> Tensor", "NormalBackward0", "Fills with normal numbers.", "N(mean, std²)",
        |x, a| x.normal_(a.float("mean")?, a.float("std")?),
        ["T(2,3)", "T(3,2).t, -1.0, 2.5", "T(20), 0.1, 0.7", "T(4,5).t", "T()", "T(0)"], ["T(2), 0.0, -1.0", "~I(3, 5)"]),
    fill!("log_normal_(Tensor input, float mean=1.0, float std=2.0) -> Tensor", "LogNormalBackward0", "Fills with numbers whose logarithm is normal.", "e^N(mean, std²)",
        |x, a| x.log_normal_(a.float("mean")?, a.float("std")?),
        ["T(2,3)", "T(3,2).t, -1.0, 0.5", "T(20), 0.1, 0.7", "T()", "T(0)"], ["T(2), 0.0, -1.0", "~I(3, 5)"]),
    fill!("exponential_(Tensor input, float lambd=1.0) -> Tensor", "ExponentialBackward0", "Fills with exponential numbers.", "-ln(1 - U)/λ",
        |x, a| x.exponential_(a.float("lambd")?),
        ["T(2,3)", "T(3,2).t, 2.5", "T(20), 0.7", "T()", "T(0)"], ["T(2), 0.0", "~I(3, 5)"]),
    fill!("geometric_(Tensor input, float p) -> Tensor", "GeometricBackward0", "Fills with the number of tries until an event of a probability happens.", "⌈ln U/ln(1 - p)⌉",
        |x, a| x.geometric_(a.float("p")?),
        ["T(2,3), 0.5", "T(3,2).t, 0.25", "I(20, 3), 0.1", "T(), 0.9", "T(0), 0.5", "I(4, 2).u8, 0.5"], ["T(2), 0.0", "T(2), 1.0"]),
    fill!("cauchy_(Tensor input, float median=0.0, float sigma=1.0) -> Tensor", "CauchyBackward0", "Fills with numbers of a Cauchy distribution.", "median + σ tan(π(U - ½))",
        |x, a| x.cauchy_(a.float("median")?, a.float("sigma")?),
        ["T(2,3)", "T(3,2).t, 1.0, 2.5", "T(20), 0.7", "T()", "T(0)"], ["T(2), 0.0, 0.0", "~I(3, 5)"]),
    fill!("random_(Tensor input) -> Tensor", "RandomBackward2", "Fills with whole numbers that the dtype holds exactly.", "U{0, …}",
        |x, _a| x.random_(None, None),
        ["T(2,3)", "I(3, 5)", "I(3, 5).u8", "I(2, 5).i32", "B(4)", "T(0)"], []),
    fill!("random_(Tensor input, int to) -> Tensor", "RandomBackward1", "Fills with whole numbers below a bound.", "U{0, …, to - 1}",
        |x, a| x.random_(None, Some(a.int("to")?)),
        ["T(2,3), 10", "I(3, 5), 7", "I(3, 5).u8, 3", "T(3,2).t, 5"], ["T(2), 0"]),
    fill!("random_(Tensor input, int from_, int? to) -> Tensor", "RandomBackward0", "Fills with whole numbers between bounds.", "U{from, …, to - 1}",
        |x, a| x.random_(Some(a.int("from_")?), a.int_opt("to")?),
        ["T(2,3), -5, 10", "I(3, 5), 7, 20", "I(3, 5).u8, 3, 9", "T(3,2).t, 5, 6"], ["T(2), 3, 1"]),
    fill!("bernoulli_(Tensor input, float p=0.5) -> Tensor", "BernoulliBackward2", "Fills with 1 of a probability, else 0.", "1 if U < p else 0",
        |x, a| x.bernoulli_(a.float("p")?),
        ["T(2,3)", "T(3,2).t, 0.25", "I(20, 3), 0.75", "B(5)", "T(0)"], ["T(2), 1.5"]),
    fill!("bernoulli_(Tensor input, Tensor p) -> Tensor", "BernoulliBackward1", "Fills with 1 of the probabilities given, else 0.", "1 if U < pᵢ else 0",
        |x, a| x.bernoulli_each_(a.tensor("p")?),
        ["T(2,3), T(2,3, unit)", "T(2,3), T(3, unit)", "I(4, 3), T(4, unit)", "T(0), T(0)"], ["T(1), T[1.5]"]),
    Function::new("bernoulli(Tensor input) -> Tensor", "torch Tensor", |a| {
        let x = a.tensor("input")?;
        not_float("bernoulli_tensor_cpu_p_", x)?;
        let y = zeros_beside(x)?; // row-major, as PyTorch's
        let _own = mode::set(mode::OWN, true);
        y.bernoulli_each_(x)?;
        without_slope(y, &[x])
    })
    .node("BernoulliBackward0")
    .about("1 with each element as the probability, else 0.", "1 if U < xᵢ else 0")
    .random()
    .exact()
    .samples(&["T(2,3, unit)", "T(20, unit)", "T(3,2, unit).t", "T(unit)", "T(0)"])
    .errors(&["T[0.5, 2.0]", "~I[1, 0]"]),
    Function::new("bernoulli(Tensor input, float p) -> Tensor", "torch Tensor", |a| {
        let x = a.tensor("input")?;
        let y = Tensor::zeros(x.shape().clone(), x.dtype())?; // row-major, as PyTorch's
        let _own = mode::set(mode::OWN, true);
        y.bernoulli_(a.float("p")?)?;
        y.into_value()
    })
    .node("BernoulliBackward0")
    .about("1 with one probability, else 0, in a tensor's shape.", "1 if U < p else 0")
    .random()
    .exact()
    .samples(&["T(2,3), 0.5", "T(20), 0.25", "I(4, 3), 0.5", "T(0), 0.5"])
    .errors(&["T(2), 1.5"]),
    Function::new("multinomial(Tensor input, int num_samples, bool replacement=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.multinomial(a.int("num_samples")?, a.bool("replacement")?).into_value()
    })
    .about("Places drawn with the probabilities in each row.", "i with probability xᵢ/Σx")
    .random()
    .exact()
    .samples(&["T(4, pos), 2", "T(3,4, pos), 3", "T(4, pos), 10, True", "T(2,3, pos), 5, replacement=True", "T(4,2, pos).t, 1"])
    .errors(&["T(3, pos), 4", "T(3, pos), 0", "T[-1.0, 2.0], 1", "T[0.0, 0.0], 1", "T[inf, 1.0], 1", "T(2,2,2), 1", "I(3, 5), 1"]),
    Function::new("normal(Tensor mean, Tensor std) -> Tensor", "torch", |a| normal(Some(a.tensor("mean")?), Some(a.tensor("std")?), (0.0, 1.0)))
    .node("NormalBackward3")
        .about("Normal numbers about one tensor, as far apart as another says.", "N(meanᵢ, stdᵢ²)")
        .random()
        .exact()
        .samples(&["T(2,3), T(2,3, pos)", "T(20), T(20, pos)", "T(2,1), T(3, pos)", "T(0), T(0)"])
        .errors(&["T(2), T[1.0, -1.0]", "~I(2, 5), T(2, pos)"]),
    Function::new("normal(Tensor mean, float std=1.0) -> Tensor", "torch", |a| normal(Some(a.tensor("mean")?), None, (0.0, a.float("std")?)))
    .node("NormalBackward1")
        .about("Normal numbers about a tensor.", "N(meanᵢ, std²)")
        .random()
        .exact()
        .samples(&["T(2,3)", "T(20), 0.3", "T(3,2).t, 2.0", "T(0)", "T()"])
        .errors(&["T(2), -1.0", "~I(2, 5)"]),
    Function::new("normal(float mean, Tensor std) -> Tensor", "torch", |a| normal(None, Some(a.tensor("std")?), (a.float("mean")?, 1.0)))
    .node("NormalBackward2")
        .about("Normal numbers about one number, as far apart as a tensor says.", "N(mean, stdᵢ²)")
        .random()
        .exact()
        .samples(&["0.5, T(2,3, pos)", "1.0, T(20, pos)", "-2, T(3,2, pos).t", "0.0, T(0)"])
        .errors(&["0.0, T[1.0, -1.0]"]),
    Function::new("normal(float mean, float std, int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor", "torch", |a| {
        let dtype = a.dtype("dtype")?.unwrap_or_else(crate::DType::default_float);
        let y = Tensor::zeros(a.sizes("size")?, dtype)?;
        let _own = mode::set(mode::OWN, true);
        y.normal_(a.float("mean")?, a.float("std")?)?;
        made(a, Ok(y))
    })
    .about("A new tensor of normal numbers.", "N(mean, std²)")
    .random()
    .exact()
    .samples(&["0.0, 1.0, (2, 3)", "1, 2.5, (20,)", "0.5, 0.1, (3,), dtype=float64", "0.0, 1.0, (0,)"])
    .errors(&["0.0, -1.0, (2,)"]),
    Function::new("dropout1d(Tensor input, float p=0.5, bool training=True) -> Tensor", "nn.functional", dropout1d)
        .about("Whole channels set to 0 with a probability, the others grown.", "x·m/(1 - p)")
        .random()
        .samples(&["T(2,3)", "T(2,3,4)", "T(2,3,4), 0.25", "T(2,3), 0.5, False", "T(2,3), 0.0"])
        .errors(&["T(2), 0.5", "T(2,3), 1.5"]),
    Function::new("dropout2d(Tensor input, float p=0.5, bool training=True) -> Tensor", "nn.functional", |a| channels(a, None))
        .warns(ranks)
        .node("MulBackward0")
    .about("Whole channels set to 0 with a probability, the others grown.", "x·m/(1 - p)")
        .random()
        .samples(&["T(2,3,2)", "T(2,3,2,2)", "T(2,3,2,2), 0.25", "T(2,3,2,2), 0.5, False", "T(2,3,1), 1.0"])
        .errors(&["T(2,3,2), 1.5"]),
    Function::new("dropout3d(Tensor input, float p=0.5, bool training=True) -> Tensor", "nn.functional", |a| channels(a, Some(4)))
        .warns(ranks)
        .about("Whole channels set to 0 with a probability, the others grown.", "x·m/(1 - p)")
        .random()
        .samples(&["T(3,2,1,2)", "T(2,3,1,2,1)", "T(2,3,1,2,1), 0.25", "T(3,2,1,2), 0.5, False"])
        .errors(&["T(3,2,1,2), 1.5"]),
    Function::new("feature_dropout(Tensor input, float p, bool train) -> Tensor", "torch", |a| {
        a.tensor("input")?.feature_dropout(a.float("p")?, a.bool("train")?).into_value()
    })
    .node("MulBackward0")
    .about("Whole channels set to 0 with a probability, the others grown.", "x·m/(1 - p)")
    .random()
    .samples(&["T(3,2), 0.5, True", "T(2,3,2), 0.25, True", "T(2,3), 0.5, False", "T(2,3), 1.0, True"])
    .errors(&["T(3), 0.5, True", "T(2,3), 1.5, True"]),
    Function::new("alpha_dropout(Tensor input, float p=0.5, bool training=False) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.alpha_dropout(a.probability("p")?, a.bool("training")?).into_value()
    })
    .about("Dropout that keeps mean and variance of what `selu` makes.", "a(x·m - α(1 - m)) + b")
    .random()
    .samples(&["T(2,3), 0.5, True", "T(20), 0.25, True", "T(2,3)", "T(3,2).t, 0.5, True", "T(3), 1.0, True"])
    .errors(&["T(2,3), 1.5"]),
    Function::new("feature_alpha_dropout(Tensor input, float p=0.5, bool training=False) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.feature_alpha_dropout(a.probability("p")?, a.bool("training")?).into_value()
    })
    .about("`alpha_dropout` of whole channels.", "a(x·m - α(1 - m)) + b")
    .random()
    .samples(&["T(2,3), 0.5, True", "T(2,3,2), 0.25, True", "T(2,3)", "T(2,3), 1.0, True"])
    .errors(&["T(2,3), 1.5", "T(3), 0.5, True"]),
    Function::new("gumbel_softmax(Tensor logits, float tau=1.0, bool hard=False, float eps=1e-10, int dim=-1) -> Tensor", "nn.functional", gumbel_softmax)
        .about("Probabilities from logits with Gumbel noise; hard ones have the gradient of the soft ones.", "softmax((x + g)/τ), g = -ln(-ln U)")
        .random()
        .samples(&["T(2,3)", "T(2,3), 0.5", "T(2,3), 1, True", "T(3,4).t, 2.0, False, 1e-10, 0", "T(3), hard=True"])
        .errors(&["T(2,3), dim=5"]),
];
