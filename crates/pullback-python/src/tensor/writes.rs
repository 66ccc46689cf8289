//! In-place writes to a `Tensor` that are no functions of the list: fills, copies, `.data`. Assignments are in `index.rs`.

use super::PyTensor;
use crate::convert::{Other, wrap};
use crate::error::Raise;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

#[pymethods]
impl PyTensor {
    /// Fills with zeros, in place.
    fn zero_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().0.zero_().raise()?;
        Ok(slf.clone())
    }

    /// Fills with one value, in place.
    fn fill_<'py>(slf: &Bound<'py, Self>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let t = &slf.get().0;
        match Other::of(value)? {
            Some(Other::Number(n)) => t.fill_(n).raise()?,
            Some(Other::Tensor(v)) if v.ndim() == 0 => {
                // Read before anything is written, as one of the tensor's own elements may be.
                let own = v.array().storage().same(t.array().storage());
                match own {
                    true => t.copy_(&v.copy().raise()?),
                    false => t.copy_(&v),
                }
                .raise()?;
            }
            Some(Other::Tensor(v)) => {
                return Err(PyRuntimeError::new_err(format!(
                    "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.",
                    v.ndim()
                )));
            }
            None => {
                return Err(PyTypeError::new_err(format!(
                    "fill_(): argument 'value' must be Number, not {}",
                    value.get_type().name()?
                )));
            }
        }
        Ok(slf.clone())
    }

    /// Copies another tensor's elements here, broadcast and converted.
    #[pyo3(signature = (src, non_blocking=false))]
    fn copy_<'py>(
        slf: &Bound<'py, Self>,
        src: &Bound<'py, PyAny>,
        non_blocking: bool,
    ) -> PyResult<Bound<'py, Self>> {
        let _ = non_blocking;
        let t = &slf.get().0;
        match Other::of(src)? {
            Some(Other::Tensor(v)) => t.copy_(&v).raise()?,
            Some(Other::Number(n)) => t.fill_(n).raise()?,
            None => {
                return Err(PyTypeError::new_err(format!(
                    "copy_(): argument 'other' (position 1) must be Tensor, not {}",
                    src.get_type().name()?
                )));
            }
        }
        Ok(slf.clone())
    }

    /// The same memory without history.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.data())
    }

    #[setter]
    fn set_data(&self, v: &Bound<'_, PyTensor>) -> PyResult<()> {
        let (to, from) = (self.0.data(), v.get().0.detach());
        if to.shape() != from.shape() || to.dtype() != from.dtype() {
            return Err(PyRuntimeError::new_err(format!(
                ".data takes a tensor of the same shape and dtype here: {} {} for {} {}",
                from.dtype(),
                from.shape(),
                to.dtype(),
                to.shape()
            )));
        }
        // What was written there already, as in `x.data -= y`, need not be written again.
        let (there, here) = (&to.array(), &from.array());
        if there.storage().same(here.storage()) && there.layout() == here.layout() {
            return Ok(());
        }
        to.copy_(&from).raise()
    }
}
