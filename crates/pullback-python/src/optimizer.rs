//! One step of a group of parameters for Python's optimisers: their dicts read, one pass over all parameters, counts written back.
//!
//! What is kept lies in Python's dicts as tensors, with PyTorch's keys. Whatever is not as the pass wants it (half precisions, options that are tensors,
//! a state that somebody changed) is left to the optimiser's own formulas over tensors, which know every case and every error.

use crate::convert::wrap;
use crate::error::{Raise, room};
use crate::tensor::PyTensor;
use pullback::optim::{self, Algorithm, Job, binding};
use pullback::{Array, DType, Number, Tensor, kernels};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::sync::{Mutex, PoisonError};

/// Elements above which the interpreter is released.
const HEAVY: usize = 1 << 14;

/// Steps the parameters of a group that have gradients; `False`, and nothing done, where the formulas over tensors have to.
#[pyfunction]
pub(crate) fn optimizer_step(
    name: &str,
    group: &Bound<'_, PyAny>,
    state: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let (Ok(group), Ok(state)) = (group.cast::<PyDict>(), state.cast::<PyDict>()) else {
        return Ok(false);
    };
    match name {
        "SGD" => step::<optim::SGDOptions>(group, state),
        "Adam" => step::<optim::AdamOptions>(group, state),
        "Adamax" => step::<optim::AdamaxOptions>(group, state),
        "NAdam" => step::<optim::NAdamOptions>(group, state),
        "RAdam" => step::<optim::RAdamOptions>(group, state),
        "Adagrad" => step::<optim::AdagradOptions>(group, state),
        "Adadelta" => step::<optim::AdadeltaOptions>(group, state),
        "RMSprop" => step::<optim::RMSpropOptions>(group, state),
        "Rprop" => step::<optim::RpropOptions>(group, state),
        "ASGD" => step::<optim::ASGDOptions>(group, state),
        _ => Ok(false),
    }
}

/// Python's texts of the names of options and states: a step asks dicts for dozens of them.
static NAMES: PyOnceLock<Mutex<Vec<Known>>> = PyOnceLock::new();

/// A name, and Python's text of it.
type Known = (&'static str, Py<PyString>);

/// A name as Python's text, which is made once.
fn text<'py>(py: Python<'py>, name: &'static str) -> PyResult<Bound<'py, PyString>> {
    let names = NAMES.get_or_init(py, || Mutex::new(Vec::new()));
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = names.iter().find(|(n, _)| std::ptr::eq(*n, name)) {
        return Ok(known.bind(py).clone());
    }
    let made = PyString::intern(py, name);
    names
        .try_reserve(1)
        .map_err(|_| PyMemoryError::new_err(()))?;
    names.push((name, made.clone().unbind()));
    Ok(made)
}

/// A number of Python's own.
fn number(v: &Bound<'_, PyAny>) -> Option<f64> {
    match v.is_instance_of::<PyFloat>()
        || v.is_exact_instance_of::<PyInt>()
        || v.is_exact_instance_of::<PyBool>()
    {
        true => v.extract().ok(),
        false => None,
    }
}

/// The options of a group; none where one is no number.
fn options<A: Algorithm + Default>(group: &Bound<'_, PyDict>) -> PyResult<Option<A>> {
    let mut options = A::default();
    for &name in A::setting_names() {
        let Some(value) = group.get_item(text(group.py(), name)?)? else {
            return Ok(None);
        };
        let taken = match value.cast::<PyTuple>() {
            Ok(all) => (all.iter().map(|v| number(&v)).collect::<Option<Vec<f64>>>())
                .and_then(|numbers| options.set(name, &numbers)),
            Err(_) => number(&value).and_then(|x| options.set(name, &[x])),
        };
        if taken.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(options))
}

fn is_true(group: &Bound<'_, PyDict>, name: &'static str) -> PyResult<bool> {
    (group.get_item(text(group.py(), name)?)?).map_or(Ok(false), |v| v.is_truthy())
}

/// A parameter with what is kept of it.
struct Ready<'py> {
    key: Bound<'py, PyAny>,
    job: Job,
    /// The tensors of its numbers; none yet where the state is new.
    numbers: Vec<Array>,
    /// The dict that is to get what is new.
    kept: Option<Bound<'py, PyDict>>,
}

