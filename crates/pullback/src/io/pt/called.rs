//! What a pickle may call: the functions that make tensors and containers, under PyTorch's names. Everything else is an object without behaviour.

use super::node::{Id, Made, Node, Spec, Stored};
use super::unpickle::Unpickler;
use crate::core::fail::{bail, ensure, error};
use crate::{DType, Error, Result};

/// Classes of storages, and what they hold.
pub(super) const STORAGES: &[(&str, DType)] = &[
    ("FloatStorage", DType::F32),
    ("DoubleStorage", DType::F64),
    ("HalfStorage", DType::F16),
    ("BFloat16Storage", DType::BF16),
    ("LongStorage", DType::I64),
    ("IntStorage", DType::I32),
    ("ShortStorage", DType::I16),
    ("CharStorage", DType::I8),
    ("ByteStorage", DType::U8),
    ("BoolStorage", DType::Bool),
];

/// What a class of storages holds; none for bytes.
pub(super) fn storage_dtype(module: &str, name: &str) -> Result<Option<DType>> {
    if (module, name) == ("torch.storage", "UntypedStorage") {
        return Ok(None);
    }
    let found = STORAGES
        .iter()
        .find(|(n, _)| *n == name && module == "torch");
    let Some((_, dtype)) = found else {
        bail!(
            DType,
            "the file has memory of class {module}.{name}, of which there are no tensors here"
        );
    };
    Ok(Some(*dtype))
}

fn wrong(what: &str) -> Error {
    error!(Io, "a tensor's {what} is not what it has to be")
}

/// A function's arguments.
struct Args<'u, 'a>(&'u Unpickler<'a>, Vec<Id>);

impl<'u, 'a> Args<'u, 'a> {
    fn node(&self, i: usize) -> Result<&'u Node<'a>> {
        let id = self.1.get(i).ok_or_else(|| wrong("list of arguments"))?;
        Ok(&self.0.nodes[*id as usize])
    }

    fn storage(&self) -> Result<Stored<'a>> {
        match self.node(0)? {
            Node::Stored(stored) => Ok((**stored).clone()),
            _ => Err(wrong("storage")),
        }
    }

    fn size(&self, node: &Node<'_>) -> Result<usize> {
        match node {
            Node::Int(x) => usize::try_from(*x)
                .ok()
                .filter(|&n| isize::try_from(n).is_ok())
                .ok_or_else(|| error!(Io, "a tensor has a size, stride or first place of {x}")),
            _ => Err(wrong("size, stride or first place")),
        }
    }

    fn sizes(&self, i: usize) -> Result<Vec<usize>> {
        let Node::Tuple(all) = self.node(i)? else {
            return Err(wrong("tuple of sizes or strides"));
        };
        ensure!(all.len() <= 64, Io, "a tensor has {} dimensions", all.len());
        let of = |id: &Id| self.size(&self.0.nodes[*id as usize]);
        all.iter().map(of).collect()
    }

    fn flag(&self, i: usize) -> Result<bool> {
        match self.node(i)? {
            Node::Bool(x) => Ok(*x),
            _ => Err(wrong("requires_grad")),
        }
    }

    /// `(storage, offset, size, stride, requires_grad, …)`, of a dtype where the storage does not say it.
    fn spec(&self, dtype: Option<DType>, requires_grad: bool) -> Result<Spec<'a>> {
        let storage = self.storage()?;
        let dtype = dtype.or(storage.dtype).ok_or_else(|| wrong("dtype"))?;
        let (sizes, strides) = (self.sizes(2)?, self.sizes(3)?);
        ensure!(
            sizes.len() == strides.len(),
            Io,
            "a tensor has {} sizes and {} strides",
            sizes.len(),
            strides.len()
        );
        Ok(Spec {
            storage,
            dtype,
            offset: self.size(self.node(1)?)?,
            sizes,
            strides: strides.into_iter().map(|n| n as isize).collect(),
            requires_grad,
        })
    }
}

