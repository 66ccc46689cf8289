//! What Python is told of arguments of wrong types: the name that was called, positions without the method's own tensor, and Python's names
//! of types, as PyTorch says them. Only calls that failed come here; what functions find wrong themselves stays as it was said.

use crate::call::Builtin;
use crate::convert::to_value;
use crate::error::raise;
use pullback::registry::{Arguments, Value, Written, refusal};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The exception of a call in PyTorch's words; `object` is a method's tensor.
#[cold]
pub(crate) fn in_words(
    function: &Builtin,
    object: Option<&Bound<'_, PyAny>>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    raised: PyErr,
) -> PyErr {
    if !raised.is_instance_of::<PyTypeError>(args.py()) {
        return raised;
    }
    // What cannot be said anew was said well enough.
    match said(function, object, args, kwargs) {
        Ok(Some(e)) => e,
        _ => raised,
    }
}

fn said(
    function: &Builtin,
    object: Option<&Bound<'_, PyAny>>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<PyErr>> {
    let (mut values, mut types) = (Arguments::new(), Vec::new());
    for v in object.cloned().into_iter().chain(args.iter()) {
        let name = type_name(&v)?;
        // What no function takes stands for itself by the name of its type.
        let value = to_value(&v).unwrap_or_else(|_| Value::Str(name.clone()));
        values.push(value);
        types.push(name);
    }
    let target = function.target();
    let (named, _) = target.common(kwargs)?;
    let mut types_of_named = Vec::new();
    for (key, _) in &named {
        if let Some(v) = kwargs.map(|d| d.get_item(key)).transpose()?.flatten() {
            types_of_named.push((key.clone(), type_name(&v)?));
        }
    }
    let named: Vec<(&str, Value)> = (named.iter())
        .map(|(k, v)| (k.as_str(), v.clone()))
        .collect();
    let name = function.called();
    let written = Written {
        name: &name,
        before: usize::from(object.is_some()),
        types: &types,
        named: &types_of_named,
    };
    Ok(refusal(target.name, &target.overloads, &values, &named, &written).map(raise))
}

/// A type's name as PyTorch prints it: those of NumPy with their module.
fn type_name(v: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = v.get_type();
    let name = class.name()?.to_string();
    let module = class.module()?.to_string();
    Ok(match (module.as_str(), name.as_str()) {
        ("numpy", _) => format!("numpy.{name}"),
        (_, "Size" | "dtype" | "device") if module == "torch" || module.starts_with("pullback") => {
            format!("torch.{name}")
        }
        _ => name,
    })
}
