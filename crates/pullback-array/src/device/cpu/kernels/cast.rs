//! Conversion between dtypes.

use super::map;
use crate::array::Array;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;

/// The array in another dtype, rounded to nearest; floats become integers by truncation, anything non-zero `true`.
///
/// The same array (not a copy) where the dtype is right already.
pub fn cast(a: &Array, to: DType) -> Result<Array> {
    use DType::{Bool, Dd, F32, F64, I32, I64, U8};
    if a.dtype() == to {
        return Ok(a.clone());
    }
    match (a.dtype(), to) {
        // Integers through i64, floats through f64, double-double directly: each path rounds once.
        (Dd, _) => dispatch!(to, T => map(a, |x: crate::dd::Dd| T::from_dd(x))),
        (_, Dd) => dispatch!(a.dtype(), S => map(a, |x: S| x.to_dd())),
        (F32 | F64, _) => {
            dispatch!(a.dtype(), S => dispatch!(to, T => map(a, |x: S| T::from_f64(x.to_f64()))))
        }
        (I64, _) => dispatch!(to, T => map(a, |x: i64| T::from_i64(x))),
        (Bool | U8 | I32, _) => {
            dispatch!(a.dtype(), S => dispatch!(to, T => map(a, |x: S| T::from_i64(x.to_i64()))))
        }
    }
}
