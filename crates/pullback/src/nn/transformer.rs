//! Transformers: layers of encoders and decoders, and the whole.

use super::attention::{Attend, MultiheadAttention};
use super::dropout::Dropout;
use super::init;
use super::layer::Layer;
use super::linear::Linear;
use super::macros::builder;
use super::module::Module;
use super::norm::LayerNorm;
use super::repr::Repr;
use crate::core::fail::ensure;
use crate::core::setters::setters;
use crate::{Approximate, DType, Result, Tensor, module};

/// What stands between the two linear layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedForward {
    /// What is positive, else 0.
    #[default]
    Relu,
    /// `x` times the probability that a normal number is below it.
    Gelu,
}

/// Who does not see what: truth values hide, numbers are added to scores.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Masks<'a> {
    /// (queries, keys) or (samples · heads, queries, keys).
    pub mask: Option<&'a Tensor>,
    /// (samples, keys) or (keys).
    pub key_padding_mask: Option<&'a Tensor>,
    /// Whether the mask hides what comes later, and nothing else.
    pub is_causal: bool,
}

setters!(['a] Masks<'a> {
    mask: Option<&'a Tensor>,
    key_padding_mask: Option<&'a Tensor>,
    is_causal: bool,
});

impl<'a> Masks<'a> {
    fn attend(self) -> Attend<'a> {
        Attend {
            key_padding_mask: self.key_padding_mask,
            attn_mask: self.mask,
            is_causal: self.is_causal,
            need_weights: false,
            ..Attend::default()
        }
    }
}

