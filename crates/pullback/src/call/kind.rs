//! The types of parameters: their names in signatures, and which values are of them.

use super::value::Value;
use crate::Number;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor.
    Tensor,
    /// A tensor or a plain number.
    Operand,
    /// A list of tensors.
    Tensors,
    /// An integer.
    Int,
    /// A floating number; integers become one.
    Float,
    /// A truth value, an integer or a floating number.
    Number,
    /// A truth value.
    Bool,
    /// A text.
    Str,
    /// A list of integers; one integer is a list of one.
    Ints,
    /// A dtype.
    DType,
    /// Anything; the function looks itself.
    Any,
}

pub(super) const KINDS: &[(&str, Kind, &str)] = &[
    ("Tensor", Kind::Tensor, "Tensor"),
    ("Tensor|number", Kind::Operand, "Tensor or Number"),
    ("Tensor[]", Kind::Tensors, "tuple of Tensors"),
    ("int", Kind::Int, "int"),
    ("float", Kind::Float, "float"),
    ("number", Kind::Number, "Number"),
    ("bool", Kind::Bool, "bool"),
    ("str", Kind::Str, "str"),
    ("int[]", Kind::Ints, "tuple of ints"),
    ("dtype", Kind::DType, "torch.dtype"),
    ("any", Kind::Any, "any"),
];

impl Kind {
    /// The name in signatures.
    pub fn name(self) -> &'static str {
        (KINDS.iter().find(|k| k.1 == self)).map_or("any", |k| k.0)
    }

    pub(super) fn words(self) -> &'static str {
        (KINDS.iter().find(|k| k.1 == self)).map_or("any", |k| k.2)
    }

    /// The value as this type, where it is of it or becomes it silently in PyTorch too.
    pub(super) fn accept(self, v: &Value) -> Option<Value> {
        Some(match (self, v) {
            (Kind::Any, v)
            | (Kind::Tensor | Kind::Operand, v @ Value::Tensor(_))
            | (Kind::Int, v @ Value::Int(_))
            | (Kind::Float, v @ Value::Float(_))
            | (Kind::Bool, v @ Value::Bool(_))
            | (Kind::Str, v @ Value::Str(_))
            | (Kind::DType, v @ Value::DType(_))
            | (
                Kind::Number | Kind::Operand,
                v @ (Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_)),
            ) => v.clone(),
            (Kind::Float, Value::Int(i)) => Value::Float(*i as f64),
            (Kind::Float, Value::UInt(u)) => Value::Float(*u as f64),
            (Kind::Float, Value::Bool(b)) => Value::Float(f64::from(u8::from(*b))),
            (Kind::Int, Value::Tensor(t)) if t.ndim() == 0 && !t.dtype().is_float() => {
                Value::Int(t.item_f64().ok()? as i64)
            }
            (Kind::Float, Value::Tensor(t)) if t.ndim() == 0 && !t.requires_grad() => {
                Value::Float(t.item_f64().ok()?)
            }
            (Kind::Number, Value::Tensor(t)) if t.ndim() == 0 && !t.requires_grad() => {
                match t.number().ok()? {
                    Number::Bool(b) => Value::Bool(b),
                    Number::Int(i) => Value::Int(i),
                    other => Value::Float(other.to_f64()),
                }
            }
            // A truth value is no integer in PyTorch's signatures, though it is one of Python's.
            (Kind::Ints, Value::Int(_)) => Value::List(vec![v.clone()]),
            (Kind::Ints, Value::List(list)) => {
                if not_an_int(list).is_some() {
                    return None;
                }
                let int = |v: &Value| match v {
                    Value::Bool(b) => Some(Value::Int(i64::from(*b))),
                    v => Kind::Int.accept(v),
                };
                Value::List(list.iter().map(int).collect::<Option<_>>()?)
            }
            (Kind::Tensors, v @ Value::List(list)) => {
                if !list.iter().all(|v| matches!(v, Value::Tensor(_))) {
                    return None;
                }
                v.clone()
            }
            _ => return None,
        })
    }
}

/// Where a list has something else than an integer, if it has. As in PyTorch, which looks at the first element and unpacks the others, a
/// truth value counts as one from the second place on.
pub(super) fn not_an_int(list: &[Value]) -> Option<usize> {
    list.iter().enumerate().position(|(i, v)| match v {
        Value::Bool(_) => i == 0,
        v => Kind::Int.accept(v).is_none(),
    })
}
