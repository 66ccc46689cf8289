//! A single number with its kind: what `item()` returns and what fills and scalar operands are given as.
//!
//! Python's scalars have kinds too, and PyTorch's promotion treats them so: an integer scalar never turns a float
//! tensor into another type, a float scalar turns an integer tensor into the default float.

use crate::dd::Dd;
use crate::dtype::element::every_bit;
use crate::dtype::{Category, DType, Element};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// One number of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer from 2^63 on, which Python's numbers reach: beside integers its low bits count, beside floats its value.
    UInt(u64),
    /// A floating number of up to double precision.
    Float(f64),
    /// A floating number with 32 digits.
    Dd(Dd),
}

impl Number {
    /// The number as the nearest element of type `T`.
    #[inline]
    pub fn cast<T: Element>(self) -> T {
        match self {
            Number::Bool(b) => T::from_i64(b as i64),
            Number::Int(i) => T::from_i64(i),
            Number::UInt(u) if T::DTYPE.is_float() => T::from_dd(every_bit(u)),
            Number::UInt(u) => T::from_i64(u as i64),
            Number::Float(x) => T::from_f64(x),
            Number::Dd(x) => T::from_dd(x),
        }
    }

    /// Whether an element of the dtype can hold it: PyTorch's rule for fills and factors. Digits behind the point may be lost, and
    /// an unsigned integer takes the negative numbers whose size it could hold (−1 is 255); a number beyond the range, NaN and
    /// infinity do not fit integers, and no finite number beyond the range fits float32. Everything fits bool.
    #[inline]
    pub fn fits(self, dtype: DType) -> bool {
        let Some((low, high)) = dtype.integers() else {
            // Halves take any number: what is too large becomes infinite.
            return match self {
                Number::Float(x) if dtype == DType::F32 => {
                    !x.is_finite() || x.abs() <= f64::from(f32::MAX)
                }
                Number::Dd(x) if dtype == DType::F32 => Number::Float(x.hi()).fits(dtype),
                Number::Bool(_)
                | Number::Int(_)
                | Number::UInt(_)
                | Number::Float(_)
                | Number::Dd(_) => true,
            };
        };
        let low = if low == 0 { -high } else { low };
        match self {
            Number::Bool(_) => true,
            Number::Int(i) => (low..=high).contains(&i128::from(i)),
            Number::UInt(u) => i128::from(u) <= high,
            Number::Float(x) => within(Dd::from(x), dtype),
            Number::Dd(x) => within(x, dtype),
        }
    }

    /// Errors unless the number [fits](Number::fits).
    ///
    /// # Errors
    /// PyTorch's sentence, with the C name of the dtype.
    #[inline]
    pub fn fit(self, dtype: DType) -> Result<()> {
        match self.fits(dtype) {
            true => Ok(()),
            false => Err(overflow(self, dtype.c_name())),
        }
    }

    /// How the number lies to the range of an integer dtype: below it, in it, above it; in it for other dtypes and for NaN.
    pub fn beside(self, dtype: DType) -> std::cmp::Ordering {
        let Some((low, high)) = range(dtype) else {
            return std::cmp::Ordering::Equal;
        };
        match self {
            n if n.cast::<Dd>() < low => std::cmp::Ordering::Less,
            n if n.cast::<Dd>() > high => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        }
    }

    /// The number as an element of type `T` that has its value; `None` where `T` has no such element (1.7 as `i64`, 300 as
    /// `u8`). Digits beyond a float's are rounded away, but nothing finite becomes infinite.
    ///
    /// ```
    /// use pullback_array::Number;
    /// assert_eq!(Number::Float(2.0).exactly::<i64>(), Some(2));
    /// assert_eq!(Number::Float(1.7).exactly::<i64>(), None);
    /// assert_eq!(Number::Int(300).exactly::<u8>(), None);
    /// ```
    pub fn exactly<T: Element>(self) -> Option<T> {
        let x: T = self.cast();
        let float = T::DTYPE.category() == Category::Float;
        // An integer's lower end is what numbers beyond the range become.
        let end = 9.223_372_036_854_776e18;
        let inside = |f: f64| match T::DTYPE == DType::U64 {
            true => (0.0..2.0 * end).contains(&f),
            false => (-end..end).contains(&f),
        };
        let same = match self {
            Number::Bool(_) => true,
            Number::Int(i) => float || x.to_i64() == i && (i >= 0 || T::DTYPE != DType::U64),
            Number::UInt(_) => float || T::DTYPE == DType::U64,
            Number::Float(f) if float => x.to_f64().is_finite() || !f.is_finite(),
            Number::Float(f) => x.to_f64() == f && inside(f),
            Number::Dd(d) if float => x.to_f64().is_finite() || !d.to_f64().is_finite(),
            Number::Dd(d) => x.to_dd() == d && inside(d.to_f64()),
        };
        same.then_some(x)
    }

