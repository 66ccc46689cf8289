//! Singular values and vectors: `svd`, `svdvals`.

use super::matrices::{
    failed, floating, matrix, no_end, precise, refused, sides, skew, times_columns, unit,
};
use crate::core::apply::apply_many;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::cat;
use crate::{Array, Result};
use pullback_array::factor::{self, Factor};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// U, singular values in falling order, and Vᵀ.
#[derive(Clone, Debug)]
pub struct Svd {
    /// All columns of U and rows of Vᵀ.
    pub full: bool,
}
define! { Svd: General "linalg_svd", "torch.linalg.svd";
    summary: "A = U diag(s) Vᵀ: singular values in falling order, orthonormal columns and rows.";
    formula: "U diag(s) Vᵀ = A";
    derivative: "U ((skew(Uᵀ g_U) / E) S + S (skew(Vᵀ g_V) / E) + diag(g_s)) Vᵀ, Eᵢⱼ = sⱼ² - sᵢ², and what leaves the space of U and V";
    convention: "As in PyTorch gradients of singular vectors are not finite where singular values are equal.";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::result(Svd { full: false }, 1, &[(s, x)]);
        let x = [2.0, 0.5, -1.0, 1.5, 0.25, 1.0, -0.75, 3.0];
        vec![of(&[2, 2], &x[..4]), of(&[3, 2], &x[..6]), of(&[2, 3], &x[..6]), of(&[2, 2, 2], &x), of(&[0, 2, 2], &[])]
    }, spread: true }
}

/// Eᵢⱼ = sⱼ² - sᵢ², and one on the diagonal.
fn gaps(s: &Tensor) -> Result<Tensor> {
    let (row, column) = (s.unsqueeze(-2)?, s.unsqueeze(-1)?);
    // As a product of sum and difference it keeps its digits where values are close.
    row.sub(&column)?.mul(&row.add(&column)?)?.add(&unit(&row)?)
}

/// What of `x` leaves the space of the columns of `u`.
fn outside(u: &Tensor, x: &Tensor) -> Result<Tensor> {
    x.sub(&u.matmul(&u.mt()?.matmul(x)?)?)
}

impl Svd {
    fn pulled(u: &Tensor, s: &Tensor, vh: &Tensor, g: &[Option<Tensor>]) -> Result<Option<Tensor>> {
        let (m, k, n) = (sides(u).0, sides(u).1, sides(vh).1);
        let (gu, gs, gvh) = (&g[0], &g[1], &g[2]);
        if gu.is_none() && gvh.is_none() {
            return match gs {
                Some(gs) => Ok(Some(times_columns(u, gs)?.matmul(vh)?)),
                None => Ok(None),
            };
        }
        let e = gaps(s)?;
        let mut inner = match gs {
            Some(gs) => gs.diag_embed(0, -2, -1)?,
            None => s.zeros_like()?.diag_embed(0, -2, -1)?,
        };
        if let Some(gu) = gu {
            let turn = skew(&u.mt()?.matmul(gu)?)?.div(&e)?;
            inner = inner.add(&times_columns(&turn, s)?)?;
        }
        if let Some(gvh) = gvh {
            let turn = skew(&vh.matmul(&gvh.mt()?)?)?.div(&e)?;
            inner = inner.add(&s.unsqueeze(-1)?.mul(&turn)?)?;
        }
        let mut out = u.matmul(&inner)?.matmul(vh)?;
        if let (Some(gu), true) = (gu, m > k) {
            let scaled = gu.div(&s.unsqueeze(-2)?)?;
            out = out.add(&outside(u, &scaled)?.matmul(vh)?)?;
        }
        if let (Some(gvh), true) = (gvh, n > k) {
            let scaled = gvh.div(&s.unsqueeze(-1)?)?;
            out = out.add(&u.matmul(&outside(&vh.mt()?, &scaled.mt()?)?.mt()?)?)?;
        }
        Ok(Some(out))
    }
}

