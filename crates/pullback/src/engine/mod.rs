//! The engine: carries gradients from results to leaves, latest operation first.
//!
//! Runs on the caller's thread. The graph is only read (saved values are taken out under a node's own lock), so several
//! threads may run backward over shared parts at once, and a hook may run another one. Without `create_graph` rules run with
//! recording off. This file is what users call; `run` visits nodes, `queue` orders them, `accumulate` adds gradients up,
//! `reachability` finds the part of a graph that leads to chosen inputs.

mod accumulate;
mod queue;
mod reachability;
mod run;

#[cfg(feature = "proof")]
pub(crate) use accumulate::sum_to;

use crate::core::graph::Edge;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result, core::mode};
use run::{Goal, Run};
use smallvec::SmallVec;
use std::panic::Location;

/// How backward runs.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BackwardOptions {
    /// Keep saved values, so that the graph can be walked again.
    pub retain_graph: bool,
    /// Record the gradients' own computation, so that they can be differentiated. Implies `retain_graph`.
    pub create_graph: bool,
    /// For [`grad`]: `None` for inputs that had no part in the outputs, instead of an error.
    pub allow_unused: bool,
    /// For [`grad`]: zeros for inputs that had no part in the outputs. Implies `allow_unused`.
    pub materialize_grads: bool,
}

setters!([] BackwardOptions {
    retain_graph: bool,
    create_graph: bool,
    allow_unused: bool,
    materialize_grads: bool,
});

impl BackwardOptions {
    /// The defaults, written so that constants can be made of it.
    pub const NEW: BackwardOptions = BackwardOptions {
        retain_graph: false,
        create_graph: false,
        allow_unused: false,
        materialize_grads: false,
    };
}

/// An output to start from and its gradient; `None` for a number's 1.
pub type Seed<'a> = (&'a Tensor, Option<&'a Tensor>);

impl Tensor {
    /// Adds to `.grad` of every leaf the gradient of this one number.
    ///
    /// # Errors
    /// PyTorch's sentences: more than one element, no gradient required, a graph walked a second time, a saved value
    /// that was overwritten.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
    /// x.pow(2.0)?.backward()?;
    /// assert_eq!(x.grad().unwrap().item_f64()?, 6.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn backward(&self) -> Result<()> {
        self.backward_with(None, BackwardOptions::default())
    }

    /// [`Tensor::backward`] with the gradient of the result given (its shape and dtype), and options.
    #[track_caller]
    pub fn backward_with(&self, gradient: Option<&Tensor>, options: BackwardOptions) -> Result<()> {
        backward(&[(self, gradient)], None, options)
    }
}

/// Adds the gradient of several outputs together to `.grad` of every leaf, or of `inputs` alone if they are given (results
/// of operations then keep theirs as after [`Tensor::retain_grad`]). PyTorch's `torch.autograd.backward`.
///
/// # Errors
/// As [`Tensor::backward`]; where `inputs` is empty or one of them requires no gradient.
///
/// ```
/// use pullback::{BackwardOptions, Tensor, backward};
/// let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
/// let w = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let y = x.mul(&w)?;
/// backward(&[(&y, None)], Some(&[&x]), BackwardOptions::default())?;
/// assert_eq!(x.grad().unwrap().item_f64()?, 2.0);
/// assert!(w.grad().is_none());
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn backward(
    outputs: &[Seed<'_>],
    inputs: Option<&[&Tensor]>,
    options: BackwardOptions,
) -> Result<()> {
    let site = Location::caller();
    let asked = match inputs {
        None => None,
        Some([]) => return Err(no_inputs("backward", site)),
        Some(inputs) => {
            let mut edges = Vec::with_capacity(inputs.len());
            for input in inputs {
                if !input.is_leaf() && !input.retains_grad() {
                    input.retain_grad().map_err(|e| e.at(site))?;
                }
                edges.push(input.edge().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Autograd,
                        "One of the differentiated Tensors does not require grad",
                    )
                    .op("backward")
                    .at(site)
                })?);
            }
            Some(edges)
        }
    };
    run(
        outputs,
        Goal::Leaves,
        asked.as_deref(),
        options,
        "backward",
        site,
    )
    .map(drop)
}

