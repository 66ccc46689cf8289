//! One check, from the function to the report.

use super::claims::{DISPROPORTIONATE, Gradient, claimed, disproportionate};
use super::examine::{Findings, examine};
use super::oracle::Oracle;
use super::{
    Check, Claim, Coordinate, Ledger, Report, Status, Verdict, custom, measure, opaque, point,
};
use crate::{DType, Error, ErrorKind, Result, Tensor, core::mode};

/// Why a function is not judged that hands its work to other threads.
const UNSEEN: &str = "a part of the function was computed on another thread, where it is not recorded; compute it on the thread that checks";

pub(super) fn run(check: &Check<'_>) -> Result<Report> {
    working_dtype(check)?;
    if parameters(check) == 0 {
        return undetermined(check, "the inputs have no numbers to differentiate by");
    }
    let before = numbers_of(check)?;
    let first = point::first(check)?;
    let why = match &check.claim {
        Claim::Autograd => written(check, &before)?,
        _ => None,
    };
    if let Some(why) = why.or_else(|| point::nothing(&first)) {
        return undetermined(check, &why);
    }
    let oracle = Oracle::new(check, &first)?;
    if oracle.unseen {
        return undetermined(check, UNSEEN);
    }
    if let Some(narrow) = custom::narrow(&oracle)? {
        return opaque::run(check, &oracle, &narrow);
    }
    run_on(check, &oracle).map(|done| done.0)
}

/// The inputs' numbers, each input's apart.
fn numbers_of(check: &Check<'_>) -> Result<Vec<Vec<f64>>> {
    let floats = check.inputs.iter().map(|t| match t.dtype().is_float() {
        true => t.to_f64_vec(),
        false => Ok(Vec::new()),
    });
    floats.collect()
}

/// What is said of a function that writes into its inputs.
fn written(check: &Check<'_>, before: &[Vec<f64>]) -> Result<Option<String>> {
    let bits = |v: &[f64]| -> Vec<u64> { v.iter().map(|x| x.to_bits()).collect() };
    let now = numbers_of(check)?;
    let written = (before.iter().zip(&now)).position(|(a, b)| bits(a) != bits(b));
    Ok(written.map(|input| {
        format!(
            "the function writes into its input {}, so that each run sees other numbers (let it write into a copy)",
            check.names[input]
        )
    }))
}

/// Records the function, once it is known that there is something to check.
pub(super) fn prepare<'a>(check: &'a Check<'a>) -> Result<Oracle<'a>> {
    working_dtype(check)?;
    let first = point::first(check)?;
    if let Some(why) = point::nothing(&first) {
        return Err(Error::new(ErrorKind::DType, why));
    }
    let oracle = Oracle::new(check, &first)?;
    if oracle.unseen {
        return Err(Error::new(ErrorKind::Unsupported, UNSEEN));
    }
    match custom::narrow(&oracle)? {
        None => Ok(oracle),
        Some(narrow) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("{}, so only `run` can check it", narrow.why()),
        )),
    }
}

/// How many numbers the gradient has.
fn parameters(check: &Check<'_>) -> usize {
    let floats = check.inputs.iter().filter(|t| t.dtype().is_float());
    floats.map(Tensor::numel).sum()
}

/// A report without coordinates.
fn blank(check: &Check<'_>) -> Result<Report> {
    let dtype = working_dtype(check)?;
    let usual = if dtype == DType::F32 { 1e-3 } else { 1e-6 };
    Ok(Report {
        status: Status::Pass,
        coordinates: Vec::new(),
        nearest_kink: None,
        guilty: None,
        bug: None,
        bugs: Vec::new(),
        evaluations: 1,
        step: step(check, dtype)?,
        power: check.power.unwrap_or(usual),
        dtype,
        value: f64::NAN,
        notes: Vec::new(),
        parameters: parameters(check),
        adjoint: None,
        black_box: false,
    })
}

/// What is said of a function that leaves nothing to check.
pub(super) fn undetermined(check: &Check<'_>, why: &str) -> Result<Report> {
    let mut report = blank(check)?;
    report.status = Status::Unknown;
    report
        .notes
        .push(format!("there is nothing to check: {why}"));
    Ok(report)
}

