//! Dependences on the host program: numbers taken out of the graph with `item`, branches on values.
//!
//! The function is run once more at a moved point and compared, bit by bit in the working precision, with a replay of the
//! recorded program there. If they differ, part of the function is not in its graph; which derivatives that touches is
//! told by differences of the function itself.

use super::Check;
use super::measure::scale_of;
use super::numbers::{self, probe};
use super::oracle::Oracle;
use crate::program::Replay;
use crate::{Dd, Result, Tensor};

/// How far the point is moved, relative to each number.
const MOVE: f64 = 1.0 / 4096.0;

/// What the recorded program does not show.
pub(super) struct Host {
    /// The function differs from its recorded program at the moved point.
    pub(super) differs: bool,
}

pub(super) fn look(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Host> {
    let mut moved = Vec::new();
    for (k, x) in check.inputs.iter().enumerate() {
        if !x.dtype().is_float() {
            moved.push(x.clone());
            continue;
        }
        let data = x.to_f64_vec()?;
        let v = probe(x.shape(), check.seed.wrapping_add(500 + k as u64))?.to_f64_vec()?;
        let data: Vec<f64> = (0..data.len())
            .map(|i| data[i] + MOVE * v[i] * scale_of(&data, i))
            .collect();
        moved.push(Tensor::from_slice(&data, x.shape().clone())?.to(x.dtype())?);
    }
    let refs: Vec<&Tensor> = moved.iter().collect();
    let _quiet = crate::no_grad();
    let now = oracle.direct(&moved)?;
    // What was recorded may not fit there at all, where a shape depends on values.
    let Ok(recorded) = oracle.program.replay(&refs, Replay::default()) else {
        return Ok(Host { differs: true });
    };
    let recorded = &recorded[0];
    let same = now.array().bits_equal(recorded.array())?
        || now.item_f64()?.is_nan() && recorded.item_f64()?.is_nan();
    Ok(Host { differs: !same })
}

/// Whether what the recorded program does not show touches a derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    No,
    Yes,
    /// Rounding hides it.
    Unclear,
}

/// Whether the derivative of the function itself differs from its recorded program's along one coordinate.
///
/// In double-double where the function can be called so (what leaves the graph is a double at best), else in its own
/// dtype, where function and recorded program round alike, so that only what is not in the graph tells them apart.
pub(super) fn matters(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    d: f64,
) -> Result<Touch> {
    let _quiet = crate::no_grad();
    match in_wide(oracle, input, flat, scale, crossing, d) {
        Ok(Touch::Unclear) | Err(_) => {
            Ok(in_own(oracle, input, flat, scale, crossing, d).unwrap_or(Touch::Unclear))
        }
        Ok(clear) => Ok(clear),
    }
}

/// A step that suits doubles or singles, well within the nearest kink.
fn step(scale: f64, relative: f64, crossing: Option<f64>) -> f64 {
    let h = (scale * relative).min(crossing.unwrap_or(f64::INFINITY) / 4.0);
    h.log2().floor().exp2()
}

/// What a difference says that may be off by `noise`.
fn told(difference: f64, d: f64, noise: f64) -> Touch {
    let size = difference.abs() + d.abs();
    if difference.abs() > 1e-3 * size + noise {
        Touch::Yes
    } else if difference.is_nan() || noise > 1e-3 * size && difference != 0.0 {
        Touch::Unclear
    } else {
        Touch::No
    }
}

fn in_wide(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    d: f64,
) -> Result<Touch> {
    let h = step(scale, 1e-5, crossing);
    if h <= 0.0 || !h.is_finite() {
        return Ok(Touch::Unclear);
    }
    let at = |by: f64| -> Result<Dd> {
        numbers::number(&oracle.direct(&oracle.moved(input, flat, Dd::from(by))?)?)
    };
    let (up, down) = (at(h)?, at(-h)?);
    let direct = ((up - down) / Dd::from(2.0 * h)).to_f64();
    let noise = 16.0 * 1e-12 * up.abs().to_f64().max(down.abs().to_f64()) / h;
    Ok(told(direct - d, d, noise))
}

fn in_own(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    d: f64,
) -> Result<Touch> {
    let inputs = &oracle.check.inputs;
    let u = inputs[input].dtype().unit_roundoff();
    let h = step(scale, u.cbrt(), crossing);
    if h <= 0.0 || !h.is_finite() {
        return Ok(Touch::Unclear);
    }
    let x = numbers::element(inputs[input].array(), flat)?;
    let mut size = 0.0f64;
    let mut apart = |at: f64| -> Result<f64> {
        let mut moved = inputs.clone();
        moved[input] = numbers::with_element(&moved[input], flat, at)?;
        let refs: Vec<&Tensor> = moved.iter().collect();
        oracle.count(1);
        let recorded = oracle.program.replay(&refs, Replay::default())?.remove(0);
        let now = oracle.direct(&moved)?.item_f64()?;
        size = size.max(now.abs());
        Ok(now - recorded.item_f64()?)
    };
    let difference = (apart(x + h)? - apart(x - h)?) / (2.0 * h);
    Ok(told(difference, d, 8.0 * u * size / h))
}
