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
    let mut count = 1u64;
    let mut too_big = false;
    for &extent in shape {
        let extent = u64::try_from(extent)
            .map_err(|_| Error::value("negative dimensions are not allowed"))?;
        count = count.wrapping_mul(extent);
        // NumPy ignores zero extents in the overflow check and calls the array empty only if it would otherwise fit.
        if extent != 0 {
            match bytes.checked_mul(extent) {
                Some(b) if b <= i64::MAX as u64 => bytes = b,
                _ => too_big = true,
            }
        }
    }
    if too_big {
        return Err(Error::value(
            "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
        ));
    }
    Ok(count as usize)
}
