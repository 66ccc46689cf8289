//! From slopes to verdicts, coordinate by coordinate.

use super::cause;
use super::probe::Probe;
use super::slope::Slope;
use super::stairs;
use crate::Result;
use crate::check::{Coordinate, Ledger, Status, Verdict, measure, run};

/// A bug is claimed beyond this many times the uncertainty.
pub(super) const SURE: f64 = 10.0;

/// A claimed gradient may be off by so many roundings of the size of those beside it.
const OWN: f64 = 8.0;

/// Wrong coordinates that are looked at again with ever shorter steps; more are believed to be wrong in the same way.
const CONFIRMED: usize = 16;

/// Where a coordinate is wrong, all of its argument's are examined up to this many, and a sample of more.
const WHOLE: usize = 256;
const SAMPLE: usize = 64;

/// What is said where a gap has another explanation than a wrong gradient.
const HIDDEN: &str = "longer steps contradict the claimed slope, and noise hides the shorter ones, which a kink may part from them";

const UNDERFLOW: &str = "no step changes the value, and products of numbers as small as this one underflow: whether the function moves with it cannot be told";

/// And where the slope found is not the function's.
const ALONE: &str = "steps of slightly other lengths do not give the slope that was found: it is the function's noise, or its finest structure";

/// What was measured at one coordinate, and what is made of it, for each claim.
pub(super) struct Judged {
    pub(super) i: usize,
    slopes: Vec<Slope>,
    /// By claim: shorter steps give the claimed slope and not the one found.
    shorter: Vec<bool>,
    /// By claim: steps of other lengths about as long do not give the slope found.
    alone: Vec<bool>,
    /// By claim: the values are rounded to decimals, in stairs that the claimed slope may climb.
    stairs: Vec<bool>,
    decisions: Vec<Decision>,
}

impl Judged {
    pub(super) fn wrong(&self) -> bool {
        self.decisions.iter().any(|d| d.status == Status::Fail)
    }
}

/// A verdict and what it rests on.
#[derive(Clone)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) status: Status,
    pub(super) remark: Option<String>,
    /// How far claim and derivative may be apart; what relative errors are relative to.
    pub(super) budget: f64,
    pub(super) size: f64,
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

/// The root mean square of a claim's numbers for one argument.
fn beside(probe: &Probe<'_>, argument: usize, k: usize) -> f64 {
    let own = &probe.check.claims[k].gradient[probe.range(argument)];
    let finite: Vec<f64> = own.iter().copied().filter(|g| g.is_finite()).collect();
    measure::rms(&finite).unwrap_or(0.0)
}

/// Beyond how many times the uncertainty a bug is claimed: noise is charged by what it was seen to be, which may be somewhat less than it is.
fn sure(s: &Slope) -> f64 {
    match s.by_noise >= 0.3 * s.e {
        true => 1.6 * SURE,
        false => SURE,
    }
}

