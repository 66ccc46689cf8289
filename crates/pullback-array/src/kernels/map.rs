//! Elementwise kernels into new memory: one, two or three operands with broadcasting.
//!
//! A formula is a closure over elements; each is compiled once per dtype into a contiguous loop and a strided one.
//! Operands have the dtypes the closure says (conversion is `cast`'s business).
#![allow(unsafe_code)]

use super::nest;
use crate::array::{Array, fresh};
use crate::dtype::Element;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::threads::{BLOCK, Ptr, blocks};

/// `f` of every element.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1.0f64, 4.0], [2])?;
/// assert_eq!(kernels::map(&a, f64::sqrt)?.to_vec::<f64>()?, [1.0, 2.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
#[inline]
pub fn map<A: Element, B: Element>(a: &Array, f: impl Fn(A) -> B + Sync) -> Result<Array> {
    a.expect_dtype::<A>()?;
    let guard = a.read()?;
    let (storage, out) = fresh::<B>(a.shape())?;
    let n = a.numel();
    if a.is_contiguous() {
        // SAFETY: a contiguous layout has n elements from its offset on, inside the storage; `out` has room for n.
        // The guard keeps writers out, and blocks do not overlap.
        let from = unsafe { guard.ptr::<A>().add(a.layout().offset()) };
        if n <= BLOCK {
            for i in 0..n {
                // SAFETY: as above.
                unsafe { out.add(i).write(f(*from.add(i))) };
            }
        } else {
            let (from, out) = (Ptr(from.cast_mut()), Ptr(out));
            blocks(n, BLOCK, &|start, end| {
                let (from, out) = (from.get(), out.get());
                for i in start..end {
                    // SAFETY: as above.
                    unsafe { out.add(i).write(f(*from.add(i))) };
                }
            });
        }
    } else {
        let from = guard.ptr::<A>();
        let mut done = 0;
        nest::rows([a.layout()], |[place], len, [step]| {
            for i in 0..len {
                // SAFETY: `rows` visits the numel places of the layout, in order; the layout lies inside the storage.
                unsafe {
                    out.add(done + i)
                        .write(f(*from.offset(place + i as isize * step)))
                };
            }
            done += len;
        });
    }
    drop(guard);
    Ok(Array::from_fresh::<B>(storage, a.shape().clone()))
}

/// The layouts of two operands stretched to their common shape.
fn broadcast2(a: &Array, b: &Array) -> Result<(Shape, Layout, Layout)> {
    let shape = a.shape().broadcast(b.shape())?;
    let (la, lb) = (a.layout().expand(&shape)?, b.layout().expand(&shape)?);
    Ok((shape, la, lb))
}

/// `f` of every pair of elements, broadcasting.
///
/// # Errors
/// Where the shapes do not broadcast.
#[inline]
pub fn zip<A: Element, B: Element, C: Element>(
    a: &Array,
    b: &Array,
    f: impl Fn(A, B) -> C + Sync,
) -> Result<Array> {
    a.expect_dtype::<A>()?;
    b.expect_dtype::<B>()?;
    if a.shape() == b.shape() && a.is_contiguous() && b.is_contiguous() {
        let (ga, gb) = (a.read()?, b.read()?);
        let (storage, out) = fresh::<C>(a.shape())?;
        // SAFETY: contiguous layouts have numel elements from their offsets on, inside their storages; `out` has room
        // for numel. The guards keep writers out, and blocks do not overlap.
        let (pa, pb) = unsafe {
            (
                ga.ptr::<A>().add(a.layout().offset()),
                gb.ptr::<B>().add(b.layout().offset()),
            )
        };
        let n = a.numel();
        if n <= BLOCK {
            for i in 0..n {
                // SAFETY: as above.
                unsafe { out.add(i).write(f(*pa.add(i), *pb.add(i))) };
            }
        } else {
            let (pa, pb, out) = (Ptr(pa.cast_mut()), Ptr(pb.cast_mut()), Ptr(out));
            blocks(n, BLOCK, &|start, end| {
                let (pa, pb, out) = (pa.get(), pb.get(), out.get());
                for i in start..end {
                    // SAFETY: as above.
                    unsafe { out.add(i).write(f(*pa.add(i), *pb.add(i))) };
                }
            });
        }
        drop((ga, gb));
        return Ok(Array::from_fresh::<C>(storage, a.shape().clone()));
    }
    zip_strided(a, b, f)
}

