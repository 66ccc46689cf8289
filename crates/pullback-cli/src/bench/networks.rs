//! Workloads of layers: fully connected, convolutions, attention, a recurrent network; an optimiser's step. Written with `nn` and `optim`, as users write them; `bench/torch_cpu.py` has the same in
//! PyTorch.

use super::workloads::Step;
use pullback::nn::{
    Conv2d, Flatten, LSTM, Layer, Linear, MaxPool2d, Module, NamedTensors, ReLU, Sequential,
};
use pullback::optim::{Adam, SGD};
use pullback::{
    Attention, CrossEntropy,
    DType::{F32, I64},
    Tensor, randint, randn, random, sequential,
};

/// A model learns random labels of random samples by cross-entropy and SGD with rate 0.01: zero_grad, forward, backward, step.
fn training(model: Sequential, samples: &[usize], classes: usize) -> anyhow::Result<Step> {
    let mut optim = SGD::new(model.named_parameters(), 0.01)?;
    let x = randn(samples, F32)?;
    let y = randint(0, classes as i64, [samples[0]], I64)?;
    Ok(Box::new(move || {
        model.zero_grad();
        let loss = model
            .forward(&x)?
            .cross_entropy(&y, CrossEntropy::default())?;
        loss.backward()?;
        optim.step()?;
        Ok(())
    }))
}

/// Linear layers with ReLU between, trained.
pub(super) fn mlp(sizes: &[usize], batch: usize) -> anyhow::Result<Step> {
    random::manual_seed(0);
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    let mut model = Sequential::new().then(Linear::new(first, sizes[1])?);
    for pair in sizes[1..].windows(2) {
        model = model.then(ReLU).then(Linear::new(pair[0], pair[1])?);
    }
    training(model, &[batch, first], last)
}

/// A convolutional network, trained on a batch of 64 images of 28 x 28.
pub(super) fn lenet64() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let model = sequential![
        Conv2d::builder(1, 16, 5).padding(2).build()?,
        ReLU,
        MaxPool2d::new(2)?,
        Conv2d::new(16, 32, 5)?,
        ReLU,
        MaxPool2d::new(2)?,
        Flatten::default(),
        Linear::new(32 * 25, 120)?,
        ReLU,
        Linear::new(120, 10)?
    ];
    training(model, &[64, 1, 28, 28], 10)
}

/// The sum of a convolution's results: 32 samples, 64 channels of 56 x 56, 64 filters of 3 x 3; backward to filters, biases and input.
pub(super) fn conv2d_3x3() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let layer = Conv2d::builder(64, 64, 3).padding(1).build()?;
    let x = randn([32, 64, 56, 56], F32)?.requires_grad_(true)?;
    Ok(Box::new(move || {
        layer.zero_grad();
        x.zero_grad();
        layer.forward(&x)?.sum()?.backward()?;
        Ok(())
    }))
}

/// The sum of what 8 heads of width 64 see in 4 samples of 512 tokens; backward to queries, keys and values.
pub(super) fn attention_512() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let part = || randn([4, 8, 512, 64], F32)?.requires_grad_(true);
    let (q, k, v) = (part()?, part()?, part()?);
    Ok(Box::new(move || {
        [&q, &k, &v].into_iter().for_each(Tensor::zero_grad);
        let y = q.scaled_dot_product_attention(&k, &v, Attention::default())?;
        y.sum()?.backward()?;
        Ok(())
    }))
}

/// The sum of an LSTM's results, 128 features to 128, over 128 steps of 32 samples; backward to its weights.
pub(super) fn lstm_128() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let layer = LSTM::new(128, 128)?;
    let x: Tensor = randn([128, 32, 128], F32)?;
    Ok(Box::new(move || {
        layer.zero_grad();
        layer.forward(&x, None)?.0.sum()?.backward()?;
        Ok(())
    }))
}

/// Adam's step, rate 1e-3, of 10 matrices of a million numbers whose gradients are there.
pub(super) fn adam_10m() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let mut params = NamedTensors::new();
    for k in 0..10 {
        let param = randn([1000, 1000], F32)?.requires_grad_(true)?;
        param.set_grad(Some(randn([1000, 1000], F32)?))?;
        params.insert(k.to_string(), param);
    }
    let mut optim = Adam::new(params, 1e-3)?;
    Ok(Box::new(move || Ok(optim.step()?)))
}

/// 10 million numbers written over others.
pub(super) fn copy_10m() -> anyhow::Result<Step> {
    random::manual_seed(0);
    let (from, to) = (randn([10_000_000], F32)?, randn([10_000_000], F32)?);
    Ok(Box::new(move || {
        to.copy_(&from)?;
        Ok(())
    }))
}
