//! The arguments of one call, by name.

use super::signature::Signature;
use super::value::Value;
use crate::core::operand::Operand;
use crate::{DType, Error, ErrorKind, Number, Result, Tensor};
use pullback_random::digits::{Shortest, Streamed};
use smallvec::SmallVec;

/// Arguments without names, in room for those of nearly every call.
pub type Arguments = SmallVec<[Value; 6]>;

/// The arguments of one call, bound to the parameters of a signature: of the right types, defaults filled in.
#[derive(Debug)]
pub struct Args<'a> {
    signature: &'a Signature,
    values: &'a [Value],
}

/// Getters by parameter name. Asking for a name that the signature lacks, or for another type than it says, is a mistake in the list:
/// the error names it, and the first test that calls the function finds it.
impl<'a> Args<'a> {
    /// The values of a call, in the order of the signature.
    pub fn new(signature: &'a Signature, values: &'a [Value]) -> Self {
        Args { signature, values }
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.signature.name
    }

    /// The argument as it is.
    pub fn value(&self, name: &str) -> Result<&Value> {
        let at = self.signature.params.iter().position(|p| p.name == name);
        at.map(|i| &self.values[i]).ok_or_else(|| self.bad(name))
    }

    /// A probability: PyTorch's functions of `nn.functional` raise a `ValueError` for other numbers, its operations a `RuntimeError`.
    pub(crate) fn probability(&self, name: &str) -> Result<f64> {
        let p = self.float(name)?;
        if (0.0..=1.0).contains(&p) {
            return Ok(p);
        }
        // What Python's check lets pass is refused by the function below it, in its own words.
        let text = "dropout probability has to be between 0 and 1, but got";
        Err(match p.is_nan() {
            true => Error::new(ErrorKind::Shape, format!("{text} {}", Streamed(p))),
            false => Error::new(ErrorKind::Value, format!("{text} {}", Shortest(p))),
        })
    }

    /// Whether an argument is a tensor.
    pub fn is_tensor(&self, name: &str) -> bool {
        matches!(self.value(name), Ok(Value::Tensor(_)))
    }

    /// Every tensor among them.
    pub(crate) fn all_tensors(&self) -> Vec<&Tensor> {
        self.values.iter().flat_map(Value::tensors).collect()
    }

    #[cold]
    fn bad(&self, name: &str) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} has no parameter {name:?} of the type asked for",
                self.signature
            ),
        )
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensor_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// A tensor that may be `None`.
    pub fn tensor_opt(&self, name: &str) -> Result<Option<&Tensor>> {
        match self.value(name)? {
            Value::Tensor(t) => Ok(Some(t)),
            Value::None => Ok(None),
            _ => Err(self.bad(name)),
        }
    }

    /// A list of tensors.
    pub fn tensors(&self, name: &str) -> Result<Vec<&Tensor>> {
        match self.value(name)? {
            Value::List(list) if list.iter().all(|v| matches!(v, Value::Tensor(_))) => {
                Ok(list.iter().flat_map(Value::tensors).collect())
            }
            _ => Err(self.bad(name)),
        }
    }

    /// A tensor or a number.
    pub fn operand(&self, name: &str) -> Result<Operand<'_>> {
        match self.value(name)? {
            Value::Tensor(t) => Ok(t.into()),
            other => (other.number().map(Operand::Number)).ok_or_else(|| self.bad(name)),
        }
    }

    /// An integer.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.int_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// An integer that may be `None`.
    pub fn int_opt(&self, name: &str) -> Result<Option<i64>> {
        match self.value(name)? {
            Value::Int(i) => Ok(Some(*i)),
            Value::None => Ok(None),
            _ => Err(self.bad(name)),
        }
    }

    /// A floating number.
    pub fn float(&self, name: &str) -> Result<f64> {
        self.float_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// A floating number that may be `None`.
    pub fn float_opt(&self, name: &str) -> Result<Option<f64>> {
        Ok(self.number_opt(name)?.map(Number::to_f64))
    }

    /// A number of any kind.
    pub fn number(&self, name: &str) -> Result<Number> {
        self.number_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// A number that may be `None`.
    pub fn number_opt(&self, name: &str) -> Result<Option<Number>> {
        match self.value(name)? {
            Value::None => Ok(None),
            other => (other.number().map(Some)).ok_or_else(|| self.bad(name)),
        }
    }

    /// A truth value.
    pub fn bool(&self, name: &str) -> Result<bool> {
        match self.value(name)? {
            Value::Bool(b) => Ok(*b),
            _ => Err(self.bad(name)),
        }
    }

    /// A truth value that may be `None`.
    pub fn bool_opt(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name)? {
            Value::None => Ok(None),
            _ => self.bool(name).map(Some),
        }
    }

    /// A text.
    pub fn str(&self, name: &str) -> Result<&str> {
        self.str_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// A text that may be `None`.
    pub fn str_opt(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name)? {
            Value::Str(s) => Ok(Some(s)),
            Value::None => Ok(None),
            _ => Err(self.bad(name)),
        }
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        self.ints_opt(name)?.ok_or_else(|| self.bad(name))
    }

    /// A list of integers that may be `None`.
    pub fn ints_opt(&self, name: &str) -> Result<Option<Vec<i64>>> {
        match self.value(name)? {
            Value::None => Ok(None),
            // A default that is one number: binding makes lists of what callers give.
            Value::Int(n) => Ok(Some(vec![*n])),
            Value::List(list) => (list.iter())
                .map(|v| match v {
                    Value::Int(i) => Ok(*i),
                    _ => Err(self.bad(name)),
                })
                .collect::<Result<_>>()
                .map(Some),
            _ => Err(self.bad(name)),
        }
    }

    /// A list of sizes: integers that must not be negative.
    ///
    /// # Errors
    /// PyTorch's sentence for a negative size.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>> {
        let ints = self.ints(name)?;
        (ints.iter())
            .map(|&n| {
                usize::try_from(n).map_err(|_| {
                    let shown: Vec<String> = ints.iter().map(i64::to_string).collect();
                    Error::new(
                        ErrorKind::Shape,
                        format!(
                            "Trying to create tensor with negative dimension {n}: [{}]",
                            shown.join(", ")
                        ),
                    )
                })
            })
            .collect()
    }

    /// A dtype, or `None`.
    pub fn dtype(&self, name: &str) -> Result<Option<DType>> {
        match self.value(name)? {
            Value::DType(d) => Ok(Some(*d)),
            Value::None => Ok(None),
            _ => Err(self.bad(name)),
        }
    }
}
