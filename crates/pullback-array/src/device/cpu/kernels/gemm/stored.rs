//! Products of operands that are stored narrower than they compute: half precisions, and integers of 8 and 16 bits.
//!
//! Blocks of both operands are converted on their way into panels, and a block of the result is summed in the dtype computed in
//! and rounded once, so no operand of several rows and columns is converted as a whole. The bits are those of the product of
//! converted copies: sums run in the same order. Matrices count their steps in bytes here.
#![allow(unsafe_code)]

use super::super::matmul::{Mat, TINY, multiply, plus_row};
use super::super::narrow::Convert;
use super::pack::Room;
use super::tile::Tile;
use super::{Blocked, KC, MC, NC, PARALLEL, cut, row_at, vector};
use crate::device::cpu::threads::blocks;
use crate::error::Result;
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;

/// Rows of the result that are summed before they are rounded: B is packed once for each such stretch.
const TALL: usize = 4 * MC;
/// Elements of a matrix that are converted at a time where each is used once.
const BAND: usize = 1 << 17;

/// How elements are stored.
#[derive(Clone, Copy)]
pub(in super::super) struct Stored {
    /// To the dtype computed in.
    pub(in super::super) widen: Convert,
    /// And back.
    pub(in super::super) narrow: Convert,
    /// Bytes of an element.
    pub(in super::super) size: usize,
}

/// Whether a matrix's columns have neighbours for elements rather than its rows.
fn by_columns(m: &Mat<*const u8>) -> bool {
    m.rows > 1 && (m.cols == 1 || m.rs.unsigned_abs() < m.cs.unsigned_abs())
}

/// A block in the dtype that is computed in, lying as it does in memory.
///
/// # Safety
/// The block can be read, and `room` has room for its elements.
unsafe fn widened<T>(m: Mat<*const u8>, columns: bool, room: *mut T, how: Stored) -> Mat<*const T> {
    if columns {
        // SAFETY: the caller's promise.
        return unsafe { widened(m.transposed(), false, room, how) }.transposed();
    }
    for i in 0..m.rows {
        // SAFETY: the caller's promise.
        unsafe {
            let (from, to) = (m.ptr.offset(i as isize * m.rs), room.add(i * m.cols));
            if m.cs == how.size as isize || m.cols <= 1 {
                (how.widen)(to.cast(), from, m.cols);
            } else {
                for j in 0..m.cols {
                    (how.widen)(to.add(j).cast(), from.offset(j as isize * m.cs), 1);
                }
            }
        }
    }
    Mat {
        ptr: room.cast_const(),
        rows: m.rows,
        cols: m.cols,
        rs: m.cols as isize,
        cs: 1,
    }
}

/// C = A·B of half precisions, plus the row `bias` (in single precision) if that is not null; C is row-major.
///
/// # Safety
/// The matrices and the bias can be read, `c` can be written and is not shared; elements are stored as `how` says.
///
/// # Errors
/// Where somebody wants it stopped, or there is no memory.
pub(in super::super) unsafe fn floats(
    a: Mat<*const u8>,
    b: Mat<*const u8>,
    c: Mat<*mut u8>,
    bias: *const f32,
    how: Stored,
) -> Result<()> {
    let work = c.rows.saturating_mul(c.cols).saturating_mul(a.cols);
    // SAFETY: the caller's promise.
    unsafe {
        match (c.rows, c.cols) {
            _ if work <= TINY => small(a, b, c, bias, how),
            (1, _) => column(
                b.transposed(),
                a.transposed(),
                c.transposed(),
                (bias, 1),
                how,
            ),
            (_, 1) => column(a, b, c, (bias, 0), how),
            _ => matrix(&f32::tile(), a, b, c, bias, how),
        }
    }
}

/// A product of few elements, by copies of them.
///
/// # Safety
/// As [`floats`].
unsafe fn small(
    a: Mat<*const u8>,
    b: Mat<*const u8>,
    c: Mat<*mut u8>,
    bias: *const f32,
    how: Stored,
) -> Result<()> {
    let room = |m: usize, n: usize| filled(m.saturating_mul(n), 0f32);
    let (mut left, mut right) = (room(a.rows, a.cols)?, room(b.rows, b.cols)?);
    let mut sums = room(c.rows, c.cols)?;
    let to = Mat {
        ptr: sums.as_mut_ptr(),
        rows: c.rows,
        cols: c.cols,
        rs: c.cols as isize,
        cs: 1,
    };
    // SAFETY: the caller's promise; the vectors hold the matrices.
    unsafe {
        let a = widened(a, by_columns(&a), left.as_mut_ptr(), how);
        let b = widened(b, by_columns(&b), right.as_mut_ptr(), how);
        multiply::<f32>(a, b, to, bias, c.rows * c.cols * a.cols)?;
        for i in 0..c.rows {
            let from = to.ptr.add(i * c.cols).cast_const().cast();
            (how.narrow)(c.ptr.offset(i as isize * c.rs), from, c.cols);
        }
    }
    Ok(())
}

