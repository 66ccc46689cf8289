//! Tensors from Python's data: nested lists, numbers, arrays, other tensors.

use crate::call::dtype_or;
use crate::convert::{DEEPEST, each, number, wrap};
use crate::dtype;
use crate::error::{Raise, room};
use crate::memory::{from_array_interface, of_array};
use crate::tensor::PyTensor;
use pullback::{Category, DType, Device, Number, Tensor, dispatch};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What floats become without a dtype.
pub(crate) fn default_float() -> DType {
    DType::default_float()
}

/// `set_default_dtype`.
#[pyfunction]
pub(crate) fn set_default_dtype(d: &Bound<'_, PyAny>) -> PyResult<()> {
    DType::set_default_float(dtype::extract(d).unwrap_or(DType::Bool)).raise()
}

/// `get_default_dtype`.
#[pyfunction]
pub(crate) fn get_default_dtype(py: Python<'_>) -> PyResult<Py<dtype::PyDType>> {
    dtype::object(py, default_float())
}

/// How many `with torch.device("meta")` are entered.
static ON_META: AtomicUsize = AtomicUsize::new(0);

/// Enters or leaves a `with torch.device("meta")`.
#[pyfunction]
pub(crate) fn enter_meta(on: bool) {
    match on {
        true => ON_META.fetch_add(1, Ordering::Relaxed),
        false => ON_META.fetch_sub(1, Ordering::Relaxed),
    };
}

/// Where tensors are made that nobody says a device for.
pub(crate) fn default_device() -> Device {
    match ON_META.load(Ordering::Relaxed) {
        0 => Device::Cpu,
        _ => Device::Meta,
    }
}

/// The device of an argument: the CPU, or nowhere.
pub(crate) fn check_device(v: &Bound<'_, PyAny>) -> PyResult<Device> {
    let text = v.str()?.to_string();
    match text.split(':').next() {
        _ if v.is_none() => return Ok(default_device()),
        Some("cpu") => return Ok(Device::Cpu),
        Some("meta") => return Ok(Device::Meta),
        _ => {}
    }
    Err(PyRuntimeError::new_err(format!(
        "device '{text}' is not there: Pullback computes on the CPU"
    )))
}

/// What is said of a new tensor of integers that is to require a gradient.
pub(crate) const NO_GRADIENT: &str =
    "Only Tensors of floating point and complex dtype can require gradients";

/// One of Python's own numbers; NumPy's have a dtype, though one of them is a `float` too.
fn is_plain_number(v: &Bound<'_, PyAny>) -> bool {
    let exact = v.is_exact_instance_of::<PyFloat>()
        || v.is_exact_instance_of::<PyInt>()
        || v.is_exact_instance_of::<PyBool>();
    exact || v.getattr("__array_interface__").is_err()
}

/// Whether Python walks it by numbers: lists and tuples, and what behaves like them (`range`, `array`, `deque`).
pub(crate) fn is_sequence(v: &Bound<'_, PyAny>) -> bool {
    if v.is_instance_of::<PyList>() || v.is_instance_of::<PyTuple>() {
        return true;
    }
    let has = |name| v.hasattr(name).unwrap_or(false);
    has("__getitem__") && has("__len__") && !has("keys")
}

/// Elements row by row, while nested data is walked.
#[derive(Default)]
struct Walk {
    shape: Vec<usize>,
    data: Vec<Number>,
    /// Elements that had a dtype of their own (tensors, NumPy's scalars).
    typed: Option<DType>,
    /// The widest kind among Python's own numbers.
    plain: Option<Category>,
    /// The dtype asked for.
    wanted: Option<DType>,
}

