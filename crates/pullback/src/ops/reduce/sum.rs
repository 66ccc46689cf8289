//! Sums, means and products over dimensions.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::ctx::conjugate;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::math::arith::needs_float;
use crate::ops::reduce::scan::{other_products, zeros};
use crate::{Array, DType, Real, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

/// Dimensions as positive numbers in order; an empty list means all.
///
/// # Errors
/// PyTorch's sentences for a dimension out of range or named twice.
pub(crate) fn resolve(x: &Tensor, dims: &[i64]) -> Result<Vec<usize>> {
    if dims.is_empty() {
        return Ok((0..x.ndim()).collect());
    }
    let mut out = Vec::with_capacity(dims.len());
    for &d in dims {
        let d = x.shape().dim(d)?;
        if out.contains(&d) {
            bail!(Shape, "dim {d} appears multiple times in the list of dims");
        }
        if d < x.ndim() {
            out.push(d);
        }
    }
    out.sort_unstable();
    Ok(out)
}

/// `g` with the reduced dimensions back, stretched to the input's shape.
pub(in crate::ops) fn spread(
    g: &Tensor,
    cx: &Ctx<'_>,
    dims: &[usize],
    keepdim: bool,
) -> Result<Tensor> {
    let shape = cx.shape(0);
    if keepdim {
        g.expand(shape)
    } else {
        g.reshape(kernels::reduced_shape(shape, dims, true))?
            .expand(shape)
    }
}

#[cfg(feature = "proof")]
fn over<O: Op + Clone>(op: impl Fn(Vec<usize>, bool) -> O) -> Vec<Sample> {
    let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5];
    let at = |dims: &[usize], keepdim, from: &[usize]| {
        Sample::new(
            op(dims.to_vec(), keepdim),
            &[(from, &x[..from.iter().product()])],
        )
    };
    vec![
        at(&[0, 1], false, &[2, 3]),
        at(&[0], false, &[2, 3]),
        at(&[1], true, &[2, 3]),
        at(&[0, 2], true, &[1, 2, 3]),
        at(&[], false, &[]),
        at(&[0], false, &[2, 0]),
    ]
}

reduction! {
    /// Sum over dimensions.
    Sum
}
define! { Sum: Linear "sum", "torch.sum";
    summary: "Sum over dimensions; integers and bools add up in int64.";
    formula: "Σ x";
    derivative: "g, repeated over the summed dimensions";
    node by |made| if made.whole() { "SumBackward0" } else { "SumBackward1" };
    proof: { samples: || over(|dims, keepdim| Sum { dims, keepdim }) }
}

impl Op for Sum {
    common!(pieces, over_dims);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::sum(x[0], &self.dims, self.keepdim)
    }
}

impl rules::Linear for Sum {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        spread(g, cx, &self.dims, self.keepdim)
    }
}

reduction! {
    /// Mean over dimensions.
    Mean
}
define! { Mean: Linear "mean", "torch.mean";
    summary: "Mean over dimensions.";
    formula: "Σ x / n";
    derivative: "g / n, repeated over the averaged dimensions";
    convention: "the mean of nothing is NaN";
    node by |made| if made.whole() { "MeanBackward0" } else { "MeanBackward1" };
    proof: { samples: || over(|dims, keepdim| Mean { dims, keepdim }) }
}

impl Op for Mean {
    common!(pieces, over_dims);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        ensure!(
            x[0].dtype().is_float(),
            Unsupported,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}",
            x[0].dtype().scalar_type_name()
        );
        let sum = kernels::total(x[0], &self.dims, self.keepdim)?;
        let n: usize = self.dims.iter().map(|&d| x[0].shape()[d]).product();
        dispatch!(float sum.dtype(), T => {
            let n = T::lit(n as f64);
            kernels::map_assign(&sum, |s: T| s / n)?;
        }, else return Err(needs_float(x[0])));
        Ok(sum)
    }
}

impl rules::Linear for Mean {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let n: usize = self.dims.iter().map(|&d| cx.shape(0)[d]).product();
        spread(&g.div(n as f64)?, cx, &self.dims, self.keepdim)
    }
}

/// Product over all dimensions or one.
#[derive(Clone, Debug)]
pub struct Prod {
    /// The dimension, resolved; all for `None`.
    pub dim: Option<usize>,
    /// Whether it stays, with size 1.
    pub keepdim: bool,
}
define! { Prod: General "prod", "torch.prod";
    summary: "Product over all dimensions or one; integers and bools multiply in int64.";
    formula: "Π x";
    derivative: "g·y/x; where there are zeros, g times the product of the others";
    convention: "zeros have their exact gradient, to every order";
    node by |made| if made.whole() { "ProdBackward0" } else { "ProdBackward1" };
    proof: { samples: || {
        let x = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5];
        let of = |dim, keepdim, shape: &[usize]| {
            Sample::new(Prod { dim, keepdim }, &[(shape, &x[..shape.iter().product()])])
        };
        vec![of(None, false, &[2, 3]), of(Some(1), true, &[2, 3]), of(Some(0), false, &[2, 3]), of(None, false, &[]), of(Some(0), false, &[0, 2])]
    }, points: || {
        let all = || Prod { dim: None, keepdim: false };
        vec![
            point(all(), &[&[0.0, 1.0, 2.0]], &[&[2.0, 0.0, 0.0]]),
            point(all(), &[&[0.0, 3.0, 0.0]], &[&[0.0, 0.0, 0.0]]),
            point(Prod { dim: Some(0), keepdim: false }, &[&[4.0, 0.0, 2.0]], &[&[0.0, 8.0, 0.0]]),
        ]
    } }
}

