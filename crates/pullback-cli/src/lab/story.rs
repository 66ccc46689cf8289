//! The experiment as a story for the terminal, section by section.
//!
//! Returns text with styles in it; `output::print` strips them where they do not belong. Not for: computing anything.

use super::Told;
use super::explain::{Cause, Explanation};
use super::survey::Survey;
use super::words::{self, Verdict, digits, item, rows, shape, short, typed, units};
use crate::output::{BAD, DIM, GOOD, HEAD, STRONG, WARN};
use pullback::{Result, Tensor};
use std::fmt::Write;

/// Everything, from the seeds to the conclusion.
pub(crate) fn story(told: &Told<'_>) -> Result<String> {
    let mut s = Story::default();
    s.opening(told);
    s.data(told)?;
    s.computation(told)?;
    s.gradients(told)?;
    s.differences(told)?;
    s.conclusion(told.explanation);
    if let Some(survey) = told.survey {
        s.survey(survey, told.explanation);
    }
    Ok(s.text)
}

#[derive(Default)]
struct Story {
    text: String,
}

impl Story {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn section(&mut self, number: &str, title: &str, formula: &str) {
        let space = if formula.is_empty() { "" } else { "  " };
        self.line(format!(
            "\n{HEAD}{number} {title}{HEAD:#}{space}{DIM}{formula}{DIM:#}"
        ));
    }

    /// A name, a shape, and the values under each other.
    fn tensor(&mut self, name: &str, t: &Tensor, note: &str) -> Result<()> {
        let head = format!("  {STRONG}{name:<3}{STRONG:#} {DIM}{:<9}{DIM:#}", shape(t));
        for (i, row) in rows(t, 8)?.into_iter().enumerate() {
            let head = if i == 0 { head.clone() } else { " ".repeat(15) };
            let note = if i == 0 && !note.is_empty() {
                format!("   {DIM}{note}{DIM:#}")
            } else {
                String::new()
            };
            self.line(format!("{head}{row}{note}"));
        }
        Ok(())
    }

    fn opening(&mut self, told: &Told<'_>) {
        let c = &told.setup.config;
        self.line(format!(
            "{STRONG}pullback lab{STRONG:#}: one gradient, three ways  {DIM}2-{}-1 ReLU network, sample {}, {}{DIM:#}",
            c.hidden,
            told.comparison.sample,
            c.dtype.name()
        ));
        self.section("1", "Seeds", "");
        self.line(format!(
            "  seed {}: NumPy's default_rng({}), to the bit",
            told.seed, told.seed
        ));
    }

    fn data(&mut self, told: &Told<'_>) -> Result<()> {
        let setup = told.setup;
        let n = setup.config.samples;
        self.section(
            "2",
            "Data",
            "x uniform in [-1, 1)², y = 1 where x₁·x₂ < 0, else 0",
        );
        let ones = setup.y.to_f64_vec()?.iter().filter(|&&y| y == 1.0).count();
        let first = n.min(3);
        for (name, t) in [("X", &setup.x), ("y", &setup.y)] {
            let shown = t.narrow(0, 0, first)?;
            let head = format!("  {STRONG}{name:<3}{STRONG:#} {DIM}{:<9}{DIM:#}", shape(t));
            for (i, row) in rows(&shown, 3)?.into_iter().enumerate() {
                let head = if i == 0 { head.clone() } else { " ".repeat(15) };
                let note = match name {
                    "y" => format!("  …  {ones} ones, {} zeros", n - ones),
                    _ if i + 1 == first && n > first => "  …".into(),
                    _ => String::new(),
                };
                self.line(format!("{head}{row}{note}"));
            }
        }
        self.section("3", "Parameters", "weights normal(0, 0.1), biases 0");
        for (name, t) in setup.params.each() {
            self.tensor(name, t, "")?;
        }
        self.line(format!("  {} numbers", told.comparison.theta.numel()));
        Ok(())
    }

    fn computation(&mut self, told: &Told<'_>) -> Result<()> {
        let c = told.comparison;
        self.section(
            "4",
            &format!("Forward on sample {}", c.sample),
            "a1 = W1·x + b1, h = ReLU(a1), f = W2·h + b2",
        );
        self.tensor("x", &c.x, "")?;
        self.tensor("a1", &c.a1, "")?;
        let on: Vec<usize> = (c.a1.to_f64_vec()?.iter().enumerate())
            .filter(|(_, a)| **a > 0.0)
            .map(|(k, _)| k)
            .collect();
        self.tensor("h", &c.h, &format!("{} on", units(&on)))?;
        self.number("f", &c.f)?;
        self.section("5", "Loss", "L = ½ (f - y)²");
        self.number("y", &c.y)?;
        self.number("L", &c.loss)
    }

