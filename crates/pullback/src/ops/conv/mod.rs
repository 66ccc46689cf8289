//! Operations with windows: convolutions and their transposes, pooling and what undoes it, blocks as columns.

pub(crate) mod columns;
pub(crate) mod convolution;
pub(crate) mod fractional;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(crate) mod geometry;
mod largest;
pub(crate) mod methods;
pub(crate) mod pool;
mod pool_checks;
pub(crate) mod pooling;
pub(crate) mod unpool;
