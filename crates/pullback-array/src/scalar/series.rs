//! Special functions that are summed in double-double and rounded once: Bessel functions J, Y and K, Airy's function, the scaled
//! complement of the error function, the normal distribution's inverse, Hurwitz' zeta function.
//!
//! Near the origin the power series, whose cancellation double-double has digits to spare for; far out the asymptotic series, which
//! are cut before they diverge. Those of Bessel and Airy are in `bessel_series`. Not for: I₀ and I₁ (`bessel`), gamma functions (`special`).

use crate::dd::Dd;
use crate::scalar::bessel_series::{airy_ai, j, k, k_scaled, y};
use crate::scalar::incomplete;
use crate::scalar::real::Real;

/// Euler's constant.
pub(super) fn gamma() -> Dd {
    Dd::parse("0.577215664901532860606512090082402431042")
}

pub(super) fn lit(x: f64) -> Dd {
    Dd::from(x)
}

pub(super) fn tiny(term: Dd, sum: Dd) -> bool {
    term.to_f64().abs() <= sum.to_f64().abs() * 1e-34
}

/// e^(x²) erfc x.
fn erfcx(x: Dd) -> Dd {
    let v = x.to_f64();
    if v.is_nan() {
        return x;
    }
    if v < 12.0 {
        // Infinite below -26.7, as the exponential is.
        return (x * x).exp() * Real::erfc(x);
    }
    if v.is_infinite() {
        return Dd::ZERO;
    }
    let step = (lit(2.0) * x * x).recip();
    let (mut term, mut sum) = (Dd::ONE, Dd::ONE);
    for k in 1..100 {
        let next = -term * lit(f64::from(2 * k - 1)) * step;
        if next.to_f64().abs() >= term.to_f64().abs() || tiny(next, sum) {
            break;
        }
        term = next;
        sum += term;
    }
    sum / (Dd::PI.sqrt() * x)
}

/// ln Φ(x).
fn log_ndtr(x: Dd) -> Dd {
    let t = x * Dd::FRAC_1_SQRT_2;
    match x.to_f64() < -1.0 {
        true if x.is_infinite() => Dd::NEG_INFINITY,
        true => (erfcx(-t) * lit(0.5)).ln() - t * t,
        false => (-Real::erfc(t) * lit(0.5)).ln_1p(),
    }
}

/// The x with Φ(x) = p.
fn ndtri(p: Dd) -> Dd {
    let half = lit(0.5);
    if p == Dd::ZERO {
        return Dd::NEG_INFINITY;
    }
    if p == Dd::ONE {
        return Dd::INFINITY;
    }
    if !(p > Dd::ZERO && p < Dd::ONE) {
        return Dd::NAN;
    }
    if p == half {
        return Dd::ZERO;
    }
    let upper = p > half;
    let q = if upper { Dd::ONE - p } else { p };
    let log = q.ln();
    let t = (-2.0 * log.to_f64()).sqrt();
    // Abramowitz and Stegun 26.2.23, good to 4.5e-4; then Newton's steps on ln Φ, which is nearly quadratic.
    let start = t
        - (2.515517 + t * (0.802853 + t * 0.010328))
            / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    let mut x = lit(-start);
    for _ in 0..5 {
        let value = log_ndtr(x);
        let slope = (-x * x * half - value).exp() / (Dd::TAU).sqrt();
        x -= (value - log) / slope;
    }
    if upper { -x } else { x }
}

