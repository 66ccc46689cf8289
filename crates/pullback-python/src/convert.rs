//! Python's objects as arguments, and results as Python's objects.

use crate::dtype;
use crate::error::{Raise, room};
use crate::memory;
use crate::tensor::PyTensor;
use pullback::registry::Value;
use pullback::{Number, Operand, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::borrow::Cow;

/// What the Python side of the package defines and this side needs: `Size`, result types.
static PARTS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// A name of `pullback._parts`.
pub(crate) fn part<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let module = PARTS.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("pullback._parts")?.into_any().unbind())
    })?;
    module.bind(py).getattr(name)
}

/// A plain number: Python's, NumPy's, or whatever says `__index__` or `__float__` and is no array.
pub(crate) fn number(v: &Bound<'_, PyAny>) -> Option<Number> {
    if v.is_instance_of::<PyFloat>() {
        return v.extract().ok().map(Number::Float);
    }
    if v.is_instance_of::<PyBool>() {
        return v.extract().ok().map(Number::Bool);
    }
    if v.is_instance_of::<PyInt>() {
        return integer(v);
    }
    if !is_numpy_scalar(v) {
        return None;
    }
    let kind: String = (v.getattr("dtype").ok()?.getattr("kind").ok()?)
        .extract()
        .ok()?;
    match kind.as_str() {
        "b" => v.is_truthy().ok().map(Number::Bool),
        "i" | "u" => integer(&v.call_method0("__int__").ok()?),
        "f" => (v.call_method0("__float__").ok()?.extract().ok()).map(Number::Float),
        _ => None,
    }
}

/// An integer of 64 bits, with or without a sign.
fn integer(v: &Bound<'_, PyAny>) -> Option<Number> {
    match v.extract() {
        Ok(i) => Some(Number::Int(i)),
        Err(_) => v.extract().ok().map(Number::UInt),
    }
}

/// PyTorch's errors for an integer of more than 64 bits.
#[cold]
fn too_long(v: &Bound<'_, PyAny>) -> PyErr {
    let text = match v.lt(0) {
        Ok(true) => "can't convert negative int to unsigned",
        _ => "int too big to convert",
    };
    pyo3::exceptions::PyOverflowError::new_err(text)
}

/// Scalars of NumPy have a dtype and no dimensions, and are no arrays.
fn is_numpy_scalar(v: &Bound<'_, PyAny>) -> bool {
    v.get_type().module().is_ok_and(|m| m == "numpy")
        && v.getattr("ndim").is_ok_and(|n| n.eq(0).unwrap_or(false))
        && v.get_type().name().is_ok_and(|n| n != "ndarray")
}

/// A tensor or a number beside an operator; arrays of NumPy become tensors.
pub(crate) enum Other<'a> {
    Tensor(Cow<'a, Tensor>),
    Number(Number),
}

impl<'a> Other<'a> {
    #[inline]
    pub(crate) fn of(v: &'a Bound<'_, PyAny>) -> PyResult<Option<Other<'a>>> {
        if let Ok(x) = v.cast_exact::<PyFloat>() {
            return Ok(Some(Other::Number(Number::Float(x.value()))));
        }
        if let Ok(t) = v.cast::<PyTensor>() {
            return Ok(Some(Other::Tensor(Cow::Borrowed(&t.get().0))));
        }
        if let Some(n) = number(v) {
            return Ok(Some(Other::Number(n)));
        }
        if v.is_instance_of::<PyInt>() {
            return Err(too_long(v));
        }
        let array = memory::of_array(v)?;
        Ok(array.map(|t| Other::Tensor(Cow::Owned(t))))
    }

    #[inline]
    pub(crate) fn operand(&self) -> Operand<'_> {
        match self {
            Other::Tensor(t) => Operand::Tensor(t),
            Other::Number(n) => Operand::Number(*n),
        }
    }

    #[inline]
    pub(crate) fn value(self) -> Value {
        match self {
            Other::Tensor(t) => Value::Tensor(t.into_owned()),
            Other::Number(Number::Bool(b)) => Value::Bool(b),
            Other::Number(Number::Int(i)) => Value::Int(i),
            Other::Number(Number::UInt(u)) => Value::UInt(u),
            Other::Number(n) => Value::Float(n.to_f64()),
        }
    }
}

/// How deep lists may be nested.
pub(crate) const DEEPEST: usize = 64;

/// Walks a list or a tuple: each element once, and as many as there were at the start, whatever code that runs meanwhile (a
/// number's `__float__`) does to the list.
pub(crate) fn each<'py>(
    v: &Bound<'py, PyAny>,
    mut f: impl FnMut(usize, Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    /// How many elements pass between two looks at Ctrl-C.
    const PATIENCE: usize = 1 << 16;
    let signals = |i: usize| match i % PATIENCE == PATIENCE - 1 {
        true => v.py().check_signals(),
        false => Ok(()),
    };
    if let Ok(list) = v.cast::<PyList>() {
        for i in 0..list.len() {
            signals(i)?;
            f(i, list.get_item(i)?)?;
        }
        return Ok(());
    }
    for (i, item) in v.cast::<PyTuple>()?.iter().enumerate() {
        signals(i)?;
        f(i, item)?;
    }
    Ok(())
}

