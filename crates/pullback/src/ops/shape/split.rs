//! A tensor in parts along a dimension: split, chunk, unbind and their relatives. Parts are views.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::Sizes;
use crate::ops::Slice;
use crate::ops::shape::view::present;
use pullback_array::room;
use std::panic::Location;

/// Marks views that came together, which PyTorch lets nobody write in place.
fn many(name: &'static str, views: Vec<Tensor>) -> Vec<Tensor> {
    (views.into_iter().enumerate())
        .map(|(k, view)| view.one_of_many_views(name, k))
        .collect()
}

/// An error where the memory for `n` tensors is not to be had: a huge dimension that is expanded, or empty, has as many parts as any.
fn room_for_tensors(n: usize) -> Result<()> {
    // A handle, its tensor, its layout and the node of its history take about this much.
    room::<[u8; 256]>(n).map(drop)
}

#[pullback_macros::called]
impl Tensor {
    fn dim_of(&self, dim: i64) -> Result<usize> {
        present(self.shape(), dim)
    }

    fn part(&self, dim: usize, start: usize, len: usize, site: Site) -> Result<Tensor> {
        let op = Slice {
            dim,
            start,
            len,
            step: 1,
        };
        apply(op, &[self], site)
    }

    fn parts(
        &self,
        dim: usize,
        sizes: impl IntoIterator<Item = usize>,
        site: Site,
    ) -> Result<Vec<Tensor>> {
        let (sizes, mut start) = (sizes.into_iter(), 0);
        room_for_tensors(sizes.size_hint().0)?;
        sizes
            .map(|len| {
                let part = self.part(dim, start, len, site);
                start += len;
                part
            })
            .collect()
    }

