//! L D Lᵀ of symmetric matrices that need not be definite, and what is solved with it. PyTorch has no derivatives of either.

use super::matrices::{failed, floating, precise, refused, sides, square};
use crate::core::apply::{apply, apply_many};
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Result, Shape};
use pullback_array::factor::{self, Factor};
use smallvec::SmallVec;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// L and the blocks of D in one matrix, and the rows that were exchanged, counted from one, negative for blocks of two.
#[derive(Clone, Debug)]
pub struct LdlFactor {
    /// The function in whose name a block of D that is zero is an error.
    pub checked: Option<&'static str>,
}
define! { LdlFactor: Cut "linalg_ldl_factor_ex", "torch.linalg.ldl_factor";
    summary: "L D Lᵀ of symmetric matrices of which the lower triangle is read, by Bunch's and Kaufman's pivots.";
    formula: "P L D Lᵀ Pᵀ = A";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::result(LdlFactor { checked: None }, 0, &[(s, x)]);
        vec![
            of(&[2, 2], &[2.0, 0.5, 0.5, -1.5]),
            of(&[3, 3], &[0.25, 2.0, -0.5, 2.0, -1.5, 0.25, -0.5, 0.25, 4.0]),
            of(&[2, 2, 2], &[0.0, 0.5, 0.5, 0.0, 1.0, 0.25, 0.25, 2.5]),
            of(&[0, 2, 2], &[]),
        ]
    }, spread: true }
}

impl Op for LdlFactor {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let found = factor::factor(x[0], Factor::Ldl)?;
        if let Some(name) = self.checked {
            failed(name, x[0], &found.info, |info| {
                format!("D[{info},{info}] is zero, so that nothing can be solved with it.")
            })?;
        }
        Ok(found.parts.into_iter().collect())
    }
}

/// A⁻¹ B of batches of the same dimensions, by the factors of A.
#[derive(Clone, Debug)]
pub struct LdlSolve;
define! { LdlSolve: Cut "linalg_ldl_solve", "torch.linalg.ldl_solve";
    summary: "The solution of A X = B, given the factors of A.";
    formula: "A⁻¹ B";
    derivative: "none, as in PyTorch";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64], p: &[f64], r: &[usize], y: &[f64]| Sample::mixed(LdlSolve, vec![
            (s.to_vec(), x.to_vec(), DType::F64),
            (s[..s.len() - 1].to_vec(), p.to_vec(), DType::I32),
            (r.to_vec(), y.to_vec(), DType::F64),
        ]);
        vec![
            of(&[2, 2], &[2.0, 0.0, 0.5, -1.5], &[1.0, 2.0], &[2, 1], &[1.0, -0.5]),
            of(&[3, 3], &[0.25, 0.0, 0.0, 2.0, -1.5, 0.0, -0.5, 0.25, 4.0], &[-2.0, -2.0, 3.0], &[3, 2], &[1.0, 0.5, -1.0, 2.0, 0.25, 1.5]),
            of(&[2, 2, 2], &[2.0, 0.0, 0.5, -1.5, 1.0, 0.0, 0.25, 2.5], &[1.0, 2.0, 2.0, 2.0], &[2, 2, 1], &[1.0, -0.5, 2.0, 0.25]),
            of(&[0, 2, 2], &[], &[], &[0, 2, 3], &[]),
        ]
    }, spread: true }
}

impl Op for LdlSolve {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        factor::ldl_solve(x[0], x[1], x[2])
    }
}

#[pullback_macros::called]
impl Tensor {
    /// L and the blocks of D of a symmetric matrix `[…, n, n]` in one, of which the lower triangle is read, and the rows that were
    /// exchanged: int32 `[…, n]`. PyTorch's `linalg.ldl_factor`; no gradient passes.
    ///
    /// # Errors
    /// Where matrices are not square, of no floating dtype, or a block of D is zero; without the feature `linalg`.
    #[track_caller]
    pub fn ldl_factor(&self) -> Result<(Tensor, Tensor)> {
        self.ldl_factor_with(Some("torch.linalg.ldl_factor"), Location::caller())
    }

    pub(crate) fn ldl_factor_with(
        &self,
        checked: Option<&'static str>,
        site: &'static Location<'static>,
    ) -> Result<(Tensor, Tensor)> {
        let name = "torch.linalg.ldl_factor_ex";
        square(self, name)?;
        floating(self, name)?;
        precise(self, "ldl_factor_kernel_cpu")?;
        let mut both = apply_many(&LdlFactor { checked }, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(factors), Some(pivots)) => Ok((factors, pivots)),
            _ => Err(refused("two results were expected".into())),
        }
    }

    /// The solution of A X = B `[…, n, k]` by what [`Tensor::ldl_factor`] gave for A. PyTorch's `linalg.ldl_solve`; no gradient passes.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit; without the feature `linalg`.
    #[track_caller]
    pub fn ldl_solve(&self, pivots: &Tensor, b: &Tensor) -> Result<Tensor> {
        let (site, name) = (Location::caller(), "torch.linalg.ldl_solve");
        square(self, name)?;
        floating(self, name)?;
        if pivots.shape()[..] != self.shape()[..self.ndim() - 1] {
            return Err(refused(format!(
                "{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape {} instead",
                pivots.shape()
            )));
        }
        if pivots.dtype().is_float() || pivots.dtype() == DType::Bool {
            return Err(refused(format!(
                "{name}: Expected pivots to be integers. Got {}",
                pivots.dtype().scalar_type_name()
            )));
        }
        b.size(-2)?;
        super::inverse::older(b, self, name)?;
        precise(self, "ldl_solve_kernel_cpu")?;
        let front = super::matrices::common_batch(self, b)?;
        let (a, b) = (
            super::matrices::batched(self, &front)?,
            super::matrices::batched(b, &front)?,
        );
        let sizes = Shape::new(&[&front[..], &[sides(&a).0]].concat());
        let pivots = pivots.to(DType::I32)?.expand(sizes)?;
        apply(LdlSolve, &[&a, &pivots, &b], site)
    }
}

/// Zero where each matrix has factors to solve with, else the number of the first block of D that is zero: PyTorch's `info`, int32.
#[cfg_attr(not(all(feature = "linalg", feature = "functions")), allow(dead_code))]
pub(crate) fn zero_blocks(a: &Tensor) -> Result<Tensor> {
    super::matrices::info_of(a, &factor::factor(&a.array(), Factor::Ldl)?.info)
}
