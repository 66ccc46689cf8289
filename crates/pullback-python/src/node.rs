//! Hooks of tensors and of operations, and operations as Python's objects (`grad_fn`).

use crate::autograd::{keep_exception, tensors};
use crate::convert::{type_name, wrap};
use crate::error::Raise;
use crate::object;
use crate::tensor::PyTensor;
use pullback::{GradFn, Grads, HookHandle, SavedValue, Tensor};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType, PyWeakrefMethods, PyWeakrefReference};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A hook that can be taken away again.
#[pyclass(name = "RemovableHandle", module = "torch.utils.hooks", frozen)]
pub(crate) struct PyHandle(HookHandle);

#[pymethods]
impl PyHandle {
    /// Takes the hook away.
    fn remove(&self) {
        self.0.remove();
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.0.remove();
    }
}

fn one_tensor(result: &Bound<'_, PyAny>) -> pullback::Result<Option<Tensor>> {
    if result.is_none() {
        return Ok(None);
    }
    let t = result.cast::<PyTensor>().map_err(|_| {
        keep_exception(PyTypeError::new_err(format!(
            "expected Variable, but hook returned '{}'",
            type_name(result)
        )))
    })?;
    Ok(Some(t.get().0.clone()))
}

/// `Tensor.register_hook`.
pub(crate) fn register_hook(py: Python<'_>, t: &Tensor, hook: Py<PyAny>) -> PyResult<PyHandle> {
    let (hook, of) = object::hook_of(py, hook);
    t.register_hook_of(of, move |g| {
        Python::attach(|py| {
            let call = wrap(py, g.clone()).and_then(|g| hook.0.bind(py).call1((g,)));
            one_tensor(&call.map_err(keep_exception)?)
        })
    })
    .raise()
    .map(PyHandle)
}

/// `Tensor.register_post_accumulate_grad_hook`.
pub(crate) fn register_post_hook(t: &Bound<'_, PyTensor>, hook: Py<PyAny>) -> PyResult<PyHandle> {
    let (hook, of) = object::hook_of(t.py(), hook);
    let own = object::own_weak(t.as_any())?.unbind();
    let call = move |leaf: &Tensor| {
        Python::attach(|py| {
            // The very object, while there is one.
            let leaf = match own.bind(py).upgrade() {
                Some(leaf) => Ok(leaf),
                None => wrap(py, leaf.clone()),
            };
            let call = leaf.and_then(|leaf| hook.0.bind(py).call1((leaf,)));
            call.map(drop).map_err(keep_exception)
        })
    };
    (t.get().0.register_post_accumulate_grad_hook_of(of, call))
        .raise()
        .map(PyHandle)
}

/// The operation that a tensor came from.
#[pyclass(
    name = "Node",
    module = "torch.autograd.graph",
    frozen,
    weakref,
    subclass
)]
pub(crate) struct PyNode(pub(crate) GradFn);

/// The classes of operations, by PyTorch's names: programs that draw graphs ask for `type(node).__name__`.
static CLASSES: Mutex<Option<HashMap<String, Py<PyType>>>> = Mutex::new(None);

fn class_of<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let lock = || CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = (lock().as_ref()).and_then(|all| all.get(name).map(|c| c.clone_ref(py)));
    if let Some(class) = known {
        return Ok(class.into_bound(py));
    }
    let own = PyDict::new(py);
    // As PyTorch's: a class of no module, so that it prints by its name alone.
    own.set_item("__module__", "builtins")?;
    own.set_item("__slots__", PyTuple::empty(py))?;
    let bases = PyTuple::new(py, [py.get_type::<PyNode>()])?;
    let made = (py.get_type::<PyType>()).call1((name, bases, own))?;
    let class = made.cast_into::<PyType>()?;
    (lock().get_or_insert_default()).insert(name.to_string(), class.clone().unbind());
    Ok(class)
}

/// The objects that operations have, by the operations' addresses: an object keeps its operation, so none is used twice.
static OBJECTS: Mutex<Option<HashMap<usize, Py<PyWeakrefReference>>>> = Mutex::new(None);

fn objects() -> MutexGuard<'static, Option<HashMap<usize, Py<PyWeakrefReference>>>> {
    OBJECTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The object of an operation: the one it has, or a new one.
