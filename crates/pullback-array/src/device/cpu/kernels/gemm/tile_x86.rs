//! The kernels for AVX-512 and for AVX2 with fused multiply-add.
//!
//! A tile is 12 (6) rows of two vectors: the sums fill 24 of 32 (12 of 16) registers, the rest hold two vectors of B and
//! one element of A. Tiles at C's edges have fewer rows or one vector, in steps, so that narrow products waste little.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use super::pack::pack;
use super::pack_x86::pack_avx512;
use super::tile::{Tile, store};

macro_rules! kernel {
    ($name:ident, $t:ty, $features:literal, $vector:ident, $lanes:literal, $mr:literal, [$($r:literal)*],
     $zero:ident $load:ident $put:ident $set:ident $fma:ident $add:ident) => {
        mod $name {
            use super::{Mat, store};
            use std::arch::x86_64::*;
            use std::mem::MaybeUninit;

            /// # Safety
            /// As `Tile::run`.
            #[target_feature(enable = $features)]
            unsafe fn body<const R: usize, const V: usize>(
                k: usize,
                mut a: *const $t,
                mut b: *const $t,
                c: Mat<*mut $t>,
                add: bool,
            ) {
                // C is fetched while the sums are made: a large one lies in no cache.
                if k >= 64 {
                    for i in 0..R.min(c.rows) {
                        for v in 0..V {
                            let at = c.ptr.wrapping_offset(i as isize * c.rs);
                            _mm_prefetch::<_MM_HINT_ET0>(at.wrapping_add(v * $lanes).cast());
                        }
                    }
                }
                let mut acc = [[$zero(); V]; R];
                for _ in 0..k {
                    // SAFETY: the caller's promise: each step of k has a whole panel's width.
                    unsafe {
                        let mut y = [$zero(); V];
                        for v in 0..V {
                            y[v] = $load(b.add(v * $lanes));
                        }
                        for i in 0..R {
                            let x = $set(*a.add(i));
                            for v in 0..V {
                                acc[i][v] = $fma(x, y[v], acc[i][v]);
                            }
                        }
                        a = a.add($mr);
                        b = b.add(2 * $lanes);
                    }
                }
                // One place where sums leave their registers: the compiler keeps them there only then.
                let whole = c.rows == R && c.cols == V * $lanes;
                let mut tile = MaybeUninit::<[$t; $mr * 2 * $lanes]>::uninit();
                let (to, rs) = match whole {
                    true => (c.ptr, c.rs),
                    false => (tile.as_mut_ptr().cast(), (V * $lanes) as isize),
                };
                // SAFETY: the tile lies inside C, or in an array that holds the largest.
                unsafe {
                    if add && whole {
                        for i in 0..R {
                            for v in 0..V {
                                let to = to.offset(i as isize * rs).add(v * $lanes);
                                $put(to, $add($load(to), acc[i][v]));
                            }
                        }
                    } else {
                        for i in 0..R {
                            for v in 0..V {
                                $put(to.offset(i as isize * rs).add(v * $lanes), acc[i][v]);
                            }
                        }
                    }
                    if !whole {
                        // The sums of R rows were written.
                        let tile = std::slice::from_raw_parts(to, R * V * $lanes);
                        store(tile, V * $lanes, c, add);
                    }
                }
            }

            /// # Safety
            /// As `Tile::run`.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn run(
                k: usize,
                a: *const $t,
                b: *const $t,
                c: Mat<*mut $t>,
                add: bool,
            ) {
                // SAFETY: the caller's promise.
                unsafe {
                    match (c.rows, c.cols > $lanes) {
                        $((..=$r, true) => body::<$r, 2>(k, a, b, c, add),
                        (..=$r, false) => body::<$r, 1>(k, a, b, c, add),)*
                        (_, true) => body::<$mr, 2>(k, a, b, c, add),
                        (_, false) => body::<$mr, 1>(k, a, b, c, add),
                    }
                }
            }
        }
    };
}

kernel!(f32_avx512, f32, "avx512f", __m512, 16, 12, [1 2 4 8],
    _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_fmadd_ps _mm512_add_ps);
kernel!(f64_avx512, f64, "avx512f", __m512d, 8, 12, [1 2 4 8],
    _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_fmadd_pd _mm512_add_pd);
kernel!(f32_avx2, f32, "avx2,fma", __m256, 8, 6, [1 2 4],
    _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_fmadd_ps _mm256_add_ps);
kernel!(f64_avx2, f64, "avx2,fma", __m256d, 4, 6, [1 2 4],
    _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_fmadd_pd _mm256_add_pd);

macro_rules! tiles {
    ($($t:ident: $wide:ident $narrow:ident, $lanes:literal, $pack_a:expr, $pack_b:expr;)*) => {$(
        pub(super) mod $t {
            use super::Tile;
            /// Needs AVX-512F.
            pub(in super::super) const fn avx512() -> Tile<core::primitive::$t> {
                Tile {
                    pack_a: $pack_a,
                    pack_b: $pack_b,
                    ..Tile::new::<12, { 4 * $lanes }>(super::$wide::run)
                }
            }
            /// Needs AVX2 and FMA.
            pub(in super::super) const fn avx2() -> Tile<core::primitive::$t> {
                Tile::new::<6, { 2 * $lanes }>(super::$narrow::run)
            }
        }
    )*};
}
tiles! {
    f32: f32_avx512 f32_avx2, 8, super::pack_avx512::<12>, super::pack_avx512::<32>;
    f64: f64_avx512 f64_avx2, 4, super::pack::<f64, 12>, super::pack::<f64, 16>;
}