fn decide(probe: &Probe<'_>, j: &Judged, k: usize, rms: f64, all: f64) -> Decision {
    let (s, u, power) = (&j.slopes[k], probe.units[j.i], probe.power());
    let claimed = probe.check.claims[k].gradient[j.i];
    let off = (claimed - s.d).abs();
    let own = OWN * u * beside(probe, probe.place(j.i).0, k).min(1e3 * s.d.abs().max(rms));
    let budget = s.e + u * s.d.abs() + own;
    let size = size(probe, j, k, (rms, all));
    let mut out = Decision {
        verdict: Verdict::Agree,
        status: Status::Pass,
        remark: None,
        budget,
        size,
    };
    let mut set = |verdict, status, remark: String| {
        (out.verdict, out.status) = (verdict, status);
        out.remark = Some(remark).filter(|r| !r.is_empty());
    };
    if !s.d.is_finite() {
        set(
            Verdict::Inconclusive,
            Status::Unknown,
            "the function is not finite around this point".into(),
        );
    } else if probe.random && budget > power * size {
        set(
            Verdict::NonDeterministic,
            Status::Unknown,
            "different values at one point".into(),
        );
    } else if let (Some(jump), true) = (s.jump, claimed.is_finite()) {
        let (verdict, status, remark) = at_a_kink(s, jump, claimed, budget);
        set(verdict, status, remark);
    } else if !claimed.is_finite() || off > sure(s) * budget {
        // A staircase of coarse stairs is flat as it stands, and has a slope as a rounded function.
        let flat = claimed == 0.0 && probe.stairs[k] > 1e-6 * probe.values[k].abs();
        let other = j.shorter[k]
            || flat
            || s.staircase
            || j.stairs[k]
            || (s.credible.iter()).any(|(d, e)| (claimed - d).abs() <= 2.0 * e + u * d.abs() + own);
        match other {
            true => set(Verdict::Inconclusive, Status::Unknown, "steps of different lengths give different slopes, and the claimed one is among them".into()),
            false if s.unmoved && claimed.is_finite() && probe.underflows(j.i) => set(Verdict::RoundOff, Status::Unknown, UNDERFLOW.into()),
            false if j.alone[k] => set(Verdict::RoundOff, Status::Unknown, ALONE.into()),
            false if s.contradicted => set(Verdict::Bug, Status::Fail, String::new()),
            false => set(Verdict::RoundOff, Status::Unknown, HIDDEN.into()),
        }
    } else if claimed == 0.0 && (s.staircase || j.stairs[k]) {
        set(
            Verdict::Inconclusive,
            Status::Unknown,
            "the function goes in stairs: it is flat at the point and climbs over longer steps"
                .into(),
        );
    } else if off > budget && off > power * size {
        set(
            Verdict::Inconclusive,
            Status::Unknown,
            "the gap is between one and ten times the uncertainty".into(),
        );
    } else if budget > power * size && size > 0.0 {
        match s.by_noise + own >= 0.5 * budget {
            true => set(
                Verdict::RoundOff,
                Status::Unknown,
                format!(
                    "the function's own noise, {:.1e} in its value, hides errors below {:.0e}, and {power:.0e} was asked for",
                    s.noise,
                    budget / size
                ),
            ),
            false => set(
                Verdict::Inconclusive,
                Status::Unknown,
                "the derivative cannot be determined to the power asked for".into(),
            ),
        }
    } else if s.unmoved && claimed != 0.0 && probe.moves.get() {
        set(
            Verdict::RoundOff,
            Status::Unknown,
            format!(
                "no step of this number changes the function's value by a single bit: a derivative of {claimed:.1e} drowns in it"
            ),
        );
        out.size = claimed.abs();
    } else if !probe.moves.get() {
        set(
            Verdict::Independent,
            Status::Unknown,
            "the function does not depend on its inputs, so that nothing was tested".into(),
        );
    }
    out
}

/// The coordinates where a claim is a choice between the slopes of a kink's sides.
pub(super) fn at_kinks(found: &[Judged]) -> Vec<usize> {
    let chosen = |d: &Decision| d.verdict == Verdict::SubgradientChoice;
    (found.iter())
        .filter(|j| j.decisions.iter().any(chosen))
        .map(|j| j.i)
        .collect()
}

/// What errors at a coordinate are relative to: its derivative, or where that is no more than noise, those beside it.
fn size(probe: &Probe<'_>, j: &Judged, k: usize, (rms, all): (f64, f64)) -> f64 {
    let s = &j.slopes[k];
    let clear = |size: &f64| *size > 2.0 * s.e;
    let value = probe.values[k].abs() / probe.scales[j.i];
    let sizes = [s.d.abs(), rms, all, value];
    // Where none is clear nothing is known: no size of 0 may make a pass of that.
    let claimed = probe.check.claims[k].gradient[j.i].abs();
    let largest = sizes.iter().copied().fold(claimed, f64::max);
    let size = sizes.into_iter().find(clear).unwrap_or(largest);
    // Singles' noise is measured against the gradient of the whole argument.
    if probe.single() { size.max(rms) } else { size }
}

