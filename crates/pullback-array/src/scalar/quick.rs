//! eˣ and the normal distribution function for loops over single precision, in forms that the compiler makes vectors of: no
//! branches, no calls. They compute in double precision and are rounded once; wider dtypes use their own functions.

use crate::dtype::DType;
use crate::scalar::real::Real;
use std::hint::select_unpredictable;

/// eˣ: [`Scalar::exp_quick`](crate::Scalar::exp_quick) for kernels that are written over [`Real`].
#[inline(always)]
pub fn exp_quick<T: Real>(x: T) -> T {
    if T::DTYPE == DType::F32 {
        T::from_f64(exp_of_single(x.to_f64()))
    } else {
        x.exp()
    }
}

/// Φ(x), the probability that a normal number is below x. Accurate in the lower tail too.
#[inline(always)]
pub(crate) fn normal_quick<T: Real>(x: T) -> T {
    if T::DTYPE == DType::F32 {
        T::from_f64(below_normal_of_single(x.to_f64()))
    } else {
        T::lit(0.5) * (-(x * T::lit(0.5).sqrt())).erfc()
    }
}

/// eˣ to 27 bits. Beyond ±708 it stays finite, which single precision does not see.
#[inline(always)]
fn exp_of_single(x: f64) -> f64 {
    let x = if x < -708.0 { -708.0 } else { x };
    let x = if x > 708.0 { 708.0 } else { x };
    // Adding this number rounds to an integer, which is then in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let r = x - (shifted - ROUND) * std::f64::consts::LN_2;
    // Taylor's polynomial on |r| ≤ ln(2)/2: what is left out is below 8·10⁻⁹ of the result.
    let p = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * p))));
    f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// Φ by W. Press's Chebyshev fit of erfc, whose relative error is below 1.2·10⁻⁷ everywhere.
#[inline(always)]
fn below_normal_of_single(x: f64) -> f64 {
    let z = x.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    let q = t
        * (0.278_868_07
            + t * (-1.135_203_98 + t * (1.488_515_87 + t * (-0.822_152_23 + t * 0.170_872_77))));
    let q = t * (1.000_023_68 + t * (0.374_091_96 + t * (0.096_784_18 + t * (-0.186_288_06 + q))));
    let tail = 0.5 * t * exp_of_single(q - 1.265_512_23 - z * z);
    // Near 0 the fit is good to all of these digits but the last; a series is exact there.
    const PEAK: f64 = 0.398_942_280_401_432_7;
    let middle = 0.5 + x * (PEAK - x * x * (PEAK / 6.0));
    // Chosen without branches, so that loops become vector code.
    let outside = select_unpredictable(x < 0.0, tail, 1.0 - tail);
    select_unpredictable(x.abs() < 0.05, middle, outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_they_approximate() {
        let close =
            |got: f64, want: f64, relative: f64| (got - want).abs() <= relative * want.abs();
        for i in -7000..7000 {
            let x = f64::from(i) * 0.0123;
            assert!(close(exp_of_single(x), x.exp(), 8e-9), "e^{x}");
            let want = 0.5 * libm_erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
            if want > 1e-300 {
                assert!(close(below_normal_of_single(x), want, 1.3e-7), "Φ({x})");
            }
        }
        assert_eq!(exp_quick(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp_quick(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp_quick(0.0f32), 1.0);
        assert!(exp_quick(f32::NAN).is_nan() && normal_quick(f32::NAN).is_nan());
        assert_eq!(normal_quick(f32::INFINITY), 1.0);
        assert_eq!(normal_quick(f32::NEG_INFINITY), 0.0);
    }

    fn libm_erfc(x: f64) -> f64 {
        Real::erfc(x)
    }
}
