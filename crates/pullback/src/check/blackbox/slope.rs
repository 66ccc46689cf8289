//! The derivative along a line, from a ladder of steps, and how far it may be off.
//!
//! Each step is half the one before, from a quarter of the numbers' own size downward. Three neighbours give a derivative without the
//! errors of second and fourth order (Romberg's scheme); four neighbours give a combination that no polynomial of sixth order moves, so
//! that what is left of it is noise, or the function's finer structure, at just that length of step. Noise is charged as the largest
//! such remainder at shorter steps, so that a solver's waviness is seen at its own length and not only a rounding's. The ladder ends
//! where shorter steps can no longer help.

use super::probe::{Moves, Probe};
use crate::Result;

/// What is known of a derivative along a line, for one claim.
#[derive(Clone, Debug)]
pub(super) struct Slope {
    pub(super) d: f64,
    /// How far it may be off: what neighbours on the ladder differ by, and noise over the step.
    pub(super) e: f64,
    /// The part of `e` that is noise, and the noise itself.
    pub(super) by_noise: f64,
    pub(super) noise: f64,
    /// Noise at the shortest steps taken, where it may be louder.
    pub(super) loudest: f64,
    /// The slope's jump, where it jumps at the point.
    pub(super) jump: Option<f64>,
    /// What other lengths of step say with some confidence, and how far that may be off.
    pub(super) credible: Vec<(f64, f64)>,
}

impl Slope {
    /// By the number itself, where the line moves it by `scale`.
    fn per(mut self, scale: f64) -> Slope {
        for x in [&mut self.d, &mut self.e, &mut self.by_noise] {
            *x /= scale;
        }
        self.jump = self.jump.map(|j| j / scale);
        for (d, e) in &mut self.credible {
            (*d, *e) = (*d / scale, *e / scale);
        }
        self
    }
}

/// First step, relative to the numbers moved.
const FIRST: f64 = 0.25;

/// So many steps are taken at least, and at most.
const LEAST: usize = 6;
const MOST: usize = 48;

/// A derivative from this few per cent of its size is believed a little.
const CREDIBLE: f64 = 0.05;

struct Rung {
    h: f64,
    odd: Vec<f64>,
    even: Vec<f64>,
    sizes: Vec<f64>,
}

