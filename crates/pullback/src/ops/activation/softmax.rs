//! Smooth operations whose rules are written out both ways: softmax and its logarithm.
// Double-double has no assigning forms of `-` and `*`.
#![allow(clippy::assign_op_pattern)]

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::math::arith::needs_float;
use crate::{Array, Real, Result, Shape};
use pullback_array::{dispatch, exp_quick as exp, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

#[cfg(feature = "proof")]
fn rows<O: Op + Clone>(op: impl Fn(usize) -> O) -> Vec<Sample> {
    let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5];
    let at = |dim, from: &[usize]| Sample::new(op(dim), &[(from, &x[..from.iter().product()])]);
    vec![
        at(1, &[2, 3]),
        at(0, &[2, 3]),
        at(0, &[4]),
        at(1, &[1, 2, 3]),
        at(0, &[]),
        at(1, &[0, 3]),
    ]
}

/// From here on the room for a result is asked for before the first pass.
const LARGE: usize = 1 << 20;

/// Largest element and Σ exp(x - largest) of each run along `dim`, kept as size 1.
fn shifted<T: Real>(x: &Array, dims: &[usize]) -> Result<(Array, Array)> {
    // Elements that lie expanded may be more than the memory has room for: that is known before they are looked at.
    if x.layout().numel() > LARGE {
        pullback_array::room::<T>(x.layout().numel())?;
    }
    let top = kernels::reduce(x, dims, true, |run: kernels::Run<'_, T>| {
        run.fold(T::lit(f64::NEG_INFINITY), |m, a| {
            if a > m || a.is_nan() { a } else { m }
        })
    })?;
    let e = kernels::zip(x, &top, |a: T, m: T| (a - m).exp())?;
    let sum = kernels::sum(&e, dims, true)?;
    Ok((top, sum))
}

/// Whether `dim` is the last one, whose runs are neighbours.
fn last(x: &Shape, dim: usize) -> Option<usize> {
    (dim + 1 == x.len()).then(|| x[dim])
}

/// The largest number of a run, or NaN if it has one.
#[inline(always)]
fn largest<T: Real>(run: &[T]) -> T {
    let more = |m: T, a: T| if a > m || a.is_nan() { a } else { m };
    lanes(run, T::lit(f64::NEG_INFINITY), |m, &a| more(m, a), more)
}

/// A fold in eight lanes, which are joined last: loops over it become vector code.
#[inline(always)]
pub(in crate::ops) fn lanes<A, T: Copy>(
    run: &[A],
    start: T,
    add: impl Fn(T, &A) -> T,
    join: impl Fn(T, T) -> T,
) -> T {
    let mut all = [start; 8];
    let (whole, rest) = run.as_chunks::<8>();
    for chunk in whole {
        for k in 0..8 {
            all[k] = add(all[k], &chunk[k]);
        }
    }
    let total = rest.iter().fold(start, add);
    let [a, b, c, d, e, f, g, h] = all;
    let (low, high) = (join(join(a, b), join(c, d)), join(join(e, f), join(g, h)));
    join(total, join(low, high))
}

/// Softmax of a run, in place.
#[inline(always)]
pub(in crate::ops) fn softmax_run<T: Real>(run: &mut [T]) {
    let top = largest(run);
    run.iter_mut().for_each(|x| *x = exp(*x - top));
    let sum = lanes(run, T::ZERO, |s, &x| s + x, |a, b| a + b);
    run.iter_mut().for_each(|x| *x = *x / sum);
}

/// What softmax sends back, and its tangent: the Jacobian diag(y) - y yᵀ is symmetric. In one loop unless `recorded`.
pub(in crate::ops) fn pull_softmax(
    y: &Tensor,
    v: &Tensor,
    dim: usize,
    recorded: bool,
) -> Result<Tensor> {
    if let (false, Some(len)) = (recorded, last(y.shape(), dim)) {
        let (y, v) = (&y.array(), &v.array());
        return dispatch!(float y.dtype(), T => kernels::lines(v, [y], len, #[inline(always)] |_, g: &mut [T], [y]| {
            let sum = g.iter().zip(y).fold(T::ZERO, |s, (&g, &y)| s + g * y);
            g.iter_mut().zip(y).for_each(|(g, &y)| *g = y * (*g - sum));
        }), else Err(needs_float(y)))
        .map(Tensor::from_array);
    }
    let dim = if y.ndim() == 0 {
        vec![]
    } else {
        vec![dim as i64]
    };
    y.mul(&v.sub(&v.mul(y)?.sum_dims(&dim, true)?)?)
}

