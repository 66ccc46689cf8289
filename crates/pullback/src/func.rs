//! Functions of functions: derivatives of a Rust closure over tensors.

use crate::op::Op;
use crate::program::{Program, Replay};
use crate::tensor::Tensor;
use crate::{Error, ErrorKind, Result, apply};
use std::panic::Location;

/// The value of `f` at `inputs` and its derivative along `tangents`, by forward mode. PyTorch's `torch.func.jvp`.
///
/// # Errors
/// Whatever `f` reports; where a tangent has another shape or dtype than its input.
///
/// ```
/// use pullback::{Tensor, jvp};
/// let x = Tensor::scalar(0.5f64);
/// let (y, dy) = jvp(|x| x[0].sin(), &[&x], &[&Tensor::scalar(1.0f64)])?;
/// assert_eq!((y.item_f64()?, dy.item_f64()?), (0.5f64.sin(), 0.5f64.cos()));
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn jvp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    tangents: &[&Tensor],
) -> Result<(Tensor, Tensor)> {
    if inputs.len() != tangents.len() {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "jvp: {} inputs but {} tangents",
                inputs.len(),
                tangents.len()
            ),
        ));
    }
    let versions: Vec<u32> = inputs.iter().map(|t| t.version()).collect();
    let (program, _, live) = Program::trace_live(inputs, |x| f(x).map(|y| vec![y]))?;
    if inputs.iter().zip(versions).any(|(t, v)| t.version() != v) {
        return Err(Error::new(
            ErrorKind::Value,
            "jvp: the function wrote to one of its inputs in place",
        )
        .help("write to a copy: `x[0].copy()?`"));
    }
    let tangents: Vec<Option<&Tensor>> = tangents.iter().map(|t| Some(*t)).collect();
    let (y, dy) = program
        .jvp_live(inputs, &tangents, Replay::default(), &live)?
        .remove(0);
    let dy = match dy {
        Some(dy) => dy,
        None => y.zeros_like()?,
    };
    Ok((y, dy))
}

/// Applies an operation of your own: the door that the built-in ones go through. Gradients of every order, forward mode,
/// recording and errors with the source line follow from its definition.
///
/// # Errors
/// Whatever its `eval` reports, with its name and the caller's line.
///
/// ```
/// use pullback::{Array, Ctx, Family, Op, OpDef, Real, Result, Tensor, apply_op, dispatch, kernels};
///
/// #[derive(Clone, Debug)]
/// struct Cube;
///
/// static CUBE: OpDef = OpDef { formula: "x³", ..OpDef::new("cube", Family::Pointwise) };
///
/// impl Op for Cube {
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
