//! Functions of functions: derivatives of a Rust closure over tensors.

use crate::program::{Program, Replay};
use crate::tensor::Tensor;
use crate::{Error, ErrorKind, Result};

/// The value of `f` at `inputs` and its derivative along `tangents`, by forward mode. PyTorch's `torch.func.jvp`.
///
/// # Errors
/// Whatever `f` reports; where a tangent has another shape or dtype than its input.
///
/// ```
/// use pullback::{Tensor, jvp};
/// let x = Tensor::scalar(0.5f64);
/// let (y, dy) = jvp(|x| x[0].sin(), &[&x], &[&Tensor::scalar(1.0f64)])?;
/// assert_eq!((y.item_f64()?, dy.item_f64()?), (0.5f64.sin(), 0.5f64.cos()));
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn jvp(
    f: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    inputs: &[&Tensor],
    tangents: &[&Tensor],
) -> Result<(Tensor, Tensor)> {
    if inputs.len() != tangents.len() {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "jvp: {} inputs but {} tangents",
                inputs.len(),
                tangents.len()
            ),
        ));
    }
    let (program, _) = Program::trace(inputs, |x| f(x).map(|y| vec![y]))?;
    let tangents: Vec<Option<&Tensor>> = tangents.iter().map(|t| Some(*t)).collect();
    let (y, dy) = program.jvp(inputs, &tangents, Replay::default())?.remove(0);
    let dy = match dy {
        Some(dy) => dy,
        None => y.zeros_like()?,
    };
    Ok((y, dy))
}
