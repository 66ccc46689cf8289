//! What an explanation holds: the gap of every coordinate with its terms, kinks, crossings, repetitions.
//!
//! Plain data, with the names its JSON has. How it is found out is `explain.rs`; how it reads is `words.rs`.

use super::rounding::Prediction;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a gap comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// There is no gap at all.
    #[default]
    None,
    BackRounding,
    Formula,
    Truncation,
    Kinks,
    StepRounding,
    ForwardRounding,
    /// The quotient is infinite or no number.
    NotFinite,
}

/// One coordinate: autograd, the difference quotient, and the terms whose sum is the gap between them.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Ledger {
    pub(crate) name: String,
    pub(crate) index: usize,
    pub(crate) autograd: f64,
    pub(crate) numeric: f64,
    /// The derivative, from the forward computation alone.
    pub(crate) exact: f64,
    /// `autograd - numeric`
    pub(crate) gap: f64,
    pub(crate) back_rounding: f64,
    pub(crate) formula: f64,
    pub(crate) truncation: f64,
    pub(crate) kinks: f64,
    pub(crate) step_rounding: f64,
    pub(crate) forward_rounding: f64,
    /// The largest term.
    pub(crate) cause: Cause,
    /// Whether the gap is below a thousandth (f64: a millionth) of the derivative.
    pub(crate) agrees: bool,
}

/// A ReLU's distance from switching.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Kink {
    pub(crate) unit: usize,
    /// What the unit's input is away from 0.
    pub(crate) margin: f64,
    /// How many steps of the most effective coordinate that takes.
    pub(crate) steps: f64,
    /// That coordinate.
    pub(crate) by: String,
}

/// A ReLU that chose otherwise at a point of the stencil.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Crossing {
    pub(crate) coordinate: String,
    pub(crate) unit: usize,
    /// `+` or `-`: on which side of the point.
    pub(crate) side: char,
}

/// The largest gap of the differences done another way.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Repeat {
    pub(crate) dtype: &'static str,
    pub(crate) eps: f64,
    pub(crate) gap: f64,
}

/// How far autograd is from the exact derivative.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Certified {
    /// The largest error.
    pub(crate) error: f64,
    /// The largest in relation to its coordinate (to all of them where that is 0).
    pub(crate) relative: f64,
    /// Whether every error is one of rounding.
    pub(crate) right: bool,
}

/// Everything found out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Explanation {
    pub(crate) dtype: &'static str,
    pub(crate) eps: f64,
    /// Where the gap is largest.
    pub(crate) worst: Ledger,
    pub(crate) predicted_roundoff: Prediction,
    pub(crate) kinks: Vec<Kink>,
    pub(crate) crossings: Vec<Crossing>,
    /// Evaluations of the loss in which a kink could have been crossed.
    pub(crate) evaluations: usize,
    /// The same point and step in the next wider arithmetic.
    pub(crate) wider: Repeat,
    /// The same arithmetic at half the distance to the nearest kink.
    pub(crate) half_radius: Option<Repeat>,
    pub(crate) certified: Certified,
    pub(crate) coordinates: Vec<Ledger>,
}

/// Who is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Gradient and differences agree on every coordinate.
    Agree,
    /// The gradient is right, the differences are off.
    DifferencesOff,
    /// The gradient is wrong.
    GradientWrong,
}

impl Explanation {
    /// The kink that is the fewest steps away.
    pub(crate) fn nearest(&self) -> Option<&Kink> {
        (self.kinks.iter()).min_by(|a, b| a.steps.total_cmp(&b.steps))
    }

    /// Whether gradient and differences agree on every coordinate.
    pub(crate) fn agrees(&self) -> bool {
        self.coordinates.iter().all(|c| c.agrees)
    }

    /// Who is right.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.certified.right, self.agrees()) {
            (false, _) => Verdict::GradientWrong,
            (true, true) => Verdict::Agree,
            (true, false) => Verdict::DifferencesOff,
        }
    }

    /// How many coordinates differ for which reason.
    pub(crate) fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for c in &self.coordinates {
            let key = match c.cause {
                Cause::None if c.exact == 0.0 => "equal_zero",
                Cause::None => "equal",
                _ if c.agrees => "agree",
                cause => cause.key(),
            };
            *census.entry(key).or_insert(0) += 1;
        }
        census
    }

    /// How many quotients are 0 because both losses were rounded to the same number.
    pub(crate) fn vanished(&self) -> usize {
        let lost = |c: &&Ledger| c.numeric == 0.0 && c.exact != 0.0;
        self.coordinates.iter().filter(lost).count()
    }
}

impl Cause {
    /// Its name in JSON.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Cause::None => "none",
            Cause::BackRounding => "back_rounding",
            Cause::Formula => "formula",
            Cause::Truncation => "truncation",
            Cause::Kinks => "kinks",
            Cause::StepRounding => "step_rounding",
            Cause::ForwardRounding => "forward_rounding",
            Cause::NotFinite => "not_finite",
        }
    }
}

impl Ledger {
    /// The terms, with their causes.
    pub(crate) fn terms(&self) -> [(Cause, f64); 6] {
        [
            (Cause::ForwardRounding, self.forward_rounding),
            (Cause::Kinks, self.kinks),
            (Cause::Truncation, self.truncation),
            (Cause::StepRounding, self.step_rounding),
            (Cause::BackRounding, self.back_rounding),
            (Cause::Formula, self.formula),
        ]
    }

    pub(crate) fn largest(&self) -> Cause {
        if !self.gap.is_finite() {
            return Cause::NotFinite;
        }
        if self.gap == 0.0 {
            return Cause::None;
        }
        let by_size = |a: &(Cause, f64), b: &(Cause, f64)| a.1.abs().total_cmp(&b.1.abs());
        self.terms()
            .into_iter()
            .max_by(by_size)
            .map_or(Cause::None, |(cause, _)| cause)
    }
}
