//! The class `Tensor`: what it is, how it is made and shown, its sizes and its memory.
//!
//! Its other methods stand beside it, one file a concern: `history.rs` gradients, `values.rs` elements as Python's objects,
//! `writes.rs` in-place writes, `replace.rs` other arrays and shapes, `operators.rs` Python's operators; indexing is in `index.rs`. Methods that are functions of
//! the list are put on the class from there (`call.rs`).

mod history;
mod operators;
mod replace;
mod values;
mod writes;

use crate::convert::{size, type_name, wrap};
use crate::data;
use crate::dtype;
use crate::error::Raise;
use crate::object;
use crate::warned;
use pullback::Tensor;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PySet, PyTuple, PyType};

/// A handle of a tensor.
#[pyclass(name = "Tensor", module = "torch", subclass, weakref, frozen)]
pub(crate) struct PyTensor(pub(crate) Tensor);

#[pymethods]
impl PyTensor {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(
        class: &Bound<'_, PyType>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let made = PyTensor::of_arguments(args, kwargs)?;
        if !class.is(class.py().get_type::<PyTensor>()) {
            object::keep_class(&made.0, class);
        }
        Ok(made)
    }

    /// Attributes of the user's own. They stay with the tensor.
    #[getter(__dict__)]
    fn attributes<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        object::attributes_made(slf)
    }

    #[setter(__dict__)]
    fn set_attributes(slf: &Bound<'_, Self>, attributes: &Bound<'_, PyDict>) {
        object::keep_attributes(slf, attributes);
    }

    fn __setattr__(
        slf: &Bound<'_, Self>,
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        object::set_attribute(slf, name, Some(value))
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        object::set_attribute(slf, name, None)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match object::is_written(self) {
            true => object::traverse(&visit, |found| self.0.visit_own(found)),
            false => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.0.clear_own();
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let text = slf.get().0.to_string();
        if slf.is_exact_instance_of::<PyTensor>() {
            return Ok(text);
        }
        (crate::convert::part(slf.py(), "shown")?)
            .call1((slf, text))?
            .extract()
    }

    fn __str__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Self::__repr__(slf)
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize >> 4
    }

    /// The sizes of all dimensions.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        size(py, &self.0.shape()[..])
    }

    /// The shape, or the size of one dimension.
    #[pyo3(signature = (dim=None))]
    fn size<'py>(
        &self,
        py: Python<'py>,
        dim: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match one_dim("size", dim)? {
            None => size(py, &self.0.shape()[..]),
            Some(d) => Ok(self.0.size(d).raise()?.into_pyobject(py)?.into_any()),
        }
    }

    /// How many elements lie between neighbours of each dimension, or of one.
    #[pyo3(signature = (dim=None))]
    fn stride<'py>(
        &self,
        py: Python<'py>,
        dim: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let strides = self.0.array().layout().strides();
        match one_dim("stride", dim)? {
            None => Ok(PyTuple::new(py, strides.iter())?.into_any()),
            Some(d) => {
                self.0.size(d).raise()?; // an error for tensors without dimensions too
                let d = self.0.shape().dim(d).raise()?;
                Ok(strides[d].into_pyobject(py)?.into_any())
            }
        }
    }

    /// The type of the elements.
    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<Py<dtype::PyDType>> {
        dtype::object(py, self.0.dtype())
    }

    /// Where the tensor lies.
    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::convert::part(py, "device")?.call1((self.0.device().to_string(),))
    }

    /// Whether there are no numbers, only a shape, a dtype and strides.
    #[getter]
    fn is_meta(&self) -> bool {
        self.0.array().is_meta()
    }

    /// The tensor without its numbers.
    fn _to_meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.to_device(pullback::Device::Meta).raise()?)
    }

    /// How the elements lie: with strides.
    #[getter]
    fn layout<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::convert::part(py, "strided")
    }

    /// Number of dimensions.
    #[getter]
    fn ndim(&self) -> usize {
        self.0.ndim()
    }

    /// Number of dimensions.
    fn dim(&self) -> usize {
        self.0.ndim()
    }

    /// Number of elements.
    fn numel(&self) -> usize {
        self.0.numel()
    }

    /// Number of elements.
    fn nelement(&self) -> usize {
        self.0.numel()
    }

    /// Bytes of one element.
    fn element_size(&self) -> usize {
        self.0.dtype().size()
    }

    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.dtype().size()
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.0.numel().saturating_mul(self.0.dtype().size())
    }

    /// Where the first element lies in its storage, in elements.
    fn storage_offset(&self) -> usize {
        self.0.array().layout().offset()
    }

    /// Address of the first element.
    fn data_ptr(&self) -> usize {
        self.0.array().host_address().unwrap_or(0)
    }

    /// Whether the elements lie row by row without gaps.
    #[pyo3(signature = (memory_format=None))]
    fn is_contiguous(
        slf: &Bound<'_, Self>,
        memory_format: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        match memory_format {
            Some(format) => (crate::convert::part(slf.py(), "lies_as")?)
                .call1((slf, format))?
                .extract(),
            None => Ok(slf.get().0.is_contiguous()),
        }
    }

    /// A copy that lies in memory as PyTorch's memory format of a name says.
    fn _copied(&self, py: Python<'_>, format: &str) -> PyResult<Py<PyAny>> {
        let format = match format {
            "channels_last" => pullback::MemoryFormat::ChannelsLast,
            "channels_last_3d" => pullback::MemoryFormat::ChannelsLast3d,
            _ => pullback::MemoryFormat::Contiguous,
        };
        Ok(wrap(py, self.0.copy_in(format).raise()?)?.unbind())
    }

    /// Whether the dtype is a floating one.
    fn is_floating_point(&self) -> bool {
        self.0.dtype().is_float()
    }

    /// Whether the dtype is complex: never.
    fn is_complex(&self) -> bool {
        false
    }

    /// Whether the tensor lies on a GPU: never.
    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }

    /// Whether the tensor is sparse: never.
    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }

    /// The tensor whose memory this one shows, where it was made as a view.
    #[getter]
    fn _base<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.base().map(|b| wrap(py, b.clone())).transpose()
    }

    /// Whether the tensor was made as a view.
    fn _is_view(&self) -> bool {
        self.0.base().is_some()
    }

    /// How often the tensor's memory was written in place.
    #[getter]
    fn _version(&self) -> u32 {
        self.0.version()
    }

    /// All dimensions in reverse order.
    #[getter(T)]
    fn reversed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.ndim() {
            2 => {}
            0 => warned::NUMBER_T.say(py)?,
            _ => warned::REVERSED.say(py)?,
        }
        wrap(py, self.0.numpy_t().raise()?)
    }

    /// The last two dimensions exchanged.
    #[getter(mT)]
    fn matrix_t<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        transposed(slf, "mT", &warned::NUMBER_MT)
    }

    /// The matrix transposed (there are no complex numbers).
    #[getter(H)]
    fn adjoint<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let n = slf.get().0.ndim();
        if n > 2 || n == 1 {
            let more = match n {
                1 => "",
                _ => " For batches of matrices, consider using tensor.mH",
            };
            return Err(PyRuntimeError::new_err(format!(
                "tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor.{more}"
            )));
        }
        transposed(slf, "H", &warned::NUMBER_H)
    }

    /// The last two dimensions exchanged.
    #[getter(mH)]
    fn matrix_adjoint<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        transposed(slf, "mH", &warned::NUMBER_MH)
    }

    /// The last two dimensions exchanged: there are no complex numbers to conjugate.
    #[pyo3(name = "adjoint")]
    fn conjugated<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        transposed(slf, "adjoint()", &warned::NUMBER_ADJOINT)
    }
}

