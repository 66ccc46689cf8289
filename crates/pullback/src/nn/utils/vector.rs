//! All parameters as one vector, and back.

use crate::core::fail::ensure;
use crate::{Result, Tensor, cat, no_grad};

/// One vector of all parameters' elements, in order; gradients flow through it. PyTorch's `parameters_to_vector`.
///
/// ```
/// use pullback::nn::utils::{parameters_to_vector, vector_to_parameters};
/// use pullback::nn::{Linear, Module};
/// let layer = Linear::new(2, 3)?;
/// let all = parameters_to_vector(&layer.parameters())?;
/// assert_eq!(all.shape()[..], [9]);
/// vector_to_parameters(&all.detach().zeros_like()?, &layer.parameters())?;
/// assert_eq!(layer.weight.to_vec::<f32>()?, [0.0; 6]);
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// For no parameters, or such of different dtypes.
#[track_caller]
pub fn parameters_to_vector(parameters: &[Tensor]) -> Result<Tensor> {
    let flat: Vec<Tensor> = parameters
        .iter()
        .map(Tensor::flatten)
        .collect::<Result<_>>()?;
    cat(&flat.iter().collect::<Vec<_>>(), 0)
}

/// Writes a vector's elements into parameters, in order. PyTorch's `vector_to_parameters`.
///
/// # Errors
/// For a vector of another length, which PyTorch lets pass where it is longer.
#[track_caller]
pub fn vector_to_parameters(vec: &Tensor, parameters: &[Tensor]) -> Result<()> {
    let count: usize = parameters.iter().map(Tensor::numel).sum();
    ensure!(
        vec.ndim() == 1 && vec.numel() == count,
        Shape,
        "the parameters have {count} elements, but the vector has shape {}",
        vec.shape()
    );
    let _guard = no_grad();
    let mut at = 0;
    parameters.iter().try_for_each(|p| {
        let part = vec.narrow(0, at, p.numel())?;
        at += p.numel();
        p.copy_(&part.view_as(p)?)
    })
}
