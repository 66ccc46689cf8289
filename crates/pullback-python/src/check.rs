//! The gradient checker for Python's functions: of tensors (recorded and replayed), or of plain numbers (black box).

use crate::autograd::{keep_exception, tensors};
use crate::convert::wrap;
use crate::error::{Raise, raise};
use crate::tensor::PyTensor;
use crate::watch::{self, Watch};
use pullback::check::{Argument, BlackBox, Check, Claimed, Coordinate, Report};
use pullback::{DType, Error, ErrorKind, Tensor};
use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use std::cell::{Cell, RefCell};

fn coordinate<'py>(py: Python<'py>, c: &Coordinate) -> PyResult<Bound<'py, PyDict>> {
    let ledger = PyDict::new(py);
    for (name, x) in c.ledger.terms() {
        ledger.set_item(name, x)?;
    }
    let d = PyDict::new(py);
    d.set_item("name", &c.name)?;
    d.set_item("input", c.input)?;
    d.set_item("index", PyTuple::new(py, c.index.iter())?)?;
    d.set_item("claimed", c.claimed)?;
    d.set_item("numeric", c.numeric)?;
    d.set_item("oracle", c.oracle)?;
    d.set_item("gap", c.gap)?;
    d.set_item("ledger", ledger)?;
    d.set_item("budget", c.budget)?;
    d.set_item("mde", c.mde)?;
    d.set_item("verdict", c.verdict.name())?;
    d.set_item("status", c.status.name())?;
    d.set_item("remark", &c.remark)?;
    d.set_item("outside", c.outside)?;
    Ok(d)
}

/// The report as nested dicts, with the keys of `pullback check --json`.
fn report<'py>(py: Python<'py>, r: &Report) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("status", r.status.name())?;
    let list = (r.coordinates.iter())
        .map(|c| coordinate(py, c))
        .collect::<PyResult<Vec<_>>>()?;
    d.set_item("coordinates", PyList::new(py, list)?)?;
    let kink = match &r.nearest_kink {
        None => py.None().into_bound(py),
        Some(k) => {
            let d = PyDict::new(py);
            d.set_item("name", &k.name)?;
            d.set_item("steps", k.steps)?;
            d.set_item("op", &k.op)?;
            d.set_item("unit", k.unit)?;
            d.into_any()
        }
    };
    d.set_item("nearest_kink", kink)?;
    d.set_item("guilty", r.guilty.as_ref().map(ToString::to_string))?;
    d.set_item("bug", r.kinds())?;
    let bugs = PyDict::new(py);
    for (name, kind) in &r.bugs {
        bugs.set_item(name, kind.to_string())?;
    }
    d.set_item("bugs", bugs)?;
    d.set_item("evaluations", r.evaluations)?;
    d.set_item("value", r.value)?;
    d.set_item("dtype", r.dtype.name())?;
    d.set_item("step", r.step)?;
    d.set_item("power", r.power)?;
    d.set_item("notes", &r.notes)?;
    d.set_item("conclusion", r.sentences())?;
    d.set_item("text", r.to_string())?;
    Ok(d)
}

/// Calls the function; what it gives that is no tensor is noted in `other`.
fn call(f: &Bound<'_, PyAny>, x: &[Tensor], other: &RefCell<Option<String>>) -> PyResult<Tensor> {
    let py = f.py();
    let args = (x.iter().map(|t| wrap(py, t.clone()))).collect::<PyResult<Vec<_>>>()?;
    let y = f.call1(PyTuple::new(py, args)?)?;
    if let Ok(t) = y.cast::<PyTensor>() {
        return Ok(t.get().0.clone());
    }
    let what = y.get_type().name()?.to_string();
    let help = match what.as_str() {
        "tuple" | "list" | "dict" => ", and it holds what is no tensor of real numbers",
        _ => "",
    };
    let text = format!("the function returns {what}, not a Tensor{help}");
    *other.borrow_mut() = Some(text.clone());
    Err(PyTypeError::new_err(text))
}

/// The folder of this package, with its last slash.
pub(crate) fn package(py: Python<'_>) -> PyResult<String> {
    let file: String = py.import("pullback")?.getattr("__file__")?.extract()?;
    Ok(file.trim_end_matches("__init__.py").to_string())
}

