//! The element types that PyTorch's kernels fill, each with the few facts the draws depend on. No draws here.

mod sealed {
    pub trait Sealed {}
}

/// Types that [`Generator::randint`](super::Generator::randint), `random_` and `bernoulli` can make: `i8` to `i64`, `u8`,
/// `bool`, `f32`, `f64`.
pub trait Number: sealed::Sealed + Copy + Default {
    /// The name in PyTorch's messages.
    #[doc(hidden)]
    const C_NAME: &'static str;
    /// Smallest and largest value, for integers.
    #[doc(hidden)]
    const LIMITS: Option<(i64, i64)>;
    /// `random_()` takes a draw modulo this.
    #[doc(hidden)]
    const RANDOM_MODULUS: u64;
    /// Whether `random_()` takes 64 bits for that.
    #[doc(hidden)]
    const RANDOM_WIDE: bool;
    /// Bits of the significand, for floating-point types.
    #[doc(hidden)]
    const DIGITS: Option<u32>;
    /// As `static_cast` from a 64-bit integer.
    #[doc(hidden)]
    fn from_i64(value: i64) -> Self;
    /// As `static_cast` from a double.
    #[doc(hidden)]
    fn from_f64(value: f64) -> Self;
}

macro_rules! number {
    ($($ty:ty, $c:literal, $limits:expr, $modulus:expr, $wide:literal, $digits:expr, |$i:ident| $from_i:expr, |$f:ident| $from_f:expr;)*) => {$(
        impl sealed::Sealed for $ty {}
        impl Number for $ty {
            const C_NAME: &'static str = $c;
            const LIMITS: Option<(i64, i64)> = $limits;
            const RANDOM_MODULUS: u64 = $modulus;
            const RANDOM_WIDE: bool = $wide;
            const DIGITS: Option<u32> = $digits;
            #[inline(always)]
            fn from_i64($i: i64) -> Self {
                $from_i
            }
            #[inline(always)]
            fn from_f64($f: f64) -> Self {
                $from_f
            }
        }
    )*};
}

number! {
    i8, "signed char", Some((i8::MIN as i64, i8::MAX as i64)), 1 << 7, false, None, |i| i as i8, |f| f as i8;
    i16, "short int", Some((i16::MIN as i64, i16::MAX as i64)), 1 << 15, false, None, |i| i as i16, |f| f as i16;
    i32, "int", Some((i32::MIN as i64, i32::MAX as i64)), 1 << 31, false, None, |i| i as i32, |f| f as i32;
    i64, "long int", Some((i64::MIN, i64::MAX)), 1 << 63, true, None, |i| i, |f| f as i64;
    u8, "unsigned char", Some((0, 255)), 1 << 8, false, None, |i| i as u8, |f| f as u8;
    bool, "bool", Some((0, 1)), 2, false, None, |i| i != 0, |f| f != 0.0;
    f32, "float", None, (1 << 24) + 1, false, Some(24), |i| i as f32, |f| f as f32;
    f64, "double", None, (1 << 53) + 1, true, Some(53), |i| i as f64, |f| f;
}

/// The two floating-point types, for draws that have a form for each.
pub trait Float: Number + PartialOrd + Into<f64> {
    /// A contiguous `normal_(mean, std)`.
    #[doc(hidden)]
    fn normal(g: &mut super::Generator, mean: f64, std: f64, out: &mut [Self])
    -> crate::Result<()>;
    /// `uniform_(from, to)`.
    #[doc(hidden)]
    fn uniform(g: &mut super::Generator, from: f64, to: f64, out: &mut [Self])
    -> crate::Result<()>;
    /// A uniform number of as many bits as the type has.
    #[doc(hidden)]
    fn unit(g: &mut super::Generator) -> Self;
    /// Sum, product and quotient, rounded to the type.
    #[doc(hidden)]
    fn add(self, other: Self) -> Self;
    /// See `add`.
    #[doc(hidden)]
    fn mul(self, other: Self) -> Self;
    /// See `add`.
    #[doc(hidden)]
    fn div(self, other: Self) -> Self;
}

macro_rules! float {
    ($($ty:ty, $normal:ident, $uniform:ident, |$g:ident| $unit:expr;)*) => {$(
        impl Float for $ty {
            fn normal(g: &mut super::Generator, mean: f64, std: f64, out: &mut [Self]) -> crate::Result<()> {
                g.$normal(mean, std, out)
            }
            fn uniform(g: &mut super::Generator, from: f64, to: f64, out: &mut [Self]) -> crate::Result<()> {
                g.$uniform(from, to, out)
            }
            fn unit($g: &mut super::Generator) -> Self {
                $unit
            }
            fn add(self, other: Self) -> Self {
                self + other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn div(self, other: Self) -> Self {
                self / other
            }
        }
    )*};
}

float! {
    f32, fill_normal_f32, fill_uniform_f32, |g| (g.random() & 0x00ff_ffff) as f32 * (1.0 / 16777216.0);
    f64, fill_normal_f64, fill_uniform_f64, |g| g.unit_f64();
}