fn step<A: Algorithm + Default>(
    group: &Bound<'_, PyDict>,
    state: &Bound<'_, PyDict>,
) -> PyResult<bool> {
    if is_true(group, "differentiable")? {
        return Ok(false);
    }
    let halves = is_true(group, "fused")?;
    let (Some(options), Some(params)) = (
        options::<A>(group)?,
        group.get_item(text(group.py(), "params")?)?,
    ) else {
        return Ok(false);
    };
    let Ok(params) = params.cast::<PyList>() else {
        return Ok(false);
    };
    let mut all: Vec<Ready<'_>> = room(params.len())?;
    for key in params.iter() {
        let Ok(param) = key.cast::<PyTensor>() else {
            return Ok(false);
        };
        let param = &param.get().0;
        let Some(grad) = param.grad() else { continue };
        let fits = match param.dtype() {
            DType::F32 | DType::F64 => true,
            DType::F16 | DType::BF16 => halves,
            _ => false,
        };
        if !fits || grad.dtype() != param.dtype() || !binding::may_step(param) {
            return Ok(false);
        }
        match ready(&options, key.clone(), param, &grad, state)? {
            Some(one) => all.push(one),
            None => return Ok(false),
        }
    }
    for one in all.iter_mut() {
        begin(&options, one, state)?;
    }
    let (mut jobs, mut counts) = (room::<Job>(all.len())?, room::<Vec<Array>>(all.len())?);
    for one in all {
        jobs.push(one.job);
        counts.push(one.numbers);
    }
    let work: usize = jobs.iter().map(|job| job.param.numel()).sum();
    match work > HEAVY {
        true => group.py().detach(|| options.advance(&mut jobs)),
        false => options.advance(&mut jobs),
    }
    .raise()?;
    for (places, job) in counts.iter().zip(&jobs) {
        for (place, &x) in places.iter().zip(&job.numbers) {
            kernels::fill(place, Number::Float(x)).raise()?;
        }
    }
    Ok(true)
}

/// What is known of a parameter; `None` where the state is not what the options ask for.
fn ready<'py, A: Algorithm>(
    options: &A,
    key: Bound<'py, PyAny>,
    param: &Tensor,
    grad: &Tensor,
    state: &Bound<'py, PyDict>,
) -> PyResult<Option<Ready<'py>>> {
    let param = param.array().clone();
    let mut one = Ready {
        job: Job {
            grad: grad.array().clone(),
            arrays: Default::default(),
            numbers: Default::default(),
            fresh: true,
            rounds: DType::default_float(),
            param,
        },
        numbers: Vec::new(),
        kept: None,
        key,
    };
    let (names, numbers) = (options.arrays(one.job.param.rank()), options.numbers());
    if let Some(kept) = state.get_item(&one.key)? {
        let Ok(kept) = kept.cast_into::<PyDict>() else {
            return Ok(None);
        };
        // Momentum of SGD begins when it is first asked for, whatever else is there.
        let empty = kept.is_empty() || numbers.is_empty() && !filled(&kept, names)?;
        if !empty {
            return Ok(found(&kept, names, numbers, &mut one)?.then_some(one));
        }
        one.kept = Some(kept);
    } else if A::NAME == "Adagrad" {
        // Its state is made with it.
        return Ok(None);
    }
    let plain = matches!(one.job.rounds, DType::F32 | DType::F64);
    Ok(plain.then_some(one))
}

/// Whether a dict has tensors of these names.
fn filled(kept: &Bound<'_, PyDict>, names: &[&'static str]) -> PyResult<bool> {
    for name in names {
        match kept.get_item(text(kept.py(), name)?)? {
            Some(v) if !v.is_none() => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Takes what a dict has; says whether it is all there and as the parameter is.
fn found(
    kept: &Bound<'_, PyDict>,
    names: &[&'static str],
    numbers: &[&'static str],
    one: &mut Ready<'_>,
) -> PyResult<bool> {
    one.job.fresh = false;
    let tensor = |name: &'static str| -> PyResult<Option<Tensor>> {
        let found = kept.get_item(text(kept.py(), name)?)?;
        Ok(found.and_then(|v| v.cast::<PyTensor>().ok().map(|t| t.get().0.clone())))
    };
    for (k, name) in numbers.iter().enumerate() {
        let Some(t) = tensor(name)? else {
            return Ok(false);
        };
        let same = k == 0 || t.dtype() == one.job.rounds;
        if t.numel() != 1 || !matches!(t.dtype(), DType::F32 | DType::F64) || !same {
            return Ok(false);
        }
        one.job.rounds = t.dtype();
        one.job.numbers.push(t.item_f64().raise()?);
        one.numbers.push(t.array().clone());
    }
    for name in names {
        let Some(t) = tensor(name)? else {
            return Ok(false);
        };
        let param = &one.job.param;
        if t.dtype() != param.dtype() || t.shape() != param.shape() {
            return Ok(false);
        }
        one.job.arrays.push(t.array().clone());
    }
    Ok(true)
}

/// Puts what a parameter begins with into its dict, in PyTorch's order.
fn begin<A: Algorithm>(
    options: &A,
    one: &mut Ready<'_>,
    state: &Bound<'_, PyDict>,
) -> PyResult<()> {
    if !one.job.fresh {
        return Ok(());
    }
    let py = state.py();
    let names = options.arrays(one.job.param.rank());
    let numbers = options.numbers();
    if names.is_empty() && numbers.is_empty() {
        return Ok(());
    }
    let kept = match one.kept.take() {
        Some(kept) => kept,
        None => {
            let kept = PyDict::new(py);
            state.set_item(&one.key, &kept)?;
            kept
        }
    };
    for name in numbers {
        let array =
            Array::number(Number::Float(options.first_number(name)), one.job.rounds).raise()?;
        one.job.numbers.push(array.item().raise()?.to_f64());
        kept.set_item(name, wrap(py, Tensor::from_array(array.clone()))?)?;
        one.numbers.push(array);
    }
    for name in names {
        let array = options.first_array(name, &one.job.param).raise()?;
        kept.set_item(name, wrap(py, Tensor::from_array(array.clone()))?)?;
        one.job.arrays.push(array);
    }
    Ok(())
}
