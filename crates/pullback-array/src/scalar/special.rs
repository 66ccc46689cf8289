//! Special functions that neither `std` nor `libm` has: inverse error function, polygamma, modified Bessel functions.
//!
//! In single precision they are computed in double; in double by the methods that PyTorch uses too (rational starts and
//! Newton steps, Euler-Maclaurin sums); in double-double by series good to about 100 bits. At special values results are PyTorch's.

use crate::dd::{Dd, STIRLING};
use crate::scalar::bessel;
use crate::scalar::real::Real;

/// A floating number type with the special functions.
///
/// ```
/// use pullback_array::Special;
/// assert!((0.5f64.erfinv() - 0.4769362762044699).abs() < 1e-15);
/// assert!((1.0f64.polygamma(1) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-14);
/// assert!((1.0f64.i0() - 1.2660658777520084).abs() < 1e-15);
/// ```
pub trait Special: Real {
    /// The x whose error function is `self`; infinite at ±1, NaN beyond.
    fn erfinv(self) -> Self;
    /// ln |Γ(x)|; infinite at 0 and the negative integers.
    fn lgamma(self) -> Self;
    /// The derivative of [`Special::lgamma`]: ±∞ at ∓0, NaN at the negative integers.
    fn digamma(self) -> Self;
    /// The derivative of order `n ≥ 1` of [`Special::digamma`].
    fn polygamma(self, n: u32) -> Self;
    /// Modified Bessel function of the first kind and order 0.
    fn i0(self) -> Self;
    /// Modified Bessel function of the first kind and order 1.
    fn i1(self) -> Self;
    /// e^-|x| times [`Special::i0`].
    fn i0e(self) -> Self;
    /// e^-|x| times [`Special::i1`].
    fn i1e(self) -> Self;
    /// Inverse hyperbolic sine.
    fn asinh(self) -> Self;
    /// Inverse hyperbolic cosine.
    fn acosh(self) -> Self;
    /// Inverse hyperbolic tangent.
    fn atanh(self) -> Self;
    /// The next number of this type towards `to`.
    #[must_use]
    fn nextafter(self, to: Self) -> Self;
}

/// Halley's iteration for erf x = y, in the form that is exact to the last digits on its side of 0.7.
fn erfinv<T: Real>(y: T, start: impl FnOnce(f64, f64) -> f64, steps: usize) -> T {
    let a = y.abs();
    if a.is_nan() || a > T::ONE {
        return T::lit(f64::NAN);
    }
    if a == T::ONE {
        return T::lit(f64::INFINITY).copysign(y);
    }
    let rest = T::ONE - a;
    let mut x = T::lit(start(a.to_f64(), rest.to_f64()));
    let scale = T::from_dd(Dd::FRAC_2_SQRT_PI);
    for _ in 0..steps {
        let off = if a < T::lit(0.7) {
            x.erf() - a
        } else {
            rest - x.erfc()
        };
        let step = off / (scale * (-(x * x)).exp());
        x = x - step / (T::ONE + x * step);
    }
    x.copysign(y)
}

/// A rational approximation of erfinv at `a` = 1 - `rest`, good to about nine digits.
fn erfinv_start(a: f64, rest: f64) -> f64 {
    if a <= 0.7 {
        let z = a * a;
        let num = ((-0.140543331 * z + 0.914624893) * z - 1.645349621) * z + 0.886226899;
        let den = (((0.012229801 * z - 0.329097515) * z + 1.442710462) * z - 2.118377725) * z + 1.0;
        a * num / den
    } else {
        let z = (-(rest / 2.0).ln()).sqrt();
        let num = ((1.641345311 * z + 3.429567803) * z - 1.624906493) * z - 1.970840454;
        num / ((1.637067800 * z + 3.543889200) * z + 1.0)
    }
}

/// Which terms of the Euler-Maclaurin series are used, and from where on: coefficients B₂ₖ/(2k(2k - 1)).
struct Series<T> {
    coefficients: [T; 16],
    large: f64,
}

