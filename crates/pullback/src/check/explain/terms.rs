//! Explanations by a term or a factor that is made of the inputs, the result or the incoming gradient.

use super::case::Case;
use super::{BugKind, short};

/// So many wrong numbers must agree on one constant before a term or a factor is named.
const ENOUGH: usize = 3;

/// Something simple, number by number, and what it is called.
struct Simple {
    name: String,
    values: Vec<f64>,
}

impl Case<'_> {
    fn enough(&self) -> bool {
        self.each().filter(|(_, k)| k.wrong).count() >= ENOUGH
    }

    /// What terms and factors are tried.
    fn simple(&self) -> Vec<Simple> {
        let n = self.claimed.len();
        let base: Vec<&(String, Vec<f64>)> =
            self.named.iter().filter(|(_, v)| v.len() == n).collect();
        let mut out = Vec::new();
        let mut add = |name: String, values: Vec<f64>| out.push(Simple { name, values });
        for (name, v) in &base {
            add(name.clone(), v.to_vec());
            add(
                format!("the sign of {name}"),
                v.iter().map(|x| x.signum()).collect(),
            );
            add(format!("1/{name}"), v.iter().map(|x| 1.0 / x).collect());
            add(
                format!("1 - {name} squared"),
                v.iter().map(|x| 1.0 - x * x).collect(),
            );
            add(
                format!("{name} times (1 - {name})"),
                v.iter().map(|x| x * (1.0 - x)).collect(),
            );
        }
        for (k, (a, x)) in base.iter().enumerate() {
            for (b, y) in &base[k..] {
                let name = if a == b {
                    format!("{a} squared")
                } else {
                    format!("{a} times {b}")
                };
                add(name, x.iter().zip(y).map(|(x, y)| x * y).collect());
            }
            for (b, y) in base.iter().filter(|(b, _)| b != a) {
                add(
                    format!("{b} times {a} squared"),
                    x.iter().zip(y).map(|(x, y)| x * x * y).collect(),
                );
            }
        }
        out
    }

    /// Off by a constant, or by a constant times something simple.
    pub(super) fn term(&self) -> Option<BugKind> {
        if !self.enough() {
            return None;
        }
        let off = |c: f64, t: &[f64]| {
            self.each()
                .all(|(i, k)| self.meets(i, k.right + c * t[i], k.budget))
        };
        let one = vec![1.0; self.claimed.len()];
        let (at, k) = self.each().find(|(_, k)| k.wrong)?;
        let by = self.claimed[at] - k.right;
        if off(by, &one) {
            return Some(BugKind::MissingTerm(format!(
                "{}, everywhere the same",
                short(by)
            )));
        }
        if let Some(axis) = self.same_along_an_axis() {
            return Some(BugKind::MissingTerm(format!(
                "numbers that are the same along axis {axis} (a sum or a mean over it)"
            )));
        }
        for s in self.simple() {
            let strongest = (self.each()).filter(|(i, k)| k.wrong && s.values[*i].is_finite());
            let (at, k) =
                strongest.max_by(|a, b| s.values[a.0].abs().total_cmp(&s.values[b.0].abs()))?;
            let c = (self.claimed[at] - k.right) / s.values[at];
            if c.is_finite() && c != 0.0 && off(c, &s.values) {
                return Some(BugKind::MissingTerm(format!(
                    "{} times {}",
                    short(c),
                    s.name
                )));
            }
        }
        None
    }

    /// The axis along which what the claim is off by does not change.
    fn same_along_an_axis(&self) -> Option<usize> {
        let whole = self.whole()?;
        let off = |i: usize| self.claimed[i] - whole[i].right;
        (0..self.shape.len()).find(|&axis| {
            let stride: usize = self.shape[axis + 1..].iter().product();
            let n = self.shape[axis];
            self.shape.len() > 1
                && n > 2
                && (0..whole.len()).all(|i| {
                    let first = i - (i / stride % n) * stride;
                    let allowed = 2.0 * (whole[i].budget + whole[first].budget);
                    (off(i) - off(first)).abs() <= allowed + 1e-12 * whole[i].right.abs()
                })
        })
    }

    /// Off by a factor that is something simple, or by its inverse.
    pub(super) fn factor_of(&self) -> Option<BugKind> {
        if !self.enough() {
            return None;
        }
        for s in self.simple() {
            for inverse in [false, true] {
                let t = |i: usize| {
                    if inverse {
                        1.0 / s.values[i]
                    } else {
                        s.values[i]
                    }
                };
                let usable = self
                    .each()
                    .filter(|(i, k)| k.wrong && t(*i).is_finite() && k.right != 0.0);
                let Some((at, k)) =
                    usable.max_by(|a, b| a.1.right.abs().total_cmp(&b.1.right.abs()))
                else {
                    continue;
                };
                let c = self.claimed[at] / (k.right * t(at));
                let all = self.each().all(|(i, k)| {
                    self.meets(i, c * k.right * t(i), (c * t(i)).abs().max(1.0) * k.budget)
                });
                if c.is_finite() && c != 0.0 && all {
                    let of = if inverse {
                        format!("1/({})", s.name)
                    } else {
                        s.name.clone()
                    };
                    return Some(BugKind::MissingFactor(match short(c) {
                        1.0 => of,
                        c => format!("{c} times {of}"),
                    }));
                }
            }
        }
        None
    }
}
