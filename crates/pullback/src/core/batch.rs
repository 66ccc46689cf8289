//! Operations over rows: what `vmap` asks of one whose operands are, some or all of them, stacks of rows.
//!
//! A function of one row was recorded; [`crate::func::vmap`] runs its operations over all rows at once. Where an operand is batched, its first
//! dimension counts rows, and the operation must give what it would give row by row, stacked. How it does so stands with the operation
//! ([`Op::batched`]); most only say that they work element by element, or shift the dimensions they name. Here is what those rules are
//! written in. Not here: recording, and the order in which operations run (`transform/func/batch`).

use crate::core::apply;
use crate::core::fail::{ensure, error};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Error, Layout, Number, Result, Shape};
use smallvec::SmallVec;
use std::panic::Location;

/// The results of an operation over rows, each with the rows as its first dimension; `None` where it has no rule for what it was given,
/// and is run row by row.
pub type Batched = Result<Option<SmallVec<[Tensor; 2]>>>;

/// An operand: a tensor, and whether its first dimension counts rows.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) tensor: Tensor,
    pub(crate) batched: bool,
}

/// The operands of an operation over rows.
#[derive(Debug)]
pub struct Batch<'a> {
    all: &'a [Operand],
    count: usize,
    site: &'static Location<'static>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(
        all: &'a [Operand],
        count: usize,
        site: &'static Location<'static>,
    ) -> Batch<'a> {
        Batch { all, count, site }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many operands there are.
    pub fn arity(&self) -> usize {
        self.all.len()
    }

    /// The user's line.
    pub fn site(&self) -> &'static Location<'static> {
        self.site
    }

    /// Operand `i`, as it is.
    pub fn get(&self, i: usize) -> &Tensor {
        &self.all[i].tensor
    }

    /// Whether operand `i` is batched.
    pub fn is_batched(&self, i: usize) -> bool {
        self.all[i].batched
    }

    /// Whether operand `i` alone is batched.
    pub(crate) fn only(&self, i: usize) -> bool {
        (self.all.iter().enumerate()).all(|(k, row)| row.batched == (k == i))
    }

    /// The shape of one row of operand `i`.
    pub fn shape(&self, i: usize) -> Shape {
        let shape = self.get(i).shape();
        Shape::new(&shape[usize::from(self.is_batched(i))..])
    }

    /// The rank of one row of operand `i`.
    pub fn rank(&self, i: usize) -> usize {
        self.get(i).ndim() - usize::from(self.is_batched(i))
    }

    /// Operand `i` with rows of at least this rank, as broadcasting sees them: sizes of 1 stand behind the rows' dimension. An operand that is not
    /// batched is given as it is.
    ///
    /// # Errors
    /// Those of `reshape`.
    pub fn aligned(&self, i: usize, rank: usize) -> Result<Tensor> {
        let (t, own) = (self.get(i), self.rank(i));
        if !self.is_batched(i) || own >= rank {
            return Ok(t.clone());
        }
        let mut shape = Shape::new(&[self.count]);
        (own..rank).for_each(|_| shape.push(1));
        t.shape()[1..].iter().for_each(|&n| shape.push(n));
        t.reshape(shape)
    }

    /// Operand `i` with rows, repeated where it is not batched.
    ///
    /// # Errors
    /// Those of `expand`.
    pub fn full(&self, i: usize) -> Result<Tensor> {
        match self.is_batched(i) {
            true => Ok(self.get(i).clone()),
            false => self.get(i).expand(self.over(self.get(i).shape())),
        }
    }

    /// A shape with the rows before it.
    pub fn over(&self, shape: &[usize]) -> Shape {
        Shape::new(&[&[self.count], shape].concat())
    }

    /// The results of an operation on what was made of the operands.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn apply(&self, op: &dyn Op, x: &[&Tensor]) -> Batched {
        let results = match op.outputs() {
            1 => [apply::boxed(op, x, self.site)?].into_iter().collect(),
            _ => match op.applied_many(x, self.site) {
                Some(results) => results?,
                None => apply::apply_many(op, x, self.site)?,
            },
        };
        Ok(Some(results))
    }

    /// One result.
    ///
    /// # Errors
    /// That which stands in the place of the result.
    pub fn one(&self, result: Result<Tensor>) -> Batched {
        Ok(Some([result?].into_iter().collect()))
    }

    /// An operation that works element by element, with broadcasting.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn elements(&self, op: &dyn Op) -> Batched {
        let rank = (0..self.arity()).map(|i| self.rank(i)).max().unwrap_or(0);
        let own = (0..self.arity())
            .map(|i| self.aligned(i, rank))
            .collect::<Result<SmallVec<[Tensor; 4]>>>()?;
        self.apply(op, &own.iter().collect::<SmallVec<[&Tensor; 4]>>())
    }

    /// An operation that works on the last dimensions of its operands, `last` of them, and takes any number before those; all
    /// operands get the rows.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn stacked(&self, op: &dyn Op) -> Batched {
        let own = self.all_full()?;
        self.apply(op, &own.iter().collect::<SmallVec<[&Tensor; 4]>>())
    }

    /// All operands with rows.
    ///
    /// # Errors
    /// Those of `expand`.
    pub fn all_full(&self) -> Result<SmallVec<[Tensor; 4]>> {
        (0..self.arity()).map(|i| self.full(i)).collect()
    }

    /// An operation along dimension `dim` of rows, made by `op` for the dimension where it is now. Batch of rank 0 have one element along it.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn along(&self, dim: usize, op: impl FnOnce(usize) -> Box<dyn Op>) -> Batched {
        let scalar = self.rank(0) == 0;
        let mut own = self.all_full()?;
        if scalar {
            for t in &mut own {
                *t = t.reshape([self.count, 1])?;
            }
        }
        let op = op(dim + 1);
        let found = self.apply(&*op, &own.iter().collect::<SmallVec<[&Tensor; 4]>>())?;
        let back = |t: Tensor| match scalar && t.ndim() == 2 {
            true => t.reshape([self.count]),
            false => Ok(t),
        };
        let Some(found) = found else {
            return Ok(None);
        };
        found.into_iter().map(back).collect::<Result<_>>().map(Some)
    }

    /// An operation of one operand over dimensions `dims` of rows, made by `op` for the dimensions where they are now.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn reduced(
        &self,
        dims: &[usize],
        keepdim: bool,
        op: impl FnOnce(Vec<usize>, bool) -> Box<dyn Op>,
    ) -> Batched {
        if !dims.is_empty() {
            return self.apply(&*op(shifted(dims), keepdim), &[self.get(0)]);
        }
        // Over no dimension: over one of size 1, since to some operations an empty list says all.
        let mut shape = self.get(0).shape().clone();
        shape.push(1);
        let dim = shape.len() - 1;
        let column = self.get(0).reshape(shape)?;
        self.apply(&*op(vec![dim], false), &[&column])
    }

    /// An operation whose operands, and result, have samples as their first dimension, which are told apart in no other way: rows
    /// are more samples.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn folded(&self, op: &dyn Op) -> Batched {
        let own = (self.all_full()?.iter())
            .map(|t| t.flatten_dims(0, 1))
            .collect::<Result<SmallVec<[Tensor; 4]>>>()?;
        let found = self.apply(op, &own.iter().collect::<SmallVec<[&Tensor; 4]>>())?;
        let samples = self.shape(0)[0];
        let apart = |t: Tensor| t.reshape(self.over(&[&[samples], &t.shape()[1..]].concat()));
        match found {
            Some(found) => found
                .into_iter()
                .map(apart)
                .collect::<Result<_>>()
                .map(Some),
            None => Ok(None),
        }
    }

    /// Operand `i` with rows as part of dimension `dim` of a row, before what is there.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    pub fn merged(&self, i: usize, dim: usize) -> Result<Tensor> {
        let dim = dim as i64;
        self.full(i)?
            .movedim(&[0], &[dim])?
            .flatten_dims(dim, dim + 1)
    }

    /// What [`Batch::merged`] has put together, with the rows first again.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    pub fn split(&self, t: &Tensor, dim: usize) -> Result<Tensor> {
        let mut shape = t.shape().clone();
        let n = shape.remove(dim);
        shape.insert(dim, n / self.count.max(1));
        shape.insert(dim, self.count);
        t.reshape(shape)?.movedim(&[dim as i64], &[0])
    }

    /// The first operand with all elements of a row in one dimension.
    ///
    /// # Errors
    /// Those of `reshape`.
    pub fn flat(&self, i: usize) -> Result<Tensor> {
        let n = self.shape(i).numel();
        self.full(i)?.reshape([self.count, n])
    }

    /// Positions in rows of `len` elements as positions in all rows, one after the other: `index` is batched. Negative ones stay.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    pub fn placed(&self, index: &Tensor, len: usize) -> Result<Tensor> {
        let moved = index.add(&self.starts(index.ndim(), len)?)?;
        moved.where_(&index.ge(Number::Int(0))?, index)
    }

    /// Operand `i`, which is batched and has positions in dimensions of these sizes, as positions in the rows and those dimensions
    /// together.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    pub fn index(&self, i: usize, sizes: &[usize]) -> Result<Tensor> {
        let index = self.get(i);
        index.add(&self.starts(index.ndim(), sizes.iter().product())?)
    }

    /// Layouts over one memory, for rows that lie one after the other in a larger one.
    ///
    /// # Errors
    /// Where so much memory has no address.
    pub fn layouts(&self, all: [&Layout; 2]) -> Result<[Layout; 2]> {
        let ends = all.iter().filter_map(|l| l.extent());
        let span = ends.map(|(_, high)| high + 1).max().unwrap_or(0).max(1);
        let fits = self.count as i128 * (span as i128) < isize::MAX as i128;
        ensure!(fits, Alloc, "no memory for {} rows", self.count);
        Ok(all.map(|l| {
            let strides: Vec<isize> = std::iter::once(span)
                .chain(l.strides().iter().copied())
                .collect();
            Layout::new(self.over(l.shape()), &strides, l.offset())
        }))
    }

    /// Where each row starts, in a shape that broadcasts with a tensor of this rank.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    pub fn starts(&self, rank: usize, len: usize) -> Result<Tensor> {
        let mut shape = vec![1; rank];
        shape[0] = self.count;
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        Tensor::arange(self.count)?.mul(len)?.reshape(shape)
    }
}

/// The error for an operation whose result has as many elements as its operands' values say: PyTorch's sentence.
pub(crate) fn dynamic(name: &str) -> Error {
    error!(
        Argument,
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over {name}. Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."
    )
}

/// Dimension numbers of rows as they are with the rows before them.
pub(crate) fn shifted(dims: &[usize]) -> Vec<usize> {
    dims.iter().map(|d| d + 1).collect()
}
