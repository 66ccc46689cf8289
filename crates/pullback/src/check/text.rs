//! A report in words: conclusion first, census second, evidence third.

use super::{Coordinate, Report, Status, Verdict};
use std::fmt::{self, Write};

/// Lines of evidence shown.
const ROWS: usize = 8;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self.status {
            Status::Pass => "PASS (certified)",
            Status::Unknown => "UNKNOWN",
            Status::Fail => "FAIL",
        };
        writeln!(
            f,
            "gradcheck  {} parameters, {}, your step {:e}  {answer}",
            self.coordinates.len(),
            self.dtype,
            self.step
        )?;
        for line in self.sentences() {
            writeln!(f, "  {line}")?;
        }
        let census: Vec<String> = self
            .census()
            .iter()
            .map(|(v, n)| format!("{n} {}", v.name()))
            .collect();
        if census.is_empty() {
            return Ok(());
        }
        writeln!(f, "  census: {}", census.join(" · "))?;
        let mut rows: Vec<&Coordinate> = self.coordinates.iter().collect();
        rows.sort_by(|a, b| {
            (b.status, b.gap.abs().total_cmp(&a.gap.abs()))
                .0
                .cmp(&a.status)
                .then(b.gap.abs().total_cmp(&a.gap.abs()))
        });
        writeln!(
            f,
            "  {:<10} {:>11} {:>11} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  {:>8}  verdict",
            "coord",
            "claimed",
            "naive FD",
            "gap",
            "back",
            "formula",
            "trunc",
            "kink",
            "step",
            "forward",
            "MDE"
        )?;
        for c in rows.iter().take(ROWS) {
            write!(
                f,
                "  {:<10} {:>11.3e} {:>11.3e} {:>9.1e}",
                c.name, c.claimed, c.numeric, c.gap
            )?;
            for (_, term) in c.ledger.terms() {
                if term == 0.0 {
                    write!(f, " {:>9}", "0")?;
                } else {
                    write!(f, " {term:>9.1e}")?;
                }
            }
            writeln!(f, "  {:>8.0e}  {}", c.mde, c.verdict.name())?;
        }
        if rows.len() > ROWS {
            writeln!(f, "  … and {} more", rows.len() - ROWS)?;
        }
        Ok(())
    }
}

impl Report {
    /// The conclusion, sentence by sentence.
    pub fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        let certified = self
            .coordinates
            .iter()
            .filter(|c| c.status == Status::Pass)
            .map(|c| c.mde)
            .fold(0.0, f64::max);
        match self.status {
            Status::Pass => {
                out.push("The gradient is right: every coordinate agrees with the exact derivative within rounding.".into());
                out.push(format!("A relative error of {certified:.0e} in any single coordinate would have been noticed."));
            }
            Status::Unknown if self.coordinates.is_empty() => {}
            Status::Unknown => {
                let n = self
                    .coordinates
                    .iter()
                    .filter(|c| c.status == Status::Unknown)
                    .count();
                out.push(format!("Nothing is wrong as far as can be seen, but {n} of {} coordinates cannot be certified.", self.coordinates.len()));
                if let Some(c) = self
                    .coordinates
                    .iter()
                    .find(|c| c.status == Status::Unknown)
                {
                    out.push(format!(
                        "{}: {}{}",
                        c.name,
                        c.verdict.name(),
                        c.remark
                            .as_ref()
                            .map_or(String::new(), |r| format!(", {r}"))
                    ));
                }
            }
            Status::Fail => {
                let wrong: Vec<&str> = self
                    .coordinates
                    .iter()
                    .filter(|c| c.status == Status::Fail)
                    .map(|c| c.name.as_str())
                    .collect();
                let mut list = wrong.iter().take(12).copied().collect::<Vec<_>>().join(" ");
                if wrong.len() > 12 {
                    let _ = write!(list, " …");
                }
                out.push(format!(
                    "gradient bug in {} of {}: {list}",
                    wrong.len(),
                    self.coordinates.len()
                ));
                if let Some(kind) = &self.bug {
                    out.push(format!("kind: {kind}"));
                }
                if let Some(guilty) = &self.guilty {
                    out.push(format!("guilty op: {guilty}"));
                }
                if let Some(c) = self.coordinates.iter().find(|c| c.status == Status::Fail) {
                    let (word, right) = match c.outside {
                        true => ("differences of the function itself", c.numeric),
                        false => ("exact", c.oracle),
                    };
                    out.push(format!(
                        "{}: claimed {:.9e}, {word} {right:.9e}{}",
                        c.name,
                        c.claimed,
                        c.remark
                            .as_ref()
                            .map_or(String::new(), |r| format!("; {r}"))
                    ));
                }
            }
        }
        out.extend(self.quotient());
        out.extend(self.notes.iter().cloned());
        out
    }

    /// What is wrong with the difference quotient, if something is.
    fn quotient(&self) -> Vec<String> {
        let mut out = Vec::new();
        let Some(worst) = self.largest_gap() else {
            return out;
        };
        let off = self.coordinates.iter().any(|c| {
            matches!(
                c.verdict,
                Verdict::RoundOff | Verdict::Truncation | Verdict::KinkCrossed
            ) && c.status != Status::Fail
        });
        let lost =
            (self.coordinates.iter()).filter(|c| !c.numeric.is_finite() && c.oracle.is_finite());
        if let Some(first) = lost.clone().next() {
            out.push(format!(
                "Your finite differences are no numbers at {} of {} coordinates, {} among them: the step leaves the function's domain, or the range of {}.",
                lost.count(),
                self.coordinates.len(),
                first.name,
                self.dtype
            ));
        }
        if off && worst.gap.is_finite() {
            out.push(format!(
                "Your finite differences are off: largest gap {:.2e} at {}.",
                worst.gap.abs(),
                worst.name
            ));
            let share = if worst.gap != 0.0 {
                100.0 * worst.ledger.forward / worst.gap
            } else {
                0.0
            };
            if worst.verdict == Verdict::RoundOff {
                let ulp = self.ulp();
                out.push(format!(
                    "Why: {share:.0}% forward round-off. The value {:.3} is stored in steps of {ulp:.1e}; divided by 2h = {:.0e} that is {:.1e}.",
                    self.value,
                    2.0 * self.step,
                    ulp / (2.0 * self.step)
                ));
            } else {
                out.push(format!(
                    "Why: {} ({:.1e} of it).",
                    worst.verdict.name(),
                    worst.ledger.kink.abs().max(worst.ledger.truncation.abs())
                ));
            }
        }
        match &self.nearest_kink {
            Some(k) if k.steps >= 1.0 => out.push(format!(
                "No kink lies within your step: the nearest (unit {} of {}) is {:.0} of your steps away, along {}.",
                k.unit, k.op, k.steps, k.name
            )),
            Some(k) => out.push(format!(
                "Your step reaches a kink: unit {} of {} is {:.2} steps away, along {}.",
                k.unit, k.op, k.steps, k.name
            )),
            None => {}
        }
        out
    }

    /// Spacing of the working precision's numbers at the function's value.
    fn ulp(&self) -> f64 {
        let exponent = self.value.abs().log2().floor();
        2.0 * self.dtype.unit_roundoff() * exponent.exp2()
    }
}
