//! `__torch_function__`: calls that the class of an argument, or a mode, answers in a function's stead.
//!
//! Nothing is looked at before a class of tensors says how it overrides functions or a mode is on: every call reads one flag. A class
//! that is no tensor is noticed when its object is refused as an argument. Who answers, and in which order, is decided in
//! `overrides.py`.

use crate::convert::part;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::tensor::PyTensor;

/// How many reasons there are to look: classes that override, and modes that are on.
static REASONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How many modes are on in this thread.
    static MODES: Cell<usize> = const { Cell::new(0) };
    /// How often the classes of arguments were silenced in this thread.
    static SILENCED: Cell<usize> = const { Cell::new(0) };
}

/// Whether calls have to look.
#[inline]
pub(crate) fn watched() -> bool {
    REASONS.load(Ordering::Relaxed) > 0
}

/// Whether calls look at their arguments' classes.
#[pyfunction]
pub(crate) fn overrides_watched() -> bool {
    watched()
}

/// One more reason to look, or one less.
#[pyfunction]
pub(crate) fn watch_overrides(more: bool) {
    match more {
        true => REASONS.fetch_add(1, Ordering::Relaxed),
        false => REASONS.fetch_sub(1, Ordering::Relaxed),
    };
}

/// How many modes are on in this thread.
#[pyfunction]
pub(crate) fn count_modes(modes: usize) {
    MODES.set(modes);
}

/// Silences the classes of arguments in this thread, or ends that; returns how often they are silenced.
#[pyfunction]
pub(crate) fn silence_classes(change: isize) -> usize {
    SILENCED.set(SILENCED.get().saturating_add_signed(change));
    SILENCED.get()
}

/// What a mode or an argument's class answers; `None` where nobody does.
#[cold]
pub(crate) fn answer<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mode = MODES.get() > 0;
    let any = || -> PyResult<bool> {
        for v in args.iter_borrowed() {
            if overrides(&v)? {
                return Ok(true);
            }
        }
        for (_, v) in kwargs.into_iter().flat_map(|d| d.iter()) {
            if overrides(&v)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    if !mode && (SILENCED.get() > 0 || !any()?) {
        return Ok(None);
    }
    let py = args.py();
    let named = match kwargs {
        Some(kwargs) => kwargs.clone(),
        None => PyDict::new(py),
    };
    let given = python_side(py, "_answer")?.call1((function, args, named))?;
    Ok((!given.is(python_side(py, "_NOBODY")?)).then_some(given))
}

/// What is answered where arguments were refused: an object that is no tensor may answer; else the error.
#[cold]
pub(crate) fn answer_to_refusal<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    refusal: PyErr,
) -> PyResult<Bound<'py, PyAny>> {
    let py = args.py();
    if watched() || !refusal.is_instance_of::<PyTypeError>(py) {
        return Err(refusal);
    }
    answer(function, args, kwargs)?.ok_or(refusal)
}

/// What an operator gives beside an object that is no operand: the answer of its class, or `NotImplemented`.
#[cold]
pub(crate) fn operand<'py>(
    tensor: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    operator: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let py = other.py();
    if SILENCED.get() > 0 || !overrides(other)? {
        return Ok(py.NotImplemented().into_bound(py));
    }
    python_side(py, "_operand")?.call1((tensor, other, operator))
}

/// Whether the class of an argument, or of what a list of it holds, overrides functions.
fn overrides(v: &Bound<'_, PyAny>) -> PyResult<bool> {
    if v.is_exact_instance_of::<PyTensor>()
        || v.is_exact_instance_of::<PyFloat>()
        || v.is_exact_instance_of::<PyInt>()
        || v.is_exact_instance_of::<PyBool>()
        || v.is_exact_instance_of::<PyString>()
        || v.is_none()
    {
        return Ok(false);
    }
    if v.is_exact_instance_of::<PyList>() || v.is_exact_instance_of::<PyTuple>() {
        for item in v.try_iter()? {
            let item = item?;
            if !item.is_instance_of::<PyInt>() && by_class(&item.get_type())? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    by_class(&v.get_type())
}

fn by_class(class: &Bound<'_, PyType>) -> PyResult<bool> {
    static NONE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = class.py();
    if class.is(py.get_type::<PyTensor>()) {
        return Ok(false);
    }
    let Some(found) = class.getattr_opt(pyo3::intern!(py, "__torch_function__"))? else {
        return Ok(false);
    };
    let none = NONE.get_or_try_init(py, || part(py, "no_torch_function").map(Bound::unbind))?;
    Ok(!found.is(none.bind(py)))
}

/// A name of `pullback.overrides`.
fn python_side<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("pullback.overrides")?.into_any().unbind())
    })?;
    module.bind(py).getattr(name)
}

/// Whether an argument's class overrides functions: what `overrides.has_torch_function_unary` asks.
#[pyfunction]
pub(crate) fn overrides_functions(v: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(MODES.get() > 0 || SILENCED.get() == 0 && by_class(&v.get_type())?)
}
