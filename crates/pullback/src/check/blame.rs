//! What a wrong gradient is put down to: rounding that was amplified, a kind of mistake, an operation; and forward mode where it alone is wrong.

use super::claims;
use super::examine::Bench;
use super::oracle::Oracle;
use super::rounding::Kernels;
use super::verdict::Facts;
use super::{BugKind, Claim, Mode, Report, Status, Verdict, explain, guilty, paths, rounding};
use crate::program::Program;
use crate::{Dd, Result, Tensor};

/// Tells rounding that was amplified beyond first order from a wrong kernel, and from an engine that differentiated only a part
/// of the run (true).
pub(super) fn amplified(
    bench: &Bench<'_>,
    backward: &Program,
    facts: &mut [Facts],
) -> Result<bool> {
    let beyond = |f: &Facts| {
        let off = (Dd::from(f.claimed) - f.a_hi).abs().to_f64();
        !f.numbers && (off > f.e || !off.is_finite() || !f.e.is_finite())
    };
    let suspicious = facts.iter().any(beyond);
    if suspicious {
        let refs: Vec<&Tensor> = bench.check.inputs.iter().collect();
        let alone = rounding::alone(backward, &refs)?;
        for f in facts.iter_mut() {
            f.kernels_agree = alone.kernels != Kernels::Wrong;
            f.out_of_range = match (alone.kernels, alone.leaves_range) {
                (Kernels::OutOfRange(name), _) => Some(name),
                // Where such numbers reach a coordinate, its bounds are none.
                (Kernels::Agree, Some(name)) if !f.e.is_finite() => Some(name),
                _ => None,
            };
        }
        // What underflows decides otherwise than double-double does, so that the run and its replay are not of one function.
        if matches!(alone.kernels, Kernels::OutOfRange(_)) {
            return Ok(false);
        }
    }
    if suspicious || matches!(bench.check.claim, Claim::Numbers(_)) {
        return own_rounding(bench.oracle, backward, bench.bounds, &bench.rows, facts);
    }
    Ok(false)
}

/// Looks for what explains a bug, and for the operation to blame.
pub(super) fn blame(
    bench: &Bench<'_>,
    report: &mut Report,
    escapes: bool,
    partial: bool,
) -> Result<()> {
    let (check, oracle, claimed) = (bench.check, bench.oracle, bench.claimed);
    if report.coordinates.iter().any(|c| c.verdict == Verdict::Bug) {
        report.bugs = explain::explain(check, report, claimed, cut(oracle));
        report.bug = report.bugs.first().map(|b| b.1.clone());
        // What the graph itself says is the better explanation than a term that fits.
        let vague = report.bug.as_ref().is_none_or(BugKind::is_vague);
        // A path that has no history is none of those of the graph.
        if vague
            && !escapes
            && !partial
            && let Some(path) = paths::find(oracle, report)?
        {
            report.bugs.clear();
            report.bug = Some(path);
        }
        if matches!(check.claim, Claim::Autograd) {
            report.guilty = guilty::find(oracle, Mode::Reverse)?;
            if let Some(found) = &report.guilty
                && guilty::unsummed(oracle, found)?
            {
                report.bugs.clear();
                report.bug = Some(BugKind::MissingReduction);
            }
            if report.guilty.is_none() && partial {
                report.notes.push("every operation's own gradient is right, but the engine's gradient is that of a part of the run: the rest had no history (no_grad, a derivative taken without create_graph), or a hook changed a gradient".into());
            } else if report.guilty.is_none() && report.bug.is_none() {
                report.notes.push("every operation's own gradient is right: the fault is in how gradients are added up, or in numbers that left the graph (detach, item)".into());
            }
        }
    }
    Ok(())
}

/// The recorded operation by which numbers leave the graph, if there is one.
fn cut(oracle: &Oracle<'_>) -> Option<&'static str> {
    let mut names = oracle
        .program
        .instructions()
        .iter()
        .map(|i| i.op.def().name);
    names.find(|name| *name == "detach")
}

/// Measures by how much rounding moves the engine's own gradient: against the very operations of its backward, in
/// double-double. Where these differ from the recorded function's gradient by far more than that, the engine differentiated
/// only a part of the run; true is returned then.
fn own_rounding(
    oracle: &Oracle<'_>,
    backward: &Program,
    bounds: &rounding::Bounds,
    rows: &[usize],
    facts: &mut [Facts],
) -> Result<bool> {
    if matches!(oracle.check.claim, Claim::Formula(_)) {
        return Ok(false);
    }
    let Some(own) = claims::replayed(oracle, backward)? else {
        return Ok(false);
    };
    let mut partial = false;
    for f in facts {
        let row = rows[f.input];
        let (value, exact) = (Dd::from(bounds.values[row][f.flat]), own[row][f.flat]);
        let engine = (value - exact).abs().to_f64();
        partial |= (exact - f.a_hi).abs().to_f64() > 4.0 * engine + f.e.max(8.0 * f.q);
        f.engine = f.engine.min(engine);
    }
    Ok(partial)
}

/// Where forward mode alone is wrong, the check fails too, and the operation is named.
pub(super) fn forward(oracle: &Oracle<'_>, report: &mut Report) -> Result<()> {
    let Some(a) = report.adjoint else {
        return Ok(());
    };
    let off = |x: f64| (x - a.differences).is_nan() || (x - a.differences).abs() > a.budget;
    if off(a.forward) && !off(a.reverse) && a.differences.is_finite() {
        report.status = Status::Fail;
        report.notes.push(format!(
            "forward mode is wrong: along a random direction it gives {:.9e}, reverse mode {:.9e} and differences {:.9e}",
            a.forward, a.reverse, a.differences
        ));
        report.guilty = guilty::find(oracle, Mode::Forward)?;
    }
    Ok(())
}
