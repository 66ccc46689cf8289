//! Functions of the list as Python's callables: module functions, and methods that bind their tensor.

use crate::convert::{part, to_python, to_value, wrap};
use crate::error::Raise;
use crate::generator::TorchStream;
use crate::out::{say, targets};
use crate::overriding;
use crate::refusal;
use pullback::registry::{
    Arguments, Entry, Into, Value, dispatch, dispatch_plain, entries, in_place, overloads,
};
use pullback::{DType, Device, on_device, random};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// How many elements make it worth to let other Python threads run meanwhile.
const HEAVY: usize = 32_768;

/// A function of the list: its overloads, and whether it writes in place.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Of a named tuple of its results.
    tuple: String,
    pub(crate) overloads: Vec<&'static Entry>,
    pub(crate) in_place: bool,
}

/// Keyword arguments that every function takes in PyTorch and that are no parameters of the list.
#[derive(Default)]
pub(crate) struct Common<'py> {
    out: Option<Bound<'py, PyAny>>,
    generator: Option<Bound<'py, PyAny>>,
    requires_grad: bool,
    memory_format: Option<Bound<'py, PyAny>>,
    device: Option<Device>,
}

impl Target {
    /// The function of a name in one of PyTorch's places.
    pub(crate) fn new(place: &str, name: &'static str) -> Target {
        let tuple = match place {
            "linalg" => format!("linalg_{name}"),
            _ => name.to_string(),
        };
        Target {
            name,
            tuple,
            overloads: overloads(place, name),
            in_place: false,
        }
    }

    fn takes(&self, name: &str) -> bool {
        (self.overloads.iter()).any(|e| e.signature.params.iter().any(|p| p.name == name))
    }

    /// Whether it makes tensors of nothing.
    fn creates(&self) -> bool {
        self.takes("dtype") && !self.takes("input")
    }

