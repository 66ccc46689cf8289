//! The cross product of vectors of three elements.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Arith, Array, DType, Result};
use pullback_array::{dispatch, kernels, wrap_dim};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The cross product along a dimension of size 3.
#[derive(Clone, Debug)]
pub struct Cross {
    /// The dimension, resolved.
    pub dim: usize,
}
define! { Cross: Multilinear "linalg_cross", "torch.linalg.cross";
    summary: "Cross product of vectors of three elements, with broadcasting elsewhere.";
    formula: "(a₁b₂ - a₂b₁, a₂b₀ - a₀b₂, a₀b₁ - a₁b₀)";
    derivative: "b × g to a, g × a to b";
    proof: { samples: || {
        let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.0, 1.25];
        let of = |dim, a: &[usize], b: &[usize]| {
            let (na, nb): (usize, usize) = (a.iter().product(), b.iter().product());
            Sample::new(Cross { dim }, &[(a, &x[..na]), (b, &x[9 - nb..])])
        };
        vec![of(0, &[3], &[3]), of(1, &[2, 3], &[1, 3]), of(0, &[3, 2], &[3, 2]), of(1, &[0, 3], &[1, 3])]
    } }
}

impl Op for Cross {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let dim = self.dim + 1;
        batch.elements(&Cross { dim })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let shape = x[0].shape().broadcast(x[1].shape())?;
        let (a, b) = (x[0].expand(&shape)?, x[1].expand(&shape)?);
        if unnumbered(x) {
            return inferred(shape, a.dtype());
        }
        let out = Array::zeros(shape, a.dtype())?;
        let unsupported = || {
            let dtype = x[0].dtype().scalar_type_name();
            error!(Unsupported, "\"cross\" not implemented for '{dtype}'")
        };
        for k in 0..3 {
            let (i, j) = ((k + 1) % 3, (k + 2) % 3);
            let part = dispatch!(number a.dtype(), T => {
                let product = |i: usize, j: usize| {
                    kernels::zip(&a.select(self.dim, i)?, &b.select(self.dim, j)?, |a: T, b: T| a.times(b))
                };
                kernels::zip(&product(i, j)?, &product(j, i)?, |p: T, q: T| p.minus(q))
            }, else Err(unsupported()))?;
            kernels::assign(&out.select(self.dim, k)?, &part)?;
        }
        Ok(out)
    }
}

impl rules::Multilinear for Cross {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let other = cx.factor(1 - i)?;
        let pair = if i == 0 { [&other, g] } else { [g, &other] };
        apply(self.clone(), &pair, cx.site())
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Cross product along `dim`, or along the first dimension of size 3 for `None`. PyTorch's `torch.cross`;
    /// `linalg.cross` with `-1`.
    ///
    /// # Errors
    /// Where dtypes, shapes or numbers of dimensions do not fit, in PyTorch's words.
    #[track_caller]
    pub fn cross(&self, other: &Tensor, dim: impl Into<Option<i64>>) -> Result<Tensor> {
        let (site, dim) = (Location::caller(), dim.into());
        let dim = match dim {
            Some(dim) => dim,
            None => match self.shape().iter().position(|&n| n == 3) {
                Some(dim) => dim as i64,
                None => bail!(Shape, "no dimension of size 3 in input"),
            },
        };
        ensure!(
            self.ndim() == other.ndim(),
            Shape,
            "linalg.cross: inputs must have the same number of dimensions."
        );
        let size = |t: &Tensor| t.size(dim);
        let (m, n) = (size(self)?, size(other)?);
        ensure!(
            (m, n) == (3, 3),
            Shape,
            "linalg.cross: inputs dimension {dim} must have length 3. Got {m} and {n}"
        );
        if self.dtype() != other.dtype() {
            let name = |d: DType| d.scalar_type_name();
            bail!(
                DType,
                "expected scalar type {} but found {}",
                name(self.dtype()),
                name(other.dtype())
            );
        }
        let dim = wrap_dim(dim, self.ndim())?;
        apply(Cross { dim }, &[self, other], site)
    }
}
