//! Element types: the closed list of dtypes, PyTorch's promotion rules, and the trait that ties Rust types to it.
//!
//! Not here: arithmetic on elements (`arith.rs`, `real.rs`) and conversions of whole arrays (`kernels::cast`).

#![allow(unsafe_code)]

pub(crate) mod number;

use crate::dd::Dd;
use crate::dispatch::Closed;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// The type of an array's elements.
///
/// `f32` and `f64` compute, `Dd` is double-double (32 decimal digits: the oracle's arithmetic, and usable by anyone),
/// the integers index and count. The list is open: half precisions and complex numbers join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
// A word, since arrays pad it to one anyway: a copied word of which one byte was just written makes the processor wait.
#[repr(u64)]
pub enum DType {
    /// `bool`, one byte.
    Bool,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer: PyTorch's `long`.
    I64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Double-double: an unevaluated sum of two `f64`, about 106 bits.
    Dd,
}

/// Bytes of the widest element: buffers are made for it.
pub(crate) const WIDEST: usize = 16;

const _: () = {
    let mut i = 0;
    while i < DType::ALL.len() {
        assert!(DType::ALL[i].size() <= WIDEST);
        i += 1;
    }
};

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

/// Whether the default float is float64.
static DOUBLE: AtomicBool = AtomicBool::new(false);

impl DType {
    /// What floating numbers become without a dtype: float32, unless [`set_default_float`](Self::set_default_float) said otherwise.
    pub fn default_float() -> DType {
        if DOUBLE.load(Ordering::Relaxed) {
            DType::F64
        } else {
            DType::F32
        }
    }

    /// Sets the default float for the whole process: PyTorch's `set_default_dtype`.
    ///
    /// # Errors
    /// Anything but float32 and float64.
    pub fn set_default_float(dtype: DType) -> crate::Result<()> {
        if !matches!(dtype, DType::F32 | DType::F64) {
            return Err(crate::Error::new(
                crate::ErrorKind::Type,
                "only floating-point types are supported as the default type",
            ));
        }
        DOUBLE.store(dtype == DType::F64, Ordering::Relaxed);
        Ok(())
    }

    /// Every dtype there is, in promotion order.
    pub const ALL: &'static [DType] = &[
        DType::Bool,
        DType::U8,
        DType::I32,
        DType::I64,
        DType::F32,
        DType::F64,
        DType::Dd,
    ];

    /// The same list as an enum that is closed: what [`dispatch!`](crate::dispatch) matches on, so that a dtype without an arm
    /// there does not compile, in no crate.
    #[doc(hidden)]
    #[inline(always)]
    pub const fn closed(self) -> Closed {
        match self {
            DType::Bool => Closed::Bool,
            DType::U8 => Closed::U8,
            DType::I32 => Closed::I32,
            DType::I64 => Closed::I64,
            DType::F32 => Closed::F32,
            DType::F64 => Closed::F64,
            DType::Dd => Closed::Dd,
        }
    }

    /// Bytes per element, at most `WIDEST`.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 => 1,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
            DType::Dd => 16,
        }
    }

    /// Name as PyTorch prints it (`float32`); double-double, which PyTorch lacks, is `float64x2`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::Dd => "float64x2",
        }
    }

    /// The name PyTorch's C++ error sentences use (`Float`, `Long`).
    pub const fn scalar_type_name(self) -> &'static str {
        match self {
            DType::Bool => "Bool",
            DType::U8 => "Byte",
            DType::I32 => "Int",
            DType::I64 => "Long",
            DType::F32 => "Float",
            DType::F64 => "Double",
            DType::Dd => "DoubleDouble",
        }
    }

    /// The dtype a name stands for: PyTorch's names and aliases (`double`, `long`), and Rust's (`f32`).
    pub fn from_name(name: &str) -> Option<DType> {
        Some(match name.trim_start_matches("torch.") {
            "bool" => DType::Bool,
            "uint8" | "u8" => DType::U8,
            "int32" | "int" | "i32" => DType::I32,
            "int64" | "long" | "i64" => DType::I64,
            "float32" | "float" | "f32" => DType::F32,
            "float64" | "double" | "f64" => DType::F64,
            "float64x2" | "dd" => DType::Dd,
            _ => return None,
        })
    }

    /// Bool, integer or float.
    #[inline]
    pub const fn category(self) -> Category {
        match self {
            DType::Bool => Category::Bool,
            DType::U8 | DType::I32 | DType::I64 => Category::Integer,
            DType::F32 | DType::F64 | DType::Dd => Category::Float,
        }
    }

    /// Whether tensors of this dtype may require gradients.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64 | DType::Dd)
    }

    /// Unit roundoff u (half the distance from 1 to the next number); 0 for exact types.
    pub const fn unit_roundoff(self) -> f64 {
        match self {
            DType::F32 => f32::EPSILON as f64 / 2.0,
            DType::F64 => f64::EPSILON / 2.0,
            DType::Dd => f64::EPSILON * f64::EPSILON / 2.0,
            DType::Bool | DType::U8 | DType::I32 | DType::I64 => 0.0,
        }
    }

    /// The type of a result of two dimensioned operands, PyTorch's `promote_types`.
    ///
    /// ```
    /// use pullback_array::DType;
    /// assert_eq!(DType::I64.promote(DType::F32), DType::F32);
    /// assert_eq!(DType::U8.promote(DType::I32), DType::I32);
    /// ```
    #[inline]
    pub const fn promote(self, other: DType) -> DType {
        // The list is a chain (bool < u8 < i32 < i64 < f32 < f64 < dd), so promotion is the maximum. Types that are
        // not comparable (i8 with u8, f16 with bf16) will need a table here.
        if self as u64 >= other as u64 {
            self
        } else {
            other
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is an array's element type. Sealed: the list is [`DType`].
pub trait Element:
    Copy + Send + Sync + fmt::Debug + Default + PartialEq + sealed::Sealed + 'static
{
    /// The dtype this type is stored as.
    const DTYPE: DType;
    /// Nearest value to `x`; non-zero (NaN too) is `true`.
    ///
    /// Integers truncate. What lies outside `i32` or `i64`, and NaN, becomes the lowest integer, as PyTorch's casts on x86;
    /// `u8` takes the `i64` modulo 256.
    fn from_f64(x: f64) -> Self;
    /// Nearest value to an integer; integer types keep the low bits.
    fn from_i64(x: i64) -> Self;
    /// Nearest value to a double-double; integers as in [`Element::from_f64`].
    fn from_dd(x: Dd) -> Self;
    /// Value as `f64` (rounded where it has more digits).
    fn to_f64(self) -> f64;
    /// Value as `i64`, truncated; out of range the nearest end, 0 for NaN.
    fn to_i64(self) -> i64;
    /// Value as double-double, exact for every dtype.
    fn to_dd(self) -> Dd;

    /// Reads an element of an array's memory. Others may write that memory as bytes (NumPy, DLPack), and a `bool` of Rust
    /// must be 0 or 1: so every byte but 0 is read as `true`. What lies in an array is read by this alone, never through a
    /// pointer to `Self` itself.
    ///
    /// # Safety
    /// `from` is aligned and can be read.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load(from: *const Self) -> Self {
        // SAFETY: the caller's promise; all types but `bool`, which has its own, take any bits.
        unsafe { *from }
    }

    /// Makes `n` elements that were copied as bytes such that they may be lent out as a slice: see [`Element::load`].
    ///
    /// # Safety
    /// `at` is aligned, can be read and written, and is not shared.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn settle(at: *mut Self, n: usize) {
        let _ = (at, n);
    }
}

