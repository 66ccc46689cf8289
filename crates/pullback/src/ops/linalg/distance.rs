//! Distances between vectors, and how variables vary together: compositions of norms, sums and products.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::VectorNorm;
use crate::ops::common::anchor::entered;
use crate::ops::linalg::diagonal::triu_indices;
use crate::{DType, Result};
use std::panic::Location;

/// Errors unless the weights of `n` observations are those that `cov` takes under this name.
fn fits_weights(name: &str, w: Option<&Tensor>, n: usize) -> Result<()> {
    let Some(w) = w else { return Ok(()) };
    let dtype = w.dtype().scalar_type_name();
    let (right, want) = match name {
        "fweights" => (
            !w.dtype().is_float() && w.dtype() != DType::Bool,
            "integral",
        ),
        _ => (w.dtype().is_float(), "floating point"),
    };
    if w.ndim() > 1 {
        bail!(
            Shape,
            "cov(): expected {name} to have one or fewer dimensions but got {name} with {} dimensions",
            w.ndim()
        );
    }
    ensure!(
        right,
        DType,
        "cov(): expected {name} to have {want} dtype but got {name} with {dtype} dtype"
    );
    ensure!(
        w.numel() == n,
        Shape,
        "cov(): expected {name} to have the same numel as there are observations in the input but got {} != {n}",
        w.numel()
    );
    ensure!(
        w.lt(0i64)?.any(&[], false)?.number()? != crate::Number::Bool(true),
        Argument,
        "cov(): {name} cannot be negative"
    );
    Ok(())
}

/// The norms of order `p` of differences, along the last dimension, with the gradients of PyTorch's distances.
fn lengths(off: &Tensor, p: f64, of: &'static str, site: Site) -> Result<Tensor> {
    let last = off.ndim() - 1;
    if off.shape()[last] == 0 {
        return entered(off, of, site)?.sum_dims(&[-1], false);
    }
    if p == 0.0 {
        // The gradient is 0 and, in PyTorch, a function of the vectors.
        return entered(off, of, site)?.vector_norm(p, &[-1], false, None);
    }
    if p != f64::INFINITY {
        let op = VectorNorm {
            ord: p,
            dims: vec![last],
            keepdim: false,
            flat: true,
        };
        return apply_dyn(&op, &[off], site);
    }
    // Unlike in a norm, each of several largest coordinates gets the whole gradient.
    let size = off.abs()?;
    let top = size.detach().amax(&[-1], true)?;
    let won = size.detach().eq(&top)?.to(size.dtype())?;
    let moving = size.sub(&size.detach())?.mul(&won)?;
    top.sum_dims(&[-1], false)?
        .add(&moving.sum_dims(&[-1], false)?)
}

#[pullback_macros::called]
impl Tensor {
    /// The norm of order `p` of the difference.
    ///
    /// # Errors
    /// Where the shapes do not broadcast; for integers.
    #[track_caller]
    pub fn dist(&self, other: &Tensor, p: f64) -> Result<Tensor> {
        let off = self.sub(other)?;
        if !off.dtype().is_float() {
            let dtype = off.dtype().scalar_type_name();
            bail!(
                Unsupported,
                "norm(): input dtype should be either floating point or complex. Got {dtype} instead."
            );
        }
        off.vector_norm(p, &[], false, None)
    }

