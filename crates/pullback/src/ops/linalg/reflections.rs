//! Householder's reflections one by one: `geqrf`, and products of them (`householder_product`, `ormqr`) as compositions.

use super::matrices::{ones_on_diagonal, precise, refused, sides};
use crate::core::apply::apply_many;
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, Result, Shape};
use pullback_array::factor::{self, Factor};
use smallvec::SmallVec;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// R and the reflections whose product is Q.
#[derive(Clone, Debug)]
pub struct Geqrf;
define! { Geqrf: Cut "geqrf", "torch.geqrf";
    summary: "R on and above the diagonal, and below it the vectors of reflections whose product is Q; and their factors τ.";
    formula: "(1 - τ₁ v₁ v₁ᵀ) (1 - τ₂ v₂ v₂ᵀ) … R = A";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |which, s: &[usize], x: &[f64]| Sample::result(Geqrf, which, &[(s, x)]);
        let x = [2.0, 0.5, -1.0, 1.5, 0.25, 1.0, -0.75, 3.0];
        vec![
            of(0, &[2, 2], &x[..4]),
            of(1, &[3, 2], &x[..6]),
            of(0, &[2, 3], &x[..6]),
            of(0, &[2, 2, 2], &x),
            of(1, &[0, 2, 2], &[]),
        ]
    }, spread: true }
}

impl Op for Geqrf {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let found = factor::factor(x[0], Factor::Reflectors)?;
        Ok(found.parts.into_iter().collect())
    }
}

/// Whether vectors and factors of reflections belong together, in PyTorch's words.
fn together(x: &Tensor, tau: &Tensor, name: &str) -> Result<()> {
    if tau.ndim() + 1 != x.ndim() {
        return Err(refused(format!(
            "{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {} and input.ndim is equal to {}",
            tau.ndim(),
            x.ndim()
        )));
    }
    if tau.shape()[..tau.ndim() - 1] != x.shape()[..x.ndim() - 2] {
        return Err(refused(format!(
            "{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {}",
            Shape::new(&tau.shape()[..tau.ndim() - 1])
        )));
    }
    Ok(())
}

/// The vectors of reflections, with their ones and zeros.
fn vectors(x: &Tensor) -> Result<Tensor> {
    let (m, n) = sides(x);
    x.tril(-1)?.add(&ones_on_diagonal(x, m, n)?)
}

/// The reflections, one after the other, of what is given.
fn reflected(
    vectors: &Tensor,
    tau: &Tensor,
    mut x: Tensor,
    order: impl Iterator<Item = usize>,
) -> Result<Tensor> {
    for i in order {
        let v = vectors.narrow(-1, i, 1)?;
        let scaled = v.mul(&tau.narrow(-1, i, 1)?.unsqueeze(-1)?)?;
        x = x.sub(&scaled.matmul(&v.mt()?.matmul(&x)?)?)?;
    }
    Ok(x)
}

