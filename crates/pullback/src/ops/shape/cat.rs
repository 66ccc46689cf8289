//! Tensors joined along a dimension. Its transpose takes parts, which are in `slice`.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
#[cfg(feature = "proof")]
use crate::core::samples::{Sample, error};
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{borrowed, inferred, unnumbered};
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;
use crate::ops::shape::slice::Slice;
use crate::{Array, Result, Shape};
use pullback_array::{kernels, wrap_dim};
use std::borrow::Borrow;
use std::panic::Location;

/// Joined along a dimension.
#[derive(Clone, Debug)]
pub struct Cat {
    /// The dimension, resolved.
    pub dim: usize,
}

define! { Cat: Linear "cat", "torch.cat";
    summary: "Tensors joined along a dimension.";
    formula: "[a, b, …]";
    derivative: "the matching slice of g to each";
    proof: { samples: || vec![
        Sample::new(Cat { dim: 0 }, &[(&[2], &SIX[..2]), (&[3], &SIX[..3])]),
        Sample::new(Cat { dim: 1 }, &[(&[2, 1], &SIX[..2]), (&[2, 2], &SIX[..4]), (&[2, 1], &SIX[2..4])]),
        Sample::new(Cat { dim: 0 }, &[(&[1, 3], &SIX[..3]), (&[0, 3], &[])]),
        Sample::new(Cat { dim: 0 }, &[(&[6], &SIX)]),
    ], errors: || vec![error(Cat { dim: 0 }, &[&[2, 3], &[2, 4]],
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list.")] }
}

/// A vector without elements joins with anything: a custom from before tensors of several dimensions could be empty.
fn skipped(shape: &Shape) -> bool {
    shape[..] == [0]
}

impl Cat {
    /// How much an input adds to the dimension.
    fn len(&self, shape: &Shape) -> usize {
        if skipped(shape) { 0 } else { shape[self.dim] }
    }

    /// The slice of `g` that belongs to input `i`, which begins at `start`.
    fn part(&self, cx: &Ctx<'_>, i: usize, start: usize, g: &Tensor) -> Result<Tensor> {
        if skipped(cx.shape(i)) {
            return Tensor::zeros_of(cx.shape(i), g.dtype());
        }
        let op = Slice {
            dim: self.dim,
            start,
            len: cx.shape(i)[self.dim],
            step: 1,
        };
        apply(op, &[g], cx.site())
    }
}

impl Op for Cat {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        // Vectors of nothing go with anything.
        let other = (0..batch.arity()).any(|i| batch.rank(i) != 1);
        let own = (0..batch.arity())
            .filter(|&i| !(other && batch.shape(i)[..] == [0]))
            .map(|i| batch.full(i))
            .collect::<Result<Vec<_>>>()?;
        let dim = self.dim + 1;
        batch.apply(&Cat { dim }, &own.iter().collect::<Vec<_>>())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if let Some(k) = x.iter().position(|a| a.rank() == 0) {
            bail!(
                Shape,
                "zero-dimensional tensor (at position {k}) cannot be concatenated"
            );
        }
        let first = x.iter().position(|a| !skipped(a.shape())).unwrap_or(0);
        let mut shape = x[first].shape().clone();
        if self.dim >= shape.len() {
            return Err(pullback_array::wrap_dim(self.dim as i64, shape.len())
                .err()
                .unwrap_or_else(|| error!(Index, "no such dimension")));
        }
        for (k, a) in x.iter().enumerate().skip(first + 1) {
            if skipped(a.shape()) {
                continue;
            }
            ensure!(
                a.rank() == shape.len(),
                Shape,
                "Tensors must have same number of dimensions: got {} and {}",
                shape.len(),
                a.rank()
            );
            for d in (0..shape.len()).filter(|&d| d != self.dim) {
                ensure!(
                    a.shape()[d] == shape[d],
                    Shape,
                    "Sizes of tensors must match except in dimension {}. Expected size {} but got size {} for tensor number {k} in the list.",
                    self.dim,
                    shape[d],
                    a.shape()[d]
                );
            }
            // No memory has more; what asks for it says so.
            shape.dims_mut()[self.dim] = shape[self.dim].saturating_add(a.shape()[self.dim]);
        }
        if unnumbered(x) {
            return inferred(shape, x[0].dtype());
        }
        let out = Array::zeros(shape, x[0].dtype())?;
        let mut start = 0;
        for a in x.iter().filter(|a| !skipped(a.shape())) {
            let len = a.shape()[self.dim];
            kernels::assign(&out.slice(self.dim, start, len, 1)?, a)?;
            start += len;
        }
        Ok(out)
    }
}

impl rules::Linear for Cat {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let start = (0..i).map(|k| self.len(cx.shape(k))).sum();
        self.part(cx, i, start, g)
    }
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        // One walk for all, where `vjp` would walk to its start for each.
        let mut start = 0;
        for (i, slot) in out.iter_mut().enumerate() {
            if cx.needs(i) {
                *slot = Some(self.part(cx, i, start, g)?);
            }
            start += self.len(cx.shape(i));
        }
        Ok(())
    }
}

/// Joins tensors, or references of them, along `dim`, in their common dtype. PyTorch's `torch.cat`.
///
/// ```
/// use pullback::{cat, tensor};
/// let (a, b) = (tensor![1, 2], tensor![3]);
/// assert_eq!(cat(&[&a, &b], 0)?.to_vec::<i64>()?, [1, 2, 3]);
/// assert_eq!(cat(&[a, b], 0)?.to_vec::<i64>()?, [1, 2, 3]);
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// Where other sizes differ, with both sizes and the tensor's number; for an empty list.
#[pullback_macros::called]
#[track_caller]
pub fn cat<T: Borrow<Tensor>>(tensors: &[T], dim: i64) -> Result<Tensor> {
    let site = Location::caller();
    joined(&borrowed(tensors), dim, site)
}

fn joined(tensors: &[&Tensor], dim: i64, site: Site) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        bail!(Value, "torch.cat(): expected a non-empty list of Tensors");
    };
    // A tensor without dimensions is found by the operation, in its own words.
    let rank = (tensors.iter())
        .find(|t| !skipped(t.shape()))
        .map_or(1, |t| t.ndim());
    let dim = wrap_dim(dim, rank)?;
    let dtype = tensors
        .iter()
        .skip(1)
        .fold(first.dtype(), |d, t| d.promote(t.dtype()));
    let converted = tensors
        .iter()
        .map(|t| crate::ops::common::operand::converted(t, dtype, site))
        .collect::<Result<Vec<_>>>()?;
    apply(
        Cat { dim },
        &converted.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        site,
    )
}