impl Prod {
    fn dims(&self, rank: usize) -> Vec<usize> {
        match self.dim {
            Some(d) if rank > 0 => vec![d],
            _ => (0..rank).collect(),
        }
    }

    /// The derivative by each element, if `zeros` of them are 0.
    fn slopes(&self, x: &Tensor, y: &Tensor, zeros: usize) -> Result<Tensor> {
        if zeros == 0 {
            return y
                .reshape(kernels::reduced_shape(
                    x.shape(),
                    &self.dims(x.ndim()),
                    true,
                ))?
                .div(x);
        }
        match self.dim {
            Some(dim) => other_products(x, dim),
            None => other_products(&x.flatten()?, 0)?.reshape(x.shape()),
        }
    }
}

impl Op for Prod {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let keepdim = self.keepdim;
        match self.dim {
            Some(dim) if batch.rank(0) > 0 => {
                let dim = Some(dim + 1);
                batch.apply(&Prod { dim, keepdim }, &[batch.get(0)])
            }
            _ => {
                let op = Prod {
                    dim: Some(1),
                    keepdim: false,
                };
                let Some(found) = batch.apply(&op, &[&batch.flat(0)?])? else {
                    return Ok(None);
                };
                let mut ones = batch.over(&[]);
                (0..batch.rank(0)).for_each(|_| ones.push(1));
                match keepdim {
                    true => batch.one(found[0].reshape(ones)),
                    false => Ok(Some(found)),
                }
            }
        }
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::prod(x[0], &self.dims(x[0].rank()), self.keepdim)
    }
}

impl rules::General for Prod {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        if cx.shape(0).is_empty() {
            return Ok(g.clone());
        }
        let x = cx.input(0)?;
        let zeros = zeros(&x)?;
        if self.dim.is_none() && zeros > 1 && cx.unobserved() {
            return x.zeros_like();
        }
        let slopes = conjugate(self.slopes(&x, &cx.output()?, zeros)?)?;
        spread(g, cx, &self.dims(x.ndim()), self.keepdim)?.mul(&slopes)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let x = cx.input(0)?;
        if x.ndim() == 0 {
            return sum_terms(t, |_, t| Ok(t.clone()));
        }
        let zeros = zeros(&x)?;
        if self.dim.is_none() && zeros > 1 && !x.requires_grad() && !crate::core::mode::watched() {
            return cx.output()?.zeros_like();
        }
        let slopes = self.slopes(&x, &cx.output()?, zeros)?;
        let dims: Vec<i64> = self.dims(x.ndim()).iter().map(|&d| d as i64).collect();
        sum_terms(t, |_, t| t.mul(&slopes)?.sum_dims(&dims, self.keepdim))
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Product of all elements; integers and bools multiply in int64. Zeros have their exact gradient.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[0.0f32, 2.0, 3.0], [3])?.requires_grad_(true)?;
    /// x.prod()?.backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [6.0, 0.0, 0.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn prod(&self) -> Result<Tensor> {
        let all = Prod {
            dim: None,
            keepdim: false,
        };
        apply(all, &[self], Location::caller())
    }

    /// Product over `dim`, which stays with size 1 if `keepdim`.
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn prod_dim(&self, dim: i64, keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dim = self.shape().dim(dim)?;
        let op = Prod {
            dim: Some(dim),
            keepdim,
        };
        apply(op, &[self], site)
    }

    /// Sum of all elements.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// assert_eq!(Tensor::arange(5)?.sum()?.item_f64()?, 10.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Result<Tensor> {
        self.sum_dims(&[], false)
    }

    /// Sum over `dims` (all if empty), which stay with size 1 if `keepdim`.
    ///
    /// # Errors
    /// For a dimension out of range or named twice.
    #[track_caller]
    pub fn sum_dims(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dims = resolve(self, dims)?;
        apply(Sum { dims, keepdim }, &[self], site)
    }

    /// Mean of all elements.
    ///
    /// # Errors
    /// For integers, in PyTorch's words.
    #[track_caller]
    pub fn mean(&self) -> Result<Tensor> {
        self.mean_dims(&[], false)
    }

    /// Mean over `dims` (all if empty), which stay with size 1 if `keepdim`.
    ///
    /// # Errors
    /// For integers; for a dimension out of range or named twice.
    #[track_caller]
    pub fn mean_dims(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dims = resolve(self, dims)?;
        apply(Mean { dims, keepdim }, &[self], site)
    }

    /// Whether every element is finite.
    pub fn all_finite(&self) -> Result<bool> {
        dispatch!(float self.dtype(), T => Ok(crate::ops::common::operand::once(&self.array())?.numbers::<T>()?.into_iter().all(Real::is_finite)), else Ok(self.dtype() != DType::F32))
    }
}
