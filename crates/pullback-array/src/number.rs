//! A single number with its kind: what `item()` returns and what fills and scalar operands are given as.
//!
//! Python's scalars have kinds too, and PyTorch's promotion treats them so: an integer scalar never turns a float
//! tensor into another type, a float scalar turns an integer tensor into the default float.

use crate::dd::Dd;
use crate::dtype::{Category, DType, Element};
use std::fmt;

/// One number of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
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
            Number::Float(x) => T::from_f64(x),
            Number::Dd(x) => T::from_dd(x),
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
            Number::Int(_) => Category::Integer,
            Number::Float(_) | Number::Dd(_) => Category::Float,
        }
    }

    /// The dtype a tensor made from this scalar alone gets ([`DType::default_float`] for floats).
    pub fn default_dtype(self) -> DType {
        match self {
            Number::Bool(_) => DType::Bool,
            Number::Int(_) => DType::I64,
            Number::Float(_) => DType::default_float(),
            Number::Dd(_) => DType::Dd,
        }
    }

    /// The value of an element, in its own kind.
    #[inline]
    pub fn of<T: Element>(x: T) -> Number {
        match T::DTYPE {
            DType::Bool => Number::Bool(x.to_i64() != 0),
            DType::U8 | DType::I32 | DType::I64 => Number::Int(x.to_i64()),
            DType::F32 | DType::F64 => Number::Float(x.to_f64()),
            DType::Dd => Number::Dd(x.to_dd()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Bool(b) => write!(f, "{}", if *b { "True" } else { "False" }),
            Number::Int(i) => write!(f, "{i}"),
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
number_from!(bool => Bool as bool, u8 => Int as i64, i32 => Int as i64, i64 => Int as i64, f32 => Float as f64, f64 => Float as f64);

impl From<Dd> for Number {
    fn from(x: Dd) -> Self {
        Number::Dd(x)
    }
}
