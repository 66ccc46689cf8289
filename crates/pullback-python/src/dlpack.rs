//! Memory shared with any library that speaks DLPack, both ways and without a copy: capsules made and consumed as the standard
//! has it. <https://dmlc.github.io/dlpack/latest/>
//!
//! A capsule is consumed once: its name changes then, and whoever consumed it calls the deleter. One that nobody consumed
//! calls it itself when it dies.
#![allow(unsafe_code)]

use crate::convert::wrap;
use crate::error::Raise;
use crate::tensor::PyTensor;
use pullback::{Array, DType, Layout, Shape, Tensor};
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, c_void};

const CPU: i32 = 1;
/// Host memory that a GPU can see too.
const PINNED: i32 = 3;
const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;

#[repr(C)]
struct Device {
    kind: i32,
    id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Type {
    code: u8,
    bits: u8,
    lanes: u16,
}

/// `DLTensor`.
#[repr(C)]
struct View {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: Type,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// `DLManagedTensor`.
#[repr(C)]
struct Plain {
    view: View,
    keep: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Plain)>,
}

/// `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    version: [u32; 2],
    keep: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    view: View,
}

/// What an exported capsule keeps alive.
struct Keep {
    shape: Vec<i64>,
    strides: Vec<i64>,
    _array: Array,
}

/// Both kinds of managed tensor.
trait Managed: Sized + 'static {
    const NAME: &'static CStr;
    const USED: &'static CStr;
    fn new(view: View, keep: *mut c_void, flags: u64) -> Self;
    fn view(&self) -> &View;
    fn flags(&self) -> u64;
    fn keep(&self) -> *mut c_void;
    /// # Safety
    /// `this` is alive, and nobody uses it afterwards.
    unsafe fn delete(this: *mut Self);
}

/// Frees what `export` made. Called by the consumer, on any thread, with or without the interpreter.
unsafe extern "C" fn free<M: Managed>(this: *mut M) {
    if this.is_null() {
        return;
    }
    // SAFETY: `export` made both boxes, and the standard has a deleter called once.
    unsafe {
        drop(Box::from_raw((*this).keep().cast::<Keep>()));
        drop(Box::from_raw(this));
    }
}

macro_rules! managed {
    ($t:ty, $name:literal, $used:literal, $self:ident, $flags:expr, |$view:ident, $keep:ident, $given:ident| $new:expr) => {
        impl Managed for $t {
            const NAME: &'static CStr = $name;
            const USED: &'static CStr = $used;
            fn new($view: View, $keep: *mut c_void, $given: u64) -> Self {
                $new
            }
            fn view(&self) -> &View {
                &self.view
            }
            fn flags(&$self) -> u64 {
                $flags
            }
            fn keep(&self) -> *mut c_void {
                self.keep
            }
            unsafe fn delete(this: *mut Self) {
                // SAFETY: the caller's promise; the deleter is the producer's own for this very struct.
                unsafe {
                    if let Some(deleter) = (*this).deleter {
                        deleter(this);
                    }
                }
            }
        }
    };
}
managed!(
    Plain,
    c"dltensor",
    c"used_dltensor",
    self,
    0,
    |view, keep, _flags| Plain {
        view,
        keep,
        deleter: Some(free::<Plain>),
    }
);
managed!(
    Versioned,
    c"dltensor_versioned",
    c"used_dltensor_versioned",
    self,
    self.flags,
    |view, keep, flags| Versioned {
        version: [1, 0],
        keep,
        deleter: Some(free::<Versioned>),
        flags,
        view,
    }
);

/// The destructor of a capsule: one that was consumed has another name and is somebody else's.
unsafe extern "C" fn abandoned<M: Managed>(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with the capsule, attached; under the unused name it still holds what `export` put there.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, M::NAME.as_ptr()) == 1 {
            M::delete(ffi::PyCapsule_GetPointer(capsule, M::NAME.as_ptr()).cast());
        }
    }
}

/// The codes of the kinds that dtypes have.
const CODES: [(char, u8); 5] = [('i', 0), ('u', 1), ('f', 2), ('B', 4), ('b', 6)];

fn type_of(dtype: DType) -> PyResult<Type> {
    match CODES.iter().find(|(kind, _)| *kind == dtype.kind()) {
        Some(&(_, code)) => Ok(Type {
            code,
            bits: dtype.size() as u8 * 8,
            lanes: 1,
        }),
        None => Err(PyBufferError::new_err(format!(
            "DLPack has no dtype for {dtype}: convert it to float64 first"
        ))),
    }
}

fn dtype_of(t: Type) -> PyResult<DType> {
    let kind = CODES.iter().find(|(_, code)| *code == t.code);
    let known = DType::ALL.iter().find(|d| {
        Some(d.kind()) == kind.map(|k| k.0) && d.size() * 8 == usize::from(t.bits) && t.lanes == 1
    });
    if let Some(&dtype) = known {
        return Ok(dtype);
    }
    let kind = match t.code {
        0 => "int",
        1 => "uint",
        2 => "float",
        4 => "bfloat",
        5 => "complex",
        6 => "bool",
        _ => "opaque",
    };
    let lanes = match t.lanes {
        1 => String::new(),
        n => format!("x{n}"),
    };
    Err(PyTypeError::new_err(format!(
        "from_dlpack: dtype {kind}{}{lanes} is not there; convert it to float64, float32, int64, int32, uint8 or bool first",
        t.bits
    )))
}

