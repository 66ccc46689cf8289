//! Derivatives of the scaled complement of the error function, of every order, in double-double.
//!
//! Its derivative 2xy - 2/√π is a difference of terms that agree in more and more digits the larger x is. The derivatives are
//! iterated integrals of the complement: (-2)ⁿ n! e^(x²) iⁿerfc(x). Their recurrence adds terms of one sign below 0 and loses little up
//! to 2; above, the ratios of neighbours are a continued fraction of positive terms, which starts from i⁻¹erfc, known exactly.

use crate::dd::Dd;
use crate::scalar::series::Series;

/// Steps of the continued fraction beyond the order: at x = 2 what is left out is below 1e-32 of the whole.
const STEPS: u32 = 90;

/// The derivative of order `n` of e^(x²) erfc x; NaN at ∞, where PyTorch has ∞·0.
///
/// ```
/// use pullback_array::{dd::Dd, erfcx_derivative};
/// // -1/(√π x²)·(1 - 3/(2x²)) for large x.
/// let d = erfcx_derivative(Dd::from(1e6), 1).to_f64();
/// assert!((d + 5.641895835469e-13).abs() < 1e-24);
/// ```
#[must_use]
pub fn erfcx_derivative(x: Dd, n: u32) -> Dd {
    let y = Series::erfcx(x);
    if n == 0 || x.is_nan() {
        return y;
    }
    let sign = if n.is_multiple_of(2) {
        Dd::ONE
    } else {
        -Dd::ONE
    };
    if x.to_f64() == f64::INFINITY {
        return Dd::NAN;
    }
    if !y.is_finite() {
        return sign * y;
    }
    let twice = x + x;
    if x.to_f64() < 2.0 {
        // D₁ = 2xy - 2/√π, Dₙ₊₁ = 2x·Dₙ + 2n·Dₙ₋₁.
        let (mut before, mut here) = (y, twice * y - Dd::FRAC_2_SQRT_PI);
        for k in 1..n {
            (before, here) = (here, twice * here + Dd::from(2.0 * f64::from(k)) * before);
        }
        return here;
    }
    // The ratio of iᵏerfc to iᵏ⁻¹erfc is 1/(2x + 2(k + 1)·(the next ratio)).
    let mut ratio = Dd::ZERO;
    let mut product = Dd::FRAC_2_SQRT_PI;
    for k in (0..=n + STEPS).rev() {
        ratio = (twice + Dd::from(2.0 * f64::from(k + 1)) * ratio).recip();
        if k <= n {
            let factor = if k == 0 { 1.0 } else { 2.0 * f64::from(k) };
            product = product * ratio * Dd::from(factor);
        }
    }
    sign * product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To 17 digits by another program (mpmath).
    #[test]
    fn values_to_the_last_place() {
        for (x, n, want) in VALUES {
            let got = erfcx_derivative(Dd::from(*x), *n).to_f64();
            assert!(
                (got - want).abs() <= 2.3e-16 * want.abs(),
                "order {n} at {x}: {got:e} where {want:e} is meant"
            );
        }
    }

    const VALUES: &[(f64, u32, f64)] = &[
        (-3.0, 1, -97_237.061_503_164_62),
        (-3.0, 2, 615_834.346_726_986_8),
        (-3.0, 3, -4083954.3263745797),
        (-0.5, 1, -3.0807396562780697),
        (-0.5, 2, 6.985_460_634_643_184),
        (-0.5, 3, -19.308419259755463),
        (0.3125, 1, -0.674_575_445_143_156_7),
        (0.3125, 2, 1.030562257033066),
        (0.3125, 3, -2.0542003699269605),
        (1.9375, 1, -0.1122084417127845),
        (1.9375, 2, 0.089_667_501_463_722_95),
        (1.9375, 3, -0.10137219867921158),
        (2.0, 1, -0.1067964618534896),
        (2.0, 2, 0.083_605_505_207_053_1),
        (2.0, 3, -0.092_763_826_585_746_01),
        (5.5, 1, -0.017794764701022603),
        (5.5, 2, 0.006_182_025_087_749_54),
        (5.5, 3, -0.0031767828388454758),
        (137.0, 1, -3.0057248658770634e-5),
        (137.0, 2, 4.3875688993987279e-7),
        (137.0, 3, -9.606_791_557_389_367e-9),
        (100000000.0, 1, -5.641895835477562e-17),
        (100000000.0, 2, 1.1283791670955122e-24),
        (100000000.0, 3, -3.385137501286536e-32),
    ];
}
