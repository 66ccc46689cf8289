//! A function that cannot be run in double-double, because a function of the user in it cannot: it is called in its own dtype,
//! as a black box, and a wrong rule is found by differences of that one `forward`.
//!
//! All its numbers are handed on, weighed by several uneven cotangents, so that a backward which does not multiply by what comes
//! in cannot hide: neither behind a sum nor, for one number, behind an incoming one.

use super::claims;
use super::custom::Narrow;
use super::measure::scales_of;
use super::numbers::{self, probe};
use super::oracle::Oracle;
use super::{Argument, BlackBox, Check, Claimed, Guilty, Mode, Report, Status, point};
use crate::program::{Instruction, Replay, Values};
use crate::{DType, Result, Tensor, core::apply};

/// What one number is weighed by: first by one, so that what is shown is the gradient itself.
const OF_ONE: [f64; 3] = [1.0, -2.0, 0.625];

/// The report of a black box, with the names of the check.
pub(super) fn run(check: &Check<'_>, oracle: &Oracle<'_>, narrow: &Narrow) -> Result<Report> {
    let y = oracle.whole(&check.inputs)?;
    let claims = claimed(check, oracle, &y)?;
    let uneven = y.numel() == 1 && !proportional(&claims, y.dtype());
    let floats: Vec<usize> = (0..check.inputs.len())
        .filter(|&i| check.inputs[i].dtype().is_float())
        .collect();
    let arguments = (floats.iter())
        .map(|&i| {
            let t = &check.inputs[i];
            Ok(Argument {
                name: check.names[i].clone(),
                shape: t.shape().to_vec(),
                dtype: t.dtype(),
                values: t.to_f64_vec()?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let value = |x: &[f64]| at(check, oracle, x);
    let mut called = BlackBox::new(value, arguments, claims).results(y.dtype());
    if let Some(step) = check.step {
        called = called.step(step);
    }
    if let Some(power) = check.power {
        called = called.power(power);
    }
    // As for recorded functions: with fewer coordinates to be examined than there are, projections settle the rest.
    let parameters: usize = floats.iter().map(|&i| check.inputs[i].numel()).sum();
    if check.limit.is_some_and(|most| most < parameters) {
        called = called.fast();
    }
    let mut report = called.run()?;
    for c in &mut report.coordinates {
        // A black box knows its floating inputs alone.
        c.input = floats.get(c.input).copied().unwrap_or(c.input);
    }
    report.notes.push(format!(
        "{}, so the function was checked by calling it in {}",
        narrow.why(),
        report.dtype
    ));
    if uneven {
        report.notes.push(claims::DISPROPORTIONATE.to_string());
    }
    if report.status == Status::Fail {
        report.guilty = guilty(check, oracle)?;
    }
    Ok(report)
}

/// The gradient under test for several cotangents; what the user gives is the gradient for one.
fn claimed(check: &Check<'_>, oracle: &Oracle<'_>, y: &Tensor) -> Result<Vec<Claimed>> {
    let own = match oracle.weights() {
        Some(weights) => weights.to(y.dtype())?,
        None => Tensor::full(y.shape().clone(), OF_ONE[0], y.dtype())?,
    };
    let flat = |g: claims::Gradient| -> Vec<f64> { g.into_iter().flatten().flatten().collect() };
    if point::of_sum(check) {
        return Ok(vec![Claimed {
            cotangent: own.to_f64_vec()?,
            gradient: flat(claims::claimed(check, oracle)?),
        }]);
    }
    let mut cotangents = vec![own];
    for (k, one) in OF_ONE.iter().enumerate().skip(1) {
        cotangents.push(match y.numel() {
            1 => Tensor::full(y.shape().clone(), *one, y.dtype())?,
            _ => probe(y.shape(), check.seed.wrapping_add(7700 + k as u64))?.to(y.dtype())?,
        });
    }
    (cotangents.iter())
        .map(|w| {
            Ok(Claimed {
                cotangent: w.to_f64_vec()?,
                gradient: flat(claims::weighed(check, oracle, w)?),
            })
        })
        .collect()
}

/// Whether gradients of one number are multiples of each other, as their cotangents are.
fn proportional(claims: &[Claimed], dtype: DType) -> bool {
    let own = |c: &Claimed| -> Vec<f64> { c.gradient.iter().map(|g| g / c.cotangent[0]).collect() };
    let first = claims.first().map(own).unwrap_or_default();
    !(claims.iter()).any(|c| claims::differ(&first, &own(c), dtype))
}

/// The function's numbers at these numbers, in its own dtype.
fn at(check: &Check<'_>, oracle: &Oracle<'_>, x: &[f64]) -> Result<Vec<f64>> {
    let mut from = 0;
    let mut inputs = Vec::new();
    for t in &check.inputs {
        if !t.dtype().is_float() {
            inputs.push(t.clone());
            continue;
        }
        let own = &x[from..from + t.numel()];
        from += t.numel();
        inputs.push(Tensor::from_slice(own, t.shape().clone())?.to(t.dtype())?);
    }
    oracle.whole(&inputs)?.to_f64_vec()
}

/// The first function of the user whose rule is further from differences of its `forward` than these may be off.
fn guilty(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Option<Guilty>> {
    let refs: Vec<&Tensor> = check.inputs.iter().collect();
    let values = {
        let _quiet = crate::no_grad();
        oracle.program.replay_all(&refs, Replay::default())?
    };
    let own = oracle.program.instructions().iter().enumerate();
    for (position, inst) in own.filter(|(_, i)| i.op.lenient()) {
        for input in 0..inst.inputs.len() {
            let seed = (2 * position + 7 * input) as u64;
            let Some((rule, differences)) = apart(inst, &values, input, seed)? else {
                continue;
            };
            return Ok(Some(Guilty {
                mode: Mode::Reverse,
                op: inst.op.def().name.to_string(),
                site: inst.written(),
                position,
                input,
                rule,
                differences,
            }));
        }
    }
    Ok(None)
}

/// ⟨Jᵀu, v⟩ by the rule and ⟨u, J v⟩ by differences, where they are further apart than the differences' own error.
fn apart(
    inst: &Instruction,
    values: &Values,
    input: usize,
    seed: u64,
) -> Result<Option<(f64, f64)>> {
    let mut x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
    let t = x[input].clone();
    if !t.dtype().is_float() || t.numel() == 0 || !inst.dtype.is_float() {
        return Ok(None);
    }
    let leaf = numbers::leaf(&t)?;
    x[input] = leaf.clone();
    let run = |x: &[Tensor]| apply::boxed(&*inst.op, &x.iter().collect::<Vec<_>>(), inst.site);
    let y = run(&x)?;
    if !y.requires_grad() {
        return Ok(None);
    }
    let u = probe(y.shape(), seed + 1)?.to(y.dtype())?;
    let own = t.to_f64_vec()?;
    let v: Vec<f64> = (probe(t.shape(), seed + 2)?
        .to_f64_vec()?
        .iter()
        .zip(scales_of(&own)))
    .map(|(v, scale)| v * scale)
    .collect();
    let options = crate::BackwardOptions {
        allow_unused: true,
        ..crate::BackwardOptions::NEW
    };
    let back = crate::grad(&[(&y, Some(&u))], &[&leaf], options)?.remove(0);
    let rule = match back {
        Some(g) => (g.to_f64_vec()?.iter().zip(&v)).map(|(g, v)| g * v).sum(),
        None => 0.0,
    };
    let unit = t.dtype().unit_roundoff();
    let weights = u.to_f64_vec()?;
    let mut along = |h: f64| -> Result<(f64, f64)> {
        let moved: Vec<f64> = own.iter().zip(&v).map(|(x, v)| x + h * v).collect();
        x[input] = Tensor::from_slice(&moved, t.shape().clone())?.to(t.dtype())?;
        let y = run(&x)?.to_f64_vec()?;
        let terms = || y.iter().zip(&weights).map(|(y, u)| y * u);
        Ok((terms().sum(), terms().map(f64::abs).sum()))
    };
    let mut best = (f64::NAN, f64::INFINITY);
    for k in (2..24).step_by(2) {
        let h = 2f64.powi(-k);
        let ((up, size), (down, _)) = (along(h)?, along(-h)?);
        let ((near_up, _), (near_down, _)) = (along(h / 2.0)?, along(-h / 2.0)?);
        let (wide, narrow) = ((up - down) / (2.0 * h), (near_up - near_down) / h);
        let error = (wide - narrow).abs() + 8.0 * unit * size / h;
        if error < best.1 {
            best = ((4.0 * narrow - wide) / 3.0, error);
        }
    }
    Ok(((rule - best.0).abs() > 10.0 * best.1 || rule.is_nan()).then_some((rule, best.0)))
}
