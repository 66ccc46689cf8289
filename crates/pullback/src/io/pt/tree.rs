//! A pickle's values as a tree, with tensors over the memory that a file has for them; and, of a module that was saved whole, its state alone.

use super::node::{Graph, Id, Node, Spec, Stored};
use super::value::{Object, Value};
use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::{Array, DType, Layout, Result, Shape, Tensor};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How deep values may nest: the walk goes by recursion.
const DEPTH: usize = 200;

/// Where a file has the bytes of a memory.
pub(super) trait Memory {
    /// The bytes of a key.
    ///
    /// # Errors
    /// Where there are none, or they are broken.
    fn bytes(&self, key: &str) -> Result<Cow<'_, [u8]>>;
}

/// A tree while it is made.
pub(super) struct Maker<'g> {
    graph: &'g Graph<'g>,
    memory: &'g dyn Memory,
    /// Memories by their keys: how many elements of what was said of each, and the bytes.
    rows: HashMap<&'g str, (Stored<'g>, Array)>,
    tensors: HashMap<Id, Tensor>,
    /// What the walk is inside of.
    path: Vec<Id>,
    /// What may still be made: a value that many name is made for each of them.
    left: usize,
}

impl<'g> Maker<'g> {
    pub(super) fn new(graph: &'g Graph<'g>, memory: &'g dyn Memory) -> Maker<'g> {
        Maker {
            graph,
            memory,
            rows: HashMap::new(),
            tensors: HashMap::new(),
            path: Vec::new(),
            left: graph.length.saturating_mul(32).saturating_add(1_000_000),
        }
    }

    fn charge(&mut self, n: usize) -> Result<()> {
        let left = self.left.checked_sub(n.saturating_add(16));
        self.left =
            left.ok_or_else(|| error!(Io, "the file stands for much more than its length"))?;
        Ok(())
    }

    fn enter(&mut self, id: Id) -> Result<()> {
        ensure!(
            self.path.len() < DEPTH,
            Unsupported,
            "the file's values nest more than {DEPTH} deep"
        );
        ensure!(
            !self.path.contains(&id),
            Unsupported,
            "a value of the file contains itself"
        );
        self.path.push(id);
        Ok(())
    }

    fn all(&mut self, ids: &[Id]) -> Result<Vec<Value>> {
        ids.iter().map(|&id| self.value(id)).collect()
    }

    fn pairs(&mut self, all: &[(Id, Id)]) -> Result<Vec<(Value, Value)>> {
        let mut pair = |&(key, value): &(Id, Id)| Ok((self.value(key)?, self.value(value)?));
        all.iter().map(&mut pair).collect()
    }

    /// The tree of a node.
    ///
    /// # Errors
    /// For what contains itself, nests too deep, or stands for more than the file is long; for tensors outside of their memory.
    pub(super) fn value(&mut self, id: Id) -> Result<Value> {
        let graph = self.graph;
        let node = graph.node(id);
        self.charge(match node {
            Node::Text(text) => text.len(),
            Node::Bytes(bytes) => bytes.len(),
            Node::Owned(bytes) => bytes.len(),
            _ => 0,
        })?;
        Ok(match node {
            Node::None => Value::None,
            Node::Bool(x) => Value::Bool(*x),
            Node::Int(x) => Value::Int(*x),
            Node::Float(x) => Value::Float(*x),
            Node::Text(text) => Value::Text((*text).into()),
            Node::Bytes(bytes) => Value::Bytes((*bytes).into()),
            Node::Owned(bytes) => Value::Bytes((&bytes[..]).into()),
            Node::Dtype(dtype) => Value::DType(*dtype),
            Node::Tensor(spec) => Value::Tensor(self.tensor(id, spec)?),
            Node::Global(module, name) => self.named(format!("{module}.{name}"))?,
            Node::Stored(_) => self.named("a storage".to_string())?,
            Node::Opaque(what) => self.named((*what).to_string())?,
            Node::List(_) | Node::Tuple(_) | Node::Set(_) | Node::Dict(_) | Node::Made(_) => {
                self.enter(id)?;
                let value = self.container(node)?;
                self.path.pop();
                value
            }
        })
    }

    /// An object of which the class is all that is known.
    fn named(&mut self, class: String) -> Result<Value> {
        self.charge(class.len())?;
        Ok(Value::Object(Box::new(Object {
            class,
            state: None,
            items: Vec::new(),
        })))
    }

    fn container(&mut self, node: &Node<'g>) -> Result<Value> {
        Ok(match node {
            Node::List(all) => Value::List(self.all(all)?),
            Node::Tuple(all) => Value::Tuple(self.all(all)?),
            Node::Set(all) => Value::Set(self.all(all)?),
            Node::Dict(all) => Value::Dict(self.pairs(all)?),
            Node::Made(made) => {
                let class = format!("{}.{}", made.class.0, made.class.1);
                self.charge(class.len())?;
                let state = made.state.map(|id| self.value(id)).transpose()?;
                let items = self.pairs(&made.items)?;
                Value::Object(Box::new(Object {
                    class,
                    state,
                    items,
                }))
            }
            _ => Value::None,
        })
    }

    /// The bytes of a memory, read once and for all.
    fn row(&mut self, stored: &Stored<'g>) -> Result<Array> {
        if let Some((known, row)) = self.rows.get(stored.key) {
            ensure!(
                known == stored,
                Io,
                "the memory `{}` is said to be of two kinds or sizes",
                short(stored.key)
            );
            return Ok(row.clone());
        }
        let bytes = self.memory.bytes(stored.key)?;
        let size = stored.dtype.map_or(1, DType::size) as u64;
        ensure!(
            stored.count.checked_mul(size) == Some(bytes.len() as u64),
            Io,
            "the memory `{}` is said to have {} elements of {size} bytes, and has {} bytes",
            short(stored.key),
            stored.count,
            bytes.len()
        );
        let row = Array::from_bytes(&bytes, Shape::new(&[bytes.len()]), DType::U8)?;
        self.rows.insert(stored.key, (stored.clone(), row.clone()));
        Ok(row)
    }

    fn tensor(&mut self, id: Id, spec: &Spec<'g>) -> Result<Tensor> {
        if let Some(t) = self.tensors.get(&id) {
            return Ok(t.clone());
        }
        let row = self.row(&spec.storage)?;
        let shape = Shape::new(&spec.sizes);
        shape.checked_numel()?;
        let layout = Layout::new(shape, &spec.strides, spec.offset);
        let t = Tensor::from_array(row.reinterpret(spec.dtype, layout)?);
        let t = match spec.requires_grad && spec.dtype.is_differentiable() {
            true => t.requires_grad_(true)?,
            false => t,
        };
        self.tensors.insert(id, t.clone());
        Ok(t)
    }

    /// All tensors by name: keys and places on the way, with dots between them; of a module, its parameters and buffers.
    ///
    /// # Errors
    /// As [`Maker::value`]; two tensors of one name.
    pub(super) fn state(&mut self) -> Result<NamedTensors> {
        let mut all = NamedTensors::new();
        self.gather(self.graph.root, String::new(), &mut all)?;
        all.by_name()?;
        Ok(all)
    }

    fn gather(&mut self, id: Id, name: String, all: &mut NamedTensors) -> Result<()> {
        let graph = self.graph;
        self.charge(name.len())?;
        let inside = |key: &str| match name.is_empty() {
            true => key.to_string(),
            false => format!("{name}.{key}"),
        };
        match graph.node(id) {
            Node::Tensor(spec) => {
                let t = self.tensor(id, spec)?;
                all.push(if name.is_empty() { "tensor" } else { &name }, t);
            }
            Node::List(items) | Node::Tuple(items) => {
                self.enter(id)?;
                for (i, &item) in items.iter().enumerate() {
                    self.gather(item, inside(&i.to_string()), all)?;
                }
                self.path.pop();
            }
            Node::Dict(entries) => {
                self.enter(id)?;
                for &(key, value) in entries {
                    match graph.node(key) {
                        Node::Text(text) => self.gather(value, inside(text), all)?,
                        Node::Int(i) => self.gather(value, inside(&i.to_string()), all)?,
                        _ => {}
                    }
                }
                self.path.pop();
            }
            Node::Made(made) => {
                let Some(state) = made.state else {
                    return Ok(());
                };
                self.enter(id)?;
                let hidden = graph.get(state, "_non_persistent_buffers_set");
                let hidden = hidden.map_or_else(HashSet::new, |id| graph.texts(id));
                for kind in ["_parameters", "_buffers", "_modules"] {
                    let Some(members) = graph.get(state, kind) else {
                        continue;
                    };
                    for &(key, value) in graph.entries(members) {
                        match graph.node(key) {
                            Node::Text(text) if kind != "_buffers" || !hidden.contains(text) => {
                                self.gather(value, inside(text), all)?;
                            }
                            _ => {}
                        }
                    }
                }
                self.path.pop();
            }
            _ => {}
        }
        Ok(())
    }
}

/// The beginning of a text from a file.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The bytes of memories by key.
impl Memory for HashMap<&str, &[u8]> {
    fn bytes(&self, key: &str) -> Result<Cow<'_, [u8]>> {
        match self.get(key) {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => bail!(Io, "the file has no memory `{}`", short(key)),
        }
    }
}
