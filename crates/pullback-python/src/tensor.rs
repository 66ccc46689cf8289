//! The class `Tensor`: what it is, what it shows, and the protocols of Python's numbers.
//!
//! Methods that are functions of the list are put on the class from there (`call.rs`); indexing is in `index.rs`.

use crate::convert::{Other, number_object, size, tolist, wrap};
use crate::dtype;
use crate::error::Raise;
use crate::{autograd, data, index, memory};
use pullback::functions::{Entry, Value, dispatch, dispatch_plain, overloads};
use pullback::{BackwardOptions, Number, Tensor};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::LazyLock;

/// A handle of a tensor.
#[pyclass(name = "Tensor", module = "torch", subclass, weakref, frozen)]
pub(crate) struct PyTensor(pub(crate) Tensor);

/// Operators that are functions of the list.
macro_rules! operator {
    ($name:ident, $function:literal) => {
        fn $name<'py>(
            py: Python<'py>,
            a: &Bound<'py, PyAny>,
            b: &Bound<'py, PyAny>,
        ) -> PyResult<Bound<'py, PyAny>> {
            static FOUND: LazyLock<Vec<&'static Entry>> =
                LazyLock::new(|| overloads("torch", $function));
            binary(py, $function, &FOUND, a, b)
        }
    };
}
operator!(floor_divide, "floor_divide");
operator!(remainder, "remainder");
operator!(pow, "pow");
operator!(bitwise_and, "bitwise_and");
operator!(bitwise_or, "bitwise_or");
operator!(bitwise_xor, "bitwise_xor");
operator!(left_shift, "bitwise_left_shift");
operator!(right_shift, "bitwise_right_shift");
operator!(eq, "eq");
operator!(ne, "ne");
operator!(lt, "lt");
operator!(le, "le");
operator!(gt, "gt");
operator!(ge, "ge");

fn not_implemented(py: Python<'_>) -> Bound<'_, PyAny> {
    py.NotImplemented().into_bound(py)
}

fn binary<'py>(
    py: Python<'py>,
    name: &str,
    found: &[&'static Entry],
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (Some(a), Some(b)) = (Other::of(a)?, Other::of(b)?) else {
        return Ok(not_implemented(py));
    };
    match dispatch_plain(name, found, vec![a.value(), b.value()]).raise()? {
        Value::Tensor(t) => wrap(py, t),
        other => crate::convert::to_python(py, other),
    }
}

/// `+ - * /` with a tensor on the left, without the list in between.
macro_rules! direct {
    ($slf:ident, $other:ident, $method:ident) => {{
        let py = $other.py();
        match Other::of($other)? {
            Some(other) => wrap(py, $slf.0.$method(other.operand()).raise()?),
            None => Ok(not_implemented(py)),
        }
    }};
}

/// A number or an array on the left.
macro_rules! reflected {
    ($slf:ident, $other:ident, $method:ident) => {{
        let py = $other.py();
        let t = match Other::of($other)? {
            Some(Other::Tensor(t)) => t,
            Some(Other::Number(n)) => $slf.0.number_like(n).raise()?,
            None => return Ok(not_implemented(py)),
        };
        wrap(py, t.$method(&$slf.0).raise()?)
    }};
}

/// `a += b`: written in place, and `a` itself.
fn written<'py>(
    slf: &Bound<'py, PyTensor>,
    name: &'static str,
    other: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(other) = Other::of(other)? else {
        return Ok(None);
    };
    let args = [Value::Tensor(slf.get().0.clone()), other.value()];
    let found = overloads("torch", name);
    let entry = (found.iter())
        .find(|e| e.function.in_place && e.signature.bind(&args, &[]).is_ok())
        .ok_or_else(|| PyTypeError::new_err(format!("{name}_ does not take this argument")))?;
    pullback::functions::in_place(entry, &args, &[]).raise()?;
    Ok(Some(slf.clone().into_any()))
}

