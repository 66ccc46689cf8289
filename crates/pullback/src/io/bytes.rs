//! Elements as bytes in a file, little-endian, and back.

use crate::{Array, DType, Result, Shape, Tensor};
use pullback_array::filled;

/// Turns each element's bytes around, where this machine's order is not the files'.
fn turned(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "big") && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}

/// A tensor's elements, row by row.
///
/// # Errors
/// Where there is no room, no numbers, or another thread writes them.
pub(super) fn of(t: &Tensor) -> Result<Vec<u8>> {
    let array = t.array();
    let mut bytes = filled(array.numel() * array.dtype().size(), 0u8)?;
    array.copy_bytes(&mut bytes)?;
    turned(&mut bytes, array.dtype().size());
    Ok(bytes)
}

/// A tensor of elements that were read.
///
/// # Errors
/// Where these are not the bytes of the shape, or there is no room.
pub(super) fn tensor(bytes: &[u8], shape: Shape, dtype: DType) -> Result<Tensor> {
    if cfg!(target_endian = "big") {
        let mut own = bytes.to_vec();
        turned(&mut own, dtype.size());
        return Ok(Tensor::from_array(Array::from_bytes(&own, shape, dtype)?));
    }
    Ok(Tensor::from_array(Array::from_bytes(bytes, shape, dtype)?))
}
