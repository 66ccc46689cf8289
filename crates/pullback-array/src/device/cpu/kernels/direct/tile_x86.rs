//! The kernels for AVX-512 and for AVX2 with fused multiply-add: as in `gemm`, but that rows lie anywhere.
#![allow(unsafe_code)]

use super::super::gemm::turn_avx512;
use super::super::matmul::Mat;
use super::tile::{Kernel, Sum, turned};

macro_rules! kernel {
    ($name:ident, $t:ty, $features:literal, $lanes:literal, [$($r:literal)*],
     $zero:ident $load:ident $put:ident $add:ident, $set:literal $fma:literal $size:literal $class:ident) => {
        mod $name {
            use super::Sum;
            use std::arch::asm;
            use std::arch::x86_64::*;

            /// # Safety
            /// As `Kernel::run`, of R rows and V vectors.
            #[target_feature(enable = $features)]
            unsafe fn body<const R: usize, const V: usize>(sum: &Sum<'_, $t>, rows: &[usize]) {
                let mut from = [sum.x; R];
                for (from, &row) in from.iter_mut().zip(rows) {
                    *from = from.wrapping_add(row);
                }
                let mut b = sum.b;
                let mut acc = [[$zero(); V]; R];
                for &term in sum.terms {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let mut y = [$zero(); V];
                        for v in 0..V {
                            y[v] = $load(b.add(v * $lanes));
                        }
                        for i in 0..R {
                            let p = from[i];
                            // Written out: the compiler would read the elements of all rows first, and have no registers left for sums.
                            if V == 2 {
                                asm!(
                                    concat!($set, " {x}, [{p} + {t}*", $size, "]"),
                                    concat!($fma, " {a}, {x}, {y}"),
                                    concat!($fma, " {b}, {x}, {z}"),
                                    x = out($class) _, p = in(reg) p, t = in(reg) term,
                                    a = inout($class) acc[i][0], y = in($class) y[0],
                                    b = inout($class) acc[i][1], z = in($class) y[1],
                                    options(readonly, nostack, preserves_flags),
                                );
                            } else {
                                asm!(
                                    concat!($set, " {x}, [{p} + {t}*", $size, "]"),
                                    concat!($fma, " {a}, {x}, {y}"),
                                    x = out($class) _, p = in(reg) p, t = in(reg) term,
                                    a = inout($class) acc[i][0], y = in($class) y[0],
                                    options(readonly, nostack, preserves_flags),
                                );
                            }
                        }
                        b = b.add(V * $lanes);
                    }
                }
                // Two loops: in one, the compiler would keep no sum in a register.
                if sum.add {
                    for i in 0..R {
                        for v in 0..V {
                            // SAFETY: the caller's promise.
                            unsafe {
                                let to = sum.c.add(i * sum.step + v * $lanes);
                                $put(to, $add($load(to), acc[i][v]));
                            }
                        }
                    }
                } else {
                    for i in 0..R {
                        for v in 0..V {
                            // SAFETY: as above.
                            unsafe { $put(sum.c.add(i * sum.step + v * $lanes), acc[i][v]) };
                        }
                    }
                }
            }

            /// # Safety
            /// As `Kernel::run`.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn run(sum: &Sum<'_, $t>, rows: &[usize], wide: bool) {
                // SAFETY: the caller's promise.
                unsafe {
                    match (rows.len(), wide) {
                        $(($r, true) => body::<$r, 2>(sum, rows),
                        ($r, false) => body::<$r, 1>(sum, rows),)*
                        _ => {}
                    }
                }
            }
        }
    };
}

kernel!(f32_avx512, f32, "avx512f", 16, [1 2 3 4 5 6 7 8 9 10 11 12],
    _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps, "vbroadcastss" "vfmadd231ps" "4" zmm_reg);
kernel!(f64_avx512, f64, "avx512f", 8, [1 2 3 4 5 6 7 8 9 10 11 12],
    _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd, "vbroadcastsd" "vfmadd231pd" "8" zmm_reg);
kernel!(f32_avx2, f32, "avx2,fma", 8, [1 2 3 4 5 6],
    _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps, "vbroadcastss" "vfmadd231ps" "4" ymm_reg);
kernel!(f64_avx2, f64, "avx2,fma", 4, [1 2 3 4 5 6],
    _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd, "vbroadcastsd" "vfmadd231pd" "8" ymm_reg);

/// As `Kernel::turn`, sixteen columns at a time.
///
/// # Safety
/// As there; the machine has AVX-512.
unsafe fn turned_avx512(from: Mat<*const f32>, to: *mut f32, step: usize) {
    let whole = from.cols / 16 * 16;
    // SAFETY: the caller's promise.
    unsafe {
        for top in (0..from.rows).step_by(16) {
            let from = from.rows(top, 16);
            for left in (0..whole).step_by(16) {
                let to = to.add(left * step + top);
                turn_avx512(from.ptr.add(left), from.rs, from.rows, to, step);
            }
        }
        if whole < from.cols {
            turned(from.cols(whole, 16), to.add(whole * step), step);
        }
    }
}

macro_rules! kernels {
    ($($t:ident: $wide:ident $narrow:ident, $lanes:literal, $turn:expr;)*) => {$(
        pub(super) mod $t {
            use super::Kernel;
            /// Needs AVX-512F.
            pub(in super::super) fn avx512() -> Kernel<core::primitive::$t> {
                Kernel { rows: 12, lanes: 2 * $lanes, run: super::$wide::run, turn: $turn }
            }
            /// Needs AVX2 and FMA.
            pub(in super::super) fn avx2() -> Kernel<core::primitive::$t> {
                Kernel { rows: 6, lanes: $lanes, run: super::$narrow::run, turn: super::turned }
            }
        }
    )*};
}
kernels! {
    f32: f32_avx512 f32_avx2, 8, super::turned_avx512;
    f64: f64_avx512 f64_avx2, 4, super::turned;
}
