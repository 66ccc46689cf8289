//! Hooks on saved values (`autograd.graph.saved_tensors_hooks`): two Python functions as the library's.

use crate::autograd::keep_exception;
use crate::convert::{type_name, wrap};
use crate::error::Raise;
use crate::object::{Held, leaf_at};
use crate::tensor::PyTensor;
use pullback::binding::Kept;
use pullback::{SavedHooks, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::sync::Arc;

struct Pair {
    pack: Py<PyAny>,
    unpack: Py<PyAny>,
}

/// A saved value as an object: a leaf as the very object that it is, since programs ask whether it is one of their parameters.
pub(crate) fn shown<'py>(py: Python<'py>, value: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    if value.is_gathered()
        && let Some(place) = value.gradient_node()
        && let Some(leaf) = leaf_at(py, &place)?
        && let Ok(t) = leaf.cast::<PyTensor>()
        && t.get().0.array().storage().same(value.array().storage())
        && t.get().0.array().layout() == value.array().layout()
    {
        return Ok(leaf);
    }
    wrap(py, value.clone())
}

impl SavedHooks for Pair {
    fn pack(&self, value: &Tensor) -> pullback::Result<Kept> {
        Python::attach(|py| {
            let call = shown(py, value).and_then(|t| self.pack.bind(py).call1((t,)));
            let packed: Kept = Arc::new(Held(call.map_err(keep_exception)?.unbind()));
            Ok(packed)
        })
    }

    fn unpack(&self, packed: &Kept) -> pullback::Result<Tensor> {
        Python::attach(|py| {
            let Some(Held(packed)) = packed.downcast_ref() else {
                return Err(keep_exception(PyTypeError::new_err(
                    "this value was packed by somebody else",
                )));
            };
            let value = (self.unpack.bind(py).call1((packed,))).map_err(keep_exception)?;
            let t = value.cast::<PyTensor>().map_err(|_| {
                keep_exception(PyTypeError::new_err(format!(
                    "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}",
                    type_name(&value)
                )))
            })?;
            Ok(t.get().0.clone())
        })
    }
}

/// Has `pack` and `unpack` keep what operations on this thread save, until `pop_saved_hooks`.
#[pyfunction]
pub(crate) fn push_saved_hooks(pack: Py<PyAny>, unpack: Py<PyAny>) -> PyResult<()> {
    pullback::push_saved_hooks(Arc::new(Pair { pack, unpack })).raise()
}

/// Takes the functions away that were set last.
#[pyfunction]
pub(crate) fn pop_saved_hooks() {
    pullback::pop_saved_hooks();
}

/// Has setting such functions fail with a text; gives back the text that was there.
#[pyfunction]
#[pyo3(signature = (text=None))]
pub(crate) fn forbid_saved_hooks(text: Option<String>) -> PyResult<Option<String>> {
    pullback::forbid_saved_hooks(text).raise()
}
