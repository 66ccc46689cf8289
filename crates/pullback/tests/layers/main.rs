//! Every layer of `pullback::nn` against PyTorch's: text, names, first values, results, gradients, running statistics.
//!
//! All in one test, which no other of this process draws beside.

mod golden;
mod more;

use golden::{count, hold};
use more::{distances, many_classes, orthogonal, put_back, sizes_of_images};
use pullback::nn::utils::{SpectralNorm, WeightNorm};
use pullback::nn::*;
use pullback::{
    Approximate, BagMode, DType, PadMode, Reduction, Result, Tensor, random, sequential,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);
/// All that fail are named, and not the first one alone.
static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A layer of one input.
pub(crate) fn plain<L: Layer + Clone>(name: &str, make: impl FnOnce() -> Result<L>) {
    with(name, make, |m, x| Ok(vec![m.forward(&x[0])?]));
}

/// A module that is called in a way of its own.
pub(crate) fn with<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl FnOnce(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) {
    HELD.fetch_add(1, Ordering::Relaxed);
    let held = catch_unwind(AssertUnwindSafe(|| hold(name, make, forward)));
    if held.is_err() {
        FAILED.lock().unwrap().push(name.to_string());
    }
}

/// And every case of the file is one of them.
#[test]
fn every_case_is_held() {
    linear();
    activations();
    dropouts();
    convolutions();
    pools();
    shapes();
    norms();
    tables();
    recurrent();
    packed();
    attention();
    transformers();
    losses();
    weights_of_other_numbers();
    sequences();
    sizes_of_images();
    put_back();
    many_classes();
    distances();
    orthogonal();
    first_values();
    assert_eq!(*FAILED.lock().unwrap(), [""; 0]);
    assert_eq!(HELD.load(Ordering::Relaxed), count());
}

fn linear() {
    plain("linear", || Linear::new(3, 2));
    plain("linear_no_bias", || {
        Linear::builder(3, 2).bias(false).build()
    });
    with(
        "bilinear",
        || Bilinear::new(2, 3, 4),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    plain("identity", || Ok(Identity));
    plain("sequential", || {
        Ok(sequential![
            Linear::new(2, 3)?,
            ReLU,
            sequential![Linear::new(3, 3)?, Tanh],
            Linear::new(3, 1)?
        ])
    });
}

fn activations() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || Ok($name::default()));)* };
    }
    each! { ReLU ReLU6 SELU Sigmoid Tanh SiLU Mish Hardsigmoid Hardswish LogSigmoid Softsign Tanhshrink }
    each! { LeakyReLU ELU CELU Hardtanh Softplus Hardshrink Softshrink GELU RReLU Softmax2d GLU }
    plain("LeakyReLU_02", || Ok(LeakyReLU::new(0.2)));
    plain("Hardtanh_2", || Ok(Hardtanh::new(-2.0, 0.5)));
    plain("GELU_tanh", || Ok(GELU::new(Approximate::Tanh)));
    plain("Threshold", || Ok(Threshold::new(0.1, 20.0)));
    plain("Softmax", || Ok(Softmax::new(1)));
    plain("Softmin", || Ok(Softmin::new(0)));
    plain("LogSoftmax", || Ok(LogSoftmax::new(-1)));
    plain("PReLU", PReLU::new);
    plain("PReLU_3", || {
        PReLU::builder().num_parameters(3).init(0.5).build()
    });
}

fn dropouts() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || Ok($name::default()));)* };
    }
    each! { Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout }
}

