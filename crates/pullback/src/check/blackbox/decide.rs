//! The decision on one claim at one coordinate: what its derivative, its noise and its steps say of it.

use super::judge::Judged;
use super::probe::Probe;
use super::slope::Slope;
use crate::check::{Status, Verdict, measure};

/// A bug is claimed beyond this many times the uncertainty.
pub(super) const SURE: f64 = 10.0;

/// A claimed gradient may be off by so many roundings of the size of those beside it.
const OWN: f64 = 8.0;

/// What is said where steps contradict each other.
const SEVERAL: &str =
    "steps of different lengths give different slopes, and the claimed one is among them";

/// What is said where rounded values may hide the claimed slope, or are all that seems to contradict it.
const STAIRS: &str = "all values seen are rounded to a few decimals, and what the claimed slope and the one found differ by climbs too few of these stairs to be told";

/// What is said where a gap has another explanation than a wrong gradient.
const HIDDEN: &str = "longer steps contradict the claimed slope, and noise hides the shorter ones, which a kink may part from them";

/// Where nothing can be said of very small numbers.
const UNDERFLOW: &str = "no step changes the value, and products of numbers as small as this one underflow: whether the function moves with it cannot be told";

/// And where the slope found is not the function's.
const ALONE: &str = "steps of slightly other lengths do not give the slope that was found: it is the function's noise, or its finest structure";

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

/// The root mean square of a claim's numbers for one argument.
fn beside(probe: &Probe<'_>, argument: usize, k: usize) -> f64 {
    let own = &probe.check.claims[k].gradient[probe.range(argument)];
    let finite: Vec<f64> = own.iter().copied().filter(|g| g.is_finite()).collect();
    measure::rms(&finite).unwrap_or(0.0)
}

/// Beyond how many times the uncertainty a bug is claimed: noise is charged by what it was seen to be, which may be somewhat less than it is.
pub(super) fn sure(s: &Slope) -> f64 {
    match s.by_noise >= 0.3 * s.e {
        true => 1.6 * SURE,
        false => SURE,
    }
}

/// The decision on one claim at one coordinate; `rms` is the size of its argument's derivatives, `all` that of all.
pub(super) fn decide(probe: &Probe<'_>, j: &Judged, k: usize, rms: f64, all: f64) -> Decision {
    let (s, u) = (&j.slopes[k], probe.units[j.i]);
    let claimed = probe.check.claims[k].gradient[j.i];
    let own = OWN * u * beside(probe, probe.place(j.i).0, k).min(1e3 * s.d.abs().max(rms));
    let at = Measured {
        claimed,
        off: (claimed - s.d).abs(),
        own,
        budget: s.e + u * s.d.abs() + own,
        size: size(probe, j, k, (rms, all)),
    };
    let mut out = Decision {
        verdict: Verdict::Agree,
        status: Status::Pass,
        remark: None,
        budget: at.budget,
        size: at.size,
    };
    let drowns = s.unmoved && claimed != 0.0 && probe.moves.get();
    let found = undecidable(probe, s, &at)
        .or_else(|| apart(probe, j, k, &at))
        .or_else(|| unsure(probe, j, k, &at));
    let found = match found {
        None if drowns => {
            out.size = claimed.abs();
            Some((
                Verdict::RoundOff,
                Status::Unknown,
                format!(
                    "no step of this number changes the function's value by a single bit: a derivative of {claimed:.1e} drowns in it"
                ),
            ))
        }
        None if !probe.moves.get() => Some((
            Verdict::Independent,
            Status::Unknown,
            "the function does not depend on its inputs, so that nothing was tested".into(),
        )),
        found => found,
    };
    if let Some((verdict, status, remark)) = found {
        (out.verdict, out.status) = (verdict, status);
        out.remark = Some(remark).filter(|r| !r.is_empty());
    }
    out
}

/// What a decision rests on.
struct Measured {
    claimed: f64,
    /// Claim and derivative are so far apart.
    off: f64,
    /// The claim's own rounding.
    own: f64,
    /// How far they may be apart, and what relative errors are relative to.
    budget: f64,
    size: f64,
}

/// An answer, and what is said of it.
type Answer = (Verdict, Status, String);

/// Where there is no derivative to compare with.
fn undecidable(probe: &Probe<'_>, s: &Slope, at: &Measured) -> Option<Answer> {
    if !s.d.is_finite() {
        let why = "the function is not finite around this point";
        return Some((Verdict::Inconclusive, Status::Unknown, why.into()));
    }
    if probe.random && at.budget > probe.power() * at.size {
        let why = "different values at one point";
        return Some((Verdict::NonDeterministic, Status::Unknown, why.into()));
    }
    None
}

/// At a kink, and where claim and derivative are far apart.
fn apart(probe: &Probe<'_>, j: &Judged, k: usize, at: &Measured) -> Option<Answer> {
    let (s, claimed) = (&j.slopes[k], at.claimed);
    if let (Some(jump), true) = (s.jump, claimed.is_finite()) {
        return Some(at_a_kink(s, jump, claimed, at.budget));
    }
    if claimed.is_finite() && at.off <= sure(s) * at.budget {
        return None;
    }
    // A staircase of coarse stairs is flat as it stands, and has a slope as a rounded function.
    let flat = claimed == 0.0 && probe.stairs[k] > 1e-6 * probe.values[k].abs();
    let believed =
        |(d, e): &(f64, f64)| (claimed - d).abs() <= 2.0 * e + probe.units[j.i] * d.abs() + at.own;
    let other =
        j.shorter[k] || flat || s.staircase || j.stairs[k] || s.credible.iter().any(believed);
    let round_off = |why: &str| (Verdict::RoundOff, Status::Unknown, why.into());
    Some(match other {
        true if j.stairs[k] => (Verdict::Inconclusive, Status::Unknown, STAIRS.into()),
        true => (Verdict::Inconclusive, Status::Unknown, SEVERAL.into()),
        false if s.unmoved && claimed.is_finite() && probe.underflows(j.i) => round_off(UNDERFLOW),
        false if j.alone[k] => round_off(ALONE),
        false if s.contradicted => (Verdict::Bug, Status::Fail, String::new()),
        false => round_off(HIDDEN),
    })
}

/// Where they are near each other, but not enough is known.
fn unsure(probe: &Probe<'_>, j: &Judged, k: usize, at: &Measured) -> Option<Answer> {
    let (s, power) = (&j.slopes[k], probe.power());
    let inconclusive = |why: &str| Some((Verdict::Inconclusive, Status::Unknown, why.to_string()));
    if at.claimed == 0.0 && (s.staircase || j.stairs[k]) {
        return inconclusive(
            "the function goes in stairs: it is flat at the point and climbs over longer steps",
        );
    }
    if at.off > at.budget && at.off > power * at.size {
        return inconclusive("the gap is between one and ten times the uncertainty");
    }
    if at.budget <= power * at.size || at.size <= 0.0 {
        return None;
    }
    match s.by_noise + at.own >= 0.5 * at.budget {
        true => Some((
            Verdict::RoundOff,
            Status::Unknown,
            format!(
                "the function's own noise, {:.1e} in its value, hides errors below {:.0e}, and {power:.0e} was asked for",
                s.noise,
                at.budget / at.size
            ),
        )),
        false => inconclusive("the derivative cannot be determined to the power asked for"),
    }
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
