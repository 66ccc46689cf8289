//! Elementary functions of `f32` that loops can run on vectors.
//!
//! Each is computed in `f64`, by range reduction and a polynomial good to 2⁻⁴⁰ or better, and rounded once: nearly always
//! the correctly rounded result (tests allow one unit in the last place). There are no tables, no calls and no branches, and
//! only single operations of IEEE arithmetic that the compiler may not fuse; so a loop becomes vector code, and an element
//! has the same bits on every machine, in every layout and on any thread. `f64` has the functions of `std`.

use std::hint::select_unpredictable;

const LN_2: f64 = std::f64::consts::LN_2;
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// Added and taken away again, it leaves the nearest integer, which stands in the low bits in between.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// Coefficients from the constant up.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

/// `(eʳ - 1)/r` for |r| ≤ ln(2)/2.
#[inline(always)]
fn expm1_over(r: f64) -> f64 {
    polynomial(
        r,
        [
            1.0,
            1.0 / 2.0,
            1.0 / 6.0,
            1.0 / 24.0,
            1.0 / 120.0,
            1.0 / 720.0,
            1.0 / 5040.0,
            1.0 / 40320.0,
            1.0 / 362_880.0,
            1.0 / 3_628_800.0,
            1.0 / 39_916_800.0,
        ],
    )
}

/// 2ᵏ for the integer in the low bits of `k + MAGIC`.
#[inline(always)]
fn power(k_magic: f64) -> f64 {
    f64::from_bits(k_magic.to_bits().wrapping_add(1023) << 52)
}

/// `x`, or the nearer end; NaN stays.
#[inline(always)]
fn between(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// k and r with x = k ln 2 + r; k comes with [`MAGIC`] added.
#[inline(always)]
fn reduce(x: f64) -> (f64, f64) {
    let k = x * LOG2_E + MAGIC;
    (k, x - (k - MAGIC) * LN_2)
}

/// eˣ in double precision, good to 40 bits, for |x| ≤ 700.
#[inline(always)]
fn exp_wide(x: f64) -> f64 {
    let (k, r) = reduce(x);
    (1.0 + r * expm1_over(r)) * power(k)
}

/// eˣ - 1 likewise, with no cancellation near 0.
#[inline(always)]
fn expm1_wide(x: f64) -> f64 {
    let (k, r) = reduce(x);
    let scale = power(k);
    scale * (r * expm1_over(r)) + (scale - 1.0)
}

/// k and ln m with u = 2ᵏ m and m near 1, for positive normal u.
#[inline(always)]
fn ln_wide(u: f64) -> (f64, f64) {
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let bits = u.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - ROOT_HALF);
    // 2⁵² in front of an integer's bits makes a number of it.
    let k = f64::from_bits(bits >> 52 | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT_HALF));
    let s = (m - 1.0) / (m + 1.0);
    let odd = polynomial(
        s * s,
        [
            1.0,
            1.0 / 3.0,
            1.0 / 5.0,
            1.0 / 7.0,
            1.0 / 9.0,
            1.0 / 11.0,
            1.0 / 13.0,
            1.0 / 15.0,
            1.0 / 17.0,
        ],
    );
    (k, 2.0 * s * odd)
}

/// A logarithm's values where there is none: -∞ at 0, NaN below, ∞ and NaN as they are; `u` is the argument.
#[inline(always)]
fn ends(u: f64, inside: f64) -> f32 {
    let y = if u > f64::MAX { u } else { inside };
    let y = if u == 0.0 { f64::NEG_INFINITY } else { y };
    let y = if u < 0.0 { f64::NAN } else { y };
    (if u.is_nan() { u } else { y }) as f32
}

/// eˣ.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    exp_wide(between(f64::from(x), -200.0, 200.0)) as f32
}

/// 2ˣ.
#[inline(always)]
pub(crate) fn exp2(x: f32) -> f32 {
    let x = between(f64::from(x), -200.0, 200.0);
    let k = x + MAGIC;
    let r = (x - (k - MAGIC)) * LN_2;
    ((1.0 + r * expm1_over(r)) * power(k)) as f32
}

