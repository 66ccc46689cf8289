//! What kind of mistake a wrong gradient is: the one simple explanation that fits within the budget, if there is one, for each input
//! apart.
//!
//! `case` tries the explanations that move, scale or drop numbers, `terms` those that add or forget a term or a factor.

mod case;
mod terms;

use super::blackbox::BlackBox;
use super::{Check, Coordinate, Report, Verdict};
use case::{Case, Known};
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
    /// The right numbers, one place further along an axis.
    Shifted(usize),
    /// One row of the right one stands for all along an axis.
    Repeated(usize),
    /// The right one summed over an axis, or its mean over it, and spread out again.
    Summed(usize),
    /// Running totals of the right one along an axis.
    RunningTotal(usize),
    /// What a running total along an axis gives that starts at its other end.
    WrongDirection(usize),
    /// What the same operation along another axis, or summed over one, gives.
    WrongAxis,
    /// Off by a multiple of something simple: a term is missing, or is there that should not be.
    MissingTerm(String),
    /// Off by a factor that is something simple.
    MissingFactor(String),
    /// Only one of several paths through a value that is used more than once.
    OverwrittenFanOut,
    /// The first row, where a sum over a broadcast dimension is due.
    MissingReduction,
    /// Right where it should not be zero, but not zero where it should be: a mask is missing.
    MaskMissing,
    /// Right for what was recorded: the function depends on numbers that left its graph, by this operation if it was recorded.
    LeftGraph(Option<&'static str>),
}

impl BugKind {
    /// Whether another mistake could leave the same traces.
    pub(super) fn is_vague(&self) -> bool {
        matches!(
            self,
            BugKind::MissingTerm(_) | BugKind::MissingFactor(_) | BugKind::WrongAxis
        )
    }
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
            BugKind::Shifted(axis) => write!(
                f,
                "it holds the right numbers one place off along axis {axis}: an index is off by one"
            ),
            BugKind::Repeated(axis) => write!(
                f,
                "it holds the first row of the right one again and again along axis {axis}"
            ),
            BugKind::Summed(axis) => write!(
                f,
                "it is the right one summed or averaged over axis {axis} and spread out again"
            ),
            BugKind::RunningTotal(axis) => write!(
                f,
                "it holds the running totals of the right one along axis {axis}"
            ),
            BugKind::WrongDirection(axis) => write!(
                f,
                "a running total along axis {axis} starts at the wrong end"
            ),
            BugKind::WrongAxis => write!(
                f,
                "it is what another axis gives: a sum, a mean or a running total is taken along the wrong axis"
            ),
            BugKind::MissingTerm(term) => write!(
                f,
                "it differs from the right one by {term}: a term is missing, or one too many"
            ),
            BugKind::MissingFactor(factor) => {
                write!(f, "a factor is missing, or one too many: {factor}")
            }
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

/// The explanations of the inputs whose gradients are wrong, by name.
pub(super) fn explain(
    check: &Check<'_>,
    report: &Report,
    claimed: &[Option<Vec<f64>>],
    cut: Option<&'static str>,
) -> Vec<(String, BugKind)> {
    let numbers = |k: usize| check.inputs[k].to_f64_vec().unwrap_or_default();
    let named: Vec<(String, Vec<f64>)> = (check.inputs.iter().enumerate())
        .filter(|(_, t)| t.dtype().is_float())
        .map(|(k, _)| (check.names[k].clone(), numbers(k)))
        .collect();
    let mut out = Vec::new();
    for (k, claimed) in claimed.iter().enumerate() {
        let Some(claimed) = claimed else { continue };
        let own: Vec<&Coordinate> = (report.coordinates.iter())
            .filter(|c| c.input == k)
            .collect();
        if own.iter().any(|c| c.outside && c.verdict == Verdict::Bug) {
            out.push((check.names[k].clone(), BugKind::LeftGraph(cut)));
            continue;
        }
        let shape = check.inputs[k].shape();
        if let Some(kind) = case(claimed, &own, shape, named.clone()).kind() {
            out.push((check.names[k].clone(), kind));
        }
    }
    out
}

/// The same for a black box; `y` is its result, `k` the claim that is shown.
pub(super) fn of_black_box(
    check: &BlackBox<'_>,
    y: &[f64],
    coordinates: &[Coordinate],
    k: usize,
) -> Vec<(String, BugKind)> {
    let mut named: Vec<(String, Vec<f64>)> = (check.arguments.iter())
        .map(|a| (a.name.clone(), a.values.clone()))
        .collect();
    if y.len() > 1 {
        named.push(("the result".into(), y.to_vec()));
        named.push((
            "the incoming gradient".into(),
            check.claims[k].cotangent.clone(),
        ));
    }
    let (mut out, mut start) = (Vec::new(), 0);
    for (input, a) in check.arguments.iter().enumerate() {
        let claimed = &check.claims[k].gradient[start..start + a.values.len()];
        start += a.values.len();
        let own: Vec<&Coordinate> = coordinates.iter().filter(|c| c.input == input).collect();
        if let Some(kind) = case(claimed, &own, &a.shape, named.clone()).kind() {
            out.push((a.name.clone(), kind));
        }
    }
    out
}

fn case<'a>(
    claimed: &[f64],
    own: &[&Coordinate],
    shape: &'a [usize],
    named: Vec<(String, Vec<f64>)>,
) -> Case<'a> {
    let mut known = vec![None; claimed.len()];
    let mut claimed = claimed.to_vec();
    for c in own {
        let flat = (c.index.iter().zip(shape)).fold(0, |flat, (i, n)| flat * n + i);
        claimed[flat] = c.claimed;
        known[flat] = Some(Known {
            right: c.oracle,
            budget: c.budget,
            wrong: c.verdict == Verdict::Bug,
        });
    }
    Case {
        claimed,
        known,
        shape,
        named,
    }
}

/// A number with six digits at most, for texts.
fn short(c: f64) -> f64 {
    format!("{c:.5e}").parse().unwrap_or(c)
}
