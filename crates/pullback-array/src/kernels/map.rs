//! Elementwise kernels into new memory: one, two or three operands with broadcasting.
//!
//! A formula is a closure over elements; each is compiled once per dtype, into one loop over neighbouring elements.
//! Everything else (strides, threads) is in `drive.rs` and compiled once for all. Operands have the dtypes the closure
//! says (conversion is `cast`'s business).
#![allow(unsafe_code)]

use super::drive::{change, compute};
use super::operand::PIECE;
use super::wide::{has_fma, wide};
use crate::arith::Arith;
use crate::array::Array;
use crate::dd::Dd;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::math;

/// `f` of every element.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1.0f64, 4.0], [2])?;
/// assert_eq!(kernels::map(&a, f64::sqrt)?.to_vec::<f64>()?, [1.0, 2.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
#[inline]
pub fn map<A: Element, B: Element>(a: &Array, f: impl Fn(A) -> B + Sync) -> Result<Array> {
    let row = |to: *mut u8, [a]: [*const u8; 1], n: usize| {
        let (to, a) = (to.cast::<B>(), a.cast::<A>());
        for i in 0..n {
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe { to.add(i).write(f(*a.add(i))) };
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a], [A::DTYPE], B::DTYPE, &row) }
}

/// `f` of every pair of elements, broadcasting.
///
/// # Errors
/// Where the shapes do not broadcast.
#[inline]
pub fn zip<A: Element, B: Element, C: Element>(
    a: &Array,
    b: &Array,
    f: impl Fn(A, B) -> C + Sync,
) -> Result<Array> {
    let row = |to: *mut u8, [a, b]: [*const u8; 2], n: usize| {
        let (to, a, b) = (to.cast::<C>(), a.cast::<A>(), b.cast::<B>());
        for i in 0..n {
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe { to.add(i).write(f(*a.add(i), *b.add(i))) };
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b], [A::DTYPE, B::DTYPE], C::DTYPE, &row) }
}

/// `f` of every triple of elements, broadcasting.
///
/// # Errors
/// Where the shapes do not broadcast.
pub fn zip3<A: Element, B: Element, C: Element, D: Element>(
    a: &Array,
    b: &Array,
    c: &Array,
    f: impl Fn(A, B, C) -> D + Sync,
) -> Result<Array> {
    let row = |to: *mut u8, [a, b, c]: [*const u8; 3], n: usize| {
        let (to, a, b, c) = (to.cast::<D>(), a.cast::<A>(), b.cast::<B>(), c.cast::<C>());
        for i in 0..n {
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe { to.add(i).write(f(*a.add(i), *b.add(i), *c.add(i))) };
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b, c], [A::DTYPE, B::DTYPE, C::DTYPE], D::DTYPE, &row) }
}

/// As [`map`], compiled for wide vectors too where `f32` is read: for formulas that are long and hot. The closure is best
/// marked `#[inline(always)]`.
#[inline]
pub fn map_wide<A: Element, B: Element>(a: &Array, f: impl Fn(A) -> B + Sync) -> Result<Array> {
    if const { size_of::<A>() != 4 } {
        return map(a, f);
    }
    let row = |to: *mut u8, [a]: [*const u8; 1], n: usize| {
        let (to, a) = (to.cast::<B>(), a.cast::<A>());
        wide(
            #[inline(always)]
            || {
                for i in 0..n {
                    // SAFETY: the driver gives n elements of each, of the dtypes named below.
                    unsafe { to.add(i).write(f(*a.add(i))) };
                }
            },
        );
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a], [A::DTYPE], B::DTYPE, &row) }
}

/// As [`zip`], compiled for wide vectors too where `f32` is read: for formulas that are long and hot. The closure is best
/// marked `#[inline(always)]`.
#[inline]
pub fn zip_wide<A: Element, B: Element, C: Element>(
    a: &Array,
    b: &Array,
    f: impl Fn(A, B) -> C + Sync,
) -> Result<Array> {
    if const { size_of::<A>() != 4 } {
        return zip(a, b, f);
    }
    let row = |to: *mut u8, [a, b]: [*const u8; 2], n: usize| {
        let (to, a, b) = (to.cast::<C>(), a.cast::<A>(), b.cast::<B>());
        wide(
            #[inline(always)]
            || {
                for i in 0..n {
                    // SAFETY: the driver gives n elements of each, of the dtypes named below.
                    unsafe { to.add(i).write(f(*a.add(i), *b.add(i))) };
                }
            },
        );
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b], [A::DTYPE, B::DTYPE], C::DTYPE, &row) }
}