/// C = A·B for one column of B, plus numbers of `bias`, which are a step apart.
///
/// # Safety
/// As [`floats`].
unsafe fn column(
    a: Mat<*const u8>,
    b: Mat<*const u8>,
    c: Mat<*mut u8>,
    (bias, step): (*const f32, usize),
    how: Stored,
) -> Result<()> {
    let k = a.cols;
    let band = (BAND / k.max(1)).max(1).next_multiple_of(32).min(c.rows);
    let mut x = filled(k, 0f32)?;
    let mut room = filled(band.saturating_mul(k), 0f32)?;
    let mut y = filled(band, 0f32)?;
    let columns = by_columns(&a);
    // SAFETY: the caller's promise; the vectors hold the column, a band of rows, and its products.
    unsafe {
        let x = widened(b, by_columns(&b), x.as_mut_ptr(), how);
        for top in (0..c.rows).step_by(band.max(1)) {
            let (a, c) = (a.rows(top, band), c.rows(top, band));
            let sums = Mat {
                ptr: y.as_mut_ptr(),
                rows: c.rows,
                cols: 1,
                rs: 1,
                cs: 1,
            };
            vector::product(widened(a, columns, room.as_mut_ptr(), how), x, sums)?;
            if !bias.is_null() {
                for (i, y) in y[..c.rows].iter_mut().enumerate() {
                    *y += *bias.add((top + i) * step);
                }
            }
            (how.narrow)(c.ptr, y.as_ptr().cast(), c.rows);
        }
    }
    Ok(())
}

/// C = A·B + bias on as many threads as it is worth.
///
/// # Safety
/// As [`floats`].
unsafe fn matrix(
    tile: &Tile<f32>,
    a: Mat<*const u8>,
    b: Mat<*const u8>,
    c: Mat<*mut u8>,
    bias: *const f32,
    how: Stored,
) -> Result<()> {
    let (height, width) = cut(tile, c.rows, c.cols, a.cols);
    let columns = (by_columns(&a), by_columns(&b));
    let (pa, pb, pc) = (Ptr(a.ptr.cast_mut()), Ptr(b.ptr.cast_mut()), Ptr(c.ptr));
    let (a, b, c, bias) = (a.at(()), b.at(()), c.at(()), Ptr(bias.cast_mut()));
    let (down, across) = (c.rows.div_ceil(height), c.cols.div_ceil(width));
    blocks(down * across, 1, &|start, end| {
        for i in start..end {
            let (top, left) = (i / across * height, i % across * width);
            let a = a.at(pa.get().cast_const()).rows(top, height);
            let b = b.at(pb.get().cast_const()).cols(left, width);
            let c = c.at(pc.get()).rows(top, height).cols(left, width);
            let bias = row_at(bias.get(), left);
            // SAFETY: the caller's promise; parts of C do not overlap.
            Room::with(|room| unsafe { serial(tile, room, (a, b, columns), c, bias, how) });
        }
    })
}

type Operands = (Mat<*const u8>, Mat<*const u8>, (bool, bool));

