//! Elements written where flat positions or a mask say: put, masked_scatter; each also in place.

use crate::core::Site;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::common::operand::unnumbered;
use crate::ops::index::positions::where_true;
use crate::ops::index::rows::Rows;
use crate::ops::index::scatter::Write;
use crate::{DType, Result};
use std::borrow::Cow;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    fn put_write<'a>(
        &self,
        index: &Tensor,
        source: &'a Tensor,
        accumulate: bool,
        site: Site,
    ) -> Result<Write<'a>> {
        ensure!(
            source.dtype() == self.dtype(),
            DType,
            "put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}",
            self.dtype().scalar_type_name(),
            source.dtype().scalar_type_name()
        );
        ensure!(
            index.numel() == source.numel(),
            Index,
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = {}, index.numel() = {}",
            source.numel(),
            index.numel()
        );
        let rows = self.taken("put_", index, site)?;
        let src = Cow::Owned(source.reshape(index.shape())?);
        Ok(Write {
            rows,
            src,
            accumulate,
        })
    }

    /// This tensor with elements written (or added) at positions in row-major order. PyTorch's `put`.
    ///
    /// # Errors
    /// Where a position is out of range or `source` has another number of elements than `index`.
    #[track_caller]
    pub fn put(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<Tensor> {
        let site = Location::caller();
        self.put_write(index, source, accumulate, site)?
            .put(self, site)
    }

    /// [`Tensor::put`] in place. PyTorch's `put_`.
    ///
    /// # Errors
    /// As [`Tensor::put`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn put_(&self, index: &Tensor, source: &Tensor, accumulate: bool) -> Result<()> {
        let site = Location::caller();
        self.put_write(index, source, accumulate, site)?
            .put_(self, site)
    }

    fn masked_scatter_write<'a>(
        &self,
        mask: &Tensor,
        source: &'a Tensor,
        site: Site,
    ) -> Result<Write<'a>> {
        ensure!(
            mask.dtype() == DType::Bool,
            DType,
            "masked_scatter_ only supports boolean masks, but got mask with dtype {}",
            mask.dtype().scalar_type_name()
        );
        ensure!(
            source.dtype() == self.dtype(),
            DType,
            "masked_scatter: expected self and source to have same dtypes but got{} and {}",
            self.dtype().scalar_type_name(),
            source.dtype().scalar_type_name()
        );
        crate::core::watch::looked(mask); // how many there are says which of the source go where
        let mask = mask.expand(self.shape())?;
        let positions = match unnumbered(&[&self.array()]) {
            true => Tensor::zeros([0], DType::I64)?, // any will do, for nothing is written
            false => where_true(&mask, site)?,
        };
        let n = positions.numel();
        if source.numel() < n {
            bail!(
                Shape,
                "Number of elements of source < number of ones in mask"
            );
        }
        Ok(Write {
            rows: Rows::elements(self, positions),
            src: Cow::Owned(source.flatten()?.narrow(0, 0, n)?),
            accumulate: false,
        })
    }

    /// This tensor with the first elements of `source` written where `mask` holds. PyTorch's `masked_scatter`.
    ///
    /// # Errors
    /// Where `source` has too few elements or the mask is not bool.
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        let shape = mask.shape().broadcast(self.shape())?;
        let x = self.expand(&shape)?.contiguous()?; // PyTorch's copy is row-major
        x.masked_scatter_write(mask, source, site)?.put(&x, site)
    }

    /// [`Tensor::masked_scatter`] in place.
    ///
    /// # Errors
    /// As [`Tensor::masked_scatter`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn masked_scatter_(&self, mask: &Tensor, source: &Tensor) -> Result<()> {
        let site = Location::caller();
        self.masked_scatter_write(mask, source, site)?
            .put_(self, site)
    }
}
