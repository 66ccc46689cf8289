//! Tensors filled with random numbers, and operations that draw.

pub(super) mod dropout;
pub(super) mod fill;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod tensors;
