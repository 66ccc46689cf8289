//! Backward, `grad`, and the modes of a thread. Hooks and graph nodes are in `node.rs`.

use crate::convert::wrap;
use crate::task::{self, Roots};
use crate::tensor::PyTensor;
use pullback::{BackwardOptions, Seed, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static ANOMALY: RefCell<Option<pullback::ModeGuard>> = const { RefCell::new(None) };
    static INFERENCE: RefCell<Option<pullback::InferenceGuard>> = const { RefCell::new(None) };
    /// An exception raised by Python code that the engine called, on its way out.
    static PASSING: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Keeps an exception while the engine unwinds with an error of its own.
pub(crate) fn keep_exception(e: PyErr) -> pullback::Error {
    crate::watch::note(&e);
    let text = match crate::watch::running().then(|| raised_at(&e)).flatten() {
        Some(place) => format!("{e}, raised at {place}"),
        None => e.to_string(),
    };
    PASSING.with(|p| *p.borrow_mut() = Some(e));
    pullback::Error::new(pullback::ErrorKind::Autograd, text)
}

/// The user's file and line where an exception was raised: the innermost frame that is not this package's.
fn raised_at(e: &PyErr) -> Option<String> {
    Python::attach(|py| {
        let find = || -> PyResult<Option<String>> {
            let package = crate::check::package(py)?;
            let mut frame = match e.traceback(py) {
                Some(first) => first.into_any(),
                None => return Ok(None),
            };
            let mut place = None;
            while !frame.is_none() {
                let code = frame.getattr("tb_frame")?.getattr("f_code")?;
                let file: String = code.getattr("co_filename")?.extract()?;
                if !file.starts_with(&package) {
                    place = Some(format!("{file}:{}", frame.getattr("tb_lineno")?));
                }
                frame = frame.getattr("tb_next")?;
            }
            Ok(place)
        };
        find().ok().flatten()
    })
}

/// What PyTorch adds to the error of a saved value that was written in place.
pub(crate) fn anomaly_hint() -> &'static str {
    match ANOMALY.with(|g| g.borrow().is_some()) {
        true => {
            " Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!"
        }
        false => {
            " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
        }
    }
}

/// The exception that was kept.
pub(crate) fn passing_exception() -> Option<PyErr> {
    PASSING.with(|p| p.borrow_mut().take())
}

/// A tensor, or the one that a `graph.GradientEdge` stands for.
fn tensor_or_edge(v: &Bound<'_, PyAny>) -> Option<Tensor> {
    if let Ok(t) = v.cast::<PyTensor>() {
        return Some(crate::object::seen(t).clone());
    }
    if v.is_exact_instance_of::<PyTuple>() || v.is_exact_instance_of::<PyList>() {
        return None;
    }
    let token = v.getattr("ownership_token").ok()?;
    token.cast::<PyTensor>().ok().map(|t| t.get().0.clone())
}

/// Whether this exception is the one that was kept.
pub(crate) fn is_passing(e: &PyErr) -> bool {
    Python::attach(|py| {
        PASSING.with(|p| (p.borrow().as_ref()).is_some_and(|kept| kept.value(py).is(e.value(py))))
    })
}

/// One tensor, or a sequence of them, `None` among them where allowed.
pub(crate) fn tensors(v: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Option<Tensor>>> {
    if v.is_none() {
        return Ok(vec![None]);
    }
    if let Some(t) = tensor_or_edge(v) {
        return Ok(vec![Some(t)]);
    }
    /// More than a program has: an iterable that never ends.
    const MOST: usize = 1 << 24;
    let mut list = Vec::new();
    for item in v.try_iter().map_err(|_| {
        PyTypeError::new_err(format!("{what} must be a Tensor or a sequence of Tensors"))
    })? {
        let item = item?;
        if list.len() == MOST {
            return Err(PyValueError::new_err(format!(
                "{what}: the iterable gives more than {MOST} tensors and does not end"
            )));
        }
        if item.is_none() {
            list.push(None);
        } else {
            let t = tensor_or_edge(&item).ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "{what} must be a Tensor or a sequence of Tensors, got {}",
                    crate::convert::type_name(&item)
                ))
            })?;
            list.push(Some(t));
        }
    }
    Ok(list)
}

fn roots(outputs: &Bound<'_, PyAny>, gradients: Option<&Bound<'_, PyAny>>) -> PyResult<Roots> {
    let outputs = tensors(outputs, "outputs")?;
    let mut seeds = match gradients {
        Some(g) if !g.is_none() => tensors(g, "grad_outputs")?,
        _ => vec![None; outputs.len()],
    };
    if seeds.len() != outputs.len() {
        return Err(PyRuntimeError::new_err(format!(
            "got {} tensors and {} gradients",
            outputs.len(),
            seeds.len()
        )));
    }
    let pairs: PyResult<Vec<_>> = (outputs.into_iter().zip(seeds.drain(..)))
        .map(|(t, g)| {
            t.map(|t| (t, g))
                .ok_or_else(|| PyTypeError::new_err("outputs must be Tensors, got None"))
        })
        .collect();
    pairs.map(Arc::new)
}

