//! Eigenvalues and eigenvectors of symmetric matrices.

use super::matrices::{failed, precise, read, refused, skew, square, times_columns, unit};
use crate::core::apply::apply_many;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use pullback_array::factor::{self, Factor, NOT_FINITE};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Eigenvalues in rising order, and eigenvectors as columns, of matrices of which one triangle is read.
#[derive(Clone, Debug)]
pub struct Eigh {
    /// Whether the upper triangle is the one that is read.
    pub upper: bool,
}
define! { Eigh: General "linalg_eigh", "torch.linalg.eigh";
    summary: "Eigenvalues of symmetric matrices in rising order, and orthonormal eigenvectors; only one triangle is read.";
    formula: "V diag(w) Vᵀ = A";
    derivative: "V (diag(g_w) + ½ skew(Vᵀ g_V) / E) Vᵀ, Eᵢⱼ = wⱼ - wᵢ and nothing on the diagonal";
    convention: "As in PyTorch gradients are those along symmetric matrices, though one triangle is read; where eigenvalues are equal those of eigenvectors are not finite.";
    proof: { samples: || {
        let by = |upper, s: &[usize], x: &[f64]| Sample::result(Eigh { upper }, 0, &[(s, x)]).of_symmetric();
        let of = |s: &[usize], x: &[f64]| by(false, s, x);
        vec![
            of(&[2, 2], &[2.0, 0.5, 0.5, -1.5]),
            by(true, &[2, 2], &[2.0, 0.5, 0.5, -1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.25, -1.5, 0.25, -0.5, 0.25, 4.0]),
            of(&[2, 2, 2], &[2.0, 0.5, 0.5, -1.5, 1.0, 0.25, 0.25, 2.5]),
            of(&[0, 2, 2], &[]),
            of(&[1, 1], &[-4.0]),
        ]
    }, spread: true }
}

/// LAPACK does not look for what is not finite: its iterations do not end.
pub(super) fn no_eigenvalues(info: i32) -> String {
    let code = if info == NOT_FINITE { 1 } else { info };
    super::matrices::no_end(code)
}

/// Eᵢⱼ = wⱼ - wᵢ, and one on the diagonal.
fn gaps(w: &Tensor, v: &Tensor) -> Result<Tensor> {
    w.unsqueeze(-2)?.sub(&w.unsqueeze(-1)?)?.add(&unit(v)?)
}

/// A matrix without its diagonal.
fn off_diagonal(x: &Tensor) -> Result<Tensor> {
    x.sub(&x.tril(0)?.triu(0)?)
}

impl Op for Eigh {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let found = factor::factor(&read(x[0], self.upper)?, Factor::Eigh)?;
        failed("linalg.eigh", x[0], &found.info, no_eigenvalues)?;
        Ok(found.parts.into_iter().collect())
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let (w, v) = (cx.output_at(0)?, cx.output_at(1)?);
        let vt = v.mt()?;
        out[0] = Some(match (&g[0], &g[1]) {
            (Some(gw), None) => times_columns(&v, gw)?.matmul(&vt)?,
            (gw, Some(gv)) => {
                // Whatever has no derivative along symmetric matrices is left out, as in PyTorch.
                let mut inner = skew(&vt.matmul(gv)?)?.mul(0.5)?.div(&gaps(&w, &v)?)?;
                if let Some(gw) = gw {
                    inner = inner.add(&gw.diag_embed(0, -2, -1)?)?;
                }
                v.matmul(&inner)?.matmul(&vt)?
            }
            (None, None) => return Ok(()),
        });
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let (w, v) = (cx.output_at(0)?, cx.output_at(1)?);
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None]);
        };
        let inner = v.mt()?.matmul(t)?.matmul(&v)?;
        let dw = inner.diagonal(0, -2, -1)?;
        let dv = v.matmul(&off_diagonal(&inner)?.div(&gaps(&w, &v)?)?)?;
        Ok(smallvec![Some(dw), Some(dv)])
    }
}

rules::by_first!(Eigh);

#[pullback_macros::called]
impl Tensor {
    /// Eigenvalues `[…, n]` in rising order and orthonormal eigenvectors `[…, n, n]`, as columns, of symmetric matrices, of which the
    /// lower triangle is read, or the `upper` one. The sign of each vector is not defined: let nothing depend on it. PyTorch's
    /// `linalg.eigh`.
    ///
    /// # Errors
    /// Where matrices are not square, of no floating dtype or not finite; without the feature `linalg`.
    #[track_caller]
    pub fn eigh(&self, upper: bool) -> Result<(Tensor, Tensor)> {
        let (site, name) = (Location::caller(), "linalg.eigh");
        square(self, name)?;
        precise(self, "linalg_eigh_cpu")?;
        let mut both = apply_many(&Eigh { upper }, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(w), Some(v)) => Ok((w, v)),
            _ => Err(refused("two results were expected".into())),
        }
    }
}