/// The report, and what was measured for it.
pub(super) fn run_on(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<(Report, Findings)> {
    let _grad = mode::set(mode::GRAD, true);
    let value = oracle.direct(&check.inputs)?;
    let mut report = Report {
        value: value.item_f64()?,
        ..blank(check)?
    };
    let dtype = report.dtype;
    if check.cotangent.is_none() && !oracle.is_number() && point::of_sum(check) {
        report.notes.push("the function returns several numbers and one gradient of each input's shape was given: it was checked as that of their sum".into());
    }
    let claimed = claimed(check, oracle)?;
    let mut findings = Findings::default();
    if let Some(note) = differs_from_run_to_run(check, oracle, &value)? {
        report.notes.push(note);
        report.coordinates = undecided(check, &claimed)?;
    } else if !report.value.is_finite() {
        // Its numbers are finite, their weighted sum is not.
        return Err(Error::new(
            ErrorKind::NonFinite,
            format!("the function's numbers are too large to be added in {dtype}"),
        ));
    } else {
        let claimed = match disproportionate(check, oracle, &claimed)? {
            None => claimed,
            Some(other) => {
                report.notes.push(format!(
                    "{DISPROPORTIONATE} (what is shown is the gradient for an incoming -2, divided by it)"
                ));
                other
            }
        };
        findings = examine(check, oracle, &claimed, &mut report)?;
    }
    let worst = report
        .coordinates
        .iter()
        .map(|c| c.status)
        .max()
        .unwrap_or(Status::Pass);
    report.status = report.status.max(worst);
    report.evaluations = oracle.evaluations.get();
    Ok((report, findings))
}

/// The step of the difference quotient.
fn step(check: &Check<'_>, dtype: DType) -> Result<f64> {
    let usual = if dtype == DType::F32 { 1e-3 } else { 1e-6 };
    let step = check.step.unwrap_or(usual);
    if step.is_finite() && step > 0.0 {
        return Ok(step);
    }
    Err(Error::new(
        ErrorKind::Value,
        format!("the step must be a finite number above 0, not {step}"),
    ))
}

/// Claimed gradient minus difference quotient, coordinate by coordinate.
pub(super) fn gaps(check: &Check<'_>) -> Result<Vec<f64>> {
    let step = step(check, working_dtype(check)?)?;
    let oracle = prepare(check)?;
    let _grad = mode::set(mode::GRAD, true);
    let mut out = Vec::new();
    for (input, g) in claimed(check, &oracle)?.iter().enumerate() {
        for (flat, g) in g.iter().flatten().enumerate() {
            out.push(g - measure::numeric(check, &oracle, input, flat, step)?);
        }
    }
    Ok(out)
}

/// The coarsest dtype of the floating inputs: a result of several is no better than it.
fn working_dtype(check: &Check<'_>) -> Result<DType> {
    let floats = (check.inputs.iter().map(Tensor::dtype)).filter(|d| d.is_float());
    let mut coarsest: Option<DType> = None;
    for dtype in floats {
        if dtype == DType::Dd {
            return Err(Error::new(
                ErrorKind::DType,
                "double-double is the oracle's own arithmetic; check float32 or float64",
            ));
        }
        if coarsest.is_none_or(|c| dtype.unit_roundoff() > c.unit_roundoff()) {
            coarsest = Some(dtype);
        }
    }
    coarsest.ok_or_else(|| {
        Error::new(
            ErrorKind::DType,
            "no input is floating, so there is no gradient to check",
        )
    })
}

fn differs_from_run_to_run(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    first: &Tensor,
) -> Result<Option<String>> {
    for _ in 0..2 {
        let again = oracle.direct(&check.inputs)?;
        if !again.array().bits_equal(&first.array())? {
            return Ok(Some(format!(
                "three runs at one point gave different values ({} and {}): fix the random seed, or pass the random numbers as inputs",
                first.number()?,
                again.number()?
            )));
        }
    }
    Ok(None)
}

/// What is left of the coordinates of a function that does not do the same twice.
fn undecided(check: &Check<'_>, claimed: &Gradient) -> Result<Vec<Coordinate>> {
    let mut out = Vec::new();
    for (input, g) in claimed.iter().enumerate() {
        for (flat, &claimed) in g.iter().flatten().enumerate() {
            let (name, index) = name_of(check, input, flat);
            out.push(Coordinate {
                name,
                input,
                index,
                claimed,
                numeric: f64::NAN,
                oracle: f64::NAN,
                gap: f64::NAN,
                ledger: Ledger::default(),
                budget: f64::INFINITY,
                mde: f64::INFINITY,
                verdict: Verdict::NonDeterministic,
                status: Status::Unknown,
                outside: false,
                remark: None,
            });
        }
    }
    Ok(out)
}

/// `W1[3,1]`, and the index.
pub(super) fn name_of(check: &Check<'_>, input: usize, flat: usize) -> (String, Vec<usize>) {
    let index = index_of(check.inputs[input].shape(), flat);
    (name_with(&check.names[input], &index), index)
}

/// An element's index, one number per dimension.
pub(super) fn index_of(shape: &[usize], flat: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    let mut rest = flat;
    for k in (0..shape.len()).rev() {
        index[k] = rest % shape[k].max(1);
        rest /= shape[k].max(1);
    }
    index
}

/// `W[3,1]`, or the name alone where there is no index.
pub(super) fn name_with(name: &str, index: &[usize]) -> String {
    let text: Vec<String> = index.iter().map(usize::to_string).collect();
    match text.is_empty() {
        true => name.to_string(),
        false => format!("{name}[{}]", text.join(",")),
    }
}
