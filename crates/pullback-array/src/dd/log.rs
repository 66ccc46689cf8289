//! The logarithms `ln`, `log2`, `log10`, `ln_1p`.
//!
//! `x = 2^k m` and `m = (1 + z) 32 / i` with an integer `i` near `32 / m`, so `|z| < 0.0222`;
//! `ln x = k ln 2 - ln(i/32) + ln(1 + z)`: a 23-entry table and a Taylor series. `z` and `z^2 / 2`
//! are carried beyond two parts, so that powers (`pow.rs`) can have a three-part logarithm.

use super::Dd;
use super::eft::{exponent, pow2, quick_two_sum, renorm, two_prod, two_sqr};
use super::exp::TINY;
use super::tables::{INV_INT, LN2_16, LOG2_E, LOG10_E, NEG_LN_32, SQRT_2};

/// The terms of `ln(1 + z) - z` for `|z| < 0.0222`: the five of `-z^2 / 2` and the two of
/// `z^3 (1/3 - z/4 + ...)`. Absolute error about 2^-117, relative to `z` less than 2^-112.
#[inline]
fn log1p_rest(z: [f64; 3]) -> [f64; 7] {
    let x = z[0];
    let mut tail = 1.0 / 21.0;
    for n in (12..21).rev() {
        tail = 1.0 / f64::from(n) - x * tail;
    }
    let pair = Dd { hi: z[0], lo: z[1] };
    let mut q = INV_INT[10].add_f64_raw(-x * tail);
    for n in (3..11).rev() {
        q = INV_INT[n - 1].add_raw(-(q.mul_raw(pair)));
    }
    let (p, e) = two_sqr(z[0]);
    let (c, f) = two_prod(z[0], z[1]);
    let cube = pair.sqr_raw().mul_raw(pair).mul_raw(q);
    let last = -z[0] * z[2] - 0.5 * z[1] * z[1];
    [-0.5 * p, -0.5 * e, -c, -f, last, cube.hi, cube.lo]
}

/// `ln(2^k m)` in `M` parts; `m` in three parts, between 1/2 and 2.
#[inline]
fn ln_parts<const M: usize>(m: [f64; 3], k: i32) -> [f64; M] {
    let (m, k) = if m[0] > SQRT_2.hi {
        ([m[0] * 0.5, m[1] * 0.5, m[2] * 0.5], k + 1)
    } else if m[0] < 0.5 * SQRT_2.hi {
        ([m[0] * 2.0, m[1] * 2.0, m[2] * 2.0], k - 1)
    } else {
        (m, k)
    };
    let i = (32.0 / m[0] + 0.5).floor();
    let (p, e) = two_prod(m[0], i);
    let (c, f) = two_prod(m[1], i);
    let z: [f64; 3] = renorm([p - 32.0, c, e, f, m[2] * i]);
    let z = z.map(|x| x * pow2(-5));
    let rest = log1p_rest(z);
    let t = NEG_LN_32[i as usize - 23];
    let n = f64::from(16 * k);
    renorm([
        n * LN2_16[0],
        t[0],
        z[0],
        n * LN2_16[1],
        t[1],
        rest[0],
        rest[5],
        z[1],
        n * LN2_16[2],
        rest[1],
        rest[2],
        rest[6],
        t[2],
        z[2] + rest[3] + rest[4],
    ])
}

/// `x = 2^k m`, `1 <= m < 2`, for positive finite `x`.
#[inline]
fn split(x: Dd) -> ([f64; 3], i32) {
    let k = exponent(x.hi);
    let m = if k.abs() < 900 {
        x.scale_raw(pow2(-k))
    } else {
        x.scale2(-k)
    };
    ([m.hi, m.lo, 0.0], k)
}

/// The natural logarithm in three parts, for positive finite `x`; relative error below 2^-109.
pub(super) fn ln3(x: Dd) -> [f64; 3] {
    let (m, k) = split(x);
    ln_parts(m, k)
}

#[inline]
fn pair(t: [f64; 2]) -> Dd {
    let (hi, lo) = quick_two_sum(t[0], t[1]);
    Dd { hi, lo }
}

impl Dd {
    /// What the logarithms give outside the positive finite numbers.
    #[cold]
    fn ln_edge(self) -> Dd {
        Dd::whole(if self.hi == 0.0 {
            f64::NEG_INFINITY
        } else if self.hi < 0.0 {
            f64::NAN
        } else {
            self.hi
        })
    }

    #[inline]
    fn has_ln(self) -> bool {
        self.hi > 0.0 && self.hi < f64::INFINITY
    }

    /// The natural logarithm; relative error below 2^-101, near 1 as well.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(2.0).ln(), Dd::LN_2);
    /// ```
    pub fn ln(self) -> Dd {
        if !self.has_ln() {
            return self.ln_edge();
        }
        let (m, k) = split(self);
        pair(ln_parts(m, k))
    }

    /// The logarithm to base 2, exact for powers of two; relative error below 2^-100.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(0.125).log2(), Dd::from(-3.0));
    /// ```
    pub fn log2(self) -> Dd {
        if !self.has_ln() {
            return self.ln_edge();
        }
        let (m, k) = split(self);
        let (m, k) = if m[0] > SQRT_2.hi {
            (m.map(|x| x * 0.5), k + 1)
        } else {
            (m, k)
        };
        let l = pair(ln_parts(m, 0)).mul_dd(LOG2_E);
        if k == 0 { l } else { l.add_f64(f64::from(k)) }
    }

    /// The logarithm to base 10, exact for the powers of ten that a pair can hold; relative error
    /// below 2^-100.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(1e15).log10(), Dd::from(15.0));
    /// ```
    pub fn log10(self) -> Dd {
        let l = self.ln().mul_dd(LOG10_E);
        if l.hi >= 1.0 && l.hi < 46.0 && l.hi == l.hi.floor() && l.lo.abs() < pow2(-90) {
            let whole = l.hi as i32;
            if Dd::whole(10.0).powi(whole) == self {
                return Dd::whole(l.hi);
            }
        }
        l
    }

    /// `ln(1 + self)` without cancellation near 0; relative error below 2^-101.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let x = Dd::from(1e-40);
    /// assert_eq!(x.ln_1p(), x);
    /// ```
    pub fn ln_1p(self) -> Dd {
        if self.hi.abs() < TINY || self.is_nan() {
            return self;
        }
        if self.hi < -1.0 {
            return Dd::whole(f64::NAN); // -∞ has no parts to be renormalised
        }
        if self.hi > pow2(200) {
            return self.ln();
        }
        if self.hi.abs() < pow2(-6) {
            let z = [self.hi, self.lo, 0.0];
            let rest = log1p_rest(z);
            return pair(renorm([
                z[0],
                rest[0],
                z[1],
                rest[5],
                rest[1],
                rest[2],
                rest[6],
                rest[3] + rest[4],
            ]));
        }
        let s: [f64; 3] = renorm([1.0, self.hi, self.lo]);
        if s[0] <= 0.0 {
            return Dd::whole(s[0]).ln_edge();
        }
        let k = exponent(s[0]);
        pair(ln_parts(s.map(|x| x * pow2(-k)), k))
    }
}
