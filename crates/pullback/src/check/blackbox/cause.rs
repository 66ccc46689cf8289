//! Why the user's difference quotient is off: rounding, curvature, or a kink within the step.

use super::decide::Decision;
use super::probe::Probe;
use super::slope::Slope;
use crate::Result;
use crate::check::{Coordinate, NearestKink, Status, Verdict};

/// Points of a scan for a kink on each side.
const SCAN: i32 = 16;

/// So many scans in one report.
const SCANS: usize = 3;

/// Puts what derivative and quotient differ by under its cause in the ledger, and where the gradient agrees with the derivative says so.
pub(super) fn explain(
    probe: &Probe<'_>,
    i: usize,
    k: usize,
    s: &Slope,
    d: &Decision,
    c: &mut Coordinate,
) -> Result<()> {
    let rest = s.d - c.numeric;
    let agrees = d.verdict == Verdict::Agree;
    if !c.numeric.is_finite() {
        if agrees {
            c.verdict = Verdict::Truncation;
            c.remark = Some("the step leaves the function's domain".into());
        }
        return Ok(());
    }
    // Rounding of the values, and of the points: what is stored is not what was asked for.
    let points = probe.units[i] * probe.x[i].abs() * s.d.abs();
    let rounding = (2.0 * s.noise.max(s.loudest) + points) / probe.step + s.e;
    let small = rest.abs() <= probe.power() * d.size;
    let cause = if rest.abs() <= 4.0 * rounding || small {
        Verdict::RoundOff
    } else {
        let half = s.d - probe.quotient(i, probe.step / 2.0, k)?;
        let quarter = s.d - probe.quotient(i, probe.step / 4.0, k)?;
        // Curvature: a quarter is left at half the step, and a quarter of that at half of it.
        let smooth = |ratio: f64| (0.15..=0.4).contains(&ratio);
        let lost = half.abs() <= 8.0 * rounding;
        match smooth(half / rest) && (lost || smooth(quarter / half)) {
            true => Verdict::Truncation,
            false if s.jump.is_some() => Verdict::KinkCrossed,
            false => crossed(probe, i, k, s, c)?,
        }
    };
    match cause {
        Verdict::Truncation => c.ledger.truncation = rest,
        Verdict::KinkCrossed => c.ledger.kink = rest,
        _ => c.ledger.forward = rest,
    }
    if agrees && c.gap.abs() > probe.power() * d.size && c.status == Status::Pass {
        c.verdict = cause;
    }
    Ok(())
}

/// Looks for a kink within the step: one place where the slope changes, and none beside it.
fn crossed(
    probe: &Probe<'_>,
    i: usize,
    k: usize,
    s: &Slope,
    c: &mut Coordinate,
) -> Result<Verdict> {
    if probe.scans.get() >= SCANS {
        return Ok(Verdict::KinkCrossed);
    }
    probe.scans.set(probe.scans.get() + 1);
    let h = probe.step / f64::from(SCAN);
    let values = (-SCAN..=SCAN)
        .map(|j| probe.value_at(i, f64::from(j) * h, k))
        .collect::<Result<Vec<f64>>>()?;
    let bends: Vec<f64> = values
        .windows(3)
        .map(|w| (w[2] - 2.0 * w[1] + w[0]).abs())
        .collect();
    let all: f64 = bends.iter().sum();
    // A kink between two points bends at both.
    let pairs = bends.windows(2).map(|w| w[0] + w[1]).enumerate();
    let (at, most) = pairs.fold((0, 0.0), |best, p| if p.1 > best.1 { p } else { best });
    if most > 0.7 * all && most > 8.0 * s.noise {
        let steps = (f64::from(at as i32) + 1.5 - f64::from(SCAN)).abs() / f64::from(SCAN);
        let nearer = probe.kink.borrow().as_ref().is_none_or(|n| steps < n.steps);
        if nearer {
            *probe.kink.borrow_mut() = Some(NearestKink {
                name: c.name.clone(),
                op: String::new(),
                unit: 0,
                steps,
            });
        }
        return Ok(Verdict::KinkCrossed);
    }
    c.remark.get_or_insert_with(|| {
        "the function varies within the step; neither rounding nor one kink explains the quotient's error".into()
    });
    Ok(Verdict::Truncation)
}
