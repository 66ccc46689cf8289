//! Errors of the library as Python exceptions of PyTorch's types, and panics as errors.

use pullback::{Error, ErrorKind};
use pyo3::exceptions::{
    PyIndexError, PyMemoryError, PyNotImplementedError, PyOSError, PyRuntimeError, PyTypeError,
    PyValueError,
};
use pyo3::prelude::*;

/// The exception for an error. An exception that passed through the library inside of an error comes out as it was.
pub(crate) fn raise(e: Error) -> PyErr {
    if let Some(kept) = crate::autograd::passing_exception() {
        return kept;
    }
    let text = text(&e);
    match e.kind() {
        ErrorKind::Type => PyTypeError::new_err(text),
        ErrorKind::Index => PyIndexError::new_err(text),
        ErrorKind::Value => PyValueError::new_err(text),
        ErrorKind::Alloc if text.contains("overflow") => PyRuntimeError::new_err(text),
        ErrorKind::Alloc => PyMemoryError::new_err(text),
        ErrorKind::Unsupported => PyNotImplementedError::new_err(text),
        ErrorKind::Io => PyOSError::new_err(text),
        _ => PyRuntimeError::new_err(text),
    }
}

/// PyTorch's sentence, then what else is known. The source line is left out: it is one of this extension's, and Python's
/// traceback shows the caller's.
fn text(e: &Error) -> String {
    let whole = e.to_string();
    let kept =
        (whole.lines()).filter(|line| !line.starts_with("  op: ") && !line.starts_with("  at "));
    kept.collect::<Vec<_>>().join("\n")
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
