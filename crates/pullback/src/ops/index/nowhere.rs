//! Writes to places that nobody knows: where a mask has no numbers (the meta device), how many it names is not known, and a write gives
//! its destination's shape all the same. It is inferred as a write to no place.
//!
//! Not for: reads, whose result's size depends on the mask; they are errors, as in PyTorch.

use crate::core::tensor::Tensor;
use crate::ops::common::operand::unnumbered;
use crate::ops::index::bracket_items::Index;
use crate::ops::index::brackets::is_mask;
use crate::{DType, Result, Shape};
use std::borrow::Cow;

/// Whether one of them is a mask without numbers.
pub(super) fn uncounted<'a>(mut indices: impl Iterator<Item = &'a Tensor>) -> bool {
    indices.any(|t| is_mask(t) && unnumbered(&[&t.array()]))
}

/// The tensors among items of brackets.
pub(super) fn tensors(items: &[Index]) -> impl Iterator<Item = &Tensor> {
    items.iter().filter_map(|item| match item {
        Index::Tensor(t) => Some(t),
        _ => None,
    })
}

/// The items, or where nobody knows what they name others of the same dimensions that name no place.
///
/// # Errors
/// Where there is no memory.
pub(super) fn known(items: &[Index]) -> Result<Cow<'_, [Index]>> {
    if !uncounted(tensors(items)) {
        return Ok(Cow::Borrowed(items));
    }
    let mut all = Vec::new();
    for item in items {
        match item {
            Index::Tensor(t) if is_mask(t) && t.ndim() == 0 => all.push(Index::Bool(false)),
            Index::Tensor(t) => {
                for _ in 0..if is_mask(t) { t.ndim() } else { 1 } {
                    all.push(Index::Tensor(Tensor::zeros([0], DType::I64)?));
                }
            }
            other => all.push(other.clone()),
        }
    }
    Ok(Cow::Owned(all))
}

/// What of the values is written to no place: nothing, of whatever shape they are.
///
/// # Errors
/// Never, but for memory.
pub(super) fn nothing_of(values: &Tensor, shape: Shape) -> Result<Tensor> {
    values
        .reshape([values.numel()])?
        .narrow(0, 0, 0)?
        .reshape(shape)
}
