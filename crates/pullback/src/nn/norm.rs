//! Normalisation of each sample by itself: over trailing dimensions, over groups of channels, over neighbouring channels.

use super::init;
use super::macros::{builder, layer};
use super::repr::{Repr, float, python, tuple};
use crate::core::fail::ensure;
use crate::{DType, Result, Shape, Tensor, module};

/// A parameter of ones.
fn ones(there: bool, shape: &[usize], dtype: DType) -> Result<Option<Tensor>> {
    let made = init::optional(there, shape, dtype)?;
    if let Some(made) = &made {
        init::ones_(made)?;
    }
    Ok(made)
}

/// Mean 0 and variance 1 over the trailing dimensions, then a weight and a bias for each place. PyTorch's `nn.LayerNorm`.
///
/// ```
/// use pullback::nn::{Layer, LayerNorm};
/// use pullback::{DType, randn};
/// let layer = LayerNorm::new(8)?;
/// assert_eq!(layer.forward(&randn([2, 8], DType::F32)?)?.shape()[..], [2, 8]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// Of the normalised shape, if there is one.
    pub weight: Option<Tensor>,
    /// Of the normalised shape, if there is one.
    pub bias: Option<Tensor>,
    shape: Shape,
    eps: f64,
}

module!(LayerNorm { weight, bias } => |m| Repr::new("LayerNorm").extra(format!(
    "{}, eps={}, elementwise_affine={}, bias={}",
    tuple(&m.shape), float(m.eps), python(m.weight.is_some()), python(m.bias.is_some())
)));

layer!(LayerNorm, |m, x| x.layer_norm(
    &m.shape,
    m.weight.as_ref(),
    m.bias.as_ref(),
    m.eps
));

builder! {
    /// How a [`LayerNorm`] is made.
    LayerNormBuilder for LayerNorm;
    (; normalized_shape: Shape);
    {
        /// What is added to variances.
        eps: f64 = 1e-5,
        /// Whether there are a weight and a bias.
        elementwise_affine: bool = true,
        /// Whether there is a bias besides the weight.
        bias: bool = true,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl LayerNormBuilder {
    /// Makes the layer: weights 1, biases 0.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<LayerNorm> {
        let shape = self.normalized_shape;
        let affine = self.elementwise_affine;
        Ok(LayerNorm {
            weight: ones(affine, &shape, self.dtype)?,
            bias: init::optional(affine && self.bias, &shape, self.dtype)?,
            shape,
            eps: self.eps,
        })
    }
}

/// Root mean square 1 over the trailing dimensions, then a weight for each place. PyTorch's `nn.RMSNorm`.
#[derive(Clone, Debug)]
pub struct RMSNorm {
    /// Of the normalised shape, if there is one.
    pub weight: Option<Tensor>,
    shape: Shape,
    eps: Option<f64>,
}

module!(RMSNorm { weight } => |m| Repr::new("RMSNorm").extra(format!(
    "{}, eps={}, elementwise_affine={}",
    tuple(&m.shape), m.eps.map_or("None".to_string(), float), python(m.weight.is_some())
)));

layer!(RMSNorm, |m, x| x.rms_norm(
    &m.shape,
    m.weight.as_ref(),
    m.eps
));

builder! {
    /// How an [`RMSNorm`] is made.
    RMSNormBuilder for RMSNorm;
    (; normalized_shape: Shape);
    {
        /// Whether there is a weight.
        elementwise_affine: bool = true,
        /// Of the weight; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// What is added to mean squares; the dtype's machine epsilon without it.
        eps: Option<f64> = None,
    }
}

impl RMSNormBuilder {
    /// Makes the layer: weights 1.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<RMSNorm> {
        let shape = self.normalized_shape;
        Ok(RMSNorm {
            weight: ones(self.elementwise_affine, &shape, self.dtype)?,
            shape,
            eps: self.eps,
        })
    }
}

/// Groups of channels normalised for each sample, then a weight and a bias for each channel. PyTorch's `nn.GroupNorm`.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    /// (channels), if there is one.
    pub weight: Option<Tensor>,
    /// (channels), if there is one.
    pub bias: Option<Tensor>,
    num_groups: usize,
    num_channels: usize,
    eps: f64,
}

module!(GroupNorm { weight, bias } => |m| Repr::new("GroupNorm").extra(format!(
    "{}, {}, eps={}, affine={}, bias={}",
    m.num_groups, m.num_channels, float(m.eps), python(m.weight.is_some()), python(m.bias.is_some())
)));

layer!(GroupNorm, |m, x| x.group_norm(
    m.num_groups,
    m.weight.as_ref(),
    m.bias.as_ref(),
    m.eps
));

builder! {
    /// How a [`GroupNorm`] is made.
    GroupNormBuilder for GroupNorm;
    (num_groups: usize, num_channels: usize);
    {
        /// What is added to variances.
        eps: f64 = 1e-5,
        /// Whether there are a weight and a bias.
        affine: bool = true,
        /// Whether there is a bias besides the weight.
        bias: bool = true,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl GroupNormBuilder {
    /// Makes the layer: weights 1, biases 0.
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are not so many groups.
    #[track_caller]
    pub fn build(self) -> Result<GroupNorm> {
        let (num_groups, num_channels) = (self.num_groups, self.num_channels);
        ensure!(
            num_groups > 0,
            Value,
            "num_groups must be a positive integer, but got {num_groups}"
        );
        ensure!(
            num_channels.is_multiple_of(num_groups),
            Value,
            "num_channels must be divisible by num_groups"
        );
        Ok(GroupNorm {
            weight: ones(self.affine, &[num_channels], self.dtype)?,
            bias: init::optional(self.affine && self.bias, &[num_channels], self.dtype)?,
            num_groups,
            num_channels,
            eps: self.eps,
        })
    }
}

/// Numbers divided by a power of the squares' mean over neighbouring channels. PyTorch's `nn.LocalResponseNorm`.
#[derive(Clone, Copy, Debug)]
pub struct LocalResponseNorm {
    size: usize,
    alpha: f64,
    beta: f64,
    k: f64,
}

module!(LocalResponseNorm {} => |m| Repr::new("LocalResponseNorm").extra(format!(
    "{}, alpha={}, beta={}, k={}", m.size, float(m.alpha), float(m.beta), float(m.k)
)));

layer!(LocalResponseNorm, |m, x| {
    let size = i64::try_from(m.size).unwrap_or(i64::MAX);
    x.local_response_norm(size, m.alpha, m.beta, m.k)
});

builder! {
    /// How a [`LocalResponseNorm`] is made.
    LocalResponseNormBuilder for LocalResponseNorm;
    (size: usize);
    {
        /// The factor of the mean.
        alpha: f64 = 1e-4,
        /// The power.
        beta: f64 = 0.75,
        /// What is added to the mean.
        k: f64 = 1.0,
    } into {}
}

impl LocalResponseNormBuilder {
    /// Makes the layer.
    ///
    /// # Errors
    /// None today.
    pub fn build(self) -> Result<LocalResponseNorm> {
        Ok(LocalResponseNorm {
            size: self.size,
            alpha: self.alpha,
            beta: self.beta,
            k: self.k,
        })
    }
}
