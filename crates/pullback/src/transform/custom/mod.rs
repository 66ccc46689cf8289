//! Functions of the user: a value and its gradient in their own words. PyTorch's `torch.autograd.Function`.
//!
//! `forward` runs with recording off on the very tensors it was given; what it saves is kept as operations keep it: checked for
//! in-place writes, freed by backward, inputs and results with their histories, so that gradients of gradients work. This file
//! is what users write and call; `op` is the operation that the engine sees, `apply` runs it.

mod apply;
mod op;

use crate::core::batch::Batch;
use crate::core::ctx::Ctx;
use crate::core::hooks::Grads;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{DType, Error, ErrorKind, Result, Shape};
use op::FunctionOp;
use std::any::Any;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

/// A function with a gradient of the user's own.
///
/// ```
/// use pullback::{Backward, Forward, Function, Grads, Result, Tensor, apply_function};
///
/// struct Cube;
///
/// impl Function for Cube {
///     fn forward(&self, cx: &mut Forward, x: &[Tensor]) -> Result<Vec<Tensor>> {
///         cx.save_for_backward(&[&x[0]]);
///         Ok(vec![x[0].pow(3)?])
///     }
///     fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
///         let slope = cx.saved(0)?.square()?.mul(3.0)?;
///         Ok(vec![Some(cx.grad(0)?.mul(&slope)?)])
///     }
/// }
///
/// let x = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let y = apply_function(Cube, &[&x])?.remove(0);
/// y.backward()?;
/// assert_eq!((y.item_f64()?, x.grad().unwrap().item_f64()?), (8.0, 12.0));
/// # Ok::<(), pullback::Error>(())
/// ```
pub trait Function: Send + Sync + 'static {
    /// Its name; the node is called this and `Backward`.
    fn name(&self) -> Cow<'static, str> {
        let full = std::any::type_name::<Self>();
        let short = full.split('<').next().unwrap_or(full);
        Cow::Borrowed(short.rsplit("::").next().unwrap_or(short))
    }

    /// The results. Runs with recording off.
    ///
    /// # Errors
    /// Whatever goes wrong; the name and the caller's line are added.
    fn forward(&self, cx: &mut Forward, inputs: &[Tensor]) -> Result<Vec<Tensor>>;

    /// One gradient for each input; `None` counts as zero.
    ///
    /// # Errors
    /// Whatever goes wrong; the name and the line of the call are added.
    fn backward(&self, cx: &Backward<'_>) -> Result<Grads>;

    /// One tangent for each result, given those of the inputs (`None` is zero): forward mode.
    ///
    /// # Errors
    /// PyTorch's sentence where it is not written.
    fn jvp(&self, cx: &Backward<'_>, tangents: &[Option<Tensor>]) -> Result<Grads> {
        let _ = (cx, tangents);
        Err(Error::new(
            ErrorKind::Unsupported,
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD.",
        ))
    }

    /// The results for a batch ([`Op::batched`](crate::Op::batched)), each with the rows as its first dimension; `None` where it has no rule, and runs row by
    /// row.
    ///
    /// # Errors
    /// Whatever goes wrong; the name and the caller's line are added.
    fn batched(&self, batch: &Batch<'_>) -> Result<Option<Vec<Tensor>>> {
        let _ = batch;
        Ok(None)
    }

    /// What the function holds for a language binding, whose collector of cycles asks (see [`crate::binding`]).
    fn held(&self) -> Option<&(dyn Any + Send + Sync)> {
        None
    }

    /// Whether `forward` is made of tensor operations alone and its derivative is what forward mode shall use: then `jvp` need
    /// not be written, and the gradient checker sees through the function. Say no (the default) for functions whose gradient is
    /// not meant to be the derivative, and for those that look at numbers on the way.
    fn differentiable_forward(&self) -> bool {
        false
    }
}

