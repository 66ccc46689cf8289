//! Every coordinate, or with very many those that matter: what is measured, and what is made of it.

use super::claims::{self, Gradient};
use super::host::Touch;
use super::measure::{adjoint, escaped, jump, numeric, quotients, rms, scale_of};
use super::oracle::{Oracle, U_HI};
use super::run::name_of;
use super::verdict::{Facts, decide};
use super::{
    BugKind, Check, Claim, Mode, NearestKink, Report, Status, Verdict, explain, fast, guilty, host,
    kinks, paths,
    rounding::{self, Inexact},
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
    let (program, bounds) = claims::bounds(check, oracle)?;
    let bench = Bench::new(check, oracle, claimed, report, &bounds)?;
    let (found, untested) = adjoint(check, oracle, &bench.autograd_wide, bench.hi_f)?;
    report.adjoint = Some(found);
    report
        .notes
        .extend(untested.map(|why| format!("forward mode was not tested: {why}")));
    let everything: Vec<(usize, usize)> = claimed
        .iter()
        .enumerate()
        .flat_map(|(i, g)| (0..g.as_ref().map_or(0, Vec::len)).map(move |flat| (i, flat)))
        .collect();
    let limit = check.limit.unwrap_or(oracle.affordable().max(AT_LEAST));
    let chosen = if everything.len() <= limit {
        everything
    } else {
        choose(&bench, report, &everything)?
    };
    let mut findings = Findings {
        q_f: bounds.q[0][0],
        ..Findings::default()
    };
    for (input, flat) in chosen {
        let (facts, kink) = bench.coordinate(report, input, flat)?;
        findings.kinks.push(kink);
        findings.facts.push(facts);
    }
    let facts = &mut findings.facts;
    sizes(&bench.wide, facts);
    let escapes = facts.iter().any(|f| f.escaped);
    if bench.host.differs {
        host_note(report, facts.iter().any(|f| f.unclear), escapes);
    }
    let partial = amplified(&bench, &program, facts)?;
    for f in facts.iter_mut() {
        if f.n_fz.to_f64() != f.n_hi.to_f64() {
            f.jump = Some(jump(oracle, f)?);
        }
    }
    report.coordinates = facts.iter().map(decide).collect();
    if !check.linear && !bench.host.differs && !depends(&oracle.program, &check.inputs) {
        independent(oracle.captured, report);
    }
    self_test(facts, report);
    if matches!(check.claim, Claim::Autograd) {
        forward(oracle, report)?;
    }
    blame(&bench, report, escapes, partial)?;
    Ok(findings)
}

/// What all coordinates are measured with.
struct Bench<'a> {
    check: &'a Check<'a>,
    oracle: &'a Oracle<'a>,
    claimed: &'a Gradient,
    bounds: &'a rounding::Bounds,
    /// The claimed gradient's formula, and the engine's, in double-double.
    wide: Vec<Option<Vec<Dd>>>,
    autograd_wide: Vec<Option<Vec<Dd>>>,
    margins: kinks::Margins,
    /// Some gate lies on a tie.
    tied: bool,
    host: host::Host,
    /// Natural steps.
    scales: Vec<Option<Vec<f64>>>,
    /// Which output of the bounds belongs to which input: the value comes first, then the floating inputs.
    rows: Vec<usize>,
    /// What evaluating once may be off by; in double-double.
    inexact: Inexact,
    hi_f: f64,
    /// Unit roundoff of the finest dtype that is computed in.
    fine: f64,
    rule_unit: f64,
}

