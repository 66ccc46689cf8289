//! Derivatives of functions (`func`), and functions of the user with a gradient of their own (`custom`).

pub(crate) mod custom;
pub mod func;
