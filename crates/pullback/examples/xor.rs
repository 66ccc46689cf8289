//! The seed experiment in 25 lines: an XOR sample, a 2-4-1 ReLU network, autograd against central differences.

use pullback::{DType, Result, Tensor, cat, no_grad, random::numpy::default_rng};

fn loss(theta: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (w1, b1) = (theta.narrow(0, 0, 8)?.reshape([4, 2])?, theta.narrow(0, 8, 4)?);
    let (w2, b2) = (theta.narrow(0, 12, 4)?.reshape([1, 4])?, theta.narrow(0, 16, 1)?);
    let h = (w1.matmul(x)? + b1).relu()?;
    let f = (w2.matmul(&h)? + b2).squeeze()?;
    Ok(0.5 * (f - y).pow(2)?)
}

fn main() -> Result<()> {
    let mut rng = default_rng(42); // NumPy's numbers, to the last bit
    let x = Tensor::from_slice(&rng.uniform(-1.0, 1.0, 1000).unwrap()[..2], [2])?.to(DType::F32)?;
    let mut normal = |n| Tensor::from_slice(&rng.normal(0.0, 0.1, n).unwrap(), [n])?.to(DType::F32);
    let (w1, zeros, w2) = (normal(8)?, Tensor::zeros([4], DType::F32)?, normal(4)?);
    let theta = cat(&[&w1, &zeros, &w2, &zeros.narrow(0, 0, 1)?], 0)?.requires_grad_(true)?;
    let y = Tensor::scalar(1.0f32); // x₁·x₂ < 0

    loss(&theta, &x, &y)?.backward()?;
    let exact = theta.grad().unwrap();
    let _guard = no_grad();
    let (h, i) = (1e-5, 15);
    let at = |delta: f64| theta.copy().and_then(|t| t.set(i, t.get::<f64>(i)? + delta).and_then(|()| loss(&t, &x, &y)));
    let numeric = (at(h)? - at(-h)?) / (2.0 * h);
    println!("autograd {:+.6}  differences {:+.6}  (float32: try float64)", exact.get::<f64>(i)?, numeric.item_f64()?);
    Ok(())
}
