//! What a data loader asks for every round and every batch, each by one call: the numbers it draws, and rows of tensors put together.
//!
//! Not for: what datasets, samplers and loaders are, which is written in Python (`utils/data`) and knows every other case.

use crate::call::stream;
use crate::convert::wrap;
use crate::error::{Raise, raise, room};
use crate::overriding;
use crate::tensor::PyTensor;
use pullback::random::{self, torch::Generator};
use pullback::{DType, Tensor, randperm};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};
use std::sync::{Arc, Mutex};

/// A whole number of 63 bits from the generator in use: what `empty((), dtype=int64).random_()` has.
fn drawn() -> PyResult<i64> {
    let t = Tensor::zeros([], DType::I64).raise()?;
    t.random_(None, None).raise()?;
    t.item::<i64>().raise()
}

/// The number that a round's workers are seeded with, from a generator or the default one.
#[pyfunction]
pub(crate) fn loader_seed(generator: &Bound<'_, PyAny>) -> PyResult<i64> {
    if generator.is_none() {
        return drawn();
    }
    match stream(generator)? {
        Some(own) => random::using(own.get().shared(), drawn),
        None => drawn(),
    }
}

/// The numbers below `n` in the order of one round of a `RandomSampler` without a generator: it seeds one of its own from the default one.
#[pyfunction]
pub(crate) fn shuffled(py: Python<'_>, n: usize) -> PyResult<Bound<'_, PyList>> {
    let own = Arc::new(Mutex::new(Generator::with_seed(drawn()? as u64)));
    let order = random::using(&own, || randperm(n, DType::I64)).raise()?;
    PyList::new(py, order.to_vec::<i64>().raise()?)
}

/// One batch of the rows at `indices` of each tensor; `None` where this is not sure to be what the items one by one would give: other classes,
/// modes that watch calls, tensors with history or strides, indices that are no plain numbers or out of range.
#[pyfunction]
pub(crate) fn rows_together<'py>(
    py: Python<'py>,
    tensors: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let (Ok(tensors), Ok(indices)) = (tensors.cast::<PyTuple>(), indices.cast::<PyList>()) else {
        return Ok(None);
    };
    if overriding::watched() || indices.is_empty() {
        return Ok(None);
    }
    let mut places: Vec<i64> = room(indices.len())?;
    for index in indices.iter() {
        match index.extract() {
            Ok(place) if index.is_exact_instance_of::<PyInt>() => places.push(place),
            _ => return Ok(None),
        }
    }
    let (least, most) = (places.iter().min().copied(), places.iter().max().copied());
    let (Some(least), Some(most)) = (least, most) else {
        return Ok(None);
    };
    let mut sources: Vec<Tensor> = room(tensors.len())?;
    for t in tensors.iter() {
        let Ok(t) = t.cast_exact::<PyTensor>() else {
            return Ok(None);
        };
        let t = &t.get().0;
        let plain = !t.requires_grad() && t.is_contiguous() && t.ndim() > 0;
        if !plain || least < 0 || most as usize >= t.shape()[0] {
            return Ok(None);
        }
        sources.push(t.clone());
    }
    let at = Tensor::from_slice(&places, [places.len()]).map_err(raise)?;
    let rows = PyList::empty(py);
    for t in &sources {
        rows.append(wrap(py, t.index_select(0, &at).raise()?)?)?;
    }
    Ok(Some(rows))
}