impl Walk {
    fn walk(&mut self, v: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        if depth > DEEPEST {
            return Err(PyValueError::new_err(format!(
                "too many dimensions '{}': data is nested more than {DEEPEST} levels deep, or holds itself",
                v.get_type().name()?
            )));
        }
        if v.is_instance_of::<PyList>() || v.is_instance_of::<PyTuple>() {
            return self.walk_list(v, depth);
        }
        if v.is_instance_of::<PyInt>() && v.extract::<i64>().is_err() {
            let n = self.long(v)?;
            return self.push(n, depth, None);
        }
        if is_plain_number(v)
            && let Some(n) = number(v)
        {
            return self.push(n, depth, None);
        }
        // Among numbers, a tensor of one element is a number, as in PyTorch; arrays of NumPy are rows.
        if let Ok(t) = v.cast::<PyTensor>() {
            let t = &t.get().0;
            if t.numel() != 1 {
                return Err(PyValueError::new_err(
                    "only one element tensors can be converted to Python scalars",
                ));
            }
            return self.push(t.number().raise()?, depth, Some(t.dtype()));
        }
        if let Some(t) = of_array(v)? {
            return self.rows(&t, depth);
        }
        // PyTorch looks for a list's shape by its first elements, and takes a text for a further row.
        if v.is_instance_of::<PyString>() && depth > 0 && self.data.is_empty() {
            return Err(PyValueError::new_err(format!(
                "too many dimensions '{}'",
                v.get_type().name()?
            )));
        }
        if v.is_instance_of::<PyString>() || v.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(format!(
                "new(): invalid data type '{}'",
                v.get_type().name()?
            )));
        }
        if is_sequence(v) {
            // As many as it says, however many it would give.
            let n = v.len()?;
            let mut items = room(n)?;
            for item in v.try_iter()?.take(n) {
                items.push(item?);
            }
            return self.walk(PyList::new(v.py(), items)?.as_any(), depth);
        }
        Err(PyRuntimeError::new_err(format!(
            "Could not infer dtype of {}",
            v.get_type().name()?
        )))
    }

    /// A list or a tuple, item by item.
    fn walk_list(&mut self, v: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        // The list's own length: a class derived from it may say another.
        let n = match v.cast::<PyList>() {
            Ok(list) => list.len(),
            Err(_) => v.cast::<PyTuple>()?.len(),
        };
        self.expect(depth, n)?;
        self.data
            .try_reserve(n)
            .or_else(|_| room::<Number>(n).map(drop))?;
        each(v, |i, item| {
            let nested = item.is_instance_of::<PyList>() || item.is_instance_of::<PyTuple>();
            if self.shape.len() > depth + 1 && !nested && number(&item).is_some() {
                return Err(PyTypeError::new_err(format!(
                    "expected sequence of length {} at dim {}, got a number at position {i}",
                    self.shape[depth + 1],
                    depth + 1
                )));
            }
            self.walk(&item, depth + 1)
        })
    }

    /// The numbers of an array, as rows of the data.
    fn rows(&mut self, t: &Tensor, depth: usize) -> PyResult<()> {
        for (k, &n) in t.shape().iter().enumerate() {
            self.expect(depth + k, n)?;
        }
        if t.numel() == 1 && t.ndim() == 0 {
            return self.push(t.number().raise()?, depth, Some(t.dtype()));
        }
        let flat = t.flatten().raise()?;
        match t.dtype().category() {
            Category::Float => {
                let numbers = flat.to_f64_vec().raise()?;
                self.data.extend(numbers.into_iter().map(Number::Float));
            }
            Category::Integer if t.dtype() == DType::U64 => {
                let numbers = flat.to_vec().raise()?;
                self.data.extend(numbers.into_iter().map(Number::UInt));
            }
            Category::Integer => {
                let numbers = flat.to(DType::I64).and_then(|t| t.to_vec()).raise()?;
                self.data.extend(numbers.into_iter().map(Number::Int));
            }
            Category::Bool => {
                let numbers = flat.to_vec().raise()?;
                self.data.extend(numbers.into_iter().map(Number::Bool));
            }
        }
        self.typed(t.dtype());
        Ok(())
    }

    /// An integer of more digits than an element has: what it is as a float or a truth value, if that was asked for.
    fn long(&self, v: &Bound<'_, PyAny>) -> PyResult<Number> {
        match self.wanted {
            Some(d) if d.is_float() => v.extract().map(Number::Float),
            Some(DType::Bool) => Ok(Number::Bool(true)),
            Some(DType::U64) => v.extract().map(Number::UInt),
            _ => Err(PyValueError::new_err("Overflow when unpacking long long")),
        }
    }

    fn expect(&mut self, depth: usize, n: usize) -> PyResult<()> {
        if self.shape.len() == depth && self.data.is_empty() {
            self.shape.push(n);
        }
        match self.shape.get(depth) {
            Some(&m) if m == n => Ok(()),
            Some(&m) => Err(PyValueError::new_err(format!(
                "expected sequence of length {m} at dim {depth} (got {n})"
            ))),
            None => Err(PyTypeError::new_err("not a sequence")),
        }
    }

    fn push(&mut self, n: Number, depth: usize, typed: Option<DType>) -> PyResult<()> {
        if self.shape.len() != depth {
            return Err(PyTypeError::new_err(format!(
                "expected a sequence at dim {depth} (got a number)"
            )));
        }
        self.data.push(n);
        match typed {
            Some(d) => self.typed(d),
            None => self.plain = self.plain.max(Some(n.category())),
        }
        Ok(())
    }

    fn typed(&mut self, d: DType) {
        self.typed = Some(self.typed.map_or(d, |t| t.promote(d)));
    }

    fn dtype(&self) -> DType {
        let plain = self.plain.map(|kind| match kind {
            Category::Bool => DType::Bool,
            Category::Integer => DType::I64,
            Category::Float => default_float(),
        });
        match (self.typed, plain) {
            (Some(d), Some(p)) => d.promote(p),
            (Some(d), None) | (None, Some(d)) => d,
            (None, None) => default_float(),
        }
    }

    fn tensor(self, dtype: DType) -> PyResult<Tensor> {
        if dtype.category() == Category::Integer && self.data.iter().any(|n| !n.fits(dtype)) {
            return Err(PyRuntimeError::new_err(format!(
                "value cannot be converted to type {} without overflow",
                dtype.name()
            )));
        }
        dispatch!(stored dtype, T => {
            let mut data: Vec<T> = room(self.data.len())?;
            data.extend(self.data.iter().map(|n| n.cast::<T>()));
            Tensor::from_slice(&data, self.shape.as_slice()).raise()
        })
    }
}

