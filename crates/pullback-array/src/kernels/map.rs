//! Elementwise kernels into new memory: one, two or three operands with broadcasting.
//!
//! A formula is a closure over elements; each is compiled once per dtype, into one loop over neighbouring elements.
//! Everything else (strides, threads) is in `drive.rs` and compiled once for all. Operands have the dtypes the closure
//! says (conversion is `cast`'s business).
#![allow(unsafe_code)]

use super::drive::compute;
use crate::array::Array;
use crate::dtype::Element;
use crate::error::Result;

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
