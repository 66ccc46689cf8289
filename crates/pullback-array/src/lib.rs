//! N-dimensional arrays for Pullback: dtypes, strided views over shared storage, deterministic kernels.
//!
//! This crate knows nothing of gradients. It owns all of the project's `unsafe` code (besides the Python border): raw
//! kernels over storage that several threads may share ([`Storage`]), and the small-block allocator ([`Shared`]).
//!
//! ```
//! use pullback_array::{Array, DType, kernels};
//!
//! let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
//! let row_sums = kernels::sum(&a, &[1], false)?;
//! assert_eq!(row_sums.to_vec::<f32>()?, [6.0, 15.0]);
//!
//! // Double-double is a dtype like any other: 1 + 1e-20 is not 1.
//! let x = Array::from_slice(&[1.0f64, 1e-20], [2])?;
//! let exact = kernels::sum(&kernels::cast(&x, DType::Dd)?, &[0], false)?;
//! assert_eq!(exact.item()?.to_string(), "1.00000000000000000001");
//! # Ok::<(), pullback_array::Error>(())
//! ```

// A match on a dtype that has a `_` arm would read or size the next dtype's memory as another's.
#![warn(clippy::wildcard_enum_match_arm)]

mod arith;
mod array;
mod bessel;
mod content;
pub mod dd;
mod dims;
mod dispatch;
mod dtype;
mod erfcx;
mod error;
mod fork;
mod interrupt;
pub mod kernels;
mod large;
mod layout;
mod math;
mod number;
mod once;
mod pages;
mod pool;
mod real;
mod room;
mod series;
mod shape;
mod special;
mod storage;
mod threads;

pub use arith::Arith;
pub use array::Array;
pub use dims::Dims;
#[doc(hidden)]
pub use dispatch::Closed;
pub use dtype::{Category, DType, Element};
pub use erfcx::erfcx_derivative;
pub use error::{Called, Error, ErrorKind, Result};
pub use fork::around_fork;
pub use interrupt::{check_interrupt, set_interrupt_check};
pub use large::release_memory;
pub use layout::{Layout, Places, Shape, Strides, wrap_dim};
pub use number::Number;
pub use once::OnceBox;
pub use pool::Shared;
pub use real::Real;
pub use room::{filled, gathered, room};
pub use series::Series;
pub use special::Special;
pub use storage::{Storage, UpdateGuard};
pub use threads::{num_threads, set_num_threads};
