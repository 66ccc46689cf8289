//! Automatic differentiation with PyTorch's semantics, exact random streams, and gradients that are checked.
//!
//! ```
//! use pullback::Tensor;
//!
//! // y = relu(W x) · v, and its gradient by W and v.
//! let w = Tensor::from_slice(&[0.5f32, -1.0, 2.0, 1.5], [2, 2])?.requires_grad_(true)?;
//! let v = Tensor::from_slice(&[1.0f32, -2.0], [2])?.requires_grad_(true)?;
//! let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
//!
//! let y = w.matmul(&x)?.relu()?.matmul(&v)?;
//! y.backward()?;
//!
//! assert_eq!(y.item_f64()?, -10.0);
//! assert_eq!(w.grad().unwrap().to_vec::<f32>()?, [0.0, 0.0, -2.0, -4.0]);
//! assert_eq!(v.grad().unwrap().to_vec::<f32>()?, [0.0, 5.0]);
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! Methods return [`Result`]; the operators `+ - * /` are sugar that panics at the caller's line with the same text.
//! Cloning a [`Tensor`] shares it. The list of operations is [`ops::OPS`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod apply;
mod backward;
pub mod check;
mod display;
mod func;
#[cfg(feature = "functions")]
pub mod functions;
mod graph;
mod history;
mod mode;
mod op;
mod operators;
pub mod ops;
mod program;
#[cfg(feature = "proof")]
pub mod proof;
mod queue;
pub mod random;
mod recorder;
mod tensor;

pub use backward::{BackwardOptions, grad};
pub use display::{PrintOptions, get_printoptions, set_printoptions};
pub use func::{apply_op, jvp};
pub use mode::{ModeGuard, enable_grad, is_grad_enabled, no_grad, set_grad_enabled};
pub use op::{Ctx, Family, Op, OpDef, Reads};
pub use ops::{Approximate, Operand, cat, result_type};
pub use program::{Instruction, Program, Replay, ValueId, Values};
pub use pullback_array::dd::Dd;
pub use pullback_array::{
    Arith, Array, Category, DType, Element, Error, ErrorKind, Layout, Number, Real, Result, Shape,
    Shared, num_threads, set_num_threads,
};
pub use tensor::Tensor;

/// The kernels operations are made of, for custom operations.
pub use pullback_array::{dispatch, kernels};

/// The README's programs are compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
