//! The seed model's gradient on one sample, many times: for a profiler.
use pullback::{Result, Tensor};
fn main() -> Result<()> {
    let f = |n: usize, k: f32| {
        (0..n)
            .map(|i| ((i as f32 * 0.7 + k).sin()) * 0.3)
            .collect::<Vec<f32>>()
    };
    let w1 = Tensor::from_slice(&f(8, 0.1), [4, 2])?.requires_grad_(true)?;
    let b1 = Tensor::zeros([4], pullback::DType::F32)?.requires_grad_(true)?;
    let w2 = Tensor::from_slice(&f(4, 0.9), [1, 4])?.requires_grad_(true)?;
    let b2 = Tensor::zeros([1], pullback::DType::F32)?.requires_grad_(true)?;
    let params = [&w1, &b1, &w2, &b2];
    let x0 = Tensor::from_slice(&f(2, 0.3), [2])?;
    let y0 = Tensor::scalar(1.0f32);
    for _ in 0..20000 {
        for p in params {
            if let Some(g) = p.grad() {
                g.zero_()?;
            }
        }
        let h = w1.matmul(&x0)?.add(&b1)?.relu()?;
        let out = w2.matmul(&h)?.add(&b2)?.squeeze()?;
        out.sub(&y0)?.pow(2.0)?.mul(0.5)?.backward()?;
    }
    Ok(())
}