/// eˣ - 1.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let y = expm1_wide(between(f64::from(x), -200.0, 200.0)) as f32;
    if x == 0.0 { x } else { y }
}

/// Natural logarithm.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let u = f64::from(x);
    let (k, ln) = ln_wide(u);
    ends(u, k * LN_2 + ln)
}

/// ln(1 + x).
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let wide = f64::from(x);
    let u = 1.0 + wide;
    let (k, ln) = ln_wide(u);
    // What the sum lost, to first order.
    let lost = wide - (u - 1.0);
    let y = ends(u, k * LN_2 + (ln + lost / u));
    if x == 0.0 { x } else { y }
}

/// Logarithm to base 2.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    let u = f64::from(x);
    let (k, ln) = ln_wide(u);
    ends(u, k + ln * LOG2_E)
}

/// Logarithm to base 10.
#[inline(always)]
pub(crate) fn log10(x: f32) -> f32 {
    let u = f64::from(x);
    let (k, ln) = ln_wide(u);
    ends(
        u,
        k * std::f64::consts::LOG10_2 + ln * std::f64::consts::LOG10_E,
    )
}

/// Magnitude up to which [`sin_near`] and [`cos_near`] hold.
pub(crate) const NEAR: f32 = 1e6;

/// The number of quarter turns nearest to x (in the low bits), sine and cosine of what is left.
#[inline(always)]
fn turn(x: f64) -> (u64, f64, f64) {
    // π/2 in two parts, the first of 33 bits: its multiples below 2²⁰ are exact.
    const HIGH: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
    const LOW: f64 = f64::from_bits(0x3dd0_b461_1a62_6331);
    let k = x * std::f64::consts::FRAC_2_PI + MAGIC;
    let n = k - MAGIC;
    let r = (x - n * HIGH) - n * LOW;
    let z = r * r;
    let sin = r * polynomial(
        z,
        [
            1.0,
            -1.0 / 6.0,
            1.0 / 120.0,
            -1.0 / 5040.0,
            1.0 / 362_880.0,
            -1.0 / 39_916_800.0,
            1.0 / 6_227_020_800.0,
        ],
    );
    let cos = polynomial(
        z,
        [
            1.0,
            -1.0 / 2.0,
            1.0 / 24.0,
            -1.0 / 720.0,
            1.0 / 40_320.0,
            -1.0 / 3_628_800.0,
            1.0 / 479_001_600.0,
            -1.0 / 87_178_291_200.0,
        ],
    );
    (k.to_bits(), sin, cos)
}

/// Sine or cosine, with the sign of the half turn.
#[inline(always)]
fn pick(quarter: u64, even: f64, odd: f64) -> f32 {
    let y = if quarter & 1 == 0 { even } else { odd };
    f64::from_bits(y.to_bits() ^ (quarter & 2) << 62) as f32
}

/// Sine for |x| up to [`NEAR`]; infinity and NaN give NaN.
#[inline(always)]
pub(crate) fn sin_near(x: f32) -> f32 {
    let (quarter, sin, cos) = turn(f64::from(x));
    pick(quarter, sin, cos)
}

/// Cosine likewise.
#[inline(always)]
pub(crate) fn cos_near(x: f32) -> f32 {
    let (quarter, sin, cos) = turn(f64::from(x));
    pick(quarter.wrapping_add(1), sin, cos)
}

/// Sine.
#[inline]
pub(crate) fn sin(x: f32) -> f32 {
    match x.abs() <= NEAR {
        true => sin_near(x),
        false => f64::from(x).sin() as f32,
    }
}

/// Cosine.
#[inline]
pub(crate) fn cos(x: f32) -> f32 {
    match x.abs() <= NEAR {
        true => cos_near(x),
        false => f64::from(x).cos() as f32,
    }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let t = expm1_wide(between(2.0 * f64::from(x.abs()), 0.0, 40.0));
    ((t / (t + 2.0)) as f32).copysign(x)
}