fn export<M: Managed>(py: Python<'_>, t: Tensor, flags: u64) -> PyResult<Bound<'_, PyAny>> {
    let dtype = type_of(t.dtype())?;
    let array = crate::memory::held(&t)?;
    let layout = array.layout();
    let data = array.host_address().raise()?;
    let mut keep = Box::new(Keep {
        shape: t.shape().iter().map(|&n| n as i64).collect(),
        strides: layout.strides().iter().map(|&s| s as i64).collect(),
        _array: array.clone(),
    });
    let view = View {
        data: data as *mut c_void,
        device: Device { kind: CPU, id: 0 },
        ndim: keep.shape.len() as i32,
        dtype,
        shape: keep.shape.as_mut_ptr(),
        strides: keep.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    let managed = Box::into_raw(Box::new(M::new(view, Box::into_raw(keep).cast(), flags)));
    // SAFETY: the pointer is not null, the name lives forever, and the destructor fits what is inside.
    let capsule =
        unsafe { ffi::PyCapsule_New(managed.cast(), M::NAME.as_ptr(), Some(abandoned::<M>)) };
    if capsule.is_null() {
        // SAFETY: nobody else has seen it.
        unsafe { M::delete(managed) };
        return Err(PyErr::fetch(py));
    }
    // SAFETY: a new reference, which is ours.
    Ok(unsafe { Bound::from_owned_ptr(py, capsule) })
}

#[pymethods]
impl PyTensor {
    /// The tensor's memory as a DLPack capsule, for one consumer. `copy=True` gives it memory of its own.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<i64>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let t = &self.0;
        crate::rows::no_memory(t)?;
        if t.array().is_meta() {
            return Err(PyBufferError::new_err("Cannot pack tensors on meta"));
        }
        if t.requires_grad() {
            return Err(PyBufferError::new_err(
                "Can't export tensors that require gradient, use tensor.detach()",
            ));
        }
        if stream.is_some_and(|s| s != -1) {
            return Err(pyo3::exceptions::PyAssertionError::new_err(
                "stream should be None on cpu.",
            ));
        }
        if dl_device.is_some_and(|(kind, _)| kind != CPU) {
            return Err(PyBufferError::new_err(
                "the tensor is on the CPU, and there is no other device here",
            ));
        }
        let (t, flags) = match copy {
            Some(true) => (t.detach().deep_copy().raise()?, IS_COPIED),
            _ => (t.detach(), 0),
        };
        match max_version {
            Some((major, _)) if major >= 1 => export::<Versioned>(py, t, flags),
            _ => export::<Plain>(py, t, 0),
        }
    }

    /// Where the memory is, as DLPack counts devices: the CPU.
    fn __dlpack_device__(&self) -> (i32, i32) {
        (CPU, 0)
    }
}

/// A consumed capsule's content: the producer's deleter is called when the last tensor over it is gone.
struct Consumed<M: Managed>(*mut M);

// SAFETY: the content is only read, and the standard has deleters callable from any thread; ours calls it attached to the
// interpreter, since producers in Python may want that.
unsafe impl<M: Managed> Send for Consumed<M> {}
// SAFETY: as above; nothing is changed through a shared reference.
unsafe impl<M: Managed> Sync for Consumed<M> {}

impl<M: Managed> Drop for Consumed<M> {
    fn drop(&mut self) {
        let this = self.0;
        Python::try_attach(|_| {
            // SAFETY: `take` gave us the content, alone and alive; this is the only call.
            unsafe { M::delete(this) }
        });
    }
}

/// The content of a capsule, which from now on is ours; `None` where it is of another kind or was consumed.
fn take<M: Managed>(capsule: &Bound<'_, PyAny>) -> PyResult<Option<Consumed<M>>> {
    // SAFETY: names are compared before anything is read; a capsule under the unused name holds a live managed tensor, which
    // changes hands with the name.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule.as_ptr(), M::NAME.as_ptr()) != 1 {
            return Ok(None);
        }
        let content = ffi::PyCapsule_GetPointer(capsule.as_ptr(), M::NAME.as_ptr());
        if content.is_null() || ffi::PyCapsule_SetName(capsule.as_ptr(), M::USED.as_ptr()) != 0 {
            return Err(PyErr::fetch(capsule.py()));
        }
        Ok(Some(Consumed(content.cast())))
    }
}

