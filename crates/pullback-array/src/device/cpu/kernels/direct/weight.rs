//! The gradient of a direct convolution's weight: rows are elements of the kernel, terms are windows.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use super::scratch::Scratch;
use super::tile::{Direct, Kernel, Sum};
use super::{Part, RUN, SHARED, Way, panels, tiles};
use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::blocks;
use crate::error::{Error, Result};
use crate::layout::Shape;
use crate::memory::ptr::Ptr;
use crate::memory::room::{filled, gathered};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Numbers of sums that are held at once.
const SUMS: usize = 1 << 22;

/// Windows of `x` (samples, groups · channels, sizes…) times `g` (samples, groups · outs, counts…), added up, in a new array of shape `out`.
///
/// Parts are added up in fixed sets, one after the other, and the sets in order.
///
/// # Errors
/// Where memory is missing, or somebody wants it stopped.
pub(super) fn convolved_weight<T: Direct>(
    kernel: &Kernel<T>,
    way: &Way,
    x: &Array,
    g: &Array,
    out: &Shape,
) -> Result<Array> {
    let (x, g) = (x.contiguous()?, g.contiguous()?);
    x.expect_dtype::<T>()?;
    g.expect_dtype::<T>()?;
    let (gx, gg) = (x.read()?, g.read()?);
    // SAFETY: a contiguous array has its elements from its offset on.
    let from = unsafe {
        [
            gx.ptr::<T>().add(x.layout().offset()),
            gg.ptr::<T>().add(g.layout().offset()),
        ]
    };
    let from = from.map(|p| Ptr(p.cast_mut()));
    let (terms, padded) = (way.terms(), way.outs.next_multiple_of(kernel.lanes));
    let parts = way.parts(padded)?;
    let sets = SHARED
        .min(parts.len())
        .min((SUMS / (terms * padded * way.groups).max(1)).max(2));
    let set = parts.len().div_ceil(sets);
    let sets = parts.len().div_ceil(set);
    let made = (0..sets * way.groups).map(|_| Mutex::new(Vec::new()));
    let made = gathered(made)?;
    let failed = OnceLock::<Error>::new();
    blocks(made.len(), 1, &|first, end| {
        for (task, made) in made.iter().enumerate().take(end).skip(first) {
            let (k, group) = (task / way.groups, task % way.groups);
            let parts = parts.chunks(set).nth(k).unwrap_or_default();
            // SAFETY: the operands are guarded.
            let sums = Scratch::with(|scratch| unsafe {
                summed(kernel, way, from.map(Ptr::get), group, parts, scratch)
            });
            match sums {
                Ok(sums) => *made.lock().unwrap_or_else(PoisonError::into_inner) = sums,
                Err(e) => drop(failed.set(e)),
            }
        }
    })?;
    drop((gx, gg));
    if let Some(e) = failed.into_inner() {
        return Err(e);
    }
    let (storage, to) = fresh::<T>(out)?;
    let mut made = made
        .into_iter()
        .map(|m| m.into_inner().unwrap_or_else(PoisonError::into_inner));
    let mut all = gathered(made.by_ref().take(way.groups))?;
    for (k, more) in made.enumerate() {
        for (sum, more) in all[k % way.groups].iter_mut().zip(more) {
            *sum += more;
        }
    }
    for (group, sums) in all.iter().enumerate() {
        let from = Mat {
            ptr: sums.as_ptr(),
            rows: terms,
            cols: way.outs,
            rs: padded as isize,
            cs: 1,
        };
        // SAFETY: there are as many sums; the group's part of the result is as large.
        unsafe { (kernel.turn)(from, to.add(group * way.outs * terms), terms) };
    }
    Ok(Array::from_fresh::<T>(storage, out.clone()))
}

/// The sums of some parts of a group: (terms, padded outs).
///
/// # Safety
/// The operands start at these places and can be read.
unsafe fn summed<T: Direct>(
    kernel: &Kernel<T>,
    way: &Way,
    [x, g]: [*mut T; 2],
    group: usize,
    parts: &[Part],
    scratch: &mut Scratch,
) -> Result<Vec<T>> {
    let (terms, padded) = (way.terms(), way.outs.next_multiple_of(kernel.lanes));
    let mut sums = filled(terms.saturating_mul(padded), T::ZERO)?;
    for &part in parts {
        // SAFETY: the caller's promise.
        let laid = unsafe { way.laid(x.cast_const(), group, part, scratch)? };
        let windows = laid.windows.len();
        let room = scratch.lend::<T>(1, windows.saturating_mul(padded))?;
        // SAFETY: the caller's promise; there is room for each window's numbers.
        unsafe { packed(kernel, way, g.cast_const(), group, part, room) };
        for at in (0..windows).step_by(RUN) {
            let k = RUN.min(windows - at);
            for (left, wide) in panels(padded, kernel.lanes) {
                let width = kernel.lanes * (1 + usize::from(wide));
                for tile in tiles(terms, kernel.rows) {
                    let sum = Sum {
                        terms: &laid.windows[at..at + k],
                        x: laid.x,
                        b: room.wrapping_add(windows * left + at * width).cast_const(),
                        c: sums[tile.start * padded + left..].as_mut_ptr(),
                        step: padded,
                        add: true,
                    };
                    // SAFETY: every window and term is an element of the input; the panel has the windows' numbers; the sums are there.
                    unsafe { (kernel.run)(&sum, &laid.terms[tile], wide) };
                }
            }
        }
    }
    Ok(sums)
}

/// A part's numbers of `g` in panels: each window's channels side by side.
///
/// # Safety
/// `g` is the start of (samples, groups · outs, counts…), and `to` has room for the part's windows times the padded channels.
unsafe fn packed<T: Direct>(
    kernel: &Kernel<T>,
    way: &Way,
    g: *const T,
    group: usize,
    part: Part,
    to: *mut T,
) {
    let (each, plane) = (way.windows(part.rows), way.plane());
    let (windows, padded) = (part.samples * each, way.outs.next_multiple_of(kernel.lanes));
    if padded > way.outs {
        // SAFETY: the caller's promise.
        (0..windows * padded).for_each(|i| unsafe { to.add(i).write(T::ZERO) });
    }
    for (left, wide) in panels(padded, kernel.lanes) {
        let width = kernel.lanes * (1 + usize::from(wide));
        for s in 0..part.samples {
            let channel = ((part.start + s) * way.groups + group) * way.outs + left;
            let from = Mat {
                ptr: g.wrapping_add(channel * plane + part.row * way.windows(1)),
                rows: width.min(way.outs - left),
                cols: each,
                rs: plane as isize,
                cs: 1,
            };
            // SAFETY: the caller's promise.
            unsafe { (kernel.turn)(from, to.add(windows * left + s * each * width), width) };
        }
    }
}