/// C = A·B + bias on this thread.
///
/// # Safety
/// As [`floats`].
unsafe fn serial(
    tile: &Tile<f32>,
    room: &mut Room,
    (a, b, columns): Operands,
    c: Mat<*mut u8>,
    bias: *const f32,
    how: Stored,
) {
    let (mr, nr) = (tile.rows, tile.cols);
    let (depth_of_all, depth) = (a.cols, a.cols.min(KC));
    let (rows, cols, tall) = (c.rows.min(MC), c.cols.min(NC), c.rows.min(TALL));
    // Each begins a cache line.
    let lines = |n: usize| n.next_multiple_of(16);
    let panel_a = lines(rows.next_multiple_of(mr) * depth);
    let panel_b = lines(cols.next_multiple_of(nr) * depth);
    let (room_a, room_b) =
        room.take::<f32>(panel_a + rows.max(cols) * depth, panel_b + tall * cols);
    let (strip, sums) = (room_a.wrapping_add(panel_a), room_b.wrapping_add(panel_b));
    for left in (0..c.cols).step_by(NC) {
        let (b, c) = (b.cols(left, NC), c.cols(left, NC));
        for high in (0..c.rows).step_by(TALL) {
            let (a, c) = (a.rows(high, TALL), c.rows(high, TALL));
            let sum = Mat {
                ptr: sums,
                rows: c.rows,
                cols: c.cols,
                rs: c.cols as isize,
                cs: 1,
            };
            for at in (0..depth_of_all).step_by(KC) {
                let (a, b) = (a.cols(at, KC), b.rows(at, KC));
                let k = a.cols;
                // SAFETY: the caller's promise; the rooms hold the largest block, padded to whole panels, and a strip of it.
                unsafe { (tile.pack_b)(widened(b, columns.1, strip, how).transposed(), room_b) };
                for top in (0..sum.rows).step_by(MC) {
                    let (a, sum) = (a.rows(top, MC), sum.rows(top, MC));
                    // SAFETY: as above; tiles lie inside the sums.
                    unsafe {
                        (tile.pack_a)(widened(a, columns.0, strip, how), room_a);
                        for j in (0..sum.cols).step_by(nr) {
                            for i in (0..sum.rows).step_by(mr) {
                                let to = sum.rows(i, mr).cols(j, nr);
                                (tile.run)(k, room_a.add(i * k), room_b.add(j * k), to, at > 0);
                            }
                        }
                    }
                }
            }
            // SAFETY: the caller's promise; rows of C have neighbours for elements.
            unsafe {
                plus_row(sum, row_at(bias, left));
                for i in 0..c.rows {
                    let to = c.ptr.offset(i as isize * c.rs);
                    (how.narrow)(to, sum.ptr.add(i * c.cols).cast(), c.cols);
                }
            }
        }
    }
}

/// C = A·B of integers of 8 and 16 bits, summed in 32 and wrapped; C is row-major.
///
/// # Safety
/// As [`floats`].
///
/// # Errors
/// As there.
pub(in super::super) unsafe fn integers(
    a: Mat<*const u8>,
    b: Mat<*const u8>,
    c: Mat<*mut u8>,
    how: Stored,
) -> Result<()> {
    // Stretches of B, and so many rows of C that they are worth converting it for.
    let k = (BAND / c.cols.max(1)).clamp(1, KC).min(a.cols);
    let band = (PARALLEL / c.cols.max(1)).clamp(16, 512);
    let columns = (by_columns(&a), by_columns(&b));
    let (pa, pb, pc) = (Ptr(a.ptr.cast_mut()), Ptr(b.ptr.cast_mut()), Ptr(c.ptr));
    let (a, b, c) = (a.at(()), b.at(()), c.at(()));
    let failed = std::sync::OnceLock::new();
    blocks(c.rows, band, &|start, end| {
        let b = b.at(pb.get().cast_const());
        for top in (start..end).step_by(band) {
            let n = band.min(end - top);
            let (a, c) = (
                a.at(pa.get().cast_const()).rows(top, n),
                c.at(pc.get()).rows(top, n),
            );
            // SAFETY: the caller's promise; bands of C do not overlap.
            if let Err(e) = unsafe { integer_band((a, b, columns), c, k, how) } {
                drop(failed.set(e));
            }
        }
    })?;
    failed.into_inner().map_or(Ok(()), Err)
}

/// Some rows of [`integers`], over stretches of `depth` columns of A.
///
/// # Safety
/// As [`floats`].
unsafe fn integer_band(
    (a, b, columns): Operands,
    c: Mat<*mut u8>,
    depth: usize,
    how: Stored,
) -> Result<()> {
    let (mut left, mut right) = (
        filled(c.rows.saturating_mul(depth), 0i32)?,
        filled(c.cols.saturating_mul(depth), 0i32)?,
    );
    let mut sums = filled(c.rows.saturating_mul(c.cols), 0i32)?;
    for at in (0..a.cols).step_by(depth.max(1)) {
        // SAFETY: the caller's promise; the vectors hold a stretch of each.
        unsafe {
            let a = widened(a.cols(at, depth), columns.0, left.as_mut_ptr(), how);
            let b = widened(b.rows(at, depth), columns.1, right.as_mut_ptr(), how);
            for i in 0..a.rows as isize {
                let row = &mut sums[i as usize * c.cols..][..c.cols];
                for p in 0..a.cols as isize {
                    let x = *a.ptr.offset(i * a.rs + p * a.cs);
                    for (j, sum) in row.iter_mut().enumerate() {
                        let y = *b.ptr.offset(p * b.rs + j as isize * b.cs);
                        *sum = sum.wrapping_add(x.wrapping_mul(y));
                    }
                }
            }
        }
    }
    for (i, row) in sums.chunks(c.cols.max(1)).enumerate() {
        // SAFETY: the caller's promise; rows of C have neighbours for elements.
        unsafe {
            (how.narrow)(
                c.ptr.offset(i as isize * c.rs),
                row.as_ptr().cast(),
                row.len(),
            )
        };
    }
    Ok(())
}
