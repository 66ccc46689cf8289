//! PyTorch's generator as Python's object: the stream beneath `pullback.Generator`, which functions take as `generator=`.
//!
//! Not for: the default generator, which the core has, and NumPy's streams (`numpy_random`).

use crate::{convert, error};
use pullback::Tensor;
use pullback::random::Shared;
use pullback::random::torch::{self, Generator};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::{MutexGuard, PoisonError};

pub(crate) fn raise(e: pullback::random::Error) -> PyErr {
    PyRuntimeError::new_err(e.to_string())
}

/// A seed as Python gives it: negative ones wrap.
pub(crate) fn seed(seed: i128) -> PyResult<u64> {
    torch::seed_from_i128(seed).map_err(raise)
}

/// A state as a tensor of bytes.
pub(crate) fn bytes<'py>(py: Python<'py>, state: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let t = Tensor::from_slice(state, [state.len()]).map_err(error::raise)?;
    convert::wrap(py, t)
}

/// A stream of PyTorch's numbers.
#[pyclass(module = "pullback", frozen)]
#[derive(Default)]
pub(crate) struct TorchStream(Shared);

impl TorchStream {
    /// For functions that draw from it.
    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    fn lock(&self) -> MutexGuard<'_, Generator> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl TorchStream {
    #[new]
    fn new() -> TorchStream {
        TorchStream::default()
    }

    fn manual_seed(&self, seed: i128) -> PyResult<()> {
        let seed = self::seed(seed)?;
        self.lock().manual_seed(seed);
        Ok(())
    }

    fn initial_seed(&self) -> u64 {
        self.lock().initial_seed()
    }

    fn get_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let state = self.lock().get_state();
        bytes(py, &state)
    }

    fn set_state(&self, state: &[u8]) -> PyResult<()> {
        self.lock().set_state(state).map_err(raise)
    }
}
