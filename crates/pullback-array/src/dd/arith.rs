//! Sum, difference, product, quotient and roots, with the range guards that keep overflow and
//! underflow behaving as in `f64`.
//!
//! The `_raw` forms are the bare algorithms for arguments known to be in range; the public
//! operators (`ops.rs`) go through the guarded forms. Those are calls and never inlined: every generic
//! kernel and every factorisation exists for `Dd` too, and with these dozens of instructions at each
//! `+` and `*` of theirs the program would be a third larger, and hardly faster.

use super::Dd;
use super::eft::{exponent, ldexp, pow2, quick_two_sum, two_prod, two_sqr, two_sum};

/// Whether `|x|` is in the range where splitting and error terms are exact for quotients.
#[inline(always)]
fn in_range(x: f64) -> bool {
    let a = x.abs();
    a > pow2(-900) && a < pow2(900)
}

impl Dd {
    /// AccurateDWPlusDW of Joldes, Muller, Popescu 2017: relative error at most 3 * 2^-106.
    #[inline(always)]
    pub(super) fn add_raw(self, b: Dd) -> Dd {
        let (s, e) = two_sum(self.hi, b.hi);
        let (t, f) = two_sum(self.lo, b.lo);
        let (v, w) = quick_two_sum(s, e + t);
        let (hi, lo) = quick_two_sum(v, f + w);
        Dd { hi, lo }
    }

    #[inline(never)]
    pub(super) fn add_dd(self, b: Dd) -> Dd {
        let r = self.add_raw(b);
        if r.hi.is_finite() && r.hi != 0.0 {
            r
        } else {
            Dd::sum_at_edge(self.hi + b.hi, r.hi)
        }
    }

    /// A sum that came out zero or not finite: `s` is the `f64` sum, `hi` what the pair gave.
    #[cold]
    fn sum_at_edge(s: f64, hi: f64) -> Dd {
        if s.is_finite() && hi == 0.0 && s != 0.0 {
            Dd::ZERO
        } else {
            Dd::whole(s)
        }
    }

    /// DWPlusFP of Joldes, Muller, Popescu 2017: relative error at most 2 * 2^-106.
    #[inline(always)]
    pub(super) fn add_f64_raw(self, b: f64) -> Dd {
        let (s, e) = two_sum(self.hi, b);
        let (hi, lo) = quick_two_sum(s, self.lo + e);
        Dd { hi, lo }
    }

    #[inline(never)]
    pub(super) fn add_f64(self, b: f64) -> Dd {
        let r = self.add_f64_raw(b);
        if r.hi.is_finite() && r.hi != 0.0 {
            r
        } else {
            Dd::sum_at_edge(self.hi + b, r.hi)
        }
    }

    /// DWTimesDW1 of Joldes, Muller, Popescu 2017 with the product of the low parts added:
    /// relative error below 8 * 2^-106.
    #[inline(always)]
    pub(super) fn mul_raw(self, b: Dd) -> Dd {
        let (p, e) = two_prod(self.hi, b.hi);
        let cross = (self.hi * b.lo + self.lo * b.hi) + self.lo * b.lo;
        let (hi, lo) = quick_two_sum(p, e + cross);
        Dd { hi, lo }
    }

    #[inline(never)]
    pub(super) fn mul_dd(self, b: Dd) -> Dd {
        let p = (self.hi * b.hi).abs();
        let big = self.hi.abs().max(b.hi.abs());
        if p > pow2(-960) && p < pow2(1000) && big < pow2(990) {
            self.mul_raw(b)
        } else {
            self.mul_at_edge(b)
        }
    }

    #[cold]
    fn mul_at_edge(self, b: Dd) -> Dd {
        let p = self.hi * b.hi;
        let plain = |x: f64| x == 0.0 || !x.is_finite();
        if plain(self.hi) || plain(b.hi) {
            return Dd::whole(p);
        }
        let (i, j) = (exponent(self.hi), exponent(b.hi));
        self.scale2(-i).mul_raw(b.scale2(-j)).scale2(i + j)
    }

    /// The product with an `f64`: DWTimesFP of Joldes, Muller, Popescu 2017, at most 4 * 2^-106.
    #[inline(always)]
    pub(super) fn mul_f64_raw(self, b: f64) -> Dd {
        let (p, e) = two_prod(self.hi, b);
        let (hi, lo) = quick_two_sum(p, e + self.lo * b);
        Dd { hi, lo }
    }

    /// The square, with one splitting fewer than the product.
    #[inline(always)]
    pub(super) fn sqr_raw(self) -> Dd {
        let (p, e) = two_sqr(self.hi);
        let (hi, lo) = quick_two_sum(p, e + (2.0 * self.hi + self.lo) * self.lo);
        Dd { hi, lo }
    }

    /// Long division in two digits of 53 bits, in the manner of DWDivDW2 of Joldes, Muller, Popescu
    /// 2017: relative error below 2^-102, as theirs.
    #[inline(always)]
    pub(super) fn div_raw(self, b: Dd) -> Dd {
        let q = self.hi / b.hi;
        let (p, e) = two_prod(q, b.hi);
        let rest = ((self.hi - p) - e) + (self.lo - q * b.lo);
        let (hi, lo) = quick_two_sum(q, rest / b.hi);
        Dd { hi, lo }
    }

    #[inline(never)]
    pub(super) fn div_dd(self, b: Dd) -> Dd {
        if in_range(self.hi) && in_range(b.hi) && in_range(self.hi / b.hi) {
            self.div_raw(b)
        } else {
            self.div_at_edge(b)
        }
    }