/// A tensor over what was consumed.
fn tensor<M: Managed>(content: Consumed<M>, copy: Option<bool>) -> PyResult<Tensor> {
    // SAFETY: the content is alive while `content` is; the producer filled it as the standard says.
    let (view, read_only) = unsafe { ((*content.0).view(), (*content.0).flags() & READ_ONLY != 0) };
    if view.device.kind != CPU && view.device.kind != PINNED {
        return Err(PyBufferError::new_err(format!(
            "from_dlpack: the memory is on a device of kind {}, and Pullback computes on the CPU; copy it there first",
            view.device.kind
        )));
    }
    let dtype = dtype_of(view.dtype)?;
    let ndim = usize::try_from(view.ndim).unwrap_or(0);
    let sizes = |p: *const i64| -> Vec<i64> {
        match p.is_null() || ndim == 0 {
            true => Vec::new(),
            // SAFETY: by the standard there are `ndim` numbers.
            false => unsafe { std::slice::from_raw_parts(p, ndim) }.to_vec(),
        }
    };
    let shape: Vec<usize> = (sizes(view.shape).into_iter())
        .map(|n| {
            usize::try_from(n).map_err(|_| PyValueError::new_err("from_dlpack: a size is negative"))
        })
        .collect::<PyResult<_>>()?;
    if shape.len() != ndim {
        return Err(PyValueError::new_err(
            "from_dlpack: the capsule has no sizes",
        ));
    }
    let too_large = || PyValueError::new_err("from_dlpack: the sizes are too large");
    let numel = (shape.iter().try_fold(1usize, |n, &k| n.checked_mul(k))).ok_or_else(too_large)?;
    if numel == 0 {
        return Tensor::zeros(shape, dtype).raise();
    }
    let steps: Vec<isize> = match view.strides.is_null() {
        true => {
            let mut steps = vec![1isize; ndim];
            for d in (0..ndim.saturating_sub(1)).rev() {
                steps[d] = steps[d + 1] * shape[d + 1] as isize;
            }
            steps
        }
        false => sizes(view.strides)
            .into_iter()
            .map(|s| s as isize)
            .collect(),
    };
    let mut last = 0usize;
    for (&n, &step) in shape.iter().zip(&steps).filter(|(n, _)| **n > 1) {
        let step = usize::try_from(step).map_err(|_| {
            PyValueError::new_err(
                "from_dlpack: a stride is negative, and tensors have none; copy the array first",
            )
        })?;
        let reach = (n - 1).checked_mul(step).ok_or_else(too_large)?;
        last = last.checked_add(reach).ok_or_else(too_large)?;
    }
    let bytes = (last
        .checked_add(1)
        .and_then(|n| n.checked_mul(dtype.size())))
    .ok_or_else(too_large)?;
    // The stride of a dimension of one element reaches nothing; it is kept as it was given, but none is negative here.
    let steps: Vec<isize> = steps.iter().map(|&s| s.max(0)).collect();
    let layout = Layout::new(Shape::new(&shape), &steps, 0);
    let start = (view.data.cast::<u8>()).wrapping_add(view.byte_offset as usize);
    let share = !(copy == Some(true) || read_only && copy.is_none());
    // SAFETY: by the standard the elements that shape and strides reach are valid memory until the deleter is called, which
    // the storage does when its last user is gone; any bytes are elements.
    let array =
        unsafe { Array::foreign(start, bytes, layout, dtype, Box::new(content)) }.raise()?;
    let t = Tensor::from_array(array);
    match share {
        true => Ok(t),
        false => t.deep_copy().raise(),
    }
}

/// A tensor over the memory of a capsule, or of an object that has `__dlpack__`.
#[pyfunction]
#[pyo3(signature = (source, copy=None))]
pub(crate) fn from_dlpack<'py>(
    source: &Bound<'py, PyAny>,
    copy: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = source.py();
    let capsule = match source.hasattr("__dlpack__")? {
        true => {
            if let Ok((kind, _)) =
                (source.call_method0("__dlpack_device__")).and_then(|d| d.extract::<(i32, i32)>())
                && kind != CPU
                && kind != PINNED
            {
                return Err(PyBufferError::new_err(format!(
                    "from_dlpack: the memory is on a device of kind {kind}, and Pullback computes on the CPU; copy it there first"
                )));
            }
            let options = pyo3::types::PyDict::new(py);
            options.set_item("max_version", (1, 0))?;
            match source.call_method("__dlpack__", (), Some(&options)) {
                // Producers older than version 1 do not take the argument.
                Err(e) if e.is_instance_of::<PyTypeError>(py) => {
                    source.call_method0("__dlpack__")?
                }
                other => other?,
            }
        }
        false => source.clone(),
    };
    let t = if let Some(content) = take::<Versioned>(&capsule)? {
        // SAFETY: alive, and every version has this field at its start.
        let major = unsafe { (*content.0).version[0] };
        if major != 1 {
            return Err(PyBufferError::new_err(format!(
                "from_dlpack: version {major} of DLPack is not there, only 1"
            )));
        }
        tensor(content, copy)?
    } else if let Some(content) = take::<Plain>(&capsule)? {
        tensor(content, copy)?
    } else {
        return Err(PyRuntimeError::new_err(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already constructed a tensor from it once.",
        ));
    };
    wrap(py, t)
}