/// What calling something gives.
///
/// # Errors
/// For arguments that a function of the list does not take.
pub(super) fn call<'a>(u: &mut Unpickler<'a>, function: Id, args: Id) -> Result<Node<'a>> {
    let Node::Tuple(list) = &u.nodes[args as usize] else {
        bail!(Io, "the pickle calls something with what is no tuple");
    };
    // A tensor's sizes and strides are copied, too.
    let list = list.clone();
    u.charge(list.len() + 2 * 64)?;
    let Node::Global(module, name) = u.nodes[function as usize] else {
        return Ok(Node::Opaque("what a value gave that was called"));
    };
    let args = Args(u, list);
    let node = match (module, name) {
        ("torch._utils", "_rebuild_tensor") => Node::Tensor(Box::new(args.spec(None, false)?)),
        ("torch._utils", "_rebuild_tensor_v2") => {
            Node::Tensor(Box::new(args.spec(None, args.flag(4)?)?))
        }
        ("torch._utils", "_rebuild_tensor_v3") => match args.node(6)? {
            Node::Dtype(dtype) => Node::Tensor(Box::new(args.spec(Some(*dtype), args.flag(4)?)?)),
            _ => Node::Opaque("a tensor of a dtype that is not there"),
        },
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            match (args.node(0)?, args.flag(1)?) {
                (Node::Tensor(spec), requires_grad) => {
                    let spec = (**spec).clone();
                    Node::Tensor(Box::new(Spec {
                        requires_grad,
                        ..spec
                    }))
                }
                _ => Node::Opaque("a parameter of what is no tensor"),
            }
        }
        ("torch._tensor", "_rebuild_from_type_v2") => {
            // The function, a class, the function's arguments, attributes: the tensor alone counts.
            let (inner, with) = match args.1[..] {
                [inner, _, with, ..] => (inner, with),
                _ => return Err(wrong("list of arguments")),
            };
            let again = matches!(u.nodes[inner as usize], Node::Global("torch._tensor", _));
            ensure!(!again, Io, "a tensor of a class of a class");
            return call(u, inner, with);
        }
        ("collections", "OrderedDict") => match args.1.first() {
            None => Node::Dict(Vec::new()),
            Some(&pairs) => return ordered(u, pairs),
        },
        ("torch", "Size") => match args.node(0)? {
            tuple @ Node::Tuple(all) => {
                let (tuple, n) = (tuple.clone(), all.len());
                u.charge(n)?;
                tuple
            }
            _ => Node::Opaque("torch.Size"),
        },
        ("torch", "device") => match args.node(0)? {
            Node::Text(text) => Node::Text(text),
            _ => Node::Opaque("torch.device"),
        },
        ("_codecs", "encode") => match (args.node(0)?, args.node(1)?) {
            (Node::Text(text), Node::Text("latin1" | "latin-1")) => {
                let of = |c: char| {
                    u8::try_from(c).map_err(|_| error!(Io, "bytes with a character {c:?}"))
                };
                let bytes = text.chars().map(of).collect::<Result<Vec<u8>>>()?;
                u.charge(bytes.len())?;
                Node::Owned(bytes)
            }
            _ => Node::Opaque("bytes in an encoding"),
        },
        ("builtins" | "__builtin__", "set" | "frozenset") => match args.1.first() {
            Some(&id) => match u.nodes[id as usize].clone() {
                Node::List(all) | Node::Tuple(all) => {
                    u.charge(all.len())?;
                    Node::Set(all)
                }
                _ => Node::Opaque("a set"),
            },
            None => Node::Set(Vec::new()),
        },
        _ => {
            // How objects of protocol 2 without a `__reduce__` of their own begin.
            let plain = matches!(module, "copy_reg" | "copyreg") && name == "_reconstructor";
            let of = args.1.first().filter(|_| plain);
            let class = match of.map(|&id| &u.nodes[id as usize]) {
                Some(&Node::Global(module, name)) => (module, name),
                _ => (module, name),
            };
            Node::Made(Box::new(Made {
                class,
                ..Made::default()
            }))
        }
    };
    Ok(node)
}

/// A dict of pairs.
fn ordered<'a>(u: &mut Unpickler<'a>, pairs: Id) -> Result<Node<'a>> {
    let (Node::List(all) | Node::Tuple(all)) = &u.nodes[pairs as usize] else {
        return Ok(Node::Opaque("an OrderedDict of what is no list"));
    };
    let mut entries = Vec::new();
    for id in all {
        match &u.nodes[*id as usize] {
            Node::List(pair) | Node::Tuple(pair) if pair.len() == 2 => {
                entries.push((pair[0], pair[1]))
            }
            _ => bail!(Io, "an OrderedDict of what are no pairs"),
        }
    }
    u.charge(entries.len())?;
    Ok(Node::Dict(entries))
}