/// The user's file and line: the innermost frame of Python that is not this package's.
fn place() -> Option<String> {
    Python::attach(|py| {
        let find = || -> PyResult<Option<String>> {
            let package = package(py)?;
            let mut frame = py.import("sys")?.getattr("_getframe")?.call0()?;
            while !frame.is_none() {
                let file: String = frame.getattr("f_code")?.getattr("co_filename")?.extract()?;
                if !file.starts_with(&package) {
                    return Ok(Some(format!("{file}:{}", frame.getattr("f_lineno")?)));
                }
                frame = frame.getattr("f_back")?;
            }
            Ok(None)
        };
        find().ok().flatten()
    })
}

/// What calls of the function left behind that is no tensor.
#[derive(Default)]
struct Left {
    /// What it returned instead of a tensor, in words.
    other: RefCell<Option<String>>,
    /// It raised something.
    raised: Cell<bool>,
}

impl Left {
    fn call(&self, f: &Bound<'_, PyAny>, x: &[Tensor]) -> pullback::Result<Tensor> {
        watch::stopped()?;
        pullback::with_places(place, || call(f, x, &self.other)).map_err(|e| {
            self.raised.set(true);
            keep_exception(e)
        })
    }
}

/// A check of a function of tensors, set up.
#[allow(clippy::too_many_arguments)]
fn prepared<'a>(
    f: &'a Bound<'_, PyAny>,
    inputs: &[Tensor],
    formula: Option<&'a Bound<'_, PyAny>>,
    gradients: Option<&[Tensor]>,
    step: Option<f64>,
    names: Option<Vec<String>>,
    power: Option<f64>,
    examine_at_most: Option<usize>,
    (incoming, cotangent): (bool, Option<Tensor>),
    left: &'a Left,
) -> Check<'a> {
    let refs: Vec<&Tensor> = inputs.iter().collect();
    let mut check = Check::new(move |x| left.call(f, x), &refs);
    if let Some(names) = names {
        check = check.names(&names.iter().map(String::as_str).collect::<Vec<_>>());
    }
    if let Some(step) = step {
        check = check.step(step);
    }
    if let Some(power) = power {
        check = check.power(power);
    }
    if let Some(n) = examine_at_most {
        check = check.examine_at_most(n);
    }
    if let Some(g) = gradients {
        check = check.gradients(&g.iter().collect::<Vec<_>>());
    }
    if let Some(formula) = formula {
        let call = move |x: &[Tensor], g: Option<&Tensor>| {
            watch::stopped()?;
            let py = formula.py();
            let run = || -> PyResult<Vec<Tensor>> {
                let args = (x.iter().chain(g).map(|t| wrap(py, t.clone())))
                    .collect::<PyResult<Vec<_>>>()?;
                let out = formula.call1(PyTuple::new(py, args)?)?;
                Ok(tensors(&out, "the claimed gradient")?
                    .into_iter()
                    .flatten()
                    .collect())
            };
            run().map_err(keep_exception)
        };
        check = match incoming {
            true => check.backward(move |x, g| call(x, Some(g))),
            false => check.formula(move |x| call(x, None)),
        };
    }
    if let Some(cotangent) = &cotangent {
        check = check.cotangent(cotangent);
    }
    check
}

/// Checks a function of tensors.
#[pyfunction]
#[pyo3(signature = (f, inputs, formula=None, gradients=None, step=None, names=None, power=None, mode="full", page=false, incoming=false, cotangent=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn check_tensors<'py>(
    py: Python<'py>,
    f: &Bound<'py, PyAny>,
    inputs: &Bound<'py, PyAny>,
    formula: Option<&Bound<'py, PyAny>>,
    gradients: Option<&Bound<'py, PyAny>>,
    step: Option<f64>,
    names: Option<Vec<String>>,
    power: Option<f64>,
    mode: &str,
    page: bool,
    incoming: bool,
    cotangent: Option<&Bound<'py, PyTensor>>,
) -> PyResult<Bound<'py, PyAny>> {
    let inputs: Vec<Tensor> = tensors(inputs, "inputs")?.into_iter().flatten().collect();
    let gradients: Option<Vec<Tensor>> = match gradients {
        Some(g) if !g.is_none() => Some(tensors(g, "grad")?.into_iter().flatten().collect()),
        _ => None,
    };
    let formula = formula.filter(|g| !g.is_none());
    let few = (mode == "fast").then_some(0);
    let left = Left::default();
    let check = prepared(
        f,
        &inputs,
        formula,
        gradients.as_deref(),
        step,
        names,
        power,
        few,
        (incoming, cotangent.map(|w| w.get().0.clone())),
        &left,
    );
    let watch = Watch::new();
    if page {
        let page = pullback_report::gather(&check);
        watch.ended(page.is_ok())?;
        let page = page.map_err(raise)?;
        return Ok(pullback_report::render(&page).into_pyobject(py)?.into_any());
    }
    let before = crate::function::applications();
    let ran = check.run();
    watch.ended(ran.is_ok())?;
    // A `Function` that computes in NumPy, say, cannot be replayed in more digits, though the function itself can be called.
    if let Err(e) = &ran
        && !left.raised.get()
        && crate::function::applications() > before
        && e.kind() != ErrorKind::NonFinite
    {
        crate::autograd::passing_exception();
        return Err(PyNotImplementedError::new_err(e.to_string()));
    }
    // What was raised and did not end the check must not be taken for the error of a later call.
    if ran.is_ok() {
        crate::autograd::passing_exception();
    }
    let found = match (ran, &*left.other.borrow()) {
        (Err(_), Some(why)) => check.nothing(why),
        (found, _) => found,
    };
    Ok(report(py, &found.raise()?)?.into_any())
}

