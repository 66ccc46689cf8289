//! Which Python object a tensor is, and what Python's collector of cycles is told of it.
//!
//! A tensor of the library knows its object by a pointer that holds nothing: the object holds the tensor. The object erases the pointer
//! when it goes, so a tensor has one object at a time wherever it comes from (`.grad`, a saved value, a result that is its argument), at the
//! price of a store. Attributes that a user set, and the class of an object of a subclass, stay with the tensor: they come back
//! with the next object where the first one died and the tensor did not (a gradient's object dies with each look at `.grad`).
//!
//! `unsafe` is here because Python counts references: the pointer is used only while the interpreter is held.
#![allow(unsafe_code)]

use crate::tensor::PyTensor;
use pullback::binding::{HookOf, Kept};
use pullback::{GradFn, Tensor};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType, PyWeakrefMethods, PyWeakrefReference};
use std::any::Any;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Where in a Python object the Rust value begins.
const VALUE: usize = size_of::<ffi::PyObject>();

/// An object of Python's that a hook, an operation or a tensor holds.
pub(crate) struct Held(pub(crate) Py<PyAny>);

/// What stays with a tensor when its object goes.
struct Companion {
    class: Option<Py<PyType>>,
    attributes: Option<Py<PyDict>>,
}

/// The object of a tensor: the one it has, or a new one.
#[inline]
pub(crate) fn of(py: Python<'_>, t: Tensor) -> PyResult<Bound<'_, PyAny>> {
    if let Some(known) = known(py, &t) {
        return Ok(known);
    }
    match t.companion() {
        None => made(py, t),
        Some(kept) => again(py, t, &kept),
    }
}

/// The object that a tensor has, if it has one.
#[inline]
fn known<'py>(py: Python<'py>, t: &Tensor) -> Option<Bound<'py, PyAny>> {
    let value = t.binding().load(Ordering::Relaxed);
    if value.is_null() {
        return None;
    }
    let object = value.wrapping_byte_sub(VALUE).cast::<ffi::PyObject>();
    // SAFETY: `note` stored the address of the value in this object, and the value's drop erases it, both with the interpreter held as
    // it is now; so the object's memory is there. One that is being torn down has no references left and is not to be revived.
    unsafe { (ffi::Py_REFCNT(object) > 0).then(|| Bound::from_borrowed_ptr(py, object)) }
}

#[inline]
fn made(py: Python<'_>, t: Tensor) -> PyResult<Bound<'_, PyAny>> {
    let object = Bound::new(py, PyTensor(t))?;
    note(&object);
    note_leaf(&object)?;
    Ok(object.into_any())
}

/// A weak reference of the package's own. Its callback, which does nothing, tells it from those of programs: `utils.swap_tensors` asks whether there
/// are any.
pub(crate) fn own_weak<'py>(
    object: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyWeakrefReference>> {
    static MARK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let mark = MARK.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        Ok(py.import("builtins")?.getattr("id")?.unbind())
    })?;
    PyWeakrefReference::new_with(object, mark)
}

/// The object that a leaf's graph leads to, and its memory, should the object be gone when it is asked for.
struct Leaf {
    object: Py<PyWeakrefReference>,
    array: pullback::Array,
}

/// Lets the place where a leaf's gradient is gathered know the leaf's object.
#[inline]
pub(crate) fn note_leaf(object: &Bound<'_, PyTensor>) -> PyResult<()> {
    let t = &object.get().0;
    if t.is_gathered() {
        let leaf = Leaf {
            object: own_weak(object.as_any())?.unbind(),
            array: t.array().clone(),
        };
        t.set_leaf_companion(Arc::new(leaf));
    }
    Ok(())
}

/// The leaf whose gradient is gathered at a place; `None` for operations.
pub(crate) fn leaf_at<'py>(py: Python<'py>, place: &GradFn) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(kept) = place.leaf_companion() else {
        return Ok(None);
    };
    let Some(leaf) = kept.downcast_ref::<Leaf>() else {
        return Ok(None);
    };
    match leaf.object.bind(py).upgrade() {
        Some(object) => Ok(Some(object)),
        None => match place.leaf_over(leaf.array.clone()) {
            Some(t) => made(py, t).map(Some),
            None => Ok(None),
        },
    }
}

/// Lets a tensor know its object.
#[inline]
pub(crate) fn note(object: &Bound<'_, PyTensor>) {
    let value = ptr::from_ref(object.get());
    // Always so in this layout; were it not, every look would make a new object.
    if value.cast::<u8>() == object.as_ptr().cast::<u8>().wrapping_add(VALUE) {
        let place = object.get().0.binding();
        place.store(value.cast_mut().cast(), Ordering::Relaxed);
    }
}

/// As [`note`], where no object is known: objects that Python made by calling the class are seen when they are first used.
#[inline]
pub(crate) fn seen<'a>(object: &'a Bound<'_, PyTensor>) -> &'a Tensor {
    let t = &object.get().0;
    if t.binding().load(Ordering::Relaxed).is_null() {
        note(object);
    }
    t
}

impl Drop for PyTensor {
    #[inline]
    fn drop(&mut self) {
        let place = self.0.binding();
        if ptr::eq(place.load(Ordering::Relaxed).cast(), self) {
            place.store(ptr::null_mut(), Ordering::Relaxed);
        }
    }
}

