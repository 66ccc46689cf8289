//! The one error type of the crate: which Python exception it corresponds to, and the sentence NumPy or PyTorch would
//! say. Nothing here decides when something is an error.

use crate::digits::Streamed;
use std::borrow::Cow;
use std::fmt;

/// The Python exception class NumPy or PyTorch raises for the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `ValueError`
    Value,
    /// `OverflowError`
    Overflow,
    /// `TypeError`
    Type,
    /// `RuntimeError`
    Runtime,
    /// `ZeroDivisionError`
    ZeroDivision,
    /// `MemoryError`
    Memory,
}

/// What went wrong, in NumPy's or PyTorch's own words.
///
/// ```
/// use pullback_random::{ErrorKind, numpy::default_rng};
///
/// // Python: np.random.default_rng(0).integers(5, 5)
/// let error = default_rng(0).integers::<i64>(5, 5, 1).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Value);
/// assert_eq!(error.to_string(), "low >= high");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn value(message: impl Into<Cow<'static, str>>) -> Self {
        Error {
            kind: ErrorKind::Value,
            message: message.into(),
        }
    }

    pub(crate) fn overflow(message: impl Into<Cow<'static, str>>) -> Self {
        Error {
            kind: ErrorKind::Overflow,
            message: message.into(),
        }
    }

    pub(crate) fn type_(message: impl Into<Cow<'static, str>>) -> Self {
        Error {
            kind: ErrorKind::Type,
            message: message.into(),
        }
    }

    pub(crate) fn runtime(message: impl Into<Cow<'static, str>>) -> Self {
        Error {
            kind: ErrorKind::Runtime,
            message: message.into(),
        }
    }

    #[cold]
    pub(crate) fn memory(bytes: usize) -> Self {
        Error {
            kind: ErrorKind::Memory,
            message: format!("Unable to allocate {bytes} bytes for an array").into(),
        }
    }

    pub(crate) fn zero_division(message: impl Into<Cow<'static, str>>) -> Self {
        Error {
            kind: ErrorKind::ZeroDivision,
            message: message.into(),
        }
    }

    /// Which exception Python would raise.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence, without the exception's name.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A double as C++'s `std::ostream` prints it by default, as in PyTorch's messages.
pub(crate) fn ostream(x: f64) -> String {
    Streamed(x).to_string()
}

/// A double as Python's `repr` prints it, for the messages that Python code formats.
pub(crate) fn py_repr(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    let magnitude = x.abs();
    if x.is_infinite() || magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{x:?}");
    }
    let text = format!("{x:e}");
    match text.split_once('e') {
        Some((m, e)) => match e.strip_prefix('-') {
            Some(digits) => format!("{m}e-{digits:0>2}"),
            None => format!("{m}e+{e:0>2}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_the_originals() {
        for (x, c, py) in [
            (1.5, "1.5", "1.5"),
            (3.0, "3", "3.0"),
            (-1.0, "-1", "-1.0"),
            (3e38, "3e+38", "3e+38"),
            (0.1 + 0.2, "0.3", "0.30000000000000004"),
            (1234567.0, "1.23457e+06", "1234567.0"),
            (0.00001, "1e-05", "1e-05"),
            (999999.5, "1e+06", "999999.5"),
            (f64::NAN, "nan", "nan"),
            (f64::INFINITY, "inf", "inf"),
        ] {
            assert_eq!(ostream(x), c);
            assert_eq!(py_repr(x), py);
        }
    }
}
