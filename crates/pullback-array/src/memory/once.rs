//! A box that is made at most once, in one word where `std`'s cell takes two: most tensors never need theirs, and all have room for it.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for a boxed value that is empty at first and, once filled, stays as it is.
///
/// ```
/// use pullback_array::OnceBox;
/// let place = OnceBox::new();
/// assert_eq!(place.get(), None);
/// assert_eq!(place.get_or_init(|| Box::new(5)), &5);
/// assert_eq!(place.get_or_init(|| Box::new(6)), &5);
/// ```
pub struct OnceBox<T>(AtomicPtr<T>);

// SAFETY: as for `OnceLock<Box<T>>`: any thread may make the value, reach it by `&T`, and drop it.
unsafe impl<T: Send> Send for OnceBox<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for OnceBox<T> {}

impl<T> OnceBox<T> {
    /// An empty place.
    #[inline]
    pub const fn new() -> Self {
        OnceBox(AtomicPtr::new(ptr::null_mut()))
    }

    /// The value, if it was made.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: what is stored came out of a box and is dropped with this place, which the result borrows.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// The value, made now if there is none. Of several threads that make one at once the first is kept.
    #[inline]
    pub fn get_or_init(&self, make: impl FnOnce() -> Box<T>) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.fill(make()),
        }
    }

    #[cold]
    fn fill(&self, made: Box<T>) -> &T {
        let made = Box::into_raw(made);
        let kept = match self.0.compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => made,
            Err(first) => {
                // SAFETY: nobody else has seen what was made here.
                drop(unsafe { Box::from_raw(made) });
                first
            }
        };
        // SAFETY: as in `get`.
        unsafe { &*kept }
    }
}

impl<T> Default for OnceBox<T> {
    fn default() -> Self {
        OnceBox::new()
    }
}

impl<T> Drop for OnceBox<T> {
    #[inline]
    fn drop(&mut self) {
        let value = *self.0.get_mut();
        if !value.is_null() {
            // SAFETY: it came out of a box, and nobody borrows it any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn threads_agree_on_one_value_which_is_dropped_once() {
        let counted = Arc::new(());
        for _ in 0..50 {
            let place = OnceBox::new();
            let seen: Vec<usize> = std::thread::scope(|s| {
                let make = |n: usize| {
                    let (place, counted) = (&place, counted.clone());
                    s.spawn(move || place.get_or_init(|| Box::new((n, counted))).0)
                };
                let threads: Vec<_> = (0..4).map(make).collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert!(seen.iter().all(|&n| Some(n) == place.get().map(|v| v.0)));
        }
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}
