//! Writes in place: every kernel here takes the write guard, so the storage's version advances.
//!
//! Operands that share memory with the destination are copied first: `x += x.T` reads the old `x`.
#![allow(unsafe_code)]

use super::nest;
use crate::array::Array;
use crate::dispatch;
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::number::Number;

/// The operand to read: a copy where it shares the destination's memory.
fn apart(dst: &Array, src: &Array) -> Result<Array> {
    if dst.storage().shares_memory(src.storage()) {
        src.copy()
    } else {
        Ok(src.clone())
    }
}

/// The source stretched to the destination's shape; in-place results keep the destination's shape, as in PyTorch.
fn stretch(dst: &Array, src: &Array) -> Result<Layout> {
    let shape: &Shape = dst.shape();
    (src.layout().expand(shape)).map_err(|e| match shape.broadcast(src.shape()) {
        Ok(common) if common != *shape => Error::new(
            ErrorKind::Shape,
            format!("output with shape {shape} doesn't match the broadcast shape {common}"),
        ),
        Ok(_) => e,
        Err(mismatch) => mismatch,
    })
}

/// `dst = f(dst)`, element by element.
#[inline]
pub fn map_assign<A: Element>(dst: &Array, f: impl Fn(A) -> A) -> Result<()> {
    dst.expect_dtype::<A>()?;
    let guard = dst.write()?;
    let to = guard.ptr::<A>();
    if dst.is_contiguous() {
        // SAFETY: a contiguous layout has numel elements from its offset on; the guard gives sole access.
        unsafe {
            let to = to.add(dst.layout().offset());
            for i in 0..dst.numel() {
                *to.add(i) = f(*to.add(i));
            }
        }
        return Ok(());
    }
    nest::rows([dst.layout()], |[place], len, [step]| {
        for i in 0..len as isize {
            // SAFETY: places of a layout inside the storage; the guard gives sole access.
            unsafe {
                let p = to.offset(place + i * step);
                *p = f(*p);
            }
        }
    });
    Ok(())
}

/// `dst = f(dst, src)`, element by element; `src` broadcasts to `dst`, whose shape stays.
#[inline]
pub fn zip_assign<A: Element, B: Element>(
    dst: &Array,
    src: &Array,
    f: impl Fn(A, B) -> A,
) -> Result<()> {
    dst.expect_dtype::<A>()?;
    src.expect_dtype::<B>()?;
    if dst.storage().shares_memory(src.storage()) {
        return zip_assign(dst, &apart(dst, src)?, f);
    }
    if dst.shape() == src.shape() && dst.is_contiguous() && src.is_contiguous() {
        let (from, to) = (src.read()?, dst.write()?);
        // SAFETY: contiguous layouts have numel elements from their offsets on; distinct storages, guarded.
        unsafe {
            let (to, from) = (
                to.ptr::<A>().add(dst.layout().offset()),
                from.ptr::<B>().add(src.layout().offset()),
            );
            for i in 0..dst.numel() {
                *to.add(i) = f(*to.add(i), *from.add(i));
            }
        }
        return Ok(());
    }
    let layout = stretch(dst, src)?;
    let (from, to) = (src.read()?, dst.write()?);
    let (to, from) = (to.ptr::<A>(), from.ptr::<B>());
    nest::rows([dst.layout(), &layout], |[it, is], len, [st, ss]| {
        for i in 0..len as isize {
            // SAFETY: places of layouts inside their distinct, guarded storages.
            unsafe {
                let p = to.offset(it + i * st);
                *p = f(*p, *from.offset(is + i * ss));
            }
        }
    });
    Ok(())
}

/// Copies `src`, broadcast and converted, over `dst`.
pub fn assign(dst: &Array, src: &Array) -> Result<()> {
    let src = super::cast(src, dst.dtype())?;
    dispatch!(dst.dtype(), T => zip_assign(dst, &src, |_: T, x: T| x))
}

/// Sets every element of `dst` to `value`.
#[inline]
pub fn fill(dst: &Array, value: Number) -> Result<()> {
    dispatch!(dst.dtype(), T => {
        let x: T = value.cast();
        map_assign(dst, |_: T| x)
    })
}
