//! `x[…]`, `x[…] = v`, and what follows from them: iteration and `in`.

use crate::convert::{Other, each, number, wrap};
use crate::data;
use crate::error::{Raise, room_for_objects};
use crate::memory;
use crate::tensor::PyTensor;
use pullback::{DType, Index, Number, Tensor};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PyString, PyTuple};
use std::borrow::Cow;

/// One bound of a slice: an integer, whatever says `__index__`, or nothing.
fn bound(v: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if v.is_none() {
        return Ok(None);
    }
    let index = v.call_method0("__index__").map_err(|_| {
        PyTypeError::new_err("slice indices must be integers or None or have an __index__ method")
    })?;
    // Bounds beyond 64 bits are clipped, as Python clips them.
    Ok(Some(index.extract::<i64>().unwrap_or_else(
        |_| match index.lt(0).unwrap_or(false) {
            true => i64::MIN / 2,
            false => i64::MAX / 2,
        },
    )))
}

/// One item between the brackets.
fn item(v: &Bound<'_, PyAny>) -> PyResult<Index> {
    if v.is_none() {
        return Ok(Index::NewAxis);
    }
    if v.is_instance_of::<PyEllipsis>() {
        return Ok(Index::Ellipsis);
    }
    if v.is_instance_of::<PyBool>() {
        return Ok(Index::Bool(v.extract()?));
    }
    if let Ok(s) = v.cast::<PySlice>() {
        return Ok(Index::Slice {
            start: bound(&s.getattr("start")?)?,
            stop: bound(&s.getattr("stop")?)?,
            step: bound(&s.getattr("step")?)?,
        });
    }
    if let Ok(t) = v.cast::<PyTensor>() {
        let t = &t.get().0;
        // An integer without dimensions is an integer.
        if t.ndim() == 0 && !matches!(t.dtype(), DType::Bool | DType::U8) && !t.dtype().is_float() {
            return Ok(Index::Int(t.number().raise()?.cast()));
        }
        return Ok(Index::Tensor(t.detach()));
    }
    match number(v) {
        Some(Number::Int(i)) => return Ok(Index::Int(i)),
        Some(Number::Bool(b)) => return Ok(Index::Bool(b)),
        _ => {}
    }
    if v.is_instance_of::<PyList>() || v.is_instance_of::<PyTuple>() {
        return index_array(v);
    }
    if let Some(t) = memory::from_array_interface(v, true)? {
        // Arrays of NumPy are sequences of numbers to PyTorch here, whatever kind of integer they hold.
        return Ok(Index::Tensor(
            match t.dtype().is_narrow() && !t.dtype().is_float() {
                true => t.to(DType::I64).raise()?,
                false => t,
            },
        ));
    }
    if let Ok(i) = v.call_method0("__index__").and_then(|i| i.extract::<i64>()) {
        return Ok(Index::Int(i));
    }
    if data::is_sequence(v) {
        return index_array(v);
    }
    Err(PyIndexError::new_err(format!(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
        v.get_type().name()?
    )))
}

/// An index array from a list of numbers.
fn index_array(v: &Bound<'_, PyAny>) -> PyResult<Index> {
    let t = data::of_data(v, None)?;
    // A list without elements is an index array without elements.
    let t = match t.numel() == 0 && t.dtype().is_float() {
        true => t.to(DType::I64).raise()?,
        false => t,
    };
    Ok(Index::Tensor(t))
}

fn items(key: &Bound<'_, PyAny>) -> PyResult<Vec<Index>> {
    if let Ok(many) = key.cast::<PyTuple>() {
        return many.iter().map(|v| item(&v)).collect();
    }
    match stands_for_tuple(key)? {
        true => {
            let mut list = Vec::new();
            each(key, |_, v| {
                list.push(item(&v)?);
                Ok(())
            })?;
            Ok(list)
        }
        false => Ok(vec![item(key)?]),
    }
}

/// PyTorch takes a short list that holds more than numbers for a tuple: `x[[rows, columns]]`, `x[[0, None]]`.
fn stands_for_tuple(key: &Bound<'_, PyAny>) -> PyResult<bool> {
    const SHORT: usize = 32;
    let Ok(list) = key.cast::<PyList>() else {
        return Ok(false);
    };
    if list.len() >= SHORT {
        return Ok(false);
    }
    let mut more = false;
    each(key, |_, v| {
        more |= v.is_none()
            || v.is_instance_of::<PyEllipsis>()
            || v.is_instance_of::<PySlice>()
            || v.is_instance_of::<PyTensor>()
            || data::is_sequence(&v) && !v.is_instance_of::<PyString>();
        Ok(())
    })?;
    Ok(more)
}

/// `x[key]`.
pub(crate) fn get<'py>(t: &Tensor, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let items = items(key)?;
    wrap(key.py(), t.index(items).raise()?)
}

/// `x[key] = value`.
pub(crate) fn set(t: &Tensor, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let items = items(key)?;
    let value = match Other::of(value)? {
        Some(v) => v,
        None if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() => {
            Other::Tensor(Cow::Owned(data::of_data(value, Some(t.dtype()))?))
        }
        None => {
            return Err(PyTypeError::new_err(format!(
                "can't assign a {} to a torch.{}Tensor",
                value.get_type().name()?,
                t.dtype().scalar_type_name()
            )));
        }
    };
    t.set(items, value.operand()).raise()
}

/// The rows, one after the other.
pub(crate) fn rows<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    if t.ndim() == 0 {
        return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
    }
    room_for_objects(t.shape()[0])?;
    let rows = (t.unbind(0).raise()?.into_iter())
        .map(|row| wrap(py, row))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, rows)?.try_iter()?.into_any())
}

/// `v in x`.
pub(crate) fn contains(t: &Tensor, v: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(other) = Other::of(v)? else {
        return Err(PyTypeError::new_err(format!(
            "Tensor.__contains__ only supports Tensor or scalar, but you passed in a {}.",
            v.get_type()
        )));
    };
    let equal = t.eq(other.operand()).raise()?;
    Ok((equal.to_f64_vec().raise()?).into_iter().any(|x| x != 0.0))
}

#[pymethods]
impl PyTensor {
    fn __len__(&self) -> PyResult<usize> {
        match self.0.ndim() {
            0 => Err(PyTypeError::new_err("len() of a 0-d tensor")),
            _ => Ok(self.0.shape()[0]),
        }
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        get(&self.0, key)
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if value.is_instance_of::<PyInt>() && value.extract::<i64>().is_err() {
            return Err(PyValueError::new_err("Overflow when unpacking long long"));
        }
        set(&self.0, key, value)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        rows(py, &self.0)
    }

    fn __contains__(&self, v: &Bound<'_, PyAny>) -> PyResult<bool> {
        contains(&self.0, v)
    }
}
