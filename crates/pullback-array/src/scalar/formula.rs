//! Formulas as values: a type whose `at` is written once, generic over what a number is.
//!
//! The same text is compiled into the loops of `f32` and `f64`, computes in double-double, and with a symbol for its number it
//! records the expression that it is ([`Expression`](super::expression::Expression)): its derivative, its text, and the source of kernels
//! that are made later. So a formula has no `if`: what depends on a comparison is [`Scalar::choose`]. Algorithms (digamma, Bessel functions) are
//! not written in it but called by name, and are recorded as calls.
//!
//! Not here: integers, which have ring arithmetic only ([`Arith`](super::arith::Arith)), and loops over arrays.

use crate::dd::Dd;
use crate::scalar::expression::{Comparison, Symbol};
use crate::scalar::quick;
use crate::scalar::real::Real;
use crate::scalar::series::Series;
use crate::scalar::special::Special;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// What a comparison of numbers gives: `bool`, or a symbol.
pub trait Truth: Copy + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self> {}

impl Truth for bool {}

/// An elementwise formula of `N` numbers.
///
/// ```
/// use pullback_array::{Expression, Formula, Scalar};
/// struct Logistic;
/// impl Formula<1> for Logistic {
///     fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
///         T::ONE / (T::ONE + (-x).exp())
///     }
/// }
/// assert_eq!(Logistic.at([0.0f32]), 0.5);
/// assert_eq!(Expression::of(&Logistic).to_string(), "1/(1 + exp(-x))");
/// ```
pub trait Formula<const N: usize> {
    /// The value.
    fn at<T: Scalar>(&self, x: [T; N]) -> T;
}