/// A new object for a tensor whose former one left something.
#[cold]
fn again<'py>(py: Python<'py>, t: Tensor, kept: &Kept) -> PyResult<Bound<'py, PyAny>> {
    let Some(kept) = kept.downcast_ref::<Companion>() else {
        return made(py, t);
    };
    let object = match &kept.class {
        None => made(py, t)?,
        Some(class) => {
            let plain = Bound::new(py, PyTensor(t))?;
            let new = py.get_type::<PyTensor>().getattr("__new__")?;
            let object = new.call1((class, plain))?;
            note(object.cast::<PyTensor>()?);
            object
        }
    };
    // Those of plain tensors are with the tensor already.
    if let (Some(_), Some(attributes)) = (&kept.class, &kept.attributes) {
        object.setattr("__dict__", attributes)?;
    }
    Ok(object)
}

/// Keeps the class of an object, and its attributes, with its tensor.
pub(crate) fn keep_attributes(object: &Bound<'_, PyTensor>, attributes: &Bound<'_, PyDict>) {
    let class = object.get_type();
    seen(object).set_companion(Arc::new(Companion {
        class: (!is_plain(object)).then(|| class.unbind()),
        attributes: Some(attributes.clone().unbind()),
    }));
}

/// Keeps the class of an object that is made.
pub(crate) fn keep_class(t: &Tensor, class: &Bound<'_, PyType>) {
    t.set_companion(Arc::new(Companion {
        class: Some(class.clone().unbind()),
        attributes: None,
    }));
}

/// Whether an object is of no class of the user's, whose objects have a dict of their own.
fn is_plain(object: &Bound<'_, PyTensor>) -> bool {
    object.is_exact_instance_of::<PyTensor>()
}

/// The attributes that are kept with an object's tensor, if there are any.
#[pyfunction]
pub(crate) fn attributes<'py>(object: &Bound<'py, PyTensor>) -> Option<Bound<'py, PyDict>> {
    let kept = object.get().0.companion()?;
    let kept = kept.downcast_ref::<Companion>()?;
    Some(kept.attributes.as_ref()?.bind(object.py()).clone())
}

/// As [`attributes`], made where there are none.
pub(crate) fn attributes_made<'py>(object: &Bound<'py, PyTensor>) -> PyResult<Bound<'py, PyDict>> {
    if let Some(found) = attributes(object) {
        return Ok(found);
    }
    let made = PyDict::new(object.py());
    keep_attributes(object, &made);
    Ok(made)
}

/// Sets an attribute (`None` deletes it). What the class knows is set as on every object of Python's; all else are attributes of the user's
/// own, which are kept with the tensor. Tensors have no dict of their own: Python would make one for each result.
pub(crate) fn set_attribute(
    object: &Bound<'_, PyTensor>,
    name: &Bound<'_, PyAny>,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let text = name.cast::<PyString>()?;
    let of_class = object.get_type().hasattr(text)?;
    if !of_class && is_plain(object) {
        return match value {
            Some(value) => attributes_made(object)?.set_item(text, value),
            None => (attributes_made(object)?.del_item(text)).map_err(|_| {
                PyAttributeError::new_err(format!(
                    "'Tensor' object has no attribute '{}'",
                    text.to_string_lossy()
                ))
            }),
        };
    }
    let value = value.map_or(ptr::null_mut(), |v| v.as_ptr());
    // SAFETY: three objects that live during the call (or null for the value, which deletes); this is what Python does for objects
    // whose class says nothing about attributes.
    let failed = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value) };
    if failed != 0 {
        return Err(PyErr::fetch(object.py()));
    }
    if !is_plain(object) && (!of_class || text == "__dict__") {
        let own = object.getattr("__dict__")?.cast_into::<PyDict>()?;
        keep_attributes(object, &own);
    }
    Ok(())
}

/// A hook as the library takes it: what errors call it, and what it holds.
pub(crate) fn hook_of(py: Python<'_>, hook: Py<PyAny>) -> (Arc<Held>, HookOf) {
    let name = (hook.bind(py).getattr("__name__")).and_then(|n| n.extract::<String>());
    let held = Arc::new(Held(hook));
    let of = HookOf {
        name: name.unwrap_or_else(|_| "<unknown>".to_string()),
        held: Some(held.clone()),
    };
    (held, of)
}

/// Whether the value of an object is there yet. Python tells its collector of an object before the value is written, and may make a
/// dict for it in between, which may start a collection. The memory is zero until then, and a tensor is a pointer that is not.
#[inline]
pub(crate) fn is_written(value: &PyTensor) -> bool {
    const { assert!(size_of::<PyTensor>() == size_of::<usize>()) };
    // SAFETY: an object's memory is as large as its value, which has the size of a word, and Python has zeroed it: the word can be
    // read whether or not the value was written. Volatile, since the compiler may otherwise know that no tensor is null.
    unsafe { ptr::from_ref(value).cast::<usize>().read_volatile() != 0 }
}

/// Tells the collector of everything that `walk` finds.
pub(crate) fn traverse(
    visit: &PyVisit<'_>,
    walk: impl FnOnce(&mut pullback::binding::Visit<'_>),
) -> Result<(), PyTraverseError> {
    let mut so_far = Ok(());
    walk(&mut |held| {
        if so_far.is_ok() {
            so_far = tell(visit, held);
        }
    });
    so_far
}

fn tell(visit: &PyVisit<'_>, held: &(dyn Any + Send + Sync)) -> Result<(), PyTraverseError> {
    if let Some(Held(object)) = held.downcast_ref() {
        return visit.call(object);
    }
    if let Some(dict) = held.downcast_ref::<Py<PyDict>>() {
        return visit.call(dict);
    }
    if let Some(kept) = held.downcast_ref::<Companion>() {
        visit.call(&kept.class)?;
        visit.call(&kept.attributes)?;
    }
    Ok(())
}
