//! Memory that parts of a convolution are worked on in, kept by each thread.
#![allow(unsafe_code)]

use crate::error::Result;
use crate::memory::room::out_of_memory;
use std::cell::RefCell;
use std::mem::MaybeUninit;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// Lines above which memory is not kept: 16 MB.
const KEPT: usize = 1 << 18;

/// Three pieces of memory.
pub(super) struct Scratch([Vec<MaybeUninit<Line>>; 3]);

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch([Vec::new(), Vec::new(), Vec::new()])) };
}

impl Scratch {
    /// Lends this thread's. `work` must not use it a second time.
    pub(super) fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
        SCRATCH.with(|scratch| {
            let mut scratch = scratch.borrow_mut();
            let result = work(&mut scratch);
            for piece in &mut scratch.0 {
                if piece.capacity() > KEPT {
                    *piece = Vec::new();
                }
            }
            result
        })
    }

    /// Room for `n` elements in piece `k`, valid until the piece is lent again. What is in it may be anything.
    pub(super) fn lend<T>(&mut self, k: usize, n: usize) -> Result<*mut T> {
        let bytes = n.saturating_mul(size_of::<T>());
        let lines = bytes.div_ceil(size_of::<Line>());
        let piece = &mut self.0[k];
        if piece.capacity() < lines {
            *piece = Vec::new();
            piece
                .try_reserve_exact(lines)
                .map_err(|_| out_of_memory(bytes))?;
        }
        Ok(piece.as_mut_ptr().cast())
    }
}
