//! Backward, `grad`, hooks, graph nodes, and the modes of a thread.

use crate::convert::wrap;
use crate::error::Raise;
use crate::tensor::PyTensor;
use pullback::{BackwardOptions, GradFn, Grads, HookHandle, Seed, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::cell::RefCell;

thread_local! {
    static ANOMALY: RefCell<Option<pullback::ModeGuard>> = const { RefCell::new(None) };
    static INFERENCE: RefCell<Option<pullback::InferenceGuard>> = const { RefCell::new(None) };
    /// An exception raised by Python code that the engine called, on its way out.
    static PASSING: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Keeps an exception while the engine unwinds with an error of its own.
pub(crate) fn keep_exception(e: PyErr) -> pullback::Error {
    let text = e.to_string();
    PASSING.with(|p| *p.borrow_mut() = Some(e));
    pullback::Error::new(pullback::ErrorKind::Autograd, text)
}

/// The exception that was kept.
pub(crate) fn passing_exception() -> Option<PyErr> {
    PASSING.with(|p| p.borrow_mut().take())
}

/// One tensor, or a sequence of them, `None` among them where allowed.
pub(crate) fn tensors(v: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Option<Tensor>>> {
    if v.is_none() {
        return Ok(vec![None]);
    }
    if let Ok(t) = v.cast::<PyTensor>() {
        return Ok(vec![Some(t.get().0.clone())]);
    }
    let mut list = Vec::new();
    for item in v.try_iter().map_err(|_| {
        PyTypeError::new_err(format!("{what} must be a Tensor or a sequence of Tensors"))
    })? {
        let item = item?;
        if item.is_none() {
            list.push(None);
        } else {
            let t = item.cast::<PyTensor>().map_err(|_| {
                PyTypeError::new_err(format!(
                    "{what} must be a Tensor or a sequence of Tensors, got {}",
                    item.get_type()
                ))
            })?;
            list.push(Some(t.get().0.clone()));
        }
    }
    Ok(list)
}

fn roots(
    outputs: &Bound<'_, PyAny>,
    gradients: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<(Tensor, Option<Tensor>)>> {
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
    (outputs.into_iter().zip(seeds.drain(..)))
        .map(|(t, g)| {
            t.map(|t| (t, g))
                .ok_or_else(|| PyTypeError::new_err("outputs must be Tensors, got None"))
        })
        .collect()
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
    if is_grads_batched || !only_inputs {
        return Err(PyNotImplementedError::new_err(
            "autograd.grad: is_grads_batched=True and only_inputs=False are not there",
        ));
    }
    if allow_unused == Some(false) && materialize_grads {
        return Err(PyValueError::new_err(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.",
        ));
    }
    let roots = roots(outputs, grad_outputs)?;
    let inputs: Vec<Tensor> = (tensors(inputs, "inputs")?.into_iter().flatten()).collect();
    let options = BackwardOptions {
        retain_graph: retain_graph.unwrap_or(create_graph),
        create_graph,
        allow_unused: allow_unused.unwrap_or(materialize_grads),
        materialize_grads,
    };
    let found = py
        .detach(|| {
            let roots: Vec<Seed<'_>> = roots.iter().map(|(t, g)| (t, g.as_ref())).collect();
            let inputs: Vec<&Tensor> = inputs.iter().collect();
            pullback::grad(&roots, &inputs, options)
        })
        .raise()?;
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
    let options = BackwardOptions {
        retain_graph: retain_graph.unwrap_or(create_graph),
        create_graph,
        ..Default::default()
    };
    run_backward(py, &roots, options, inputs)
}

/// Backward from several roots, to all leaves or to some.
pub(crate) fn run_backward(
    py: Python<'_>,
    roots: &[(Tensor, Option<Tensor>)],
    options: BackwardOptions,
    inputs: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let inputs: Option<Vec<Tensor>> = match inputs {
        Some(v) if !v.is_none() => {
            let list: Vec<Tensor> = tensors(v, "inputs")?.into_iter().flatten().collect();
            if list.is_empty() {
                return Err(PyRuntimeError::new_err(
                    "'inputs' argument to backward() cannot be empty.",
                ));
            }
            Some(list)
        }
        _ => None,
    };
    py.detach(|| {
        let seeds: Vec<Seed<'_>> = roots.iter().map(|(t, g)| (t, g.as_ref())).collect();
        let inputs: Option<Vec<&Tensor>> = inputs.as_ref().map(|list| list.iter().collect());
        pullback::backward(&seeds, inputs.as_deref(), options)
    })
    .raise()
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

/// Looks for Ctrl-C now and then while backward runs.
pub(crate) fn install_interrupts() {
    pullback::set_interrupt_check(|| {
        Python::attach(|py| py.check_signals()).map_err(keep_exception)
    });
}

/// A hook that can be taken away again.
#[pyclass(name = "RemovableHandle", module = "torch.utils.hooks", frozen)]
pub(crate) struct PyHandle(HookHandle);

#[pymethods]
impl PyHandle {
    /// Takes the hook away.
    fn remove(&self) {
        self.0.remove();
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.0.remove();
    }
}

fn one_tensor(py: Python<'_>, result: &Bound<'_, PyAny>) -> pullback::Result<Option<Tensor>> {
    let _ = py;
    if result.is_none() {
        return Ok(None);
    }
    let t = result.cast::<PyTensor>().map_err(|_| {
        keep_exception(PyTypeError::new_err(format!(
            "expected Variable, but hook returned '{}'",
            result.get_type()
        )))
    })?;
    Ok(Some(t.get().0.clone()))
}

/// `Tensor.register_hook`.
pub(crate) fn register_hook(t: &Tensor, hook: Py<PyAny>) -> PyResult<PyHandle> {
    t.register_hook(move |g| {
        Python::attach(|py| {
            let call = wrap(py, g.clone()).and_then(|g| hook.bind(py).call1((g,)));
            one_tensor(py, &call.map_err(keep_exception)?)
        })
    })
    .raise()
    .map(PyHandle)
}

/// `Tensor.register_post_accumulate_grad_hook`.
pub(crate) fn register_post_hook(t: &Tensor, hook: Py<PyAny>) -> PyResult<PyHandle> {
    t.register_post_accumulate_grad_hook(move |leaf| {
        Python::attach(|py| {
            let call = wrap(py, leaf.clone()).and_then(|leaf| hook.bind(py).call1((leaf,)));
            call.map(drop).map_err(keep_exception)
        })
    })
    .raise()
    .map(PyHandle)
}

/// The operation that a tensor came from.
#[pyclass(name = "Node", module = "torch.autograd.graph", frozen, weakref)]
pub(crate) struct PyNode(GradFn);

fn gradients<'py>(py: Python<'py>, list: &[Option<Tensor>]) -> PyResult<Bound<'py, PyTuple>> {
    let items = (list.iter())
        .map(|g| match g {
            Some(g) => wrap(py, g.clone()),
            None => Ok(py.None().into_bound(py)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

fn replaced(result: &Bound<'_, PyAny>) -> pullback::Result<Option<Grads>> {
    match result.is_none() {
        true => Ok(None),
        false => tensors(result, "a hook's result")
            .map(Some)
            .map_err(keep_exception),
    }
}

#[pymethods]
impl PyNode {
    /// Its name.
    fn name(&self) -> String {
        self.0.name().to_string()
    }

    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let items = (self.0.next_functions().into_iter())
            .map(|next| match next {
                Some((node, nr)) => {
                    Ok((Bound::new(py, PyNode(node))?.into_any(), nr).into_pyobject(py)?)
                }
                None => Ok((py.None().into_bound(py), 0usize).into_pyobject(py)?),
            })
            .collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, items)
    }

    fn _sequence_nr(&self) -> u64 {
        self.0.sequence_nr()
    }

    /// Calls `hook(grad_inputs, grad_outputs)` after the rule ran.
    fn register_hook(&self, hook: Py<PyAny>) -> PyHandle {
        PyHandle(self.0.register_hook(move |inputs, outputs| {
            Python::attach(|py| {
                let call = || {
                    hook.bind(py)
                        .call1((gradients(py, inputs)?, gradients(py, outputs)?))
                };
                replaced(&call().map_err(keep_exception)?)
            })
        }))
    }

    /// Calls `hook(grad_outputs)` before the rule runs.
    fn register_prehook(&self, hook: Py<PyAny>) -> PyHandle {
        PyHandle(self.0.register_prehook(move |outputs| {
            Python::attach(|py| {
                let call = || hook.bind(py).call1((gradients(py, outputs)?,));
                replaced(&call().map_err(keep_exception)?)
            })
        }))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyNode>().is_ok_and(|o| o.get().0 == self.0)
    }

    fn __hash__(&self) -> usize {
        self.0.address() >> 4
    }

    fn __repr__(&self) -> String {
        format!("<{} object at {:#x}>", self.0.name(), self.0.address())
    }
}

/// `Tensor.grad_fn`.
pub(crate) fn grad_fn<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    match t.grad_fn() {
        None => Ok(py.None().into_bound(py)),
        Some(node) => Ok(Bound::new(py, PyNode(node))?.into_any()),
    }
}
