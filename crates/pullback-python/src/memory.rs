//! Memory that NumPy and tensors share, both ways, by NumPy's array interface (a dict with address, shape and strides).
//!
//! `unsafe` is here and in `dlpack.rs` alone: memory that somebody else owns becomes a tensor's storage.
#![allow(unsafe_code)]

use crate::convert::wrap;
use crate::dtype;
use crate::error::{Raise, raise};
use crate::tensor::PyTensor;
use pullback::{Array, DType, Layout, Shape, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// Keeps a Python object alive from inside a storage. Dropped with the interpreter attached.
struct Owner(Option<Py<PyAny>>);

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            Python::try_attach(|_| drop(object));
        }
    }
}

/// A tensor of an object that has NumPy's array interface; `None` where it has none. `copy` makes it independent.
pub(crate) fn from_array_interface(v: &Bound<'_, PyAny>, copy: bool) -> PyResult<Option<Tensor>> {
    of_interface(v, copy, true)
}

/// The lowest and the highest byte that strides reach from the first element.
fn reach(shape: &[usize], strides: &[isize], item: isize) -> PyResult<(isize, isize)> {
    let beyond =
        || PyValueError::new_err("the strides of the array interface reach beyond all memory");
    let (mut low, mut high) = (0isize, item);
    for (&n, &s) in shape.iter().zip(strides) {
        let reach = (n as isize - 1).checked_mul(s);
        let bound = if s < 0 { &mut low } else { &mut high };
        *bound = (reach.and_then(|r| bound.checked_add(r))).ok_or_else(beyond)?;
    }
    match high.checked_sub(low) {
        Some(_) => Ok((low, high)),
        None => Err(beyond()),
    }
}

/// As [`from_array_interface`]; `convert`: what cannot be taken as it is may be converted by its owner, once.
fn of_interface(v: &Bound<'_, PyAny>, copy: bool, convert: bool) -> PyResult<Option<Tensor>> {
    // The interface of a NumPy scalar shows memory of an array that is made for the question and gone after it.
    let held = match is_numpy_scalar(v) {
        true => v.call_method0("__array__")?,
        false => v.clone(),
    };
    let v = &held;
    let Ok(interface) = v.getattr("__array_interface__") else {
        return Ok(None);
    };
    let again = |v: Bound<'_, PyAny>| match convert {
        true => of_interface(&v, true, false),
        false => Err(PyTypeError::new_err(
            "an object with an array interface does not convert itself to a type that is taken here",
        )),
    };
    let interface = interface.cast_into::<PyDict>()?;
    let get = |key: &str| {
        (interface.get_item(key)?)
            .ok_or_else(|| PyTypeError::new_err(format!("the array interface has no {key:?}")))
    };
    let typestr: String = get("typestr")?.extract()?;
    if is_swapped(&typestr) {
        return Err(PyValueError::new_err(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.",
        ));
    }
    let Some(dtype) = dtype::of_typestr(&typestr) else {
        return Err(PyTypeError::new_err(format!(
            "can't convert np.ndarray of type {}. The only supported types are: float64, float32, float16, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.",
            v.getattr("dtype").map_or(typestr, |d| format!("numpy.{d}"))
        )));
    };
    // A tuple, whose length is its own.
    let shape: Vec<usize> = get("shape")?.cast_into::<PyTuple>()?.extract()?;
    Shape::new(&shape).checked_numel().raise()?;
    let (address, read_only): (usize, bool) = get("data")?.extract()?;
    let strides = match interface.get_item("strides")? {
        Some(s) if !s.is_none() => s.cast_into::<PyTuple>()?.extract::<Vec<isize>>()?,
        // Rows one after the other; NumPy itself says more of dimensions of one element, whose stride could be any.
        _ => (shape
            .contains(&1)
            .then(|| v.getattr("strides").ok()?.extract().ok())
            .flatten())
        .unwrap_or_else(|| row_major(&shape, dtype.size())),
    };
    if strides.len() != shape.len() {
        return Err(PyValueError::new_err(
            "the array interface has not one stride for each dimension",
        ));
    }
    let numel: usize = shape.iter().product();
    if numel == 0 {
        return Ok(Some(Tensor::zeros(shape, dtype).raise()?));
    }
    let item = dtype.size() as isize;
    if strides.iter().any(|s| s % item != 0) || address % dtype.size() != 0 {
        return match copy {
            true => again(v.call_method1("copy", ("C",))?),
            false => Err(PyValueError::new_err(
                "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.",
            )),
        };
    }
    if !copy && strides.iter().any(|&s| s < 0) {
        return Err(PyValueError::new_err(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. (You can probably work around this by making a copy of your array  with array.copy().) ",
        ));
    }
    let _ = read_only; // as in PyTorch, writing to a tensor over read-only memory is the caller's mistake
    let (low, high) = reach(&shape, &strides, item)?;
    let start = address.wrapping_add_signed(low) as *mut u8;
    let owner = Owner(Some(v.clone().unbind()));
    let steps: Vec<isize> = strides.iter().map(|s| s / item).collect();
    let layout = Layout::new(Shape::new(&shape), &steps, (-low / item) as usize);
    // SAFETY: the array interface says that the bytes from `low` to `high` around the address belong to the object's
    // memory, which it keeps while it lives; the owner keeps it.
    let array =
        unsafe { Array::foreign(start, (high - low) as usize, layout, dtype, Box::new(owner)) };
    let tensor = Tensor::from_array(array.raise()?);
    if copy {
        return tensor.deep_copy().map(Some).map_err(raise);
    }
    Ok(Some(tensor))
}