/// A tensor with its last two dimensions exchanged; one without dimensions is itself. `called`: what PyTorch's error names.
fn transposed<'py>(
    slf: &Bound<'py, PyTensor>,
    called: &str,
    of_number: &warned::Once,
) -> PyResult<Bound<'py, PyAny>> {
    let t = &slf.get().0;
    match t.ndim() {
        0 => {
            of_number.say(slf.py())?;
            Ok(slf.clone().into_any())
        }
        1 => Err(PyRuntimeError::new_err(format!(
            "tensor.{called} is only supported on matrices or batches of matrices. Got 1-D tensor."
        ))),
        _ => wrap(slf.py(), t.transpose(-2, -1).raise()?),
    }
}

impl PyTensor {
    /// `Tensor(…)`: of sizes, of data, or over another tensor.
    fn of_arguments(
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let float = data::default_float();
        if let Some(kwargs) = kwargs {
            named_arguments(kwargs)?;
        }
        if args.is_empty() {
            return Ok(PyTensor(Tensor::zeros([0], float).raise()?));
        }
        let first = args.get_item(0)?;
        if args.len() == 1 {
            if let Ok(t) = first.cast::<PyTensor>() {
                return Ok(PyTensor(t.get().0.clone()));
            }
            if first.is_instance(&crate::convert::part(first.py(), "Size")?)? {
                return Ok(PyTensor(
                    Tensor::zeros(sizes(first.cast()?)?, float).raise()?,
                ));
            }
        }
        if is_size(&first) {
            return Ok(PyTensor(Tensor::zeros(sizes(args)?, float).raise()?));
        }
        if args.len() > 1 {
            return Err(PyTypeError::new_err(format!(
                "new() received an invalid combination of arguments - got ({})",
                (args.iter().map(|a| type_name(&a)).collect::<Vec<_>>()).join(", ")
            )));
        }
        if !first.hasattr("__len__")?
            || first.is_instance_of::<PyDict>()
            || first.is_instance_of::<PySet>()
        {
            return Err(PyTypeError::new_err(format!(
                "new(): data must be a sequence (got {})",
                type_name(&first)
            )));
        }
        Ok(PyTensor(data::of_data(&first, Some(float))?))
    }
}

