//! A plane through points with noise: a linear layer, features brought to one scale, and the coefficients read back in the units of the data.

use pullback::data::Standardize;
use pullback::nn::{Layer, Linear, Module};
use pullback::optim::SGD;
use pullback::{DType::F32, Reduction, Result, Tensor, no_grad, random, tensor};

fn main() -> Result<()> {
    run().map(|off| println!("largest error of a coefficient: {off:.4}"))
}

/// Fits, and gives how far the coefficients are from those the data was made with.
pub(crate) fn run() -> Result<f64> {
    random::manual_seed(0);
    // y = 2 a - 3.4 b + 4.2, where b is a hundred times larger than a.
    let (truth, shift) = (tensor![[2.0], [-0.034]], 4.2);
    let x = Tensor::randn([1000, 2], F32)?.mul(&tensor![1.0, 100.0])?;
    let noise = Tensor::randn([1000, 1], F32)? * 0.01;
    let y = x.matmul(&truth)? + shift + noise;

    let scale = Standardize::fit(&x)?;
    let line = Linear::new(2, 1)?;
    let mut sgd = SGD::new(line.named_parameters(), 0.1)?;
    let inputs = scale.transform(&x)?;
    for step in 1..=100 {
        line.zero_grad();
        let loss = line.forward(&inputs)?.mse_loss(&y, Reduction::Mean, None)?;
        loss.backward()?;
        sgd.step()?;
        if step % 25 == 0 {
            println!("step {step}: loss {:.6}", loss.item::<f32>()?);
        }
    }
    let _guard = no_grad();
    // The plane at the origin and one step along each axis says what the coefficients are there.
    let at = scale.transform(&tensor![[0.0, 0.0], [1.0, 0.0], [0.0, 100.0]])?;
    let y: Vec<f32> = line.forward(&at)?.flatten()?.to_vec()?;
    let (a, b) = (y[1] - y[0], (y[2] - y[0]) / 100.0);
    println!("y = {a:.3} a + {b:.4} b + {:.3}", y[0]);
    let off = [a - 2.0, 100.0 * (b + 0.034), y[0] - 4.2];
    Ok(off.iter().fold(0.0, |most, x| most.max(f64::from(x.abs()))))
}
