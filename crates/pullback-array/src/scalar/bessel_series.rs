//! Bessel functions J, Y and K, and Airy's function, in double-double: the power series near the origin, the asymptotic ones far out.

use crate::dd::Dd;
use crate::scalar::real::Real;
use crate::scalar::series::{gamma, lit, tiny};

/// Σ ±(x/2)^(2k + n)/(k! (k + n)!), and the same with each term times a sum of harmonic numbers (Hₖ for n = 0, Hₖ + Hₖ₊₁ for n = 1);
/// signs alternate for J and Y.
fn power(x: Dd, n: u32, alternating: bool) -> (Dd, Dd) {
    let quarter = x * x * lit(if alternating { -0.25 } else { 0.25 });
    let mut term = if n == 0 { Dd::ONE } else { x * lit(0.5) };
    let (mut h, mut next) = (Dd::ZERO, Dd::ONE);
    let weight = |h: Dd, next: Dd| if n == 0 { h } else { h + next };
    let (mut sum, mut harmonic) = (term, term * weight(h, next));
    for k in 1..200 {
        let k = f64::from(k);
        term = term * quarter / lit(k * (k + f64::from(n)));
        h = next;
        next += Dd::ONE / lit(k + 1.0);
        sum += term;
        harmonic += term * weight(h, next);
        if k > x.to_f64() && tiny(term, sum) {
            break;
        }
    }
    (sum, harmonic)
}

/// The terms aₖ(n)/xᵏ of Hankel's expansions, as long as they fall.
fn hankel(x: Dd, n: u32) -> Vec<Dd> {
    let four = lit(4.0 * f64::from(n * n));
    let mut terms = vec![Dd::ONE];
    let mut term = Dd::ONE;
    for k in 1..200 {
        let odd = lit(f64::from(2 * k - 1));
        let next = term * (four - odd * odd) / (lit(8.0 * f64::from(k)) * x);
        if next.to_f64().abs() > term.to_f64().abs() {
            break;
        }
        term = next;
        terms.push(term);
        if term.to_f64().abs() < 1e-34 {
            break;
        }
    }
    terms
}

/// From here on Hankel's expansions are taken.
const FAR: f64 = 30.0;

/// J and Y of order `n` at x ≥ `FAR`.
fn oscillating(x: Dd, n: u32) -> (Dd, Dd) {
    let (mut p, mut q) = (Dd::ZERO, Dd::ZERO);
    for (k, t) in hankel(x, n).into_iter().enumerate() {
        match k % 4 {
            0 => p += t,
            1 => q += t,
            2 => p -= t,
            _ => q -= t,
        }
    }
    let (s, c) = x.sin_cos();
    // Of x - π/4 and x - 3π/4, without a second reduction.
    let (cos, sin) = match n {
        0 => (c + s, s - c),
        _ => (s - c, -(s + c)),
    };
    let scale = (Dd::PI * x).sqrt().recip();
    (scale * (p * cos - q * sin), scale * (p * sin + q * cos))
}

pub(super) fn j(x: Dd, n: u32) -> Dd {
    if !x.is_finite() {
        return Dd::NAN;
    }
    let positive = x.abs();
    let y = match positive.to_f64() < FAR {
        true => power(positive, n, true).0,
        false => oscillating(positive, n).0,
    };
    if n == 1 && x.is_sign_negative() {
        -y
    } else {
        y
    }
}

pub(super) fn y(x: Dd, n: u32) -> Dd {
    if x == Dd::ZERO {
        return Dd::NEG_INFINITY;
    }
    if x < Dd::ZERO || !x.is_finite() {
        return Dd::NAN;
    }
    if x.to_f64() >= FAR {
        return oscillating(x, n).1;
    }
    let (sum, harmonic) = power(x, n, true);
    let log = (x * lit(0.5)).ln();
    match n {
        0 => lit(2.0) * Dd::FRAC_1_PI * ((log + gamma()) * sum - harmonic),
        _ => Dd::FRAC_1_PI * (lit(2.0) * (log + gamma()) * sum - harmonic - lit(2.0) / x),
    }
}

