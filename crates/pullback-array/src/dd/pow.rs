//! Powers, `powi` and `powf`, with the special cases of C's `pow`.
//!
//! The exponent multiplies the error of the logarithm by up to 745, so the logarithm and its
//! product with the exponent are held in three parts.

use super::Dd;
use super::eft::{exponent, mul3, pow2, renorm, two_prod};
use super::exp::exp_parts;
use super::log::ln3;

/// A positive number `m 2^k` with a three-part significand, `1 <= m < 2` up to rounding.
#[derive(Clone, Copy)]
struct Wide {
    m: [f64; 3],
    k: i64,
}

impl Wide {
    fn new(m: [f64; 3], k: i64) -> Wide {
        let e = exponent(m[0]);
        Wide {
            m: m.map(|x| x * pow2(-e)),
            k: k + i64::from(e),
        }
    }

    fn mul(self, b: Wide) -> Wide {
        Wide::new(mul3(self.m, b.m), self.k + b.k)
    }
}

impl Dd {
    /// Whether the number is an odd integer.
    fn is_odd(self) -> bool {
        self.floor() == self && self.half().floor() != self.half()
    }

    /// `self^n` by repeated squaring in three parts: exact wherever a pair holds the result,
    /// relative error below 2^-102. `powi(0)` is 1 for every number, NaN included.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(3.0).powi(40), Dd::from(12_157_665_459_056_928_801_u64));
    /// ```
    pub fn powi(self, n: i32) -> Dd {
        match n {
            0 => return Dd::ONE,
            1 => return self,
            2 => return self.mul_dd(self),
            -1 => return self.recip(),
            _ => {}
        }
        let negative = self.is_sign_negative() && n & 1 == 1;
        if self.hi == 0.0 || !self.is_finite() {
            let to_zero = (self.hi == 0.0) == (n > 0);
            return match (self.is_nan(), to_zero) {
                (true, _) => Dd::NAN,
                (_, true) if negative => -Dd::ZERO,
                (_, true) => Dd::ZERO,
                _ if negative => Dd::NEG_INFINITY,
                _ => Dd::INFINITY,
            };
        }
        let e = exponent(self.hi);
        let a = self.abs().scale2(-e);
        let mut base = Wide::new([a.hi, a.lo, 0.0], i64::from(e));
        let mut left = n.unsigned_abs();
        let mut result: Option<Wide> = None;
        loop {
            if left & 1 == 1 {
                result = Some(result.map_or(base, |r| r.mul(base)));
            }
            left >>= 1;
            if left == 0 {
                break;
            }
            base = base.mul(base);
        }
        let Some(Wide { m, k }) = result else {
            return Dd::ONE;
        };
        let m = Dd::from_parts(m[0], m[1] + m[2]);
        let k = k.clamp(-3000, 3000) as i32;
        let r = if n > 0 {
            m.scale2(k)
        } else {
            m.recip().scale2(-k)
        };
        if negative { -r } else { r }
    }

    /// `self^y` with the special cases of C's `pow`; relative error below 2^-98 over the whole
    /// range. Integer exponents up to 1024 go to [`Dd::powi`].
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(4.0).powf(Dd::from(-0.5)), Dd::from(0.5));
    /// assert!(Dd::from(-2.0).powf(Dd::from(0.5)).is_nan());
    /// ```
    pub fn powf(self, y: Dd) -> Dd {
        if y.hi == 0.0 || self == Dd::ONE {
            return Dd::ONE;
        }
        if self.is_nan() || y.is_nan() {
            return Dd::NAN;
        }
        let magnitude = self.abs();
        if y.is_infinite() {
            return if magnitude == Dd::ONE {
                Dd::ONE
            } else if (magnitude > Dd::ONE) == (y.hi > 0.0) {
                Dd::INFINITY
            } else {
                Dd::ZERO
            };
        }
        let negative = self.is_sign_negative() && y.is_odd();
        let signed = |r: Dd| if negative { -r } else { r };
        if self.hi == 0.0 || self.is_infinite() {
            let to_zero = (self.hi == 0.0) == (y.hi > 0.0);
            return signed(if to_zero { Dd::ZERO } else { Dd::INFINITY });
        }
        let whole = y.floor() == y;
        if whole && y.hi.abs() <= 1024.0 {
            return self.powi(y.hi as i32);
        }
        if self.hi < 0.0 && !whole {
            return Dd::NAN;
        }
        if y == Dd::whole(0.5) {
            return self.sqrt();
        }
        signed(exp_of_product(ln3(magnitude), y))
    }
}

/// `e^(l y)` for a three-part `l`.
fn exp_of_product(l: [f64; 3], y: Dd) -> Dd {
    let estimate = l[0] * y.hi;
    if estimate > 800.0 {
        return Dd::INFINITY;
    }
    if estimate < -800.0 {
        return Dd::ZERO;
    }
    if estimate.abs() < pow2(-120) {
        return Dd::ONE.add_f64(estimate);
    }
    // The product is moderate; make the factors so too.
    let k = exponent(y.hi);
    let (l, y) = if k > 500 {
        (l.map(|x| x * pow2(k)), y.scale2(-k))
    } else {
        (l, y)
    };
    let (p0, e0) = two_prod(l[0], y.hi);
    let (p1, e1) = two_prod(l[1], y.hi);
    let (p2, e2) = two_prod(l[0], y.lo);
    let tail = l[2] * y.hi + l[1] * y.lo;
    let (m, k) = exp_parts(renorm([p0, p1, e0, p2, e1, e2, tail]));
    m.scale2(k)
}
