//! The end of the story: the conclusion on one sample, and on all of them.
//!
//! Every sentence is chosen by what was measured. Not for: measuring (`explanation.rs`, `survey.rs`).

use super::explanation::{Cause, Explanation, Ledger, Verdict};
use super::story::Story;
use super::survey::Survey;
use super::words::{self, digits, or_zero, short, typed, units};
use crate::output::{BAD, DIM, GOOD, STRONG, WARN};
use std::collections::BTreeMap;

/// Section 10.
pub(super) fn conclusion(s: &mut Story, e: &Explanation) {
    s.section("10", "Conclusion", "");
    let style = match e.verdict() {
        Verdict::Agree => GOOD,
        Verdict::DifferencesOff => WARN,
        Verdict::GradientWrong => BAD,
    };
    s.line(format!("  {style}{}{style:#}", words::explanation(e)));
    certificate(s, e);
    ledger(s, &e.worst);
    round_off(s, e);
    kinks(s, e);
    truncation(s, e);
    repeats(s, e);
    let what = format!("The {} coordinates", e.coordinates.len());
    census(s, &what, &e.census());
}

fn head(s: &mut Story, title: &str, text: &str) {
    s.line(format!("  {STRONG}{title:<14}{STRONG:#}{text}"));
}

fn more(s: &mut Story, text: &str) {
    s.line(format!("{:16}{text}", ""));
}

fn certificate(s: &mut Story, e: &Explanation) {
    let c = &e.certified;
    let text = match (c.right, c.error) {
        (_, 0.0) => "exactly the derivative found with 32 digits and a tiny step".to_string(),
        (true, _) => format!(
            "right: at most {} ({} relative) from the derivative found with 32 digits",
            short(c.error),
            short(c.relative)
        ),
        (false, _) => format!(
            "{BAD}wrong{BAD:#}: up to {} ({} relative) from the derivative found with 32 digits",
            short(c.error),
            short(c.relative)
        ),
    };
    head(s, "The gradient", &text);
    match c.status {
        "pass" => {
            let text = format!(
                "a relative error of {:.0e} in any one of them would have been noticed",
                c.mde
            );
            more(s, &text);
        }
        "unknown" => {
            let open = e.coordinates.iter().filter(|c| c.status == "unknown");
            let text = format!(
                "{} of {} are not certified: rounding hides errors of {}",
                open.count(),
                e.coordinates.len(),
                words::power(e.dtype)
            );
            more(s, &format!("{WARN}{text}{WARN:#}"));
        }
        _ => {}
    }
}

fn ledger(s: &mut Story, worst: &Ledger) {
    if matches!(worst.cause, Cause::None | Cause::NotFinite) {
        return;
    }
    let text = format!("{} at {}, the sum of", digits(worst.gap, 3), worst.name);
    head(s, "The gap", &text);
    for (cause, term) in worst.terms() {
        let (name, share) = (cause.name(), words::share(worst, cause));
        let share = match term {
            0.0 => String::new(),
            _ => format!("  {DIM}{share}{DIM:#}"),
        };
        more(s, &format!("{name:<22}{:>10}{share}", digits(term, 3)));
    }
}

fn round_off(s: &mut Story, e: &Explanation) {
    let p = &e.predicted_roundoff;
    let text = format!(
        "a loss of {} is stored in {} steps of {};",
        digits(p.loss, 3),
        e.dtype,
        digits(p.ulp, 2)
    );
    head(s, "Round-off", &text);
    let text = format!(
        "divided by 2ε = {} each is {}",
        typed(2.0 * e.eps),
        digits(p.per_ulp, 2)
    );
    more(s, &text);
    let text = format!(
        "to be expected at {}: {}, at most {}; measured: {}",
        p.name,
        digits(p.typical, 2),
        digits(p.bound, 2),
        digits(e.worst.forward_rounding.abs(), 3)
    );
    more(s, &text);
    match e.vanished() {
        0 => {}
        n => {
            let text = format!(
                "in {n} coordinates both losses are the same number, and the quotient is 0"
            );
            more(s, &format!("{WARN}{text}{WARN:#}"));
        }
    }
}

