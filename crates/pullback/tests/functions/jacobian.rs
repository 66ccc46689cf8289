//! The Jacobian of a subject by both modes, and how they are compared. What they are compared on is in `modes`.

use pullback::forward_ad::{dual_level, make_dual, unpack_dual};
use pullback::{BackwardOptions, Result, Tensor, grad};

/// What a subject computes.
pub(crate) type Run<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// Larger Jacobians are looked at by sums only.
const ENTRIES: usize = 12;

pub(crate) fn filled(like: &Tensor, list: &[f64]) -> Result<Tensor> {
    Tensor::from_slice(list, &like.shape()[..])?.to(like.dtype())
}

/// The result and, for each cotangent (one list over all results that are differentiable), the gradient of every floating input.
pub(crate) struct Reverse {
    /// Which results have a gradient, and how many elements each.
    pub(crate) sizes: Vec<(usize, usize)>,
    pub(crate) x: Vec<Tensor>,
    pub(crate) y: Vec<Tensor>,
}

impl Reverse {
    pub(crate) fn new(run: Run<'_>, x: &[Tensor]) -> Result<Reverse> {
        let x = (x.iter())
            .map(|t| t.detach().requires_grad_(t.dtype().is_float()))
            .collect::<Result<Vec<_>>>()?;
        let y = run(&x)?;
        let sizes = (y.iter().enumerate())
            .filter(|(_, t)| t.requires_grad())
            .map(|(k, t)| (k, t.numel()))
            .collect();
        Ok(Reverse { sizes, x, y })
    }

    pub(crate) fn count(&self) -> usize {
        self.sizes.iter().map(|s| s.1).sum()
    }

    /// By input, then element; inputs that are no floats are left out.
    pub(crate) fn pull(&self, g: &[f64]) -> Result<Vec<Vec<f64>>> {
        let mut at = 0;
        let mut seeds = Vec::new();
        for &(k, n) in &self.sizes {
            seeds.push(filled(&self.y[k].detach(), &g[at..at + n])?);
            at += n;
        }
        let roots: Vec<_> = (self.sizes.iter().zip(&seeds))
            .map(|(&(k, _), g)| (&self.y[k], Some(g)))
            .collect();
        let wanted: Vec<&Tensor> = self.x.iter().filter(|t| t.requires_grad()).collect();
        let options = BackwardOptions::NEW.retain_graph(true).allow_unused(true);
        (grad(&roots, &wanted, options)?.iter().zip(&wanted))
            .map(|(g, x)| match g {
                Some(g) => g.to_f64_vec(),
                None => Ok(vec![0.0; x.numel()]),
            })
            .collect()
    }

    /// The tangent of those results along `v` in input `k`.
    pub(crate) fn push(&self, run: Run<'_>, k: usize, v: &[f64]) -> Result<Vec<f64>> {
        let _level = dual_level()?;
        let x = (self.x.iter().enumerate())
            .map(|(i, t)| match i == k {
                true => make_dual(&t.detach(), &filled(&t.detach(), v)?),
                false => Ok(t.detach()),
            })
            .collect::<Result<Vec<_>>>()?;
        let y = run(&x)?;
        let mut out = Vec::new();
        for &(k, n) in &self.sizes {
            match unpack_dual(&y[k]).1 {
                Some(dot) => out.extend(dot.to_f64_vec()?),
                None => out.extend(vec![0.0; n]),
            }
        }
        Ok(out)
    }
}

/// How much the two modes may differ.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) tolerance: f64,
    /// Below which numbers are as good as zero.
    pub(crate) tiny: f64,
    /// What rounding is measured against at least: compositions add terms that cancel.
    pub(crate) scale: f64,
    /// Whether one mode may be NaN where the other is not: what gates come before, and what after, decides that in compositions.
    pub(crate) lenient: bool,
}

impl Rule {
    pub(crate) fn same(self, a: f64, b: f64, scale: f64) -> bool {
        a == b
            || a.is_nan() && b.is_nan()
            || self.lenient && (a.is_nan() || b.is_nan())
            || (a - b).abs() <= self.tolerance * a.abs().max(b.abs()).max(scale) + self.tiny
    }
}

pub(crate) fn one_hot(n: usize, i: usize, value: f64) -> Vec<f64> {
    let mut v = vec![0.0; n];
    v[i] = value;
    v
}

