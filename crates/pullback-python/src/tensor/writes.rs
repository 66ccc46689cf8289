//! In-place writes to a `Tensor` that are no functions of the list: fills and copies. Assignments are in `index.rs`, other arrays for
//! a tensor in `replace.rs`.

use super::PyTensor;
use crate::convert::Other;
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
}