fn convolutions() {
    plain("Conv1d", || Conv1d::new(2, 3, 2));
    plain("Conv2d", || {
        let conv = Conv2d::builder(2, 4, [3, 2]).stride(2).padding(1);
        conv.dilation([1, 2]).groups(2).bias(false).build()
    });
    plain("Conv3d", || Conv3d::new(1, 2, 2));
    plain("Conv2d_same", || {
        Conv2d::builder(1, 2, [2, 3])
            .padding(Padding::Same)
            .dilation(2)
            .build()
    });
    plain("Conv2d_valid", || {
        Conv2d::builder(1, 2, 2).padding(Padding::Valid).build()
    });
    plain("Conv2d_reflect", || {
        Conv2d::builder(1, 2, 3)
            .padding([1, 2])
            .padding_mode(PadMode::Reflect)
            .build()
    });
    plain("Conv1d_circular_same", || {
        Conv1d::builder(1, 2, 4)
            .padding(Padding::Same)
            .padding_mode(PadMode::Circular)
            .build()
    });
    plain("Conv2d_replicate", || {
        Conv2d::builder(1, 1, 2)
            .padding(1)
            .padding_mode(PadMode::Replicate)
            .build()
    });
    plain("ConvTranspose1d", || {
        ConvTranspose1d::builder(2, 3, 2).stride(2).build()
    });
    plain("ConvTranspose2d", || {
        let conv = ConvTranspose2d::builder(2, 4, 3).stride(2).padding(1);
        conv.output_padding(1)
            .groups(2)
            .dilation(2)
            .bias(false)
            .build()
    });
    plain("ConvTranspose3d", || ConvTranspose3d::new(1, 2, 2));
    with(
        "ConvTranspose2d_sized",
        || ConvTranspose2d::builder(1, 1, 3).stride(2).build(),
        |m, x| Ok(vec![m.forward_sized(&x[0], [8, 7])?]),
    );
}

fn pools() {
    plain("MaxPool1d", || MaxPool1d::new(2));
    plain("MaxPool2d", || {
        MaxPool2d::builder([3, 2])
            .stride(Each::from(2))
            .padding(1)
            .ceil_mode(true)
            .build()
    });
    with(
        "MaxPool2d_indices",
        || MaxPool2d::builder(2).dilation(2).build(),
        |m, x| {
            let (y, at) = m.forward_with_indices(&x[0])?;
            Ok(vec![y, at])
        },
    );
    plain("MaxPool3d", || MaxPool3d::new(2));
    plain("AvgPool1d", || AvgPool1d::new(2));
    plain("AvgPool2d", || {
        AvgPool2d::builder([3, 2])
            .stride(Each::from(2))
            .padding(1)
            .count_include_pad(false)
            .build()
    });
    plain("AvgPool2d_divisor", || {
        AvgPool2d::builder(2)
            .divisor_override(3)
            .ceil_mode(true)
            .build()
    });
    plain("AvgPool3d", || AvgPool3d::new(2));
    plain("AdaptiveAvgPool1d", || Ok(AdaptiveAvgPool1d::new(3)));
    plain("AdaptiveAvgPool2d", || {
        Ok(AdaptiveAvgPool2d::new([Some(3), None]))
    });
    plain("AdaptiveAvgPool3d", || {
        Ok(AdaptiveAvgPool3d::new([1, 2, 2]))
    });
    plain("AdaptiveMaxPool1d", || Ok(AdaptiveMaxPool1d::new(3)));
    plain("AdaptiveMaxPool2d", || Ok(AdaptiveMaxPool2d::new(2)));
    plain("AdaptiveMaxPool3d", || Ok(AdaptiveMaxPool3d::new(2)));
    plain("LPPool1d", || LPPool1d::new(2.0, 3));
    plain("LPPool2d", || {
        LPPool2d::builder(3.0, [2, 3]).stride(Each::from(1)).build()
    });
    plain("LPPool3d", || LPPool3d::new(2.0, 2));
}