    /// An integer or a truth value as it is; `None` for floats.
    pub fn to_i128(self) -> Option<i128> {
        match self {
            Number::Bool(b) => Some(i128::from(b)),
            Number::Int(i) => Some(i128::from(i)),
            Number::UInt(u) => Some(i128::from(u)),
            Number::Float(_) | Number::Dd(_) => None,
        }
    }

    /// The number in double precision.
    pub fn to_f64(self) -> f64 {
        self.cast()
    }

    /// PyTorch's category of the scalar.
    pub const fn category(self) -> Category {
        match self {
            Number::Bool(_) => Category::Bool,
            Number::Int(_) | Number::UInt(_) => Category::Integer,
            Number::Float(_) | Number::Dd(_) => Category::Float,
        }
    }

    /// The dtype a tensor made from this scalar alone gets ([`DType::default_float`] for floats).
    pub fn default_dtype(self) -> DType {
        match self {
            Number::Bool(_) => DType::Bool,
            Number::Int(_) | Number::UInt(_) => DType::I64,
            Number::Float(_) => DType::default_float(),
            Number::Dd(_) => DType::Dd,
        }
    }

    /// The value of an element, in its own kind.
    #[inline]
    pub fn of<T: Element>(x: T) -> Number {
        match T::DTYPE {
            DType::Bool => Number::Bool(x.to_i64() != 0),
            DType::U64 if x.to_i64() < 0 => Number::UInt(x.to_i64() as u64),
            DType::U8 | DType::I8 | DType::I16 | DType::U16 | DType::I32 => Number::Int(x.to_i64()),
            DType::U32 | DType::I64 | DType::U64 => Number::Int(x.to_i64()),
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Number::Float(x.to_f64()),
            DType::Dd => Number::Dd(x.to_dd()),
        }
    }
}

/// The smallest and the largest integer of a dtype.
fn range(dtype: DType) -> Option<(Dd, Dd)> {
    let of = |i: i128| match u64::try_from(i) {
        Ok(u) => every_bit(u),
        Err(_) => Dd::from(i as i64),
    };
    dtype.integers().map(|(low, high)| (of(low), of(high)))
}

/// Whether a floating number is in an integer's range: its integer part at the upper end, itself at the lower.
fn within(x: Dd, dtype: DType) -> bool {
    range(dtype).is_none_or(|(low, high)| low <= x && x < high + Dd::from(1.0))
}

/// PyTorch's sentence for a number that an element cannot hold.
#[cold]
pub(crate) fn overflow(n: Number, name: &str) -> Error {
    Error::new(
        ErrorKind::Argument,
        format!("value cannot be converted to type {name} without overflow"),
    )
    .note(format!("the value is {n}"))
    .help("take a dtype that holds it, or convert on purpose: a tensor's `to` wraps as C does")
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Bool(b) => write!(f, "{}", if *b { "True" } else { "False" }),
            Number::Int(i) => write!(f, "{i}"),
            Number::UInt(u) => write!(f, "{u}"),
            Number::Float(x) if x.is_nan() => f.write_str("nan"),
            Number::Float(x) => write!(f, "{x}"),
            Number::Dd(x) => write!(f, "{x}"),
        }
    }
}

macro_rules! number_from {
    ($($t:ty => $variant:ident as $as:ty),*) => {$(
        impl From<$t> for Number {
            #[inline]
            fn from(x: $t) -> Self {
                Number::$variant(x as $as)
            }
        }
    )*};
}
number_from!(bool => Bool as bool, u8 => Int as i64, i8 => Int as i64, i16 => Int as i64, u16 => Int as i64, u32 => Int as i64, i32 => Int as i64, i64 => Int as i64, f32 => Float as f64, f64 => Float as f64);

/// Counts: an integer of 64 bits where it is one.
macro_rules! number_from_large {
    ($($t:ty)*) => {$(
        impl From<$t> for Number {
            #[inline]
            fn from(x: $t) -> Self {
                i64::try_from(x).map_or(Number::UInt(x as u64), Number::Int)
            }
        }
    )*};
}
number_from_large!(u64 usize);

impl From<isize> for Number {
    #[inline]
    fn from(x: isize) -> Self {
        Number::Int(x as i64)
    }
}

impl From<crate::f16> for Number {
    #[inline]
    fn from(x: crate::f16) -> Self {
        Number::Float(f64::from(x.to_f32()))
    }
}

impl From<crate::bf16> for Number {
    #[inline]
    fn from(x: crate::bf16) -> Self {
        Number::Float(f64::from(x.to_f32()))
    }
}

impl From<Dd> for Number {
    fn from(x: Dd) -> Self {
        Number::Dd(x)
    }
}
