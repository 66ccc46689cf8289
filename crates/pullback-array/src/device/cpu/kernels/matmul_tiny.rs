//! Products of tiny matrices (the seed network's 4×2 by 2) in plain loops, in the order of additions that makes matrix times vector
//! equal to PyTorch's.
//!
//! Not for: what is worth packing (`gemm`), and which shapes have a product (`matmul.rs`).
#![allow(unsafe_code)]

use super::matmul::{Mat, TINY, row_major};
use crate::scalar::arith::Arith;
use std::mem::MaybeUninit;

/// Sum of products, first to last, each rounded: the order PyTorch's small products have.
///
/// # Safety
/// The matrices can be read, `c` can be written; m·n·k is at most [`TINY`].
pub(super) unsafe fn tiny<T: Arith>(a: Mat<*const T>, b: Mat<*const T>, c: Mat<*mut T>) {
    // SAFETY: the caller's promise, and of rows that lie side by side where that is asked for.
    unsafe {
        if c.cols >= 4 && a.cols > 0 {
            if b.cs == 1 {
                return side_by_side(a, b, c);
            }
            if a.rows >= 2 && size_of::<T>() <= 8 {
                // A copy whose rows have neighbours for elements; no larger than 16 kilobytes, since m is 2 or more.
                let mut room = [const { MaybeUninit::<T>::uninit() }; TINY / 2];
                let copy = row_major(room.as_mut_ptr().cast::<T>(), b.rows, b.cols);
                for p in 0..b.rows as isize {
                    for j in 0..b.cols as isize {
                        let x = *b.ptr.offset(p * b.rs + j * b.cs);
                        copy.ptr.offset(p * copy.rs + j).write(x);
                    }
                }
                return side_by_side(a, copy.at(copy.ptr.cast_const()), c);
            }
        }
    }
    for i in 0..c.rows as isize {
        for j in 0..c.cols as isize {
            // SAFETY: the caller's promise.
            unsafe {
                let (mut pa, mut pb) = (a.ptr.offset(i * a.rs), b.ptr.offset(j * b.cs));
                let mut sum = T::default();
                if a.cols > 0 {
                    sum = (*pa).times(*pb);
                    for _ in 1..a.cols {
                        (pa, pb) = (pa.offset(a.cs), pb.offset(b.rs));
                        sum = sum.plus((*pa).times(*pb));
                    }
                }
                c.ptr.offset(i * c.rs + j * c.cs).write(sum);
            }
        }
    }
}

/// As [`tiny`], with the same sums in the same order, for neighbouring columns at once.
///
/// # Safety
/// As [`tiny`]; rows of B and C have neighbours for elements, four or more, and B has a row.
unsafe fn side_by_side<T: Arith>(a: Mat<*const T>, b: Mat<*const T>, c: Mat<*mut T>) {
    // SAFETY: the caller's promise.
    unsafe {
        match c.cols {
            ..8 => abreast::<T, 4>(a, b, c),
            _ => abreast::<T, 8>(a, b, c),
        }
    }
}

/// As [`side_by_side`], `N` columns at once.
///
/// # Safety
/// As [`side_by_side`]; there are `N` columns.
unsafe fn abreast<T: Arith, const N: usize>(a: Mat<*const T>, b: Mat<*const T>, c: Mat<*mut T>) {
    for i in 0..c.rows as isize {
        let mut j = 0;
        while j < c.cols {
            // The last columns are summed together with some that were before.
            j = j.min(c.cols - N);
            // SAFETY: the caller's promise.
            unsafe {
                let (mut pa, mut pb) = (a.ptr.offset(i * a.rs), b.ptr.add(j));
                let mut sums = (*pb.cast::<[T; N]>()).map(|y| (*pa).times(y));
                for _ in 1..a.cols {
                    (pa, pb) = (pa.offset(a.cs), pb.offset(b.rs));
                    for (sum, y) in sums.iter_mut().zip(*pb.cast::<[T; N]>()) {
                        *sum = sum.plus((*pa).times(y));
                    }
                }
                c.ptr.offset(i * c.rs).add(j).cast::<[T; N]>().write(sums);
            }
            j += N;
        }
    }
}
