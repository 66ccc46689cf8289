//! Parts of a graph as ONNX's messages: nodes and what they are told, tensors, what goes in and out. The numbers of fields are those of `onnx.proto3`.

use super::graph::{Attribute, Dim, Node};
use super::proto::Message;
use crate::core::fail::bail;
use crate::io::bytes;
use crate::{DType, Result, Tensor};

/// The number of an elements' type in ONNX.
pub(super) fn type_of(dtype: DType) -> Result<i64> {
    Ok(match dtype {
        DType::F32 => 1,
        DType::U8 => 2,
        DType::I8 => 3,
        DType::U16 => 4,
        DType::I16 => 5,
        DType::I32 => 6,
        DType::I64 => 7,
        DType::Bool => 9,
        DType::F16 => 10,
        DType::F64 => 11,
        DType::U32 => 12,
        DType::U64 => 13,
        DType::BF16 => 16,
        other => bail!(DType, "ONNX has no {other}: convert the model first"),
    })
}

impl Attribute {
    fn message(&self, name: &str) -> Message {
        let mut m = Message::default();
        m.bytes(1, name);
        let kind = match self {
            Attribute::Float(x) => {
                m.single(2, *x as f32);
                1
            }
            Attribute::Int(n) => {
                m.integer(3, *n);
                2
            }
            Attribute::Text(text) => {
                m.bytes(4, text);
                3
            }
            Attribute::Ints(all) => {
                all.iter().for_each(|&n| m.integer(8, n));
                7
            }
        };
        m.integer(20, kind);
        m
    }
}

impl Node {
    /// The `k`th node as a message.
    pub(super) fn message(&self, k: usize) -> Message {
        let mut m = Message::default();
        self.inputs.iter().for_each(|i| m.bytes(1, i));
        self.outputs.iter().for_each(|o| m.bytes(2, o));
        m.bytes(3, format!("/{}_{k}", self.kind));
        m.bytes(4, self.kind);
        for (name, attribute) in &self.attributes {
            m.message(5, &attribute.message(name));
        }
        m
    }
}

/// A tensor's numbers, row by row.
pub(super) fn tensor(name: &str, value: &Tensor) -> Result<Message> {
    let mut m = Message::default();
    (value.shape().iter()).for_each(|&n| m.integer(1, n as i64));
    m.integer(2, type_of(value.dtype())?);
    m.bytes(8, name);
    m.bytes(9, bytes::of(value)?);
    Ok(m)
}

/// What goes in or out: its type and its sizes, of which those that follow the batch have a name in place of a number.
pub(super) fn described(name: &str, dtype: DType, shape: &[Dim]) -> Result<Message> {
    let mut sizes = Message::default();
    for dim in shape {
        let mut size = Message::default();
        match (dim.per, dim.plus) {
            (0, n) => size.integer(1, n),
            (1, 0) => size.bytes(2, "batch"),
            (per, 0) => size.bytes(2, format!("{per}*batch")),
            (1, plus) => size.bytes(2, format!("batch+{plus}")),
            (per, plus) => size.bytes(2, format!("{per}*batch+{plus}")),
        }
        sizes.message(1, &size);
    }
    let mut tensor = Message::default();
    tensor.integer(1, type_of(dtype)?);
    tensor.message(2, &sizes);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut m = Message::default();
    m.bytes(1, name);
    m.message(2, &kind);
    Ok(m)
}
