//! What a file of PyTorch's holds, as a tree.

use crate::core::fail::bail;
use crate::nn::NamedTensors;
use crate::{DType, Result, Tensor};
use std::sync::Arc;

/// A value of a file of PyTorch's.
///
/// Tensors that were one are one, and those that shared memory share it. Objects of classes that are not containers are not made: what is known of one is its
/// class and its state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A tensor.
    Tensor(Tensor),
    /// A dtype.
    DType(DType),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set.
    Set(Vec<Value>),
    /// A dict, in its order.
    Dict(Vec<(Value, Value)>),
    /// An object of some class.
    Object(Box<Object>),
}

/// An object of which nothing was run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Object {
    /// The class, with its module.
    pub class: String,
    /// Its `__dict__`, or what it gave to be made of again.
    pub state: Option<Value>,
    /// The entries, where it is a kind of dict.
    pub items: Vec<(Value, Value)>,
}

impl Value {
    /// The value of a key that is a text, in a dict or an object that is one.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entries = match self {
            Value::Dict(all) => all,
            Value::Object(object) => &object.items,
            _ => return None,
        };
        let is = |k: &Value| matches!(k, Value::Text(text) if **text == *key);
        let mut found = entries.iter().rev();
        found.find(|(k, _)| is(k)).map(|(_, value)| value)
    }

    /// The tensor, if this is one.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(t) => Some(t),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(x) => Some(*x as f64),
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A dict of tensors by name, as a state dict is.
    ///
    /// # Errors
    /// Where this is no dict, or has something else in it.
    pub fn named(&self) -> Result<NamedTensors> {
        let Value::Dict(all) = self else {
            bail!(Type, "the value is no dict of tensors");
        };
        let mut named = NamedTensors::new();
        for (key, value) in all {
            match (key, value) {
                (Value::Text(name), Value::Tensor(t)) => named.push(name, t.clone()),
                (Value::Text(name), _) => bail!(Type, "`{name}` is no tensor"),
                _ => bail!(Type, "a key of the dict is no text"),
            }
        }
        Ok(named)
    }
}

impl From<&NamedTensors> for Value {
    fn from(all: &NamedTensors) -> Value {
        let entry = |(name, t): (&str, &Tensor)| (Value::from(name), Value::Tensor(t.clone()));
        Value::Dict(all.iter().map(entry).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<Tensor> for Value {
    fn from(t: Tensor) -> Value {
        Value::Tensor(t)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Value {
        Value::Float(x)
    }
}

impl From<i64> for Value {
    fn from(x: i64) -> Value {
        Value::Int(x.into())
    }
}

impl From<bool> for Value {
    fn from(x: bool) -> Value {
        Value::Bool(x)
    }
}
