//! The same elements in the same order under another shape: reshape and its relatives. Views wherever strides allow it.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, error};
use crate::core::tensor::Tensor;
use crate::ops::{Reshape, Sizes};
use crate::{Result, Shape};
use pullback_array::wrap_dim;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    fn shaped(&self, shape: Shape, site: Site) -> Result<Tensor> {
        apply(Reshape { shape }, &[self], site)
    }

    /// The same elements in row-major order under another shape; a view where strides allow it, else a copy. One size may
    /// be -1: it is inferred. PyTorch's `reshape`.
    ///
    /// # Errors
    /// Where the number of elements differs.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Sizes>) -> Result<Tensor> {
        let site = Location::caller();
        let shape = (shape.into().infer(self.numel()))?;
        self.shaped(shape, site)
    }

    /// [`Tensor::reshape`] that never copies. PyTorch's `view`.
    ///
    /// # Errors
    /// Where the number of elements differs, and where strides do not allow a view.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::arange(6)?.view([2, 3])?;
    /// let e = x.t()?.view(6).unwrap_err();
    /// assert!(e.message().starts_with("view size is not compatible with input tensor's size and stride"));
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn view(&self, shape: impl Into<Sizes>) -> Result<Tensor> {
        let site = Location::caller();
        let shape = (shape.into().infer(self.numel()))?;
        if shape.numel() == self.numel() && self.array().layout().reshape(&shape).is_none() {
            return Err(error!(Shape, "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.")
            .note(format!(
                "shape {}, strides {:?}, asked for {shape}",
                self.shape(),
                &self.array().layout().strides()[..]
            )));
        }
        self.shaped(shape, site)
    }

    /// A view of the shape of `other`. PyTorch's `view_as`.
    ///
    /// # Errors
    /// As [`Tensor::view`].
    #[track_caller]
    pub fn view_as(&self, other: &Tensor) -> Result<Tensor> {
        self.view(other.shape())
    }

    /// Reshaped to the shape of `other`. PyTorch's `reshape_as`.
    ///
    /// # Errors
    /// As [`Tensor::reshape`].
    #[track_caller]
    pub fn reshape_as(&self, other: &Tensor) -> Result<Tensor> {
        self.reshape(other.shape())
    }

    /// All elements in one dimension. PyTorch's `flatten()`.
    #[track_caller]
    pub fn flatten(&self) -> Result<Tensor> {
        self.shaped(Shape::new(&[self.numel()]), Location::caller())
    }

    /// All elements in one dimension. PyTorch's `ravel`.
    #[track_caller]
    pub fn ravel(&self) -> Result<Tensor> {
        self.flatten()
    }

    /// Dimensions `start_dim..=end_dim` as one. PyTorch's `flatten(start_dim, end_dim)`.
    ///
    /// # Errors
    /// Where a dimension is out of range or `start_dim` comes after `end_dim`.
    #[track_caller]
    pub fn flatten_dims(&self, start_dim: i64, end_dim: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = |d| self.shape().dim(d);
        let (start, end) = (dim(start_dim)?, dim(end_dim)?);
        if start > end {
            bail!(
                Shape,
                "flatten() has invalid args: start_dim cannot come after end_dim"
            );
        }
        if self.ndim() == 0 {
            return self.shaped(Shape::new(&[1]), site);
        }
        if start == end {
            return Ok(self.clone());
        }
        let mut sizes = self.shape().to_vec();
        let merged = sizes[start..=end].iter().product();
        sizes.splice(start..=end, [merged]);
        self.shaped(sizes.into(), site)
    }

    /// One dimension as several, one of which may be -1. PyTorch's `unflatten`.
    ///
    /// # Errors
    /// Where the sizes do not multiply up to the dimension's.
    #[track_caller]
    pub fn unflatten(&self, dim: i64, sizes: impl Into<Sizes>) -> Result<Tensor> {
        let (site, sizes) = (Location::caller(), sizes.into());
        let dim = self.shape().dim(dim)?;
        if sizes.0.is_empty() {
            bail!(Shape, "unflatten: sizes must be non-empty");
        }
        if self.ndim() == 0 {
            return self.reshape(sizes);
        }
        let n = self.shape()[dim];
        if sizes.0.iter().filter(|&&n| n == -1).count() > 1 {
            return Err(error!(Shape, "unflatten got an unexpected error:")
                .note("only one dimension can be inferred"));
        }
        let parts = match sizes.infer(n) {
            Ok(parts) if parts.numel() == n => parts,
            _ => {
                bail!(
                    Shape,
                    "unflatten: Provided sizes {sizes} don't multiply up to the size of dim {dim} ({n}) in the input tensor"
                );
            }
        };
        let mut shape = self.shape().to_vec();
        shape.splice(dim..=dim, parts.iter().copied());
        self.shaped(shape.into(), site)
    }

    /// Drops all dimensions of size 1. PyTorch's `squeeze()`.
    #[track_caller]
    pub fn squeeze(&self) -> Result<Tensor> {
        let shape = self.shape().iter().copied().filter(|&n| n != 1).collect();
        self.shaped(shape, Location::caller())
    }

    /// Drops those of the dimensions named that have size 1. PyTorch's `squeeze(dim)`.
    ///
    /// # Errors
    /// Where a dimension is out of range or named twice.
    #[track_caller]
    pub fn squeeze_dims(&self, dims: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        let dims = distinct(self.shape(), dims)?;
        let kept = (self.shape().iter().enumerate())
            .filter(|(d, n)| **n != 1 || !dims.contains(d))
            .map(|(_, &n)| n)
            .collect();
        self.shaped(kept, site)
    }

    /// Inserts a dimension of size 1 before `dim` (`-1`: at the end).
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, dim: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = wrap_dim(dim, self.ndim() + 1)?;
        let mut shape = self.shape().clone();
        shape.insert(dim, 1);
        self.shaped(shape, site)
    }

    /// At least one dimension. PyTorch's `torch.atleast_1d`.
    #[track_caller]
    pub fn atleast_1d(&self) -> Result<Tensor> {
        match self.ndim() {
            0 => self.reshape([1]),
            _ => Ok(self.clone()),
        }
    }

    /// At least two dimensions: a vector becomes a row. PyTorch's `torch.atleast_2d`.
    #[track_caller]
    pub fn atleast_2d(&self) -> Result<Tensor> {
        match self.ndim() {
            0 => self.reshape([1, 1]),
            1 => self.unsqueeze(0),
            _ => Ok(self.clone()),
        }
    }

    /// At least three dimensions: a vector lies in the second, a matrix in the first two. PyTorch's `torch.atleast_3d`.
    #[track_caller]
    pub fn atleast_3d(&self) -> Result<Tensor> {
        match self.ndim() {
            0 => self.reshape([1, 1, 1]),
            1 => self.reshape([1, self.numel(), 1]),
            2 => self.unsqueeze(-1),
            _ => Ok(self.clone()),
        }
    }

    /// How far apart neighbours lie along each dimension, in elements. PyTorch's `stride()`.
    pub fn strides(&self) -> Vec<i64> {
        (self.array().layout().strides().iter().map(|&s| s as i64)).collect()
    }

    /// How far apart neighbours lie along one dimension. PyTorch's `stride(dim)`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn stride(&self, dim: i64) -> Result<i64> {
        let dim = present(self.shape(), dim)?;
        Ok(self.strides()[dim])
    }
}

/// A dimension of a tensor that has any.
pub(in crate::ops) fn present(shape: &Shape, dim: i64) -> Result<usize> {
    if shape.is_empty() {
        bail!(
            Index,
            "Dimension specified as {dim} but tensor has no dimensions"
        );
    }
    shape.dim(dim)
}

/// Dimensions, resolved, none of them twice.
pub(in crate::ops) fn distinct(shape: &Shape, dims: &[i64]) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(dims.len());
    for &d in dims {
        let d = shape.dim(d)?;
        if out.contains(&d) {
            bail!(Shape, "dim {d} appears multiple times in the list of dims");
        }
        out.push(d);
    }
    Ok(out)
}