/// What [`Element::load`] and [`Element::settle`] are for `bool`.
macro_rules! any_byte {
    () => {
        #[inline(always)]
        unsafe fn load(from: *const bool) -> bool {
            // SAFETY: the caller's promise; a byte takes any bits.
            unsafe { *from.cast::<u8>() != 0 }
        }
        #[inline(always)]
        unsafe fn settle(at: *mut bool, n: usize) {
            let at = at.cast::<u8>();
            for i in 0..n {
                // SAFETY: the caller's promise.
                unsafe { at.add(i).write(u8::from(*at.add(i) != 0)) };
            }
        }
    };
}

macro_rules! element {
    ($t:ty, $d:ident, f64: $f:expr, i64: $i:expr, dd: $q:expr, to_f64: $tf:expr, to_i64: $ti:expr, to_dd: $tq:expr $(, $more:ident!())?) => {
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                let f: fn(f64) -> $t = $f;
                f(x)
            }
            #[inline(always)]
            fn from_i64(x: i64) -> Self {
                let f: fn(i64) -> $t = $i;
                f(x)
            }
            #[inline(always)]
            fn from_dd(x: Dd) -> Self {
                let f: fn(Dd) -> $t = $q;
                f(x)
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                let f: fn($t) -> f64 = $tf;
                f(self)
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                let f: fn($t) -> i64 = $ti;
                f(self)
            }
            #[inline(always)]
            fn to_dd(self) -> Dd {
                let f: fn($t) -> Dd = $tq;
                f(self)
            }
            $($more!();)?
        }
    };
}

/// The integer part; the smallest integer for NaN, infinity and what is beyond the range: what PyTorch's casts give on x86.
#[inline(always)]
fn whole(x: f64) -> i64 {
    // Both ends are exact in f64, and the upper one is the first that does not fit.
    match (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        true => x as i64,
        false => i64::MIN,
    }
}

/// As [`whole`], for 32 bits.
#[inline(always)]
fn whole_32(x: f64) -> i32 {
    match x > -2_147_483_649.0 && x < 2_147_483_648.0 {
        true => x as i32,
        false => i32::MIN,
    }
}

/// As [`whole`], of 32 digits.
fn whole_of_dd(x: Dd) -> i64 {
    match x >= Dd::from(i64::MIN) && x < Dd::from(9_223_372_036_854_775_808.0) {
        true => x.to_i64(),
        false => i64::MIN,
    }
}

/// As [`whole_32`], of 32 digits.
fn whole_32_of_dd(x: Dd) -> i32 {
    i32::try_from(whole_of_dd(x)).unwrap_or(i32::MIN)
}

element!(bool, Bool, f64: |x| x != 0.0, i64: |x| x != 0, dd: |x| x.to_f64() != 0.0,
    to_f64: |x| x as u8 as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as u8 as f64), any_byte!());
element!(u8, U8, f64: |x| whole(x) as u8, i64: |x| x as u8, dd: |x| whole_of_dd(x) as u8,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(i32, I32, f64: whole_32, i64: |x| x as i32, dd: whole_32_of_dd,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(i64, I64, f64: whole, i64: |x| x, dd: whole_of_dd,
    to_f64: |x| x as f64, to_i64: |x| x, to_dd: Dd::from);
element!(f32, F32, f64: |x| x as f32, i64: |x| x as f32, dd: |x| x.to_f32(),
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(f64, F64, f64: |x| x, i64: |x| x as f64, dd: |x| x.to_f64(),
    to_f64: |x| x, to_i64: |x| x as i64, to_dd: Dd::from);
element!(Dd, Dd, f64: Dd::from, i64: Dd::from, dd: |x| x,
    to_f64: |x| x.to_f64(), to_i64: |x| x.to_i64(), to_dd: |x| x);
