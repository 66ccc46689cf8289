//! What is measured at one coordinate: difference quotients, dependences that left the graph, jumps; and three ways to
//! one directional derivative.

use super::numbers;
use super::oracle::{Oracle, U_HI};
use super::verdict::Facts;
use super::{Adjoint, Check};
use crate::program::Replay;
use crate::{DType, Dd, Result, Tensor};

/// The same direction by forward mode, by reverse mode and by differences.
///
/// `gradient` is the engine's, in double-double.
pub(super) fn adjoint(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    gradient: &[Option<Vec<Dd>>],
    hi_f: f64,
) -> Result<Adjoint> {
    let mut direction: Vec<Option<Vec<f64>>> = Vec::new();
    let mut tangents: Vec<Option<Tensor>> = Vec::new();
    let (mut reverse, mut size) = (Dd::ZERO, 0.0);
    for (k, (x, g)) in oracle.wide.iter().zip(gradient).enumerate() {
        let Some(g) = g else {
            direction.push(None);
            tangents.push(None);
            continue;
        };
        let v =
            numbers::probe(x.shape(), check.seed.wrapping_add(1000 + k as u64))?.to_f64_vec()?;
        for (a, b) in g.iter().zip(&v) {
            reverse += *a * Dd::from(*b);
            size += (a.to_f64() * b).abs();
        }
        tangents.push(Some(
            Tensor::from_slice(&v, x.shape().clone())?.to(DType::Dd)?,
        ));
        direction.push(Some(v));
    }
    oracle.count(1);
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let seeds: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
    let (_, dot) = oracle
        .frozen
        .jvp(
            &refs,
            &seeds,
            Replay {
                float: Some(DType::Dd),
                frozen: false,
            },
        )?
        .remove(0);
    let forward = match dot {
        Some(dot) => numbers::number(&dot)?,
        None => Dd::ZERO,
    };
    let (differences, error) = oracle.directional(&direction, hi_f, 1e-20 * size)?;
    Ok(Adjoint {
        forward: forward.to_f64(),
        reverse: reverse.to_f64(),
        differences: differences.to_f64(),
        budget: error + 64.0 * U_HI * size + f64::EPSILON * reverse.abs().to_f64(),
    })
}

/// The page's difference quotient: every operation in the working precision.
pub(super) fn numeric(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    h: f64,
) -> Result<f64> {
    let _quiet = crate::no_grad();
    let x = &check.inputs[input];
    let original = numbers::element(x.array(), flat)?;
    let at = |value: f64| -> Result<Tensor> {
        let mut moved = check.inputs.clone();
        moved[input] = numbers::with_element(x, flat, value)?;
        oracle.direct(&moved)
    };
    let (up, down) = (at(original + h)?, at(original - h)?);
    up.sub(&down)?.div(2.0 * h)?.item_f64()
}

/// Difference quotients in double-double: of the smooth program, of the real one, and of the real one at the points that
/// the working precision can store.
pub(super) fn quotients(
    oracle: &Oracle<'_>,
    check: &Check<'_>,
    input: usize,
    flat: usize,
    h: f64,
) -> Result<(Dd, Dd, Dd)> {
    let smooth = oracle.central(&oracle.frozen, input, flat, h)?;
    let real = oracle.central(&oracle.program, input, flat, h)?;
    let x = &check.inputs[input];
    let original = numbers::element(x.array(), flat)?;
    let stored = |value: f64| -> Result<Dd> {
        let rounded = numbers::element(numbers::with_element(x, flat, value)?.array(), flat)?;
        oracle.value(
            &oracle.program,
            &oracle.moved(input, flat, Dd::from(rounded) - Dd::from(original))?,
        )
    };
    let rounded = (stored(original + h)? - stored(original - h)?) / Dd::from(2.0 * h);
    Ok((smooth, real, rounded))
}

/// Whether the real program moves where the smooth one, whose decisions and cut values are fixed, does not.
pub(super) fn escaped(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    hi_f: f64,
) -> Result<bool> {
    if !oracle
        .program
        .instructions()
        .iter()
        .any(|i| i.op.def().name == "detach")
    {
        return Ok(false);
    }
    let h = (scale * 1e-9).min(crossing.unwrap_or(f64::INFINITY) / 4.0);
    if h <= 0.0 {
        return Ok(false);
    }
    let h = h.log2().floor().exp2();
    let (smooth, real) = (
        oracle.central(&oracle.frozen, input, flat, h)?,
        oracle.central(&oracle.program, input, flat, h)?,
    );
    let allowed = 16.0 * hi_f / h + 1e-12 * smooth.abs().to_f64();
    Ok((smooth - real).abs().to_f64() > allowed)
}

/// Whether the change over the step fails to shrink with the step: a jump and not a kink.
pub(super) fn jump(oracle: &Oracle<'_>, f: &Facts) -> Result<bool> {
    let change = |h: f64| -> Result<f64> {
        Ok(
            (oracle.central(&oracle.program, f.input, f.flat, h)? * Dd::from(2.0 * h))
                .abs()
                .to_f64(),
        )
    };
    let (wide, narrow) = (change(f.step)?, change(f.step / 1024.0)?);
    Ok(narrow > 0.5 * wide && wide > 0.0)
}

/// A scale for steps: the element's size, or its tensor's.
pub(super) fn scale_of(x: &[f64], flat: usize) -> f64 {
    if x[flat] != 0.0 && x[flat].is_finite() {
        return x[flat].abs();
    }
    rms(x).filter(|r| *r > 0.0).unwrap_or(1.0)
}

pub(super) fn rms(x: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    (n > 0.0).then(|| (x.iter().map(|v| v * v).sum::<f64>() / n).sqrt())
}
