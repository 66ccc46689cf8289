//! The same numbers without history: what ends the way of gradients on purpose.

use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::mode;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{signed, unary};

/// The same numbers without history.
#[derive(Clone, Debug)]
pub struct Detach;
define! { Detach: Cut "detach", "torch.Tensor.detach";
    summary: "The same numbers, in the same memory, without history.";
    formula: "x";
    derivative: "none: that is its purpose";
    proof: { samples: || unary(Detach, signed()) }
}

impl Op for Detach {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(x[0].clone())
    }
}

/// The same numbers without history; what [`Tensor::detach`] does.
#[track_caller]
pub fn detach(x: &Tensor) -> Tensor {
    // Evaluating it cannot fail; recording it can, and then the recorder reports that itself.
    apply(Detach, &[x], Location::caller())
        .unwrap_or_else(|_| Tensor::from_array(x.array().clone()))
        .inference_like(x)
}

/// As [`detach`], under a version of its own: writes to the one are not held against what the other's graph has saved.
#[track_caller]
pub(crate) fn data(x: &Tensor) -> Tensor {
    let quiet = detach(x);
    // A recorder tells values apart by their versions.
    if mode::flags() & mode::RECORD != 0 {
        return quiet;
    }
    match quiet.array().uncounted() {
        Ok(array) => Tensor::with_edge(array, quiet.end()).inference_like(x),
        // No memory for a header of 64 bytes: still the same numbers.
        Err(_) => quiet,
    }
}
