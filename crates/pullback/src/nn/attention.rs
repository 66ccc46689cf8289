//! Attention with several heads.

use super::linear::Linear;
use super::macros::builder;
use super::repr::Repr;
use super::{init, is_training};
use crate::core::fail::{bail, ensure};
use crate::core::setters::setters;
use crate::{Attention, DType, PadMode, Result, Tensor, cat, module};

/// Queries, keys and values projected into heads, attended to, and projected back. PyTorch's `nn.MultiheadAttention`.
///
/// Inputs are (length, samples, width), with `batch_first` (samples, length, width), or (length, width).
///
/// ```
/// use pullback::nn::{Attend, MultiheadAttention};
/// use pullback::{DType, randn};
/// let attention = MultiheadAttention::builder(8, 2).batch_first(true).build()?;
/// let x = randn([3, 5, 8], DType::F32)?;
/// let (y, weights) = attention.forward(&x, &x, &x, Attend::default())?;
/// assert_eq!((&y.shape()[..], &weights.unwrap().shape()[..]), (&[3, 5, 8][..], &[3, 5, 5][..]));
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultiheadAttention {
    /// (3·width, width): the projections of queries, keys and values, where all have this width.
    pub in_proj_weight: Option<Tensor>,
    /// (width, width), where keys or values have another width.
    pub q_proj_weight: Option<Tensor>,
    /// (width, that of keys).
    pub k_proj_weight: Option<Tensor>,
    /// (width, that of values).
    pub v_proj_weight: Option<Tensor>,
    /// (3·width), if there is one.
    pub in_proj_bias: Option<Tensor>,
    /// (1, 1, width): a key more, if asked for.
    pub bias_k: Option<Tensor>,
    /// (1, 1, width): its value.
    pub bias_v: Option<Tensor>,
    /// The projection back.
    pub out_proj: Linear,
    embed_dim: usize,
    num_heads: usize,
    dropout: f64,
    add_zero_attn: bool,
    pub(super) batch_first: bool,
}

module!(MultiheadAttention {
    in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v, out_proj
} => |_| Repr::new("MultiheadAttention"));

builder! {
    /// How a [`MultiheadAttention`] is made.
    MultiheadAttentionBuilder for MultiheadAttention;
    (embed_dim: usize, num_heads: usize);
    {
        /// The probability that a weight is dropped.
        dropout: f64 = 0.0,
        /// Whether the projections have biases.
        bias: bool = true,
        /// Whether a key and a value that are trained are added to each sequence.
        add_bias_kv: bool = false,
        /// Whether a key and a value of zeros are added to each sequence.
        add_zero_attn: bool = false,
        /// Whether samples are the first dimension, and not the second.
        batch_first: bool = false,
        /// Of all weights; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// The width of keys, if another.
        kdim: Option<usize> = None,
        /// The width of values, if another.
        vdim: Option<usize> = None,
    }
}

impl MultiheadAttentionBuilder {
    /// Makes the layer.
    ///
    /// # Errors
    /// PyTorch's sentences for a width that is not so many heads.
    #[track_caller]
    pub fn build(self) -> Result<MultiheadAttention> {
        let (width, heads, dtype) = (self.embed_dim, self.num_heads, self.dtype);
        ensure!(
            width > 0 && heads > 0,
            Value,
            "embed_dim and num_heads must be greater than 0, got embed_dim={width} and num_heads={heads} instead"
        );
        ensure!(
            width.is_multiple_of(heads),
            Value,
            "embed_dim must be divisible by num_heads"
        );
        let Some(thrice) = width.checked_mul(3) else {
            bail!(Alloc, "embed_dim {width} is too large");
        };
        let (kdim, vdim) = (self.kdim.unwrap_or(width), self.vdim.unwrap_or(width));
        let same = kdim == width && vdim == width;
        // As PyTorch does: the projection back draws first.
        let out_proj = Linear::builder(width, width)
            .bias(self.bias)
            .dtype(dtype)
            .build()?;
        let made = MultiheadAttention {
            in_proj_weight: init::optional(same, &[thrice, width], dtype)?,
            q_proj_weight: init::optional(!same, &[width, width], dtype)?,
            k_proj_weight: init::optional(!same, &[width, kdim], dtype)?,
            v_proj_weight: init::optional(!same, &[width, vdim], dtype)?,
            in_proj_bias: init::optional(self.bias, &[thrice], dtype)?,
            bias_k: init::optional(self.add_bias_kv, &[1, 1, width], dtype)?,
            bias_v: init::optional(self.add_bias_kv, &[1, 1, width], dtype)?,
            out_proj,
            embed_dim: width,
            num_heads: heads,
            dropout: self.dropout,
            add_zero_attn: self.add_zero_attn,
            batch_first: self.batch_first,
        };
        let matrices = [
            &made.in_proj_weight,
            &made.q_proj_weight,
            &made.k_proj_weight,
            &made.v_proj_weight,
        ];
        for weight in matrices.into_iter().flatten() {
            init::xavier_uniform_(weight, 1.0)?;
        }
        if let (true, Some(bias)) = (self.bias, &made.out_proj.bias) {
            init::zeros_(bias)?;
        }
        for bias in [&made.bias_k, &made.bias_v].into_iter().flatten() {
            init::xavier_normal_(bias, 1.0)?;
        }
        Ok(made)
    }
}

