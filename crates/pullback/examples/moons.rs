//! Two half moons told apart by a small network: a data set, its split, batches in a drawn order, a model, a file.

use pullback::data::{DataLoader, Dataset, Standardize, TensorDataset, random_split};
use pullback::nn::{self, Layer, Linear, Module, Tanh};
use pullback::optim::SGD;
use pullback::{DType::F32, Result, Tensor, io, no_grad, random, sequential};

/// What is saved: the network, and how features are scaled for it.
#[derive(Clone)]
struct Model {
    scale: Standardize,
    network: nn::Sequential,
}
pullback::module!(Model { scale, network });

impl Model {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.network.forward(&self.scale.transform(x)?)
    }

    fn accuracy(&self, x: &Tensor, y: &Tensor) -> Result<f64> {
        let (_eval, _no_grad) = (nn::eval(), no_grad());
        let right = self.forward(x)?.argmax(1, false)?.eq(y)?;
        right.to(F32)?.mean()?.item()
    }
}

/// Points on two half circles, with noise, and which of them.
fn moons(n: usize) -> Result<(Tensor, Tensor)> {
    let angles = Tensor::rand([n], F32)? * std::f64::consts::PI;
    let y = Tensor::arange(n)?.remainder(2)?;
    let (sign, shift) = (y.mul(-2)?.add(1)?.to(F32)?, y.to(F32)?);
    let across = angles.cos()?.mul(&sign)?.add(&shift)?;
    let up = angles.sin()?.mul(&sign)?.add(&shift.mul(0.5)?)?;
    let x = pullback::stack(&[&across, &up], 1)?;
    Ok((x + Tensor::randn([n, 2], F32)? * 0.1, y))
}

fn main() -> Result<()> {
    run().map(|accuracy| println!("right on the test part: {accuracy:.2}"))
}

/// Trains, and gives the part of the test points that are told right.
pub(crate) fn run() -> Result<f64> {
    random::manual_seed(0);
    let (x, y) = moons(600)?;
    let parts = random_split(TensorDataset::new([&x, &y])?, &[500, 100], None)?;
    let [x_train, y_train] = parts[0].batch(&(0..500).collect::<Vec<_>>())?;
    let [x_test, y_test] = parts[1].batch(&(0..100).collect::<Vec<_>>())?;

    let network = sequential![
        Linear::new(2, 16)?,
        Tanh,
        Linear::new(16, 16)?,
        Tanh,
        Linear::new(16, 2)?
    ];
    let model = Model {
        scale: Standardize::fit(&x_train)?,
        network,
    };
    println!("{}", model.network.summary(&x_train)?);
    let data = TensorDataset::new([&x_train, &y_train])?;
    let loader = DataLoader::builder(data)
        .batch_size(50)
        .shuffle(true)
        .build()?;
    let mut sgd = SGD::new(model.named_parameters(), 0.2)?;
    for epoch in 1..=60 {
        let mut last: f64 = 0.0;
        for batch in loader.iter()? {
            let [x, y] = batch?;
            model.zero_grad();
            let loss = model.forward(&x)?.cross_entropy(&y, Default::default())?;
            loss.backward()?;
            sgd.step()?;
            last = loss.item()?;
        }
        if epoch % 20 == 0 {
            println!("epoch {epoch}: loss {last:.3}");
        }
    }
    let accuracy = model.accuracy(&x_test, &y_test)?;

    let path = std::env::temp_dir().join(format!("moons-{}.safetensors", std::process::id()));
    io::save(&path, &model.state())?;
    let again = model.deep_copy()?;
    nn::init::zeros_(&again.parameters()[0])?;
    again.load(&io::load(&path)?)?;
    assert!(again.forward(&x_test)?.equal(&model.forward(&x_test)?)?);
    std::fs::remove_file(&path)
        .map_err(|e| pullback::Error::new(pullback::ErrorKind::Io, e.to_string()))?;
    Ok(accuracy)
}
