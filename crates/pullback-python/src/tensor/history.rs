//! `Tensor` and its gradients: leaves, `.grad`, `backward`, hooks. How the engine is called is in `autograd.rs`.

use super::PyTensor;
use crate::autograd;
use crate::convert::{type_name, wrap};
use crate::error::Raise;
use crate::node;
use crate::object;
use crate::warned;
use pullback::BackwardOptions;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use std::sync::Arc;

/// Switches a leaf's gradient on or off, in the object's notes too.
fn require(slf: &Bound<'_, PyTensor>, on: bool) -> PyResult<()> {
    slf.get().0.clone().requires_grad_(on).raise()?;
    crate::object::note_leaf(slf)
}

#[pymethods]
impl PyTensor {
    /// Whether gradients of this tensor are computed.
    #[getter]
    fn requires_grad(&self) -> bool {
        self.0.requires_grad()
    }

    #[setter]
    fn set_requires_grad(slf: &Bound<'_, Self>, on: bool) -> PyResult<()> {
        require(slf, on)
    }

    /// Switches on or off whether gradients of this leaf are computed; gives the tensor.
    #[pyo3(signature = (requires_grad=None), text_signature = "($self, requires_grad=True)")]
    fn requires_grad_<'py>(
        slf: &Bound<'py, Self>,
        requires_grad: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        let on = match requires_grad {
            None => true,
            Some(on) => on.extract().map_err(|_| {
                PyTypeError::new_err(format!(
                    "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {}",
                    type_name(on)
                ))
            })?,
        };
        require(slf, on)?;
        Ok(slf.clone())
    }

    /// Whether the tensor came from no recorded operation.
    #[getter]
    fn is_leaf(&self) -> bool {
        self.0.is_leaf()
    }

    /// The gradient that backward added up here, or None.
    #[getter]
    fn grad<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let grad = self.0.grad();
        if grad.is_none() && !self.0.is_leaf() && !self.0.retains_grad() {
            warned::say(py, warned::NOT_A_LEAF)?;
        }
        grad.map(|g| wrap(py, g)).transpose()
    }

    #[setter]
    fn set_grad(&self, g: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        match g {
            None => {
                self.0.zero_grad();
                Ok(())
            }
            Some(g) => {
                let g = g.cast::<PyTensor>().map_err(|_| {
                    PyTypeError::new_err(format!(
                        "assigned grad expected to be a Tensor or None but got grad of type {}",
                        type_name(g)
                    ))
                })?;
                if g.get().0.is(&self.0) {
                    return Err(PyRuntimeError::new_err(
                        "can't assign Variable as its own grad",
                    ));
                }
                self.0.set_grad(Some(object::seen(g).clone())).raise()
            }
        }
    }

    #[deleter]
    fn delete_grad(&self) {
        self.0.zero_grad();
    }

    /// The same memory without history.
    fn detach<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.detach())
    }

    /// Cuts the tensor from its history, in place; gives the tensor.
    fn detach_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().0.detach_().raise()?;
        Ok(slf.clone())
    }

    /// Adds the gradients of this tensor to the leaves it was computed from.
    ///
    /// `gradient` weighs the elements (needed unless there is one). `retain_graph` keeps what the rules read for another run; `create_graph`
    /// records the gradients themselves; `inputs` names the leaves to reach.
    #[pyo3(signature = (gradient=None, retain_graph=None, create_graph=false, inputs=None))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<&Bound<'_, PyAny>>,
        retain_graph: Option<bool>,
        create_graph: bool,
        inputs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let gradient = match gradient {
            Some(g) if !g.is_none() => autograd::tensors(g, "gradient")?.remove(0),
            _ => None,
        };
        let options = BackwardOptions::NEW
            .retain_graph(retain_graph.unwrap_or(create_graph))
            .create_graph(create_graph);
        let roots = Arc::new(vec![(self.0.clone(), gradient)]);
        if create_graph {
            warned::CYCLE.say(py)?;
        }
        autograd::run_backward(py, &roots, options, inputs)
    }

    /// The operation that the tensor came from, or None.
    #[getter]
    fn grad_fn<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        node::grad_fn(py, &self.0)
    }

    /// Keeps the gradient of this result in `.grad`, as leaves do.
    fn retain_grad(&self) -> PyResult<()> {
        self.0.retain_grad().raise()
    }

    /// Whether `retain_grad` was called on this result.
    #[getter]
    fn retains_grad(&self) -> bool {
        !self.0.is_leaf() && self.0.retains_grad()
    }

    /// Which result of its operation the tensor is.
    #[getter]
    fn output_nr(&self) -> usize {
        self.0.output_nr()
    }

    /// Whether the tensor was made under `inference_mode`.
    fn is_inference(&self) -> bool {
        self.0.is_inference()
    }

    /// Calls `hook(grad)` when the gradient of this tensor is known; what it returns takes its place.
    fn register_hook(&self, py: Python<'_>, hook: Py<PyAny>) -> PyResult<node::PyHandle> {
        node::register_hook(py, &self.0, hook)
    }

    /// Calls `hook(leaf)` after backward added to its `.grad`.
    fn register_post_accumulate_grad_hook(
        slf: &Bound<'_, Self>,
        hook: Py<PyAny>,
    ) -> PyResult<node::PyHandle> {
        node::register_post_hook(slf, hook)
    }
}
