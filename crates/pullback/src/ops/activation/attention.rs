//! Scaled dot-product attention: products, a mask, a softmax, a product.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::fail::bail;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::activation::blocks::BlockAttention;
use crate::ops::activation::softmax::pull_softmax;
use crate::ops::common::constant::times;
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::{Array, DType, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Softmax along the last dimension in which row i sees columns up to i only; the others are 0.
#[derive(Clone, Debug)]
pub struct CausalSoftmax;
define! { CausalSoftmax: General "causal_softmax", "torch.nn.functional.scaled_dot_product_attention";
    summary: "Softmax of rows that see no column beyond their own number: the weights of causal attention.";
    formula: "yᵢⱼ = e^{xᵢⱼ} / Σ_{k ≤ i} e^{xᵢₖ} where j ≤ i, else 0";
    derivative: "y·(g - Σ g·y)";
    proof: { samples: || {
        let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5, 0.75, -2.5, 1.25];
        let of = |s: &[usize]| Sample::new(CausalSoftmax, &[(s, &x[..s.iter().product()])]);
        vec![of(&[3, 3]), of(&[2, 3]), of(&[4, 2]), of(&[2, 2, 2]), of(&[0, 3])]
    } }
}

impl Op for CausalSoftmax {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (n, shape) = (x[0].rank(), x[0].shape());
        let (height, width) = (shape[n - 2].max(1), shape[n - 1]);
        dispatch!(float x[0].dtype(), T => kernels::lines(x[0], [], width, #[inline(always)] |k, run: &mut [T], []| {
            let (seen, rest) = run.split_at_mut((k % height + 1).min(width));
            crate::ops::activation::softmax::softmax_run(seen);
            rest.fill(T::default());
        }), else Err(crate::ops::math::arith::needs_float(x[0])))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for CausalSoftmax {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let y = cx.output()?;
        pull_softmax(&y, g, y.ndim() - 1, !cx.unobserved())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let y = cx.output()?;
        crate::core::op::sum_terms(t, |_, t| pull_softmax(&y, t, y.ndim() - 1, true))
    }
}

/// How [`Tensor::scaled_dot_product_attention`] attends; the default is PyTorch's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Attention<'a> {
    /// Truth values (who may see whom) or numbers that are added to the scores.
    pub attn_mask: Option<&'a Tensor>,
    /// The probability that a weight is dropped.
    pub dropout_p: f64,
    /// Whether query i sees keys up to i only.
    pub is_causal: bool,
    /// The factor of the scores; without one 1/√(size of the last dimension).
    pub scale: Option<f64>,
    /// Whether a key and a value serve several neighbouring heads.
    pub enable_gqa: bool,
}