    /// Parts of `split_size` along `dim`; the last one may be smaller. PyTorch's `split` with a number.
    ///
    /// # Errors
    /// Where `split_size` is negative, or 0 for a dimension that is not empty.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let parts = Tensor::arange(5)?.split(2, 0)?;
    /// assert_eq!(parts[2].to_vec::<i64>()?, [4]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn split(&self, split_size: impl Into<Count>, dim: i64) -> Result<Vec<Tensor>> {
        let split_size = split_size.into().0;
        let site = Location::caller();
        ensure!(
            self.ndim() != 0,
            Shape,
            "split expects at least a 1-dimensional tensor"
        );
        let Ok(size) = usize::try_from(split_size) else {
            bail!(
                Shape,
                "split expects split_size be non-negative, but got split_size={split_size}"
            );
        };
        let dim = self.dim_of(dim)?;
        let n = self.shape()[dim];
        if size == 0 && n > 0 {
            bail!(
                Shape,
                "split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
            );
        }
        let count = if size == 0 {
            1
        } else {
            n.div_ceil(size).max(1)
        };
        let sizes = (0..count).map(|k| size.min(n - k * size));
        self.parts(dim, sizes, site).map(|all| many("Split", all))
    }

    /// Parts of the sizes given. PyTorch's `split` with a list, and `split_with_sizes`.
    ///
    /// # Errors
    /// Where a size is negative or they do not sum to the dimension's.
    #[track_caller]
    pub fn split_with_sizes(&self, split_sizes: impl Into<Sizes>, dim: i64) -> Result<Vec<Tensor>> {
        let split_sizes = split_sizes.into();
        let split_sizes = &split_sizes.0[..];
        let site = Location::caller();
        ensure!(
            self.ndim() != 0,
            Shape,
            "split_with_sizes expects at least a 1-dimensional tensor"
        );
        let given = dim;
        let dim = self.dim_of(dim)?;
        let n = self.shape()[dim];
        if split_sizes.iter().any(|&s| s < 0) {
            bail!(
                Shape,
                "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={split_sizes:?}"
            );
        }
        if split_sizes.iter().map(|&s| i128::from(s)).sum::<i128>() != n as i128 {
            bail!(
                Shape,
                "split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {given}), but got split_sizes={split_sizes:?}"
            );
        }
        let sizes = split_sizes.iter().map(|&s| s as usize);
        self.parts(dim, sizes, site)
            .map(|all| many("SplitWithSizes", all))
    }

    /// `sections` parts whose sizes differ by at most one. PyTorch's `tensor_split` with a number.
    ///
    /// # Errors
    /// Where `sections` is not positive.
    #[track_caller]
    pub fn tensor_split(&self, sections: impl Into<Count>, dim: i64) -> Result<Vec<Tensor>> {
        let sections = sections.into().0;
        let site = Location::caller();
        self.splittable()?;
        let dim = self.dim_of(dim)?;
        if sections <= 0 {
            bail!(
                Shape,
                "number of sections must be larger than 0, got {sections}"
            );
        }
        let (n, k) = (self.shape()[dim], sections as usize);
        let sizes = (0..k).map(|i| n / k + usize::from(i < n % k));
        self.parts(dim, sizes, site)
    }

    /// Parts that end where the indices say, as Python's slices would. PyTorch's `tensor_split` with a list.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn tensor_split_at(&self, indices: &[i64], dim: i64) -> Result<Vec<Tensor>> {
        let site = Location::caller();
        self.splittable()?;
        let dim = self.dim_of(dim)?;
        let n = self.shape()[dim] as i64;
        let clip = |i: i64| if i < 0 { i + n } else { i }.clamp(0, n);
        let mut start = 0;
        (indices.iter().copied().map(clip).chain([n]))
            .map(|end| {
                let part = self.part(dim, start as usize, (end - start).max(0) as usize, site);
                start = end;
                part
            })
            .collect()
    }

    fn splittable(&self) -> Result<()> {
        if self.ndim() > 0 {
            return Ok(());
        }
        Err(error!(
            Shape,
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        ))
    }

    /// At most `chunks` parts of equal size; the last one may be smaller. PyTorch's `chunk`.
    ///
    /// # Errors
    /// Where `chunks` is not positive.
    #[track_caller]
    pub fn chunk(&self, chunks: impl Into<Count>, dim: i64) -> Result<Vec<Tensor>> {
        let chunks = chunks.into().0;
        let site = Location::caller();
        ensure!(
            self.ndim() != 0,
            Shape,
            "chunk expects at least a 1-dimensional tensor"
        );
        if chunks <= 0 {
            bail!(
                Shape,
                "chunk expects `chunks` to be greater than 0, got: {chunks}"
            );
        }
        let dim = self.dim_of(dim)?;
        let n = self.shape()[dim];
        if n == 0 {
            return self.parts(dim, std::iter::repeat_n(0, chunks as usize), site);
        }
        self.split(n.div_ceil(chunks as usize) as i64, dim as i64)
    }

    /// One view for each index of a dimension, which is dropped. PyTorch's `unbind`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn unbind(&self, dim: i64) -> Result<Vec<Tensor>> {
        let site = Location::caller();
        let dim = self.dim_of(dim)?;
        room_for_tensors(self.shape()[dim])?;
        (0..self.shape()[dim])
            .map(|index| apply(crate::ops::Select { dim, index }, &[self], site))
            .collect::<Result<_>>()
            .map(|all| many("Unbind", all))
    }

    /// One view for each index of the first dimension: what Python's `for row in x` goes over.
    ///
    /// ```
    /// use pullback::tensor;
    /// let x = tensor![[1, 2], [3, 4]];
    /// for (k, row) in x.rows()?.iter().enumerate() {
    ///     assert_eq!(row.get::<i64>(0)?, x.get([k, 0])?);
    /// }
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// For a tensor without dimensions.
    #[track_caller]
    pub fn rows(&self) -> Result<Vec<Tensor>> {
        ensure!(self.ndim() > 0, Type, "iteration over a 0-d tensor");
        self.unbind(0)
    }

    /// The dimension that `hsplit`, `vsplit` and `dsplit` cut.
    pub(crate) fn named_split_dim(&self, name: &'static str, sections: Option<i64>) -> Result<i64> {
        let (least, dim) = match name {
            "hsplit" => (1, usize::from(self.ndim() > 1)),
            "vsplit" => (2, 0),
            _ => (3, 2),
        };
        if self.ndim() < least {
            bail!(
                Shape,
                "torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {} dimensions!",
                self.ndim()
            );
        }
        let n = self.shape()[dim];
        match sections {
            Some(k) if k == 0 || !n.is_multiple_of(k.unsigned_abs() as usize) => Err(error!(
                Shape,
                "torch.{name} attempted to split along dimension {dim}, but the size of the dimension {n} is not divisible by the split_size {k}!"
            )),
            _ => Ok(dim as i64),
        }
    }

    /// Equal parts along the columns (of a vector: along it). PyTorch's `hsplit` with a number.
    ///
    /// # Errors
    /// Where the dimension cannot be divided equally.
    #[track_caller]
    pub fn hsplit(&self, sections: impl Into<Count>) -> Result<Vec<Tensor>> {
        let sections = sections.into().0;
        let dim = self.named_split_dim("hsplit", Some(sections))?;
        self.tensor_split(sections, dim)
    }

    /// Equal parts along the rows. PyTorch's `vsplit` with a number.
    ///
    /// # Errors
    /// Where the dimension cannot be divided equally.
    #[track_caller]
    pub fn vsplit(&self, sections: impl Into<Count>) -> Result<Vec<Tensor>> {
        let sections = sections.into().0;
        let dim = self.named_split_dim("vsplit", Some(sections))?;
        self.tensor_split(sections, dim)
    }

    /// Equal parts along the third dimension. PyTorch's `dsplit` with a number.
    ///
    /// # Errors
    /// Where the dimension cannot be divided equally.
    #[track_caller]
    pub fn dsplit(&self, sections: impl Into<Count>) -> Result<Vec<Tensor>> {
        let sections = sections.into().0;
        let dim = self.named_split_dim("dsplit", Some(sections))?;
        self.tensor_split(sections, dim)
    }
}
