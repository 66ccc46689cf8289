//! `vmap`: a Python function of one row, run once and then for all rows. How is in `pullback::func`; what users call in `_vmap.py`.

use crate::autograd::{keep_exception, tensors};
use crate::convert::wrap;
use crate::error::Raise;
use crate::tensor::PyTensor;
use pullback::Tensor;
use pullback::func::{Randomness, depends_on_row, mapped};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// What `function`, which takes a list of tensors and gives one, gives for all rows: of the tensors in `rows` the first dimension counts
/// `count` of them. A list of results, each with whether its first dimension counts rows, and the names of the operations that ran row
/// by row; `None` where the function looked at numbers that differ from row to row, and only the loop is right.
#[pyfunction]
pub(crate) fn map_rows<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    rows: Vec<Py<PyTensor>>,
    count: usize,
    randomness: &str,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let randomness = match randomness {
        "error" => Randomness::Error,
        "different" => Randomness::Different,
        "same" => Randomness::Same,
        other => return Err(PyValueError::new_err(format!("no randomness {other:?}"))),
    };
    let rows: Vec<Tensor> = (rows.iter())
        .map(|t| crate::object::seen(t.bind(py)).clone())
        .collect();
    let run = |x: &[Tensor]| {
        let call = || -> PyResult<Vec<Tensor>> {
            let x = (x.iter().map(|t| wrap(py, t.clone()))).collect::<PyResult<Vec<_>>>()?;
            let out = function.call1((PyList::new(py, x)?,))?;
            Ok(tensors(&out, "results")?.into_iter().flatten().collect())
        };
        call().map_err(keep_exception)
    };
    let found = mapped(&rows, count, randomness, run).raise()?;
    if found.looked {
        return Ok(None);
    }
    let outputs = (found.outputs.into_iter())
        .map(|(t, batched)| Ok((wrap(py, t)?, batched)))
        .collect::<PyResult<Vec<_>>>()?;
    let outputs = PyList::new(py, outputs)?;
    PyTuple::new(
        py,
        [outputs.into_any(), PyList::new(py, found.slow)?.into_any()],
    )
    .map(Some)
}

/// Whether a tensor differs from row to row of a `vmap` that is under way.
#[pyfunction]
pub(crate) fn differs_by_row(t: &PyTensor) -> bool {
    depends_on_row(&t.0)
}

/// Refuses one number for all rows, in PyTorch's words.
pub(crate) fn no_number(t: &Tensor) -> PyResult<()> {
    refuse(
        t,
        "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, please try to rewrite what you're doing with other operations. If error is occurring somewhere inside PyTorch internals, please file a bug report.",
    )
}

/// Refuses one decision for all rows, in PyTorch's words.
pub(crate) fn no_decision(t: &Tensor) -> PyResult<()> {
    refuse(
        t,
        "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet, please file an issue at https://github.com/pytorch/pytorch/issues .",
    )
}

/// Refuses the memory of one row, in PyTorch's words.
pub(crate) fn no_memory(t: &Tensor) -> PyResult<()> {
    refuse(
        t,
        "Cannot access data pointer of Tensor that doesn't have storage",
    )
}

#[inline]
fn refuse(t: &Tensor, text: &'static str) -> PyResult<()> {
    match depends_on_row(t) {
        false => Ok(()),
        true => Err(PyRuntimeError::new_err(text)),
    }
}
