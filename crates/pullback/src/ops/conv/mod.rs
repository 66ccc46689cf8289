//! Operations with windows: convolutions and their transposes, pooling.

pub(crate) mod convolution;
pub(crate) mod geometry;
pub(crate) mod methods;
pub(crate) mod pool;
pub(crate) mod pooling;
