//! Elements picked by an index: index_select, gather, take, take_along_dim, masked_select. Compositions of positions
//! (`positions`) and rows (`rows`).

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::index::positions::{Along, Positions, int_index, longs, where_true};
use crate::ops::index::rows::Rows;
use crate::{DType, Error, Result, Shape};
use std::panic::Location;

/// Rows of one dimension for a vector of indices none of which is negative, in the words of `message` where one is out
/// of range.
pub(in crate::ops) fn slab_rows(
    x: &Tensor,
    dim: usize,
    index: &Tensor,
    message: impl Fn(i64, usize) -> Error,
) -> Result<Rows> {
    let n = x.shape().get(dim).copied().unwrap_or(1);
    if !index.array().is_meta() {
        let bad = (crate::ops::common::operand::once(&index.array())?
            .numbers::<i64>()?
            .into_iter())
        .find(|i| !(0..n as i64).contains(i));
        if let Some(i) = bad {
            return Err(message(i, n));
        }
    }
    Ok(Rows {
        at: dim,
        count: usize::from(x.ndim() > 0),
        positions: index.clone(),
    })
}

#[pullback_macros::called]
impl Tensor {
    /// Where an index along `dim` points, in row-major order; the index has as many dimensions as this tensor.
    pub(in crate::ops) fn along(&self, dim: usize, index: &Tensor, site: Site) -> Result<Rows> {
        let op = Along {
            shape: self.shape().clone(),
            dim,
        };
        Ok(Rows::elements(self, apply(op, &[index], site)?))
    }

