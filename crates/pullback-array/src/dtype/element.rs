//! What may lie in an array's memory: the trait that ties Rust types to dtypes, with conversions between all of them.
//!
//! Not here: arithmetic. A type that computes implements `Arith` (and floats `Real`) too; half precisions and narrow integers do
//! not, they are converted to the dtype they [compute in](DType::computing).

#![allow(unsafe_code)]

use super::{DType, bf16, f16};
use crate::dd::Dd;
use std::fmt;

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
    /// Integers truncate. What lies outside `i32` or `i64`, and NaN, becomes the lowest integer, as PyTorch's casts on x86; narrower
    /// integers and `u32` take the low bits of the `i64`.
    fn from_f64(x: f64) -> Self;
    /// Nearest value to an integer; integer types keep the low bits.
    fn from_i64(x: i64) -> Self;
    /// Nearest value to a double-double; integers as in [`Element::from_f64`].
    fn from_dd(x: Dd) -> Self;
    /// Value as `f64` (rounded where it has more digits).
    fn to_f64(self) -> f64;
    /// Value as `i64`, truncated; out of range the nearest end, 0 for NaN. A `u64` keeps its bits.
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

/// Every bit of an integer.
pub(super) fn every_bit(u: u64) -> Dd {
    Dd::from((u >> 32) as f64) * Dd::from(4_294_967_296.0) + Dd::from((u & 0xffff_ffff) as f64)
}

/// Negative numbers wrap, as on the machines PyTorch runs on; what is larger than all becomes the largest.
fn unsigned(x: f64) -> u64 {
    if x < 0.0 { x as i64 as u64 } else { x as u64 }
}

fn unsigned_dd(x: Dd) -> u64 {
    let half = Dd::from(9_223_372_036_854_775_808.0);
    if x < half {
        x.to_i64() as u64
    } else {
        ((x - half).to_i64() as u64) | 1 << 63
    }
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
element!(i8, I8, f64: |x| whole(x) as i8, i64: |x| x as i8, dd: |x| whole_of_dd(x) as i8,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(i16, I16, f64: |x| whole(x) as i16, i64: |x| x as i16, dd: |x| whole_of_dd(x) as i16,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(u16, U16, f64: |x| whole(x) as u16, i64: |x| x as u16, dd: |x| whole_of_dd(x) as u16,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(u32, U32, f64: |x| whole(x) as u32, i64: |x| x as u32, dd: |x| whole_of_dd(x) as u32,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: |x| Dd::from(x as f64));
element!(u64, U64, f64: unsigned, i64: |x| x as u64, dd: unsigned_dd,
    to_f64: |x| x as f64, to_i64: |x| x as i64, to_dd: every_bit);
element!(f16, F16, f64: |x| f16::from_f32(x as f32), i64: |x| f16::from_f32(x as f32), dd: |x| f16::from_f32(x.to_f32()),
    to_f64: |x| x.to_f32() as f64, to_i64: |x| x.to_f32() as i64, to_dd: |x| Dd::from(x.to_f32() as f64));
element!(bf16, BF16, f64: |x| bf16::from_f32(x as f32), i64: |x| bf16::from_f32(x as f32), dd: |x| bf16::from_f32(x.to_f32()),
    to_f64: |x| x.to_f32() as f64, to_i64: |x| x.to_f32() as i64, to_dd: |x| Dd::from(x.to_f32() as f64));
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
