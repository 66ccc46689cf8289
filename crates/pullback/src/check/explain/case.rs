//! Explanations that scale, drop or move numbers.

use super::{BugKind, short};

/// What is known of one number of the right gradient.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) right: f64,
    pub(super) budget: f64,
    pub(super) wrong: bool,
}

/// A number of a list along one of its axes.
type Measure<'a> = &'a dyn Fn(&[f64], usize) -> f64;

/// One input's wrong gradient beside the right one, which may be known in part only.
pub(super) struct Case<'a> {
    pub(super) claimed: Vec<f64>,
    pub(super) known: Vec<Option<Known>>,
    pub(super) shape: &'a [usize],
    /// What a forgotten term may be made of: inputs, and for black boxes the result and its cotangent.
    pub(super) named: Vec<(String, Vec<f64>)>,
}

impl Case<'_> {
    /// The numbers that are known, with their places.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, Known)> + '_ {
        self.known
            .iter()
            .enumerate()
            .filter_map(|(i, k)| k.map(|k| (i, k)))
    }

    fn wrong(&self) -> impl Iterator<Item = (usize, Known)> + '_ {
        self.each().filter(|(_, k)| k.wrong)
    }

    /// Whether a claimed number is what a model says, within what both may be off by.
    pub(super) fn meets(&self, i: usize, model: f64, budget: f64) -> bool {
        let floor = 4.0 * f64::from(f32::EPSILON).powi(2) * model.abs();
        (model - self.claimed[i]).abs() <= 4.0 * budget.max(floor) + 1e-12 * model.abs()
    }

    /// Whether a model of the right number explains every wrong one.
    fn fits(&self, model: impl Fn(f64) -> f64) -> bool {
        self.wrong()
            .all(|(i, k)| self.meets(i, model(k.right), k.budget))
    }

    /// The right gradient, where all of it is known.
    pub(super) fn whole(&self) -> Option<Vec<Known>> {
        self.known.iter().copied().collect()
    }

    pub(super) fn kind(&self) -> Option<BugKind> {
        let (_, first) = self
            .wrong()
            .max_by(|a, b| a.1.right.abs().total_cmp(&b.1.right.abs()))?;
        if first.right != 0.0 && self.fits(|_| 0.0) {
            return Some(BugKind::MissingPath);
        }
        let zero = |k: &Known| k.right.abs() <= k.budget;
        if self.wrong().all(|(_, k)| zero(&k)) && self.each().any(|(_, k)| !k.wrong) {
            return Some(BugKind::MaskMissing);
        }
        // Where the sign is wrong in places only, a factor that has these signs says more.
        let factor = match self.factor() {
            Some(BugKind::Sign) if self.each().any(|(_, k)| !k.wrong && !zero(&k)) => {
                self.factor_of().or(Some(BugKind::Sign))
            }
            other => other,
        };
        (factor)
            .or_else(|| self.moved())
            .or_else(|| self.spread_out())
            .or_else(|| self.axis())
            .or_else(|| self.permuted())
            .or_else(|| self.elsewhere())
            .or_else(|| self.term())
            .or_else(|| self.factor_of())
    }

    /// One factor for all.
    fn factor(&self) -> Option<BugKind> {
        let (at, first) = self
            .wrong()
            .max_by(|a, b| a.1.right.abs().total_cmp(&b.1.right.abs()))?;
        if first.right == 0.0 {
            return None;
        }
        let ratio = self.claimed[at] / first.right;
        for c in [-1.0, 2.0, 0.5, -2.0, -0.5] {
            if self.fits(|r| c * r) {
                return Some(match c {
                    -1.0 => BugKind::Sign,
                    2.0 => BugKind::CountedTwice,
                    c => BugKind::Factor(c),
                });
            }
        }
        let n = self.claimed.len() as f64;
        let plain = [n, 1.0 / n, ratio.round(), 1.0 / (1.0 / ratio).round()];
        let several = if self.wrong().count() > 1 {
            vec![short(ratio), ratio]
        } else {
            Vec::new()
        };
        (plain.into_iter().chain(several))
            .find(|&c| c.is_finite() && c != 0.0 && c != 1.0 && self.fits(|r| c * r))
            .map(BugKind::Factor)
    }

    /// Whether the claim at each place is the right number of another place (where that is known, and at half of the places at least).
    fn from(&self, source: impl Fn(usize) -> Option<usize>) -> bool {
        let (mut seen, mut wrong) = (0, 0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for i in 0..self.claimed.len() {
            let Some(k) = source(i).and_then(|j| self.known[j]) else {
                continue;
            };
            let own = self.known[i].map_or(0.0, |k| k.budget);
            if !self.meets(i, k.right, k.budget.max(own)) {
                return false;
            }
            seen += 1;
            wrong += usize::from(self.known[i].is_some_and(|k| k.wrong));
            (low, high) = (low.min(k.right), high.max(k.right));
        }
        // Of few numbers that are all alike anything could be said.
        seen >= 2 && wrong >= 1 && 2 * seen >= self.each().count() && high > low
    }

    /// Transposed, or one place off.
    fn moved(&self) -> Option<BugKind> {
        let shape = self.shape;
        let strides: Vec<usize> = (0..shape.len())
            .map(|k| shape[k + 1..].iter().product())
            .collect();
        let along = |i: usize, axis: usize| i / strides[axis] % shape[axis];
        for a in 0..shape.len() {
            for b in a + 1..shape.len() {
                if shape[a] < 2 || shape[a] != shape[b] {
                    continue;
                }
                let (sa, sb) = (strides[a], strides[b]);
                let swapped = |i: usize| {
                    let (x, y) = (along(i, a), along(i, b));
                    Some(i - x * sa - y * sb + y * sa + x * sb)
                };
                if self.from(swapped) {
                    return Some(BugKind::Transposed);
                }
            }
        }
        if let [rows, cols] = *shape
            && rows > 1
            && cols > 1
            && self.from(|i| Some((i % rows) * cols + i / rows))
        {
            return Some(BugKind::Transposed);
        }
        for axis in 0..shape.len() {
            let (n, s) = (shape[axis], strides[axis]);
            let up = |i: usize| (along(i, axis) + 1 < n).then(|| i + s);
            let down = |i: usize| (along(i, axis) > 0).then(|| i - s);
            if n > 2 && (self.from(up) || self.from(down)) {
                return Some(BugKind::Shifted(axis));
            }
        }
        None
    }

    /// One row for all, sums spread out again, or running totals.
    fn spread_out(&self) -> Option<BugKind> {
        let whole = self.whole()?;
        let right: Vec<f64> = whole.iter().map(|k| k.right).collect();
        let budget = whole.iter().map(|k| k.budget).fold(0.0, f64::max);
        let alike = |a: &[f64], b: &[f64], terms: usize| {
            a.iter()
                .zip(b)
                .all(|(a, b)| (a - b).abs() <= 4.0 * terms as f64 * budget + 1e-10 * b.abs())
        };
        for axis in 0..self.shape.len() {
            let n = self.shape[axis];
            if n < 2 || right.len() == n && n < 3 {
                continue;
            }
            let (own, claimed) = (self.lines(&right, axis), self.lines(&self.claimed, axis));
            let total = |l: &Vec<f64>| l.iter().sum::<f64>();
            let every = |of: &dyn Fn(&Vec<f64>, usize) -> f64| {
                (own.iter().zip(&claimed)).all(|(l, c)| {
                    let model: Vec<f64> = (0..n).map(|j| of(l, j)).collect();
                    alike(c, &model, n)
                })
            };
            if own.len() > 1 && every(&|l, _| l[0]) {
                return Some(BugKind::Repeated(axis));
            }
            if every(&|l, _| total(l)) || every(&|l, _| total(l) / n as f64) {
                return Some(BugKind::Summed(axis));
            }
            let forward = |l: &Vec<f64>, j: usize| l[..=j].iter().sum::<f64>();
            let backward = |l: &Vec<f64>, j: usize| l[j..].iter().sum::<f64>();
            if n > 2 && (every(&forward) || every(&backward)) {
                return Some(BugKind::RunningTotal(axis));
            }
        }
        None
    }

    fn permuted(&self) -> Option<BugKind> {
        let whole = self.whole()?;
        let order = |v: &[f64]| {
            let mut places: Vec<usize> = (0..v.len()).collect();
            places.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
            places
        };
        let right: Vec<f64> = whole.iter().map(|k| k.right).collect();
        let (a, b) = (order(&self.claimed), order(&right));
        let distinct = b.windows(2).any(|w| right[w[0]] != right[w[1]]);
        let matched = a
            .iter()
            .zip(&b)
            .all(|(&i, &j)| self.meets(i, right[j], whole[i].budget.max(whole[j].budget)));
        (distinct && matched && a.len() > 1).then_some(BugKind::Permuted)
    }

    /// Signs of an operation along another axis: constant along it, sums of 0 along it, or differences that agree.
    fn axis(&self) -> Option<BugKind> {
        let whole = self.whole()?;
        let right: Vec<f64> = whole.iter().map(|k| k.right).collect();
        let slack = 4.0 * whole.iter().map(|k| k.budget).fold(0.0, f64::max);
        let size = right.iter().map(|r| r.abs()).fold(0.0, f64::max);
        let slack = slack + 1e-12 * size;
        if size <= 100.0 * slack {
            return None;
        }
        let long: Vec<usize> = (0..self.shape.len())
            .filter(|&a| self.shape[a] > 1)
            .collect();
        for &a in &long {
            for &b in long.iter().filter(|&&b| b != a) {
                let tests: [Measure<'_>; 2] = [
                    &|v, axis| {
                        self.lines(v, axis)
                            .iter()
                            .map(|l| spread(l))
                            .fold(0.0, f64::max)
                    },
                    &|v, axis| {
                        self.lines(v, axis)
                            .iter()
                            .map(|l| l.iter().sum::<f64>().abs())
                            .fold(0.0, f64::max)
                    },
                ];
                for test in tests {
                    let holds =
                        |v: &[f64], axis: usize| test(v, axis) <= slack * self.shape[axis] as f64;
                    if holds(&right, b)
                        && !holds(&right, a)
                        && holds(&self.claimed, a)
                        && !holds(&self.claimed, b)
                    {
                        return Some(BugKind::WrongAxis);
                    }
                }
                if self
                    .totals(&self.claimed, a, false)
                    .iter()
                    .zip(self.totals(&right, b, false))
                    .all(|(x, y)| (x - y).abs() <= 2.0 * slack)
                {
                    return Some(BugKind::WrongAxis);
                }
            }
            // A running total in the wrong direction.
            if self.shape[a] > 2
                && self
                    .totals(&self.claimed, a, true)
                    .iter()
                    .zip(self.totals(&right, a, false))
                    .all(|(x, y)| (x - y).abs() <= 2.0 * slack)
            {
                return Some(BugKind::WrongDirection(a));
            }
        }
        None
    }

    /// The right total in other places: a sum over the wrong axis.
    fn elsewhere(&self) -> Option<BugKind> {
        let whole = self.whole()?;
        let n = whole.len();
        let total = |v: &mut dyn Iterator<Item = f64>| v.sum::<f64>();
        let right = total(&mut whole.iter().map(|k| k.right));
        let claimed = total(&mut self.claimed.iter().copied());
        let budget: f64 = whole.iter().map(|k| k.budget).sum();
        let size = whole.iter().map(|k| k.right.abs()).fold(0.0, f64::max);
        let wrong = self.wrong().count();
        let sure = budget < 1e-4 * size && right.abs() > 1e-3 * size;
        (n > 2 && wrong > 2 && sure && (right - claimed).abs() <= 2.0 * budget + 1e-12 * size)
            .then_some(BugKind::WrongAxis)
    }

    /// The numbers along an axis, line by line.
    fn lines(&self, v: &[f64], axis: usize) -> Vec<Vec<f64>> {
        let n = self.shape[axis];
        let stride: usize = self.shape[axis + 1..].iter().product();
        (0..v.len())
            .filter(|i| (i / stride).is_multiple_of(n))
            .map(|i| (0..n).map(|j| v[i + j * stride]).collect())
            .collect()
    }

    /// What running totals along an axis, from its end (or its start), were made of.
    fn totals(&self, v: &[f64], axis: usize, from_start: bool) -> Vec<f64> {
        let n = self.shape[axis];
        let stride: usize = self.shape[axis + 1..].iter().product();
        (0..v.len())
            .map(|i| match (i / stride % n, from_start) {
                (0, true) => v[i],
                (_, true) => v[i] - v[i - stride],
                (j, false) if j + 1 == n => v[i],
                (_, false) => v[i] - v[i + stride],
            })
            .collect()
    }
}

fn spread(line: &[f64]) -> f64 {
    let high = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - line.iter().copied().fold(f64::INFINITY, f64::min)
}
