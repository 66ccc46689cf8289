//! What is measured at one coordinate: difference quotients, dependences that left the graph, jumps; and three ways to
//! one directional derivative.

use super::numbers;
use super::oracle::{Oracle, STENCIL, U_HI};
use super::verdict::Facts;
use super::{Adjoint, Check, custom};
use crate::program::Replay;
use crate::{DType, Dd, Result, Tensor};

/// The same direction by forward mode, by reverse mode and by differences.
///
/// `gradient` is the engine's, in double-double. Where forward mode has no answer, the second value says why.
pub(super) fn adjoint(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    gradient: &[Option<Vec<Dd>>],
    hi_f: f64,
) -> Result<(Adjoint, Option<String>)> {
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
    let how = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let (forward, why) = match oracle.frozen.jvp(&refs, &seeds, how) {
        // A function of the user need not have a forward rule.
        Err(e) if custom::any(&oracle.frozen) => (None, Some(e.message().to_string())),
        pushed => match pushed?.remove(0).1 {
            Some(dot) => (Some(numbers::number(&dot)?.to_f64()), None),
            None => (Some(0.0), None),
        },
    };
    let (differences, error) =
        oracle.directional(&oracle.frozen, &direction, &[1.0], hi_f, 1e-20 * size)?;
    let found = Adjoint {
        forward: forward.unwrap_or(differences.to_f64()),
        reverse: reverse.to_f64(),
        differences: differences.to_f64(),
        budget: error + 64.0 * U_HI * size + f64::EPSILON * reverse.abs().to_f64(),
    };
    Ok((found, why))
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
    let original = numbers::element(&x.array(), flat)?;
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
    let original = numbers::element(&x.array(), flat)?;
    let stored = |value: f64| -> Result<Dd> {
        let rounded = numbers::element(&numbers::with_element(x, flat, value)?.array(), flat)?;
        oracle.value(
            &oracle.program,
            &oracle.moved(input, flat, Dd::from(rounded) - Dd::from(original))?,
        )
    };
    let rounded = (stored(original + h)? - stored(original - h)?) / Dd::from(2.0 * h);
    Ok((smooth, real, rounded))
}

/// Whether the program moves with its cut values where the smooth one, which has them fixed, does not; and by how much it may
/// without being seen.
pub(super) fn escaped(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    hi_f: f64,
) -> Result<(bool, f64)> {
    let Some(opened) = &oracle.opened else {
        return Ok((false, 0.0));
    };
    let apart = |h: f64| -> Result<(f64, f64)> {
        let (smooth, own) = oracle.central_sized(&oracle.frozen, input, flat, h)?;
        let (moving, with) = oracle.central_sized(opened, input, flat, h)?;
        let allowed = (16.0 * hi_f + STENCIL * (own + with)) / h + 1e-12 * smooth.abs().to_f64();
        Ok(((smooth - moving).abs().to_f64(), allowed))
    };
    let mut hidden = f64::INFINITY;
    // A number much smaller than those beside it says little of how far values must move to be told apart.
    let others = rms(&oracle.wide[input].to_f64_vec()?).unwrap_or(scale);
    // How much of a difference is left at half the step. Curvature alone shrinks with it; further out, nothing but a straight line counts.
    for (size, left) in [(scale, 0.6), (others, 0.999), (1.0, f64::INFINITY)] {
        let h = (size * 1e-9).log2().floor().exp2();
        if h <= 0.0 || !h.is_finite() {
            continue;
        }
        let (wide, allowed) = apart(h)?;
        if wide > allowed {
            let (narrow, allowed) = apart(h / 2.0)?;
            if narrow > allowed && narrow > left * wide {
                return Ok((true, 0.0));
            }
        }
        let seen = wide.max(allowed);
        hidden = if seen.is_finite() {
            hidden.min(seen)
        } else {
            hidden
        };
        if hidden
            <= 1e-9
                * oracle
                    .central(&oracle.frozen, input, flat, h)?
                    .abs()
                    .to_f64()
        {
            break;
        }
    }
    Ok((false, hidden))
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

/// The scales of all elements, in one pass.
pub(super) fn scales_of(x: &[f64]) -> Vec<f64> {
    let others = rms(x).filter(|r| *r > 0.0).unwrap_or(1.0);
    let own = |v: &f64| match *v != 0.0 && v.is_finite() {
        true => v.abs(),
        false => others,
    };
    x.iter().map(own).collect()
}

/// The root mean square. Numbers whose squares would underflow or overflow are scaled first.
pub(super) fn rms(x: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let of = |scale: f64| {
        let squares = x.iter().map(|v| (v / scale) * (v / scale));
        scale * (squares.sum::<f64>() / n).sqrt()
    };
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let squares = (1e-140..1e140).contains(&largest) || largest == 0.0 || !largest.is_finite();
    (n > 0.0).then(|| of(if squares { 1.0 } else { largest }))
}
