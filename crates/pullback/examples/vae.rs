//! A variational autoencoder of the digits: images become distributions of eight numbers, and numbers drawn become images.

use pullback::data::{DataLoader, TensorDataset, load_idx};
use pullback::nn::{Layer, Linear, Module, Sequential, SiLU, Sigmoid};
use pullback::optim::Adam;
use pullback::{DType::F32, Reduction, Result, Tensor, module, no_grad, random, sequential};

const LATENT: usize = 8;

#[derive(Clone)]
struct Vae {
    encoder: Sequential,
    decoder: Sequential,
}
module!(Vae { encoder, decoder });

impl Vae {
    fn new() -> Result<Vae> {
        Ok(Vae {
            encoder: sequential![Linear::new(64, 64)?, SiLU, Linear::new(64, 2 * LATENT)?],
            decoder: sequential![
                Linear::new(LATENT, 64)?,
                SiLU,
                Linear::new(64, 64)?,
                Sigmoid
            ],
        })
    }

    /// What a pixel costs and what the distribution costs, per image: the negative of the evidence's lower bound.
    fn loss(&self, x: &Tensor) -> Result<Tensor> {
        let code = self.encoder.forward(x)?.chunk(2, -1)?;
        let (mean, log_var) = (&code[0], &code[1]);
        // Drawn as mean + deviation · noise, so that gradients reach both.
        let noise = Tensor::randn(mean.shape(), F32)?;
        let z = mean + log_var.mul(0.5)?.exp()? * noise;
        let pixels = self
            .decoder
            .forward(&z)?
            .binary_cross_entropy(x, None, Reduction::Sum)?;
        let distance = (mean.square()? + log_var.exp()? - log_var - 1).sum()? * 0.5;
        Ok((pixels + distance) / x.size(0)?)
    }

    /// Images (n, 64) of numbers drawn from the standard normal distribution.
    fn draw(&self, n: usize) -> Result<Tensor> {
        let _guard = no_grad();
        self.decoder.forward(&Tensor::randn([n, LATENT], F32)?)
    }
}

/// Images side by side, in letters.
fn show(images: &Tensor) -> Result<()> {
    let pixels: Vec<Vec<f32>> = Vec::try_from(images)?;
    for line in 0..8 {
        let row: Vec<String> = (pixels.iter())
            .map(|image| {
                let shade = |p: &f32| b" .:oO@"[(p * 5.99).clamp(0.0, 5.0) as usize] as char;
                image[8 * line..8 * (line + 1)].iter().map(shade).collect()
            })
            .collect();
        println!("{}", row.join("  "));
    }
    Ok(())
}

fn main() -> Result<()> {
    run(60).map(|(before, after)| println!("loss per image: {before:.1}, then {after:.1}"))
}

/// Trains for so many epochs; gives the loss of an image before and after.
pub(crate) fn run(epochs: usize) -> Result<(f64, f64)> {
    random::manual_seed(0);
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/digits-images.idx"
    );
    let x = load_idx(file)?.to(F32)?.flatten_dims(1, -1)? / 16.0;
    let model = Vae::new()?;
    let before = model.loss(&x)?.item()?;
    let loader = DataLoader::builder(TensorDataset::new([&x])?)
        .batch_size(64)
        .shuffle(true)
        .build()?;
    let mut adam = Adam::new(model.named_parameters(), 3e-3)?;
    for epoch in 1..=epochs {
        let mut last = 0.0;
        for batch in loader.iter()? {
            let [x] = batch?;
            model.zero_grad();
            let loss = model.loss(&x)?;
            loss.backward()?;
            adam.step()?;
            last = loss.item::<f64>()?;
        }
        if epoch % 20 == 0 {
            println!("epoch {epoch}: loss {last:.2}");
        }
    }
    show(&model.draw(8)?)?;
    Ok((before, model.loss(&x)?.item()?))
}
