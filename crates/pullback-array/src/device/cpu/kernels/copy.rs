//! Copies of elements by their size alone: rows with any step, and whole arrays.
//!
//! What conversion between dtypes costs is `cast`'s business; here bits stay as they are.
#![allow(unsafe_code)]

use super::assign::operand;
use super::operand::{Buffer, Operand, TURN, strip};
use crate::array::{Array, unread, unwritten};
use crate::device::cpu::host::fresh_of;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::memory::ptr::Ptr;
use smallvec::SmallVec;

/// Copies `n` elements of `size` bytes; the steps are in bytes.
///
/// # Safety
/// The places can be read and written, and do not overlap.
#[inline]
pub(super) unsafe fn copy_row(
    to: *mut u8,
    to_step: isize,
    from: *const u8,
    from_step: isize,
    n: usize,
    size: usize,
) {
    // SAFETY: the caller's promise; elements are moved as integers of their size, or byte by byte.
    unsafe {
        match size {
            1 => typed::<u8>(to, to_step, from, from_step, n),
            2 => typed::<u16>(to, to_step, from, from_step, n),
            4 => typed::<u32>(to, to_step, from, from_step, n),
            8 => typed::<u64>(to, to_step, from, from_step, n),
            16 => typed::<[u64; 2]>(to, to_step, from, from_step, n),
            other => {
                for i in 0..n as isize {
                    let from = from.offset(i * from_step);
                    std::ptr::copy_nonoverlapping(from, to.offset(i * to_step), other);
                }
            }
        }
    }
}

/// Below this many neighbours a loop is shorter than a call.
const CALL: usize = 16;

/// # Safety
/// As [`copy_row`], for elements of the size of `T`; whose alignment they need not have.
unsafe fn typed<T: Copy>(to: *mut u8, to_step: isize, from: *const u8, from_step: isize, n: usize) {
    let unit = size_of::<T>() as isize;
    // SAFETY: the caller's promise.
    unsafe {
        if to_step == unit && from_step == unit && n >= CALL {
            std::ptr::copy_nonoverlapping(from, to, n * size_of::<T>());
        } else if to_step == unit && from_step == 0 {
            let (to, x) = (to.cast::<T>(), from.cast::<T>().read_unaligned());
            (0..n).for_each(|i| to.add(i).write_unaligned(x));
        } else {
            for i in 0..n as isize {
                let x = from.offset(i * from_step).cast::<T>().read_unaligned();
                to.offset(i * to_step).cast::<T>().write_unaligned(x);
            }
        }
    }
}

impl Array {
    /// This array if it is row-major already, else a row-major copy.
    pub fn contiguous(&self) -> Result<Array> {
        if self.is_contiguous() {
            Ok(self.clone())
        } else {
            self.copy()
        }
    }

    /// A row-major copy in memory of its own.
    pub fn copy(&self) -> Result<Array> {
        copy(self)
    }

    /// A copy in memory of its own without gaps, in which dimensions lie as they do here.
    ///
    /// ```
    /// use pullback_array::Array;
    /// let columns = Array::from_slice(&[1i64, 2, 3, 4, 5, 6], [3, 2])?.transpose(0, 1)?;
    /// assert_eq!(columns.copy_as_it_lies()?.layout().strides()[..], [1, 2]);
    /// # Ok::<(), pullback_array::Error>(())
    /// ```
    pub fn copy_as_it_lies(&self) -> Result<Array> {
        match self.is_contiguous() {
            true => copy(self),
            false => self.copy_like(&self.layout().without_gaps()),
        }
    }

    /// A copy in memory of its own under a layout of this shape without gaps.
    ///
    /// # Errors
    /// Where the layout has another shape, or gaps.
    pub fn copy_like(&self, layout: &Layout) -> Result<Array> {
        if layout.shape() != self.shape() || !layout.is_dense() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "a copy of shape {} in an order of shape {}",
                    self.shape(),
                    layout.shape()
                ),
            ));
        }
        let layout = layout.without_gaps();
        if layout.is_contiguous() {
            return copy(self);
        }
        // Row by row in the order in which the copy lies.
        let mut order: SmallVec<[usize; 4]> = (0..layout.rank()).collect();
        let strides = layout.strides();
        order.sort_by_key(|&k| std::cmp::Reverse(strides[k]));
        let copy = copy(&self.with_layout(self.layout().permute(&order)))?;
        Ok(copy.with_layout(layout))
    }
}

