//! Rows of a table looked up by number, and what flows back into the table.

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Element, Number, Result, no_grad};
use pullback_array::{dispatch, filled, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Rows of a table.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// A row that gets no gradient.
    pub padding: Option<usize>,
    /// Whether a row's gradient is divided by how often it was looked up.
    pub by_frequency: bool,
}
define! { Embedding: General "embedding", "torch.nn.functional.embedding";
    summary: "Rows of a table, looked up by number.";
    formula: "w[i]";
    derivative: "g added up at the rows; the padding row gets nothing";
    proof: { samples: || embeddings(|_| Embedding { padding: None, by_frequency: false }, true) }
}

/// What [`Embedding`] sends back: rows added up.
#[derive(Clone, Debug)]
pub struct EmbeddingBackward {
    /// The lookup.
    pub of: Embedding,
    /// Rows of the table.
    pub rows: usize,
}
define! { EmbeddingBackward: Linear "embedding_backward", "torch.ops.aten.embedding_dense_backward";
    summary: "Zeros with rows added up by number; the padding row stays 0, frequent rows may be averaged.";
    formula: "y[i] += g, y[padding] = 0";
    derivative: "rows of g, 0 at the padding row";
    proof: { samples: || embeddings(|n| EmbeddingBackward {
        of: Embedding { padding: (n == 1).then_some(1), by_frequency: n == 2 },
        rows: 3,
    }, false) }
}

#[cfg(feature = "proof")]
fn embeddings<O: Op>(op: impl Fn(usize) -> O, table: bool) -> Vec<Sample> {
    let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.5];
    let of = |n: usize, ids: &[f64], shape: &[usize]| {
        let mut first = if table { vec![3] } else { shape.to_vec() };
        first.push(2);
        let data = x[..first.iter().product()].to_vec();
        Sample::mixed(
            op(n),
            vec![
                (first, data, DType::F64),
                (shape.to_vec(), ids.to_vec(), DType::I64),
            ],
        )
    };
    vec![
        of(0, &[2.0, 0.0, 2.0], &[3]),
        of(1, &[1.0, 2.0, 1.0, 0.0], &[2, 2]),
        of(2, &[2.0, 2.0, 0.0], &[3]),
        of(3, &[1.0], &[]),
        of(4, &[], &[0]),
    ]
}

/// Row numbers as int64, all of them in the table.
fn rows(ids: &Array, rows: usize) -> Result<Array> {
    let ids = kernels::cast(ids, DType::I64)?;
    if ids.is_meta() {
        return Ok(ids);
    }
    let wrong = |&i: &i64| i < 0 || i >= rows as i64;
    let found = crate::ops::common::operand::once(&ids)?.numbers::<i64>()?;
    if let Some(i) = found.into_iter().find(wrong) {
        return Err(error!(Index, "index out of range in self")
            .note(format!("index {i}, and the table has {rows} rows")));
    }
    Ok(ids)
}

impl Op for Embedding {
    common!(native);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if batch.only(1) {
            return batch.apply(self, &[batch.get(0), batch.get(1)]);
        }
        if self.padding.is_some() || self.by_frequency {
            return Ok(None);
        }
        let rows = batch.shape(0)[0];
        let ids = batch.placed(&batch.full(1)?, rows)?;
        batch.apply(self, &[&batch.get(0).flatten_dims(0, 1)?, &ids])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let ids = rows(x[1], x[0].shape().first().copied().unwrap_or(0))?;
        kernels::index(x[0], 0, 1, &ids)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(1)
    }
}

impl rules::General for Embedding {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let back = EmbeddingBackward {
            of: self.clone(),
            rows: cx.shape(0)[0],
        };
        apply_dyn(&back, &[g, &cx.input(1)?], cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        crate::core::op::sum_terms(&t[..1], |_, t| {
            apply_dyn(self, &[t, &cx.input(1)?], cx.site())
        })
    }
}

impl EmbeddingBackward {
    /// For each row number 0, 1 or a fraction: what its part of the gradient counts.
    fn factors(&self, ids: &Array) -> Result<Vec<f64>> {
        let ids = rows(ids, self.rows)?.numbers::<i64>()?;
        let mut counts = filled(self.rows, 0.0f64)?;
        ids.iter().for_each(|&i| counts[i as usize] += 1.0);
        Ok(ids
            .iter()
            .map(|&i| match i as usize {
                i if self.of.padding == Some(i) => 0.0,
                i if self.of.by_frequency => counts[i],
                _ => 1.0,
            })
            .collect())
    }

    /// Rows of `g` divided by what they count, or 0.
    fn weighed(&self, g: &Array, ids: &Array) -> Result<Array> {
        if self.of.padding.is_none() && !self.of.by_frequency || g.is_meta() || ids.is_meta() {
            return Ok(g.clone());
        }
        let factors = self.factors(ids)?;
        let len = g.shape().last().copied().unwrap_or(1);
        dispatch!(float g.dtype(), T => kernels::lines(g, [], len, |k, run: &mut [T], []| {
            let n = T::from_f64(factors[k]);
            run.iter_mut().for_each(|x| *x = if factors[k] == 0.0 { T::default() } else { *x / n });
        }), else Ok(g.clone()))
    }
}

