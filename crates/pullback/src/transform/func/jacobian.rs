//! Matrices of derivatives, all rows (reverse) or columns (forward) as one batch, and products with the Hessian.
//!
//! Layouts are `torch.func`'s: the derivative of a result by an input has the result's sizes, then the input's.

use super::form::{Inputs, Tensors};
use super::forward::Traced;
use super::reverse::{gradients, pull};
use super::vmap::{Randomness, Vmap};
use crate::core::tensor::Tensor;
use crate::{Result, Shape, cat};
use std::panic::Location;

/// The Jacobian of `f` by each input. PyTorch's `torch.autograd.functional.jacobian`; reverse mode, as [`jacrev`].
///
/// # Errors
/// As [`super::vjp`].
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0], [2])?;
/// let j = func::jacobian(|x| x.square(), &x)?;
/// assert_eq!(j.to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn jacobian<I: Inputs>(f: impl FnOnce(&I::Own) -> Result<Tensor>, inputs: I) -> Result<I::Own> {
    jacrev(f, inputs)
}

/// The Jacobian by reverse mode: one backward for all elements of the result. PyTorch's `torch.func.jacrev`.
///
/// # Errors
/// As [`super::vjp`].
#[track_caller]
pub fn jacrev<I: Inputs>(f: impl FnOnce(&I::Own) -> Result<Tensor>, inputs: I) -> Result<I::Own> {
    let site = Location::caller();
    let one = |x: &[Tensor]| f(&inputs.own(x.to_vec())?).map(|y| vec![y]);
    inputs.own(rows(one, &inputs.tensors(), site)?.remove(0))
}

/// The Jacobian by forward mode: one replay for all elements of an input. PyTorch's `torch.func.jacfwd`.
///
/// # Errors
/// As [`super::jvp`].
#[track_caller]
pub fn jacfwd<I: Inputs>(f: impl FnOnce(&I::Own) -> Result<Tensor>, inputs: I) -> Result<I::Own> {
    let own = inputs.tensors();
    let one = |x: &[Tensor]| f(&inputs.own(x.to_vec())?).map(|y| vec![y]);
    let traced = Traced::new(one, &own)?;
    let out = traced.outputs[0].shape().clone();
    let mut all = Vec::with_capacity(own.len());
    for (i, x) in own.iter().enumerate() {
        let found = along_units(x, &[out.numel()], |unit| {
            let mut tangents = vec![None; own.len()];
            tangents[i] = Some(unit);
            let (y, dy) = traced.push(&tangents)?.remove(0);
            let dy = dy.map_or_else(|| y.zeros_like(), Ok)?;
            Ok(vec![dy])
        })?;
        let dtype = traced.outputs[0].dtype();
        let joined = match &found[0] {
            Some(rows) => rows.movedim(&[0], &[-1])?,
            None => Tensor::zeros([out.numel(), 0], dtype)?,
        };
        all.push(joined.reshape(joint(&out, x.shape()))?);
    }
    inputs.own(all)
}

/// The second derivatives: a tensor for one input; for several, element `[i][j]` is the derivative by inputs `i` and `j`, with the sizes of the result, of input
/// `i` and of input `j`. PyTorch's `torch.func.hessian`.
///
/// # Errors
/// As [`super::vjp`].
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0], [2])?;
/// let h = func::hessian(|x| x.pow(3)?.sum(), &x)?;
/// assert_eq!(h.to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0]);
/// let c = Tensor::scalar(3.0f64);
/// let [[_, xc], [cx, cc]] = func::hessian(|[x, c]| x.mul(c)?.sum()?.square(), [&x, &c])?;
/// assert_eq!((xc.to_vec::<f64>()?, cc.item_f64()?), (vec![36.0, 36.0], 18.0));
/// assert_eq!(cx.to_vec::<f64>()?, [36.0, 36.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn hessian<I: Inputs>(
    f: impl FnOnce(&I::Own) -> Result<Tensor>,
    inputs: I,
) -> Result<<I::Own as Tensors>::Pairs> {
    let site = Location::caller();
    let inner = |x: &[Tensor]| {
        let lent: Vec<&Tensor> = x.iter().collect();
        let one = |x: &[Tensor]| f(&inputs.own(x.to_vec())?).map(|y| vec![y]);
        let rows = rows(one, &lent, site)?;
        Ok(rows.into_iter().flatten().collect())
    };
    let own = inputs.tensors();
    let form = inputs.own(own.iter().map(|&t| t.clone()).collect())?;
    form.pairs(rows(inner, &own, site)?)
}

