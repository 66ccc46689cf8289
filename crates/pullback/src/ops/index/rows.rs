//! Rows picked and written by an index of positions: the primitives behind gather, scatter and indexing by arrays.
//!
//! Dimensions `at..at + count` count as one; positions in them are never negative here. What makes positions of users'
//! indices, and finds those that are out of range, is in `positions`.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::ensure;
use crate::core::history::in_place;
use crate::core::made::Made;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result, Shape};
use pullback_array::kernels;
use std::borrow::Cow;

#[cfg(feature = "proof")]
use crate::ops::shape::rearrange::SIX;
#[cfg(feature = "proof")]
use crate::{DType, core::samples::Sample};

#[cfg(feature = "proof")]
fn sample(op: impl Op, floats: &[&[usize]], index: (&[usize], &[f64])) -> Sample {
    let mut inputs: Vec<_> = floats
        .iter()
        .enumerate()
        .map(|(k, s)| {
            let n = s.iter().product();
            let x = SIX.iter().cycle().skip(2 * k).take(n).map(|x| x + k as f64);
            (s.to_vec(), x.collect(), DType::F64)
        })
        .collect();
    inputs.insert(1, (index.0.to_vec(), index.1.to_vec(), DType::I64));
    Sample::mixed(op, inputs)
}

/// Rows at positions.
#[derive(Clone, Debug)]
pub struct IndexTake {
    /// The first of the dimensions that count as one.
    pub at: usize,
    /// How many count as one.
    pub count: usize,
    /// What PyTorch calls the node of the function that picks them; empty: `IndexBackward0`.
    pub node: &'static str,
}
define! { IndexTake: Linear "index", "torch.index_select";
    summary: "Rows at positions; the positions' dimensions stand where the indexed ones stood.";
    formula: "y[b…, j…, a…] = x[b…, index[j…], a…]";
    derivative: "g added up at the positions";
    proof: { samples: || {
        let at = |at, count, x: &[usize], s: &[usize], i: &[f64]| sample(IndexTake { at, count, node: "" }, &[x], (s, i));
        vec![
            at(0, 1, &[3, 2], &[4], &[2.0, 0.0, 2.0, 1.0]),
            at(1, 1, &[2, 3], &[2, 2], &[0.0, 2.0, 2.0, 2.0]),
            at(0, 2, &[2, 3], &[3], &[5.0, 0.0, 5.0]),
            at(0, 0, &[], &[2], &[0.0, 0.0]),
            at(0, 1, &[3, 2], &[0], &[]),
            at(1, 1, &[0, 3], &[], &[2.0]),
        ]
    } }
}

impl Op for IndexTake {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (at, count, node) = (self.at, self.count, self.node);
        let op = |at, count| IndexTake { at, count, node };
        if !batch.is_batched(1) {
            return batch.apply(&op(at + 1, count), &[batch.get(0), batch.get(1)]);
        }
        if !batch.is_batched(0) {
            let found = apply(op(at, count), &[batch.get(0), batch.get(1)], batch.site())?;
            return batch.one(found.movedim(&[at as i64], &[0]));
        }
        let index = batch.index(1, &batch.shape(0)[at..at + count])?;
        let x = batch.get(0).movedim(&[0], &[at as i64])?;
        let found = apply(op(at, count + 1), &[&x, &index], batch.site())?;
        batch.one(found.movedim(&[at as i64], &[0]))
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        (!self.node.is_empty()).then_some(Cow::Borrowed(self.node))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::index(x[0], self.at, self.count, x[1])
    }
    fn reads(&self, i: usize) -> Reads {
        [Reads::input(1), Reads::NOTHING][i]
    }
}

impl rules::Linear for IndexTake {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let op = IndexAddUp {
            shape: cx.shape(0).clone(),
            at: self.at,
            count: self.count,
        };
        apply(op, &[g, &cx.input(1)?], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(&t[..1], |_, t| {
            apply(self.clone(), &[t, &cx.input(1)?], cx.site())
        })
    }
}

