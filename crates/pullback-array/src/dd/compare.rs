//! Order, equality, sign and classification.
//!
//! All as for `f64`: NaN is unequal to everything, -0 equals 0.

use super::Dd;
use std::cmp::Ordering;

impl PartialEq for Dd {
    #[inline(always)]
    fn eq(&self, other: &Dd) -> bool {
        self.hi == other.hi && self.lo == other.lo
    }
}

impl PartialOrd for Dd {
    #[inline(always)]
    fn partial_cmp(&self, other: &Dd) -> Option<Ordering> {
        match self.hi.partial_cmp(&other.hi) {
            Some(Ordering::Equal) => self.lo.partial_cmp(&other.lo),
            unequal => unequal,
        }
    }
}

impl PartialEq<f64> for Dd {
    #[inline(always)]
    fn eq(&self, other: &f64) -> bool {
        *self == Dd::whole(*other)
    }
}

impl PartialOrd<f64> for Dd {
    #[inline(always)]
    fn partial_cmp(&self, other: &f64) -> Option<Ordering> {
        self.partial_cmp(&Dd::whole(*other))
    }
}

impl Dd {
    /// Whether the number is NaN.
    ///
    /// ```
    /// assert!(pullback_array::dd::Dd::NAN.is_nan());
    /// ```
    #[inline(always)]
    pub const fn is_nan(self) -> bool {
        self.hi.is_nan()
    }

    /// Whether the number is neither infinite nor NaN.
    ///
    /// ```
    /// assert!(pullback_array::dd::Dd::MAX.is_finite());
    /// ```
    #[inline(always)]
    pub const fn is_finite(self) -> bool {
        self.hi.is_finite()
    }

    /// Whether the number is an infinity.
    ///
    /// ```
    /// assert!(pullback_array::dd::Dd::NEG_INFINITY.is_infinite());
    /// ```
    #[inline(always)]
    pub const fn is_infinite(self) -> bool {
        self.hi.is_infinite()
    }

    /// Whether the sign bit is set, -0 included.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert!((-Dd::ZERO).is_sign_negative());
    /// ```
    #[inline(always)]
    pub const fn is_sign_negative(self) -> bool {
        self.hi.is_sign_negative()
    }

    /// Whether the sign bit is clear, +0 included.
    ///
    /// ```
    /// assert!(pullback_array::dd::Dd::ZERO.is_sign_positive());
    /// ```
    #[inline(always)]
    pub const fn is_sign_positive(self) -> bool {
        self.hi.is_sign_positive()
    }

    /// The absolute value; clears the sign of -0.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-2.0).abs(), Dd::from(2.0));
    /// ```
    #[inline(always)]
    pub fn abs(self) -> Dd {
        if self.hi.is_sign_negative() {
            -self
        } else {
            self
        }
    }

    /// 1 or -1 by the sign bit (so 1 for +0, -1 for -0), NaN for NaN: `f64::signum`.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-2.0).signum(), Dd::from(-1.0));
    /// ```
    #[inline]
    pub fn signum(self) -> Dd {
        Dd::whole(self.hi.signum())
    }

    /// The magnitude of `self` with the sign bit of `sign`.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ONE.copysign(Dd::from(-0.0)), Dd::from(-1.0));
    /// ```
    #[inline]
    pub fn copysign(self, sign: Dd) -> Dd {
        if self.is_sign_negative() == sign.is_sign_negative() {
            self
        } else {
            -self
        }
    }

    /// The smaller of the two; like `f64::min`, the other one where one is NaN.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::NAN.min(Dd::ONE), Dd::ONE);
    /// ```
    #[inline]
    pub fn min(self, other: Dd) -> Dd {
        if self <= other || other.is_nan() {
            self
        } else {
            other
        }
    }

    /// The larger of the two; like `f64::max`, the other one where one is NaN.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(2.0).max(Dd::ONE), Dd::from(2.0));
    /// ```
    #[inline]
    pub fn max(self, other: Dd) -> Dd {
        if self >= other || other.is_nan() {
            self
        } else {
            other
        }
    }
}
