//! Parts: select, slice and its transpose. All linear; parts share memory. Joins are in `cat`.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, Error, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, error};

#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// One index of a dimension.
#[derive(Clone, Debug)]
pub struct Select {
    /// The dimension, resolved.
    pub dim: usize,
    /// The index, resolved.
    pub index: usize,
}
define! { Select: Linear "select", "torch.select", view: true;
    summary: "One index of a dimension, which is dropped; a view.";
    formula: "x[…, index, …]";
    derivative: "g at that index, 0 elsewhere";
    proof: { samples: || {
        let at = |dim, index, from: &[usize]| Sample::new(Select { dim, index }, &[(from, &SIX[..from.iter().product()])]);
        vec![at(0, 1, &[2, 3]), at(1, 2, &[2, 3]), at(0, 0, &[4]), at(1, 0, &[0, 3])]
    }, errors: || vec![error(Select { dim: 0, index: 5 }, &[&[2, 3]], "select(): index 5 out of range for tensor of size [2, 3] at dimension 0")] }
}

impl Op for Select {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (dim, index) = (self.dim + 1, self.index);
        batch.apply(&Select { dim, index }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].shape().get(self.dim).is_some_and(|&n| self.index >= n) {
            return Err(out_of_range(
                self.index as i64,
                self.dim as i64,
                x[0].shape(),
            ));
        }
        x[0].select(self.dim, self.index)
    }
}

impl rules::Linear for Select {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let mut shape = g.shape().clone();
        shape.insert(self.dim, 1);
        embed(&g.reshape(&shape)?, cx, self.dim, self.index, 1)
    }
}

/// PyTorch's sentence for `select`; indexing has another.
fn out_of_range(index: i64, dim: i64, shape: &Shape) -> Error {
    error!(
        Index,
        "select(): index {index} out of range for tensor of size {shape} at dimension {dim}"
    )
}

/// Evenly spaced indices of a dimension.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The dimension, resolved.
    pub dim: usize,
    /// First index.
    pub start: usize,
    /// Number of indices.
    pub len: usize,
    /// Distance between them.
    pub step: usize,
}
define! { Slice: Linear "slice", "torch.narrow", view: true;
    summary: "Evenly spaced indices of a dimension; a view.";
    formula: "x[…, start : start + len·step : step, …]";
    derivative: "g at those indices, 0 elsewhere";
    proof: { samples: || {
        let at = |dim, start, len, step, from: &[usize]| Sample::new(Slice { dim, start, len, step }, &[(from, &SIX[..from.iter().product()])]);
        vec![at(1, 1, 2, 1, &[2, 3]), at(0, 1, 3, 2, &[6]), at(0, 0, 0, 1, &[2, 3]), at(1, 0, 2, 2, &[2, 3]), at(1, 1, 2, 1, &[0, 3])]
    }, errors: || vec![error(Slice { dim: 0, start: 2, len: 5, step: 1 }, &[&[3]], "start (2) + length (5) exceeds dimension size (3).")] }
}

impl Op for Slice {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(Slice { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].slice(self.dim, self.start, self.len, self.step)
    }
}

impl rules::Linear for Slice {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        embed(g, cx, self.dim, self.start, self.step)
    }
}

/// Zeros of input 0's shape with `g` at `start, start + step, …` of `dim`.
fn embed(g: &Tensor, cx: &Ctx<'_>, dim: usize, start: usize, step: usize) -> Result<Tensor> {
    apply(
        Embed {
            shape: cx.shape(0).clone(),
            dim,
            start,
            step,
        },
        &[g],
        cx.site(),
    )
}

/// Zeros with a tensor laid at evenly spaced indices of a dimension; the transpose of [`Slice`].
#[derive(Clone, Debug)]
pub struct Embed {
    /// Shape of the result.
    pub shape: Shape,
    /// The dimension.
    pub dim: usize,
    /// First index.
    pub start: usize,
    /// Distance between indices.
    pub step: usize,
}
define! { Embed: Linear "slice_backward", "torch.slice_scatter";
    summary: "Zeros with a tensor laid at evenly spaced indices of a dimension.";
    formula: "y[…, start + k·step, …] = x[…, k, …], 0 elsewhere";
    derivative: "g at those indices (slice)";
    proof: { samples: || {
        let at = |s: &[usize], dim, start, step, from: &[usize]| Sample::new(Embed { shape: Shape::new(s), dim, start, step }, &[(from, &SIX[..from.iter().product()])]);
        vec![at(&[2, 5], 1, 1, 1, &[2, 3]), at(&[6], 0, 1, 2, &[3]), at(&[3, 2], 0, 2, 1, &[1, 2]), at(&[2, 3], 0, 0, 1, &[0, 3])]
    } }
}

