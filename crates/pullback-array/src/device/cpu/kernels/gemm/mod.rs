//! Matrix products of more than a few elements.
//!
//! `f32` and `f64` go the way of BLIS (Van Zee and van de Geijn 2015): blocks of both operands are packed into panels
//! (`pack.rs`), and a small kernel keeps a tile of C in registers (`tile.rs`, chosen when the program runs). Every element
//! of C is summed over k in runs of [`KC`], first to last within a run and from run to run. That order depends on neither
//! strides nor threads nor the tile's size, so cutting C into parts changes no bit; the instruction sets with fused
//! multiply-add agree to the bit as well. Products with a single row or column have loops of their own (`vector.rs`).
//! Types without such kernels (double-double, integers) use a plain loop.
#![allow(unsafe_code)]

mod pack;
#[cfg(target_arch = "x86_64")]
mod pack_x86;
pub(super) mod stored;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_x86;
mod vector;

use super::matmul::{Mat, plus_row};
use crate::dd::Dd;
use crate::device::cpu::threads::{blocks, num_threads};
use crate::error::Result;
use crate::memory::ptr::Ptr;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;
use pack::Room;
#[cfg(target_arch = "x86_64")]
pub(super) use pack_x86::turn as turn_avx512;
use tile::Tile;

/// m·n·k above which a second thread pays for waking it.
pub(super) const PARALLEL: usize = 1 << 18;
/// Length of a run over k: a panel of B stays in the second-level cache, one of A in the first.
const KC: usize = 256;
/// Rows of A packed at a time, a multiple of every kernel's; their block fits the second-level cache.
const MC: usize = 240;
/// Columns of B packed at a time, a multiple of every kernel's.
const NC: usize = 1024;

/// A type with a matrix product.
pub(super) trait Gemm: Sized {
    /// C = A·B, where C is row-major, plus the row `bias` if that is not null.
    ///
    /// # Safety
    /// The matrices and the bias can be read, `c` can be written and is not shared.
    ///
    /// # Errors
    /// Where somebody wants it stopped, or the memory for a copy is not to be had.
    unsafe fn gemm(
        a: Mat<*const Self>,
        b: Mat<*const Self>,
        c: Mat<*mut Self>,
        bias: *const Self,
    ) -> Result<()>;
}

/// A type with kernels that keep a tile of C in registers.
trait Blocked: Real + Arith {
    /// Those this machine can run, the fastest first: AVX-512, AVX2 with FMA, portable.
    fn tiles() -> [Option<Tile<Self>>; 3];
    /// The fastest.
    #[inline]
    fn tile() -> Tile<Self> {
        let [first, second, last] = Self::tiles();
        first.or(second).or(last).expect("the portable one")
    }
    /// `a·b + self`, rounded once.
    fn fused(self, a: Self, b: Self) -> Self;
}

macro_rules! blocked {
    ($($t:ty),*) => {$(
        impl Gemm for $t {
            unsafe fn gemm(
                a: Mat<*const Self>,
                b: Mat<*const Self>,
                c: Mat<*mut Self>,
                bias: *const Self,
            ) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe {
                    match (c.rows, c.cols) {
                        (1, _) => vector::product(b.transposed(), a.transposed(), c.transposed())?,
                        (_, 1) => vector::product(a, b, c)?,
                        _ => return product(&Self::tile(), a, b, c, bias),
                    }
                    plus_row(c, bias);
                    Ok(())
                }
            }
        }
    )*};
}
blocked!(f32, f64);

/// The parts that C is cut into along one dimension: so many, in whole tiles.
fn part(size: usize, parts: usize, tile: usize) -> usize {
    size.div_ceil(parts).next_multiple_of(tile)
}

/// C = A·B + bias on as many threads as it is worth.
///
/// # Safety
/// As [`Gemm::gemm`].
unsafe fn product<T: Blocked>(
    tile: &Tile<T>,
    a: Mat<*const T>,
    b: Mat<*const T>,
    c: Mat<*mut T>,
    bias: *const T,
) -> Result<()> {
    if a.cols == 0 {
        for i in 0..c.rows as isize {
            // SAFETY: the caller's promise.
            (0..c.cols).for_each(|j| unsafe { c.ptr.offset(i * c.rs).add(j).write(T::ZERO) });
        }
        // SAFETY: the caller's promise.
        unsafe { plus_row(c, bias) };
        return Ok(());
    }
    let (height, width) = cut(tile, c.rows, c.cols, a.cols);
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
            Room::with(|room| unsafe { serial(tile, room, a, b, c, bias) });
        }
    })
}

