//! Tensors made of numbers.

pub(super) mod constants;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod ranges;
