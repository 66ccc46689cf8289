//! PyTorch's `index_put`: values written, or added, where indices point, one tensor for each of the first dimensions.
//!
//! Not for: Python's brackets (`brackets`, whose way to places this goes), single dimensions (`index_add`, `scatter`).

use crate::Result;
use crate::core::Site;
use crate::core::fail::error;
use crate::core::tensor::Tensor;
use crate::ops::index::bracket_items::Index;
use crate::ops::index::brackets::{Indexed, indexed, is_mask};
use crate::ops::index::nowhere::{known, nothing_of, uncounted};
use crate::ops::index::rows::Rows;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    /// The indices of `index_put`: one tensor for each of the first dimensions.
    fn index_put_rows(&self, indices: &[&Tensor], site: Site) -> Result<(Tensor, Rows)> {
        let items: Vec<Index> = indices
            .iter()
            // An index without dimensions stands for an array here, and not for a view.
            .map(|t| match (t.ndim(), is_mask(t)) {
                (0, false) => t.reshape([1]).map(Index::Tensor),
                _ => Ok(Index::Tensor((*t).clone())),
            })
            .collect::<Result<_>>()?;
        let Indexed { view, rows } = indexed(self, &known(&items)?, site)?;
        match rows {
            Some(mut rows) => {
                if indices.iter().all(|t| t.ndim() == 0 && !is_mask(t)) {
                    rows.positions = rows.positions.reshape(())?;
                }
                Ok((view, rows))
            }
            None => Err(error!(Shape, "at least one index must be given")),
        }
    }

    /// This tensor with values written (or added) where indices, one tensor for each of the first dimensions, point.
    /// PyTorch's `index_put`.
    ///
    /// # Errors
    /// As [`Tensor::index`]; where dtypes differ or values do not broadcast.
    #[track_caller]
    pub fn index_put(
        &self,
        indices: &[&Tensor],
        values: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let (view, rows) = self.index_put_rows(indices, site)?;
        let values = match uncounted(indices.iter().copied()) {
            true => nothing_of(values, rows.shape(&view))?,
            false => values.clone(),
        };
        let out = rows.put(&view, &values, accumulate, site)?;
        // A mask without dimensions has added one in front.
        match view.shape() == self.shape() {
            true => Ok(out),
            false => out.reshape(self.shape()),
        }
    }

    /// [`Tensor::index_put`] in place.
    ///
    /// # Errors
    /// As [`Tensor::index_put`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn index_put_(&self, indices: &[&Tensor], values: &Tensor, accumulate: bool) -> Result<()> {
        let site = Location::caller();
        let (view, rows) = self.index_put_rows(indices, site)?;
        let values = match uncounted(indices.iter().copied()) {
            true => nothing_of(values, rows.shape(&view))?,
            false => values.clone(),
        };
        rows.put_(&view, &values, accumulate, site)
    }
}
