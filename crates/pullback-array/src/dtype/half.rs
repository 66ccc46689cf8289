//! Half precisions as bits with two conversions each: what lies in memory, not what computes (that is `f32`).
//!
//! To `f32` every number goes exactly; from it to nearest, ties to even, as PyTorch's `c10::Half` and `c10::BFloat16` do, with
//! overflow to infinity and subnormals. The formulas have no branches, so that loops over them become vectors.

/// IEEE half precision, as bits: 11 digits of binary, up to 65504.
///
/// ```
/// use pullback_array::f16;
/// assert_eq!(f16::from_f32(1.0 + 1.0 / 2048.0).to_f32(), 1.0); // a tie goes to even
/// assert!(f16::from_f32(65520.0).to_f32().is_infinite());
/// ```
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct f16(u16);

/// Google's half precision, as bits: the upper half of an `f32`, 8 digits of binary.
///
/// ```
/// use pullback_array::bf16;
/// assert_eq!(bf16::from_f32(3.141_592_7).to_f32(), 3.140_625);
/// ```
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct bf16(u16);

impl f16 {
    /// From bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> f16 {
        f16(bits)
    }

    /// The bits.
    #[inline(always)]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest half, ties to even; from 65520 on infinity.
    #[inline(always)]
    pub fn from_f32(x: f32) -> f16 {
        let bits = x.to_bits();
        let (sign, size) = ((bits >> 16) as u16 & 0x8000, bits & 0x7fff_ffff);
        // Normal: the exponent is rebased, and the digits that go are rounded by an addition that carries into it.
        let odd = (size >> 13) & 1;
        let normal = size.wrapping_sub(0x3800_0000).wrapping_add(0xfff + odd) >> 13;
        // Subnormal: adding 0.5 leaves the digits of a multiple of 2^-24 at the end, rounded by the addition itself.
        let subnormal = (f32::from_bits(size) + 0.5)
            .to_bits()
            .wrapping_sub(0.5f32.to_bits());
        let finite = if size < 0x3880_0000 {
            subnormal
        } else {
            normal
        };
        let large = if size > 0x7f80_0000 { 0x7e00 } else { 0x7c00 };
        f16(sign | if size >= 0x4780_0000 { large } else { finite } as u16)
    }

    /// The same number.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        let bits = u32::from(self.0);
        let (sign, size) = ((bits & 0x8000) << 16, (bits & 0x7fff) << 13);
        // Rebased by an exact product, in which subnormals find their exponent; what was infinite or NaN stays so.
        let finite = (f32::from_bits(size) * f32::from_bits(0x7780_0000)).to_bits();
        let special = size | 0x7f80_0000;
        f32::from_bits(sign | if size >= 0x0f80_0000 { special } else { finite })
    }
}

impl bf16 {
    /// From bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> bf16 {
        bf16(bits)
    }

    /// The bits.
    #[inline(always)]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest number of 8 binary digits, ties to even.
    #[inline(always)]
    pub fn from_f32(x: f32) -> bf16 {
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        bf16(if x.is_nan() { 0x7fc0 } else { rounded as u16 })
    }

    /// The same number.
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

macro_rules! like_f32 {
    ($($t:ident)*) => {$(
        impl PartialEq for $t {
            #[inline(always)]
            fn eq(&self, other: &Self) -> bool {
                self.to_f32() == other.to_f32()
            }
        }
        impl PartialOrd for $t {
            #[inline(always)]
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }
        impl std::fmt::Debug for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.to_f32(), f)
            }
        }
    )*};
}
like_f32!(f16 bf16);
