//! Conversion between dtypes.

use super::map;
use super::narrow::{computing, rounded};
use crate::array::Array;
use crate::dispatch;
use crate::dtype::{Category, DType, Element};
use crate::error::Result;

/// The array in another dtype, rounded to nearest; floats become integers by truncation, anything non-zero `true`.
///
/// The same array (not a copy) where the dtype is right already. Half precisions are rounded from float32, as PyTorch does.
pub fn cast(a: &Array, to: DType) -> Result<Array> {
    use DType::{Dd, F32, F64, I8, I16, I32, I64, U16, U64};
    let from = a.dtype();
    if from == to {
        return Ok(a.clone());
    }
    match (from, to) {
        // What has a 64th bit that is no sign goes its own way to and from floats.
        (U64, F32 | DType::F16 | DType::BF16) => cast(&map(a, |x: u64| x as f32)?, to),
        (U64, F64) => map(a, |x: u64| x as f64),
        (U64, Dd) => map(a, |x: u64| x.to_dd()),
        (F32, U64) => map(a, |x: f32| u64::from_f64(x.into())),
        (F64, U64) => map(a, u64::from_f64),
        (Dd, U64) => map(a, u64::from_dd),
        _ if from.is_narrow() => cast(computing(a)?.as_ref(), to),
        // Integers that were floats keep the low bits of the long that the float would be.
        (_, I8 | I16 | U16) if from.category() == Category::Float => {
            rounded(&cast(&cast(a, I64)?, I32)?, to)
        }
        _ if to.is_narrow() => rounded(&cast(a, to.computing())?, to),
        // Integers through i64, floats through f64, double-double directly: each path rounds once.
        (Dd, _) => dispatch!(to, T => map(a, |x: crate::dd::Dd| T::from_dd(x))),
        (_, Dd) => dispatch!(from, S => map(a, |x: S| x.to_dd())),
        (F32 | F64, _) => {
            dispatch!(from, S => dispatch!(to, T => map(a, |x: S| T::from_f64(x.to_f64()))))
        }
        (I64, _) => dispatch!(to, T => map(a, |x: i64| T::from_i64(x))),
        _ => dispatch!(from, S => dispatch!(to, T => map(a, |x: S| T::from_i64(x.to_i64())))),
    }
}
