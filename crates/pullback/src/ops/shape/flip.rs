//! Turned round: flip and its relatives, rot90, roll.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched, shifted};
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::shape::view::{distinct, present};
use crate::ops::{cat, common, define};
use crate::{Array, Layout, MemoryFormat, Result};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;

/// Some dimensions backwards.
#[derive(Clone, Debug)]
pub struct Flip {
    /// The dimensions, resolved.
    pub dims: Vec<usize>,
}
define! { Flip: Linear "flip", "torch.flip";
    summary: "Some dimensions backwards; a copy.";
    formula: "y[…, i, …] = x[…, n-1-i, …]";
    derivative: "g, backwards along the same dimensions";
    proof: { samples: || {
        let of = |dims: &[usize], s: &[usize]| Sample::new(Flip { dims: dims.to_vec() }, &[(s, &SIX[..s.iter().product()])]);
        vec![of(&[0], &[4]), of(&[1], &[2, 3]), of(&[0, 1], &[2, 3]), of(&[0, 2], &[2, 1, 3]), of(&[], &[3]), of(&[], &[]), of(&[1], &[0, 3])]
    } }
}

impl Op for Flip {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let dims = shifted(&self.dims);
        batch.apply(&Flip { dims }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let layout = x[0].layout();
        if layout.numel() == 0 {
            return x[0].copy();
        }
        let mut strides = layout.strides();
        let mut start = layout.offset() as isize;
        for &d in &self.dims {
            start += (layout.shape()[d] as isize - 1) * strides[d];
            strides[d] = -strides[d];
        }
        let turned = Layout::new(layout.shape().clone(), &strides, start as usize);
        x[0].view(turned)?.copy_like(&layout.without_gaps())
    }
}

impl rules::Linear for Flip {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(self.clone(), &[g], cx.site())
    }
}

#[pullback_macros::called]
impl Tensor {
    /// A copy with the dimensions named backwards. PyTorch's `flip`.
    ///
    /// # Errors
    /// Where a dimension is out of range or named twice.
    #[track_caller]
    pub fn flip(&self, dims: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        let mut dims = distinct(self.shape(), dims)?;
        dims.retain(|&d| d < self.ndim());
        apply(Flip { dims }, &[self], site)
    }

    /// Columns backwards. PyTorch's `fliplr`.
    ///
    /// # Errors
    /// For fewer than two dimensions.
    #[track_caller]
    pub fn fliplr(&self) -> Result<Tensor> {
        if self.ndim() < 2 {
            bail!(Shape, "Input must be >= 2-d.");
        }
        self.flip(&[1])
    }

    /// Rows backwards. PyTorch's `flipud`.
    ///
    /// # Errors
    /// For a tensor without dimensions.
    #[track_caller]
    pub fn flipud(&self) -> Result<Tensor> {
        if self.ndim() < 1 {
            bail!(Shape, "Input must be >= 1-d.");
        }
        self.flip(&[0])
    }

    /// Turned by `k` right angles from the first of two dimensions to the second. PyTorch's `rot90`.
    ///
    /// # Errors
    /// Where there are not two different dimensions.
    #[track_caller]
    pub fn rot90(&self, k: i64, dims: &[i64]) -> Result<Tensor> {
        ensure!(
            dims.len() == 2,
            Shape,
            "expected total rotation dims == 2, but got dims = {}",
            dims.len()
        );
        let rank = self.ndim() as i64;
        if rank < 2 {
            bail!(
                Shape,
                "expected total dims >= 2, but got total dims = {rank}"
            );
        }
        let (a, b) = (dims[0], dims[1]);
        for d in dims {
            self.shape().dim(*d)?;
        }
        if a == b || (a - b).abs() == rank {
            bail!(
                Shape,
                "expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}"
            );
        }
        match k.rem_euclid(4) {
            1 => self.flip(&[b])?.transpose(a, b)?.copy(),
            2 => self.flip(dims),
            3 => self.flip(&[a])?.transpose(a, b)?.copy(),
            _ => self.copy_in(MemoryFormat::Contiguous),
        }
    }

    /// Elements moved along dimensions, those that leave at one end coming back at the other; without dimensions, along the
    /// flattened tensor. PyTorch's `roll`.
    ///
    /// # Errors
    /// Where there are not as many shifts as dimensions.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// assert_eq!(Tensor::arange(4)?.roll(&[1], &[])?.to_vec::<i64>()?, [3, 0, 1, 2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn roll(&self, shifts: &[i64], dims: &[i64]) -> Result<Tensor> {
        if shifts.is_empty() {
            bail!(Shape, "`shifts` required");
        }
        if dims.is_empty() && shifts.len() == 1 {
            return (self.flatten()?.roll(shifts, &[0])?).reshape(self.shape());
        }
        ensure!(
            dims.len() == shifts.len(),
            Shape,
            "shifts and dimensions must align. shifts: {}, dims:{}",
            shifts.len(),
            dims.len()
        );
        if self.numel() == 0 {
            return self.copy();
        }
        let mut x = self.clone();
        for (&shift, &dim) in shifts.iter().zip(dims) {
            let dim = present(self.shape(), dim)?;
            let n = self.shape()[dim];
            let head = n - shift.rem_euclid(n as i64) as usize;
            let dim = dim as i64;
            x = match head == n {
                true => x,
                false => cat(
                    &[&x.narrow(dim, head, n - head)?, &x.narrow(dim, 0, head)?],
                    dim,
                )?,
            };
        }
        match x.is(self) {
            true => x.copy(),
            false => Ok(x),
        }
    }
}