    /// Takes out what is common to all functions.
    pub(crate) fn common<'py>(
        &self,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Vec<(String, Value)>, Common<'py>)> {
        let (mut named, mut common) = (Vec::new(), Common::default());
        for (key, value) in kwargs.into_iter().flat_map(|d| d.iter()) {
            let key: String = key.extract()?;
            if key == "memory_format"
                && (self.takes(&key) || self.name == "empty" || self.name.ends_with("_like"))
            {
                common.memory_format = Some(value).filter(|v| !v.is_none());
                continue;
            }
            if !self.takes(&key) {
                match key.as_str() {
                    "out" if value.is_none() => continue,
                    "out" => {
                        common.out = Some(value);
                        continue;
                    }
                    "requires_grad" => {
                        common.requires_grad = value.extract()?;
                        continue;
                    }
                    "generator" if value.is_none() => continue,
                    "generator" if self.overloads.iter().any(|e| e.function.random) => {
                        common.generator = Some(value);
                        continue;
                    }
                    "device" => {
                        common.device = Some(crate::data::check_device(&value)?);
                        continue;
                    }
                    // What changes no value.
                    "layout" | "pin_memory" | "non_blocking" | "inplace" | "_stacklevel" => {
                        continue;
                    }
                    _ => {}
                }
            }
            named.push((key, to_value(&value)?));
        }
        Ok((named, common))
    }

    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        args: &mut Arguments,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if (self.overloads.first()).is_some_and(|e| e.function.warns.is_some()) {
            self.warn(py, args, kwargs)?;
        }
        let default = crate::data::default_device();
        if kwargs.is_none() && !self.in_place && default == Device::Cpu {
            let value = match args.iter().any(is_heavy) {
                true => py.detach(|| dispatch_plain(self.name, &self.overloads, args)),
                false => dispatch_plain(self.name, &self.overloads, args),
            };
            return match value.raise()? {
                Value::Tensor(t) => wrap(py, t),
                other => self.named_result(py, other),
            };
        }
        let (named, mut common) = match kwargs {
            Some(_) => self.common(kwargs)?,
            None => Default::default(),
        };
        let named: Vec<(&str, Value)> = (named.iter())
            .map(|(k, v)| (k.as_str(), v.clone()))
            .collect();
        if default != Device::Cpu && common.device.is_none() && self.creates() {
            common.device = Some(default);
        }
        let targets = match &common.out {
            Some(out) => Some(targets(self.name, out)?),
            None => None,
        };
        let (device, mut warnings) = (common.device, Vec::new());
        let heavy = args.iter().any(is_heavy);
        let mut run = || -> pullback::Result<Value> {
            if let Some((outs, tuple)) = &targets {
                let call = Into {
                    name: self.name,
                    overloads: &self.overloads,
                    args,
                    kwargs: &named,
                    outs,
                    tuple: *tuple,
                };
                warnings = call.run()?;
                return Ok(Value::None);
            }
            if self.in_place {
                let entry = (self.overloads.iter())
                    .find(|e| e.signature.bind(args, &named).is_ok())
                    .unwrap_or(&self.overloads[0]);
                return in_place(entry, args, &named);
            }
            match device {
                Some(device) => on_device(device, || -> pullback::Result<Value> {
                    match dispatch(self.name, &self.overloads, args, &named)? {
                        Value::Tensor(t) => Ok(Value::Tensor(t.to_device(device)?)),
                        other => Ok(other),
                    }
                }),
                None => dispatch(self.name, &self.overloads, args, &named),
            }
        };
        let stream = match &common.generator {
            Some(generator) => stream(generator)?,
            None => None,
        };
        let run = || match &stream {
            Some(stream) => random::using(stream.get().shared(), run),
            None => run(),
        };
        let mut value = if heavy { py.detach(run) } else { run() }.raise()?;
        if let (Some(format), Value::Tensor(t)) = (&common.memory_format, &value) {
            let laid = part(py, "formatted")?.call1((wrap(py, t.clone())?, format, self.name))?;
            value = to_value(&laid)?;
        }
        if common.requires_grad
            && let Value::Tensor(t) = value
        {
            if !t.dtype().is_differentiable() {
                return Err(PyRuntimeError::new_err(crate::data::NO_GRADIENT));
            }
            return wrap(py, t.requires_grad_(true).raise()?);
        }
        if let Some(out) = common.out {
            say(py, warnings)?;
            return Ok(out);
        }
        self.named_result(py, value)
    }

    /// Says PyTorch's warnings, on the line of the caller.
    fn warn(
        &self,
        py: Python<'_>,
        args: &Arguments,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (named, _) = self.common(kwargs)?;
        let named: Vec<(&str, Value)> = (named.iter())
            .map(|(k, v)| (k.as_str(), v.clone()))
            .collect();
        let said = (self.overloads.iter()).find_map(|e| e.warnings(args, &named));
        for text in said.unwrap_or_default() {
            let kind = py.get_type::<pyo3::exceptions::PyUserWarning>();
            PyErr::warn(py, &kind, &std::ffi::CString::new(text)?, 1)?;
        }
        Ok(())
    }

    /// Several results with names become PyTorch's `torch.return_types.NAME`.
    fn named_result<'py>(&self, py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
        let Value::List(list) = &value else {
            return to_python(py, value);
        };
        let named = (self.overloads.iter()).find_map(|e| {
            let names = result_names(e.signature.returns);
            (!names.is_empty() && names.len() == list.len()).then_some(names)
        });
        let result = to_python(py, value)?;
        match named {
            Some(names) => part(py, "return_type")?.call1((&self.tuple, names, result)),
            None => Ok(result),
        }
    }
}

/// The stream of what was given as `generator=`; `None` for the default generator.
pub(crate) fn stream(generator: &Bound<'_, PyAny>) -> PyResult<Option<Py<TorchStream>>> {
    (generator.getattr("_stream"))
        .and_then(|stream| Ok(stream.extract()?))
        .map_err(|_| PyTypeError::new_err("generator must be a pullback.Generator"))
}

