//! The largest element along dimensions.

use super::gate::{no_form, recording, select};
use super::{common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op, Reads, sum_terms};
use crate::tensor::Tensor;
use crate::{Array, DType, Element, Error, ErrorKind, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Sample, point};

/// The largest element along dimensions.
#[derive(Clone, Debug)]
pub struct Amax {
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keepdim: bool,
}
define! { Amax: Gate "amax", "torch.amax";
    summary: "The largest element along dimensions; NaN wins.";
    formula: "max over dims of x";
    derivative: "g to the winner";
    convention: "tied winners share the gradient evenly, as in PyTorch's amax";
    proof: { samples: amax_samples, points: || vec![
        point(Amax { dims: vec![0], keepdim: false }, &[&[3.0, 1.0, 3.0, 2.0]], &[&[0.5, 0.0, 0.5, 0.0]]),
    ] }
}

#[cfg(feature = "proof")]
fn amax_samples() -> Vec<Sample> {
    let data = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];
    let with = |dims: &[usize], keepdim, shape: &[usize]| {
        let dims = dims.to_vec();
        Sample::new(
            Amax { dims, keepdim },
            &[(shape, &data[..shape.iter().product()])],
        )
    };
    vec![
        with(&[1], false, &[2, 3]),
        with(&[0], true, &[2, 3]),
        with(&[0, 1], false, &[2, 3]),
        with(&[1], true, &[2, 3]),
        with(&[0, 2], false, &[1, 2, 3]),
        with(&[], false, &[]),
        with(&[1], false, &[0, 3]),
    ]
}

impl Amax {
    /// Marks the winners, and counts them along the dimensions (kept).
    fn winners(&self, x: &Array) -> Result<(Array, Array)> {
        let kept = Amax {
            keepdim: true,
            ..self.clone()
        };
        let best = kept.eval(&[x])?;
        let won = dispatch!(float x.dtype(), T => kernels::zip(x, &best, |a: T, b: T| a == b), else Err(no_form("amax", x)))?;
        let count = kernels::sum(&won, &self.dims, true)?;
        Ok((won, count))
    }

    /// As [`Amax::winners`], as tensors.
    fn marks(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        if !recording() {
            let (won, count) = self.winners(x.array())?;
            return Ok((Tensor::from_array(won), Tensor::from_array(count)));
        }
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let kept = Amax {
            keepdim: true,
            ..self.clone()
        };
        let won = x.eq(&apply(kept, &[x], Location::caller())?)?;
        let count = if dims.is_empty() {
            won.to(DType::I64)?
        } else {
            won.sum_dims(&dims, true)?
        };
        Ok((won, count))
    }

    fn kept(&self, g: &Tensor, of: &Shape) -> Result<Tensor> {
        if self.keepdim {
            Ok(g.clone())
        } else {
            g.reshape(kernels::reduced_shape(of, &self.dims, true))
        }
    }
}

impl Op for Amax {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].numel() == 0 && self.dims.iter().any(|&d| x[0].shape()[d] == 0) {
            return Err(Error::new(ErrorKind::Shape, "amax(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
                .note(format!("shape {}", x[0].shape())));
        }
        dispatch!(float x[0].dtype(), T => kernels::reduce(x[0], &self.dims, self.keepdim, |mut run: kernels::Run<'_, T>| {
            let first = run.next().unwrap_or_default();
            run.fold(first, |best, a| if a > best || a.is_nan() { a } else { best })
        }), else dispatch!(x[0].dtype(), T => kernels::reduce(x[0], &self.dims, self.keepdim, |mut run: kernels::Run<'_, T>| {
            let first = run.next().unwrap_or_default();
            run.fold(first, |best, a| if a.to_i64() > best.to_i64() { a } else { best })
        })))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (won, count) = self.marks(&cx.input(0)?)?;
        // A product and not a selection, because PyTorch's is one: where no element equals the result (NaN), 0/0.
        let won = won.to(g.dtype())?;
        self.kept(g, cx.shape(0))?
            .mul(&won)?
            .div(&count.to(g.dtype())?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (won, _) = self.marks(&cx.input(0)?)?;
        sum_terms(t, |_, t| self.frozen(std::slice::from_ref(t), &won))
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        Ok(Some(self.winners(x[0])?.0))
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let count = decision.to(x[0].dtype())?.sum_dims(&dims, self.keepdim)?;
        select(decision, &x[0])?
            .sum_dims(&dims, self.keepdim)?
            .div(&count)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        // Distance of every element to the winner; the winner's own is its distance to the runner-up.
        let (won, count) = self.winners(x[0])?;
        dispatch!(float x[0].dtype(), T => {
            let lowest = kernels::zip(x[0], &won, |a: T, w: bool| if w { T::lit(f64::NEG_INFINITY) } else { a })?;
            let kept = Amax { keepdim: true, ..self.clone() };
            let (best, second) = (kept.eval(&[x[0]])?, kept.eval(&[&lowest])?);
            let lead = kernels::zip3(&best, &second, &count, |b: T, s: T, c: i64| if c > 1 { T::ZERO } else { b - s })?;
            let behind = kernels::zip(&best, x[0], |b: T, a: T| b - a)?;
            kernels::zip3(&won, &lead, &behind, |w: bool, lead: T, behind: T| if w { lead } else { behind })
        }, else Err(no_form("amax", x[0]))).map(Some)
    }
}

impl Tensor {
    /// The largest element along `dims` (all of them if empty); tied winners share the gradient.
    #[track_caller]
    pub fn amax(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dims = super::reduce::resolve(self, dims).map_err(|e| e.op("amax").at(site))?;
        apply(Amax { dims, keepdim }, &[self], site)
    }

    /// The largest element. PyTorch's `max()` without a dimension.
    #[track_caller]
    pub fn max(&self) -> Result<Tensor> {
        self.amax(&[], false)
    }
}
