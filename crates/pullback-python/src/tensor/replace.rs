//! What gives a tensor another array or shape, for every handle of it: `.data = `, `set_`, `resize_`, `t_` and its kin.

use super::PyTensor;
use crate::convert::{type_name, wrap};
use crate::error::Raise;
use pullback::{Error, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

type Object<'py> = Bound<'py, PyTensor>;

#[pymethods]
impl PyTensor {
    /// The same memory without history, under a version of its own.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.data())
    }

    #[setter]
    fn set_data(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = data.cast::<PyTensor>().map_err(|_| {
            PyTypeError::new_err(format!(
                "Variable data has to be a tensor, but got {}",
                type_name(data)
            ))
        })?;
        self.0.set_data(&data.get().0).raise()
    }

    #[deleter]
    fn delete_data(&self) -> PyResult<()> {
        Err(PyRuntimeError::new_err(
            "Deleting tensor data is not allowed. Delete tensor instead!",
        ))
    }

    /// Inserts a dimension of size 1, in place.
    fn unsqueeze_<'py>(slf: &Object<'py>, dim: i64) -> PyResult<Object<'py>> {
        changed(slf, |t| t.unsqueeze_(dim))
    }

    /// Drops dimensions of size 1, all or those named, in place.
    #[pyo3(signature = (dim=None))]
    fn squeeze_<'py>(slf: &Object<'py>, dim: Option<&Bound<'_, PyAny>>) -> PyResult<Object<'py>> {
        let Some(dim) = dim else {
            return changed(slf, Tensor::squeeze_);
        };
        match dim.extract::<i64>() {
            Ok(dim) => changed(slf, |t| t.squeeze_dims_(&[dim])),
            Err(_) => {
                let dims: Vec<i64> = dim.extract()?;
                changed(slf, |t| t.squeeze_dims_(&dims))
            }
        }
    }

    /// Exchanges two dimensions, in place.
    fn transpose_<'py>(slf: &Object<'py>, dim0: i64, dim1: i64) -> PyResult<Object<'py>> {
        changed(slf, |t| t.transpose_(dim0, dim1))
    }

    /// Exchanges two dimensions, in place.
    fn swapdims_<'py>(slf: &Object<'py>, dim0: i64, dim1: i64) -> PyResult<Object<'py>> {
        changed(slf, |t| t.swapdims_(dim0, dim1))
    }

    /// Exchanges two dimensions, in place.
    fn swapaxes_<'py>(slf: &Object<'py>, axis0: i64, axis1: i64) -> PyResult<Object<'py>> {
        changed(slf, |t| t.swapaxes_(axis0, axis1))
    }

    /// Transposes a matrix, in place.
    fn t_<'py>(slf: &Object<'py>) -> PyResult<Object<'py>> {
        changed(slf, Tensor::t_)
    }

    /// Other sizes and strides over the same memory, in place.
    #[pyo3(signature = (size, stride, storage_offset=None))]
    fn as_strided_<'py>(
        slf: &Object<'py>,
        size: Vec<i64>,
        stride: Vec<i64>,
        storage_offset: Option<i64>,
    ) -> PyResult<Object<'py>> {
        changed(slf, |t| t.as_strided_(&size, &stride, storage_offset))
    }

    /// Another size over the same memory, which grows where it is too small.
    #[pyo3(signature = (*sizes, size=None, memory_format=None))]
    fn resize_<'py>(
        slf: &Object<'py>,
        sizes: &Bound<'py, PyTuple>,
        size: Option<&Bound<'py, PyAny>>,
        memory_format: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Object<'py>> {
        row_by_row(memory_format)?;
        let given = match (size, sizes.len()) {
            (Some(size), 0) => size.clone(),
            (None, 1) => sizes.get_item(0)?,
            (None, n) if n > 1 => sizes.clone().into_any(),
            _ => {
                return Err(PyTypeError::new_err(
                    "resize_() missing 1 required positional arguments: \"size\"",
                ));
            }
        };
        let sizes: Vec<i64> = match given.extract::<i64>() {
            Ok(one) => vec![one],
            Err(_) => given.extract().map_err(|_| {
                PyTypeError::new_err(format!(
                    "resize_(): argument 'size' (position 1) must be tuple of ints, not {}",
                    type_name(&given)
                ))
            })?,
        };
        if slf.get().0.requires_grad() {
            return changed(slf, |t| t.resize_([0]));
        }
        let sizes: Option<Vec<usize>> = (sizes.iter()).map(|&n| usize::try_from(n).ok()).collect();
        let Some(sizes) = sizes else {
            return Err(PyRuntimeError::new_err(
                "numel: integer multiplication overflow",
            ));
        };
        changed(slf, |t| t.resize_(sizes))
    }

    /// Another size, which is another tensor's, over the same memory.
    #[pyo3(signature = (the_template, *, memory_format=None))]
    fn resize_as_<'py>(
        slf: &Object<'py>,
        the_template: &Bound<'_, PyAny>,
        memory_format: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Object<'py>> {
        row_by_row(memory_format)?;
        let other = the_template.cast::<PyTensor>().map_err(|_| {
            PyTypeError::new_err(format!(
                "resize_as_(): argument 'the_template' (position 1) must be Tensor, not {}",
                type_name(the_template)
            ))
        })?;
        changed(slf, |t| t.resize_as_(&other.get().0))
    }

    /// Exchanges everything with another leaf; `utils.swap_tensors` exchanges what is Python's too.
    fn _swap(&self, other: &Object<'_>) -> PyResult<()> {
        self.0.swap(&other.get().0).raise()
    }

    /// Shows another tensor's memory; `set_` takes storages too.
    #[pyo3(signature = (source, place=None))]
    fn _set<'py>(
        slf: &Object<'py>,
        source: &Object<'py>,
        place: Option<(Vec<usize>, Vec<isize>, usize)>,
    ) -> PyResult<Object<'py>> {
        let place = place.map(|(size, stride, offset)| (size.into(), stride, offset));
        changed(slf, |t| t.set_(&source.get().0, place))
    }
}

/// Carries a change out and gives the object back.
fn changed<'py>(
    slf: &Object<'py>,
    change: impl FnOnce(&Tensor) -> Result<(), Error>,
) -> PyResult<Object<'py>> {
    change(&slf.get().0).raise()?;
    Ok(slf.clone())
}

/// Sizes are given row by row: other orders are not there.
fn row_by_row(format: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(format) = format else { return Ok(()) };
    let name = format.str()?.to_string();
    match name.ends_with("contiguous_format") || name.ends_with("preserve_format") {
        true => Ok(()),
        false => Err(PyRuntimeError::new_err(format!(
            "resize_ has no memory format {name}: only rows"
        ))),
    }
}
