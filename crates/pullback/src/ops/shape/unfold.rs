//! Overlapping windows of a dimension, as a view, and their sum.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::bail;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::{Array, Layout, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// Windows of a dimension.
#[derive(Clone, Debug)]
pub struct Unfold {
    /// The dimension, resolved; 0 for a tensor without dimensions.
    pub dim: usize,
    /// How long a window is.
    pub size: usize,
    /// How far apart windows begin.
    pub step: usize,
}
define! { Unfold: Linear "unfold", "torch.Tensor.unfold", view: true;
    summary: "Windows of a dimension, which may overlap, as a new last dimension; a view.";
    formula: "y[…, w, …, k] = x[…, w·step + k, …]";
    derivative: "g added up where windows overlap";
    proof: { samples: || {
        let of = |dim, size, step, s: &[usize]| Sample::new(Unfold { dim, size, step }, &[(s, &SIX[..s.iter().product()])]);
        vec![of(0, 3, 1, &[6]), of(0, 2, 2, &[5]), of(1, 2, 1, &[2, 3]), of(0, 1, 1, &[2, 3]), of(0, 1, 1, &[]), of(1, 2, 1, &[0, 3])]
    } }
}

impl Op for Unfold {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if batch.rank(0) == 0 {
            return batch.one(batch.get(0).unsqueeze(-1)?.expand(batch.over(&[self.size])));
        }
        let op = Unfold {
            dim: self.dim + 1,
            ..*self
        };
        batch.apply(&op, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let layout = x[0].layout();
        let (mut shape, mut strides) = (layout.shape().clone(), layout.strides());
        if shape.is_empty() {
            shape.push(self.size);
            return x[0].view(Layout::new(shape, &[1], layout.offset()));
        }
        let (n, step) = (shape[self.dim], strides[self.dim]);
        shape.dims_mut()[self.dim] = (n - self.size) / self.step + 1;
        // Beyond the only window a step leads nowhere.
        strides[self.dim] = match shape[self.dim] {
            0 | 1 => step,
            _ => step * self.step as isize,
        };
        shape.push(self.size);
        strides.push(step);
        x[0].view(Layout::new(shape, &strides, layout.offset()))
    }
}

impl rules::Linear for Unfold {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let fold = Fold {
            shape: cx.shape(0).clone(),
            dim: self.dim,
            step: self.step,
        };
        apply(fold, &[g], cx.site())
    }
}

/// Windows added up; the transpose of [`Unfold`].
#[derive(Clone, Debug)]
pub struct Fold {
    /// Shape of the result.
    pub shape: Shape,
    /// The dimension.
    pub dim: usize,
    /// How far apart windows begin.
    pub step: usize,
}
define! { Fold: Linear "unfold_backward", "torch.Tensor.unfold";
    summary: "Windows added up where they overlap.";
    formula: "y[…, w·step + k, …] += x[…, w, …, k]";
    derivative: "the windows of g";
    proof: { samples: || {
        let of = |shape: &[usize], dim, step, s: &[usize]| Sample::new(Fold { shape: Shape::new(shape), dim, step },
            &[(s, &[SIX, SIX.map(|x| 0.5 - x)].concat()[..s.iter().product()])]);
        vec![of(&[6], 0, 1, &[4, 3]), of(&[5], 0, 2, &[2, 2]), of(&[2, 3], 1, 1, &[2, 2, 2]), of(&[], 0, 1, &[1]), of(&[0, 3], 1, 1, &[0, 2, 2])]
    } }
}

impl Op for Fold {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if self.shape.is_empty() {
            return batch.one(batch.get(0).sum_dims(&[-1], false));
        }
        let op = Fold {
            shape: batch.over(&self.shape),
            dim: self.dim + 1,
            ..*self
        };
        batch.apply(&op, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::fold(x[0], &self.shape, self.dim, self.step)
    }
}

impl rules::Linear for Fold {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let windows = cx.shape(0);
        let unfold = Unfold {
            dim: self.dim,
            size: windows[windows.len() - 1],
            step: self.step,
        };
        apply(unfold, &[g], cx.site())
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Windows of `size` neighbours along `dimension`, `step` apart, as a new last dimension; a view. PyTorch's
    /// `Tensor.unfold`.
    ///
    /// # Errors
    /// Where a window is longer than the dimension or the step is not positive.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// assert_eq!(Tensor::arange(4)?.unfold(0, 2, 1)?.to_vec::<i64>()?, [0, 1, 1, 2, 2, 3]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn unfold(
        &self,
        dimension: i64,
        size: impl Into<Count>,
        step: impl Into<Count>,
    ) -> Result<Tensor> {
        let size = size.into().0;
        let step = step.into().0;
        let site = Location::caller();
        let dim = self.shape().dim(dimension)?;
        let n = self.shape().get(dim).map_or(1, |&n| n as i64);
        if size < 0 {
            bail!(Shape, "size is {size} but must be >= 0");
        }
        if size > n {
            bail!(
                Shape,
                "maximum size for tensor at dimension {dim} is {n} but size is {size}"
            );
        }
        if step <= 0 {
            bail!(Shape, "step is {step} but must be > 0");
        }
        let (size, step) = (size as usize, step as usize);
        apply(Unfold { dim, size, step }, &[self], site)
    }
}
