//! The remainder of truncated division, `%`.
//!
//! Long division, about 50 bits of quotient to a step, on a remainder of eight parts. That is the
//! exact remainder (rounded to a pair at the end) unless the two parts of an operand are hundreds
//! of bits apart and the quotient is beyond 2^52 as well.

use super::Dd;
use super::eft::{exponent, ldexp, pow2, renorm, two_prod};

/// `two_prod` for a second factor that may be too large to split.
fn two_prod_large(a: f64, b: f64) -> (f64, f64) {
    if b.abs() > pow2(900) {
        let (p, e) = two_prod(a, b * pow2(-120));
        (p * pow2(120), e * pow2(120))
    } else {
        two_prod(a, b)
    }
}

/// A remainder as an expansion, largest part first.
type Rest = [f64; 8];

/// `r - q (b.hi + b.lo)`.
fn reduce(r: Rest, q: f64, b: Dd) -> Rest {
    let (p0, e0) = two_prod_large(q, b.hi);
    let (p1, e1) = two_prod_large(q, b.lo);
    renorm([
        r[0], -p0, r[1], -e0, -p1, r[2], -e1, r[3], r[4], r[5], r[6], r[7],
    ])
}

impl Dd {
    /// `self - n other` for the integer `n = trunc(self / other)`; the sign is that of `self`.
    pub(super) fn rem_dd(self, other: Dd) -> Dd {
        if !self.is_finite() || other.is_nan() || other.hi == 0.0 {
            return Dd::NAN;
        }
        let b = other.abs();
        if self.abs() < b {
            return self;
        }
        let a = self.abs();
        let mut r: Rest = [0.0; 8];
        (r[0], r[1]) = (a.hi, a.lo);
        loop {
            let gap = if r[0] > 0.0 {
                exponent(r[0]) - exponent(b.hi)
            } else {
                -1
            };
            if gap < 52 {
                break;
            }
            let shift = gap - 50;
            let step = Dd {
                hi: ldexp(b.hi, shift),
                lo: ldexp(b.lo, shift),
            };
            r = reduce(r, (r[0] / step.hi).floor(), step);
            while r[0] < 0.0 {
                r = reduce(r, -1.0, step);
            }
        }
        r = reduce(r, (r[0] / b.hi).floor(), b);
        while r[0] < 0.0 {
            r = reduce(r, -1.0, b);
        }
        loop {
            let less = reduce(r, 1.0, b);
            if less[0] < 0.0 {
                break;
            }
            r = less;
        }
        Dd::from_parts(r[0], r[1] + r[2]).copysign(self)
    }
}
