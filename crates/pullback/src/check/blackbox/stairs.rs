//! Values rounded to a few decimals, in stairs that the ladder's steps are too short to climb.
//!
//! Not for: stairs within the ladder's reach (`evidence`), or so low that they are noise (`probe`).

use super::Claimed;
use super::probe::Probe;
use super::slope::Slope;
use crate::Result;

/// Most decimals of values that count as rounded.
const MOST: i32 = 6;

/// A last decimal is worth so many roundings of the value at least.
const CLEAR: f64 = 64.0;

/// A wrong slope is told by steps that climb so many stairs more or fewer than the right one.
const MANY: f64 = 160.0;

/// The steps that a slope was taken from must climb so many more or fewer by themselves: those that end on one stair see a slope of 0.
const FEW: f64 = 8.0;

/// Longer steps than the ladder's, relative to the number's size, taken where nothing has moved the values yet.
const FAR: [f64; 6] = [0.6411, 1.2718, 2.4142, 4.6692, 9.3361, 18.207];

/// By number of the result, how many decimals all values have that were seen; none where some have more than a few.
#[derive(Clone, Debug)]
pub(super) struct Decimals {
    of: Option<Vec<i32>>,
    unit: f64,
}

impl Decimals {
    /// Of values that are rounded by `unit`.
    pub(super) fn new(unit: f64) -> Decimals {
        Decimals {
            of: Some(Vec::new()),
            unit,
        }
    }

    /// Takes further values into account.
    pub(super) fn saw(&mut self, y: &[f64]) {
        let Some(of) = &mut self.of else { return };
        of.resize(y.len(), 0);
        for (most, y) in of.iter_mut().zip(y) {
            let few = (*most..=MOST).find(|k| {
                let scaled = y * 10f64.powi(*k);
                (scaled - scaled.round()).abs() <= 2.0 * self.unit * scaled.abs()
            });
            match few {
                Some(k) if CLEAR * self.unit * y.abs() < 10f64.powi(-k) => *most = k,
                _ => {
                    self.of = None;
                    return;
                }
            }
        }
    }

    /// The height of a weighed value's stairs, if values are rounded. Whole numbers alone are not; but where nothing `moves`, a
    /// whole number may be what a rounding to decimals gives there, and is taken for one to a tenth.
    fn height(&self, claim: &Claimed, moves: bool) -> Option<f64> {
        let of = self.of.as_ref()?;
        let least = i32::from(!moves);
        let high = |(k, w): (&i32, &f64)| 10f64.powi(-(*k).max(least)) * w.abs();
        (!moves || of.iter().any(|k| *k > 0))
            .then(|| of.iter().zip(&claim.cotangent).map(high).sum())
    }
}

/// For each claim, whether values are rounded to decimals, and what it is off by may be no more than the stairs: along the ladder's longest
/// step it climbs too few of them more or fewer.
pub(super) fn hidden(probe: &Probe<'_>, i: usize, slopes: &[Slope]) -> Result<Vec<bool>> {
    for part in FAR {
        if probe.moves.get() {
            break;
        }
        for by in [part, -part] {
            let mut x = probe.x.clone();
            x[i] = probe.stored(i, x[i] + by * probe.scales[i]);
            probe.call(&x)?;
        }
    }
    let decimals = probe.decimals.borrow();
    let of = |(claim, s): (&Claimed, &Slope)| {
        let Some(height) = decimals.height(claim, probe.moves.get()) else {
            return false;
        };
        if !probe.moves.get() {
            // Nothing moves it at all, and by the claim nothing should.
            let furthest = FAR[FAR.len() - 1] * probe.scales[i];
            return (claim.gradient[i] * furthest).abs() <= 1.05 * height;
        }
        // Stairs hide a kink beside the point that parts the slope there from that of steps which climb many of them.
        let gap = (claim.gradient[i] - s.d).abs();
        gap * s.longest < MANY * height || gap * s.from * probe.step_of(i) < FEW * height
    };
    Ok(probe.check.claims.iter().zip(slopes).map(of).collect())
}