impl Probe<'_> {
    /// The derivatives by one number.
    pub(super) fn slopes_by(&self, i: usize) -> Result<Vec<Slope>> {
        let scale = self.step_of(i);
        let mut found = self.slopes(&[(i, scale)])?;
        self.refine(&[(i, scale)], &mut found)?;
        Ok(found.into_iter().map(|s| s.per(scale)).collect())
    }

    /// A power of two near a number's size: steps of it are stored exactly, mostly.
    pub(super) fn step_of(&self, i: usize) -> f64 {
        self.scales[i].log2().round().exp2()
    }

    /// The derivatives along a line whose moves are of the numbers' own sizes, one for each claim.
    pub(super) fn slopes(&self, line: &Moves) -> Result<Vec<Slope>> {
        let claims = &self.check.claims;
        let mut rungs: Vec<Rung> = Vec::new();
        let mut found: Vec<Slope> = Vec::new();
        let mut h = FIRST;
        for n in 1..=MOST {
            let ends = self.ends(line, h)?;
            rungs.push(Rung {
                h,
                odd: ends.odd,
                even: ends.even,
                sizes: ends.sizes,
            });
            h /= 2.0;
            if n < LEAST {
                continue;
            }
            found = (0..claims.len()).map(|k| self.slope(&rungs, k)).collect();
            let done = found.iter().enumerate().all(|(k, s)| {
                let along = line.iter().map(|m| claims[k].gradient[m.0] * m.1);
                let claimed: f64 = along.filter(|t| t.is_finite()).sum();
                self.enough(&rungs, s, k, claimed)
            });
            if done {
                break;
            }
        }
        Ok(found)
    }

    /// Whether shorter steps cannot help any more.
    fn enough(&self, rungs: &[Rung], s: &Slope, k: usize, claimed: f64) -> bool {
        let h = rungs.last().map_or(0.0, |r| r.h);
        let size = s.d.abs().max(claimed.abs());
        let floor = self.floor(&rungs[rungs.len() - 1], k);
        if rungs.iter().all(|r| r.odd[k] == 0.0 && r.even[k] == 0.0) {
            return true;
        }
        // Rounding alone hides more than the power asked for, ten times over.
        let bottom = floor / h > 10.0 * self.power * size.max(self.power * floor);
        let good = s.e <= 0.1 * self.power * s.d.abs();
        let by_noise = 3.0 * s.noise.max(floor) / h > 4.0 * s.e;
        bottom || (good && by_noise)
    }

    /// What one value may be off by at a step, whatever the function's structure.
    fn floor(&self, r: &Rung, k: usize) -> f64 {
        self.noise[k].max(self.check.results.unit_roundoff() * r.sizes[k])
    }

    fn slope(&self, rungs: &[Rung], k: usize) -> Slope {
        let m = rungs.len();
        let odd = |i: usize| rungs[i].odd[k];
        let n = |i: usize| odd(i) / rungs[i].h;
        let d6: Vec<f64> = (0..m - 2)
            .map(|i| (64.0 * n(i + 2) - 20.0 * n(i + 1) + n(i)) / 45.0)
            .collect();
        // No odd polynomial of fifth degree moves this; noise moves it by 0.85 of its deviation.
        let rest: Vec<f64> = (0..m - 3)
            .map(|i| {
                odd(i + 3) - 21.0 / 32.0 * odd(i + 2) + 21.0 / 256.0 * odd(i + 1) - odd(i) / 512.0
            })
            .map(|r| r.abs() / 0.85)
            .collect();
        let mut best = Slope {
            d: f64::NAN,
            e: f64::INFINITY,
            by_noise: f64::INFINITY,
            noise: self.noise[k],
            loudest: self.noise[k].max(even_noise(rungs, k)),
            jump: None,
            credible: Vec::new(),
        };
        for i in 0..m - 3 {
            let d = d6[i + 1];
            let apart = (d6[i] - d).abs();
            if !apart.is_finite() {
                continue;
            }
            let before = match i {
                0 => 0.0,
                i if d6[i - 1].is_finite() => (d6[i - 1] - d6[i]).abs() / 64.0,
                _ => apart,
            };
            let shorter = rest[i + 1..].iter().copied().filter(|r| r.is_finite());
            let shorter = shorter.fold(if i + 1 == rest.len() { rest[i] } else { 0.0 }, f64::max);
            let floor = (rungs[i..i + 4].iter()).fold(0.0, |f: f64, r| f.max(self.floor(r, k)));
            let noise = floor.max(shorter).max(plateau(rungs, i, k));
            let by_noise = 3.0 * noise / rungs[i + 3].h;
            let structure = apart.max(before);
            let e = structure + by_noise;
            // What differs by some times the noise is noise.
            let by_noise = if structure <= 4.0 * by_noise {
                e
            } else {
                by_noise
            };
            if e <= CREDIBLE * d.abs() {
                best.credible.push((d, e));
            }
            if e < best.e {
                (best.d, best.e, best.by_noise, best.noise) = (d, e, by_noise, noise);
            }
        }
        // Only what contradicts the best is another answer; the others are it, less exactly.
        let (d, e) = (best.d, best.e);
        best.credible.retain(|c| (c.0 - d).abs() > 3.0 * (c.1 + e));
        best.jump = jump(rungs, k, best.noise, best.d);
        best
    }
}

/// What no even polynomial of fourth degree moves, at the shortest steps: noise that differences may hide by chance.
fn even_noise(rungs: &[Rung], k: usize) -> f64 {
    let short = &rungs[rungs.len().saturating_sub(5)..];
    let rests = short.windows(3).map(|w| {
        let even = |i: usize| w[i].even[k];
        (even(2) - 5.0 / 16.0 * even(1) + even(0) / 64.0).abs()
    });
    rests.filter(|r| r.is_finite()).fold(0.0, f64::max)
}

/// Where four steps change nothing though longer ones do, by less than a millionth: the height of what is a plateau of rounding, or of a
/// solver's tolerance.
fn plateau(rungs: &[Rung], i: usize, k: usize) -> f64 {
    if rungs[i..i + 4].iter().any(|r| r.odd[k] != 0.0) {
        return 0.0;
    }
    let heights = rungs[..i]
        .iter()
        .map(|r| r.odd[k].abs())
        .filter(|h| *h > 0.0);
    let height = heights.fold(f64::INFINITY, f64::min);
    match height < 1e-6 * rungs[i].sizes[k] {
        true => height,
        false => 0.0,
    }
}

/// The difference of the slopes on both sides, where it does not shrink with the step.
fn jump(rungs: &[Rung], k: usize, noise: f64, d: f64) -> Option<f64> {
    let r = |i: usize| 2.0 * rungs[i].even[k] / rungs[i].h;
    // Without what curvature adds.
    let jumps = (0..rungs.len() - 1).map(|i| (2.0 * r(i + 1) - r(i), rungs[i + 1].h));
    let clear: Vec<f64> = jumps
        .filter(|(j, h)| j.abs() > 64.0 * noise / h)
        .map(|(j, _)| j)
        .collect();
    let last = clear.last().copied()?;
    let steady = clear.len() >= 4
        && (clear[clear.len() - 4..].iter()).all(|j| (j - last).abs() <= 0.05 * last.abs());
    (steady && last.abs() > 1e-6 * d.abs()).then_some(last)
}
