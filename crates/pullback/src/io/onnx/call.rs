//! One operation as it was recorded in every run: what its counterpart is made of. Sizes are told apart by how they follow the batch.

use super::graph::Attribute::Int;
use super::graph::{Dim, Graph};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::Op;
use crate::program::Instruction;
use crate::{DType, Result, Shape, Tensor};
use std::any::Any;

/// What a counterpart gives: the name of its result, or nothing where an operation has no counterpart.
pub(super) type Written = Result<Option<String>>;

/// What the runs were made with: sizes of the batch; all the same where it may not vary.
#[derive(Clone, Copy)]
pub(super) struct Batches<'a>(pub(super) &'a [usize]);

impl Batches<'_> {
    /// The rule that a number obeys in all runs.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn rule(self, found: &[i64]) -> Result<Dim> {
        if found.iter().all(|n| *n == found[0]) {
            return Ok(Dim::of(found[0]));
        }
        let sizes: Vec<i64> = self.0.iter().map(|&n| n as i64).collect();
        // The second run has one sample more than the first, or as many.
        let per = found[1] - found[0];
        let dim = Dim {
            per,
            plus: found[0] - per * sizes[0],
        };
        let held = (found.iter().zip(&sizes)).all(|(n, b)| *n == dim.per * b + dim.plus);
        ensure!(
            held,
            Unsupported,
            "a size that depends on the inputs' numbers, or that is no multiple of the batch's plus a number, has no counterpart in ONNX"
        );
        Ok(dim)
    }

    pub(super) fn shape(self, found: &[&Shape]) -> Result<Vec<Dim>> {
        ensure!(
            found.iter().all(|s| s.len() == found[0].len()),
            Unsupported,
            "the number of dimensions depends on the size of the batch or on the inputs' numbers"
        );
        (0..found[0].len())
            .map(|d| self.rule(&found.iter().map(|s| s[d] as i64).collect::<Vec<_>>()))
            .collect()
    }
}

/// A value of the graph: its name, and what it is.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) shape: Vec<Dim>,
    pub(super) dtype: DType,
    /// Its numbers, where they are the same in all runs.
    pub(super) known: Option<Tensor>,
    /// Whether it is a parameter of the model or made of one.
    pub(super) of_model: bool,
}

/// An operation of all runs.
pub(super) struct Call<'a> {
    pub(super) batches: Batches<'a>,
    pub(super) runs: Vec<&'a Instruction>,
    pub(super) inputs: Vec<Value>,
    /// The result's shape.
    pub(super) shape: Vec<Dim>,
}

impl<'a> Call<'a> {
    pub(super) fn name(&self) -> &'static str {
        self.runs[0].op.def().name
    }

    pub(super) fn dtype(&self) -> DType {
        self.runs[0].dtype
    }

    /// The operation, without what picks one of its results, and which one that is.
    pub(super) fn whole(&self) -> (&'a dyn Op, usize) {
        let op: &'a dyn Op = &*self.runs[0].op;
        op.projected().unwrap_or((op, 0))
    }

    /// The operation of the first run, if it is of this kind.
    pub(super) fn of<T: Op>(&self) -> Option<&'a T> {
        let op: &dyn Any = self.whole().0;
        op.downcast_ref()
    }

    /// An attribute of the operation, which must be the same in all runs.
    ///
    /// # Errors
    /// Where it depends on the batch.
    pub(super) fn fixed<T: Op, V: PartialEq>(&self, of: impl Fn(&T) -> V) -> Result<V> {
        let mut all = self.all::<T>().map(of);
        let Some(first) = all.next() else {
            bail!(Value, "another operation was expected");
        };
        ensure!(
            all.all(|v| v == first),
            Unsupported,
            "an attribute that depends on the inputs' numbers or on the size of the batch has no counterpart in ONNX"
        );
        Ok(first)
    }

    pub(super) fn all<T: Op>(&self) -> impl Iterator<Item = &'a T> {
        self.runs.iter().filter_map(|run| {
            let op: &'a dyn Op = &*run.op;
            let op: &'a dyn Any = op.projected().map_or(op, |(whole, _)| whole);
            op.downcast_ref::<T>()
        })
    }

    /// A number among the attributes, which may follow the batch.
    pub(super) fn place<T: Op>(&self, of: impl Fn(&T) -> usize) -> Result<Dim> {
        let found: Vec<i64> = self.all::<T>().map(|op| of(op) as i64).collect();
        self.batches.rule(&found)
    }

    /// The name of an operand.
    pub(super) fn x(&self, k: usize) -> &str {
        self.inputs.get(k).map_or("", |v| &v.name)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.inputs.iter().map(|v| v.name.as_str()).collect()
    }

    pub(super) fn rank(&self, k: usize) -> usize {
        self.inputs[k].shape.len()
    }

    /// An operand in another dtype.
    pub(super) fn cast(&self, g: &mut Graph, k: usize, to: DType) -> Result<String> {
        g.cast(self.x(k), self.inputs[k].dtype, to)
    }

    /// Sizes that must not follow the batch.
    pub(super) fn sizes(&self, dims: &[Dim]) -> Result<Vec<i64>> {
        (dims.iter())
            .map(|d| {
                d.fixed().ok_or_else(|| {
                    error!(
                        Unsupported,
                        "a size that follows the batch stands where ONNX has a number"
                    )
                })
            })
            .collect()
    }

    /// A reduction over dimensions.
    pub(super) fn reduced(
        &self,
        g: &mut Graph,
        kind: &'static str,
        x: &str,
        dims: &[usize],
        keepdim: bool,
    ) -> Result<String> {
        let axes: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
        let axes = g.ints(&axes)?;
        let told = vec![
            ("keepdims", Int(i64::from(keepdim))),
            ("noop_with_empty_axes", Int(1)),
        ];
        Ok(g.node(kind, &[x, &axes], told))
    }
}

/// Integers as ONNX has them.
pub(super) fn ints(all: &[usize]) -> Vec<i64> {
    all.iter().map(|&n| n as i64).collect()
}