/// Whether it is one of NumPy's numbers, and no array.
fn is_numpy_scalar(v: &Bound<'_, PyAny>) -> bool {
    static GENERIC: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let numpy = v.py().import("sys").and_then(|sys| sys.getattr("modules"));
    // Without NumPy there are no such numbers, and nothing is loaded for the question.
    let loaded = numpy.is_ok_and(|modules| modules.contains("numpy").unwrap_or(false));
    loaded
        && GENERIC
            .import(v.py(), "numpy", "generic")
            .is_ok_and(|kind| v.is_instance(kind).unwrap_or(false))
}

/// Whether the bytes of numbers stand the other way round than this machine has them.
fn is_swapped(typestr: &str) -> bool {
    let other = if cfg!(target_endian = "big") {
        '<'
    } else {
        '>'
    };
    typestr.starts_with(other) && !typestr.ends_with("b1")
}

/// An independent tensor of an array beside an operator, an argument or an element of a list, whatever the order of its bytes;
/// `None` where it is none.
pub(crate) fn of_array(v: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    let swapped = (v.getattr("__array_interface__").ok())
        .and_then(|d| d.get_item("typestr").ok()?.extract::<String>().ok())
        .is_some_and(|typestr| is_swapped(&typestr));
    match swapped {
        true => {
            let native = v.getattr("dtype")?.call_method1("newbyteorder", ("=",))?;
            from_array_interface(&v.call_method1("astype", (native,))?, true)
        }
        false => from_array_interface(v, true),
    }
}

fn row_major(shape: &[usize], item: usize) -> Vec<isize> {
    let mut strides = vec![item as isize; shape.len()];
    for d in (0..shape.len().saturating_sub(1)).rev() {
        strides[d] = strides[d + 1].saturating_mul(shape[d + 1].max(1) as isize);
    }
    strides
}

/// What NumPy makes an array of that shares a tensor's memory: it holds the memory, which a tensor may be given another one for.
#[pyclass(frozen)]
pub(crate) struct Shared {
    array: Array,
}

/// A tensor's array, for who hands its address to others: while it is held, the memory is there.
pub(crate) fn held(t: &Tensor) -> PyResult<Array> {
    let array = t.array().clone();
    if array.is_meta() {
        return Err(PyNotImplementedError::new_err(
            "Cannot copy out of meta tensor; no data!",
        ));
    }
    match array.storage().is_open() {
        true => Ok(array),
        false => Err(PyRuntimeError::new_err(
            "the tensor was given another array by another thread",
        )),
    }
}

#[pymethods]
impl Shared {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let t = &self.array;
        if t.is_meta() {
            return Err(PyTypeError::new_err("a meta tensor has no memory"));
        }
        let item = t.dtype().size();
        let layout = t.layout();
        let address = t.host_address().raise()?;
        let strides: Vec<isize> = (layout.strides().iter())
            .map(|s| s * item as isize)
            .collect();
        let d = PyDict::new(py);
        d.set_item("version", 3)?;
        d.set_item("typestr", dtype::typestr(t.dtype()))?;
        d.set_item("shape", PyTuple::new(py, t.shape().iter())?)?;
        d.set_item("strides", PyTuple::new(py, strides)?)?;
        d.set_item("data", (address, false))?;
        Ok(d)
    }
}

