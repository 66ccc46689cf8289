//! Rounding to integers, exact on the pair.
//!
//! Where the high part is an integer the low part decides, elsewhere the high part does, except
//! that a tie of the high part is broken by the low part.

use super::Dd;
use super::eft::quick_two_sum;

#[inline]
fn join(hi: f64, lo: f64) -> Dd {
    if hi == 0.0 || !hi.is_finite() {
        return Dd::whole(hi);
    }
    let (hi, lo) = quick_two_sum(hi, lo);
    Dd { hi, lo }
}

impl Dd {
    /// The largest integer not above the number.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!((Dd::from(3.0) - Dd::from(1e-25)).floor(), Dd::from(2.0));
    /// ```
    pub fn floor(self) -> Dd {
        let hi = self.hi.floor();
        if hi == self.hi {
            join(hi, self.lo.floor())
        } else {
            Dd::whole(hi)
        }
    }

    /// The smallest integer not below the number.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!((Dd::from(3.0) + Dd::from(1e-25)).ceil(), Dd::from(4.0));
    /// ```
    pub fn ceil(self) -> Dd {
        let hi = self.hi.ceil();
        if hi == self.hi {
            join(hi, self.lo.ceil())
        } else {
            Dd::whole(hi)
        }
    }

    /// The integer part, towards zero.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-2.5).trunc(), Dd::from(-2.0));
    /// ```
    pub fn trunc(self) -> Dd {
        if self.is_sign_negative() {
            self.ceil()
        } else {
            self.floor()
        }
    }

    /// The fraction left by `trunc`, with the sign of the number.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-2.5).fract(), Dd::from(-0.5));
    /// ```
    pub fn fract(self) -> Dd {
        self - self.trunc()
    }

    /// The nearest integer, ties to even.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(2.5).round_ties_even(), Dd::from(2.0));
    /// ```
    pub fn round_ties_even(self) -> Dd {
        let below = self.hi.floor();
        if below == self.hi {
            // A low part of one half goes with an even high part only.
            return join(self.hi, self.lo.round_ties_even());
        }
        Dd::whole(if self.hi - below == 0.5 && self.lo > 0.0 {
            self.hi.ceil()
        } else if self.hi - below == 0.5 && self.lo < 0.0 {
            below
        } else {
            self.hi.round_ties_even()
        })
    }

    /// The nearest integer, ties away from zero.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-2.5).round(), Dd::from(-3.0));
    /// ```
    pub fn round(self) -> Dd {
        let a = self.abs();
        let below = a.hi.floor();
        let r = if below == a.hi {
            let step = a.lo.floor();
            let up = if a.lo - step >= 0.5 { 1.0 } else { 0.0 };
            join(a.hi, step + up)
        } else if a.hi - below == 0.5 && a.lo < 0.0 {
            Dd::whole(below)
        } else {
            Dd::whole(a.hi.round())
        };
        r.copysign(self)
    }
}
