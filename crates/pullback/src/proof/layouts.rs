//! The same numbers lying otherwise in memory: results must not depend on where elements lie.

use crate::{Array, Layout, Number, Result, Shape};
use pullback_array::kernels;

/// Copies of `x` with the same shape and numbers: transposed in memory, every other element of a larger array full of
/// NaN, and backwards.
pub(super) fn variants(x: &Array) -> Result<Vec<(&'static str, Array)>> {
    let mut out = vec![("spread over a larger array", spread(x)?)];
    if x.rank() > 1 {
        let back: Vec<usize> = (0..x.rank()).rev().collect();
        let turned = x.view(x.layout().permute(&back))?.copy()?;
        let turned = turned.view(turned.layout().permute(&back))?;
        out.push(("transposed in memory", turned));
    }
    if x.rank() > 0 && x.numel() > 0 {
        out.push(("backwards in memory", backwards(x)?));
    }
    Ok(out)
}

fn spread(x: &Array) -> Result<Array> {
    let sizes: Vec<usize> = x.shape().iter().map(|n| 2 * n + 1).chain([3]).collect();
    let room = Array::zeros(Shape::new(&sizes), x.dtype())?;
    if x.dtype().is_float() {
        kernels::fill(&room, Number::Float(f64::NAN))?;
    }
    let mut view = room.select(x.rank(), 1)?;
    for dim in 0..x.rank() {
        view = view.slice(dim, 1, x.shape()[dim], 2)?;
    }
    kernels::assign(&view, x)?;
    Ok(view)
}

fn backwards(x: &Array) -> Result<Array> {
    let flip = |a: &Array| -> Result<Array> {
        let strides: Vec<isize> = a.layout().strides().iter().map(|s| -s).collect();
        a.view(Layout::new(a.shape().clone(), &strides, a.numel() - 1))
    };
    let turned = flip(&x.copy()?)?.copy()?;
    flip(&turned)
}

/// Views with one dimension repeated (stride 0), each with a plain copy of the same numbers.
pub(super) fn repeated(x: &Array) -> Result<Vec<(Array, Array)>> {
    (0..x.rank())
        .filter(|&d| x.shape()[d] > 1)
        .map(|dim| {
            let view = x.slice(dim, 0, 1, 1)?.expand(x.shape())?;
            let copy = view.copy()?;
            Ok((view, copy))
        })
        .collect()
}