impl Op for Svd {
    common!(stacked, results 3);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let found = factor::factor(x[0], Factor::Svd { full: self.full })?;
        failed("linalg.svd", x[0], &found.info, no_end)?;
        Ok(found.parts.into_iter().collect())
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let (u, s, vh) = (cx.output_at(0)?, cx.output_at(1)?, cx.output_at(2)?);
        let k = s.shape().last().copied().unwrap_or(0);
        // Columns beyond the singular values are arbitrary: PyTorch's rule leaves out what is sent to them.
        let columns = |x: &Tensor| x.narrow(-1, 0, k);
        let rows = |x: &Tensor| x.narrow(-2, 0, k);
        let g = [
            g[0].as_ref().map(columns).transpose()?,
            g[1].clone(),
            g[2].as_ref().map(rows).transpose()?,
        ];
        out[0] = Svd::pulled(&columns(&u)?, &s, &rows(&vh)?, &g)?;
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let (u, s, vh) = (cx.output_at(0)?, cx.output_at(1)?, cx.output_at(2)?);
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None, None]);
        };
        let k = s.shape().last().copied().unwrap_or(0);
        let (u_all, v_all) = (u, vh.mt()?);
        let (u, v) = (u_all.narrow(-1, 0, k)?, v_all.narrow(-1, 0, k)?);
        let inner = u.mt()?.matmul(t)?.matmul(&v)?;
        let ds = inner.diagonal(0, -2, -1)?;
        let e = gaps(&s)?;
        let off = inner.sub(&inner.tril(0)?.triu(0)?)?;
        let (left, right) = (times_columns(&off, &s)?, s.unsqueeze(-1)?.mul(&off)?);
        let mut du = u.matmul(&left.add(&left.mt()?)?.div(&e)?)?;
        let mut dv = v.matmul(&right.add(&right.mt()?)?.div(&e)?)?;
        if sides(&u).0 > k {
            du = du.add(&outside(&u, &t.matmul(&v)?)?.div(&s.unsqueeze(-2)?)?)?;
        }
        if sides(&v).0 > k {
            dv = dv.add(&outside(&v, &t.mt()?.matmul(&u)?)?.div(&s.unsqueeze(-2)?)?)?;
        }
        // Columns beyond the singular values are arbitrary: PyTorch's rule leaves them where they are.
        let still = |d: Tensor, all: &Tensor| match sides(all).1 - k {
            0 => Ok(d),
            more => cat(&[&d, &all.narrow(-1, k, more)?.zeros_like()?], -1),
        };
        let (du, dv) = (still(du, &u_all)?, still(dv, &v_all)?);
        Ok(smallvec![Some(du), Some(ds), Some(dv.mt()?)])
    }
}

rules::by_first!(Svd);

#[pullback_macros::called]
impl Tensor {
    /// A = U diag(s) Vᵀ: (U `[…, m, k]`, s `[…, k]` in falling order, Vᵀ `[…, k, n]`), k = min(m, n); with `full`, U `[…, m, m]` and Vᵀ
    /// `[…, n, n]`. The signs of singular vectors are not defined: let nothing depend on them. PyTorch's `linalg.svd`.
    ///
    /// # Errors
    /// Where there is no matrix of a floating dtype, or it is not finite; without the feature `linalg`.
    #[track_caller]
    pub fn svd(&self, full: bool) -> Result<(Tensor, Tensor, Tensor)> {
        self.svd_as(full, "linalg.svd", Location::caller())
    }

    pub(crate) fn svd_as(
        &self,
        full: bool,
        name: &str,
        site: &'static Location<'static>,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        matrix(self, name)?;
        floating(self, name)?;
        precise(self, "linalg_svd_cpu")?;
        let mut all = apply_many(&Svd { full }, &[self], site)?.into_iter();
        match (all.next(), all.next(), all.next()) {
            (Some(u), Some(s), Some(vh)) => Ok((u, s, vh)),
            _ => Err(refused("three results were expected".into())),
        }
    }

    /// The singular values `[…, min(m, n)]`, in falling order. PyTorch's `linalg.svdvals`.
    ///
    /// # Errors
    /// As [`Tensor::svd`].
    #[track_caller]
    pub fn svdvals(&self) -> Result<Tensor> {
        Ok(self.svd_as(false, "linalg.svd", Location::caller())?.1)
    }
}
