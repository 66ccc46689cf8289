//! The incomplete gamma functions, regularised: the shares of Γ(a) below and above x. Summed in double-double, as `series` is, and
//! rounded once.
//!
//! Below a the power series (DLMF 8.11.4), above it the continued fraction (DLMF 8.9.2). Where a is large and x near it both need √a terms:
//! there Temme's uniform expansion (DLMF 8.12.3) is taken, whose coefficients are good to double precision.

use crate::dd::Dd;
use crate::scalar::real::Real;
use crate::scalar::special::Special;

fn lit(x: f64) -> Dd {
    Dd::from(x)
}

/// From this a on the uniform expansion is taken near x = a: four terms are exact to 1e-19 there.
const LARGE: f64 = 1e4;

/// The coefficients of DLMF 8.12.11, as far as they matter where |x - a| ≤ 0.4·a and a ≥ [`LARGE`]; from SciPy's Cephes.
#[rustfmt::skip]
const UNIFORM: [[f64; 20]; 4] = [
    [-0.3333333333333333, 0.08333333333333333, -0.014814814814814815, 0.0011574074074074073, 0.0003527336860670194, -0.0001787551440329218, 3.919263178522438e-05,
     -2.1854485106799924e-06, -1.85406221071516e-06, 8.296711340953087e-07, -1.7665952736826078e-07, 6.707853543401498e-09, 1.0261809784240309e-08, -4.382036018453353e-09,
     9.14769958223679e-10, -2.551419399494625e-11, -5.830772132550426e-11, 2.4361948020667415e-11, -5.0276692801141755e-12, 1.1004392031956135e-13],
    [-0.001851851851851852, -0.003472222222222222, 0.0026455026455026454, -0.0009902263374485596, 0.00020576131687242798, -4.018775720164609e-07, -1.8098550334489977e-05,
     7.64916091608111e-06, -1.6120900894563446e-06, 4.647127802807434e-09, 1.378633446915721e-07, -5.752545603517705e-08, 1.1951628599778148e-08, -1.7543241719747647e-11,
     -1.0091543710600413e-09, 4.162792991842583e-10, -8.56390702649298e-11, 6.067215101604758e-14, 7.1624989648114856e-12, -2.933186643771437e-12],
    [0.004133597883597883, -0.0026813271604938273, 0.0007716049382716049, 2.0093878600823047e-06, -0.00010736653226365161, 5.2923448829120125e-05, -1.2760635188618728e-05,
     3.423578734096138e-08, 1.3721957309062932e-06, -6.298992138380055e-07, 1.4280614206064242e-07, -2.0477098421990866e-10, -1.409252991086752e-08, 6.228974084922022e-09,
     -1.3670488396617112e-09, 9.428356159014678e-13, 1.2872252400089318e-10, -5.5645956134363323e-11, 1.197593554636698e-11, -4.1689782251838634e-15],
    [0.0006494341563786008, 0.00022947209362139917, -0.0004691894943952557, 0.00026772063206283885, -7.561801671883977e-05, -2.396505113867297e-07, 1.1082654115347302e-05,
     -5.6749528269915965e-06, 1.4230900732435883e-06, -2.7861080291528143e-11, -1.6958404091930278e-07, 8.099464905388083e-08, -1.9111168485973655e-08, 2.3928620439808118e-12,
     2.0620131815488797e-09, -9.460496661855133e-10, 2.1541049775774907e-10, -1.388823336813903e-14, -2.1894761681963938e-11, 9.790998951171684e-12],
];

/// e^-x xᵃ/Γ(a + 1).
fn factor(a: Dd, x: Dd) -> Dd {
    (a * x.ln() - x - Special::lgamma(a + Dd::ONE)).exp()
}

/// P by its power series, for x < a + 1.
fn lower_series(a: Dd, x: Dd) -> Dd {
    let (mut term, mut sum, mut n) = (Dd::ONE, Dd::ONE, a);
    for _ in 0..20_000 {
        n += Dd::ONE;
        term = term * x / n;
        sum += term;
        if term.to_f64() <= sum.to_f64() * 1e-33 {
            break;
        }
    }
    sum * factor(a, x)
}

/// Q by its continued fraction, for x ≥ a + 1; Lentz's method.
fn upper_fraction(a: Dd, x: Dd) -> Dd {
    let tiny = lit(1e-280);
    let mut b = x + Dd::ONE - a;
    let mut c = tiny.recip();
    let mut d = b.recip();
    let mut h = d;
    for i in 1..20_000 {
        let i = lit(f64::from(i));
        let n = -(i * (i - a));
        b += lit(2.0);
        d = n * d + b;
        c = b + n / c;
        let away = |v: Dd| if v.abs() < tiny { tiny } else { v };
        d = away(d).recip();
        c = away(c);
        let step = c * d;
        h *= step;
        if (step - Dd::ONE).to_f64().abs() < 1e-32 {
            break;
        }
    }
    h * a * factor(a, x)
}

/// P or Q for a large a and an x near it.
fn uniform(a: Dd, x: Dd, lower: bool) -> Dd {
    let off = (x - a) / a;
    let half_square = off - off.ln_1p();
    let eta = (half_square * lit(2.0)).sqrt().copysign(off);
    let sign = if lower { -1.0 } else { 1.0 };
    let (e, n) = (eta.to_f64(), a.to_f64());
    let sum = (UNIFORM.iter().rev()).fold(0.0, |sum, row| {
        sum / n + row.iter().rev().fold(0.0, |c, d| c * e + d)
    });
    let rest = (-(a * half_square)).exp() * lit(sum) / (Dd::TAU * a).sqrt();
    Real::erfc(eta * (a * lit(0.5)).sqrt() * lit(sign)) * lit(0.5) + rest * lit(sign)
}

/// What both functions are at the ends of their ranges: P there, or nothing inside.
fn limit(a: Dd, x: Dd) -> Option<Dd> {
    let (none, all) = (Some(Dd::ZERO), Some(Dd::ONE));
    match (a, x) {
        (a, x) if a.is_nan() || x.is_nan() || a < Dd::ZERO || x < Dd::ZERO => Some(Dd::NAN),
        (a, x) if a == Dd::ZERO && x == Dd::ZERO => Some(Dd::NAN),
        (a, x) if !a.is_finite() && !x.is_finite() => Some(Dd::NAN),
        (a, _) if a == Dd::ZERO => all,
        (_, x) if x == Dd::ZERO => none,
        (a, _) if !a.is_finite() => none,
        (_, x) if !x.is_finite() => all,
        _ => None,
    }
}

fn near(a: Dd, x: Dd) -> bool {
    a.to_f64() >= LARGE && (x - a).to_f64().abs() <= 0.4 * a.to_f64()
}

/// P(a, x), the share below x.
pub(crate) fn lower(a: Dd, x: Dd) -> Dd {
    match limit(a, x) {
        Some(p) => p,
        None if near(a, x) => uniform(a, x, true),
        None if x < a + Dd::ONE => lower_series(a, x),
        None => Dd::ONE - upper_fraction(a, x),
    }
}

/// Q(a, x), the share above x.
pub(crate) fn upper(a: Dd, x: Dd) -> Dd {
    match limit(a, x) {
        Some(p) => Dd::ONE - p,
        None if near(a, x) => uniform(a, x, false),
        None if x < a + Dd::ONE => Dd::ONE - lower_series(a, x),
        None => upper_fraction(a, x),
    }
}
