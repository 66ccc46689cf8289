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
}

macro_rules! arith {
    (float $($t:ty: $zero:expr, $one:expr);*) => {$(
        impl Arith for $t {
            const NIL: Self = $zero;
            const UNIT: Self = $one;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self - other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
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
        }
    )*};
}
arith!(float f32: 0.0, 1.0; f64: 0.0, 1.0; Dd: Dd::ZERO, Dd::ONE);
arith!(integer u8, i32, i64);
