//! NumPy's `default_rng` and PyTorch's CPU generator, bit for bit.
#![deny(unsafe_code)]

mod error;
pub mod numpy;
pub mod torch;

pub use error::{Error, ErrorKind, Result};
