//! The elements of a `Tensor` as Python's own objects: numbers, lists, arrays, texts.

use super::PyTensor;
use crate::convert::{number_object, tolist};
use crate::error::Raise;
use crate::memory;
use crate::rows::{no_decision, no_memory, no_number};
use pullback::{Number, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// PyTorch's error where `float` and `int` are asked of more elements than one, or of none.
fn one_element(t: &Tensor) -> PyResult<()> {
    match t.numel() {
        1 => Ok(()),
        _ => Err(PyValueError::new_err(
            "only one element tensors can be converted to Python scalars",
        )),
    }
}

#[pymethods]
impl PyTensor {
    /// The one element as Python's number.
    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        no_number(&self.0)?;
        if self.0.numel() != 1 {
            return Err(PyRuntimeError::new_err(format!(
                "a Tensor with {} elements cannot be converted to Scalar",
                self.0.numel()
            )));
        }
        number_object(py, self.0.number().raise()?)
    }

    /// The elements as nested lists of Python's numbers.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        no_memory(&self.0)?;
        tolist(py, &self.0)
    }

    /// A NumPy array over the same memory.
    #[pyo3(signature = (*, force=false))]
    fn numpy<'py>(&self, py: Python<'py>, force: bool) -> PyResult<Bound<'py, PyAny>> {
        no_memory(&self.0)?;
        if self.0.requires_grad() && !force {
            return Err(PyRuntimeError::new_err(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
            ));
        }
        memory::to_numpy(py, &self.0.detach())
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let array = self.numpy(py, false)?;
        let array = match dtype {
            Some(d) if !d.is_none() => array.call_method1("astype", (d,))?,
            _ => array,
        };
        match copy {
            Some(true) => array.call_method0("copy"),
            _ => Ok(array),
        }
    }

    fn __bool__(&self) -> PyResult<bool> {
        no_decision(&self.0)?;
        match self.0.numel() {
            1 => Ok(self.0.number().raise()?.to_f64() != 0.0),
            0 => Err(PyRuntimeError::new_err(
                "Boolean value of Tensor with no values is ambiguous",
            )),
            _ => Err(PyRuntimeError::new_err(
                "Boolean value of Tensor with more than one value is ambiguous",
            )),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        one_element(&self.0)?;
        no_number(&self.0)?;
        if self.0.requires_grad() {
            crate::warned::NUMBER.say(py)?;
        }
        self.0.item_f64().raise()
    }

    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        one_element(&self.0)?;
        no_number(&self.0)?;
        match self.0.number().raise()? {
            Number::Float(x) => crate::convert::part(py, "to_int")?.call1((x,)),
            n => Ok(n.cast::<i64>().into_pyobject(py)?.into_any()),
        }
    }

    fn __index__(&self) -> PyResult<i64> {
        if self.0.numel() != 1 || self.0.dtype().is_float() {
            return Err(PyTypeError::new_err(
                "only integer tensors of a single element can be converted to an index",
            ));
        }
        no_number(&self.0)?;
        Ok(self.0.number().raise()?.cast())
    }

    fn __format__<'py>(slf: &Bound<'py, Self>, spec: &str) -> PyResult<String> {
        let t = &slf.get().0;
        if t.ndim() == 0 && !spec.is_empty() {
            let number = number_object(slf.py(), t.number().raise()?)?;
            return number.call_method1("__format__", (spec,))?.extract();
        }
        match (t.ndim(), spec) {
            (0, _) => number_object(slf.py(), t.number().raise()?)?
                .str()?
                .extract(),
            (_, "") => Ok(t.to_string()),
            _ => Err(PyTypeError::new_err(
                "unsupported format string passed to Tensor.__format__",
            )),
        }
    }
}
