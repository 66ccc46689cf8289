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
            self.parameters, self.dtype, self.step
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
                out.push(match self.black_box {
                    true => "The gradient is right, as far as calling the function can tell: it agrees with the derivative within its uncertainty.".into(),
                    false => "The gradient is right: every coordinate agrees with the exact derivative within rounding.".into(),
                });
                out.push(format!("A relative error of {certified:.0e} in any single coordinate would have been noticed."));
            }
            Status::Unknown if self.coordinates.is_empty() => {}
            Status::Unknown => {
                let n = self
                    .coordinates
                    .iter()
                    .filter(|c| c.status == Status::Unknown)
                    .count();
                out.push(match n {
                    0 => "Nothing is wrong as far as can be seen, and every coordinate that was looked at is right, but the gradient as a whole cannot be certified.".into(),
                    n => format!("Nothing is wrong as far as can be seen, but {n} of {} coordinates cannot be certified.", self.coordinates.len()),
                });
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
            Status::Fail => self.say_wrong(&mut out),
        }
        out.extend(self.quotient());
        out.extend(self.notes.iter().cloned());
        out
    }

    /// Which coordinates are wrong, and how.
    fn say_wrong(&self, out: &mut Vec<String>) {
        let is_wrong = |c: &&Coordinate| c.status == Status::Fail;
        let wrong: Vec<&str> = (self.coordinates.iter().filter(is_wrong))
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
        out.extend(self.kinds().map(|kinds| format!("kind: {kinds}")));
        if let Some(guilty) = &self.guilty {
            out.push(format!("guilty op: {guilty}"));
        }
        if let Some(c) = self.coordinates.iter().find(is_wrong) {
            let (word, right) = match c.outside {
                true => ("differences of the function itself", c.numeric),
                false if self.black_box => ("its derivative", c.oracle),
                false => ("exact", c.oracle),
            };
            let remark = c
                .remark
                .as_ref()
                .map_or(String::new(), |r| format!("; {r}"));
            out.push(format!(
                "{}: claimed {:.9e}, {word} {right:.9e}{remark}",
                c.name, c.claimed
            ));
        }
    }

    /// What kind of mistake it is, in words; for each input apart where they differ.
    pub fn kinds(&self) -> Option<String> {
        let alike = self.bugs.windows(2).all(|w| w[0].1 == w[1].1);
        if self.bugs.len() < 2 || alike {
            return self.bug.as_ref().map(ToString::to_string);
        }
        let each = self
            .bugs
            .iter()
            .map(|(name, kind)| format!("{name}: {kind}"));
        Some(each.collect::<Vec<_>>().join("; "))
    }

    /// What is wrong with the difference quotient, if something is.
    fn quotient(&self) -> Vec<String> {
        let mut out = Vec::new();
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
        let off = self.coordinates.iter().filter(|c| {
            let quotient = matches!(
                c.verdict,
                Verdict::RoundOff | Verdict::Truncation | Verdict::KinkCrossed
            );
            quotient && c.status != Status::Fail && c.gap.is_finite() && c.gap != 0.0
        });
        if let Some(worst) = off.max_by(|a, b| a.gap.abs().total_cmp(&b.gap.abs())) {
            out.push(format!(
                "Your finite differences are off: largest gap {:.2e} at {}.",
                worst.gap.abs(),
                worst.name
            ));
            out.push(self.why(worst));
        }
        match &self.nearest_kink {
            Some(k) if k.op.is_empty() => out.push(format!(
                "Your step reaches a kink or a jump of the function, {:.2} of a step away, along {}.",
                k.steps, k.name
            )),
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

    /// The largest part of a gap, in words, and whether it explains the gap.
    fn why(&self, c: &Coordinate) -> String {
        let l = &c.ledger;
        let parts = [
            ("forward round-off", l.forward),
            (
                "truncation, the function's curvature within the step",
                l.truncation,
            ),
            ("a kink or a jump within the step", l.kink),
            ("a step that cannot be stored exactly", l.step),
            ("round-off of the gradient itself", l.back),
            ("what the gradient is off by", l.formula),
        ];
        let accused = c.status == Status::Fail;
        let parts = &parts[..parts.len() - usize::from(!accused)];
        let (what, part) =
            (parts.iter().copied()).fold(
                parts[0],
                |best, p| {
                    if p.1.abs() > best.1.abs() { p } else { best }
                },
            );
        if !accused && part.abs() < 0.1 * c.gap.abs() {
            return "Why: it is not known: noise hides the derivative there, and nothing is said of the gradient.".into();
        }
        let share = format!("Why: {:.0}% {what}", (100.0 * part / c.gap).abs());
        if what != parts[0].0 {
            return format!("{share}.");
        }
        let (ulp, width) = (self.ulp(), 2.0 * self.step);
        let stored = format!(
            "{share}. The value {:.3} is stored in steps of {ulp:.1e}; divided by 2h = {width:.0e} that is {:.1e}",
            self.value,
            ulp / width
        );
        match part.abs() > 30.0 * ulp / width {
            true => format!(
                "{stored}, which does not explain the gap: what the function computes on the way is noisier than its value's last place."
            ),
            false => format!("{stored}."),
        }
    }

    /// Spacing of the working precision's numbers at the function's value.
    fn ulp(&self) -> f64 {
        let exponent = self.value.abs().log2().floor();
        2.0 * self.dtype.unit_roundoff() * exponent.exp2()
    }
}
