//! Arguments and results of functions that are called by name: what Python, the command line and golden files pass.

use crate::{DType, Number, Result, Tensor};

/// An argument or a result.
#[derive(Clone, Debug)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer from 2^63 on.
    UInt(u64),
    /// A floating number.
    Float(f64),
    /// A text.
    Str(String),
    /// A dtype.
    DType(DType),
    /// A tensor.
    Tensor(Tensor),
    /// A list or a tuple.
    List(Vec<Value>),
}

impl Value {
    /// Several tensors as one result.
    pub fn tuple(tensors: impl IntoIterator<Item = Tensor>) -> Result<Value> {
        Ok(Value::List(
            tensors.into_iter().map(Value::Tensor).collect(),
        ))
    }

    /// Every tensor in it, in order.
    pub fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Value::Tensor(t) => vec![t],
            Value::List(list) => list.iter().flat_map(Value::tensors).collect(),
            _ => Vec::new(),
        }
    }

    /// The same value with every tensor replaced, in the order of [`Value::tensors`].
    ///
    /// # Errors
    /// Whatever `f` reports.
    pub fn map_tensors(&self, f: &mut dyn FnMut(&Tensor) -> Result<Tensor>) -> Result<Value> {
        Ok(match self {
            Value::Tensor(t) => Value::Tensor(f(t)?),
            Value::List(list) => Value::List(
                list.iter()
                    .map(|v| v.map_tensors(f))
                    .collect::<Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    /// A plain number, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self {
            Value::Bool(b) => Some(Number::Bool(*b)),
            Value::Int(i) => Some(Number::Int(*i)),
            Value::UInt(u) => Some(Number::UInt(*u)),
            Value::Float(x) => Some(Number::Float(*x)),
            _ => None,
        }
    }

    /// The name Python gives its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::UInt(_) => "int of more than 63 bits",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::DType(_) => "torch.dtype",
            Value::Tensor(_) => "Tensor",
            Value::List(list) => match list.first() {
                Some(Value::Tensor(_)) => "list of Tensors",
                Some(Value::Int(_)) => "list of ints",
                _ => "list",
            },
        }
    }
}

/// What becomes a [`Value`].
pub trait IntoValue {
    /// The value.
    fn into_value(self) -> Result<Value>;
}

macro_rules! into_value {
    ($($t:ty, $x:ident => $value:expr;)*) => {$(
        impl IntoValue for $t {
            fn into_value(self) -> Result<Value> {
                let $x = self;
                Ok($value)
            }
        }
        impl From<$t> for Value {
            fn from($x: $t) -> Value {
                $value
            }
        }
    )*};
}
into_value! {
    Tensor, x => Value::Tensor(x);
    &Tensor, x => Value::Tensor(x.clone());
    Vec<Tensor>, x => Value::List(x.into_iter().map(Value::Tensor).collect());
    (Tensor, Tensor), x => Value::List(vec![Value::Tensor(x.0), Value::Tensor(x.1)]);
    (Tensor, Tensor, Tensor), x => Value::List(vec![Value::Tensor(x.0), Value::Tensor(x.1), Value::Tensor(x.2)]);
    bool, x => Value::Bool(x);
    i64, x => Value::Int(x);
    usize, x => Value::Int(x as i64);
    f64, x => Value::Float(x);
    &str, x => Value::Str(x.to_string());
    DType, x => Value::DType(x);
    Vec<i64>, x => Value::List(x.into_iter().map(Value::Int).collect());
    Vec<usize>, x => Value::List(x.into_iter().map(|n| Value::Int(n as i64)).collect());
}

impl<T: IntoValue> IntoValue for Result<T> {
    fn into_value(self) -> Result<Value> {
        self?.into_value()
    }
}
