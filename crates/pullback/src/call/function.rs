//! A function of PyTorch's, as an entry of a list: its signature, what it is, how it is computed, what it is tried on.

use super::args::Args;
use super::value::Value;
use crate::core::op::OpDef;
use crate::{DType, Result};

/// An entry of the list. Built with [`Function::new`] and the methods after it, all of them `const`.
#[derive(Clone, Copy)]
pub struct Function {
    /// `name(Type name, Type name=default, *, …) -> Type`.
    pub signature: &'static str,
    /// Where PyTorch has it: words among `torch Tensor nn.functional linalg special`, each with `:other` for another
    /// name there.
    pub places: &'static str,
    /// Computes it.
    pub call: fn(&Args<'_>) -> Result<Value>,
    /// One sentence.
    pub summary: &'static str,
    /// The value as a formula.
    pub formula: &'static str,
    /// The primitive it is, if it is one; else it is a composition.
    pub op: Option<&'static OpDef>,
    /// What PyTorch calls the node of its results, where the node of the last primitive has another name.
    pub node: Option<NodeName>,
    /// Whether `Tensor.name_` exists: it writes the result over its first argument.
    pub in_place: bool,
    /// Dtypes that the in-place form refuses, with PyTorch's sentence, besides those that cannot hold the result.
    pub refuses: fn(DType) -> Option<String>,
    /// What PyTorch warns of, by the arguments, if it does.
    pub warns: Option<Warns>,
    /// Whether it draws random numbers.
    pub random: bool,
    /// Units in the last place by which value and gradient may differ from PyTorch's, of the largest element; (0, 0): bits are equal.
    pub units: (f64, f64),
    /// Whether its derivative can be compared with differences.
    pub checkable: bool,
    /// Whether its value depends on where its arguments' elements lie in memory, and so says nothing of their numbers alone.
    pub by_place: bool,
    /// What of matrices is read.
    pub reading: Reading,
    /// Whether the signs of its results' columns are not defined, and only what does not depend on them can be compared.
    pub up_to_signs: bool,
    /// Argument lists that everything is tried on, away from kinks.
    pub samples: &'static [&'static str],
    /// Argument lists compared with PyTorch only: kinks, ties, infinities, NaN.
    pub edges: &'static [&'static str],
    /// Argument lists that PyTorch refuses; a `~` in front: with another sentence than ours.
    pub errors: &'static [&'static str],
}

/// What PyTorch warns of, by the arguments.
pub type Warns = fn(&Args<'_>) -> Result<Vec<String>>;

/// What a function reads of a matrix: where it is not all, derivatives are not those that differences would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Whole,
    /// One triangle of its first argument, which stands for a symmetric matrix: derivatives are those along symmetric matrices.
    Symmetric,
    /// One triangle of an argument, where samples have zeros in the other one: derivatives are compared in that triangle.
    Triangle(usize),
}

/// How PyTorch's node is called.
#[derive(Clone, Copy)]
pub enum NodeName {
    /// Always so.
    Is(&'static str),
    /// By the arguments.
    By(fn(&Args<'_>) -> Result<&'static str>),
}

impl Function {
    /// An entry. `places`: where PyTorch has it.
    pub const fn new(
        signature: &'static str,
        places: &'static str,
        call: fn(&Args<'_>) -> Result<Value>,
    ) -> Function {
        Function {
            signature,
            places,
            call,
            summary: "",
            formula: "",
            op: None,
            node: None,
            in_place: false,
            refuses: |_| None,
            warns: None,
            random: false,
            units: (4.0, 16.0),
            checkable: true,
            by_place: false,
            reading: Reading::Whole,
            up_to_signs: false,
            samples: &[],
            edges: &[],
            errors: &[],
        }
    }

    /// What it does, in one sentence, and its formula.
    #[must_use]
    pub const fn about(mut self, summary: &'static str, formula: &'static str) -> Self {
        self.summary = summary;
        self.formula = formula;
        self
    }

    /// It is this primitive, whose texts are its own.
    #[must_use]
    pub const fn of(mut self, op: &'static OpDef) -> Self {
        self.op = Some(op);
        self.summary = op.summary;
        self.formula = op.formula;
        self
    }

    /// PyTorch has a node for it: what `grad_fn` says, whatever primitives it is made of here.
    #[must_use]
    pub const fn node(mut self, name: &'static str) -> Self {
        self.node = Some(NodeName::Is(name));
        self
    }

    /// As [`node`](Function::node), by the arguments; an empty name leaves the primitive's.
    #[must_use]
    pub const fn node_by(mut self, name: fn(&Args<'_>) -> Result<&'static str>) -> Self {
        self.node = Some(NodeName::By(name));
        self
    }

    /// `Tensor.name_` exists too.
    #[must_use]
    pub const fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// `Tensor.name_` exists too, and refuses some dtypes in a sentence of its own.
    #[must_use]
    pub const fn in_place_refusing(mut self, refuses: fn(DType) -> Option<String>) -> Self {
        self.in_place = true;
        self.refuses = refuses;
        self
    }

    /// PyTorch warns of some arguments.
    #[must_use]
    pub const fn warns(mut self, warns: Warns) -> Self {
        self.warns = Some(warns);
        self
    }

    /// It draws random numbers from the default generator.
    #[must_use]
    pub const fn random(mut self) -> Self {
        self.random = true;
        self.checkable = false;
        self
    }

    /// Every bit is PyTorch's.
    #[must_use]
    pub const fn exact(self) -> Self {
        self.units(0.0, 0.0)
    }

    /// How far value and gradient may be from PyTorch's, in units in the last place of the largest element.
    #[must_use]
    pub const fn units(mut self, value: f64, gradient: f64) -> Self {
        self.units = (value, gradient);
        self
    }

    /// Differences cannot check its derivative.
    #[must_use]
    pub const fn no_check(mut self) -> Self {
        self.checkable = false;
        self
    }

    /// Its value depends on where elements lie in memory.
    #[must_use]
    pub const fn by_place(mut self) -> Self {
        self.by_place = true;
        self
    }

    /// Its first argument stands for a symmetric matrix.
    #[must_use]
    pub const fn symmetric(mut self) -> Self {
        self.reading = Reading::Symmetric;
        self
    }

    /// One triangle of an argument is read, and PyTorch's gradient has numbers in the other one too.
    #[must_use]
    pub const fn triangle(mut self, argument: usize) -> Self {
        self.reading = Reading::Triangle(argument);
        self
    }

    /// The signs of its results' columns are not defined.
    #[must_use]
    pub const fn up_to_signs(mut self) -> Self {
        self.up_to_signs = true;
        self
    }

    /// Argument lists that everything is tried on.
    #[must_use]
    pub const fn samples(mut self, samples: &'static [&'static str]) -> Self {
        self.samples = samples;
        self
    }

    /// Argument lists compared with PyTorch only.
    #[must_use]
    pub const fn edges(mut self, edges: &'static [&'static str]) -> Self {
        self.edges = edges;
        self
    }

    /// Argument lists that must fail.
    #[must_use]
    pub const fn errors(mut self, errors: &'static [&'static str]) -> Self {
        self.errors = errors;
        self
    }

    /// The name it is listed under.
    pub fn name(&self) -> &'static str {
        self.signature.split('(').next().unwrap_or(self.signature)
    }

    /// Where PyTorch has it: namespace and name there.
    pub fn found_at(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let name = self.name();
        (self.places.split_whitespace())
            .map(move |place| place.split_once(':').unwrap_or((place, name)))
    }
}
