//! The fully connected layer `x Wᵀ + b`: one operation, so that the weight's gradient has the weight's layout and the bias
//! costs no pass of its own.

use crate::core::apply::{apply, apply_dyn};
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::made::Made;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::linalg::addmm;
use crate::ops::linalg::matmul::Matmul;
use crate::{Array, Result};
use pullback_array::kernels;
use smallvec::SmallVec;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// `x Wᵀ`, plus a bias if there is a third operand: rows of `x` times rows of `W`.
#[derive(Clone, Debug)]
pub struct Linear;
define! { Linear: General "linear", "torch.nn.functional.linear";
    summary: "A fully connected layer: rows times the rows of a weight, plus a bias.";
    formula: "x Wᵀ + b";
    derivative: "g W by x, gᵀ x by W, g by b";
    node by linear_node;
    proof: { samples: || {
        let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.0, 1.25, -0.5, 4.0, 0.1];
        let of = |a: &[usize], w: &[usize], bias: bool| {
            let (na, nw): (usize, usize) = (a.iter().product(), w.iter().product());
            let all = [(a, &x[..na]), (w, &x[12 - nw..]), (&w[..1], &x[3..3 + w[0]])];
            Sample::new(Linear, &all[..2 + usize::from(bias)])
        };
        vec![
            of(&[2, 3], &[4, 3], true),
            of(&[2, 3], &[2, 3], false),
            of(&[2, 2, 3], &[2, 3], true),
            of(&[2, 1, 2], &[3, 2], false),
            of(&[1, 2], &[1, 2], true),
            of(&[0, 2], &[3, 2], true),
            of(&[2, 0], &[3, 0], true),
        ]
    } }
}

/// By the rank and the bias: PyTorch folds larger operands into matrices.
fn linear_node(made: &Made<'_>) -> &'static str {
    match (made.arity(), made.rank(0)) {
        (3, 2) => "AddmmBackward0",
        (_, 2) => "MmBackward0",
        _ => "UnsafeViewBackward0",
    }
}

impl Op for Linear {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if batch.only(0) {
            let x: SmallVec<[&Tensor; 3]> = (0..batch.arity()).map(|i| batch.get(i)).collect();
            return batch.apply(self, &x);
        }
        // Each row has a weight of its own, or a bias: rows of samples times it, as matrices.
        let samples: usize = batch.shape(0)[..batch.rank(0) - 1].iter().product();
        let x = match batch.is_batched(0) {
            true => {
                let width = batch.shape(0)[batch.rank(0) - 1];
                batch.get(0).reshape(batch.over(&[samples, width]))?
            }
            false => batch
                .get(0)
                .reshape([samples, batch.get(0).shape()[batch.rank(0) - 1]])?,
        };
        let mut y = apply(Matmul, &[&x, &batch.get(1).mt()?], batch.site())?;
        if batch.arity() > 2 {
            let bias = match batch.is_batched(2) {
                true => batch.get(2).unsqueeze(1)?,
                false => batch.get(2).clone(),
            };
            y = y.add(&bias)?;
        }
        let mut shape = batch.over(&batch.shape(0));
        let last = shape.len() - 1;
        shape.dims_mut()[last] = y.shape()[y.ndim() - 1];
        batch.one(match y.numel() == shape.numel() {
            true => y.reshape(shape),
            false => y.reshape(&shape[1..])?.expand(shape),
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::linear(x[0], x[1], x.get(2).copied())
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(1),
            1 => Reads::input(0),
            _ => Reads::NOTHING,
        }
    }
}

impl rules::General for Linear {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => apply(Matmul, &[g, &cx.factor(1)?], cx.site()),
            1 => {
                // All rows against all rows: one product, whatever the rank.
                let x = cx.factor(0)?;
                let rows: usize = x.shape()[..x.ndim() - 1].iter().product();
                let flat = |t: &Tensor| match t.ndim() {
                    2 => Ok(t.clone()),
                    n => t.reshape([rows, t.shape()[n - 1]]),
                };
                apply(Matmul, &[&flat(g)?.t()?, &flat(&x)?], cx.site())
            }
            _ => Ok(g.clone()),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |i, t| match i {
            0 => apply_dyn(self, &[t, &cx.input(1)?], cx.site()),
            1 => apply_dyn(self, &[&cx.input(0)?, t], cx.site()),
            _ => t.expand(cx.output()?.shape()),
        })
    }
}

#[pullback_macros::called]
impl Tensor {
    /// `x Wᵀ + b`: PyTorch's `nn.functional.linear`. The last dimension goes from `in` to `out` features; the weight is
    /// (out, in).
    ///
    /// A vector and a batch of one row have the same bits. A row of a larger batch is summed in another order: each of its numbers
    /// differs by at most 2(k + 1)·u·(Σ |xᵢ wᵢ| + |b|), where k is the number of terms and u the unit roundoff (2⁻²⁴ for `f32`).
    ///
    /// # Errors
    /// Where the sizes do not fit or the dtypes differ.
    #[track_caller]
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let site = Location::caller();
        if self.suits(weight, bias) {
            return match bias {
                Some(bias) => apply_dyn(&Linear, &[self, weight, bias], site),
                None => apply_dyn(&Linear, &[self, weight], site),
            };
        }
        // Vectors, stretched biases, integers; and PyTorch's errors.
        let turned = weight.t()?;
        let Some(bias) = bias else {
            return apply(Matmul, &[self, &turned], site);
        };
        let rows = self.ndim() == 2 || (self.ndim() > 2 && bias.ndim() == 1);
        if self.ndim() == 1 && bias.ndim() > 0 && weight.ndim() == 2 {
            addmm::same_dtypes(bias, self.dtype(), &turned)?;
        }
        if !rows {
            return apply(Matmul, &[self, &turned], site)?.add(bias);
        }
        let (n, k) = (self.numel(), self.shape()[self.ndim() - 1]);
        let folded = [
            n.checked_div(k)
                .unwrap_or_else(|| self.shape()[..self.ndim() - 1].iter().product()),
            k,
        ];
        addmm::fits_addmm(bias, (&folded, self.dtype()), &turned)?;
        apply(Matmul, &[self, &turned], site)?.add(bias)
    }

    /// Whether these are the operands of [`Linear`].
    fn suits(&self, weight: &Tensor, bias: Option<&Tensor>) -> bool {
        let dtype = self.dtype();
        dtype.is_float()
            && weight.dtype() == dtype
            && self.ndim() >= 2
            && weight.ndim() == 2
            && self.shape().last() == weight.shape().last()
            && bias.is_none_or(|b| b.dtype() == dtype && b.shape()[..] == weight.shape()[..1])
    }
}
