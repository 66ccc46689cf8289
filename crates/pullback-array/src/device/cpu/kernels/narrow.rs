//! Half precisions and narrow integers: loops are compiled for the dtypes that compute, and these are converted on the way in
//! and out.
//!
//! Elementwise kernels convert piece by piece, inside their driver ([`computed`], [`changed`]); kernels that see whole arrays
//! convert those ([`through`]). Either way a result is computed in the wide dtype and rounded, or wrapped, once.
#![allow(unsafe_code)]

use super::drive::{Row, RowAssign, change, compute};
use super::operand::{Buffer, PIECE};
use super::wide::wide;
use crate::array::{Array, wrong_dtype};
use crate::dtype::{Closed, DType, Element, bf16, f16};
use crate::error::Result;
use std::borrow::Cow;

/// What is stored narrower than it is computed in.
trait Narrow: Element {
    type Wide: Element;
    fn widen(self) -> Self::Wide;
    fn narrow(x: Self::Wide) -> Self;
}

macro_rules! narrow {
    ($($t:ty: $wide:ty, $widen:expr, $narrow:expr;)*) => {$(
        impl Narrow for $t {
            type Wide = $wide;
            #[inline(always)]
            fn widen(self) -> $wide {
                let f: fn($t) -> $wide = $widen;
                f(self)
            }
            #[inline(always)]
            fn narrow(x: $wide) -> $t {
                let f: fn($wide) -> $t = $narrow;
                f(x)
            }
        }
    )*};
}
narrow! {
    i8: i32, |x| x as i32, |x| x as i8;
    i16: i32, |x| x as i32, |x| x as i16;
    u16: i32, |x| x as i32, |x| x as u16;
    u32: i64, |x| x as i64, |x| x as u32;
    u64: i64, |x| x as i64, |x| x as u64;
    f16: f32, f16::to_f32, f16::from_f32;
    bf16: f32, bf16::to_f32, bf16::from_f32;
}

/// Converts `n` elements.
pub(super) type Convert = unsafe fn(to: *mut u8, from: *const u8, n: usize);

/// # Safety
/// `n` elements can be read and written, and do not overlap.
unsafe fn widen_row<T: Narrow>(to: *mut u8, from: *const u8, n: usize) {
    let (to, from) = (to.cast::<T::Wide>(), from.cast::<T>());
    wide(
        #[inline(always)]
        move || {
            for i in 0..n {
                // SAFETY: the caller's promise.
                unsafe { to.add(i).write(T::load(from.add(i)).widen()) };
            }
        },
    );
}

/// # Safety
/// As [`widen_row`].
unsafe fn narrow_row<T: Narrow>(to: *mut u8, from: *const u8, n: usize) {
    let (to, from) = (to.cast::<T>(), from.cast::<T::Wide>());
    wide(
        #[inline(always)]
        move || {
            for i in 0..n {
                // SAFETY: the caller's promise.
                unsafe { to.add(i).write(T::narrow(from.add(i).read())) };
            }
        },
    );
}

/// The loops from a narrow dtype to the one it computes in, and back; `None` for a dtype that computes itself.
pub(super) fn conversions(dtype: DType) -> Option<(Convert, Convert)> {
    match dtype.closed() {
        Closed::I8 => Some((widen_row::<i8>, narrow_row::<i8>)),
        Closed::I16 => Some((widen_row::<i16>, narrow_row::<i16>)),
        Closed::U16 => Some((widen_row::<u16>, narrow_row::<u16>)),
        Closed::U32 => Some((widen_row::<u32>, narrow_row::<u32>)),
        Closed::U64 => Some((widen_row::<u64>, narrow_row::<u64>)),
        Closed::F16 => Some((widen_row::<f16>, narrow_row::<f16>)),
        Closed::BF16 => Some((widen_row::<bf16>, narrow_row::<bf16>)),
        Closed::Bool | Closed::U8 | Closed::I32 | Closed::I64 => None,
        Closed::F32 | Closed::F64 | Closed::Dd => None,
    }
}

/// The narrow dtype that a result computed in `out` from these is stored in: that of the first which computes in it.
fn stored(dtypes: &[DType], out: DType) -> DType {
    let of = |d: &&DType| d.is_narrow() && d.computing() == out;
    dtypes.iter().find(of).copied().unwrap_or(out)
}

