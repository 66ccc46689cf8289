//! The hyperbolic functions and their inverses, from `expm1` and `ln_1p`, without cancellation
//! near their zeros.

use super::Dd;
use super::eft::pow2;
use super::exp::exp_parts;

/// Below this size the odd functions here are their argument: the next term is `x^3 / 3` or less.
const LINEAR: f64 = pow2(-54);

/// Beyond this size the smaller exponential is below the last bit.
const LARGE: f64 = 40.0;

impl Dd {
    /// `e^self / 2` that overflows only where the half does.
    fn half_exp(self) -> Dd {
        if self.hi > 800.0 {
            return Dd::INFINITY;
        }
        let (m, k) = exp_parts([self.hi, self.lo, 0.0]);
        m.scale2(k - 1)
    }

    /// The hyperbolic sine, `(E + E / (E + 1)) / 2` with `E = expm1(x)`; relative error below
    /// 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let x = Dd::from(1e-30);
    /// assert_eq!(x.sinh(), x);
    /// ```
    pub fn sinh(self) -> Dd {
        let x = self.abs();
        if x.hi < LINEAR || x.is_nan() {
            return self;
        }
        let r = if x.hi > LARGE {
            x.half_exp()
        } else {
            let e = x.exp_m1();
            e.add_raw(e.div_raw(e.add_f64_raw(1.0))).half()
        };
        r.copysign(self)
    }

    /// The hyperbolic cosine, `(e^x + e^-x) / 2`; relative error below 2^-101.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ZERO.cosh(), Dd::ONE);
    /// ```
    pub fn cosh(self) -> Dd {
        let x = self.abs();
        if x.is_nan() {
            return x;
        }
        if x.hi > LARGE {
            return x.half_exp();
        }
        let e = x.exp();
        e.add_raw(e.recip()).half()
    }

    /// The hyperbolic tangent, `E / (E + 2)` with `E = expm1(2 x)`; relative error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::from(-50.0).tanh(), Dd::from(-1.0));
    /// ```
    pub fn tanh(self) -> Dd {
        let x = self.abs();
        if x.hi < LINEAR || x.is_nan() {
            return self;
        }
        let r = if x.hi > LARGE {
            Dd::ONE
        } else {
            let e = x.scale_raw(2.0).exp_m1();
            e.div_raw(e.add_f64_raw(2.0))
        };
        r.copysign(self)
    }

    /// The inverse hyperbolic sine, `ln_1p(x + x^2 / (1 + sqrt(1 + x^2)))`; relative error below
    /// 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let x = Dd::from(1e-30);
    /// assert_eq!(x.asinh(), x);
    /// ```
    pub fn asinh(self) -> Dd {
        let x = self.abs();
        if x.hi < LINEAR || !x.is_finite() {
            return self;
        }
        let r = if x.hi > pow2(60) {
            x.ln().add_raw(Dd::LN_2)
        } else {
            let s = x.sqr_raw();
            let root = s.add_f64_raw(1.0).sqrt();
            x.add_raw(s.div_dd(root.add_f64_raw(1.0))).ln_1p()
        };
        r.copysign(self)
    }

    /// The inverse hyperbolic cosine, `ln_1p(t + sqrt(t (t + 2)))` with `t = x - 1`; NaN below 1,
    /// relative error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ONE.acosh(), Dd::ZERO);
    /// ```
    pub fn acosh(self) -> Dd {
        if self < Dd::ONE || self.is_nan() {
            return Dd::NAN;
        }
        if self.is_infinite() {
            return self;
        }
        if self.hi > pow2(60) {
            return self.ln().add_raw(Dd::LN_2);
        }
        let t = self.add_f64(-1.0);
        let square = t.mul_dd(t.add_f64(2.0));
        t.add_dd(square.sqrt()).ln_1p()
    }

    /// The inverse hyperbolic tangent, `ln_1p(2 x / (1 - x)) / 2`; infinite at 1, NaN beyond,
    /// relative error below 2^-99.
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// assert_eq!(Dd::ONE.atanh(), Dd::INFINITY);
    /// ```
    pub fn atanh(self) -> Dd {
        let x = self.abs();
        if x.hi < LINEAR || x.is_nan() {
            return self;
        }
        let r = x.scale_raw(2.0).div_dd(Dd::ONE.add_dd(-x));
        if x > Dd::ONE {
            return Dd::NAN;
        }
        r.ln_1p().half().copysign(self)
    }
}
