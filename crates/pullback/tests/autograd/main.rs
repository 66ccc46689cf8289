//! What users hang on the engine: hooks, modes, reports, functions of their own, derivatives of functions. Expected numbers and
//! sentences are PyTorch 2.15's unless a comment says where they differ.

#[path = "../made/mod.rs"]
mod made;

mod anomaly;
mod flow;
mod forward_ad;
mod func;
mod function;
mod hooks;
mod inference;
mod stress;

use made::{CREATE, RETAIN, grad_of, leaf, plain};
use pullback::Tensor;

fn numbers(x: &Tensor) -> Vec<f64> {
    x.to_f64_vec().unwrap()
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
