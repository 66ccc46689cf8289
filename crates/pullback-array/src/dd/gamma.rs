//! The logarithm of the gamma function and the digamma function, by Stirling's series.
//!
//! The argument is shifted to 32 or more, where sixteen terms reach 2^-110. The errors are bounded
//! in absolute terms (relative to the larger of 1 and the result): near the zeros of these
//! functions the relative error grows.

use super::Dd;
use super::tables::{HALF_LN_TAU, PI, STIRLING};

/// The series is used from here on.
const LARGE: f64 = 32.0;

/// `sin(pi x)` and `cos(pi x)`, exact in the reduction.
fn sin_cos_pi(x: Dd) -> (Dd, Dd) {
    let n = x.round();
    let (s, c) = (x.add_dd(-n).mul_dd(PI)).sin_cos();
    if n.half().floor() == n.half() {
        (s, c)
    } else {
        (-s, -c)
    }
}

/// `ln gamma(z) - (z - 1/2) ln z + z - ln(2 pi) / 2` for `z >= 32`.
fn stirling(z: Dd) -> Dd {
    let r = z.recip();
    let s = r.mul_dd(r);
    let sum = STIRLING
        .iter()
        .rev()
        .fold(Dd::ZERO, |q, &c| q.mul_dd(s).add_dd(c));
    sum.mul_dd(r)
}

impl Dd {
    /// `ln |gamma(self)|`; infinite at 0 and the negative integers. Error below 2^-94 times the
    /// larger of 1 and the result; for negative arguments that of the reflection formula
    /// `ln(pi / |sin(pi x)|) - lgamma(1 - x)`.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let error = Dd::from(11.0).lgamma() - Dd::from(3_628_800_i64).ln();
    /// assert!(error.abs() < Dd::from(1e-28));
    /// ```
    pub fn lgamma(self) -> Dd {
        if self.is_nan() {
            return self;
        }
        if self.is_infinite() || (self.hi <= 0.0 && self.floor() == self) {
            return Dd::INFINITY;
        }
        if self == Dd::ONE || self == Dd::whole(2.0) {
            return Dd::ZERO;
        }
        if self.hi < 1e-40 && self.hi > -1e-40 {
            return -self.abs().ln();
        }
        if self.hi < 0.0 {
            let (s, _) = sin_cos_pi(self);
            return PI.div_dd(s.abs()).ln() - Dd::ONE.add_dd(-self).lgamma();
        }
        let (mut z, mut product) = (self, Dd::ONE);
        while z.hi < LARGE {
            product = product.mul_dd(z);
            z = z.add_f64(1.0);
        }
        // (z - 1/2)(ln z - 1) - 1/2: overflows only where the result does.
        let l = z.ln().add_f64(-1.0);
        let main = z.add_f64(-0.5).mul_dd(l).add_f64(-0.5);
        main + HALF_LN_TAU + stirling(z) - product.ln()
    }

    /// The digamma function, the derivative of [`Dd::lgamma`]; NaN at the negative integers,
    /// infinite with the opposite sign at the zeros. Error below 2^-94 times the larger of 1 and the
    /// result.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let step = Dd::from(4.0).digamma() - Dd::from(3.0).digamma();
    /// assert!((step - Dd::from(3.0).recip()).abs() < Dd::from(1e-29));
    /// ```
    pub fn digamma(self) -> Dd {
        if self.is_nan() || self.hi == f64::INFINITY {
            return self;
        }
        if self.hi == 0.0 {
            return Dd::whole(-1.0 / self.hi);
        }
        if self.hi < 0.0 {
            if self.floor() == self {
                return Dd::NAN;
            }
            let (s, c) = sin_cos_pi(self);
            return Dd::ONE.add_dd(-self).digamma() - PI.mul_dd(c).div_dd(s);
        }
        let (mut z, mut shift) = (self, Dd::ZERO);
        while z.hi < LARGE {
            shift = shift.add_dd(z.recip());
            z = z.add_f64(1.0);
        }
        // B_2n / 2n is (2n - 1) times the coefficient of Stirling's series.
        let s = z.recip().mul_dd(z.recip());
        let mut sum = Dd::ZERO;
        for (i, &c) in STIRLING.iter().enumerate().rev() {
            let c = c.mul_dd(Dd::whole((2 * i + 1) as f64));
            sum = sum.mul_dd(s).add_dd(c);
        }
        z.ln() - z.recip().half() - sum.mul_dd(s) - shift
    }
}