/// The options of both kinds of layers.
macro_rules! layer_builder {
    ($(#[$meta:meta])* $builder:ident for $layer:ident) => {
        builder! {
            $(#[$meta])*
            $builder for $layer;
            (d_model: usize, nhead: usize);
            {
                /// The width between the two linear layers.
                dim_feedforward: usize = 2048,
                /// The probability of being dropped.
                dropout: f64 = 0.1,
                /// What stands between the two linear layers.
                activation: FeedForward = FeedForward::Relu,
                /// What is added to variances.
                layer_norm_eps: f64 = 1e-5,
                /// Whether samples are the first dimension, and not the second.
                batch_first: bool = false,
                /// Whether inputs of the parts are normalised, and not their results.
                norm_first: bool = false,
                /// Whether there are biases.
                bias: bool = true,
                /// Of all weights; float32 without it.
                dtype: DType = DType::F32,
            } into {}
        }

        impl $builder {
            fn attention(&self) -> Result<MultiheadAttention> {
                let made = MultiheadAttention::builder(self.d_model, self.nhead).dropout(self.dropout);
                made.bias(self.bias).batch_first(self.batch_first).dtype(self.dtype).build()
            }

            fn linear(&self, of: usize, out: usize) -> Result<Linear> {
                Linear::builder(of, out).bias(self.bias).dtype(self.dtype).build()
            }

            fn norm(&self) -> Result<LayerNorm> {
                let made = LayerNorm::builder(self.d_model).eps(self.layer_norm_eps);
                made.bias(self.bias).dtype(self.dtype).build()
            }
        }
    };
}

layer_builder! {
    /// How a [`TransformerEncoderLayer`] is made.
    TransformerEncoderLayerBuilder for TransformerEncoderLayer
}

layer_builder! {
    /// How a [`TransformerDecoderLayer`] is made.
    TransformerDecoderLayerBuilder for TransformerDecoderLayer
}

/// Attention of a sequence to itself and two linear layers, each added to its input and normalised. PyTorch's `nn.TransformerEncoderLayer`.
#[derive(Clone, Debug)]
pub struct TransformerEncoderLayer {
    /// Of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// To the width between.
    pub linear1: Linear,
    dropout: Dropout,
    /// And back.
    pub linear2: Linear,
    /// Of the attention.
    pub norm1: LayerNorm,
    /// Of the linear layers.
    pub norm2: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    norm_first: bool,
    activation: FeedForward,
}

module!(TransformerEncoderLayer {
    self_attn,
    linear1,
    dropout,
    linear2,
    norm1,
    norm2,
    dropout1,
    dropout2
});

/// The two linear layers.
fn fed(
    x: &Tensor,
    layers: [&Linear; 2],
    dropouts: [&Dropout; 2],
    how: FeedForward,
) -> Result<Tensor> {
    let between = layers[0].forward(x)?;
    let between = match how {
        FeedForward::Relu => between.relu()?,
        FeedForward::Gelu => between.gelu(Approximate::None)?,
    };
    dropouts[1].forward(&layers[1].forward(&dropouts[0].forward(&between)?)?)
}

impl TransformerEncoderLayerBuilder {
    /// Makes the layer.
    ///
    /// # Errors
    /// As [`MultiheadAttention`]; for what is no probability.
    #[track_caller]
    pub fn build(self) -> Result<TransformerEncoderLayer> {
        let dropout = Dropout::new(self.dropout)?;
        Ok(TransformerEncoderLayer {
            self_attn: self.attention()?,
            linear1: self.linear(self.d_model, self.dim_feedforward)?,
            dropout,
            linear2: self.linear(self.dim_feedforward, self.d_model)?,
            norm1: self.norm()?,
            norm2: self.norm()?,
            dropout1: dropout,
            dropout2: dropout,
            norm_first: self.norm_first,
            activation: self.activation,
        })
    }
}

impl TransformerEncoderLayer {
    /// The result for a sequence.
    ///
    /// # Errors
    /// As [`MultiheadAttention::forward`].
    #[track_caller]
    pub fn forward(&self, src: &Tensor, masks: Masks<'_>) -> Result<Tensor> {
        let attended = |x: &Tensor| {
            let (y, _) = self.self_attn.forward(x, x, x, masks.attend())?;
            self.dropout1.forward(&y)
        };
        let fed = |x: &Tensor| {
            let (layers, dropouts) = (
                [&self.linear1, &self.linear2],
                [&self.dropout, &self.dropout2],
            );
            fed(x, layers, dropouts, self.activation)
        };
        if self.norm_first {
            let x = src.add(&attended(&self.norm1.forward(src)?)?)?;
            return x.add(&fed(&self.norm2.forward(&x)?)?);
        }
        let x = self.norm1.forward(&src.add(&attended(src)?)?)?;
        self.norm2.forward(&x.add(&fed(&x)?)?)
    }
}

/// Layers of an encoder, one after the other. PyTorch's `nn.TransformerEncoder`.
#[derive(Clone, Debug)]
pub struct TransformerEncoder {
    /// The layers.
    pub layers: Vec<TransformerEncoderLayer>,
    /// Of the result.
    pub norm: Option<LayerNorm>,
}

module!(TransformerEncoder { layers, norm });

impl TransformerEncoder {
    /// So many copies of a layer, each with numbers of its own, which are the same at first.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub fn new(
        layer: &TransformerEncoderLayer,
        num_layers: usize,
        norm: Option<LayerNorm>,
    ) -> Result<TransformerEncoder> {
        let layers = (0..num_layers)
            .map(|_| layer.deep_copy())
            .collect::<Result<_>>()?;
        Ok(TransformerEncoder { layers, norm })
    }

    /// The result for a sequence.
    ///
    /// # Errors
    /// As [`MultiheadAttention::forward`].
    #[track_caller]
    pub fn forward(&self, src: &Tensor, masks: Masks<'_>) -> Result<Tensor> {
        let x = (self.layers.iter()).try_fold(src.clone(), |x, layer| layer.forward(&x, masks))?;
        self.norm.forward(&x)
    }
}

/// Attention of a sequence to itself and to another one, and two linear layers, each added to its input and normalised. PyTorch's `nn.TransformerDecoderLayer`.
#[derive(Clone, Debug)]
pub struct TransformerDecoderLayer {
    /// Of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// To the other one.
    pub multihead_attn: MultiheadAttention,
    /// To the width between.
    pub linear1: Linear,
    dropout: Dropout,
    /// And back.
    pub linear2: Linear,
    /// Of the first attention.
    pub norm1: LayerNorm,
    /// Of the second attention.
    pub norm2: LayerNorm,
    /// Of the linear layers.
    pub norm3: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    dropout3: Dropout,
    norm_first: bool,
    activation: FeedForward,
}

module!(TransformerDecoderLayer {
    self_attn,
    multihead_attn,
    linear1,
    dropout,
    linear2,
    norm1,
    norm2,
    norm3,
    dropout1,
    dropout2,
    dropout3
});

impl TransformerDecoderLayerBuilder {
    /// Makes the layer.
    ///
    /// # Errors
    /// As [`MultiheadAttention`]; for what is no probability.
    #[track_caller]
    pub fn build(self) -> Result<TransformerDecoderLayer> {
        let dropout = Dropout::new(self.dropout)?;
        Ok(TransformerDecoderLayer {
            self_attn: self.attention()?,
            multihead_attn: self.attention()?,
            linear1: self.linear(self.d_model, self.dim_feedforward)?,
            dropout,
            linear2: self.linear(self.dim_feedforward, self.d_model)?,
            norm1: self.norm()?,
            norm2: self.norm()?,
            norm3: self.norm()?,
            dropout1: dropout,
            dropout2: dropout,
            dropout3: dropout,
            norm_first: self.norm_first,
            activation: self.activation,
        })
    }
}

impl TransformerDecoderLayer {
    /// The result for a sequence and the other one, `memory`, with who does not see what of each.
    ///
    /// # Errors
    /// As [`MultiheadAttention::forward`].
    #[track_caller]
    pub fn forward(
        &self,
        tgt: &Tensor,
        memory: &Tensor,
        own: Masks<'_>,
        other: Masks<'_>,
    ) -> Result<Tensor> {
        let first = |x: &Tensor| {
            let (y, _) = self.self_attn.forward(x, x, x, own.attend())?;
            self.dropout1.forward(&y)
        };
        let second = |x: &Tensor| {
            let (y, _) = self
                .multihead_attn
                .forward(x, memory, memory, other.attend())?;
            self.dropout2.forward(&y)
        };
        let fed = |x: &Tensor| {
            let (layers, dropouts) = (
                [&self.linear1, &self.linear2],
                [&self.dropout, &self.dropout3],
            );
            fed(x, layers, dropouts, self.activation)
        };
        if self.norm_first {
            let x = tgt.add(&first(&self.norm1.forward(tgt)?)?)?;
            let x = x.add(&second(&self.norm2.forward(&x)?)?)?;
            return x.add(&fed(&self.norm3.forward(&x)?)?);
        }
        let x = self.norm1.forward(&tgt.add(&first(tgt)?)?)?;
        let x = self.norm2.forward(&x.add(&second(&x)?)?)?;
        self.norm3.forward(&x.add(&fed(&x)?)?)
    }
}

/// Layers of a decoder, one after the other. PyTorch's `nn.TransformerDecoder`.
#[derive(Clone, Debug)]
pub struct TransformerDecoder {
    /// The layers.
    pub layers: Vec<TransformerDecoderLayer>,
    /// Of the result.
    pub norm: Option<LayerNorm>,
}

module!(TransformerDecoder { layers, norm });

impl TransformerDecoder {
    /// So many copies of a layer, each with numbers of its own, which are the same at first.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub fn new(
        layer: &TransformerDecoderLayer,
        num_layers: usize,
        norm: Option<LayerNorm>,
    ) -> Result<TransformerDecoder> {
        let layers = (0..num_layers)
            .map(|_| layer.deep_copy())
            .collect::<Result<_>>()?;
        Ok(TransformerDecoder { layers, norm })
    }

    /// The result for a sequence and the encoder's, `memory`.
    ///
    /// # Errors
    /// As [`MultiheadAttention::forward`].
    #[track_caller]
    pub fn forward(
        &self,
        tgt: &Tensor,
        memory: &Tensor,
        own: Masks<'_>,
        other: Masks<'_>,
    ) -> Result<Tensor> {
        let step =
            |x: Tensor, layer: &TransformerDecoderLayer| layer.forward(&x, memory, own, other);
        self.norm
            .forward(&self.layers.iter().try_fold(tgt.clone(), step)?)
    }
}

