//! Tensors made of numbers.

pub(super) mod create;
