//! Numbers and findings in words.
//!
//! Not for: layout and colour (`story.rs`), nor for deciding anything (`explain.rs`).

use super::explain::{Cause, Explanation, Ledger};
use pullback::{DType, Result, Tensor};
use std::collections::BTreeMap;

impl Cause {
    /// What a person calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cause::None => "no gap",
            Cause::BackRounding => "round-off of autograd itself",
            Cause::Formula => "a wrong derivative",
            Cause::Truncation => "truncation",
            Cause::Kinks => "kinks",
            Cause::StepRounding => "rounding of the step",
            Cause::ForwardRounding => "forward round-off",
            Cause::NotFinite => "a quotient that is not finite",
        }
    }
}

/// What the experiment found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Gradient and differences agree on every coordinate.
    Agree,
    /// The gradient is right, the differences are off.
    DifferencesOff,
    /// The gradient is wrong.
    GradientWrong,
}

/// Who is right.
pub(crate) fn verdict(e: &Explanation) -> Verdict {
    if !e.certified.right {
        Verdict::GradientWrong
    } else if e.coordinates.iter().all(|c| c.agrees) {
        Verdict::Agree
    } else {
        Verdict::DifferencesOff
    }
}

/// The finding in one sentence.
pub(crate) fn summary(e: &Explanation) -> String {
    let (gap, at) = (short(e.worst.gap.abs()), &e.worst.name);
    let cause = e.worst.cause.name();
    let n = e.coordinates.len();
    match (verdict(e), e.worst.cause) {
        (Verdict::GradientWrong, _) => {
            format!(
                "Autograd is wrong: its gradient is not the derivative; the gap is {gap} at {at}."
            )
        }
        (_, Cause::None) => {
            format!("No gap: autograd and the differences are equal on all {n} coordinates.")
        }
        (_, Cause::NotFinite) => format!(
            "The step does not work: {} of {n} difference quotients are not finite.",
            e.coordinates
                .iter()
                .filter(|c| !c.numeric.is_finite())
                .count()
        ),
        (Verdict::Agree, _) => format!(
            "They agree on all {n} coordinates; what is left of a gap ({gap} at {at}) is {cause}, {}.",
            others(e)
        ),
        _ => format!("The gap ({gap} at {at}) is {cause}, {}.", others(e)),
    }
}

/// The part of the worst gap that its cause explains, and what kinks have to do with it.
fn others(e: &Explanation) -> String {
    let share = |c: Cause| share(&e.worst, c);
    match e.worst.cause {
        Cause::Kinks => format!("{} of it; {}", share(Cause::Kinks), round_off(e)),
        cause if e.worst.kinks == 0.0 => format!("{} of it, and not kinks: 0", share(cause)),
        cause => format!("{} of it; kinks: {}", share(cause), share(Cause::Kinks)),
    }
}

fn round_off(e: &Explanation) -> String {
    format!("round-off: {}", share(&e.worst, Cause::ForwardRounding))
}

/// How much of a gap a term is, in per cent.
pub(crate) fn share(ledger: &Ledger, cause: Cause) -> String {
    let term = (ledger.terms().into_iter())
        .find(|(c, _)| *c == cause)
        .map_or(0.0, |(_, t)| t);
    let percent = 100.0 * term / ledger.gap;
    match percent.abs() {
        0.0 => "0".into(),
        p if p < 0.1 => "below 0.1 %".into(),
        p if p >= 9.95 => format!("{percent:.0} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// How many coordinates differ for which reason.
pub(crate) fn census(e: &Explanation) -> BTreeMap<&'static str, usize> {
    let mut census = BTreeMap::new();
    for c in &e.coordinates {
        *census.entry(class(c)).or_insert(0) += 1;
    }
    census
}

fn class(c: &Ledger) -> &'static str {
    match c.cause {
        Cause::None if c.exact == 0.0 => "equal, exactly 0",
        Cause::None => "equal",
        _ if c.agrees => "agree",
        cause => cause.name(),
    }
}

/// Three digits, without a power of ten where that is easy to read.
pub(crate) fn short(x: f64) -> String {
    digits(x, 3)
}

/// `n` significant digits.
pub(crate) fn digits(x: f64, n: usize) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    if !(1e-2..1e4).contains(&size) {
        return format!("{x:.*e}", n - 1);
    }
    let before = size.log10().floor() as i64 + 1;
    format!("{x:.*}", (n as i64 - before).max(0) as usize)
}

/// A small number as it was most likely typed: `1e-5` and not `0.00001`.
pub(crate) fn typed(x: f64) -> String {
    if (1e-2..1e4).contains(&x) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}

/// `(4, 2)`, as Python writes it.
pub(crate) fn shape(t: &Tensor) -> String {
    match t.shape()[..] {
        [n] => format!("({n},)"),
        ref dims => {
            let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
            format!("({})", dims.join(", "))
        }
    }
}

/// The one number of a tensor, with the digits its dtype has.
pub(crate) fn item(t: &Tensor) -> Result<String> {
    Ok(match t.dtype() {
        DType::F32 => t.item()?.cast::<f32>().to_string(),
        _ => t.item_f64()?.to_string(),
    })
}

/// Rows of numbers in columns of one width; no more than `limit` rows, and then how many there would be.
pub(crate) fn rows(t: &Tensor, limit: usize) -> Result<Vec<String>> {
    let values = t.to_f64_vec()?;
    let columns = match t.shape()[..] {
        [_, columns] => columns,
        _ => values.len().clamp(1, 8),
    };
    let plain = (values.iter()).all(|&v| v == 0.0 || (1e-3..1e3).contains(&v.abs()));
    let cell = |v: &f64| match plain {
        _ if *v == 0.0 => format!("{:>width$}", "0", width = if plain { 9 } else { 12 }),
        true => format!("{v:>9.4}"),
        false => format!("{v:>12.4e}"),
    };
    let all = values.chunks(columns.max(1));
    let more = all.len().saturating_sub(limit);
    let mut lines: Vec<String> = (all.take(limit))
        .map(|row| {
            let shown: String = row.iter().take(8).map(cell).collect();
            if row.len() > 8 {
                format!("{shown}  … {} more", row.len() - 8)
            } else {
                shown
            }
        })
        .collect();
    if more > 0 {
        lines.push(format!("  … {more} more rows"));
    }
    Ok(lines)
}

/// `unit 1`, `units 1 and 3`, `units 0, 2 and 5`, no more than eight of them by number.
pub(crate) fn units(numbers: &[usize]) -> String {
    let text: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match &text[..] {
        [] => "no unit".into(),
        [one] => format!("unit {one}"),
        many if many.len() > 8 => format!("{} units", many.len()),
        [first @ .., last] => format!("units {} and {last}", first.join(", ")),
    }
}