impl Op for Embed {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = Embed {
            shape: batch.over(&self.shape),
            dim: self.dim + 1,
            ..*self
        };
        batch.apply(&op, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred(self.shape.clone(), x[0].dtype());
        }
        let out = Array::zeros(self.shape.clone(), x[0].dtype())?;
        let len = x[0].shape()[self.dim];
        kernels::assign(&out.slice(self.dim, self.start, len, self.step)?, x[0])?;
        Ok(out)
    }
}

impl rules::Linear for Embed {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let len = cx.shape(0)[self.dim];
        apply(
            Slice {
                dim: self.dim,
                start: self.start,
                len,
                step: self.step,
            },
            &[g],
            cx.site(),
        )
    }
}

#[pullback_macros::called]
impl Tensor {
    /// One index of a dimension, which is dropped; negative indices count from the end. A view: Python's `x[i]`.
    ///
    /// # Errors
    /// Where the index is out of range.
    #[track_caller]
    pub fn select(&self, dim: i64, index: i64) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            self.ndim() != 0,
            Index,
            "select() cannot be applied to a 0-dim tensor."
        );
        let d = self.shape().dim(dim)?;
        let n = self.shape()[d] as i64;
        if !(-n..n).contains(&index) {
            return Err(out_of_range(index, d as i64, self.shape()));
        }
        self.select_at(dim, index, site)
    }

    pub(crate) fn select_at(&self, dim: i64, index: i64, site: Site) -> Result<Tensor> {
        ensure!(
            self.ndim() != 0,
            Index,
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
        );
        let dim = self.shape().dim(dim)?;
        let n = self.shape()[dim] as i64;
        ensure!(
            (-n..n).contains(&index),
            Index,
            "index {index} is out of bounds for dimension {dim} with size {n}"
        );
        let index = if index < 0 { index + n } else { index } as usize;
        apply(Select { dim, index }, &[self], site)
    }

    /// `length` indices of a dimension from `start` on; a view. PyTorch's `narrow`.
    ///
    /// # Errors
    /// Where the range reaches beyond the dimension.
    #[track_caller]
    pub fn narrow(&self, dim: i64, start: usize, length: usize) -> Result<Tensor> {
        // Numbers beyond 64 bits with a sign are beyond every dimension too.
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.narrow_at(dim, signed(start), signed(length), Location::caller())
    }

    /// [`Tensor::narrow`] with a start that counts from the end where it is negative.
    pub(crate) fn narrow_at(
        &self,
        dim: i64,
        start: i64,
        length: i64,
        site: Site,
    ) -> Result<Tensor> {
        ensure!(
            self.ndim() != 0,
            Shape,
            "narrow() cannot be applied to a 0-dim tensor."
        );
        if length < 0 {
            bail!(Shape, "narrow(): length must be non-negative.");
        }
        let dim = self.shape().dim(dim)?;
        let n = self.shape()[dim] as i64;
        ensure!(
            (-n..=n).contains(&start),
            Index,
            "start out of range (expected to be in range of [{}, {n}], but got {start})",
            -n
        );
        let start = if start < 0 { start + n } else { start };
        if start.saturating_add(length) > n {
            bail!(
                Shape,
                "start ({start}) + length ({length}) exceeds dimension size ({n})."
            );
        }
        let op = Slice {
            dim,
            start: start as usize,
            len: length as usize,
            step: 1,
        };
        apply(op, &[self], site)
    }

    /// Python's `x[start:end:step]` along a dimension: bounds are clipped, negative ones count from the end.
    ///
    /// # Errors
    /// Where `dim` is out of range or `step` is not positive.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::arange(10)?;
    /// assert_eq!(x.slice(0, Some(-3), None, 1)?.to_vec::<i64>()?, [7, 8, 9]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn slice(
        &self,
        dim: i64,
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        if step <= 0 || self.ndim() == 0 {
            let what = if step <= 0 {
                "step must be greater than zero"
            } else {
                "slice() cannot be applied to a 0-dim tensor."
            };
            bail!(Value, "{what}");
        }
        let n = self.shape()[dim] as i64;
        let clip = |i: i64| if i < 0 { i.saturating_add(n) } else { i }.clamp(0, n);
        let (start, end) = (clip(start.unwrap_or(0)), clip(end.unwrap_or(n)));
        let len = ((end - start).max(0) as usize).div_ceil(step as usize);
        apply(
            Slice {
                dim,
                start: start as usize,
                len,
                step: step as usize,
            },
            &[self],
            site,
        )
    }
}