setters!(['a] Attention<'a> {
    attn_mask: Option<&'a Tensor>,
    dropout_p: f64,
    is_causal: bool,
    scale: Option<f64>,
    enable_gqa: bool,
});

#[pullback_macros::called]
impl Tensor {
    /// `softmax(scale·self·keyᵀ + mask)·value`: this tensor holds queries. A query that sees no key gets 0.
    ///
    /// # Errors
    /// PyTorch's sentences: shapes and dtypes that do not go together, a mask besides `is_causal`.
    #[track_caller]
    pub fn scaled_dot_product_attention(
        &self,
        key: &Tensor,
        value: &Tensor,
        how: Attention<'_>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let all = [self, key, value];
        if all.iter().any(|t| t.dtype() != self.dtype()) {
            let [q, k, v] = all.map(|t| t.dtype().cpp_name());
            bail!(
                DType,
                "Expected query, key, and value to have the same dtype, but got query.dtype: {q} key.dtype: {k} and value.dtype: {v} instead."
            );
        }
        if all.iter().any(|t| t.ndim() < 2) {
            let [q, k, v] = all.map(Tensor::ndim);
            bail!(
                Shape,
                "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {q} key.dim: {k} and value.dim: {v} instead."
            );
        }
        if let Some(mask) = how.attn_mask {
            if mask.dtype() != DType::Bool && mask.dtype() != self.dtype() {
                bail!(
                    DType,
                    "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.",
                    mask.dtype().cpp_name(),
                    self.dtype().cpp_name()
                );
            }
            if how.is_causal {
                bail!(
                    Argument,
                    "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
                );
            }
        }
        if is_half(self) {
            let mask = wide_if(how.attn_mask)?;
            let attn_mask = mask.as_ref();
            return wide(self)?
                .scaled_dot_product_attention(
                    &wide(key)?,
                    &wide(value)?,
                    Attention { attn_mask, ..how },
                )?
                .to(self.dtype());
        }
        let (key, value) = if how.enable_gqa && self.ndim() > 2 {
            let heads = self.size(-3)?;
            let each =
                |t: &Tensor| t.repeat_interleave((heads / t.size(-3)?.max(1)) as i64, Some(-3));
            (each(key)?, each(value)?)
        } else {
            (key.clone(), value.clone())
        };
        let width = self.size(-1)?;
        let scale = how.scale.unwrap_or(1.0 / (width as f64).sqrt());
        if how.attn_mask.is_none() && how.dropout_p == 0.0 {
            let (queries, keys) = (self.size(-2)?, key.size(-2)?);
            if queries.saturating_mul(keys) >= LONG && width > 0 {
                return self.by_blocks(&key, &value, scale, how.is_causal, site);
            }
        }
        let scores = times(self, scale)?.matmul(&key.transpose(-2, -1)?)?;
        let mut weights = match how.attn_mask {
            None if how.is_causal => apply_dyn(&CausalSoftmax, &[&scores], site)?,
            None => scores.softmax(-1)?,
            Some(mask) => masked_softmax(&scores, mask)?,
        };
        if how.dropout_p > 0.0 {
            weights = weights.dropout(how.dropout_p, true)?;
        }
        weights.matmul(&value)
    }
}

/// From this many weights of a sample on they are not all kept: those of 1024 queries and keys.
const LONG: usize = 1 << 20;

/// How many weights are made at a time then: a megabyte of single precision.
const AT_A_TIME: usize = 1 << 18;

impl Tensor {
    /// Attention of long sequences, whose weights are made for some queries at a time.
    fn by_blocks(
        &self,
        key: &Tensor,
        value: &Tensor,
        scale: f64,
        causal: bool,
        site: crate::core::Site,
    ) -> Result<Tensor> {
        let lead = |t: &Tensor| -> Result<Tensor> { t.select(-1, 0)?.select(-1, 0) };
        let empty = value.size(-1)? == 0;
        if empty {
            let scores = times(self, scale)?.matmul(&key.transpose(-2, -1)?)?;
            return scores.matmul(value);
        }
        let batch = crate::broadcast_tensors(&[&lead(self)?, &lead(key)?, &lead(value)?])?[0]
            .shape()
            .clone();
        let flat = |t: &Tensor| {
            let own = [t.size(-2)?, t.size(-1)?];
            let mut shape = batch.to_vec();
            shape.extend(own);
            let n = batch.iter().product::<usize>();
            t.expand(shape)?.reshape([n, own[0], own[1]])
        };
        let rows = (AT_A_TIME / key.size(-2)?.max(1)).max(16);
        let op = BlockAttention {
            scale,
            causal,
            rows,
        };
        let out = apply_dyn(&op, &[&flat(self)?, &flat(key)?, &flat(value)?], site)?;
        let mut shape = batch.to_vec();
        shape.extend([self.size(-2)?, value.size(-1)?]);
        out.reshape(shape)
    }
}

/// Softmax along the last dimension under a mask; rows that see nothing are 0, and so are their gradients.
#[track_caller]
fn masked_softmax(scores: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let scores = match mask.dtype() {
        DType::Bool => scores.where_(mask, f64::NEG_INFINITY)?,
        _ => scores.add(mask)?,
    };
    let blind = scores.amax(&[-1], true)?.detach().eq(f64::NEG_INFINITY)?;
    let zero = Tensor::zeros([], scores.dtype())?;
    let weights = zero.where_(&blind, &scores)?.softmax(-1)?;
    zero.where_(&blind, &weights)
}
