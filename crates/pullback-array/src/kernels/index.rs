//! Reading and writing by index arrays, on the flat (row-major) order of elements.
//!
//! Basic indexing (integers, slices) is a view and needs none of this; advanced indexing is turned into flat positions
//! by its caller, which also checks bounds against the user's dimensions.

use crate::arith::Arith;
use crate::array::Array;
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Shape;

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
    let positions = positions(index, a.numel())?;
    dispatch!(a.dtype(), T => {
        let from = a.to_vec::<T>()?;
        let out: Vec<T> = positions.iter().map(|&p| if p < 0 { T::default() } else { from[p as usize] }).collect();
        Array::from_slice(&out, index.shape())
    })
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
    let positions = positions(index, shape.checked_numel()?)?;
    dispatch!(number values.dtype(), T => {
        let mut out = vec![T::default(); shape.numel()];
        for (&p, x) in positions.iter().zip(values.to_vec::<T>()?) {
            if p >= 0 {
                out[p as usize] = out[p as usize].plus(x);
            }
        }
        Array::from_slice(&out, shape.clone())
    }, else Err(Error::new(ErrorKind::DType, format!("put_add has no {} form", DType::Bool.scalar_type_name()))))
}