fn is_heavy(v: &Value) -> bool {
    match v {
        Value::Tensor(t) => t.numel() > HEAVY,
        Value::List(list) => list.iter().any(is_heavy),
        _ => false,
    }
}

/// `(Tensor values, Tensor indices)` → the names.
fn result_names(returns: &'static str) -> Vec<&'static str> {
    let Some(inside) = returns.strip_prefix('(').and_then(|r| r.strip_suffix(')')) else {
        return Vec::new();
    };
    (inside.split(','))
        .filter_map(|part| part.trim().split_once(' ').map(|(_, name)| name))
        .collect()
}

// A function of a module, or a method of `Tensor` that is not bound yet. No doc comment: as the class's text it would hide
// the text that each function has of its own.
#[pyclass(name = "builtin_function", module = "pullback", frozen)]
pub(crate) struct Builtin {
    target: Target,
    place: &'static str,
    method: bool,
    qualified: String,
}

#[pymethods]
impl Builtin {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if overriding::watched()
            && let Some(answer) = overriding::answer(slf.as_any(), args, kwargs)?
        {
            return Ok(answer);
        }
        let mut values = Arguments::new();
        let result = read(args, &mut values)
            .and_then(|()| slf.get().target.call(slf.py(), &mut values, kwargs));
        result.or_else(|e| {
            let e = refusal::in_words(slf.get(), None, args, kwargs, e);
            overriding::answer_to_refusal(slf.as_any(), args, kwargs, e)
        })
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        object: Option<&Bound<'py, PyAny>>,
        _class: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match object {
            Some(object) if slf.get().method && !object.is_none() => Ok(Bound::new(
                py,
                BoundMethod {
                    function: slf.clone().unbind(),
                    object: object.clone().unbind(),
                },
            )?
            .into_any()),
            _ => Ok(slf.clone().into_any()),
        }
    }

    fn __repr__(&self) -> String {
        format!("<built-in method {} of pullback>", self.qualified)
    }

    /// A pickle holds the name; what it gives is this very object.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (&'static str, String))> {
        Ok((part(py, "function_named")?, (self.place, self.__name__())))
    }

    #[getter]
    fn __name__(&self) -> String {
        self.qualified.rsplit('.').next().unwrap_or("").to_string()
    }

    #[getter]
    fn __qualname__(&self) -> &str {
        &self.qualified
    }

    #[getter]
    fn __doc__(&self) -> String {
        doc(&self.target)
    }

    #[getter]
    fn __text_signature__(&self) -> Option<String> {
        crate::signature::text(&self.target, self.place)
    }
}

// A method of one tensor.
#[pyclass(module = "pullback", frozen)]
pub(crate) struct BoundMethod {
    function: Py<Builtin>,
    object: Py<PyAny>,
}

#[pymethods]
impl BoundMethod {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let object = self.object.bind(py);
        if overriding::watched() {
            let function = self.function.bind(py).as_any();
            if let Some(answer) = overriding::answer(function, &with_first(object, args)?, kwargs)?
            {
                return Ok(answer);
            }
        }
        let mut values = Arguments::new();
        values.push(to_value(object)?);
        let target = &self.function.get().target;
        let result = read(args, &mut values).and_then(|()| target.call(py, &mut values, kwargs));
        let result = match result {
            Ok(result) => result,
            Err(e) => {
                let e = refusal::in_words(self.function.get(), Some(object), args, kwargs, e);
                let function = self.function.bind(py).as_any();
                return overriding::answer_to_refusal(
                    function,
                    &with_first(object, args)?,
                    kwargs,
                    e,
                );
            }
        };
        // What writes in place returns the very object it was called on.
        Ok(
            if target.in_place || target.name.ends_with('_') && !target.name.starts_with('_') {
                object.clone()
            } else {
                result
            },
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let getattr = py.import("builtins")?.getattr("getattr")?;
        let arguments = (self.object.clone_ref(py), self.__name__());
        Ok((getattr, arguments).into_pyobject(py)?.into_any())
    }

