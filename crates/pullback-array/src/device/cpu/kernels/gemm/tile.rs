//! Which kernel multiplies panels, and the portable one.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use super::Blocked;
use super::pack::pack;
use crate::scalar::real::Real;

/// A kernel: C's tile of `rows` × `cols` stays in registers while panels of A and B stream by.
pub(super) struct Tile<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Packs rows of A by `rows`.
    pub(super) pack_a: unsafe fn(Mat<*const T>, *mut T),
    /// Packs columns of B (given transposed) by `cols`.
    pub(super) pack_b: unsafe fn(Mat<*const T>, *mut T),
    /// `(k, a, b, c, add)`: C = A·B, or C += A·B if `add`, for panels of depth k; C may be smaller than the tile.
    ///
    /// Safety: the panels hold whole tiles, C is row-major and can be written, the machine has the kernel's instructions.
    pub(super) run: unsafe fn(usize, *const T, *const T, Mat<*mut T>, bool),
}

impl<T: Real> Tile<T> {
    pub(super) const fn new<const MR: usize, const NR: usize>(
        run: unsafe fn(usize, *const T, *const T, Mat<*mut T>, bool),
    ) -> Self {
        Tile {
            rows: MR,
            cols: NR,
            pack_a: pack::<T, MR>,
            pack_b: pack::<T, NR>,
            run,
        }
    }
}

macro_rules! choose {
    ($($t:ident: $nr:expr;)*) => {$(
        impl Blocked for $t {
            #[inline]
            fn tiles() -> [Option<Tile<Self>>; 3] {
                #[cfg(target_arch = "x86_64")]
                let fast = {
                    use super::tile_x86::$t::{avx2, avx512};
                    let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                    [is_x86_feature_detected!("avx512f").then(avx512), has_avx2.then(avx2)]
                };
                #[cfg(not(target_arch = "x86_64"))]
                let fast = [None, None];
                let [first, second] = fast;
                [first, second, Some(Tile::new::<4, $nr>(portable::<$t, 4, $nr>))]
            }
            #[inline(always)]
            fn fused(self, a: Self, b: Self) -> Self {
                a.mul_add(b, self)
            }
        }
    )*};
}
choose! { f32: 8; f64: 4; }

/// Loops that the compiler turns into what vectors there are; products and sums are rounded one after the other.
///
/// # Safety
/// As [`Tile::run`].
pub(super) unsafe fn portable<T: Real, const MR: usize, const NR: usize>(
    k: usize,
    a: *const T,
    b: *const T,
    c: Mat<*mut T>,
    add: bool,
) {
    let mut acc = [[T::ZERO; NR]; MR];
    for p in 0..k {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe {
            (
                *a.add(p * MR).cast::<[T; MR]>(),
                *b.add(p * NR).cast::<[T; NR]>(),
            )
        };
        for i in 0..MR {
            for j in 0..NR {
                acc[i][j] += a[i] * b[j];
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { store(acc.as_flattened(), NR, c, add) };
}

/// Writes (or adds) the part of a tile that C has; `width` is the tile's.
///
/// # Safety
/// C can be written.
#[inline]
pub(super) unsafe fn store<T: Real>(tile: &[T], width: usize, c: Mat<*mut T>, add: bool) {
    for (i, row) in tile.chunks(width).take(c.rows).enumerate() {
        for (j, &x) in row.iter().take(c.cols).enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let to = c.ptr.offset(i as isize * c.rs).add(j);
                to.write(if add { *to + x } else { x });
            }
        }
    }
}
