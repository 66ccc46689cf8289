//! Cholesky factors of symmetric positive definite matrices, and what is solved with them.

use super::inverse::{SolveTriangular, older};
use super::matrices::{
    doubled, failed, floating, half_lower, info_of, precise, read, refused, square, unit,
};
use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use pullback_array::factor::{self, Factor};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The lower triangular factor of each matrix, of which one triangle is read.
#[derive(Clone, Debug)]
pub struct Cholesky {
    /// Whether the upper triangle is the one that is read.
    pub upper: bool,
    /// The function in whose name a matrix that is not positive definite is an error; else its factor is NaN.
    pub checked: Option<&'static str>,
}
define! { Cholesky: General "linalg_cholesky_ex", "torch.linalg.cholesky";
    summary: "The lower triangular L with A = L Lᵀ; only one triangle of A is read.";
    formula: "L with L Lᵀ = A";
    derivative: "½ (P + Pᵀ), P = L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ the lower triangle with half of the diagonal";
    convention: "As in PyTorch the gradient is that of the function of ½ (A + Aᵀ): symmetric, though one triangle is read; the tangent L Φ(L⁻¹ t L⁻ᵀ) is that of symmetric t.";
    proof: { samples: || {
        let by = |upper, s: &[usize], x: &[f64]| Sample::new(Cholesky { upper, checked: Some("linalg.cholesky") }, &[(s, x)]).of_symmetric();
        let of = |s: &[usize], x: &[f64]| by(false, s, x);
        vec![
            of(&[2, 2], &[2.0, 0.5, 0.5, 1.5]),
            by(true, &[2, 2], &[2.0, 0.5, 0.5, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.25, 1.5, 0.25, -0.5, 0.25, 3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, 0.5, 1.5, 1.0, 0.25, 0.25, 2.0]),
            of(&[0, 2, 2], &[]),
            of(&[1, 1], &[4.0]),
        ]
    }, spread: true }
}

/// What is wrong with a matrix that is not positive definite.
fn not_positive(info: i32) -> String {
    format!(
        "The factorization could not be completed because the input is not positive-definite (the leading minor of order {info} is not positive-definite)."
    )
}

impl Op for Cholesky {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut found = factor::factor(&read(x[0], self.upper)?, Factor::Cholesky)?;
        if let Some(name) = self.checked {
            failed(name, x[0], &found.info, not_positive)?;
        }
        Ok(found.parts.remove(0))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for Cholesky {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let l = cx.output()?;
        let turned = SolveTriangular {
            upper: true,
            unit: false,
            whole: false,
        };
        let lt = l.mt()?;
        let inner = doubled(&half_lower(&lt.matmul(g)?)?)?;
        // L⁻ᵀ S L⁻¹ for the symmetric S: (L⁻ᵀ S) L⁻¹ = (L⁻ᵀ (L⁻ᵀ S)ᵀ)ᵀ.
        let once = apply(turned.clone(), &[&lt, &inner], cx.site())?;
        apply(turned, &[&lt, &once.mt()?], cx.site())?
            .mt()?
            .mul(0.5)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let l = cx.output()?;
        let Some(t) = &t[0] else {
            return l.zeros_like();
        };
        let lower = SolveTriangular {
            upper: false,
            unit: false,
            whole: false,
        };
        // L⁻¹ T L⁻ᵀ = (L⁻¹ (L⁻¹ T)ᵀ)ᵀ.
        let once = apply(lower.clone(), &[&l, t], cx.site())?;
        let inner = apply(lower, &[&l, &once.mt()?], cx.site())?.mt()?;
        l.matmul(&half_lower(&inner)?)
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The lower triangular L with A = L Lᵀ of a symmetric positive definite matrix `[…, n, n]`, of which the lower triangle is read;
    /// with `upper`, the U = Lᵀ of the upper one. PyTorch's `linalg.cholesky`.
    ///
    /// # Errors
    /// Where matrices are not square, of no floating dtype or not positive definite; without the feature `linalg`.
    #[track_caller]
    pub fn cholesky(&self, upper: bool) -> Result<Tensor> {
        self.cholesky_with(upper, Some("linalg.cholesky"), Location::caller())
    }

    pub(crate) fn cholesky_with(
        &self,
        upper: bool,
        checked: Option<&'static str>,
        site: &'static Location<'static>,
    ) -> Result<Tensor> {
        let name = "linalg.cholesky";
        square(self, name)?;
        floating(self, name)?;
        precise(self, "cholesky_cpu")?;
        let l = apply(Cholesky { upper, checked }, &[self], site)?;
        if upper { l.mt() } else { Ok(l) }
    }

    /// The solution of A X = B (`self`, `[…, n, k]`) where `factor` is the Cholesky factor of A, upper or lower. PyTorch's
    /// `cholesky_solve`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit; without the feature `linalg`.
    #[track_caller]
    pub fn cholesky_solve(&self, factor: &Tensor, upper: bool) -> Result<Tensor> {
        if self.ndim() < 2 {
            return Err(refused(format!(
                "b should have at least 2 dimensions, but has {} dimensions instead",
                self.ndim()
            )));
        }
        older(self, factor, "cholesky_solve")?;
        precise(self, "cholesky_solve_cpu")?;
        let (lower, turned) = match upper {
            true => (factor.mt()?, factor.clone()),
            false => (factor.clone(), factor.mt()?),
        };
        let solve = |upper| SolveTriangular {
            upper,
            unit: false,
            whole: true,
        };
        solve(true).of(&turned, &solve(false).of(&lower, self)?)
    }

    /// A⁻¹ of the matrix whose Cholesky factor this is, upper or lower. PyTorch's `cholesky_inverse`.
    ///
    /// # Errors
    /// Where matrices are not square or of no floating dtype; without the feature `linalg`.
    #[track_caller]
    pub fn cholesky_inverse(&self, upper: bool) -> Result<Tensor> {
        square(self, "cholesky_inverse")?;
        precise(self, "cholesky_inverse_out_cpu")?;
        unit(self)?.cholesky_solve(self, upper)
    }
}

/// Zero where each matrix is positive definite, else the order of the first minor that is not: PyTorch's `info`, int32.
#[cfg_attr(not(all(feature = "linalg", feature = "functions")), allow(dead_code))]
pub(crate) fn definiteness(a: &Tensor, upper: bool) -> Result<Tensor> {
    let read = match upper {
        true => a.array().transpose(-2, -1)?,
        false => a.array().clone(),
    };
    info_of(a, &factor::factor(&read, Factor::Cholesky)?.info)
}