    fn number(&mut self, name: &str, t: &Tensor) -> Result<()> {
        self.line(format!(
            "  {STRONG}{name:<3}{STRONG:#} {DIM}{:<9}{DIM:#}   {}",
            shape(t),
            item(t)?
        ));
        Ok(())
    }

    fn gradients(&mut self, told: &Told<'_>) -> Result<()> {
        let c = told.comparison;
        self.section("6", "Backward", "L.backward()");
        self.line(format!(
            "  {} derivatives from one walk back through the graph",
            c.theta.numel()
        ));
        self.section("7", "Gradients by autograd", "");
        for (name, t) in c.autograd.each() {
            self.tensor(name, t, "")?;
        }
        self.section(
            "8",
            "Against the chain rule by hand",
            "df = f - y, dW2 = df·h, da1 = W2·df where a1 > 0, dW1 = da1·xᵀ",
        );
        let max = c.manual_diff.max()?.item_f64()?;
        let (style, note) = match max == 0.0 {
            true => (GOOD, "the same on every coordinate"),
            false => (BAD, "they differ"),
        };
        self.line(format!(
            "  max |autograd - manual| = {style}{}{style:#}   {DIM}{note}{DIM:#}",
            typed_or_zero(max)
        ));
        Ok(())
    }

    fn differences(&mut self, told: &Told<'_>) -> Result<()> {
        let (c, eps) = (told.comparison, told.setup.config.eps);
        self.section(
            "9",
            "Against finite differences",
            &format!("(L(θ + ε) - L(θ - ε)) / 2ε, ε = {}", typed(eps)),
        );
        let max = c.numeric_diff.max()?.item_f64()?;
        self.line(format!(
            "  max |autograd - numeric| = {STRONG}{}{STRONG:#}",
            digits(max, 4)
        ));
        let n = c.top.len();
        self.line(format!(
            "  {DIM}the {n} largest      autograd        numeric     |difference|{DIM:#}"
        ));
        let names = told.setup.params.names();
        let (auto, num, diff) = (
            c.g_auto.to_f64_vec()?,
            c.g_num.to_f64_vec()?,
            c.numeric_diff.to_f64_vec()?,
        );
        for &i in c.top.iter().rev() {
            self.line(format!(
                "  {:<12} {:>14.6e} {:>14.6e}   {:>12.4e}",
                names[i], auto[i], num[i], diff[i]
            ));
        }
        Ok(())
    }

    fn conclusion(&mut self, e: &Explanation) {
        self.section("10", "Conclusion", "");
        let style = match words::verdict(e) {
            Verdict::Agree => GOOD,
            Verdict::DifferencesOff => WARN,
            Verdict::GradientWrong => BAD,
        };
        self.line(format!("  {style}{}{style:#}", words::summary(e)));
        self.certificate(e);
        self.ledger(e);
        self.round_off(e);
        self.kinks(e);
        self.repeats(e);
        let census: Vec<String> = words::census(e)
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        self.line(format!(
            "  Census of {} coordinates: {}.",
            e.coordinates.len(),
            census.join(" · ")
        ));
    }

    fn certificate(&mut self, e: &Explanation) {
        let c = &e.certified;
        self.line(match c.right {
            true => format!(
                "  The gradient is right: within {} of the derivative found with 32 digits and a tiny step{}.",
                short(c.error),
                if c.relative > 0.0 { format!(" (relative: {})", short(c.relative)) } else { String::new() }
            ),
            false => format!("  {BAD}It is off by {} (relative: {}).{BAD:#}", short(c.error), short(c.relative)),
        });
    }

    fn ledger(&mut self, e: &Explanation) {
        let w = &e.worst;
        if matches!(w.cause, Cause::None | Cause::NotFinite) {
            return;
        }
        let terms: Vec<String> = w
            .terms()
            .iter()
            .map(|(c, t)| format!("{} {}", c.name(), digits(*t, 2)))
            .collect();
        self.line(format!("  At {}: gap {} =", w.name, digits(w.gap, 3)));
        self.line(format!("    {}", terms[..3].join(" + ")));
        self.line(format!("    + {}", terms[3..].join(" + ")));
    }

