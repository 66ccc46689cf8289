//! Shapes as Python hands them over, signed, turned into element counts with PyTorch's sentences. Nothing is allocated.

use crate::error::{Error, Result};

/// Sizes in bytes are signed in PyTorch.
const MAX: u64 = i64::MAX as u64;

/// How many elements a tensor of `shape` and of `itemsize` bytes an element has.
///
/// ```
/// use pullback_random::torch::numel;
///
/// assert_eq!(numel(&[2, 3], 4)?, 6);
/// // Python: torch.rand(2, -3)
/// assert_eq!(
///     numel(&[2, -3], 4).unwrap_err().message(),
///     "Trying to create tensor with negative dimension -3: [2, -3]"
/// );
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn numel(shape: &[i64], itemsize: usize) -> Result<usize> {
    let list = || {
        shape
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(negative) = shape.iter().find(|&&extent| extent < 0) {
        return Err(Error::runtime(format!(
            "Trying to create tensor with negative dimension {negative}: [{}]",
            list()
        )));
    }
    let elements = shape
        .iter()
        .try_fold(1u64, |n, &extent| n.checked_mul(extent as u64));
    let bytes = elements.and_then(|n| n.checked_mul(itemsize.max(1) as u64));
    let (Some(elements), Some(0..=MAX)) = (elements, bytes) else {
        return Err(Error::runtime(format!(
            "Storage size calculation overflowed with sizes=[{}]",
            list()
        )));
    };
    // The stride of the first dimension, which an empty tensor has too.
    let stride = shape
        .iter()
        .skip(1)
        .try_fold(1u64, |n, &extent| n.checked_mul(extent.max(1) as u64));
    if stride.is_none_or(|stride| stride > MAX) {
        return Err(Error::runtime("Stride calculation overflowed"));
    }
    Ok(elements as usize)
}