/// eˣ K of order `n`.
pub(super) fn k_scaled(x: Dd, n: u32) -> Dd {
    if x == Dd::ZERO {
        return Dd::INFINITY;
    }
    if x < Dd::ZERO || x.is_nan() {
        return Dd::NAN;
    }
    if !x.is_finite() {
        return Dd::ZERO;
    }
    if x.to_f64() > 18.0 {
        let sum = (hankel(x, n).into_iter()).fold(Dd::ZERO, |sum, t| sum + t);
        return (Dd::FRAC_PI_2 / x).sqrt() * sum;
    }
    let (sum, harmonic) = power(x, n, false);
    let log = (x * lit(0.5)).ln() + gamma();
    let k = match n {
        0 => harmonic - log * sum,
        _ => x.recip() + log * sum - harmonic * lit(0.5),
    };
    x.exp() * k
}

pub(super) fn k(x: Dd, n: u32) -> Dd {
    // Past all exponents, where 0·∞ would be no number.
    match x.to_f64() > 800.0 {
        true => Dd::ZERO,
        false => k_scaled(x, n) * (-x).exp(),
    }
}

/// The terms uₖ/ζᵏ of Airy's expansions, as long as they fall.
fn airy_terms(zeta: Dd) -> Vec<Dd> {
    let mut terms = vec![Dd::ONE];
    let mut term = Dd::ONE;
    for k in 1..200 {
        let k = f64::from(k);
        let (a, b, c) = (6.0 * k - 5.0, 6.0 * k - 3.0, 6.0 * k - 1.0);
        let next = term * lit(a * b) * lit(c) / (lit(216.0 * k * (2.0 * k - 1.0)) * zeta);
        if next.to_f64().abs() > term.to_f64().abs() {
            break;
        }
        term = next;
        terms.push(term);
        if term.to_f64() < 1e-34 {
            break;
        }
    }
    terms
}

pub(super) fn airy_ai(x: Dd) -> Dd {
    if !x.is_finite() {
        return Dd::NAN;
    }
    // Where PyTorch's is 0.
    if x.to_f64() > 103.892 {
        return Dd::ZERO;
    }
    if x.to_f64().abs() < 9.0 {
        let cube = x * x * x;
        let (mut f, mut g) = (Dd::ONE, x);
        let (mut sum_f, mut sum_g) = (f, g);
        for k in 1..200 {
            let k = f64::from(k);
            f = f * cube / lit((3.0 * k - 1.0) * 3.0 * k);
            g = g * cube / lit(3.0 * k * (3.0 * k + 1.0));
            sum_f += f;
            sum_g += g;
            if k > 20.0 && tiny(f, sum_f) && tiny(g, sum_g) {
                break;
            }
        }
        let at_zero = Dd::parse("0.355028053887817239260063186004183176397979");
        let slope = Dd::parse("0.258819403792806798405183560189203963479091");
        return at_zero * sum_f - slope * sum_g;
    }
    let z = x.abs();
    let zeta = z * z.sqrt() * lit(2.0) / lit(3.0);
    let terms = airy_terms(zeta);
    let scale = (Dd::PI.sqrt() * z.sqrt().sqrt()).recip();
    if x > Dd::ZERO {
        let sum = (terms.iter().enumerate()).fold(
            Dd::ZERO,
            |s, (k, &t)| if k % 2 == 0 { s + t } else { s - t },
        );
        return scale * lit(0.5) * (-zeta).exp() * sum;
    }
    let (mut even, mut odd) = (Dd::ZERO, Dd::ZERO);
    for (k, t) in terms.into_iter().enumerate() {
        match k % 4 {
            0 => even += t,
            1 => odd += t,
            2 => even -= t,
            _ => odd -= t,
        }
    }
    let (s, c) = (zeta + Dd::FRAC_PI_4).sin_cos();
    scale * (s * even - c * odd)
}