#[pymethods]
impl PyTensor {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let _ = kwargs;
        let float = data::default_float();
        if args.is_empty() {
            return Ok(PyTensor(Tensor::zeros([0], float).raise()?));
        }
        if let Ok(sizes) = args.extract::<Vec<usize>>() {
            return Ok(PyTensor(Tensor::zeros(sizes, float).raise()?));
        }
        let first = args.get_item(0)?;
        if let Ok(t) = first.cast::<PyTensor>() {
            return Ok(PyTensor(t.get().0.clone()));
        }
        Ok(PyTensor(data::of_data(&first, Some(float))?))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        slf.get().0.to_string()
    }

    fn __str__(slf: &Bound<'_, Self>) -> String {
        slf.get().0.to_string()
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize >> 4
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        size(py, &self.0.shape()[..])
    }

    #[pyo3(signature = (dim=None))]
    fn size<'py>(&self, py: Python<'py>, dim: Option<i64>) -> PyResult<Bound<'py, PyAny>> {
        match dim {
            None => size(py, &self.0.shape()[..]),
            Some(d) => Ok(self.0.size(d).raise()?.into_pyobject(py)?.into_any()),
        }
    }

    #[pyo3(signature = (dim=None))]
    fn stride<'py>(&self, py: Python<'py>, dim: Option<i64>) -> PyResult<Bound<'py, PyAny>> {
        let strides = self.0.array().layout().strides();
        match dim {
            None => Ok(PyTuple::new(py, strides.iter())?.into_any()),
            Some(d) => {
                let d = self.0.shape().dim(d).raise()?;
                Ok(strides[d].into_pyobject(py)?.into_any())
            }
        }
    }

    #[getter]
    fn dtype(&self, py: Python<'_>) -> PyResult<Py<dtype::PyDType>> {
        dtype::object(py, self.0.dtype())
    }

    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::convert::part(py, "device")?.call1(("cpu",))
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.0.ndim()
    }

    fn dim(&self) -> usize {
        self.0.ndim()
    }

    fn numel(&self) -> usize {
        self.0.numel()
    }

    fn nelement(&self) -> usize {
        self.0.numel()
    }

    fn element_size(&self) -> usize {
        self.0.dtype().size()
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.0.dtype().size()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.numel() * self.0.dtype().size()
    }

    fn storage_offset(&self) -> usize {
        self.0.array().layout().offset()
    }

    fn data_ptr(&self) -> usize {
        let a = self.0.array();
        a.storage().address() + a.layout().offset() * a.dtype().size()
    }

    #[pyo3(signature = (memory_format=None))]
    fn is_contiguous(&self, memory_format: Option<&Bound<'_, PyAny>>) -> bool {
        let _ = memory_format;
        self.0.is_contiguous()
    }

    fn is_floating_point(&self) -> bool {
        self.0.dtype().is_float()
    }

    fn is_complex(&self) -> bool {
        false
    }

    #[getter]
    fn is_cuda(&self) -> bool {
        false
    }

    #[getter]
    fn is_sparse(&self) -> bool {
        false
    }

    #[getter]
    fn _version(&self) -> u32 {
        self.0.version()
    }

    #[getter]
    fn requires_grad(&self) -> bool {
        self.0.requires_grad()
    }

    #[setter]
    fn set_requires_grad(&self, on: bool) -> PyResult<()> {
        self.0.clone().requires_grad_(on).raise().map(drop)
    }

    #[pyo3(signature = (requires_grad=true))]
    fn requires_grad_<'py>(
        slf: &Bound<'py, Self>,
        requires_grad: bool,
    ) -> PyResult<Bound<'py, Self>> {
        slf.get().0.clone().requires_grad_(requires_grad).raise()?;
        Ok(slf.clone())
    }

    #[getter]
    fn is_leaf(&self) -> bool {
        self.0.is_leaf()
    }

    #[getter]
    fn grad<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.grad().map(|g| wrap(py, g)).transpose()
    }

    #[setter]
    fn set_grad(&self, g: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        match g {
            None => {
                if self.0.is_leaf() && self.0.requires_grad() {
                    self.0.zero_grad();
                }
                Ok(())
            }
            Some(g) => {
                let g = g.cast::<PyTensor>().map_err(|_| {
                    PyTypeError::new_err(format!(
                        "assigned grad expected to be a Tensor or None but got grad of type {}",
                        g.get_type()
                    ))
                })?;
                self.0.set_grad(Some(g.get().0.clone())).raise()
            }
        }
    }

    #[deleter]
    fn delete_grad(&self) {
        self.0.zero_grad();
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.detach())
    }

    #[setter]
    fn set_data(&self, v: &Bound<'_, PyTensor>) -> PyResult<()> {
        let (to, from) = (self.0.detach(), v.get().0.detach());
        if to.shape() != from.shape() || to.dtype() != from.dtype() {
            return Err(PyRuntimeError::new_err(format!(
                ".data takes a tensor of the same shape and dtype here: {} {} for {} {}",
                from.dtype(),
                from.shape(),
                to.dtype(),
                to.shape()
            )));
        }
        to.copy_(&from).raise()
    }

    fn detach<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.detach())
    }

    #[pyo3(signature = (gradient=None, retain_graph=None, create_graph=false, inputs=None))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<&Bound<'_, PyAny>>,
        retain_graph: Option<bool>,
        create_graph: bool,
        inputs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let gradient = match gradient {
            Some(g) if !g.is_none() => autograd::tensors(g, "gradient")?.remove(0),
            _ => None,
        };
        let options = BackwardOptions {
            retain_graph: retain_graph.unwrap_or(create_graph),
            create_graph,
            ..Default::default()
        };
        autograd::run_backward(py, &[(self.0.clone(), gradient)], options, inputs)
    }

    #[getter]
    fn grad_fn<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        autograd::grad_fn(py, &self.0)
    }

    fn zero_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().0.zero_().raise()?;
        Ok(slf.clone())
    }

    fn fill_<'py>(slf: &Bound<'py, Self>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let t = &slf.get().0;
        match Other::of(value)? {
            Some(Other::Number(n)) => t.fill_(n).raise()?,
            Some(Other::Tensor(v)) if v.ndim() == 0 => t.copy_(&v).raise()?,
            Some(Other::Tensor(v)) => {
                return Err(PyRuntimeError::new_err(format!(
                    "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.",
                    v.ndim()
                )));
            }
            None => {
                return Err(PyTypeError::new_err(format!(
                    "fill_(): argument 'value' must be Number, not {}",
                    value.get_type().name()?
                )));
            }
        }
        Ok(slf.clone())
    }

    #[pyo3(signature = (src, non_blocking=false))]
    fn copy_<'py>(
        slf: &Bound<'py, Self>,
        src: &Bound<'py, PyAny>,
        non_blocking: bool,
    ) -> PyResult<Bound<'py, Self>> {
        let _ = non_blocking;
        let t = &slf.get().0;
        match Other::of(src)? {
            Some(Other::Tensor(v)) => t.copy_(&v).raise()?,
            Some(Other::Number(n)) => t.fill_(n).raise()?,
            None => {
                return Err(PyTypeError::new_err(format!(
                    "copy_(): argument 'other' (position 1) must be Tensor, not {}",
                    src.get_type().name()?
                )));
            }
        }
        Ok(slf.clone())
    }

    fn retain_grad(&self) -> PyResult<()> {
        self.0.retain_grad().raise()
    }

    #[getter]
    fn retains_grad(&self) -> bool {
        !self.0.is_leaf() && self.0.retains_grad()
    }

    #[getter]
    fn output_nr(&self) -> usize {
        self.0.output_nr()
    }

    fn is_inference(&self) -> bool {
        self.0.is_inference()
    }

    fn register_hook(&self, hook: Py<PyAny>) -> PyResult<autograd::PyHandle> {
        autograd::register_hook(&self.0, hook)
    }

    fn register_post_accumulate_grad_hook(&self, hook: Py<PyAny>) -> PyResult<autograd::PyHandle> {
        autograd::register_post_hook(&self.0, hook)
    }

    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.numel() != 1 {
            return Err(PyRuntimeError::new_err(format!(
                "a Tensor with {} elements cannot be converted to Scalar",
                self.0.numel()
            )));
        }
        number_object(py, self.0.item().raise()?)
    }

    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        tolist(py, &self.0)
    }

    #[pyo3(signature = (*, force=false))]
    fn numpy<'py>(&self, py: Python<'py>, force: bool) -> PyResult<Bound<'py, PyAny>> {
        if self.0.requires_grad() && !force {
            return Err(PyRuntimeError::new_err(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
            ));
        }
        memory::to_numpy(py, &self.0.detach())
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let array = self.numpy(py, false)?;
        let array = match dtype {
            Some(d) if !d.is_none() => array.call_method1("astype", (d,))?,
            _ => array,
        };
        match copy {
            Some(true) => array.call_method0("copy"),
            _ => Ok(array),
        }
    }

    fn __len__(&self) -> PyResult<usize> {
        match self.0.ndim() {
            0 => Err(PyTypeError::new_err("len() of a 0-d tensor")),
            _ => Ok(self.0.shape()[0]),
        }
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        index::get(&self.0, key)
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        index::set(&self.0, key, value)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        index::rows(py, &self.0)
    }

    fn __contains__(&self, v: &Bound<'_, PyAny>) -> PyResult<bool> {
        index::contains(&self.0, v)
    }

    #[getter(T)]
    fn t_<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let back: Vec<i64> = (0..self.0.ndim() as i64).rev().collect();
        wrap(py, self.0.permute(&back).raise()?)
    }

    #[getter(mT)]
    fn matrix_t<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.ndim() < 2 {
            return Err(PyRuntimeError::new_err(format!(
                "tensor.mT is only supported on matrices or batches of matrices. Got {}-D tensor.",
                self.0.ndim()
            )));
        }
        wrap(py, self.0.transpose(-2, -1).raise()?)
    }

    #[getter(H)]
    fn adjoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.t_(py)
    }

    #[getter(mH)]
    fn matrix_adjoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.matrix_t(py)
    }

    fn __bool__(&self) -> PyResult<bool> {
        match self.0.numel() {
            1 => Ok(self.0.item().raise()?.to_f64() != 0.0),
            0 => Err(PyRuntimeError::new_err(
                "Boolean value of Tensor with no values is ambiguous",
            )),
            _ => Err(PyRuntimeError::new_err(
                "Boolean value of Tensor with more than one value is ambiguous",
            )),
        }
    }

    fn __float__(&self) -> PyResult<f64> {
        self.0.item_f64().raise()
    }

    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.item().raise()? {
            Number::Float(x) => crate::convert::part(py, "to_int")?.call1((x,)),
            n => Ok(n.cast::<i64>().into_pyobject(py)?.into_any()),
        }
    }

    fn __index__(&self) -> PyResult<i64> {
        if self.0.numel() != 1 || self.0.dtype().is_float() {
            return Err(PyTypeError::new_err(
                "only integer tensors of a single element can be converted to an index",
            ));
        }
        Ok(self.0.item().raise()?.cast())
    }

    fn __format__<'py>(slf: &Bound<'py, Self>, spec: &str) -> PyResult<String> {
        let t = &slf.get().0;
        if t.ndim() == 0 && !spec.is_empty() {
            let number = number_object(slf.py(), t.item().raise()?)?;
            return number.call_method1("__format__", (spec,))?.extract();
        }
        match (t.ndim(), spec) {
            (0, _) => number_object(slf.py(), t.item().raise()?)?.str()?.extract(),
            (_, "") => Ok(t.to_string()),
            _ => Err(PyTypeError::new_err(
                "unsupported format string passed to Tensor.__format__",
            )),
        }
    }

    fn __add__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct!(self, other, add)
    }
    fn __radd__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        reflected!(self, other, add)
    }
    fn __sub__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct!(self, other, sub)
    }
    fn __rsub__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        reflected!(self, other, sub)
    }
    fn __mul__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct!(self, other, mul)
    }
    fn __rmul__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        reflected!(self, other, mul)
    }
    fn __truediv__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        direct!(self, other, div)
    }
    fn __rtruediv__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        reflected!(self, other, div)
    }
    fn __matmul__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        matmul(other.py(), Some(self.0.clone()), as_tensor(other)?)
    }
    fn __rmatmul__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        matmul(other.py(), as_tensor(other)?, Some(self.0.clone()))
    }
    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = modulus;
        pow(slf.py(), slf.as_any(), other)
    }
    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = modulus;
        pow(slf.py(), other, slf.as_any())
    }
    fn __floordiv__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        floor_divide(slf.py(), slf.as_any(), other)
    }
    fn __rfloordiv__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        floor_divide(slf.py(), other, slf.as_any())
    }
    fn __mod__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        remainder(slf.py(), slf.as_any(), other)
    }
    fn __rmod__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        remainder(slf.py(), other, slf.as_any())
    }
    fn __and__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_and(slf.py(), slf.as_any(), other)
    }
    fn __rand__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_and(slf.py(), other, slf.as_any())
    }
    fn __or__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_or(slf.py(), slf.as_any(), other)
    }
    fn __ror__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_or(slf.py(), other, slf.as_any())
    }
    fn __xor__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_xor(slf.py(), slf.as_any(), other)
    }
    fn __rxor__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bitwise_xor(slf.py(), other, slf.as_any())
    }
    fn __lshift__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        left_shift(slf.py(), slf.as_any(), other)
    }
    fn __rshift__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        right_shift(slf.py(), slf.as_any(), other)
    }
    fn __iadd__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<()> {
        written(slf, "add", other).map(drop)
    }
    fn __isub__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<()> {
        written(slf, "sub", other).map(drop)
    }
    fn __imul__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<()> {
        written(slf, "mul", other).map(drop)
    }
    fn __itruediv__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<()> {
        written(slf, "div", other).map(drop)
    }
    fn __ipow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let _ = modulus;
        written(slf, "pow", other).map(drop)
    }
    fn __neg__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.neg().raise()?)
    }
    fn __pos__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyAny> {
        slf.clone().into_any()
    }
    fn __abs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap(py, self.0.abs().raise()?)
    }
    fn __invert__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static FOUND: LazyLock<Vec<&'static Entry>> =
            LazyLock::new(|| overloads("torch", "bitwise_not"));
        let args = [Value::Tensor(slf.get().0.clone())];
        let value = dispatch("bitwise_not", &FOUND, &args, &[]).raise()?;
        crate::convert::to_python(slf.py(), value)
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let compare = match op {
            CompareOp::Eq => eq,
            CompareOp::Ne => ne,
            CompareOp::Lt => lt,
            CompareOp::Le => le,
            CompareOp::Gt => gt,
            CompareOp::Ge => ge,
        };
        compare(slf.py(), slf.as_any(), other)
    }

    /// Arrays of NumPy leave operators with a tensor to the tensor.
    #[classattr]
    fn __array_priority__() -> i64 {
        1000
    }
}

/// A tensor of an operand of `@`, which takes no numbers.
fn as_tensor(v: &Bound<'_, PyAny>) -> PyResult<Option<Tensor>> {
    match v.cast::<PyTensor>() {
        Ok(t) => Ok(Some(t.get().0.clone())),
        Err(_) => memory::from_array_interface(v, true),
    }
}

fn matmul<'py>(
    py: Python<'py>,
    a: Option<Tensor>,
    b: Option<Tensor>,
) -> PyResult<Bound<'py, PyAny>> {
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(not_implemented(py));
    };
    let product = match a.numel() + b.numel() > 20_000 {
        true => py.detach(|| a.matmul(&b)),
        false => a.matmul(&b),
    };
    wrap(py, product.raise()?)
}

/// A number that handles of one tensor share.
#[pyfunction]
pub(crate) fn identity(t: &Bound<'_, PyTensor>) -> usize {
    t.get().0.address()
}