/// What `forward` says about its results and keeps for `backward`. PyTorch's `ctx`.
#[derive(Default)]
pub struct Forward {
    needs: Vec<bool>,
    saved: Vec<Tensor>,
    dirty: Vec<Tensor>,
    constant: Vec<Tensor>,
    state: Option<Arc<dyn Any + Send + Sync>>,
}

impl Forward {
    /// Keeps tensors for `backward`, in this order. Inputs and results are kept with their histories.
    pub fn save_for_backward(&mut self, tensors: &[&Tensor]) {
        self.saved = tensors.iter().map(|&t| t.clone()).collect();
    }

    /// Says that an input was written in place. It must be among the results.
    pub fn mark_dirty(&mut self, input: &Tensor) {
        self.dirty.push(input.clone());
    }

    /// Says that a result has no gradient. (Results that are not floating never have one.)
    pub fn mark_non_differentiable(&mut self, result: &Tensor) {
        self.constant.push(result.clone());
    }

    /// Whether input `i` requires a gradient.
    pub fn needs_input_grad(&self, i: usize) -> bool {
        self.needs.get(i).copied().unwrap_or(false)
    }

    /// Keeps anything else for `backward`, such as sizes; the latest call wins. Tensors belong into
    /// [`Forward::save_for_backward`].
    pub fn set_state(&mut self, state: impl Any + Send + Sync) {
        self.state = Some(Arc::new(state));
    }
}

/// What `backward` (or `jvp`) sees. PyTorch's `ctx` with the gradients that came in.
pub struct Backward<'a> {
    cx: &'a Ctx<'a>,
    kept: &'a op::Kept,
    grads: &'a [Option<Tensor>],
}

impl Backward<'_> {
    /// Tensor `k` of [`Forward::save_for_backward`].
    ///
    /// # Errors
    /// Where its memory was written since; where there are fewer.
    pub fn saved(&self, k: usize) -> Result<Tensor> {
        self.kept.saved(self.cx, k)
    }

    /// The gradient of result `k`; zeros where none arrived.
    ///
    /// # Errors
    /// Where there is no such result.
    pub fn grad(&self, k: usize) -> Result<Tensor> {
        if let Some(g) = self.grad_or_none(k) {
            return Ok(g.clone());
        }
        match self.cx.result(k) {
            Some((shape, dtype)) => Tensor::zeros_of(shape, dtype),
            None => Err(Error::new(
                ErrorKind::Index,
                format!("there is no gradient of result {k}"),
            )),
        }
    }

    /// The gradient of result `k`, if one arrived.
    pub fn grad_or_none(&self, k: usize) -> Option<&Tensor> {
        self.grads.get(k)?.as_ref()
    }

    /// Whether the gradient of input `i` is wanted.
    pub fn needs_input_grad(&self, i: usize) -> bool {
        self.cx.needs(i)
    }

    /// Shape and dtype of input `i`.
    pub fn input(&self, i: usize) -> (&Shape, DType) {
        (self.cx.shape(i), self.cx.dtype(i))
    }

    /// What [`Forward::set_state`] kept.
    pub fn state<T: Any>(&self) -> Option<&T> {
        self.kept.state.as_deref()?.downcast_ref()
    }
}

/// Applies a function of the user's own. PyTorch's `Function.apply`.
///
/// # Errors
/// Whatever `forward` reports, with its name and the caller's line; PyTorch's sentences where an input was marked dirty that is a
/// leaf or no result.
#[track_caller]
pub fn apply_function(function: impl Function, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    apply_shared(Arc::new(function), inputs, Location::caller())
}

/// As [`apply_function`], for a function behind a pointer and a line given: what bindings call.
///
/// # Errors
/// As [`apply_function`].
pub fn apply_shared(
    function: Arc<dyn Function>,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Vec<Tensor>> {
    apply::apply(&FunctionOp::new(function), inputs, site).map(|all| all.into_iter().collect())
}

/// A function of one result as an operation, for what takes operations (proofs, say).
pub fn function_op(function: impl Function) -> impl Op + Clone {
    FunctionOp::new(Arc::new(function))
}
