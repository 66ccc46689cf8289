//! The networks of the larger workloads, written with tensor methods as a user would: `bench/torch_cpu.py` has the same in
//! PyTorch. Not here: the list of workloads (`workloads.rs`).

use super::workloads::Step;
use pullback::{CrossEntropy, DType, Tensor, no_grad};
use pullback_random::torch::{self, Generator};

/// Normal numbers.
pub(super) fn randn(rng: &mut Generator, shape: &[usize]) -> anyhow::Result<Tensor> {
    Ok(Tensor::from_slice(
        &rng.randn(shape.iter().product()),
        shape,
    )?)
}

/// A fully connected layer: weight (out × in) and bias.
pub(super) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// As `torch.nn.Linear` begins, but for where its random numbers come from.
    pub(super) fn new(
        rng: &mut Generator,
        from: usize,
        to: usize,
        bias: bool,
    ) -> anyhow::Result<Linear> {
        let scale = (3.0 * from as f64).sqrt().recip();
        let weight = randn(rng, &[to, from])?.mul(scale)?.detach();
        let bias = match bias {
            true => Some(
                randn(rng, &[to])?
                    .mul(scale)?
                    .detach()
                    .requires_grad_(true)?,
            ),
            false => None,
        };
        Ok(Linear {
            weight: weight.requires_grad_(true)?,
            bias,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> anyhow::Result<Tensor> {
        Ok(x.linear(&self.weight, self.bias.as_ref())?)
    }

    pub(super) fn params(&self) -> Vec<Tensor> {
        [Some(self.weight.clone()), self.bias.clone()]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Random class numbers.
pub(super) fn classes(rng: &mut Generator, n: usize, classes: usize) -> anyhow::Result<Tensor> {
    Ok(Tensor::from_slice(
        &rng.randint::<i64>(0, classes as i64, n)?,
        [n],
    )?)
}

/// Linear layers with ReLU between, random data, cross-entropy, SGD with rate 0.01: zero_grad, forward, backward, step.
pub(super) fn mlp(sizes: &[usize], batch: usize) -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let layers: Vec<Linear> = sizes
        .windows(2)
        .map(|s| Linear::new(&mut rng, s[0], s[1], true))
        .collect::<anyhow::Result<_>>()?;
    let params: Vec<Tensor> = layers.iter().flat_map(Linear::params).collect();
    let x = randn(&mut rng, &[batch, sizes[0]])?;
    let y = classes(&mut rng, batch, sizes[sizes.len() - 1])?;
    Ok(Box::new(move || {
        params.iter().for_each(Tensor::zero_grad);
        let mut h = layers[0].forward(&x)?;
        for layer in &layers[1..] {
            h = layer.forward(&h.relu()?)?;
        }
        h.cross_entropy(&y, CrossEntropy::default())?.backward()?;
        let _guard = no_grad();
        for p in &params {
            if let Some(grad) = p.grad() {
                p.sub_scaled_(&grad, 0.01)?;
            }
        }
        Ok(())
    }))
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
