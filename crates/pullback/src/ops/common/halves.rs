//! What half precision promises of compositions too: numbers are widened, all steps are computed in single precision, and the result is
//! rounded once. A single operation does so by itself; a composition of several would round between them.

use crate::core::tensor::Tensor;
use crate::{DType, Result};

/// Whether a tensor holds halves.
pub(in crate::ops) fn is_half(x: &Tensor) -> bool {
    x.dtype().is_float() && x.dtype().is_narrow()
}

/// Halves in single precision, with their history; whatever else as it is.
pub(in crate::ops) fn wide(x: &Tensor) -> Result<Tensor> {
    match is_half(x) {
        true => x.to(DType::F32),
        false => Ok(x.clone()),
    }
}

/// [`wide`] of what may be missing.
pub(in crate::ops) fn wide_if(x: Option<&Tensor>) -> Result<Option<Tensor>> {
    x.map(wide).transpose()
}
