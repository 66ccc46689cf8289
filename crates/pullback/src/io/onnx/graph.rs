//! A graph of ONNX's nodes while it is made: names of values, constants, sizes that follow the batch. Its parts as messages are in `messages`.

use super::call::Value;
use super::messages::{tensor, type_of};
use super::proto::Message;
use crate::{DType, Number, Result, Tensor};
use std::collections::{HashMap, HashSet};

/// A size or a place: so much for each sample of the batch, plus so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dim {
    pub(super) per: i64,
    pub(super) plus: i64,
}

impl Dim {
    pub(super) fn of(plus: i64) -> Dim {
        Dim { per: 0, plus }
    }

    pub(super) fn fixed(self) -> Option<i64> {
        (self.per == 0).then_some(self.plus)
    }
}

/// What a node is told besides its operands.
pub(super) enum Attribute {
    Int(i64),
    Float(f64),
    Ints(Vec<i64>),
    Text(&'static str),
}

/// What a node is told, by name.
pub(super) type Told = Vec<(&'static str, Attribute)>;

/// A node.
pub(super) struct Node {
    pub(super) kind: &'static str,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Told,
}

/// Elements that a node found with their places.
#[derive(Clone)]
pub(super) struct Found {
    /// Their values.
    pub(super) values: String,
    /// Where they were looked for, along which dimension.
    pub(super) source: String,
    pub(super) dim: usize,
    /// For places in planes, how many elements a plane has.
    pub(super) plane: Option<i64>,
}

/// What a linear layer's result is made of.
#[derive(Clone)]
pub(super) struct Product {
    pub(super) x: String,
    pub(super) weight: String,
    pub(super) bias: Option<String>,
    /// How long the rows of both are.
    pub(super) width: Dim,
}

/// The graph.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    constants: Vec<(String, Tensor)>,
    /// Their names, but for those that the graph made up itself.
    given: HashSet<String>,
    /// An input and which of its sizes is the batch's.
    pub(super) sized: Option<(String, usize)>,
    /// The name of the batch's size, once it is asked for.
    batch: Option<String>,
    /// Elements that were found in order, by the name of their places.
    found: HashMap<String, Found>,
    /// What values are other shapes of.
    roots: HashMap<String, String>,
    /// Indices along a dimension, by the name of the places that they become.
    along: HashMap<String, (String, usize)>,
    /// Linear layers' results.
    products: HashMap<String, Product>,
    /// Results of nodes that several operations are results of.
    shared: HashMap<String, Vec<String>>,
    count: usize,
}

impl Graph {
    /// Notes what stands at places that are called so: who reads there has it already.
    pub(super) fn found_at(&mut self, places: &str, found: Found) {
        self.found.insert(places.to_string(), found);
    }

    /// The values that `x`, of this shape, has at places along a dimension, if they were found with the places.
    pub(super) fn found(&self, places: &str, x: &Value, dim: usize) -> Option<String> {
        let found = self.found.get(places)?;
        let same = match found.plane {
            None => x.name == found.source && dim == found.dim,
            Some(plane) => {
                let last = x.shape.last().and_then(|d| d.fixed());
                self.root(&x.name) == found.source
                    && dim + 1 == x.shape.len()
                    && last == Some(plane)
            }
        };
        same.then(|| found.values.clone())
    }

    /// What a value is another shape of.
    pub(super) fn root<'a>(&'a self, x: &'a str) -> &'a str {
        self.roots.get(x).map_or(x, String::as_str)
    }

    /// What the places that an index along a dimension means are called; no node makes them.
    pub(super) fn places(index: &str, dim: usize) -> String {
        format!("{index} along {dim}")
    }

    /// Notes such places.
    pub(super) fn along(&mut self, index: &str, dim: usize) {
        let places = Graph::places(index, dim);
        self.along.insert(places, (index.to_string(), dim));
    }

    pub(super) fn is_along(&self, places: &str) -> Option<(String, usize)> {
        self.along.get(places).cloned()
    }

