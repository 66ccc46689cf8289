//! Python's operators on a `Tensor`: one table says which function each of them is.
//!
//! What an operator does not take gives `NotImplemented`, so that Python asks the other operand; unless its class overrides functions.
// What PyO3 writes for methods out of a table has the table's place in the source, so the lint takes it for ours.
#![allow(unsafe_op_in_unsafe_fn)]

use super::PyTensor;
use crate::convert::{Other, to_python, wrap};
use crate::error::Raise;
use crate::memory;
use crate::overriding::operand;
use pullback::registry::{Arguments, Entry, Value, dispatch_plain, in_place, overloads};
use pullback::{DType, Number, Tensor};
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::sync::LazyLock;

type Result<'py> = PyResult<Bound<'py, PyAny>>;
type Found = LazyLock<Vec<&'static Entry>>;

/// The overloads of a function of the list, looked up once.
macro_rules! found {
    ($function:literal) => {{
        static FOUND: Found = LazyLock::new(|| overloads("torch", $function));
        &FOUND
    }};
}

/// A function of the list with two operands.
fn listed<'py>(
    operator: &str,
    name: &str,
    found: &[&'static Entry],
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
) -> Result<'py> {
    let py = a.py();
    let (left, right) = match (Other::of(a)?, Other::of(b)?) {
        (Some(left), Some(right)) => (left, right),
        (Some(_), None) => return operand(a, b, operator),
        (None, _) => return operand(b, a, operator),
    };
    let mut args = Arguments::new();
    args.push(left.value());
    args.push(right.value());
    match dispatch_plain(name, found, &mut args).raise()? {
        Value::Tensor(t) => wrap(py, t),
        other => to_python(py, other),
    }
}

/// An operand of an operator that writes in place. What is none is turned away while arguments are read, which PyO3 makes
/// `NotImplemented`; an error in reading an array is kept for the caller.
struct Written(PyResult<Value>);

impl<'a, 'py> FromPyObject<'a, 'py> for Written {
    type Error = PyErr;

    fn extract(v: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match Other::of(&v) {
            Ok(None) => Err(PyTypeError::new_err("no operand")),
            Ok(Some(other)) => Ok(Written(Ok(other.value()))),
            Err(e) => Ok(Written(Err(e))),
        }
    }
}

/// `a += b`: written into `a`.
fn write(
    slf: &Bound<'_, PyTensor>,
    name: &str,
    found: &[&'static Entry],
    other: Written,
) -> PyResult<()> {
    let args = [Value::Tensor(slf.get().0.clone()), other.0?];
    let entry = (found.iter())
        .find(|e| e.function.in_place && e.signature.bind(&args, &[]).is_ok())
        .ok_or_else(|| PyTypeError::new_err(format!("{name}_ does not take this argument")))?;
    in_place(entry, &args, &[]).raise().map(drop)
}

/// PyTorch's error for tensors on two devices; one in memory without dimensions goes with all.
#[cold]
fn one_device(a: &Tensor, b: &Tensor) -> PyResult<()> {
    let goes = |t: &Tensor| t.device() == pullback::Device::Cpu && t.ndim() == 0;
    if goes(a) && a.ndim() == b.ndim() || goes(b) {
        return Ok(());
    }
    Err(pyo3::exceptions::PyRuntimeError::new_err(format!(
        "Tensor on device {} is not on the expected device {}!",
        b.device(),
        a.device()
    )))
}

/// Whether it is a difference of bools, which the function of the list refuses in PyTorch's words.
#[inline]
fn no_difference(method: &str, a: &Tensor, b: &Other<'_>) -> bool {
    let bools = |d: DType| d == DType::Bool;
    method == "sub"
        && (bools(a.dtype())
            || match b {
                Other::Tensor(t) => bools(t.dtype()),
                Other::Number(n) => matches!(n, Number::Bool(_)),
            })
}

/// The operators, by what they call: a method of the library, without the list in between; a function of the list; a function
/// of the list that writes into the left operand.
macro_rules! operators {
    (
        methods { $($op:ident, $rop:ident: $method:ident;)* }
        functions { $($lop:ident, $lrop:ident: $function:literal;)* }
        writes { $($iop:ident: $written:literal;)* }
    ) => {
        #[pymethods]
        impl PyTensor {
            $(
                fn $op<'py>(&self, other: &Bound<'py, PyAny>) -> Result<'py> {
                    let py = other.py();
                    match Other::of(other)? {
                        Some(given) if no_difference(stringify!($method), &self.0, &given) => {
                            listed(stringify!($op), "sub", found!("sub"), &wrap(py, self.0.clone())?, other)
                        }
                        Some(Other::Tensor(t)) if t.device() != self.0.device() => {
                            one_device(&self.0, &t)?;
                            wrap(py, self.0.$method(&*t).raise()?)
                        }
                        Some(other) => wrap(py, self.0.$method(other.operand()).raise()?),
                        None => operand(&wrap(py, self.0.clone())?, other, stringify!($op)),
                    }
                }
                fn $rop<'py>(&self, other: &Bound<'py, PyAny>) -> Result<'py> {
                    let py = other.py();
                    let number;
                    let given = Other::of(other)?;
                    let left = match &given {
                        Some(given) if no_difference(stringify!($method), &self.0, given) => {
                            let right = wrap(py, self.0.clone())?;
                            return listed(stringify!($rop), "sub", found!("sub"), other, &right);
                        }
                        Some(Other::Tensor(t)) => &**t,
                        // A quotient of integers is a float, and numbers do not wrap on the way to it.
                        Some(Other::Number(n))
                            if stringify!($method) == "div" && !self.0.dtype().is_float() =>
                        {
                            let float = self.0.to(DType::default_float()).raise()?;
                            number = float.number_like(*n).raise()?;
                            &number
                        }
                        Some(Other::Number(n)) => {
                            number = self.0.number_like(*n).raise()?;
                            &number
                        }
                        None => return operand(&wrap(py, self.0.clone())?, other, stringify!($rop)),
                    };
                    wrap(py, left.$method(&self.0).raise()?)
                }
            )*
            $(
                fn $lop<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Result<'py> {
                    listed(stringify!($lop), $function, found!($function), slf.as_any(), other)
                }
                fn $lrop<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Result<'py> {
                    listed(stringify!($lrop), $function, found!($function), other, slf.as_any())
                }
            )*
            $(
                fn $iop(slf: &Bound<'_, Self>, other: Written) -> PyResult<()> {
                    write(slf, $written, found!($written), other)
                }
            )*
        }
    };
}