    fn round_off(&mut self, e: &Explanation) {
        let p = &e.predicted_roundoff;
        self.line(format!(
            "  Round-off: the loss {} is stored in {} steps of {}; over 2ε = {} each is {}.",
            digits(p.loss, 3),
            e.dtype,
            digits(p.ulp, 2),
            typed(2.0 * e.eps),
            digits(p.per_ulp, 2),
        ));
        self.line(format!(
            "    Predicted for the quotient: about {}, at most {}; measured: {}.",
            digits(p.typical, 2),
            digits(p.bound, 2),
            digits(largest(e, |c| c.forward_rounding), 3),
        ));
    }

    fn kinks(&mut self, e: &Explanation) {
        let n = e.evaluations;
        let mut line = String::from("  Kinks: ");
        if e.crossings.is_empty() {
            let _ = write!(line, "no ReLU switched in any of the {n} evaluations");
        } else {
            let mut crossed: Vec<usize> = e.crossings.iter().map(|c| c.unit).collect();
            crossed.sort_unstable();
            crossed.dedup();
            let _ = write!(
                line,
                "{} switched, {} times in {n} evaluations",
                units(&crossed),
                e.crossings.len()
            );
        }
        let tied: Vec<usize> = e
            .kinks
            .iter()
            .filter(|k| k.margin == 0.0)
            .map(|k| k.unit)
            .collect();
        match e.nearest() {
            _ if !tied.is_empty() => {
                let _ = write!(line, "; {} lies exactly on it", units(&tied));
            }
            Some(k) => {
                let _ = write!(
                    line,
                    "; the nearest (unit {}) is {} steps of {} away",
                    k.unit,
                    digits(k.steps, 3),
                    k.by
                );
            }
            None => {}
        }
        self.line(line + ".");
        if e.kinks.len() <= 16 {
            self.line(format!("    {DIM}unit    |a1|        steps{DIM:#}"));
            for k in &e.kinks {
                self.line(format!(
                    "    {:<4} {:>10} {:>10}",
                    k.unit,
                    digits(k.margin, 3),
                    digits(k.steps, 3)
                ));
            }
        }
    }

    fn repeats(&mut self, e: &Explanation) {
        self.line(format!(
            "  The same step in {}: largest gap {}.",
            e.wider.dtype,
            short(e.wider.gap)
        ));
        if let Some(r) = &e.half_radius {
            self.line(format!(
                "  The same {} with half the way to the nearest kink as a step, {}: {}.",
                r.dtype,
                short(r.eps),
                short(r.gap)
            ));
        }
    }

    fn survey(&mut self, s: &Survey, e: &Explanation) {
        self.section("11", "Every sample", "");
        self.line(format!(
            "  {DIM}y    samples   median loss   median gap   largest gap   median in {}{DIM:#}",
            e.wider.dtype
        ));
        for c in &s.classes {
            self.line(format!(
                "  {}    {:>7}   {:>11}   {:>10}   {:>11}   {:>10}",
                c.y,
                c.count,
                digits(c.median_loss, 3),
                digits(c.median_gap, 2),
                digits(c.largest_gap, 2),
                digits(c.median_wider_gap, 2)
            ));
        }
        let nearest = s.nearest().map_or(String::new(), |(row, k)| {
            format!(
                "; the nearest is {} steps away (sample {}, unit {})",
                digits(k.steps, 2),
                row.sample,
                k.unit
            )
        });
        let who = match s.crossed() {
            0 => format!(
                "No stencil of any of the {} samples crosses a kink",
                s.rows.len()
            ),
            n => format!(
                "{n} of the {} samples have a stencil that crosses a kink",
                s.rows.len()
            ),
        };
        self.line(format!("  {who}{nearest}."));
        self.line(format!(
            "  max |autograd - manual| over all of them: {}.",
            typed_or_zero(s.manual_gap)
        ));
    }
}

/// The largest size of a term.
fn largest(e: &Explanation, term: impl Fn(&super::explain::Ledger) -> f64) -> f64 {
    e.coordinates
        .iter()
        .map(|c| term(c).abs())
        .fold(0.0, f64::max)
}

fn typed_or_zero(x: f64) -> String {
    if x == 0.0 { "0".into() } else { short(x) }
}