fn shapes() {
    macro_rules! pads {
        ($($name:ident)*) => { $(plain(stringify!($name), || $name::new(1));)* };
    }
    pads! { ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d }
    pads! { ReplicationPad1d ReplicationPad2d ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d }
    plain("ConstantPad1d", || ConstantPad1d::new([1, 2], 2.5));
    plain("ConstantPad2d", || ConstantPad2d::new([1, 2, 3, 4], 2.5));
    plain("ConstantPad3d", || {
        ConstantPad3d::new([1, 2, 3, 4, 5, 6], 2.5)
    });
    plain("Flatten", || Ok(Flatten::default()));
    plain("Flatten_0", || Ok(Flatten::new(0, 1)));
    plain("Unflatten", || Ok(Unflatten::new(1, [2, -1])));
}

fn norms() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || $name::new(3));)* };
    }
    each! { BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d }
    plain("BatchNorm1d_eval", || {
        BatchNorm1d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    plain("BatchNorm2d_eval", || {
        BatchNorm2d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    plain("BatchNorm3d_eval", || {
        BatchNorm3d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    with(
        "BatchNorm1d_length",
        || BatchNorm1d::builder(3).momentum(None).build(),
        |m, x| Ok(vec![m.forward(&x[0])?, m.forward(&x[0].add(1.0)?)?]),
    );
    plain("BatchNorm2d_plain", || {
        BatchNorm2d::builder(3)
            .affine(false)
            .track_running_stats(false)
            .build()
    });
    plain("BatchNorm2d_no_bias", || {
        BatchNorm2d::builder(3).bias(false).build()
    });
    for name in ["InstanceNorm2d_tracked", "InstanceNorm2d_eval"] {
        plain(name, || {
            InstanceNorm2d::builder(3)
                .affine(true)
                .track_running_stats(true)
                .build()
        });
    }
    plain("InstanceNorm1d_alone", || InstanceNorm1d::new(3));
    plain("LayerNorm", || LayerNorm::new(4));
    plain("LayerNorm_2", || {
        LayerNorm::builder([2, 3]).eps(1e-3).bias(false).build()
    });
    plain("LayerNorm_plain", || {
        LayerNorm::builder(4).elementwise_affine(false).build()
    });
    plain("RMSNorm", || RMSNorm::new(4));
    plain("RMSNorm_eps", || {
        RMSNorm::builder([2, 3])
            .eps(1e-3)
            .elementwise_affine(false)
            .build()
    });
    plain("GroupNorm", || GroupNorm::new(2, 4));
    plain("LocalResponseNorm", || {
        LocalResponseNorm::builder(2).alpha(0.1).build()
    });
}

fn tables() {
    plain("Embedding", || Embedding::new(5, 3));
    plain("Embedding_padding", || {
        Embedding::builder(5, 3)
            .padding_idx(-2)
            .scale_grad_by_freq(true)
            .build()
    });
    plain("Embedding_norm", || {
        Embedding::builder(5, 3)
            .max_norm(1.0)
            .norm_type(1.0)
            .build()
    });
    plain("PixelShuffle", || Ok(PixelShuffle::new(2)));
    plain("PixelUnshuffle", || Ok(PixelUnshuffle::new(2)));
    plain("ChannelShuffle", || Ok(ChannelShuffle::new(2)));
    with(
        "CosineSimilarity",
        || Ok(CosineSimilarity::default()),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    with(
        "PairwiseDistance",
        || Ok(PairwiseDistance::default()),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
}

/// A result and one state, a result and two.
fn one((y, h): (Tensor, Tensor)) -> Vec<Tensor> {
    vec![y, h]
}
fn two((y, (h, c)): (Tensor, (Tensor, Tensor))) -> Vec<Tensor> {
    vec![y, h, c]
}

fn recurrent() {
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

fn packed() {
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

fn attention() {
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

fn transformers() {
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

fn losses() {
    macro_rules! each {
        ($($case:literal $make:expr, [$($x:expr),*];)*) => {$(
            with($case, || Ok($make), |m, x| {
                let given: Vec<Tensor> = [$($x),*].iter().map(|f: &fn(&[Tensor]) -> Tensor| f(x)).collect();
                Ok(vec![called(m, &given)?])
            });
        )*};
    }
    /// A loss of two or three tensors.
    trait Called: Module {
        fn called(&self, x: &[Tensor]) -> Result<Tensor>;
    }
    fn called<L: Called>(loss: &L, x: &[Tensor]) -> Result<Tensor> {
        loss.called(x)
    }
    macro_rules! of_two {
        ($($name:ident)*) => { $(impl Called for $name {
            fn called(&self, x: &[Tensor]) -> Result<Tensor> { self.forward(&x[0], &x[1]) }
        })* };
    }
    macro_rules! of_three {
        ($($name:ident)*) => { $(impl Called for $name {
            fn called(&self, x: &[Tensor]) -> Result<Tensor> { self.forward(&x[0], &x[1], &x[2]) }
        })* };
    }
    of_two! { L1Loss MSELoss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss PoissonNLLLoss KLDivLoss BCELoss BCEWithLogitsLoss }
    of_two! { HingeEmbeddingLoss SoftMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss }
    of_three! { GaussianNLLLoss CosineEmbeddingLoss MarginRankingLoss TripletMarginLoss }
    const A: fn(&[Tensor]) -> Tensor = |x| x[0].clone();
    const B: fn(&[Tensor]) -> Tensor = |x| x[1].clone();
    const C: fn(&[Tensor]) -> Tensor = |x| x[2].clone();
    const LABELS: fn(&[Tensor]) -> Tensor = |x| x[1].detach();
    const LABELS_3: fn(&[Tensor]) -> Tensor = |x| x[2].detach();
    let vector = |v: &[f32]| Tensor::from_slice(v, [v.len()]);
    each! {
        "L1Loss" L1Loss::new(), [A, B];
        "MSELoss" MSELoss::new(), [A, B];
        "SmoothL1Loss" SmoothL1Loss::new(), [A, B];
        "HuberLoss" HuberLoss::new(), [A, B];
        "SmoothL1Loss_beta" SmoothL1Loss::new().beta(0.3).reduction(Reduction::Sum), [A, B];
        "HuberLoss_delta" HuberLoss::new().delta(0.3).reduction(Reduction::None), [A, B];
        "CrossEntropyLoss" CrossEntropyLoss::new().weight(vector(&[1.0, 2.0, 0.5])?).label_smoothing(0.1).ignore_index(1), [A, B];
        "NLLLoss" NLLLoss::new(), [A, B];
        "PoissonNLLLoss" PoissonNLLLoss::new().full(true), [A, |x| x[1].detach().mul(5.0).unwrap()];
        "GaussianNLLLoss" GaussianNLLLoss::new(), [A, B, C];
        "KLDivLoss" KLDivLoss::new().reduction(Reduction::BatchMean), [A, B];
        "BCELoss" BCELoss::new(), [A, B];
        "BCEWithLogitsLoss" BCEWithLogitsLoss::new().pos_weight(vector(&[1.0, 2.0, 0.5, 1.0])?), [A, B];
        "HingeEmbeddingLoss" HingeEmbeddingLoss::new(), [A, LABELS];
        "SoftMarginLoss" SoftMarginLoss::new(), [A, LABELS];
        "MultiLabelSoftMarginLoss" MultiLabelSoftMarginLoss::new(), [A, LABELS];
        "CosineEmbeddingLoss" CosineEmbeddingLoss::new(), [A, B, LABELS_3];
        "MarginRankingLoss" MarginRankingLoss::new().margin(0.1), [A, B, LABELS_3];
        "MultiMarginLoss" MultiMarginLoss::new(), [A, B];
        "TripletMarginLoss" TripletMarginLoss::new().swap(true), [A, B, C];
    }
}

fn weights_of_other_numbers() {
    plain("weight_norm", || {
        WeightNorm::new(&Linear::new(3, 2)?, "weight", Some(0))
    });
    plain("weight_norm_all", || {
        WeightNorm::new(&Conv1d::new(2, 3, 2)?, "weight", None)
    });
    plain("spectral_norm", || {
        SpectralNorm::new(&Linear::new(3, 2)?, "weight", 1, 0, 1e-12)
    });
    plain("spectral_norm_transposed", || {
        SpectralNorm::new(&ConvTranspose1d::new(2, 3, 2)?, "weight", 1, 1, 1e-12)
    });
}

/// `nn.init`, from seed 3.
fn first_values() {
    let drawn = |shape: &[usize], f: &dyn Fn(&Tensor) -> Result<()>| {
        random::manual_seed(3);
        let t = Tensor::zeros(shape, DType::F32).unwrap();
        f(&t).unwrap();
        t.to_vec::<f32>().unwrap()
    };
    let normal = [
        0.803_276_06,
        0.174_833_39,
        0.088_978_1,
        -0.613_718_03,
        0.046_182_45,
        -1.368_259_2,
    ];
    assert_eq!(
        drawn(&[3, 2], &|t| init::trunc_normal_(t, 0.0, 1.0, -2.0, 2.0)),
        normal
    );
    let kaiming = |t: &Tensor| {
        init::kaiming_normal_(t, 0.0, init::FanMode::FanIn, init::Nonlinearity::LeakyRelu)
    };
    assert_eq!(drawn(&[3, 2], &kaiming), normal);
    assert_eq!(
        drawn(&[3, 2], &|t| init::xavier_uniform_(t, 1.0)),
        [
            -1.0861043,
            -0.8641543,
            -0.46919563,
            -1.0363901,
            -0.06218982,
            -0.96373695
        ]
    );
    assert_eq!(
        drawn(&[3, 2], &|t| init::xavier_normal_(t, 1.0)),
        [
            0.5080364,
            0.11057435,
            0.05627469,
            -0.38814935,
            0.029208347,
            -0.86536306
        ]
    );
    let orthogonal = drawn(&[3, 2], &|t| init::orthogonal_(t, 1.0));
    let want = [
        0.9923022,
        0.097435415,
        0.10991634,
        -0.4086091,
        0.057050057,
        -0.9074937,
    ];
    assert!(
        orthogonal
            .iter()
            .zip(want)
            .all(|(a, b): (&f32, f32)| (a - b).abs() < 2e-6),
        "{orthogonal:?}"
    );
    assert_eq!(
        drawn(&[4, 3], &|t| init::sparse_(t, 0.5, 0.01)),
        [
            0.0,
            0.0,
            0.0,
            -0.006_137_18,
            0.000_461_824_53,
            -0.013_682_592,
            0.003_374_951,
            0.0,
            0.0,
            0.0,
            0.005_220_499_4,
            0.012_379_167
        ]
    );
    assert_eq!(drawn(&[3, 2], &init::eye_), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let ones: Vec<usize> = (drawn(&[4, 2, 3], &|t| init::dirac_(t, 2))
        .iter()
        .enumerate())
    .filter_map(|(i, &x)| (x == 1.0).then_some(i))
    .collect();
    assert_eq!(ones, [1, 10, 13, 22]);
    random::manual_seed(3);
    let layer = Linear::builder(2, 2).dtype(DType::F64).build().unwrap();
    let want = [
        -0.6588705083095063,
        -0.301594863679339,
        0.3859600156437821,
        -0.459722603951305,
    ];
    assert_eq!(layer.weight.to_vec::<f64>().unwrap(), want);
    random::manual_seed(3);
    let t = Tensor::zeros([3, 2], DType::F64).unwrap();
    init::kaiming_uniform_(&t, 0.0, init::FanMode::FanOut, init::Nonlinearity::Relu).unwrap();
    assert_eq!(
        t.to_vec::<f64>().unwrap()[..2],
        [-1.3177410166190129, -0.6031897273586783]
    );
}

fn sequences() {
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
