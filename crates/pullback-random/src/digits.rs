//! Numbers in sentences: as the languages write them in which NumPy's and PyTorch's sentences are written.
//!
//! Not for: numbers of tensors, which are printed in columns.

use std::fmt;

/// As C++ streams write a double: six significant digits, an exponent of two digits where there is one. `0.5`, `1e+308`, `nan`.
///
/// ```
/// assert_eq!(pullback_random::digits::Streamed(1.0 / 3.0).to_string(), "0.333333");
/// ```
pub struct Streamed(pub f64);

/// As Python writes a float: the shortest digits that give it back. `-1.0`, `1e+308`, `nan`.
///
/// ```
/// assert_eq!(pullback_random::digits::Shortest(-1.0).to_string(), "-1.0");
/// ```
pub struct Shortest(pub f64);

impl fmt::Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Streamed(x) = *self;
        if x.is_nan() && x.is_sign_negative() {
            return f.write_str("-nan");
        }
        if x == 0.0 || !x.is_finite() {
            return named(f, x);
        }
        let rounded = format!("{x:.5e}");
        let (digits, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let trimmed = |text: &str| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text.to_owned(),
        };
        match exponent {
            -4..=5 => f.write_str(&trimmed(&format!("{x:.*}", (5 - exponent) as usize))),
            _ => write!(f, "{}{}", trimmed(digits), Exponent(exponent)),
        }
    }
}

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortest(x) = *self;
        if !x.is_finite() {
            return named(f, x);
        }
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        match exponent {
            -4..=15 => write!(f, "{x:?}"),
            _ => write!(f, "{digits}{}", Exponent(exponent)),
        }
    }
}

struct Exponent(i32);

impl fmt::Display for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(f, "e{sign}{:02}", self.0.abs())
    }
}

/// What has no digits to choose.
fn named(f: &mut fmt::Formatter<'_>, x: f64) -> fmt::Result {
    match x {
        _ if x.is_nan() => f.write_str("nan"),
        _ => write!(f, "{x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Shortest, Streamed};

    /// Against what a C++ and a Python program print.
    #[test]
    fn numbers_are_written_as_there() {
        for (x, streamed, shortest) in [
            (0.0, "0", "0.0"),
            (-0.0, "-0", "-0.0"),
            (-1.0, "-1", "-1.0"),
            (0.5, "0.5", "0.5"),
            (1.0 / 3.0, "0.333333", "0.3333333333333333"),
            (123456.0, "123456", "123456.0"),
            (1234567.0, "1.23457e+06", "1234567.0"),
            (999999.5, "1e+06", "999999.5"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "1e-05"),
            (1e16, "1e+16", "1e+16"),
            (1e308, "1e+308", "1e+308"),
            (5e-324, "4.94066e-324", "5e-324"),
            (f64::NAN, "nan", "nan"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
        ] {
            assert_eq!(Streamed(x).to_string(), streamed);
            assert_eq!(Shortest(x).to_string(), shortest);
        }
    }
}
