//! Numbers as text of one style: whole (`3.`), fixed (`3.1416`) or scientific (`3.1416e+00`), chosen for all together.

use super::PrintOptions;
use crate::Number;

/// Texts of numbers, in order, and the width they are to be padded to.
pub(super) struct Column {
    pub(super) texts: Vec<String>,
    pub(super) width: usize,
}

#[derive(Clone, Copy)]
enum Style {
    /// Whole numbers: a point says that they are floats.
    Whole,
    Fixed(usize),
    Scientific(usize),
}

impl Column {
    /// The text of all numbers, which are of one kind.
    pub(super) fn of(numbers: &[Number], options: &PrintOptions) -> Column {
        let style = Style::of(numbers, options);
        let mut width = 1;
        let texts = (numbers.iter())
            .map(|&x| {
                let text = style.text(x);
                // Zeros, infinities and NaN do not widen a column of floats, though they may be wider.
                if !is_float(x) || is_usual(x) {
                    width = width.max(text.len());
                }
                text
            })
            .collect();
        Column { texts, width }
    }
}

impl Style {
    fn of(numbers: &[Number], options: &PrintOptions) -> Style {
        let usual = || numbers.iter().copied().filter(|&x| is_usual(x));
        let (min, max) = usual().fold((f64::INFINITY, 0.0f64), |(min, max), x| {
            let size = x.to_f64().abs();
            (min.min(size), max.max(size))
        });
        if max == 0.0 {
            return Style::Whole;
        }
        // More digits than any number has: what Rust's formatting can count.
        let precision = options.precision.min(u16::MAX.into());
        let scientific = options
            .sci_mode
            .unwrap_or(max / min > 1000.0 || max > 1e8 || min < 1e-4);
        if scientific {
            Style::Scientific(precision)
        } else if usual().all(is_whole) {
            Style::Whole
        } else {
            Style::Fixed(precision)
        }
    }

    fn text(self, x: Number) -> String {
        match x {
            Number::Float(value) => self.float(value, value),
            Number::Dd(value) => self.float(value, value.hi()),
            Number::Bool(_) | Number::Int(_) | Number::UInt(_) => x.to_string(),
        }
    }

    /// `nearest` is `x` in double precision, whose kind (finite, NaN) is `x`'s.
    ///
    /// Rust rounds the exact decimal expansion half to even, as C's `printf` and Python do.
    fn float(self, x: impl std::fmt::Display + std::fmt::LowerExp, nearest: f64) -> String {
        if nearest.is_nan() {
            return "nan".to_owned();
        }
        if nearest.is_infinite() {
            return if nearest > 0.0 { "inf" } else { "-inf" }.to_owned();
        }
        match self {
            Style::Whole => format!("{x:.0}."),
            Style::Fixed(precision) => format!("{x:.precision$}"),
            Style::Scientific(precision) => python_exponent(&format!("{x:.precision$e}")),
        }
    }
}

/// `1.5e-5` as Python writes it, `1.5e-05`: the exponent has a sign and at least two digits.
fn python_exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, size) = match exponent.strip_prefix('-') {
        Some(size) => ('-', size),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{size:0>2}")
}

/// A float alone, as Python's `repr` writes it: the shortest digits that give it back.
pub(super) fn python_float(x: f64) -> String {
    match x.abs() {
        size if size.is_nan() => "nan".to_owned(),
        size if size.is_infinite() || size == 0.0 || (1e-4..1e16).contains(&size) => {
            format!("{x:?}")
        }
        _ => python_exponent(&format!("{x:e}")),
    }
}

fn is_float(x: Number) -> bool {
    matches!(x, Number::Float(_) | Number::Dd(_))
}

/// A float that is neither zero nor infinite nor NaN: those decide the style.
fn is_usual(x: Number) -> bool {
    let value = x.to_f64();
    is_float(x) && value.is_finite() && value != 0.0
}

fn is_whole(x: Number) -> bool {
    match x {
        Number::Float(x) => x == x.ceil(),
        Number::Dd(x) => x.hi() == x.hi().ceil() && x.lo() == x.lo().ceil(),
        Number::Bool(_) | Number::Int(_) | Number::UInt(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_have_a_sign_and_two_digits() {
        assert_eq!(python_exponent("1.5e-5"), "1.5e-05");
        assert_eq!(python_exponent("-1e0"), "-1e+00");
        assert_eq!(python_exponent("9.9e308"), "9.9e+308");
        let floats = [0.0, -0.0, 0.1, 1e-5, 1.5e16, -2.0, f64::NAN, f64::INFINITY];
        let texts = [
            "0.0", "-0.0", "0.1", "1e-05", "1.5e+16", "-2.0", "nan", "inf",
        ];
        assert_eq!(floats.map(python_float), texts);
    }

    #[test]
    fn ties_round_to_even() {
        let fixed = |x: f64, precision| Style::Fixed(precision).text(Number::Float(x));
        assert_eq!(
            [fixed(0.5, 0), fixed(1.5, 0), fixed(2.5, 0)],
            ["0", "2", "2"]
        );
        assert_eq!([fixed(0.03125, 4), fixed(0.09375, 4)], ["0.0312", "0.0938"]);
        let power = |x: f64, precision| Style::Scientific(precision).text(Number::Float(x));
        assert_eq!([power(3.125, 2), power(3.375, 2)], ["3.12e+00", "3.38e+00"]);
        assert_eq!([power(2.5, 0), power(9.5, 0)], ["2e+00", "1e+01"]);
    }
}
