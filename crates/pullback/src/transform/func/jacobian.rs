//! Matrices of derivatives, all rows (reverse) or columns (forward) as one batch, and products with the Hessian.
//!
//! Layouts are `torch.func`'s: the derivative of a result by an input has the result's sizes, then the input's.

use super::forward::Traced;
use super::reverse::pull;
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
/// let j = func::jacobian(|x| x[0].square(), &[&x])?;
/// assert_eq!(j[0].to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn jacobian(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    jacrev(f, inputs)
}

/// The Jacobian by reverse mode: one backward for all elements of the result. PyTorch's `torch.func.jacrev`.
///
/// # Errors
/// As [`super::vjp`].
#[track_caller]
pub fn jacrev(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let site = Location::caller();
    rows(|x| f(x).map(|y| vec![y]), inputs, site).map(|mut all| all.remove(0))
}

/// The Jacobian by forward mode: one replay for all elements of an input. PyTorch's `torch.func.jacfwd`.
///
/// # Errors
/// As [`super::jvp`].
#[track_caller]
pub fn jacfwd(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let traced = Traced::new(|x| f(x).map(|y| vec![y]), inputs)?;
    let out = traced.outputs[0].shape().clone();
    let mut all = Vec::with_capacity(inputs.len());
    for (i, x) in inputs.iter().enumerate() {
        let found = along_units(x, &[out.numel()], |unit| {
            let mut tangents = vec![None; inputs.len()];
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
    Ok(all)
}

/// The second derivatives: element `[i][j]` is the derivative by inputs `i` and `j`, with the sizes of the result, of input
/// `i` and of input `j`. PyTorch's `torch.func.hessian`.
///
/// # Errors
/// As [`super::vjp`].
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0], [2])?;
/// let h = func::hessian(|x| x[0].pow(3)?.sum(), &[&x])?;
/// assert_eq!(h[0][0].to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn hessian(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
) -> Result<Vec<Vec<Tensor>>> {
    let site = Location::caller();
    let inner = |x: &[Tensor]| {
        let lent: Vec<&Tensor> = x.iter().collect();
        let rows = rows(|x| f(x).map(|y| vec![y]), &lent, site)?;
        Ok(rows.into_iter().flatten().collect())
    };
    rows(inner, inputs, site)
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
/// let (y, hv) = func::hvp(|x| x[0].pow(3)?.sum(), &[&x], &[&v])?;
/// assert_eq!(y.item_f64()?, 9.0);
/// assert_eq!(hv[0].to_vec::<f64>()?, [6.0, 120.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn hvp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    v: &[&Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    let site = Location::caller();
    let inner = |x: &[Tensor]| {
        let lent: Vec<&Tensor> = x.iter().collect();
        let (y, g) = super::value_and_grad(f, &lent)?;
        Ok([vec![y], g].concat())
    };
    let (mut values, pullback) = pull(inner, inputs, site)?;
    let weights: Vec<Option<&Tensor>> = std::iter::once(None)
        .chain(v.iter().map(|v| Some(*v)))
        .collect();
    let product = pullback.run(&weights, false, site)?;
    Ok((values.remove(0), product))
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
        let how = Vmap {
            randomness: Randomness::Same,
            ..Vmap::default()
        };
        let found = match count {
            // One needs no batch.
            1 => (f(&units.select(0, 0)?)?.iter())
                .map(|t| t.unsqueeze(0))
                .collect::<Result<Vec<_>>>()?,
            _ => how.run(|own| f(&own[0]), &[&units])?,
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
