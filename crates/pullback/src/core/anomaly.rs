//! Anomaly detection: names the operation, and the user's line, that first made a value or a gradient that is not a number.

use crate::core::device::on_host;
use crate::core::graph::Node;
use crate::core::mode::{self, ModeGuard};
use crate::core::tensor::Tensor;
use crate::{Array, Error, ErrorKind, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

/// Until the guard is dropped, a backward on this thread fails at the first operation whose gradient contains NaN, with
/// PyTorch's sentence and the line that ran the operation. PyTorch's `torch.autograd.detect_anomaly()`.
///
/// ```
/// use pullback::{Tensor, detect_anomaly};
/// let x = Tensor::from_slice(&[0.0f32, 1.0], [2])?.requires_grad_(true)?;
/// let y = x.sqrt()?.mul(0.0)?.sum()?;
/// let _watch = detect_anomaly();
/// let e = y.backward().unwrap_err();
/// assert_eq!(e.message(), "Function 'SqrtBackward0' returned nan values in its 0th output.");
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn detect_anomaly() -> ModeGuard {
    mode::set(mode::ANOMALY, true)
}

/// Stricter than [`detect_anomaly`]: until the guard is dropped, every operation on this thread whose result, and every rule
/// whose gradient contains NaN or infinity, is an error.
///
/// ```
/// use pullback::{ErrorKind, Tensor, detect_nonfinite};
/// let x = Tensor::scalar(0.0f32);
/// let _watch = detect_nonfinite();
/// let e = x.log().unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::NonFinite);
/// assert_eq!(e.message(), "Function 'log' returned -inf values in its 0th output.");
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn detect_nonfinite() -> ModeGuard {
    mode::set(mode::FINITE, true)
}

/// The first element that is NaN (or, if `infinite` counts, not finite), and its position in row-major order.
fn first_bad(x: &Array, infinite: bool) -> Result<Option<(usize, f64)>> {
    if !x.dtype().is_float() {
        return Ok(None);
    }
    let held = on_host(x)?;
    let x = &*held;
    let bad = dispatch!(float x.dtype(), T => {
        let bad = kernels::map(x, |a: T| a.is_nan() || infinite && !a.is_finite())?;
        bad.to_vec::<bool>()?.iter().position(|&b| b)
    }, else None);
    match bad {
        Some(at) => Ok(x.to_f64_vec()?.get(at).map(|&v| (at, v))),
        None => Ok(None),
    }
}

fn word(v: f64) -> &'static str {
    match v {
        v if v.is_nan() => "nan",
        v if v > 0.0 => "inf",
        _ => "-inf",
    }
}

/// The error for a value or gradient that is not finite.
#[cold]
fn report(name: &str, k: usize, (at, v): (usize, f64), shape: &Shape) -> Error {
    Error::new(
        ErrorKind::NonFinite,
        format!(
            "Function '{name}' returned {} values in its {k}th output.",
            word(v)
        ),
    )
    .note(format!("element {at} in row-major order, of shape {shape}"))
}

/// Checks an operation's result; called under [`detect_nonfinite`] alone.
#[cold]
pub(crate) fn value(
    name: &'static str,
    k: usize,
    x: &Array,
    site: &'static Location<'static>,
) -> Result<()> {
    match first_bad(x, true)? {
        Some(bad) => Err(report(name, k, bad, x.shape()).op(name).at(site)),
        None => Ok(()),
    }
}

/// Checks what a node's rule computed; `result` is the shape of the node's only result.
#[cold]
pub(crate) fn gradients(
    flags: u32,
    node: &Node,
    result: &Shape,
    out: &[Option<Tensor>],
) -> Result<()> {
    let infinite = flags & mode::FINITE != 0;
    for (i, g) in out.iter().enumerate() {
        let Some(g) = g else { continue };
        if let Some(bad) = first_bad(&g.array(), infinite)? {
            return Err(report(&node.name(result), i, bad, g.shape())
                .op(node.op.def().name)
                .at(node.site));
        }
    }
    Ok(())
}