/// Σ (q + k)^-x over k ≥ 0, by Euler and Maclaurin.
fn zeta(x: Dd, q: Dd) -> Dd {
    if x.is_nan() || q.is_nan() {
        return Dd::NAN;
    }
    if x == Dd::ONE {
        return Dd::INFINITY;
    }
    if x < Dd::ONE {
        return Dd::NAN;
    }
    if q <= Dd::ZERO {
        if q == q.floor() {
            return Dd::INFINITY;
        }
        // A fractional power of a negative number is none.
        if x != x.floor() {
            return Dd::NAN;
        }
    }
    if !x.is_finite() || q.is_infinite() {
        return match q.is_infinite() || q > Dd::ONE {
            true => Dd::ZERO,
            // Of one only the first term is left.
            false if q == Dd::ONE => Dd::ONE,
            false => Dd::INFINITY,
        };
    }
    // Bernoulli numbers of even order, as fractions.
    const BERNOULLI: [(f64, f64); 13] = [
        (1.0, 6.0),
        (-1.0, 30.0),
        (1.0, 42.0),
        (-1.0, 30.0),
        (5.0, 66.0),
        (-691.0, 2730.0),
        (7.0, 6.0),
        (-3617.0, 510.0),
        (43867.0, 798.0),
        (-174_611.0, 330.0),
        (854_513.0, 138.0),
        (-236_364_091.0, 2730.0),
        (8_553_103.0, 6.0),
    ];
    let power = |a: Dd| match a > Dd::ZERO {
        true => a.powf(-x),
        // Whole powers only, as was seen to.
        false => {
            let size = a.abs().powf(-x);
            let odd = (x * lit(0.5)).floor() * lit(2.0) != x;
            if odd { -size } else { size }
        }
    };
    let (mut a, mut sum) = (q, Dd::ZERO);
    let mut count = 0;
    while count < 30 || a.to_f64() < 30.0 {
        let term = power(a);
        sum += term;
        a += Dd::ONE;
        count += 1;
        if a.to_f64() > 1.0 && tiny(term, sum) || count > 100_000 {
            return sum;
        }
    }
    let last = power(a);
    sum = sum + last * a / (x - Dd::ONE) + last * lit(0.5);
    // (x)₂ₖ₋₁ a^-(x + 2k - 1) B₂ₖ/(2k)!.
    let mut factor = x * last / a;
    let mut factorial = lit(2.0);
    for (k, (n, d)) in BERNOULLI.into_iter().enumerate() {
        let term = factor * lit(n) / (lit(d) * factorial);
        sum += term;
        if tiny(term, sum) {
            break;
        }
        let m = lit(2.0 * k as f64);
        factor = factor * (x + m + Dd::ONE) * (x + m + lit(2.0)) / (a * a);
        factorial = factorial * (m + lit(3.0)) * (m + lit(4.0));
    }
    sum
}

