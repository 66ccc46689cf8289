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
    let e_f = f.e_d + 8.0 * f.digits * (f.rule_unit / f.fine) + f.under;
    // A rounding below the last place of the result itself is always possible (an exact derivative has q = 0).
    let q8 = (8.0 * f.q).max(f.u * d.abs());
    // The worst case is of first order; the engine's own error is the measure where it is more.
    let mut worst = f.e.max(q8);
    if f.numbers || f.kernels_agree {
        worst = worst.max(4.0 * f.engine);
    }
    let beyond = |x: f64, budget: f64| x.is_nan() || x.abs() > budget;
    let kernel_off = beyond(ledger.back, worst);
    // Numbers have no formula of their own: what rounding cannot explain in them is not rounding.
    if f.numbers && kernel_off {
        (ledger.back, ledger.formula) = (0.0, (claimed - f.d).to_f64());
    }
    let distance = (claimed - f.d).abs().to_f64();
    let scale = if d != 0.0 { d.abs() } else { f.rms };
    let relative = |x: f64| if scale > 0.0 { x / scale } else { 0.0 };
    // An error above this is called a bug, whatever the rounding that is there already.
    let mde = relative(e_f + worst + distance.min(worst + e_f) + f.u * d.abs() + f.hidden);
    // An error above this, at least, keeps the coordinate from passing.
    let seen = relative(e_f + q8 + f.hidden);
    let gap = f.claimed - f.numeric;
    let mut c = Coordinate {
        name: f.name.clone(),
        input: f.input,
        index: f.index.clone(),
        claimed: f.claimed,
        numeric: f.numeric,
        oracle: d,
        gap,
        ledger,
        budget: e_f + q8,
        mde,
        verdict: Verdict::Agree,
        status: Status::Pass,
        remark: None,
        outside: f.escaped || f.unclear,
    };
    let mut set = |verdict, status, remark: Option<String>| {
        c.verdict = verdict;
        c.status = status;
        c.remark = remark;
    };
    if !f.d.is_finite() {
        set(
            Verdict::Inconclusive,
            Status::Unknown,
            Some("the function is not finite around this point".into()),
        );
        return c;
    }
    let formula_off = ledger.formula.abs() > e_f && !f.numbers;
    let numbers_off = f.numbers && beyond(distance, worst + e_f);
    let overflow = !f.claimed.is_finite()
        && f.kernels_agree
        && f.a_hi.is_finite()
        && !(f.escaped || formula_off || f.numbers);
    if overflow {
        set(
            Verdict::Hidden,
            Status::Unknown,
            Some(format!(
                "the gradient overflows in this precision; with 32 digits it is {:.4e}",
                f.a_hi.to_f64()
            )),
        );
        return c;
    }
    let bad = f.escaped || formula_off || kernel_off || numbers_off || !f.claimed.is_finite();
    if let Some((left, right, error)) = f.sides {
        let slack = 1e-9 * (left.abs() + right.abs()) + q8 + error;
        let tied =
            (left - right).abs() > slack || (left - d).abs() > slack || (right - d).abs() > slack;
        if tied {
            let near = |x: f64| (f.claimed - x).abs() <= slack;
            let (low, high) = (left.min(right) - slack, left.max(right) + slack);
            let inside = f.claimed >= low && f.claimed <= high;
            let status = match inside {
                true if near(left) || near(right) || near(0.5 * (left + right)) || !bad => {
                    Status::Pass
                }
                true => Status::Unknown,
                false if bad => Status::Fail,
                false => Status::Pass,
            };
            let verdict = if status == Status::Fail {
                Verdict::Bug
            } else {
                Verdict::SubgradientChoice
            };
            let remark = if inside {
                format!("slopes {left:.4e} on the left, {right:.4e} on the right")
            } else {
                format!(
                    "slopes {left:.4e} on the left, {right:.4e} on the right; {:.4e} is neither between them nor a derivative: the kink is spurious, each piece's own convention adds up to it",
                    f.claimed
                )
            };
            set(verdict, status, Some(remark));
            // What lies so near a slope counts as it.
            c.mde = c.mde.max(relative(2.0 * slack));
            return c;
        }
    }
    if bad {
        let remark = if f.escaped {
            Some("the function depends on this coordinate through a value that left the graph (detach, or an operation without a gradient)".into())
        } else if formula_off {
            Some(format!(
                "wrong formula: off by {:.3e}, {:.1e} times what rounding allows",
                ledger.formula,
                ratio(ledger.formula, e_f)
            ))
        } else {
            Some(format!(
                "off by {:.3e}, {:.1e} times what rounding allows",
                (claimed - f.d).to_f64(),
                ratio(distance, worst + e_f)
            ))
        };
        set(Verdict::Bug, Status::Fail, remark);
        return c;
    }
    if ledger.back.abs() > q8 && ledger.back.abs() > f.u * f.claimed.abs() {
        set(
            Verdict::Hidden,
            Status::Unknown,
            Some(format!(
                "rounding of the gradient, {:.1e}, is larger than its statistics explain ({q8:.1e}) but not than the worst case ({:.1e})",
                ledger.back.abs(),
                f.e
            )),
        );
        return c;
    }
    if f.jump == Some(true) {
        set(
            Verdict::KinkCrossed,
            Status::Pass,
            Some("the step crosses a jump".into()),
        );
        if seen > f.power {
            c.status = Status::Unknown;
        }
        return c;
    }
    if seen > f.power {
        let (verdict, remark) = if q8 >= e_f + f.hidden {
            let unstable = ledger.back.abs() > f.power * d.abs();
            let text = if unstable {
                "the gradient itself is unstable in this precision"
            } else {
                "rounding of the gradient hides errors below the power asked for"
            };
            (Verdict::Hidden, text)
        } else {
            (
                Verdict::Inconclusive,
                "the derivative cannot be determined to the power asked for",
            )
        };
        set(verdict, Status::Unknown, Some(remark.into()));
        return c;
    }
    if !f.numeric.is_finite() {
        set(
            Verdict::Truncation,
            Status::Pass,
            Some("the step leaves the function's domain".into()),
        );
        return c;
    }
    if gap.abs() <= f.power * scale || gap == 0.0 {
        return c;
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
    set(cause.0, Status::Pass, None);
    c
}

fn ratio(x: f64, budget: f64) -> f64 {
    if budget > 0.0 {
        x.abs() / budget
    } else {
        f64::INFINITY
    }
}
