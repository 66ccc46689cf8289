//! One direction of one layer of a recurrent network over a whole sequence, as one operation.
//!
//! Elman's network with relu is none of these: it chooses at every step, and a check of gradients must see each of those decisions. It is composed
//! (`stack.rs`).

use super::steps::{self, Operands};
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use pullback_array::kernels::{self, Cell, Recurrence, RecurrenceInputs};
use smallvec::SmallVec;
use std::sync::Arc;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// A recurrence over packed steps. Its operands are what the input gives to the gates at every step, the recurrent weight, the state h, then c of long
/// short-term memory, the bias and the projection where there are such. Its results are h at every step, h after the last, c after the last where there is
/// one, and what the gradient needs again.
#[derive(Clone, Debug)]
pub struct RecurrentLayer {
    /// Which recurrence.
    pub cell: Cell,
    /// From the last step to the first.
    pub reverse: bool,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether there is a projection.
    pub projects: bool,
    /// How many rows each step has.
    pub sizes: Arc<[usize]>,
    /// Whether a gradient will be asked for; without it nothing is kept, and the rule goes step by step.
    pub keep: bool,
}
define! { RecurrentLayer: General "recurrent_layer", "torch.nn.LSTM";
    summary: "RNN, GRU or LSTM: one direction of one layer over a whole sequence.";
    formula: "hₜ = tanh(xₜ + U hₜ₋₁ + b); or by the gates of GRU and LSTM";
    derivative: "backward in time: d = g·∂hₜ/∂gates, hₜ₋₁ is sent dU, U is sent Σ dᵀhₜ₋₁";
    proof: { samples: samples, spread: true }
}

#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let of = |cell: Cell, which, sizes: &[usize], reverse, bias, width: usize| {
        let (hidden, samples, rows) = (2, 2, sizes.iter().sum::<usize>());
        let wide = hidden * cell.gates();
        let numbers = |count: usize, by: usize| -> Vec<f64> {
            (0..count)
                .map(|k| ((by * k + 5) % 19) as f64 / 11.3 - 0.83)
                .collect()
        };
        let mut shapes = vec![vec![rows, wide], vec![wide, width], vec![samples, width]];
        if cell == Cell::Lstm {
            shapes.push(vec![samples, hidden]);
        }
        if bias {
            shapes.push(vec![wide]);
        }
        if width != hidden {
            shapes.push(vec![width, hidden]);
        }
        let data: Vec<Vec<f64>> = (shapes.iter().zip([7, 11, 13, 3, 17, 5]))
            .map(|(s, by)| numbers(s.iter().product(), by))
            .collect();
        let op = RecurrentLayer {
            cell,
            reverse,
            bias,
            projects: width != hidden,
            sizes: sizes.into(),
            keep: true,
        };
        let inputs: Vec<(&[usize], &[f64])> = (shapes.iter().zip(&data))
            .map(|(s, d)| (&s[..], &d[..]))
            .collect();
        Sample::result(op, which, &inputs)
    };
    vec![
        of(Cell::Lstm, 0, &[2, 2, 2], false, true, 2),
        of(Cell::Lstm, 0, &[2, 1, 1], true, false, 2),
        of(Cell::Lstm, 1, &[2, 1], false, true, 1),
        of(Cell::Lstm, 2, &[2, 2, 1], true, true, 1),
        of(Cell::Gru, 0, &[2, 2, 2], false, true, 2),
        of(Cell::Gru, 0, &[2, 1, 1], true, false, 2),
        of(Cell::Gru, 1, &[2, 1], false, true, 2),
        of(Cell::Tanh, 0, &[2, 2], false, true, 2),
        of(Cell::Tanh, 0, &[2, 1], true, false, 2),
        of(Cell::Tanh, 1, &[2, 1, 1], true, true, 2),
        of(Cell::Gru, 1, &[], false, true, 2),
    ]
}

impl RecurrentLayer {
    fn two(&self) -> bool {
        self.cell == Cell::Lstm
    }

    /// Which operand each of those is that need not be there: c, the bias, the projection.
    fn places(&self) -> [Option<usize>; 3] {
        let mut next = 3;
        [self.two(), self.bias, self.projects].map(|there| {
            next += usize::from(there);
            there.then(|| next - 1)
        })
    }

    /// The result that is kept for the gradient.
    fn kept(&self) -> usize {
        self.outputs() - 1
    }