/// The height and the width of the parts that a product of so many rows, columns and terms is cut into.
fn cut<T>(tile: &Tile<T>, rows: usize, cols: usize, terms: usize) -> (usize, usize) {
    let work = rows.saturating_mul(cols).saturating_mul(terms);
    // Each part packs what it needs for itself: threads never wait for each other. Two parts for each thread even out
    // what else the machine does; long sides are cut, so that little is packed twice.
    let want = match num_threads() {
        1 => 1,
        n => (work / (PARALLEL / 2)).clamp(1, 2 * n),
    };
    let (mut across, mut down) = (1, 1);
    while across * down < want {
        let (high, wide) = (rows / down, cols / across);
        if wide >= high && wide > tile.cols {
            across *= 2;
        } else if high > tile.rows {
            down *= 2;
        } else {
            break;
        }
    }
    (part(rows, down, tile.rows), part(cols, across, tile.cols))
}

/// The row from column `left` on; no row has none.
fn row_at<T>(row: *const T, left: usize) -> *const T {
    match row.is_null() {
        true => row,
        false => row.wrapping_add(left),
    }
}

/// C = A·B + bias on this thread.
///
/// # Safety
/// As [`Gemm::gemm`].
unsafe fn serial<T: Blocked>(
    tile: &Tile<T>,
    room: &mut Room,
    a: Mat<*const T>,
    b: Mat<*const T>,
    c: Mat<*mut T>,
    bias: *const T,
) {
    let (mr, nr) = (tile.rows, tile.cols);
    let (depth_of_all, depth) = (a.cols, a.cols.min(KC));
    let (room_a, room_b) = room.take::<T>(
        c.rows.min(MC).next_multiple_of(mr) * depth,
        c.cols.min(NC).next_multiple_of(nr) * depth,
    );
    for left in (0..c.cols).step_by(NC) {
        let (b, c) = (b.cols(left, NC), c.cols(left, NC));
        for at in (0..a.cols).step_by(KC) {
            let (a, b) = (a.cols(at, KC), b.rows(at, KC));
            let k = a.cols;
            // SAFETY: the caller's promise; the rooms hold the largest block, padded to whole panels.
            unsafe { (tile.pack_b)(b.transposed(), room_b) };
            for top in (0..c.rows).step_by(MC) {
                let (a, c) = (a.rows(top, MC), c.rows(top, MC));
                // SAFETY: as above; tiles lie inside C.
                unsafe {
                    (tile.pack_a)(a, room_a);
                    for j in (0..c.cols).step_by(nr) {
                        for i in (0..c.rows).step_by(mr) {
                            let to = c.rows(i, mr).cols(j, nr);
                            (tile.run)(k, room_a.add(i * k), room_b.add(j * k), to, at > 0);
                            if at + k == depth_of_all {
                                plus_row(to, row_at(bias, left + j));
                            }
                        }
                    }
                }
            }
        }
    }
}

macro_rules! by_loop {
    ($($t:ty, $zero:expr, $mul_add:expr;)*) => {$(
        impl Gemm for $t {
            unsafe fn gemm(
                a: Mat<*const Self>,
                b: Mat<*const Self>,
                c: Mat<*mut Self>,
                bias: *const Self,
            ) -> Result<()> {
                let mul_add: fn($t, $t, $t) -> $t = $mul_add;
                let band = (PARALLEL / 8 / c.cols.saturating_mul(a.cols).max(1)).max(1);
                let (pa, pb, pc) = (Ptr(a.ptr.cast_mut()), Ptr(b.ptr.cast_mut()), Ptr(c.ptr));
                let (a, b, c) = (a.at(()), b.at(()), c.at(()));
                blocks(c.rows, band, &|start, end| {
                    let (a, b, c) = (a.at(pa.get()), b.at(pb.get()), c.at(pc.get()));
                    for i in start as isize..end as isize {
                        // SAFETY: the caller's promise; bands of C do not overlap.
                        unsafe {
                            for j in 0..c.cols as isize {
                                c.ptr.offset(i * c.rs + j * c.cs).write($zero);
                            }
                            for k in 0..a.cols as isize {
                                let x = *a.ptr.offset(i * a.rs + k * a.cs);
                                for j in 0..c.cols as isize {
                                    let z = c.ptr.offset(i * c.rs + j * c.cs);
                                    *z = mul_add(x, *b.ptr.offset(k * b.rs + j * b.cs), *z);
                                }
                            }
                        }
                    }
                })?;
                // SAFETY: the caller's promise.
                unsafe { plus_row(c.at(pc.get()), bias) };
                Ok(())
            }
        }
    )*};
}
by_loop! {
    Dd, Dd::ZERO, |x, y, z| z + x * y;
    i64, 0, |x, y, z| z.wrapping_add(x.wrapping_mul(y));
    i32, 0, |x, y, z| z.wrapping_add(x.wrapping_mul(y));
    u8, 0, |x, y, z| z.wrapping_add(x.wrapping_mul(y));
}
