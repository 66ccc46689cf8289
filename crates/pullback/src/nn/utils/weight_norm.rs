//! Weights as a length times a direction.

use super::shell::Shell;
use crate::nn::repr::Repr;
use crate::nn::{Layer, Module, Visit, VisitMut};
use crate::{Result, Tensor};

/// A layer whose weight is a length times a direction, for each slice of a dimension. PyTorch's `nn.utils.parametrizations.weight_norm`.
///
/// ```
/// use pullback::nn::utils::WeightNorm;
/// use pullback::nn::{Layer, Linear, Module};
/// use pullback::{DType, Tensor};
/// let plain = Linear::new(3, 2)?;
/// let layer = WeightNorm::new(&plain, "weight", Some(0))?;
/// let names = layer.named_parameters();
/// assert_eq!(names.names().collect::<Vec<_>>(), ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]);
/// let x = Tensor::ones([1, 3], DType::F32)?;
/// assert!(layer.forward(&x)?.allclose(&plain.forward(&x)?, Default::default())?);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightNorm<L> {
    shell: Shell<L>,
    /// The lengths.
    pub original0: Tensor,
    /// The directions, of any length.
    pub original1: Tensor,
    dim: Option<usize>,
}

/// The norm over all dimensions but one, which stay with size 1; over all without one.
fn norm_except(v: &Tensor, dim: Option<usize>) -> Result<Tensor> {
    let Some(dim) = dim else {
        return v.vector_norm(2.0, &[], false, None);
    };
    let others: Vec<i64> = (0..v.ndim())
        .filter(|&d| d != dim)
        .map(|d| d as i64)
        .collect();
    match others.is_empty() {
        true => v.abs(),
        false => v.vector_norm(2.0, &others, true, None),
    }
}

impl<L: Module + Clone> WeightNorm<L> {
    /// Of a layer's tensor `name`, with a length for each slice of `dim`, or one for all.
    ///
    /// # Errors
    /// PyTorch's sentence where there is no such tensor; for a dimension that there is not.
    pub fn new(layer: &L, name: &str, dim: Option<i64>) -> Result<WeightNorm<L>> {
        let (shell, weight) = Shell::new(layer, name)?;
        let dim = dim.map(|d| weight.shape().dim(d)).transpose()?;
        let weight = weight.detach();
        Ok(WeightNorm {
            original0: norm_except(&weight, dim)?.requires_grad_(true)?,
            original1: weight.copy()?.requires_grad_(true)?,
            shell,
            dim,
        })
    }

    /// The weight: directions of length 1 times the lengths.
    ///
    /// # Errors
    /// Those of its arithmetic.
    pub fn weight(&self) -> Result<Tensor> {
        let scale = self
            .original0
            .div(&norm_except(&self.original1, self.dim)?)?;
        self.original1.mul(&scale)
    }

    /// The layer with its weight computed: to call it in a way of its own.
    ///
    /// # Errors
    /// Those of [`WeightNorm::weight`].
    pub fn layer(&self) -> Result<L> {
        self.shell.with(&self.weight()?)
    }
}

impl<L: Module + Clone> Module for WeightNorm<L> {
    fn visit(&self, v: &mut Visit<'_>) {
        self.shell.visit(v);
        v.field(self.shell.part("original0"), &self.original0);
        v.field(self.shell.part("original1"), &self.original1);
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        self.shell.visit_mut(v)?;
        let names = ["original0", "original1"].map(|n| self.shell.part(n));
        v.field(&names[0], &mut self.original0)?;
        v.field(&names[1], &mut self.original1)
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("WeightNorm").extra(self.shell.text()))
    }
}

impl<L: Layer + Clone> Layer for WeightNorm<L> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        crate::nn::observe::of(self, || self.layer()?.forward(x))
    }
}
