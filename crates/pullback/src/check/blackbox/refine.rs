//! A derivative out of noise: one odd polynomial through many points of a long line, where the ladder's short steps drown.
//!
//! The ladder takes a derivative from a few short steps, which is best where values are exact. Where noise is what limits it, many values
//! along a longer line say more: noise averages out over them, and a term more or less in the polynomial says what is left out.

use super::probe::{Moves, Probe};
use super::slope::Slope;
use crate::Result;

/// Points on each side.
const POINTS: usize = 16;

/// Longest line, relative to the numbers' size (no round number, as for the ladder), and how often it is halved.
const LONGEST: f64 = 0.456_789_012_345_678_9;
const HALVINGS: usize = 3;

/// Terms of the longest polynomial.
const TERMS: usize = 5;

/// A claim that a fit contradicts must be off by this many times what the ladder may be off by.
const LADDER: f64 = 3.0;

/// Noise of the fitted derivative is charged this many times.
const CHARGED: f64 = 4.0;

impl Probe<'_> {
    /// Replaces derivatives that noise keeps from being good enough by fitted ones, where those are better and agree.
    pub(super) fn refine(&self, line: &Moves, slopes: &mut [Slope]) -> Result<()> {
        let poor = |s: &Slope| {
            s.e > 0.1 * self.power() * s.d.abs()
                && s.by_noise >= 0.3 * s.e
                && s.jump.is_none()
                && !s.beside
        };
        let claimed: Vec<f64> = (self.check.claims.iter())
            .map(|c| line.iter().map(|m| c.gradient[m.0] * m.1).sum())
            .collect();
        for halving in 0..HALVINGS {
            if !slopes.iter().any(poor) {
                return Ok(());
            }
            let length = LONGEST / 2f64.powi(halving as i32);
            let mut odd: Vec<Vec<f64>> = vec![Vec::new(); slopes.len()];
            let mut floor: Vec<f64> = slopes.iter().map(|s| s.noise).collect();
            for j in 0..POINTS {
                let ends = self.ends(line, length * place(j))?;
                for k in 0..slopes.len() {
                    odd[k].push(ends.odd[k]);
                    let unit = self.check.results.unit_roundoff();
                    floor[k] = floor[k].max(unit * ends.sizes[k]);
                }
            }
            for (k, s) in slopes.iter_mut().enumerate() {
                let Some((d, e)) = fit(&odd[k], length, floor[k]) else {
                    continue;
                };
                if poor(s) && e < s.e && (d - s.d).abs() <= 3.0 * s.e {
                    // A kink within the long line bends the fit unseen: only what the ladder contradicts too is wrong for sure.
                    s.contradicted &= (claimed[k] - s.d).abs() > LADDER * s.e;
                    s.legible = s.legible.max(2.0 * LADDER * s.e);
                    (s.d, s.e, s.by_noise) = (d, e, e);
                }
            }
        }
        Ok(())
    }
}

/// Where the points lie, between 0 and 1: unevenly, for a staircase that even steps climb by nearly whole stairs is off by an even slope.
fn place(j: usize) -> f64 {
    let golden = ((j + 1) as f64 * 0.618_033_988_749_894_9).fract();
    (j as f64 + 0.2 + 0.8 * golden) / POINTS as f64
}

/// The first coefficient of the best odd polynomial, and how far it may be off.
fn fit(odd: &[f64], length: f64, floor: f64) -> Option<(f64, f64)> {
    if odd.iter().any(|s| !s.is_finite()) {
        return None;
    }
    // By number of terms: the derivative, its noise for noise 1 in the values, and what is left over.
    let fits: Vec<(f64, f64, f64)> = (2..=TERMS)
        .map(|terms| one_fit(odd, terms))
        .collect::<Option<_>>()?;
    let left = fits[fits.len() - 1].2.max(floor / 2f64.sqrt());
    let candidates = fits.windows(2).map(|w| {
        let (d, amplified, _) = w[0];
        let apart = (w[1].0 - d).abs();
        (d / length, (apart + CHARGED * amplified * left) / length)
    });
    candidates.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Least squares by s(t) = d t + c t³ + …, t in (0, 1]: d, the deviation of d for deviation 1 of s, and the rest's deviation.
fn one_fit(s: &[f64], terms: usize) -> Option<(f64, f64, f64)> {
    let n = s.len();
    let basis = |j: usize, a: usize| place(j).powi(2 * a as i32 + 1);
    // Gram-Schmidt on the columns, the first one last, so that its coefficient is read off at once.
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for a in (0..terms).rev() {
        let mut column: Vec<f64> = (0..n).map(|j| basis(j, a)).collect();
        for _ in 0..2 {
            for done in &columns {
                let dot: f64 = done.iter().zip(&column).map(|(x, y)| x * y).sum();
                column.iter_mut().zip(done).for_each(|(x, y)| *x -= dot * y);
            }
        }
        let norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
        if a == 0 {
            let d = column.iter().zip(s).map(|(x, y)| x * y).sum::<f64>() / (norm * norm);
            column.iter_mut().for_each(|x| *x /= norm);
            columns.push(column);
            let mut rest = s.to_vec();
            for done in &columns {
                let dot: f64 = done.iter().zip(&rest).map(|(x, y)| x * y).sum();
                rest.iter_mut().zip(done).for_each(|(x, y)| *x -= dot * y);
            }
            let left = rest.iter().map(|x| x * x).sum::<f64>() / (n - terms) as f64;
            return (d.is_finite() && norm > 0.0).then_some((d, 1.0 / norm, left.sqrt()));
        }
        if norm <= 0.0 {
            return None;
        }
        column.iter_mut().for_each(|x| *x /= norm);
        columns.push(column);
    }
    None
}
