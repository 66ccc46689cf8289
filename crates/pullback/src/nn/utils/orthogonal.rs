//! Weights whose rows or columns stay orthogonal, whatever an optimiser does to the parameters that they are computed of.

use super::shell::Shell;
use crate::core::fail::ensure;
use crate::nn::repr::Repr;
use crate::nn::{Layer, Module, Visit, VisitMut};
use crate::{DType, Result, Tensor, cat, eye, no_grad};

/// How an orthogonal matrix is made of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrthogonalMap {
    /// exp(A) of the skew-symmetric A = X - Xᵀ, of X's lower triangle.
    MatrixExp,
    /// (I + A/2)(I - A/2)⁻¹ of the same A; with the feature `linalg`.
    Cayley,
    /// The product of the reflections in X's columns.
    Householder,
}

/// A layer whose weight is orthogonal: WᵀW = 1, or WWᵀ = 1 where it is wider than high. PyTorch's `nn.utils.parametrizations.orthogonal`.
///
/// The weight is `base` times a map's matrix, where `base` is the layer's weight, made orthogonal. That takes the feature `linalg`.
/// Source: Lezcano-Casado, Trivializations for gradient-based optimization on manifolds.
///
/// ```
/// # #[cfg(feature = "linalg")] {
/// use pullback::nn::utils::Orthogonal;
/// use pullback::nn::{Linear, Module};
/// use pullback::{DType, eye};
/// let layer = Orthogonal::new(&Linear::new(3, 2)?, "weight", None)?;
/// let names = layer.named_parameters();
/// assert_eq!(names.names().collect::<Vec<_>>(), ["bias", "parametrizations.weight.original"]);
/// let w = layer.weight()?;
/// assert!(w.matmul(&w.t()?)?.sub(&eye(2, None, DType::F32)?)?.abs()?.max()?.item::<f32>()? < 1e-5);
/// # }
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Orthogonal<L> {
    shell: Shell<L>,
    /// What the optimiser changes; its shape is the weight's.
    pub original: Tensor,
    /// What the map's matrix is multiplied with.
    pub base: Tensor,
    map: OrthogonalMap,
}

/// Rows and columns.
fn size(x: &Tensor) -> Result<(usize, usize)> {
    Ok((x.size(-2)?, x.size(-1)?))
}

/// Whether columns are orthogonal and of length 1, to rounding.
fn is_orthogonal(q: &Tensor) -> Result<bool> {
    let (n, k) = size(q)?;
    let eps = match q.dtype() {
        DType::F64 => f64::EPSILON,
        _ => f64::from(f32::EPSILON),
    };
    let one = eye(k, None, q.dtype())?;
    let off = q.transpose(-2, -1)?.matmul(q)?.sub(&one)?.abs()?;
    // PyTorch's `allclose`: a part of what is compared with, and this.
    let most = one.mul(1e-5)?.add(10.0 * n as f64 * eps)?;
    off.le(&most)?.all(&[], false)?.item()
}

/// The orthogonal factor whose triangular one has no negative diagonal.
fn made_orthogonal(a: &Tensor) -> Result<Tensor> {
    let (x, tau) = a.geqrf()?;
    let signs = x.diagonal(0, -2, -1)?.sign()?.unsqueeze(-2)?;
    x.householder_product(&tau)?.mul(&signs)
}

