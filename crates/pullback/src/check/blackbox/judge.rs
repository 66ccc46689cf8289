//! From slopes to verdicts, coordinate by coordinate.

use super::cause;
use super::confirm::confirm;
use super::decide::{Decision, decide, sure};
use super::probe::Probe;
use super::slope::Slope;
use crate::Result;
use crate::check::{Coordinate, Ledger, Status, Verdict, measure, run};

/// Where a coordinate is wrong, all of its argument's are examined up to this many, and a sample of more.
const WHOLE: usize = 256;
const SAMPLE: usize = 64;

/// What was measured at one coordinate, and what is made of it, for each claim.
pub(super) struct Judged {
    pub(super) i: usize,
    pub(super) slopes: Vec<Slope>,
    /// By claim: shorter steps give the claimed slope and not the one found.
    pub(super) shorter: Vec<bool>,
    /// By claim: steps of other lengths about as long do not give the slope found.
    pub(super) alone: Vec<bool>,
    /// By claim: the values are rounded to decimals, in stairs that the claimed slope may climb.
    pub(super) stairs: Vec<bool>,
    pub(super) decisions: Vec<Decision>,
}

impl Judged {
    pub(super) fn wrong(&self) -> bool {
        self.decisions.iter().any(|d| d.status == Status::Fail)
    }
}

/// Measures coordinates one by one, and judges them.
pub(super) fn examine(probe: &Probe<'_>, chosen: &[usize]) -> Result<Vec<Judged>> {
    let mut found = Vec::new();
    for &i in chosen {
        found.push(Judged {
            i,
            slopes: probe.slopes_by(i)?,
            shorter: vec![false; probe.check.claims.len()],
            alone: vec![false; probe.check.claims.len()],
            stairs: vec![false; probe.check.claims.len()],
            decisions: Vec::new(),
        });
    }
    judge(probe, &mut found);
    confirm(probe, &mut found)?;
    judge(probe, &mut found);
    Ok(found)
}

/// Adds the other coordinates of arguments with a wrong one, so that the kind of mistake can be told.
pub(super) fn examine_more(probe: &Probe<'_>, mut found: Vec<Judged>) -> Result<Vec<Judged>> {
    let wrong: Vec<usize> = (found.iter().filter(|j| j.wrong()))
        .map(|j| probe.place(j.i).0)
        .collect();
    let mut more = Vec::new();
    for argument in 0..probe.check.arguments.len() {
        if !wrong.contains(&argument) {
            continue;
        }
        let range = probe.range(argument);
        let stride = if range.len() <= WHOLE {
            1
        } else {
            range.len() / SAMPLE
        };
        more.extend(
            range
                .step_by(stride)
                .filter(|i| found.iter().all(|j| j.i != *i)),
        );
    }
    found.extend(examine(probe, &more)?);
    found.sort_by_key(|j| j.i);
    judge(probe, &mut found);
    Ok(found)
}

/// Judges all coordinates, which are measured by each other's sizes.
fn judge(probe: &Probe<'_>, found: &mut [Judged]) {
    for k in 0..probe.check.claims.len() {
        let rms = |of: &dyn Fn(&Judged) -> bool| {
            let slopes = found.iter().filter(|j| of(j)).map(|j| j.slopes[k].d);
            measure::rms(&slopes.filter(|d| d.is_finite()).collect::<Vec<_>>()).unwrap_or(0.0)
        };
        let all = rms(&|_| true);
        let sizes: Vec<f64> = (0..probe.check.arguments.len())
            .map(|a| rms(&|j| probe.place(j.i).0 == a))
            .collect();
        let decisions: Vec<Decision> = (found.iter())
            .map(|j| decide(probe, j, k, sizes[probe.place(j.i).0], all))
            .collect();
        for (j, d) in found.iter_mut().zip(decisions) {
            j.decisions.truncate(k);
            j.decisions.push(d);
        }
    }
}

/// The coordinates where a claim is a choice between the slopes of a kink's sides.
pub(super) fn at_kinks(found: &[Judged]) -> Vec<usize> {
    let chosen = |d: &Decision| d.verdict == Verdict::SubgradientChoice;
    (found.iter())
        .filter(|j| j.decisions.iter().any(chosen))
        .map(|j| j.i)
        .collect()
}

/// The coordinates of the report.
pub(super) fn report(
    probe: &Probe<'_>,
    found: &[Judged],
    notes: &mut Vec<String>,
) -> Result<Vec<Coordinate>> {
    let count = |k: usize| {
        (found.iter())
            .filter(|j| j.decisions[k].status == Status::Fail)
            .count()
    };
    let claims = probe.check.claims.len();
    // The first of those with the most wrong coordinates.
    let shown = (0..claims).rev().max_by_key(|k| count(*k)).unwrap_or(0);
    probe.claim.set(shown);
    if claims > 1 && shown > 0 {
        notes.push(
            "the gradient is right for one weighing of the results and wrong for another".into(),
        );
    }
    found
        .iter()
        .map(|j| {
            let worst = (0..claims)
                .max_by_key(|k| (j.decisions[*k].status, *k == shown))
                .unwrap_or(0);
            coordinate(probe, j, worst)
        })
        .collect()
}

fn coordinate(probe: &Probe<'_>, j: &Judged, k: usize) -> Result<Coordinate> {
    let (s, d) = (&j.slopes[k], &j.decisions[k]);
    let (input, flat) = probe.place(j.i);
    let argument = &probe.check.arguments[input];
    let index = run::index_of(&argument.shape, flat);
    let claimed = probe.check.claims[k].gradient[j.i];
    let numeric = probe.quotient(j.i, probe.step, k)?;
    let mut out = Coordinate {
        name: run::name_with(&argument.name, &index),
        input,
        index,
        claimed,
        numeric,
        oracle: s.d,
        gap: claimed - numeric,
        ledger: Ledger {
            formula: claimed - s.d,
            ..Ledger::default()
        },
        budget: d.budget,
        mde: if d.size > 0.0 {
            // Relative to its own derivative, wherever that can be told.
            let own = if s.d.abs() > 2.0 * s.e {
                s.d.abs()
            } else {
                d.size
            };
            (sure(s) * d.budget).max(s.legible) / own
        } else if d.status == Status::Unknown {
            f64::INFINITY
        } else {
            0.0
        },
        verdict: d.verdict,
        status: d.status,
        remark: d.remark.clone(),
        outside: false,
    };
    cause::explain(probe, j.i, k, s, d, &mut out)?;
    Ok(out)
}
