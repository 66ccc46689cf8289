//! Writes in place: every kernel here takes the write guard, so the storage's version advances.
//!
//! Operands that share memory with the destination are copied first: `x += x.T` reads the old `x`.
#![allow(unsafe_code)]

use super::copy::{fill_with, overwrite};
use super::drive::change;
use crate::array::Array;
use crate::dispatch;
use crate::dtype::Element;
use crate::dtype::number::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Shape;
use std::borrow::Cow;

/// The operand to read: a copy where it shares the destination's memory.
fn apart<'a>(dst: &Array, src: &'a Array) -> Result<Cow<'a, Array>> {
    if dst.storage().shares_memory(src.storage()) {
        src.copy().map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(src))
    }
}

/// Errors unless the source stretches to the destination's shape; in-place results keep that, as in PyTorch.
fn check_stretches(dst: &Array, src: &Array) -> Result<()> {
    let shape: &Shape = dst.shape();
    if shape == src.shape() {
        return Ok(());
    }
    match src.layout().expand(shape) {
        Ok(_) => Ok(()),
        Err(e) => Err(match shape.broadcast(src.shape()) {
            Ok(common) if common != *shape => Error::new(
                ErrorKind::Shape,
                format!("output with shape {shape} doesn't match the broadcast shape {common}"),
            ),
            Ok(_) => e,
            Err(mismatch) => mismatch,
        }),
    }
}

/// The operand of a write to `dst`: checked to stretch, and apart.
pub(super) fn operand<'a>(dst: &Array, src: &'a Array) -> Result<Cow<'a, Array>> {
    check_stretches(dst, src)?;
    apart(dst, src)
}

/// `dst = f(dst)`, element by element.
#[inline]
pub fn map_assign<A: Element>(dst: &Array, f: impl Fn(A) -> A + Sync) -> Result<()> {
    let row = |to: *mut u8, []: [*const u8; 0], n: usize| {
        let to = to.cast::<A>();
        for i in 0..n {
            // SAFETY: the driver gives n elements of the dtype named below.
            unsafe { to.add(i).write(f(A::load(to.add(i)))) };
        }
    };
    // SAFETY: the row changes what the destination holds.
    unsafe { change((dst, A::DTYPE), [], [], &row) }
}

/// `dst = f(dst, src)`, element by element; `src` broadcasts to `dst`, whose shape stays.
#[inline]
pub fn zip_assign<A: Element, B: Element>(
    dst: &Array,
    src: &Array,
    f: impl Fn(A, B) -> A + Sync,
) -> Result<()> {
    check_stretches(dst, src)?;
    let row = |to: *mut u8, [from]: [*const u8; 1], n: usize| {
        let (to, from) = (to.cast::<A>(), from.cast::<B>());
        for i in 0..n {
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe { to.add(i).write(f(A::load(to.add(i)), B::load(from.add(i)))) };
        }
    };
    let src = apart(dst, src)?;
    // SAFETY: the row changes and reads what the arrays hold; they share no memory, and the source stretches.
    unsafe { change((dst, A::DTYPE), [&src], [B::DTYPE], &row) }
}

/// `dst = f(dst, b, c)`, element by element; `b` and `c` broadcast to `dst`, whose shape stays.
pub fn zip3_assign<A: Element, B: Element, C: Element>(
    dst: &Array,
    b: &Array,
    c: &Array,
    f: impl Fn(A, B, C) -> A + Sync,
) -> Result<()> {
    let (b, c) = (operand(dst, b)?, operand(dst, c)?);
    let row = |to: *mut u8, [b, c]: [*const u8; 2], n: usize| {
        let (to, b, c) = (to.cast::<A>(), b.cast::<B>(), c.cast::<C>());
        for i in 0..n {
            // SAFETY: the driver gives n elements of each, of the dtypes named below.
            unsafe {
                to.add(i)
                    .write(f(A::load(to.add(i)), B::load(b.add(i)), C::load(c.add(i))))
            };
        }
    };
    // SAFETY: the row changes and reads what the arrays hold; they share no memory, and the operands stretch.
    unsafe { change((dst, A::DTYPE), [&b, &c], [B::DTYPE, C::DTYPE], &row) }
}

/// Copies `src`, broadcast and converted, over `dst`.
pub fn assign(dst: &Array, src: &Array) -> Result<()> {
    check_stretches(dst, src)?; // before the cast, which may be long
    let src = super::cast(src, dst.dtype())?;
    overwrite(dst, &src)
}

/// Sets every element of `dst` to `value`; also where elements share memory, since all become the same.
///
/// # Errors
/// [`ErrorKind::Argument`] where the dtype cannot hold the number.
#[inline]
pub fn fill(dst: &Array, value: Number) -> Result<()> {
    value.fit(dst.dtype())?;
    dispatch!(stored dst.dtype(), T => {
        let x: T = value.cast();
        // SAFETY: `x` is an element of the destination's dtype.
        unsafe { fill_with(dst, (&raw const x).cast()) }
    })
}