/// As [`map_wide`] with `near`, where a piece's elements all satisfy `is_near`; with `f`, which has the same bits there,
/// elsewhere.
fn map_guarded<A: Element>(
    a: &Array,
    is_near: impl Fn(A) -> bool + Sync,
    near: impl Fn(A) -> A + Sync,
    f: impl Fn(A) -> A + Sync,
) -> Result<Array> {
    let row = |to: *mut u8, [a]: [*const u8; 1], n: usize| {
        let (to, a) = (to.cast::<A>(), a.cast::<A>());
        for start in (0..n).step_by(PIECE) {
            let end = n.min(start + PIECE);
            let all_near = wide(
                #[inline(always)]
                || {
                    let mut all = true;
                    for i in start..end {
                        // SAFETY: the driver gives n elements of each, of the dtypes named below.
                        all &= is_near(unsafe { *a.add(i) });
                    }
                    for i in start..if all { end } else { start } {
                        // SAFETY: as above.
                        unsafe { to.add(i).write(near(*a.add(i))) };
                    }
                    all
                },
            );
            for i in start..if all_near { start } else { end } {
                // SAFETY: as above.
                unsafe { to.add(i).write(f(*a.add(i))) };
            }
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a], [A::DTYPE], A::DTYPE, &row) }
}

/// Sine of every element of a float array.
pub fn sin(a: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 => map_guarded(a, |x: f32| x.abs() <= math::NEAR, math::sin_near, math::sin),
        DType::F64 => map(a, f64::sin),
        _ => map(a, Dd::sin),
    }
}

/// Cosine of every element of a float array.
pub fn cos(a: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 => map_guarded(a, |x: f32| x.abs() <= math::NEAR, math::cos_near, math::cos),
        DType::F64 => map(a, f64::cos),
        _ => map(a, Dd::cos),
    }
}

/// `a + alpha·b`, element by element and broadcasting, each rounded once ([`Arith::plus_product`]).
///
/// # Errors
/// Where the shapes do not broadcast.
pub fn add_scaled<T: Arith>(a: &Array, b: &Array, alpha: T) -> Result<Array> {
    let row = |to: *mut u8, [a, b]: [*const u8; 2], n: usize| {
        // SAFETY: the driver gives n elements of each, of the dtypes named below.
        unsafe { scaled_row::<T>(to.cast(), a.cast(), b.cast(), n, alpha) };
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b], [T::DTYPE; 2], T::DTYPE, &row) }
}

/// `dst += alpha·src`, each rounded once; `src` broadcasts to `dst`, whose shape stays.
pub fn add_scaled_assign<T: Arith>(dst: &Array, src: &Array, alpha: T) -> Result<()> {
    dst.expect_dtype::<T>()?;
    src.expect_dtype::<T>()?;
    let src = super::assign::operand(dst, src)?;
    let row = |to: *mut u8, [from]: [*const u8; 1], n: usize| {
        // SAFETY: the driver gives n elements of each, of the dtype checked above.
        unsafe { scaled_row::<T>(to.cast(), to.cast(), from.cast(), n, alpha) };
    };
    // SAFETY: the row changes and reads what the arrays hold; they share no memory, and the source stretches.
    unsafe { change(dst, [&src], &row) }
}

/// `to = a + alpha·b` for `n` neighbours.
///
/// # Safety
/// `a` and `b` can be read and `to` can be written, which is `a` or apart from both.
unsafe fn scaled_row<T: Arith>(to: *mut T, a: *const T, b: *const T, n: usize, alpha: T) {
    if !has_fma() {
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe { to.add(i).write((*a.add(i)).plus_product(alpha, *b.add(i))) };
        }
    } else if std::ptr::eq(to, a) {
        // A loop of its own, in which the compiler sees that nothing else overlaps.
        wide(
            #[inline(always)]
            || {
                for i in 0..n {
                    // SAFETY: the caller's promise.
                    unsafe {
                        to.add(i)
                            .write((*to.add(i)).plus_product_fused(alpha, *b.add(i)))
                    };
                }
            },
        );
    } else {
        wide(
            #[inline(always)]
            || {
                for i in 0..n {
                    // SAFETY: the caller's promise.
                    unsafe {
                        to.add(i)
                            .write((*a.add(i)).plus_product_fused(alpha, *b.add(i)))
                    };
                }
            },
        );
    }
}