/// Rows added up at positions of zeros; the transpose of [`IndexTake`].
#[derive(Clone, Debug)]
pub struct IndexAddUp {
    /// Shape of the result.
    pub shape: Shape,
    /// The first of the dimensions that count as one.
    pub at: usize,
    /// How many count as one.
    pub count: usize,
}
define! { IndexAddUp: Linear "index_backward", "torch.Tensor.index_add_";
    summary: "Zeros with rows added at positions, in their order.";
    formula: "y[b…, index[j…], a…] += x[b…, j…, a…]";
    derivative: "g at the positions (index)";
    proof: { samples: || {
        let at = |shape: &[usize], at, count, x: &[usize], s: &[usize], i: &[f64]|
            sample(IndexAddUp { shape: Shape::new(shape), at, count }, &[x], (s, i));
        vec![
            at(&[3, 2], 0, 1, &[3, 2], &[3], &[2.0, 0.0, 2.0]),
            at(&[2, 3], 1, 1, &[2, 2], &[2], &[1.0, 1.0]),
            at(&[2, 3], 0, 2, &[3], &[3], &[5.0, 0.0, 5.0]),
            at(&[3], 0, 1, &[], &[], &[1.0]),
            at(&[3, 2], 0, 1, &[0, 2], &[0], &[]),
        ]
    } }
}

impl Op for IndexAddUp {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (at, count) = (self.at, self.count);
        if !batch.is_batched(1) {
            let (shape, at) = (batch.over(&self.shape), at + 1);
            return batch.apply(
                &IndexAddUp { shape, at, count },
                &[batch.get(0), batch.get(1)],
            );
        }
        let index = batch.index(1, &self.shape[at..at + count])?;
        let g = batch.full(0)?.movedim(&[0], &[at as i64])?;
        let mut shape = self.shape.clone();
        shape.insert(at, batch.count());
        let count = count + 1;
        let found = apply(IndexAddUp { shape, at, count }, &[&g, &index], batch.site())?;
        batch.one(found.movedim(&[at as i64], &[0]))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::index_add_up(x[0], &self.shape, self.at, self.count, x[1])
    }
    fn reads(&self, i: usize) -> Reads {
        [Reads::input(1), Reads::NOTHING][i]
    }
}

impl rules::Linear for IndexAddUp {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (at, count) = (self.at, self.count);
        apply(
            IndexTake {
                at,
                count,
                node: "",
            },
            &[g, &cx.input(1)?],
            cx.site(),
        )
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(&t[..1], |_, t| {
            apply(self.clone(), &[t, &cx.input(1)?], cx.site())
        })
    }
}

/// A tensor with rows replaced, or with rows added.
#[derive(Clone, Debug)]
pub struct IndexPut {
    /// The first of the dimensions that count as one.
    pub at: usize,
    /// How many count as one.
    pub count: usize,
    /// Whether rows are added to what is there.
    pub accumulate: bool,
}
define! { IndexPut: Linear "index_put", "torch.index_put";
    summary: "The first operand with the rows of the third written at positions, or added there.";
    formula: "y = x; y[b…, index[j…], a…] = src[b…, j…, a…]";
    derivative: "g to x where nothing was written (everywhere, if rows are added), g at the positions to src";
    convention: "of rows named twice the last one stays, and each gets g as in PyTorch; where gradients matter, name rows once";
    proof: { samples: || {
        let at = |at, count, accumulate, x: &[usize], src: &[usize], s: &[usize], i: &[f64]|
            sample(IndexPut { at, count, accumulate }, &[x, src], (s, i));
        vec![
            at(0, 1, false, &[3, 2], &[2, 2], &[2], &[2.0, 0.0]),
            at(0, 1, true, &[3, 2], &[3, 2], &[3], &[2.0, 0.0, 2.0]),
            at(1, 1, false, &[2, 3], &[2, 1], &[1], &[1.0]),
            at(0, 2, true, &[2, 3], &[2, 2], &[2, 2], &[5.0, 0.0, 5.0, 1.0]),
            at(0, 2, false, &[2, 3], &[], &[], &[4.0]),
            at(0, 0, false, &[], &[], &[], &[0.0]),
            at(0, 1, false, &[3, 2], &[0, 2], &[0], &[]),
            at(0, 1, true, &[0, 2], &[0, 2], &[0], &[]),
        ]
    } }
}