/// Numbers as Python's bytes, and back.
fn to_bytes<'py>(py: Python<'py>, x: &[f64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}

fn from_bytes(b: &[u8]) -> Vec<f64> {
    let (words, _) = b.as_chunks::<8>();
    words.iter().map(|w| f64::from_ne_bytes(*w)).collect()
}

/// Checks claimed gradients of a function of numbers, which come and go as bytes of doubles. Each argument is a name, a shape, whether it
/// is float32, and its numbers; each claim a cotangent and the gradient for it.
#[pyfunction]
#[pyo3(signature = (f, arguments, claims, single, step=None, power=None, fast=false))]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
pub(crate) fn check_numbers<'py>(
    py: Python<'py>,
    f: &Bound<'py, PyAny>,
    arguments: Vec<(String, Vec<usize>, bool, Vec<u8>)>,
    claims: Vec<(Vec<u8>, Vec<u8>)>,
    single: bool,
    step: Option<f64>,
    power: Option<f64>,
    fast: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let dtype = |single| if single { DType::F32 } else { DType::F64 };
    let watch = Watch::new();
    let value = |x: &[f64]| -> pullback::Result<Vec<f64>> {
        watch::stopped()?;
        let run = || -> PyResult<Vec<f64>> {
            py.check_signals()?;
            let y = f.call1((to_bytes(py, x),))?;
            Ok(from_bytes(y.cast::<PyBytes>()?.as_bytes()))
        };
        run().map_err(keep_exception)
    };
    let arguments = (arguments.into_iter())
        .map(|(name, shape, single, values)| Argument {
            name,
            shape,
            dtype: dtype(single),
            values: from_bytes(&values),
        })
        .collect();
    let claims = (claims.iter())
        .map(|(cotangent, gradient)| Claimed {
            cotangent: from_bytes(cotangent),
            gradient: from_bytes(gradient),
        })
        .collect();
    let mut check = BlackBox::new(value, arguments, claims).results(dtype(single));
    if let Some(step) = step {
        check = check.step(step);
    }
    if let Some(power) = power {
        check = check.power(power);
    }
    if fast {
        check = check.fast();
    }
    let found = check.run();
    watch.ended(found.is_ok())?;
    let found = found.map_err(|e| match e.kind() {
        ErrorKind::Shape => Error::new(ErrorKind::Value, e.message().to_string()),
        _ => e,
    });
    report(py, &found.raise()?)
}

/// The report on a function of numbers that returned none, with the reason. Each argument is a name, a shape and whether it is float32.
#[pyfunction]
#[pyo3(signature = (arguments, why, step=None, power=None))]
pub(crate) fn check_nothing<'py>(
    py: Python<'py>,
    arguments: Vec<(String, Vec<usize>, bool)>,
    why: String,
    step: Option<f64>,
    power: Option<f64>,
) -> PyResult<Bound<'py, PyDict>> {
    let inputs = (arguments.iter())
        .map(|(_, shape, single)| {
            Tensor::zeros(shape.clone(), if *single { DType::F32 } else { DType::F64 })
        })
        .collect::<pullback::Result<Vec<_>>>()
        .raise()?;
    let names: Vec<String> = arguments.into_iter().map(|a| a.0).collect();
    let none = |_: &[Tensor]| Err(Error::new(ErrorKind::Type, "it is not called"));
    let refs: Vec<&Tensor> = inputs.iter().collect();
    let mut check =
        Check::new(none, &refs).names(&names.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(step) = step {
        check = check.step(step);
    }
    if let Some(power) = power {
        check = check.power(power);
    }
    report(py, &check.nothing(&why).raise()?)
}
