//! The polar decomposition, and the square root of symmetric positive definite matrices.
//!
//! Their derivatives divide by sums of singular values and not by differences, so they are finite where those are equal, and compositions of
//! `svd` and `eigh` would not do.

use super::matrices::{
    doubled, failed, floating, matrix, no_end, not_half, precise, refused, sides, square,
    times_columns,
};
use crate::core::apply::{apply, apply_many};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Real, Result, Shape};
use pullback_array::factor::{self, Factor};
use pullback_array::{dispatch, kernels};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The X with H X + X H = R for a symmetric positive H.
fn sylvester(h: &Tensor, r: &Tensor) -> Result<Tensor> {
    let (w, v) = h.eigh(false)?;
    let vt = v.mt()?;
    let sums = w.unsqueeze(-2)?.add(&w.unsqueeze(-1)?)?;
    v.matmul(&vt.matmul(r)?.matmul(&v)?.div(&sums)?)?
        .matmul(&vt)
}

/// X H⁻¹ for a symmetric positive H.
fn over(x: &Tensor, h: &Tensor) -> Result<Tensor> {
    let (w, v) = h.eigh(false)?;
    times_columns(&x.matmul(&v)?, &w.reciprocal()?)?.matmul(&v.mt()?)
}

/// What of `x` leaves the space of the columns of `u`.
fn outside(u: &Tensor, x: &Tensor) -> Result<Tensor> {
    x.sub(&u.matmul(&u.mt()?.matmul(x)?)?)
}

/// The columns of each matrix times the elements of a vector.
fn scaled(x: &Array, s: &Array) -> Result<Array> {
    let mut sizes = s.shape().to_vec();
    sizes.insert(sizes.len() - 1, 1);
    let row = s.reshape(&Shape::new(&sizes))?;
    dispatch!(float x.dtype(), T => kernels::zip(x, &row, |x: T, s: T| x * s), else Ok(x.clone()))
}

/// U with orthonormal columns, and the symmetric H.
#[derive(Clone, Debug)]
pub struct Polar;
define! { Polar: General "linalg_polar", "torch.linalg.polar";
    summary: "A = U H: U with orthonormal columns, H symmetric and not negative.";
    formula: "U H = A, Uᵀ U = 1, H = Hᵀ ≥ 0";
    derivative: "U (K - Kᵀ + g_H) + (1 - U Uᵀ) g_U H⁻¹, H K + K H = Uᵀ g_U - g_H H";
    proof: { samples: || {
        let of = |which, s: &[usize], x: &[f64]| Sample::result(Polar, which, &[(s, x)]);
        let x = [2.0, 0.5, -1.0, 1.5, 0.25, 1.0, -0.75, 3.0];
        vec![
            of(0, &[2, 2], &x[..4]),
            of(1, &[2, 2], &x[..4]),
            of(0, &[3, 2], &x[..6]),
            of(1, &[3, 2], &x[..6]),
            of(1, &[2, 2, 2], &x),
            of(0, &[0, 2, 2], &[]),
        ]
    }, spread: true }
}

impl Op for Polar {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let a = x[0];
        let found = factor::factor(a, Factor::Svd { full: false })?;
        failed("linalg.svd", a, &found.info, no_end)?;
        let (u, s, vh) = (&found.parts[0], &found.parts[1], &found.parts[2]);
        let right = scaled(&vh.transpose(-2, -1)?, s)?;
        Ok(smallvec![
            kernels::matmul(u, vh)?,
            kernels::matmul(&right, vh)?
        ])
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let (u, h) = (cx.output_at(0)?, cx.output_at(1)?);
        let zeros = || h.zeros_like();
        let left = (g[0].as_ref()).map_or_else(zeros, |gu| u.mt()?.matmul(gu))?;
        let right = (g[1].as_ref()).map_or_else(zeros, |gh| gh.matmul(&h))?;
        let k = sylvester(&h, &left.sub(&right)?)?;
        let mut inner = k.sub(&k.mt()?)?;
        if let Some(gh) = &g[1] {
            inner = inner.add(gh)?;
        }
        let mut sent = u.matmul(&inner)?;
        if let (Some(gu), true) = (&g[0], sides(&u).0 > sides(&u).1) {
            sent = sent.add(&over(&outside(&u, gu)?, &h)?)?;
        }
        out[0] = Some(sent);
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let (u, h) = (cx.output_at(0)?, cx.output_at(1)?);
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None]);
        };
        let along = u.mt()?.matmul(t)?;
        let turn = sylvester(&h, &along.sub(&along.mt()?)?)?;
        let mut du = u.matmul(&turn)?;
        if sides(&u).0 > sides(&u).1 {
            du = du.add(&over(&outside(&u, t)?, &h)?)?;
        }
        let dh = along.sub(&turn.matmul(&h)?)?;
        Ok(smallvec![Some(du), Some(dh)])
    }
}

