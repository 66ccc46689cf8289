//! What an operation was run on and what it made, as far as the name of its node in PyTorch depends on it.
//!
//! By PyTorch's rule a node bears the operation's name in camel case and `Backward0`. Others are operations of which PyTorch has
//! variants, which it numbers, and those that it composes of others, whose last one it shows. Each says so in its definition.

use crate::Shape;
use crate::core::graph::Input;

/// How a node's name is found.
#[derive(Clone, Copy, Debug)]
pub enum NodeName {
    /// By PyTorch's rule, from the operation's name.
    Rule,
    /// Always this one.
    Is(&'static str),
    /// By inputs and result.
    By(fn(&Made<'_>) -> &'static str),
}

/// The inputs and the result of an operation that was run.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    pub(crate) inputs: &'a [Input],
    /// The result's shape.
    pub(crate) out: &'a Shape,
    /// Whether the result shares memory with the first input.
    pub(crate) view: bool,
}

impl Made<'_> {
    /// How many inputs there are.
    pub(crate) fn arity(&self) -> usize {
        self.inputs.len()
    }

    /// Dimensions of an input; none where it is missing.
    pub(crate) fn rank(&self, i: usize) -> usize {
        self.inputs.get(i).map_or(0, |x| x.shape.len())
    }

    /// Whether an input's gradient is wanted.
    pub(crate) fn tracked(&self, i: usize) -> bool {
        (self.inputs.get(i)).is_some_and(|x| x.target().is_some())
    }

    /// Whether the first of two inputs is a constant without dimensions: a number, most likely (`1 - x`).
    pub(crate) fn number_first(&self) -> bool {
        self.arity() == 2 && self.rank(0) == 0 && !self.tracked(0)
    }

    /// Whether the second of two inputs is such a number and the first one is not as small.
    pub(crate) fn number_second(&self) -> bool {
        self.arity() == 2 && self.rank(1) == 0 && !self.tracked(1) && self.rank(0) > 0
    }

    /// Whether everything was reduced to one number: PyTorch has nodes of their own for it.
    pub(crate) fn whole(&self) -> bool {
        self.out.is_empty()
    }
}

/// `log_softmax` is `LogSoftmax`: each letter that follows none is a capital.
pub(crate) fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 17);
    let mut starts = true;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(if starts { c.to_ascii_uppercase() } else { c });
        }
        starts = !c.is_ascii_alphabetic();
    }
    out
}