/// Declares [`Scalar`] with its functions, and [`Function`], the list of their names.
macro_rules! functions {
    (
        one { $($(#[$doc:meta])* $one:ident $One:ident $of:ident;)* }
        two { $($(#[$doc2:meta])* $two:ident $Two:ident $of2:ident;)* }
    ) => {
        /// A number that formulas are written in: `f32`, `f64`, double-double, or a symbol that records.
        ///
        /// Functions have the meaning of `f64`'s of the same name, special values included.
        pub trait Scalar:
            Copy
            + Add<Output = Self>
            + Sub<Output = Self>
            + Mul<Output = Self>
            + Div<Output = Self>
            + Neg<Output = Self>
        {
            /// What comparisons give.
            type Truth: Truth;
            /// Zero.
            const ZERO: Self;
            /// One.
            const ONE: Self;
            /// A constant given in double precision; one that is not exact there is [`Scalar::constant`]'s.
            fn lit(x: f64) -> Self;
            /// A constant known to 32 digits, rounded to the type.
            fn constant(x: Dd) -> Self;
            /// `self > other`.
            fn above(self, other: Self) -> Self::Truth;
            /// `self ≥ other`.
            fn at_least(self, other: Self) -> Self::Truth;
            /// `self < other`.
            fn below(self, other: Self) -> Self::Truth;
            /// `self ≤ other`.
            fn at_most(self, other: Self) -> Self::Truth;
            /// `self = other`.
            fn equals(self, other: Self) -> Self::Truth;
            /// Not a number.
            fn is_nan(self) -> Self::Truth;
            /// Neither infinite nor NaN.
            fn is_finite(self) -> Self::Truth;
            /// `then` where the condition holds, else `otherwise`. Loops compute what is cheap on both sides and select.
            fn choose(
                condition: Self::Truth,
                then: impl FnOnce() -> Self,
                otherwise: impl FnOnce() -> Self,
            ) -> Self;
            /// The derivative of order `n ≥ 1` of digamma.
            fn polygamma(self, n: u32) -> Self;
            /// The derivative of order `n ≥ 1` of erfcx.
            fn erfcx_derivative(self, n: u32) -> Self;
            $($(#[$doc])* fn $one(self) -> Self;)*
            $($(#[$doc2])* fn $two(self, other: Self) -> Self;)*
        }

        impl<T: Real + Special + Series> Scalar for T {
            type Truth = bool;
            const ZERO: T = T::ZERO;
            const ONE: T = T::ONE;
            #[inline(always)]
            fn lit(x: f64) -> T {
                T::from_f64(x)
            }
            #[inline(always)]
            fn constant(x: Dd) -> T {
                T::from_dd(x)
            }
            #[inline(always)]
            fn above(self, other: T) -> bool {
                self > other
            }
            #[inline(always)]
            fn at_least(self, other: T) -> bool {
                self >= other
            }
            #[inline(always)]
            fn below(self, other: T) -> bool {
                self < other
            }
            #[inline(always)]
            fn at_most(self, other: T) -> bool {
                self <= other
            }
            #[inline(always)]
            fn equals(self, other: T) -> bool {
                self == other
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                Real::is_nan(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                Real::is_finite(self)
            }
            #[inline(always)]
            fn choose(condition: bool, then: impl FnOnce() -> T, otherwise: impl FnOnce() -> T) -> T {
                if condition { then() } else { otherwise() }
            }
            #[inline(always)]
            fn polygamma(self, n: u32) -> T {
                Special::polygamma(self, n)
            }
            fn erfcx_derivative(self, n: u32) -> T {
                T::from_dd(crate::scalar::erfcx::erfcx_derivative(self.to_dd(), n))
            }
            $(#[inline(always)]
            fn $one(self) -> T {
                functions!(@call $of, $one(self))
            })*
            $(#[inline(always)]
            fn $two(self, other: T) -> T {
                functions!(@call $of2, $two(self, other))
            })*
        }

        impl Scalar for Symbol {
            type Truth = Symbol;
            const ZERO: Symbol = Symbol::number(Dd::ZERO);
            const ONE: Symbol = Symbol::number(Dd::ONE);
            fn lit(x: f64) -> Symbol {
                Symbol::number(Dd::from(x))
            }
            fn constant(x: Dd) -> Symbol {
                Symbol::number(x)
            }
            fn above(self, other: Symbol) -> Symbol {
                self.compare(Comparison::Above, other)
            }
            fn at_least(self, other: Symbol) -> Symbol {
                self.compare(Comparison::AtLeast, other)
            }
            fn below(self, other: Symbol) -> Symbol {
                self.compare(Comparison::Below, other)
            }
            fn at_most(self, other: Symbol) -> Symbol {
                self.compare(Comparison::AtMost, other)
            }
            fn equals(self, other: Symbol) -> Symbol {
                self.compare(Comparison::Equal, other)
            }
            fn is_nan(self) -> Symbol {
                self.ask_nan()
            }
            fn is_finite(self) -> Symbol {
                self.ask_finite()
            }
            fn choose(
                condition: Symbol,
                then: impl FnOnce() -> Symbol,
                otherwise: impl FnOnce() -> Symbol,
            ) -> Symbol {
                condition.choice(then(), otherwise())
            }
            fn polygamma(self, n: u32) -> Symbol {
                self.call(Function::Polygamma(n), self)
            }
            fn erfcx_derivative(self, n: u32) -> Symbol {
                self.call(Function::ErfcxDerivative(n), self)
            }
            $(fn $one(self) -> Symbol {
                self.call(Function::$One, self)
            })*
            $(fn $two(self, other: Symbol) -> Symbol {
                self.call(Function::$Two, other)
            })*
        }

        /// A function that formulas call by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Function {
            $($(#[$doc])* $One,)*
            $($(#[$doc2])* $Two,)*
            /// The derivative of this order of digamma.
            Polygamma(u32),
            /// The derivative of this order of erfcx.
            ErfcxDerivative(u32),
        }

        impl Function {
            /// The name of the method of [`Scalar`].
            pub const fn name(self) -> &'static str {
                match self {
                    $(Function::$One => stringify!($one),)*
                    $(Function::$Two => stringify!($two),)*
                    Function::Polygamma(_) => "polygamma",
                    Function::ErfcxDerivative(_) => "erfcx_derivative",
                }
            }

            /// The function of `a`, and of `b` where it takes two.
            pub fn call<T: Scalar>(self, a: T, b: T) -> T {
                match self {
                    $(Function::$One => a.$one(),)*
                    $(Function::$Two => a.$two(b),)*
                    Function::Polygamma(n) => a.polygamma(n),
                    Function::ErfcxDerivative(n) => a.erfcx_derivative(n),
                }
            }

            /// The order of the derivative that it is, for those that are one.
            pub const fn order(self) -> Option<u32> {
                if let Function::Polygamma(n) | Function::ErfcxDerivative(n) = self {
                    Some(n)
                } else {
                    None
                }
            }

            /// How many numbers it takes.
            pub const fn arity(self) -> usize {
                match self {
                    $(Function::$Two => 2,)*
                    _ => 1,
                }
            }
        }
    };
    (@call quick, $name:ident($($x:expr),*)) => { quick::$name($($x),*) };
    (@call $of:ident, $name:ident($($x:expr),*)) => { $of::$name($($x),*) };
}

functions! {
    one {
    /// Magnitude.
    abs Abs Real;
    /// √x.
    sqrt Sqrt Real;
    /// eˣ.
    exp Exp Real;
    /// eˣ, in single precision to its last digit or two by a form without branches: for long formulas.
    exp_quick ExpQuick quick;
    /// Φ(x), the probability that a normal number is below x; in single precision as [`Scalar::exp_quick`].
    normal_quick NormalQuick quick;
    /// 2ˣ.
    exp2 Exp2 Real;
    /// Cancellation-free eˣ - 1.
    exp_m1 ExpM1 Real;
    /// Natural logarithm.
    ln Ln Real;
    /// Cancellation-free ln(1 + x).
    ln_1p Ln1p Real;
    /// Logarithm to base 2.
    log2 Log2 Real;
    /// Logarithm to base 10.
    log10 Log10 Real;
    /// Sine.
    sin Sin Real;
    /// Cosine.
    cos Cos Real;
    /// Tangent.
    tan Tan Real;
    /// Inverse sine.
    asin Asin Real;
    /// Inverse cosine.
    acos Acos Real;
    /// Inverse tangent.
    atan Atan Real;
    /// Hyperbolic sine.
    sinh Sinh Real;
    /// Hyperbolic cosine.
    cosh Cosh Real;
    /// Hyperbolic tangent.
    tanh Tanh Real;
    /// Inverse hyperbolic sine.
    asinh Asinh Special;
    /// Inverse hyperbolic cosine.
    acosh Acosh Special;
    /// Inverse hyperbolic tangent.
    atanh Atanh Special;
    /// Largest integer not above.
    floor Floor Real;
    /// Smallest integer not below.
    ceil Ceil Real;
    /// Nearest integer, ties to even.
    round_ties_even Round Real;
    /// Integer part.
    trunc Trunc Real;
    /// The error function.
    erf Erf Real;
    /// 1 - erf(x), accurate where that is tiny.
    erfc Erfc Real;
    /// The inverse of the error function.
    erfinv Erfinv Special;
    /// ln |Γ(x)|.
    lgamma Lgamma Special;
    /// The derivative of ln |Γ(x)|.
    digamma Digamma Special;
    /// Modified Bessel function of the first kind and order 0.
    i0 I0 Special;
    /// Modified Bessel function of the first kind and order 1.
    i1 I1 Special;
    /// e^-|x| I₀(x).
    i0e I0e Special;
    /// e^-|x| I₁(x).
    i1e I1e Special;
    /// Bessel function of the first kind and order 0.
    bessel_j0 BesselJ0 Series;
    /// Bessel function of the first kind and order 1.
    bessel_j1 BesselJ1 Series;
    /// Bessel function of the second kind and order 0.
    bessel_y0 BesselY0 Series;
    /// Bessel function of the second kind and order 1.
    bessel_y1 BesselY1 Series;
    /// Modified Bessel function of the second kind and order 0.
    bessel_k0 BesselK0 Series;
    /// Modified Bessel function of the second kind and order 1.
    bessel_k1 BesselK1 Series;
    /// e^(x²) erfc x.
    erfcx Erfcx Series;
    /// ln Φ(x), accurate where Φ is tiny.
    log_ndtr LogNdtr Series;
    /// The x with Φ(x) = p.
    ndtri Ndtri Series;
    }
    two {
    /// Angle of the point (other, self).
    atan2 Atan2 Real;
    /// √(x² + y²) without overflow on the way.
    hypot Hypot Real;
    /// Magnitude of `self` with the sign of `other`.
    copysign Copysign Real;
    /// To a real power.
    powf Powf Real;
    /// The remainder with the dividend's sign.
    rem Rem Real;
    /// The next number of the type towards `other`.
    nextafter Nextafter Special;
    }
}