rules::by_first!(Polar);

/// The symmetric X, not negative, with X X = A for a symmetric A of which the lower triangle is read; eigenvalues below zero count as zero.
#[derive(Clone, Debug)]
pub struct MatrixSqrt;
define! { MatrixSqrt: General "linalg_matrix_sqrth", "torch.linalg.matrix_sqrth";
    summary: "The square root of symmetric positive definite matrices, of which the lower triangle is read.";
    formula: "X = Xᵀ ≥ 0 with X X = A";
    derivative: "the K with X K + K X = ½ (g + gᵀ)";
    convention: "As in PyTorch gradients are those along symmetric matrices, though one triangle is read.";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::new(MatrixSqrt, &[(s, x)]).of_symmetric();
        vec![
            of(&[2, 2], &[2.0, 0.5, 0.5, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.25, 1.5, 0.25, -0.5, 0.25, 3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, 0.5, 1.5, 1.0, 0.25, 0.25, 2.0]),
            of(&[0, 2, 2], &[]),
            of(&[1, 1], &[4.0]),
        ]
    }, spread: true }
}

impl Op for MatrixSqrt {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let found = factor::factor(x[0], Factor::Eigh)?;
        failed(
            "linalg.eigh",
            x[0],
            &found.info,
            super::eigh::no_eigenvalues,
        )?;
        let (w, v) = (&found.parts[0], &found.parts[1]);
        let roots = dispatch!(float w.dtype(), T => kernels::map(w, |w: T| {
            if w > T::ZERO { w.sqrt() } else { T::ZERO }
        }), else Ok(w.clone()))?;
        kernels::matmul(&scaled(v, &roots)?, &v.transpose(-2, -1)?)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for MatrixSqrt {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        sylvester(&cx.output()?, &doubled(g)?.mul(0.5)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let x = cx.output()?;
        match &t[0] {
            Some(t) => sylvester(&x, &doubled(t)?.mul(0.5)?),
            None => x.zeros_like(),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// A = U H of matrices `[…, m, n]`, m ≥ n: U `[…, m, n]` with orthonormal columns, H `[…, n, n]` symmetric and not negative. PyTorch's
    /// `linalg.polar`.
    ///
    /// # Errors
    /// Where matrices are wide, of no floating dtype or not finite; without the feature `linalg`.
    #[track_caller]
    pub fn linalg_polar(&self) -> Result<(Tensor, Tensor)> {
        let (site, name) = (Location::caller(), "linalg.polar");
        matrix(self, name)?;
        floating(self, name)?;
        let (m, n) = sides(self);
        if m < n {
            return Err(refused(format!(
                "{name}: input must have at least as many rows as columns, but got {m} by {n} matrices"
            )));
        }
        precise(self, "linalg_svd_cpu")?;
        let mut both = apply_many(&Polar, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(u), Some(h)) => Ok((u, h)),
            _ => Err(refused("two results were expected".into())),
        }
    }

    /// The symmetric X, not negative, with X X = A of a symmetric positive definite matrix `[…, n, n]`, of which the lower triangle is
    /// read. PyTorch's `linalg.matrix_sqrth`.
    ///
    /// # Errors
    /// Where matrices are not square, of no floating dtype or not finite; without the feature `linalg`.
    #[track_caller]
    pub fn matrix_sqrth(&self) -> Result<Tensor> {
        let (site, name) = (Location::caller(), "linalg.matrix_sqrth");
        square(self, name)?;
        not_half(self, name)?;
        apply(MatrixSqrt, &[self], site)
    }
}
