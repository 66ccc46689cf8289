//! The same tensor by another name: what transforms differentiate by, and hooks on views hang on.

use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};

#[cfg(feature = "proof")]
use crate::core::samples::{signed, unary};

/// The same elements in the same memory.
#[derive(Clone, Debug)]
pub struct Alias;
define! { Alias: Linear "alias", "torch.Tensor.view_as", view: true;
    summary: "The same elements in the same memory, as a tensor of its own; gradients flow through it.";
    formula: "x";
    derivative: "g";
    proof: { samples: || unary(Alias, signed()) }
}

impl Op for Alias {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(x[0].clone())
    }
}

impl rules::Linear for Alias {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone())
    }
}

/// The same elements in the same memory, but no view to those who write: what PyTorch's unsafe splits give.
#[derive(Clone, Debug)]
pub struct Apart;
define! { Apart: Linear "unshared", "torch.unsafe_split";
    summary: "The same elements in the same memory with a version and a history of their own: writes through one are not seen by others.";
    formula: "x";
    derivative: "g";
    proof: { samples: || unary(Apart, signed()) }
}

impl Op for Apart {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].uncounted()
    }
}

impl rules::Linear for Apart {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone())
    }
}
