//! Matrix products.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::made::Made;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, error};

/// Matrix product of any ranks.
#[derive(Clone, Debug)]
pub struct Matmul;
define! { Matmul: Multilinear "matmul", "torch.matmul";
    summary: "Matrix product with the ranks and broadcasting of PyTorch's matmul.";
    formula: "A B";
    derivative: "g Bᵀ to A, Aᵀ g to B";
    node by matmul_node;
    proof: { samples: matmul_samples, errors: || vec![
        error(Matmul, &[&[2, 3], &[2, 2]], "mm: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x2)"),
        error(Matmul, &[&[2, 3], &[2]], "size mismatch, got input (2), mat (2x3), vec (2)"),
        error(Matmul, &[&[2], &[3]], "inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements, but got 2 and 3 elements respectively"),
        error(Matmul, &[&[], &[3, 3]], "both arguments to matmul need to be at least 1D, but they are 0D and 2D"),
        error(Matmul, &[&[5, 2, 3], &[5, 2, 2]], "Expected size for first two dimensions of batch2 tensor to be: [5, 3] but got: [5, 2]."),
    ] }
}

#[cfg(feature = "proof")]
fn matmul_samples() -> Vec<Sample> {
    let x = [
        0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.0, 1.25, -0.5, 4.0, 0.1,
    ];
    let of = |a: &[usize], b: &[usize]| {
        let (na, nb): (usize, usize) = (a.iter().product(), b.iter().product());
        Sample::new(Matmul, &[(a, &x[..na]), (b, &x[12 - nb..])])
    };
    vec![
        of(&[2, 3], &[3, 2]),
        of(&[4, 2], &[2]),
        of(&[3], &[3, 2]),
        of(&[3], &[3]),
        of(&[2, 2, 3], &[3, 2]),
        of(&[2, 2, 1], &[2, 1, 3]),
        of(&[2], &[3, 2, 1]),
        of(&[2, 1, 2, 2], &[3, 2, 1]),
        of(&[2, 2, 3], &[3]),
        of(&[2, 0], &[0, 3]),
        of(&[0, 2], &[2, 3]),
    ]
}

impl Matmul {
    /// The operand as a matrix: a vector becomes a row on the left, a column on the right.
    fn lifted(x: &Tensor, left: bool) -> Result<Tensor> {
        match (x.ndim(), left) {
            (1, true) => x.reshape([1, x.numel()]),
            (1, false) => x.reshape([x.numel(), 1]),
            _ => Ok(x.clone()),
        }
    }
}

/// By the ranks: PyTorch folds larger operands into one product of matrices and shapes the result.
fn matmul_node(made: &Made<'_>) -> &'static str {
    match (made.rank(0), made.rank(1)) {
        (1, 1) => "DotBackward0",
        (2, 1) => "MvBackward0",
        (1, 2) => "SqueezeBackward4",
        (2, 2) => "MmBackward0",
        // A matrix times a stack is computed transposed where the matrix's gradient is wanted.
        (2, _) if made.tracked(0) => match made.out[made.out.len() - 2..].contains(&1) {
            true => "TransposeBackward0",
            false => "CloneBackward0",
        },
        _ => "UnsafeViewBackward0",
    }
}

impl Op for Matmul {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (a, b) = (batch.rank(0), batch.rank(1));
        if batch.only(0) && b < 3 {
            // A row of vectors is a matrix.
            return batch.apply(self, &[batch.get(0), batch.get(1)]);
        }
        if batch.only(1) && (a, b) == (2, 1) {
            return batch.apply(self, &[batch.get(1), &batch.get(0).t()?]);
        }
        if (a, b) == (1, 1) {
            let products = batch.full(0)?.mul(&batch.full(1)?)?;
            return batch.one(products.sum_dims(&[-1], false));
        }
        let lifted = |i: usize, at: i64| match batch.rank(i) {
            1 => batch.full(i)?.unsqueeze(at),
            _ => batch.aligned(i, a.max(b)),
        };
        let product = |x: &Tensor, y: &Tensor| apply(Matmul, &[x, y], batch.site());
        let rank = a.max(b).max(2);
        let place = |i: usize, t: Tensor| match batch.rank(i) == 1 && rank > 2 {
            true => {
                let mut shape = batch.over(&[]);
                (2..rank).for_each(|_| shape.push(1));
                t.shape()[1..].iter().for_each(|&n| shape.push(n));
                t.reshape(shape)
            }
            false => Ok(t),
        };
        let (x, y) = (place(0, lifted(0, 1)?)?, place(1, lifted(1, 2)?)?);
        let found = product(&x, &y)?;
        batch.one(match (a, b) {
            (1, _) => found.squeeze_dims(&[-2]),
            (_, 1) => found.squeeze_dims(&[-1]),
            _ => Ok(found),
        })
    }
    #[inline]
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::matmul(x[0], x[1])
    }
}

