//! `dtype` objects: one for each element type, compared by identity, printed as PyTorch prints them.

use crate::convert::Other;
use crate::error::Raise;
use pullback::{Category, DType};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// An element type: `pullback.float32`.
#[pyclass(name = "dtype", module = "torch", frozen, eq, hash)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PyDType(pub(crate) DType);

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.0.name())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (&'static str,))> {
        Ok((crate::convert::part(py, "dtype_named")?, (self.0.name(),)))
    }

    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_float()
    }

    #[getter]
    fn is_complex(&self) -> bool {
        false
    }

    #[getter]
    fn is_signed(&self) -> bool {
        self.0 != DType::Bool && !self.0.is_unsigned()
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }

    /// The name that PyTorch's older types and error sentences have for it: `Float`.
    #[getter]
    fn scalar_type(&self) -> &'static str {
        self.0.scalar_type_name()
    }

    /// The name without the module.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }
}

static SINGLETONS: PyOnceLock<Vec<Py<PyDType>>> = PyOnceLock::new();

/// The object of an element type.
pub(crate) fn object(py: Python<'_>, dtype: DType) -> PyResult<Py<PyDType>> {
    let all = SINGLETONS.get_or_try_init(py, || {
        (DType::ALL.iter())
            .map(|&d| Py::new(py, PyDType(d)))
            .collect::<PyResult<Vec<_>>>()
    })?;
    let at = DType::ALL.iter().position(|&d| d == dtype).unwrap_or(0);
    Ok(all[at].clone_ref(py))
}

/// The element type that a Python object names: a dtype, one of Python's types, a NumPy dtype or a text.
pub(crate) fn extract(v: &Bound<'_, PyAny>) -> Option<DType> {
    if let Ok(d) = v.cast::<PyDType>() {
        return Some(d.get().0);
    }
    if v.is_instance_of::<pyo3::types::PyType>() {
        let name = v.getattr("__name__").ok()?;
        return match name.extract::<String>().ok()?.as_str() {
            "float" => Some(DType::F64),
            "int" => Some(DType::I64),
            "bool" => Some(DType::Bool),
            _ => None,
        };
    }
    None
}

/// What NumPy's array interface calls a dtype; bfloat16 and double-double are none of NumPy's.
pub(crate) fn typestr(dtype: DType) -> String {
    let order = if dtype.size() == 1 { '|' } else { '<' };
    format!("{order}{}{}", dtype.kind(), dtype.size())
}

/// The element type of NumPy's array interface, if there is one.
pub(crate) fn of_typestr(text: &str) -> Option<DType> {
    let text = text.replace('=', "<");
    let all = DType::ALL.iter().copied();
    all.filter(|d| matches!(d.kind(), 'b' | 'i' | 'u' | 'f'))
        .find(|&d| typestr(d) == text)
}

fn named(v: &Bound<'_, PyAny>, function: &str, argument: &str, position: usize) -> PyResult<DType> {
    match v.cast::<PyDType>() {
        Ok(d) => Ok(d.get().0),
        Err(_) => Err(PyTypeError::new_err(format!(
            "{function}(): argument '{argument}' (position {position}) must be torch.dtype, not {}",
            v.get_type().name()?
        ))),
    }
}

/// The smallest dtype that both go into.
#[pyfunction]
pub(crate) fn promote_types(
    type1: &Bound<'_, PyAny>,
    type2: &Bound<'_, PyAny>,
) -> PyResult<Py<PyDType>> {
    let a = named(type1, "promote_types", "type1", 1)?;
    let b = named(type2, "promote_types", "type2", 2)?;
    object(type1.py(), a.common(b).raise()?)
}

/// Whether a result of one dtype may be written into another: no float into integers, no number into bools.
#[pyfunction]
pub(crate) fn can_cast(from_: &Bound<'_, PyAny>, to: &Bound<'_, PyAny>) -> PyResult<bool> {
    let from = named(from_, "can_cast", "from_", 1)?;
    let to = named(to, "can_cast", "to", 2)?;
    Ok(from.category() <= to.category())
}

/// The dtype of a result of two tensors or numbers.
#[pyfunction]
pub(crate) fn result_type(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Py<PyDType>> {
    let (Some(x), Some(y)) = (Other::of(a)?, Other::of(b)?) else {
        return Err(PyTypeError::new_err(format!(
            "result_type() received an invalid combination of arguments - got ({}, {})",
            a.get_type().name()?,
            b.get_type().name()?
        )));
    };
    // A number only matters where it is of a wider kind than the tensor, and then it has the kind's usual dtype.
    let usual = |kind: Category| match kind {
        Category::Bool => DType::Bool,
        Category::Integer => DType::I64,
        Category::Float => DType::default_float(),
    };
    let dtype = match (x, y) {
        (Other::Tensor(x), Other::Tensor(y)) => pullback::common_type(&x, &y).raise()?,
        (Other::Tensor(t), Other::Number(n)) | (Other::Number(n), Other::Tensor(t)) => {
            match n.category() > t.dtype().category() {
                true => usual(n.category()),
                false => t.dtype(),
            }
        }
        (Other::Number(m), Other::Number(n)) => usual(m.category().max(n.category())),
    };
    object(a.py(), dtype)
}
