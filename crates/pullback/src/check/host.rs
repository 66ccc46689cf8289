//! Dependences on the host program: numbers taken out of the graph with `item`, branches on values.
//!
//! The function is run once more at a moved point and compared, bit by bit in the working precision, with a replay of the
//! recorded program there. If they differ, part of the function is not in its graph; which derivatives that touches is
//! told by differences of the function itself.

use super::Check;
use super::measure::scale_of;
use super::oracle::{self, Oracle, probe};
use crate::program::Replay;
use crate::{DType, Dd, Result, Tensor};

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
    let recorded = oracle.program.replay(&refs, Replay::default())?.remove(0);
    let same = now.array().bits_equal(recorded.array())?
        || now.item_f64()?.is_nan() && recorded.item_f64()?.is_nan();
    Ok(Host { differs: !same })
}

/// Whether the derivative of the function itself differs from its recorded program's along one coordinate.
pub(super) fn matters(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    d: f64,
) -> Result<bool> {
    let _quiet = crate::no_grad();
    // What left the graph is a double at best, so the step is one that suits doubles.
    let h = (scale * 1e-5).min(crossing.unwrap_or(f64::INFINITY) / 4.0);
    if h <= 0.0 || !h.is_finite() {
        return Ok(false);
    }
    let h = h.log2().floor().exp2();
    let at = |by: f64| -> Result<Dd> {
        oracle::number(&oracle.direct(&oracle.moved(input, flat, Dd::from(by))?)?)
    };
    let Ok((up, down)) = at(h).and_then(|up| Ok((up, at(-h)?))) else {
        return Ok(false);
    };
    let coarse = match oracle
        .program
        .instructions()
        .iter()
        .any(|i| i.dtype == DType::F32)
    {
        true => f64::from(f32::EPSILON),
        false => f64::EPSILON,
    };
    let direct = ((up - down) / Dd::from(2.0 * h)).to_f64();
    let noise = 16.0 * coarse.min(1e-12) * up.abs().to_f64().max(down.abs().to_f64()) / h;
    Ok(direct.is_finite() && (direct - d).abs() > 1e-3 * (direct.abs() + d.abs()) + noise)
}
