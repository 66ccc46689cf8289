//! Slabs written by an index along one dimension: index_add, index_copy, index_fill; each also in place.
//!
//! Not for: single elements (`scatter`, `put`).

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::common::operand::Operand;
use crate::ops::index::gather::slab_rows;
use crate::ops::index::positions::{Positions, int_index};
use crate::ops::index::rows::Rows;
use crate::ops::index::scatter::{Write, number, spaced};
use crate::{DType, Number, Result, Shape};
use std::borrow::Cow;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    fn index_add_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        source: &'a Tensor,
        alpha: Number,
        site: Site,
    ) -> Result<Write<'a>> {
        let dim = self.shape().dim(dim)?;
        if index.ndim() > 1 {
            bail!(
                Index,
                "index_add_(): Index is supposed to be a vector, but got dim: {} with type: {} and size: {}",
                index.ndim(),
                index.dtype().scalar_type_name(),
                index.shape()
            );
        }
        let index = int_index(
            index,
            &format!(
                "index_add_(): Expected dtype int32/int64 for index but got: {}",
                index.dtype().scalar_type_name()
            ),
            site,
        )?;
        ensure!(
            source.dtype() == self.dtype(),
            DType,
            "index_add_(): self ({}) and source ({}) must have the same scalar type",
            self.dtype().scalar_type_name(),
            source.dtype().scalar_type_name()
        );
        let size = |t: &Tensor| t.shape().get(dim).copied().unwrap_or(1);
        ensure!(
            index.numel() == size(source),
            Shape,
            "index_add_(): Number of indices ({}) should be equal to source.size(dim): ({}), for dim: {dim}",
            index.numel(),
            size(source)
        );
        let without = |t: &Tensor| {
            let mut s = t.shape().to_vec();
            if dim < s.len() {
                s.remove(dim);
            }
            s
        };
        ensure!(
            without(self) == without(source) && (self.ndim() == 0) == (source.ndim() == 0),
            Shape,
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = {} source.shape = {}",
            self.shape(),
            source.shape()
        );
        let index = index.reshape([index.numel()])?;
        let rows = slab_rows(self, dim, &index, |i, n| {
            error!(
                Shape,
                "index {i} is out of bounds for dimension {dim} with size {n}"
            )
        })?;
        let src = match alpha {
            Number::Int(1) => Cow::Borrowed(source),
            alpha => Cow::Owned(source.mul(alpha)?.to(self.dtype())?),
        };
        Ok(Write {
            src: match self.ndim() {
                0 => Cow::Owned(src.reshape([1])?),
                _ => src,
            },
            rows,
            accumulate: true,
        })
    }

    /// This tensor with the slabs of `source`, times `alpha`, added to the slabs of `dim` that the index names. PyTorch's
    /// `index_add`.
    ///
    /// # Errors
    /// Where an index is out of range or shapes do not match.
    #[track_caller]
    pub fn index_add(
        &self,
        dim: i64,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.index_add_write(dim, index, source, alpha.into(), site)?
            .put(&self.contiguous()?, site) // PyTorch's copy is row-major
    }

    /// [`Tensor::index_add`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_add`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_add_(
        &self,
        dim: i64,
        index: &Tensor,
        source: &Tensor,
        alpha: impl Into<Number>,
    ) -> Result<()> {
        let site = Location::caller();
        self.index_add_write(dim, index, source, alpha.into(), site)?
            .put_(self, site)
    }

    /// Errors unless `index_copy` can write `source` along `dim`.
    fn fits_index_copy(&self, dim: usize, index: &Tensor, source: &Tensor) -> Result<()> {
        if index.ndim() > 1 {
            bail!(
                Index,
                "index_copy_(): Index should have dimension 1 or 0 (got {})",
                index.ndim()
            );
        }
        if source.ndim() > 0 && self.ndim() > 0 && source.ndim() != self.ndim() {
            bail!(
                Index,
                "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality ({}), destination dimensionality ({})",
                source.ndim(),
                self.ndim()
            );
        }
        ensure!(
            index.dtype() == DType::I64,
            DType,
            "index_copy_(): Expected a long tensor for index, but got {}",
            index.dtype().scalar_type_name()
        );
        ensure!(
            source.dtype() == self.dtype(),
            DType,
            "index_copy_(): self and source expected to have the same dtype, but got (self) {} and (source) {}",
            self.dtype().scalar_type_name(),
            source.dtype().scalar_type_name()
        );
        let without = |t: &Tensor| {
            let mut s = t.shape().clone();
            if dim < s.len() {
                s.remove(dim);
            }
            s
        };
        let (to, from) = (without(self), without(source));
        ensure!(
            to == from,
            Shape,
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {} at dimension {dim} and source slice shape: {} at dimension 0.",
            spaced(&to),
            spaced(&from)
        );
        let count = source.shape().get(dim).copied().unwrap_or(1);
        ensure!(
            index.numel() == count,
            Index,
            "{}",
            if source.ndim() == 0 {
                format!(
                    "index_copy_(): When source is scalar, index should have one element (got {})",
                    index.numel()
                )
            } else {
                format!(
                    "index_copy_(): Number of indices ({}) should be equal to source.size(dim) ({count})",
                    index.numel()
                )
            }
        );
        Ok(())
    }

    fn index_copy_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        source: &'a Tensor,
    ) -> Result<Write<'a>> {
        let dim = self.shape().dim(dim)?;
        self.fits_index_copy(dim, index, source)?;
        let index = index.reshape([index.numel()])?;
        let rows = slab_rows(self, dim, &index, |i, n| {
            error!(
                Index,
                "index_copy_(): index {i} is out of bounds for dimension {dim} with size {n}"
            )
        })?;
        let shape = rows.shape(self);
        Ok(Write {
            rows,
            src: if *source.shape() == shape {
                Cow::Borrowed(source)
            } else {
                Cow::Owned(source.reshape(shape)?)
            },
            accumulate: false,
        })
    }

    /// This tensor with the slabs of `dim` that the index names replaced by those of `source`. PyTorch's `index_copy`.
    ///
    /// # Errors
    /// Where an index is out of range or shapes do not match.
    #[track_caller]
    pub fn index_copy(&self, dim: i64, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        self.index_copy_write(dim, index, source)?
            .put(&self.contiguous()?, site) // PyTorch's copy is row-major
    }

    /// [`Tensor::index_copy`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_copy`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_copy_(&self, dim: i64, index: &Tensor, source: &Tensor) -> Result<()> {
        let site = Location::caller();
        self.index_copy_write(dim, index, source)?.put_(self, site)
    }

    fn index_fill_write<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: Operand<'a>,
        site: Site,
    ) -> Result<Write<'a>> {
        let dim = self.shape().dim(dim)?;
        ensure!(
            index.dtype() == DType::I64,
            Index,
            "index_fill_(): Expected dtype int64 for index."
        );
        if index.ndim() > 1 {
            bail!(Index, "Index has to be a vector/scalar");
        }
        let tracked = matches!(value, Operand::Tensor(t) if t.requires_grad());
        let src = match value {
            Operand::Number(n) => Cow::Owned(number(n, self.dtype())?),
            Operand::Tensor(t) if t.ndim() > 0 => {
                bail!(
                    Shape,
                    "index_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                    t.ndim()
                );
            }
            Operand::Tensor(t) => crate::ops::common::operand::converted(t, self.dtype(), site)?,
        };
        let sizes = Shape::new(&[self.shape().get(dim).copied().unwrap_or(1)]);
        let index = index.reshape([index.numel()])?;
        let op = Positions {
            sizes,
            first: dim,
            modulo: false,
        };
        let mut positions = apply(op, &[&index], site)?;
        if tracked {
            // A slab named twice is filled once: the value's gradient counts it once.
            positions = positions.unique(None)?[0].clone();
        }
        Ok(Write {
            rows: Rows {
                at: dim,
                count: usize::from(self.ndim() > 0),
                positions,
            },
            src,
            accumulate: false,
        })
    }

    /// This tensor with the slabs of `dim` that the index names set to one value, a number or a tensor without
    /// dimensions. PyTorch's `index_fill`.
    ///
    /// # Errors
    /// Where an index is out of range.
    #[track_caller]
    pub fn index_fill<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        self.index_fill_write(dim, index, value.into(), site)?
            .put(self, site)
    }

    /// [`Tensor::index_fill`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_fill`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_fill_<'a>(
        &self,
        dim: i64,
        index: &Tensor,
        value: impl Into<Operand<'a>>,
    ) -> Result<()> {
        let site = Location::caller();
        self.index_fill_write(dim, index, value.into(), site)?
            .put_(self, site)
    }
}
