//! Conversions between `Dd` and the machine's numbers.
//!
//! Into `Dd` every conversion is exact; out of it each rounds once.

use super::Dd;

macro_rules! exact_from {
    ($($t:ty),*) => {$(
        impl From<$t> for Dd {
            /// Exact.
            #[inline]
            fn from(x: $t) -> Dd {
                Dd::whole(f64::from(x))
            }
        }
    )*};
}

exact_from!(f64, f32, i8, u8, i16, u16, i32, u32);

macro_rules! wide_from {
    ($($t:ty),*) => {$(
        impl From<$t> for Dd {
            /// Exact: 53 bits in the high part, the others in the low part.
            #[inline]
            fn from(x: $t) -> Dd {
                let hi = x as f64;
                Dd { hi, lo: (i128::from(x) - hi as i128) as f64 }
            }
        }
    )*};
}

wide_from!(i64, u64);

impl From<Dd> for f64 {
    /// The nearest `f64`: the high part.
    #[inline]
    fn from(x: Dd) -> f64 {
        x.hi
    }
}

impl Dd {
    /// The nearest `f64`, which is the high part.
    ///
    /// ```
    /// assert_eq!(pullback_array::dd::Dd::PI.to_f64(), std::f64::consts::PI);
    /// ```
    #[inline(always)]
    pub const fn to_f64(self) -> f64 {
        self.hi
    }

    /// The nearest `f32`, ties to even, rounded from the pair and not from the high part: the high
    /// part is first rounded to odd (Boldo, Melquiond 2008), which a second rounding cannot spoil.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// // Halfway between two f32, and a little more.
    /// let x = Dd::from_parts(1.0 + f64::from(f32::EPSILON) / 2.0, 1e-30);
    /// assert_eq!(x.to_f32(), 1.0 + f32::EPSILON);
    /// ```
    pub fn to_f32(self) -> f32 {
        let bits = self.hi.to_bits();
        if self.lo == 0.0 || bits & 1 == 1 {
            return self.hi as f32;
        }
        let outward = (self.lo > 0.0) == (self.hi > 0.0);
        f64::from_bits(if outward { bits + 1 } else { bits - 1 }) as f32
    }

    /// The integer part, saturating at the ends of `i64`; 0 for NaN. Like `as i64`.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(i64::MAX).to_i64(), i64::MAX);
    /// assert_eq!(Dd::from(-2.5).to_i64(), -2);
    /// ```
    pub fn to_i64(self) -> i64 {
        let whole = self.trunc();
        let sum = (whole.hi as i128).saturating_add(whole.lo as i128);
        sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}
