//! `autograd.Function`: a class of the user's with `forward` and `backward`, as a function of the library.
//!
//! The Python side (`autograd/function.py`) makes the context object and calls the class; this side gives it the tensors that
//! the engine kept.

use crate::autograd::{keep_exception, tensors};
use crate::convert::wrap;
use crate::error::Raise;
use crate::object::Held;
use crate::tensor::PyTensor;
use crate::watch;
use pullback::{
    Backward, Batch, Error, ErrorKind, Forward, Function, Grads, Result, Tensor, apply_shared,
};
use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;

/// One application of a class.
struct Applied {
    name: String,
    /// `autograd.function._Call`: holds the class, the context and the arguments.
    call: Held,
}

impl Applied {
    fn list<'py>(&self, py: Python<'py>, list: &[Option<Tensor>]) -> PyResult<Bound<'py, PyList>> {
        let items = (list.iter())
            .map(|t| match t {
                Some(t) => wrap(py, t.clone()),
                None => Ok(py.None().into_bound(py)),
            })
            .collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, items)
    }

    fn saved<'py>(&self, py: Python<'py>, cx: &Backward<'_>) -> Result<Bound<'py, PyList>> {
        let n: usize = (self.call.0.bind(py).getattr("saved_count"))
            .and_then(|n| n.extract())
            .map_err(keep_exception)?;
        let saved = (0..n)
            .map(|k| cx.saved(k).map(Some))
            .collect::<Result<Vec<_>>>()?;
        self.list(py, &saved).map_err(keep_exception)
    }
}

impl Function for Applied {
    fn name(&self) -> Cow<'static, str> {
        Cow::Owned(self.name.clone())
    }

    fn held(&self) -> Option<&(dyn Any + Send + Sync)> {
        Some(&self.call)
    }

    fn forward(&self, cx: &mut Forward, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        watch::stopped()?;
        Python::attach(|py| {
            let mut run = || -> PyResult<Vec<Tensor>> {
                let call = self.call.0.bind(py);
                let x =
                    (inputs.iter().map(|t| wrap(py, t.clone()))).collect::<PyResult<Vec<_>>>()?;
                let needs: Vec<bool> = (0..inputs.len()).map(|i| cx.needs_input_grad(i)).collect();
                let out = call.call_method1("forward", (PyList::new(py, x)?, needs))?;
                let out: Vec<Tensor> = tensors(&out, "forward")?.into_iter().flatten().collect();
                let marked = |name: &str| -> PyResult<Vec<Tensor>> {
                    let list = call.getattr(name)?;
                    Ok(tensors(&list, name)?.into_iter().flatten().collect())
                };
                let saved = marked("saved")?;
                cx.save_for_backward(&saved.iter().collect::<Vec<_>>());
                for t in marked("dirty")? {
                    cx.mark_dirty(&t);
                }
                for t in marked("constant")? {
                    cx.mark_non_differentiable(&t);
                }
                call.call_method0("forward_done")?;
                Ok(out)
            };
            run().map_err(|e| {
                watch::note_own(&e, inputs.iter());
                keep_exception(e)
            })
        })
    }

    fn batched(&self, batch: &Batch<'_>) -> Result<Option<Vec<Tensor>>> {
        Python::attach(|py| {
            let run = || -> PyResult<Vec<Tensor>> {
                let operands = (0..batch.arity()).map(|i| wrap(py, batch.get(i).clone()));
                let operands = operands.collect::<PyResult<Vec<_>>>()?;
                let batched: Vec<bool> = (0..batch.arity()).map(|i| batch.is_batched(i)).collect();
                let given = (batch.count(), PyList::new(py, operands)?, batched);
                let out = self.call.0.bind(py).call_method1("batched", given)?;
                Ok(tensors(&out, "results")?.into_iter().flatten().collect())
            };
            run().map(Some).map_err(keep_exception)
        })
    }

    fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
        watch::stopped()?;
        Python::attach(|py| {
            let call = self.call.0.bind(py);
            let saved = self.saved(py, cx)?;
            let (count, materialize): (usize, bool) = (call.getattr("backward_needs"))
                .and_then(|v| v.extract())
                .map_err(keep_exception)?;
            let grads = (0..count)
                .map(|k| match (cx.grad_or_none(k), materialize) {
                    (None, true) => cx.grad(k).map(Some),
                    (g, _) => Ok(g.cloned()),
                })
                .collect::<Result<Vec<_>>>()?;
            let run = || -> PyResult<Grads> {
                let out = call.call_method1("backward", (saved, self.list(py, &grads)?))?;
                tensors(&out, "backward's result")
            };
            run().map_err(|e| {
                watch::note_own(&e, grads.iter().flatten());
                keep_exception(e)
            })
        })
    }

    fn jvp(&self, cx: &Backward<'_>, tangents: &[Option<Tensor>]) -> Result<Grads> {
        watch::stopped()?;
        Python::attach(|py| {
            let saved = self.saved(py, cx)?;
            let run = || -> PyResult<Grads> {
                let list = self.list(py, tangents)?;
                let out = (self.call.0.bind(py)).call_method1("jvp", (saved, list))?;
                tensors(&out, "jvp's result")
            };
            run().map_err(|e| {
                let missing = e.is_instance_of::<PyNotImplementedError>(py);
                if !missing {
                    watch::note_own(&e, tangents.iter().flatten());
                }
                let kept = keep_exception(e);
                // The checker takes differences where no rule is written, and only there.
                match missing {
                    true => Error::new(ErrorKind::Unsupported, kept.message()),
                    false => kept,
                }
            })
        })
    }
}

thread_local! {
    static APPLICATIONS: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has applied a class of the user's.
pub(crate) fn applications() -> usize {
    APPLICATIONS.with(Cell::get)
}

/// Applies a class; `call` is the Python side's `_Call`, `inputs` the tensors among its arguments.
#[pyfunction]
#[track_caller]
pub(crate) fn apply_function<'py>(
    py: Python<'py>,
    name: String,
    call: Py<PyAny>,
    inputs: Vec<Py<PyTensor>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let inputs: Vec<Tensor> = (inputs.iter())
        .map(|t| crate::object::seen(t.bind(py)).clone())
        .collect();
    let refs: Vec<&Tensor> = inputs.iter().collect();
    APPLICATIONS.with(|n| n.set(n.get() + 1));
    let applied = Arc::new(Applied {
        name,
        call: Held(call),
    });
    let out = apply_shared(applied, &refs, Location::caller()).raise()?;
    let out = (out.into_iter().map(|t| wrap(py, t))).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, out)
}
