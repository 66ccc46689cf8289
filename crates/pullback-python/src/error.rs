//! Errors of the library as Python exceptions of PyTorch's types, and panics as errors.

use pullback::{Error, ErrorKind};
use pyo3::exceptions::{
    PyIndexError, PyNotImplementedError, PyOSError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::panic::PanicException;
use pyo3::prelude::*;

pyo3::create_exception!(
    pullback._C,
    _LinAlgError,
    PyRuntimeError,
    "A matrix that has no such factors: singular, not positive definite, or not finite."
);

/// The exception for an error. An exception that passed through the library inside of an error comes out as it was.
pub(crate) fn raise(e: Error) -> PyErr {
    if let Some(kept) = crate::autograd::passing_exception() {
        return kept;
    }
    Python::attach(|py| {
        let notes = e.notes_in_python();
        let mut text = e.message().to_string();
        if e.kind() == ErrorKind::StaleSave && text.ends_with("instead.") {
            text += crate::autograd::anomaly_hint();
        }
        // An exception has notes since Python 3.11: they stand under it in a traceback and are no part of `str(e)`, which scripts
        // compare and print.
        let apart = py.version_info() >= (3, 11);
        if !apart {
            text.extend(notes.iter().map(|note| format!("\n  {note}")));
        }
        let error = match e.kind() {
            ErrorKind::Type => PyTypeError::new_err(text),
            ErrorKind::Index => PyIndexError::new_err(text),
            ErrorKind::Value => PyValueError::new_err(text),
            ErrorKind::Unsupported => PyNotImplementedError::new_err(text),
            ErrorKind::Io => PyOSError::new_err(text),
            ErrorKind::Factorisation => _LinAlgError::new_err(text),
            _ => PyRuntimeError::new_err(text),
        };
        if apart {
            for note in notes {
                // Only an exception that forbids attributes has no notes, and none of these does.
                let _ = error.value(py).call_method1("add_note", (note,));
            }
        }
        error
    })
}

/// A result of the library as Python's.
pub(crate) trait Raise<T> {
    /// The value, or the exception.
    fn raise(self) -> PyResult<T>;
}

impl<T> Raise<T> for pullback::Result<T> {
    #[inline]
    fn raise(self) -> PyResult<T> {
        self.map_err(raise)
    }
}

/// Makes the exception that stands for a panic an ordinary one: a `RuntimeError` that says it is a bug of ours.
///
/// PyO3 catches a panic in every function of the extension and raises its `PanicException`, which derives from `BaseException`, so
/// that `except Exception` lets it through and the program ends. Its class is made when the program runs, so its base can be
/// another; what the error says is in `_parts.py`.
pub(crate) fn panics_are_errors(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let class = m.py().get_type::<PanicException>();
    class.setattr("__bases__", (m.py().get_type::<PyRuntimeError>(),))?;
    class.setattr("__module__", "pullback")?;
    class.setattr("__name__", "InternalError")?;
    class.setattr("__qualname__", "InternalError")?;
    class.setattr("__str__", crate::convert::part(m.py(), "bug_text")?)?;
    Ok(())
}

/// Panics, for the test that says what becomes of it.
#[pyfunction]
pub(crate) fn panic_for_test() {
    #[allow(clippy::panic)]
    {
        panic!("a panic on purpose");
    }
}

/// Room for `n` elements, or PyTorch's error where there is no such memory.
pub(crate) fn room<T>(n: usize) -> PyResult<Vec<T>> {
    let mut list = Vec::new();
    match list.try_reserve_exact(n) {
        Ok(()) => Ok(list),
        Err(_) => Err(no_room(n.saturating_mul(size_of::<T>()))),
    }
}

/// An error where `n` Python objects of a tensor's kind would not fit into the memory there is.
pub(crate) fn room_for_objects(n: usize) -> PyResult<()> {
    // A handle, its tensor and its layout take about this much.
    const OBJECT: usize = 256;
    room::<[u8; OBJECT]>(n).map(drop)
}

#[cold]
fn no_room(bytes: usize) -> PyErr {
    PyRuntimeError::new_err(format!(
        "can't allocate memory: you tried to allocate {bytes} bytes."
    ))
}
