//! Gradients kept small: by their norm together, or each element by itself.

use crate::core::fail::bail;
use crate::nn::repr::float;
use crate::{DType, Result, Tensor, no_grad, stack};

/// The gradients that there are.
fn gradients(parameters: &[Tensor]) -> Vec<Tensor> {
    parameters.iter().filter_map(Tensor::grad).collect()
}

/// The norm of all tensors' norms; 0 for none. PyTorch's `get_total_norm`.
///
/// # Errors
/// PyTorch's sentence for a norm that is not finite, where `error_if_nonfinite` asks for it.
#[track_caller]
pub fn get_total_norm(
    tensors: &[Tensor],
    norm_type: f64,
    error_if_nonfinite: bool,
) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        return Tensor::zeros((), DType::F32);
    };
    let _guard = no_grad();
    let norm = |t: &Tensor| {
        t.vector_norm(norm_type, &[], false, None)?
            .to(first.dtype())
    };
    let norms: Vec<Tensor> = tensors.iter().map(norm).collect::<Result<_>>()?;
    let total = stack(&norms.iter().collect::<Vec<_>>(), 0)?;
    let total = total.vector_norm(norm_type, &[], false, None)?;
    if error_if_nonfinite && !total.item_f64()?.is_finite() {
        bail!(
            Argument,
            "The total norm of order {} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`",
            float(norm_type)
        );
    }
    Ok(total)
}

/// Scales gradients by `max_norm` over a norm that is known, where that makes them smaller. PyTorch's `clip_grads_with_norm_`.
///
/// # Errors
/// Where another thread is at a gradient.
#[track_caller]
pub fn clip_grads_with_norm_(
    parameters: &[Tensor],
    max_norm: f64,
    total_norm: &Tensor,
) -> Result<()> {
    let _guard = no_grad();
    let max = Tensor::full((), max_norm, total_norm.dtype())?;
    let factor = max.div(&total_norm.add(1e-6)?)?.clamp_max(1.0)?;
    gradients(parameters)
        .iter()
        .try_for_each(|g| g.mul_(&factor.to(g.dtype())?))
}

/// Scales all gradients so that their Euclidean norm together is at most `max_norm`; gives the norm before. PyTorch's `clip_grad_norm_`.
///
/// ```
/// use pullback::nn::utils::clip_grad_norm_;
/// use pullback::Tensor;
/// let w = Tensor::from_slice(&[3.0f64, 4.0], [2])?.requires_grad_(true)?;
/// w.square()?.sum()?.backward()?;
/// assert_eq!(clip_grad_norm_(&[w.clone()], 1.0)?.item_f64()?, 10.0);
/// let norm = w.grad().unwrap().square()?.sum()?.sqrt()?.item_f64()?;
/// assert!((norm - 1.0).abs() < 1e-6);
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// Where another thread is at a gradient.
#[track_caller]
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64) -> Result<Tensor> {
    clip_grad_norm_with(parameters, max_norm, 2.0, false)
}

/// [`clip_grad_norm_`] by a norm of any order.
///
/// # Errors
/// PyTorch's sentence for a norm that is not finite, where `error_if_nonfinite` asks for it.
#[track_caller]
pub fn clip_grad_norm_with(
    parameters: &[Tensor],
    max_norm: f64,
    norm_type: f64,
    error_if_nonfinite: bool,
) -> Result<Tensor> {
    let total = get_total_norm(&gradients(parameters), norm_type, error_if_nonfinite)?;
    clip_grads_with_norm_(parameters, max_norm, &total)?;
    Ok(total)
}

/// Keeps every element of the gradients between `-clip_value` and `clip_value`. PyTorch's `clip_grad_value_`.
///
/// # Errors
/// Where another thread is at a gradient.
#[track_caller]
pub fn clip_grad_value_(parameters: &[Tensor], clip_value: f64) -> Result<()> {
    let _guard = no_grad();
    gradients(parameters).iter().try_for_each(|g| {
        g.clamp_min_(-clip_value)?;
        g.clamp_max_(clip_value)
    })
}
