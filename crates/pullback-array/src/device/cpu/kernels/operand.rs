//! Operands as elementwise kernels see them: any layout, stretched to a common shape, served in dense pieces.
//!
//! A kernel's loop only ever runs over neighbouring elements. Where an operand's elements lie side by side, a piece is
//! the operand's own memory; where they do not (strides, broadcast dimensions), they are copied into a small buffer
//! first. This code knows elements by their size alone, so it is compiled once and not for every formula and dtype.
#![allow(unsafe_code)]

use super::copy::copy_row;
use super::nest::{Axes, merge};
use crate::dtype::WIDEST;
use crate::layout::order::Order;
use crate::layout::{Layout, Shape};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Elements of a piece that is copied to a buffer: small enough for three buffers in the first-level cache.
pub(super) const PIECE: usize = 512;
/// Rows of a turned operand that are copied together: what one cache line holds of four-byte elements.
pub(super) const TURN: usize = 16;
/// Elements of each of those rows that fit a buffer.
pub(super) const fn strip(size: usize) -> usize {
    PIECE * WIDEST / TURN / size
}
/// Rows of neighbours shorter than this are gathered several at a time.
const SHORT: usize = 64;

/// Room for one piece of the widest dtype.
#[repr(align(64))]
pub(super) struct Buffer(MaybeUninit<[u8; PIECE * WIDEST]>);

impl Buffer {
    #[inline]
    pub(super) fn new() -> Self {
        Buffer(MaybeUninit::uninit())
    }

    #[inline]
    pub(super) fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// # Safety
/// As [`Operand::turn`], for elements of type `T`.
unsafe fn turn<T: Copy>(from: *const u8, step: isize, n: usize, to: *mut u8, apart: usize) {
    let to = to.cast::<T>();
    for j in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let column = from.offset(j as isize * step).cast::<[T; TURN]>();
            for (k, x) in column.read_unaligned().into_iter().enumerate() {
                to.add(k * apart + j).write(x);
            }
        }
    }
}

/// How pieces of an operand are found.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Elements lie side by side.
    Dense,
    /// One element everywhere.
    Constant,
    /// Rows of so many neighbours.
    Rows(usize),
    /// Anything else.
    Spread,
}

/// One operand of a kernel, stretched to the common shape.
pub(super) struct Operand {
    start: *mut u8,
    size: usize,
    form: Form,
    /// Sizes and steps in bytes, innermost first; may be empty where the form says all.
    axes: Axes,
}

// SAFETY: an address and numbers; what is read or written through it is for the kernel that made it to justify.
unsafe impl Sync for Operand {}

impl Operand {
    /// Elements of `size` bytes under `layout`, whose shape stretches to `shape`, in a storage that starts at `base`, numbered
    /// row by row.
    pub(super) fn new(base: *mut u8, layout: &Layout, shape: &Shape, size: usize) -> Operand {
        Operand::ordered(base, layout, shape, size, None)
    }

    /// As [`Operand::new`], numbered along the dimensions in another order than row-major, innermost first.
    pub(super) fn ordered(
        base: *mut u8,
        layout: &Layout,
        shape: &Shape,
        size: usize,
        order: Option<&Order>,
    ) -> Operand {
        let start = base.wrapping_add(layout.offset() * size);
        if order.is_none() && layout.is_contiguous() && layout.shape() == shape {
            return Operand {
                start,
                size,
                form: Form::Dense,
                axes: Axes::new(),
            };
        }
        if layout.numel() == 1 {
            return Operand {
                start,
                size,
                form: Form::Constant,
                axes: Axes::new(),
            };
        }
        let strides = layout.strides();
        let lead = shape.len() - layout.rank();
        let mut all = Axes::new();
        for at in 0..shape.len() {
            let k = order.map_or(shape.len() - 1 - at, |order| order[at]);
            let step = if k < lead || layout.shape()[k - lead] == 1 {
                0
            } else {
                strides[k - lead] * size as isize
            };
            all.push((shape[k], step));
        }
        let axes = merge(&all);
        let unit = size as isize;
        let form = match axes[..] {
            [] => Form::Constant,
            [(_, 0)] => Form::Constant,
            [(_, step)] if step == unit => Form::Dense,
            [(n, step), ..] if step == unit => Form::Rows(n),
            _ => Form::Spread,
        };
        Operand {
            start,
            size,
            form,
            axes,
        }
    }

    /// Length to which pieces should be cut so that this operand need not be copied; 0 for any.
    pub(super) fn run(&self) -> usize {
        match self.form {
            Form::Rows(n) if n >= SHORT => n,
            Form::Dense | Form::Constant | Form::Rows(_) | Form::Spread => 0,
        }
    }

    /// Whether this is a matrix whose columns, and not rows, are neighbours: pieces of one row are far apart, but those of
    /// [`TURN`] rows share their cache lines.
    pub(super) fn is_turned(&self) -> bool {
        match self.axes[..] {
            [(n, step), (m, unit)] => {
                self.form == Form::Spread
                    && unit == self.size as isize
                    && step.unsigned_abs() > self.size
                    && n >= TURN
                    && m >= TURN
            }
            _ => false,
        }
    }

    /// Bytes of an element.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Length of a row of a turned operand.
    pub(super) fn row_len(&self) -> usize {
        self.axes.first().map_or(1, |axis| axis.0)
    }

