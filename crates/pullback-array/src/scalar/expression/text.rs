//! Expressions as text: infix, with the fewest parentheses, functions by their names in [`Scalar`](crate::Scalar).

use super::{Arithmetic, Comparison, Expression, Step};
use crate::dd::Dd;
use std::fmt;

/// How tightly a text holds together; a looser one is put into parentheses inside of a tighter one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tight {
    Choice,
    Or,
    And,
    Compare,
    Sum,
    Product,
    Sign,
    Atom,
}

/// `x`, or `x` and `y`, or `x`, `y` and `z`.
const NAMES: [&str; 3] = ["x", "y", "z"];

impl fmt::Display for Expression {
    /// `1/(1 + exp(-x))`; numbers are x, y, z.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_of(&NAMES))
    }
}

impl Expression {
    /// The text, with names for its numbers; those without one are `x` with a number.
    pub fn text_of(&self, names: &[&str]) -> String {
        self.text(self.value, names).0
    }

    fn text(&self, at: usize, names: &[&str]) -> (String, Tight) {
        let inside = |k: usize, least: Tight| {
            let (text, tight) = self.text(k, names);
            match tight < least {
                true => format!("({text})"),
                false => text,
            }
        };
        match self.steps[at] {
            Step::Input(k) => match names.get(k) {
                Some(name) => ((*name).to_string(), Tight::Atom),
                None => (format!("x{k}"), Tight::Atom),
            },
            Step::Number(x) => constant(x),
            Step::Arithmetic(how, a, b) => {
                let (sign, tight, right) = match how {
                    Arithmetic::Add => (" + ", Tight::Sum, Tight::Sum),
                    Arithmetic::Sub => (" - ", Tight::Sum, Tight::Product),
                    Arithmetic::Mul => ("·", Tight::Product, Tight::Sign),
                    Arithmetic::Div => ("/", Tight::Product, Tight::Atom),
                };
                (inside(a, tight) + sign + &inside(b, right), tight)
            }
            Step::Neg(a) => (format!("-{}", inside(a, Tight::Product)), Tight::Sign),
            Step::Call(function, a, b) => {
                // How quickly is no matter of what.
                let mut name = function.name().trim_end_matches("_quick").to_string();
                if let Some(order) = function.order() {
                    name += &format!("[{order}]");
                }
                let mut arguments = self.text(a, names).0;
                if function.arity() == 2 {
                    arguments += &format!(", {}", self.text(b, names).0);
                }
                (format!("{name}({arguments})"), Tight::Atom)
            }
            Step::Compare(how, a, b) => {
                let sign = match how {
                    Comparison::Above => ">",
                    Comparison::AtLeast => "≥",
                    Comparison::Below => "<",
                    Comparison::AtMost => "≤",
                    Comparison::Equal => "=",
                };
                let (a, b) = (inside(a, Tight::Sum), inside(b, Tight::Sum));
                (format!("{a} {sign} {b}"), Tight::Compare)
            }
            Step::IsNan(a) => (format!("{} is NaN", inside(a, Tight::Sum)), Tight::Compare),
            Step::IsFinite(a) => (
                format!("{} is finite", inside(a, Tight::Sum)),
                Tight::Compare,
            ),
            Step::And(a, b) => (
                inside(a, Tight::And) + " and " + &inside(b, Tight::And),
                Tight::And,
            ),
            Step::Or(a, b) => (
                inside(a, Tight::Or) + " or " + &inside(b, Tight::Or),
                Tight::Or,
            ),
            Step::Not(a) => (format!("not {}", inside(a, Tight::Atom)), Tight::And),
            Step::Choose(c, a, b) => {
                let (c, a) = (inside(c, Tight::Or), inside(a, Tight::Or));
                (
                    format!("{a} where {c} else {}", inside(b, Tight::Choice)),
                    Tight::Choice,
                )
            }
        }
    }
}

/// A number, by its name where it has one.
fn constant(x: Dd) -> (String, Tight) {
    let named = [
        (Dd::PI, "π"),
        (Dd::LN_2, "ln 2"),
        (Dd::LN_10, "ln 10"),
        (Dd::FRAC_2_SQRT_PI, "2/√π"),
        (Dd::LOG2_E, "1/ln 2"),
        (Dd::FRAC_1_SQRT_TAU, "1/√(2π)"),
    ];
    if let Some((_, name)) = named.iter().find(|(value, _)| *value == x) {
        return (format!("({name})"), Tight::Atom);
    }
    let text = match x == Dd::from(x.to_f64()) {
        true => format!("{}", x.to_f64()),
        false => x.to_string(),
    };
    let tight = match text.starts_with('-') {
        true => Tight::Sign,
        false => Tight::Atom,
    };
    (text, tight)
}
