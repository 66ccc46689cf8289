//! What a tensor is after a write through another view of its memory: old values with some replaced.
//!
//! An overlay is two layouts over one memory, so it costs the same whatever the tensors' sizes. Where the old tensor is
//! row-major and the written part lies inside it (an element of a buffer, a row), the part is a view of old values and of their
//! gradient, and both are worked on in place; else a map of positions is made when it is needed.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::graph::{Edge, Input, Node};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::{Tensor, owned};
use crate::{Array, Error, ErrorKind, Layout, Result, Shape, Shared};
use pullback_array::{dispatch, kernels, room};
use std::collections::HashMap;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Old values with some elements replaced by written ones.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Where the old tensor's elements lie.
    pub old: Layout,
    /// Where the written ones do.
    pub new: Layout,
}
define! { Overlay: Linear "overlay", "torch.Tensor.as_strided_scatter";
    summary: "The first operand with some elements replaced by elements of the second; made by in-place writes through views.";
    formula: "b where it lies over a, else a";
    derivative: "g where it was kept to a, g where it was replaced added up at the positions to b";
    node: "torch::autograd::CopySlices";
    proof: { samples: || {
        let at = |a: (&[usize], &[f64]), b: (&[usize], &[f64]), old: (&[isize], usize), new: (&[isize], usize)| {
            let layout = |shape: &[usize], (strides, offset): (&[isize], usize)| Layout::new(Shape::new(shape), strides, offset);
            Sample::new(Overlay { old: layout(a.0, old), new: layout(b.0, new) }, &[a, b])
        };
        vec![
            at((&[4], &[1.0, 2.0, 3.0, 4.0]), (&[2], &[-1.0, -2.0]), (&[1], 0), (&[1], 1)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[2], &[-1.0, -2.0]), (&[2, 1], 3), (&[2], 4)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[2], &[-1.0, -2.0]), (&[0, 1], 0), (&[1], 1)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[3], &[-1.0, -2.0, -3.0]), (&[1, 2], 0), (&[1], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[], &[-1.0]), (&[1], 0), (&[], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[2], &[-1.0, -2.0]), (&[1], 0), (&[1], 2)),
            at((&[0], &[]), (&[2], &[-1.0, 2.0]), (&[1], 0), (&[1], 0)),
        ]
    } }
}

#[cold]
fn too_many(elements: usize) -> Error {
    Error::new(
        ErrorKind::Alloc,
        format!("no memory for the places of {elements} elements"),
    )
}

impl Overlay {
    /// The written part as a layout of the old values in a memory of their own, if it is one.
    fn inside(&self) -> Option<Layout> {
        let (old, start) = (&self.old, self.old.offset());
        let (low, high) = self.new.extent()?;
        let fits = old.is_contiguous()
            && low >= start as isize
            && high < (start + old.numel()) as isize
            && !self.new.overlaps_itself();
        fits.then(|| {
            let strides = self.new.strides();
            Layout::new(
                self.new.shape().clone(),
                &strides,
                self.new.offset() - start,
            )
        })
    }

    /// For every element of the old tensor, in row-major order, the written element at the same place, or -1.
    pub(crate) fn map(&self) -> Result<Vec<i64>> {
        let mut at: HashMap<usize, i64> = HashMap::new();
        (at.try_reserve(self.new.numel())).map_err(|_| too_many(self.new.numel()))?;
        at.extend((self.new.places().enumerate()).map(|(i, place)| (place, i as i64)));
        let mut map = room(self.old.numel())?;
        map.extend((self.old.places()).map(|place| at.get(&place).copied().unwrap_or(-1)));
        Ok(map)
    }

    /// Whether any element of the old tensor is replaced, and whether all are.
    pub(crate) fn covers(&self) -> (bool, bool) {
        let (Some(old), Some(new)) = (self.old.extent(), self.new.extent()) else {
            return (false, false);
        };
        if old.1 < new.0 || new.1 < old.0 {
            return (false, false);
        }
        if self.inside().is_some() {
            return (true, self.new.numel() == self.old.numel());
        }
        let Ok(map) = self.map() else {
            return (true, false); // no memory to see it: then a node is made that says so when it is used
        };
        (map.iter().any(|&m| m >= 0), map.iter().all(|&m| m >= 0))
    }

    /// The edge of a tensor over `array` after elements with the history `write` were written at `layout`.
    pub(crate) fn edge(
        old: Option<Edge>,
        array: &Array,
        write: Option<Edge>,
        layout: &Layout,
        owner: bool,
        site: &'static Location<'static>,
    ) -> Option<Edge> {
        if array.layout() == layout {
            return write;
        }
        let overlay = Overlay {
            old: array.layout().clone(),
            new: layout.clone(),
        };
        let (touches, covers) = overlay.covers();
        if !touches {
            return old;
        }
        // A write that covers a view leaves nothing of its old history. What owns the memory sends zeros there, as PyTorch does: an input that was
        // overwritten altogether through a view has a gradient, of zeros.
        let old = old.filter(|_| owner || !covers);
        if !old.iter().chain(&write).any(Edge::flows) {
            return old.or(write);
        }
        Some(overlay.joined(old, write, array, site))
    }

