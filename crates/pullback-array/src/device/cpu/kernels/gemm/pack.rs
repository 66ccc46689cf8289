//! Packing: a block of an operand, copied into panels that the kernels read from front to back.
//!
//! A panel holds `W` rows: their first elements side by side, then their second ones, and so on. The last panel is filled
//! up with zeros, which only reach elements of a tile that nobody reads. Any strides will do; transposed operands cost
//! nothing extra.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use crate::scalar::real::Real;
use std::cell::RefCell;
use std::mem::MaybeUninit;

/// Elements of a row that are moved at a time where rows lie in memory one after the other: half a cache line or more.
const STRIP: usize = 8;

/// Packs the rows of `m` by `W`.
///
/// # Safety
/// The matrix can be read, and `to` has room for its rows rounded up to a multiple of `W`.
pub(super) unsafe fn pack<T: Real, const W: usize>(m: Mat<*const T>, mut to: *mut T) {
    for top in (0..m.rows).step_by(W) {
        let m = m.rows(top, W);
        // SAFETY: the caller's promise.
        unsafe {
            match (m.rows == W, m.rs, m.cs) {
                (true, 1, _) => {
                    for p in 0..m.cols {
                        let from = m.ptr.offset(p as isize * m.cs);
                        std::ptr::copy_nonoverlapping(from, to.add(p * W), W);
                    }
                }
                (true, _, 1) => {
                    let strips = m.cols / STRIP * STRIP;
                    for p in (0..strips).step_by(STRIP) {
                        for i in 0..W {
                            let from = m.ptr.offset(i as isize * m.rs).add(p).cast::<[T; STRIP]>();
                            let strip = from.read_unaligned();
                            for (q, x) in strip.into_iter().enumerate() {
                                to.add((p + q) * W + i).write(x);
                            }
                        }
                    }
                    some::<T, W>(m, strips, to);
                }
                _ => some::<T, W>(m, 0, to),
            }
            to = to.add(W * m.cols);
        }
    }
}

/// Packs columns `start..` of up to `W` rows, element by element.
///
/// # Safety
/// As [`pack`].
pub(super) unsafe fn some<T: Real, const W: usize>(m: Mat<*const T>, start: usize, to: *mut T) {
    for p in start..m.cols {
        for i in 0..W {
            // SAFETY: the caller's promise; rows that are not there are not read.
            unsafe {
                let x = match i < m.rows {
                    true => *m.ptr.offset(i as isize * m.rs + p as isize * m.cs),
                    false => T::ZERO,
                };
                to.add(p * W + i).write(x);
            }
        }
    }
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// Memory for packed blocks, kept by each thread: two to three megabytes at most, eight where operands are converted.
pub(super) struct Room(Vec<MaybeUninit<Line>>);

thread_local! {
    static ROOM: RefCell<Room> = const { RefCell::new(Room(Vec::new())) };
}

impl Room {
    /// Lends this thread's room. `work` must not use it a second time.
    pub(super) fn with(work: impl FnOnce(&mut Room)) {
        ROOM.with(|room| work(&mut room.borrow_mut()));
    }

    /// Room for `n` and for `m` elements, each beginning a cache line.
    pub(super) fn take<T>(&mut self, n: usize, m: usize) -> (*mut T, *mut T) {
        let lines = |n: usize| (n * size_of::<T>()).div_ceil(size_of::<Line>());
        let (first, second) = (lines(n), lines(m));
        if self.0.len() < first + second {
            self.0 = Vec::new();
            self.0.resize(first + second, MaybeUninit::uninit());
        }
        let start = self.0.as_mut_ptr();
        (start.cast(), start.wrapping_add(first).cast())
    }
}
