//! A search along a line for a step that lowers the loss enough and the slope too: the strong Wolfe conditions.
//!
//! Nocedal and Wright, Numerical Optimization, chapter 3, as PyTorch's L-BFGS has it: the same points are asked, in the same order.

use crate::{Result, Tensor};

/// Armijo's constant, and that of the slope.
const C1: f64 = 1e-4;
const C2: f64 = 0.9;
/// How many points are asked at most.
const MOST: usize = 25;

/// A point on the line.
#[derive(Clone)]
pub(super) struct Point {
    /// How far along.
    pub(super) t: f64,
    /// The loss.
    pub(super) f: f64,
    /// The gradient.
    pub(super) g: Tensor,
    /// The slope along the line.
    pub(super) slope: f64,
}

/// The minimum of the cubic through two points with their slopes, kept in the bounds.
fn cubic(a: &Point, b: &Point, bounds: Option<(f64, f64)>) -> f64 {
    let (low, high) = bounds.unwrap_or((a.t.min(b.t), a.t.max(b.t)));
    let d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square.is_nan() || square < 0.0 {
        return (low + high) / 2.0;
    }
    let d2 = square.sqrt();
    let at = match a.t <= b.t {
        true => b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)),
        false => a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2.0 * d2)),
    };
    // In Python's order, by which NaN stays outside.
    let at = if low > at || at.is_nan() { low } else { at };
    if high < at { high } else { at }
}

/// What a search found.
pub(super) struct Found {
    pub(super) point: Point,
    /// How often the loss was asked.
    pub(super) evals: usize,
}

/// Searches from `start` (at 0) with a first step of `t`; `d_norm` is the largest element of the direction.
///
/// # Errors
/// Those of `ask`, which gives a point.
pub(super) fn strong_wolfe(
    start: &Point,
    t: f64,
    d_norm: f64,
    tolerance_change: f64,
    ask: &mut dyn FnMut(f64) -> Result<Point>,
) -> Result<Found> {
    let enough = |p: &Point| p.f <= start.f + C1 * p.t * start.slope;
    let flat = |p: &Point| p.slope.abs() <= -C2 * start.slope;
    let mut new = ask(t)?;
    let (mut evals, mut steps) = (1, 0);
    let mut before = start.clone();
    // The ends between which the step lies; one where it is found at once.
    let mut bracket = None;
    let mut done = false;
    while steps < MOST {
        if !enough(&new) || steps > 1 && new.f >= before.f || !flat(&new) && new.slope >= 0.0 {
            bracket = Some([before.clone(), new.clone()]);
            break;
        }
        if flat(&new) {
            (bracket, done) = (Some([new.clone(), new.clone()]), true);
            break;
        }
        let bounds = (new.t + 0.01 * (new.t - before.t), new.t * 10.0);
        let t = cubic(&before, &new, Some(bounds));
        before = std::mem::replace(&mut new, ask(t)?);
        evals += 1;
        steps += 1;
    }
    let mut bracket = bracket.unwrap_or_else(|| [start.clone(), new.clone()]);
    let mut low = usize::from(bracket[0].f > bracket[1].f);
    let mut stuck = false;
    while !done && steps < MOST {
        if (bracket[1].t - bracket[0].t).abs() * d_norm < tolerance_change {
            break;
        }
        let t = cubic(&bracket[0], &bracket[1], None);
        let t = apart(t, &bracket, &mut stuck);
        let new = ask(t)?;
        evals += 1;
        steps += 1;
        let high = 1 - low;
        if !enough(&new) || new.f >= bracket[low].f {
            bracket[high] = new;
            low = usize::from(bracket[0].f > bracket[1].f);
            continue;
        }
        if flat(&new) {
            done = true;
        } else if new.slope * (bracket[high].t - bracket[low].t) >= 0.0 {
            bracket[high] = bracket[low].clone();
        }
        bracket[low] = new;
    }
    let [a, b] = bracket;
    Ok(Found {
        point: if low == 0 { a } else { b },
        evals,
    })
}

/// A step too near to an end of the bracket is moved away from it, at the latest the second time.
fn apart(t: f64, bracket: &[Point; 2], stuck: &mut bool) -> f64 {
    let (least, most) = (
        bracket[0].t.min(bracket[1].t),
        bracket[0].t.max(bracket[1].t),
    );
    let eps = 0.1 * (most - least);
    if (most - t).min(t - least) >= eps {
        *stuck = false;
        return t;
    }
    if !*stuck && t < most && t > least {
        *stuck = true;
        return t;
    }
    *stuck = false;
    match (t - most).abs() < (t - least).abs() {
        true => most - eps,
        false => least + eps,
    }
}
