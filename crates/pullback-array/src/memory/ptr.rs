//! A pointer that crosses from one thread to another.
#![allow(unsafe_code)]

/// A pointer that may cross to another thread; the kernel that makes it sees to it that blocks do not overlap.
pub(crate) struct Ptr<T>(pub(crate) *mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

// Not derived: a pointer is copied whatever it points to.
impl<T> Copy for Ptr<T> {}

// SAFETY: a plain address; each use is justified where it is read through.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

impl<T> Ptr<T> {
    #[inline(always)]
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}
