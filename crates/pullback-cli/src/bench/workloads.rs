//! The workloads, through the ordinary interface, as users would write them.
//!
//! Their definitions are those of `bench/torch_cpu.py`, line by line; only the body of a step is timed.

use super::{derivatives, expressions, gpt, networks};
use pullback::{DType, Tensor, no_grad};
use pullback_random::{numpy, torch};

/// A step, ready to run.
pub(crate) type Step = Box<dyn FnMut() -> anyhow::Result<()>>;

/// A named workload.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// What one step makes, counted in `unit`.
    pub(crate) items: f64,
    pub(crate) unit: &'static str,
    pub(crate) prepare: fn() -> anyhow::Result<Step>,
}

/// Every workload there is.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "sample_grad",
        what: "the 2-4-1 network on one sample: zero 4 gradients in place, forward, loss, backward",
        items: 1.0,
        unit: "steps",
        prepare: sample_grad,
    },
    Workload {
        name: "batch32_step",
        what: "the 2-4-1 network on 32 samples: mean squared error, backward, gradient descent",
        items: 1.0,
        unit: "steps",
        prepare: batch32_step,
    },
    Workload {
        name: "per_sample_grads500",
        what: "the 2-4-1 network's gradient for each of 500 samples",
        items: 500.0,
        unit: "samples",
        prepare: derivatives::per_sample_grads500,
    },
    Workload {
        name: "hessian_512x32",
        what: "second derivatives of sum(tanh(W x)^2) by 512 numbers, W of 32 x 512, float32",
        items: 1.0,
        unit: "matrices",
        prepare: derivatives::hessian_512x32,
    },
    Workload {
        name: "mlp_small",
        what: "784-256-128-10 network, batch 64: cross-entropy, backward, gradient descent",
        items: 1.0,
        unit: "steps",
        prepare: || networks::mlp(&[784, 256, 128, 10], 64),
    },
    Workload {
        name: "mlp_large",
        what: "1024-4096-4096-1024 network, batch 256: cross-entropy, backward, gradient descent",
        items: 1.0,
        unit: "steps",
        prepare: || networks::mlp(&[1024, 4096, 4096, 1024], 256),
    },
    Workload {
        name: "gemm2048",
        what: "the product of two 2048 x 2048 matrices, float32",
        items: 2.0 * 2048.0 * 2048.0 * 2048.0,
        unit: "flop",
        prepare: || expressions::gemm(2048),
    },
    Workload {
        name: "gemm2048_f64",
        what: "the same in float64",
        items: 2.0 * 2048.0 * 2048.0 * 2048.0,
        unit: "flop",
        prepare: || expressions::gemm_f64(2048),
    },
    Workload {
        name: "inv_512",
        what: "the inverse of a 512 x 512 matrix, float32",
        items: 1.0,
        unit: "matrices",
        prepare: || expressions::inverse(512, DType::F32),
    },
    Workload {
        name: "inv_512_f64",
        what: "the same in float64",
        items: 1.0,
        unit: "matrices",
        prepare: || expressions::inverse(512, DType::F64),
    },
    Workload {
        name: "svd_256",
        what: "singular values and vectors of a 256 x 256 matrix, float32",
        items: 1.0,
        unit: "matrices",
        prepare: || expressions::svd(256, DType::F32),
    },
    Workload {
        name: "svd_256_f64",
        what: "the same in float64",
        items: 1.0,
        unit: "matrices",
        prepare: || expressions::svd(256, DType::F64),
    },
    Workload {
        name: "elementwise8M",
        what: "sum(tanh(sin(a) b + exp(a))) over 8 million float32, forward and backward",
        items: 8e6,
        unit: "elements",
        prepare: || expressions::elementwise(8_000_000),
    },
    Workload {
        name: "lenet64",
        what: "two convolutions and two linear layers on 64 images of 28 x 28: cross-entropy, SGD",
        items: 1.0,
        unit: "steps",
        prepare: networks::lenet64,
    },
    Workload {
        name: "conv2d_3x3",
        what: "64 filters of 3 x 3 over 32 x 64 x 56 x 56, forward and backward",
        items: 1.0,
        unit: "steps",
        prepare: networks::conv2d_3x3,
    },
    Workload {
        name: "attention_512",
        what: "attention of 4 samples, 8 heads, 512 tokens, width 64, forward and backward",
        items: 1.0,
        unit: "steps",
        prepare: networks::attention_512,
    },
    Workload {
        name: "lstm_128",
        what: "LSTM from 128 to 128 features over 128 steps of 32 samples, forward and backward",
        items: 1.0,
        unit: "steps",
        prepare: networks::lstm_128,
    },
    Workload {
        name: "gpt_tiny",
        what: "4-layer transformer, batch 32, 4 tokens, width 64, 4 heads, vocabulary 20: AdamW",
        items: 1.0,
        unit: "steps",
        prepare: || gpt::gpt([20, 4, 64, 4, 4, 32]),
    },
    Workload {
        name: "gpt_small",
        what: "4-layer transformer, batch 8, 64 tokens, width 128, 4 heads, vocabulary 65: AdamW",
        items: 1.0,
        unit: "steps",
        prepare: || gpt::gpt([65, 64, 128, 4, 4, 8]),
    },
    Workload {
        name: "adam_10M",
        what: "Adam's step of 10 million parameters: 280 MB are read and written",
        items: 280e6,
        unit: "B",
        prepare: networks::adam_10m,
    },
    Workload {
        name: "copy_10M",
        what: "10 million float32 written over others: 80 MB are read and written",
        items: 80e6,
        unit: "B",
        prepare: networks::copy_10m,
    },
    Workload {
        name: "numpy_normal_1M",
        what: "a million standard normals of NumPy's default_rng, float64",
        items: 1e6,
        unit: "numbers",
        prepare: numpy_normal,
    },
    Workload {
        name: "torch_randn_1M",
        what: "a million standard normals of PyTorch's generator, float32",
        items: 1e6,
        unit: "numbers",
        prepare: torch_randn,
    },
];