/// Where the slope jumps the derivative is a choice between the slopes of both sides.
fn at_a_kink(s: &Slope, jump: f64, claimed: f64, budget: f64) -> (Verdict, Status, String) {
    let (left, right) = (s.d - jump / 2.0, s.d + jump / 2.0);
    let slack = SURE * budget + 1e-3 * jump.abs();
    let near = |x: f64| (claimed - x).abs() <= slack;
    let remark = format!("slopes {left:.4e} on the left, {right:.4e} on the right");
    // A jump somewhat beside the point shifts what is seen of both sides: what is outside of them by little is no proof.
    let wide = SURE * budget + 0.1 * jump.abs();
    let about = claimed >= left.min(right) - wide && claimed <= left.max(right) + wide;
    if s.steady && (near(left) || near(right) || near(s.d)) {
        (Verdict::SubgradientChoice, Status::Pass, remark)
    } else if about {
        (
            Verdict::KinkCrossed,
            Status::Unknown,
            format!("the slope jumps at or near this point: {remark}"),
        )
    } else if s.contradicted {
        (Verdict::Bug, Status::Fail, remark)
    } else {
        (
            Verdict::RoundOff,
            Status::Unknown,
            format!("{HIDDEN}: {remark}"),
        )
    }
}

/// Looks again with ever shorter steps where a gradient disagrees: a function that varies on a much smaller scale than its
/// input's size can make large steps agree with each other on a slope that is not its own.
fn confirm(probe: &Probe<'_>, found: &mut [Judged]) -> Result<()> {
    let mut confirmed = 0;
    for j in found.iter_mut().filter(|j| j.wrong()) {
        if confirmed == CONFIRMED {
            break;
        }
        repeat(probe, j)?;
        j.stairs = stairs::hidden(probe, j.i, &j.slopes)?;
        let scale = probe.step_of(j.i);
        for power in [-14, -20, -26, -32, -40] {
            // No round number, as for the ladder.
            let h = 4.0 * probe.first(&[(j.i, scale)]) * 2f64.powi(power);
            // Several steps of about this length: noise gives the claimed slope at one of them by luck, hardly at all.
            let steps = [1.0, 0.83, 0.61, 0.5].map(|part| part * h);
            let ends = steps
                .iter()
                .map(|h| probe.ends(&[(j.i, scale)], *h))
                .collect::<Result<Vec<_>>>()?;
            for k in 0..j.shorter.len() {
                let claimed = probe.check.claims[k].gradient[j.i];
                let apart = (claimed - j.slopes[k].d).abs();
                let size = ends[0].sizes[k];
                let floor = probe.noise[k].max(probe.check.results.unit_roundoff() * size);
                let flat = ends.iter().all(|e| !e.moved[k] || e.odd[k] == 0.0);
                // Equal values are a plateau of a solver or of rounding, unless plateaus are the function's own.
                let plateau = flat && apart * h * scale < 1e-6 * size;
                let clear = 4.0 * floor / (h * scale) < apart / 8.0;
                let there = (ends.iter().zip(&steps))
                    .all(|(e, h)| (e.odd[k] / (h * scale) - claimed).abs() < apart / 8.0);
                j.shorter[k] |= clear && !plateau && there;
            }
        }
        let stands = |k: usize| {
            let otherwise = j.shorter[k] || j.alone[k] || j.stairs[k];
            j.decisions[k].status == Status::Fail && !otherwise
        };
        confirmed += usize::from((0..j.shorter.len()).any(stands));
    }
    for j in found.iter_mut().filter(|j| !j.wrong()) {
        j.stairs = stairs::hidden(probe, j.i, &j.slopes)?;
    }
    Ok(())
}

/// Takes each slope again from steps that are no multiples of the ladder's: what noise gave by chance does not come again.
fn repeat(probe: &Probe<'_>, j: &mut Judged) -> Result<()> {
    let scale = probe.step_of(j.i);
    for k in 0..j.alone.len() {
        if j.decisions[k].status != Status::Fail {
            continue;
        }
        let s = &j.slopes[k];
        let claimed = probe.check.claims[k].gradient[j.i];
        let gap = (claimed - s.d).abs();
        let mut strays = 0;
        for part in [0.87, 0.71, 0.59] {
            let h = part * s.from;
            let n = [1.0, 0.5, 0.25].map(|part| {
                probe
                    .ends(&[(j.i, scale)], part * h)
                    .map(|e| e.odd[k] / (part * h * scale))
            });
            let [wide, middle, narrow] = n;
            let again = (64.0 * narrow? - 20.0 * middle? + wide?) / 45.0;
            strays += usize::from((again - s.d).abs() > 0.5 * gap);
        }
        j.alone[k] = strays > 0 && gap.is_finite();
    }
    Ok(())
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
