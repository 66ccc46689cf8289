//! Forward mode against reverse mode where derivatives are least regular: zeros of both signs, infinities, NaN, ties, equal elements,
//! the smallest and the largest numbers, in every operation and function and in every floating dtype. Values away from such points are proven
//! elsewhere; reverse mode itself is compared with PyTorch by the golden files.
//!
//! One row of the Jacobian is what reverse mode gives for one element of the result, one column what forward mode gives for one
//! element of an input. Both can be NaN where 0·∞ is computed for an element that was not asked about, so that an entry is held
//! against the other mode's entry, and a whole row (column) without NaN against the other mode's sum.

use crate::jacobian::{Reverse, Rule, Run, compare, filled, one_hot};
use pullback::ops::OPS;
use pullback::proof::{Call, Case, DTYPES};
use pullback::registry::entries;
use pullback::{DType, Family, OpDef, Result, Tensor};
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

/// How many of the edges are tried in functions that are not element by element.
const FEW: usize = 7;

/// How many are paired with each other where an operation has two operands.
const PAIRED: usize = 14;

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
