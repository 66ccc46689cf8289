//! Matrix times vector: no operand is used twice, so nothing is packed; all that counts is to read the matrix once.
//!
//! Where a row's elements are neighbours, each result is a dot product of [`LANES`] running sums; otherwise neighbouring
//! results are summed side by side down the columns. Both orders are fixed, whatever the threads.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use super::Blocked;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::error::Result;
use crate::memory::ptr::Ptr;
use crate::memory::room::gathered;

/// Running sums of a dot product, and results summed side by side.
const LANES: usize = 32;

/// C = A·B for one column of B.
///
/// # Safety
/// The matrices can be read; `c` can be written and is not shared.
pub(super) unsafe fn product<T: Blocked>(
    a: Mat<*const T>,
    b: Mat<*const T>,
    c: Mat<*mut T>,
) -> Result<()> {
    let column: Vec<T>;
    let x = if b.rs == 1 || b.rows <= 1 {
        b.ptr
    } else {
        // SAFETY: the caller's promise.
        let x = (0..b.rows as isize).map(|p| unsafe { *b.ptr.offset(p * b.rs) });
        column = gathered(x)?;
        column.as_ptr()
    };
    let block = (BLOCK / a.cols.max(1)).max(1).next_multiple_of(LANES);
    let (pa, px, pc) = (Ptr(a.ptr.cast_mut()), Ptr(x.cast_mut()), Ptr(c.ptr));
    let (a, c) = (a.at(()), c.at(()));
    blocks(c.rows, block, &|start, end| {
        let a = a.at(pa.get().cast_const()).rows(start, end - start);
        let c = c.at(pc.get()).rows(start, end - start);
        // SAFETY: the caller's promise; blocks of C do not overlap; the instructions are there.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx512f") {
                    return avx512(a, px.get(), c);
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    return avx2(a, px.get(), c);
                }
            }
            some::<T, false>(a, px.get(), c);
        }
    })
}

/// # Safety
/// As [`some`], on a machine with AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512<T: Blocked>(a: Mat<*const T>, x: *const T, c: Mat<*mut T>) {
    // SAFETY: the caller's promise.
    unsafe { some::<T, true>(a, x, c) }
}

/// # Safety
/// As [`some`], on a machine with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Blocked>(a: Mat<*const T>, x: *const T, c: Mat<*mut T>) {
    // SAFETY: the caller's promise.
    unsafe { some::<T, true>(a, x, c) }
}

/// `sum + a·b`, in one rounding where there is an instruction for it.
#[inline(always)]
fn plus<T: Blocked, const FUSED: bool>(sum: T, a: T, b: T) -> T {
    if FUSED { sum.fused(a, b) } else { sum + a * b }
}

/// Rows of A times `x`, which has neighbours for elements.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn some<T: Blocked, const FUSED: bool>(a: Mat<*const T>, x: *const T, c: Mat<*mut T>) {
    let (k, mut i) = (a.cols, 0);
    // SAFETY: the caller's promise, for every place of the matrices.
    unsafe {
        let write = |i: usize, sum: T| c.ptr.offset(i as isize * c.rs).write(sum);
        if a.cs != 1 && a.rs == 1 {
            while i + LANES <= a.rows {
                let mut sums = [T::ZERO; LANES];
                for p in 0..k {
                    let (y, row) = (*x.add(p), a.ptr.offset(p as isize * a.cs).add(i));
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum = plus::<T, FUSED>(*sum, y, *row.add(lane));
                    }
                }
                (sums.into_iter().enumerate()).for_each(|(lane, sum)| write(i + lane, sum));
                i += LANES;
            }
        }
        while i < a.rows {
            let row = a.ptr.offset(i as isize * a.rs);
            let mut p = 0;
            let mut total = T::ZERO;
            if a.cs == 1 && k >= LANES {
                let mut sums = [T::ZERO; LANES];
                while p + LANES <= k {
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum = plus::<T, FUSED>(*sum, *row.add(p + lane), *x.add(p + lane));
                    }
                    p += LANES;
                }
                let mut half = LANES / 2;
                while half > 0 {
                    (0..half).for_each(|lane| sums[lane] += sums[lane + half]);
                    half /= 2;
                }
                total = sums[0];
            }
            while p < k {
                total = plus::<T, FUSED>(total, *row.offset(p as isize * a.cs), *x.add(p));
                p += 1;
            }
            write(i, total);
            i += 1;
        }
    }
}
