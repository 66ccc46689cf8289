//! Sums of halves with the bits of sums of converted copies, of which there is never more than a part.
//!
//! The order of additions (`sum.rs`) follows from how dimensions lie in memory and from how many columns go side by side. So an
//! array is cut where neither changes: along the outermost kept dimension, between groups of columns; and a sum of all elements
//! between the blocks it is made of.
#![allow(unsafe_code)]

use super::assign;
use super::cascade::run;
use super::narrow::computing;
use super::nest::Axis;
use super::reduce::{check_dims, reduced_shape};
use super::stored::Stored;
use super::sum::{GROUP, axes, sum_real};
use crate::array::Array;
use crate::device::cpu::threads::{BLOCK, LONG, blocks};
use crate::dispatch;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;
use crate::scalar::real::Real;
use smallvec::SmallVec;

/// Elements that are converted at once: what the second-level cache holds, and enough for several threads.
const PART: usize = 1 << 18;

/// Sum over `dims` of a narrow floating array, in the dtype it computes in.
pub(super) fn sum_narrow(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    check_dims(a.shape(), dims)?;
    let shape = reduced_shape(a.shape(), dims, keepdim);
    let strides = a.layout().strides();
    let repeats = (strides.iter().zip(a.shape().iter())).any(|(&step, &n)| step == 0 && n > 1);
    if a.numel() <= PART || a.numel() > LONG || a.is_meta() || repeats {
        return at_once(a, dims, keepdim);
    }
    let parts = match shape.numel() {
        1 => dispatch!(float a.dtype(), T => all::<T>(a), else at_once(a, dims, keepdim))?,
        _ => match by_columns(a, dims)? {
            Some(parts) => parts,
            None => return at_once(a, dims, keepdim),
        },
    };
    parts.reshape(&shape)
}

/// By a converted copy.
fn at_once(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    let wide = computing(a)?;
    dispatch!(float a.dtype(), T => sum_real::<T>(&wide, dims, keepdim), else super::sum(&wide, dims, keepdim))
}

/// The sum of all elements, block by block as in `sum.rs`.
fn all<T: Real>(a: &Array) -> Result<Array> {
    // A converted copy would lie as this does, without gaps.
    let a = match a.layout().is_dense() {
        true => a.clone(),
        false => a.copy()?,
    };
    let Some(stored) = Stored::of(a.dtype(), T::DTYPE)? else {
        return at_once(&a, &[], false);
    };
    let guard = a.read()?;
    let n = a.numel();
    let mut parts = filled(n.div_ceil(BLOCK), T::ZERO)?;
    // SAFETY: an array starts inside its storage.
    let from = unsafe { guard.ptr::<u8>().add(a.layout().offset() * stored.size) };
    let (from, to) = (Ptr(from.cast_mut()), Ptr(parts.as_mut_ptr()));
    blocks(n, BLOCK, &|start, end| {
        let mut wide = vec![T::ZERO; BLOCK];
        // SAFETY: the array's n elements are neighbours in its guarded storage; each block writes its own part.
        unsafe {
            let from = from.get().cast_const().add(start * stored.size);
            stored.widen(wide.as_mut_ptr().cast(), from, end - start);
            to.get()
                .add(start / BLOCK)
                .write(run(wide.as_ptr(), 1, end - start));
        }
    })?;
    drop(guard);
    // SAFETY: all parts have been written.
    Array::scalar(unsafe { run(parts.as_ptr(), 1, parts.len()) })
}

fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The sums in the order of the kept dimensions; `None` where there is no place to cut.
fn by_columns(a: &Array, dims: &[usize]) -> Result<Option<Array>> {
    let (view, kept) = outermost_first(a, dims);
    let (n, inner) = (
        view.shape()[0],
        kept[1..].iter().map(|axis| axis.0).product::<usize>(),
    );
    let reduced: SmallVec<[usize; 4]> = (kept.len()..view.rank()).collect();
    let (down, across) = axes(&view.layout().without_gaps(), &reduced);
    // One kept axis under at most one reduced one is a tile: its columns go in groups. Else tiles are whole whatever is cut; but a
    // dimension of one place would let its neighbours be one.
    let quantum = match down.len() <= 1 && across.len() <= 1 {
        true => (GROUP / common_divisor(inner, GROUP)).max(2),
        false => 2,
    };
    let step = (PART / (view.numel() / n)).max(1).next_multiple_of(quantum);
    if n < step + quantum {
        return Ok(None);
    }
    let mut shape: SmallVec<[usize; 4]> = SmallVec::new();
    shape.extend(kept.iter().map(|axis| axis.0));
    let out = a.new_zeros(Layout::row_major(Shape::new(&shape)), a.dtype().computing())?;
    let mut start = 0;
    while start < n {
        let len = match n - start {
            left if left < step + quantum => left,
            _ => step,
        };
        let part = at_once(&view.slice(0, start, len, 1)?, &reduced, false)?;
        assign(&out.slice(0, start, len, 1)?, &part)?;
        start += len;
    }
    Ok(Some(out))
}

/// The array with its kept dimensions first, those that are one walk joined, none of size 1; and they.
fn outermost_first(a: &Array, dims: &[usize]) -> (Array, SmallVec<[Axis; 4]>) {
    let strides = a.layout().strides();
    let mut kept: SmallVec<[Axis; 4]> = SmallVec::new();
    for k in (0..a.rank()).filter(|k| !dims.contains(k)) {
        let (n, step) = (a.shape()[k], strides[k]);
        match kept.last_mut() {
            _ if n == 1 => {}
            Some(outer) if outer.1 == step.wrapping_mul(n as isize) => *outer = (outer.0 * n, step),
            _ => kept.push((n, step)),
        }
    }
    let (mut shape, mut steps): (SmallVec<[usize; 4]>, SmallVec<[isize; 4]>) =
        kept.iter().copied().unzip();
    for k in (0..a.rank()).filter(|k| dims.contains(k)) {
        shape.push(a.shape()[k]);
        steps.push(strides[k]);
    }
    let layout = Layout::new(Shape::new(&shape), &steps, a.layout().offset());
    (a.with_layout(layout), kept)
}
