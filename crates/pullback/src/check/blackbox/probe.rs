//! Calling the function: at the point, at moved points, and how noisy its values are there.

use super::BlackBox;
use super::stairs::Decimals;
use crate::check::{NearestKink, measure};
use crate::{DType, Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};

/// What moves a value in steps further apart than this, relative to the numbers' size, are the function's own jumps and no stairs.
const LONGEST_STAIR: f64 = 1.0 / 64.0;

/// A function at its point, ready to be called beside it.
pub(super) struct Probe<'a> {
    pub(super) check: &'a BlackBox<'a>,
    pub(super) x: Vec<f64>,
    /// The function's numbers at the point.
    pub(super) y: Vec<f64>,
    /// The same, weighed by each claim's cotangent.
    pub(super) values: Vec<f64>,
    /// By coordinate: a natural step, and what its dtype rounds by.
    pub(super) scales: Vec<f64>,
    pub(super) units: Vec<f64>,
    /// By claim: what two values that should be equal differ by, from runs at one point and from a fine grid.
    pub(super) noise: Vec<f64>,
    /// By claim: the noise of a value that goes in stairs, otherwise 0.
    pub(super) stairs: Vec<f64>,
    /// Whether runs at one point differ.
    pub(super) random: bool,
    pub(super) step: f64,
    power: Cell<f64>,
    pub(super) calls: Cell<usize>,
    /// Whether any call gave other numbers than the first.
    pub(super) moves: Cell<bool>,
    /// The claim that the report shows.
    pub(super) claim: Cell<usize>,
    /// How many decimals the function's numbers have.
    pub(super) decimals: RefCell<Decimals>,
    /// How many scans for a kink were made, and the nearest one found.
    pub(super) scans: Cell<usize>,
    pub(super) kink: RefCell<Option<NearestKink>>,
}

/// Weighed values of one call, and the size of what was added for each.
pub(super) struct Weighed {
    pub(super) values: Vec<f64>,
    pub(super) sizes: Vec<f64>,
}

/// A direction: coordinates and how far each moves.
pub(super) type Moves = [(usize, f64)];

