//! The inverse trigonometric functions.
//!
//! All go through the angle of a point `(x, y)` in the first octant: the point is turned back by
//! the nearest centre angle `j/8`, whose sine and cosine are in a table, and the small angle left
//! has the Taylor series of the arc tangent.

use super::Dd;
use super::eft::{exponent, pow2};
use super::tables::{COS_8, FRAC_PI_2, INV_INT, PI, SIN_8, TAN_MID};

/// `atan t` for `|t| < 0.0627`.
#[inline]
fn series(t: Dd) -> Dd {
    let s = t.sqr_raw();
    let x = s.hi;
    let mut tail = 1.0 / 29.0;
    for n in (15..29).step_by(2).rev() {
        tail = 1.0 / f64::from(n) - x * tail;
    }
    // INV_INT[n - 1] is 1/n.
    let mut q = INV_INT[12].add_f64_raw(-x * tail);
    for n in (3..13).step_by(2).rev() {
        q = INV_INT[n - 1].add_raw(-(q.mul_raw(s)));
    }
    t.add_raw(-(s.mul_raw(t).mul_raw(q)))
}

/// The angle of `(x, y)` for `0 < y <= x`, both finite.
fn octant(y: Dd, x: Dd) -> Dd {
    let k = exponent(x.hi);
    if k - exponent(y.hi) > 60 {
        return y.div_dd(x);
    }
    let (y, x) = (y.scale2(-k), x.scale2(-k));
    let ratio = y.hi / x.hi;
    let j = TAN_MID.iter().filter(|&&t| ratio > t).count();
    if j == 0 {
        return series(y.div_raw(x));
    }
    let (s, c) = (SIN_8[j], COS_8[j]);
    let across = y.mul_raw(c).add_dd(-(x.mul_raw(s)));
    let along = x.mul_raw(c).add_raw(y.mul_raw(s));
    series(across.div_dd(along)).add_f64_raw(0.125 * j as f64)
}

/// The angle of `(x, y)` for positive finite `x` and `y`.
fn quadrant(y: Dd, x: Dd) -> Dd {
    if y <= x {
        octant(y, x)
    } else {
        FRAC_PI_2.add_dd(-octant(x, y))
    }
}

/// `sqrt(1 - x^2)` for `|x| <= 1`, from the factors so that nothing cancels.
fn co(x: Dd) -> Dd {
    (Dd::ONE.add_dd(-x)).mul_dd(Dd::ONE.add_dd(x)).sqrt()
}

impl Dd {
    /// The angle of the point `(x, self)` in `[-pi, pi]`, with C's `atan2` at zeros (signs count)
    /// and infinities; relative error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-0.0).atan2(Dd::from(-1.0)), -Dd::PI);
    /// ```
    pub fn atan2(self, x: Dd) -> Dd {
        if self.is_nan() || x.is_nan() {
            return Dd::NAN;
        }
        let (ay, ax) = (self.abs(), x.abs());
        let behind = x.is_sign_negative();
        let angle = if ay.is_infinite() && ax.is_infinite() {
            let right = FRAC_PI_2.half();
            return if behind { PI.add_dd(-right) } else { right }.copysign(self);
        } else if ay.hi == 0.0 || ax.is_infinite() {
            Dd::ZERO
        } else if ax.hi == 0.0 || ay.is_infinite() {
            FRAC_PI_2
        } else {
            quadrant(ay, ax)
        };
        if behind { PI.add_dd(-angle) } else { angle }.copysign(self)
    }

    /// The arc tangent; relative error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::INFINITY.atan(), Dd::FRAC_PI_2);
    /// ```
    pub fn atan(self) -> Dd {
        if self.hi.abs() < pow2(-54) {
            return self;
        }
        self.atan2(Dd::ONE)
    }

    /// The arc sine, the angle of `(sqrt((1 - x)(1 + x)), x)`; NaN outside `[-1, 1]`, relative
    /// error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ONE.asin(), Dd::FRAC_PI_2);
    /// ```
    pub fn asin(self) -> Dd {
        if self.hi.abs() < pow2(-54) {
            return self;
        }
        self.atan2(co(self))
    }

    /// The arc cosine, the angle of `(x, sqrt((1 - x)(1 + x)))`; NaN outside `[-1, 1]`, relative
    /// error below 2^-99, near 1 as well.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-1.0).acos(), Dd::PI);
    /// ```
    pub fn acos(self) -> Dd {
        co(self).atan2(self)
    }
}
