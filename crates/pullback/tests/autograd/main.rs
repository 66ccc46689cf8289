//! What users hang on the engine: hooks, modes, reports, functions of their own, derivatives of functions. Expected numbers and
//! sentences are PyTorch 2.15's unless a comment says where they differ.

mod anomaly;
mod flow;
mod forward_ad;
mod func;
mod function;
mod hooks;
mod inference;
mod stress;

use pullback::{BackwardOptions, Tensor};

const RETAIN: BackwardOptions = BackwardOptions {
    retain_graph: true,
    ..BackwardOptions::NEW
};
const CREATE: BackwardOptions = BackwardOptions {
    create_graph: true,
    ..BackwardOptions::NEW
};

fn plain(x: &[f64]) -> Tensor {
    Tensor::from_slice(x, [x.len()]).unwrap()
}

fn leaf(x: &[f64]) -> Tensor {
    plain(x).requires_grad_(true).unwrap()
}

fn numbers(x: &Tensor) -> Vec<f64> {
    x.to_f64_vec().unwrap()
}

fn grad_of(x: &Tensor) -> Vec<f64> {
    numbers(&x.grad().expect("a gradient was gathered"))
}

fn close(got: &Tensor, want: &[f64]) {
    let got = numbers(got);
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!(
            (g - w).abs() <= 1e-13 * w.abs().max(1.0),
            "{got:?} {want:?}"
        );
    }
}
