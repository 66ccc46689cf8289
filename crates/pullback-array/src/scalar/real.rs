//! The arithmetic formulas are written in: one trait over `f32`, `f64` and double-double.
//!
//! An operation's reference form is a formula generic over [`Real`]; the fast loops for `f32` and `f64` are the same
//! formula compiled for those types. Integers are not reals: kernels for them use [`Element`] alone.

use crate::dd::Dd;
use crate::dtype::Element;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Declares [`Real`] and implements it for the three types: functions that `std` and double-double both have under
/// one name are listed once, the rest is written out.
macro_rules! real {
    // The functions that f32 has of its own (`math.rs`); all others are those of the type.
    (@call f32, exp($x:expr)) => { crate::scalar::math::exp($x) };
    (@call f32, exp2($x:expr)) => { crate::scalar::math::exp2($x) };
    (@call f32, exp_m1($x:expr)) => { crate::scalar::math::exp_m1($x) };
    (@call f32, ln($x:expr)) => { crate::scalar::math::ln($x) };
    (@call f32, ln_1p($x:expr)) => { crate::scalar::math::ln_1p($x) };
    (@call f32, log2($x:expr)) => { crate::scalar::math::log2($x) };
    (@call f32, log10($x:expr)) => { crate::scalar::math::log10($x) };
    (@call f32, sin($x:expr)) => { crate::scalar::math::sin($x) };
    (@call f32, cos($x:expr)) => { crate::scalar::math::cos($x) };
    (@call f32, tanh($x:expr)) => { crate::scalar::math::tanh($x) };
    (@call $t:ident, $name:ident($x:expr $(, $arg:expr)*)) => { <$t>::$name($x $(, $arg)*) };
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        /// A floating number type: IEEE single, IEEE double, or double-double.
        ///
        /// Functions have the meaning of `f64`'s of the same name, special values included.
        ///
        /// ```
        /// use pullback_array::{Real, dd::Dd};
        /// fn logistic<T: Real>(x: T) -> T {
        ///     T::ONE / (T::ONE + (-x).exp())
        /// }
        /// assert_eq!(logistic(0.0f32), 0.5);
        /// assert_eq!(logistic(Dd::from(0.0)), Dd::from(0.5));
        /// ```
        pub trait Real:
            Element
            + Add<Output = Self>
            + Sub<Output = Self>
            + Mul<Output = Self>
            + Div<Output = Self>
            + Neg<Output = Self>
            + AddAssign
            + PartialOrd
        {
            /// Zero.
            const ZERO: Self;
            /// One.
            const ONE: Self;
            /// A constant given in double precision. One that is not exact in binary (2/√π) must be made by
            /// [`Real::parse`] or from functions, or double-double results are good to 16 digits only.
            #[inline(always)]
            fn lit(x: f64) -> Self {
                Self::from_f64(x)
            }
            /// A constant given as decimal digits, to the full precision of the type. Panics on text that is no number:
            /// constants are ours, not a user's.
            fn parse(digits: &'static str) -> Self;
            /// The error function 2/√π ∫₀ˣ exp(-t²) dt.
            fn erf(self) -> Self;
            /// 1 - erf(x), accurate where that is tiny.
            fn erfc(self) -> Self;
            /// The remainder with the dividend's sign (C's `fmod`).
            fn rem(self, y: Self) -> Self;
            $($(#[$doc])* fn $name(self $(, $arg: $ty)*) -> $ret;)*
        }
        real!(@impl f32, 0.0, 1.0, |s: &'static str| s.parse().expect("a number"), crate::scalar::math::erf, libm::erfcf, $($name($($arg: $ty),*) -> $ret;)*);
        real!(@impl f64, 0.0, 1.0, |s: &'static str| s.parse().expect("a number"), libm::erf, libm::erfc, $($name($($arg: $ty),*) -> $ret;)*);
        real!(@impl Dd, Dd::ZERO, Dd::ONE, |s: &'static str| s.parse().expect("a number"), Dd::erf, Dd::erfc, $($name($($arg: $ty),*) -> $ret;)*);
    };
    (@impl $t:ident, $zero:expr, $one:expr, $parse:expr, $erf:path, $erfc:path, $($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        impl Real for $t {
            const ZERO: Self = $zero;
            const ONE: Self = $one;
            fn parse(digits: &'static str) -> Self {
                let parse: fn(&'static str) -> $t = $parse;
                parse(digits)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $erf(self)
            }
            #[inline(always)]
            fn erfc(self) -> Self {
                $erfc(self)
            }
            #[inline(always)]
            fn rem(self, y: Self) -> Self {
                self % y
            }
            $(#[inline(always)]
            fn $name(self $(, $arg: $ty)*) -> $ret {
                real!(@call $t, $name(self $(, $arg)*))
            })*
        }
    };
}

real! {
    /// Magnitude.
    abs() -> Self;
    /// √x.
    sqrt() -> Self;
    /// eˣ.
    exp() -> Self;
    /// 2ˣ.
    exp2() -> Self;
    /// Cancellation-free eˣ - 1.
    exp_m1() -> Self;
    /// Natural logarithm.
    ln() -> Self;
    /// Cancellation-free ln(1 + x).
    ln_1p() -> Self;
    /// Logarithm to base 2.
    log2() -> Self;
    /// Logarithm to base 10.
    log10() -> Self;
    /// Sine.
    sin() -> Self;
    /// Cosine.
    cos() -> Self;
    /// Tangent.
    tan() -> Self;
    /// Inverse sine.
    asin() -> Self;
    /// Inverse cosine.
    acos() -> Self;
    /// Inverse tangent.
    atan() -> Self;
    /// Hyperbolic sine.
    sinh() -> Self;
    /// Hyperbolic cosine.
    cosh() -> Self;
    /// Hyperbolic tangent.
    tanh() -> Self;
    /// Largest integer not above.
    floor() -> Self;
    /// Smallest integer not below.
    ceil() -> Self;
    /// Nearest integer, ties to even (what PyTorch's `round` does).
    round_ties_even() -> Self;
    /// Integer part.
    trunc() -> Self;
    /// Angle of the point (x, self).
    atan2(x: Self) -> Self;
    /// √(x² + y²) without overflow on the way.
    hypot(y: Self) -> Self;
    /// Magnitude of `self` with the sign of `sign`.
    copysign(sign: Self) -> Self;
    /// To an integer power by repeated multiplication.
    powi(n: i32) -> Self;
    /// To a real power.
    powf(y: Self) -> Self;
    /// Not a number.
    is_nan() -> bool;
    /// Neither infinite nor NaN.
    is_finite() -> bool;
    /// Whether the sign bit is set (true for -0).
    is_sign_negative() -> bool;
}
