//! Elements that are stored narrower than they compute, read and written a piece at a time by kernels that walk arrays themselves
//! (reductions, scans, outer products): no operand is converted as a whole.
//!
//! Elementwise kernels have their own way (`narrow.rs`), and so have products of matrices (`gemm/stored.rs`).
#![allow(unsafe_code)]

use super::copy::copy_row;
use super::narrow::{Convert, conversions};
use super::operand::{Buffer, PIECE};
use crate::array::wrong_dtype;
use crate::dtype::DType;
use crate::error::Result;

/// How elements of one narrow dtype become what they compute in, and are stored again.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    widen: Convert,
    narrow: Convert,
    pub(super) size: usize,
}

/// Room for a piece as it is stored, and as it computes.
pub(super) struct Room {
    stored: Buffer,
    wide: Buffer,
}

impl Room {
    /// Behind a pointer, because most kernels never need it.
    pub(super) fn new() -> Box<Room> {
        Box::new(Room {
            stored: Buffer::new(),
            wide: Buffer::new(),
        })
    }

    /// Where a piece is that computes.
    pub(super) fn wide(&mut self) -> *mut u8 {
        self.wide.ptr()
    }
}

impl Stored {
    /// How elements of `found` are read by a loop over `wanted`; `None` where they are what it reads.
    ///
    /// # Errors
    /// Where they compute in another dtype.
    #[inline]
    pub(super) fn of(found: DType, wanted: DType) -> Result<Option<Stored>> {
        match found == wanted {
            true => Ok(None),
            false => Stored::between(found, wanted).map(Some),
        }
    }

    #[cold]
    fn between(found: DType, wanted: DType) -> Result<Stored> {
        match conversions(found) {
            Some((widen, narrow)) if found.computing() == wanted => Ok(Stored {
                widen,
                narrow,
                size: found.size(),
            }),
            _ => Err(wrong_dtype(wanted, found)),
        }
    }

    /// The `n` elements (at most [`AT_ONCE`]) that lie `step` apart from `from` on, side by side and as they compute.
    ///
    /// # Safety
    /// They can be read, and are of the dtype that this is of.
    pub(super) unsafe fn load(
        &self,
        from: *const u8,
        step: isize,
        n: usize,
        room: &mut Room,
    ) -> *const u8 {
        let size = self.size as isize;
        // SAFETY: the caller's promise; a buffer has room for a piece of any dtype.
        unsafe {
            if step == 1 {
                (self.widen)(room.wide.ptr(), from, n);
            } else {
                copy_row(room.stored.ptr(), size, from, step * size, n, self.size);
                (self.widen)(room.wide.ptr(), room.stored.ptr(), n);
            }
        }
        room.wide.ptr()
    }

    /// Stores the first `n` elements of the room, `step` apart from `to` on.
    ///
    /// # Safety
    /// They have been written there, `to` can be written so far, and is of the dtype that this is of.
    pub(super) unsafe fn store(&self, to: *mut u8, step: isize, n: usize, room: &mut Room) {
        let size = self.size as isize;
        // SAFETY: the caller's promise; a buffer has room for a piece of any dtype.
        unsafe {
            if step == 1 {
                (self.narrow)(to, room.wide.ptr(), n);
            } else {
                (self.narrow)(room.stored.ptr(), room.wide.ptr(), n);
                copy_row(to, step * size, room.stored.ptr(), size, n, self.size);
            }
        }
    }

    /// Converts `n` neighbours into memory of any length.
    ///
    /// # Safety
    /// They can be read, and `to` written.
    pub(super) unsafe fn widen(&self, to: *mut u8, from: *const u8, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { (self.widen)(to, from, n) };
    }
}

/// Elements of a piece.
pub(super) const AT_ONCE: usize = PIECE;
