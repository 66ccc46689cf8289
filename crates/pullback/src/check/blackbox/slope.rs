//! The derivative along a line, from a ladder of steps, and how far it may be off.
//!
//! Each step is half the one before, from about a quarter of the numbers' own size downward; the first is no round number, so that no
//! term of the function has a period that all steps are multiples of, and much shorter steps must agree before the ladder may end. Three neighbours give a derivative without the
//! errors of second and fourth order (Romberg's scheme); four neighbours give a combination that no polynomial of sixth order moves, so
//! that what is left of it is noise, or the function's finer structure, at just that length of step. Noise is charged as the largest
//! such remainder at shorter steps, so that a solver's waviness is seen at its own length and not only a rounding's. The ladder ends
//! where shorter steps can no longer help.

use super::evidence::{self, CONTRADICT, READABLE, even_noise, kink, plateau, size_seen};
use super::probe::{Moves, Probe};
use crate::Result;

/// What is known of a derivative along a line, for one claim.
#[derive(Clone, Debug)]
pub(super) struct Slope {
    pub(super) d: f64,
    /// The longest step that it was taken from, along the line.
    pub(super) from: f64,
    /// How far it may be off: what neighbours on the ladder differ by, and noise over the step.
    pub(super) e: f64,
    /// The part of `e` that is noise, and the noise itself.
    pub(super) by_noise: f64,
    pub(super) noise: f64,
    /// Noise at the shortest steps taken, where it may be louder.
    pub(super) loudest: f64,
    /// The ladder's longest step.
    pub(super) longest: f64,
    /// The slope's jump, where it jumps at the point or nearer than can be told.
    pub(super) jump: Option<f64>,
    /// Whether the jump is the same down to the shortest steps.
    pub(super) steady: bool,
    /// The slope jumps beside the point: long steps do not count.
    pub(super) beside: bool,
    /// No step changed the value by a single bit.
    pub(super) unmoved: bool,
    /// What other lengths of step say with some confidence, and how far that may be off.
    pub(super) credible: Vec<(f64, f64)>,
    /// The shortest steps that noise leaves readable contradict the claim too, so that no kink nearer than the others explains it.
    pub(super) contradicted: bool,
    /// A claim nearer than this cannot be contradicted so, whatever `e` is.
    pub(super) legible: f64,
    /// Short steps change nothing and longer ones climb evenly: a staircase, with the claimed slope or, for a claim of 0, with any.
    pub(super) staircase: bool,
}

impl Slope {
    /// By the number itself, where the line moves it by `scale`.
    fn per(mut self, scale: f64) -> Slope {
        for x in [
            &mut self.d,
            &mut self.e,
            &mut self.by_noise,
            &mut self.legible,
        ] {
            *x /= scale;
        }
        self.jump = self.jump.map(|j| j / scale);
        self.longest *= scale;
        for (d, e) in &mut self.credible {
            (*d, *e) = (*d / scale, *e / scale);
        }
        self
    }
}

/// First step, relative to the numbers moved: of so few digits that it is stored exactly beside most numbers, of so many that the
/// steps are no multiples of a period.
const FIRST: f64 = 15_331_951.0 / 67_108_864.0;
const FIRST_SINGLE: f64 = 3_743.0 / 16_384.0;

/// So many steps are taken at least, and at most; more where much shorter ones show another slope.
const LEAST: usize = 6;
const MOST: usize = 48;
const MOST_FINER: usize = 120;

/// A derivative from this few per cent of its size is believed a little.
const CREDIBLE: f64 = 0.05;

/// What a kink leaves at a step, times the noise of values (twice their deviation), that is not noise.
const KINKY: f64 = 3.0;

/// Where a much shorter step shows another slope, the ladder goes so much further down, so that several steps are shorter still.
const FINER: f64 = 64.0;

/// Noise is smaller than this part of the function's largest values.
const NO_NOISE: f64 = 1e-3;

