//! What reads sequences: recurrent layers, packed sequences, attention, transformers, bags.

use crate::with;
use pullback::nn::*;
use pullback::{BagMode, DType, Result, Tensor};

/// A result and one state, a result and two.
fn one((y, h): (Tensor, Tensor)) -> Vec<Tensor> {
    vec![y, h]
}

fn two((y, (h, c)): (Tensor, (Tensor, Tensor))) -> Vec<Tensor> {
    vec![y, h, c]
}

pub(crate) fn recurrent() {
    macro_rules! each {
        ($($name:ident $all:literal $cell:ident $flat:ident $single:expr;)*) => {$(
            with(stringify!($name), || $name::new(3, 4), |m, x| Ok($flat(m.forward(&x[0], None)?)));
            with($all, || {
                $name::builder(3, 4).num_layers(2).bidirectional(true).batch_first(true).bias(false).build()
            }, |m, x| Ok($flat(m.forward(&x[0], None)?)));
            with(stringify!($cell), || $cell::new(3, 4), |m, x| Ok($single(m.forward(&x[0], None)?)));
        )*};
    }
    each! {
        RNN "RNN_all" RNNCell one |h| vec![h];
        GRU "GRU_all" GRUCell one |h| vec![h];
        LSTM "LSTM_all" LSTMCell two |(h, c)| vec![h, c];
    }
    with(
        "RNN_relu",
        || RNN::builder(3, 4).relu(true).build(),
        |m, x| Ok(one(m.forward(&x[0], Some(&x[1]))?)),
    );
    with(
        "LSTM_proj",
        || LSTM::builder(3, 4).proj_size(2).num_layers(2).build(),
        |m, x| Ok(two(m.forward(&x[0], Some((&x[1], &x[2])))?)),
    );
    with(
        "LSTM_dropout",
        || LSTM::builder(3, 4).num_layers(2).dropout(0.5).build(),
        |m, x| Ok(two(m.forward(&x[0], None)?)),
    );
    with(
        "RNNCell_relu",
        || RNNCell::builder(3, 4).bias(false).relu(true).build(),
        |m, x| Ok(vec![m.forward(&x[0], Some(&x[1]))?]),
    );
    with(
        "LSTMCell_state",
        || LSTMCell::new(3, 4),
        |m, x| {
            let (h, c) = m.forward(&x[0], Some((&x[1], &x[2])))?;
            Ok(vec![h, c])
        },
    );
}

pub(crate) fn packed() {
    let packed = |x: &Tensor| pack_padded_sequence(x, &[3, 5, 2], false, false);
    let padded = |y: &PackedSequence| -> Result<Tensor> {
        let (y, lengths) = pad_packed_sequence(y, false, 0.0, None)?;
        assert_eq!(lengths, [3, 5, 2]);
        Ok(y)
    };
    with(
        "RNN_packed",
        || RNN::builder(3, 4).bidirectional(true).build(),
        |m, x| {
            let (y, h) = m.forward_packed(&packed(&x[0])?, None)?;
            Ok(vec![padded(&y)?, h])
        },
    );
    with(
        "GRU_packed",
        || GRU::builder(3, 4).bidirectional(true).build(),
        |m, x| {
            let (y, h) = m.forward_packed(&packed(&x[0])?, None)?;
            Ok(vec![padded(&y)?, h])
        },
    );
    with(
        "LSTM_packed",
        || LSTM::builder(3, 4).bidirectional(true).build(),
        |m, x| {
            let (y, (h, c)) = m.forward_packed(&packed(&x[0])?, None)?;
            Ok(vec![padded(&y)?, h, c])
        },
    );
}

/// The result, and the weights where there are any.
fn seen((y, weights): (Tensor, Option<Tensor>)) -> Vec<Tensor> {
    [Some(y), weights].into_iter().flatten().collect()
}

