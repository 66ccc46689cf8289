//! The exponential functions `exp`, `exp2`, `expm1`.
//!
//! `e^x = 2^k 2^(j/16) (1 + p)`, `p = expm1(r)`, `|r| <= ln 2 / 32`: a 16-entry table and a Taylor
//! series whose first seven coefficients are pairs and the others plain `f64` (Hida, Li, Bailey
//! 2001 reduce by a power of two and square instead). Powers and logarithms are elsewhere.

use super::Dd;
use super::eft::{pow2, two_sum};
use super::tables::{EXP2_16, INV_FACT, LN_2, LN2_16, LOG2_E};

/// Below this size `x` and `x + x^2 / 2` are the same pair.
pub(super) const TINY: f64 = pow2(-110);

/// The nearest integer, for `|x| < 2^51`.
#[inline(always)]
pub(super) fn nearest(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    (x + SHIFT) - SHIFT
}

/// `x = n ln(2) / 16 + r` with `|r| <= ln(2) / 32`; `x` in three parts, `|x| < 1100`.
#[inline]
fn reduce(x: [f64; 3]) -> (i32, Dd) {
    let n = nearest(x[0] * (16.0 * LOG2_E.hi));
    let (h, e) = two_sum(x[0], -n * LN2_16[0]);
    let (i, f) = two_sum(x[1], -n * LN2_16[1]);
    let r = Dd { hi: h, lo: e }.add_raw(Dd { hi: i, lo: f });
    (n as i32, r.add_f64_raw(x[2] - n * LN2_16[2]))
}

/// `e^r - 1` for `|r| <= ln(2) / 32`, relative error about 2^-104.
#[inline]
fn expm1_series(r: Dd) -> Dd {
    let x = r.hi;
    let mut tail = INV_FACT[14].hi;
    for n in (9..14).rev() {
        tail = tail * x + INV_FACT[n].hi;
    }
    let mut q = INV_FACT[8].add_f64_raw(tail * x);
    for n in (2..8).rev() {
        q = q.mul_raw(r).add_raw(INV_FACT[n]);
    }
    r.add_raw(r.sqr_raw().mul_raw(q))
}

/// `e^x` as `m 2^k` with `m` in about [1, 2); `x` in three parts, `|x| < 1100`.
#[inline]
pub(super) fn exp_parts(x: [f64; 3]) -> (Dd, i32) {
    let (n, r) = reduce(x);
    scaled(n, expm1_series(r))
}

/// `2^(n/16) (1 + p)` as `m 2^k`.
#[inline]
fn scaled(n: i32, p: Dd) -> (Dd, i32) {
    let t = EXP2_16[(n & 15) as usize];
    (t.add_raw(t.mul_raw(p)), n >> 4)
}

impl Dd {
    /// `e^self`; relative error below 2^-101, infinity above 709.78, 0 below -745.13.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert!((Dd::ONE.exp() - Dd::E).abs() < Dd::EPSILON * 4.0);
    /// ```
    pub fn exp(self) -> Dd {
        if self.hi.abs() < 700.0 {
            let (m, k) = exp_parts([self.hi, self.lo, 0.0]);
            if k > -900 {
                return if k < 1000 {
                    m.scale_raw(pow2(k))
                } else {
                    m.scale2(k)
                };
            }
            return m.scale2(k);
        }
        if self.is_nan() {
            return self;
        }
        if self.hi > 710.0 {
            return Dd::INFINITY;
        }
        if self.hi < -746.0 {
            return Dd::ZERO;
        }
        let (m, k) = exp_parts([self.hi, self.lo, 0.0]);
        m.scale2(k)
    }

    /// `2^self`, exact for integers; relative error below 2^-101.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-3.0).exp2(), Dd::from(0.125));
    /// ```
    pub fn exp2(self) -> Dd {
        if self.is_nan() {
            return self;
        }
        if self.hi >= 1024.5 {
            return Dd::INFINITY;
        }
        if self.hi <= -1076.0 {
            return Dd::ZERO;
        }
        let n = nearest(self.hi * 16.0);
        let t = self.add_f64_raw(-n / 16.0);
        let (m, k) = scaled(n as i32, expm1_series(t.mul_raw(LN_2)));
        m.scale2(k)
    }

    /// `e^self - 1` without cancellation near 0; relative error below 2^-100.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let x = Dd::from(1e-40);
    /// assert_eq!(x.exp_m1(), x);
    /// ```
    pub fn exp_m1(self) -> Dd {
        if self.hi.abs() < TINY || self.is_nan() {
            return self;
        }
        if self.hi > 600.0 {
            return self.exp();
        }
        if self.hi < -600.0 {
            return Dd::whole(-1.0);
        }
        let (n, r) = reduce([self.hi, self.lo, 0.0]);
        let p = expm1_series(r);
        if n == 0 {
            return p;
        }
        let s = EXP2_16[(n & 15) as usize].scale_raw(pow2(n >> 4));
        s.add_f64_raw(-1.0).add_raw(s.mul_raw(p))
    }
}