/// The error function.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let wide = f64::from(x);
    let size = between(wide.abs(), 0.0, 6.0);
    // Below 1 a polynomial in x², fitted to erf(x)/x; above it 1 - e^{-x²} times one in 1/(1 + x/2), fitted to erfcx(x).
    let near = wide
        * polynomial(
            wide * wide,
            [
                1.1283791670955123,
                -0.3761263890317572,
                0.11283791670594698,
                -0.02686617058635717,
                0.005223977146602664,
                -0.0008548304456139286,
                0.00012054670683934023,
                -1.4913128104759168e-05,
                1.6308817795465607e-06,
                -1.5180891905918527e-07,
                9.413786170903901e-09,
            ],
        );
    let far = 1.0 - exp_wide(-size * size) * erfcx_wide(size);
    // A plain `if` becomes a branch here, and the loop no vector code.
    select_unpredictable(size < 1.0, near, far.copysign(wide)) as f32
}

/// eˣ² erfc(x) for x from 0.9 to 10.5, good to 40 bits.
#[inline(always)]
fn erfcx_wide(x: f64) -> f64 {
    polynomial(
        1.0 / (1.0 + 0.5 * x),
        [
            2.6924310309039967e-08,
            0.2820935321942064,
            0.2821217196321195,
            0.24648425630366544,
            0.1793641884296644,
            0.06459735921923387,
            0.08406967479828735,
            -0.3621870473218728,
            0.7346825851644234,
            -1.5026021022141864,
            2.0778393297191755,
            -1.7578126797016742,
            0.8924026463223909,
            -0.2507875232276616,
            0.029730165488065043,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many units in the last place `got` is from the number `want`; special values must be equal.
    fn units(got: f32, want: f64) -> f64 {
        let rounded = want as f32;
        if !rounded.is_finite() || !got.is_finite() || rounded == 0.0 {
            let same = got.to_bits() == rounded.to_bits() || got.is_nan() && rounded.is_nan();
            return if same { 0.0 } else { f64::INFINITY };
        }
        let next =
            f64::from(f32::from_bits(rounded.abs().to_bits() + 1)) - f64::from(rounded.abs());
        (f64::from(got) - want).abs() / next
    }

    /// Every 4099th bit pattern, and all near some points.
    fn numbers() -> impl Iterator<Item = f32> {
        let near = [
            0.0f32,
            0.5,
            0.9,
            1.0,
            -1.0,
            88.72284,
            -87.33655,
            -103.97,
            9.01,
            3.9,
            NEAR,
            f32::MAX,
        ]
        .into_iter()
        .flat_map(|x| {
            (0..300u32)
                .map(move |i| f32::from_bits((x.to_bits()).wrapping_add(i).wrapping_sub(150)))
        });
        let turns = (1..2000).map(|i| (f64::from(i) * std::f64::consts::FRAC_PI_2) as f32);
        let ends = [
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
        ];
        (0..u32::MAX)
            .step_by(4099)
            .map(f32::from_bits)
            .chain(near)
            .chain(turns)
            .chain(ends)
    }

    #[test]
    fn functions_are_good_to_the_last_place() {
        type Pair = (&'static str, fn(f32) -> f32, fn(f64) -> f64);
        let all: [Pair; 11] = [
            ("exp", exp, f64::exp),
            ("exp2", exp2, f64::exp2),
            ("exp_m1", exp_m1, f64::exp_m1),
            ("ln", ln, f64::ln),
            ("ln_1p", ln_1p, f64::ln_1p),
            ("log2", log2, f64::log2),
            ("log10", log10, f64::log10),
            ("sin", sin, f64::sin),
            ("cos", cos, f64::cos),
            ("tanh", tanh, f64::tanh),
            ("erf", erf, libm::erf),
        ];
        for (name, got, want) in all {
            let (mut worst, mut count, mut off) = (0.0, 0, 0);
            for x in numbers() {
                let (y, exact) = (got(x), want(f64::from(x)));
                let error = units(y, exact);
                assert!(error <= 0.51, "{name}({x:e}) = {y:e}, not {exact:e}");
                worst = f64::max(worst, error);
                count += 1;
                off += u32::from(y.to_bits() != (exact as f32).to_bits() && !y.is_nan());
            }
            // Correctly rounded but for one in some ten thousand.
            assert!(
                off * 2000 < count,
                "{name}: {off} of {count}, worst {worst}"
            );
        }
    }
}
