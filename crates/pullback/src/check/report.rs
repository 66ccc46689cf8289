//! What a check found, as data.

use super::{BugKind, Guilty, NearestKink};
use crate::DType;

/// The answer of a check, for a coordinate or as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The gradient is certified to the power asked for.
    Pass,
    /// It can be neither certified nor refuted here; the report says why.
    Unknown,
    /// It is wrong.
    Fail,
}

impl Status {
    /// `pass`, `unknown` or `fail`.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Unknown => "unknown",
            Status::Fail => "fail",
        }
    }
}

/// Why a gradient and a difference quotient differ, or that they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// They agree.
    Agree,
    /// Rounding of the function's values, divided by the step.
    RoundOff,
    /// The step is too long for the function's curvature, or leaves its domain.
    Truncation,
    /// The step crosses a kink or a jump.
    KinkCrossed,
    /// The point lies on a kink, where the derivative is a choice.
    SubgradientChoice,
    /// The function gives different values for the same input.
    NonDeterministic,
    /// The gradient is wrong.
    Bug,
    /// Nothing could be decided.
    Inconclusive,
    /// The gradient's own rounding leaves open whether it is right.
    Hidden,
    /// The function does not depend on its checked inputs, so that there is nothing to decide.
    Independent,
}

impl Verdict {
    /// Every verdict, in the order reports count them.
    pub const ALL: [Verdict; 10] = [
        Verdict::Agree,
        Verdict::RoundOff,
        Verdict::Truncation,
        Verdict::KinkCrossed,
        Verdict::SubgradientChoice,
        Verdict::NonDeterministic,
        Verdict::Bug,
        Verdict::Inconclusive,
        Verdict::Hidden,
        Verdict::Independent,
    ];

    /// The words of the reports.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::RoundOff => "round-off limited",
            Verdict::Truncation => "truncation limited",
            Verdict::KinkCrossed => "kink crossed",
            Verdict::SubgradientChoice => "subgradient choice at a kink",
            Verdict::NonDeterministic => "non-deterministic",
            Verdict::Bug => "gradient bug",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Hidden => "hidden by rounding",
            Verdict::Independent => "no dependence",
        }
    }
}

/// The gap `claimed - numeric`, split into terms that sum to it.
///
/// Each term is the difference of two neighbours in a chain from the claimed gradient to the difference quotient, so the
/// sum is an identity and nothing is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Claimed gradient minus the same gradient in double-double: rounding on the way back.
    pub back: f64,
    /// That minus the exact derivative: a wrong formula.
    pub formula: f64,
    /// Exact derivative minus the difference quotient of the smooth program: truncation.
    pub truncation: f64,
    /// Smooth program minus the real one: kinks inside the stencil.
    pub kink: f64,
    /// Exact steps minus the steps that can be stored.
    pub step: f64,
    /// That minus the quotient in the working precision: rounding on the way forward.
    pub forward: f64,
}

impl Ledger {
    /// The terms with their names, in order.
    pub fn terms(&self) -> [(&'static str, f64); 6] {
        [
            ("back", self.back),
            ("formula", self.formula),
            ("truncation", self.truncation),
            ("kink", self.kink),
            ("step", self.step),
            ("forward", self.forward),
        ]
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.terms().iter().map(|t| t.1).sum()
    }
}

/// What was found at one coordinate.
#[derive(Clone, Debug)]
pub struct Coordinate {
    /// Name and index: `W1[3,1]`.
    pub name: String,
    /// Which input.
    pub input: usize,
    /// Index in it, one number per dimension.
    pub index: Vec<usize>,
    /// The gradient under test.
    pub claimed: f64,
    /// The central difference in the working precision.
    pub numeric: f64,
    /// The exact derivative of the smooth program, rounded to `f64`.
    pub oracle: f64,
    /// `claimed - numeric`.
    pub gap: f64,
    /// The gap, term by term.
    pub ledger: Ledger,
    /// How far the claimed gradient may be from the oracle by rounding alone: eight times its standard deviation, plus
    /// the oracle's own uncertainty.
    pub budget: f64,
    /// Smallest error, relative to the derivative, that would have been noticed (relative to the tensor's root mean square
    /// where the derivative is 0).
    pub mde: f64,
    /// Why gradient and difference quotient differ.
    pub verdict: Verdict,
    /// Whether the gradient is right.
    pub status: Status,
    /// A sentence for what the verdict's word leaves open.
    pub remark: Option<String>,
    /// The function depends on this coordinate, or may, in a way that its graph does not show: then `oracle`, the derivative
    /// of what was recorded, is not the derivative of the function.
    pub outside: bool,
}

/// The derivative along one random direction, three ways, in double-double.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjoint {
    /// By forward mode; by differences, where a function of the user has no forward rule.
    pub forward: f64,
    /// By reverse mode.
    pub reverse: f64,
    /// By differences.
    pub differences: f64,
    /// How far they may be apart.
    pub budget: f64,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// Fail if any coordinate fails, else unknown if any is, else pass.
    pub status: Status,
    /// Every coordinate that was looked at, in order.
    pub coordinates: Vec<Coordinate>,
    /// The kink that the user's step would meet first.
    pub nearest_kink: Option<NearestKink>,
    /// The operation to blame for a bug.
    pub guilty: Option<Guilty>,
    /// What kind of bug explains the wrong coordinates: of the first input that has an explanation.
    pub bug: Option<BugKind>,
    /// The explanations, for each input apart, by name.
    pub bugs: Vec<(String, BugKind)>,
    /// How often the function was evaluated, in any precision.
    pub evaluations: usize,
    /// The step of the difference quotient.
    pub step: f64,
    /// The relative error a pass rules out.
    pub power: f64,
    /// Working precision.
    pub dtype: DType,
    /// The function's value.
    pub value: f64,
    /// How many coordinates the gradient has; `coordinates` holds fewer where there are very many.
    pub parameters: usize,
    /// Forward mode against reverse mode along a random direction: ⟨∇f, v⟩ by each.
    pub adjoint: Option<Adjoint>,
    /// The function was only called, and not replayed.
    pub black_box: bool,
    /// What was noticed besides: non-determinism, escaped dependences.
    pub notes: Vec<String>,
}

impl Report {
    /// How many coordinates have each verdict.
    pub fn census(&self) -> Vec<(Verdict, usize)> {
        Verdict::ALL
            .iter()
            .map(|&v| {
                (
                    v,
                    self.coordinates.iter().filter(|c| c.verdict == v).count(),
                )
            })
            .filter(|c| c.1 > 0)
            .collect()
    }

    /// The coordinate with the largest gap; one that is not finite only if all are.
    pub fn largest_gap(&self) -> Option<&Coordinate> {
        let finite = self.coordinates.iter().filter(|c| c.gap.is_finite());
        finite
            .max_by(|a, b| a.gap.abs().total_cmp(&b.gap.abs()))
            .or(self.coordinates.first())
    }
}