impl<'a> Bench<'a> {
    fn new(
        check: &'a Check<'a>,
        oracle: &'a Oracle<'a>,
        claimed: &'a Gradient,
        report: &Report,
        bounds: &'a rounding::Bounds,
    ) -> Result<Bench<'a>> {
        let u = report.dtype.unit_roundoff();
        let (e_f, q_f) = (bounds.e[0][0], bounds.q[0][0]);
        let wide = claims::claimed_wide(check, oracle)?;
        let autograd_wide = match &check.claim {
            Claim::Formula(_) => oracle.gradient()?.0,
            _ => wide.clone(),
        };
        let centre = oracle.values_at(&oracle.wide)?;
        let margins = kinks::Margins::of(&oracle.program, &centre)?;
        let near = 8.0 * u * f64::EPSILON + tie_width(e_f, u);
        let tied = (margins.gates.iter()).any(|(_, m)| m.iter().any(|d| *d <= near));
        let scales = (check.inputs.iter().zip(claimed))
            .map(|(x, g)| match g {
                None => Ok(None),
                Some(g) => {
                    let x = x.to_f64_vec()?;
                    Ok(Some((0..g.len()).map(|flat| scale_of(&x, flat)).collect()))
                }
            })
            .collect::<Result<_>>()?;
        let mut row = 0;
        let rows = claimed
            .iter()
            .map(|g| {
                row += usize::from(g.is_some());
                row
            })
            .collect();
        let fine = u.min(bounds.finest);
        let under = bounds.under[0][0];
        let hi_f = (8.0 * bounds.digits[0][0] * (U_HI / fine))
            .max(U_HI * report.value.abs())
            .max(under)
            .max(1e-320);
        let inexact = Inexact {
            wide: hi_f,
            under,
            own: 8.0 * q_f,
        };
        Ok(Bench {
            host: host::look(check, oracle)?,
            rule_unit: oracle.rule_unit(),
            check,
            oracle,
            claimed,
            bounds,
            wide,
            autograd_wide,
            margins,
            tied,
            scales,
            rows,
            inexact,
            hi_f,
            fine,
        })
    }

    /// The derivative of the smooth program, and its uncertainty; looked at again where the formula disagrees.
    fn derivative(&self, (input, flat): (usize, usize), scale: f64, q: f64) -> Result<(Dd, f64)> {
        let good = 4.0 * 8.0 * q * (U_HI / self.fine);
        let found = self
            .oracle
            .derivative(input, flat, scale, self.hi_f, good)?;
        let a_hi = self.wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
        let apart = (a_hi - found.0).abs().to_f64();
        if apart.is_nan() || apart > found.1 + 8.0 * q * (self.rule_unit / self.fine) {
            let claim = a_hi.to_f64();
            return (self.oracle).confirm(input, flat, scale, self.hi_f, found, claim);
        }
        Ok(found)
    }

    /// Everything at one coordinate, and how far the nearest kink along it is.
    fn coordinate(
        &self,
        report: &mut Report,
        input: usize,
        flat: usize,
    ) -> Result<(Facts, Option<f64>)> {
        let (check, oracle, row) = (self.check, self.oracle, self.rows[input]);
        let scale = self.scales[input].as_ref().map_or(1.0, |s| s[flat]);
        let (e, q) = (self.bounds.e[row][flat], self.bounds.q[row][flat]);
        let digits = self.bounds.digits[row][flat];
        let (d, mut e_d) = self.derivative((input, flat), scale, digits)?;
        let numeric = numeric(check, oracle, input, flat, report.step)?;
        let (n_fz, n_hi, n_rounded) = quotients(oracle, check, input, flat, report.step)?;
        let of = |wide: &[Option<Vec<Dd>>]| wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
        let crossing = oracle.first_crossing(&self.margins, input, flat, scale)?;
        let sides = if self.tied || crossing.is_some_and(|c| c.2 <= 1e-9 * scale) {
            Some(oracle.one_sided(input, flat, scale, self.hi_f)?)
        } else {
            None
        };
        let distance = crossing.map(|c| c.2);
        let touch = match self.host.differs {
            true => {
                let at = (input, flat, scale);
                let (touch, size) = host::matters(oracle, at, distance, d.to_f64(), self.inexact)?;
                if touch == Touch::No {
                    e_d += size;
                }
                touch
            }
            false => Touch::No,
        };
        let (name, index) = name_of(check, input, flat);
        if let Some(found) = crossing {
            nearest(oracle, report, found, &name);
        }
        let engine = match check.claim {
            Claim::Formula(_) => 0.0,
            _ => (Dd::from(self.bounds.values[row][flat]) - of(&self.autograd_wide))
                .abs()
                .to_f64(),
        };
        let (escaped, hidden) = escaped(oracle, input, flat, scale, self.hi_f)?;
        let facts = Facts {
            name,
            input,
            index,
            flat,
            claimed: self.claimed[input].as_ref().map_or(f64::NAN, |g| g[flat]),
            numeric,
            a_hi: of(&self.wide),
            d,
            e_d,
            n_fz,
            n_hi,
            n_rounded,
            e,
            q,
            digits: self.bounds.digits[row][flat],
            under: self.bounds.under[row][flat],
            u: check.inputs[input].dtype().unit_roundoff(),
            fine: self.fine,
            rule_unit: self.rule_unit,
            step: report.step,
            power: report.power,
            sides,
            escaped: touch == Touch::Yes || escaped,
            hidden,
            unclear: touch == Touch::Unclear,
            jump: None,
            rms: 0.0,
            numbers: matches!(check.claim, Claim::Numbers(_)),
            engine,
            kernels_agree: false,
        };
        Ok((facts, distance))
    }
}

