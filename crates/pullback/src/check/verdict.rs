//! From measured facts to a verdict, coordinate by coordinate.

use super::{Coordinate, Ledger, Status, Verdict};
use crate::Dd;

/// Everything that was measured at one coordinate.
#[derive(Clone)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) input: usize,
    pub(super) index: Vec<usize>,
    pub(super) flat: usize,
    /// The gradient under test.
    pub(super) claimed: f64,
    /// The user's difference quotient.
    pub(super) numeric: f64,
    /// The claimed gradient's formula in double-double; for claims that are numbers, the engine's.
    pub(super) a_hi: Dd,
    /// Derivative of the smooth program, and its uncertainty.
    pub(super) d: Dd,
    pub(super) e_d: f64,
    /// Difference quotients in double-double: smooth, real, real at storable points.
    pub(super) n_fz: Dd,
    pub(super) n_hi: Dd,
    pub(super) n_rounded: Dd,
    /// Worst-case and statistical rounding of the claimed gradient.
    pub(super) e: f64,
    pub(super) q: f64,
    /// The statistical part of it that more digits help against.
    pub(super) digits: f64,
    /// What underflow may do to its formula in double-double.
    pub(super) under: f64,
    /// Unit roundoff of the input.
    pub(super) u: f64,
    /// The smallest unit roundoff of anything that the function computes in.
    pub(super) fine: f64,
    /// Unit roundoff of the formula in double-double.
    pub(super) rule_unit: f64,
    pub(super) step: f64,
    pub(super) power: f64,
    /// One-sided derivatives, where a gate is tied.
    /// Left, right, and their uncertainty.
    pub(super) sides: Option<(f64, f64, f64)>,
    /// The function depends on this coordinate in a way that its graph does not show.
    pub(super) escaped: bool,
    /// So much it may depend on it through what was cut off without being seen.
    pub(super) hidden: f64,
    /// It may, and rounding hides whether it does.
    pub(super) unclear: bool,
    /// The step crosses something: a jump (true) or a kink.
    pub(super) jump: Option<bool>,
    /// Root mean square of the tensor's derivatives.
    pub(super) rms: f64,
    /// The claim is numbers without a formula.
    pub(super) numbers: bool,
    /// How far the engine's own gradient is from double-double.
    pub(super) engine: f64,
    /// Every operation of the recorded run, taken alone, rounded as it may.
    pub(super) kernels_agree: bool,
    /// An operation that underflows or overflows, in its result or inside, on the way to this coordinate.
    pub(super) out_of_range: Option<&'static str>,
}

impl Facts {
    /// The same measurements with another gradient claimed, as numbers.
    pub(super) fn with_claim(&self, claimed: f64) -> Facts {
        Facts {
            claimed,
            numbers: true,
            ..self.clone()
        }
    }
}

pub(super) fn decide(f: &Facts) -> Coordinate {
    let mut c = judge(f);
    if f.unclear && c.status == Status::Pass {
        c.verdict = Verdict::Inconclusive;
        c.status = Status::Unknown;
        c.remark = Some("the function depends on numbers that left its graph (item, or a branch of the host program), and rounding hides whether the derivative does".into());
    }
    c
}

fn judge(f: &Facts) -> Coordinate {
    let measure = Measure::of(f);
    let found = measure.found();
    let hidden = measure.undetected();
    Coordinate {
        name: f.name.clone(),
        input: f.input,
        index: f.index.clone(),
        claimed: f.claimed,
        numeric: f.numeric,
        oracle: measure.d,
        gap: measure.gap,
        budget: measure.formula_budget + measure.rounding,
        // No `max`, which would make a number of what is none.
        mde: match found.undetected > hidden {
            true => found.undetected,
            false => hidden,
        },
        ledger: measure.ledger,
        verdict: found.verdict,
        status: found.status,
        remark: found.remark,
        outside: f.escaped || f.unclear,
    }
}

/// What is said of a coordinate.
struct Found {
    verdict: Verdict,
    status: Status,
    remark: Option<String>,
    /// Errors up to this, relative to the derivative, would not have changed it; besides those that rounding hides.
    undetected: f64,
}

impl Found {
    fn new(verdict: Verdict, status: Status, remark: impl Into<Option<String>>) -> Found {
        Found {
            verdict,
            status,
            remark: remark.into(),
            undetected: 0.0,
        }
    }
}

/// The facts, with what rounding allows.
struct Measure<'a> {
    f: &'a Facts,
    claimed: Dd,
    /// The derivative.
    d: f64,
    ledger: Ledger,
    /// What rounding allows the formula in double-double and the derivative.
    formula_budget: f64,
    /// What rounding does to the claimed gradient by its statistics.
    rounding: f64,
    /// What it may do at worst.
    worst: f64,
    /// From the claim to the derivative.
    distance: f64,
    /// What errors are relative to.
    scale: f64,
    gap: f64,
    /// Whether the claim is further from its own formula than rounding explains.
    kernel_off: bool,
}

