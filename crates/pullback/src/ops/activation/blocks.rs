//! Attention a few queries at a time: the weights of a block of them are made, used and forgotten, in the gradient again, so that the
//! matrix of all weights is never there. For long sequences without a mask of their own; `attention` decides when.

use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::activation::attention::CausalSoftmax;
use crate::ops::activation::softmax::softmax_run;
use crate::ops::common::constant::times;
use crate::{Array, Layout, Real, Result, Shape, check_interrupt};
use pullback_array::{dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// `softmax(scale·q·kᵀ)·v` of stacks of matrices (batch, queries, width), (batch, keys, width) and (batch, keys, other width).
#[derive(Clone, Debug)]
pub struct BlockAttention {
    /// The factor of the scores.
    pub scale: f64,
    /// Whether query i sees keys up to i only.
    pub causal: bool,
    /// How many queries are taken at a time.
    pub rows: usize,
}
define! { BlockAttention: General "block_attention", "torch.nn.functional.scaled_dot_product_attention";
    summary: "Attention of stacks of matrices, a block of queries at a time.";
    formula: "softmax(scale·q·kᵀ)·v, rows causal or not";
    derivative: "wᵀg by v; scale·s·k by q and scale·sᵀ·q by k, with s = w·(gvᵀ - Σ w·gvᵀ)";
    node: "ScaledDotProductFlashAttentionForCpuBackward0";
    proof: { samples: samples }
}

#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let of = |causal, rows, n: usize, l: usize, s: usize| {
        let op = BlockAttention {
            scale: 0.75,
            causal,
            rows,
        };
        let numbers = |count: usize, by: usize| -> Vec<f64> {
            (0..count)
                .map(|k| ((by * k + 5) % 19) as f64 / 9.0 - 1.0)
                .collect()
        };
        let (q, k, v) = (
            numbers(n * l * 2, 7),
            numbers(n * s * 2, 11),
            numbers(n * s * 3, 13),
        );
        Sample::new(op, &[(&[n, l, 2], &q), (&[n, s, 2], &k), (&[n, s, 3], &v)])
    };
    vec![
        of(true, 2, 1, 3, 3),
        of(false, 2, 2, 3, 2),
        of(true, 1, 1, 3, 2),
        of(true, 4, 2, 2, 3),
        of(false, 3, 0, 2, 2),
    ]
}

/// Some queries of one sample: which sample, the first of them, how many, and how many keys any of them sees.
#[derive(Clone, Copy)]
struct Block {
    n: usize,
    start: usize,
    count: usize,
    seen: usize,
}

/// `count` rows of matrix `n` of a stack, from `start` on.
fn rows(x: &Array, n: usize, start: usize, count: usize) -> Result<Array> {
    x.view(x.layout().select(0, n).slice(0, start, count, 1))
}

fn turned(x: &Array) -> Result<Array> {
    x.view(x.layout().transpose(0, 1))
}

impl BlockAttention {
    /// Does something with every block in turn.
    fn each(&self, q: &Array, k: &Array, mut f: impl FnMut(Block) -> Result<()>) -> Result<()> {
        let (queries, keys) = (q.shape()[1], k.shape()[1]);
        for n in 0..q.shape()[0] {
            for start in (0..queries).step_by(self.rows.max(1)) {
                check_interrupt()?;
                let count = self.rows.max(1).min(queries - start);
                let seen = match self.causal {
                    true => keys.min(start + count),
                    false => keys,
                };
                f(Block {
                    n,
                    start,
                    count,
                    seen,
                })?;
            }
        }
        Ok(())
    }

    /// The weights of a block: a row for each of its queries, a column for each key seen.
    fn weights<T: Real>(&self, q: &Array, k: &Array, b: Block) -> Result<Array> {
        let keys = turned(&rows(k, b.n, 0, b.seen)?)?;
        let scores = kernels::matmul(&rows(q, b.n, b.start, b.count)?, &keys)?;
        let (scale, causal) = (T::lit(self.scale), self.causal);
        kernels::lines(
            &scores,
            [],
            b.seen,
            #[inline(always)]
            move |row, run: &mut [T], []| {
                let sees = match causal {
                    true => (b.start + row + 1).min(b.seen),
                    false => b.seen,
                };
                let (run, rest) = run.split_at_mut(sees);
                run.iter_mut().for_each(|x| *x = *x * scale);
                softmax_run(run);
                rest.fill(T::default());
            },
        )
    }

