//! Numbers and findings in words.
//!
//! Not for: layout and colour (`story.rs`), nor for deciding anything (`explanation.rs`).

use super::explanation::{Cause, Explanation, Ledger, Verdict};
use pullback::{DType, Result, Tensor};

impl Cause {
    /// What a person calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cause::None => "no gap",
            Cause::BackRounding => "autograd's round-off",
            Cause::Formula => "formula",
            Cause::Truncation => "truncation",
            Cause::Kinks => "kinks",
            Cause::StepRounding => "rounding of the step",
            Cause::ForwardRounding => "forward round-off",
            Cause::NotFinite => "not finite",
        }
    }
}

/// The finding in a sentence or two.
pub(crate) fn explanation(e: &Explanation) -> String {
    let n = e.coordinates.len();
    let (worst, cause) = (&e.worst, e.worst.cause);
    let gap = format!("{} at {}", short(worst.gap.abs()), worst.name);
    match (e.verdict(), cause) {
        (Verdict::GradientWrong, _) => {
            let error = |c: &Ledger| (c.back_rounding + c.formula).abs();
            let wrong = (e.coordinates.iter())
                .max_by(|a, b| error(a).total_cmp(&error(b)))
                .unwrap_or(worst);
            format!(
                "The gradient is wrong: at {} autograd has {}, and the derivative is {}.",
                wrong.name,
                digits(wrong.autograd, 6),
                digits(wrong.exact, 6)
            )
        }
        (_, Cause::None) => {
            format!("No gap: autograd and the differences are equal on all {n} coordinates.")
        }
        (_, Cause::NotFinite) => format!(
            "The step does not work: {} of {n} difference quotients are not finite.",
            (e.coordinates.iter())
                .filter(|c| !c.numeric.is_finite())
                .count()
        ),
        (Verdict::Agree, _) => format!(
            "They agree to {} on all {n} coordinates; what is left, {gap}, is mostly {}.",
            power(e.dtype),
            cause.name()
        ),
        (_, Cause::Kinks) => format!(
            "Kinks make the gap: {} of {gap}. Forward round-off: {}.",
            share(worst, Cause::Kinks),
            share(worst, Cause::ForwardRounding)
        ),
        _ => {
            let mut name = cause.name().to_string();
            name[..1].make_ascii_uppercase();
            let kinks = match worst.kinks {
                0.0 => "Kinks have no part in it.".into(),
                _ => format!("Kinks: {}.", share(worst, Cause::Kinks)),
            };
            format!(
                "{name} makes the gap: {} of {gap}. {kinks}",
                share(worst, cause)
            )
        }
    }
}

/// What a gradient is certified to, and a quotient asked to agree to.
pub(crate) fn power(dtype: &str) -> &'static str {
    if dtype == DType::F32.name() {
        "a thousandth"
    } else {
        "a millionth"
    }
}

/// How much of a gap a term is, in per cent.
pub(crate) fn share(ledger: &Ledger, cause: Cause) -> String {
    let term = (ledger.terms().into_iter())
        .find(|(c, _)| *c == cause)
        .map_or(0.0, |(_, t)| t);
    let percent = 100.0 * term / ledger.gap;
    match percent.abs() {
        0.0 => "0".into(),
        p if p < 0.05 => "below 0.1 %".into(),
        p if p >= 9.95 => format!("{percent:.0} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// A reason that [`Explanation::census`] counts.
pub(crate) fn counted(key: &str) -> &str {
    match key {
        "equal_zero" => "equal (both exactly 0)",
        "back_rounding" => "off by autograd's own round-off",
        "formula" => "wrong",
        "truncation" => "off by truncation",
        "kinks" => "off by a kink",
        "step_rounding" => "off by rounding of the step",
        "forward_rounding" => "off by forward round-off",
        "not_finite" => "not finite",
        other => other,
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

/// [`short`], but a plain 0.
pub(crate) fn or_zero(x: f64) -> String {
    if x == 0.0 { "0".into() } else { short(x) }
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
        DType::F32 => t.number()?.cast::<f32>().to_string(),
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
    let whole = (values.iter()).all(|v| v.fract() == 0.0 && v.abs() < 1e4);
    let plain = (values.iter()).all(|&v| v == 0.0 || (1e-3..1e3).contains(&v.abs()));
    let cell = |v: &f64| match (whole, plain) {
        (true, _) => format!("{v:>9.0}"),
        (_, true) if *v == 0.0 => format!("{:>9}", 0),
        (_, true) => format!("{v:>9.4}"),
        _ if *v == 0.0 => format!("{:>12}", 0),
        _ => format!("{v:>12.4e}"),
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