    /// Copies `n` elements each of [`TURN`] rows, from element `i` on, into a buffer, a row's elements side by side and the
    /// rows `apart` elements apart.
    ///
    /// # Safety
    /// The operand is turned, the rows can be read, and `n` is at most `apart`, which is at most [`strip`].
    pub(super) unsafe fn turn(&self, i: usize, n: usize, apart: usize, buffer: &mut Buffer) {
        let from = self.start.wrapping_offset(self.walk(i).place);
        let (step, to) = (self.axes[0].1, buffer.ptr());
        // SAFETY: the caller's promise; a buffer has room for TURN strips.
        unsafe {
            match self.size {
                1 => turn::<u8>(from, step, n, to, apart),
                4 => turn::<u32>(from, step, n, to, apart),
                8 => turn::<u64>(from, step, n, to, apart),
                16 => turn::<[u64; 2]>(from, step, n, to, apart),
                size => {
                    for r in 0..TURN {
                        let (from, to) = (from.add(r * size), to.add(r * apart * size));
                        copy_row(to, size as isize, from, step, n, size);
                    }
                }
            }
        }
    }

    /// Whether any piece may be as long as one likes.
    pub(super) fn is_dense(&self) -> bool {
        self.form == Form::Dense
    }

    /// The address of element `i` of a dense operand.
    pub(super) fn start(&self, i: usize) -> *mut u8 {
        self.start.wrapping_add(i * self.size)
    }

    /// The address of `n` elements from number `i` on, if they lie side by side.
    #[inline]
    pub(super) fn direct(&self, i: usize, n: usize) -> Option<*mut u8> {
        match self.form {
            Form::Dense => Some(self.start.wrapping_add(i * self.size)),
            Form::Rows(row) if i % row + n <= row => {
                Some(self.start.wrapping_offset(self.walk(i).place))
            }
            Form::Constant | Form::Rows(_) | Form::Spread => None,
        }
    }

    /// The address of `n` elements from number `i` on: in place, or copied to `buffer`. `first` is not 0 for the
    /// first piece that the buffer serves, and then no less than any piece's length.
    ///
    /// # Safety
    /// The operand's elements can be read, `n` is at most [`PIECE`] unless the operand is dense, and the buffer serves
    /// this operand alone.
    #[inline]
    pub(super) unsafe fn piece(
        &self,
        i: usize,
        n: usize,
        buffer: &mut Buffer,
        first: usize,
    ) -> *const u8 {
        if let Some(place) = self.direct(i, n) {
            return place;
        }
        // SAFETY: the caller's promise; a buffer has room for PIECE elements of any size.
        unsafe {
            match self.form {
                Form::Constant if first > 0 => copy_row(
                    buffer.ptr(),
                    self.size as isize,
                    self.start,
                    0,
                    first,
                    self.size,
                ),
                Form::Constant => {}
                Form::Dense | Form::Rows(_) | Form::Spread => self.gather(i, n, buffer.ptr()),
            }
        }
        buffer.ptr()
    }

    /// Copies elements `i..i + n` one after the other to `to`.
    ///
    /// # Safety
    /// The elements can be read, and `to` has room for them.
    pub(super) unsafe fn gather(&self, i: usize, n: usize, mut to: *mut u8) {
        if let Some(from) = self.direct(i, n) {
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy_nonoverlapping(from, to, n * self.size) };
            return;
        }
        self.rows(i, n, |from, step, len| {
            // SAFETY: the caller's promise.
            unsafe { copy_row(to, self.size as isize, from, step, len, self.size) };
            to = to.wrapping_add(len * self.size);
        });
    }

    /// Copies `n` neighbours at `from` over elements `i..i + n`.
    ///
    /// # Safety
    /// The elements can be written, no two are one, and `from` holds as many.
    pub(super) unsafe fn scatter(&self, i: usize, n: usize, mut from: *const u8) {
        self.rows(i, n, |to, step, len| {
            // SAFETY: the caller's promise.
            unsafe { copy_row(to, step, from, self.size as isize, len, self.size) };
            from = from.wrapping_add(len * self.size);
        });
    }

    /// Visits elements `i..i + n` in rows: first address, step in bytes, length.
    pub(super) fn rows(&self, i: usize, mut n: usize, mut row: impl FnMut(*mut u8, isize, usize)) {
        let Some(&(inner, step)) = self.axes.first() else {
            match self.form {
                Form::Constant => row(self.start, 0, n),
                Form::Dense | Form::Rows(_) | Form::Spread => row(
                    self.start.wrapping_add(i * self.size),
                    self.size as isize,
                    n,
                ),
            }
            return;
        };
        let mut walk = self.walk(i);
        while n > 0 {
            let len = n.min(inner - walk.index[0]);
            row(self.start.wrapping_offset(walk.place), step, len);
            n -= len;
            walk.advance(&self.axes, len);
        }
    }

    /// Stands at element number `i`.
    fn walk(&self, mut i: usize) -> Walk {
        let mut walk = Walk {
            place: 0,
            index: SmallVec::new(),
        };
        for &(n, step) in &self.axes {
            let here = i % n;
            i /= n;
            walk.index.push(here);
            walk.place += here as isize * step;
        }
        walk
    }
}

/// A place on the nested axes.
struct Walk {
    place: isize,
    index: SmallVec<[usize; 4]>,
}

impl Walk {
    /// Goes on by `len` elements, at most to the end of the innermost row.
    #[inline]
    fn advance(&mut self, axes: &Axes, len: usize) {
        self.index[0] += len;
        self.place += len as isize * axes[0].1;
        let mut k = 0;
        while self.index[k] == axes[k].0 && k + 1 < axes.len() {
            self.place -= axes[k].0 as isize * axes[k].1;
            self.index[k] = 0;
            k += 1;
            self.index[k] += 1;
            self.place += axes[k].1;
        }
    }
}