    #[getter]
    fn __self__(&self, py: Python<'_>) -> Py<PyAny> {
        self.object.clone_ref(py)
    }

    #[getter]
    fn __name__(&self) -> String {
        self.function.get().__name__()
    }

    #[getter]
    fn __doc__(&self) -> String {
        self.function.get().__doc__()
    }

    fn __repr__(&self) -> String {
        format!(
            "<built-in method {} of Tensor object>",
            self.function.get().__name__()
        )
    }
}

impl Builtin {
    /// The function of the list.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The name that a caller writes; where PyTorch's has its module in front, the signature's own (nothing).
    pub(crate) fn called(&self) -> String {
        match self.place {
            "torch" | "Tensor" => self.__name__(),
            _ => String::new(),
        }
    }
}

/// Arguments as the list takes them.
#[inline]
fn read(args: &Bound<'_, PyTuple>, values: &mut Arguments) -> PyResult<()> {
    for a in args.iter_borrowed() {
        values.push(to_value(&a)?);
    }
    Ok(())
}

/// The arguments of a method as those of a function.
#[cold]
fn with_first<'py>(
    object: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyTuple>> {
    let all = std::iter::once(object.clone()).chain(args.iter());
    PyTuple::new(args.py(), all.collect::<Vec<_>>())
}

/// Signatures, the sentence, the formula.
fn doc(target: &Target) -> String {
    let mut text = String::new();
    for e in &target.overloads {
        text += &format!("{}\n", e.signature);
    }
    let f = target.overloads[0].function;
    text += &format!("\n{}\n\nFormula: {}\n", f.summary, f.formula);
    if let Some(op) = f.op {
        text += &format!("Derivative: {}\n", op.derivative);
        if !op.convention.is_empty() {
            text += &format!("At kinks and edges: {}\n", op.convention);
        }
    }
    text
}

/// Every function as `(place, name, object)`: what the Python side puts into its modules and onto `Tensor`.
#[pyfunction]
pub(crate) fn builtins(py: Python<'_>) -> PyResult<Vec<(&'static str, String, Py<Builtin>)>> {
    let mut names: Vec<(&'static str, &'static str)> = Vec::new();
    for entry in entries() {
        for place in entry.function.found_at() {
            if !names.contains(&place) {
                names.push(place);
            }
        }
    }
    let mut out = Vec::new();
    for (place, name) in names {
        let target = Target::new(place, name);
        let qualified = |name: &str| match place {
            "Tensor" => format!("Tensor.{name}"),
            "torch" => name.to_string(),
            _ => format!("{place}.{name}"),
        };
        let can_write = target.overloads.iter().any(|e| e.function.in_place);
        if can_write && (place == "Tensor" || place == "torch") {
            let written = format!("{name}_");
            let builtin = Builtin {
                target: Target {
                    in_place: true,
                    overloads: (target.overloads.iter().copied())
                        .filter(|e| e.function.in_place)
                        .collect(),
                    ..target.clone()
                },
                place,
                method: place == "Tensor",
                qualified: qualified(&written),
            };
            out.push((place, written, Py::new(py, builtin)?));
        }
        let builtin = Builtin {
            target,
            place,
            method: place == "Tensor",
            qualified: qualified(name),
        };
        out.push((place, name.to_string(), Py::new(py, builtin)?));
    }
    Ok(out)
}

/// A dtype argument that may be left out.
pub(crate) fn dtype_or(v: Option<&Bound<'_, PyAny>>, default: DType) -> PyResult<DType> {
    match v {
        None => Ok(default),
        Some(v) if v.is_none() => Ok(default),
        Some(v) => {
            crate::dtype::extract(v).ok_or_else(|| PyTypeError::new_err(format!("{v} is no dtype")))
        }
    }
}
