//! Many parameters: a correct gradient is settled by a handful of evaluations, whatever their number.
//!
//! The claimed gradient is compared element by element with the same gradient in double-double, which costs one backward.
//! That gradient is then certified by random projections, against the function between its kinks with everything in it moving,
//! what was cut off from gradients included: coordinates are put into buckets by how strongly the function
//! reacts to their natural step, and within a bucket each gets a weight ξᵢ/|aᵢ|, ½ ≤ |ξᵢ| ≤ 3/2, so that every coordinate
//! counts alike and none drowns. A single wrong coordinate with a relative error above twice the bucket's uncertainty is
//! always seen; several that conspire are missed with a probability of that order. Only a bucket that fails is bisected.

use super::oracle::Oracle;
use crate::{Dd, Result};

/// What the projections found.
pub(super) struct Certified {
    /// Uncertainty of each coordinate's formula, absolute.
    pub(super) error: Vec<Option<Vec<f64>>>,
    /// Coordinates (input, flat) that make a projection fail.
    pub(super) suspects: Vec<(usize, usize)>,
}

/// One coordinate of a bucket.
#[derive(Clone, Copy)]
struct Entry {
    input: usize,
    flat: usize,
    /// The gradient there.
    a: Dd,
    /// Its weight in the direction.
    v: f64,
    /// Its natural step, and what underflow may do to its gradient.
    scale: f64,
    under: f64,
}

/// Certifies a gradient given in double-double. `hi_f` is what one evaluation may be off by; `scales` are natural steps, `under`
/// says what underflow may do to a number; at most `most` suspects are told apart.
pub(super) fn certify(
    oracle: &Oracle<'_>,
    gradient: &[Option<Vec<Dd>>],
    scales: &[Option<Vec<f64>>],
    under: &dyn Fn(usize, usize) -> f64,
    hi_f: f64,
    seed: u64,
    most: usize,
) -> Result<Certified> {
    let mut rng = pullback_random::numpy::default_rng(seed.wrapping_add(13));
    let mut buckets: std::collections::BTreeMap<i32, Vec<Entry>> =
        std::collections::BTreeMap::new();
    for (input, g) in gradient.iter().enumerate() {
        let (Some(g), Some(s)) = (g, &scales[input]) else {
            continue;
        };
        let draws = rng.random(g.len());
        for (flat, ((&a, &s), u)) in g.iter().zip(s).zip(draws).enumerate() {
            // Uniform in ±[½, 3/2].
            let xi = if u < 0.5 {
                0.5 + 2.0 * u
            } else {
                -(2.0 * u - 0.5)
            };
            let size = a.abs().to_f64();
            // Two decades a bucket; zeros are moved by their natural step.
            let (key, v) = if size == 0.0 {
                (i32::MIN, xi * s)
            } else {
                (((1.0 / (size * s)).log10() / 2.0).floor() as i32, xi / size)
            };
            buckets.entry(key).or_default().push(Entry {
                input,
                flat,
                a,
                v,
                scale: s,
                under: under(input, flat),
            });
        }
    }
    let mut out = Certified {
        error: gradient
            .iter()
            .map(|g| g.as_ref().map(|g| vec![0.0; g.len()]))
            .collect(),
        suspects: Vec::new(),
    };
    for entries in buckets.values() {
        let (off, error) = project(oracle, entries, hi_f)?;
        for e in entries {
            if let Some(row) = &mut out.error[e.input] {
                // |ξ| ≥ ½: an error δ at one coordinate moves the projection by at least δ·|v|.
                row[e.flat] = error / e.v.abs();
            }
        }
        if off.is_nan() || off > error {
            bisect(oracle, entries, hi_f, most, &mut out.suspects)?;
        }
    }
    Ok(out)
}

/// |a·v - D_v| for a set of coordinates, and how far they may be apart.
fn project(oracle: &Oracle<'_>, entries: &[Entry], hi_f: f64) -> Result<(f64, f64)> {
    let mut v: Vec<Option<Vec<f64>>> = oracle
        .wide
        .iter()
        .map(|t| t.dtype().is_float().then(|| vec![0.0; t.numel()]))
        .collect();
    let mut dot = Dd::ZERO;
    let (mut terms, mut under, mut fastest) = (0.0, 0.0, 0.0f64);
    // Scaled so that the largest move is 1, in units of which the ladder's steps are meant.
    let largest = entries.iter().map(|e| e.v.abs()).fold(0.0, f64::max);
    for e in entries {
        let w = e.v / largest;
        if let Some(row) = &mut v[e.input] {
            row[e.flat] = w;
        }
        dot += e.a * Dd::from(w);
        terms += (e.a.to_f64() * w).powi(2);
        under += e.under * w.abs();
        fastest = fastest.max(w.abs() / e.scale);
    }
    let program = oracle.between_kinks();
    // A step of the numbers' own size, where one of size 1 is too coarse or too fine for them.
    let sizes = [1.0, 1.0 / fastest];
    let (d, e_d) = oracle.directional(program, &v, &sizes, hi_f, 1e-20 * terms.sqrt())?;
    let rounding = 8.0 * oracle.rule_unit() * (entries.len() as f64).sqrt() * terms.sqrt() + under;
    Ok((
        (dot - d).abs().to_f64() * largest,
        (e_d + rounding) * largest,
    ))
}

/// Halves a set whose projection fails until single coordinates are left.
fn bisect(
    oracle: &Oracle<'_>,
    entries: &[Entry],
    hi_f: f64,
    most: usize,
    out: &mut Vec<(usize, usize)>,
) -> Result<()> {
    if out.len() >= most {
        return Ok(());
    }
    if let [only] = entries {
        out.push((only.input, only.flat));
        return Ok(());
    }
    let (left, right) = entries.split_at(entries.len() / 2);
    let fails = |half: &[Entry]| -> Result<bool> {
        let (off, error) = project(oracle, half, hi_f)?;
        Ok(off.is_nan() || off > error)
    };
    let on_the_left = fails(left)?;
    if on_the_left {
        bisect(oracle, left, hi_f, most, out)?;
    }
    // What fails as a whole and not on the left fails on the right.
    if out.len() < most && (!on_the_left || fails(right)?) {
        bisect(oracle, right, hi_f, most, out)?;
    }
    Ok(())
}
