//! The whole proof of an operation: every check on every sample in every floating dtype.

use super::case::{Case, Verdict};
use super::{decisions, exact, orders, replay, rules, values};
use crate::DType;
use crate::core::op::OpDef;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One thing that every operation must fulfil.
pub struct Check {
    /// Short name.
    pub name: &'static str,
    /// What is claimed.
    pub claim: &'static str,
    /// Tries it on one operation with inputs.
    pub run: fn(&Case) -> Verdict,
}

macro_rules! checks {
    ($($name:literal $claim:literal $run:path;)*) => {
        /// What is checked on every sample.
        pub static CHECKS: &[Check] = &[$(Check { name: $name, claim: $claim, run: $run }),*];
    };
}
checks! {
    "value" "the value is the formula's, computed in more digits" values::values;
    "dtype" "dtypes and shapes are the same in every width" values::dtypes;
    "layout" "the value does not depend on where elements lie" values::layouts;
    "reverse" "the gradient is Jᵀg, J by differences in double-double" rules::reverse;
    "rule" "so is the plain rule, outside of a graph" rules::plain_rule;
    "forward" "forward mode is J v, and the adjoint of reverse mode" rules::forward;
    "second order" "the gradient of a gradient is that of its differences" orders::second_order;
    "third order" "and once more" orders::third_order;
    "pushed gradient" "and its tangent in forward mode is the second derivative along it" orders::pushed;
    "recorded gradient" "and, in a recorded program, follows to other points" orders::recorded;
    "replay" "a recorded run repeats itself, and runs in other arithmetic" replay::replay;
    "frozen" "with its decisions frozen it is the smooth piece it was" replay::frozen;
    "frozen forward" "whose derivative is the gradient" replay::frozen_forward;
    "margin" "margins are 0 exactly where a decision is about to switch" decisions::margins;
}

/// Dtypes that samples run in.
pub const DTYPES: [DType; 3] = [DType::F32, DType::F64, DType::Dd];

/// What a proof found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many checks ran.
    pub checks: usize,
    /// One line for each that failed: operation, sample, dtype, check, numbers.
    pub findings: Vec<String>,
}

impl Report {
    pub(super) fn note(&mut self, label: impl FnOnce() -> String, check: impl FnOnce() -> Verdict) {
        self.checks += 1;
        let verdict = catch_unwind(AssertUnwindSafe(check))
            .unwrap_or_else(|_| Err("it panicked; the message is on stderr".to_string().into()));
        if let Err(finding) = verdict {
            self.findings.push(format!("{}: {finding}", label()));
        }
    }
}

/// Proves one operation: samples, exact points, failing inputs.
///
/// ```
/// let report = pullback::proof::prove(pullback::ops::Tanh::DEF);
/// assert!(report.checks > 100);
/// assert!(report.findings.is_empty(), "{:#?}", report.findings);
/// ```
pub fn prove(def: &'static OpDef) -> Report {
    prove_in(def, &DTYPES)
}

/// [`prove`] in some dtypes only.
pub fn prove_in(def: &'static OpDef, dtypes: &[DType]) -> Report {
    let mut report = Report::default();
    for (number, sample) in (def.proof.samples)().iter().enumerate() {
        for &dtype in dtypes {
            let label = |check: &str| {
                format!(
                    "{} ({:?}), sample {number}, {dtype}, {check}",
                    def.name, sample.op
                )
            };
            match Case::of(sample, dtype) {
                Ok(case) => {
                    for check in CHECKS {
                        report.note(|| label(check.name), || (check.run)(&case));
                    }
                }
                Err(e) => report.note(|| label("inputs"), || Err(e.into())),
            }
        }
    }
    for (number, point) in (def.proof.points)().iter().enumerate() {
        for &dtype in dtypes {
            let label = |check: &str| {
                format!(
                    "{} ({:?}), point {number}, {dtype}, {check}",
                    def.name, point.op
                )
            };
            report.note(|| label("gradient"), || exact::point(point, dtype));
            let finite = point.inputs.iter().flatten().all(|x| x.is_finite());
            if let (true, Ok(case)) = (finite, point.case(dtype)) {
                report.note(|| label("margin"), || decisions::margins(&case));
            }
        }
    }
    for (number, failure) in (def.proof.errors)().iter().enumerate() {
        let label = || format!("{} ({:?}), error {number}", def.name, failure.op);
        report.note(label, || exact::failure(failure, DType::F32));
    }
    report
}
