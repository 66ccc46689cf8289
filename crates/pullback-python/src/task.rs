//! The backwards that Python started on this thread: which one is running, what it will visit, and what is to be done when it
//! has ended. Hooks ask; `autograd/graph.py` is made of the answers.

use crate::node::PyNode;
use crate::tensor::PyTensor;
use pullback::{GradFn, Tensor};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) type Roots = Arc<Vec<(Tensor, Option<Tensor>)>>;

/// One running backward.
struct Task {
    id: u64,
    roots: Roots,
    inputs: Option<Arc<Vec<Tensor>>>,
    after: Vec<Py<PyAny>>,
}

thread_local! {
    /// The innermost last: a hook may run a backward of its own.
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Ends the task when dropped.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        let ended = TASKS.with(|t| t.borrow_mut().pop());
        if let Some(task) = ended.filter(|t| !t.after.is_empty()) {
            Python::attach(|_| drop(task));
        }
    }
}

/// Runs a backward, the interpreter released, and then what hooks asked to have done after it.
pub(crate) fn running<T: Send>(
    py: Python<'_>,
    roots: &Roots,
    inputs: Option<&Arc<Vec<Tensor>>>,
    run: impl FnOnce() -> pullback::Result<T> + Send,
) -> PyResult<T> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let task = Task {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        roots: roots.clone(),
        inputs: inputs.cloned(),
        after: Vec::new(),
    };
    TASKS.with(|t| t.borrow_mut().push(task));
    let _running = Running;
    let found = py.detach(run).map_err(crate::error::raise)?;
    // One may queue another.
    let next = |at: usize| {
        TASKS.with(|t| {
            t.borrow()
                .last()
                .and_then(|t| t.after.get(at).map(|f| f.clone_ref(py)))
        })
    };
    let mut at = 0;
    while let Some(callback) = next(at) {
        callback.call0(py)?;
        at += 1;
    }
    Ok(found)
}

/// The number of the backward that is running on this thread, or -1.
#[pyfunction]
pub(crate) fn current_graph_task_id() -> i64 {
    TASKS.with(|t| t.borrow().last().map_or(-1, |t| t.id as i64))
}

/// Whether a backward is running on this thread that gathers gradients in all leaves, asked for none in particular.
#[pyfunction]
pub(crate) fn goes_to_leaves() -> bool {
    TASKS.with(|t| t.borrow().last().is_some_and(|t| t.inputs.is_none()))
}

/// Calls `callback()` when the running backward has ended without an error.
#[pyfunction]
pub(crate) fn queue_callback(callback: Py<PyAny>) -> PyResult<()> {
    TASKS.with(|t| match t.borrow_mut().last_mut() {
        Some(task) => {
            task.after.push(callback);
            Ok(())
        }
        None => Err(PyRuntimeError::new_err(
            "Final callbacks can only be installed during backward pass.",
        )),
    })
}

/// For each operation, whether the running backward visits it.
#[pyfunction]
pub(crate) fn will_visit(nodes: Vec<Py<PyNode>>) -> Vec<bool> {
    let found = TASKS.with(|t| (t.borrow().last()).map(|t| (t.roots.clone(), t.inputs.clone())));
    let Some((roots, inputs)) = found else {
        return vec![false; nodes.len()];
    };
    let asked: Option<HashSet<usize>> = inputs.map(|list| {
        (list.iter().filter_map(Tensor::gradient_node))
            .map(|n| n.address())
            .collect()
    });
    let runs = visited(&roots, asked.as_ref());
    (nodes.iter().map(|n| runs.contains(&n.get().0.address()))).collect()
}

/// Whether the graphs of `outputs` lead to a place where a gradient is gathered, or to an operation before `inputs`, that is none
/// of `inputs`'.
#[pyfunction]
pub(crate) fn reaches_others(outputs: Vec<Py<PyTensor>>, inputs: Vec<Py<PyTensor>>) -> bool {
    let node = |t: &Py<PyTensor>| t.get().0.gradient_node();
    let own: HashSet<usize> = inputs
        .iter()
        .filter_map(node)
        .map(|n| n.address())
        .collect();
    // An input that came from somewhere is itself part of an outer graph.
    if (inputs.iter().filter_map(node)).any(|n| !n.is_leaf()) {
        return true;
    }
    let mut next: Vec<GradFn> = outputs.iter().filter_map(node).collect();
    let mut seen = HashSet::new();
    while let Some(node) = next.pop() {
        if own.contains(&node.address()) || !seen.insert(node.address()) {
            continue;
        }
        if node.is_leaf() {
            return true;
        }
        next.extend(node.next_functions().into_iter().flatten().map(|(n, _)| n));
    }
    false
}

/// The places that a backward from `roots` gets to: all, or those that are or lead to one asked for.
fn visited(roots: &[(Tensor, Option<Tensor>)], asked: Option<&HashSet<usize>>) -> HashSet<usize> {
    let mut all: HashMap<usize, GradFn> = HashMap::new();
    let mut next: Vec<GradFn> = roots
        .iter()
        .filter_map(|(t, _)| t.gradient_node())
        .collect();
    while let Some(node) = next.pop() {
        if all.contains_key(&node.address()) {
            continue;
        }
        next.extend(node.next_functions().into_iter().flatten().map(|(n, _)| n));
        all.insert(node.address(), node);
    }
    let Some(asked) = asked else {
        return all.into_keys().collect();
    };
    // Inputs before the operations that use them.
    let mut order: Vec<&GradFn> = all.values().collect();
    order.sort_unstable_by_key(|n| n.sequence_nr());
    let mut runs = HashSet::new();
    for node in order {
        let leads = |n: &GradFn| runs.contains(&n.address());
        if asked.contains(&node.address())
            || node
                .next_functions()
                .iter()
                .flatten()
                .any(|(n, _)| leads(n))
        {
            runs.insert(node.address());
        }
    }
    runs
}
