//! Reading and writing at computed positions: where, take, put.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::ensure;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::operand::{Operand, promote};
use crate::{Array, DType, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// `mask ? a : b`.
#[derive(Clone, Debug)]
pub struct Where;
define! { Where: Linear "where", "torch.where";
    summary: "One of two operands, element by element, with broadcasting.";
    formula: "a where the mask holds, else b";
    derivative: "g to the chosen operand, +0 to the other";
    convention: "selects: an infinite gradient of the operand that was not chosen is 0, not NaN";
    proof: { samples: || {
        let mask = |m: &[f64]| (vec![m.len()], m.to_vec(), DType::Bool);
        vec![
            Sample::mixed(Where, vec![mask(&[1.0, 0.0, 1.0]), (vec![3], vec![1.0, 2.0, 3.0], DType::F64), (vec![3], vec![-1.0, 0.5, 4.0], DType::F64)]),
            Sample::mixed(Where, vec![mask(&[1.0, 0.0, 1.0]), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], DType::F64), (vec![], vec![-1.0], DType::F64)]),
            Sample::mixed(Where, vec![(vec![], vec![1.0], DType::Bool), (vec![], vec![1.5], DType::F64), (vec![3], vec![-1.0, 0.5, 4.0], DType::F64)]),
            Sample::mixed(Where, vec![(vec![0], vec![], DType::Bool), (vec![0], vec![], DType::F64), (vec![], vec![-1.0], DType::F64)]),
        ]
    } }
}

impl Op for Where {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        ensure!(
            x[0].dtype() == DType::Bool,
            DType,
            "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
            x[0].dtype().scalar_type_name()
        );
        dispatch!(x[1].dtype(), T => kernels::zip3(x[0], x[1], x[2], |m: bool, a: T, b: T| if m { a } else { b }))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::NOTHING
        } else {
            Reads::input(0)
        }
    }
}

impl rules::Linear for Where {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let zero = Tensor::zeros_of(&Shape::scalar(), g.dtype())?;
        let mask = cx.input(0)?;
        if i == 1 {
            apply(Where, &[&mask, g, &zero], cx.site())
        } else {
            apply(Where, &[&mask, &zero, g], cx.site())
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let zero = Tensor::zeros_of(&Shape::scalar(), cx.dtype(1))?;
        let (a, b) = (
            t[1].as_ref().unwrap_or(&zero),
            t[2].as_ref().unwrap_or(&zero),
        );
        // A tangent has the result's shape even where the operand that has one is smaller.
        apply(Where, &[&cx.input(0)?, a, b], cx.site())?.expand(cx.output()?.shape())
    }
}

/// Elements at flat positions.
#[derive(Clone, Debug)]
pub struct Take;
define! { Take: Linear "take", "torch.take";
    summary: "Elements at positions in row-major order; a negative position gives 0.";
    formula: "x[index], x flattened";
    derivative: "g added up at the positions (put)";
    proof: { samples: || {
        let at = |shape: &[usize], x: &[f64], i: &[f64], is: &[usize]| Sample::mixed(Take, vec![
            (shape.to_vec(), x.to_vec(), DType::F64), (is.to_vec(), i.to_vec(), DType::I64)]);
        vec![
            at(&[4], &[1.0, 2.0, 3.0, 4.0], &[3.0, 0.0, 3.0], &[3]),
            at(&[2, 2], &[1.0, 2.0, 3.0, 4.0], &[1.0, -1.0, 2.0, 2.0], &[2, 2]),
            at(&[2, 2], &[1.0, 2.0, 3.0, 4.0], &[3.0], &[]),
            at(&[3], &[1.0, 2.0, 3.0], &[], &[0]),
        ]
    } }
}

impl Op for Take {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if !batch.is_batched(0) {
            return batch.apply(self, &[batch.get(0), batch.get(1)]);
        }
        let index = batch.placed(&batch.full(1)?, batch.shape(0).numel())?;
        batch.apply(self, &[batch.get(0), &index])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::take(x[0], x[1])
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(1)
        } else {
            Reads::NOTHING
        }
    }
}

impl rules::Linear for Take {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(
            Put {
                shape: cx.shape(0).clone(),
            },
            &[g, &cx.input(1)?],
            cx.site(),
        )
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        crate::core::op::sum_terms(&t[..1], |_, t| apply(Take, &[t, &cx.input(1)?], cx.site()))
    }
}

/// Adds elements up at flat positions of a new tensor; the transpose of [`Take`].
#[derive(Clone, Debug)]
pub struct Put {
    /// Shape of the result.
    pub shape: Shape,
}
define! { Put: Linear "put", "torch.Tensor.put_";
    summary: "Zeros with elements added at positions in row-major order; negative positions are left out.";
    formula: "y[index] += x, y flattened";
    derivative: "g at the positions (take)";
    proof: { samples: || {
        let at = |shape: &[usize], x: &[f64], i: &[f64]| Sample::mixed(Put { shape: Shape::new(shape) }, vec![
            (vec![x.len()], x.to_vec(), DType::F64), (vec![i.len()], i.to_vec(), DType::I64)]);
        vec![
            at(&[4], &[1.0, 2.0, 3.0], &[3.0, 0.0, 3.0]),
            at(&[2, 2], &[1.0, 2.0], &[-1.0, 2.0]),
            at(&[2, 3], &[1.0], &[5.0]),
            at(&[3], &[], &[]),
        ]
    } }
}

impl Op for Put {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let index = batch.placed(&batch.full(1)?, self.shape.numel())?;
        let shape = batch.over(&self.shape);
        batch.apply(&Put { shape }, &[&batch.full(0)?, &index])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::put_add(x[0], x[1], &self.shape)
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(1)
        } else {
            Reads::NOTHING
        }
    }
}

impl rules::Linear for Put {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply(Take, &[g, &cx.input(1)?], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        crate::core::op::sum_terms(&t[..1], |_, t| {
            apply(self.clone(), &[t, &cx.input(1)?], cx.site())
        })
    }
}

#[pullback_macros::called]
impl Tensor {
    /// This tensor where `mask` holds, else `other`. PyTorch's `torch.where(mask, self, other)`.
    ///
    /// # Errors
    /// Where the mask is not bool or the shapes do not broadcast.
    #[track_caller]
    pub fn where_<'a>(&'a self, mask: &Tensor, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let (site, other) = (Location::caller(), other.into());
        if let Operand::Number(n) = &other
            && n.default_dtype().category() <= self.dtype().category()
        {
            n.fit(self.dtype())?;
        }
        let (a, b) = promote(self, other, site)?;
        apply(Where, &[mask, a.as_ref(), b.as_ref()], site)
    }
}
