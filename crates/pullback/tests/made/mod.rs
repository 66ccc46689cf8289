//! Tensors that many tests begin with, and what they look at in the end.

#![allow(dead_code)] // each test takes what it needs

use pullback::{BackwardOptions, Tensor};

/// The graph stays.
pub(crate) const RETAIN: BackwardOptions =
    BackwardOptions::NEW.retain_graph(true).create_graph(false);

/// Gradients get a graph of their own.
pub(crate) const CREATE: BackwardOptions =
    BackwardOptions::NEW.retain_graph(false).create_graph(true);

/// A vector.
pub(crate) fn plain(x: &[f64]) -> Tensor {
    Tensor::from_slice(x, [x.len()]).unwrap()
}

/// A vector that wants a gradient.
pub(crate) fn leaf(x: &[f64]) -> Tensor {
    plain(x).requires_grad_(true).unwrap()
}

/// As [`leaf`], in single precision.
pub(crate) fn leaf32(x: &[f32]) -> Tensor {
    Tensor::from_slice(x, [x.len()])
        .unwrap()
        .requires_grad_(true)
        .unwrap()
}

/// The gradient that a leaf gathered.
pub(crate) fn grad_of(x: &Tensor) -> Vec<f64> {
    x.grad()
        .expect("a gradient was gathered")
        .to_f64_vec()
        .unwrap()
}