    /// Distances of order `p` between all pairs of rows of two matrices, or of stacks of them.
    ///
    /// # Errors
    /// Where ranks, sizes or dtypes do not fit; for a negative order.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[0.0f32, 0.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(x.cdist(&x, 2.0)?.to_vec::<f32>()?, [0.0, 5.0, 5.0, 0.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn cdist(&self, x2: &Tensor, p: f64) -> Result<Tensor> {
        let site = Location::caller();
        for (name, x) in [("X1", self), ("X2", x2)] {
            if x.ndim() < 2 {
                bail!(
                    Shape,
                    "cdist only supports at least 2D tensors, {name} got: {}D",
                    x.ndim()
                );
            }
        }
        let (m, n) = (self.size(-1)?, x2.size(-1)?);
        for (name, x) in [("X1", self), ("X2", x2)] {
            if !x.dtype().is_float() {
                let dtype = x.dtype().scalar_type_name();
                bail!(
                    DType,
                    "cdist only supports floating-point dtypes, {name} got: {dtype}"
                );
            }
        }
        ensure!(
            m == n,
            Shape,
            "X1 and X2 must have the same number of columns. X1: {m} X2: {n}"
        );
        if p.is_nan() || p < 0.0 {
            bail!(Argument, "cdist only supports non-negative p values");
        }
        if self.dtype() != x2.dtype() {
            let name = |d: DType| d.scalar_type_name();
            bail!(
                DType,
                "expected scalar type {} but found {}",
                name(self.dtype()),
                name(x2.dtype())
            );
        }
        let off = self.unsqueeze(-2)?.sub(&x2.unsqueeze(-3)?)?;
        lengths(&off, p, "cdist", site)
    }

    /// Distances of order `p` between the rows of a matrix, each pair once: of row 0 to all later ones, then of row 1, and so on.
    /// PyTorch's `pdist`, whose default order is 2.
    ///
    /// # Errors
    /// For what is no matrix of floats, and for a negative order.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[0.0f32, 0.0, 3.0, 4.0, 3.0, 0.0], [3, 2])?;
    /// assert_eq!(x.pdist(2.0)?.to_vec::<f32>()?, [5.0, 3.0, 4.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn pdist(&self, p: f64) -> Result<Tensor> {
        let site = Location::caller();
        if self.ndim() != 2 {
            bail!(
                Shape,
                "pdist only supports 2D tensors, got: {}D",
                self.ndim()
            );
        }
        ensure!(
            self.dtype().is_float(),
            DType,
            "pdist only supports floating-point dtypes"
        );
        if p.is_nan() || p < 0.0 {
            bail!(Argument, "pdist only supports non-negative p values");
        }
        let n = self.shape()[0] as i64;
        let pairs = triu_indices(n, n, 1, DType::I64)?.to_device(self.device())?;
        let rows = |k| self.index_select(0, &pairs.select(0, k)?);
        lengths(&rows(0)?.sub(&rows(1)?)?, p, "pdist", site)
    }

    /// Covariances of variables (rows) over observations (columns), with `n - correction` as divisor; observations count
    /// `fweights` times (integers) and weigh `aweights`.
    ///
    /// # Errors
    /// For more than two dimensions, for bool, for weights that do not fit.
    #[track_caller]
    pub fn cov(
        &self,
        correction: i64,
        fweights: Option<&Tensor>,
        aweights: Option<&Tensor>,
    ) -> Result<Tensor> {
        if self.ndim() > 2 {
            bail!(
                Shape,
                "cov(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                self.ndim()
            );
        }
        ensure!(
            self.dtype() != DType::Bool,
            Unsupported,
            "cov(): bool dtype is not supported for input"
        );
        let x = match self.ndim() {
            2 => self.clone(),
            _ => self.reshape([1, self.numel()])?,
        };
        let n = x.shape()[1];
        fits_weights("fweights", fweights, n)?;
        fits_weights("aweights", aweights, n)?;
        let weights = match (fweights, aweights) {
            (Some(f), Some(a)) => Some(f.mul(a)?),
            (f, a) => f.or(a).cloned(),
        };
        let weighted = |x: &Tensor| match &weights {
            Some(w) => x.mul(w),
            None => Ok(x.clone()),
        };
        let x = match x.dtype().is_float() {
            true => x,
            false => x.to(DType::default_float())?,
        };
        let Some(w) = &weights else {
            let divisor = (n as f64 - correction as f64).max(0.0);
            let off = x.sub(&x.sum_dims(&[1], true)?.div(n as f64)?)?;
            return off.mm(&off.t()?)?.div(divisor)?.squeeze();
        };
        let total = w.sum()?;
        let off = x.sub(&weighted(&x)?.sum_dims(&[1], true)?.div(&total)?)?;
        let lost = match aweights {
            Some(a) if correction != 0 => w.mul(a)?.sum()?.mul(correction)?.div(&total)?,
            Some(_) => total.zeros_like()?,
            None => Tensor::full(total.shape().clone(), correction, total.dtype())?,
        };
        let divisor = total.sub(&lost)?;
        let divisor = if divisor.item_f64()? <= 0.0 {
            divisor.zeros_like()?
        } else {
            divisor
        };
        off.mm(&weighted(&off)?.t()?)?.div(&divisor)?.squeeze()
    }

    /// Pearson's correlation coefficients of variables (rows) over observations (columns).
    ///
    /// # Errors
    /// For more than two dimensions.
    #[track_caller]
    pub fn corrcoef(&self) -> Result<Tensor> {
        if self.ndim() > 2 {
            bail!(
                Shape,
                "corrcoef(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                self.ndim()
            );
        }
        let c = self.cov(1, None, None)?;
        if c.ndim() == 0 {
            return c.div(&c);
        }
        let deviation = c.diag(0)?.sqrt()?;
        let n = deviation.numel();
        c.div(&deviation.reshape([n, 1])?)?
            .div(&deviation.reshape([1, n])?)?
            .clamp(-1.0, 1.0)
    }
}
