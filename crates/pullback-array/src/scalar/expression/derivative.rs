//! Derivatives of expressions: forward, step by step, in formulas again.
//!
//! A choice has the derivative of the side that is chosen; what is constant in pieces has none. They are for checking and for reading:
//! at kinks and edges an operation's rule may say something else.

use super::{Arithmetic, Expression, Step, Symbol};
use crate::dd::Dd;
use crate::scalar::formula::{Function, Scalar};

impl Expression {
    /// The derivative by number `k`.
    #[must_use]
    pub fn derivative(&self, k: usize) -> Expression {
        Expression::record(|| {
            // Value and derivative of each step; `None` is 0.
            let mut known: Vec<(Symbol, Option<Symbol>)> = Vec::with_capacity(self.steps.len());
            for step in &self.steps {
                let at = |i: usize| known[i];
                known.push(of_step(step, k, at));
            }
            known[self.value].1.unwrap_or(Symbol::ZERO)
        })
    }
}

fn of_step(
    step: &Step,
    k: usize,
    at: impl Fn(usize) -> (Symbol, Option<Symbol>),
) -> (Symbol, Option<Symbol>) {
    match *step {
        Step::Input(i) => (Symbol::step(*step), (i == k).then_some(Symbol::ONE)),
        Step::Number(x) => (Symbol::constant(x), None),
        Step::Arithmetic(how, a, b) => arithmetic(how, at(a), at(b)),
        Step::Neg(a) => (-at(a).0, at(a).1.map(|d| -d)),
        Step::Call(f, a, b) => {
            let ((a, da), (b, db)) = (at(a), at(b));
            let y = a.call(f, b);
            let first = da.map(|d| times(slope(f, 0, a, b, y), d));
            let second = (db.filter(|_| f.arity() == 2)).map(|d| times(slope(f, 1, a, b, y), d));
            (y, sum(first, second))
        }
        Step::Compare(how, a, b) => (at(a).0.compare(how, at(b).0), None),
        Step::IsNan(a) => (at(a).0.ask_nan(), None),
        Step::IsFinite(a) => (at(a).0.ask_finite(), None),
        Step::And(a, b) => (at(a).0 & at(b).0, None),
        Step::Or(a, b) => (at(a).0 | at(b).0, None),
        Step::Not(a) => (!at(a).0, None),
        Step::Choose(c, a, b) => {
            let (c, (a, da), (b, db)) = (at(c).0, at(a), at(b));
            let zero = || Symbol::ZERO;
            let d = match (da, db) {
                (None, None) => None,
                (da, db) => Some(c.choice(da.unwrap_or_else(zero), db.unwrap_or_else(zero))),
            };
            (c.choice(a, b), d)
        }
    }
}

fn arithmetic(
    how: Arithmetic,
    (a, da): (Symbol, Option<Symbol>),
    (b, db): (Symbol, Option<Symbol>),
) -> (Symbol, Option<Symbol>) {
    match how {
        Arithmetic::Add => (a + b, sum(da, db)),
        Arithmetic::Sub => (a - b, sum(da, db.map(|d| -d))),
        Arithmetic::Mul => (a * b, sum(da.map(|d| times(b, d)), db.map(|d| times(a, d)))),
        Arithmetic::Div => {
            let y = a / b;
            let second = db.map(|d| -(times(y, d) / b));
            (y, sum(da.map(|d| d / b), second))
        }
    }
}

fn sum(a: Option<Symbol>, b: Option<Symbol>) -> Option<Symbol> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// A product; by one it is the other factor.
fn times(a: Symbol, d: Symbol) -> Symbol {
    match d.as_number() {
        Some(x) if x == Dd::ONE => a,
        _ => a * d,
    }
}

/// The derivative of `f(a, b) = y` by `a` (0) or `b` (1).
fn slope(f: Function, by: usize, a: Symbol, b: Symbol, y: Symbol) -> Symbol {
    let (x, one, two) = (a, Symbol::ONE, Symbol::lit(2.0));
    let number = |n: Dd| Symbol::constant(n);
    let gauss = |c: Dd| number(c) * (-(x * x)).exp();
    let sign = || one.copysign(x);
    match f {
        Function::Abs => sign(),
        Function::Sqrt => one / (two * y),
        Function::Exp | Function::ExpQuick => y,
        Function::NormalQuick => number(Dd::FRAC_1_SQRT_TAU) * (x * x * Symbol::lit(-0.5)).exp(),
        Function::Exp2 => y * number(Dd::LN_2),
        Function::ExpM1 => y + one,
        Function::Ln => one / x,
        Function::Ln1p => one / (one + x),
        Function::Log2 => one / (x * number(Dd::LN_2)),
        Function::Log10 => one / (x * number(Dd::LN_10)),
        Function::Sin => x.cos(),
        Function::Cos => -x.sin(),
        Function::Tan => one + y * y,
        Function::Asin => one / (one - x * x).sqrt(),
        Function::Acos => -(one / (one - x * x).sqrt()),
        Function::Atan => one / (one + x * x),
        Function::Sinh => x.cosh(),
        Function::Cosh => x.sinh(),
        Function::Tanh => one - y * y,
        Function::Asinh => one / (x * x + one).sqrt(),
        Function::Acosh => one / (x * x - one).sqrt(),
        Function::Atanh => one / (one - x * x),
        Function::Floor | Function::Ceil | Function::Round | Function::Trunc => Symbol::ZERO,
        Function::Erf => gauss(Dd::FRAC_2_SQRT_PI),
        Function::Erfc => gauss(-Dd::FRAC_2_SQRT_PI),
        Function::Erfinv => number(Dd::FRAC_2_SQRT_PI.recip()) * (y * y).exp(),
        Function::Lgamma => x.digamma(),
        Function::Digamma => x.polygamma(1),
        Function::I0 => x.i1(),
        Function::I1 => x.i0() - y / x,
        Function::I0e => x.i1e() - sign() * y,
        Function::I1e => x.i0e() - y * (sign() + one / x),
        Function::BesselJ0 => -x.bessel_j1(),
        Function::BesselJ1 => x.bessel_j0() - y / x,
        Function::BesselY0 => -x.bessel_y1(),
        Function::BesselY1 => x.bessel_y0() - y / x,
        Function::BesselK0 => -x.bessel_k1(),
        Function::BesselK1 => -x.bessel_k0() - y / x,
        Function::Erfcx => x.erfcx_derivative(1),
        Function::LogNdtr => number(Dd::FRAC_1_SQRT_TAU) * (x * x * Symbol::lit(-0.5) - y).exp(),
        Function::Ndtri => (y * y * Symbol::lit(0.5)).exp() / number(Dd::FRAC_1_SQRT_TAU),
        Function::Polygamma(n) => x.polygamma(n + 1),
        Function::ErfcxDerivative(n) => x.erfcx_derivative(n + 1),
        Function::Atan2 if by == 0 => b / (a * a + b * b),
        Function::Atan2 => -(a / (a * a + b * b)),
        Function::Hypot if by == 0 => a / y,
        Function::Hypot => b / y,
        Function::Copysign if by == 0 => y / a,
        Function::Powf if by == 0 => b * a.powf(b - one),
        Function::Powf => y * a.ln(),
        Function::Rem if by == 0 => one,
        Function::Rem => -(a / b).trunc(),
        Function::Nextafter if by == 0 => one,
        Function::Copysign | Function::Nextafter => Symbol::ZERO,
    }
}