/// One row of a broadcast pair; the common strides get loops of their own, which the compiler vectorises.
///
/// # Safety
/// `out` has room for `len`; `pa` and `pb` can be read at every step.
#[inline]
unsafe fn zip_row<A: Element, B: Element, C: Element>(
    out: *mut C,
    (pa, sa): (*const A, isize),
    (pb, sb): (*const B, isize),
    len: usize,
    f: &impl Fn(A, B) -> C,
) {
    // SAFETY: the caller's promise, element by element.
    unsafe {
        match (sa, sb) {
            (1, 1) => (0..len).for_each(|i| out.add(i).write(f(*pa.add(i), *pb.add(i)))),
            (1, 0) => {
                let y = *pb;
                (0..len).for_each(|i| out.add(i).write(f(*pa.add(i), y)));
            }
            (0, 1) => {
                let x = *pa;
                (0..len).for_each(|i| out.add(i).write(f(x, *pb.add(i))));
            }
            _ => (0..len as isize).for_each(|i| {
                out.offset(i)
                    .write(f(*pa.offset(i * sa), *pb.offset(i * sb)))
            }),
        }
    }
}

fn zip_strided<A: Element, B: Element, C: Element>(
    a: &Array,
    b: &Array,
    f: impl Fn(A, B) -> C + Sync,
) -> Result<Array> {
    let (ga, gb) = (a.read()?, b.read()?);
    let (pa, pb) = (ga.ptr::<A>(), gb.ptr::<B>());
    // A scalar beside a contiguous array: the commonest broadcast, and large enough to share among threads.
    if b.numel() == 1 && a.is_contiguous() && b.rank() <= a.rank()
        || a.numel() == 1 && b.is_contiguous() && a.rank() <= b.rank()
    {
        let (shape, sa, sb) = if b.numel() == 1 && b.rank() <= a.rank() {
            (a.shape(), 1, 0)
        } else {
            (b.shape(), 0, 1)
        };
        let (storage, out) = fresh::<C>(shape)?;
        // SAFETY: one operand is contiguous with numel elements, the other is read at its only element; `out` has
        // room for numel; the guards keep writers out, and blocks do not overlap.
        let (pa, pb) = unsafe { (pa.add(a.layout().offset()), pb.add(b.layout().offset())) };
        let (pa, pb, po) = (Ptr(pa.cast_mut()), Ptr(pb.cast_mut()), Ptr(out));
        blocks(shape.numel(), BLOCK, &|start, end| {
            let at = start as isize;
            // SAFETY: as above.
            unsafe {
                let (pa, pb) = (
                    pa.get().cast_const().offset(at * sa),
                    pb.get().cast_const().offset(at * sb),
                );
                zip_row(po.get().add(start), (pa, sa), (pb, sb), end - start, &f);
            }
        });
        let shape = shape.clone();
        drop((ga, gb));
        return Ok(Array::from_fresh::<C>(storage, shape));
    }
    let (shape, la, lb) = broadcast2(a, b)?;
    let (storage, out) = fresh::<C>(&shape)?;
    let mut done = 0;
    nest::rows([&la, &lb], |[ia, ib], len, [sa, sb]| {
        // SAFETY: `rows` visits the places of both layouts, which lie inside their storages, numel times in all.
        unsafe {
            zip_row(
                out.add(done),
                (pa.offset(ia), sa),
                (pb.offset(ib), sb),
                len,
                &f,
            )
        };
        done += len;
    });
    drop((ga, gb));
    Ok(Array::from_fresh::<C>(storage, shape))
}

/// `f` of every triple of elements, broadcasting.
///
/// # Errors
/// Where the shapes do not broadcast.
pub fn zip3<A: Element, B: Element, C: Element, D: Element>(
    a: &Array,
    b: &Array,
    c: &Array,
    f: impl Fn(A, B, C) -> D + Sync,
) -> Result<Array> {
    a.expect_dtype::<A>()?;
    b.expect_dtype::<B>()?;
    c.expect_dtype::<C>()?;
    let shape = a.shape().broadcast(b.shape())?.broadcast(c.shape())?;
    let (la, lb, lc) = (
        a.layout().expand(&shape)?,
        b.layout().expand(&shape)?,
        c.layout().expand(&shape)?,
    );
    let (ga, gb, gc) = (a.read()?, b.read()?, c.read()?);
    let (pa, pb, pc) = (ga.ptr::<A>(), gb.ptr::<B>(), gc.ptr::<C>());
    let (storage, out) = fresh::<D>(&shape)?;
    let mut done = 0;
    nest::rows([&la, &lb, &lc], |[ia, ib, ic], len, [sa, sb, sc]| {
        for i in 0..len as isize {
            // SAFETY: `rows` visits the places of the three layouts, which lie inside their storages, numel times.
            unsafe {
                let (x, y, z) = (
                    *pa.offset(ia + i * sa),
                    *pb.offset(ib + i * sb),
                    *pc.offset(ic + i * sc),
                );
                out.add(done + i as usize).write(f(x, y, z));
            }
        }
        done += len;
    });
    drop((ga, gb, gc));
    Ok(Array::from_fresh::<D>(storage, shape))
}