/// An argument: a tensor, a number, a text, a dtype, an array, or a list or tuple of such.
pub(crate) fn to_value(v: &Bound<'_, PyAny>) -> PyResult<Value> {
    value_at(v, 0)
}

fn value_at(v: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if let Ok(t) = v.cast::<PyTensor>() {
        return Ok(Value::Tensor(crate::object::seen(t).clone()));
    }
    if v.is_none() {
        return Ok(Value::None);
    }
    if let Some(n) = number(v) {
        return Ok(Other::Number(n).value());
    }
    if let Ok(s) = v.cast::<PyString>() {
        return Ok(Value::Str(s.to_string()));
    }
    if v.is_instance_of::<PyTuple>() || v.is_instance_of::<PyList>() {
        if depth > DEEPEST {
            return Err(PyTypeError::new_err(format!(
                "a {} nested more than {DEEPEST} levels deep (or one that holds itself) is no argument",
                v.get_type().name()?
            )));
        }
        let mut list = Vec::new();
        each(v, |_, item| {
            list.push(value_at(&item, depth + 1)?);
            Ok(())
        })?;
        return Ok(Value::List(list));
    }
    if let Some(d) = dtype::extract(v) {
        return Ok(Value::DType(d));
    }
    if let Some(t) = memory::of_array(v)? {
        return Ok(Value::Tensor(t));
    }
    if v.is_instance_of::<PyInt>() {
        return Err(too_long(v));
    }
    Err(PyTypeError::new_err(format!(
        "an argument of type {} is not taken here",
        v.get_type().name()?
    )))
}

/// The Python object of a tensor.
#[inline]
pub(crate) fn wrap(py: Python<'_>, t: Tensor) -> PyResult<Bound<'_, PyAny>> {
    crate::picture::note_line(py, &t);
    crate::object::of(py, t)
}

/// A result.
pub(crate) fn to_python<'py>(py: Python<'py>, v: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match v {
        Value::Tensor(t) => wrap(py, t)?,
        Value::None => py.None().into_bound(py),
        Value::Bool(b) => PyBool::new(py, b).to_owned().into_any(),
        Value::Int(i) => i.into_pyobject(py)?.into_any(),
        Value::UInt(u) => u.into_pyobject(py)?.into_any(),
        Value::Float(x) => x.into_pyobject(py)?.into_any(),
        Value::Str(s) => s.into_pyobject(py)?.into_any(),
        Value::DType(d) => dtype::object(py, d)?.into_bound(py).into_any(),
        Value::List(list) => {
            let items =
                (list.into_iter().map(|v| to_python(py, v))).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
    })
}

/// The name of an object's type, for errors.
pub(crate) fn type_name(v: &Bound<'_, PyAny>) -> String {
    (v.get_type().name()).map_or_else(|_| "object".to_string(), |name| name.to_string())
}

/// A shape as `Size`.
pub(crate) fn size<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    part(py, "size_of")?.call1((PyTuple::new(py, shape)?,))
}

/// Number as a Python object of its kind.
pub(crate) fn number_object<'py>(py: Python<'py>, n: Number) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, Other::Number(n).value())
}

/// The elements as nested lists.
pub(crate) fn tolist<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    if t.ndim() == 0 {
        return number_object(py, t.number().raise()?);
    }
    // Every number and every list is an object of Python's, of some 32 to 64 bytes.
    let lists = (t.shape().iter().rev().skip(1).rev()).fold(1usize, |n, &d| n.saturating_mul(d));
    room::<[u8; 32]>(lists.saturating_mul(2).saturating_add(t.numel())).map(drop)?;
    let flat = t.flatten().raise()?;
    let objects: Vec<Bound<'py, PyAny>> = match flat.dtype() {
        d if d.is_float() => (flat.to_f64_vec().raise()?.into_iter())
            .map(|x| Ok(x.into_pyobject(py)?.into_any()))
            .collect::<PyResult<_>>()?,
        pullback::DType::Bool => (flat.to_vec::<bool>().raise()?.into_iter())
            .map(|b| Ok(PyBool::new(py, b).to_owned().into_any()))
            .collect::<PyResult<_>>()?,
        pullback::DType::U64 => (flat.to_vec::<u64>().raise()?.into_iter())
            .map(|i| Ok(i.into_pyobject(py)?.into_any()))
            .collect::<PyResult<_>>()?,
        _ => (flat
            .to(pullback::DType::I64)
            .and_then(|t| t.to_vec::<i64>()))
        .raise()?
        .into_iter()
        .map(|i| Ok(i.into_pyobject(py)?.into_any()))
        .collect::<PyResult<_>>()?,
    };
    nest(py, &t.shape()[..], &mut objects.into_iter())
}

fn nest<'py>(
    py: Python<'py>,
    shape: &[usize],
    items: &mut impl Iterator<Item = Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (n, rest) = (shape[0], &shape[1..]);
    let mut list = room(n)?;
    for _ in 0..n {
        match rest.is_empty() {
            true => list.extend(items.next()),
            false => list.push(nest(py, rest, items)?),
        }
    }
    Ok(PyList::new(py, list)?.into_any())
}
