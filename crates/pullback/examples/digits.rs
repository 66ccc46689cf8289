//! Handwritten digits told apart by a convolutional network: images from IDX files, a validation part, a schedule of rates, the best state kept.

use pullback::data::{DataLoader, TensorDataset, load_idx};
use pullback::nn::{self, Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, Module, ReLU};
use pullback::optim::AdamW;
use pullback::optim::lr_scheduler::{Law, OneCycleLR, Scheduler};
use pullback::{DType::F32, DType::I64, Result, Tensor, no_grad, random, sequential};

const TRAIN: usize = 1500;

fn main() -> Result<()> {
    run(8).map(|accuracy| println!("right on the test part: {:.1} %", 100.0 * accuracy))
}

/// The 1797 images of 8 × 8 pixels, between 0 and 1, and their digits.
fn images() -> Result<(Tensor, Tensor)> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let x = load_idx(format!("{data}/digits-images.idx"))?.to(F32)? / 16.0;
    Ok((
        x.unsqueeze(1)?,
        load_idx(format!("{data}/digits-labels.idx"))?.to(I64)?,
    ))
}

fn accuracy(net: &nn::Sequential, x: &Tensor, y: &Tensor) -> Result<f64> {
    let (_eval, _no_grad) = (nn::eval(), no_grad());
    let right = net.forward(x)?.argmax(1, false)?.eq(y)?;
    right.to(F32)?.mean()?.item()
}

/// Trains for so many epochs, and gives the part of the test images that are told right.
pub(crate) fn run(epochs: usize) -> Result<f64> {
    random::manual_seed(0);
    let (x, y) = images()?;
    let (x_test, y_test) = (x.narrow(0, TRAIN, 297)?, y.narrow(0, TRAIN, 297)?);
    let (x, y) = (x.narrow(0, 0, TRAIN)?, y.narrow(0, 0, TRAIN)?);
    let net = sequential![
        Conv2d::builder(1, 16, 3).padding(1).build()?,
        ReLU,
        Conv2d::builder(16, 32, 3).padding(1).build()?,
        ReLU,
        MaxPool2d::new(2)?,
        Flatten::default(),
        Dropout::new(0.25)?,
        Linear::new(32 * 4 * 4, 10)?,
    ];
    println!("{}", net.summary(&x.narrow(0, 0, 64)?)?);
    let loader = DataLoader::builder(TensorDataset::new([&x, &y])?)
        .batch_size(64)
        .shuffle(true)
        .build()?;
    let mut optim = AdamW::new(net.named_parameters(), 3e-3)?;
    let mut schedule = OneCycleLR::new(6e-3, (epochs * loader.len()) as i64).over(&mut optim)?;
    for epoch in 1..=epochs {
        let mut last = 0.0;
        for batch in loader.iter()? {
            let [x, y] = batch?;
            net.zero_grad();
            let loss = net.forward(&x)?.cross_entropy(&y, Default::default())?;
            loss.backward()?;
            optim.step()?;
            schedule.step(&mut optim)?;
            last = loss.item()?;
        }
        println!(
            "epoch {epoch}: loss {last:.3}, right {:.3}",
            accuracy(&net, &x_test, &y_test)?
        );
    }
    accuracy(&net, &x_test, &y_test)
}
