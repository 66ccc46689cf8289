//! QR: orthogonal times upper triangular.

use super::matrices::{doubled, floating, matrix, precise, refused, sides, skew};
use crate::core::apply::apply_many;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::cat;
use crate::{Array, Error, ErrorKind, Result};
use pullback_array::factor::{self, Factor};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// What of Q and R is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrMode {
    /// As many columns of Q and rows of R as the smaller side has.
    Reduced,
    /// All columns of Q, and as many rows of R.
    Complete,
    /// R alone, of which there is no gradient; Q is empty.
    R,
}

/// Q and R.
#[derive(Clone, Debug)]
pub struct Qr {
    /// What of both is given.
    pub mode: QrMode,
}
define! { Qr: General "linalg_qr", "torch.linalg.qr";
    summary: "A = Q R: Q with orthonormal columns, R upper triangular.";
    formula: "Q R = A, Qᵀ Q = 1";
    derivative: "(g_Q + Q sym(tril(R g_Rᵀ - g_Qᵀ Q))) R⁻ᵀ for tall matrices; wide ones by their first columns";
    proof: { samples: || {
        let of = |which, s: &[usize], x: &[f64]| Sample::result(Qr { mode: QrMode::Reduced }, which, &[(s, x)]);
        let x = [2.0, 0.5, -1.0, 1.5, 0.25, 1.0, -0.75, 3.0];
        vec![
            of(0, &[2, 2], &x[..4]),
            of(1, &[2, 2], &x[..4]),
            of(0, &[3, 2], &x[..6]),
            of(1, &[3, 2], &x[..6]),
            of(0, &[2, 3], &[2.0, 0.5, -1.0, -1.5, 1.25, 1.0]),
            of(1, &[2, 3], &[2.0, 0.5, -1.0, -1.5, 1.25, 1.0]),
            of(1, &[2, 2, 2], &x),
            of(0, &[0, 2, 2], &[]),
        ]
    }, spread: true }
}

/// The gradient of a matrix of full column rank.
fn tall(q: &Tensor, r: &Tensor, gq: &Tensor, gr: &Tensor) -> Result<Tensor> {
    let m = r.matmul(&gr.mt()?)?.sub(&gq.mt()?.matmul(q)?)?;
    let both = doubled(&m.tril(-1)?)?.add(&m.tril(0)?.triu(0)?)?;
    let right = gq.add(&q.matmul(&both)?)?;
    r.mt()?.solve_triangular(&right, false, false, false)
}

impl Qr {
    fn possible(&self, m: usize, n: usize) -> Result<()> {
        let text = match self.mode {
            QrMode::R => {
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            }
            QrMode::Complete if m > n => {
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Autograd, text))
    }
}

impl Op for Qr {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let complete = self.mode == QrMode::Complete;
        let mut found = factor::factor(x[0], Factor::Qr { complete })?;
        if self.mode == QrMode::R {
            found.parts[0] = match x[0].is_meta() {
                true => Array::meta(crate::Layout::row_major([0].into()), x[0].dtype()),
                false => Array::zeros([0], x[0].dtype()),
            }?;
        }
        Ok(found.parts.into_iter().collect())
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let (q, r) = (cx.output_at(0)?, cx.output_at(1)?);
        let (m, n) = (sides(&q).0, sides(&r).1);
        self.possible(m, n)?;
        let or_zero =
            |g: &Option<Tensor>, like: &Tensor| g.clone().map_or_else(|| like.zeros_like(), Ok);
        let (gq, gr) = (or_zero(&g[0], &q)?, or_zero(&g[1], &r)?);
        out[0] = Some(match m >= n {
            true => tall(&q, &r, &gq, &gr)?,
            false => {
                let (rest, g_rest) = (r.narrow(-1, m, n - m)?, gr.narrow(-1, m, n - m)?);
                // Q Rest = the last columns of A: what they send to Q goes through the first ones.
                let a_rest = q.matmul(&rest)?;
                let gq = gq.add(&a_rest.matmul(&g_rest.mt()?)?)?;
                let first = tall(&q, &r.narrow(-1, 0, m)?, &gq, &gr.narrow(-1, 0, m)?)?;
                cat(&[&first, &q.matmul(&g_rest)?], -1)?
            }
        });
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let (q, r) = (cx.output_at(0)?, cx.output_at(1)?);
        let (m, n) = (sides(&q).0, sides(&r).1);
        self.possible(m, n)?;
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None]);
        };
        let k = m.min(n);
        let first = r.narrow(-1, 0, k)?;
        let scaled = first.solve_triangular(&t.narrow(-1, 0, k)?, true, false, false)?;
        let inner = q.mt()?.matmul(&scaled)?;
        let turn = skew(&inner.tril(-1)?)?;
        let dq = scaled.sub(&q.matmul(&inner.sub(&turn)?)?)?;
        let dr = q.mt()?.matmul(t)?.sub(&turn.matmul(&r)?)?.triu(0)?;
        Ok(smallvec![Some(dq), Some(dr)])
    }
}

rules::by_first!(Qr);

#[pullback_macros::called]
impl Tensor {
    /// A = Q R: Q `[…, m, k]` with orthonormal columns, R `[…, k, n]` upper triangular, k = min(m, n), or by `mode` Q `[…, m, m]` and R
    /// `[…, m, n]`, or R alone. PyTorch's `linalg.qr`.
    ///
    /// # Errors
    /// Where there is no matrix of a floating dtype; without the feature `linalg`.
    #[track_caller]
    pub fn qr(&self, mode: QrMode) -> Result<(Tensor, Tensor)> {
        let (site, name) = (Location::caller(), "linalg.qr");
        matrix(self, name)?;
        floating(self, name)?;
        precise(self, "geqrf_cpu")?;
        let mut both = apply_many(&Qr { mode }, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(q), Some(r)) => Ok((q, r)),
            _ => Err(refused("two results were expected".into())),
        }
    }
}
