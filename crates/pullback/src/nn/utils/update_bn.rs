//! Running statistics measured anew, of weights that were never trained with: averaged ones.

use crate::Result;
use crate::nn::mode;

/// Measures the running statistics of all batch normalisations that `forward` comes by anew: their means over all batches. PyTorch's
/// `optim.swa_utils.update_bn`.
///
/// `forward` runs the model; its thread trains meanwhile, and nothing is recorded. A normalisation forgets what it had when it is first come by.
///
/// ```
/// use pullback::nn::{utils::update_bn, BatchNorm1d, Layer};
/// use pullback::{Result, tensor};
/// let layer = BatchNorm1d::new(1)?;
/// let batches = [tensor![[1.0], [3.0]], tensor![[5.0], [7.0]]];
/// update_bn(batches.iter().map(Ok), |x| layer.forward(x))?;
/// assert_eq!(layer.running().unwrap().0.to_vec::<f32>()?, [4.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// Those of the batches and of `forward`.
pub fn update_bn<B, T>(
    batches: impl IntoIterator<Item = Result<B>>,
    mut forward: impl FnMut(B) -> Result<T>,
) -> Result<()> {
    let _cumulative = mode::cumulative();
    let (_train, _no_grad) = (crate::nn::train(), crate::no_grad());
    for batch in batches {
        forward(batch?)?;
    }
    Ok(())
}
