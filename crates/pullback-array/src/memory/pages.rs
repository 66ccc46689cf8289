//! Pages of two megabytes for large blocks, where the system has them and gives them to who asks (Linux).
//!
//! Walking through tens of megabytes costs one look into the page tables every four kilobytes otherwise, and first touches cost
//! an interrupt each.
#![allow(unsafe_code)]

/// Asks for large pages inside a block of `bytes` bytes, which may be refused: nothing else changes.
#[cfg(target_os = "linux")]
pub(crate) fn prefer_large(block: *mut u8, bytes: usize) {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const HUGEPAGE: c_int = 14;
    /// A large page; a block needs to have room for some.
    const PAGE: usize = 2 << 20;
    if bytes < 2 * PAGE {
        return;
    }
    let first = (block as usize).next_multiple_of(PAGE);
    let end = (block as usize + bytes) / PAGE * PAGE;
    // SAFETY: whole pages inside a block that the caller owns; the advice changes how they are mapped, not what they hold.
    unsafe {
        madvise(
            block.wrapping_add(first - block as usize).cast(),
            end - first,
            HUGEPAGE,
        );
    }
}

/// Nothing is known of other systems.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prefer_large(_block: *mut u8, _bytes: usize) {}