fn object_of(py: Python<'_>, node: GradFn) -> PyResult<Bound<'_, PyAny>> {
    let at = node.address();
    let known = (objects().as_ref()).and_then(|all| all.get(&at).map(|w| w.clone_ref(py)));
    if let Some(object) = known.and_then(|w| w.bind(py).upgrade()) {
        return Ok(object);
    }
    let class = class_of(py, node.short_name())?;
    // What Python makes an object of the class from; it goes before the object is noted, since its end would erase the note.
    let plain = Bound::new(py, PyNode(node))?;
    let made = class.call1((&plain,))?.cast_into::<PyNode>()?;
    drop(plain);
    let weak = PyWeakrefReference::new(&made)?.unbind();
    let old = objects().get_or_insert_default().insert(at, weak);
    drop(old);
    Ok(made.into_any())
}

impl Drop for PyNode {
    fn drop(&mut self) {
        let gone = (objects().as_mut()).and_then(|all| all.remove(&self.0.address()));
        drop(gone);
    }
}

fn gradients<'py>(py: Python<'py>, list: &[Option<Tensor>]) -> PyResult<Bound<'py, PyTuple>> {
    let items = (list.iter())
        .map(|g| match g {
            Some(g) => wrap(py, g.clone()),
            None => Ok(py.None().into_bound(py)),
        })
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

fn replaced(result: &Bound<'_, PyAny>) -> pullback::Result<Option<Grads>> {
    match result.is_none() {
        true => Ok(None),
        false => tensors(result, "a hook's result")
            .map(Some)
            .map_err(keep_exception),
    }
}

/// What names of kept values begin with.
const SAVED: &str = "_saved_";

/// Nodes whose inputs PyTorch calls otherwise than the arguments of the function that is found under the operation's name.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("BmmBackward0", &["self", "mat2"]),
    ("LinalgVectorNormBackward0", &["self"]),
    ("MaskedFillBackward0", &["mask", "self"]),
    ("MmBackward0", &["self", "mat2"]),
    ("NativeLayerNormBackward0", &["input", "weight", "bias"]),
];

impl PyNode {
    /// Whether the class is called after a function: `MaskedFillBackward0` after `masked_fill`.
    fn is_of(&self, function: &str) -> bool {
        let class = self.0.short_name();
        let own = class.split("Backward").next().unwrap_or(class);
        own.to_lowercase() == function.replace('_', "")
    }

    /// PyTorch's name of a kept value: the argument's.
    fn saved_name(&self, place: SavedValue) -> String {
        let own = self.0.op();
        let of_op = |e: &&pullback::registry::Entry| e.function.op.map(|op| op.name) == own;
        match place {
            SavedValue::Input(at) => {
                let known = ARGUMENTS
                    .iter()
                    .find(|(node, _)| *node == self.0.short_name());
                if let Some(name) = known.and_then(|(_, names)| names.get(at)) {
                    return format!("{SAVED}{name}");
                }
                // An operation may stand for another function than its own, whose arguments were computed with before.
                let entry = (pullback::registry::entries().iter())
                    .filter(of_op)
                    .find(|e| self.is_of(e.function.name()));
                let mut tensors = entry.iter().flat_map(|e| e.signature.params.iter());
                match tensors.nth(at).map(|p| p.name) {
                    _ if self.0.inputs().len() == 1 => format!("{SAVED}self"),
                    Some("input") => format!("{SAVED}self"),
                    Some(name) => format!("{SAVED}{name}"),
                    // Computed from the arguments, in a way that PyTorch does not have.
                    None => format!("{SAVED}tensor{at}"),
                }
            }
            SavedValue::Result(0) => format!("{SAVED}result"),
            SavedValue::Result(at) => format!("{SAVED}result{at}"),
            SavedValue::Extra(at) => format!("{SAVED}tensor{at}"),
        }
    }
}

#[pymethods]
impl PyNode {
    #[new]
    fn new(node: &Bound<'_, PyNode>) -> PyNode {
        PyNode(node.get().0.clone())
    }

