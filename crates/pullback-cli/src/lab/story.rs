//! The experiment as a story for the terminal, section by section; the last ones are in `ending.rs`.
//!
//! Returns text with styles in it; `output::print` strips them where they do not belong. Not for: computing anything.

use super::words::{digits, item, or_zero, rows, shape, typed, units};
use super::{Told, ending};
use crate::output::{BAD, DIM, GOOD, HEAD, STRONG};
use pullback::{Result, Tensor};

/// Everything, from the seeds to the conclusion.
pub(crate) fn story(told: &Told<'_>) -> Result<String> {
    let mut s = Story::default();
    s.opening(told);
    s.data(told)?;
    s.computation(told)?;
    s.gradients(told)?;
    s.differences(told)?;
    ending::conclusion(&mut s, told.explanation);
    if let Some(survey) = told.survey {
        ending::survey(&mut s, survey, told.explanation);
    }
    Ok(s.text)
}

#[derive(Default)]
pub(super) struct Story {
    text: String,
}

impl Story {
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    pub(super) fn section(&mut self, number: &str, title: &str, formula: &str) {
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
        let seed = told.seed;
        self.line(format!(
            "  NumPy's default_rng({seed}), to the bit; nothing is drawn from PyTorch's generator"
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
            or_zero(max)
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
}
