//! Addition, subtraction and multiplication for every number type: rounded for floats, wrapping for integers, as in
//! PyTorch. `bool` has none.

use crate::dd::Dd;
use crate::dtype::Element;

/// A number type with ring arithmetic.
pub trait Arith: Element + PartialOrd {
    /// Zero.
    const NIL: Self;
    /// One.
    const UNIT: Self;
    /// Sum.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// Difference.
    #[must_use]
    fn minus(self, other: Self) -> Self;
    /// Product.
    #[must_use]
    fn times(self, other: Self) -> Self;
    /// `self + a·b` in one rounding for `f32` and `f64`, as PyTorch's `add` with `alpha` computes it.
    #[must_use]
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// The same number by the machine's instruction, for kernels that know it is there.
    #[doc(hidden)]
    #[must_use]
    #[inline(always)]
    fn plus_product_fused(self, a: Self, b: Self) -> Self {
        self.plus_product(a, b)
    }
}

macro_rules! arith {
    (float $($t:ty: $zero:expr, $one:expr, $fma:expr, $fused:expr);*) => {$(
        impl Arith for $t {
            const NIL: Self = $zero;
            const UNIT: Self = $one;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self - other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self {
                let fma: fn($t, $t, $t) -> $t = $fma;
                fma(a, b, self)
            }
            #[inline(always)]
            fn plus_product_fused(self, a: Self, b: Self) -> Self {
                let fma: fn($t, $t, $t) -> $t = $fused;
                fma(a, b, self)
            }
        }
    )*};
    (integer $($t:ty),*) => {$(
        impl Arith for $t {
            const NIL: Self = 0;
            const UNIT: Self = 1;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self { self.plus(a.times(b)) }
        }
    )*};
}
arith! {
    float f32: 0.0, 1.0, fma, f32::mul_add;
    f64: 0.0, 1.0, f64::mul_add, f64::mul_add;
    Dd: Dd::ZERO, Dd::ONE, |a, b, c| a * b + c, |a, b, c| a * b + c
}
arith!(integer u8, i32, i64);

/// `a·b + c` rounded once, without an instruction for it, so that loops stay vectors: the product of two `f32` is exact in
/// `f64`, and the sum is rounded to odd there (Boldo and Melquiond 2008), which a second rounding cannot spoil.
#[inline(always)]
fn fma(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
        return a.mul_add(b, c);
    }
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    let back = sum - product;
    let lost = (product - (sum - back)) + (c - back);
    let bits = sum.to_bits();
    let odd = if (lost > 0.0) == (sum > 0.0) {
        bits.wrapping_add(1)
    } else {
        bits.wrapping_sub(1)
    };
    let inexact = lost != 0.0 && lost.is_finite();
    f64::from_bits(if inexact && bits & 1 == 0 { odd } else { bits }) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_fma_is_the_exact_one() {
        let mut state = 1u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f32::from_bits((state >> 32) as u32)
        };
        for _ in 0..200_000 {
            let (a, b) = (next(), next());
            // Sums near the product, where both roundings matter, and any others.
            for c in [next(), -a * b, a * b * 1.5, a * b * f32::EPSILON, 0.0, -0.0] {
                let (got, want) = (c.plus_product(a, b), a.mul_add(b, c));
                let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                assert!(same, "{a:e}·{b:e} + {c:e}: {got:e}, not {want:e}");
            }
        }
        // A tie in f32 that only the lost part of the sum decides.
        let (a, c) = (1.0 + f32::EPSILON, -f32::EPSILON / 2.0);
        assert_eq!(c.plus_product(a, a).to_bits(), a.mul_add(a, c).to_bits());
        assert_eq!(1.0f64.plus_product(3.0, -0.1), 3.0f64.mul_add(-0.1, 1.0));
        assert_eq!(7i32.plus_product(i32::MAX, 2), 5);
    }
}
