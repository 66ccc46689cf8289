//! Large blocks that wait for the next array of their size.
//!
//! The system takes pages back with each large block and clears new ones for the next, page by page: that costs more than
//! most operations do on the block. Programs that train ask for the same sizes in every step, so freed blocks are kept and
//! given out again. All threads share them. Kept and used blocks together are never more than were in use at once before
//! (and kept ones at most [`MOST`]), so keeping does not raise the peak of memory. `--cfg pullback_no_pool` turns it off.
#![allow(unsafe_code)]

use crate::memory::fork::around_fork;
use crate::memory::pool;
use crate::memory::ptr::Ptr;
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Smallest block worth keeping, in bytes: two dozen pages.
const LEAST: usize = 96 << 10;
/// Most bytes kept.
const MOST: usize = 1 << 30;

struct Kept {
    /// Address and size, oldest first.
    blocks: Vec<(Ptr<u8>, usize)>,
    /// Bytes in `blocks`.
    kept: usize,
    /// Bytes in use.
    used: usize,
    /// Most bytes ever in use.
    peak: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    blocks: Vec::new(),
    kept: 0,
    used: 0,
    peak: 0,
});

/// The list, alone.
fn lock() -> MutexGuard<'static, Kept> {
    static FORKS: Once = Once::new();
    FORKS.call_once(|| around_fork(hold, let_go));
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The list, while this thread forks.
    static HELD: Cell<Option<MutexGuard<'static, Kept>>> = const { Cell::new(None) };
}

extern "C" fn hold() {
    // A thread at its end has no such place any more; then there is the usual risk.
    let _ = HELD.try_with(|held| {
        held.set(Some(KEPT.lock().unwrap_or_else(PoisonError::into_inner)));
    });
}

extern "C" fn let_go() {
    let _ = HELD.try_with(Cell::take);
}

impl Kept {
    /// Counts `bytes` more in use, and takes out what must go so that the peak stays.
    fn begin(&mut self, bytes: usize) -> Vec<(Ptr<u8>, usize)> {
        self.used = self.used.saturating_add(bytes);
        self.peak = self.peak.max(self.used);
        let mut gone = 0;
        let mut first = 0;
        while self.used.saturating_add(self.kept - gone) > self.peak && first < self.blocks.len() {
            gone += self.blocks[first].1;
            first += 1;
        }
        self.kept -= gone;
        self.blocks.drain(..first).collect()
    }
}

/// Gives blocks back to the system.
fn release(blocks: Vec<(Ptr<u8>, usize)>) {
    for (block, bytes) in blocks {
        // SAFETY: `give` got the block from its last user with this size.
        unsafe { pool::system_give(block.get(), bytes) };
    }
}

/// A kept block of exactly `bytes` bytes, or null; counts it as in use in any case.
pub(crate) fn take(bytes: usize) -> *mut u8 {
    if bytes < LEAST || cfg!(pullback_no_pool) {
        return std::ptr::null_mut();
    }
    let mut all = lock();
    let found = all.blocks.iter().rposition(|block| block.1 == bytes);
    let block = match found {
        Some(i) => {
            all.kept -= bytes;
            all.blocks.remove(i).0.get()
        }
        None => std::ptr::null_mut(),
    };
    let gone = all.begin(bytes);
    drop(all);
    release(gone);
    block
}

/// Counts a block that comes straight from the system.
pub(crate) fn count(bytes: usize) {
    if bytes >= LEAST && !cfg!(pullback_no_pool) {
        let gone = lock().begin(bytes);
        release(gone);
    }
}

/// A block from the system, for which kept ones make room if they must. A failure is counted as never in use.
pub(crate) fn ask(bytes: usize, zeroed: bool) -> *mut u8 {
    let block = pool::system(bytes, zeroed);
    if !block.is_null() || bytes < LEAST || cfg!(pullback_no_pool) {
        return block;
    }
    release_memory();
    let block = pool::system(bytes, zeroed);
    if block.is_null() {
        let mut all = lock();
        all.used = all.used.saturating_sub(bytes);
        all.peak = all.used.saturating_add(all.kept);
    }
    block
}

/// Keeps a block that is not used any more; false where the caller must give it to the system.
///
/// # Safety
/// The block came from the pool for `bytes` bytes, was counted, and is not used again if this returns true.
pub(crate) unsafe fn give(block: *mut u8, bytes: usize) -> bool {
    if bytes < LEAST || cfg!(pullback_no_pool) {
        return false;
    }
    let mut all = lock();
    all.used = all.used.saturating_sub(bytes);
    if all.kept + bytes > MOST {
        return false;
    }
    all.kept += bytes;
    all.blocks.push((Ptr(block), bytes));
    true
}

/// Gives memory that arrays do not use any more back to the system. Freed blocks are otherwise kept for arrays of the same
/// size, up to what was in use at once before.
pub fn release_memory() {
    let gone = {
        let mut all = lock();
        all.kept = 0;
        // What was in use before does not count from here on.
        all.peak = all.used;
        std::mem::take(&mut all.blocks)
    };
    release(gone);
}

/// Bytes of arrays' blocks from 96 KB on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// In use now.
    pub now: usize,
    /// Most in use at once since the process began, or since [`release_memory`].
    pub peak: usize,
}

/// How much memory large arrays use, of all threads together: what a test of a peak asks before and after.
///
/// ```
/// use pullback_array::{Array, DType, memory_use, release_memory};
/// release_memory();
/// let before = memory_use().now;
/// let a = Array::zeros([1 << 20], DType::F32)?;
/// assert!(memory_use().now >= before + (4 << 20));
/// drop(a);
/// assert!(memory_use().peak >= before + (4 << 20));
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn memory_use() -> MemoryUse {
    let all = lock();
    MemoryUse {
        now: all.used,
        peak: all.peak,
    }
}