    /// The leaf whose gradient is gathered here.
    #[getter]
    fn variable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match object::leaf_at(py, &self.0)? {
            Some(leaf) => Ok(leaf),
            None => Err(PyAttributeError::new_err(format!(
                "'{}' object has no attribute 'variable'",
                self.0.short_name()
            ))),
        }
    }

    /// Its name.
    fn name(&self) -> String {
        self.0.name().to_string()
    }

    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let items = (self.0.next_functions().into_iter())
            .map(|next| match next {
                Some((node, nr)) => Ok((object_of(py, node)?, nr).into_pyobject(py)?),
                None => Ok((py.None().into_bound(py), 0usize).into_pyobject(py)?),
            })
            .collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, items)
    }

    /// A dict that stays with the operation.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        const KEY: &str = "python";
        if let Some(kept) = self.0.metadata(KEY)
            && let Some(d) = kept.downcast_ref::<Py<PyDict>>()
        {
            return Ok(d.bind(py).clone());
        }
        let d = PyDict::new(py);
        self.0.set_metadata(KEY, Arc::new(d.clone().unbind()));
        Ok(d)
    }

    /// `_saved_self`, `_saved_other`, `_saved_result`…: what the operation keeps for its gradient, by the names of its arguments.
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let missing = || {
            PyAttributeError::new_err(format!(
                "'{}' object has no attribute '{name}'",
                self.0.short_name()
            ))
        };
        if !name.starts_with(SAVED) {
            return Err(missing());
        }
        let all = self.0.saved().raise()?;
        let found = all
            .into_iter()
            .find(|(place, _)| self.saved_name(*place) == name);
        found.map_or_else(
            || Err(missing()),
            |(_, value)| crate::saved::shown(py, &value),
        )
    }

    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<String>> {
        let class = slf.get_type();
        let mut names: Vec<String> = class.call_method0("mro")?.try_iter()?.try_fold(
            Vec::new(),
            |mut names, class| -> PyResult<Vec<String>> {
                let own = class?.getattr("__dict__")?.call_method0("keys")?;
                for name in own.try_iter()? {
                    names.push(name?.extract()?);
                }
                Ok(names)
            },
        )?;
        let node = slf.get();
        // Freed values have no names.
        names.extend(
            (node.0.saved().unwrap_or_default().iter()).map(|(place, _)| node.saved_name(*place)),
        );
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn _sequence_nr(&self) -> u64 {
        self.0.sequence_nr()
    }

    /// Calls `hook(grad_inputs, grad_outputs)` after the rule ran.
    fn register_hook(&self, py: Python<'_>, hook: Py<PyAny>) -> PyHandle {
        let (hook, of) = object::hook_of(py, hook);
        PyHandle(self.0.register_hook_of(of, move |inputs, outputs| {
            Python::attach(|py| {
                let call =
                    || (hook.0.bind(py)).call1((gradients(py, inputs)?, gradients(py, outputs)?));
                replaced(&call().map_err(keep_exception)?)
            })
        }))
    }

    /// Calls `hook(grad_outputs)` before the rule runs.
    fn register_prehook(&self, py: Python<'_>, hook: Py<PyAny>) -> PyHandle {
        let (hook, of) = object::hook_of(py, hook);
        PyHandle(self.0.register_prehook_of(of, move |outputs| {
            Python::attach(|py| {
                let call = || hook.0.bind(py).call1((gradients(py, outputs)?,));
                replaced(&call().map_err(keep_exception)?)
            })
        }))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        object::traverse(&visit, |found| self.0.visit_own(found))
    }

    fn __clear__(&self) {
        self.0.clear_own();
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyNode>().is_ok_and(|o| o.get().0 == self.0)
    }

    fn __hash__(&self) -> usize {
        self.0.address() >> 4
    }

    fn __repr__(&self) -> String {
        format!(
            "<{} object at {:#x}>",
            self.0.short_name(),
            self.0.address()
        )
    }
}

/// The place where a tensor's gradient is computed.
#[pyfunction]
pub(crate) fn gradient_node<'py>(t: &Bound<'py, PyTensor>) -> PyResult<Option<Bound<'py, PyAny>>> {
    (t.get().0.gradient_node())
        .map(|node| object_of(t.py(), node))
        .transpose()
}

/// `Tensor.grad_fn`.
pub(crate) fn grad_fn<'py>(py: Python<'py>, t: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    t.check_history().raise()?;
    match t.grad_fn() {
        None => Ok(py.None().into_bound(py)),
        Some(node) => object_of(py, node),
    }
}