/// For each operand the loop that converts it, if it is stored narrower than `wanted`.
///
/// # Errors
/// Where an operand has another dtype altogether.
fn loops<const N: usize>(arrays: [&Array; N], wanted: [DType; N]) -> Result<[Option<Convert>; N]> {
    let mut all = [None; N];
    for k in 0..N {
        let found = arrays[k].dtype();
        if found == wanted[k] {
            continue;
        }
        match conversions(found) {
            Some((widen, _)) if found.computing() == wanted[k] => all[k] = Some(widen),
            _ => return Err(wrong_dtype(wanted[k], found)),
        }
    }
    Ok(all)
}

/// [`compute`] where operands are stored narrower than the row reads them.
///
/// # Safety
/// As [`compute`].
#[cold]
#[inline(never)]
pub(super) unsafe fn computed<const N: usize>(
    inputs: [&Array; N],
    wanted: [DType; N],
    out: DType,
    row: Row<'_, N>,
) -> Result<Array> {
    let widen = loops(inputs, wanted)?;
    let found = inputs.map(Array::dtype);
    let result = stored(&found, out);
    let narrow = match result == out {
        true => None,
        false => conversions(result).map(|(_, narrow)| narrow),
    };
    let through = |to: *mut u8, from: [*const u8; N], n: usize| {
        let mut rooms: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
        let mut end = Buffer::new();
        for start in (0..n).step_by(PIECE) {
            let len = PIECE.min(n - start);
            let to = to.wrapping_add(start * result.size());
            // SAFETY: the driver gives n elements of each, of the dtypes named below; a buffer has room for a piece of any.
            unsafe {
                let from = widened(from, found, &widen, start, len, &mut rooms);
                match narrow {
                    None => row(to, from, len),
                    Some(narrow) => {
                        row(end.ptr(), from, len);
                        narrow(to, end.ptr(), len);
                    }
                }
            }
        }
    };
    // SAFETY: the row reads what the inputs hold and writes what is named here.
    unsafe { compute(inputs, found, result, &through) }
}

/// Pieces of the operands in the dtypes that a row reads, in buffers where they were converted.
///
/// # Safety
/// Elements `start..start + len` can be read, `len` is at most [`PIECE`].
unsafe fn widened<const N: usize>(
    from: [*const u8; N],
    found: [DType; N],
    widen: &[Option<Convert>; N],
    start: usize,
    len: usize,
    rooms: &mut [Buffer; N],
) -> [*const u8; N] {
    std::array::from_fn(|k| {
        let from = from[k].wrapping_add(start * found[k].size());
        match widen[k] {
            None => from,
            Some(widen) => {
                // SAFETY: the caller's promise; a buffer has room for a piece of any dtype.
                unsafe { widen(rooms[k].ptr(), from, len) };
                rooms[k].ptr()
            }
        }
    })
}

/// [`change`] where the destination or operands are stored narrower than the row reads them.
///
/// # Safety
/// As [`change`].
#[cold]
#[inline(never)]
pub(super) unsafe fn changed<const N: usize>(
    (dst, own): (&Array, DType),
    operands: [&Array; N],
    wanted: [DType; N],
    row: RowAssign<'_, N>,
) -> Result<()> {
    let widen = loops(operands, wanted)?;
    let found = operands.map(Array::dtype);
    let stored = dst.dtype();
    loops([dst], [own])?;
    let both = conversions(stored).filter(|_| stored != own);
    let through = |to: *mut u8, from: [*const u8; N], n: usize| {
        let mut rooms: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
        let mut end = Buffer::new();
        for start in (0..n).step_by(PIECE) {
            let len = PIECE.min(n - start);
            let to = to.wrapping_add(start * stored.size());
            // SAFETY: the driver gives n elements of each, of the dtypes named below; a buffer has room for a piece of any.
            unsafe {
                let from = widened(from, found, &widen, start, len, &mut rooms);
                match both {
                    None => row(to, from, len),
                    Some((widen, narrow)) => {
                        widen(end.ptr(), to, len);
                        row(end.ptr(), from, len);
                        narrow(to, end.ptr(), len);
                    }
                }
            }
        }
    };
    // SAFETY: the row changes what the destination holds and reads what the operands do.
    unsafe { change((dst, stored), operands, found, &through) }
}