    /// Whether a value is places that no node makes.
    pub(super) fn is_only_places(&self, name: &str) -> bool {
        name.is_empty() || self.along.contains_key(name)
    }

    /// Notes what a linear layer's result is made of.
    pub(super) fn note_product(&mut self, result: &str, of: Product) {
        self.products.insert(result.to_string(), of);
    }

    pub(super) fn product(&self, result: &str) -> Option<Product> {
        self.products.get(result).cloned()
    }

    /// Writes a node that may be there already: then gives what it gave.
    pub(super) fn once(
        &mut self,
        kind: &'static str,
        inputs: &[&str],
        attributes: Told,
        results: usize,
        key: &str,
    ) -> Vec<String> {
        if let Some(made) = self.shared.get(key) {
            return made.clone();
        }
        let made = self.nodes(kind, inputs, attributes, results);
        self.shared.insert(key.to_string(), made.clone());
        made
    }

    /// Writes a node of several results, and gives their names.
    pub(super) fn nodes(
        &mut self,
        kind: &'static str,
        inputs: &[&str],
        attributes: Told,
        results: usize,
    ) -> Vec<String> {
        self.count += 1;
        let outputs: Vec<String> = (0..results)
            .map(|k| match k {
                0 => format!("/{kind}_{}", self.count),
                _ => format!("/{kind}_{}_{k}", self.count),
            })
            .collect();
        self.nodes.push(Node {
            kind,
            inputs: inputs.iter().map(ToString::to_string).collect(),
            outputs: outputs.clone(),
            attributes,
        });
        outputs
    }

    /// Writes a node, and gives its result's name.
    pub(super) fn node(&mut self, kind: &'static str, inputs: &[&str], told: Told) -> String {
        self.nodes(kind, inputs, told, 1).swap_remove(0)
    }

    /// A node that has operands alone.
    pub(super) fn plain(&mut self, kind: &'static str, inputs: &[&str]) -> String {
        self.node(kind, inputs, Vec::new())
    }

    /// A value in another dtype, if it is another.
    pub(super) fn cast(&mut self, x: &str, from: DType, to: DType) -> Result<String> {
        if from == to {
            return Ok(x.to_string());
        }
        let told = vec![("to", Attribute::Int(type_of(to)?))];
        Ok(self.node("Cast", &[x], told))
    }

    /// A tensor that is a part of the file; without a name it gets one.
    pub(super) fn constant(&mut self, name: Option<String>, value: Tensor) -> String {
        let name = match name {
            Some(name) if !self.given.insert(name.clone()) => return name,
            Some(name) => name,
            None => {
                self.count += 1;
                format!("constant_{}", self.count)
            }
        };
        self.constants.push((name.clone(), value));
        name
    }

    pub(super) fn number(&mut self, x: impl Into<Number>, dtype: DType) -> Result<String> {
        let value = Tensor::full([], x, dtype)?;
        Ok(self.constant(None, value))
    }

    pub(super) fn ints(&mut self, all: &[i64]) -> Result<String> {
        let value = Tensor::from_slice(all, [all.len()])?;
        Ok(self.constant(None, value))
    }

