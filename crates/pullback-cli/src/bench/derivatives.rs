//! Workloads of derivatives of functions: gradients for each sample, second derivatives. Written with `func`, as users write them;
//! `bench/torch_cpu.py` and `bench/jax_cpu.py` have the same.

use super::expressions::randn;
use super::workloads::{SeedModel, Step, seed_model};
use pullback::{Tensor, func};
use pullback_random::torch;

/// The gradients of 0.5 (f - y)² by all 17 parameters of the 2-4-1 network, for each of 500 samples.
pub(super) fn per_sample_grads500() -> anyhow::Result<Step> {
    let SeedModel { x, y, params } = seed_model()?;
    let params = params.map(|p| p.detach());
    Ok(Box::new(move || {
        let loss = |[w1, b1, w2, b2]: &[Tensor; 4], [x, y]: &[Tensor; 2]| {
            let h = w1.matmul(x)?.add(b1)?.relu()?;
            let f = w2.matmul(&h)?.add(b2)?.squeeze()?;
            f.sub(y)?.pow(2)?.mul(0.5)
        };
        std::hint::black_box(func::per_sample_grad(loss, &params, [&x, &y])?);
        Ok(())
    }))
}

/// The 512 x 512 second derivatives of Σ tanh(W x)² with W of 32 x 512.
pub(super) fn hessian_512x32() -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let w = randn(&mut rng, &[32, 512])?.mul(512f64.sqrt().recip())?;
    let x = randn(&mut rng, &[512])?;
    Ok(Box::new(move || {
        let f = |x: &Tensor| w.matmul(x)?.tanh()?.pow(2)?.sum();
        std::hint::black_box(func::hessian(f, &x)?);
        Ok(())
    }))
}