/// Hurwitz's ζ(s, q), the sum of (q + k)^-s, for an integer s > 1 and a finite q that is no pole.
fn zeta<T: Real>(s: i32, mut q: T, series: &Series<T>) -> T {
    if q < T::ZERO {
        // Σ over the terms on both sides of 0, less those beyond the first one. Both distances are exact: a small one must not vanish
        // beside 1.
        let (below, above) = (q.floor(), q.floor() + T::ONE);
        let r = q - below;
        let left = zeta(s, above - q, series) - zeta(s, T::ONE - q, series);
        let right = zeta(s, r, series);
        return if s % 2 == 0 {
            right + left
        } else {
            right - left
        };
    }
    let mut sum = T::ZERO;
    while q < T::lit(series.large) {
        sum += q.powi(-s);
        q += T::ONE;
    }
    let power = q.powi(-s);
    // Far out the power is nothing (or has few digits) where the first term is still a number.
    let first = if power < T::lit(1e-270) {
        q.powi(1 - s)
    } else {
        power * q
    };
    sum += first / T::lit(f64::from(s - 1)) + power * T::lit(0.5);
    // s(s+1)…(s+2k-2)/(2k-2)! · q^(1-s-2k)
    let mut factor = T::lit(f64::from(s)) * power / q;
    for (k, &c) in series.coefficients.iter().enumerate() {
        let term = c * factor;
        sum += term;
        if term.abs() <= sum.abs() * T::lit(1e-33) {
            break;
        }
        let (m, i) = (f64::from(s) + 2.0 * k as f64, 2.0 * k as f64);
        factor = factor * T::lit((m + 1.0) * (m + 2.0)) / T::lit((i + 1.0) * (i + 2.0)) / (q * q);
    }
    sum
}

/// The derivative of order `n` of digamma: (-1)ⁿ⁺¹ n! ζ(n + 1, x).
fn polygamma<T: Real>(x: T, n: u32, series: &Series<T>) -> T {
    let sign = if n.is_multiple_of(2) { -T::ONE } else { T::ONE };
    let downmost = n == 1 && x == T::lit(f64::NEG_INFINITY);
    if x <= T::ZERO && x.floor() == x && !downmost {
        return sign * T::lit(f64::INFINITY);
    }
    if x.is_nan() || !x.is_finite() {
        // PyTorch has a form of its own for the trigamma function, and in the others 0·∞ at infinity.
        let limit = if n == 1 && x > T::ZERO { 0.0 } else { f64::NAN };
        return T::lit(limit);
    }
    // Infinite long before this in every dtype: an order that a user gives may be any number.
    let factorial = (1..=n.min(4096)).fold(T::ONE, |f, i| f * T::lit(f64::from(i)));
    let order = n.min(4096) as i32 + 1;
    sign * factorial * zeta(order, x, series)
}

/// PyTorch's trigamma function, in single precision throughout: beside the negative integers the rounding of π·x shows.
fn trigamma(mut x: f32) -> f32 {
    use std::f32::consts::PI;
    let (mut sign, mut sum) = (1.0, 0.0);
    if x < 0.5 {
        let sine = (PI * x).sin();
        sign = -1.0;
        sum -= (PI * PI) / (sine * sine);
        x = 1.0 - x;
    }
    for _ in 0..6 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let i = 1.0 / (x * x);
    sum += (1.0 + 1.0 / (2.0 * x) + i * (1.0 / 6.0 - i * (1.0 / 30.0 - i * (1.0 / 42.0)))) / x;
    sign * sum
}

fn digamma(mut x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x == x.trunc() {
            return f64::NAN;
        }
        // The fraction alone, since π·x would lose digits of it.
        let turn = std::f64::consts::PI * x.fract();
        return digamma(1.0 - x) - std::f64::consts::PI / turn.tan();
    }
    let mut result = 0.0;
    while x < 10.0 {
        result -= 1.0 / x;
        x += 1.0;
    }
    let y = if x < 1e17 {
        let z = 1.0 / (x * x);
        let series = [
            1.0 / 12.0,
            -691.0 / 32760.0,
            1.0 / 132.0,
            -1.0 / 240.0,
            1.0 / 252.0,
            -1.0 / 120.0,
            1.0 / 12.0,
        ];
        z * series.iter().fold(0.0, |sum, c| sum * z + c)
    } else {
        0.0
    };
    result + x.ln() - 0.5 / x - y
}

