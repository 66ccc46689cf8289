//! What is given as `out=`: one tensor or several. Writing into them is the library's (`registry::Into`).

use crate::convert::{each, type_name};
use crate::tensor::PyTensor;
use pullback::Tensor;
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::prelude::*;

/// The tensors of `out`, and whether they came in a tuple or a list.
pub(crate) fn targets(name: &str, out: &Bound<'_, PyAny>) -> PyResult<(Vec<Tensor>, bool)> {
    let wrong = |what: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "{name}(): argument 'out' must be Tensor, not {}",
            type_name(what)
        ))
    };
    if let Ok(t) = out.cast::<PyTensor>() {
        return Ok((vec![t.get().0.clone()], false));
    }
    let mut list = Vec::new();
    let mut bad = None;
    let walked = each(out, |_, item| {
        match item.cast::<PyTensor>() {
            Ok(t) => list.push(t.get().0.clone()),
            Err(_) => {
                bad.get_or_insert_with(|| wrong(&item));
            }
        }
        Ok(())
    });
    match (walked, bad) {
        (Err(_), _) => Err(wrong(out)),
        (Ok(()), Some(error)) => Err(error),
        (Ok(()), None) => Ok((list, true)),
    }
}

/// Says what was warned of, on the line of the caller.
pub(crate) fn say(py: Python<'_>, warnings: Vec<String>) -> PyResult<()> {
    let kind = py.get_type::<PyUserWarning>();
    for text in warnings {
        PyErr::warn(py, &kind, &std::ffi::CString::new(text)?, 1)?;
    }
    Ok(())
}
