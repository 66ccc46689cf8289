//! Normalisation of channels.

use crate::Result;
use crate::call::Args;
use crate::call::Function;
use crate::call::IntoValue;
use crate::core::fail::error;
use crate::ops::{BatchNorm, Running};

/// Running statistics: both or none.
fn running<'a>(a: &'a Args<'_>) -> Result<Running<'a>> {
    match (a.tensor_opt("running_mean")?, a.tensor_opt("running_var")?) {
        (Some(mean), Some(var)) => Ok(Some((mean, var))),
        (None, None) => Ok(None),
        (None, _) if !trains(a)? => Ok(None),
        _ => Err(error!(
            Value,
            "running_mean and running_var must either both be None or neither be None"
        )),
    }
}

fn trains(a: &Args<'_>) -> Result<bool> {
    match a.bool_opt("training") {
        Ok(Some(training)) => Ok(training),
        _ => a.bool("use_input_stats"),
    }
}

fn how(a: &Args<'_>) -> Result<BatchNorm> {
    Ok(BatchNorm {
        training: trains(a)?,
        momentum: a.float("momentum")?,
        eps: a.float("eps")?,
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, Tensor? bias=None, bool training=False, float momentum=0.1, float eps=1e-05) -> Tensor",
        "nn.functional",
        |a| {
            let (weight, bias) = (a.tensor_opt("weight")?, a.tensor_opt("bias")?);
            a.tensor("input")?.batch_norm(running(a)?, weight, bias, how(a)?)?.into_value()
        },
    )
    .about("Channels shifted to mean 0 and scaled to variance 1 over all other dimensions; then a weight and a bias.", "(x - mean x)/√(var x + ε)·w + b")
    .node("NativeBatchNormBackward0")
    .units(32.0, 256.0)
    .samples(&[
        "T(4,3), None, None, training=True",
        "T(3,2,2), None, None, T(2), T(2), True, 0.1, 0.25",
        "T(2,2,2,3), None, None, None, T(2), True",
        "T(4,3).t, None, None, T(3), None, True",
    ])
    .edges(&["T(3,2), T(2).fixed, T(2, pos).fixed", "T(3,2,2), T(2).fixed, T(2, pos).fixed, T(2), T(2), False, 0.1, 0.5"])
    .errors(&["T(1,3), None, None, training=True", "T(2,3), None, None", "T(2,3), T(2), T(3)", "T(2,3), T(3), T(3), T(2)", "T(2,3), T(3), T(3), T(3), T(2)"]),
    Function::new(
        "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor",
        "torch",
        |a| {
            let (weight, bias) = (a.tensor_opt("weight")?, a.tensor_opt("bias")?);
            a.tensor("input")?.batch_norm(running(a)?, weight, bias, how(a)?)?.into_value()
        },
    )
    .about("As `nn.functional.batch_norm`, in another order.", "(x - mean x)/√(var x + ε)·w + b")
    .node("NativeBatchNormBackward0")
    .units(32.0, 256.0)
    .samples(&["T(4,3), T(3), T(3), None, None, True, 0.1, 0.25, True", "T(4,2,2), None, None, None, None, True, 0.1, 0.25, False", "T(2,2,2,2), T(2), None, None, None, True, 0.1, 1e-05, True", "T(5,2), None, T(2), None, None, True, 0.3, 0.5, True"]),
    Function::new(
        "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor",
        "nn.functional",
        |a| {
            let (weight, bias) = (a.tensor_opt("weight")?, a.tensor_opt("bias")?);
            let groups = usize::try_from(a.int("num_groups")?).unwrap_or(0);
            a.tensor("input")?.group_norm(groups, weight, bias, a.float("eps")?)?.into_value()
        },
    )
    .about("Groups of channels shifted to mean 0 and scaled to variance 1 for each sample; then a weight and a bias.", "(x - mean x)/√(var x + ε)·w + b")
    .node("NativeGroupNormBackward0")
    .units(32.0, 256.0)
    .samples(&["T(2,6), 2", "T(2,4,3), 2, T(4), T(4)", "T(2,6,2), 3, T(6), None, 0.25", "T(3,2,2,2), 1, None, T(2)"])
    .edges(&["T(0,4,2), 2"])
    .errors(&["T(2,3), 2", "T(2,4), 2, T(3)", "T(2), 2"]),
    Function::new(
        "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, Tensor? weight=None, Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, float eps=1e-05) -> Tensor",
        "nn.functional",
        |a| {
            let (weight, bias) = (a.tensor_opt("weight")?, a.tensor_opt("bias")?);
            a.tensor("input")?.instance_norm(running(a)?, weight, bias, how(a)?)?.into_value()
        },
    )
    .about("Channels of each sample shifted to mean 0 and scaled to variance 1; then a weight and a bias.", "(x - mean x)/√(var x + ε)·w + b")
    .node("ViewBackward0")
    .units(32.0, 256.0)
    .samples(&["T(2,3,4)", "T(2,3,4), None, None, T(3), T(3)", "T(2,2,2,3), eps=0.25", "T(1,2,5), None, None, T(2)"])
    .errors(&["T(2,3,1)", "T(2,3,4), use_input_stats=False"]),
    Function::new(
        "local_response_norm(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1.0) -> Tensor",
        "nn.functional",
        |a| {
            let (size, alpha) = (a.int("size")?, a.float("alpha")?);
            a.tensor("input")?.local_response_norm(size, alpha, a.float("beta")?, a.float("k")?)?.into_value()
        },
    )
    .about("Numbers divided by a power of the squares' mean over neighbouring channels.", "x/(k + α·mean x²)^β")
    .node("DivBackward0")
    .samples(&["T(2,4,3), 2", "T(2,5,2,2), 3, 0.5, 0.75, 2.0", "T(1,3,2), 2, 0.25", "T(2,3,2,2), 1, 1.0, 0.5"])
    .errors(&["T(2,3), 2"]),
];
