//! Forward mode: a function is recorded and replayed with tangents.

use super::form::{Inputs, Tensors};
use super::reverse::{formed, given};
use crate::core::tensor::Tensor;
use crate::program::{Program, Replay};
use crate::{Error, ErrorKind, Result};
use std::panic::Location;

/// The value of `f` at `inputs`, one tensor or several, and its derivative along `tangents`, by forward mode. PyTorch's `torch.func.jvp`.
///
/// # Errors
/// Whatever `f` reports; where a tangent has another shape or dtype than its input, or `f` wrote to an input in place.
///
/// ```
/// use pullback::{Tensor, jvp};
/// let x = Tensor::scalar(0.5f64);
/// let (y, dy) = jvp(|x| x.sin(), &x, &Tensor::scalar(1.0f64))?;
/// assert_eq!((y.item_f64()?, dy.item_f64()?), (0.5f64.sin(), 0.5f64.cos()));
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn jvp<I: Inputs, R: Tensors>(
    f: impl FnOnce(&I::Own) -> Result<R>,
    inputs: I,
    tangents: impl Inputs<Own = I::Own>,
) -> Result<(R, R)> {
    let site = Location::caller();
    let (own, tangents) = (inputs.tensors(), tangents.tensors());
    if own.len() != tangents.len() {
        return Err(Error::new(
            ErrorKind::Value,
            format!("jvp: {} inputs but {} tangents", own.len(), tangents.len()),
        )
        .op("jvp")
        .at(site));
    }
    let tangents: Vec<Option<&Tensor>> = tangents.into_iter().map(Some).collect();
    let mut form = None;
    let pushed = Traced::new(formed(&inputs, f, &mut form), &own)?.push(&tangents)?;
    let (values, derivatives) = (pushed.into_iter())
        .map(|(y, dy)| match dy {
            Some(dy) => Ok((y, dy)),
            None => y.zeros_like().map(|dy| (y, dy)),
        })
        .collect::<Result<(Vec<_>, Vec<_>)>>()?;
    let derivatives = form.as_ref().map(|form| form.with(derivatives));
    let values = given(form, values)?;
    match derivatives {
        Some(derivatives) => Ok((values, derivatives?)),
        None => unreachable!("the function ran"),
    }
}

/// A function recorded at some inputs, ready to be replayed with any tangents.
pub(super) struct Traced<'a> {
    program: Program,
    live: Vec<(crate::ValueId, Tensor)>,
    inputs: &'a [&'a Tensor],
    /// What the recorded run itself gave.
    pub(super) outputs: Vec<Tensor>,
}

impl<'a> Traced<'a> {
    pub(super) fn new(
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
        inputs: &'a [&'a Tensor],
    ) -> Result<Traced<'a>> {
        let versions: Vec<u32> = inputs.iter().map(|t| t.version()).collect();
        let (program, outputs, live) = Program::trace_live(inputs, false, f)?;
        if inputs.iter().zip(versions).any(|(t, v)| t.version() != v) {
            return Err(Error::new(
                ErrorKind::Value,
                "jvp: the function wrote to one of its inputs in place",
            )
            .help_in(
                "write to a copy: `x.copy()?`",
                "write to a clone: `x.clone()`",
            ));
        }
        Ok(Traced {
            program,
            live,
            inputs,
            outputs,
        })
    }

    /// The outputs, and their derivatives along `tangents` (`None` is zero, either way).
    pub(super) fn push(
        &self,
        tangents: &[Option<&Tensor>],
    ) -> Result<Vec<(Tensor, Option<Tensor>)>> {
        (self.program).jvp_live(self.inputs, tangents, Replay::default(), &self.live)
    }
}
