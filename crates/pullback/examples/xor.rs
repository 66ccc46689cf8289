//! The seed experiment: an XOR sample, a 2-4-1 ReLU network, one derivative by autograd and by central differences.

use pullback::{DType::F32, Result, Tensor, no_grad, random::numpy::default_rng};

fn loss(p: &[Tensor; 4], x: &Tensor, y: f64) -> Result<Tensor> {
    let h = (p[0].matmul(x)? + &p[1]).relu()?;
    let f = (p[2].matmul(&h)? + &p[3]).squeeze()?;
    Ok(0.5 * (f - y).pow(2)?)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut rng = default_rng(42); // NumPy's numbers, to the last bit
    let data = Tensor::from_slice(&rng.uniform(-1.0, 1.0, 1000)?, [500, 2])?.to(F32)?;
    let (x, y) = (data.select(0, 0)?, 1.0); // x₁·x₂ < 0
    let leaf =
        |v: &[f64], shape: &[usize]| Tensor::from_slice(v, shape)?.to(F32)?.requires_grad_(true);
    let w1 = leaf(&rng.normal(0.0, 0.1, 8)?, &[4, 2])?;
    let w2 = leaf(&rng.normal(0.0, 0.1, 4)?, &[1, 4])?;
    let (b1, b2) = (leaf(&[0.0; 4], &[4])?, leaf(&[0.0], &[1])?);
    let p = [w1, b1, w2, b2];
    loss(&p, &x, y)?.backward()?;
    let autograd: f64 = p[2].grad().unwrap().flatten()?.get(3)?;

    let _guard = no_grad();
    let (row, h) = (p[2].select(0, 0)?, 1e-5); // a view: writing to it writes to W2
    let old: f64 = row.get(3)?;
    row.set(3, old + h)?;
    let up = loss(&p, &x, y)?;
    row.set(3, old - h)?;
    let numeric = ((up - loss(&p, &x, y)?) / (2.0 * h)).item_f64()?;
    println!("W2[0,3]: autograd {autograd:.6}, central difference {numeric:.6}");
    Ok(())
}
