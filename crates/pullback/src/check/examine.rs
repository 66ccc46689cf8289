//! Every coordinate, or with very many those that matter: what is measured, and what is made of it.

use super::blame::{amplified, blame, forward};
use super::claims::{self, Gradient};
use super::host::Touch;
use super::many::{AT_LEAST, choose};
use super::measure::{adjoint, escaped, jump, numeric, quotients, rms, scales_of};
use super::oracle::{Oracle, U_HI};
use super::run::name_of;
use super::verdict::{Facts, decide};
use super::{
    Check, Claim, NearestKink, Report, Status, Verdict, host, kinks,
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
pub(super) struct Bench<'a> {
    pub(super) check: &'a Check<'a>,
    pub(super) oracle: &'a Oracle<'a>,
    pub(super) claimed: &'a Gradient,
    pub(super) bounds: &'a rounding::Bounds,
    /// The claimed gradient's formula, and the engine's, in double-double.
    pub(super) wide: Vec<Option<Vec<Dd>>>,
    pub(super) autograd_wide: Vec<Option<Vec<Dd>>>,
    margins: kinks::Margins,
    /// Some gate lies on a tie.
    tied: bool,
    pub(super) host: host::Host,
    /// Natural steps.
    pub(super) scales: Vec<Option<Vec<f64>>>,
    /// Which output of the bounds belongs to which input: the value comes first, then the floating inputs.
    pub(super) rows: Vec<usize>,
    /// What evaluating once may be off by; in double-double.
    pub(super) inexact: Inexact,
    pub(super) hi_f: f64,
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
                Some(_) => Ok(Some(scales_of(&x.to_f64_vec()?))),
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
            out_of_range: None,
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
