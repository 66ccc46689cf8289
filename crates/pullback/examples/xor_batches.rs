//! The sign of a product, learnt by a small network: points drawn by NumPy's generator, mini-batches in a drawn order, a module, an optimiser.

use pullback::data::{DataLoader, TensorDataset};
use pullback::nn::{Layer, Linear, Module};
use pullback::optim::Adam;
use pullback::{DType::F32, Reduction, Result, Tensor, module, no_grad, random};

#[derive(Clone)]
struct Net {
    hidden: Linear,
    out: Linear,
}
module!(Net { hidden, out });

impl Net {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.hidden.forward(x)?.relu()?;
        self.out.forward(&h)?.squeeze_dims(&[-1])
    }
}

fn main() -> Result<()> {
    run().map(|accuracy| println!("right: {:.1} %", 100.0 * accuracy))
}

/// Trains, and gives the part of the points that are told right.
pub(crate) fn run() -> Result<f64> {
    random::manual_seed(0);
    let drawn = random::numpy::default_rng(42).uniform(-1.0, 1.0, 1000)?;
    let x = Tensor::from_slice(&drawn, [500, 2])?.to(F32)?;
    let y = x.select(1, 0)?.mul(&x.select(1, 1)?)?.lt(0.0)?.to(F32)?;

    let net = Net {
        hidden: Linear::new(2, 16)?,
        out: Linear::new(16, 1)?,
    };
    println!("{net}");
    let loader = DataLoader::builder(TensorDataset::new([&x, &y])?)
        .batch_size(32)
        .shuffle(true)
        .build()?;
    let mut adam = Adam::new(net.named_parameters(), 0.05)?;
    for epoch in 1..=40 {
        let mut losses = Vec::new();
        for batch in loader.iter()? {
            let [x, y] = batch?;
            net.zero_grad();
            let loss = net.forward(&x)?.binary_cross_entropy_with_logits(
                &y,
                None,
                Reduction::Mean,
                None,
            )?;
            loss.backward()?;
            adam.step()?;
            losses.push(loss.item::<f64>()?);
        }
        if epoch % 10 == 0 {
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            println!("epoch {epoch}: loss {mean:.3}");
        }
    }
    let _guard = no_grad();
    let told = net.forward(&x)?.gt(0.0)?.to(F32)?;
    told.eq(&y)?.to(F32)?.mean()?.item()
}
