//! Norms of infinite order: the largest or the smallest magnitude. They choose their winners; norms of other orders, which are smooth,
//! are in `norm`.

use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Real, Result};
use pullback_array::{dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

/// The largest or the smallest magnitude over dimensions.
#[derive(Clone, Debug)]
pub struct ExtremeNorm {
    /// The largest, not the smallest.
    pub largest: bool,
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keepdim: bool,
}
define! { ExtremeNorm: Gate "linalg_vector_norm_inf", "torch.linalg.vector_norm";
    summary: "Norm of infinite order over dimensions: the largest magnitude, or the smallest.";
    formula: "max |x|, or min |x|";
    derivative: "g·sign(x)/k for the k winners, 0 for the others";
    convention: "winners share evenly, NaNs among them; 0 at 0, as in PyTorch";
    node: "LinalgVectorNormBackward0";
    proof: { samples: || {
        let x = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];
        let of = |largest, dims: &[usize], keepdim, shape: &[usize]| {
            Sample::new(ExtremeNorm { largest, dims: dims.to_vec(), keepdim }, &[(shape, &x[..shape.iter().product()])])
        };
        [true, false].into_iter().flat_map(|largest| [
            of(largest, &[0, 1], false, &[2, 3]),
            of(largest, &[1], true, &[2, 3]),
            of(largest, &[0], false, &[2, 3]),
            of(largest, &[], false, &[]),
            of(largest, &[1], false, &[0, 3]),
        ]).collect()
    }, points: || {
        let of = |largest| ExtremeNorm { largest, dims: vec![0], keepdim: false };
        vec![
            point(of(true), &[&[1.0, -1.0, 0.5]], &[&[0.5, -0.5, 0.0]]),
            point(of(false), &[&[1.0, -1.0, 2.0]], &[&[0.5, -0.5, 0.0]]),
            point(of(true), &[&[0.0, 0.0]], &[&[0.0, 0.0]]),
            point(of(false), &[&[0.0, 3.0]], &[&[0.0, 0.0]]),
        ]
    } }
}

impl ExtremeNorm {
    fn signed(&self) -> Vec<i64> {
        self.dims.iter().map(|&d| d as i64).collect()
    }

    /// The result with the reduced dimensions kept.
    fn best(&self, size: &Array) -> Result<Array> {
        kernels::extreme(size, &self.dims, true, self.largest)
    }

    /// `v` times the derivative by each element; `v` has the reduced dimensions kept.
    fn scaled(&self, cx: &Ctx<'_>, v: &Tensor) -> Result<Tensor> {
        let x = cx.input(0)?;
        let kept = kernels::reduced_shape(cx.shape(0), &self.dims, true);
        let (size, norm) = (x.abs()?, cx.output()?.reshape(kept)?);
        let won = size.eq(&norm)?.add(&size.ne(&size)?)?.to(v.dtype())?;
        let count = won.sum_dims(&self.signed(), true)?;
        x.sign()?.mul(&v.div(&count)?.mul(&won)?)
    }
}

impl Op for ExtremeNorm {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.reduced(&self.dims, self.keepdim, |dims, keepdim| {
            Box::new(ExtremeNorm {
                dims,
                keepdim,
                largest: self.largest,
            })
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::extreme(
            &crate::ops::common::gate::magnitude(x[0])?,
            &self.dims,
            self.keepdim,
            self.largest,
        )
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0).and(Reads::OUTPUT)
    }
}

impl rules::Gate for ExtremeNorm {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let kept = kernels::reduced_shape(cx.shape(0), &self.dims, true);
        self.scaled(cx, &g.reshape(kept)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| {
            self.scaled(cx, t)?.sum_dims(&self.signed(), self.keepdim)
        })
    }
    /// The winners' signs, 0 for the others.
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        let size = crate::ops::common::gate::magnitude(x[0])?;
        let best = self.best(&size)?;
        dispatch!(float x[0].dtype(), T => {
            kernels::zip3(x[0], &size, &best, |a: T, size: T, best: T| {
                let won = size == best || size.is_nan();
                i64::from(won && a > T::ZERO) - i64::from(won && a < T::ZERO)
            })
        }, else Err(crate::ops::math::arith::needs_float(x[0])))
        .map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let signs = decision.to(x[0].dtype())?;
        let count = signs
            .abs()?
            .sum_dims(&self.signed(), self.keepdim)?
            .clamp_min(1.0)?;
        x[0].mul(&signs)?
            .sum_dims(&self.signed(), self.keepdim)?
            .div(&count)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let size = crate::ops::common::gate::magnitude(x[0])?;
        let best = self.best(&size)?;
        dispatch!(float x[0].dtype(), T => {
            let infinite = T::lit(f64::INFINITY);
            let off = crate::ops::common::gate::magnitude(&kernels::zip(&size, &best, |a: T, b: T| a - b)?)?;
            let won = kernels::zip(&size, &best, |a: T, b: T| a == b)?;
            let count = kernels::sum(&won, &self.dims, true)?;
            let others = kernels::zip(&off, &won, move |d: T, w: bool| if w { infinite } else { d })?;
            let nearest = kernels::extreme(&others, &self.dims, true, false)?;
            let lead = kernels::zip(&nearest, &count, |d: T, c: i64| if c > 1 { T::ZERO } else { d })?;
            // A winner's sign is decided too.
            let own = kernels::zip(&size, &lead, |size: T, lead: T| if size < lead { size } else { lead })?;
            kernels::zip3(&won, &own, &off, |w: bool, own: T, off: T| if w { own } else { off })
        }, else Err(crate::ops::math::arith::needs_float(x[0])))
        .map(Some)
    }
}