/// An independent tensor of any data.
pub(crate) fn of_data(data: &Bound<'_, PyAny>, dtype: Option<DType>) -> PyResult<Tensor> {
    let ready = match data.cast::<PyTensor>() {
        Ok(t) => Some(t.get().0.detach().deep_copy().raise()?),
        Err(_) => from_array_interface(data, true)?,
    };
    if let Some(t) = ready {
        return match dtype {
            Some(d) if d != t.dtype() => t.to(d).raise(),
            _ => Ok(t),
        };
    }
    let mut walk = Walk {
        wanted: dtype,
        ..Walk::default()
    };
    walk.walk(data, 0)?;
    let dtype = dtype.unwrap_or_else(|| walk.dtype());
    walk.tensor(dtype)
}

/// `tensor(data, dtype=None, device=None, requires_grad=False)`: a copy of the data.
#[pyfunction]
#[pyo3(signature = (data, *, dtype=None, device=None, requires_grad=false, pin_memory=false))]
pub(crate) fn tensor<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
    requires_grad: bool,
    pin_memory: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = pin_memory;
    let device = match device {
        Some(d) => check_device(d)?,
        None => default_device(),
    };
    let dtype = match dtype {
        Some(d) if !d.is_none() => Some(dtype_or(Some(d), DType::F32)?),
        _ => None,
    };
    if data.is_instance_of::<PyTensor>() {
        crate::warned::say(py, crate::warned::COPY)?;
    }
    let t = of_data(data, dtype)?.to_device(device).raise()?;
    if requires_grad && !t.dtype().is_differentiable() {
        return Err(PyRuntimeError::new_err(NO_GRADIENT));
    }
    wrap(
        py,
        if requires_grad {
            t.requires_grad_(true).raise()?
        } else {
            t
        },
    )
}

/// `as_tensor(data, dtype=None, device=None)`: shares memory where it can.
#[pyfunction]
#[pyo3(signature = (data, dtype=None, device=None))]
pub(crate) fn as_tensor<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    dtype: Option<&Bound<'py, PyAny>>,
    device: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let device = match device {
        Some(d) => check_device(d)?,
        None => default_device(),
    };
    let wanted = match dtype {
        Some(d) if !d.is_none() => Some(dtype_or(Some(d), DType::F32)?),
        _ => None,
    };
    if let Ok(t) = data.cast::<PyTensor>() {
        let t = &t.get().0;
        let moved = device == Device::Meta && t.device() != device;
        return match wanted {
            Some(d) if d != t.dtype() => wrap(py, t.to(d).raise()?),
            _ if moved => wrap(py, t.to_device(device).raise()?),
            _ => Ok(data.clone()),
        };
    }
    // What cannot be shared is copied, and what cannot be read is an error there too.
    let shared = from_array_interface(data, false).unwrap_or_default();
    match shared {
        Some(t) if wanted.is_none_or(|d| d == t.dtype()) => wrap(py, t.to_device(device).raise()?),
        _ => wrap(py, of_data(data, wanted)?.to_device(device).raise()?),
    }
}
