//! Every coordinate, or with very many those that matter: what is measured, and what is made of it.

use super::claims::{self, Gradient};
use super::host::Touch;
use super::measure::{adjoint, escaped, jump, numeric, quotients, rms, scale_of};
use super::oracle::{Oracle, U_HI};
use super::run::name_of;
use super::verdict::{Facts, decide};
use super::{
    BugKind, Check, Claim, Mode, NearestKink, Report, Status, Verdict, explain, fast, guilty, host,
    kinks, paths, rounding,
};
use crate::program::Program;
use crate::{Dd, Result, Tensor};

/// What was measured, for whoever wants more than the report.
#[derive(Default)]
pub(super) struct Findings {
    /// Of each coordinate of the report.
    pub(super) facts: Vec<Facts>,
    /// Standard deviation of the function's value by rounding.
    pub(super) q_f: f64,
    /// The nearest kink of each coordinate, if any.
    pub(super) kinks: Vec<Option<f64>>,
}

pub(super) fn examine(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    claimed: &Gradient,
    report: &mut Report,
) -> Result<Findings> {
    let u = report.dtype.unit_roundoff();
    let (program, bounds) = claims::bounds(check, oracle)?;
    let (e_f, q_f) = (bounds.e[0][0], bounds.q[0][0]);
    let wide = claims::claimed_wide(check, oracle)?;
    let autograd_wide = match &check.claim {
        Claim::Formula(_) => oracle.gradient()?.0,
        _ => wide.clone(),
    };
    let centre = oracle.values_at(&oracle.wide)?;
    let margins = kinks::Margins::of(&oracle.program, &centre)?;
    let size_f = report.value.abs();
    // What evaluating once in double-double may be off by.
    let fine = u.min(bounds.finest);
    let hi_f = (8.0 * q_f * (U_HI / fine)).max(U_HI * size_f).max(1e-320);
    let host = host::look(check, oracle)?;
    let tied_gate = margins.gates.iter().any(|(_, m)| {
        m.iter()
            .any(|d| *d <= 8.0 * u * f64::EPSILON.max(0.0) + tie_width(e_f, u))
    });
    report.adjoint = Some(adjoint(check, oracle, &autograd_wide, hi_f)?);
    let scales: Vec<Option<Vec<f64>>> = (check.inputs.iter().zip(claimed))
        .map(|(x, g)| match g {
            None => Ok(None),
            Some(g) => {
                let x = x.to_f64_vec()?;
                Ok(Some((0..g.len()).map(|flat| scale_of(&x, flat)).collect()))
            }
        })
        .collect::<Result<_>>()?;
    // Which output of the bounds belongs to which input: the value comes first, then the floating inputs.
    let mut row = 0;
    let rows: Vec<usize> = claimed
        .iter()
        .map(|g| {
            row += usize::from(g.is_some());
            row
        })
        .collect();
    let everything: Vec<(usize, usize)> = claimed
        .iter()
        .enumerate()
        .flat_map(|(i, g)| (0..g.as_ref().map_or(0, Vec::len)).map(move |flat| (i, flat)))
        .collect();
    let limit = check.limit.unwrap_or(oracle.affordable().max(AT_LEAST));
    let chosen = if everything.len() <= limit {
        everything
    } else {
        choose(
            check,
            oracle,
            report,
            &Wide {
                claimed,
                wide: &wide,
                scales: &scales,
                rows: &rows,
                bounds: &bounds,
                hi_f,
            },
            &everything,
        )?
    };
    let mut facts: Vec<Facts> = Vec::new();
    let mut distances = Vec::new();
    let (mut escapes, mut hidden) = (false, false);
    for (input, flat) in chosen {
        let (Some(g), Some(scale)) = (&claimed[input], &scales[input]) else {
            continue;
        };
        let step_scale = scale[flat];
        {
            let (e, q) = (bounds.e[rows[input]][flat], bounds.q[rows[input]][flat]);
            let good = 4.0 * 8.0 * q * (U_HI / fine);
            let (mut d, mut e_d) = oracle.derivative(input, flat, step_scale, hi_f, good)?;
            let numeric = numeric(check, oracle, input, flat, report.step)?;
            let (n_fz, n_hi, n_rounded) = quotients(oracle, check, input, flat, report.step)?;
            let a_hi = wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
            let apart = (a_hi - d).abs().to_f64();
            if apart.is_nan() || apart > e_d + 8.0 * q * (U_HI / fine) {
                let found = (d, e_d);
                let claim = a_hi.to_f64();
                (d, e_d) = oracle.confirm(input, flat, step_scale, hi_f, found, claim)?;
            }
            let a_auto = autograd_wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
            let crossing = oracle.first_crossing(&margins, input, flat, step_scale)?;
            let sides = if tied_gate || crossing.is_some_and(|c| c.2 <= 1e-9 * step_scale) {
                Some(oracle.one_sided(input, flat, step_scale, hi_f)?)
            } else {
                None
            };
            let distance = crossing.map(|c| c.2);
            distances.push(distance);
            let touch = match host.differs {
                true => host::matters(oracle, input, flat, step_scale, distance, d.to_f64())?,
                false => Touch::No,
            };
            let escaped =
                touch == Touch::Yes || escaped(oracle, input, flat, step_scale, distance, hi_f)?;
            escapes |= escaped;
            hidden |= touch == Touch::Unclear;
            let (name, index) = name_of(check, input, flat);
            facts.push(Facts {
                name,
                input,
                index,
                flat,
                claimed: g[flat],
                numeric,
                a_hi,
                d,
                e_d,
                n_fz,
                n_hi,
                n_rounded,
                e,
                q,
                u: check.inputs[input].dtype().unit_roundoff(),
                fine,
                step: report.step,
                power: report.power,
                sides,
                escaped,
                unclear: touch == Touch::Unclear,
                jump: None,
                rms: 0.0,
                numbers: matches!(check.claim, Claim::Numbers(_)),
                engine: match check.claim {
                    Claim::Formula(_) => 0.0,
                    _ => (Dd::from(bounds.values[rows[input]][flat]) - a_auto)
                        .abs()
                        .to_f64(),
                },
                kernels_agree: false,
            });
            if let Some((k, unit, distance)) = crossing {
                let steps = distance / report.step;
                if report.nearest_kink.as_ref().is_none_or(|n| steps < n.steps) {
                    let inst = &oracle.program.instructions()[k];
                    let op = format!("{} at {}", inst.op.def().name, inst.written());
                    report.nearest_kink = Some(NearestKink {
                        name: name_of(check, input, flat).0,
                        op,
                        unit,
                        steps,
                    });
                }
            }
        }
    }
    for (input, wide) in wide.iter().enumerate() {
        let exact: Vec<f64> = match wide {
            Some(w) => w.iter().map(|a| a.to_f64()).collect(),
            None => continue,
        };
        let scale = rms(&exact).unwrap_or(0.0);
        facts
            .iter_mut()
            .filter(|f| f.input == input)
            .for_each(|f| f.rms = scale);
    }
    if host.differs && hidden {
        report.notes.push("at a point beside this one the function differs from its recorded run (item, or a branch of the host program); rounding hides whether the derivative here does".into());
    } else if host.differs && !escapes {
        report.notes.push("at a point beside this one the function differs from its recorded run (item, or a branch of the host program); the derivative here does not".into());
    }
    // Beyond the worst case: a wrong kernel, or rounding that was amplified beyond first order?
    let beyond = |f: &Facts| !f.numbers && (Dd::from(f.claimed) - f.a_hi).abs().to_f64() > f.e;
    let suspicious = facts.iter().any(beyond);
    let mut partial = false;
    if suspicious || matches!(check.claim, Claim::Numbers(_)) {
        partial = own_rounding(oracle, &program, &bounds, &rows, &mut facts)?;
    }
    if suspicious {
        let refs: Vec<&Tensor> = check.inputs.iter().collect();
        let agree = rounding::kernels_agree(&program, &refs)?;
        facts.iter_mut().for_each(|f| f.kernels_agree = agree);
    }
    for f in &mut facts {
        if f.n_fz.to_f64() != f.n_hi.to_f64() {
            f.jump = Some(jump(oracle, f)?);
        }
    }
    report.coordinates = facts.iter().map(decide).collect();
    if !check.linear && !host.differs && !depends(&oracle.program, &check.inputs) {
        independent(oracle.captured, report);
    }
    self_test(&facts, report);
    if matches!(check.claim, Claim::Autograd) {
        forward(oracle, report)?;
    }
    if report.coordinates.iter().any(|c| c.verdict == Verdict::Bug) {
        report.bugs = explain::explain(check, report, claimed, cut(oracle));
        report.bug = report.bugs.first().map(|b| b.1.clone());
        // What the graph itself says is the better explanation than a term that fits.
        let vague = report.bug.as_ref().is_none_or(BugKind::is_vague);
        if vague
            && !escapes
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
    Ok(Findings {
        facts,
        q_f,
        kinks: distances,
    })
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

/// Whether anything that a recorded run gives was computed from its floating inputs, cut off or not.
fn depends(program: &Program, inputs: &[Tensor]) -> bool {
    let mut reached = vec![false; program.values()];
    for (&id, x) in program.inputs().iter().zip(inputs) {
        reached[id as usize] = x.dtype().is_float() && x.numel() > 0;
    }
    for inst in program.instructions() {
        reached[inst.output as usize] = inst.inputs.iter().any(|&i| reached[i as usize]);
    }
    program.outputs().iter().any(|&o| reached[o as usize])
}

/// Says of zeros that nothing was tested by them.
pub(super) fn independent(captured: usize, report: &mut Report) {
    let outside = match captured {
        0 => "",
        1 => {
            " (it reads a tensor from outside that requires a gradient: give that one as an input)"
        }
        _ => " (it reads tensors from outside that require gradients: give those as inputs)",
    };
    for c in report
        .coordinates
        .iter_mut()
        .filter(|c| c.status == Status::Pass)
    {
        c.verdict = Verdict::Independent;
        c.status = Status::Unknown;
        c.remark = Some(format!(
            "the function does not depend on its inputs, so nothing was tested{outside}"
        ));
        report.status = report.status.max(Status::Unknown);
    }
}

/// Where forward mode alone is wrong, the check fails too, and the operation is named.
fn forward(oracle: &Oracle<'_>, report: &mut Report) -> Result<()> {
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

/// What a choice among many coordinates rests on.
struct Wide<'a> {
    claimed: &'a Gradient,
    wide: &'a [Option<Vec<Dd>>],
    scales: &'a [Option<Vec<f64>>],
    rows: &'a [usize],
    bounds: &'a rounding::Bounds,
    hi_f: f64,
}

/// So few coordinates are examined one by one, whatever it costs.
const AT_LEAST: usize = 24;

/// Most coordinates shown beside the suspects, as examples.
const EXAMPLES: usize = 16;

/// Most suspects examined one by one.
const SUSPECTS: usize = 64;

/// With very many coordinates: certifies the gradient by projections, and picks those to examine one by one.
fn choose(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    report: &mut Report,
    w: &Wide<'_>,
    everything: &[(usize, usize)],
) -> Result<Vec<(usize, usize)>> {
    let affordable = oracle.affordable();
    let (examples, most) = (affordable.clamp(2, EXAMPLES), affordable.clamp(3, SUSPECTS));
    let certified = fast::certify(oracle, w.wide, w.scales, w.hi_f, check.seed, most)?;
    let mut suspects = certified.suspects;
    let (mut hidden, mut weakest) = (0, 0.0f64);
    for &(input, flat) in everything {
        let (Some(g), Some(a), Some(error)) =
            (&w.claimed[input], &w.wide[input], &certified.error[input])
        else {
            continue;
        };
        let (claimed, a) = (g[flat], a[flat]);
        let u = check.inputs[input].dtype().unit_roundoff();
        let q8 = (8.0 * w.bounds.q[w.rows[input]][flat]).max(u * a.abs().to_f64());
        let back = (Dd::from(claimed) - a).abs().to_f64();
        if (back.is_nan() || back > q8) && suspects.len() < most {
            suspects.push((input, flat));
        }
        let size = a.abs().to_f64();
        if size > 0.0 {
            let mde = (error[flat] + q8) / size;
            weakest = weakest.max(mde);
            hidden += usize::from(mde > report.power);
        }
    }
    if hidden > 0 {
        report.status = report.status.max(Status::Unknown);
        report.notes.push(format!(
            "rounding hides errors of the power asked for in {hidden} of {} coordinates (largest MDE {weakest:.0e})",
            everything.len()
        ));
    }
    report.notes.push(format!(
        "{} coordinates certified by random projections; {} examined one by one",
        everything.len(),
        suspects.len() + examples
    ));
    let stride = everything.len() / examples;
    suspects.extend((0..examples).map(|k| everything[k * stride]));
    suspects.sort_unstable();
    suspects.dedup();
    Ok(suspects)
}

/// Plants an error of the promised size in a copy of each certified coordinate and demands that it is seen.
fn self_test(facts: &[Facts], report: &mut Report) {
    for (f, c) in facts.iter().zip(&mut report.coordinates) {
        if c.status != Status::Pass || c.verdict == Verdict::SubgradientChoice || c.oracle == 0.0 {
            continue;
        }
        let planted = decide(&f.with_claim(f.claimed * (1.0 + 2.0 * report.power.max(c.mde))));
        if planted.status == Status::Pass {
            c.status = Status::Unknown;
            c.remark = Some("an error planted on purpose was not noticed here".into());
        }
    }
}

/// A margin this small is a tie in the working precision.
fn tie_width(e_f: f64, u: f64) -> f64 {
    // Margins are in units of preactivations, whose own rounding is below that of the value's when both are of one size;
    // exact ties have margin 0, which is what matters.
    e_f.min(u) * 1e-3
}
