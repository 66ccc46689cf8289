//! Shapes as Python hands them over, signed, turned into element counts with NumPy's sentences. Nothing is allocated.

use crate::error::{Error, Result};

/// How many elements an array of `shape` and of `itemsize` bytes an element has.
///
/// ```
/// use pullback_random::numpy::numel;
///
/// assert_eq!(numel(&[2, 3], 8)?, 6);
/// // Python: np.random.default_rng(0).random((2, -3))
/// assert_eq!(numel(&[2, -3], 8).unwrap_err().message(), "negative dimensions are not allowed");
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn numel(shape: &[i64], itemsize: usize) -> Result<usize> {
    let mut bytes = itemsize.max(1) as u64;
    let mut empty = false;
    for &extent in shape {
        let extent = u64::try_from(extent)
            .map_err(|_| Error::value("negative dimensions are not allowed"))?;
        // An extent of zero does not excuse the others: NumPy leaves it out of the product.
        empty |= extent == 0;
        bytes = bytes
            .checked_mul(extent.max(1))
            .filter(|&bytes| bytes <= i64::MAX as u64)
            .ok_or_else(|| {
                Error::value(
                    "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
                )
            })?;
    }
    Ok(if empty {
        0
    } else {
        (bytes / itemsize.max(1) as u64) as usize
    })
}