fn beyond(x: f64, budget: f64) -> bool {
    x.is_nan() || x.abs() > budget
}

impl Measure<'_> {
    fn of(f: &Facts) -> Measure<'_> {
        let d = f.d.to_f64();
        let claimed = Dd::from(f.claimed);
        let mut ledger = Ledger {
            back: (claimed - f.a_hi).to_f64(),
            formula: (f.a_hi - f.d).to_f64(),
            truncation: (f.d - f.n_fz).to_f64(),
            kink: (f.n_fz - f.n_hi).to_f64(),
            step: (f.n_hi - f.n_rounded).to_f64(),
            forward: (f.n_rounded - Dd::from(f.numeric)).to_f64(),
        };
        // A rounding below the last place of the result itself is always possible (an exact derivative has q = 0).
        let rounding = (8.0 * f.q).max(f.u * d.abs());
        // The worst case is of first order; the engine's own error is the measure where it is more.
        let mut worst = f.e.max(rounding);
        if f.numbers || f.kernels_agree {
            worst = worst.max(4.0 * f.engine);
        }
        if f.out_of_range.is_some() && !f.e.is_finite() {
            worst = f64::INFINITY;
        }
        let kernel_off = beyond(ledger.back, worst);
        // Numbers have no formula of their own: what rounding cannot explain in them is not rounding.
        if f.numbers && kernel_off {
            (ledger.back, ledger.formula) = (0.0, (claimed - f.d).to_f64());
        }
        Measure {
            f,
            claimed,
            d,
            ledger,
            formula_budget: f.e_d + 8.0 * f.digits * (f.rule_unit / f.fine) + f.under,
            rounding,
            worst,
            distance: (claimed - f.d).abs().to_f64(),
            scale: if d != 0.0 { d.abs() } else { f.rms },
            gap: f.claimed - f.numeric,
            kernel_off,
        }
    }

    fn relative(&self, x: f64) -> f64 {
        if self.scale > 0.0 {
            x / self.scale
        } else {
            0.0
        }
    }

    /// An error above this is called a bug, whatever the rounding that is there already.
    fn undetected(&self) -> f64 {
        let budget = self.formula_budget + self.worst;
        self.relative(budget + self.distance.min(budget) + self.f.u * self.d.abs() + self.f.hidden)
    }

    /// An error above this, at least, keeps the coordinate from passing.
    fn seen(&self) -> f64 {
        self.relative(self.formula_budget + self.rounding + self.f.hidden)
    }

    fn formula_off(&self) -> bool {
        self.ledger.formula.abs() > self.formula_budget && !self.f.numbers
    }

    fn is_bad(&self) -> bool {
        let numbers_off = self.f.numbers && beyond(self.distance, self.worst + self.formula_budget);
        self.f.escaped
            || self.formula_off()
            || self.kernel_off
            || numbers_off
            || !self.f.claimed.is_finite()
    }

    /// The first of these that has something to say.
    fn found(&self) -> Found {
        (self.not_finite())
            .or_else(|| self.at_a_kink())
            .or_else(|| self.wrong())
            .or_else(|| self.hidden_by_rounding())
            .or_else(|| self.across_a_jump())
            .or_else(|| self.without_power())
            .unwrap_or_else(|| self.quotient())
    }

    /// The function has no number here, or its gradient none in this precision.
    fn not_finite(&self) -> Option<Found> {
        let f = self.f;
        if !f.d.is_finite() {
            let remark = "the function is not finite around this point".to_string();
            return Some(Found::new(Verdict::Inconclusive, Status::Unknown, remark));
        }
        let overflow = !f.claimed.is_finite()
            && f.kernels_agree
            && f.a_hi.is_finite()
            && !(f.escaped || self.formula_off() || f.numbers);
        overflow.then(|| {
            let remark = format!(
                "the gradient overflows in this precision; with 32 digits it is {:.4e}",
                f.a_hi.to_f64()
            );
            Found::new(Verdict::Hidden, Status::Unknown, remark)
        })
    }

    /// The slopes on both sides differ: any number between them may be chosen, and of those only some are usual.
    fn at_a_kink(&self) -> Option<Found> {
        let (f, d) = (self.f, self.d);
        let (left, right, error) = f.sides?;
        let slack = 1e-9 * (left.abs() + right.abs()) + self.rounding + error;
        let tied =
            (left - right).abs() > slack || (left - d).abs() > slack || (right - d).abs() > slack;
        if !tied {
            return None;
        }
        let near = |x: f64| (f.claimed - x).abs() <= slack;
        let (low, high) = (left.min(right) - slack, left.max(right) + slack);
        let inside = f.claimed >= low && f.claimed <= high;
        let bad = self.is_bad();
        let usual = near(left) || near(right) || near(0.5 * (left + right));
        let (verdict, status) = match inside {
            true if usual || !bad => (Verdict::SubgradientChoice, Status::Pass),
            true => (Verdict::SubgradientChoice, Status::Unknown),
            false if bad => (Verdict::Bug, Status::Fail),
            false => (Verdict::SubgradientChoice, Status::Pass),
        };
        let slopes = format!("slopes {left:.4e} on the left, {right:.4e} on the right");
        let remark = match inside {
            true => slopes,
            false => format!(
                "{slopes}; {:.4e} is neither between them nor a derivative: the kink is spurious, each piece's own convention adds up to it",
                f.claimed
            ),
        };
        Some(Found {
            // What lies so near a slope counts as it.
            undetected: self.relative(2.0 * slack),
            ..Found::new(verdict, status, remark)
        })
    }

    fn wrong(&self) -> Option<Found> {
        if !self.is_bad() {
            return None;
        }
        let remark = if self.f.escaped {
            "the function depends on this coordinate through a value that left the graph (detach, or an operation without a gradient)".into()
        } else if self.formula_off() {
            format!(
                "wrong formula: off by {:.3e}, {:.1e} times what rounding allows",
                self.ledger.formula,
                ratio(self.ledger.formula, self.formula_budget)
            )
        } else {
            format!(
                "off by {:.3e}, {:.1e} times what rounding allows",
                (self.claimed - self.f.d).to_f64(),
                ratio(self.distance, self.worst + self.formula_budget)
            )
        };
        Some(Found::new(Verdict::Bug, Status::Fail, remark))
    }

    /// The gradient is off by more than its statistics explain, and by less than the worst case.
    fn hidden_by_rounding(&self) -> Option<Found> {
        let back = self.ledger.back.abs();
        (back > self.rounding && back > self.f.u * self.f.claimed.abs()).then(|| {
            if let Some(op) = self.f.out_of_range {
                let remark = format!(
                    "{op} underflows or overflows at numbers of this size in this precision, which puts the gradient off by {back:.1e}; with 32 digits it is {:.4e}",
                    self.f.a_hi.to_f64()
                );
                return Found::new(Verdict::Hidden, Status::Unknown, remark);
            }
            let remark = format!(
                "rounding of the gradient, {back:.1e}, is larger than its statistics explain ({:.1e}) but not than the worst case ({:.1e})",
                self.rounding, self.f.e
            );
            Found::new(Verdict::Hidden, Status::Unknown, remark)
        })
    }

    fn across_a_jump(&self) -> Option<Found> {
        (self.f.jump == Some(true)).then(|| {
            let status = match self.seen() > self.f.power {
                true => Status::Unknown,
                false => Status::Pass,
            };
            let remark = "the step crosses a jump".to_string();
            Found::new(Verdict::KinkCrossed, status, remark)
        })
    }

    /// Errors as small as were asked for would not be seen.
    fn without_power(&self) -> Option<Found> {
        let f = self.f;
        if self.seen() <= f.power {
            return None;
        }
        let (verdict, remark) = if self.rounding < self.formula_budget + f.hidden {
            (
                Verdict::Inconclusive,
                "the derivative cannot be determined to the power asked for",
            )
        } else if self.ledger.back.abs() > f.power * self.d.abs() {
            (
                Verdict::Hidden,
                "the gradient itself is unstable in this precision",
            )
        } else {
            (
                Verdict::Hidden,
                "rounding of the gradient hides errors below the power asked for",
            )
        };
        Some(Found::new(verdict, Status::Unknown, remark.to_string()))
    }

    /// The gradient is right; why the difference quotient is not the same number.
    fn quotient(&self) -> Found {
        let (f, ledger) = (self.f, &self.ledger);
        if !f.numeric.is_finite() {
            let remark = "the step leaves the function's domain".to_string();
            return Found::new(Verdict::Truncation, Status::Pass, remark);
        }
        if self.gap.abs() <= f.power * self.scale || self.gap == 0.0 {
            return Found::new(Verdict::Agree, Status::Pass, None);
        }
        let rounding = ledger.step + ledger.forward + ledger.back;
        let causes = [
            (Verdict::KinkCrossed, ledger.kink.abs()),
            (Verdict::Truncation, ledger.truncation.abs()),
            (Verdict::RoundOff, rounding.abs()),
        ];
        // The first of the largest: a kink before truncation before rounding.
        let mut cause = causes[0];
        for other in &causes[1..] {
            if other.1 > cause.1 {
                cause = *other;
            }
        }
        Found::new(cause.0, Status::Pass, None)
    }
}

fn ratio(x: f64, budget: f64) -> f64 {
    if budget > 0.0 {
        x.abs() / budget
    } else {
        f64::INFINITY
    }
}