/// Who attends to what, and what is given besides the result.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attend<'a> {
    /// (samples, keys) or (keys): truth values that hide keys, or numbers added to scores.
    pub key_padding_mask: Option<&'a Tensor>,
    /// (queries, keys) or (samples · heads, queries, keys): truth values that hide, or numbers added to scores.
    pub attn_mask: Option<&'a Tensor>,
    /// Whether the weights are given too.
    pub need_weights: bool,
    /// Whether they are the means over heads.
    pub average_attn_weights: bool,
    /// Whether the mask that is given hides what comes later, and nothing else.
    pub is_causal: bool,
}

setters!(['a] Attend<'a> {
    key_padding_mask: Option<&'a Tensor>,
    attn_mask: Option<&'a Tensor>,
    need_weights: bool,
    average_attn_weights: bool,
    is_causal: bool,
});

impl Default for Attend<'_> {
    fn default() -> Self {
        Attend {
            key_padding_mask: None,
            attn_mask: None,
            need_weights: true,
            average_attn_weights: true,
            is_causal: false,
        }
    }
}

/// A mask as numbers to add: truth values hide.
fn additive(mask: Option<&Tensor>, name: &str, dtype: DType) -> Result<Option<Tensor>> {
    let Some(mask) = mask else {
        return Ok(None);
    };
    if mask.dtype() == DType::Bool {
        return mask
            .zeros_like_in(dtype)?
            .masked_fill(mask, f64::NEG_INFINITY)
            .map(Some);
    }
    ensure!(
        mask.dtype().is_float(),
        Value,
        "only bool and floating types of {name} are supported"
    );
    Ok(Some(mask.clone()))
}

/// A mask for a key more, which nobody hides.
fn one_more(mask: Option<Tensor>) -> Result<Option<Tensor>> {
    mask.map(|m| m.pad(&[0, 1], PadMode::Constant, None))
        .transpose()
}

/// Queries, keys and values in heads, and what is added to their scores.
struct Heads {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Option<Tensor>,
    is_causal: bool,
    length: usize,
    samples: usize,
}