    #[cold]
    fn div_at_edge(self, b: Dd) -> Dd {
        let plain = |x: f64| x == 0.0 || !x.is_finite();
        if plain(self.hi) || plain(b.hi) {
            return Dd::whole(self.hi / b.hi);
        }
        let (i, j) = (exponent(self.hi), exponent(b.hi));
        self.scale2(-i).div_raw(b.scale2(-j)).scale2(i - j)
    }

    /// Half of the number; exact unless the low part is subnormal.
    #[inline(always)]
    pub(super) fn half(self) -> Dd {
        self.scale_raw(0.5)
    }

    /// The product with a power of two that neither overflows nor underflows.
    #[inline(always)]
    pub(super) fn scale_raw(self, p: f64) -> Dd {
        Dd {
            hi: self.hi * p,
            lo: self.lo * p,
        }
    }

    /// `self * 2^k`, exact unless the result overflows or one of its parts is subnormal. A subnormal
    /// high part is rounded from the pair and has a zero low part.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::PI.scale2(1), Dd::TAU);
    /// ```
    pub fn scale2(self, k: i32) -> Dd {
        let hi = ldexp(self.hi, k);
        if !hi.is_finite() {
            return Dd::whole(hi);
        }
        if hi.abs() < f64::MIN_POSITIVE {
            return self.to_subnormal(hi, k);
        }
        let lo = ldexp(self.lo, k);
        if hi + lo == hi {
            Dd { hi, lo }
        } else {
            // A subnormal low part rounded up to half a unit of the high one: one step back.
            let lo = f64::from_bits(lo.to_bits() - 1);
            Dd { hi, lo }
        }
    }

    /// `self * 2^k` given the high part's nearest subnormal: only a tie can be wrong.
    #[cold]
    fn to_subnormal(self, hi: f64, k: i32) -> Dd {
        let rest = self.hi - ldexp(hi, -k);
        let tie = rest != 0.0 && rest.abs() == ldexp(1.0, -1075 - k);
        Dd::whole(if tie && self.lo * rest.signum() > 0.0 {
            hi + f64::from_bits(1).copysign(rest)
        } else {
            hi
        })
    }

    /// `1 / self`.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(8.0).recip(), Dd::from(0.125));
    /// ```
    #[inline]
    pub fn recip(self) -> Dd {
        Dd::ONE.div_dd(self)
    }

    /// `self * a + b`, rounded as the two operations are (not fused).
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(2.0).mul_add(Dd::from(3.0), Dd::from(1.0)), Dd::from(7.0));
    /// ```
    #[inline]
    pub fn mul_add(self, a: Dd, b: Dd) -> Dd {
        self.mul_dd(a).add_dd(b)
    }

    #[inline(always)]
    fn sqrt_raw(self) -> Dd {
        let s = self.hi.sqrt();
        let (p, e) = two_sqr(s);
        let rest = ((self.hi - p) - e) + self.lo;
        let (hi, lo) = quick_two_sum(s, rest / (s + s));
        Dd { hi, lo }
    }

    /// The square root, by one Newton step from the `f64` one: `s + (x - s^2) / (2 s)`
    /// (Dekker 1971); relative error below 4 * 2^-106. NaN for negative numbers, -0 for -0.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert!((Dd::from(2.0).sqrt() - Dd::SQRT_2).abs() < Dd::EPSILON);
    /// ```
    pub fn sqrt(self) -> Dd {
        if self.hi > pow2(-900) && self.hi < pow2(1000) {
            return self.sqrt_raw();
        }
        if self.hi <= 0.0 || !self.hi.is_finite() {
            return Dd::whole(self.hi.sqrt());
        }
        let k = exponent(self.hi) & !1;
        self.scale2(-k).sqrt_raw().scale2(k / 2)
    }

    /// The cube root, by Newton steps `y + (x - y^3) / (3 y^2)`, the last one in double-double.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-27.0).cbrt(), Dd::from(-3.0));
    /// ```
    pub fn cbrt(self) -> Dd {
        if self.hi == 0.0 || !self.hi.is_finite() {
            return self;
        }
        let k = exponent(self.hi).div_euclid(3);
        let x = self.abs().scale2(-3 * k);
        // x is in [1, 8): a chord to start with, then quadratic convergence.
        let mut y = 0.87 + 0.15 * x.hi;
        for _ in 0..6 {
            y -= (y * y * y - x.hi) / (3.0 * y * y);
        }
        let (p, e) = two_sqr(y);
        let square = Dd { hi: p, lo: e };
        let rest = x.add_raw(-square.mul_f64_raw(y)).hi;
        let step = rest / (3.0 * p);
        let (hi, lo) = quick_two_sum(y, step - step * step / y);
        Dd { hi, lo }.scale2(k).copysign(self)
    }

    /// `sqrt(self^2 + other^2)` without overflow or underflow on the way. An infinity wins over a
    /// NaN, as in C.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(3.0).hypot(Dd::from(4.0)), Dd::from(5.0));
    /// ```
    pub fn hypot(self, other: Dd) -> Dd {
        if self.hi.is_infinite() || other.hi.is_infinite() {
            return Dd::INFINITY;
        }
        if self.is_nan() || other.is_nan() {
            return Dd::NAN;
        }
        let (a, b) = (self.abs(), other.abs());
        let (a, b) = if a < b { (b, a) } else { (a, b) };
        if b.hi == 0.0 {
            return a;
        }
        let k = exponent(a.hi);
        if k - exponent(b.hi) > 110 {
            return a; // b^2 / 2 a is far below the last bit
        }
        let (a, b) = (a.scale2(-k), b.scale2(-k));
        a.sqr_raw().add_raw(b.sqr_raw()).sqrt().scale2(k)
    }
}