impl Op for EmbeddingBackward {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        if self.of.by_frequency {
            return Ok(None);
        }
        let (mut g, mut ids) = (batch.full(0)?, batch.full(1)?);
        if let Some(padding) = self.of.padding {
            let kept = ids.ne(padding as i64)?.unsqueeze(-1)?;
            g = g.where_(&kept, 0.0)?;
        }
        ids = batch.placed(&ids, self.rows)?;
        let op = EmbeddingBackward {
            of: Embedding {
                padding: None,
                by_frequency: false,
            },
            rows: batch.count() * self.rows,
        };
        let width = g.shape()[g.ndim() - 1];
        let found = apply_dyn(&op, &[&g, &ids], batch.site())?;
        batch.one(found.reshape(batch.over(&[self.rows, width])))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let ids = rows(x[1], self.rows)?;
        let g = self.weighed(x[0], &ids)?;
        let shape = [self.rows, g.shape().last().copied().unwrap_or(1)];
        kernels::index_add_up(&g, &shape.into(), 0, 1, &ids)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(1)
    }
}

impl rules::Linear for EmbeddingBackward {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let ids = cx.input(1)?;
        let plain = Embedding {
            padding: None,
            by_frequency: false,
        };
        let back = apply_dyn(&plain, &[g, &ids], cx.site())?;
        if self.of.padding.is_none() && !self.of.by_frequency {
            return Ok(back);
        }
        let factors = self.factors(&ids.array())?;
        let mut shape = ids.shape().to_vec();
        shape.push(1);
        let counted: Vec<bool> = factors.iter().map(|&n| n != 0.0).collect();
        let counted = Tensor::from_slice(&counted, shape.as_slice())?.to_device(g.device())?;
        let back = back.where_(&counted, 0.0)?;
        if !self.of.by_frequency {
            return Ok(back);
        }
        let counts: Vec<f64> = factors.iter().map(|&n| n.max(1.0)).collect();
        let counts = Tensor::from_slice(&counts, shape.as_slice())?.to(g.dtype())?;
        back.div(&counts.to_device(g.device())?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        crate::core::op::sum_terms(&t[..1], |_, t| {
            apply_dyn(self, &[t, &cx.input(1)?], cx.site())
        })
    }
}

/// How [`Tensor::embedding`] treats rows; the default is PyTorch's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EmbeddingOptions {
    /// A row that gets no gradient; negative ones count from the end.
    pub padding_idx: Option<i64>,
    /// Rows that are longer are shortened in the table first, in place.
    pub max_norm: Option<f64>,
    /// The order of that length.
    pub norm_type: f64,
    /// Whether a row's gradient is divided by how often it was looked up.
    pub scale_grad_by_freq: bool,
}

setters!([] EmbeddingOptions {
    padding_idx: Option<i64>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
});

impl Default for EmbeddingOptions {
    fn default() -> Self {
        EmbeddingOptions {
            padding_idx: None,
            max_norm: None,
            norm_type: 2.0,
            scale_grad_by_freq: false,
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Rows of `weight` by the numbers in this tensor. PyTorch's `embedding(input, weight, …)`.
    ///
    /// ```
    /// # use pullback::{EmbeddingOptions, Tensor};
    /// let table = Tensor::from_slice(&[0.0f32, 1.0, 10.0, 11.0], [2, 2])?;
    /// let ids = Tensor::from_slice(&[1i64, 0, 1], [3])?;
    /// let rows = ids.embedding(&table, EmbeddingOptions::default())?;
    /// assert_eq!(rows.to_vec::<f32>()?, [10.0, 11.0, 0.0, 1.0, 10.0, 11.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// PyTorch's sentences: a number out of range, numbers that are no int32 or int64, a table that is no matrix.
    #[track_caller]
    pub fn embedding(&self, weight: &Tensor, how: EmbeddingOptions) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(weight.ndim() == 2, Shape, "'weight' must be 2-D");
        let n = weight.shape()[0] as i64;
        let padding = match how.padding_idx {
            Some(p) if p >= n || p < -n => {
                bail!(Value, "Padding_idx must be within num_embeddings");
            }
            p => p.map(|p| (if p < 0 { p + n } else { p }) as usize),
        };
        if !matches!(self.dtype(), DType::I64 | DType::I32) {
            bail!(
                DType,
                "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding)",
                self.dtype().scalar_type_name()
            );
        }
        if let Some(most) = how.max_norm {
            rows(&self.array(), n as usize)?;
            shorten(self, weight, most, how.norm_type)?;
        }
        let op = Embedding {
            padding,
            by_frequency: how.scale_grad_by_freq,
        };
        apply_dyn(&op, &[weight, self], site)
    }
}

/// Scales the rows named down to length `most`, in place.
pub(super) fn shorten(ids: &Tensor, weight: &Tensor, most: f64, order: f64) -> Result<()> {
    if ids.array().is_meta() || weight.array().is_meta() {
        return Ok(());
    }
    let _quiet = no_grad();
    let mut seen = ids.array().numbers_f64()?;
    seen.sort_unstable_by(f64::total_cmp);
    seen.dedup();
    for i in seen {
        let row = weight.select(0, i as i64)?;
        let norm = row.vector_norm(order, &[], false, None)?.item_f64()?;
        if norm > most {
            row.mul_(Number::Float(most / (norm + 1e-7)))?;
        }
    }
    Ok(())
}