/// The array in the dtype it computes in: itself, or a converted copy.
///
/// # Errors
/// Where there is no memory for the copy.
pub fn computing(a: &Array) -> Result<Cow<'_, Array>> {
    let Some((widen, _)) = conversions(a.dtype()) else {
        return Ok(Cow::Borrowed(a));
    };
    // What is repeated is converted once.
    for (k, &step) in a.layout().strides().iter().enumerate() {
        if step == 0 && a.shape()[k] > 1 {
            let once = a.slice(k, 0, 1, 1)?;
            return computing(&once)?.expand(a.shape()).map(Cow::Owned);
        }
    }
    // SAFETY: the loop reads the array's dtype and writes the one it computes in.
    let row = |to: *mut u8, [from]: [*const u8; 1], n: usize| unsafe { widen(to, from, n) };
    // SAFETY: as above.
    unsafe { compute([a], [a.dtype()], a.dtype().computing(), &row) }.map(Cow::Owned)
}

/// An array of the dtype that `to` computes in, rounded or wrapped to `to`.
///
/// # Errors
/// Where the array has another dtype, or there is no memory.
pub fn rounded(a: &Array, to: DType) -> Result<Array> {
    let Some((_, narrow)) = conversions(to) else {
        return a.expect(to).map(|()| a.clone());
    };
    // SAFETY: the loop reads the dtype that is asked for below, and writes its narrow form.
    let row = |to: *mut u8, [from]: [*const u8; 1], n: usize| unsafe { narrow(to, from, n) };
    a.expect(to.computing())?;
    // SAFETY: as above.
    unsafe { compute([a], [to.computing()], to, &row) }
}

/// What `kernel` gives for whole arrays in the dtypes they compute in, rounded once; `None` if none of them is narrow. A result in
/// another dtype than they compute in (a place, a comparison, a sum of integers) stays as it is, and so do all in int64.
#[inline]
pub(super) fn through<const N: usize>(
    arrays: [&Array; N],
    kernel: impl FnOnce([&Array; N]) -> Result<Array>,
) -> Option<Result<Array>> {
    match arrays.iter().any(|a| a.dtype().is_narrow()) {
        true => Some(through_wide(arrays, kernel, false)),
        false => None,
    }
}

/// As [`through`], for kernels whose result has the operands' dtype, int64 too.
#[inline]
pub(super) fn through_same<const N: usize>(
    arrays: [&Array; N],
    kernel: impl FnOnce([&Array; N]) -> Result<Array>,
) -> Option<Result<Array>> {
    match arrays.iter().any(|a| a.dtype().is_narrow()) {
        true => Some(through_wide(arrays, kernel, true)),
        false => None,
    }
}

#[cold]
fn through_wide<const N: usize>(
    arrays: [&Array; N],
    kernel: impl FnOnce([&Array; N]) -> Result<Array>,
    same: bool,
) -> Result<Array> {
    let mut all = [const { None }; N];
    for (room, a) in all.iter_mut().zip(arrays) {
        *room = Some(computing(a)?);
    }
    let result = kernel(std::array::from_fn(|k| {
        all[k].as_deref().unwrap_or(arrays[k])
    }))?;
    match same {
        true => settled(result, &arrays.map(Array::dtype)),
        false => placed(result, &arrays.map(Array::dtype)),
    }
}

/// The array in the dtype that a kernel's loop reads: itself, or a converted copy where it [computes in](DType::computing) that.
///
/// # Errors
/// Where it does not; where there is no memory.
#[inline]
pub(super) fn wanted(a: &Array, dtype: DType) -> Result<Cow<'_, Array>> {
    match a.dtype() {
        found if found == dtype => Ok(Cow::Borrowed(a)),
        found if found.computing() == dtype => computing(a),
        found => Err(wrong_dtype(dtype, found)),
    }
}

/// As [`wanted`], for several.
pub(super) fn all_wanted<const N: usize>(
    arrays: [&Array; N],
    dtype: DType,
) -> Result<[Cow<'_, Array>; N]> {
    let mut all = arrays.map(Cow::Borrowed);
    for (room, a) in all.iter_mut().zip(arrays) {
        *room = wanted(a, dtype)?;
    }
    Ok(all)
}

/// The dtype that [`placed`] gives what was computed in `computed`.
pub(super) fn placed_in(found: &[DType], computed: DType) -> DType {
    match computed == DType::I64 {
        true => computed,
        false => stored(found, computed),
    }
}

/// As [`settled`], but what is in int64 stays: a place, or a sum of integers.
pub(super) fn placed(result: Array, found: &[DType]) -> Result<Array> {
    if result.dtype() == DType::I64 {
        return Ok(result);
    }
    settled(result, found)
}

/// A result of operands of these dtypes that was computed in the dtypes they compute in, rounded to what it is stored in.
pub fn settled(result: Array, found: &[DType]) -> Result<Array> {
    match stored(found, result.dtype()) {
        to if to == result.dtype() => Ok(result),
        to => rounded(&result, to),
    }
}
