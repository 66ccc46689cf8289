//! Elementwise kernels into new memory: one, two or three operands with broadcasting.
//!
//! A formula is a closure over elements; each is compiled once per dtype, into one loop over neighbouring elements.
//! Everything else (strides, threads) is in `drive.rs` and compiled once for all. Operands have the dtypes the closure
//! says (conversion is `cast`'s business).
#![allow(unsafe_code)]

use super::drive::{change, compute};
use super::operand::PIECE;
use super::wide::{has_fma, wide};
use crate::array::Array;
use crate::dd::Dd;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::scalar::arith::Arith;
use crate::scalar::math;

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
            unsafe { to.add(i).write(f(A::load(a.add(i)))) };
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
            unsafe { to.add(i).write(f(A::load(a.add(i)), B::load(b.add(i)))) };
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
            unsafe {
                to.add(i)
                    .write(f(A::load(a.add(i)), B::load(b.add(i)), C::load(c.add(i))))
            };
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
        let (to, a, f) = (to.cast::<B>(), a.cast::<A>(), &f);
        // By value: pointers behind a reference might change with each write, for all the compiler knows.
        wide(
            #[inline(always)]
            move || {
                for i in 0..n {
                    // SAFETY: the driver gives n elements of each, of the dtypes named below.
                    unsafe { to.add(i).write(f(A::load(a.add(i)))) };
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
        let (to, a, b, f) = (to.cast::<C>(), a.cast::<A>(), b.cast::<B>(), &f);
        wide(
            #[inline(always)]
            move || {
                for i in 0..n {
                    // SAFETY: the driver gives n elements of each, of the dtypes named below.
                    unsafe { to.add(i).write(f(A::load(a.add(i)), B::load(b.add(i)))) };
                }
            },
        );
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b], [A::DTYPE, B::DTYPE], C::DTYPE, &row) }
}

/// As [`map_wide`] with `near`, where a piece's elements all lie within [`math::NEAR`] of 0; with `f`, which has the same
/// bits there, elsewhere.
fn map_guarded(
    a: &Array,
    near: impl Fn(f32) -> f32 + Sync,
    f: impl Fn(f32) -> f32 + Sync,
) -> Result<Array> {
    let row = |to: *mut u8, [a]: [*const u8; 1], n: usize| {
        let (to, a, near) = (to.cast::<f32>(), a.cast::<f32>(), &near);
        for start in (0..n).step_by(PIECE) {
            let end = n.min(start + PIECE);
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe {
                if all_near(a.add(start), end - start) {
                    wide(
                        #[inline(always)]
                        move || (start..end).for_each(|i| to.add(i).write(near(*a.add(i)))),
                    );
                } else {
                    (start..end).for_each(|i| to.add(i).write(f(*a.add(i))));
                }
            }
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a], [DType::F32], DType::F32, &row) }
}

/// As [`map_guarded`], times the elements of `b`.
fn zip_guarded(
    a: &Array,
    b: &Array,
    near: impl Fn(f32) -> f32 + Sync,
    f: impl Fn(f32) -> f32 + Sync,
) -> Result<Array> {
    let row = |to: *mut u8, [a, b]: [*const u8; 2], n: usize| {
        let (to, a, b, near) = (to.cast::<f32>(), a.cast::<f32>(), b.cast::<f32>(), &near);
        for start in (0..n).step_by(PIECE) {
            let end = n.min(start + PIECE);
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe {
                if all_near(a.add(start), end - start) {
                    wide(
                        #[inline(always)]
                        move || {
                            for i in start..end {
                                to.add(i).write(near(*a.add(i)) * *b.add(i));
                            }
                        },
                    );
                } else {
                    (start..end).for_each(|i| to.add(i).write(f(*a.add(i)) * *b.add(i)));
                }
            }
        }
    };
    // SAFETY: the row reads and writes what is named here.
    unsafe { compute([a, b], [DType::F32; 2], DType::F32, &row) }
}

/// Whether `n` numbers lie within [`math::NEAR`] of 0.
///
/// # Safety
/// They can be read.
unsafe fn all_near(a: *const f32, n: usize) -> bool {
    wide(
        #[inline(always)]
        move || {
            let mut all = true;
            for i in 0..n {
                // SAFETY: the caller's promise.
                all &= unsafe { *a.add(i) }.abs() <= math::NEAR;
            }
            all
        },
    )
}

/// Sine of every element of a float array.
pub fn sin(a: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => map_guarded(a, math::sin_near, math::sin),
        DType::F64 => map(a, f64::sin),
        // What is no float is an error there.
        DType::Dd
        | DType::Bool
        | DType::U8
        | DType::I8
        | DType::I16
        | DType::U16
        | DType::I32
        | DType::U32
        | DType::I64
        | DType::U64 => map(a, Dd::sin),
    }
}

/// Cosine of every element of a float array.
pub fn cos(a: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => map_guarded(a, math::cos_near, math::cos),
        DType::F64 => map(a, f64::cos),
        // What is no float is an error there.
        DType::Dd
        | DType::Bool
        | DType::U8
        | DType::I8
        | DType::I16
        | DType::U16
        | DType::I32
        | DType::U32
        | DType::I64
        | DType::U64 => map(a, Dd::cos),
    }
}

/// `cos(a)·b`, element by element and broadcasting: what the sine sends back.
///
/// # Errors
/// Where the shapes do not broadcast.
pub fn cos_times(a: &Array, b: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => zip_guarded(a, b, math::cos_near, math::cos),
        DType::F64 => zip(a, b, |a: f64, b: f64| a.cos() * b),
        DType::Dd
        | DType::Bool
        | DType::U8
        | DType::I8
        | DType::I16
        | DType::U16
        | DType::I32
        | DType::U32
        | DType::I64
        | DType::U64 => zip(a, b, |a: Dd, b: Dd| a.cos() * b),
    }
}

/// `-sin(a)·b`, element by element and broadcasting: what the cosine sends back.
///
/// # Errors
/// Where the shapes do not broadcast.
pub fn minus_sin_times(a: &Array, b: &Array) -> Result<Array> {
    match a.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => {
            zip_guarded(a, b, |x| -math::sin_near(x), |x| -math::sin(x))
        }
        DType::F64 => zip(a, b, |a: f64, b: f64| -a.sin() * b),
        DType::Dd
        | DType::Bool
        | DType::U8
        | DType::I8
        | DType::I16
        | DType::U16
        | DType::I32
        | DType::U32
        | DType::I64
        | DType::U64 => zip(a, b, |a: Dd, b: Dd| -a.sin() * b),
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
    let src = super::assign::operand(dst, src)?;
    let row = |to: *mut u8, [from]: [*const u8; 1], n: usize| {
        // SAFETY: the driver gives n elements of each, of the dtype named below.
        unsafe { scaled_row::<T>(to.cast(), to.cast(), from.cast(), n, alpha) };
    };
    // SAFETY: the row changes and reads what the arrays hold; they share no memory, and the source stretches.
    unsafe { change((dst, T::DTYPE), [&src], [T::DTYPE], &row) }
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
            move || {
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
            move || {
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
