//! Weights over their largest singular value, which the power method follows.

use super::shell::Shell;
use crate::core::fail::ensure;
use crate::nn::repr::Repr;
use crate::nn::{Layer, Module, Visit, VisitMut, init, is_training};
use crate::{Result, Tensor, no_grad};

/// A layer whose weight, seen as a matrix, is divided by its largest singular value. PyTorch's `nn.utils.parametrizations.spectral_norm`.
///
/// The vectors of the power method go one step with each call while the thread trains.
///
/// ```
/// use pullback::nn::utils::SpectralNorm;
/// use pullback::nn::{Layer, Linear};
/// use pullback::{DType, Tensor};
/// let layer = SpectralNorm::new(&Linear::new(4, 3)?, "weight", 1, 0, 1e-12)?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 4], DType::F32)?)?.shape()[..], [2, 3]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SpectralNorm<L> {
    shell: Shell<L>,
    /// The weight before it is divided.
    pub original: Tensor,
    /// The left singular vector, as far as it is known.
    u: Tensor,
    /// The right one.
    v: Tensor,
    n_power_iterations: usize,
    dim: usize,
    eps: f64,
}

impl<L: Module + Clone> SpectralNorm<L> {
    /// Of a layer's tensor `name`, seen as a matrix of its dimension `dim` against all others (1 for transposed convolutions). PyTorch's defaults: one step of
    /// the power method a call, dimension 0, 1e-12.
    ///
    /// # Errors
    /// PyTorch's sentence where there is no such tensor; for a dimension that there is not; for no steps.
    pub fn new(
        layer: &L,
        name: &str,
        n_power_iterations: usize,
        dim: i64,
        eps: f64,
    ) -> Result<SpectralNorm<L>> {
        ensure!(
            n_power_iterations > 0,
            Value,
            "Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
        );
        let (shell, weight) = Shell::new(layer, name)?;
        let original = weight
            .detach()
            .copy()?
            .requires_grad_(weight.requires_grad())?;
        let dim = original.shape().dim(dim)?;
        ensure!(
            original.ndim() > 1,
            Value,
            "`{name}` has one dimension: there is no matrix to take the norm of"
        );
        let _guard = no_grad();
        let matrix = matrix(&original, dim)?;
        let drawn = |n: usize| -> Result<Tensor> {
            let t = Tensor::zeros([n], original.dtype())?;
            init::normal_(&t, 0.0, 1.0)?;
            Ok(t)
        };
        let (u, v) = (drawn(matrix.shape()[0])?, drawn(matrix.shape()[1])?);
        let made = SpectralNorm {
            shell,
            original,
            u: u.normalize(2.0, 0, eps)?,
            v: v.normalize(2.0, 0, eps)?,
            n_power_iterations,
            dim,
            eps,
        };
        made.power(&matrix, 15)?;
        Ok(made)
    }

    fn power(&self, matrix: &Tensor, steps: usize) -> Result<()> {
        let _guard = no_grad();
        for _ in 0..steps {
            self.u
                .copy_(&matrix.mv(&self.v)?.normalize(2.0, 0, self.eps)?)?;
            self.v
                .copy_(&matrix.t()?.mv(&self.u)?.normalize(2.0, 0, self.eps)?)?;
        }
        Ok(())
    }

    /// The weight over its norm; while the thread trains, the norm is followed first.
    ///
    /// # Errors
    /// Those of its arithmetic.
    pub fn weight(&self) -> Result<Tensor> {
        let matrix = matrix(&self.original, self.dim)?;
        if is_training() {
            self.power(&matrix.detach(), self.n_power_iterations)?;
        }
        // Copies: the next step writes the vectors, which this one's gradient still reads.
        let sigma = self.u.copy()?.dot(&matrix.mv(&self.v.copy()?)?)?;
        self.original.div(&sigma)
    }
}

/// One dimension against all others.
fn matrix(weight: &Tensor, dim: usize) -> Result<Tensor> {
    let others = (0..weight.ndim()).filter(|&d| d != dim);
    let order: Vec<i64> = std::iter::once(dim)
        .chain(others)
        .map(|d| d as i64)
        .collect();
    match dim {
        0 => weight.flatten_dims(1, -1),
        _ => weight.permute(&order)?.flatten_dims(1, -1),
    }
}

impl<L: Module + Clone> Module for SpectralNorm<L> {
    fn visit(&self, v: &mut Visit<'_>) {
        self.shell.visit(v);
        v.field(self.shell.part("original"), &self.original);
        v.field(self.shell.part("0._u"), &self.u);
        v.field(self.shell.part("0._v"), &self.v);
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        self.shell.visit_mut(v)?;
        let names = ["original", "0._u", "0._v"].map(|n| self.shell.part(n));
        v.field(&names[0], &mut self.original)?;
        v.field(&names[1], &mut self.u)?;
        v.field(&names[2], &mut self.v)
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("SpectralNorm").extra(self.shell.text()))
    }
}

impl<L: Layer + Clone> Layer for SpectralNorm<L> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        crate::nn::observe::of(self, || self.shell.with(&self.weight()?)?.forward(x))
    }
}
