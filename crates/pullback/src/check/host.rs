//! Dependences on the host program: numbers taken out of the graph with `item` or by way of NumPy, branches on values.
//!
//! The function is recorded again at a moved point. If it is the same program with the same numbers from outside, bit by bit,
//! none of them depends on what was moved, however little each number matters. If it is not, the programs recorded at two points
//! beside the point in question are run *at* that point, in double-double: what they differ by comes from numbers that left the
//! graph and from nothing else.

use super::measure::{rms, scales_of};
use super::numbers::{self, probe};
use super::oracle::Oracle;
use super::rounding::Inexact;
use super::{Check, custom};
use crate::program::{Program, Replay};
use crate::{DType, Dd, Result, Tensor};

/// How far the point is moved, relative to each number.
const MOVE: f64 = 1.0 / 4096.0;

/// What the recorded program does not show.
pub(super) struct Host {
    /// The function differs from its recorded program at a moved point.
    pub(super) differs: bool,
}

/// Looks whether the function is what was recorded when all its numbers move: each by its own size, and, where some are much
/// smaller than those beside them, each by the size of all.
pub(super) fn look(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Host> {
    let own = shifted(check, scales_of)?;
    if !recorded_alike(oracle, &own)? {
        return Ok(Host { differs: true });
    }
    let uneven = |x: &Tensor| -> Result<bool> {
        let data = x.to_f64_vec()?;
        let size = rms(&data).unwrap_or(0.0);
        Ok(data.iter().any(|v| v.abs() < size / 64.0 && *v != 0.0))
    };
    for x in check.inputs.iter().filter(|x| x.dtype().is_float()) {
        if uneven(x)? {
            let even = shifted(check, |data| {
                let size = rms(data).unwrap_or(0.0);
                data.iter().map(|v| v.abs().max(size)).collect()
            })?;
            // It may leave the function's domain there.
            let alike = recorded_alike(oracle, &even).unwrap_or(true);
            return Ok(Host { differs: !alike });
        }
    }
    Ok(Host { differs: false })
}

/// The inputs with every number moved by a part of the size that `of` says it has.
fn shifted(check: &Check<'_>, of: impl Fn(&[f64]) -> Vec<f64>) -> Result<Vec<Tensor>> {
    let mut moved = Vec::new();
    for (k, x) in check.inputs.iter().enumerate() {
        if !x.dtype().is_float() {
            moved.push(x.clone());
            continue;
        }
        let data = x.to_f64_vec()?;
        let v = probe(x.shape(), check.seed.wrapping_add(500 + k as u64))?.to_f64_vec()?;
        let sizes = of(&data);
        let data: Vec<f64> = (data.iter().zip(&v).zip(&sizes))
            .map(|((x, v), size)| x + MOVE * v * size)
            .collect();
        moved.push(Tensor::from_slice(&data, x.shape().clone())?.to(x.dtype())?);
    }
    Ok(moved)
}

/// The function recorded at a point, and its value there.
fn record(oracle: &Oracle<'_>, at: &[Tensor]) -> Result<(Program, Tensor)> {
    let refs: Vec<&Tensor> = at.iter().collect();
    let (program, mut values) = Program::snapshot(&refs, |x| Ok(vec![oracle.direct(x)?]))?;
    Ok((program, values.remove(0)))
}

/// Whether the function at another point is the recorded program, in its operations, its numbers from outside and its value.
fn recorded_alike(oracle: &Oracle<'_>, at: &[Tensor]) -> Result<bool> {
    let _quiet = crate::no_grad();
    let (there, now) = record(oracle, at)?;
    if !alike(&oracle.program, &there)? {
        return Ok(false);
    }
    // What was recorded may not fit there at all, where a shape depends on values.
    let refs: Vec<&Tensor> = at.iter().collect();
    let Ok(recorded) = oracle.program.replay(&refs, Replay::default()) else {
        return Ok(false);
    };
    let recorded = &recorded[0];
    let same = now.array().bits_equal(&recorded.array())?
        || now.item_f64()?.is_nan() && recorded.item_f64()?.is_nan();
    Ok(same && (!custom::any(&oracle.program) || inside_alike(oracle, &there, &refs)?))
}

/// Whether two recordings compute the same numbers all the way at a point: what functions of the user read besides their inputs may change
/// one number among very many, which drowns in their sum.
fn inside_alike(oracle: &Oracle<'_>, there: &Program, at: &[&Tensor]) -> Result<bool> {
    oracle.count(2);
    let (Ok(a), Ok(b)) = (
        oracle.program.replay_all(at, Replay::default()),
        there.replay_all(at, Replay::default()),
    ) else {
        return Ok(false);
    };
    for inst in oracle.program.instructions() {
        let (a, b) = (a.get(inst.output), b.get(inst.output));
        if !a.array().bits_equal(&b.array())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two recorded runs are the same operations, with the same attributes, on the same numbers from outside.
fn alike(a: &Program, b: &Program) -> Result<bool> {
    if a.instructions().len() != b.instructions().len() || a.outputs() != b.outputs() {
        return Ok(false);
    }
    let same = |(x, y): (&crate::program::Instruction, &crate::program::Instruction)| {
        x.inputs == y.inputs
            && x.output == y.output
            && x.shape == y.shape
            && x.dtype == y.dtype
            && x.op.def().name == y.op.def().name
            && format!("{:?}", x.op) == format!("{:?}", y.op)
    };
    if !a.instructions().iter().zip(b.instructions()).all(same) {
        return Ok(false);
    }
    if a.constants().len() != b.constants().len() {
        return Ok(false);
    }
    for ((i, x), (j, y)) in a.constants().iter().zip(b.constants()) {
        if i != j || x.dtype() != y.dtype() || x.shape() != y.shape() || !x.bits_equal(y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether what the recorded program does not show touches a derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    No,
    Yes,
    /// Rounding hides it.
    Unclear,
}

/// Whether numbers that left the graph touch the derivative along one coordinate, `d` being the recorded program's, and how much
/// of it they may be where they do not.
pub(super) fn matters(
    oracle: &Oracle<'_>,
    (input, flat, scale): (usize, usize, f64),
    crossing: Option<f64>,
    d: f64,
    inexact: Inexact,
) -> Result<(Touch, f64)> {
    let _quiet = crate::no_grad();
    let power = oracle.check.power.unwrap_or(1e-6).min(1e-3);
    match by_programs(oracle, &[(input, flat, scale)], inexact) {
        Ok((Touch::Unclear, size)) if size <= 0.1 * power * d.abs() => {
            return Ok((Touch::No, size));
        }
        Ok((Touch::Unclear, _)) | Err(_) => {}
        Ok(clear) => return Ok(clear),
    }
    match in_wide(oracle, (input, flat, scale), crossing, d, inexact) {
        Ok((Touch::Unclear, _)) | Err(_) => {
            let own = in_own(oracle, (input, flat, scale), crossing, d, inexact);
            Ok(own.unwrap_or((Touch::Unclear, 0.0)))
        }
        clear => clear,
    }
}

/// Coordinates among `all` (input, flat, scale) that numbers which left the graph touch, or may touch; at most `most`.
/// Halves are tried together, so that one among many takes some dozens of runs.
pub(super) fn touched(
    oracle: &Oracle<'_>,
    all: &[(usize, usize, f64)],
    inexact: Inexact,
    most: usize,
    out: &mut Vec<(usize, usize)>,
) -> Result<()> {
    let _quiet = crate::no_grad();
    if all.is_empty() || out.len() >= most {
        return Ok(());
    }
    if matches!(by_programs(oracle, all, inexact), Ok((Touch::No, _))) {
        return Ok(());
    }
    if let [(input, flat, _)] = all {
        out.push((*input, *flat));
        return Ok(());
    }
    let (left, right) = all.split_at(all.len() / 2);
    touched(oracle, left, inexact, most, out)?;
    touched(oracle, right, inexact, most, out)
}

/// How far `by_programs` moves, relative to each number.
fn relative(check: &Check<'_>) -> f64 {
    let single = check.inputs.iter().any(|t| t.dtype() == DType::F32);
    2f64.powi(if single { -8 } else { -17 })
}

/// A derivative through numbers that left the graph which underflow would hide from `by_programs`.
pub(super) fn unseen(check: &Check<'_>, scale: f64, inexact: Inexact) -> f64 {
    64.0 * inexact.under / (relative(check) * scale)
}

/// The change of the programs recorded on both sides of the point, run at the point itself, over the step: the part of the
/// derivative along some coordinates (each moved by a random multiple of its scale) that goes through numbers which left the
/// graph, and its size.
fn by_programs(
    oracle: &Oracle<'_>,
    coordinates: &[(usize, usize, f64)],
    inexact: Inexact,
) -> Result<(Touch, f64)> {
    let inputs = &oracle.check.inputs;
    let relative = relative(oracle.check);
    let mut rng = pullback_random::numpy::default_rng(oracle.check.seed.wrapping_add(4500));
    let draws = rng.random(coordinates.len());
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let how = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let value = |t: f64| -> Result<Dd> {
        let mut data: Vec<Option<Vec<f64>>> = vec![None; inputs.len()];
        for (&(input, flat, scale), u) in coordinates.iter().zip(&draws) {
            let list = match &mut data[input] {
                Some(list) => list,
                empty => empty.insert(inputs[input].to_f64_vec()?),
            };
            let xi = if *u < 0.5 {
                0.5 + 2.0 * u
            } else {
                -(2.0 * u - 0.5)
            };
            let xi = if coordinates.len() == 1 { 1.0 } else { xi };
            list[flat] += t * xi * scale;
        }
        let moved = (inputs.iter().zip(&data))
            .map(|(x, data)| match data {
                Some(data) => Tensor::from_slice(data, x.shape().clone())?.to(x.dtype()),
                None => Ok(x.clone()),
            })
            .collect::<Result<Vec<_>>>()?;
        let (there, _) = record(oracle, &moved)?;
        oracle.count(1);
        numbers::number(&there.replay(&refs, how)?.remove(0))
    };
    // In units of one coordinate's derivative.
    let unit = match coordinates {
        [(_, _, scale)] => *scale,
        _ => 1.0,
    };
    let along = |h: f64| -> Result<f64> {
        Ok(((value(h)? - value(-h)?) / Dd::from(2.0 * h * unit)).to_f64())
    };
    let floor = 64.0 * inexact.wide / (relative * unit);
    let wide = along(relative)?;
    // Most often nothing that left the graph depends on these at all. What underflows says the same.
    if wide == 0.0 {
        return Ok((Touch::No, unseen(oracle.check, unit, inexact)));
    }
    let narrow = along(relative / 2.0)?;
    let size = wide.abs().max(narrow.abs());
    let touch = if size <= floor {
        Touch::No
    } else if (wide - narrow).abs() <= 0.25 * size {
        Touch::Yes
    } else {
        Touch::Unclear
    };
    Ok((touch, size))
}

/// A step that suits doubles or singles, well within the nearest kink.
fn step(scale: f64, relative: f64, crossing: Option<f64>) -> f64 {
    let h = (scale * relative).min(crossing.unwrap_or(f64::INFINITY) / 4.0);
    h.log2().floor().exp2()
}

/// What a difference says that may be off by `noise`, and its size.
fn told(difference: f64, d: f64, noise: f64) -> (Touch, f64) {
    let size = difference.abs() + d.abs();
    let touch = if difference.abs() > 1e-3 * size + noise {
        Touch::Yes
    } else if difference.is_nan() || noise > 1e-3 * size && difference != 0.0 {
        Touch::Unclear
    } else {
        Touch::No
    };
    (touch, difference.abs())
}

fn in_wide(
    oracle: &Oracle<'_>,
    (input, flat, scale): (usize, usize, f64),
    crossing: Option<f64>,
    d: f64,
    inexact: Inexact,
) -> Result<(Touch, f64)> {
    let h = step(scale, 1e-5, crossing);
    if h <= 0.0 || !h.is_finite() {
        return Ok((Touch::Unclear, 0.0));
    }
    let at = |by: f64| -> Result<Dd> {
        numbers::number(&oracle.direct(&oracle.moved(input, flat, Dd::from(by))?)?)
    };
    let (up, down) = (at(h)?, at(-h)?);
    let direct = ((up - down) / Dd::from(2.0 * h)).to_f64();
    let size = up.abs().to_f64().max(down.abs().to_f64());
    let noise = (16.0 * 1e-12 * size + 16.0 * inexact.under) / h;
    Ok(told(direct - d, d, noise))
}

fn in_own(
    oracle: &Oracle<'_>,
    (input, flat, scale): (usize, usize, f64),
    crossing: Option<f64>,
    d: f64,
    inexact: Inexact,
) -> Result<(Touch, f64)> {
    let inputs = &oracle.check.inputs;
    let u = inputs[input].dtype().unit_roundoff();
    let h = step(scale, u.cbrt(), crossing);
    if h <= 0.0 || !h.is_finite() {
        return Ok((Touch::Unclear, 0.0));
    }
    let x = numbers::element(&inputs[input].array(), flat)?;
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
    Ok(told(difference, d, (8.0 * u * size).max(inexact.own) / h))
}
