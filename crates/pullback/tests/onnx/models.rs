//! Whole models, with batches that vary and in every floating dtype.

use crate::held;
use pullback::io::onnx::Options;
use pullback::nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, ConvTranspose2d, Embedding, Flatten, GELU,
    GRU, GroupNorm, LSTM, Layer, LayerNorm, Linear, MaxPool2d, Module, ReLU, Sequential, Tanh,
};
use pullback::{Approximate, Attention, DType, Result, Tensor, module, random, sequential};
use std::collections::HashSet;

fn forward(m: &impl Layer, x: &[Tensor]) -> Result<Vec<Tensor>> {
    Ok(vec![m.forward(&x[0])?])
}

fn batch() -> Options {
    Options::default().batch(true)
}

#[test]
fn perceptrons() -> Result<()> {
    random::manual_seed(1);
    let model = sequential![
        Linear::new(4, 8)?,
        ReLU,
        Linear::new(8, 8)?,
        Tanh,
        Linear::new(8, 2)?
    ];
    let x = Tensor::randn([2, 4], DType::F32)?;
    let file = held("mlp_batch", &model, &[&x], batch(), forward)?;
    let kinds: Vec<&str> = file.nodes.iter().map(|n| n.kind.as_str()).collect();
    assert_eq!(kinds, ["Gemm", "Relu", "Gemm", "Tanh", "Gemm"]);
    assert_eq!(file.nodes[0].inputs, ["x0", "0.weight", "0.bias"]);
    assert_eq!(file.inputs[0].sizes, ["batch", "4"]);
    assert_eq!(file.outputs[0].sizes, ["batch", "2"]);
    let file = held("mlp", &model, &[&x], Options::default(), forward)?;
    assert_eq!(file.inputs[0].sizes, ["2", "4"]);
    for (name, dtype) in [("mlp_double", DType::F64), ("mlp_half", DType::F16)] {
        let model = model.to(dtype)?;
        held(name, &model, &[&x.to(dtype)?], batch(), forward)?;
    }
    Ok(())
}

fn images() -> Result<Sequential> {
    Ok(sequential![
        Conv2d::builder(3, 8, 3).padding(1).build()?,
        BatchNorm2d::new(8)?,
        ReLU,
        MaxPool2d::new(2)?,
        Conv2d::builder(8, 8, 3)
            .stride(2)
            .padding(1)
            .groups(2)
            .build()?,
        GroupNorm::new(2, 8)?,
        GELU::default(),
        AvgPool2d::new(2)?,
        ConvTranspose2d::builder(8, 4, 3)
            .stride(2)
            .output_padding(1)
            .build()?,
        AdaptiveAvgPool2d::new(1),
        Flatten::default(),
        Linear::new(4, 3)?
    ])
}

#[test]
fn convolutional_nets() -> Result<()> {
    random::manual_seed(2);
    let model = images()?;
    let x = Tensor::randn([2, 3, 16, 16], DType::F32)?;
    let file = held("cnn_batch", &model, &[&x], batch(), forward)?;
    let kinds: HashSet<&str> = file.nodes.iter().map(|n| n.kind.as_str()).collect();
    for kind in ["Conv", "ConvTranspose", "MaxPool", "AveragePool"] {
        assert!(kinds.contains(kind), "no {kind}");
    }
    let twice = kinds.contains("GatherElements");
    assert!(!twice, "the largest elements are read twice");
    held(
        "cnn_double",
        &model.to(DType::F64)?,
        &[&x.to(DType::F64)?],
        batch(),
        forward,
    )?;
    Ok(())
}

#[test]
fn recurrent_nets() -> Result<()> {
    random::manual_seed(3);
    let x = Tensor::randn([2, 5, 3], DType::F32)?;
    let lstm = LSTM::builder(3, 4)
        .batch_first(true)
        .bidirectional(true)
        .num_layers(2)
        .build()?;
    let file = held("lstm_batch", &lstm, &[&x], batch(), |m, x| {
        let (y, (h, c)) = m.forward(&x[0], None)?;
        Ok(vec![y, h, c])
    })?;
    let many = file.nodes.iter().filter(|n| n.kind == "LSTM").count();
    assert_eq!(many, 4, "two layers, two directions");
    assert!(
        file.constants
            .iter()
            .any(|(name, _)| name == "weight_ih_l1_reverse")
    );
    let gru = GRU::builder(3, 4).build()?;
    let how = batch().dims(vec![Some(1)]);
    held("gru_batch", &gru, &[&x], how, |m, x| {
        let (y, h) = m.forward(&x[0], None)?;
        Ok(vec![y, h])
    })?;
    Ok(())
}

/// A block as that of GPT, with its table.
struct Gpt {
    tokens: Embedding,
    places: Embedding,
    first: LayerNorm,
    attend: Linear,
    project: Linear,
    second: LayerNorm,
    up: Linear,
    down: Linear,
    head: Linear,
}
module!(Gpt {
    tokens,
    places,
    first,
    attend,
    project,
    second,
    up,
    down,
    head
});

impl Gpt {
    fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, length) = (ids.shape()[0], ids.shape()[1]);
        let places = Tensor::arange(length)?;
        let x = self
            .tokens
            .forward(ids)?
            .add(&self.places.forward(&places)?)?;
        let parts = self.attend.forward(&self.first.forward(&x)?)?;
        let heads = |at: usize| {
            parts
                .narrow(-1, 16 * at, 16)?
                .reshape([batch, length, 2, 8])?
                .transpose(1, 2)
        };
        let how = Attention::default().is_causal(true);
        let y = heads(0)?.scaled_dot_product_attention(&heads(1)?, &heads(2)?, how)?;
        let y = y.transpose(1, 2)?.reshape([batch, length, 16])?;
        let x = x.add(&self.project.forward(&y)?)?;
        let y = (self.up.forward(&self.second.forward(&x)?)?).gelu(Approximate::Tanh)?;
        self.head.forward(&x.add(&self.down.forward(&y)?)?)
    }
}

#[test]
fn transformers() -> Result<()> {
    random::manual_seed(4);
    let model = Gpt {
        tokens: Embedding::new(11, 16)?,
        places: Embedding::new(6, 16)?,
        first: LayerNorm::new(16)?,
        attend: Linear::new(16, 48)?,
        project: Linear::new(16, 16)?,
        second: LayerNorm::new(16)?,
        up: Linear::new(16, 32)?,
        down: Linear::new(32, 16)?,
        head: Linear::new(16, 11)?,
    };
    let ids = Tensor::randint(0..11, [2, 6], DType::I64)?;
    let file = held("gpt_batch", &model, &[&ids], batch(), |m, x| {
        Ok(vec![m.forward(&x[0])?])
    })?;
    assert_eq!(file.outputs[0].sizes, ["batch", "6", "11"]);
    Ok(())
}
