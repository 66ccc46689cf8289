//! Vectors whose length a caller decides: a length beyond the memory is an error in functions that return a `Result`, where
//! `vec![x; n]` would end the process. The error is the original's: NumPy raises a `MemoryError`, PyTorch a `RuntimeError`.

use crate::error::{Error, Result};

/// An empty vector with room for `n` elements; NumPy's error.
///
/// ```
/// use pullback_random::{ErrorKind, room};
///
/// assert_eq!(room::<f64>(3)?.len(), 0);
/// // Python: np.random.default_rng(0).normal(size=1 << 50)
/// let error = room::<f64>(1 << 62).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Memory);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn room<T>(n: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    match out.try_reserve_exact(n) {
        Ok(()) => Ok(out),
        Err(_) => Err(Error::memory(n.saturating_mul(size_of::<T>()))),
    }
}

/// `n` times `x`; NumPy's error where the memory is not to be had.
///
/// ```
/// assert_eq!(pullback_random::filled(3, 1.5)?, [1.5; 3]);
/// assert!(pullback_random::filled(1 << 62, 1.5).is_err());
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn filled<T: Clone>(n: usize, x: T) -> Result<Vec<T>> {
    let mut out = room(n)?;
    out.resize(n, x);
    Ok(out)
}

/// As [`room`], with PyTorch's error.
pub(crate) fn torch_room<T>(n: usize) -> Result<Vec<T>> {
    room(n).map_err(|_| {
        let bytes = n.saturating_mul(size_of::<T>());
        Error::runtime(format!(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate {bytes} bytes."
        ))
    })
}

/// As [`filled`], with PyTorch's error.
pub(crate) fn torch_filled<T: Clone>(n: usize, x: T) -> Result<Vec<T>> {
    let mut out = torch_room(n)?;
    out.resize(n, x);
    Ok(out)
}
