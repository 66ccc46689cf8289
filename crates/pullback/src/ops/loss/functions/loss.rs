//! Losses.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::error;
use crate::{CrossEntropy, Reduction, Result, Tensor, ops};

/// The reduction asked for: by name, or by the two truth values that names replaced.
pub(in crate::ops) fn reduction(a: &Args<'_>) -> Result<Reduction> {
    let by_name = || match a.str("reduction")?.parse()? {
        Reduction::BatchMean => Err(error!(
            Value,
            "batchmean is not a valid value for reduction"
        )),
        other => Ok(other),
    };
    legacy(a)?.map_or_else(by_name, Ok)
}

fn legacy(a: &Args<'_>) -> Result<Option<Reduction>> {
    let (average, reduce) = (a.bool_opt("size_average")?, a.bool_opt("reduce")?);
    if average.is_none() && reduce.is_none() {
        return Ok(None);
    }
    Ok(Some(
        match (average.unwrap_or(true), reduce.unwrap_or(true)) {
            (_, false) => Reduction::None,
            (true, true) => Reduction::Mean,
            (false, true) => Reduction::Sum,
        },
    ))
}

/// The reduction of functions that have names only.
pub(in crate::ops) fn named(a: &Args<'_>, refusal: impl Fn(&str) -> String) -> Result<Reduction> {
    let name = a.str("reduction")?;
    match name.parse() {
        Ok(r) if r != Reduction::BatchMean => Ok(r),
        _ => Err(error!(Value, "{}", refusal(name))),
    }
}

pub(in crate::ops) fn pair<'a>(a: &'a Args<'_>) -> Result<(&'a Tensor, &'a Tensor)> {
    Ok((a.tensor("input")?, a.tensor("target")?))
}

fn cross_entropy(a: &Args<'_>) -> Result<Value> {
    let (x, target) = pair(a)?;
    let how = CrossEntropy {
        weight: a.tensor_opt("weight")?,
        ignore_index: a.int("ignore_index")?,
        reduction: reduction(a)?,
        label_smoothing: a.float("label_smoothing")?,
    };
    x.cross_entropy(target, how).into_value()
}

/// With weights it is a composition in PyTorch too.
fn mse_node(a: &Args<'_>) -> Result<&'static str> {
    Ok(match (a.tensor_opt("weight")?.is_some(), reduction(a)?) {
        (false, _) => "MseLossBackward0",
        (true, Reduction::Mean) => "DivBackward0",
        (true, _) => "",
    })
}

/// PyTorch has one operation for rows, and one for images.
fn nll_node(input: &Tensor) -> &'static str {
    match input.ndim() {
        1 | 2 => "NllLossBackward0",
        _ => "NllLoss2DBackward0",
    }
}

