//! Forward mode against reverse mode where derivatives are least regular: zeros of both signs, infinities, NaN, ties, equal elements,
//! the smallest and the largest numbers, in every operation and function and in every floating dtype. Values away from such points are proven
//! elsewhere; reverse mode itself is compared with PyTorch by the golden files.
//!
//! One row of the Jacobian is what reverse mode gives for one element of the result, one column what forward mode gives for one
//! element of an input. Both can be NaN where 0·∞ is computed for an element that was not asked about, so that an entry is held
//! against the other mode's entry, and a whole row (column) without NaN against the other mode's sum.

use pullback::forward_ad::{dual_level, make_dual, unpack_dual};
use pullback::ops::OPS;
use pullback::proof::{Call, Case, DTYPES};
use pullback::registry::entries;
use pullback::{BackwardOptions, DType, Family, OpDef, Result, Tensor, grad};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Functions whose two modes differ in PyTorch too, with the reason.
const KNOWN: &[(&str, &str)] = &[
    (
        "gaussian_nll_loss",
        "clamps the variance behind the back of reverse mode, which forward mode sees",
    ),
    (
        "scatter",
        "which of several sources for one place is written is not defined; all get its gradient",
    ),
    ("index_put", "as scatter"),
];

/// What a subject computes.
type Run<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// How many of the edges are tried in functions that are not element by element.
const FEW: usize = 7;

/// How many are paired with each other where an operation has two operands.
const PAIRED: usize = 14;

/// Larger Jacobians are looked at by sums only.
const ENTRIES: usize = 12;

fn filled(like: &Tensor, list: &[f64]) -> Result<Tensor> {
    Tensor::from_slice(list, &like.shape()[..])?.to(like.dtype())
}

/// The result and, for each cotangent (one list over all results that are differentiable), the gradient of every floating input.
struct Reverse {
    /// Which results have a gradient, and how many elements each.
    sizes: Vec<(usize, usize)>,
    x: Vec<Tensor>,
    y: Vec<Tensor>,
}

