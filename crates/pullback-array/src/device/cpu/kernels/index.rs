//! Reading and writing by index arrays, on the flat (row-major) order of elements.
//!
//! Basic indexing (integers, slices) is a view and needs none of this; advanced indexing is turned into flat positions
//! by its caller, which also checks bounds against the user's dimensions.
#![allow(unsafe_code)]

use super::narrow::through_same;
use super::wide::wide;
use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::scalar::arith::Arith;

fn positions(index: &Array, numel: usize) -> Result<Vec<i64>> {
    let positions = index.to_vec::<i64>()?;
    match positions.iter().find(|&&p| p >= numel as i64) {
        Some(p) => Err(Error::new(
            ErrorKind::Index,
            format!("index {p} is out of bounds for size {numel}"),
        )),
        None => Ok(positions),
    }
}

/// Element `index[i]` of `a` in row-major order, or zero where the index is negative; the result has the index's
/// shape.
///
/// # Errors
/// Where an index is not below the number of elements.
pub fn take(a: &Array, index: &Array) -> Result<Array> {
    if a.is_meta() || index.is_meta() {
        return Array::meta(Layout::row_major(index.shape().clone()), a.dtype());
    }
    let positions = positions(index, a.numel())?;
    let a = a.contiguous()?;
    let guard = a.read()?;
    dispatch!(stored a.dtype(), T => {
        let (storage, out) = fresh::<T>(index.shape())?;
        // SAFETY: positions are negative or below numel, and a contiguous array has numel elements from its offset on;
        // `out` has room for one element each.
        unsafe {
            let from = guard.ptr::<T>().add(a.layout().offset());
            for (i, &p) in positions.iter().enumerate() {
                out.add(i).write(if p < 0 { T::default() } else { T::load(from.add(p as usize)) });
            }
        }
        Ok(Array::from_fresh::<T>(storage, index.shape().clone()))
    })
}

/// Positions of what an index along one dimension names: `rows` are the places of the first element of each of its rows (of its last
/// dimension), whose elements are `apart` from each other, and each number of the index counts `step`. None where a number is not below `n`.
///
/// ```
/// use pullback_array::{Array, Layout, Shape, kernels};
/// let index = Array::from_slice(&[2i64, 0, 1, 1], [2, 2])?; // along the last dimension of (2, 3)
/// let rows = Layout::new(Shape::new(&[2]), &[3], 0);
/// let at = kernels::positions_along(&index, &rows, 0, 1, 3)?.unwrap();
/// assert_eq!(at.to_vec::<i64>()?, [2, 0, 4, 4]);
/// assert!(kernels::positions_along(&index, &rows, 0, 1, 2)?.is_none());
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where the index is not int64.
pub fn positions_along(
    index: &Array,
    rows: &Layout,
    apart: i64,
    step: i64,
    n: usize,
) -> Result<Option<Array>> {
    let index = index.contiguous()?;
    index.expect_dtype::<i64>()?;
    let guard = index.read()?;
    let (storage, out) = fresh::<i64>(index.shape())?;
    let last = index.shape().last().copied().unwrap_or(1).max(1);
    // SAFETY: a contiguous array has its elements from its offset on.
    let from = unsafe { guard.ptr::<i64>().add(index.layout().offset()) };
    let mut outside = false;
    for (row, origin) in (0..index.numel() / last).zip(rows.places()) {
        let (from, out) = (from.wrapping_add(row * last), out.wrapping_add(row * last));
        outside |= wide(
            #[inline(always)]
            move || {
                let (mut outside, mut place) = (false, origin as i64);
                for k in 0..last {
                    // SAFETY: the row's elements, which the guarded index and the new memory have.
                    unsafe {
                        let i = *from.add(k);
                        outside |= i.cast_unsigned() >= n as u64;
                        out.add(k).write(place.wrapping_add(i.wrapping_mul(step)));
                    }
                    place = place.wrapping_add(apart);
                }
                outside
            },
        );
    }
    drop(guard);
    let shape = index.shape().clone();
    Ok((!outside).then(|| Array::from_fresh::<i64>(storage, shape)))
}

/// Zeros of `shape` with `values[i]` added at flat position `index[i]`; negative positions are left out. The transpose
/// of [`take`].
///
/// # Errors
/// Where an index is not below the number of elements, or the shapes of index and values differ.
pub fn put_add(values: &Array, index: &Array, shape: &Shape) -> Result<Array> {
    if values.shape() != index.shape() {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "values of shape {} for an index of shape {}",
                values.shape(),
                index.shape()
            ),
        ));
    }
    if values.is_meta() || index.is_meta() {
        return Array::meta(Layout::row_major(shape.clone()), values.dtype());
    }
    if let Some(result) = through_same([values], |[values]| put_add(values, index, shape)) {
        return result;
    }
    let positions = positions(index, shape.checked_numel()?)?;
    dispatch!(number values.dtype(), T => {
        let values = values.to_vec::<T>()?;
        let (storage, out) = fresh::<T>(shape)?;
        // SAFETY: `out` has room for the shape's elements, is written before it is read, and positions are negative or
        // below their number.
        unsafe {
            (0..shape.numel()).for_each(|i| out.add(i).write(T::default()));
            for (&p, x) in positions.iter().zip(values) {
                if p >= 0 {
                    let sum = out.add(p as usize);
                    sum.write((*sum).plus(x));
                }
            }
        }
        Ok(Array::from_fresh::<T>(storage, shape.clone()))
    }, else Err(Error::new(ErrorKind::DType, format!("put_add has no {} form", DType::Bool.scalar_type_name()))))
}