/// One step of the ladder.
pub(super) struct Rung {
    pub(super) h: f64,
    pub(super) odd: Vec<f64>,
    pub(super) even: Vec<f64>,
    pub(super) sizes: Vec<f64>,
    pub(super) moved: Vec<bool>,
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
        let claimed: Vec<f64> = (claims.iter())
            .map(|c| {
                let along = line.iter().map(|m| c.gradient[m.0] * m.1);
                along.filter(|t| t.is_finite()).sum()
            })
            .collect();
        let mut h = self.first(line);
        // The step that the ladder must reach.
        let mut down_to = f64::INFINITY;
        for n in 1..=MOST_FINER {
            rungs.push(self.rung(line, h)?);
            h /= 2.0;
            if n < LEAST {
                continue;
            }
            found = (0..claims.len())
                .map(|k| self.slope(&rungs, k, claimed[k]))
                .collect();
            let done =
                (found.iter().enumerate()).all(|(k, s)| self.enough(&rungs, s, k, claimed[k]));
            if (done && h <= down_to) || n == MOST {
                down_to = self.other_below(line, &rungs, &found, &claimed)?;
                if down_to.is_infinite() {
                    break;
                }
            }
        }
        if down_to.is_finite() {
            // The slope at the point is that of steps which were not reached.
            found.iter_mut().for_each(|s| s.contradicted = false);
        }
        Ok(found)
    }

    fn rung(&self, line: &Moves, h: f64) -> Result<Rung> {
        let ends = self.ends(line, h)?;
        Ok(Rung {
            h,
            odd: ends.odd,
            even: ends.even,
            sizes: ends.sizes,
            moved: ends.moved,
        })
    }

    /// The first step along a line.
    pub(super) fn first(&self, line: &Moves) -> f64 {
        match line.iter().any(|m| self.units[m.0] > f64::EPSILON) {
            true => FIRST_SINGLE,
            false => FIRST,
        }
    }

    /// Two much shorter steps, to see that the function has no finer structure than the ladder's: where one of them gives a clearly
    /// different slope, the step that the ladder must go down to; otherwise infinity.
    fn other_below(
        &self,
        line: &Moves,
        rungs: &[Rung],
        found: &[Slope],
        claimed: &[f64],
    ) -> Result<f64> {
        let last = &rungs[rungs.len() - 1];
        // The shortest step that rounding leaves readable for some claim.
        let readable = (found.iter().enumerate())
            .map(|(k, s)| {
                self.floor(last, k) / (10.0 * self.power() * size_seen(rungs, s, k, claimed[k]))
            })
            .filter(|h| h.is_finite() && *h > 0.0)
            .fold(f64::INFINITY, f64::min);
        let steps = (last.h / (16.0 * readable)).log2().floor();
        if !(steps.is_finite() && steps >= 2.0) {
            return Ok(f64::INFINITY);
        }
        for power in [(steps / 2.0).floor(), steps] {
            let r = self.rung(line, last.h / power.exp2())?;
            let differs = found.iter().enumerate().any(|(k, s)| {
                let slope = r.odd[k] / r.h;
                let size = size_seen(rungs, s, k, claimed[k]);
                let slack = 8.0 * self.floor(&r, k) / r.h + 1e-3 * size;
                // The shortest steps may have found it already, and longer ones say more of another.
                let shortest = last.odd[k] / last.h;
                (slope - s.d).abs() > slack + 3.0 * s.e && (slope - shortest).abs() > slack
            });
            if differs {
                return Ok(r.h / FINER);
            }
        }
        Ok(f64::INFINITY)
    }

    /// Whether shorter steps cannot help any more.
    fn enough(&self, rungs: &[Rung], s: &Slope, k: usize, claimed: f64) -> bool {
        let h = rungs.last().map_or(0.0, |r| r.h);
        let size = size_seen(rungs, s, k, claimed);
        let floor = self.floor(&rungs[rungs.len() - 1], k);
        if rungs.iter().all(|r| r.odd[k] == 0.0 && r.even[k] == 0.0) {
            return true;
        }
        // Rounding alone hides more than the power asked for, ten times over.
        let bottom = floor / h > 10.0 * self.power() * size.max(self.power() * floor);
        // Whether a jump of the slope is at the point or beside it, only the shortest steps say.
        let good = s.e <= 0.1 * self.power() * size && s.jump.is_none();
        let by_noise = 3.0 * s.noise.max(floor) / h > 4.0 * s.e;
        bottom || (good && by_noise)
    }

    /// What one value may be off by at a step, whatever the function's structure.
    fn floor(&self, r: &Rung, k: usize) -> f64 {
        let rounding = self.check.results.unit_roundoff() * r.sizes[k];
        self.noise[k].max(rounding).max(self.smallest())
    }

    fn slope(&self, rungs: &[Rung], k: usize, claimed: f64) -> Slope {
        let (d6, rest) = combinations(rungs, k);
        // Steps across a jump beside the point say nothing of the slope at the point.
        let floor = rungs.iter().fold(0.0, |f: f64, r| f.max(self.floor(r, k)));
        let kink = kink(rungs, k, floor);
        let gone = kink.as_ref().and_then(|j| j.gone);
        let mut best = self.best(rungs, k, (&d6, &rest), gone.unwrap_or(0));
        // Only what contradicts the best is another answer; the others are it, less exactly.
        let (d, e) = (best.d, best.e);
        best.credible.retain(|c| {
            let believed = c.1 <= CREDIBLE * c.0.abs().max(d.abs());
            believed && (c.0 - d).abs() > 3.0 * (c.1 + e)
        });
        best.beside = gone.is_some();
        if let Some(kink) = kink.filter(|j| j.gone.is_none() && j.jump.abs() > 1e-6 * d.abs()) {
            (best.jump, best.steady) = (Some(kink.jump), kink.steady);
        }
        best.staircase = evidence::staircase(rungs, k, claimed, best.d);
        let noise = best.noise.max(floor);
        // Smooth functions lose all but noise of these at once, those with kinks a half at each step.
        let kinky = rest
            .windows(2)
            .any(|r| r[1] > KINKY * floor && r[1] > r[0] / 16.0);
        best.contradicted = true;
        if kinky {
            best.legible = READABLE * noise / rungs[CONTRADICT + 1].h;
            best.contradicted = evidence::contradicted(rungs, &best, k, (claimed, noise), &d6);
        }
        best
    }

    /// The derivative at the step where it is known best, of the steps from one on.
    fn best(&self, rungs: &[Rung], k: usize, (d6, rest): (&[f64], &[f64]), from: usize) -> Slope {
        let last = rungs.len() - 4;
        // What shorter steps find is the function's own, and no noise, where it is as large as the function.
        let largest = rungs.iter().fold(0.0, |m: f64, r| m.max(r.sizes[k]));
        let own = rest.iter().rposition(|r| *r > NO_NOISE * largest);
        let from = from.max(own.unwrap_or(0)).min(last);
        let mut best = Slope {
            d: f64::NAN,
            from: rungs[0].h,
            e: f64::INFINITY,
            by_noise: f64::INFINITY,
            noise: self.noise[k],
            loudest: self.noise[k].max(even_noise(rungs, k)),
            longest: rungs[0].h,
            jump: None,
            steady: false,
            beside: false,
            unmoved: !rungs.iter().any(|r| r.moved[k]),
            credible: Vec::new(),
            contradicted: false,
            legible: 0.0,
            staircase: false,
        };
        for i in from..=last {
            let d = d6[i + 1];
            let apart = (d6[i] - d).abs();
            if !apart.is_finite() {
                continue;
            }
            let before = match i {
                i if i == from => 0.0,
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
            // What the next longer step says may be of the other side of a kink.
            best.credible.push((d, apart + by_noise));
            if e < best.e {
                // What differs by some times the noise is noise.
                best.by_noise = if structure <= 4.0 * by_noise {
                    e
                } else {
                    by_noise
                };
                (best.d, best.e, best.noise) = (d, e, noise);
                best.from = rungs[i + 1].h;
            }
        }
        best
    }
}

/// For claim `k`, derivatives from three neighbouring steps each, without the errors of second and fourth order; and of four neighbours what no
/// polynomial of sixth order moves.
fn combinations(rungs: &[Rung], k: usize) -> (Vec<f64>, Vec<f64>) {
    let odd = |i: usize| rungs[i].odd[k];
    let n = |i: usize| odd(i) / rungs[i].h;
    let derivatives = (0..rungs.len() - 2)
        .map(|i| (64.0 * n(i + 2) - 20.0 * n(i + 1) + n(i)) / 45.0)
        .collect();
    // No odd polynomial of fifth degree moves this; noise moves it by 0.85 of its deviation.
    let rest = (0..rungs.len() - 3)
        .map(|i| odd(i + 3) - 21.0 / 32.0 * odd(i + 2) + 21.0 / 256.0 * odd(i + 1) - odd(i) / 512.0)
        .map(|r| r.abs() / 0.85)
        .collect();
    (derivatives, rest)
}
