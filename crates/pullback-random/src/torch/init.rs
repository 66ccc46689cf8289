//! `torch.nn.init`: the numbers an initialiser puts into a tensor of a shape, as plain functions. `trunc_normal` and
//! `orthogonal` have files of their own; the layers that call these are in `layers.rs`.
//!
//! Source: `torch/nn/init.py`. Bounds are computed in doubles, as Python does, and rounded to the type by the fill.

use std::hint::black_box;
use std::str::FromStr;

use super::generator::Generator;
use super::number::Float;
use crate::error::{Error, Result};
use crate::room::torch_filled;

/// Which count of connections keeps the variance: the `mode` of the Kaiming initialisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanMode {
    /// `"fan_in"`, the default: the forward pass.
    #[default]
    FanIn,
    /// `"fan_out"`: the backward pass.
    FanOut,
}

impl FromStr for FanMode {
    type Err = Error;

    /// PyTorch's names, in any case.
    fn from_str(mode: &str) -> Result<Self> {
        let mode = mode.to_lowercase();
        match mode.as_str() {
            "fan_in" => Ok(FanMode::FanIn),
            "fan_out" => Ok(FanMode::FanOut),
            _ => Err(Error::value(format!(
                "Mode {mode} not supported, please use one of ['fan_in', 'fan_out']"
            ))),
        }
    }
}

/// The function after the layer, for [`calculate_gain`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonlinearity {
    /// `"linear"`, `"conv1d"` to `"conv_transpose3d"` and `"sigmoid"`: gain 1.
    Linear,
    /// `"tanh"`: gain 5/3.
    Tanh,
    /// `"relu"`: gain √2.
    Relu,
    /// `"leaky_relu"`, the default of the Kaiming initialisers: gain √(2/(1+slope²)).
    #[default]
    LeakyRelu,
    /// `"selu"`: gain 3/4.
    Selu,
}

impl FromStr for Nonlinearity {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "linear" | "conv1d" | "conv2d" | "conv3d" | "conv_transpose1d" | "conv_transpose2d"
            | "conv_transpose3d" | "sigmoid" => Ok(Nonlinearity::Linear),
            "tanh" => Ok(Nonlinearity::Tanh),
            "relu" => Ok(Nonlinearity::Relu),
            "leaky_relu" => Ok(Nonlinearity::LeakyRelu),
            "selu" => Ok(Nonlinearity::Selu),
            _ => Err(Error::value(format!("Unsupported nonlinearity {name}"))),
        }
    }
}

/// `nn.init.calculate_gain(nonlinearity, param)`; `param` is the slope of the leaky ReLU, 0.01 if absent.
///
/// ```
/// use pullback_random::torch::{Nonlinearity, calculate_gain};
///
/// // Python: nn.init.calculate_gain("leaky_relu", 0.2)    -> 1.3867504905630728
/// assert_eq!(calculate_gain("leaky_relu".parse()?, Some(0.2)), 1.3867504905630728);
/// // Python: nn.init.calculate_gain("swish")
/// assert_eq!("swish".parse::<Nonlinearity>().unwrap_err().message(), "Unsupported nonlinearity swish");
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn calculate_gain(nonlinearity: Nonlinearity, param: Option<f64>) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::Relu => 2f64.sqrt(),
        // Python's `**` is the C library's `pow`; hidden from the compiler, which would square instead.
        Nonlinearity::LeakyRelu => {
            (2.0 / (1.0 + param.unwrap_or(0.01).powf(black_box(2.0)))).sqrt()
        }
        Nonlinearity::Selu => 3.0 / 4.0,
    }
}

/// The inputs and outputs of one unit of a weight of this shape, `(fan_in, fan_out)`.
///
/// ```
/// use pullback_random::torch::fan_in_and_fan_out;
///
/// assert_eq!(fan_in_and_fan_out(&[8, 3, 5, 5])?, (75, 200));
/// // Python: nn.init.xavier_uniform_(torch.empty(3))
/// assert_eq!(
///     fan_in_and_fan_out(&[3]).unwrap_err().message(),
///     "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
/// );
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn fan_in_and_fan_out(shape: &[usize]) -> Result<(usize, usize)> {
    let [outputs, inputs, field @ ..] = shape else {
        return Err(Error::value(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
        ));
    };
    let field = element_count(field)?;
    match (inputs.checked_mul(field), outputs.checked_mul(field)) {
        (Some(fan_in), Some(fan_out)) => Ok((fan_in, fan_out)),
        _ => Err(overflow(shape)),
    }
}

