//! PyTorch's `out=`: results written into tensors that are given. Which dtypes these may have is in `out_rules.rs`, which memory they may share with
//! arguments in `overlaps.rs`.

use super::out_rules::{Call, check, creates, follows, resizes_silently};
use super::overlaps::check_overlap;
use super::{Entry, dispatch};
use crate::call::Value;
use crate::core::mode;
use crate::{DType, Device, Error, ErrorKind, Result, Shape, Tensor, on_device};
use pullback_array::Lent;

/// A call whose results go into given tensors.
pub struct Into<'a> {
    /// The name it was called by.
    pub name: &'a str,
    /// The functions of that name.
    pub overloads: &'a [&'static Entry],
    /// Arguments without names.
    pub args: &'a [Value],
    /// Arguments with names.
    pub kwargs: &'a [(&'a str, Value)],
    /// Where the results go; `tuple` says whether they came as several.
    pub outs: &'a [Tensor],
    /// Whether `out` is a tuple or a list, and not one tensor.
    pub tuple: bool,
}

impl Into<'_> {
    /// Runs the call and writes its results; what PyTorch warns of comes back. A tensor of another shape is resized.
    ///
    /// # Errors
    /// PyTorch's sentences: another number of tensors than results, gradients that would be lost, dtypes that do not fit, shared memory;
    /// and whatever the function reports.
    pub fn run(&self) -> Result<Vec<String>> {
        for out in self.outs {
            check_overlap(self.name, out, self.args, self.kwargs, 0)?;
        }
        let mut kwargs = self.kwargs.to_vec();
        let mut call = self.rule();
        if let ([out], true) = (self.outs, self.takes_dtype()) {
            if call.dtype && creates(self.name) {
                self.same_dtype(out)?;
            }
            if !call.dtype && follows(call, out.dtype())? {
                kwargs.push(("dtype", Value::DType(out.dtype())));
            }
        }
        if self.straight(call, &kwargs)? {
            return Ok(Vec::new());
        }
        let value = self.value(&kwargs)?;
        call.dtype = call.dtype || kwargs.len() > self.kwargs.len();
        let results = self.results(&value)?;
        let mut warnings = Vec::new();
        for (which, (result, out)) in results.iter().zip(self.outs).enumerate() {
            if mode::is_grad_enabled() && (result.requires_grad() || out.requires_grad()) {
                return Err(Error::new(
                    ErrorKind::Autograd,
                    format!(
                        "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
                        self.name
                    ),
                ));
            }
            if let Some(error) = check(call, which, [result.dtype(), out.dtype()]) {
                return Err(error);
            }
            let shape = self.shape(result, out);
            warnings.extend(self.fit(&shape, result, out)?);
            match shape == *result.shape() {
                false if self.name != "split_copy" => {
                    out.copy_(&result.detach().reshape(shape)?)?;
                }
                _ => out.copy_(&result.detach())?,
            }
        }
        Ok(warnings)
    }

    fn value(&self, kwargs: &[(&str, Value)]) -> Result<Value> {
        match self.outs {
            // Draws are those of the dtype that they are written in.
            [out] if self.name == "normal" && out.dtype().is_float() => {
                let mut convert = |t: &Tensor| t.to(out.dtype());
                let args = (self.args.iter())
                    .map(|v| v.map_tensors(&mut convert))
                    .collect::<Result<Vec<_>>>()?;
                dispatch(self.name, self.overloads, &args, kwargs)
            }
            _ => dispatch(self.name, self.overloads, self.args, kwargs),
        }
    }

    /// Computes the result in the memory of `out`, and says whether it did: where shapes and dtypes, inferred first, say that nothing is
    /// refused, resized or converted, and nobody asks for a history or for what the memory held before.
    fn straight(&self, call: Call<'_>, kwargs: &[(&str, Value)]) -> Result<bool> {
        let [out] = self.outs else { return Ok(false) };
        let target = out.array();
        let quiet = !self.tuple && !mode::watched() && out.is_plain() && !out.is_inference();
        if !quiet || !Lent::pays(target.numel() * target.dtype().size()) {
            return Ok(false);
        }
        let free = |t: &Tensor| {
            t.device() == Device::Cpu
                && !(mode::is_grad_enabled() && t.requires_grad())
                && !t.array().storage().shares_memory(target.storage())
        };
        let mut values = (self.args.iter()).chain(kwargs.iter().map(|(_, value)| value));
        let random = self.overloads.iter().any(|e| e.function.random);
        if random || !values.all(|v| v.tensors().into_iter().all(free)) {
            return Ok(false);
        }
        let (shape, dtype) = (out.shape(), out.dtype());
        let fits = (self.inferred(kwargs)).is_some_and(|(s, d)| s == *shape && d == dtype);
        if !fits || check(call, 0, [dtype, dtype]).is_some() {
            return Ok(false);
        }
        let Some(lent) = Lent::new(&target)? else {
            return Ok(false);
        };
        let value = self.value(kwargs)?;
        let mut result = self.results(&value)?[0].array().clone();
        drop(value);
        let there = lent.holds(&result);
        if !there && lent.made(&result) {
            // In another order: what is copied must be there when the memory is given back.
            result = result.copy()?;
        }
        drop(lent);
        if !there {
            out.copy_(&Tensor::from_array(result))?;
        }
        Ok(true)
    }

    /// Shape and dtype of the only result, where they can be told without computing it.
    fn inferred(&self, kwargs: &[(&str, Value)]) -> Option<(Shape, DType)> {
        let mut meta = |t: &Tensor| t.detach().to_device(Device::Meta);
        let args: Vec<Value> = (self.args.iter())
            .map(|v| v.map_tensors(&mut meta).ok())
            .collect::<Option<_>>()?;
        let kwargs: Vec<(&str, Value)> = (kwargs.iter())
            .map(|(name, v)| Some((*name, v.map_tensors(&mut meta).ok()?)))
            .collect::<Option<_>>()?;
        let value = on_device(Device::Meta, || {
            dispatch(self.name, self.overloads, &args, &kwargs)
        });
        let value = value.ok()?;
        let result = self.results(&value).ok()?.first().copied()?;
        Some((result.shape().clone(), result.dtype()))
    }

    fn rule(&self) -> Call<'_> {
        let dtype =
            |(name, value): &(&str, Value)| *name == "dtype" && matches!(value, Value::DType(_));
        Call {
            name: self.name,
            linalg: (self.overloads.first()).is_some_and(|e| !e.function.places.contains("torch")),
            args: self.args,
            named: self.kwargs.len(),
            dtype: self.kwargs.iter().any(dtype),
        }
    }

    fn takes_dtype(&self) -> bool {
        (self.overloads.iter()).any(|e| e.signature.params.iter().any(|p| p.name == "dtype"))
    }

    /// An error where a dtype was given that is not that of `out`.
    fn same_dtype(&self, out: &Tensor) -> Result<()> {
        for (name, value) in self.kwargs {
            if let ("dtype", Value::DType(dtype)) = (*name, value)
                && *dtype != out.dtype()
            {
                return Err(Error::new(
                    ErrorKind::DType,
                    format!(
                        "dtype {} does not match dtype of out parameter ({})",
                        dtype.scalar_type_name(),
                        out.dtype().scalar_type_name()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The results, one for each tensor that is written.
    fn results<'v>(&self, value: &'v Value) -> Result<Vec<&'v Tensor>> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Type, text));
        match value {
            Value::Tensor(result) if !self.tuple => Ok(vec![result]),
            Value::Tensor(_) => wrong(format!(
                "{}(): argument 'out' must be Tensor, not tuple",
                self.name
            )),
            Value::List(list) if self.tuple && list.len() == self.outs.len() => Ok(value.tensors()),
            Value::List(list) => wrong(format!(
                "{}(): argument 'out' must be tuple of {} Tensors",
                self.name,
                list.len()
            )),
            _ => wrong(format!(
                "{}() got an unexpected keyword argument 'out'",
                self.name
            )),
        }
    }

    /// The shape that `out` shall have: its result's, or its own where only the number of elements matters.
    fn shape(&self, result: &Tensor, out: &Tensor) -> Shape {
        match self.name {
            "arange" | "linspace" | "logspace" | "range" if result.numel() == out.numel() => out,
            "split_copy" => out,
            _ => result,
        }
        .shape()
        .clone()
    }

    /// Gives `out` a shape and the result's places in memory, and says what PyTorch warns of.
    fn fit(&self, shape: &Shape, result: &Tensor, out: &Tensor) -> Result<Option<String>> {
        if shape == out.shape() {
            return Ok(None);
        }
        let (was, numel) = (out.shape().clone(), out.numel());
        out.resize_(result.shape())?;
        let layout = result.array().layout().clone();
        if !layout.is_contiguous() && layout.is_dense() {
            let place = (
                result.shape().clone(),
                layout.strides().to_vec(),
                out.array().layout().offset(),
            );
            out.set_(&out.detach(), Some(place))?;
        }
        Ok(match self.name {
            _ if numel == 0 => None,
            "arange" => Some(format!(
                "The number of elements in the out tensor of shape {was} is {numel} which does not match the computed number of elements {}. Note that this may occur as a result of rounding error. The out tensor will be resized to a tensor of shape ({},).",
                result.numel(),
                result.numel()
            )),
            name if resizes_silently(name) => None,
            _ => Some(format!(
                "An output with one or more elements was resized since it had shape {was}, which does not match the required output shape {}. This behavior is deprecated, and PyTorch means to refuse such an output unless it has no elements: `out.resize_(0)` before the call says that it may be resized.",
                result.shape()
            )),
        })
    }
}
