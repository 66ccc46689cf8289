//! The problem of `golden/make_optim.py`, and optimisers of any kind made from a case's options.

use pullback::nn::NamedTensors;
use pullback::optim::*;
use pullback::{Array, DType, Tensor, kernels};
use serde_json::Value;
use std::sync::LazyLock;

pub(crate) static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../golden/optim.json")).expect("json"));

/// Simple fractions between -2 and 2, as the script makes them.
pub(crate) fn numbers(mut seed: u64, n: usize) -> Vec<f64> {
    let next = || {
        seed = (seed * 1103515245 + 12345) % (1 << 31);
        ((seed >> 8) % 4096) as f64 / 1024.0 - 2.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

fn tensor(data: &[f64], shape: &[usize], dtype: DType) -> Tensor {
    let a = Array::from_slice(data, shape).unwrap();
    Tensor::from_array(kernels::cast(&a, dtype).unwrap())
}

/// Parameters on the way to a target.
pub(crate) struct Problem {
    pub(crate) params: NamedTensors,
    targets: Vec<Tensor>,
    slopes: Vec<Tensor>,
}

impl Problem {
    pub(crate) fn new(name: &str, dtype: DType) -> Problem {
        let shapes: &[(&str, &[usize])] = match name {
            "Muon" => &[("w", &[3, 4]), ("v", &[5, 2])],
            _ => &[("w", &[3, 4]), ("b", &[5]), ("s", &[])],
        };
        let of = |first: u64| {
            let all = shapes.iter().zip(first..);
            all.map(|((_, shape), seed)| {
                tensor(&numbers(seed, shape.iter().product()), shape, dtype)
            })
        };
        Problem {
            params: (shapes.iter().map(|s| s.0.to_string()))
                .zip(of(1).map(|t| t.requires_grad_(true).unwrap()))
                .collect(),
            targets: of(11).collect(),
            slopes: of(21)
                .map(|t| t.abs().unwrap().add(0.125).unwrap())
                .collect(),
        }
    }

    /// Gradients of a step; the second parameter has none at every third one.
    pub(crate) fn give(&self, step: usize) {
        for (i, (_, p)) in self.params.iter().enumerate() {
            let noise = numbers((100 * step + i) as u64, p.numel());
            let noise = tensor(&noise, p.shape(), p.dtype()).mul(0.25).unwrap();
            let grad = (p.detach() - &self.targets[i]) * &self.slopes[i] + noise;
            let none = i == 1 && step % 3 == 1;
            p.set_grad((!none).then_some(grad)).unwrap();
        }
    }

    pub(crate) fn values(&self) -> Vec<(String, Vec<f64>)> {
        let all = self.params.iter();
        all.map(|(n, p)| (n.to_string(), p.to_f64_vec().unwrap()))
            .collect()
    }
}

fn with<A: Algorithm + Default>(params: NamedTensors, case: &Value) -> Box<dyn Optimizer> {
    let mut options = A::default();
    for (name, numbers) in case["options"].as_object().unwrap() {
        let numbers: Vec<f64> = serde_json::from_value(numbers.clone()).unwrap();
        options.set(name, &numbers).expect(name);
    }
    Box::new(Optim::with(params, options).unwrap())
}

/// The optimiser of a case.
pub(crate) fn optimizer(params: NamedTensors, case: &Value) -> Box<dyn Optimizer> {
    match case["name"].as_str().unwrap() {
        "SGD" => with::<SGDOptions>(params, case),
        "Adam" => with::<AdamOptions>(params, case),
        "AdamW" => with::<AdamWOptions>(params, case),
        "Adamax" => with::<AdamaxOptions>(params, case),
        "NAdam" => with::<NAdamOptions>(params, case),
        "RAdam" => with::<RAdamOptions>(params, case),
        "Adagrad" => with::<AdagradOptions>(params, case),
        "Adadelta" => with::<AdadeltaOptions>(params, case),
        "RMSprop" => with::<RMSpropOptions>(params, case),
        "Rprop" => with::<RpropOptions>(params, case),
        "ASGD" => with::<ASGDOptions>(params, case),
        "Adafactor" => with::<AdafactorOptions>(params, case),
        "Muon" => with::<MuonOptions>(params, case),
        other => panic!("{other}"),
    }
}

/// Where two lists differ by more than `tolerance` of the larger number.
pub(crate) fn differs(got: &[f64], want: &[f64], tolerance: f64) -> Option<String> {
    if got.len() != want.len() {
        return Some(format!("{} numbers and {}", got.len(), want.len()));
    }
    let off = |(a, b): &(&f64, &f64)| {
        let near = (**a - **b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
        !(near || a == b)
    };
    let found = got.iter().zip(want).find(off)?;
    Some(format!("{found:?}"))
}