impl<L: Module + Clone> Orthogonal<L> {
    /// Of a layer's tensor `name`, by a map: without one the matrix exponential of square weights, and reflections of others.
    ///
    /// # Errors
    /// PyTorch's sentences where there is no such tensor, and for one of fewer than two dimensions; without the feature `linalg`.
    pub fn new(layer: &L, name: &str, map: Option<OrthogonalMap>) -> Result<Orthogonal<L>> {
        let (shell, weight) = Shell::new(layer, name)?;
        ensure!(
            weight.ndim() >= 2,
            Value,
            "Expected a matrix or batch of matrices. Got a tensor of {} dimensions.",
            weight.ndim()
        );
        let _guard = no_grad();
        let wide = size(&weight)?.0 < size(&weight)?.1;
        let tall = match wide {
            true => weight.transpose(-2, -1)?,
            false => weight.detach(),
        };
        let (n, k) = size(&tall)?;
        let map = map.unwrap_or(match n == k {
            true => OrthogonalMap::MatrixExp,
            false => OrthogonalMap::Householder,
        });
        let base = match n == k {
            true if is_orthogonal(&tall)? => tall.copy()?,
            true => made_orthogonal(&tall)?,
            false => {
                let mut rest = tall.shape().to_vec();
                let last = rest.len() - 1;
                rest[last] = n - k;
                let drawn = Tensor::randn(rest, tall.dtype())?;
                made_orthogonal(&cat(&[&tall, &drawn], -1)?)?
            }
        };
        let original = Tensor::zeros(weight.shape(), weight.dtype())?;
        original.diagonal(0, -2, -1)?.fill_(-1.0)?;
        Ok(Orthogonal {
            shell,
            original: original.requires_grad_(true)?,
            base,
            map,
        })
    }

    /// The map's matrix, of a tall one.
    fn mapped(&self, x: &Tensor) -> Result<Tensor> {
        let (n, k) = size(x)?;
        if self.map == OrthogonalMap::Householder {
            let a = x.tril(-1)?;
            let tau = a
                .square()?
                .sum_dims(&[-2], false)?
                .add(1)?
                .reciprocal()?
                .mul(2)?;
            // 1 and -1, through which no gradient goes.
            let signs = x.detach().diagonal(0, -2, -1)?.trunc()?.unsqueeze(-2)?;
            return a.householder_product(&tau)?.mul(&signs);
        }
        let mut lower = x.tril(0)?;
        if n != k {
            let mut rest = x.shape().to_vec();
            let last = rest.len() - 1;
            rest[last] = n - k;
            lower = cat(&[&lower, &Tensor::zeros(rest, x.dtype())?], -1)?;
        }
        let a = lower.sub(&lower.transpose(-2, -1)?)?;
        let q = match self.map {
            OrthogonalMap::MatrixExp => a.matrix_exp()?,
            _ => {
                let one = eye(n, None, a.dtype())?;
                let half = a.mul(0.5)?;
                one.sub(&half)?.solve(&one.add(&half)?, true)?
            }
        };
        q.narrow(-1, 0, k)
    }

    /// The weight.
    ///
    /// # Errors
    /// Those of its arithmetic.
    pub fn weight(&self) -> Result<Tensor> {
        let (n, k) = size(&self.original)?;
        match n < k {
            true => {
                let q = self.mapped(&self.original.transpose(-2, -1)?)?;
                self.base.matmul(&q)?.transpose(-2, -1)
            }
            false => self.base.matmul(&self.mapped(&self.original)?),
        }
    }

    /// The layer with its weight computed: to call it in a way of its own.
    ///
    /// # Errors
    /// Those of [`Orthogonal::weight`].
    pub fn layer(&self) -> Result<L> {
        self.shell.with(&self.weight()?)
    }
}

impl<L: Module + Clone> Module for Orthogonal<L> {
    fn visit(&self, v: &mut Visit<'_>) {
        self.shell.visit(v);
        v.field(self.shell.part("original"), &self.original);
        v.field(self.shell.part("0.base"), &self.base);
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        self.shell.visit_mut(v)?;
        let names = ["original", "0.base"].map(|n| self.shell.part(n));
        v.field(&names[0], &mut self.original)?;
        v.field(&names[1], &mut self.base)
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("Orthogonal").extra(self.shell.text()))
    }
}

impl<L: Layer + Clone> Layer for Orthogonal<L> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        crate::nn::observe::of(self, || self.layer()?.forward(x))
    }
}