#[pullback_macros::called]
impl Tensor {
    /// R on and above the diagonal and the vectors of reflections below it `[…, m, n]`, and their factors τ `[…, min(m, n)]`. PyTorch's
    /// `geqrf`; no gradient passes.
    ///
    /// # Errors
    /// Where there is no matrix of a floating dtype; without the feature `linalg`.
    #[track_caller]
    pub fn geqrf(&self) -> Result<(Tensor, Tensor)> {
        let site = Location::caller();
        if self.ndim() < 2 {
            return Err(refused(
                "torch.geqrf: input must have at least 2 dimensions.".into(),
            ));
        }
        precise(self, "geqrf_cpu")?;
        let mut both = apply_many(&Geqrf, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(made), Some(tau)) => Ok((made, tau)),
            _ => Err(refused("two results were expected".into())),
        }
    }

    /// The first columns of (1 - τ₁ v₁ v₁ᵀ) (1 - τ₂ v₂ v₂ᵀ) …, vᵢ below the diagonal of column i (of `self`, `[…, m, n]`) and one on it.
    /// PyTorch's `linalg.householder_product`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit.
    #[track_caller]
    pub fn householder_product(&self, tau: &Tensor) -> Result<Tensor> {
        let name = "torch.linalg.householder_product";
        if self.ndim() < 2 {
            return Err(refused(format!(
                "{name}: input must have at least 2 dimensions."
            )));
        }
        let ((m, n), k) = (sides(self), tau.shape().last().copied().unwrap_or(0));
        if m < n {
            return Err(refused(format!(
                "{name}: input.shape[-2] must be greater than or equal to input.shape[-1]"
            )));
        }
        if n < k {
            return Err(refused(format!(
                "{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]"
            )));
        }
        together(self, tau, name)?;
        if tau.dtype() != self.dtype() {
            return Err(refused(format!(
                "{name}: tau dtype {} does not match input dtype {}",
                tau.dtype().scalar_type_name(),
                self.dtype().scalar_type_name()
            )));
        }
        precise(self, "orgqr_cpu")?;
        let below = vectors(self)?;
        let one = vectors(&self.detach().zeros_like()?)?;
        // Sums of no columns: what depends on nothing where there are no reflections is still a function of `self`, as in PyTorch.
        let nothing = below.narrow(-1, 0, 0)?.sum_dims(&[-1], true)?;
        reflected(&below, tau, one.add(&nothing)?, (0..k).rev())
    }

    /// Q B, B Q, Qᵀ B or B Qᵀ of B (`other`, `[…, m, k]` or `[…, k, m]`) and the m × m product Q of the reflections that `self` and `tau`
    /// are, as [`Tensor::geqrf`] gives them. PyTorch's `ormqr`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit.
    #[track_caller]
    pub fn ormqr(
        &self,
        tau: &Tensor,
        other: &Tensor,
        left: bool,
        transpose: bool,
    ) -> Result<Tensor> {
        let name = "torch.ormqr";
        self.fits_reflections(tau, other, left)?;
        together(self, tau, name)?;
        if other.ndim() != self.ndim() {
            return Err(refused(format!(
                "{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to {} and input.ndim is equal to {}",
                other.ndim(),
                self.ndim()
            )));
        }
        let front = |t: &Tensor| Shape::new(&t.shape()[..t.ndim() - 2]);
        if front(other) != front(self) {
            return Err(refused(format!(
                "{name}: Expected batch dimensions of other to be equal to input.shape[:-2], but got {}",
                front(other)
            )));
        }
        for (word, t) in [("tau", tau), ("other", other)] {
            if t.dtype() != self.dtype() {
                return Err(refused(format!(
                    "{name}: Expected input and {word} to have the same dtype, but input has dtype{} and {word} has dtype {}",
                    self.dtype().scalar_type_name(),
                    t.dtype().scalar_type_name()
                )));
            }
        }
        precise(self, "ormqr_cpu")?;
        let (v, k) = (vectors(self)?, tau.shape().last().copied().unwrap_or(0));
        let x = if left { other.clone() } else { other.mt()? };
        // From the right it is the transpose of Qᵀ from the left.
        let made = match left == transpose {
            true => reflected(&v, tau, x, 0..k)?,
            false => reflected(&v, tau, x, (0..k).rev())?,
        };
        if left { Ok(made) } else { made.mt() }
    }

    fn fits_reflections(&self, tau: &Tensor, other: &Tensor, left: bool) -> Result<()> {
        let name = "torch.ormqr";
        for (word, t) in [("input", self), ("other", other)] {
            if t.ndim() < 2 {
                return Err(refused(format!(
                    "{name}: {word} must have at least 2 dimensions."
                )));
            }
        }
        let ((m, n), (rows, columns)) = (sides(self), sides(other));
        let (side, word) = if left { (rows, -2) } else { (columns, -1) };
        let k = tau.shape().last().copied().unwrap_or(0);
        if side < k {
            return Err(refused(format!(
                "{name}: other.shape[{word}] must be greater than or equal to tau.shape[-1]"
            )));
        }
        if side != m {
            return Err(refused(format!(
                "{name}: other.shape[{word}] must be equal to input.shape[-2]"
            )));
        }
        if k != side.min(n) {
            return Err(refused(format!(
                "{name}: tau.shape[-1] must be equal to min(other.shape[{word}], input.shape[-1])"
            )));
        }
        Ok(())
    }
}