/// `nn.init.xavier_uniform_(torch.empty(shape), gain)`.
///
/// ```
/// use pullback_random::torch::{manual_seed, xavier_uniform};
///
/// // Python: torch.manual_seed(42); nn.init.xavier_uniform_(torch.empty(1, 2))    -> tensor([[1.0812, 1.1738]])
/// assert_eq!(xavier_uniform::<f32>(&mut manual_seed(42), &[1, 2], 1.0)?, [1.0812207, 1.1738085]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn xavier_uniform<T: Float>(g: &mut Generator, shape: &[usize], gain: f64) -> Result<Vec<T>> {
    let bound = 3f64.sqrt() * xavier_std(shape, gain)?;
    uniform(g, shape, -bound, bound)
}

/// `nn.init.xavier_normal_(torch.empty(shape), gain)`.
pub fn xavier_normal<T: Float>(g: &mut Generator, shape: &[usize], gain: f64) -> Result<Vec<T>> {
    let std = xavier_std(shape, gain)?;
    normal(g, shape, 0.0, std)
}

/// `nn.init.kaiming_uniform_(torch.empty(shape), a, mode, nonlinearity)`.
///
/// ```
/// use pullback_random::torch::{FanMode, Nonlinearity, kaiming_uniform, manual_seed};
///
/// // Python: torch.manual_seed(42); nn.init.kaiming_uniform_(torch.empty(1, 2))    -> tensor([[1.3242, 1.4376]])
/// let weight: Vec<f32> =
///     kaiming_uniform(&mut manual_seed(42), &[1, 2], 0.0, FanMode::FanIn, Nonlinearity::LeakyRelu)?;
/// assert_eq!(weight, [1.3242196, 1.4376159]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn kaiming_uniform<T: Float>(
    g: &mut Generator,
    shape: &[usize],
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<Vec<T>> {
    if shape.contains(&0) {
        return Ok(Vec::new());
    }
    let bound = 3f64.sqrt() * kaiming_std(shape, a, mode, nonlinearity)?;
    uniform(g, shape, -bound, bound)
}

/// `nn.init.kaiming_normal_(torch.empty(shape), a, mode, nonlinearity)`.
pub fn kaiming_normal<T: Float>(
    g: &mut Generator,
    shape: &[usize],
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<Vec<T>> {
    if shape.contains(&0) {
        return Ok(Vec::new());
    }
    let std = kaiming_std(shape, a, mode, nonlinearity)?;
    normal(g, shape, 0.0, std)
}

fn xavier_std(shape: &[usize], gain: f64) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(shape)?;
    let fans = fan_in as f64 + fan_out as f64;
    if fans == 0.0 {
        return Err(Error::zero_division("float division by zero"));
    }
    Ok(gain * (2.0 / fans).sqrt())
}

fn kaiming_std(shape: &[usize], a: f64, mode: FanMode, nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(shape)?;
    let fan = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
    };
    Ok(calculate_gain(nonlinearity, Some(a)) / (fan as f64).sqrt())
}

/// `torch.empty(shape).uniform_(from, to)`.
pub(super) fn uniform<T: Float>(
    g: &mut Generator,
    shape: &[usize],
    from: f64,
    to: f64,
) -> Result<Vec<T>> {
    let mut out = torch_filled(element_count(shape)?, T::default())?;
    T::uniform(g, from, to, &mut out)?;
    Ok(out)
}

/// `torch.empty(shape).normal_(mean, std)`.
pub(super) fn normal<T: Float>(
    g: &mut Generator,
    shape: &[usize],
    mean: f64,
    std: f64,
) -> Result<Vec<T>> {
    let mut out = torch_filled(element_count(shape)?, T::default())?;
    T::normal(g, mean, std, &mut out)?;
    Ok(out)
}

/// The product of the extents, where it can be the length of a `Vec`.
pub(super) fn element_count(shape: &[usize]) -> Result<usize> {
    let product = shape
        .iter()
        .try_fold(1usize, |n, &extent| n.checked_mul(extent));
    product
        .filter(|&n| n <= isize::MAX as usize / 8)
        .ok_or_else(|| overflow(shape))
}

fn overflow(shape: &[usize]) -> Error {
    Error::runtime(format!(
        "Storage size calculation overflowed with sizes={shape:?}"
    ))
}
