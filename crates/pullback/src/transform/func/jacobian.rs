//! Matrices of derivatives, one pass per row (reverse) or column (forward), and products with the Hessian.
//!
//! Layouts are `torch.func`'s: the derivative of a result by an input has the result's sizes, then the input's.

use super::forward::Traced;
use super::reverse::pull;
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

/// The Jacobian by reverse mode: one backward for each element of the result. PyTorch's `torch.func.jacrev`.
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

/// The Jacobian by forward mode: one replay for each element of the inputs. PyTorch's `torch.func.jacfwd`.
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
        let mut columns = Vec::with_capacity(x.numel());
        for k in 0..x.numel() {
            let unit = unit(x, k)?;
            let mut tangents = vec![None; inputs.len()];
            tangents[i] = Some(&unit);
            let (y, dy) = traced.push(&tangents)?.remove(0);
            let dy = match dy {
                Some(dy) => dy,
                None => y.zeros_like()?,
            };
            columns.push(dy.reshape([dy.numel(), 1])?);
        }
        let dtype = traced.outputs[0].dtype();
        let joined = match columns.is_empty() {
            true => Tensor::zeros([out.numel(), 0], dtype)?,
            false => cat(&columns.iter().collect::<Vec<_>>(), 1)?,
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
        let mut parts: Vec<Vec<Tensor>> = vec![Vec::with_capacity(y.numel()); inputs.len()];
        for k in 0..y.numel() {
            let unit = unit(y, k)?;
            let mut weights = vec![None; values.len()];
            weights[r] = Some(&unit);
            let gradients = pullback.run(&weights, true, site)?;
            for (part, g) in parts.iter_mut().zip(gradients) {
                part.push(g.reshape([1, g.numel()])?);
            }
        }
        let joined = (parts.iter().zip(inputs)).map(|(part, x)| {
            let matrix = match part.is_empty() {
                true => Tensor::zeros([0, x.numel()], x.dtype())?,
                false => cat(&part.iter().collect::<Vec<_>>(), 0)?,
            };
            matrix.reshape(joint(y.shape(), x.shape()))
        });
        all.push(joined.collect::<Result<_>>()?);
    }
    Ok(all)
}

/// 1 at position `k` in row-major order, else 0.
fn unit(like: &Tensor, k: usize) -> Result<Tensor> {
    let data: Vec<f64> = (0..like.numel())
        .map(|i| f64::from(u8::from(i == k)))
        .collect();
    Tensor::from_slice(&data, like.shape().clone())?.to(like.dtype())
}

fn joint(a: &Shape, b: &Shape) -> Shape {
    let all: Vec<usize> = a.iter().chain(b.iter()).copied().collect();
    Shape::new(&all)
}
