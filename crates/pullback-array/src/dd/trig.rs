//! Sine, cosine and tangent.
//!
//! After the reduction to `[-pi/4, pi/4]` the angle is `j/8 + t` with `|t| <= 1/16`; the addition
//! theorems join a 7-entry table with Taylor series in `t` of eight terms. The inverse functions
//! are in `atan.rs`.

use super::Dd;
use super::eft::pow2;
use super::reduce::reduce;
use super::tables::{COS_8, INV_FACT, SIN_8};

/// `sum (-1)^i s^i / (first + 2 i)!` over eight terms, the last four in plain `f64`.
#[inline]
fn alternating(s: Dd, first: usize) -> Dd {
    let x = s.hi;
    let c = |i: usize| INV_FACT[first + 2 * i];
    let tail = c(4).hi - x * (c(5).hi - x * (c(6).hi - x * c(7).hi));
    let mut q = c(3).add_f64_raw(-x * tail);
    for i in (0..3).rev() {
        q = c(i).add_raw(-(q.mul_raw(s)));
    }
    q
}

/// `sin t` for `|t| <= 1/16`.
#[inline]
fn sin_series(t: Dd) -> Dd {
    let s = t.sqr_raw();
    t.add_raw(-(s.mul_raw(t).mul_raw(alternating(s, 3))))
}

/// `cos t - 1` for `|t| <= 1/16`.
#[inline]
fn cosm1_series(t: Dd) -> Dd {
    let s = t.sqr_raw();
    -(s.mul_raw(alternating(s, 2)))
}

/// `r = j/8 + t`, `0 <= r < 0.8`.
#[inline]
fn centre(r: Dd) -> (usize, Dd) {
    let j = (r.hi * 8.0 + 0.5).floor();
    (j as usize, r.add_f64_raw(-0.125 * j))
}

/// `sin r` for `|r| <= pi/4`.
fn sin_kernel(r: Dd) -> Dd {
    let (j, t) = centre(r.abs());
    if j == 0 {
        return sin_series(r);
    }
    let (s, c) = (SIN_8[j], COS_8[j]);
    let bend = c.mul_raw(sin_series(t)).add_raw(s.mul_raw(cosm1_series(t)));
    s.add_raw(bend).copysign(r)
}

/// `cos r` for `|r| <= pi/4`.
fn cos_kernel(r: Dd) -> Dd {
    let (j, t) = centre(r.abs());
    if j == 0 {
        return cosm1_series(t).add_f64_raw(1.0);
    }
    let (s, c) = (SIN_8[j], COS_8[j]);
    let bend = c
        .mul_raw(cosm1_series(t))
        .add_raw(-(s.mul_raw(sin_series(t))));
    c.add_raw(bend)
}

/// `sin(x + turn pi/2)` of a reduced angle.
fn by_quadrant(quadrant: u8, r: Dd) -> Dd {
    match quadrant & 3 {
        0 => sin_kernel(r),
        1 => cos_kernel(r),
        2 => -sin_kernel(r),
        _ => -cos_kernel(r),
    }
}

impl Dd {
    /// The sine; relative error below 2^-100 for every finite number, also next to the multiples
    /// of pi.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// // The pair nearest to pi misses it by 3e-33.
    /// assert!(Dd::PI.sin().abs() < Dd::from(4e-33));
    /// ```
    pub fn sin(self) -> Dd {
        if !self.is_finite() {
            return Dd::NAN;
        }
        if self.hi.abs() < pow2(-54) {
            return self;
        }
        let (quadrant, r) = reduce(self);
        by_quadrant(quadrant, r)
    }

    /// The cosine; relative error below 2^-100 for every finite number.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ZERO.cos(), Dd::ONE);
    /// ```
    pub fn cos(self) -> Dd {
        if !self.is_finite() {
            return Dd::NAN;
        }
        let (quadrant, r) = reduce(self);
        by_quadrant(quadrant + 1, r)
    }

    /// The sine and the cosine, with one reduction.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ZERO.sin_cos(), (Dd::ZERO, Dd::ONE));
    /// ```
    pub fn sin_cos(self) -> (Dd, Dd) {
        if !self.is_finite() {
            return (Dd::NAN, Dd::NAN);
        }
        if self.hi.abs() < pow2(-54) {
            return (self, self.cos());
        }
        let (quadrant, r) = reduce(self);
        (by_quadrant(quadrant, r), by_quadrant(quadrant + 1, r))
    }

    /// The tangent, sine by cosine; relative error below 2^-99 for every finite number.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert!((Dd::FRAC_PI_4.tan() - Dd::ONE).abs() < Dd::EPSILON);
    /// ```
    pub fn tan(self) -> Dd {
        if self.hi.abs() < pow2(-54) {
            return self;
        }
        let (s, c) = self.sin_cos();
        s.div_dd(c)
    }
}