    fn how(&self) -> Recurrence<'_> {
        Recurrence {
            cell: self.cell,
            sizes: &self.sizes,
            reverse: self.reverse,
        }
    }

    fn given<'a>(&self, x: &[&'a Array]) -> RecurrenceInputs<'a> {
        let [c, bias, projection] = self.places().map(|p| p.map(|p| x[p]));
        RecurrenceInputs {
            gates: x[0],
            weight: x[1],
            h: x[2],
            c,
            bias,
            projection,
        }
    }

    fn operands<'a>(&'a self, x: &'a [Tensor]) -> Operands<'a> {
        let [c, bias, projection] = self.places().map(|p| p.map(|p| &x[p]));
        Operands {
            cell: self.cell,
            sizes: &self.sizes,
            reverse: self.reverse,
            gates: &x[0],
            weight: &x[1],
            h: &x[2],
            c,
            bias,
            projection,
        }
    }

    /// The gradients in one pass backward in time, of the operands and results by their numbers.
    fn fused(
        &self,
        cx: &Ctx<'_>,
        x: &[Tensor],
        g: &[Option<Tensor>],
        out: &mut [Option<Tensor>],
    ) -> Result<()> {
        let lent: Vec<_> = x.iter().map(Tensor::array).collect();
        let lent: Vec<&Array> = lent.iter().map(|a| &**a).collect();
        let (rows, kept) = (cx.output_at(0)?, cx.output_at(self.kept())?);
        let sent: Vec<_> = g.iter().map(|g| g.as_ref().map(Tensor::array)).collect();
        let sent = |k: usize| sent[k].as_deref();
        let c = if self.two() { sent(2) } else { None };
        let found = kernels::recurrence_back(
            self.how(),
            &self.given(&lent),
            &rows.array(),
            &kept.array(),
            [sent(0), sent(1), c],
        )?;
        let product = |a: &Array, b: &Array| kernels::matmul(&a.transpose(0, 1)?, b);
        let [at_c, at_bias, at_projection] = self.places();
        let mut give = |at: usize, a: Array| out[at] = Some(Tensor::from_array(a));
        if cx.needs(1) {
            give(1, product(&found.of_state, &found.before)?);
        }
        if let Some(at) = at_bias.filter(|&at| cx.needs(at)) {
            give(at, kernels::sum(&found.of_state, &[0], false)?);
        }
        if let (Some(at), Some((by, of))) = (at_projection, &found.projected)
            && cx.needs(at)
        {
            give(at, product(by, of)?);
        }
        if let (Some(at), Some(c)) = (at_c, found.c) {
            give(at, c);
        }
        give(2, found.h);
        give(0, found.gates);
        Ok(())
    }
}

impl Op for RecurrentLayer {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(self.eval_many(x)?.swap_remove(0))
    }
    fn outputs(&self) -> usize {
        if self.two() { 4 } else { 3 }
    }
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let made = kernels::recurrence_over(self.how(), &self.given(x), self.keep)?;
        let all = [Some(made.rows), Some(made.h), made.c, Some(made.kept)];
        Ok(all.into_iter().flatten().collect())
    }
    /// Rows beside each other, as samples are: those of one sample follow each other, so that steps still begin with the longest sequences.
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let [c, bias, projection] = self.places();
        let mut weights = [Some(1), bias, projection].into_iter().flatten();
        if weights.any(|i| batch.is_batched(i)) {
            return Ok(None); // a product with a weight for each row
        }
        let count = batch.count();
        let beside = |i: usize| -> Result<Tensor> {
            let x = batch.full(i)?.transpose(0, 1)?;
            let (n, wide) = (x.shape()[0], x.shape()[2]);
            x.reshape([n * count, wide])
        };
        let x: Vec<Tensor> = (0..batch.arity())
            .map(|i| match i == 0 || i == 2 || c == Some(i) {
                true => beside(i),
                false => Ok(batch.get(i).clone()),
            })
            .collect::<Result<_>>()?;
        let op = RecurrentLayer {
            sizes: self.sizes.iter().map(|n| n * count).collect(),
            ..self.clone()
        };
        let apart = |y: Tensor| match y.shape()[..] {
            [n, wide] => {
                let n = n.checked_div(count).unwrap_or(0);
                y.reshape([n, count, wide])?.transpose(0, 1)
            }
            _ => y.unsqueeze(0)?.expand([count, 0]),
        };
        let Some(made) = batch.apply(&op, &x.iter().collect::<Vec<_>>())? else {
            return Ok(None);
        };
        made.into_iter().map(apart).collect::<Result<_>>().map(Some)
    }
    fn differentiable(&self, k: usize) -> bool {
        k != self.kept()
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS.and(Reads::OUTPUT)
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let x = cx.inputs()?;
        if self.keep && cx.unobserved() && !x.iter().any(|x| x.array().is_meta()) {
            return self.fused(cx, &x, g, out);
        }
        let of_c = if self.two() { g[2].as_ref() } else { None };
        let found = steps::pulled(&self.operands(&x), [g[0].as_ref(), g[1].as_ref(), of_c])?;
        let [at_c, at_bias, at_projection] = self.places();
        let places = [Some(0), Some(1), Some(2), at_c, at_bias, at_projection];
        for (at, gradient) in places.into_iter().zip(found) {
            if let Some(at) = at {
                out[at] = gradient;
            }
        }
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let x = cx.inputs()?;
        let dots: Vec<Tensor> = (t.iter().zip(&x))
            .map(|(t, x)| t.clone().map_or_else(|| x.zeros_like(), Ok))
            .collect::<Result<_>>()?;
        let mut all: SmallVec<[Option<Tensor>; 2]> =
            (steps::pushed(&self.operands(&x), &self.operands(&dots))?.into_iter())
                .map(Some)
                .collect();
        all.push(None);
        Ok(all)
    }
}

rules::by_first!(RecurrentLayer);
