//! Workloads of one operation or one expression: products, factorisations, elementwise functions. `bench/torch_cpu.py` has the same in PyTorch. Not here:
//! models (`networks.rs`, `gpt.rs`), the list of workloads (`workloads.rs`).

use super::workloads::Step;
use pullback::{DType, Tensor};
use pullback_random::torch::{self, Generator};

/// Normal numbers.
pub(super) fn randn(rng: &mut Generator, shape: &[usize]) -> anyhow::Result<Tensor> {
    Ok(Tensor::from_slice(
        &rng.randn(shape.iter().product()),
        shape,
    )?)
}

/// The product of two n × n matrices.
pub(super) fn gemm(n: usize) -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let (a, b) = (randn(&mut rng, &[n, n])?, randn(&mut rng, &[n, n])?);
    Ok(Box::new(move || {
        std::hint::black_box(a.matmul(&b)?);
        Ok(())
    }))
}

/// As [`gemm`], in double precision.
pub(super) fn gemm_f64(n: usize) -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let mut random = || Tensor::from_slice(&rng.randn_f64(n * n), [n, n]);
    let (a, b) = (random()?, random()?);
    Ok(Box::new(move || {
        std::hint::black_box(a.matmul(&b)?);
        Ok(())
    }))
}

/// A matrix of normal numbers.
fn normal_matrix(n: usize, dtype: DType) -> anyhow::Result<Tensor> {
    let mut rng = torch::manual_seed(0);
    Ok(Tensor::from_slice(&rng.randn_f64(n * n), [n, n])?.to(dtype)?)
}

/// The inverse of an n × n matrix.
pub(super) fn inverse(n: usize, dtype: DType) -> anyhow::Result<Step> {
    let a = normal_matrix(n, dtype)?;
    Ok(Box::new(move || {
        std::hint::black_box(a.inv()?);
        Ok(())
    }))
}

/// Singular values and vectors of an n × n matrix.
pub(super) fn svd(n: usize, dtype: DType) -> anyhow::Result<Step> {
    let a = normal_matrix(n, dtype)?;
    Ok(Box::new(move || {
        std::hint::black_box(a.svd(false)?);
        Ok(())
    }))
}

/// sum(tanh(sin(a)·b + exp(a))), forward, and backward to a and b.
pub(super) fn elementwise(n: usize) -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let mut random = || {
        randn(&mut rng, &[n])?
            .requires_grad_(true)
            .map_err(anyhow::Error::from)
    };
    let (a, b) = (random()?, random()?);
    Ok(Box::new(move || {
        a.zero_grad();
        b.zero_grad();
        a.sin()?
            .mul(&b)?
            .add(&a.exp()?)?
            .tanh()?
            .sum()?
            .backward()?;
        Ok(())
    }))
}
