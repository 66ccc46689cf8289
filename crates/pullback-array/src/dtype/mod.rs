//! Element types: the table of dtypes and PyTorch's promotion rules.
//!
//! Not here: what an element is in memory (`element.rs`, `half.rs`), arithmetic on elements (`scalar/`) and conversions of whole
//! arrays (`kernels::cast`).

mod element;
mod half;
pub(crate) mod number;
#[cfg(feature = "serde")]
mod serial;
mod table;

pub use element::Element;
pub use half::{bf16, f16};

use crate::dd::Dd;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use table::dtypes;

/// Bytes of the widest element: buffers are made for it.
pub(crate) const WIDEST: usize = 16;

/// Half the distance from 1 to the next number of so many binary digits; none is exact.
const fn roundoff(digits: u32) -> f64 {
    match digits {
        0 => 0.0,
        n => f64::from_bits((1023 - n as u64) << 52),
    }
}

// Adding a dtype: a row here (in promotion order), its arms in `dispatch!` (and, if it is narrow, in
// `kernels/narrow.rs`), `Element` for its Rust type, its promotions in `promoted`; the compiler and
// `tests/dtype.rs` ask for them.
dtypes! {
    /// `bool`, one byte.
    Bool(bool) computes in Bool, Bool, 1 bytes, kind 'b', digits 0, "bool", "Bool", "bool", "bool", aliases [];
    /// Unsigned 8-bit integer.
    U8(u8) computes in U8, Integer, 1 bytes, kind 'u', digits 0, "uint8", "Byte", "uint8_t", "unsigned char", aliases ["u8"];
    /// Signed 8-bit integer.
    I8(i8) computes in I32, Integer, 1 bytes, kind 'i', digits 0, "int8", "Char", "int8_t", "signed char", aliases ["i8"];
    /// Signed 16-bit integer.
    I16(i16) computes in I32, Integer, 2 bytes, kind 'i', digits 0, "int16", "Short", "int16_t", "short int", aliases ["short", "i16"];
    /// Unsigned 16-bit integer.
    U16(u16) computes in I32, Integer, 2 bytes, kind 'u', digits 0, "uint16", "UInt16", "uint16_t", "short unsigned int", aliases ["u16"];
    /// Signed 32-bit integer.
    I32(i32) computes in I32, Integer, 4 bytes, kind 'i', digits 0, "int32", "Int", "int", "int", aliases ["int", "i32"];
    /// Unsigned 32-bit integer.
    U32(u32) computes in I64, Integer, 4 bytes, kind 'u', digits 0, "uint32", "UInt32", "uint32_t", "unsigned int", aliases ["u32"];
    /// Signed 64-bit integer: PyTorch's `long`.
    I64(i64) computes in I64, Integer, 8 bytes, kind 'i', digits 0, "int64", "Long", "int64_t", "long int", aliases ["long", "i64"];
    /// Unsigned 64-bit integer. It computes in the `i64` of the same bits, so what compares or divides needs a care of its own.
    U64(u64) computes in I64, Integer, 8 bytes, kind 'u', digits 0, "uint64", "UInt64", "uint64_t", "long unsigned int", aliases ["u64"];
    /// IEEE half precision.
    F16(f16) computes in F32, Float, 2 bytes, kind 'f', digits 11, "float16", "Half", "at::Half", "c10::Half", aliases ["half", "f16"];
    /// The upper half of an IEEE single precision.
    BF16(bf16) computes in F32, Float, 2 bytes, kind 'B', digits 8, "bfloat16", "BFloat16", "at::BFloat16", "c10::BFloat16", aliases ["bf16"];
    /// IEEE single precision.
    F32(f32) computes in F32, Float, 4 bytes, kind 'f', digits 24, "float32", "Float", "float", "float", aliases ["float", "f32"];
    /// IEEE double precision.
    F64(f64) computes in F64, Float, 8 bytes, kind 'f', digits 53, "float64", "Double", "double", "double", aliases ["double", "f64"];
    /// Double-double: an unevaluated sum of two `f64`, about 106 bits.
    Dd(Dd) computes in Dd, Float, 16 bytes, kind '-', digits 105, "float64x2", "DoubleDouble", "double", "float64x2", aliases ["dd"];
}

/// PyTorch's promotion categories: a scalar only lifts a tensor to a *higher* category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// `bool`.
    Bool,
    /// Any integer.
    Integer,
    /// Any floating type.
    Float,
}

/// The default float, by its place in [`DType::ALL`].
static DEFAULT: AtomicU8 = AtomicU8::new(DType::F32 as u8);

impl DType {
    /// What floating numbers become without a dtype: float32, unless [`set_default_float`](Self::set_default_float) said otherwise.
    pub fn default_float() -> DType {
        let at = DEFAULT.load(Ordering::Relaxed);
        if at == DType::F32 as u8 {
            DType::F32
        } else {
            DType::ALL[at as usize]
        }
    }

    /// Sets the default float for the whole process: PyTorch's `set_default_dtype`.
    ///
    /// # Errors
    /// What is no float of PyTorch's.
    pub fn set_default_float(dtype: DType) -> crate::Result<()> {
        if !dtype.is_float() || dtype == DType::Dd {
            return Err(crate::Error::new(
                crate::ErrorKind::Type,
                "only floating-point types are supported as the default type",
            ));
        }
        DEFAULT.store(dtype as u8, Ordering::Relaxed);
        Ok(())
    }