impl MultiheadAttention {
    /// The result, and the weights where they are asked for: (samples, queries, keys), or (samples, heads, queries, keys).
    ///
    /// # Errors
    /// PyTorch's sentences for inputs and masks that do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        how: Attend<'_>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let batched = self.checked(query, key, value, &how)?;
        let turned = self.batch_first && batched;
        let ready = |t: &Tensor| match (turned, batched) {
            (true, _) => t.transpose(1, 0),
            (_, false) => t.unsqueeze(1),
            _ => Ok(t.clone()),
        };
        let padding = match (how.key_padding_mask, batched) {
            (Some(mask), false) => Some(mask.unsqueeze(0)?),
            (mask, _) => mask.cloned(),
        };
        let how = Attend {
            key_padding_mask: padding.as_ref(),
            ..how
        };
        let heads = self.heads(&ready(query)?, &ready(key)?, &ready(value)?, &how)?;
        let (y, weights) = self.attended(&heads, &how)?;
        let y = self
            .out_proj_forward(&y)?
            .view([heads.length, heads.samples, self.embed_dim])?;
        let (y, weights) = match batched {
            true => (y, weights),
            false => (
                y.squeeze_dims(&[1])?,
                weights.map(|w| w.squeeze_dims(&[0])).transpose()?,
            ),
        };
        Ok((if turned { y.transpose(1, 0)? } else { y }, weights))
    }

    fn out_proj_forward(&self, x: &Tensor) -> Result<Tensor> {
        x.linear(&self.out_proj.weight, self.out_proj.bias.as_ref())
    }

    /// Whether there is a dimension of samples.
    fn checked(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        how: &Attend<'_>,
    ) -> Result<bool> {
        let n = query.ndim();
        ensure!(
            n == 2 || n == 3,
            Value,
            "query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor"
        );
        let kind = if n == 3 { "batched" } else { "unbatched" };
        ensure!(
            key.ndim() == n && value.ndim() == n,
            Value,
            "For {kind} ({n}-D) `query`, expected `key` and `value` to be {n}-D but found {}-D and {}-D tensors respectively",
            key.ndim(),
            value.ndim()
        );
        let width = query.shape()[n - 1];
        ensure!(
            width == self.embed_dim,
            Value,
            "was expecting embedding dimension of {}, but got {width}",
            self.embed_dim
        );
        ensure!(
            key.shape()[..n - 1] == value.shape()[..n - 1],
            Value,
            "key's sequence and batch dims {:?} do not match value's {:?}",
            &key.shape()[..n - 1],
            &value.shape()[..n - 1]
        );
        if let Some(mask) = how.key_padding_mask {
            ensure!(
                mask.ndim() == n - 1,
                Value,
                "expected `key_padding_mask` to be {}-D but found {}-D tensor instead",
                n - 1,
                mask.ndim()
            );
        }
        if let Some(mask) = how.attn_mask {
            ensure!(
                mask.ndim() == 2 || mask.ndim() == 3,
                Value,
                "expected `attn_mask` to be 2-D or 3-D but found {}-D tensor instead",
                mask.ndim()
            );
        }
        ensure!(
            !how.is_causal || how.attn_mask.is_some(),
            Argument,
            "Need attn_mask if specifying the is_causal hint."
        );
        Ok(n == 3)
    }

    /// Queries, keys and values of (length, samples, width), projected.
    fn projected(&self, all: [&Tensor; 3]) -> Result<Vec<Tensor>> {
        let biases = self
            .in_proj_bias
            .as_ref()
            .map(|b| b.chunk(3, 0))
            .transpose()?;
        let apart = [
            &self.q_proj_weight,
            &self.k_proj_weight,
            &self.v_proj_weight,
        ];
        let matrices: Vec<Tensor> = match &self.in_proj_weight {
            Some(all) => all.chunk(3, 0)?,
            None => apart.into_iter().flatten().cloned().collect(),
        };
        (all.iter().zip(&matrices).enumerate())
            .map(|(i, (t, w))| t.linear(w, biases.as_ref().map(|b| &b[i])))
            .collect()
    }

    fn heads(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        how: &Attend<'_>,
    ) -> Result<Heads> {
        let (length, samples) = (query.shape()[0], query.shape()[1]);
        let (count, head) = (samples * self.num_heads, self.embed_dim / self.num_heads);
        let dtype = query.dtype();
        // Who may not see what is said by `is_causal` alone where nothing else needs the mask.
        let hint = how.is_causal && how.key_padding_mask.is_none();
        let mut mask = match hint && !how.need_weights {
            true => None,
            false => additive(how.attn_mask, "attn_mask", dtype)?,
        };
        let mut padding = additive(how.key_padding_mask, "key_padding_mask", dtype)?;
        let mut all = self.projected([query, key, value])?;
        if let Some(own) = mask.take() {
            let want: &[usize] = match own.ndim() {
                2 => &[length, key.shape()[0]],
                _ => &[count, length, key.shape()[0]],
            };
            ensure!(
                own.shape()[..] == *want,
                Argument,
                "The shape of the {}D attn_mask is {}, but should be {}.",
                own.ndim(),
                own.shape(),
                super::repr::tuple(want)
            );
            mask = Some(if own.ndim() == 2 {
                own.unsqueeze(0)?
            } else {
                own
            });
        }
        if let (Some(k), Some(v)) = (&self.bias_k, &self.bias_v) {
            for (at, more) in [(1, k), (2, v)] {
                all[at] = cat(&[&all[at], &more.repeat([1, samples, 1])?], 0)?;
            }
            (mask, padding) = (one_more(mask)?, one_more(padding)?);
        }
        let split = |t: &Tensor| t.reshape([t.shape()[0], count, head])?.transpose(0, 1);
        let mut parts: Vec<Tensor> = all.iter().map(split).collect::<Result<_>>()?;
        if self.add_zero_attn {
            for part in &mut parts[1..] {
                *part = cat(&[part, &part.detach().narrow(1, 0, 1)?.zeros_like()?], 1)?;
            }
            (mask, padding) = (one_more(mask)?, one_more(padding)?);
        }
        let source = parts[1].shape()[1];
        if let Some(padding) = padding {
            ensure!(
                padding.shape()[..] == [samples, source],
                Value,
                "expecting key_padding_mask shape of {}, but got {}",
                super::repr::tuple(&[samples, source]),
                padding.shape()
            );
            let heads = self.num_heads as i64;
            let hidden = (padding
                .view([samples, 1, 1, source])?
                .expand([-1, heads, -1, -1])?)
            .reshape([count, 1, source])?;
            mask = Some(match mask {
                Some(mask) => mask.add(&hidden)?,
                None => hidden,
            });
        }
        let v = parts.pop();
        let k = parts.pop();
        let (Some(q), Some(k), Some(v)) = (parts.pop(), k, v) else {
            bail!(Value, "a projection is missing");
        };
        let is_causal = hint && !how.need_weights;
        Ok(Heads {
            q,
            k,
            v,
            mask,
            is_causal,
            length,
            samples,
        })
    }

    /// What the heads see, side by side: (length · samples, width).
    fn attended(&self, h: &Heads, how: &Attend<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let (heads, head) = (self.num_heads, self.embed_dim / self.num_heads);
        let rows = h.length * h.samples;
        let dropout = if is_training() { self.dropout } else { 0.0 };
        let source = h.k.shape()[1];
        if !how.need_weights {
            let mask = match &h.mask {
                None => None,
                Some(mask) if mask.shape()[0] == 1 => Some(mask.unsqueeze(0)?),
                Some(mask) => {
                    let queries = mask.shape()[1];
                    Some(mask.reshape([h.samples, heads, queries, source])?)
                }
            };
            let apart = |t: &Tensor| t.reshape([h.samples, heads, t.shape()[1], head]);
            let attention = Attention {
                attn_mask: mask.as_ref(),
                dropout_p: dropout,
                is_causal: h.is_causal,
                ..Attention::default()
            };
            let y = apart(&h.q)?.scaled_dot_product_attention(
                &apart(&h.k)?,
                &apart(&h.v)?,
                attention,
            )?;
            let y = y.permute(&[2, 0, 1, 3])?.reshape([rows, self.embed_dim])?;
            return Ok((y, None));
        }
        let q = h.q.mul((1.0 / head as f64).sqrt())?;
        let k = h.k.transpose(-2, -1)?;
        let scores = match &h.mask {
            Some(mask) => mask.baddbmm(&q, &k, 1.0, 1.0)?,
            None => q.bmm(&k)?,
        };
        let mut weights = scores.softmax(-1)?;
        if dropout > 0.0 {
            weights = weights.dropout(dropout, true)?;
        }
        let y = weights
            .bmm(&h.v)?
            .transpose(0, 1)?
            .reshape([rows, self.embed_dim])?;
        let weights = weights.view([h.samples, heads, h.length, source])?;
        let weights = match how.average_attn_weights {
            true => weights.mean_dims(&[1], false)?,
            false => weights,
        };
        Ok((y, Some(weights)))
    }
}
