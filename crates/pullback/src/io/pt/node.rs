//! What an unpickler makes: values that refer to each other by number, so that what a file shares is shared and what it nests is not walked by recursion.

use crate::DType;
use std::collections::HashSet;

/// The number of a node.
pub(super) type Id = u32;

/// A memory that tensors lie in, stored outside of the pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) key: &'a str,
    /// None where it is of bytes.
    pub(super) dtype: Option<DType>,
    /// How many elements, or bytes, it has.
    pub(super) count: u64,
}

/// A tensor before its memory is read.
#[derive(Clone, Debug)]
pub(super) struct Spec<'a> {
    pub(super) storage: Stored<'a>,
    pub(super) dtype: DType,
    pub(super) offset: usize,
    pub(super) sizes: Vec<usize>,
    pub(super) strides: Vec<isize>,
    pub(super) requires_grad: bool,
}

/// An object of a class that nothing is known of: what it was made with is kept, and nothing of it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Made<'a> {
    /// The class: its module and its name.
    pub(super) class: (&'a str, &'a str),
    pub(super) state: Option<Id>,
    pub(super) items: Vec<(Id, Id)>,
}

/// A value of a pickle.
#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Bytes that stand as a text in the pickle.
    Owned(Vec<u8>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    /// A name of a class or a function.
    Global(&'a str, &'a str),
    Dtype(DType),
    Stored(Box<Stored<'a>>),
    Tensor(Box<Spec<'a>>),
    Made(Box<Made<'a>>),
    /// What has no counterpart here, by name.
    Opaque(&'static str),
}

/// All values of a pickle, and which of them it is.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Id,
    /// How many bytes the pickle has.
    pub(super) length: usize,
}

impl<'a> Graph<'a> {
    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    /// The entries of a dict, or of an object that has some.
    pub(super) fn entries(&self, id: Id) -> &[(Id, Id)] {
        match self.node(id) {
            Node::Dict(all) => all,
            Node::Made(made) => &made.items,
            _ => &[],
        }
    }

    /// What stands in a dict under a text; the last where there are several.
    pub(super) fn get(&self, id: Id, name: &str) -> Option<Id> {
        let is = |key: Id| matches!(self.node(key), Node::Text(text) if *text == name);
        let mut found = self.entries(id).iter().rev();
        found.find(|(key, _)| is(*key)).map(|(_, value)| *value)
    }

    /// The texts of a set, list or tuple.
    pub(super) fn texts(&self, id: Id) -> HashSet<&'a str> {
        let (Node::Set(all) | Node::List(all) | Node::Tuple(all)) = self.node(id) else {
            return HashSet::new();
        };
        let text = |id: &Id| match self.node(*id) {
            Node::Text(text) => Some(*text),
            _ => None,
        };
        all.iter().filter_map(text).collect()
    }
}