/// Keeps the kink that the user's step meets first.
fn nearest(
    oracle: &Oracle<'_>,
    report: &mut Report,
    (k, unit, distance): (usize, usize, f64),
    name: &str,
) {
    let steps = distance / report.step;
    if report.nearest_kink.as_ref().is_none_or(|n| steps < n.steps) {
        let inst = &oracle.program.instructions()[k];
        report.nearest_kink = Some(NearestKink {
            name: name.to_string(),
            op: format!("{} at {}", inst.op.def().name, inst.written()),
            unit,
            steps,
        });
    }
}

/// The size of each tensor's derivatives, for those that are 0.
fn sizes(wide: &[Option<Vec<Dd>>], facts: &mut [Facts]) {
    for (input, wide) in wide.iter().enumerate() {
        let Some(wide) = wide else { continue };
        let exact: Vec<f64> = wide.iter().map(|a| a.to_f64()).collect();
        let scale = rms(&exact).unwrap_or(0.0);
        facts
            .iter_mut()
            .filter(|f| f.input == input)
            .for_each(|f| f.rms = scale);
    }
}

/// What is said of a function that is not all in its graph.
fn host_note(report: &mut Report, hidden: bool, escapes: bool) {
    let begins = "at a point beside this one the function differs from its recorded run (item, or a branch of the host program)";
    if hidden {
        let text = format!("{begins}; rounding hides whether the derivative here does");
        report.notes.push(text);
    } else if !escapes {
        let text = format!("{begins}; the derivative here does not");
        report.notes.push(text);
    }
}

/// Tells rounding that was amplified beyond first order from a wrong kernel, and from an engine that differentiated only a part
/// of the run (true).
fn amplified(bench: &Bench<'_>, backward: &Program, facts: &mut [Facts]) -> Result<bool> {
    let beyond = |f: &Facts| {
        let off = (Dd::from(f.claimed) - f.a_hi).abs().to_f64();
        !f.numbers && (off > f.e || !off.is_finite())
    };
    let suspicious = facts.iter().any(beyond);
    let mut partial = false;
    if suspicious || matches!(bench.check.claim, Claim::Numbers(_)) {
        partial = own_rounding(bench.oracle, backward, bench.bounds, &bench.rows, facts)?;
    }
    if suspicious {
        let refs: Vec<&Tensor> = bench.check.inputs.iter().collect();
        let agree = rounding::kernels_agree(backward, &refs)?;
        facts.iter_mut().for_each(|f| f.kernels_agree = agree);
    }
    Ok(partial)
}

/// Looks for what explains a bug, and for the operation to blame.
fn blame(bench: &Bench<'_>, report: &mut Report, escapes: bool, partial: bool) -> Result<()> {
    let (check, oracle, claimed) = (bench.check, bench.oracle, bench.claimed);
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

/// So few coordinates are examined one by one, whatever it costs.
const AT_LEAST: usize = 24;

/// Most coordinates shown beside the suspects, as examples.
const EXAMPLES: usize = 16;

/// Most suspects examined one by one.
const SUSPECTS: usize = 64;

/// With very many coordinates: certifies the gradient by projections, and picks those to examine one by one.
fn choose(
    w: &Bench<'_>,
    report: &mut Report,
    everything: &[(usize, usize)],
) -> Result<Vec<(usize, usize)>> {
    let (check, oracle) = (w.check, w.oracle);
    let affordable = oracle.affordable();
    let (examples, most) = (affordable.clamp(2, EXAMPLES), affordable.clamp(3, SUSPECTS));
    let under = |input: usize, flat: usize| w.bounds.under[w.rows[input]][flat];
    let certified = fast::certify(oracle, &w.wide, &w.scales, &under, w.hi_f, check.seed, most)?;
    let mut suspects = certified.suspects;
    let (mut hidden, mut weakest) = (0, 0.0f64);
    let scale = |i: usize, flat: usize| w.scales[i].as_ref().map_or(1.0, |s| s[flat]);
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
            let outside = match w.host.differs {
                true => host::unseen(check, scale(input, flat), w.inexact),
                false => 0.0,
            };
            let mde = (error[flat] + q8 + under(input, flat) + outside) / size;
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
    if w.host.differs {
        let all: Vec<(usize, usize, f64)> = (everything.iter())
            .map(|&(i, flat)| (i, flat, scale(i, flat)))
            .collect();
        host::touched(oracle, &all, w.inexact, most, &mut suspects)?;
    }
    let stride = everything.len() / examples;
    suspects.extend((0..examples).map(|k| everything[k * stride]));
    suspects.sort_unstable();
    suspects.dedup();
    report.notes.push(format!(
        "{} coordinates certified by random projections, in which all of them move, in what is detached too: an error in a single one shows from {weakest:.0e} of it on; {} examined one by one",
        everything.len(),
        suspects.len()
    ));
    if !w.host.differs {
        report.notes.push("recorded again with every number moved, the function was the same program with the same numbers from outside: none of them left the graph by item, NumPy or a branch".into());
    }
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