/// An encoder and a decoder. PyTorch's `nn.Transformer`.
///
/// ```
/// use pullback::nn::{Transformer, TransformerMasks};
/// use pullback::{DType, randn};
/// let model = Transformer::builder(8, 2).num_encoder_layers(1).num_decoder_layers(1).dim_feedforward(16).batch_first(true).build()?;
/// let (src, tgt) = (randn([3, 5, 8], DType::F32)?, randn([3, 4, 8], DType::F32)?);
/// assert_eq!(model.forward(&src, &tgt, TransformerMasks::default())?.shape()[..], [3, 4, 8]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transformer {
    /// Of the source.
    pub encoder: TransformerEncoder,
    /// Of the target.
    pub decoder: TransformerDecoder,
    d_model: usize,
    batch_first: bool,
}

module!(Transformer { encoder, decoder } => |_| Repr::new("Transformer"));

builder! {
    /// How a [`Transformer`] is made.
    TransformerBuilder for Transformer;
    (d_model: usize, nhead: usize);
    {
        /// Layers of the encoder.
        num_encoder_layers: usize = 6,
        /// Layers of the decoder.
        num_decoder_layers: usize = 6,
        /// The width between the two linear layers.
        dim_feedforward: usize = 2048,
        /// The probability of being dropped.
        dropout: f64 = 0.1,
        /// What stands between the two linear layers.
        activation: FeedForward = FeedForward::Relu,
        /// What is added to variances.
        layer_norm_eps: f64 = 1e-5,
        /// Whether samples are the first dimension, and not the second.
        batch_first: bool = false,
        /// Whether inputs of the parts are normalised, and not their results.
        norm_first: bool = false,
        /// Whether there are biases.
        bias: bool = true,
        /// Of all weights; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

/// PyTorch's size: width 512, 8 heads, 6 layers each.
impl TransformerBuilder {
    /// Makes encoder and decoder.
    ///
    /// # Errors
    /// As [`MultiheadAttention`]; for what is no probability.
    #[track_caller]
    pub fn build(self) -> Result<Transformer> {
        macro_rules! layer {
            ($layer:ident) => {
                $layer::builder(self.d_model, self.nhead)
                    .dim_feedforward(self.dim_feedforward)
                    .dropout(self.dropout)
                    .activation(self.activation)
                    .layer_norm_eps(self.layer_norm_eps)
                    .batch_first(self.batch_first)
                    .norm_first(self.norm_first)
                    .bias(self.bias)
                    .dtype(self.dtype)
                    .build()?
            };
        }
        let norm = || {
            let made = LayerNorm::builder(self.d_model).eps(self.layer_norm_eps);
            made.bias(self.bias).dtype(self.dtype).build()
        };
        let layer = layer!(TransformerEncoderLayer);
        let encoder = TransformerEncoder::new(&layer, self.num_encoder_layers, Some(norm()?))?;
        let layer = layer!(TransformerDecoderLayer);
        let decoder = TransformerDecoder::new(&layer, self.num_decoder_layers, Some(norm()?))?;
        let made = Transformer {
            encoder,
            decoder,
            d_model: self.d_model,
            batch_first: self.batch_first,
        };
        for p in made.parameters() {
            if p.ndim() > 1 {
                init::xavier_uniform_(&p, 1.0)?;
            }
        }
        Ok(made)
    }
}

/// Who does not see what in a [`Transformer`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TransformerMasks<'a> {
    /// Of the source by itself.
    pub src: Masks<'a>,
    /// Of the target by itself.
    pub tgt: Masks<'a>,
    /// Of the encoder's result by the target.
    pub memory: Masks<'a>,
}

setters!(['a] TransformerMasks<'a> {
    src: Masks<'a>,
    tgt: Masks<'a>,
    memory: Masks<'a>,
});

impl Transformer {
    /// The decoder's result for a source and a target.
    ///
    /// # Errors
    /// PyTorch's sentences for other numbers of samples and other widths.
    #[track_caller]
    pub fn forward(
        &self,
        src: &Tensor,
        tgt: &Tensor,
        masks: TransformerMasks<'_>,
    ) -> Result<Tensor> {
        let place = if self.batch_first { 0 } else { 1 };
        if src.ndim() == 3 && tgt.ndim() == 3 {
            ensure!(
                src.shape()[place] == tgt.shape()[place],
                Argument,
                "the batch number of src and tgt must be equal"
            );
        }
        let width = |t: &Tensor| t.shape().last().copied();
        ensure!(
            width(src) == Some(self.d_model) && width(tgt) == Some(self.d_model),
            Argument,
            "the feature number of src and tgt must be equal to d_model"
        );
        let memory = self.encoder.forward(src, masks.src)?;
        self.decoder.forward(tgt, &memory, masks.tgt, masks.memory)
    }

    /// Zeros where a place may be seen, -inf where it comes later: (size, size).
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub fn generate_square_subsequent_mask(size: usize, dtype: DType) -> Result<Tensor> {
        Tensor::full([size, size], f64::NEG_INFINITY, dtype)?.triu(1)
    }
}