operators! {
    methods {
        __add__, __radd__: add;
        __sub__, __rsub__: sub;
        __mul__, __rmul__: mul;
        __truediv__, __rtruediv__: div;
    }
    functions {
        __floordiv__, __rfloordiv__: "floor_divide";
        __mod__, __rmod__: "remainder";
        __and__, __rand__: "bitwise_and";
        __or__, __ror__: "bitwise_or";
        __xor__, __rxor__: "bitwise_xor";
        __lshift__, __rlshift__: "bitwise_left_shift";
        __rshift__, __rrshift__: "bitwise_right_shift";
    }
    writes {
        __iadd__: "add";
        __isub__: "sub";
        __imul__: "mul";
        __itruediv__: "div";
        __ifloordiv__: "floor_divide";
        __imod__: "remainder";
        __iand__: "bitwise_and";
        __ior__: "bitwise_or";
        __ixor__: "bitwise_xor";
        __ilshift__: "bitwise_left_shift";
        __irshift__: "bitwise_right_shift";
    }
}

#[pymethods]
impl PyTensor {
    fn __matmul__<'py>(&self, other: &Bound<'py, PyAny>) -> Result<'py> {
        let py = other.py();
        match as_tensor(other)? {
            Some(right) => matmul(py, &self.0, &right),
            None => operand(&wrap(py, self.0.clone())?, other, "__matmul__"),
        }
    }

    fn __rmatmul__<'py>(&self, other: &Bound<'py, PyAny>) -> Result<'py> {
        let py = other.py();
        match as_tensor(other)? {
            Some(left) => matmul(py, &left, &self.0),
            None => operand(&wrap(py, self.0.clone())?, other, "__rmatmul__"),
        }
    }

    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> Result<'py> {
        let _ = modulus;
        listed("__pow__", "pow", found!("pow"), slf.as_any(), other)
    }

    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> Result<'py> {
        let _ = modulus;
        listed("__rpow__", "pow", found!("pow"), other, slf.as_any())
    }

    fn __ipow__<'py>(
        slf: &Bound<'py, Self>,
        other: Written,
        modulus: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let _ = modulus;
        write(slf, "pow", found!("pow"), other)
    }

    fn __neg__<'py>(&self, py: Python<'py>) -> Result<'py> {
        wrap(py, self.0.neg().raise()?)
    }

    fn __pos__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyAny> {
        slf.clone().into_any()
    }

    fn __abs__<'py>(&self, py: Python<'py>) -> Result<'py> {
        wrap(py, self.0.abs().raise()?)
    }

    fn __invert__<'py>(&self, py: Python<'py>) -> Result<'py> {
        let mut args: Arguments = std::iter::once(Value::Tensor(self.0.clone())).collect();
        to_python(
            py,
            dispatch_plain("bitwise_not", found!("bitwise_not"), &mut args).raise()?,
        )
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> Result<'py> {
        let (operator, found): (&str, &Found) = match op {
            CompareOp::Eq => ("__eq__", found!("eq")),
            CompareOp::Ne => ("__ne__", found!("ne")),
            CompareOp::Lt => ("__lt__", found!("lt")),
            CompareOp::Le => ("__le__", found!("le")),
            CompareOp::Gt => ("__gt__", found!("gt")),
            CompareOp::Ge => ("__ge__", found!("ge")),
        };
        let name = operator.trim_matches('_');
        listed(operator, name, found, slf.as_any(), other)
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

fn matmul<'py>(py: Python<'py>, a: &Tensor, b: &Tensor) -> Result<'py> {
    let product = match a.numel() + b.numel() > 20_000 {
        true => py.detach(|| a.matmul(b)),
        false => a.matmul(b),
    };
    wrap(py, product.raise()?)
}
