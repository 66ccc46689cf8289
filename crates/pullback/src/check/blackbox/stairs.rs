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

/// So many stairs are a few.
const FEW: f64 = 4.0;

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

    /// The height of a weighed value's stairs, if values are rounded. Whole numbers alone are not.
    fn height(&self, claim: &Claimed) -> Option<f64> {
        let of = self.of.as_ref()?;
        let high = |(k, w): (&i32, &f64)| 10f64.powi(-k) * w.abs();
        (of.iter().any(|k| *k > 0)).then(|| of.iter().zip(&claim.cotangent).map(high).sum())
    }
}

/// For each claim, whether values are rounded to decimals, and all that the ladder's steps change them by is what the claimed slope climbs,
/// to one stair; a claim of 0 may climb none.
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
        let Some(height) = decimals.height(claim) else {
            return false;
        };
        let fits = |(h, climbed): &(f64, f64)| {
            let claimed = claim.gradient[i] * h;
            (climbed - claimed).abs() <= 1.05 * height + 0.3 * claimed.abs()
        };
        let few = |c: &(f64, f64)| c.1.abs() <= FEW * height;
        // Where the longest step climbs more, the ladder itself can tell, unless what it sees are the flat stairs.
        let longest = s.climbs.first().map_or(0.0, |c| c.0);
        let flat = (s.d * longest).abs() <= 0.1 * height;
        let about = |c: &(f64, f64)| (0.3..3.0).contains(&(c.1 / (claim.gradient[i] * c.0)));
        let sees = flat || s.climbs.first().is_some_and(few);
        // The longest steps may be over a kink.
        let near = s.climbs.iter().filter(|c| c.0 <= longest / 4.0);
        let mut near = near.map(|c| if few(c) { fits(c) } else { about(c) });
        if !probe.moves.get() {
            // Nothing moves it at all, and by the claim nothing should.
            let furthest = FAR[FAR.len() - 1] * probe.scales[i];
            return (claim.gradient[i] * furthest).abs() <= 1.05 * height;
        }
        sees && near.all(|fits| fits)
    };
    Ok(probe.check.claims.iter().zip(slopes).map(of).collect())
}
