//! Fused multiply-add, in hardware and without: the same bits either way. Not a choice of which one runs (`simd.rs`).

/// A way to compute `a * b + c` with a single rounding.
pub(super) trait Fma {
    fn fma(a: f32, b: f32, c: f32) -> f32;
    fn fma64(a: f64, b: f64, c: f64) -> f64;
}

/// For functions compiled with an fma instruction: `mul_add` becomes that instruction and can be vectorised.
pub(super) struct Hardware;

/// For everything else. `f32::mul_add` would be a slow call into the C library there.
pub(super) struct Portable;

impl Fma for Hardware {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn fma64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

impl Fma for Portable {
    /// The product of two f32 is exact in f64, but the sum rounds to f64 and then again to f32. Rounding the sum to odd
    /// (Boldo and Melquiond 2008) makes the second rounding see on which side of a tie the exact value lies, for which
    /// 53 bits over 24 are more than enough.
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            return a.mul_add(b, c);
        }
        let product = f64::from(a) * f64::from(b);
        let c = f64::from(c);
        let sum = product + c;
        // Knuth's two-sum: what the rounding of `sum` lost, exactly.
        let back = sum - product;
        let lost = (product - (sum - back)) + (c - back);
        let bits = sum.to_bits();
        let away = (lost > 0.0) == (sum > 0.0);
        let odd = if away {
            bits.wrapping_add(1)
        } else {
            bits.wrapping_sub(1)
        };
        let inexact = lost != 0.0 && lost.is_finite();
        f64::from_bits(if inexact && bits & 1 == 0 { odd } else { bits }) as f32
    }

    /// There is no wider type to lean on; the C library's `fma` is exact.
    #[inline(always)]
    fn fma64(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fma, Portable};

    #[test]
    fn portable_fma_is_the_exact_one() {
        let mut rng = crate::numpy::default_rng(7);
        let mut number = |close: i128| {
            let words: Vec<i64> = rng.integers(-(1 << 24), 1 << 24, 1).unwrap();
            let shift: Vec<i64> = rng.integers(-close, close, 1).unwrap();
            words[0] as f32 * 2f32.powi(shift[0] as i32)
        };
        for i in 0..400_000 {
            // Far exponents, close ones (where ties and cancellation happen), and sums that are all but ties.
            let close = [60, 3, 1, 12][i % 4];
            let (a, b) = (number(close), number(close));
            let c = if i % 8 < 4 {
                number(close)
            } else {
                -(a * b) + number(close) * 2f32.powi(-30)
            };
            assert_eq!(
                Portable::fma(a, b, c).to_bits(),
                a.mul_add(b, c).to_bits(),
                "{a:e} {b:e} {c:e}"
            );
        }
        // 97 · 172961 = 2²⁴ + 1 lies halfway between two f32; however small c is, it decides.
        for k in 1..140 {
            for (a, b, c) in [
                (97.0, 172961.0, 1.0),
                (97.0, 172961.0, -1.0),
                (-97.0, 172961.0, 1.0),
                (-97.0, 172961.0, -1.0),
            ] {
                let c = c * 2f32.powi(-k);
                assert_eq!(
                    Portable::fma(a, b, c).to_bits(),
                    f32::mul_add(a, b, c).to_bits(),
                    "{a} {b} {c:e}"
                );
            }
        }
        for (a, b, c) in [
            (0.0, -1.0, 0.0),
            (0.0, -1.0, -0.0),
            (f32::INFINITY, 1.0, 2.0),
            (1.0, 1.0, f32::NEG_INFINITY),
        ] {
            assert_eq!(Portable::fma(a, b, c).to_bits(), a.mul_add(b, c).to_bits());
        }
    }
}
