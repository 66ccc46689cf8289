//! The extension module `pullback._native`: tensors and the functions of the list as Python objects.
//!
//! Everything here translates; nothing computes. The Python side (`python/pullback`) gives the objects their names and
//! modules. Only the `Result` layer of the library is used, so that a mistake is an exception; a panic is one too.

mod autograd;
mod batches;
mod call;
mod check;
mod convert;
mod data;
mod dlpack;
mod dtype;
mod error;
mod forward_ad;
mod function;
mod generator;
mod index;
mod memory;
mod node;
mod numpy_random;
mod object;
mod optimizer;
mod out;
mod overriding;
mod picture;
mod refusal;
mod rows;
mod saved;
mod signature;
mod task;
mod tensor;
mod warned;
mod watch;

use pullback::DType;
use pyo3::prelude::*;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<tensor::PyTensor>()?;
    m.add_class::<dtype::PyDType>()?;
    for &d in DType::ALL {
        m.add(d.name(), dtype::object(py, d)?)?;
    }
    m.add_function(wrap_pyfunction!(batches::loader_seed, m)?)?;
    m.add_function(wrap_pyfunction!(batches::shuffled, m)?)?;
    m.add_function(wrap_pyfunction!(batches::rows_together, m)?)?;
    m.add_function(wrap_pyfunction!(call::builtins, m)?)?;
    m.add_function(wrap_pyfunction!(signature::signatures, m)?)?;
    m.add_function(wrap_pyfunction!(data::tensor, m)?)?;
    m.add_function(wrap_pyfunction!(data::as_tensor, m)?)?;
    m.add_function(wrap_pyfunction!(warned::set_warn_always, m)?)?;
    m.add_function(wrap_pyfunction!(warned::is_warn_always_enabled, m)?)?;
    m.add_function(wrap_pyfunction!(data::set_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(data::get_default_dtype, m)?)?;
    m.add_function(wrap_pyfunction!(data::enter_meta, m)?)?;
    m.add_function(wrap_pyfunction!(dlpack::from_dlpack, m)?)?;
    m.add_function(wrap_pyfunction!(dtype::promote_types, m)?)?;
    m.add_function(wrap_pyfunction!(dtype::can_cast, m)?)?;
    m.add_function(wrap_pyfunction!(dtype::result_type, m)?)?;
    m.add_function(wrap_pyfunction!(memory::from_numpy, m)?)?;
    m.add_function(wrap_pyfunction!(memory::shares_memory, m)?)?;
    m.add_function(wrap_pyfunction!(object::attributes, m)?)?;
    m.add_function(wrap_pyfunction!(memory::storage_row, m)?)?;
    m.add_function(wrap_pyfunction!(memory::strided, m)?)?;
    m.add_function(wrap_pyfunction!(saved::push_saved_hooks, m)?)?;
    m.add_function(wrap_pyfunction!(saved::pop_saved_hooks, m)?)?;
    m.add_function(wrap_pyfunction!(saved::forbid_saved_hooks, m)?)?;
    m.add_function(wrap_pyfunction!(memory::storage_as, m)?)?;
    m.add_function(wrap_pyfunction!(rows::map_rows, m)?)?;
    m.add_function(wrap_pyfunction!(rows::differs_by_row, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::grad, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::backward, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::is_grad_enabled, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::set_grad_enabled, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::set_inference_mode, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::is_inference_mode_enabled, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::set_detect_anomaly, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::is_anomaly_enabled, m)?)?;
    m.add_function(wrap_pyfunction!(check::check_tensors, m)?)?;
    m.add_function(wrap_pyfunction!(check::check_numbers, m)?)?;
    m.add_function(wrap_pyfunction!(check::check_nothing, m)?)?;
    m.add_function(wrap_pyfunction!(function::apply_function, m)?)?;
    m.add_function(wrap_pyfunction!(tensor::identity, m)?)?;
    m.add_function(wrap_pyfunction!(forward_ad::enter_dual_level, m)?)?;
    m.add_function(wrap_pyfunction!(forward_ad::exit_dual_level, m)?)?;
    m.add_function(wrap_pyfunction!(forward_ad::make_dual, m)?)?;
    m.add_function(wrap_pyfunction!(forward_ad::unpack_dual, m)?)?;
    m.add_function(wrap_pyfunction!(node::gradient_node, m)?)?;
    m.add_function(wrap_pyfunction!(autograd::increment_version, m)?)?;
    m.add_function(wrap_pyfunction!(task::current_graph_task_id, m)?)?;
    m.add_function(wrap_pyfunction!(task::goes_to_leaves, m)?)?;
    m.add_function(wrap_pyfunction!(task::queue_callback, m)?)?;
    m.add_function(wrap_pyfunction!(task::will_visit, m)?)?;
    m.add_function(wrap_pyfunction!(task::reaches_others, m)?)?;
    m.add_function(wrap_pyfunction!(optimizer::optimizer_step, m)?)?;
    m.add_function(wrap_pyfunction!(picture::graph_of, m)?)?;
    m.add_function(wrap_pyfunction!(picture::draw_graph, m)?)?;
    m.add_function(wrap_pyfunction!(picture::note_lines, m)?)?;
    m.add_function(wrap_pyfunction!(overriding::overrides_watched, m)?)?;
    m.add_function(wrap_pyfunction!(overriding::watch_overrides, m)?)?;
    m.add_function(wrap_pyfunction!(overriding::count_modes, m)?)?;
    m.add_function(wrap_pyfunction!(overriding::silence_classes, m)?)?;
    m.add_function(wrap_pyfunction!(overriding::overrides_functions, m)?)?;
    m.add_class::<numpy_random::Stream>()?;
    m.add_class::<generator::TorchStream>()?;
    m.add_class::<node::PyNode>()?;
    m.add_class::<node::PyHandle>()?;
    autograd::install_interrupts();
    error::panics_are_errors(m)?;
    m.add("_LinAlgError", m.py().get_type::<error::_LinAlgError>())?;
    m.add_function(wrap_pyfunction!(error::panic_for_test, m)?)?;
    m.add_function(wrap_pyfunction!(initial_seed, m)?)?;
    m.add_function(wrap_pyfunction!(get_rng_state, m)?)?;
    m.add_function(wrap_pyfunction!(set_rng_state, m)?)?;
    m.add_function(wrap_pyfunction!(set_printoptions, m)?)?;
    m.add_function(wrap_pyfunction!(set_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(get_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(manual_seed, m)?)?;
    Ok(())
}

/// How many threads kernels may use.
#[pyfunction]
fn set_num_threads(n: usize) {
    pullback::set_num_threads(n);
}

/// How many threads kernels may use.
#[pyfunction]
fn get_num_threads() -> usize {
    pullback::num_threads()
}

/// Starts the default generator's stream.
#[pyfunction]
fn manual_seed(seed: i128) -> PyResult<()> {
    pullback::random::manual_seed(generator::seed(seed)?);
    Ok(())
}

/// The seed that the default generator's stream began with.
#[pyfunction]
fn initial_seed() -> u64 {
    pullback::random::initial_seed()
}

/// The default generator's state, PyTorch's bytes.
#[pyfunction]
fn get_rng_state(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    generator::bytes(py, &pullback::random::get_rng_state())
}

/// Puts the default generator into a state.
#[pyfunction]
fn set_rng_state(state: &[u8]) -> PyResult<()> {
    pullback::random::set_rng_state(state).map_err(generator::raise)
}

/// How tensors are printed.
#[pyfunction]
#[pyo3(signature = (precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None))]
fn set_printoptions(
    precision: Option<usize>,
    threshold: Option<usize>,
    edgeitems: Option<usize>,
    linewidth: Option<usize>,
    profile: Option<&str>,
    sci_mode: Option<bool>,
) -> PyResult<()> {
    let mut o = match profile {
        None => pullback::get_printoptions(),
        Some("default") => pullback::PrintOptions::default(),
        Some("short") => pullback::PrintOptions::short(),
        Some("full") => pullback::PrintOptions::full(),
        Some(other) => {
            return Err(pyo3::exceptions::PyValueError::new_err(format!(
                "there is no profile {other:?}: default, short, full"
            )));
        }
    };
    o.precision = precision.unwrap_or(o.precision);
    o.threshold = threshold.unwrap_or(o.threshold);
    o.edgeitems = edgeitems.unwrap_or(o.edgeitems);
    o.linewidth = linewidth.unwrap_or(o.linewidth);
    o.sci_mode = sci_mode.or(o.sci_mode);
    pullback::set_printoptions(o);
    Ok(())
}