/// `autograd.grad`.
#[pyfunction]
#[pyo3(signature = (outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=false, allow_unused=None, materialize_grads=false, is_grads_batched=false, only_inputs=true))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn grad<'py>(
    py: Python<'py>,
    outputs: &Bound<'py, PyAny>,
    inputs: &Bound<'py, PyAny>,
    grad_outputs: Option<&Bound<'py, PyAny>>,
    retain_graph: Option<bool>,
    create_graph: bool,
    allow_unused: Option<bool>,
    materialize_grads: bool,
    is_grads_batched: bool,
    only_inputs: bool,
) -> PyResult<Bound<'py, PyAny>> {
    if !only_inputs {
        return Err(PyNotImplementedError::new_err(
            "autograd.grad: only_inputs=False is not there",
        ));
    }
    if is_grads_batched {
        let options = PyDict::new(py);
        options.set_item("retain_graph", retain_graph)?;
        options.set_item("create_graph", create_graph)?;
        options.set_item("allow_unused", allow_unused)?;
        options.set_item("materialize_grads", materialize_grads)?;
        let batched = crate::convert::part(py, "batched_grad")?;
        return batched.call((outputs, inputs, grad_outputs), Some(&options));
    }
    if allow_unused == Some(false) && materialize_grads {
        return Err(PyValueError::new_err(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.",
        ));
    }
    let roots = roots(outputs, grad_outputs)?;
    let inputs = Arc::new((tensors(inputs, "inputs")?.into_iter().flatten()).collect::<Vec<_>>());
    let options = BackwardOptions::NEW
        .retain_graph(retain_graph.unwrap_or(create_graph))
        .create_graph(create_graph)
        .allow_unused(allow_unused.unwrap_or(materialize_grads))
        .materialize_grads(materialize_grads);
    let found = task::running(py, &roots, Some(&inputs), || {
        let roots: Vec<Seed<'_>> = roots.iter().map(|(t, g)| (t, g.as_ref())).collect();
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        pullback::grad(&roots, &inputs, options)
    })?;
    let out = (found.into_iter())
        .map(|g| match g {
            Some(g) => wrap(py, g),
            None => Ok(py.None().into_bound(py)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, out)?.into_any())
}

/// `autograd.backward`.
#[pyfunction]
#[pyo3(signature = (tensors, grad_tensors=None, retain_graph=None, create_graph=false, grad_variables=None, inputs=None))]
pub(crate) fn backward(
    py: Python<'_>,
    tensors: &Bound<'_, PyAny>,
    grad_tensors: Option<&Bound<'_, PyAny>>,
    retain_graph: Option<bool>,
    create_graph: bool,
    grad_variables: Option<&Bound<'_, PyAny>>,
    inputs: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let roots = roots(tensors, grad_tensors.or(grad_variables))?;
    let options = BackwardOptions::NEW
        .retain_graph(retain_graph.unwrap_or(create_graph))
        .create_graph(create_graph);
    if create_graph {
        crate::warned::CYCLE.say(py)?;
    }
    run_backward(py, &roots, options, inputs)
}

/// Backward from several roots, to all leaves or to some.
pub(crate) fn run_backward(
    py: Python<'_>,
    roots: &Roots,
    options: BackwardOptions,
    inputs: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let inputs: Option<Arc<Vec<Tensor>>> = match inputs {
        Some(v) if !v.is_none() => {
            let list: Vec<Tensor> = tensors(v, "inputs")?.into_iter().flatten().collect();
            if list.is_empty() {
                return Err(PyRuntimeError::new_err(
                    "`inputs` argument to `backward()` cannot be empty.",
                ));
            }
            Some(Arc::new(list))
        }
        _ => None,
    };
    task::running(py, roots, inputs.as_ref(), || {
        let seeds: Vec<Seed<'_>> = roots.iter().map(|(t, g)| (t, g.as_ref())).collect();
        let inputs: Option<Vec<&Tensor>> = inputs.as_ref().map(|l| l.iter().collect());
        pullback::backward(&seeds, inputs.as_deref(), options)
    })
}

/// Whether gradients are recorded.
#[pyfunction]
pub(crate) fn is_grad_enabled() -> bool {
    pullback::is_grad_enabled()
}

/// Switches recording on or off for this thread; the Python side restores it.
#[pyfunction]
pub(crate) fn set_grad_enabled(on: bool) {
    pullback::switch_grad(on);
}

/// Inference mode on or off for this thread; the Python side restores it.
#[pyfunction]
pub(crate) fn set_inference_mode(on: Option<bool>) {
    INFERENCE.with(|g| *g.borrow_mut() = on.map(pullback::inference_mode));
}

/// Whether inference mode is on.
#[pyfunction]
pub(crate) fn is_inference_mode_enabled() -> bool {
    pullback::is_inference_mode_enabled()
}

/// Anomaly mode on or off for this thread.
#[pyfunction]
pub(crate) fn set_detect_anomaly(on: bool) {
    ANOMALY.with(|g| *g.borrow_mut() = on.then(pullback::detect_anomaly));
}

/// Whether anomaly mode is on for this thread.
#[pyfunction]
pub(crate) fn is_anomaly_enabled() -> bool {
    ANOMALY.with(|g| g.borrow().is_some())
}

/// Looks for Ctrl-C now and then while backward runs.
pub(crate) fn install_interrupts() {
    pullback::set_interrupt_check(|| {
        Python::attach(|py| py.check_signals()).map_err(keep_exception)
    });
}

/// Says that a tensor's memory was written by somebody else.
#[pyfunction]
pub(crate) fn increment_version(t: &Bound<'_, PyTensor>) {
    t.get().0.array().storage().note_write();
}
