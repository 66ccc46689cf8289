//! Rearrangements: reshape, permute, expand. All linear; most share memory. The methods are in `view`, `axes` and `repeat`.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched, shifted};
use crate::core::define::{common, define};
use crate::core::made::Made;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result, Shape};
use std::borrow::Cow;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, error};

#[cfg(feature = "proof")]
pub(in crate::ops) const SIX: [f64; 6] = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5];

/// The same elements in the same order under another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// Shape of the result.
    pub shape: Shape,
}
define! { Reshape: Linear "reshape", "torch.reshape", view: true;
    summary: "The same elements in row-major order under another shape; a view where strides allow it.";
    formula: "x";
    derivative: "g in the input's shape";
    node by reshape_node;
    proof: { samples: || {
        let to = |s: &[usize], from: &[usize]| Sample::new(Reshape { shape: Shape::new(s) }, &[(from, &SIX[..from.iter().product()])]);
        vec![to(&[3, 2], &[2, 3]), to(&[6], &[2, 3]), to(&[1, 2, 1, 3], &[6]), to(&[], &[1]), to(&[0, 4], &[2, 0])]
    }, errors: || vec![error(Reshape { shape: Shape::new(&[4]) }, &[&[2, 3]], "shape '[4]' is invalid for input of size 6")] }
}

/// One that drops all sizes of 1 or adds one is called squeeze or unsqueeze; one that copies, unsafe view.
fn reshape_node(made: &Made<'_>) -> &'static str {
    let (Some(input), to) = (made.inputs.first(), made.out) else {
        return "ViewBackward0";
    };
    let from = &input.shape;
    let squeezed = from.iter().filter(|&&n| n != 1);
    let without = |at: usize| to.iter().enumerate().filter(move |&(k, _)| k != at);
    let added = |at: usize| to[at] == 1 && without(at).map(|(_, n)| n).eq(from.iter());
    if !made.view {
        "UnsafeViewBackward0"
    } else if from.contains(&1) && squeezed.eq(to.iter()) {
        "SqueezeBackward0"
    } else if (0..to.len()).any(added) {
        "UnsqueezeBackward0"
    } else {
        "ViewBackward0"
    }
}

impl Op for Reshape {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let shape = batch.over(&self.shape);
        batch.apply(&Reshape { shape }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].reshape(&self.shape)
    }
}

impl rules::Linear for Reshape {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.reshape(cx.shape(0))
    }
}

/// Reordered dimensions.
#[derive(Clone, Debug)]
pub struct Permute {
    /// Dimension k of the result is dimension `order[k]` of the input.
    pub order: Vec<usize>,
}
define! { Permute: Linear "permute", "torch.permute", view: true;
    summary: "Reordered dimensions, without a copy.";
    formula: "y[i₀, i₁, …] = x[i at the permuted places]";
    derivative: "g permuted back";
    proof: { samples: || {
        let by = |o: &[usize], from: &[usize]| Sample::new(Permute { order: o.to_vec() }, &[(from, &SIX[..from.iter().product()])]);
        vec![by(&[1, 0], &[2, 3]), by(&[2, 0, 1], &[1, 2, 3]), by(&[0], &[4]), by(&[], &[]), by(&[1, 0], &[0, 3])]
    } }
}

impl Op for Permute {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let mut order = shifted(&self.order);
        order.insert(0, 0);
        batch.apply(&Permute { order }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].view(x[0].layout().permute(&self.order))
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(Permute::spelled(&self.order)))
    }
}

impl Permute {
    /// The commonest way to ask for this order, by how many dimensions move.
    pub(in crate::ops) fn spelled(order: &[usize]) -> &'static str {
        let moved = order.iter().enumerate().filter(|&(k, &o)| k != o);
        match (order.len(), moved.count()) {
            (2, 2) => "TBackward0",
            (_, 2) => "TransposeBackward0",
            _ => "PermuteBackward0",
        }
    }
}

impl rules::Linear for Permute {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let mut back = vec![0; self.order.len()];
        self.order
            .iter()
            .enumerate()
            .for_each(|(k, &o)| back[o] = k);
        apply(Permute { order: back }, &[g], cx.site())
    }
}

/// Stretched to a larger shape.
#[derive(Clone, Debug)]
pub struct Expand {
    /// Shape of the result.
    pub shape: Shape,
}
define! { Expand: Linear "expand", "torch.Tensor.expand", view: true;
    summary: "Size-1 and missing leading dimensions repeated, without a copy.";
    formula: "y[i, j] = x[0, j]";
    derivative: "g summed over the repeated dimensions";
    proof: { samples: || {
        let to = |s: &[usize], from: &[usize]| Sample::new(Expand { shape: Shape::new(s) }, &[(from, &SIX[..from.iter().product()])]);
        vec![to(&[4, 3], &[1, 3]), to(&[2, 2, 3], &[2, 3]), to(&[3], &[]), to(&[2, 3], &[2, 1]), to(&[0, 3], &[1, 3])]
    }, errors: || vec![error(Expand { shape: Shape::new(&[3, 3]) }, &[&[2, 3]],
        "The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0.  Target sizes: [3, 3].  Tensor sizes: [2, 3]")] }
}

impl Op for Expand {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let shape = batch.over(&self.shape);
        batch.apply(&Expand { shape }, &[&batch.aligned(0, self.shape.len())?])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].expand(&self.shape)
    }
}

impl rules::Linear for Expand {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone()) // the engine sums it to the input's shape
    }
}
