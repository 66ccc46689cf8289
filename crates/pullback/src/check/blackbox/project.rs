//! Many parameters: a right gradient is settled by a handful of lines, whatever their number.
//!
//! As for recorded functions (`fast.rs`): coordinates whose natural steps move the function about equally share a bucket, each with a weight
//! ξ/|a|, ½ ≤ |ξ| ≤ 3/2, so that none drowns; the derivative along the bucket's line must be what the claims say. A bucket that fails, or
//! whose line is too uncertain for the power asked for, is halved.

use super::decide::SURE;
use super::probe::Probe;
use crate::Result;
use crate::check::{Coordinate, Report, Status, Verdict, measure};
use std::collections::BTreeMap;

/// So many coordinates are examined one by one.
pub(super) const ONE_BY_ONE: usize = 64;

/// Coordinates shown as examples beside the suspects; most suspects that are told apart.
const EXAMPLES: usize = 8;
const SUSPECTS: usize = 16;

/// Singles of many parameters: where nothing else was asked for, a pass may rule out no less than this, and says what it does.
const SINGLES: f64 = 0.05;

/// Calls after which a line that is too uncertain is no longer halved.
const REFINE: usize = 600;

/// One coordinate of a bucket, and its weight in the direction.
#[derive(Clone, Copy)]
struct Entry {
    i: usize,
    v: f64,
}

/// What the lines have shown so far.
struct Settled {
    suspects: Vec<usize>,
    /// By coordinate: the smallest relative error that would have shown.
    error: Vec<f64>,
    /// By coordinate: the size of its claims; where they are 0, that of all.
    sizes: Vec<f64>,
    /// A line has clearly contradicted the claims.
    refuted: bool,
    /// Lines were left out, since there are suspects enough.
    skipped: bool,
}

/// What is to be examined one by one, and what the answer must explain.
pub(super) struct Choice {
    pub(super) chosen: Vec<usize>,
    suspects: Vec<usize>,
    /// By coordinate, the error that projections would have shown; none where all are examined.
    error: Vec<f64>,
    refuted: bool,
    skipped: bool,
}

impl Choice {
    /// All coordinates, of which nothing is known yet.
    pub(super) fn all(n: usize) -> Choice {
        Choice {
            chosen: (0..n).collect(),
            suspects: Vec::new(),
            error: Vec::new(),
            refuted: false,
            skipped: false,
        }
    }

    /// Examples whose own differences drown in noise are settled by the projections all the same.
    pub(super) fn settle(&self, probe: &Probe<'_>, coordinates: &mut [Coordinate]) {
        for c in coordinates {
            let flat = (c.index.iter().zip(&probe.check.arguments[c.input].shape))
                .fold(0, |flat, (i, n)| flat * n + i);
            let i = probe.range(c.input).start + flat;
            let drowned = c.status == Status::Unknown && c.verdict == Verdict::RoundOff;
            let Some(error) = self.error.get(i).filter(|e| **e <= probe.power()) else {
                continue;
            };
            if drowned && !self.suspects.contains(&i) {
                c.status = Status::Pass;
                c.mde = *error;
                c.remark =
                    Some("its own differences drown in noise; random projections settle it".into());
            }
        }
    }

    /// Why the claims cannot pass though no coordinate was found wrong; `kinks` are the coordinates whose claims choose between the slopes
    /// of a kink's sides, which a projection contradicts with no one being wrong.
    pub(super) fn unexplained(&self, kinks: &[usize]) -> Option<String> {
        let explained =
            !self.suspects.is_empty() && self.suspects.iter().all(|i| kinks.contains(i));
        match (self.skipped, self.refuted && !explained) {
            (true, _) => Some("so many coordinates look wrong along random projections that others were not settled".into()),
            (false, true) => Some("a random projection contradicts the gradient, and no coordinate examined one by one does".into()),
            (false, false) => None,
        }
    }
}

/// Certifies the claims by projections, and picks coordinates to examine one by one.
pub(super) fn choose(probe: &Probe<'_>, report: &mut Report) -> Result<Choice> {
    let n = probe.x.len();
    let (buckets, sizes, broken) = buckets(probe);
    let mut state = Settled {
        suspects: broken.into_iter().take(SUSPECTS).collect(),
        error: vec![f64::NAN; n],
        sizes,
        refuted: false,
        skipped: false,
    };
    for entries in &buckets {
        settle(probe, entries, &mut state)?;
    }
    // Lines that were not followed to an end leave no number.
    let shown = state.error.iter().filter(|e| !e.is_nan());
    let weakest = shown.clone().copied().fold(0.0, f64::max);
    if probe.single() && weakest <= SINGLES {
        probe.relax(weakest);
        report.power = probe.power();
    }
    let hidden = shown.filter(|e| **e > probe.power()).count();
    if hidden > 0 {
        report.status = report.status.max(Status::Unknown);
    }
    if hidden > 0 && weakest.is_finite() {
        report.notes.push(format!(
            "noise hides errors of the power asked for in {hidden} of {n} coordinates (the largest that may be hidden is {weakest:.0e})"
        ));
    }
    let examples = EXAMPLES.min(n);
    let mut chosen = state.suspects.clone();
    let shown = match weakest.is_finite() {
        true if probe.single() => format!(
            "an error in any one of {weakest:.0e} of its argument's gradient, in size, would have shown"
        ),
        true => format!("an error of {weakest:.0e} in any one would have shown"),
        false => {
            "along some of them the function is not finite and nothing would have shown".into()
        }
    };
    let note = format!(
        "{n} coordinates settled by random projections: {shown}; {} examined one by one",
        chosen.len() + examples
    );
    if chosen.is_empty() {
        report.notes.push(note);
    }
    chosen.extend((0..examples).map(|k| k * (n / examples)));
    chosen.sort_unstable();
    chosen.dedup();
    Ok(Choice {
        chosen,
        suspects: state.suspects,
        error: state.error,
        refuted: state.refuted,
        skipped: state.skipped,
    })
}

