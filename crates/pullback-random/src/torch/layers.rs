//! The numbers that `nn.Linear`, `nn.Conv*` and `nn.Embedding` draw when they are made, in the order they draw them. No
//! layers here.
//!
//! Source: `reset_parameters` in `torch/nn/modules/{linear,conv,sparse}.py`.

use super::generator::Generator;
use super::init::{FanMode, Nonlinearity, fan_in_and_fan_out, kaiming_uniform, normal, uniform};
use super::number::Float;
use crate::error::{Error, Result};

/// A weight and, if the layer has one, a bias.
pub type Parameters<T> = (Vec<T>, Option<Vec<T>>);

/// `nn.Linear(in_features, out_features, bias)`: a weight of `[out_features, in_features]`, then a bias.
///
/// ```
/// use pullback_random::torch::{linear, manual_seed};
///
/// // Python: torch.manual_seed(42); layer = nn.Linear(2, 1); layer.weight, layer.bias
/// let (weight, bias) = linear::<f32>(&mut manual_seed(42), 2, 1, true)?;
/// assert_eq!(weight, [0.5406104, 0.5869042]);
/// assert_eq!(bias.unwrap(), [-0.16565566]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn linear<T: Float>(
    g: &mut Generator,
    in_features: usize,
    out_features: usize,
    bias: bool,
) -> Result<Parameters<T>> {
    conv(
        g,
        &[out_features, in_features],
        bias.then_some(out_features),
    )
}

/// `nn.Conv2d(in_channels, out_channels, kernel, groups=groups, bias=bias)`: a weight of
/// `[out_channels, in_channels / groups, kernel.0, kernel.1]`, then a bias.
///
/// ```
/// use pullback_random::torch::{conv2d, manual_seed};
///
/// // Python: torch.manual_seed(42); nn.Conv2d(2, 3, 3).weight.flatten()[:2]    -> tensor([0.1802, 0.1956])
/// let (weight, bias) = conv2d::<f32>(&mut manual_seed(42), 2, 3, (3, 3), 1, true)?;
/// assert_eq!(weight[..2], [0.18020345, 0.19563474]);
/// assert_eq!((weight.len(), bias.unwrap().len()), (54, 3));
/// // Python: nn.Conv2d(3, 4, 3, groups=2)
/// assert_eq!(
///     conv2d::<f32>(&mut manual_seed(42), 3, 4, (3, 3), 2, true).unwrap_err().message(),
///     "in_channels must be divisible by groups"
/// );
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn conv2d<T: Float>(
    g: &mut Generator,
    in_channels: usize,
    out_channels: usize,
    kernel: (usize, usize),
    groups: usize,
    bias: bool,
) -> Result<Parameters<T>> {
    if groups == 0 {
        return Err(Error::value("groups must be a positive integer"));
    }
    if !in_channels.is_multiple_of(groups) {
        return Err(Error::value("in_channels must be divisible by groups"));
    }
    if !out_channels.is_multiple_of(groups) {
        return Err(Error::value("out_channels must be divisible by groups"));
    }
    conv(
        g,
        &[out_channels, in_channels / groups, kernel.0, kernel.1],
        bias.then_some(out_channels),
    )
}

/// Any convolution, from the shape of its weight and the length of its bias: `Conv1d` to `Conv3d` have weights of
/// `[out, in / groups, kernel…]`, transposed ones of `[in, out / groups, kernel…]`.
pub fn conv<T: Float>(
    g: &mut Generator,
    weight_shape: &[usize],
    bias: Option<usize>,
) -> Result<Parameters<T>> {
    let (fan_in, _) = fan_in_and_fan_out(weight_shape)?;
    let weight = kaiming_uniform(
        g,
        weight_shape,
        5f64.sqrt(),
        FanMode::FanIn,
        Nonlinearity::LeakyRelu,
    )?;
    let bound = if fan_in > 0 {
        1.0 / (fan_in as f64).sqrt()
    } else {
        0.0
    };
    let bias = bias
        .map(|n| uniform(g, &[n], 0.0 - bound, bound))
        .transpose()?;
    Ok((weight, bias))
}

/// `nn.Embedding(num_embeddings, embedding_dim, padding_idx)`: a weight of `[num_embeddings, embedding_dim]`, whose row
/// `padding_idx` (from the end if negative) is set to zero after the draw.
///
/// ```
/// use pullback_random::torch::{embedding, manual_seed};
///
/// // Python: torch.manual_seed(42); nn.Embedding(2, 2, padding_idx=1).weight
/// assert_eq!(embedding::<f32>(&mut manual_seed(42), 2, 2, Some(1))?, [0.33669037, 0.1288094, 0.0, 0.0]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn embedding<T: Float>(
    g: &mut Generator,
    num_embeddings: usize,
    embedding_dim: usize,
    padding_idx: Option<i64>,
) -> Result<Vec<T>> {
    let row = match padding_idx {
        None => None,
        Some(i) => {
            let from_end = if i < 0 {
                i.saturating_add_unsigned(num_embeddings as u64)
            } else {
                i
            };
            match usize::try_from(from_end) {
                Ok(row) if row < num_embeddings => Some(row),
                _ => return Err(Error::value("Padding_idx must be within num_embeddings")),
            }
        }
    };
    let mut weight: Vec<T> = normal(g, &[num_embeddings, embedding_dim], 0.0, 1.0)?;
    if let Some(row) = row {
        weight[row * embedding_dim..(row + 1) * embedding_dim].fill(T::default());
    }
    Ok(weight)
}