impl Reverse {
    fn new(run: Run<'_>, x: &[Tensor]) -> Result<Reverse> {
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

    fn count(&self) -> usize {
        self.sizes.iter().map(|s| s.1).sum()
    }

    /// By input, then element; inputs that are no floats are left out.
    fn pull(&self, g: &[f64]) -> Result<Vec<Vec<f64>>> {
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
    fn push(&self, run: Run<'_>, k: usize, v: &[f64]) -> Result<Vec<f64>> {
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
struct Rule {
    tolerance: f64,
    /// Below which numbers are as good as zero.
    tiny: f64,
    /// What rounding is measured against at least: compositions add terms that cancel.
    scale: f64,
    /// Whether one mode may be NaN where the other is not: what gates come before, and what after, decides that in compositions.
    lenient: bool,
}

impl Rule {
    fn same(self, a: f64, b: f64, scale: f64) -> bool {
        a == b
            || a.is_nan() && b.is_nan()
            || self.lenient && (a.is_nan() || b.is_nan())
            || (a - b).abs() <= self.tolerance * a.abs().max(b.abs()).max(scale) + self.tiny
    }
}

fn one_hot(n: usize, i: usize, value: f64) -> Vec<f64> {
    let mut v = vec![0.0; n];
    v[i] = value;
    v
}

/// Compares the two modes at `x`; `elementwise` says that each element of the result depends on the same element of each input alone.
fn compare(run: Run<'_>, x: &[Tensor], elementwise: bool, rule: Rule) -> Result<Option<String>> {
    let Ok(reverse) = Reverse::new(run, x) else {
        return Ok(None);
    };
    let rows = reverse.count();
    let floats: Vec<usize> = (0..x.len()).filter(|&k| x[k].dtype().is_float()).collect();
    if rows == 0 {
        return Ok(None);
    }
    if elementwise {
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
                    if u.is_infinite()
                        && (vanishes(ones[slot][j]) || at.iter().any(|v| vanishes(*v)))
                    {
                        continue;
                    }
                    return Ok(Some(format!(
                        "at {at:?}, input {k}: reverse {u} gives {b}, forward {f}"
                    )));
                }
            }
        }
        return Ok(None);
    }
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

/// Numbers at which something may be singular, or may be chosen.
fn edges(dtype: DType) -> Vec<f64> {
    let (tiny, huge) = match dtype {
        DType::F32 => (1e-40, 3e38),
        _ => (5e-324, 1.7e308),
    };
    vec![
        0.0,
        f64::INFINITY,
        f64::NAN,
        1.0,
        f64::NEG_INFINITY,
        -0.0,
        huge,
        tiny,
        -1.0,
        2.0,
        -2.0,
        0.5,
        -0.5,
        3.0,
        -3.0,
        6.0,
        20.0,
        100.0,
        -100.0,
        1000.0,
        -1000.0,
        -tiny,
        -huge,
    ]
}

/// Whether each element of the result depends on the same element of every floating input alone: seen at the sample itself.
fn is_elementwise(run: Run<'_>, x: &[Tensor]) -> bool {
    let try_it = || -> Result<bool> {
        let reverse = Reverse::new(run, x)?;
        let n = reverse.count();
        let shape = match reverse.sizes.as_slice() {
            [(k, _)] => reverse.y[*k].shape(),
            _ => return Ok(false),
        };
        if n == 0 || n > 12 || x.iter().any(|t| t.dtype().is_float() && t.shape() != shape) {
            return Ok(false);
        }
        for i in 0..n {
            for list in reverse.pull(&one_hot(n, i, 1.0))? {
                if (list.iter().enumerate()).any(|(j, v)| j != i && *v != 0.0) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    };
    try_it().unwrap_or(false)
}

/// Every pattern of edges on one subject; what differs, at most one line for each pattern.
fn sweep(label: &str, run: Run<'_>, x: &[Tensor], all: bool, seen: &mut Seen) {
    let Some(dtype) = x.iter().map(Tensor::dtype).find(|d| d.is_float()) else {
        return;
    };
    let single = x.iter().any(|t| t.dtype() == DType::F32);
    let rule = Rule {
        tolerance: if single { 1e-3 } else { 1e-8 },
        scale: if seen.lenient { 1.0 } else { 0.0 },
        tiny: if dtype == DType::F32 {
            1.2e-38
        } else {
            2.3e-308
        },
        lenient: seen.lenient,
    };
    let floats: Vec<usize> = (0..x.len())
        .filter(|&k| x[k].dtype().is_float() && x[k].numel() > 0)
        .collect();
    let mut edges = edges(dtype);
    if seen.lenient {
        edges.retain(|e| *e == 0.0 || !e.is_finite() || (1e-6..1e6).contains(&e.abs()));
    }
    let mut test = |x: &[Tensor], elementwise: bool| {
        seen.tried += 1;
        let verdict = catch_unwind(AssertUnwindSafe(|| compare(run, x, elementwise, rule)));
        let verdict = verdict.unwrap_or_else(|_| Ok(Some("panics, see stderr".to_string())));
        match verdict {
            Ok(None) => {}
            Ok(Some(text)) => seen.note(format!("{label}, {dtype}: {text}")),
            Err(e) => {
                let text = e.to_string().replace('\n', ";");
                seen.note(format!("{label}, {dtype}: fails: {text}"));
            }
        }
    };
    // What each input holds: numbers that are chosen by input and element, its own elsewhere.
    let with = |choice: &dyn Fn(usize, usize) -> Option<f64>| -> Vec<Tensor> {
        let fill = |(k, t): (usize, &Tensor)| {
            if !floats.contains(&k) {
                return Ok(t.clone());
            }
            let list = t.to_f64_vec()?;
            let list = list.iter().enumerate();
            filled(
                t,
                &list
                    .map(|(j, v)| choice(k, j).unwrap_or(*v))
                    .collect::<Vec<_>>(),
            )
        };
        let made = x.iter().enumerate().map(fill).collect::<Result<_>>();
        made.expect("numbers that fit")
    };
    let size = floats.iter().map(|&k| x[k].numel()).max().unwrap_or(0);
    if size == 0 {
        return;
    }
    test(x, false);
    let n = if floats.len() > 1 {
        edges.len().min(PAIRED)
    } else {
        edges.len()
    };
    let generic = |_: usize, j: usize| Some(0.9 - 0.7 / (1.0 + j as f64));
    if is_elementwise(run, x) && is_elementwise(run, &with(&generic)) {
        // All pairs of edges, `size` of them at a time.
        let pairs = if floats.len() > 1 && all { n * n } else { n };
        for start in (0..pairs).step_by(size) {
            let at = |k: usize, j: usize| {
                let at = (start + j) % pairs;
                match floats.iter().position(|&f| f == k)? {
                    0 => Some(edges[at % n]),
                    1 => Some(edges[(at / n + at % n) % n]),
                    _ => Some(edges[(5 * at + at / n) % n]),
                }
            };
            test(&with(&at), true);
        }
        return;
    }
    let mut sets: Vec<Vec<usize>> = floats.iter().map(|&k| vec![k]).collect();
    if floats.len() > 1 {
        sets.push(floats.clone());
    }
    for set in sets {
        for &e in &edges[..FEW] {
            test(
                &with(&|k, j| (set.contains(&k) && j == 0).then_some(e)),
                false,
            );
            if size > 1 && all {
                test(&with(&|k, _| set.contains(&k).then_some(e)), false);
            }
        }
        let mixed = |k: usize, j: usize| set.contains(&k).then_some(edges[(5 * j + k) % n]);
        test(&with(&mixed), false);
    }
}

/// What was tried, and what differs.
#[derive(Default)]
struct Seen {
    lenient: bool,
    tried: usize,
    found: Vec<String>,
}

impl Seen {
    fn note(&mut self, text: String) {
        eprintln!("{text}");
        self.found.push(text);
    }
}

/// The samples of every operation, in every dtype; one sample of each choice of attributes with all edges.
fn operations(only: Option<&str>, seen: &mut Seen) {
    // Whole (every dtype, every family) where asked for: it takes a minute.
    let whole = std::env::var_os("PULLBACK_WHOLE").is_some() || only.is_some();
    let chosen = |d: &&&OpDef| {
        only.is_none_or(|n| n == d.name)
            && (whole || matches!(d.family, Family::Pointwise | Family::Gate))
    };
    for def in OPS.iter().filter(chosen) {
        for dtype in DTYPES {
            if dtype != DType::F64 && !whole {
                continue;
            }
            let mut met = BTreeSet::new();
            let (samples, points) = ((def.proof.samples)(), (def.proof.points)());
            let cases = (samples.iter().map(|s| Case::of(s, dtype)))
                .chain(points.iter().map(|p| p.case(dtype)));
            for (number, case) in cases.enumerate() {
                let case = case.expect("a sample");
                if case.inputs.iter().any(|t| t.numel() == 0) {
                    continue;
                }
                let run = |x: &[Tensor]| Ok(vec![case.run(x)?]);
                let new = met.insert(format!("{:?}", case.op));
                if dtype != DType::F64 && (!new || met.len() > 2) {
                    continue;
                }
                if !new && (met.len() > 2 || number > 3) {
                    continue;
                }
                let label = format!("op {} ({:?}), sample {number}", def.name, case.op);
                sweep(
                    &label,
                    &run,
                    &case.inputs,
                    new && met.len() < 3 && dtype == DType::F64,
                    seen,
                );
            }
        }
    }
}

/// Functions that are made of several operations, and the edges of all of them.
fn compositions(only: Option<&str>, seen: &mut Seen) {
    for entry in entries() {
        let f = entry.function;
        if f.random
            || f.name().ends_with('_')
            || KNOWN.iter().any(|k| k.0 == f.name())
            || only.is_some_and(|n| n != f.name())
        {
            continue;
        }
        let samples = if f.op.is_some() { &[] } else { f.samples };
        for (number, text) in samples.iter().chain(f.edges).enumerate() {
            for dtype in [DType::F64, DType::F32] {
                let call = Call::parse(text, dtype).expect("a sample that can be read");
                let run = |x: &[Tensor]| {
                    let call = call.with(x);
                    let y = entry.call(&call.args, &call.named())?;
                    Ok(y.tensors().into_iter().cloned().collect())
                };
                if number > 2 && dtype == DType::F32 {
                    continue;
                }
                let label = format!("{}({text})", f.name());
                sweep(
                    &label,
                    &run,
                    &call.tensors(),
                    number < 2 && dtype == DType::F64,
                    seen,
                );
            }
        }
    }
}

fn report(seen: &Seen) {
    println!("{} comparisons", seen.tried);
    assert!(
        seen.found.is_empty(),
        "{} of {} differ:\n{}",
        seen.found.len(),
        seen.tried,
        seen.found.join("\n")
    );
}

/// `PULLBACK_ONLY=name` in the environment looks at one operation or function.
#[test]
#[ignore = "takes minutes where nothing is optimised: cargo test --test functions -- --ignored"]
fn operations_forward_as_in_reverse() {
    let (only, mut seen) = (std::env::var("PULLBACK_ONLY").ok(), Seen::default());
    operations(only.as_deref(), &mut seen);
    report(&seen);
}

#[test]
#[ignore = "takes minutes where nothing is optimised: cargo test --test functions -- --ignored"]
fn functions_forward_as_in_reverse() {
    let (only, mut seen) = (std::env::var("PULLBACK_ONLY").ok(), Seen::default());
    seen.lenient = true;
    compositions(only.as_deref(), &mut seen);
    report(&seen);
}
