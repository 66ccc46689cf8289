//! Why the difference quotients are not the gradient: the gradient checker's report on the experiment, and what else its
//! study tells, as data with the names its JSON has.
//!
//! Everything is measured by `pullback::check`; this chooses and counts. How it reads is `words.rs`.

use pullback::check::{Check, Coordinate, Status, Study, Verdict as Word};
use pullback::{DType, Result};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a gap comes from: the largest term of its ledger.
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
#[derive(Clone, Debug, Serialize)]
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
    /// The checker's words.
    pub(crate) verdict: &'static str,
    pub(crate) status: &'static str,
    /// The smallest relative error of the gradient that would have been noticed.
    pub(crate) mde: f64,
}

/// The round-off to expect in one coordinate's quotient, from the values alone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Prediction {
    pub(crate) name: String,
    /// The larger of the two losses.
    pub(crate) loss: f64,
    /// From it to the next number that the dtype can hold.
    pub(crate) ulp: f64,
    /// What one such step does to the quotient.
    pub(crate) per_ulp: f64,
    /// The standard deviation of the quotient's error.
    pub(crate) typical: f64,
    /// No error is larger (to first order).
    pub(crate) bound: f64,
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
    /// Whether the checker finds nothing wrong.
    pub(crate) right: bool,
    /// What it says of the gradient as a whole.
    pub(crate) status: &'static str,
    /// The weakest relative error that would have been noticed everywhere.
    pub(crate) mde: f64,
}

/// Everything found out.
#[derive(Clone, Debug)]
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

/// Runs a check that examines every coordinate, and asks its study what the story tells.
///
/// # Errors
/// Whatever the loss reports.
pub(crate) fn explain(check: &Check<'_>) -> Result<Explanation> {
    let study = check.study()?;
    let report = study.report();
    let eps = report.step;
    let coordinates: Vec<Ledger> = (report.coordinates.iter().enumerate())
        .map(|(index, c)| ledger(index, c))
        .collect();
    let worst = (coordinates.iter())
        .max_by(|a, b| a.gap.abs().total_cmp(&b.gap.abs()))
        .expect("there are parameters")
        .clone();
    let expected = study.round_off(worst.index, eps)?;
    let mut kinks = Vec::new();
    for gate in study.gates()? {
        for (unit, u) in gate.units.iter().enumerate() {
            // A unit that nothing moves has no distance.
            let Some((by, distance)) = &u.nearest else {
                continue;
            };
            kinks.push(Kink {
                unit,
                margin: u.margin,
                steps: distance / eps,
                by: by.clone(),
            });
        }
    }
    let crossings = (study.crossings(eps)?.iter())
        .map(|c| Crossing {
            coordinate: coordinates[c.coordinate].name.clone(),
            unit: c.unit,
            side: if c.up { '+' } else { '-' },
        })
        .collect();
    let radius = (kinks.iter().map(|k| k.steps)).fold(f64::INFINITY, f64::min) * eps;
    let half_radius = match radius / 2.0 {
        half if half.is_finite() && half > 0.0 => Some(Repeat {
            dtype: report.dtype.name(),
            eps: half,
            gap: largest(study.at_step(half)?.iter().map(|c| c.gap)),
        }),
        _ => None,
    };
    Ok(Explanation {
        dtype: report.dtype.name(),
        eps,
        predicted_roundoff: Prediction {
            name: worst.name.clone(),
            loss: expected.value,
            ulp: expected.ulp,
            per_ulp: expected.per_ulp,
            typical: expected.typical,
            bound: expected.worst,
        },
        worst,
        kinks,
        crossings,
        evaluations: 2 * coordinates.len(),
        wider: wider(&study, &coordinates)?,
        half_radius,
        certified: certified(&coordinates, report.status),
        coordinates,
    })
}

fn ledger(index: usize, c: &Coordinate) -> Ledger {
    let t = &c.ledger;
    let mut row = Ledger {
        name: c.name.clone(),
        index,
        autograd: c.claimed,
        numeric: c.numeric,
        exact: c.oracle,
        gap: c.gap,
        back_rounding: t.back,
        formula: t.formula,
        truncation: t.truncation,
        kinks: t.kink,
        step_rounding: t.step,
        forward_rounding: t.forward,
        cause: Cause::None,
        agrees: c.verdict == Word::Agree || c.gap == 0.0,
        verdict: c.verdict.name(),
        status: c.status.name(),
        mde: c.mde,
    };
    row.cause = row.largest();
    row
}

/// The largest size, or NaN if one of them is.
fn largest(gaps: impl Iterator<Item = f64>) -> f64 {
    gaps.map(f64::abs).fold(0.0, |a, b| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            a.max(b)
        }
    })
}

/// The same point and step in the next wider arithmetic.
fn wider(study: &Study<'_>, coordinates: &[Ledger]) -> Result<Repeat> {
    let eps = study.report().step;
    let (dtype, gap) = if study.report().dtype == DType::F32 {
        let gaps = study.in_dtype(DType::F64)?.gaps()?;
        (DType::F64, largest(gaps.into_iter()))
    } else {
        // In 32 digits nothing is left but what rounding has no part in.
        let gaps = coordinates.iter();
        let gap = largest(gaps.map(|c| c.formula + c.truncation + c.kinks));
        (DType::Dd, gap)
    };
    Ok(Repeat {
        dtype: dtype.name(),
        eps,
        gap,
    })
}

/// Autograd beside the exact derivative.
fn certified(coordinates: &[Ledger], status: Status) -> Certified {
    let n = coordinates.len().max(1) as f64;
    let scale = (coordinates.iter().map(|c| c.exact.powi(2)).sum::<f64>() / n).sqrt();
    let mut out = Certified {
        error: 0.0,
        relative: 0.0,
        right: status != Status::Fail,
        status: status.name(),
        mde: 0.0,
    };
    for c in coordinates {
        let error = (c.back_rounding + c.formula).abs();
        let size = if c.exact == 0.0 { scale } else { c.exact.abs() };
        out.error = out.error.max(error);
        out.mde = out.mde.max(c.mde);
        if error > 0.0 {
            out.relative = out.relative.max(error / size);
        }
    }
    out
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

    fn largest(&self) -> Cause {
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