impl Op for IndexPut {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let (at, count, accumulate) = (self.at, self.count, self.accumulate);
        let op = |at, count| IndexPut {
            at,
            count,
            accumulate,
        };
        let (x, src) = (batch.full(0)?, batch.full(2)?);
        if !batch.is_batched(1) {
            return batch.apply(&op(at + 1, count), &[&x, batch.get(1), &src]);
        }
        let index = batch.index(1, &batch.shape(0)[at..at + count])?;
        let inner = |t: &Tensor| t.movedim(&[0], &[at as i64]);
        let found = apply(
            op(at, count + 1),
            &[&inner(&x)?, &index, &inner(&src)?],
            batch.site(),
        )?;
        batch.one(found.movedim(&[at as i64], &[0]))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let out = x[0].copy_as_it_lies()?;
        kernels::index_put(&out, self.at, self.count, x[1], x[2], self.accumulate)?;
        Ok(out)
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 if self.accumulate => Reads::NOTHING,
            1 => Reads::NOTHING,
            _ => Reads::input(1),
        }
    }
}

impl rules::Linear for IndexPut {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (at, count) = (self.at, self.count);
        if i == 2 {
            return apply(
                IndexTake {
                    at,
                    count,
                    node: "",
                },
                &[g, &cx.input(1)?],
                cx.site(),
            );
        }
        if self.accumulate {
            return Ok(g.clone());
        }
        let zero = Tensor::zeros_of(&Shape::scalar(), g.dtype())?.expand(cx.shape(2))?;
        apply(self.clone(), &[g, &cx.input(1)?, &zero], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let of = |i: usize| match &t[i] {
            Some(t) => Ok(t.clone()),
            None => Tensor::zeros_of(cx.shape(i), cx.dtype(0)),
        };
        apply(self.clone(), &[&of(0)?, &cx.input(1)?, &of(2)?], cx.site())
    }
}

/// Where rows lie: in dimensions `at..at + count`, at `positions`.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Rows {
    pub(in crate::ops) at: usize,
    pub(in crate::ops) count: usize,
    pub(in crate::ops) positions: Tensor,
}

impl Rows {
    /// Single elements in row-major order.
    pub(in crate::ops) fn elements(x: &Tensor, positions: Tensor) -> Rows {
        Rows {
            at: 0,
            count: x.ndim(),
            positions,
        }
    }

    /// The shape of the rows.
    pub(in crate::ops) fn shape(&self, x: &Tensor) -> Shape {
        kernels::index_shape(x.shape(), self.at, self.count, self.positions.shape())
    }

    /// The rows.
    pub(in crate::ops) fn take(&self, x: &Tensor, site: Site) -> Result<Tensor> {
        self.take_as("", x, site)
    }

    /// As [`Rows::take`], with PyTorch's name for the node.
    pub(in crate::ops) fn take_as(
        &self,
        node: &'static str,
        x: &Tensor,
        site: Site,
    ) -> Result<Tensor> {
        let (at, count) = (self.at, self.count);
        apply(IndexTake { at, count, node }, &[x, &self.positions], site)
    }

    /// A tensor with rows written.
    pub(in crate::ops) fn put(
        &self,
        x: &Tensor,
        src: &Tensor,
        accumulate: bool,
        site: Site,
    ) -> Result<Tensor> {
        let src = self.broadcast(x, src, site)?;
        apply(self.op(accumulate), &[x, &self.positions, &src], site)
    }

    /// Writes rows in place.
    pub(in crate::ops) fn put_(
        &self,
        x: &Tensor,
        src: &Tensor,
        accumulate: bool,
        site: Site,
    ) -> Result<()> {
        for read in [src, &self.positions] {
            crate::core::overlap::apart(&x.array(), &read.array())?;
        }
        if x.array().layout().is_stretched() && !accumulate {
            return x.rewrite_once("index_put", site, |x| self.put(x, src, false, site));
        }
        let src = self.broadcast(x, src, site)?;
        in_place(
            self.op(accumulate),
            x,
            &[&self.positions, &src],
            site,
            |x| {
                let index = &self.positions.array();
                kernels::index_put(x, self.at, self.count, index, &src.array(), accumulate)
                    .map(|()| true)
            },
        )
    }

    fn op(&self, accumulate: bool) -> IndexPut {
        IndexPut {
            at: self.at,
            count: self.count,
            accumulate,
        }
    }

    fn broadcast(&self, x: &Tensor, src: &Tensor, site: Site) -> Result<Tensor> {
        let shape = self.shape(x);
        if *src.shape() == shape {
            return Ok(src.clone());
        }
        ensure!(
            src.shape().broadcast(&shape).ok().as_ref() == Some(&shape),
            Shape,
            "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {shape}",
            src.shape()
        );
        apply(crate::ops::Expand { shape }, &[src], site)
    }
}