impl Tensor {
    /// The gradients of this one number by `inputs`, in their order, without touching `.grad`: [`grad`] for the case that there is one output.
    ///
    /// ```
    /// use pullback::{BackwardOptions, Tensor};
    /// let x = Tensor::scalar(2.0f64).requires_grad_(true)?;
    /// let y = x.pow(3.0)?;
    /// let [dy] = y.grads([&x], BackwardOptions::NEW.create_graph(true))?; // 3 x²
    /// let [d2y] = dy.grads([&x], Default::default())?; // 6 x
    /// assert_eq!((dy.item_f64()?, d2y.item_f64()?), (12.0, 12.0));
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`grad`]; an input without a part in this is one unless the options say `materialize_grads`.
    #[track_caller]
    pub fn grads<const N: usize>(
        &self,
        inputs: [&Tensor; N],
        options: BackwardOptions,
    ) -> Result<[Tensor; N]> {
        let found = grad(&[(self, None)], &inputs, options.allow_unused(false))?;
        let found: Vec<Tensor> = found.into_iter().flatten().collect();
        found.try_into().map_err(|found: Vec<Tensor>| {
            let text = format!("{} gradients of {N} inputs", found.len());
            Error::new(ErrorKind::Autograd, text)
        })
    }
}

/// Gradients of `outputs` (each with the gradient to start from, or `None` for a number's 1) by `inputs`, without touching
/// `.grad`. PyTorch's `torch.autograd.grad`.
///
/// Every element is `Some`, unless `allow_unused` lets inputs without a part in the outputs be `None`.
///
/// # Errors
/// As [`Tensor::backward`]; where there are no inputs, an input does not require a gradient, or was not used.
///
/// ```
/// use pullback::{BackwardOptions, Tensor, grad};
/// let x = Tensor::scalar(2.0f64).requires_grad_(true)?;
/// let y = x.pow(3.0)?;
/// let options = BackwardOptions::NEW.create_graph(true);
/// let dy = grad(&[(&y, None)], &[&x], options)?.remove(0).unwrap(); // 3 x²
/// let d2y = grad(&[(&dy, None)], &[&x], Default::default())?.remove(0).unwrap(); // 6 x
/// assert_eq!((dy.item_f64()?, d2y.item_f64()?), (12.0, 12.0));
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn grad(
    outputs: &[Seed<'_>],
    inputs: &[&Tensor],
    options: BackwardOptions,
) -> Result<Vec<Option<Tensor>>> {
    let site = Location::caller();
    if inputs.is_empty() {
        return Err(no_inputs("grad", site));
    }
    let mut edges = Vec::with_capacity(inputs.len());
    // As in PyTorch, outputs are looked at first.
    if let Some(i) = outputs.iter().position(|o| !o.0.has_edge()) {
        return Err(no_history(i, outputs[i].0).op("grad").at(site));
    }
    for input in inputs {
        edges.push(input.edge().ok_or_else(|| {
            Error::new(
                ErrorKind::Autograd,
                "One of the differentiated Tensors does not require grad",
            )
            .op("grad")
            .at(site)
            .help_in(
                "before it is used: `let x = x.requires_grad_(true)?;`",
                "before it is used: `x.requires_grad_()`",
            )
        })?);
    }
    let mut found = run(outputs, Goal::Answer, Some(&edges), options, "grad", site)?;
    for (i, slot) in found.iter_mut().enumerate() {
        if slot.is_some() {
            continue;
        }
        if options.materialize_grads {
            *slot = Some(inputs[i].zeros_like()?);
        } else if !options.allow_unused {
            let cut = outputs
                .iter()
                .find_map(|(y, _)| match y.flow(&[inputs[i]])[0] {
                    crate::Flow::Cut(at) => Some(at),
                    _ => None,
                });
            let e = Error::new(
                ErrorKind::Autograd,
                format!(
                    "The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
                ),
            )
            .op("grad")
            .at(site);
            return Err(match cut {
                Some(at) => e.note(format!("its way was cut by {at}")),
                None => e,
            });
        }
    }
    Ok(found)
}

#[cold]
fn no_inputs(name: &'static str, site: &'static Location<'static>) -> Error {
    Error::new(
        ErrorKind::Autograd,
        format!("`inputs` argument to `{name}()` cannot be empty."),
    )
    .op(name)
    .at(site)
}

fn run(
    outputs: &[Seed<'_>],
    goal: Goal,
    asked: Option<&[Edge]>,
    options: BackwardOptions,
    name: &'static str,
    site: &'static Location<'static>,
) -> Result<Vec<Option<Tensor>>> {
    let create_graph = options.create_graph;
    let _mode = mode::set(mode::GRAD, create_graph);
    let inference = mode::flags() & mode::INFERENCE != 0;
    let _normal = inference.then(|| mode::set(mode::INFERENCE, false)); // gradients are ordinary tensors
    let retain = options.retain_graph || create_graph;
    let roots: SmallVec<[Option<Edge>; 2]> = outputs.iter().map(|(t, _)| t.edge()).collect();
    let mut run = Run::new(outputs, goal, asked, retain, create_graph);
    // What rules compute on the way is theirs; what they send is looked at.
    let finite = mode::flags() & mode::FINITE != 0;
    let _unwatched = finite.then(|| mode::set(mode::FINITE, false));
    for (i, ((output, gradient), root)) in outputs.iter().zip(&roots).enumerate() {
        let Some(edge) = root else {
            return Err(no_history(i, output).op(name).at(site));
        };
        let g = seed(i, output, *gradient).map_err(|e| e.op(name).at(site))?;
        run.send(edge, g)?;
    }
    run.finish()
}

/// The error for an output that no gradient can start from; names what cut it off.
#[cold]
fn no_history(i: usize, output: &Tensor) -> Error {
    let e = Error::new(
        ErrorKind::Autograd,
        format!("element {i} of tensors does not require grad and does not have a grad_fn"),
    );
    match output.cut() {
        Some(at) => e
            .note_in(
                format!("its history was cut by {at}"),
                format!("its history was cut by `{}`{}", at.op, at.reason.words()),
            )
            .help("compute it without that operation, or outside of that mode"),
        None => e.help_in(
            "nothing that this was computed from requires a gradient: `let w = w.requires_grad_(true)?;` before it is used",
            "nothing that this was computed from requires a gradient: `w.requires_grad_()` before it is used",
        ),
    }
}

/// The gradient backward starts from, for output `i`.
fn seed(i: usize, output: &Tensor, gradient: Option<&Tensor>) -> Result<Tensor> {
    match gradient {
        Some(g) if g.shape() != output.shape() => Err(Error::new(
            ErrorKind::Shape,
            format!(
                "Mismatch in shape: grad_output[{i}] has a shape of torch.Size({}) and output[{i}] has a shape of torch.Size({}).",
                g.shape(),
                output.shape()
            ),
        )),
        Some(g) => g.to(output.dtype()),
        None if output.numel() != 1 => Err(Error::new(
            ErrorKind::Shape,
            "grad can be implicitly created only for scalar outputs",
        )
        .note(format!("the result has shape {}", output.shape()))
        .help_in(
            "reduce it to a number (`y.sum()?`, `y.mean()?`), or give its gradient: `y.backward_with(Some(&g), BackwardOptions::default())?`",
            "reduce it to a number (`y.sum()`, `y.mean()`), or give its gradient: `y.backward(g)`",
        )),
        None => output.ones_like(),
    }
}