/// The two ends of a step along a line, without what storing the points did to them.
pub(super) struct Ends {
    /// By claim: half the difference, and how far the mean is above the value between.
    pub(super) odd: Vec<f64>,
    pub(super) even: Vec<f64>,
    pub(super) sizes: Vec<f64>,
    /// By claim: whether an end has another value than the point, as it was returned.
    pub(super) moved: Vec<bool>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(check: &'a BlackBox<'a>) -> Result<Probe<'a>> {
        let usual = if check.dtype() == DType::F32 {
            1e-3
        } else {
            1e-6
        };
        let mut probe = Probe {
            check,
            x: Vec::new(),
            y: Vec::new(),
            values: Vec::new(),
            scales: Vec::new(),
            units: Vec::new(),
            noise: vec![0.0; check.claims.len()],
            stairs: vec![0.0; check.claims.len()],
            random: false,
            step: check.step.unwrap_or(usual),
            power: Cell::new(check.power.unwrap_or(usual)),
            calls: Cell::new(0),
            moves: Cell::new(false),
            claim: Cell::new(0),
            decimals: RefCell::new(Decimals::new(check.results.unit_roundoff())),
            scans: Cell::new(0),
            kink: RefCell::new(None),
        };
        if !(probe.step.is_finite() && probe.step > 0.0) {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "the step must be a finite number above 0, not {}",
                    probe.step
                ),
            ));
        }
        for a in &check.arguments {
            let rms = measure::rms(&a.values).filter(|r| *r > 0.0).unwrap_or(1.0);
            probe.x.extend(&a.values);
            let scales = a.values.iter().map(|x| x.abs().max(rms));
            probe
                .scales
                .extend(scales.map(|s| if s.is_finite() { s } else { 1.0 }));
            probe
                .units
                .extend(a.values.iter().map(|_| a.dtype.unit_roundoff()));
        }
        probe.start()?;
        probe.measure_noise()?;
        Ok(probe)
    }

    /// The value at the point, three times.
    fn start(&mut self) -> Result<()> {
        self.y = self.call(&self.x)?;
        if let Some(claim) = self
            .check
            .claims
            .iter()
            .find(|c| c.cotangent.len() != self.y.len())
        {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "the function returns {} numbers, its cotangent has {}",
                    self.y.len(),
                    claim.cotangent.len()
                ),
            ));
        }
        if let Some(bad) = self.y.iter().find(|y| !y.is_finite()) {
            let shown: Vec<f64> = self.x.iter().take(4).copied().collect();
            let rest = if self.x.len() > 4 { " and so on" } else { "" };
            return Err(Error::new(
                ErrorKind::NonFinite,
                format!("the function's value is {bad} at this point"),
            )
            .note(format!("at x = {shown:?}{rest}")));
        }
        self.values = self.weigh(&self.y).values;
        for _ in 0..2 {
            let again = self.call(&self.x)?;
            self.random |= again != self.y;
            let again = self.weigh(&again).values;
            for ((noise, a), b) in self.noise.iter_mut().zip(again).zip(&self.values) {
                *noise = noise.max((a - b).abs());
            }
        }
        self.moves.set(false);
        Ok(())
    }

    /// The function's numbers at a point.
    pub(super) fn call(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.calls.set(self.calls.get() + 1);
        let y = (self.check.f)(x)?;
        if !self.y.is_empty() && y.len() != self.y.len() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "the function returned {} numbers at first and {} now",
                    self.y.len(),
                    y.len()
                ),
            ));
        }
        self.moves.set(self.moves.get() || y != self.y);
        self.decimals.borrow_mut().saw(&y);
        Ok(y)
    }

    fn weigh(&self, y: &[f64]) -> Weighed {
        let mut out = Weighed {
            values: Vec::new(),
            sizes: Vec::new(),
        };
        for claim in &self.check.claims {
            let terms = || y.iter().zip(&claim.cotangent).map(|(y, w)| y * w);
            out.values.push(terms().sum());
            out.sizes.push(terms().map(|t| t * t).sum::<f64>().sqrt());
        }
        out
    }

    /// A number as its argument stores it.
    pub(super) fn stored(&self, i: usize, x: f64) -> f64 {
        // A unit roundoff above that of doubles is that of singles.
        match self.units[i] > f64::EPSILON {
            true => f64::from(x as f32),
            false => x,
        }
    }

    /// The spacing of the results' numbers around 0, where values underflow.
    pub(super) fn smallest(&self) -> f64 {
        match self.check.results {
            DType::F32 => 2f64.powi(-149),
            _ => f64::from_bits(1),
        }
    }

    /// The relative error that a pass rules out.
    pub(super) fn power(&self) -> f64 {
        self.power.get()
    }

    /// Takes a lower power than usual for what a pass rules out, where none was asked for.
    pub(super) fn relax(&self, power: f64) {
        if self.check.power.is_none() {
            self.power.set(self.power.get().max(power));
        }
    }

    /// Whether singles are what limits the values.
    pub(super) fn single(&self) -> bool {
        self.check.results == DType::F32 || self.check.dtype() == DType::F32
    }

    /// Whether products of two numbers as large as this one lose digits to underflow, or vanish, inside the function.
    pub(super) fn underflows(&self, i: usize) -> bool {
        let least = match self.units[i] > f64::EPSILON {
            true => 2f64.powi(-149) / f64::from(f32::EPSILON),
            false => f64::MIN_POSITIVE,
        };
        self.scales[i] * self.scales[i] < least
    }

    /// The point moved by `t` along a line, and what storing it changed, by coordinate of the line.
    fn at(&self, line: &Moves, t: f64) -> Result<(Weighed, Vec<f64>)> {
        let mut x = self.x.clone();
        let mut rounded = Vec::with_capacity(line.len());
        for &(i, v) in line {
            let by = t * v;
            x[i] = self.stored(i, x[i] + by);
            rounded.push((x[i] - self.x[i]) - by);
        }
        Ok((self.weigh(&self.call(&x)?), rounded))
    }

    /// Both ends of a step. What storing the points changed is taken out by the claimed gradient: where that is right it is
    /// exact, and where it is wrong the change is of the size of rounding all the same.
    pub(super) fn ends(&self, line: &Moves, t: f64) -> Result<Ends> {
        let ((up, over), (down, under)) = (self.at(line, t)?, self.at(line, -t)?);
        let mut out = Ends {
            odd: Vec::new(),
            even: Vec::new(),
            sizes: Vec::new(),
            moved: Vec::new(),
        };
        for (k, claim) in self.check.claims.iter().enumerate() {
            let (mut a, mut b) = (0.0, 0.0);
            for ((&(i, _), p), m) in line.iter().zip(&over).zip(&under) {
                let g = claim.gradient[i];
                if g.is_finite() {
                    (a, b) = (a + g * p, b + g * m);
                }
            }
            let (up_k, down_k) = (up.values[k] - a, down.values[k] - b);
            out.odd.push((up_k - down_k) / 2.0);
            out.even
                .push((up_k - self.values[k]) / 2.0 + (down_k - self.values[k]) / 2.0);
            out.sizes.push(up.sizes[k].max(down.sizes[k]));
            out.moved.push(
                [up.values[k], down.values[k]]
                    .iter()
                    .any(|v| *v != self.values[k]),
            );
        }
        Ok(out)
    }

    /// The difference quotient of a user, with one coordinate moved in the argument's own dtype.
    pub(super) fn quotient(&self, i: usize, h: f64, k: usize) -> Result<f64> {
        let mut x = self.x.clone();
        x[i] = self.stored(i, self.x[i] + h);
        let up = self.weigh(&self.call(&x)?).values[k];
        x[i] = self.stored(i, self.x[i] - h);
        let down = self.weigh(&self.call(&x)?).values[k];
        Ok((up - down) / (2.0 * h))
    }

    /// A claim's value with one coordinate moved.
    pub(super) fn value_at(&self, i: usize, by: f64, k: usize) -> Result<f64> {
        Ok(self.at(&[(i, 1.0)], by)?.0.values[k])
    }

    /// Noise from third differences over a grid so fine that the function itself is straight there. All numbers move, so
    /// that whatever is rounded is rounded anew. A grid on which a value does not move at all says nothing: it lies on one step of a
    /// staircase, of a solver's decimals or of singles inside, and a longer one is taken until it moves.
    fn measure_noise(&mut self) -> Result<()> {
        let draws = pullback_random::numpy::default_rng(31).random(self.x.len());
        let line: Vec<(usize, f64)> = (draws.iter().enumerate())
            .map(|(i, u)| {
                let sign = if *u < 0.5 { -1.0 } else { 1.0 };
                (i, sign * (0.5 + u) * self.own_scale(i))
            })
            .collect();
        let finest = self.units.iter().copied().fold(0.0, f64::max) * 256.0;
        let mut still: Vec<usize> = (0..self.noise.len()).collect();
        let mut t = finest;
        while !still.is_empty() && t < LONGEST_STAIR {
            let grid = self.grid(&line, t)?;
            still.retain(|&k| {
                let moved = grid.windows(2).filter(|w| w[0].0[k] != w[1].0[k]).count();
                // One step in a longer grid may be all that there is of it; some say how high they are.
                if t > finest && moved < 3 {
                    return true;
                }
                let noise = thirds(&grid, k);
                if t > finest {
                    self.stairs[k] = noise;
                }
                self.noise[k] = self.noise[k].max(noise);
                moved == 0
            });
            t *= 4.0;
        }
        Ok(())
    }

    /// How far a number moves where all do: as far as the others of its argument, but for one so far below them that this would take it
    /// out of its function's domain, which moves by its own size.
    fn own_scale(&self, i: usize) -> f64 {
        let own = self.x[i].abs();
        match own > 0.0 && own < TINY * self.scales[i] {
            true => own,
            false => self.scales[i],
        }
    }

    /// Values at nine places along a line, as they are and without what storing the points changed.
    fn grid(&self, line: &Moves, t: f64) -> Result<Vec<(Vec<f64>, Vec<f64>)>> {
        (-4..=4)
            .map(|j| {
                let (weighed, rounded) = self.at(line, t * f64::from(j))?;
                let plain = (weighed.values.iter().zip(&self.check.claims))
                    .map(|(value, claim)| {
                        let terms = line
                            .iter()
                            .zip(&rounded)
                            .map(|(m, r)| claim.gradient[m.0] * r);
                        let change: f64 = terms.filter(|t| t.is_finite()).sum();
                        value - change
                    })
                    .collect();
                Ok((weighed.values, plain))
            })
            .collect()
    }

    /// Which argument a coordinate belongs to, and its place there.
    pub(super) fn place(&self, i: usize) -> (usize, usize) {
        let mut flat = i;
        for (argument, a) in self.check.arguments.iter().enumerate() {
            if flat < a.values.len() {
                return (argument, flat);
            }
            flat -= a.values.len();
        }
        (0, i)
    }

    /// The coordinates of an argument.
    pub(super) fn range(&self, argument: usize) -> std::ops::Range<usize> {
        let sizes = self.check.arguments.iter().map(|a| a.values.len());
        let start = sizes.take(argument).sum();
        start..start + self.check.arguments[argument].values.len()
    }
}

/// Below this part of the other numbers' size, a number of an argument has a size of its own.
const TINY: f64 = 1.0 / 1_048_576.0;

/// What a claim's values on an even grid differ by from a polynomial of second degree, twice the deviation of one value.
fn thirds(grid: &[(Vec<f64>, Vec<f64>)], k: usize) -> f64 {
    let squares: Vec<f64> = (grid.windows(4))
        .map(|w| w[3].1[k] - 3.0 * w[2].1[k] + 3.0 * w[1].1[k] - w[0].1[k])
        .filter(|d| d.is_finite())
        .map(|d| d * d / 20.0)
        .collect();
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    2.0 * mean.sqrt()
}