/// Compares the two modes at `x`; `elementwise` says that each element of the result depends on the same element of each input alone.
pub(crate) fn compare(
    run: Run<'_>,
    x: &[Tensor],
    elementwise: bool,
    rule: Rule,
) -> Result<Option<String>> {
    let Ok(reverse) = Reverse::new(run, x) else {
        return Ok(None);
    };
    if reverse.count() == 0 {
        return Ok(None);
    }
    let floats: Vec<usize> = (0..x.len()).filter(|&k| x[k].dtype().is_float()).collect();
    match elementwise {
        true => compare_elements(run, x, &reverse, &floats, rule),
        false => compare_entries(run, x, &reverse, &floats, rule),
    }
}

/// Where each element depends on one: whole gradients at a time.
fn compare_elements(
    run: Run<'_>,
    x: &[Tensor],
    reverse: &Reverse,
    floats: &[usize],
    rule: Rule,
) -> Result<Option<String>> {
    let rows = reverse.count();
    let ones = reverse.pull(&vec![1.0; rows])?;
    for u in [-2.0, 0.0, f64::INFINITY] {
        let back = reverse.pull(&vec![u; rows])?;
        for (slot, &k) in floats.iter().enumerate() {
            let forth = reverse.push(run, k, &vec![u; rows])?;
            for (j, (&b, &f)) in back[slot].iter().zip(&forth).enumerate() {
                if rule.same(b, f, 0.0) {
                    continue;
                }
                let mut at = Vec::new();
                for t in x.iter().filter(|t| t.numel() == rows) {
                    at.push(t.to_f64_vec()?[j]);
                }
                // What is too small to be a number is 0 to one formula and not to another, and 0·∞ is NaN.
                let vanishes = |v: f64| v != 0.0 && v.abs() < rule.tiny;
                if u.is_infinite() && (vanishes(ones[slot][j]) || at.iter().any(|v| vanishes(*v))) {
                    continue;
                }
                return Ok(Some(format!(
                    "at {at:?}, input {k}: reverse {u} gives {b}, forward {f}"
                )));
            }
        }
    }
    Ok(None)
}

/// Entry by entry, and by sums of rows and columns.
fn compare_entries(
    run: Run<'_>,
    x: &[Tensor],
    reverse: &Reverse,
    floats: &[usize],
    rule: Rule,
) -> Result<Option<String>> {
    let rows = reverse.count();
    let sums_back = reverse.pull(&vec![1.0; rows])?;
    for (slot, &k) in floats.iter().enumerate() {
        let columns = x[k].numel();
        if columns == 0 {
            continue;
        }
        let sums_forth = reverse.push(run, k, &vec![1.0; columns])?;
        if rows * columns > ENTRIES {
            continue;
        }
        let back = (0..rows)
            .map(|i| Ok(reverse.pull(&one_hot(rows, i, 1.0))?.swap_remove(slot)))
            .collect::<Result<Vec<_>>>()?;
        let forth = (0..columns)
            .map(|j| reverse.push(run, k, &one_hot(columns, j, 1.0)))
            .collect::<Result<Vec<_>>>()?;
        let scale = back
            .iter()
            .flatten()
            .filter(|v| v.is_finite())
            .fold(rule.scale, |s: f64, v| s.max(v.abs()));
        let at = || {
            Ok::<_, pullback::Error>(format!(
                "{:?}",
                x.iter()
                    .map(Tensor::to_f64_vec)
                    .collect::<Result<Vec<_>>>()?
            ))
        };
        for i in 0..rows {
            for j in 0..columns {
                let (b, f) = (back[i][j], forth[j][i]);
                if !b.is_nan() && !f.is_nan() && !rule.same(b, f, scale) {
                    return Ok(Some(format!(
                        "at {}: d result[{i}] / d input {k}[{j}]: reverse {b}, forward {f}",
                        at()?
                    )));
                }
            }
            if !back[i].iter().any(|v| v.is_nan()) {
                let want = back[i].iter().sum();
                if !rule.same(want, sums_forth[i], scale) {
                    return Ok(Some(format!(
                        "at {}: input {k}: row {i} of reverse is {:?}, forward of ones gives {}",
                        at()?,
                        back[i],
                        sums_forth[i]
                    )));
                }
            }
        }
        for j in 0..columns {
            if !forth[j].iter().any(|v| v.is_nan()) {
                let want = forth[j].iter().sum();
                if !rule.same(want, sums_back[slot][j], scale) {
                    return Ok(Some(format!(
                        "at {}: input {k}: column {j} of forward is {:?}, reverse of ones gives {}",
                        at()?,
                        forth[j],
                        sums_back[slot][j]
                    )));
                }
            }
        }
    }
    Ok(None)
}
