//! What kind of mistake a wrong gradient is: the one simple explanation that fits within the budget, if there is one.

use super::{Check, Report, Verdict};
use std::fmt;

/// A simple explanation of a wrong gradient.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BugKind {
    /// The negative of the right one.
    Sign,
    /// A constant multiple of the right one.
    Factor(f64),
    /// Twice the right one: a path is counted twice.
    CountedTwice,
    /// Zero where the right one is not: a path is missing.
    MissingPath,
    /// The right numbers, transposed.
    Transposed,
    /// The right numbers in another order.
    Permuted,
    /// Only one of several paths through a value that is used more than once.
    OverwrittenFanOut,
    /// The first row, where a sum over a broadcast dimension is due.
    MissingReduction,
    /// Right where it should not be zero, but not zero where it should be: a mask is missing.
    MaskMissing,
    /// Right for what was recorded: the function depends on numbers that left its graph, by this operation if it was recorded.
    LeftGraph(Option<&'static str>),
}

impl fmt::Display for BugKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BugKind::Sign => write!(f, "the sign is wrong"),
            BugKind::Factor(c) => write!(f, "it is {c} times the right one"),
            BugKind::CountedTwice => write!(
                f,
                "it is twice the right one: a path is counted twice, or a factor ½ is missing"
            ),
            BugKind::MissingPath => write!(f, "it is 0 where it should not be: a path is missing"),
            BugKind::Transposed => write!(f, "it holds the right numbers transposed"),
            BugKind::Permuted => write!(f, "it holds the right numbers in another order"),
            BugKind::OverwrittenFanOut => write!(
                f,
                "it is what one path gives: a value is used several times, and one path's gradient overwrites the others (overwritten fan-out)"
            ),
            BugKind::MissingReduction => write!(
                f,
                "it is the first row: the sum over a broadcast dimension is missing (missing reduction over a broadcast dimension)"
            ),
            BugKind::LeftGraph(Some(op)) => write!(
                f,
                "part of the function left the graph by {op}: the function moves with its input there, its gradient does not"
            ),
            BugKind::LeftGraph(None) => write!(
                f,
                "part of the function left the graph (item, NumPy, or a branch on values): the function moves with its input there, its gradient does not"
            ),
            BugKind::MaskMissing => write!(
                f,
                "it is right where the unit is on and not 0 where it is off: a mask is missing"
            ),
        }
    }
}

/// One input's wrong gradient beside the right one.
struct Case<'a> {
    claimed: Vec<f64>,
    right: Vec<f64>,
    budget: Vec<f64>,
    wrong: Vec<bool>,
    shape: &'a [usize],
}

impl Case<'_> {
    /// Whether `model` explains the claimed gradient at every element that `which` picks.
    fn fits(&self, model: impl Fn(usize) -> f64, which: impl Fn(usize) -> bool) -> bool {
        (0..self.claimed.len()).filter(|&i| which(i)).all(|i| {
            let (m, c) = (model(i), self.claimed[i]);
            (m - c).abs()
                <= self.budget[i].max(4.0 * f64::from(f32::EPSILON).powi(2) * m.abs()) * 2.0
                    + 1e-12 * m.abs()
        })
    }

    fn kind(&self) -> Option<BugKind> {
        let wrong = |i: usize| self.wrong[i];
        let first = (0..self.claimed.len())
            .filter(|&i| wrong(i))
            .max_by(|&a, &b| self.right[a].abs().total_cmp(&self.right[b].abs()))?;
        if self.fits(|_| 0.0, wrong) && self.right[first] != 0.0 {
            return Some(BugKind::MissingPath);
        }
        let zero_where_wrong = (0..self.right.len())
            .filter(|&i| wrong(i))
            .all(|i| self.right[i] == 0.0);
        if zero_where_wrong && self.wrong.iter().any(|w| !w) {
            return Some(BugKind::MaskMissing);
        }
        if self.right[first] != 0.0 {
            let ratio = self.claimed[first] / self.right[first];
            for c in [-1.0, 2.0, 0.5, -2.0, -0.5] {
                if self.fits(|i| c * self.right[i], wrong) {
                    return Some(match c {
                        -1.0 => BugKind::Sign,
                        2.0 => BugKind::CountedTwice,
                        c => BugKind::Factor(c),
                    });
                }
            }
            let n = self.right.len() as f64;
            for c in [n, 1.0 / n, ratio.round(), 1.0 / (1.0 / ratio).round()] {
                if c.is_finite() && c != 0.0 && c != 1.0 && self.fits(|i| c * self.right[i], wrong)
                {
                    return Some(BugKind::Factor(c));
                }
            }
            let several = self.wrong.iter().filter(|w| **w).count() > 1;
            if several && self.fits(|i| ratio * self.right[i], wrong) {
                return Some(BugKind::Factor(ratio));
            }
        }
        if let [rows, cols] = *self.shape
            && rows > 1
            && rows * cols == self.right.len()
            && cols > 1
            && (self.fits(|i| self.right[(i % rows) * cols + i / rows], |_| true)
                || rows == cols
                    && self.fits(|i| self.right[(i % cols) * cols + i / cols], |_| true))
        {
            return Some(BugKind::Transposed);
        }
        let order = |v: &[f64]| {
            let mut places: Vec<usize> = (0..v.len()).collect();
            places.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
            places
        };
        let (a, b) = (order(&self.claimed), order(&self.right));
        let distinct = b.windows(2).any(|w| self.right[w[0]] != self.right[w[1]]);
        let matched = a.iter().zip(&b).all(|(&i, &j)| {
            (self.claimed[i] - self.right[j]).abs()
                <= 2.0 * self.budget[i].max(self.budget[j]) + 1e-12 * self.right[j].abs()
        });
        (distinct && matched && a.len() > 1).then_some(BugKind::Permuted)
    }
}

/// The explanation of the first input whose gradient is wrong.
pub(super) fn explain(check: &Check<'_>, report: &Report) -> Option<BugKind> {
    let input = report
        .coordinates
        .iter()
        .find(|c| c.verdict == Verdict::Bug)?
        .input;
    let own: Vec<_> = report
        .coordinates
        .iter()
        .filter(|c| c.input == input)
        .collect();
    Case {
        claimed: own.iter().map(|c| c.claimed).collect(),
        right: own.iter().map(|c| c.oracle).collect(),
        budget: own.iter().map(|c| c.budget).collect(),
        wrong: own.iter().map(|c| c.verdict == Verdict::Bug).collect(),
        shape: check.inputs[input].shape(),
    }
    .kind()
}
