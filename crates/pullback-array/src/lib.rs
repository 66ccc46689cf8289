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

mod array;
pub mod dd;
mod device;
mod dispatch;
mod dtype;
mod error;
mod interrupt;
mod layout;
mod memory;
mod scalar;

pub use array::Array;
pub use device::cpu::lent::Lent;
pub use device::cpu::threads::{num_threads, set_num_threads};
pub use device::cpu::{factor, kernels};
#[doc(hidden)]
pub use dtype::Closed;
pub use dtype::number::Number;
pub use dtype::{Category, DType, Element, bf16, f16};
pub use error::{Called, Error, ErrorKind, Result};
pub use interrupt::{check_interrupt, set_interrupt_check};
pub use layout::dims::Dims;
pub use layout::order::{MemoryFormat, Order, memory_order};
pub use layout::{Layout, Places, Shape, Strides, wrap_dim};
pub use memory::fork::around_fork;
pub use memory::guards::UpdateGuard;
pub use memory::large::{MemoryUse, memory_use, release_memory};
pub use memory::once::OnceBox;
pub use memory::place::{Device, creating_on, on_device};
pub use memory::pool::Shared;
pub use memory::room::{filled, gathered, room};
pub use memory::storage::Storage;
pub use scalar::arith::Arith;
pub use scalar::erfcx::erfcx_derivative;
pub use scalar::expression::{Arithmetic, Comparison, Expression, Step, Symbol};
pub use scalar::formula::{Formula, Function, Scalar, Truth};
#[doc(hidden)]
pub use scalar::quick::exp_quick;
pub use scalar::real::Real;
pub use scalar::series::Series;
pub use scalar::special::Special;