fn dims(x: &Array, dim: usize) -> Vec<usize> {
    if x.rank() == 0 { vec![] } else { vec![dim] }
}

/// `softmax(x)`.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// The dimension, resolved.
    pub dim: usize,
}
define! { Softmax: General "softmax", "torch.softmax";
    summary: "Exponentials along a dimension, scaled to sum to one.";
    formula: "yᵢ = e^{xᵢ} / Σⱼ e^{xⱼ}";
    derivative: "y·(g - Σ g·y)";
    proof: { samples: || rows(|dim| Softmax { dim }) }
}

impl Op for Softmax {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.along(self.dim, |dim| Box::new(Softmax { dim }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => match last(x[0].shape(), self.dim) {
            Some(len) => kernels::lines(x[0], [], len, #[inline(always)] |_, run: &mut [T], []| softmax_run(run)),
            None => {
                let x = &x[0].contiguous()?;
                let (top, sum) = shifted::<T>(x, &dims(x, self.dim))?;
                kernels::zip3(x, &top, &sum, |a: T, m: T, s: T| (a - m).exp() / s)
            }
        }, else Err(needs_float(x[0])))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for Softmax {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        pull_softmax(&cx.output()?, g, self.dim, !cx.unobserved())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| pull_softmax(&cx.output()?, t, self.dim, true))
    }
}

/// `ln softmax(x)`.
#[derive(Clone, Debug)]
pub struct LogSoftmax {
    /// The dimension, resolved.
    pub dim: usize,
}
define! { LogSoftmax: General "log_softmax", "torch.log_softmax";
    summary: "Logarithm of softmax, without overflow on the way.";
    formula: "yᵢ = xᵢ - ln Σⱼ e^{xⱼ}";
    derivative: "g - e^y·Σ g";
    proof: { samples: || rows(|dim| LogSoftmax { dim }) }
}

impl Op for LogSoftmax {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.along(self.dim, |dim| Box::new(LogSoftmax { dim }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => match last(x[0].shape(), self.dim) {
            Some(len) => kernels::lines(x[0], [], len, #[inline(always)] |_, run: &mut [T], []| {
                let top = largest(run);
                let sum = lanes(run, T::ZERO, |s, &x| s + exp(x - top), |a, b| a + b).ln();
                run.iter_mut().for_each(|x| *x = *x - top - sum);
            }),
            None => {
                let x = &x[0].contiguous()?;
                let (top, sum) = shifted::<T>(x, &dims(x, self.dim))?;
                kernels::zip3(x, &top, &sum, |a: T, m: T, s: T| a - m - s.ln())
            }
        }, else Err(needs_float(x[0])))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for LogSoftmax {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let y = cx.output()?;
        let plain = cx.unobserved();
        if let (true, Some(len)) = (plain, last(y.shape(), self.dim)) {
            let (y, g) = (&y.array(), &g.array());
            return dispatch!(float y.dtype(), T => kernels::lines(g, [y], len, #[inline(always)] |_, g: &mut [T], [y]| {
                let sum = lanes(g, T::ZERO, |s, &g| s + g, |a, b| a + b);
                g.iter_mut().zip(y).for_each(|(g, &y)| *g = *g - exp(y) * sum);
            }), else Err(needs_float(y)))
            .map(Tensor::from_array);
        }
        let dim = if y.ndim() == 0 {
            vec![]
        } else {
            vec![self.dim as i64]
        };
        g.sub(&y.exp()?.mul(&g.sum_dims(&dim, true)?)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let y = cx.output()?;
        let dim = if y.ndim() == 0 {
            vec![]
        } else {
            vec![self.dim as i64]
        };
        sum_terms(t, |_, t| t.sub(&y.exp()?.mul(t)?.sum_dims(&dim, true)?))
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Exponentials along `dim`, scaled to sum to one.
    #[track_caller]
    pub fn softmax(&self, dim: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        apply(Softmax { dim }, &[self], site)
    }

    /// Logarithm of [`Tensor::softmax`], without overflow on the way.
    #[track_caller]
    pub fn log_softmax(&self, dim: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        apply(LogSoftmax { dim }, &[self], site)
    }
}