impl rules::Multilinear for Matmul {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let other = cx.factor(1 - i)?;
        let (own, rank) = (cx.shape(i), (cx.shape(0).len(), cx.shape(1).len()));
        match (rank, i) {
            ((1, 1), _) => return other.mul(g),
            ((2, 1), 0) => return apply(Outer, &[g, &other], cx.site()),
            ((2, 1), _) => return g.matmul(&other), // a row times the matrix is the transposed matrix times a column
            ((2, 2), 0) => return g.matmul(&other.t()?),
            ((2, 2), _) => return other.t()?.matmul(g),
            ((1, 2), 0) => return other.matmul(g),
            ((1, 2), _) => return apply(Outer, &[&other, g], cx.site()),
            _ => {}
        }
        // Vectors become matrices, then one rule serves all; the engine sums over broadcast batches.
        let mut shape: Vec<usize> = g.shape().to_vec();
        if rank.0 == 1 {
            shape.insert(shape.len() - usize::from(rank.1 > 1), 1);
        }
        if rank.1 == 1 {
            shape.push(1);
        }
        let g = g.reshape(shape)?;
        let other = Matmul::lifted(&other, i == 1)?;
        // A stack of rows against one matrix: the matrix's gradient is one tall product, not a sum of small ones.
        if i == 1 && rank.1 == 2 && rank.0 > 2 {
            let rows: usize = other.shape()[..rank.0 - 1].iter().product();
            let flat = |t: &Tensor| t.reshape([rows, t.shape()[t.ndim() - 1]]);
            return flat(&other)?.t()?.matmul(&flat(&g)?);
        }
        let full = if i == 0 {
            g.matmul(&other.transpose(-2, -1)?)?
        } else {
            other.transpose(-2, -1)?.matmul(&g)?
        };
        if own.len() > 1 {
            return Ok(full);
        }
        // The vector's own dimension alone is left; batches are summed by hand, since they stand on its left.
        let n = own[0];
        let lead = full.numel() / n.max(1);
        if lead == 1 {
            full.reshape([n])
        } else {
            full.reshape([lead, n])?.sum_dims(&[0], false)
        }
    }
}

/// All products of two vectors' elements.
#[derive(Clone, Debug)]
pub struct Outer;
define! { Outer: Multilinear "outer", "torch.outer";
    summary: "The matrix of all products of two vectors' elements.";
    formula: "a bᵀ";
    derivative: "g b to a, gᵀ a to b";
    node: "MulBackward0";
    proof: { samples: || {
        let x = [0.5, -1.0, 2.0, 3.0];
        let of = |n: usize, m: usize| Sample::new(Outer, &[(&[n], &x[..n]), (&[m], &x[4 - m..])]);
        vec![of(2, 3), of(1, 4), of(3, 1), of(0, 2)]
    } }
}

impl Op for Outer {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (a, b) = (batch.full(0)?.unsqueeze(-1)?, batch.full(1)?.unsqueeze(-2)?);
        batch.one(a.mul(&b))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::outer(x[0], x[1])
    }
}

impl rules::Multilinear for Outer {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let other = cx.factor(1 - i)?;
        if i == 0 {
            g.matmul(&other)
        } else {
            g.t()?.matmul(&other)
        }
    }
}

impl Tensor {
    /// Matrix product; Python's `self @ other`. Ranks and broadcasting as in `torch.matmul`.
    ///
    /// # Errors
    /// Where the shapes do not fit or the dtypes differ, in PyTorch's words.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let a = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
    /// let x = Tensor::from_slice(&[1.0f32, 1.0], [2])?;
    /// assert_eq!(a.matmul(&x)?.to_vec::<f32>()?, [3.0, 7.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        apply(Matmul, &[self, other], Location::caller())
    }
}