/// The dimension that a method takes alone: an integer, and no truth value.
fn one_dim(name: &str, dim: Option<&Bound<'_, PyAny>>) -> PyResult<Option<i64>> {
    let Some(dim) = dim.filter(|d| !d.is_none()) else {
        return Ok(None);
    };
    if dim.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{name}(): argument 'dim' (position 1) must be int, not bool"
        )));
    }
    dim.extract().map(Some)
}

/// Whether an argument of `Tensor(…)` begins a list of sizes.
fn is_size(v: &Bound<'_, PyAny>) -> bool {
    !v.is_instance_of::<PyBool>() && v.extract::<i64>().is_ok() && !v.is_instance_of::<PyFloat>()
        || v.is_instance_of::<PyInt>() && !v.is_instance_of::<PyBool>()
}

fn sizes(args: &Bound<'_, PyTuple>) -> PyResult<Vec<usize>> {
    let mut given = Vec::new();
    for (k, n) in args.iter().enumerate() {
        let size: i64 = n.extract().map_err(|_| {
            let what = match n.is_instance_of::<PyInt>() {
                true => "Overflow when unpacking long long".to_string(),
                false => format!("type must be tuple of ints,but got {}", type_name(&n)),
            };
            PyTypeError::new_err(format!(
                "new(): argument 'size' failed to unpack the object at pos {} with error \"{what}\"",
                k + 1
            ))
        })?;
        given.push(size);
    }
    match given.iter().find(|&&n| n < 0) {
        None => Ok(given.iter().map(|&n| n as usize).collect()),
        Some(n) => Err(PyRuntimeError::new_err(format!(
            "Trying to create tensor with negative dimension {n}: {given:?}"
        ))),
    }
}

/// `device=` is looked at; another name is a mistake.
fn named_arguments(kwargs: &Bound<'_, PyDict>) -> PyResult<()> {
    for (key, value) in kwargs.iter() {
        let key: String = key.extract()?;
        match key.as_str() {
            "device" => {
                data::check_device(&value)?;
            }
            // Subclasses that have no constructor of their own give theirs to this one.
            _ => continue,
        }
    }
    Ok(())
}

/// A number that handles of one tensor share.
#[pyfunction]
pub(crate) fn identity(t: &Bound<'_, PyTensor>) -> usize {
    t.get().0.address()
}