pub(crate) fn attention() {
    let plainly = Attend::default();
    with(
        "MHA",
        || MultiheadAttention::new(6, 2),
        |m, x| Ok(seen(m.forward(&x[0], &x[1], &x[2], plainly)?)),
    );
    with(
        "MHA_heads",
        || {
            MultiheadAttention::builder(6, 2)
                .bias(false)
                .batch_first(true)
                .build()
        },
        |m, x| {
            let how = plainly.average_attn_weights(false);
            Ok(seen(m.forward(&x[0], &x[0], &x[0], how)?))
        },
    );
    with(
        "MHA_widths",
        || {
            let made = MultiheadAttention::builder(6, 3).kdim(4).vdim(5);
            made.add_bias_kv(true).add_zero_attn(true).build()
        },
        |m, x| {
            let how = plainly.key_padding_mask(Some(&x[3]));
            Ok(seen(m.forward(&x[0], &x[1], &x[2], how)?))
        },
    );
    with(
        "MHA_masks",
        || MultiheadAttention::new(6, 2),
        |m, x| {
            let how = plainly
                .attn_mask(Some(&x[1]))
                .key_padding_mask(Some(&x[2]))
                .need_weights(false);
            Ok(seen(m.forward(&x[0], &x[0], &x[0], how)?))
        },
    );
    with(
        "MHA_causal",
        || MultiheadAttention::new(6, 2),
        |m, x| {
            let mask = x[1].detach();
            let how = plainly
                .attn_mask(Some(&mask))
                .is_causal(true)
                .need_weights(false);
            Ok(seen(m.forward(&x[0], &x[0], &x[0], how)?))
        },
    );
    with(
        "MHA_alone",
        || MultiheadAttention::new(6, 2),
        |m, x| Ok(seen(m.forward(&x[0], &x[0], &x[0], plainly)?)),
    );
}

pub(crate) fn transformers() {
    let nothing = Masks::default();
    let encoder = || {
        TransformerEncoderLayer::builder(4, 2)
            .dim_feedforward(5)
            .dropout(0.0)
    };
    let decoder = || {
        TransformerDecoderLayer::builder(4, 2)
            .dim_feedforward(5)
            .dropout(0.0)
    };
    with(
        "EncoderLayer",
        || encoder().build(),
        |m, x| Ok(vec![m.forward(&x[0], nothing)?]),
    );
    with(
        "EncoderLayer_first",
        || {
            let made = encoder().norm_first(true).activation(FeedForward::Gelu);
            made.batch_first(true).bias(false).build()
        },
        |m, x| Ok(vec![m.forward(&x[0], nothing)?]),
    );
    with(
        "Encoder",
        || TransformerEncoder::new(&encoder().build()?, 2, Some(LayerNorm::new(4)?)),
        |m, x| {
            let hidden = [false, false, true, true, false, false, false, true];
            let hidden = Tensor::from_slice(&hidden, [2, 4])?;
            let mask = x[1].detach();
            let masks = Masks::default()
                .mask(Some(&mask))
                .key_padding_mask(Some(&hidden))
                .is_causal(true);
            Ok(vec![m.forward(&x[0], masks)?])
        },
    );
    with(
        "DecoderLayer",
        || decoder().build(),
        |m, x| Ok(vec![m.forward(&x[0], &x[1], nothing, nothing)?]),
    );
    with(
        "DecoderLayer_first",
        || decoder().norm_first(true).build(),
        |m, x| Ok(vec![m.forward(&x[0], &x[1], nothing, nothing)?]),
    );
    with(
        "Decoder",
        || TransformerDecoder::new(&decoder().build()?, 2, None),
        |m, x| Ok(vec![m.forward(&x[0], &x[1], nothing, nothing)?]),
    );
    with(
        "Transformer",
        || {
            let made = Transformer::builder(4, 2)
                .num_encoder_layers(1)
                .num_decoder_layers(2);
            made.dim_feedforward(5).dropout(0.0).build()
        },
        |m, x| {
            let mask = Transformer::generate_square_subsequent_mask(3, DType::F64)?;
            let tgt = nothing.mask(Some(&mask));
            Ok(vec![m.forward(
                &x[0],
                &x[1],
                TransformerMasks::default().tgt(tgt),
            )?])
        },
    );
}

pub(crate) fn sequences() {
    with(
        "EmbeddingBag",
        || EmbeddingBag::new(5, 3),
        |m, x| Ok(vec![m.forward(&x[0], None, None)?]),
    );
    with(
        "EmbeddingBag_sum",
        || {
            EmbeddingBag::builder(5, 3)
                .mode(BagMode::Sum)
                .padding_idx(-1)
                .max_norm(1.0)
                .build()
        },
        |m, x| Ok(vec![m.forward(&x[0], Some(&x[1]), Some(&x[2]))?]),
    );
    with(
        "EmbeddingBag_max",
        || EmbeddingBag::builder(5, 3).mode(BagMode::Max).build(),
        |m, x| Ok(vec![m.forward(&x[0], None, None)?]),
    );
    with(
        "MultiLabelMarginLoss",
        || Ok(MultiLabelMarginLoss::new()),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    with(
        "CTCLoss",
        || Ok(CTCLoss::new()),
        |m, x| {
            Ok(vec![m.forward(
                &x[0].log_softmax(-1)?,
                &x[1],
                &[6, 5],
                &[3, 2],
            )?])
        },
    );
}
