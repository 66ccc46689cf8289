//! Operations with windows: convolutions and their transposes, pooling.

pub(crate) mod convolution;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(crate) mod geometry;
pub(crate) mod methods;
pub(crate) mod pool;
pub(crate) mod pooling;