/// Declares [`Series`] and implements it: in double-double by the functions above, in narrower types by rounding what they give.
macro_rules! series {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) = |$x:ident| $value:expr;)*) => {
        /// A floating number type with the functions that are sums of series.
        ///
        /// ```
        /// use pullback_array::Series;
        /// assert!((1.0f64.bessel_j0() - 0.7651976865579666).abs() < 1e-15);
        /// assert!((0.975f64.ndtri() - 1.959963984540054).abs() < 1e-15);
        /// ```
        pub trait Series: Real {
            $($(#[$doc])* #[must_use] fn $name(self $(, $arg: Self)*) -> Self;)*
        }
        impl Series for Dd {
            $(fn $name(self $(, $arg: Dd)*) -> Dd { let $x = self; $value })*
        }
        impl Series for f64 {
            $(fn $name(self $(, $arg: f64)*) -> f64 { Series::$name(Dd::from(self) $(, Dd::from($arg))*).to_f64() })*
        }
        impl Series for f32 {
            $(fn $name(self $(, $arg: f32)*) -> f32 { Series::$name(Dd::from(f64::from(self)) $(, Dd::from(f64::from($arg)))*).to_f64() as f32 })*
        }
    };
}

series! {
    /// Bessel function of the first kind and order 0.
    bessel_j0() = |x| j(x, 0);
    /// Bessel function of the first kind and order 1.
    bessel_j1() = |x| j(x, 1);
    /// Bessel function of the second kind and order 0: -∞ at 0, NaN below.
    bessel_y0() = |x| y(x, 0);
    /// Bessel function of the second kind and order 1: -∞ at 0, NaN below.
    bessel_y1() = |x| y(x, 1);
    /// Modified Bessel function of the second kind and order 0: ∞ at 0, NaN below.
    bessel_k0() = |x| k(x, 0);
    /// Modified Bessel function of the second kind and order 1: ∞ at 0, NaN below.
    bessel_k1() = |x| k(x, 1);
    /// eˣ times [`Series::bessel_k0`].
    bessel_k0e() = |x| k_scaled(x, 0);
    /// eˣ times [`Series::bessel_k1`].
    bessel_k1e() = |x| k_scaled(x, 1);
    /// Airy's function Ai.
    airy_ai() = |x| airy_ai(x);
    /// e^(x²) erfc x.
    erfcx() = |x| erfcx(x);
    /// ln Φ(x), accurate where Φ is tiny.
    log_ndtr() = |x| log_ndtr(x);
    /// The x with Φ(x) = p.
    ndtri() = |x| ndtri(x);
    /// Hurwitz' zeta function Σ (q + k)^-x.
    zeta(q) = |x| zeta(x, q);
    /// The share of Γ(self) below `x`, the regularised lower incomplete gamma function.
    gammainc(x) = |a| incomplete::lower(a, x);
    /// The share of Γ(self) above `x`, the regularised upper incomplete gamma function.
    gammaincc(x) = |a| incomplete::upper(a, x);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To 30 digits by another program (mpmath); a unit in the last place of `f64` is allowed.
    #[test]
    fn values_to_the_last_place() {
        let close = |got: f64, want: f64| {
            assert!(
                (got - want).abs() <= 2.3e-16 * want.abs(),
                "{got:e} where {want:e} is meant"
            );
        };
        close(2.5f64.bessel_j0(), -0.048383776468198);
        close(45.5f64.bessel_j1(), J1_FAR);
        close(0.3f64.bessel_y0(), Y0_NEAR);
        close(29.9f64.bessel_y1(), Y1_EDGE);
        close(17.5f64.bessel_k0(), K0_EDGE);
        close(18.5f64.bessel_k1(), K1_EDGE);
        close(8.9f64.airy_ai(), AI_EDGE);
        close((-9.5f64).airy_ai(), AI_FAR);
        close(11.9f64.erfcx(), ERFCX_EDGE);
        close(1e-10f64.ndtri(), NDTRI_TAIL);
        close((-30.0f64).log_ndtr(), LOG_NDTR_TAIL);
        close(2.5f64.zeta(0.75), ZETA);
        close(2.5f64.gammainc(0.75), P_SMALL);
        close(2.5f64.gammaincc(20.0), Q_FAR);
        close(30000.0f64.gammainc(29800.0), P_LARGE);
        close(30000.0f64.gammaincc(30500.0), Q_LARGE);
    }

    const J1_FAR: f64 = 0.07981379965306677;
    const Y0_NEAR: f64 = -0.8072735778045195;
    const Y1_EDGE: f64 = 0.09601482979060925;
    const K0_EDGE: f64 = 7.470835177068449e-09;
    const K1_EDGE: f64 = 2.745377291399347e-09;
    const AI_EDGE: f64 = 3.3420610425187e-09;
    const AI_FAR: f64 = 0.3191032477191282;
    const ERFCX_EDGE: f64 = 0.04724523248408767;
    const NDTRI_TAIL: f64 = -6.361340902404057;
    const LOG_NDTR_TAIL: f64 = -454.3212439563432;
    const P_SMALL: f64 = 0.08693018545560453;
    const Q_FAR: f64 = 1.4933679000503952e-07;
    const P_LARGE: f64 = 0.12397336132313949;
    const Q_LARGE: f64 = 0.002034323512913683;
    const ZETA: f64 = 2.491542385511935;
}