    /// A list of sizes, some of which may follow the batch's.
    pub(super) fn dims(&mut self, all: &[Dim]) -> Result<String> {
        if let Some(fixed) = all.iter().map(|d| d.fixed()).collect::<Option<Vec<_>>>() {
            return self.ints(&fixed);
        }
        let mut parts = Vec::new();
        for dim in all {
            parts.push(match dim.fixed() {
                Some(n) => self.ints(&[n])?,
                None => self.follows(*dim)?,
            });
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(match parts[..] {
            [one] => one.to_string(),
            _ => self.node("Concat", &parts, vec![("axis", Attribute::Int(0))]),
        })
    }

    /// A size as a number without dimensions.
    pub(super) fn size(&mut self, dim: Dim) -> Result<String> {
        if let Some(n) = dim.fixed() {
            return self.number(n, DType::I64);
        }
        let (list, front) = (self.follows(dim)?, self.ints(&[0])?);
        Ok(self.plain("Squeeze", &[&list, &front]))
    }

    /// A list of one size that follows the batch's.
    fn follows(&mut self, dim: Dim) -> Result<String> {
        let mut name = match (&self.batch, &self.sized) {
            (Some(name), _) => name.clone(),
            (None, sized) => {
                let (input, at) = sized.clone().unwrap_or_default();
                let ends = vec![
                    ("start", Attribute::Int(at as i64)),
                    ("end", Attribute::Int(at as i64 + 1)),
                ];
                let name = self.node("Shape", &[&input], ends);
                self.batch.insert(name).clone()
            }
        };
        if dim.per != 1 {
            let per = self.ints(&[dim.per])?;
            name = self.plain("Mul", &[&name, &per]);
        }
        if dim.plus != 0 {
            let plus = self.ints(&[dim.plus])?;
            name = self.plain("Add", &[&name, &plus]);
        }
        Ok(name)
    }

    /// A value in another shape: what follows the batch is left open, where that is one size.
    pub(super) fn reshape(&mut self, x: &str, shape: &[Dim]) -> Result<String> {
        let open = shape.iter().filter(|d| d.per != 0).count();
        let to = match open == 1 && shape.iter().all(|d| d.fixed() != Some(0)) {
            true => {
                let sizes: Vec<i64> = shape.iter().map(|d| d.fixed().unwrap_or(-1)).collect();
                self.ints(&sizes)?
            }
            false => self.dims(shape)?,
        };
        let zeros = vec![("allowzero", Attribute::Int(1))];
        let name = self.node("Reshape", &[x, &to], zeros);
        if let Some(found) = self.found.get(x).cloned() {
            self.found_at(&name, found);
        }
        let root = self.root(x).to_string();
        self.roots.insert(name.clone(), root);
        Ok(name)
    }

    /// The whole as a message: what the results need. A result has its own name; one that no node makes, or that is another result too, is copied.
    pub(super) fn message(
        mut self,
        title: &str,
        inputs: &[Message],
        outputs: &[(String, String, Message)],
    ) -> Result<Message> {
        let made: HashSet<String> = (self.nodes.iter())
            .flat_map(|n| n.outputs.iter().cloned())
            .collect();
        let mut renamed: HashMap<String, String> = HashMap::new();
        for (value, name, _) in outputs {
            if made.contains(value) && !renamed.contains_key(value) {
                renamed.insert(value.clone(), name.clone());
                continue;
            }
            self.nodes.push(Node {
                kind: "Identity",
                inputs: vec![value.clone()],
                outputs: vec![name.clone()],
                attributes: Vec::new(),
            });
        }
        for name in (self.nodes.iter_mut()).flat_map(|n| n.inputs.iter_mut().chain(&mut n.outputs))
        {
            if let Some(own) = renamed.get(name) {
                name.clone_from(own);
            }
        }
        let mut needed: HashSet<&str> = outputs.iter().map(|(_, name, _)| name.as_str()).collect();
        let mut kept = Vec::new();
        for node in self.nodes.iter().rev() {
            if node.outputs.iter().any(|o| needed.contains(o.as_str())) {
                needed.extend(node.inputs.iter().map(String::as_str));
                kept.push(node);
            }
        }
        let mut graph = Message::default();
        for (k, node) in kept.into_iter().rev().enumerate() {
            graph.message(1, &node.message(k));
        }
        graph.bytes(2, title);
        for (name, value) in &self.constants {
            if needed.contains(name.as_str()) {
                graph.message(5, &tensor(name, value)?);
            }
        }
        inputs.iter().for_each(|m| graph.message(11, m));
        outputs.iter().for_each(|(_, _, m)| graph.message(12, m));
        Ok(graph)
    }
}