    /// The slabs of a dimension that a vector of indices names; none may be negative. PyTorch's `index_select`.
    ///
    /// # Errors
    /// Where an index is out of range, or `index` is no vector of integers.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3])?;
    /// let i = Tensor::from_slice(&[2i64, 0], [2])?;
    /// assert_eq!(x.index_select(0, &i)?.to_vec::<f32>()?, [3.0, 1.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn index_select(&self, dim: i64, index: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        if index.ndim() > 1 {
            bail!(Index, "index_select(): Index is supposed to be a vector");
        }
        let index = int_index(
            index,
            "index_select(): Expected dtype int32 or int64 for index",
            site,
        )?;
        if self.ndim() == 0 && index.numel() != 1 {
            bail!(
                Index,
                "index_select(): Index to scalar can have only 1 value, got {} value(s)",
                index.numel()
            );
        }
        let index = index.reshape([index.numel()])?;
        let rows = slab_rows(self, dim, &index, |i, n| {
            error!(Index, "index out of range in self")
                .note(format!("index {i} for dimension {dim} with size {n}"))
        })?;
        let picked = rows.take_as("IndexSelectBackward0", self, site)?;
        match self.ndim() {
            0 => picked.reshape(()),
            _ => Ok(picked),
        }
    }

    /// For each place of the index, the element that it names along `dim`, all other coordinates being the place's own.
    /// PyTorch's `gather`.
    ///
    /// # Errors
    /// Where an index is out of range, or the index has another number of dimensions or is larger elsewhere.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
    /// let i = Tensor::from_slice(&[1i64, 0], [2, 1])?;
    /// assert_eq!(x.gather(1, &i)?.to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn gather(&self, dim: i64, index: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        // An index without elements may be of any dtype.
        let index = match index.numel() {
            0 => longs(index, site)?,
            _ => int_index(
                index,
                "gather(): Expected dtype int32/int64 for index",
                site,
            )?,
        };
        if index.numel() > 0 {
            ensure!(
                index.ndim().max(1) == self.ndim().max(1),
                Shape,
                "Index tensor must have the same number of dimensions as input tensor"
            );
            let larger = |&d: &usize| d != dim && index.shape()[d] > self.shape()[d];
            if let Some(d) = (0..self.ndim().min(index.ndim())).find(larger) {
                bail!(
                    Shape,
                    "Size does not match at dimension {d} expected index {} to be no larger than self {} apart from dimension {dim}",
                    index.shape(),
                    self.shape()
                );
            }
        }
        self.gathered(dim, &index, site)
    }

    /// [`Tensor::gather`] for an index that has been looked at.
    pub(in crate::ops) fn gathered(
        &self,
        dim: usize,
        index: &Tensor,
        site: Site,
    ) -> Result<Tensor> {
        if index.ndim() == self.ndim() {
            return self
                .along(dim, index, site)?
                .take_as("GatherBackward0", self, site);
        }
        // Numbers and vectors of one element are the same to PyTorch.
        let (x, shape) = (self.atleast_1d()?, index.shape().clone());
        if index.numel() == 0 {
            return x.flatten()?.narrow(0, 0, 0)?.reshape(shape);
        }
        let index = index.atleast_1d()?;
        x.along(dim, &index, site)?
            .take_as("GatherBackward0", &x, site)?
            .reshape(shape)
    }

    /// Elements at positions in row-major order; negative ones count from the end. PyTorch's `torch.take`.
    ///
    /// # Errors
    /// Where the index is not int64 or a position is out of range.
    #[track_caller]
    pub fn take(&self, index: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        self.taken("take", index, site)?
            .take_as("TakeBackward0", self, site)
    }

    /// Positions in row-major order, negative ones counting from the end.
    pub(in crate::ops) fn taken(
        &self,
        name: &'static str,
        index: &Tensor,
        site: Site,
    ) -> Result<Rows> {
        ensure!(
            index.dtype() == DType::I64,
            DType,
            "{name}(): Expected a long tensor for index, but got {}",
            index.dtype().scalar_type_name()
        );
        let n = self.numel();
        if n == 0 && index.numel() > 0 {
            bail!(Index, "{name}(): tried to take from an empty tensor");
        }
        let numbers = match index.array().is_meta() {
            true => Vec::new(), // there is nothing to check
            false => crate::ops::common::operand::once(&index.array())?.numbers::<i64>()?,
        };
        let bad = (numbers.into_iter()).find(|p| !(-(n as i64)..n as i64).contains(p));
        if let Some(p) = bad {
            bail!(
                Index,
                "out of range: tried to access index {p} on a tensor of {n} elements."
            );
        }
        let op = Positions {
            sizes: Shape::new(&[n]),
            first: 0,
            modulo: false,
        };
        Ok(Rows::elements(self, apply(op, &[index], site)?))
    }

    /// [`Tensor::gather`] whose other dimensions broadcast: what `argsort` and `argmax` return fits. Without `dim`, both
    /// are flattened. PyTorch's `torch.take_along_dim`.
    ///
    /// # Errors
    /// Where the numbers of dimensions differ.
    #[track_caller]
    pub fn take_along_dim(&self, indices: &Tensor, dim: Option<i64>) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            indices.dtype() == DType::I64,
            DType,
            "torch.take_along_dim(): dtype of indices should be Long but got {}",
            indices.dtype().scalar_type_name()
        );
        let Some(dim) = dim else {
            return self.flatten()?.gather(0, &indices.flatten()?);
        };
        ensure!(
            indices.ndim() == self.ndim(),
            Shape,
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got {} dimensions for input, and {} dimensions for indices",
            self.ndim(),
            indices.ndim()
        );
        let at = self.shape().dim(dim)?;
        if self.ndim() == 0 {
            return self.gather(dim, indices);
        }
        let (mut a, mut b) = (self.shape().clone(), indices.shape().clone());
        (a.dims_mut()[at], b.dims_mut()[at]) = (1, 1);
        let mut common = a.broadcast(&b)?;
        let mut sized = |n: usize| {
            common.dims_mut()[at] = n;
            common.clone()
        };
        let x = self.expand(sized(self.shape()[at]))?;
        let index = indices.expand(sized(indices.shape()[at]))?;
        // PyTorch takes the remainder by the size: negative numbers count from the end, and nothing is out of range.
        let op = Positions {
            sizes: Shape::new(&[self.shape()[at]]),
            first: at,
            modulo: true,
        };
        let index = apply(op, &[&index], site)?;
        x.gathered(at, &index, site)
    }

    /// The elements where `mask` holds, as a vector; both broadcast. PyTorch's `masked_select`.
    ///
    /// # Errors
    /// Where the mask is not bool or the shapes do not broadcast.
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            mask.dtype() == DType::Bool,
            DType,
            "masked_select: expected BoolTensor for mask"
        );
        if crate::core::watch::varies(mask) {
            bail!(
                Argument,
                "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for each batch this would return a differently shaped Tensor. Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."
            );
        }
        let shape = mask.shape().broadcast(self.shape())?;
        let (x, mask) = (self.expand(&shape)?, mask.expand(&shape)?);
        Rows::elements(&x, where_true(&mask, site)?).take_as("MaskedSelectBackward0", &x, site)
    }

    /// The positions of a mask, for indexing: int64 whatever the dtype was.
    pub(in crate::ops) fn as_longs(&self, site: Site) -> Result<Tensor> {
        longs(self, site)
    }
}
