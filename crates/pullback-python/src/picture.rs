//! A tensor's graph as plain data, and its picture; and the line of the user's program that ran an operation, where somebody asked
//! for lines to be noted. `_graph.py` makes the object that a notebook shows.

use crate::convert::size;
use crate::dtype;
use crate::node::PyNode;
use crate::tensor::PyTensor;
use pullback::{DType, GradFn, Shape, Tensor};
use pullback_report::{Kind, Step, draw};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many ask that lines are noted.
static NOTING: AtomicUsize = AtomicUsize::new(0);

/// Notes the lines of operations from now on, or no longer.
#[pyfunction]
pub(crate) fn note_lines(on: bool) {
    match on {
        true => NOTING.fetch_add(1, Ordering::Relaxed),
        false => NOTING.fetch_sub(1, Ordering::Relaxed),
    };
}

/// Called with every result: what it costs while nobody asks is one load.
#[inline]
pub(crate) fn note_line(py: Python<'_>, t: &Tensor) {
    if NOTING.load(Ordering::Relaxed) != 0 {
        // A line is a help; where it cannot be had the result is still right.
        let _ = note(py, t);
    }
}

#[cold]
fn note(py: Python<'_>, t: &Tensor) -> PyResult<()> {
    let Some(node) = t.grad_fn() else {
        return Ok(());
    };
    if node.metadata("line").is_some() {
        return Ok(());
    }
    let frame = py.import("sys")?.getattr("_getframe")?.call0()?;
    let file = frame.getattr("f_code")?.getattr("co_filename")?;
    let line: usize = frame.getattr("f_lineno")?.extract()?;
    node.set_metadata("line", Arc::new(format!("{file}:{line}")));
    Ok(())
}

/// The graph of `t`, every operation after what it is made from and `t`'s own last: at most `most` operations, those that ran last.
/// Gives the nodes as dicts, and how many there are in all.
#[pyfunction]
pub(crate) fn graph_of<'py>(
    t: &Bound<'py, PyTensor>,
    most: usize,
) -> PyResult<(Bound<'py, PyList>, usize)> {
    let py = t.py();
    let t = &t.get().0;
    let Some(root) = t.gradient_node() else {
        return Err(PyValueError::new_err(
            "the tensor has no graph: it does not require grad and does not have a grad_fn",
        ));
    };
    let mut found: HashMap<usize, (GradFn, Shape, DType)> = HashMap::new();
    let mut next = vec![(root.clone(), t.shape().clone(), t.dtype())];
    while let Some((node, shape, dtype)) = next.pop() {
        if found.contains_key(&node.address()) {
            continue;
        }
        for (edge, (shape, dtype)) in node.next_functions().into_iter().zip(node.inputs()) {
            if let Some((input, _)) = edge {
                next.push((input, shape, dtype));
            }
        }
        found.insert(node.address(), (node, shape, dtype));
    }
    let all = found.len();
    let mut order: Vec<(GradFn, Shape, DType)> = found.into_values().collect();
    // Leaves have no number, so they come first; the address makes the order the same each time it is asked for.
    order.sort_unstable_by_key(|(n, ..)| {
        (n.sequence_nr(), n.address() != root.address(), n.address())
    });
    let operations = order.iter().filter(|(n, ..)| !n.is_leaf()).count();
    if operations > most {
        let mut left = operations - most;
        order.retain(|(n, ..)| {
            let drop = !n.is_leaf() && left > 0;
            left -= usize::from(drop);
            !drop
        });
        // Leaves that only operations use that are left out.
        let used: Vec<usize> = (order.iter())
            .flat_map(|(n, ..)| n.next_functions())
            .flatten()
            .map(|(n, _)| n.address())
            .collect();
        let used: std::collections::HashSet<usize> = used.into_iter().collect();
        order.retain(|(n, ..)| !n.is_leaf() || used.contains(&n.address()));
    }
    let place: HashMap<usize, usize> = (order.iter().enumerate())
        .map(|(k, (n, ..))| (n.address(), k))
        .collect();
    let list = PyList::empty(py);
    for (node, shape, dtype) in order {
        let inputs: Vec<(Option<usize>, usize)> = (node.next_functions().into_iter().flatten())
            .map(|(n, nr)| (place.get(&n.address()).copied(), nr))
            .collect();
        let line = node.metadata("line");
        let d = PyDict::new(py);
        d.set_item("op", node.op())?;
        d.set_item("grad_fn", node.name())?;
        d.set_item("shape", size(py, &shape)?)?;
        d.set_item("dtype", dtype::object(py, dtype)?)?;
        d.set_item(
            "line",
            line.as_ref().and_then(|l| l.downcast_ref::<String>()),
        )?;
        d.set_item("inputs", inputs)?;
        d.set_item("node", Bound::new(py, PyNode(node))?)?;
        list.append(d)?;
    }
    Ok((list, all))
}

/// A box: kind, first line, second line, third line, title, inputs.
type Box = (String, String, String, String, String, Vec<usize>);

/// The picture of boxes, as SVG.
#[pyfunction]
pub(crate) fn draw_graph(py: Python<'_>, boxes: Vec<Box>) -> PyResult<String> {
    let mut steps = Vec::with_capacity(boxes.len());
    for (k, (kind, head, what, place, title, inputs)) in boxes.into_iter().enumerate() {
        if inputs.iter().any(|&i| i >= k) {
            return Err(PyValueError::new_err("a box must stand after its inputs"));
        }
        let kind = match kind.as_str() {
            "leaf" => Kind::Leaf,
            "omitted" => Kind::Omitted,
            _ => Kind::Operation,
        };
        steps.push(Step {
            kind,
            head,
            what,
            place,
            title,
            inputs,
        });
    }
    Ok(py.detach(|| draw(&steps)))
}
