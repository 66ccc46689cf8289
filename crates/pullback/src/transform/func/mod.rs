//! Functions of functions: derivatives of Rust closures over tensors, to any nesting. PyTorch's `torch.func`.
//!
//! `form` says in which forms tensors go in and out, `reverse` has `grad` and `vjp`, `forward` has `jvp`, `jacobian` what is made of them. A function is given handles of its own to
//! its inputs; what it captures keeps its history, so a derivative inside another function's is differentiated with it. Here: the
//! ways to apply operations of one's own.

mod batch;
mod form;
mod forward;
mod jacobian;
mod reverse;
mod vmap;

#[doc(hidden)]
pub use batch::{Mapping, mapped};
pub use form::{Inputs, Tensors};
pub use forward::jvp;
pub use jacobian::{hessian, hvp, jacfwd, jacobian, jacrev};
pub use reverse::{Vjp, grad, grad_aux, value_and_grad, value_and_grad_aux, vjp};
pub use vmap::{Randomness, Vmap, depends_on_row, per_sample_grad, vmap};

use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Result, core::apply};
use std::panic::Location;

/// Applies an operation of your own: as the built-in ones are applied. Gradients of every order, forward mode,
/// recording and errors with the source line follow from its definition.
///
/// # Errors
/// Whatever its `eval` reports, with its name and the caller's line.
///
/// ```
/// use pullback::rules::Pointwise;
/// use pullback::{Array, Ctx, Family, Op, OpDef, Real, Result, Tensor, apply_op, dispatch, kernels, rules};
///
/// #[derive(Clone, Debug)]
/// struct Cube;
///
/// static CUBE: OpDef = OpDef { formula: "x³", ..OpDef::new("cube", Family::Pointwise) };
///
/// impl Op for Cube {
///     rules!(Pointwise);
///     fn def(&self) -> &'static OpDef {
///         &CUBE
///     }
///     fn boxed(&self) -> Box<dyn Op> {
///         Box::new(self.clone())
///     }
///     fn eval(&self, x: &[&Array]) -> Result<Array> {
///         dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a * a * a), else
///             kernels::map(x[0], |a: i64| a * a * a))
///     }
/// }
///
/// impl Pointwise for Cube {
///     fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
///         cx.input(0)?.square()?.mul(3.0)
///     }
/// }
///
/// let x = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let y = apply_op(Cube, &[&x])?;
/// y.backward()?;
/// assert_eq!((y.item_f64()?, x.grad().unwrap().item_f64()?), (8.0, 12.0));
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn apply_op(op: impl Op, inputs: &[&Tensor]) -> Result<Tensor> {
    apply::apply(op, inputs, Location::caller())
}

/// As [`apply_op`], for an operation with several results ([`Op::outputs`]).
///
/// # Errors
/// As [`apply_op`].
#[track_caller]
pub fn apply_many(op: impl Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    apply::apply_many(&op, inputs, Location::caller()).map(|all| all.into_iter().collect())
}