    /// The edge of a tensor all of whose elements were overwritten: zeros to the old history, the rest to the write's.
    pub(crate) fn all(
        old: Edge,
        array: &Array,
        write: Option<Edge>,
        site: &'static Location<'static>,
    ) -> Option<Edge> {
        let overlay = Overlay {
            old: array.layout().clone(),
            new: array.layout().clone(),
        };
        Some(overlay.joined(Some(old), write, array, site))
    }

    fn joined(
        self,
        old: Option<Edge>,
        write: Option<Edge>,
        array: &Array,
        site: &'static Location<'static>,
    ) -> Edge {
        let input = |edge, shape: &Shape| Input {
            edge,
            shape: shape.clone(),
            dtype: array.dtype(),
        };
        let inputs = [input(old, array.shape()), input(write, self.new.shape())];
        let node = Node::new(Box::new(self), inputs.into_iter(), site);
        Edge::Node(Shared::new(node), 0)
    }
}

impl Op for Overlay {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let [old, new] = batch.layouts([&self.old, &self.new])?;
        batch.stacked(&Overlay { old, new })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if let Some(part) = self.inside() {
            let out = x[0].copy()?;
            kernels::assign(&out.view(part)?, x[1])?;
            return Ok(out);
        }
        let index = Array::from_slice(&self.map()?, x[0].shape())?;
        let written = kernels::take(x[1], &index)?;
        dispatch!(x[0].dtype(), T => kernels::zip3(&index, &written, x[0], |i: i64, new: T, old: T| if i >= 0 { new } else { old }))
    }
}

impl rules::Linear for Overlay {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let Overlay { old, new } = self.clone();
        if i == 1 {
            return apply(Uncover { old, new }, &[g], cx.site());
        }
        let zeros = Tensor::zeros_of(new.shape(), g.dtype())?;
        apply(Overlay { old, new }, &[g, &zeros], cx.site())
    }
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        let Some(part) = self.inside().filter(|_| cx.unobserved()) else {
            for (i, slot) in out.iter_mut().enumerate() {
                if cx.needs(i) {
                    *slot = Some(rules::Linear::vjp(self, cx, i, g)?);
                }
            }
            return Ok(());
        };
        // A gradient that nobody else holds is split in place: a thousand writes cost a thousand elements.
        let own = owned(g) && g.is_contiguous() && g.array().layout().offset() == 0;
        let whole = match own {
            true => g.clone(),
            false => Tensor::from_array(g.array().copy()?),
        };
        let part = whole.array().view(part)?;
        if cx.needs(1) {
            out[1] = Some(Tensor::from_array(part.copy()?));
        }
        if cx.needs(0) {
            kernels::fill(&part, crate::Number::from(0i64))?;
            out[0] = Some(whole);
        }
        Ok(())
    }
}

/// What an [`Overlay`] took from its second operand: the transpose of writing.
#[derive(Clone, Debug)]
pub struct Uncover {
    /// Where the old tensor's elements lie.
    pub old: Layout,
    /// Where the written ones do.
    pub new: Layout,
}
define! { Uncover: Linear "uncover", "torch.Tensor.as_strided";
    summary: "The elements of a tensor that an in-place write through a view put there; the gradient of such a write.";
    formula: "x at the written places, added up where several elements show one place";
    derivative: "g at the written places, else 0";
    proof: { samples: || {
        let at = |a: (&[usize], &[f64]), old: (&[isize], usize), new: (&[usize], &[isize], usize)| {
            let layout = |shape: &[usize], strides: &[isize], offset: usize| Layout::new(Shape::new(shape), strides, offset);
            Sample::new(Uncover { old: layout(a.0, old.0, old.1), new: layout(new.0, new.1, new.2) }, &[a])
        };
        vec![
            at((&[4], &[1.0, 2.0, 3.0, 4.0]), (&[1], 0), (&[2], &[1], 1)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[2, 1], 3), (&[2], &[2], 4)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[0, 1], 0), (&[2], &[1], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[1], 0), (&[], &[], 1)),
            at((&[0], &[]), (&[1], 0), (&[2], &[1], 0)),
        ]
    } }
}

impl Uncover {
    fn overlay(&self) -> Overlay {
        let Uncover { old, new } = self.clone();
        Overlay { old, new }
    }
}

impl Op for Uncover {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let [old, new] = batch.layouts([&self.old, &self.new])?;
        batch.stacked(&Uncover { old, new })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let overlay = self.overlay();
        if let Some(part) = overlay.inside() {
            let whole = match x[0].is_contiguous() && x[0].layout().offset() == 0 {
                true => x[0].clone(),
                false => x[0].copy()?,
            };
            return whole.view(part)?.copy();
        }
        let index = Array::from_slice(&overlay.map()?, x[0].shape())?;
        kernels::put_add(x[0], &index, self.new.shape())
    }
}

impl rules::Linear for Uncover {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let zeros = Tensor::zeros_of(self.old.shape(), g.dtype())?;
        apply(self.overlay(), &[&zeros, g], cx.site())
    }
}
