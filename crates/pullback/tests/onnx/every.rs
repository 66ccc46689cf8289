//! Every layer of `pullback::nn`, as `tests/layers` makes it, on the inputs that it has there: in a file, or refused by name.

use crate::{held, more, ordered, spatial};
use pullback::io::onnx::Options;
use pullback::nn::utils::{SpectralNorm, WeightNorm};
use pullback::nn::*;
use pullback::{Approximate, DType, Result, Tensor, random, sequential};
use serde_json::Value;
use std::sync::Mutex;

/// Layers that have no counterpart, with a part of the error.
const WITHOUT: &[(&str, &str)] = &[
    ("LSTM_proj", "projected states have no counterpart"),
    ("RNN_packed", "sequences of several lengths"),
    ("GRU_packed", "sequences of several lengths"),
    ("LSTM_packed", "sequences of several lengths"),
    // Its bags begin where numbers of the input say, and these must begin with 0.
    (
        "EmbeddingBag_sum",
        "not with other numbers in the same places",
    ),
    ("MultiLabelMarginLoss", "cumprod has no counterpart"),
    ("CTCLoss", "ctc_loss has no counterpart"),
    (
        "FractionalMaxPool2d",
        "fractional_max_pool2d has no counterpart",
    ),
    (
        "FractionalMaxPool2d_ratio",
        "fractional_max_pool2d has no counterpart",
    ),
    (
        "FractionalMaxPool3d",
        "fractional_max_pool2d has no counterpart",
    ),
    ("AdaptiveLogSoftmax", "nonzero has no counterpart"),
    ("AdaptiveLogSoftmax_one", "nonzero has no counterpart"),
];

/// Layers whose way of being called makes float64 numbers.
const DOUBLE: &[&str] = &["Transformer"];

/// All that fail are named, and not the first one alone.
static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn cases() -> &'static Value {
    static ALL: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("../golden/nn.json")).expect("JSON")
    });
    &ALL
}

/// An input of a case; floats in single precision, or in double.
fn input(v: &Value, float: DType) -> Tensor {
    let shape: Vec<usize> = serde_json::from_value(v["shape"].clone()).expect("a shape");
    let of = |x: &Value| match x {
        Value::Bool(b) => f64::from(u8::from(*b)),
        // What is not finite is a text.
        Value::String(s) => s.parse().expect("a number"),
        x => x.as_f64().expect("a number"),
    };
    let values: Vec<f64> = v["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(of)
        .collect();
    let dtype = match v["dtype"].as_str().expect("a dtype") {
        "int64" => DType::I64,
        "bool" => DType::Bool,
        _ => float,
    };
    Tensor::from_slice(&values, shape)
        .and_then(|t| t.to(dtype))
        .expect("a tensor")
}

/// A layer of one input.
pub(crate) fn plain<L: Layer + Clone>(name: &str, make: impl FnOnce() -> Result<L>) {
    with(name, make, |m, x| Ok(vec![m.forward(&x[0])?]));
}

/// A module that is called in a way of its own.
pub(crate) fn with<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) {
    if let Err(e) = tried(name, make, forward) {
        FAILED.lock().unwrap().push(format!("{name}: {e}"));
    }
}

fn tried<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<(), String> {
    let float = match DOUBLE.contains(&name) {
        true => DType::F64,
        false => DType::F32,
    };
    random::manual_seed(7);
    let said = |e: pullback::Error| e.to_string();
    let layer = make().and_then(|m| m.to(float)).map_err(said)?;
    let inputs: Vec<Tensor> = (cases()[name]["inputs"]
        .as_array()
        .ok_or("no inputs")?
        .iter())
    .map(|v| input(v, float))
    .collect();
    let x: Vec<&Tensor> = inputs.iter().collect();
    let expected = WITHOUT.iter().find(|(layer, _)| *layer == name);
    match (
        held(name, &layer, &x, Options::default(), &forward),
        expected,
    ) {
        (Ok(_), None) => {}
        (Ok(_), Some(_)) => return Err("it has a counterpart".to_string()),
        (Err(e), Some((_, part))) if e.to_string().contains(part) => {}
        (Err(e), _) => return Err(e.to_string()),
    }
    // With a batch that varies: a file that is right for every size, or an error.
    let batch = Options::default().batch(true);
    match held(&format!("{name}_batch"), &layer, &x, batch, &forward) {
        Err(e) if e.to_string().contains(" is made twice") => Err(e.to_string()),
        _ => Ok(()),
    }
}

#[test]
fn every_layer_is_written_or_refused_by_name() {
    linear();
    activations();
    spatial::convolutions();
    spatial::pools();
    spatial::shapes();
    spatial::norms();
    tables();
    ordered::recurrent();
    ordered::packed();
    ordered::attention();
    ordered::transformers();
    ordered::sequences();
    more::sizes_of_images();
    more::put_back();
    more::many_classes();
    more::distances();
    more::orthogonal();
    assert_eq!(FAILED.lock().unwrap().join("\n\n"), "");
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
    plain("weight_norm", || {
        WeightNorm::new(&Linear::new(3, 2)?, "weight", Some(0))
    });
    plain("spectral_norm", || {
        SpectralNorm::new(&Linear::new(3, 2)?, "weight", 1, 0, 1e-12)
    });
}

fn activations() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || Ok($name::default()));)* };
    }
    each! { ReLU ReLU6 SELU Sigmoid Tanh SiLU Mish Hardsigmoid Hardswish LogSigmoid Softsign Tanhshrink }
    each! { LeakyReLU ELU CELU Hardtanh Softplus Hardshrink Softshrink GELU RReLU Softmax2d GLU }
    each! { Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout }
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

fn tables() {
    plain("Embedding", || Embedding::new(5, 3));
    plain("Embedding_padding", || {
        Embedding::builder(5, 3).padding_idx(-2).build()
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
