//! Double-double arithmetic: a number held as the unevaluated sum of two `f64`, with 106 bits of
//! significand (32 decimal digits) and the exponent range of `f64`.
//!
//! It is for results whose error must be far below that of `f64`: references, gradient checks and
//! ill-conditioned sums. It is not a correctly rounded 128-bit format and not a wider exponent
//! range: below about 2^-960 (1e-289) the low part of a product no longer fits, and the result
//! tends to the plain `f64` one.
//!
//! Every function uses only the IEEE-754 operations `+ - * / sqrt` and integer arithmetic, never
//! the platform's mathematical library, so results are the same bits on every machine.
//!
//! Error bounds, relative: 2^-102 for `+ - * /` and `sqrt`, 2^-98 for the elementary functions over
//! their whole range, 1e-30 for `erf` and `erfc`. At special values (zeros with sign, infinities,
//! NaN, overflow) the results are those of `f64`.
//!
//! Sources: Dekker, *A floating-point technique for extending the available precision* (1971);
//! Knuth, *The Art of Computer Programming* 2, section 4.2.2; Hida, Li, Bailey, *Algorithms for
//! quad-double precision floating point arithmetic* (2001); Joldes, Muller, Popescu, *Tight and
//! rigorous error bounds for basic building blocks of double-word arithmetic* (2017).
//!
//! ```
//! use pullback_array::dd::Dd;
//! let third = Dd::from(1.0) / Dd::from(3.0);
//! assert_eq!(third.to_string(), "0.33333333333333333333333333333333");
//! ```

mod arith;
mod atan;
mod compare;
mod convert;
mod eft;
mod exp;
mod format;
mod gamma;
mod hyper;
mod log;
mod ops;
mod pow;
mod reduce;
mod rem;
mod round;
mod special;
mod tables;
mod trig;

pub use format::ParseDdError;

use eft::two_sum;
pub(crate) use tables::STIRLING;

/// A double-double number, the exact sum `hi + lo`.
///
/// `hi` is the `f64` nearest to the number, so `|lo| <= ulp(hi) / 2`. Where `hi` is zero, infinite
/// or NaN, `lo` is zero.
///
/// ```
/// use pullback_array::dd::Dd;
/// let x = Dd::from(1.0) + Dd::from(1e-25);
/// assert_eq!((x.hi(), x.lo()), (1.0, 1e-25));
/// ```
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Dd {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

impl Dd {
    /// Positive zero.
    pub const ZERO: Dd = Dd::whole(0.0);
    /// One.
    pub const ONE: Dd = Dd::whole(1.0);
    /// Positive infinity.
    pub const INFINITY: Dd = Dd::whole(f64::INFINITY);
    /// Negative infinity.
    pub const NEG_INFINITY: Dd = Dd::whole(f64::NEG_INFINITY);
    /// Not a number.
    pub const NAN: Dd = Dd::whole(f64::NAN);
    /// The relative spacing to rely on, 2^-104: sums and products are nearer than this.
    pub const EPSILON: Dd = Dd::whole(eft::pow2(-104));
    /// The smallest positive normal number, 2^-1022, as for `f64`.
    pub const MIN_POSITIVE: Dd = Dd::whole(f64::MIN_POSITIVE);
    /// The largest finite number, about 2^1024 (1 - 2^-107).
    pub const MAX: Dd = Dd {
        hi: f64::MAX,
        lo: f64::from_bits(0x7c8f_ffff_ffff_ffff),
    };
    /// The smallest finite number, `-MAX`.
    pub const MIN: Dd = Dd {
        hi: f64::MIN,
        lo: f64::from_bits(0xfc8f_ffff_ffff_ffff),
    };
    /// Significant bits of the pair.
    pub const MANTISSA_DIGITS: u32 = 106;
    /// Significant decimal digits.
    pub const DIGITS: u32 = 32;
    /// Archimedes' constant, 3.14159...
    pub const PI: Dd = tables::PI;
    /// pi / 2.
    pub const FRAC_PI_2: Dd = tables::FRAC_PI_2;
    /// pi / 4.
    pub const FRAC_PI_4: Dd = tables::FRAC_PI_4;
    /// 2 pi.
    pub const TAU: Dd = tables::TAU;
    /// 1 / pi.
    pub const FRAC_1_PI: Dd = tables::FRAC_1_PI;
    /// 2 / sqrt(pi).
    pub const FRAC_2_SQRT_PI: Dd = tables::FRAC_2_SQRT_PI;
    /// 1/√(2π).
    pub const FRAC_1_SQRT_TAU: Dd = tables::FRAC_1_SQRT_TAU;
    /// Euler's number, 2.71828...
    pub const E: Dd = tables::E;
    /// ln 2.
    pub const LN_2: Dd = tables::LN_2;
    /// ln 10.
    pub const LN_10: Dd = tables::LN_10;
    /// log2 e.
    pub const LOG2_E: Dd = tables::LOG2_E;
    /// log10 e.
    pub const LOG10_E: Dd = tables::LOG10_E;
    /// log10 2.
    pub const LOG10_2: Dd = tables::LOG10_2;
    /// sqrt 2.
    pub const SQRT_2: Dd = tables::SQRT_2;
    /// 1 / sqrt 2.
    pub const FRAC_1_SQRT_2: Dd = tables::FRAC_1_SQRT_2;

    /// `x` with a zero low part; the only way to make a non-finite number.
    #[inline(always)]
    pub(crate) const fn whole(x: f64) -> Dd {
        Dd { hi: x, lo: 0.0 }
    }

    /// The exact sum `a + b` of two `f64`, whatever their sizes (Knuth's TwoSum).
    ///
    /// ```
    /// use pullback_array::dd::Dd;
    /// let x = Dd::from_parts(1e-20, 1.0);
    /// assert_eq!((x.hi(), x.lo()), (1.0, 1e-20));
    /// ```
    #[inline]
    pub const fn from_parts(a: f64, b: f64) -> Dd {
        let (hi, lo) = two_sum(a, b);
        if hi.is_finite() && hi != 0.0 {
            Dd { hi, lo }
        } else {
            Dd::whole(a + b)
        }
    }

    /// The high part: the nearest `f64`.
    ///
    /// ```
    /// assert_eq!(pullback_array::dd::Dd::PI.hi(), std::f64::consts::PI);
    /// ```
    #[inline(always)]
    pub const fn hi(self) -> f64 {
        self.hi
    }

    /// The low part: what the nearest `f64` leaves over.
    ///
    /// ```
    /// assert_eq!(pullback_array::dd::Dd::from(2.5).lo(), 0.0);
    /// ```
    #[inline(always)]
    pub const fn lo(self) -> f64 {
        self.lo
    }
}
