//! Gradients that depend on their input by nothing but the piece it lies in: constant in it, and yet functions of it.
//!
//! PyTorch's backward of leaky relu and its kin is an operation of the gradient and of the input, so that a gradient of the gradient
//! exists and is zero. A selection by a mask would have no history, and asking for the second order would be an error. Not for
//! functions whose backward is a selection in PyTorch too (`clamp`, `where`).

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::made::{Made, camel};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use std::borrow::Cow;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The first operand, as a function of the second whose derivative is 0.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// PyTorch's name of the operation whose gradient it is.
    pub of: &'static str,
}
define! { Anchor: General "constant_on_piece", "torch.ops.aten.leaky_relu_backward";
    summary: "A gradient that is the same on each side of a kink, as a function of the input at which it was computed.";
    formula: "g, whatever x is";
    derivative: "the incoming gradient to g, 0 to x";
    convention: "the second derivative of a function in straight pieces is 0 everywhere, at the kinks too, as in PyTorch";
    proof: { samples: || {
        let (g, x) = ([0.6, -1.3, 2.2, -0.4], [1.1, 0.7, -1.9, 2.4]);
        let of = |s: &[usize]| {
            let n: usize = s.iter().product();
            Sample::new(Anchor { of: "leaky_relu" }, &[(s, &g[..n]), (s, &x[..n])])
        };
        vec![of(&[4]), of(&[2, 2]), of(&[]), of(&[0, 3]), of(&[1, 3])]
    } }
}

impl Op for Anchor {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].copy()
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::NOTHING
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        Some(format!("{}BackwardBackward0", camel(self.of)).into())
    }
}

impl rules::General for Anchor {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => Ok(g.clone()),
            _ => Tensor::zeros_of(cx.shape(i), cx.dtype(i)),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match &t[0] {
            Some(t) => Ok(t.clone()),
            None => cx.output()?.zeros_like(),
        }
    }
}

/// The tensor itself, whose gradient is one of the operation `of`: a function of the tensor, though of none of its numbers.
///
/// Stands at the entry of compositions that pick or sum elements, where PyTorch has one operation whose backward takes its input.
#[derive(Clone, Debug)]
pub struct Entry {
    /// PyTorch's name of the operation.
    pub of: &'static str,
}
define! { Entry: Linear "anchored_input", "torch.Tensor.view_as", view: true;
    summary: "The same tensor, whose gradient counts as a function of it.";
    formula: "x";
    derivative: "g";
    proof: { samples: || {
        let x = [1.1, 0.7, -1.9, 2.4];
        let of = |s: &[usize]| Sample::new(Entry { of: "nll_loss" }, &[(s, &x[..s.iter().product()])]);
        vec![of(&[4]), of(&[2, 2]), of(&[]), of(&[0, 3])]
    } }
}

impl Op for Entry {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        Ok(x[0].clone())
    }
    fn reads(&self, i: usize) -> Reads {
        Reads::input(i)
    }
}

impl rules::Linear for Entry {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        anchored(cx, self.of, g.clone(), &cx.input(i)?)
    }
}

/// `x` as the input of the composition `of`: what comes back to it is a function of it.
pub(in crate::ops) fn entered(x: &Tensor, of: &'static str, site: Site) -> Result<Tensor> {
    match x.dtype().is_differentiable() {
        true => apply_dyn(&Entry { of }, &[x], site),
        false => Ok(x.clone()),
    }
}

/// `g`, a gradient of the operation `of` at `x`, as a function of `x` where a graph of it is made.
pub(in crate::ops) fn anchored(
    cx: &Ctx<'_>,
    of: &'static str,
    g: Tensor,
    x: &Tensor,
) -> Result<Tensor> {
    match x.requires_grad() {
        true => apply_dyn(&Anchor { of }, &[&g, x], cx.site()),
        false => Ok(g),
    }
}
