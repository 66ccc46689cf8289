//! The same tensor by another name: what transforms differentiate by, and hooks on views hang on.

use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op};
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
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(x[0].clone())
    }
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone())
    }
}
