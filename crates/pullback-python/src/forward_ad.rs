//! Forward mode as the program runs: what `pullback.autograd.forward_ad` is made of.

use crate::convert::wrap;
use crate::error::Raise;
use crate::tensor::PyTensor;
use pullback::forward_ad;
use pyo3::prelude::*;
use std::cell::RefCell;

type Unpacked<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);

thread_local! {
    /// The level that is open on this thread: ends when it is taken out.
    static LEVEL: RefCell<Option<forward_ad::DualLevel>> = const { RefCell::new(None) };
}

/// Opens a level of forward mode on this thread.
#[pyfunction]
pub(crate) fn enter_dual_level() -> PyResult<()> {
    let level = forward_ad::dual_level().raise()?;
    LEVEL.with(|l| *l.borrow_mut() = Some(level));
    Ok(())
}

/// Ends the level; whether there was one.
#[pyfunction]
pub(crate) fn exit_dual_level() -> bool {
    LEVEL.with(|l| l.borrow_mut().take()).is_some()
}

/// A tensor over the memory of `primal` with a tangent.
#[pyfunction]
pub(crate) fn make_dual<'py>(
    primal: &Bound<'py, PyTensor>,
    tangent: &Bound<'py, PyTensor>,
) -> PyResult<Bound<'py, PyAny>> {
    let dual = forward_ad::make_dual(&primal.get().0, &tangent.get().0);
    wrap(primal.py(), dual.raise()?)
}

/// The tensor without its tangent, and the tangent.
#[pyfunction]
pub(crate) fn unpack_dual<'py>(dual: &Bound<'py, PyTensor>) -> PyResult<Unpacked<'py>> {
    let py = dual.py();
    let (primal, tangent) = forward_ad::unpack_dual(&dual.get().0);
    Ok((wrap(py, primal)?, tangent.map(|t| wrap(py, t)).transpose()?))
}