    /// The dtype a name stands for: PyTorch's names and aliases (`double`, `long`), and Rust's (`f32`).
    pub fn from_name(name: &str) -> Option<DType> {
        let name = name.trim_start_matches("torch.");
        (DType::ALL.iter().copied()).find(|d| d.name() == name || d.aliases().contains(&name))
    }

    /// Whether numbers of this dtype are floating ones.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self.category(), Category::Float)
    }

    /// Whether tensors of this dtype may require gradients: floating ones, and complex ones when there are some.
    #[inline]
    pub const fn is_differentiable(self) -> bool {
        self.is_float()
    }

    /// Whether it [computes](DType::computing) in another dtype: half precisions and the narrow integers.
    #[inline]
    pub const fn is_narrow(self) -> bool {
        NARROW >> self as u64 & 1 != 0
    }

    /// Whether integers of this dtype have no sign; `false` for what is no integer.
    pub const fn is_unsigned(self) -> bool {
        self.kind() == 'u'
    }

    /// The smallest and the largest number of an integer dtype.
    pub const fn integers(self) -> Option<(i128, i128)> {
        let bits = self.size() as u32 * 8;
        match self.category() {
            Category::Bool | Category::Float => None,
            Category::Integer if self.is_unsigned() => Some((0, (1 << bits) - 1)),
            Category::Integer => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
        }
    }

    /// The largest finite number of a floating dtype; infinite for all others.
    pub const fn largest(self) -> f64 {
        match self {
            DType::F16 => 65504.0,
            DType::BF16 => 338_953_138_925_153_547_590_470_800_371_487_866_880.0,
            DType::F32 => f32::MAX as f64,
            DType::F64 | DType::Dd => f64::INFINITY,
            DType::Bool | DType::U8 | DType::I8 | DType::I16 | DType::U16 => f64::INFINITY,
            DType::I32 | DType::U32 | DType::I64 | DType::U64 => f64::INFINITY,
        }
    }

    /// The type of a result of two dimensioned operands, PyTorch's `promote_types`.
    ///
    /// ```
    /// use pullback_array::DType;
    /// assert_eq!(DType::I64.promote(DType::F32), DType::F32);
    /// assert_eq!(DType::U8.promote(DType::I8), DType::I16);
    /// assert_eq!(DType::F16.promote(DType::BF16), DType::F32);
    /// ```
    ///
    /// PyTorch does not promote unsigned integers of 16 bits and more to other integers ([`DType::promotes`]); here the result would
    /// be int64.
    #[inline]
    pub const fn promote(self, other: DType) -> DType {
        if self as u64 == other as u64 {
            self
        } else {
            self.promoted(other)
        }
    }

    const fn promoted(self, other: DType) -> DType {
        // The list is in promotion order, with few pairs that neither is large enough for.
        let (low, high) = match (self as u64) < other as u64 {
            true => (self, other),
            false => (other, self),
        };
        if matches!((low, high), (DType::U8, DType::I8)) {
            DType::I16
        } else if matches!((low, high), (DType::F16, DType::BF16)) {
            DType::F32
        } else if low.promotes(high) {
            high
        } else {
            DType::I64
        }
    }

    /// Whether PyTorch knows a common dtype: it has none for unsigned integers of 16 bits and more beside other integers.
    pub const fn promotes(self, other: DType) -> bool {
        self as u64 == other as u64
            || self.is_float()
            || other.is_float()
            || !(matches!(self, DType::U16 | DType::U32 | DType::U64)
                || matches!(other, DType::U16 | DType::U32 | DType::U64))
    }

    /// As [`DType::promote`].
    ///
    /// # Errors
    /// PyTorch's sentence where it [knows no common dtype](DType::promotes).
    #[inline]
    pub fn common(self, other: DType) -> crate::Result<DType> {
        match self == other || self.promotes(other) {
            true => Ok(self.promote(other)),
            false => Err(unpromoted(self, other)),
        }
    }
}

#[cold]
fn unpromoted(a: DType, b: DType) -> crate::Error {
    crate::Error::new(
        crate::ErrorKind::DType,
        format!(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {} and {}",
            a.scalar_type_name(),
            b.scalar_type_name()
        ),
    )
    .help("convert one of them on purpose: `x.to(DType::I64)?`")
}

/// A bit for each narrow dtype.
const NARROW: u64 = {
    let (mut bits, mut i) = (0, 0);
    while i < DType::ALL.len() {
        let d = DType::ALL[i];
        if d as u64 != d.computing() as u64 {
            bits |= 1 << d as u64;
        }
        i += 1;
    }
    bits
};

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// [`DType::from_name`], with an error for a name that there is not.
impl std::str::FromStr for DType {
    type Err = crate::Error;
    fn from_str(name: &str) -> crate::Result<DType> {
        DType::from_name(name).ok_or_else(|| {
            let text = format!("no dtype is called {name:?}");
            crate::Error::new(crate::ErrorKind::Value, text)
        })
    }
}
