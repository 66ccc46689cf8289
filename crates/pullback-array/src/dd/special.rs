//! The error function and its complement.
//!
//! Near 0 the Maclaurin series; from 3/4 on the trapezoidal rule for
//! `erfc(z) = (z/pi) e^(-z^2) * integral of e^(-t^2) / (t^2 + z^2)` with its pole term
//! (Chiarella, Reichel 1968; Hunter, Regan 1972): with the step h = 11/32 the rule errs by
//! `e^(-pi^2/h^2)`, 2^-120, and every term of the sum is positive. The gamma functions are in
//! `gamma.rs`.

use super::Dd;
use super::eft::{pow2, renorm, two_prod, two_sqr};
use super::exp::exp_parts;
use super::tables::{ERF_SERIES, ERFC_WEIGHT, FRAC_1_PI, FRAC_2_SQRT_PI, TAU};

/// Where the series ends and the trapezoidal rule begins.
const SWITCH: f64 = 0.75;

/// The step of the trapezoidal rule.
const STEP: f64 = 11.0 / 32.0;

/// `erf x` for `|x| <= 3/4`.
fn erf_series(x: Dd) -> Dd {
    let s = x.sqr_raw();
    let mut tail = ERF_SERIES[26].hi;
    for n in (16..26).rev() {
        tail = tail * s.hi + ERF_SERIES[n].hi;
    }
    let mut q = ERF_SERIES[15].add_f64_raw(tail * s.hi);
    for n in (0..15).rev() {
        q = q.mul_raw(s).add_raw(ERF_SERIES[n]);
    }
    x.mul_dd(FRAC_2_SQRT_PI).mul_dd(q)
}

/// `erfc z` for `3/4 < z < 28`.
fn erfc_trapezoid(z: Dd) -> Dd {
    // z^2 in three parts: its absolute error is the relative error of the exponential.
    let (p, e) = two_sqr(z.hi);
    let (c, f) = two_prod(2.0 * z.hi, z.lo);
    let square: [f64; 3] = renorm([p, c, e, f, z.lo * z.lo]);
    let (m, k) = exp_parts(square.map(|x| -x));
    let square = Dd {
        hi: square[0],
        lo: square[1],
    };
    let mut sum = Dd::ZERO;
    for n in (1..=ERFC_WEIGHT.len()).rev() {
        let t = STEP * n as f64;
        let weight = ERFC_WEIGHT[n - 1];
        if n > 17 {
            // Below 2^-53 of the sum.
            sum.hi += weight.hi / (t * t + square.hi);
        } else {
            sum = sum.add_raw(weight.div_raw(square.add_f64_raw(t * t)));
        }
    }
    let rule = sum.scale_raw(2.0).add_raw(square.recip()).mul_f64_raw(STEP);
    let main = rule.mul_raw(z).mul_raw(FRAC_1_PI).mul_raw(m).scale2(k);
    if z.hi * STEP >= std::f64::consts::PI {
        return main;
    }
    // The pole at t = i z, inside the strip that the rule's error bound asks for.
    let pole = TAU.mul_raw(z).div_raw(Dd::whole(STEP)).exp_m1();
    main.add_raw(-(Dd::whole(2.0).div_raw(pole)))
}

impl Dd {
    /// The error function, `2 / sqrt(pi)` times the integral of `e^(-t^2)` from 0; relative error
    /// below 1e-30.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-10.0).erf(), Dd::from(-1.0));
    /// ```
    pub fn erf(self) -> Dd {
        let x = self.abs();
        if x.is_nan() || x.hi == 0.0 {
            return self;
        }
        if x.hi < pow2(-54) {
            return self.mul_dd(FRAC_2_SQRT_PI);
        }
        let r = if x.hi <= SWITCH {
            erf_series(x)
        } else if x.hi < 9.0 {
            Dd::ONE.add_raw(-erfc_trapezoid(x))
        } else {
            Dd::ONE
        };
        r.copysign(self)
    }

    /// The complementary error function, `1 - erf(self)` without cancellation; relative error below
    /// 1e-30 until the result underflows.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(10.0).erfc().to_f64(), 2.088487583762545e-45);
    /// ```
    pub fn erfc(self) -> Dd {
        if self.is_nan() {
            return self;
        }
        if self.hi.abs() <= SWITCH {
            return Dd::ONE.add_dd(-self.erf());
        }
        let x = self.abs();
        let r = if x.hi < 27.5 {
            erfc_trapezoid(x)
        } else {
            Dd::ZERO
        };
        if self.hi < 0.0 {
            Dd::whole(2.0).add_dd(-r)
        } else {
            r
        }
    }
}
