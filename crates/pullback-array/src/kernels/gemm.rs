//! Large matrix products, through the crate `matrixmultiply`, shared among threads by rows.
//!
//! Each element's sum runs over k in the crate's own fixed order, so cutting C into bands of rows changes no bit.
//! Types the crate lacks (double-double, integers) use a plain blocked loop.
#![allow(unsafe_code)]

use super::matmul::Mat;
use crate::dd::Dd;
use crate::threads::{Ptr, blocks};

/// m·n·k above which a second thread pays for waking it.
pub(super) const PARALLEL: usize = 1 << 20;

/// A type with a matrix product.
pub(super) trait Gemm: Sized {
    /// C = A·B.
    ///
    /// # Safety
    /// The matrices can be read, `c` can be written and is not shared.
    unsafe fn gemm(a: Mat<*const Self>, b: Mat<*const Self>, c: Mat<*mut Self>);
}

/// Cuts C into bands of rows (or of columns, if it is wider than tall).
fn bands<T>(
    a: Mat<*const T>,
    b: Mat<*const T>,
    c: Mat<*mut T>,
    one: impl Fn(Mat<*const T>, Mat<*const T>, Mat<*mut T>) + Sync,
) {
    let (pa, pb, pc) = (Ptr(a.ptr.cast_mut()), Ptr(b.ptr.cast_mut()), Ptr(c.ptr));
    let wide = c.cols > c.rows;
    let size = if wide { c.cols } else { c.rows };
    // Bands large enough that packing the other operand again costs little; the same for any number of threads.
    let band = if c.rows.saturating_mul(c.cols).saturating_mul(a.cols) < PARALLEL {
        size
    } else {
        size.div_ceil(8).next_multiple_of(48).max(96)
    };
    let (a, b, c) = (a.at(()), b.at(()), c.at(()));
    blocks(size, band, &|start, end| {
        let at = start as isize;
        let (mut a, mut b, mut c) = (
            a.at(pa.get().cast_const()),
            b.at(pb.get().cast_const()),
            c.at(pc.get()),
        );
        if wide {
            b.ptr = b.ptr.wrapping_offset(at * b.cs);
            c.ptr = c.ptr.wrapping_offset(at * c.cs);
            (b.cols, c.cols) = (end - start, end - start);
        } else {
            a.ptr = a.ptr.wrapping_offset(at * a.rs);
            c.ptr = c.ptr.wrapping_offset(at * c.rs);
            (a.rows, c.rows) = (end - start, end - start);
        }
        one(a, b, c);
    });
}

macro_rules! by_crate {
    ($t:ty, $gemm:path) => {
        impl Gemm for $t {
            unsafe fn gemm(a: Mat<*const Self>, b: Mat<*const Self>, c: Mat<*mut Self>) {
                bands(a, b, c, |a, b, c| {
                    // SAFETY: the caller's promise; bands of C do not overlap.
                    unsafe {
                        $gemm(
                            a.rows, a.cols, b.cols, 1.0, a.ptr, a.rs, a.cs, b.ptr, b.rs, b.cs, 0.0,
                            c.ptr, c.rs, c.cs,
                        );
                    }
                });
            }
        }
    };
}
by_crate!(f32, matrixmultiply::sgemm);
by_crate!(f64, matrixmultiply::dgemm);

macro_rules! by_loop {
    ($($t:ty, $zero:expr, $mul_add:expr;)*) => {$(
        impl Gemm for $t {
            unsafe fn gemm(a: Mat<*const Self>, b: Mat<*const Self>, c: Mat<*mut Self>) {
                let mul_add: fn($t, $t, $t) -> $t = $mul_add;
                bands(a, b, c, |a, b, c| {
                    for i in 0..c.rows as isize {
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
                });
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