/// The value of a function with one number as its result, and its Hessian times `v` (one direction per input), by one
/// backward through a gradient. PyTorch's `torch.autograd.functional.hvp`.
///
/// # Errors
/// As [`super::grad`]; where a direction has another shape than its input.
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0], [2])?;
/// let v = Tensor::from_slice(&[1.0f64, 10.0], [2])?;
/// let (y, hv) = func::hvp(|x| x.pow(3)?.sum(), &x, &v)?;
/// assert_eq!(y.item_f64()?, 9.0);
/// assert_eq!(hv.to_vec::<f64>()?, [6.0, 120.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn hvp<I: Inputs>(
    f: impl FnOnce(&I::Own) -> Result<Tensor>,
    inputs: I,
    v: impl Inputs<Own = I::Own>,
) -> Result<(Tensor, I::Own)> {
    let site = Location::caller();
    let inner = |x: &[Tensor]| {
        let lent: Vec<&Tensor> = x.iter().collect();
        let own = |x: &[Tensor]| f(&inputs.own(x.to_vec())?).map(|y| (y, ()));
        let ((y, ()), g) = gradients(own, &lent, site)?;
        Ok([vec![y], g].concat())
    };
    let (mut values, pullback) = pull(inner, &inputs.tensors(), site)?;
    let v = v.tensors();
    let weights: Vec<Option<&Tensor>> = std::iter::once(None)
        .chain(v.into_iter().map(Some))
        .collect();
    let product = pullback.run(&weights, false, site)?;
    Ok((values.remove(0), inputs.own(product)?))
}

/// Jacobians of several results by each input.
fn rows(
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Vec<Vec<Tensor>>> {
    let (values, pullback) = pull(f, inputs, site)?;
    let mut all = Vec::with_capacity(values.len());
    for (r, y) in values.iter().enumerate() {
        let sizes: Vec<usize> = inputs.iter().map(|x| x.numel()).collect();
        let found = along_units(y, &sizes, |unit| {
            let mut weights = vec![None; values.len()];
            weights[r] = Some(unit);
            pullback.run(&weights, true, site)
        })?;
        let joined = (found.into_iter().zip(inputs)).map(|(rows, x)| match rows {
            Some(rows) => rows.reshape(joint(y.shape(), x.shape())),
            None => Tensor::zeros(joint(y.shape(), x.shape()), x.dtype()),
        });
        all.push(joined.collect::<Result<_>>()?);
    }
    Ok(all)
}

/// Elements that are worked on at once: a batch of more rows goes in several.
const AT_ONCE: usize = 1 << 26;

/// What `f` gives for each unit vector of `like`'s shape, stacked, as many results as `sizes` says they have elements; `None` where
/// there are no unit vectors.
fn along_units(
    like: &Tensor,
    sizes: &[usize],
    f: impl Fn(&Tensor) -> Result<Vec<Tensor>>,
) -> Result<Vec<Option<Tensor>>> {
    let n = like.numel();
    let largest = sizes.iter().copied().max().unwrap_or(1).max(n).max(1);
    let step = (AT_ONCE / largest).max(1);
    let mut parts: Vec<Vec<Tensor>> = vec![Vec::new(); sizes.len()];
    for start in (0..n).step_by(step) {
        let count = step.min(n - start);
        let units = Tensor::zeros([count, n], like.dtype())?;
        units.diagonal(start as i64, 0, 1)?.fill_(1.0)?;
        let units = units.reshape([&[count], &like.shape()[..]].concat())?;
        let how = Vmap::default().randomness(Randomness::Same);
        let found = match count {
            // One needs no batch.
            1 => (f(&units.select(0, 0)?)?.iter())
                .map(|t| t.unsqueeze(0))
                .collect::<Result<Vec<_>>>()?,
            _ => how.lists(|own| f(&own[0]), &[&units])?,
        };
        for (part, t) in parts.iter_mut().zip(found) {
            part.push(t);
        }
    }
    (parts.iter())
        .map(|part| match &part[..] {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            all => cat(&all.iter().collect::<Vec<_>>(), 0).map(Some),
        })
        .collect()
}

fn joint(a: &Shape, b: &Shape) -> Shape {
    let all: Vec<usize> = a.iter().chain(b.iter()).copied().collect();
    Shape::new(&all)
}
