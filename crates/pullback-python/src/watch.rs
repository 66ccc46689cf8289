//! A running check's watch over the Python code that it calls, in closures, `Function`s and hooks alike.
//!
//! The checker tries what may fail (a `Function` in more digits, points outside a domain) and goes on without it. Ctrl-C and its kin
//! must not be lost so: once one was raised no more of the user's code is called, and the check ends with it. An ordinary exception of a
//! `Function` in its own dtype, where that ended the check, comes out as it is too.

use crate::autograd::keep_exception;
use pullback::{DType, Tensor};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::cell::RefCell;

/// What was raised since a check began.
#[derive(Default)]
struct Seen {
    /// Ctrl-C and its kin (no `Exception`).
    stopped: Option<PyErr>,
    /// The last of a `Function` that was called in its own dtype.
    own: Option<PyErr>,
}

thread_local! {
    /// Running checks, the innermost last: a function under one may run another.
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// Watches until it is dropped.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new() -> Watch {
        SEEN.with(|s| s.borrow_mut().push(Seen::default()));
        Watch
    }

    /// Ends with what has to end the check whatever it found: Ctrl-C and its kin, and, where the check failed, the exception of a
    /// `Function` in its own dtype, if that is the one on its way out. A check that succeeded leaves none behind.
    pub(crate) fn ended(&self, succeeded: bool) -> PyResult<()> {
        let seen = SEEN.with(|s| s.borrow_mut().last_mut().map(std::mem::take));
        let seen = seen.unwrap_or_default();
        if let Some(e) = seen.stopped {
            crate::autograd::passing_exception();
            return Err(e);
        }
        if succeeded {
            crate::autograd::passing_exception();
            return Ok(());
        }
        match seen.own {
            Some(own) if crate::autograd::is_passing(&own) => {
                crate::autograd::passing_exception();
                Err(own)
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let seen = SEEN.with(|s| s.borrow_mut().pop());
        Python::attach(|_| drop(seen));
    }
}

/// Whether a check is under way.
pub(crate) fn running() -> bool {
    SEEN.with(|s| s.try_borrow().is_ok_and(|list| !list.is_empty()))
}

/// Notes an exception on its way through the engine.
pub(crate) fn note(e: &PyErr) {
    SEEN.with(|s| {
        let Ok(mut list) = s.try_borrow_mut() else {
            return;
        };
        if let Some(seen) = list.last_mut() {
            Python::attach(|py| {
                if seen.stopped.is_none() && !e.is_instance_of::<PyException>(py) {
                    seen.stopped = Some(e.clone_ref(py));
                }
            });
        }
    });
}

/// Notes an exception of a `Function` that was called with these tensors: with more digits than its own it may well fail.
pub(crate) fn note_own<'a>(e: &PyErr, mut given: impl Iterator<Item = &'a Tensor>) {
    if given.any(|t| t.dtype() == DType::Dd) {
        return;
    }
    SEEN.with(|s| {
        if let Some(seen) = s.borrow_mut().last_mut() {
            seen.own = Some(Python::attach(|py| e.clone_ref(py)));
        }
    });
}

/// The error to give instead of calling the user's code, once a check under way was stopped.
pub(crate) fn stopped() -> pullback::Result<()> {
    let e = SEEN.with(|s| -> Option<PyErr> {
        let list = s.borrow();
        let stopped = list.last()?.stopped.as_ref()?;
        Some(Python::attach(|py| stopped.clone_ref(py)))
    });
    e.map_or(Ok(()), |e| Err(keep_exception(e)))
}