/// A row-major copy in new memory.
fn copy(a: &Array) -> Result<Array> {
    let guard = match a.read() {
        Ok(guard) => guard,
        Err(e) => {
            return unread(
                &[a],
                || Ok(Layout::row_major(a.shape().clone())),
                a.dtype(),
                e,
            );
        }
    };
    let (storage, out) = fresh_of(a.shape(), a.dtype())?;
    let from = Operand::new(
        guard.ptr::<u8>().cast_mut(),
        a.layout(),
        a.shape(),
        a.dtype().size(),
    );
    let (size, to) = (a.dtype().size(), Ptr(out));
    let turned = from.is_turned();
    let block = match turned {
        true => BLOCK.next_multiple_of(TURN * from.row_len()),
        false => BLOCK,
    };
    blocks(a.numel(), block, &|start, end| {
        let to = to.get().wrapping_add(start * size);
        // SAFETY: the layout lies inside the guarded storage, `out` has room for numel elements, and blocks do not
        // overlap.
        unsafe {
            match turned {
                true => gather_turned(&from, (start, end), to),
                false => from.gather(start, end - start, to),
            }
            if a.dtype() == DType::Bool {
                bool::settle(to.cast(), end - start);
            }
        };
    })?;
    drop(guard);
    Ok(Array::from_fresh_of(storage, a.shape().clone(), a.dtype()))
}

/// Copies rows of a turned operand, elements `start..end`, to `to`.
///
/// # Safety
/// The operand is turned and can be read, `start` begins a row, and `to` has room.
unsafe fn gather_turned(from: &Operand, (start, end): (usize, usize), to: *mut u8) {
    let (n, size) = (from.row_len(), from.size());
    let (strip, mut buffer) = (strip(size), Buffer::new());
    let mut at = start;
    // SAFETY: the caller's promise.
    unsafe {
        while at + TURN * n <= end {
            for left in (0..n).step_by(strip) {
                let len = strip.min(n - left);
                from.turn(at + left, len, strip, &mut buffer);
                for r in 0..TURN {
                    let row = buffer.ptr().add(r * strip * size);
                    let to = to.add((at + r * n + left - start) * size);
                    std::ptr::copy_nonoverlapping(row, to, len * size);
                }
            }
            at += TURN * n;
        }
        from.gather(at, end - at, to.add((at - start) * size));
    }
}

/// Copies `src`, of the same dtype, over `dst`, whose shape it stretches to; where it shares memory with `dst`, as it was.
pub(super) fn overwrite(dst: &Array, src: &Array) -> Result<()> {
    src.expect(dst.dtype())?;
    let src = operand(dst, src)?;
    let size = dst.dtype().size();
    let write = match dst.write() {
        Ok(write) => write,
        Err(e) => return unwritten(dst, e),
    };
    let read = src.read()?;
    let to = Operand::new(write.ptr(), dst.layout(), dst.shape(), size);
    let from = Operand::new(read.ptr::<u8>().cast_mut(), src.layout(), dst.shape(), size);
    let dense = to.is_dense();
    blocks(dst.numel(), BLOCK, &|start, end| {
        // SAFETY: both layouts lie inside their storages, which are distinct and guarded; a layout that may be written
        // names no element twice, so that blocks do not overlap.
        unsafe {
            match to.direct(start, end - start).filter(|_| dense) {
                Some(to) => from.gather(start, end - start, to),
                None => {
                    let mut at = start;
                    to.rows(start, end - start, |to, step, len| {
                        let mut to = to;
                        from.rows(at, len, |from, from_step, len| {
                            copy_row(to, step, from, from_step, len, size);
                            to = to.wrapping_offset(len as isize * step);
                        });
                        at += len;
                    });
                }
            }
        }
    })?;
    Ok(())
}

/// Sets every element of `dst` to the one at `value`, which has the dtype's size.
///
/// # Safety
/// `value` can be read as an element of `dst`.
pub(super) unsafe fn fill_with(dst: &Array, value: *const u8) -> Result<()> {
    let size = dst.dtype().size();
    if dst.is_contiguous() && dst.numel() <= BLOCK {
        let write = match dst.write() {
            Ok(write) => write,
            Err(e) => return unwritten(dst, e),
        };
        let to = (write.ptr::<u8>()).wrapping_add(dst.layout().offset() * size);
        // SAFETY: a contiguous layout has numel elements from its offset on; the caller's promise for `value`.
        unsafe { copy_row(to, size as isize, value, 0, dst.numel(), size) };
        return Ok(());
    }
    if dst.is_meta() {
        return unwritten(dst, Error::new(ErrorKind::Unsupported, ""));
    }
    if dst.layout().overlaps_itself() {
        let dst = dst.view(dst.layout().once())?;
        let write = dst.storage().write()?;
        // One after the other: two threads must not write one element.
        for place in dst.layout().places() {
            let to = (write.ptr::<u8>()).wrapping_add(place * size);
            // SAFETY: a place of the layout inside the guarded storage; the caller's promise for `value`.
            unsafe { copy_row(to, 0, value, 0, 1, size) };
        }
        return Ok(());
    }
    let write = dst.write()?;
    let to = Operand::new(write.ptr(), dst.layout(), dst.shape(), size);
    let value = Ptr(value.cast_mut());
    blocks(dst.numel(), BLOCK, &|start, end| {
        to.rows(start, end - start, |to, step, len| {
            // SAFETY: places of the layout inside the guarded storage; the caller's promise for `value`.
            unsafe { copy_row(to, step, value.get(), 0, len, size) };
        });
    })?;
    Ok(())
}
