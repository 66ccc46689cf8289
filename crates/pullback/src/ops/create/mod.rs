//! Tensors made of numbers.

pub(super) mod constants;
