//! Vectors whose length a user decides: made so that a size beyond the memory is an error and not the end of the process.
//!
//! `Vec::with_capacity`, `vec![x; n]` and `collect` abort where the memory is not to be had; wherever `n` may come from a
//! user's number (a size, a count, an index), these functions stand instead. Arrays themselves are made fallibly by
//! `storage.rs`.

use crate::error::{Error, ErrorKind, Result};

/// PyTorch's sentence for memory that is not to be had.
#[cold]
pub(crate) fn out_of_memory(bytes: usize) -> Error {
    Error::new(
        ErrorKind::Alloc,
        format!("DefaultCPUAllocator: can't allocate memory: you tried to allocate {bytes} bytes."),
    )
    .help("check the shape: sizes multiply")
}

/// An empty vector with room for `n` elements.
///
/// # Errors
/// [`ErrorKind::Alloc`] where the memory is not to be had; never aborts.
///
/// ```
/// use pullback_array::room;
/// let mut places = room::<usize>(3)?;
/// places.extend([7, 8, 9]); // no allocation any more
/// assert!(room::<usize>(1 << 62).is_err());
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn room<T>(n: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    match out.try_reserve_exact(n) {
        Ok(()) => Ok(out),
        Err(_) => Err(out_of_memory(n.saturating_mul(size_of::<T>()))),
    }
}

/// `n` times `x`: a fallible `vec![x; n]`.
///
/// # Errors
/// As [`room`].
///
/// ```
/// assert_eq!(pullback_array::filled(3, 1.5)?, [1.5; 3]);
/// assert!(pullback_array::filled(1 << 62, 1.5).is_err());
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn filled<T: Clone>(n: usize, x: T) -> Result<Vec<T>> {
    let mut out = room(n)?;
    out.resize(n, x);
    Ok(out)
}

/// What an iterator gives: a fallible `collect`. The room is asked for at once, by the iterator's lower bound; what comes
/// beyond it is asked for on the way.
///
/// # Errors
/// As [`room`].
///
/// ```
/// assert_eq!(pullback_array::gathered((0..4).map(|i| i * i))?, [0, 1, 4, 9]);
/// assert!(pullback_array::gathered(0..1u64 << 62).is_err());
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn gathered<T>(items: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    let items = items.into_iter();
    let mut out = room(items.size_hint().0)?;
    for item in items {
        if out.len() == out.capacity() && out.try_reserve(1).is_err() {
            return Err(out_of_memory(
                out.len().saturating_add(1).saturating_mul(size_of::<T>()),
            ));
        }
        out.push(item);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_the_infallible_ones() {
        for n in [0usize, 1, 5, 1000] {
            assert!(room::<u64>(n).unwrap().capacity() >= n);
            assert_eq!(filled(n, 3u8).unwrap(), vec![3u8; n]);
            assert_eq!(
                gathered(0..n).unwrap(),
                (0..n).collect::<Vec<_>>(),
                "a known length"
            );
            assert_eq!(
                gathered((0..n).filter(|i| i % 3 == 0)).unwrap(),
                (0..n).filter(|i| i % 3 == 0).collect::<Vec<_>>(),
                "an unknown one"
            );
        }
        assert_eq!(filled(usize::MAX, ()).unwrap().len(), usize::MAX);
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        // From 2^62 on no address space has the bytes, however the system answers to requests.
        for shift in 62..64 {
            let n = 1usize << shift;
            for e in [
                room::<u16>(n).unwrap_err(),
                filled(n, 1u16).unwrap_err(),
                gathered((0..n).map(|i| i as u16)).unwrap_err(),
            ] {
                assert_eq!(e.kind(), ErrorKind::Alloc);
                assert!(e.message().contains("can't allocate memory"), "{e}");
            }
        }
    }
}
