//! Bounded integers: Lemire's method in NumPy's four widths, the masked rejection of `shuffle`, and the integer types
//! that `integers` can make. Not the checking of bounds against NumPy's sentences, apart from the names of types.
//!
//! Source: `numpy/random/src/distributions/distributions.c` (`random_bounded_*`, `buffered_*`, `random_interval`).

use super::pcg64::Words;

mod sealed {
    pub trait Sealed {}
}

/// The element types of [`Generator::integers`](super::Generator::integers): NumPy's eight integer types and `bool`.
pub trait Integer: sealed::Sealed + Copy {
    /// NumPy's name of the type.
    const NAME: &'static str;
    /// The smallest value.
    const MIN: i128;
    /// The largest value.
    const MAX: i128;
    /// Which of NumPy's samplers makes it.
    #[doc(hidden)]
    const WIDTH: Width;
    /// The low bits of `offset` plus a draw, as this type.
    #[doc(hidden)]
    fn from_bits(bits: u64) -> Self;
}

/// NumPy has one sampler for each width of the unsigned type beneath.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bool,
    W8,
    W16,
    W32,
    W64,
}

macro_rules! integer {
    ($($ty:ty, $name:literal, $width:ident;)*) => {$(
        impl sealed::Sealed for $ty {}
        impl Integer for $ty {
            const NAME: &'static str = $name;
            const MIN: i128 = <$ty>::MIN as i128;
            const MAX: i128 = <$ty>::MAX as i128;
            const WIDTH: Width = Width::$width;
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as $ty
            }
        }
    )*};
}

integer! {
    i8, "int8", W8;
    u8, "uint8", W8;
    i16, "int16", W16;
    u16, "uint16", W16;
    i32, "int32", W32;
    u32, "uint32", W32;
    i64, "int64", W64;
    u64, "uint64", W64;
}

impl sealed::Sealed for bool {}
impl Integer for bool {
    const NAME: &'static str = "bool";
    const MIN: i128 = 0;
    const MAX: i128 = 1;
    const WIDTH: Width = Width::Bool;
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
}

/// Fills with integers in `offset ..= offset + range`, modulo the width.
pub(super) fn fill<T: Integer>(bits: &mut Words, offset: u64, range: u64, out: &mut [T]) {
    if range == 0 {
        out.fill(T::from_bits(offset));
        return;
    }
    match T::WIDTH {
        Width::Bool => pieces::<T, 1>(bits, out, |piece| T::from_bits(offset + piece())),
        Width::W8 if range == 0xff => pieces::<T, 8>(bits, out, |piece| {
            T::from_bits(offset.wrapping_add(piece()))
        }),
        Width::W8 => pieces::<T, 8>(bits, out, |piece| {
            T::from_bits(offset.wrapping_add(lemire_narrow::<8>(range, piece)))
        }),
        Width::W16 if range == 0xffff => pieces::<T, 16>(bits, out, |piece| {
            T::from_bits(offset.wrapping_add(piece()))
        }),
        Width::W16 => pieces::<T, 16>(bits, out, |piece| {
            T::from_bits(offset.wrapping_add(lemire_narrow::<16>(range, piece)))
        }),
        Width::W32 | Width::W64 if range == 0xffff_ffff => {
            out.iter_mut()
                .for_each(|v| *v = T::from_bits(offset.wrapping_add(u64::from(bits.next_u32()))));
        }
        Width::W32 | Width::W64 if range < 0xffff_ffff => {
            let range = range as u32;
            out.iter_mut().for_each(|v| {
                *v = T::from_bits(offset.wrapping_add(u64::from(lemire_u32(bits, range))))
            });
        }
        _ if range == u64::MAX => {
            out.iter_mut()
                .for_each(|v| *v = T::from_bits(offset.wrapping_add(bits.next_u64())));
        }
        _ => out
            .iter_mut()
            .for_each(|v| *v = T::from_bits(offset.wrapping_add(lemire_u64(bits, range)))),
    }
}

/// One integer in `0 ..= range` as `choice` draws it: `random_bounded_uint64` without the mask.
pub(super) fn below_or_equal(bits: &mut Words, range: u64) -> u64 {
    match range {
        0 => 0,
        0xffff_ffff => u64::from(bits.next_u32()),
        u64::MAX => bits.next_u64(),
        r if r < 0xffff_ffff => u64::from(lemire_u32(bits, r as u32)),
        r => lemire_u64(bits, r),
    }
}

/// One integer in `0 ..= max` as `shuffle` draws it: `random_interval`, rejection under the smallest mask.
pub(super) fn interval(bits: &mut Words, max: u64) -> u64 {
    if max == 0 {
        return 0;
    }
    let mask = u64::MAX >> max.leading_zeros();
    loop {
        let draw = if max <= 0xffff_ffff {
            u64::from(bits.next_u32())
        } else {
            bits.next_u64()
        };
        if draw & mask <= max {
            return draw & mask;
        }
    }
}

/// Narrow types cut one 32-bit draw into pieces, low bits first; what is left at the end of a fill is dropped.
fn pieces<T: Integer, const BITS: u32>(
    bits: &mut Words,
    out: &mut [T],
    mut make: impl FnMut(&mut dyn FnMut() -> u64) -> T,
) {
    let (mut buffer, mut left) = (0u32, 0u32);
    let mut piece = || {
        if left == 0 {
            buffer = bits.next_u32();
            left = 32 / BITS - 1;
        } else {
            buffer >>= BITS;
            left -= 1;
        }
        u64::from(buffer & ((1 << BITS) - 1))
    };
    out.iter_mut().for_each(|v| *v = make(&mut piece));
}

/// Lemire's method on 8 or 16 bits.
#[inline(always)]
fn lemire_narrow<const BITS: u32>(range: u64, piece: &mut dyn FnMut() -> u64) -> u64 {
    let mask = (1u64 << BITS) - 1;
    let count = range + 1;
    let mut m = piece() * count;
    if m & mask < count {
        let threshold = (mask - range) % count;
        while m & mask < threshold {
            m = piece() * count;
        }
    }
    m >> BITS
}

#[inline(always)]
fn lemire_u32(bits: &mut Words, range: u32) -> u32 {
    let count = range + 1;
    let mut m = u64::from(bits.next_u32()) * u64::from(count);
    if (m as u32) < count {
        let threshold = (u32::MAX - range) % count;
        while (m as u32) < threshold {
            m = u64::from(bits.next_u32()) * u64::from(count);
        }
    }
    (m >> 32) as u32
}

#[inline(always)]
fn lemire_u64(bits: &mut Words, range: u64) -> u64 {
    let count = range + 1;
    let mut m = u128::from(bits.next_u64()) * u128::from(count);
    if (m as u64) < count {
        let threshold = (u64::MAX - range) % count;
        while (m as u64) < threshold {
            m = u128::from(bits.next_u64()) * u128::from(count);
        }
    }
    (m >> 64) as u64
}