/// 500 XOR samples and the 2-4-1 network of the seed experiment (NumPy's `default_rng(42)`, float32).
pub(super) struct SeedModel {
    pub(super) x: Tensor,
    pub(super) y: Tensor,
    pub(super) params: [Tensor; 4],
}

pub(super) fn seed_model() -> anyhow::Result<SeedModel> {
    let mut rng = numpy::default_rng(42u64);
    let float = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let data = float(rng.uniform(-1.0, 1.0, 1000)?);
    let labels: Vec<f32> = data
        .chunks(2)
        .map(|p| f32::from(u8::from(p[0] * p[1] < 0.0)))
        .collect();
    let param =
        |data: &[f32], shape: &[usize]| Tensor::from_slice(data, shape)?.requires_grad_(true);
    let w1 = param(&float(rng.normal(0.0, 0.1, 8)?), &[4, 2])?;
    let b1 = param(&[0.0; 4], &[4])?;
    let w2 = param(&float(rng.normal(0.0, 0.1, 4)?), &[1, 4])?;
    let b2 = param(&[0.0], &[1])?;
    Ok(SeedModel {
        x: Tensor::from_slice(&data, [500, 2])?,
        y: Tensor::from_slice(&labels, [500])?,
        params: [w1, b1, w2, b2],
    })
}

/// One sample: zero the four gradients in place, forward, loss 0.5 (f - y)², backward.
fn sample_grad() -> anyhow::Result<Step> {
    let SeedModel { x, y, params } = seed_model()?;
    let (x0, y0) = (x.select(0, 0)?, y.select(0, 0)?);
    Ok(Box::new(move || {
        for p in &params {
            if let Some(grad) = p.grad() {
                grad.zero_()?;
            }
        }
        let [w1, b1, w2, b2] = &params;
        let h = w1.matmul(&x0)?.add(b1)?.relu()?;
        let f = w2.matmul(&h)?.add(b2)?.squeeze()?;
        f.sub(&y0)?.pow(2)?.mul(0.5)?.backward()?;
        Ok(())
    }))
}

/// 32 samples: gradients set to none, mean squared error, backward, p -= 0.1 grad under no_grad.
fn batch32_step() -> anyhow::Result<Step> {
    let SeedModel { x, y, params } = seed_model()?;
    Ok(Box::new(move || {
        for p in &params {
            p.zero_grad();
        }
        let [w1, b1, w2, b2] = &params;
        let h = x.narrow(0, 0, 32)?.matmul(&w1.t()?)?.add(b1)?.relu()?;
        let f = h.matmul(&w2.t()?)?.add(b2)?.squeeze()?;
        f.sub(&y.narrow(0, 0, 32)?)?.pow(2)?.mean()?.backward()?;
        let _guard = no_grad();
        for p in &params {
            if let Some(grad) = p.grad() {
                p.sub_scaled_(&grad, 0.1)?;
            }
        }
        Ok(())
    }))
}

/// `np.random.default_rng(0).standard_normal(1_000_000)`, a new array each time.
fn numpy_normal() -> anyhow::Result<Step> {
    let mut rng = numpy::default_rng(0u64);
    Ok(Box::new(move || {
        std::hint::black_box(rng.standard_normal(1_000_000));
        Ok(())
    }))
}

/// `torch.randn(1_000_000)`, a new array each time.
fn torch_randn() -> anyhow::Result<Step> {
    let mut generator = torch::manual_seed(0);
    Ok(Box::new(move || {
        std::hint::black_box(generator.randn(1_000_000));
        Ok(())
    }))
}