/// The buckets; the size of each coordinate's claims; coordinates whose claims are no numbers.
fn buckets(probe: &Probe<'_>) -> (Vec<Vec<Entry>>, Vec<f64>, Vec<usize>) {
    let claims = &probe.check.claims;
    let size = |i: usize| {
        let of_one: Vec<f64> = claims.iter().map(|c| c.gradient[i]).collect();
        measure::rms(&of_one).unwrap_or(0.0)
    };
    let mut sizes: Vec<f64> = (0..probe.x.len()).map(size).collect();
    if probe.single() {
        // Singles' noise is measured against the gradient of the whole argument.
        for argument in 0..probe.check.arguments.len() {
            let own = &mut sizes[probe.range(argument)];
            let finite: Vec<f64> = own.iter().copied().filter(|s| s.is_finite()).collect();
            let beside = measure::rms(&finite).unwrap_or(0.0);
            own.iter_mut()
                .for_each(|s| *s = if s.is_nan() { *s } else { s.max(beside) });
        }
    }
    let finite: Vec<f64> = sizes.iter().copied().filter(|s| s.is_finite()).collect();
    let all = measure::rms(&finite).unwrap_or(0.0);
    let draws = pullback_random::numpy::default_rng(13).random(probe.x.len());
    let mut found: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
    let mut broken = Vec::new();
    for (i, u) in draws.into_iter().enumerate() {
        // Uniform in ±[½, 3/2].
        let xi = if u < 0.5 {
            0.5 + 2.0 * u
        } else {
            -(2.0 * u - 0.5)
        };
        let scale = probe.scales[i];
        if !sizes[i].is_finite() {
            broken.push(i);
            continue;
        }
        let (key, v) = if sizes[i] == 0.0 {
            (i32::MIN, xi * scale)
        } else {
            let key = ((1.0 / (sizes[i] * scale)).log10() / 2.0).floor() as i32;
            (key, xi / sizes[i])
        };
        found.entry(key).or_default().push(Entry { i, v });
    }
    sizes
        .iter_mut()
        .filter(|s| **s == 0.0)
        .for_each(|s| *s = all);
    (found.into_values().collect(), sizes, broken)
}

/// Settles a set of coordinates, or halves it.
fn settle(probe: &Probe<'_>, entries: &[Entry], state: &mut Settled) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    if state.suspects.len() >= SUSPECTS {
        state.skipped = true;
        return Ok(());
    }
    let line = Line::of(probe, entries);
    let Projected {
        off,
        refuted,
        error,
    } = line.project(probe)?;
    state.refuted |= refuted;
    if off {
        if let [only] = entries {
            state.suspects.push(only.i);
            return Ok(());
        }
        let (left, right) = entries.split_at(entries.len() / 2);
        settle(probe, left, state)?;
        return settle(probe, right, state);
    }
    let mut fine = true;
    for (e, &(i, m)) in entries.iter().zip(&line.moves) {
        // |ξ| ≥ ½: an error δ at one coordinate moves the projection by at least δ·|m|.
        let relative = error / (m.abs() * state.sizes[e.i]);
        state.error[i] = if state.sizes[e.i] > 0.0 {
            relative
        } else {
            0.0
        };
        fine &= state.error[i] <= probe.power();
    }
    if !fine && entries.len() > 1 && probe.calls.get() < REFINE {
        let (left, right) = entries.split_at(entries.len() / 2);
        settle(probe, left, state)?;
        return settle(probe, right, state);
    }
    Ok(())
}

/// What a line says of the claims.
struct Projected {
    /// A claim is off along the line, perhaps by no more than bad luck.
    off: bool,
    /// One is off for certain.
    refuted: bool,
    /// The smallest error that would have shown.
    error: f64,
}

/// A direction whose largest move is its number's own size.
struct Line {
    moves: Vec<(usize, f64)>,
}

impl Line {
    fn of(probe: &Probe<'_>, entries: &[Entry]) -> Line {
        let relative = entries.iter().map(|e| e.v.abs() / probe.scales[e.i]);
        let largest = relative.fold(0.0, f64::max);
        Line {
            moves: entries.iter().map(|e| (e.i, e.v / largest)).collect(),
        }
    }

    /// Whether a claim is off along the line, and what would have shown.
    fn project(&self, probe: &Probe<'_>) -> Result<Projected> {
        let mut slopes = probe.slopes(&self.moves)?;
        // Noise that drowns short steps, as that of singles, averages out over many long ones.
        probe.refine(&self.moves, &mut slopes)?;
        let (mut off, mut refuted, mut error) = (false, false, f64::INFINITY);
        for (s, claim) in slopes.iter().zip(&probe.check.claims) {
            let (mut dot, mut own) = (0.0, 0.0f64);
            for &(i, m) in &self.moves {
                dot += claim.gradient[i] * m;
                own += (probe.units[i] * claim.gradient[i] * m).powi(2);
            }
            // The claims' own rounding, as if each were off by a few units.
            let allowed = s.e + 8.0 * own.sqrt();
            let apart = (dot - s.d).abs();
            // One coordinate alone is judged as where it is examined: what is within the power asked for is no suspicion.
            let tolerated = self.moves.len() == 1 && apart <= probe.power() * s.d.abs();
            off |= apart > SURE * allowed || (apart > 3.0 * allowed && !tolerated);
            refuted |= apart > SURE * allowed;
            error = error.min(4.0 * allowed.max(apart / 3.0));
        }
        Ok(Projected {
            off,
            refuted,
            error,
        })
    }
}