impl Special for f64 {
    fn asinh(self) -> f64 {
        libm::asinh(self)
    }
    fn acosh(self) -> f64 {
        // libm's has numbers far below 1.
        if self < 1.0 {
            return f64::NAN;
        }
        libm::acosh(self)
    }
    fn atanh(self) -> f64 {
        libm::atanh(self)
    }
    fn erfinv(self) -> f64 {
        erfinv(self, erfinv_start, 2)
    }
    fn lgamma(self) -> f64 {
        libm::lgamma(self)
    }
    fn digamma(self) -> f64 {
        digamma(self)
    }
    fn polygamma(self, n: u32) -> f64 {
        let series = Series {
            coefficients: STIRLING.map(Dd::to_f64),
            large: 16.0 + f64::from(n),
        };
        polygamma(self, n, &series)
    }
    fn i0(self) -> f64 {
        let x = self.abs();
        x.exp() * bessel::scaled(x, 0)
    }
    fn i1(self) -> f64 {
        let x = self.abs();
        bessel::odd(self, x.exp() * bessel::scaled(x, 1))
    }
    fn i0e(self) -> f64 {
        bessel::scaled(self.abs(), 0)
    }
    fn i1e(self) -> f64 {
        bessel::odd(self, bessel::scaled(self.abs(), 1))
    }
    fn nextafter(self, to: f64) -> f64 {
        libm::nextafter(self, to)
    }
}

impl Special for f32 {
    fn asinh(self) -> f32 {
        libm::asinhf(self)
    }
    fn acosh(self) -> f32 {
        if self < 1.0 {
            return f32::NAN;
        }
        libm::acoshf(self)
    }
    fn atanh(self) -> f32 {
        libm::atanhf(self)
    }
    fn erfinv(self) -> f32 {
        f64::from(self).erfinv() as f32
    }
    fn lgamma(self) -> f32 {
        libm::lgamma(f64::from(self)) as f32
    }
    fn digamma(self) -> f32 {
        digamma(f64::from(self)) as f32
    }
    fn polygamma(self, n: u32) -> f32 {
        if n == 1 {
            return trigamma(self);
        }
        f64::from(self).polygamma(n) as f32
    }
    fn i0(self) -> f32 {
        f64::from(self).i0() as f32
    }
    fn i1(self) -> f32 {
        f64::from(self).i1() as f32
    }
    fn i0e(self) -> f32 {
        f64::from(self).i0e() as f32
    }
    fn i1e(self) -> f32 {
        f64::from(self).i1e() as f32
    }
    fn nextafter(self, to: f32) -> f32 {
        libm::nextafterf(self, to)
    }
}

impl Special for Dd {
    fn asinh(self) -> Dd {
        Dd::asinh(self)
    }
    fn acosh(self) -> Dd {
        Dd::acosh(self)
    }
    fn atanh(self) -> Dd {
        Dd::atanh(self)
    }
    fn erfinv(self) -> Dd {
        erfinv(self, erfinv_start, 4)
    }
    fn lgamma(self) -> Dd {
        Dd::lgamma(self)
    }
    fn digamma(self) -> Dd {
        Dd::digamma(self)
    }
    fn polygamma(self, n: u32) -> Dd {
        let series = Series {
            coefficients: STIRLING,
            large: 40.0 + 2.0 * f64::from(n),
        };
        polygamma(self, n, &series)
    }
    fn i0(self) -> Dd {
        let x = self.abs();
        x.exp() * bessel::wide(x, 0)
    }
    fn i1(self) -> Dd {
        let x = self.abs();
        bessel::odd(self, x.exp() * bessel::wide(x, 1))
    }
    fn i0e(self) -> Dd {
        bessel::wide(self.abs(), 0)
    }
    fn i1e(self) -> Dd {
        bessel::odd(self, bessel::wide(self.abs(), 1))
    }
    /// A step of the low part, so far as it has one.
    fn nextafter(self, to: Dd) -> Dd {
        if self.is_nan() || to.is_nan() {
            return Dd::NAN;
        }
        if self == to {
            return to;
        }
        let towards = if to > self {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        };
        if self.hi() == 0.0 || !self.is_finite() {
            return Dd::from(libm::nextafter(self.hi(), towards));
        }
        Dd::from_parts(self.hi(), libm::nextafter(self.lo(), towards))
    }
}