/// A NumPy array over the tensor's memory.
pub(crate) fn to_numpy<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    if t.array().is_meta() {
        return Err(PyTypeError::new_err(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
        ));
    }
    let t = match t.dtype() {
        DType::Dd => t.to(DType::F64).raise()?,
        DType::BF16 => {
            return Err(PyTypeError::new_err("Got unsupported ScalarType BFloat16"));
        }
        _ => t.clone(),
    };
    let numpy = py.import("numpy")?;
    if t.numel() == 0 {
        let shape = PyTuple::new(py, t.shape().iter())?;
        return numpy.call_method1("empty", (shape, t.dtype().name()));
    }
    let shared = Bound::new(py, Shared { array: held(&t)? })?;
    numpy.call_method1("asarray", (shared,))
}

/// `from_numpy`: a tensor over the array's memory.
#[pyfunction]
pub(crate) fn from_numpy<'py>(
    py: Python<'py>,
    array: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_array = (py.import("numpy")?.getattr("ndarray")?)
        .cast_into::<pyo3::types::PyType>()
        .is_ok_and(|class| array.is_instance(&class).unwrap_or(false));
    if !is_array {
        return Err(PyTypeError::new_err(format!(
            "expected np.ndarray (got {})",
            array.get_type().name()?
        )));
    }
    match from_array_interface(array, false)? {
        Some(t) => wrap(py, t),
        None => Err(PyTypeError::new_err("the array has no array interface")),
    }
}

/// The whole memory of a tensor as one row: of its own elements, or of bytes. Without history, under a version of its own; it holds the
/// memory and not the tensor, which may hold the row or be given other memory.
#[pyfunction]
pub(crate) fn storage_row<'py>(
    t: &Bound<'py, PyTensor>,
    bytewise: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let array = held(&t.get().0)?;
    let dtype = match bytewise {
        true => DType::U8,
        false => array.dtype(),
    };
    wrap(t.py(), Tensor::from_array(row_of(array, dtype)?))
}

/// The whole memory of a row as elements of a dtype.
#[pyfunction]
pub(crate) fn storage_as<'py>(
    row: &Bound<'py, PyTensor>,
    dtype: &Bound<'_, dtype::PyDType>,
) -> PyResult<Bound<'py, PyAny>> {
    let row_array = held(&row.get().0)?;
    wrap(
        row.py(),
        Tensor::from_array(row_of(row_array, dtype.get().0)?),
    )
}

/// The whole memory of an array as elements of a dtype, under a version of its own.
fn row_of(array: Array, dtype: DType) -> PyResult<Array> {
    let bytes = array.storage().bytes();
    let layout = Layout::row_major(Shape::new(&[bytes / dtype.size()]));
    if dtype == array.dtype() {
        return array.uncounted().and_then(|a| a.view(layout)).raise();
    }
    let first = array.view(Layout::row_major(Shape::new(&[0]))).raise()?;
    let start = first.host_address().raise()? as *mut u8;
    // SAFETY: the storage's bytes live while the owner, an array of the same storage, does, since `held` found it open; every
    // pattern of bits is an element.
    unsafe { Array::foreign(start, bytes, layout, dtype, Box::new(array)) }.raise()
}

/// Elements of a dtype at given places of the memory of a row: how pickles make tensors that share memory.
#[pyfunction]
pub(crate) fn strided<'py>(
    row: &Bound<'py, PyTensor>,
    dtype: &Bound<'py, PyAny>,
    sizes: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if sizes.len() != strides.len() || strides.iter().any(|&s| s < 0) {
        return Err(PyValueError::new_err(
            "a tensor has a stride that is not negative for each of its sizes",
        ));
    }
    let dtype = dtype::extract(dtype).ok_or_else(|| PyTypeError::new_err("that is no dtype"))?;
    let shape = Shape::new(&sizes);
    shape.checked_numel().raise()?;
    let layout = Layout::new(shape, &strides, offset);
    let array = row.get().0.array().reinterpret(dtype, layout).raise()?;
    wrap(row.py(), Tensor::from_array(array))
}

/// Whether two handles show the same memory.
#[pyfunction]
pub(crate) fn shares_memory(a: &Bound<'_, PyTensor>, b: &Bound<'_, PyTensor>) -> bool {
    (a.get().0.array().storage()).shares_memory(b.get().0.array().storage())
}
