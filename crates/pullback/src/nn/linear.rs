//! Fully connected layers.

use super::macros::{builder, layer};
use super::repr::{Repr, python};
use super::{init, observe};
use crate::core::fail::ensure;
use crate::{DType, Result, Tensor, module};

/// `x Wᵀ + b`: the last dimension of `in_features` becomes one of `out_features`. PyTorch's `nn.Linear`.
///
/// The weight is (out, in), the bias (out); both are drawn between ±1/√in.
///
/// ```
/// use pullback::nn::{Layer, Linear};
/// use pullback::{Tensor, random};
/// // Python: torch.manual_seed(42); nn.Linear(2, 1)(torch.tensor([[1., 2.]]))    -> [[1.5488]]
/// random::manual_seed(42);
/// let layer = Linear::new(2, 1)?;
/// assert_eq!(layer.weight.to_vec::<f32>()?, [0.5406104, 0.5869042]);
/// let y = layer.forward(&Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.5487633]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linear {
    /// (out, in).
    pub weight: Tensor,
    /// (out), if there is one.
    pub bias: Option<Tensor>,
}

module!(Linear { weight, bias } => |m| {
    let shape = m.weight.shape();
    let (out, of) = (shape.first().copied().unwrap_or(0), shape.get(1).copied().unwrap_or(0));
    Repr::new("Linear").extra(format!("in_features={of}, out_features={out}, bias={}", python(m.bias.is_some())))
});

layer!(Linear, |m, x| x.linear(&m.weight, m.bias.as_ref()));

builder! {
    /// How a [`Linear`] is made.
    LinearBuilder for Linear;
    (in_features: usize, out_features: usize);
    {
        /// Whether there is a bias.
        bias: bool = true,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl LinearBuilder {
    /// Makes the layer: draws weight and bias.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<Linear> {
        let weight = init::parameter(&[self.out_features, self.in_features], self.dtype)?;
        let bias = init::optional(self.bias, &[self.out_features], self.dtype)?;
        init::affine(&weight, bias.as_ref())?;
        Ok(Linear { weight, bias })
    }
}

/// `x₁ᵀ A x₂ + b`, for each of `out_features`. PyTorch's `nn.Bilinear`.
#[derive(Clone, Debug)]
pub struct Bilinear {
    /// (out, in1, in2).
    pub weight: Tensor,
    /// (out), if there is one.
    pub bias: Option<Tensor>,
}

module!(Bilinear { weight, bias } => |m| {
    let size = |d: usize| m.weight.shape().get(d).copied().unwrap_or(0);
    Repr::new("Bilinear").extra(format!(
        "in1_features={}, in2_features={}, out_features={}, bias={}", size(1), size(2), size(0), python(m.bias.is_some())
    ))
});

builder! {
    /// How a [`Bilinear`] is made.
    BilinearBuilder for Bilinear;
    (in1_features: usize, in2_features: usize, out_features: usize);
    {
        /// Whether there is a bias.
        bias: bool = true,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl BilinearBuilder {
    /// Makes the layer: draws weight and bias between ±1/√in1.
    ///
    /// # Errors
    /// PyTorch's sentence where there are no first features.
    #[track_caller]
    pub fn build(self) -> Result<Bilinear> {
        ensure!(
            self.in1_features > 0,
            Value,
            "in1_features must be > 0, but got {}",
            self.in1_features
        );
        let shape = [self.out_features, self.in1_features, self.in2_features];
        let weight = init::parameter(&shape, self.dtype)?;
        let bias = init::optional(self.bias, &[self.out_features], self.dtype)?;
        let bound = 1.0 / (self.in1_features as f64).sqrt();
        init::uniform_(&weight, -bound, bound)?;
        if let Some(bias) = &bias {
            init::uniform_(bias, -bound, bound)?;
        }
        Ok(Bilinear { weight, bias })
    }
}

impl Bilinear {
    /// The result for two inputs whose dimensions but the last are the same.
    ///
    /// # Errors
    /// As [`crate::bilinear`].
    #[track_caller]
    pub fn forward(&self, x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
        observe::of(self, || {
            crate::bilinear(x1, x2, &self.weight, self.bias.as_ref())
        })
    }
}

/// What it is given. PyTorch's `nn.Identity`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

module!(Identity {});
layer!(Identity, |m, x| {
    let _ = m;
    Ok(x.clone())
});
