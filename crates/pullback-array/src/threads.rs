//! How many threads kernels may use.
//!
//! Results never depend on it: kernels cut work into fixed blocks. Below their thresholds they stay on the caller's
//! thread, because waking a pool costs more than a small operation.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Elements per block of parallel elementwise work.
pub(crate) const BLOCK: usize = 1 << 15;

/// Sets how many threads kernels may use: 1 keeps everything on the caller's thread, 0 means all cores.
///
/// Takes effect at the next operation, on every thread of the process. As rayon's pool has one thread per core, larger
/// numbers change nothing.
pub fn set_num_threads(n: usize) {
    LIMIT.store(n, Ordering::Relaxed);
}

/// How many threads kernels may use.
pub fn num_threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => rayon::current_num_threads(),
        n => n.min(rayon::current_num_threads()),
    }
}

/// Runs `work(first, end)` over `0..n` in blocks of `block`, on several threads where that is worth it.
///
/// `work` sees the same blocks whatever the number of threads.
#[inline]
pub(crate) fn blocks(n: usize, block: usize, work: &(dyn Fn(usize, usize) + Sync)) {
    let count = n.div_ceil(block);
    if count <= 1 {
        if n > 0 {
            work(0, n);
        }
        return;
    }
    let run = |i: usize| work(i * block, n.min((i + 1) * block));
    match num_threads() {
        1 => (0..count).for_each(run),
        // With fewer threads than the pool has, each takes a contiguous share of the blocks.
        k if k < rayon::current_num_threads() => {
            let share = count.div_ceil(k);
            (0..k)
                .into_par_iter()
                .for_each(|t| (t * share..count.min((t + 1) * share)).for_each(run));
        }
        _ => (0..count).into_par_iter().for_each(run),
    }
}

/// A pointer that may cross to another thread; the kernel that makes it sees to it that blocks do not overlap.
pub(crate) struct Ptr<T>(pub(crate) *mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

// Not derived: a pointer is copied whatever it points to.
impl<T> Copy for Ptr<T> {}

#[allow(unsafe_code)]
// SAFETY: a plain address; each use is justified where it is read through.
unsafe impl<T> Send for Ptr<T> {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

impl<T> Ptr<T> {
    #[inline(always)]
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}