fn kinks(s: &mut Story, e: &Explanation) {
    let n = e.evaluations;
    let mut crossed: Vec<usize> = e.crossings.iter().map(|c| c.unit).collect();
    crossed.sort_unstable();
    crossed.dedup();
    let text = match e.crossings.len() {
        0 => format!("no ReLU switched in any of the {n} evaluations"),
        1 => format!("{} switched in one of the {n} evaluations", units(&crossed)),
        times => format!(
            "{} switched, {times} times in {n} evaluations",
            units(&crossed)
        ),
    };
    head(s, "Kinks", &text);
    let tied: Vec<usize> = e
        .kinks
        .iter()
        .filter(|k| k.margin == 0.0)
        .map(|k| k.unit)
        .collect();
    if !tied.is_empty() {
        let text = format!(
            "exactly at 0: {}; autograd takes slope 0 there,",
            units(&tied)
        );
        more(s, &text);
        more(s, "central differences the mean of both sides");
    } else if let Some(k) = e.nearest() {
        let text = format!(
            "the nearest is {} steps of {} away (unit {})",
            digits(k.steps, 3),
            k.by,
            k.unit
        );
        more(s, &text);
    }
    if (1..=16).contains(&e.kinks.len()) {
        more(s, &format!("{DIM}unit      |a1|      steps{DIM:#}"));
        for k in &e.kinks {
            more(
                s,
                &format!(
                    "{:>4}{:>10}{:>11}",
                    k.unit,
                    digits(k.margin, 3),
                    digits(k.steps, 3)
                ),
            );
        }
    }
}

fn truncation(s: &mut Story, e: &Explanation) {
    let largest = (e.coordinates.iter().map(|c| c.truncation.abs())).fold(0.0, f64::max);
    let scale = (e.coordinates.iter().map(|c| c.exact.abs())).fold(0.0, f64::max);
    if largest <= 1e-12 * scale {
        head(
            s,
            "Truncation",
            "none: between kinks the loss is a parabola in each parameter,",
        );
        more(
            s,
            "and on a parabola central differences are exact at any step",
        );
    } else {
        head(s, "Truncation", &format!("up to {}", short(largest)));
    }
}

fn repeats(s: &mut Story, e: &Explanation) {
    let observed = e.worst.gap.abs();
    let rounding = !matches!(e.worst.cause, Cause::Kinks | Cause::Truncation);
    let gap = e.wider.gap;
    let reading = match gap / observed {
        r if r < 0.01 => ": it was the arithmetic".to_string(),
        r if r > 0.5 && rounding => format!(": too small a step for {} too", e.wider.dtype),
        r if r > 0.5 => ": it is not the arithmetic".to_string(),
        _ => String::new(),
    };
    let text = format!(
        "the same point and step: largest gap {}{reading}",
        or_zero(gap)
    );
    head(s, &format!("In {}", e.wider.dtype), &text);
    if let Some(r) = &e.half_radius {
        let text = format!(
            "half the way to the nearest kink, in {}: largest gap {}",
            r.dtype,
            or_zero(r.gap)
        );
        head(s, &format!("With {}", short(r.eps)), &text);
        if r.eps > e.eps && r.gap < observed {
            more(
                s,
                "a longer step, a smaller gap: round-off does that, kinks and truncation do not",
            );
        }
    }
}

fn census(s: &mut Story, what: &str, census: &BTreeMap<&'static str, usize>) {
    let parts: Vec<String> = (census.iter())
        .map(|(key, n)| format!("{n} {}", words::counted(key)))
        .collect();
    s.line(format!("  {STRONG}{what}{STRONG:#}: {}", parts.join(", ")));
}

/// Section 11.
pub(super) fn survey(s: &mut Story, all: &Survey, e: &Explanation) {
    s.section("11", "Every sample", "the largest gap of each");
    s.line(format!(
        "  {DIM}y  samples  median loss  median gap  largest gap  median in {}{DIM:#}",
        e.wider.dtype
    ));
    for c in &all.classes {
        s.line(format!(
            "  {}  {:>7}  {:>11}  {:>10}  {:>11}  {:>10}",
            c.y,
            c.count,
            or_zero(c.median_loss),
            or_zero(c.median_gap),
            or_zero(c.largest_gap),
            or_zero(c.median_wider_gap)
        ));
    }
    let n = all.rows.len();
    let text = match all.crossed() {
        0 => format!("no stencil of any of the {n} samples crosses one"),
        crossed => format!("crossed by stencils of {crossed} of the {n} samples"),
    };
    head(s, "Kinks", &text);
    if let Some((row, k)) = all.nearest() {
        let text = format!(
            "the nearest is {} steps away (sample {}, unit {})",
            digits(k.steps, 2),
            row.sample,
            k.unit
        );
        more(s, &text);
    }
    if let [one, zero] = &all.classes[..]
        && zero.median_gap > 0.0
        && zero.median_loss > 0.0
    {
        let text = format!(
            "where y = 0 the same network has a loss {} times smaller,",
            digits(one.median_loss / zero.median_loss, 2)
        );
        head(s, "The loss", &text);
        let ratio = one.median_gap / zero.median_gap;
        more(s, &format!("and a gap {} times smaller", digits(ratio, 2)));
    }
    head(
        s,
        "By hand",
        &format!(
            "max |autograd - manual| over all samples = {}",
            or_zero(all.manual_gap)
        ),
    );
    census(s, &format!("The {n} samples"), &all.census());
}