/// With classes as targets it ends in `nll_loss`; with probabilities or smoothing it is a composition in PyTorch too.
fn cross_entropy_node(a: &Args<'_>) -> Result<&'static str> {
    let (x, target) = pair(a)?;
    Ok(
        match (target.dtype().is_float(), a.float("label_smoothing")? > 0.0) {
            (false, false) => nll_node(x),
            (false, true) => "AddBackward0",
            (true, _) if reduction(a)? == Reduction::Mean && x.numel() > 0 => "DivBackward1",
            (true, _) => "NegBackward0",
        },
    )
}

/// PyTorch's warning where a target of another size is broadcast.
fn other_size(a: &Args<'_>) -> Result<Vec<String>> {
    let (x, target) = pair(a)?;
    let size = (x.shape() != target.shape()).then(|| {
        format!(
            "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})). This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            target.shape(),
            x.shape()
        )
    });
    Ok(size.into_iter().chain(by_flags(a)?).collect())
}

/// PyTorch's warning about `size_average` and `reduce`.
pub(super) fn by_flags(a: &Args<'_>) -> Result<Vec<String>> {
    let flags = ["size_average", "reduce"].map(|name| a.bool_opt(name).ok().flatten());
    let name = match flags {
        [None, None] => return Ok(Vec::new()),
        [_, Some(false)] => "none",
        [Some(false), _] => "sum",
        _ => "mean",
    };
    Ok(vec![format!(
        "size_average and reduce args will be deprecated, please use reduction='{name}' instead."
    )])
}

/// PyTorch's warning about the mean of distances of laws, or that about flags.
fn mean_of_all(a: &Args<'_>) -> Result<Vec<String>> {
    let flags = by_flags(a)?;
    Ok(match a.str("reduction")? {
        "mean" if flags.is_empty() => vec!["reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' in the next major release.".to_string()],
        _ => flags,
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "mse_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', Tensor? weight=None) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.mse_loss_broadcast(target, reduction(a)?, a.tensor_opt("weight")?).into_value()
        },
    )
    .node_by(mse_node)
    .warns(other_size)
    .about("Squared differences.", "(x - y)²")
    .samples(&[
        "T(2,3), T(2,3)",
        "T(2,3), T(2,3).t, reduction='sum'",
        "T(2,3), T(3), reduction='none'",
        "T(), T()",
        "T(0,2), T(0,2), reduction='sum'",
        "T(2,1), T(1,3)",
        "T(3), T(3), size_average=False",
        "T(3), T(3), reduce=False",
        "T(3).f32, T(3).f64",
        "T(3), I(3, 5)",
        "T(2,3), T(2,3), weight=T(2,3, pos)",
        "T(2,3), T(2,3), weight=T(2,3, pos), reduction='none'",
    ])
    .edges(&["T(0,2), T(0,2)", "T[1.0, inf, nan, inf], T[1.0, 1.0, 1.0, inf], reduction='none'"])
    .errors(&["T(3), T(2)", "T(3), T(3), reduction='avg'", "T(3), T(3), weight=T(1)", "I(2, 3), I(2, 3)"]),
    Function::new(
        "l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', Tensor? weight=None) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.l1_loss_broadcast(target, reduction(a)?, a.tensor_opt("weight")?).into_value()
        },
    )
    .warns(other_size)
    .about("Magnitudes of differences.", "|x - y|")
    .samples(&[
        "T(2,3), T(2,3)",
        "T(2,3), T(2,3).t, reduction='sum'",
        "T(2,3), T(3), reduction='none'",
        "T(), T()",
        "T(0,2), T(0,2), reduction='sum'",
        "T(2,1), T(1,3)",
        "T(3), T(3), size_average=False",
        "T(2,3), T(2,3), weight=T(2,3, pos)",
        "I(3, 5), I(3, 4), reduction='sum'",
    ])
    .edges(&["T(0,2), T(0,2)", "T[1.0, inf, nan, inf], T[1.0, 1.0, 1.0, inf], reduction='none'"])
    .errors(&["T(3), T(2)", "T(3), T(3), reduction='avg'", "T(3), T(3), weight=T(1)"]),
    Function::new(
        "smooth_l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', float beta=1.0) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.smooth_l1_loss_broadcast(target, reduction(a)?, a.float("beta")?).into_value()
        },
    )
    .node_by(|a| Ok(if a.float("beta")? == 0.0 { "" } else { "SmoothL1LossBackward0" }))
    .warns(other_size)
    .about("Squares of small differences, magnitudes of large ones.", "d²/(2β) where |d| < β, else |d| - β/2, d = x - y")
    .samples(&[
        "T(2,3), T(2,3)",
        "T(2,3), T(2,3).t, reduction='sum', beta=0.5",
        "T(2,3), T(3), reduction='none', beta=3.0",
        "T(), T()",
        "T(0,2), T(0,2), reduction='sum'",
        "T(3), T(3), beta=0.0",
    ])
    .edges(&["T(0,2), T(0,2)", "T[1.0, 1.5, 0.5, inf, nan, inf], T[1.0, 1.0, 1.0, 1.0, 1.0, inf], beta=0.5, reduction='none'"])
    .errors(&["T(3), T(2)", "T(3), T(3), beta=-1.0", "T(3), T(3), reduction='avg'"]),
    Function::new(
        "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0, Tensor? weight=None) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            let reduction = named(a, |name| format!("{name} is not a valid value for reduction"))?;
            x.huber_loss_broadcast(target, reduction, a.float("delta")?, a.tensor_opt("weight")?).into_value()
        },
    )
    .node_by(|a| Ok(if a.tensor_opt("weight")?.is_some() { "" } else { "HuberLossBackward0" }))
    .warns(other_size)
    .about("Squares of small differences, lines of the same slope for large ones.", "d²/2 where |d| < δ, else δ·(|d| - δ/2), d = x - y")
    .samples(&[
        "T(2,3), T(2,3)",
        "T(2,3), T(2,3).t, reduction='sum', delta=0.5",
        "T(2,3), T(3), reduction='none', delta=3.0",
        "T(), T()",
        "T(0,2), T(0,2), reduction='sum'",
        "T(2,3), T(2,3), weight=T(2,3, pos)",
    ])
    .edges(&["T(0,2), T(0,2)", "T[1.0, 1.5, 0.5, inf, nan, inf], T[1.0, 1.0, 1.0, 1.0, 1.0, inf], delta=0.5, reduction='none'"])
    .errors(&["T(3), T(2)", "T(3), T(3), delta=0.0", "T(3), T(3), 'avg'", "T(3), T(3), weight=T(1)"]),
    Function::new(
        "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int ignore_index=-100, bool? reduce=None, str reduction='mean', float label_smoothing=0.0) -> Tensor",
        "nn.functional",
        cross_entropy,
    )
    .warns(by_flags)
    .node_by(cross_entropy_node)
    .about(
        "Cross-entropy of class scores and class numbers, or class probabilities of the scores' shape.",
        "-Σ w·y·ln softmax(x)",
    )
    // Gradients are differences of probabilities.
    .units(8.0, 64.0)
    .samples(&[
        "T(3,5), I(3, 5)",
        "T(3,5), I[1, -100, 4], reduction='none'",
        "T(3,5).t, I[1, -100, 4], reduction='sum'",
        "T(3,5), I[1, -100, 4], weight=T(5, pos).fixed",
        "T(3,5), I[1, 2, 4], T(5, pos).fixed, reduction='none'",
        "T(3,5), I[1, 2, 4], ignore_index=2",
        "T(3,5), I[1, -100, 4], label_smoothing=0.1",
        "T(3,5), I[1, -100, 4], weight=T(5, pos).fixed, label_smoothing=0.3",
        "T(3,5), I[1, -100, 4], weight=T(5, pos).fixed, label_smoothing=0.3, reduction='none'",
        "T(3,5), I[1, -100, 4], label_smoothing=0.3, reduction='sum'",
        "T(5), I[3]",
        "T(2,3,2), I(2,2, 3)",
        "T(2,3,2,2), I(2,2,2, 3), label_smoothing=0.2, reduction='none'",
        "T(3,5), T(3,5, unit)",
        "T(3,5), T(3,5, unit), weight=T(5, pos).fixed, label_smoothing=0.1, reduction='none'",
        "T(3,5), T(3,5, unit), reduction='sum'",
        "T(2,3,2), T(2,3,2, unit)",
        "T(5), T(5, unit)",
        "T(3,5), I(3, 5), size_average=False",
    ])
    .edges(&[
        "T(3,5), I[-100, -100, -100]",
        "T(3,5), I[-100, -100, -100], reduction='sum'",
        "T(3,5), I[-100, -100, -100], label_smoothing=0.1",
        "T(3,5), I[-100, -100, -100], weight=T(5, pos).fixed, label_smoothing=0.1",
        "T(0,5), I(0, 5)",
        "T(0,5), T(0,5)",
        "T[[inf, 1.0], [-inf, 1.0], [1000.0, -1000.0], [nan, 1.0]], I[0, 0, 1, 0], reduction='none'",
        "T(3,5), I(3, 5).u8",
    ])
    .errors(&[
        "T(3,5), I[1, 2]",
        "T(3,5), I[1, 2, 7]",
        "T(3,5), I[1, 2, -1]",
        "T(3,5), T(3)",
        "T(3,5), T(3,4)",
        "T(3,5), I(3,5, 2)",
        "T(3,5), I(3, 5).i32",
        "T(5), I[1, 2]",
        "T(3,5,2), I(3,3, 5)",
        "T(3,5,2,2), I(3,2,3, 5)",
        "T(3,5,2,2), I(3,2, 5)",
        "T(3,5), I(3, 5), weight=T(3).fixed",
        "T(3,5).f32, I(3, 5), weight=T(5).f64.fixed",
        "T(3,5), I(3, 5), reduction='avg'",
        "T(3,5), I(3, 5), label_smoothing=1.5",
        "T(3,5), T(3,5, unit), ignore_index=1",
        "T(3,5), T(3,5, unit), weight=T(3).fixed",
        "~I(3,5, 4), I(3, 5)",
    ]),
    Function::new(
        "nll_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int ignore_index=-100, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.nll_loss(target, a.tensor_opt("weight")?, a.int("ignore_index")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .node_by(|a| Ok(nll_node(a.tensor("input")?)))
    .about("The negative log-likelihood of class numbers.", "-w[y]·x[y]")
    .samples(&[
        "T(3,5), I(3, 5)",
        "T(3,5), I[1, -100, 4], reduction='none'",
        "T(3,5).t, I[1, -100, 4], reduction='sum'",
        "T(3,5), I[1, -100, 4], weight=T(5, pos).fixed",
        "T(3,5), I[1, 2, 4], T(5, pos).fixed, reduction='none'",
        "T(3,5), I[1, 2, 4], ignore_index=2",
        "T(5), I[2]",
        "T(5), I[2], reduction='none'",
        "T(2,3,2), I(2,2, 3)",
        "T(2,3,2,2), I(2,2,2, 3), reduction='none'",
    ])
    .edges(&["T(3,5), I[-100, -100, -100]", "T(0,5), I(0, 5)", "T[[inf, 1.0], [-inf, nan]], I[0, 1]"])
    .errors(&["T(3,5), I[1, 2]", "T(3,5), I[1, 2, 7]", "T(), I[1]", "T(3,5), I(3,1, 5)"]),
    Function::new(
        "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.binary_cross_entropy(target, a.tensor_opt("weight")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .node("BinaryCrossEntropyBackward0")
    .of(ops::Bce::DEF)
    .samples(&[
        "T(2,3, unit), T(2,3, unit)",
        "T(2,3, unit), T(2,3, unit).t, reduction='sum'",
        "T(2,3, unit), T(2,3, unit), reduction='none'",
        "T(unit), T(unit)",
        "T(0,2, unit), T(0,2, unit), reduction='sum'",
        "T(2,3, unit), T(2,3, unit), weight=T(3, pos).fixed",
        "T(2,3, unit), T(2,3, unit), weight=T(2,3, pos).fixed, reduction='none'",
    ])
    .edges(&["T(0,2, unit), T(0,2, unit)", 
        "T[0.0, 1.0, 0.0, 1.0, 0.5, 0.0], T[0.0, 1.0, 1.0, 0.0, 0.5, 0.5], reduction='none'",
        "T[1e-7, 1.0], T[1.0, 1.0]",
    ])
    .errors(&[
        "T[0.5, 1.5], T[1.0, 1.0]",
        "T[0.5, nan], T[1.0, 1.0]",
        "T[0.5, 0.5], T[1.0, 2.0]",
        "T[0.5], T[1.0, 1.0]",
        "T[0.5].f32, T[1.0].f64",
        "~T(2, unit), T(2, unit), weight=T(3).fixed",
        "T(2, unit), T(2, unit), reduction='avg'",
    ]),
    Function::new(
        "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, bool? reduce=None, str reduction='mean', Tensor? pos_weight=None) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.binary_cross_entropy_with_logits(target, a.tensor_opt("weight")?, reduction(a)?, a.tensor_opt("pos_weight")?)
                .into_value()
        },
    )
    .warns(by_flags)
    .node("BinaryCrossEntropyWithLogitsBackward0")
    .of(ops::BceWithLogits::DEF)
    .samples(&[
        "T(2,3), T(2,3, unit)",
        "T(2,3), T(2,3, unit).t, reduction='sum'",
        "T(2,3), T(2,3, unit), reduction='none'",
        "T(), T(unit)",
        "T(0,2), T(0,2, unit), reduction='none'",
        "T(2,3), T(2,3, unit), weight=T(3, pos).fixed",
        "T(2,3), T(2,3, unit), pos_weight=T(3, pos).fixed",
        "T(2,3), T(2,3, unit), weight=T(2,3, pos).fixed, pos_weight=T(3, pos).fixed, reduction='none'",
    ])
    .edges(&["T(0,2), T(0,2, unit)", "T[0.0, inf, -inf, inf, -inf, nan, 100.0, -100.0], T[0.0, 1.0, 0.0, 0.0, 1.0, 0.5, 1.0, 0.0], reduction='none'"])
    .errors(&["T(2), T(3)", "T(2), T(2), reduction='avg'", "I(2, 3), T(2)"]),
    Function::new(
        "kl_div(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', bool log_target=False) -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            let reduction = legacy(a)?.map_or_else(|| a.str("reduction")?.parse(), Ok)?;
            x.kl_div(target, reduction, a.bool("log_target")?).into_value()
        },
    )
    .warns(mean_of_all)
    .about("The Kullback-Leibler divergence, element by element, of a logarithm from a target.", "y·(ln y - x)")
    .samples(&[
        "T(2,4), T(2,4, unit)",
        "T(2,4), T(2,4, unit).t, reduction='batchmean'",
        "T(2,3), T(3, unit), reduction='none'",
        "T(), T(unit), reduction='batchmean'",
        "T(0,2), T(0,2), reduction='sum'",
        "T(2,3), T(2,3), reduction='sum', log_target=True",
        "T(2,3), T(3), reduction='batchmean', log_target=True",
    ])
    .edges(&[
        "T[0.0, -1.0, -inf, -inf, 0.0, -1.0, nan], T[0.0, 1.0, 0.0, 1.0, -0.5, nan, 0.0], reduction='none'",
        "T[0.0, -1.0, -inf, -inf, 0.0, -1.0], T[0.0, -inf, -inf, -1.0, -0.5, nan], reduction='none', log_target=True",
        "T(0,2), T(0,2)",
        "T(0,2), T(0,2), reduction='batchmean'",
    ])
    .errors(&["T(2), T(3)", "T(3), T(3), reduction='avg'", "I(2, 3), T(2)"]),
    Function::new(
        "gaussian_nll_loss(Tensor input, Tensor target, Tensor|number var, bool full=False, float eps=1e-6, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            let reduction = named(a, |name| format!("{name} is not valid"))?;
            x.gaussian_nll_loss(target, a.operand("var")?, a.bool("full")?, a.float("eps")?, reduction).into_value()
        },
    )
    .about("The negative logarithm of a normal density.", "(ln v + (x - y)²/v)/2, v = max(var, ε)")
    .samples(&[
        "T(2,3), T(2,3), T(2,3, pos)",
        "T(2,3), T(2,3).t, T(2, pos), full=True",
        "T(2,3), T(2,3), T(2,1, pos), reduction='none'",
        "T(0,2), T(0,2), T(0,2, pos), reduction='sum'",
        "T(), T(), T(pos), reduction='sum'",
        "T(2,3), T(2,3), 0.75",
    ])
    .edges(&["T(0,2), T(0,2), T(0,2, pos)", "T[0.0, 1.0, 2.0, 1.0], T[0.0, 1.5, 1.0, 2.0], T[0.0, 0.1, 1.0, 0.05], eps=0.25, reduction='none'"])
    .errors(&["T(2), T(2), T[-1.0, 1.0]", "T(2,3), T(2,3), T(4, pos)", "T(2), T(2), 1.0, reduction='x'"]),
    Function::new(
        "poisson_nll_loss(Tensor input, Tensor target, bool log_input=True, bool full=False, bool? size_average=None, float eps=1e-8, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.poisson_nll_loss(target, a.bool("log_input")?, a.bool("full")?, a.float("eps")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .about("The negative logarithm of a Poisson probability, without the factorial unless asked for.", "eˣ - y·x, or x - y·ln(x + ε)")
    .samples(&[
        "T(2,3), T(2,3, pos)",
        "T(2,3, pos), T(2,3, pos).t, log_input=False, reduction='sum'",
        "T(2,3), T(3, pos), full=True, reduction='none'",
        "T(), T(pos)",
        "T(0,2), T(0,2), reduction='sum'",
    ])
    .edges(&["T(0,2), T(0,2)", "T[0.0, 1.0, 2.0, 1.0], T[0.0, 1.0, 1.5, 2.0], full=True, reduction='none'", "T[0.0, 1.0, 2.0], T[0.0, 1.0, 1.5], log_input=False"])
    .errors(&["T(3), T(2)", "T(3), T(3), reduction='avg'"]),
    Function::new(
        "normalize(Tensor input, float p=2.0, int dim=1, float eps=1e-12) -> Tensor",
        "nn.functional",
        |a| a.tensor("input")?.normalize(a.float("p")?, a.int("dim")?, a.float("eps")?).into_value(),
    )
    .about("Vectors along a dimension, divided by their norm.", "x/max(|x|ₚ, ε)")
    .samples(&["T(2,3)", "T(2,3), dim=0, p=1", "T(4), 3.0, 0", "T(0,2)", "T(2,3).t, eps=20.0", "T(2,3,2), inf, -1"])
    .edges(&["T(), dim=0", "T[[0.0, 0.0], [1.0, 2.0], [1e-13, 0.0]]", "T[[nan, 0.0], [inf, 2.0]]"])
    .errors(&["T(3)", "~I(2,3, 5)"]),
    Function::new(
        "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
        "nn.functional torch",
        |a| {
            a.tensor("x1")?.cosine_similarity(a.tensor("x2")?, a.int("dim")?, a.float("eps")?).into_value()
        },
    )
    .node("SumBackward1")
    .about("The cosine of the angle between two vectors along a dimension.", "Σ x₁·x₂ / (max(|x₁|, ε)·max(|x₂|, ε))")
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(4), T(4), -1", "T(3,2), T(3,2), dim=0", "T(0,2), T(0,2)", "T(2,3).t, T(1,3)" ])
    .edges(&["T(), T(), 0", "T[[0.0, 0.0], [1.0, 2.0], [1e-9, 0.0]], T[[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]"])
    .errors(&["T(2,3), T(2,4)", "I(2,3, 5), I(2,3, 4)", "T(3), T(3)"]),
    Function::new(
        "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False) -> Tensor",
        "nn.functional torch",
        |a| {
            a.tensor("x1")?
                .pairwise_distance(a.tensor("x2")?, a.float("p")?, a.float("eps")?, a.bool("keepdim")?)
                .into_value()
        },
    )
    .node("NormBackward1")
    .about("The norm of differences along the last dimension.", "|x₁ - x₂ + ε|ₚ")
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3), keepdim=True", "T(4), T(4), p=1", "T(), T()", "T(0,2), T(0,2)", "T(2,3).t, T(1,3), 3.0, 0.5", "T(2,3), T(2,3), inf"])
    .edges(&["T[[0.0, 0.0], [1.0, 2.0]], T[[0.0, 0.0], [0.0, 0.0]], eps=0.0"])
    .errors(&["T(2,3), T(2,4)"]),
];
