//! Runs of a model, recorded. Every run has other numbers, and other sizes where the batch may vary, so that what a program takes out of its inputs, draws
//! or makes of sizes differs from run to run.

use crate::core::fail::ensure;
use crate::nn::{Module, observe};
use crate::program::{Program, with_places};
use crate::{Result, Tensor};

/// An input: its name, an example, and which of its sizes is the batch's, if one is.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) example: &'a Tensor,
    pub(super) batch: Option<usize>,
}

impl<'a> Input<'a> {
    /// Inputs with their names, held to what they must be.
    pub(super) fn all(
        inputs: &[(&'a str, &'a Tensor)],
        batch: bool,
        dims: &[Option<usize>],
    ) -> Result<Vec<Input<'a>>> {
        ensure!(
            dims.is_empty() || dims.len() == inputs.len(),
            Argument,
            "{} dimensions of the batch for {} inputs",
            dims.len(),
            inputs.len()
        );
        for (k, (name, _)) in inputs.iter().enumerate() {
            let twice = inputs[..k].iter().any(|(other, _)| other == name);
            ensure!(
                !twice && !name.is_empty(),
                Argument,
                "every input needs a name of its own, not \"{name}\""
            );
        }
        Ok((inputs.iter().enumerate())
            .map(|(k, &(name, example))| Input {
                name,
                example,
                batch: dims.get(k).copied().unwrap_or(Some(0)).filter(|_| batch),
            })
            .collect())
    }
}

/// The sizes that the batch has in the runs.
pub(super) fn batches(inputs: &[Input<'_>]) -> Result<Vec<usize>> {
    let mut size = None;
    for Input {
        name,
        example,
        batch,
    } in inputs
    {
        let Some(dim) = *batch else { continue };
        let own = example.shape().get(dim).copied().unwrap_or(0);
        ensure!(
            own > 0,
            Shape,
            "the input {name} of shape {} has no batch in dimension {dim}",
            example.shape()
        );
        let first = *size.get_or_insert(own);
        ensure!(
            own == first,
            Shape,
            "the input {name} has a batch of {own}, others have one of {first}"
        );
    }
    Ok(match size {
        // Sizes whose multiples do not meet by chance.
        Some(n) => vec![n + 1, n + 2, n + 4],
        None => vec![1, 1],
    })
}

/// A recorded run.
pub(super) struct Run {
    pub(super) program: Program,
    pub(super) outputs: Vec<Tensor>,
}

impl Run {
    /// The `k`th run, with a batch of `size` samples where an input has one.
    pub(super) fn of<M: Module>(
        model: &M,
        inputs: &[Input<'_>],
        (k, size): (usize, usize),
        forward: &impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Run> {
        let x = (inputs.iter())
            .map(|input| other(input, k, size))
            .collect::<Result<Vec<Tensor>>>()?;
        let x: Vec<&Tensor> = x.iter().collect();
        let traced = || {
            with_places(observe::running, || {
                Program::trace(&x, |x| forward(model, x))
            })
        };
        let ((program, outputs), _) = observe::watch(traced)?;
        Ok(Run { program, outputs })
    }
}

/// An input for the `k`th run: its samples again and again, and from the second run on in another order and with other numbers.
fn other(input: &Input<'_>, k: usize, size: usize) -> Result<Tensor> {
    let mut x = input.example.detach();
    if let Some(dim) = input.batch {
        let rows: Vec<i64> = (0..size).map(|n| (n % x.shape()[dim]) as i64).collect();
        x = x.index_select(dim as i64, &Tensor::from_slice(&rows, [size])?)?;
    }
    if k == 0 {
        return Ok(x);
    }
    let all: Vec<i64> = (0..x.ndim() as i64).collect();
    let x = x.flip(&all)?;
    match x.dtype() {
        // What lies between 0 and 1 stays there.
        dtype if dtype.is_float() => x.mul(0.71875)?.add(0.109375 + 0.015625 * k as f64),
        _ => Ok(x),
    }
}
