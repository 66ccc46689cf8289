//! Small conversions between tensors and the numbers that the checker works with.

use crate::{Array, Dd, Element, Number, Result, Tensor};

/// A number in ±[½, 1½] for each element, the same for the same seed.
pub(super) fn probe(shape: &crate::Shape, seed: u64) -> Result<Tensor> {
    let mut rng = pullback_random::numpy::default_rng(seed);
    let data: Vec<f64> = rng
        .random(shape.numel())
        .iter()
        .map(|u| if *u < 0.5 { u + 0.5 } else { -u })
        .collect();
    // In quarters of a thousandth, so that the weights are exact in every dtype.
    let data: Vec<f64> = data.iter().map(|x| (x * 1024.0).round() / 1024.0).collect();
    Tensor::from_slice(&data, shape.clone())
}

/// The function's result as one number: itself, or a weighted sum of its elements.
pub(super) fn reduced(y: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    match weights {
        None if y.ndim() == 0 => Ok(y.clone()),
        None => y.reshape(crate::Shape::scalar()),
        Some(w) => y.mul(&w.to(y.dtype())?)?.sum(),
    }
}

/// A leaf over a tensor's numbers; integers stay as they are.
pub(super) fn leaf(t: &Tensor) -> Result<Tensor> {
    let own = Tensor::from_array(t.array().clone());
    if own.dtype().is_float() {
        own.requires_grad_(true)
    } else {
        Ok(own)
    }
}

/// The gradient of one number by its leaves; zeros where it does not depend on one.
pub(super) fn gradients<T: Element>(y: &Tensor, leaves: &[Tensor]) -> Result<Vec<Option<Vec<T>>>> {
    let floats: Vec<&Tensor> = leaves.iter().filter(|t| t.dtype().is_float()).collect();
    let found = if y.requires_grad() {
        crate::grad(
            &[(y, None)],
            &floats,
            crate::BackwardOptions {
                allow_unused: true,
                ..crate::BackwardOptions::NEW
            },
        )?
    } else {
        vec![None; floats.len()]
    };
    let mut found = found.into_iter();
    leaves
        .iter()
        .map(|t| {
            if !t.dtype().is_float() {
                return Ok(None);
            }
            match found.next().flatten() {
                Some(g) => g.to_vec::<T>().map(Some),
                None => Ok(Some(vec![T::default(); t.numel()])),
            }
        })
        .collect()
}

/// The one number of a tensor, exactly.
pub(super) fn number(t: &Tensor) -> Result<Dd> {
    Ok(match t.number()? {
        Number::Dd(x) => x,
        other => Dd::from(other.to_f64()),
    })
}

/// One element of an array changed, in the array's dtype, as `theta[i] = value` does.
pub(super) fn with_element(t: &Tensor, flat: usize, value: f64) -> Result<Tensor> {
    let out = Tensor::from_array(t.array().copy()?);
    let line = Tensor::from_array(out.array().reshape(&crate::Shape::new(&[t.numel()]))?);
    line.set(flat as i64, value)?;
    Ok(out)
}

/// An element as `f64`.
pub(super) fn element(a: &Array, flat: usize) -> Result<f64> {
    a.reshape(&crate::Shape::new(&[a.numel()]))?
        .select(0, flat)?
        .item()
        .map(Number::to_f64)
}
