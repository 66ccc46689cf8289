//! What arrays refuse, in PyTorch's sentences: sizes, dtypes, dimensions and views that do not fit, and operands without memory.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};

#[cold]
pub(crate) fn too_large(shape: &Shape) -> Error {
    Error::new(
        ErrorKind::Alloc,
        format!("Storage size calculation overflowed with sizes={shape}"),
    )
}

/// What a kernel gives that could not read its inputs: an array without memory where one of them is one, else the error.
#[cold]
pub(crate) fn unread(
    inputs: &[&Array],
    layout: impl FnOnce() -> Result<Layout>,
    dtype: DType,
    error: Error,
) -> Result<Array> {
    match inputs.iter().any(|a| a.is_meta()) {
        true => Array::meta(layout()?, dtype),
        false => Err(error),
    }
}

/// The same for a kernel that writes over an array: nothing to do where that has no memory.
#[cold]
pub(crate) fn unwritten(dst: &Array, error: Error) -> Result<()> {
    if dst.is_meta() {
        dst.storage().note_write();
        return Ok(());
    }
    Err(error)
}

#[cold]
pub(crate) fn wrong_dtype(expected: DType, found: DType) -> Error {
    Error::new(
        ErrorKind::DType,
        format!(
            "expected scalar type {} but found {}",
            expected.scalar_type_name(),
            found.scalar_type_name()
        ),
    )
}

/// PyTorch's sentence for a dimension counted from the front.
#[cold]
pub(crate) fn no_such_dim(dim: usize, rank: usize) -> Error {
    let n = rank.max(1);
    Error::new(
        ErrorKind::Index,
        format!(
            "Dimension out of range (expected to be in range of [-{n}, {}], but got {dim})",
            n - 1
        ),
    )
}

#[cold]
pub(crate) fn unaligned(dtype: DType) -> Error {
    Error::new(
        ErrorKind::Value,
        format!(
            "the memory of a {dtype} array starts at no multiple of {} bytes",
            dtype.alignment()
        ),
    )
    .help("copy it into aligned memory")
}

pub(crate) fn check_bounds(layout: &Layout, elements: usize) -> Result<()> {
    layout.shape().checked_numel()?;
    match layout.extent() {
        Some((low, high)) if low < 0 || high as usize >= elements => Err(Error::new(
            ErrorKind::Index,
            format!(
                "a view of shape {} reaches elements {low} to {high} of a storage of {elements}",
                layout.shape()
            ),
        )),
        Some(_) | None => Ok(()),
    }
}
