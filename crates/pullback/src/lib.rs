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
//! Cloning a [`Tensor`] shares it. The list of operations is `ops::OPS` (feature `extend`).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "functions")]
mod call;
pub mod check;
// `pullback_bare` is how `cargo xtask weight` finds out what models cost to compile.
#[cfg(not(pullback_bare))]
pub mod checkpoint;
mod core;
#[cfg(not(pullback_bare))]
pub mod data;
mod display;
mod engine;
pub mod forward_ad;
#[cfg(all(not(pullback_bare), any(feature = "ndarray", feature = "serde")))]
mod interop;
#[cfg(not(pullback_bare))]
pub mod io;
#[cfg(not(pullback_bare))]
pub mod nn;
// As structs they are no part of the API without the feature.
#[cfg_attr(not(feature = "extend"), doc(hidden))]
pub mod ops;
#[cfg(not(pullback_bare))]
pub mod optim;
mod program;
#[cfg(feature = "proof")]
pub mod proof;
pub mod random;
#[cfg(feature = "functions")]
pub mod registry;
mod transform;

pub use transform::func;

pub use core::binding;

pub use crate::core::anomaly::{detect_anomaly, detect_nonfinite};
pub use crate::core::batch::{Batch, Batched};
pub use crate::core::ctx::Ctx;
pub use crate::core::device::{Backend, install as install_device};
pub use crate::core::flow::{CutAt, CutReason, Flow, track_flow};
pub use crate::core::grad_fn::{GradFn, SavedValue};
pub use crate::core::hooks::{Grads, HookHandle};
#[doc(hidden)]
pub use crate::core::literal::literal;
pub use crate::core::mode::{
    InferenceGuard, ModeGuard, enable_grad, inference_mode, is_grad_enabled,
    is_inference_mode_enabled, no_grad, set_grad_enabled, switch_grad,
};
pub use crate::core::op::{Family, Narrow, Op, OpDef, Reads};
pub use crate::core::replace::ArrayRef;
pub use crate::core::rules;
pub use crate::core::saved_hooks::{
    SavedHooks, SavedHooksGuard, forbid_saved_hooks, pop_saved_hooks, push_saved_hooks,
    saved_tensors_hooks,
};
pub use crate::core::tensor::Tensor;
pub use display::{PrintOptions, get_printoptions, set_printoptions};
pub use engine::{BackwardOptions, Seed, backward, grad};
pub use func::{apply_many, apply_op, jvp};
pub use ops::{
    Approximate, Attention, BagMode, BatchNorm, Between, Blocks, Closeness, Count, CrossEntropy,
    Ctc, Curve, EmbeddingBag, EmbeddingOptions, Index, Interpolate, IntoIndices, Limit, NormOrder,
    Operand, Orthogonal, Outside, PadMode, Pool, Reduce, Reduction, Rounding, Sizes, Steps,
    TripletMargin, Unpool, arange, bilinear, broadcast_tensors, cartesian_prod, cat, column_stack,
    common_type, dstack, einsum, eye, hstack, linspace, logspace, meshgrid, multi_dot, one_hot,
    rand, randint, randn, randperm, repeat_interleave, result_type, stack, tril_indices,
    triu_indices, vstack,
};
pub use program::{Instruction, Program, Replay, ValueId, Values, with_places};
pub use pullback_array::dd::Dd;
pub use pullback_array::{
    Arith, Array, Category, DType, Device, Element, Error, ErrorKind, Layout, MemoryFormat,
    MemoryUse, Number, Real, Result, Shape, Shared, Special, bf16, check_interrupt, f16,
    memory_use, num_threads, on_device, release_memory, set_interrupt_check, set_num_threads,
};
pub use transform::custom::{
    Backward, Forward, Function, apply_function, apply_shared, function_op,
};

/// Vectors of a user's length, for the packages on top: a size beyond the memory is an error there too.
#[doc(hidden)]
pub use pullback_array::{filled, gathered, room};

/// The kernels operations are made of, for custom operations (feature `extend`).
#[cfg(feature = "extend")]
pub use pullback_array::{dispatch, kernels};

/// Elementwise formulas as values: written once, compiled into loops, computed in 32 digits, recorded and differentiated.
pub mod formula {
    pub use pullback_array::{
        Arithmetic, Comparison, Expression, Formula, Function, Scalar, Step, Symbol, Truth,
    };
}

/// The README's programs are compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