    /// The gradients of the three inputs, in one pass over the blocks.
    fn pulled<T: Real>(&self, g: &Array, x: [&Array; 3]) -> Result<[Array; 3]> {
        let [q, k, v] = x;
        let zeros = |x: &Array| x.new_zeros(Layout::row_major(x.shape().clone()), x.dtype());
        let out = [zeros(q)?, zeros(k)?, zeros(v)?];
        self.each(q, k, |b| {
            let w = self.weights::<T>(q, k, b)?;
            let g = rows(g, b.n, b.start, b.count)?;
            let add = |to: &Array, part: &Array| {
                let to = rows(to, b.n, 0, b.seen)?;
                kernels::zip_assign(&to, part, move |a: T, b: T| a + b)
            };
            add(&out[2], &kernels::matmul(&turned(&w)?, &g)?)?;
            let along = kernels::matmul(&g, &turned(&rows(v, b.n, 0, b.seen)?)?)?;
            let scale = T::lit(self.scale);
            let s = kernels::lines(
                &along,
                [&w],
                b.seen,
                #[inline(always)]
                move |_, run: &mut [T], [w]| {
                    let mean = (run.iter().zip(w)).fold(T::ZERO, |sum, (&a, &w)| sum + a * w);
                    for (a, &w) in run.iter_mut().zip(w) {
                        *a = (*a - mean) * w * scale;
                    }
                },
            )?;
            let own = kernels::matmul(&s, &rows(k, b.n, 0, b.seen)?)?;
            kernels::assign(&rows(&out[0], b.n, b.start, b.count)?, &own)?;
            add(
                &out[1],
                &kernels::matmul(&turned(&s)?, &rows(q, b.n, b.start, b.count)?)?,
            )
        })?;
        Ok(out)
    }

    /// All weights, in tensor operations: for gradients of gradients, and tangents.
    fn all_weights(&self, q: &Tensor, k: &Tensor, cx: &Ctx<'_>) -> Result<Tensor> {
        let scores = times(q, self.scale)?.matmul(&k.transpose(-2, -1)?)?;
        match self.causal {
            true => crate::core::apply::apply_dyn(&CausalSoftmax, &[&scores], cx.site()),
            false => scores.softmax(-1),
        }
    }

    /// What a change of the scores does to the weights, or of the weights to the scores: both are the same.
    fn through(w: &Tensor, change: &Tensor) -> Result<Tensor> {
        let along = w.mul(change)?;
        along.sub(&w.mul(&along.sum_dims(&[-1], true)?)?)
    }
}

impl Op for BlockAttention {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.folded(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let [q, k, v] = [x[0], x[1], x[2]];
        let shape = Shape::new(&[q.shape()[0], q.shape()[1], v.shape()[2]]);
        if crate::ops::common::operand::unnumbered(x) {
            return crate::ops::common::operand::inferred(shape, q.dtype());
        }
        dispatch!(float q.dtype(), T => {
            let out = q.new_zeros(Layout::row_major(shape), q.dtype())?;
            self.each(q, k, |b| {
                let w = self.weights::<T>(q, k, b)?;
                let part = kernels::matmul(&w, &rows(v, b.n, 0, b.seen)?)?;
                kernels::assign(&rows(&out, b.n, b.start, b.count)?, &part)
            })?;
            Ok(out)
        }, else Err(crate::ops::math::arith::needs_float(q)))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
}

impl rules::General for BlockAttention {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (q, k) = (cx.input(0)?, cx.input(1)?);
        let w = self.all_weights(&q, &k, cx)?;
        if i == 2 {
            return w.transpose(-2, -1)?.matmul(g);
        }
        let along = g.matmul(&cx.input(2)?.transpose(-2, -1)?)?;
        let s = times(&BlockAttention::through(&w, &along)?, self.scale)?;
        match i {
            0 => s.matmul(&k),
            _ => s.transpose(-2, -1)?.matmul(&q),
        }
    }
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        if !cx.unobserved() {
            for (i, slot) in out.iter_mut().enumerate() {
                if cx.needs(i) {
                    *slot = Some(rules::General::vjp(self, cx, i, g)?);
                }
            }
            return Ok(());
        }
        let x = cx.inputs()?;
        let (q, k, v) = (x[0].array(), x[1].array(), x[2].array());
        let pulled = dispatch!(float q.dtype(), T => self.pulled::<T>(&g.array(), [&q, &k, &v])?,
            else return Err(crate::ops::math::arith::needs_float(&q)));
        for ((i, slot), pulled) in out.iter_mut().enumerate().zip(pulled) {
            if cx.needs(i) {
                *slot = Some(Tensor::from_array(pulled));
            }
        }
        Ok(())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (q, k, v) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
        let w = self.all_weights(&q, &k, cx)?;
        sum_terms(t, |i, t| {
            let scores = match i {
                0 => times(t, self.scale)?.matmul(&k.transpose(-2, -1)?)?,
                1 => times(&q, self.scale)?.matmul(&t.transpose(-2, -1)?)?,
                _ => return w.matmul(t),
            };
            BlockAttention::through(&w, &scores)?.matmul(&v)
        })
    }
}
