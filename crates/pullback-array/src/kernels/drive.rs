//! Drivers of the elementwise kernels: guards, broadcasting, blocks and threads, once for every formula and dtype.
//!
//! A formula is only ever compiled into a loop over neighbouring elements (a [`Row`] or a [`RowAssign`]); these drivers
//! find or make such rows (`operand.rs`). Work is cut into fixed blocks of the result's elements.
#![allow(unsafe_code)]

use super::operand::{Buffer, Operand, PIECE};
use crate::array::{Array, fresh_of};
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::Shape;
use crate::storage::ReadGuard;
use crate::threads::{BLOCK, Ptr, blocks};

/// Writes `n` results from `n` elements of each operand.
pub(super) type Row<'a, const N: usize> = &'a (dyn Fn(*mut u8, [*const u8; N], usize) + Sync);

/// Changes `n` elements, reading `n` of each operand.
pub(super) type RowAssign<'a, const N: usize> = &'a (dyn Fn(*mut u8, [*const u8; N], usize) + Sync);

type Guards<'a, const N: usize> = [Option<ReadGuard<'a>>; N];

/// Leave to read all of them, and where their storages start.
#[inline]
fn read<'a, const N: usize>(arrays: [&'a Array; N]) -> Result<(Guards<'a, N>, [*mut u8; N])> {
    let mut guards = [const { None }; N];
    let mut bases = [std::ptr::null_mut(); N];
    for k in 0..N {
        let guard = arrays[k].read()?;
        bases[k] = guard.ptr::<u8>().cast_mut();
        guards[k] = Some(guard);
    }
    Ok((guards, bases))
}

/// A new array of dtype `out`, computed by `row` from the broadcast inputs.
///
/// # Safety
/// `row` reads elements of the given dtypes (all initialised, which need not be neighbours of anything else) and writes
/// `n` elements of dtype `out`.
///
/// # Errors
/// Where an input has another dtype, a writer is at work, or shapes do not broadcast.
#[inline(never)]
pub(super) unsafe fn compute<const N: usize>(
    inputs: [&Array; N],
    dtypes: [DType; N],
    out: DType,
    row: Row<'_, N>,
) -> Result<Array> {
    for (a, dtype) in inputs.iter().zip(dtypes) {
        a.expect(dtype)?;
    }
    let first = inputs[0].shape();
    let (guards, mut bases) = read(inputs)?;
    let flat = inputs[0].is_contiguous()
        && (inputs[1..].iter()).all(|a| a.is_contiguous() && a.shape() == first);
    if flat {
        let (storage, to) = fresh_of(first, out)?;
        for k in 0..N {
            bases[k] = bases[k].wrapping_add(inputs[k].layout().offset() * dtypes[k].size());
        }
        let n = first.numel();
        if n <= BLOCK {
            row(to, bases.map(|p| p.cast_const()), n);
        } else {
            let (to, bases) = (Ptr(to), bases.map(Ptr));
            blocks(n, BLOCK, &|start, end| {
                let to = to.get().wrapping_add(start * out.size());
                let from = std::array::from_fn(|k| {
                    (bases[k].get().cast_const()).wrapping_add(start * dtypes[k].size())
                });
                row(to, from, end - start);
            });
        }
        drop(guards);
        return Ok(Array::from_fresh_of(storage, first.clone(), out));
    }
    // SAFETY: the caller's promise.
    let result = unsafe { compute_strided(inputs, bases, out, row) };
    drop(guards);
    result
}

/// The general case of [`compute`], a function of its own so that the common one has a small frame.
///
/// # Safety
/// As [`compute`]; the inputs' storages start at `bases` and are guarded.
#[inline(never)]
unsafe fn compute_strided<const N: usize>(
    inputs: [&Array; N],
    bases: [*mut u8; N],
    out: DType,
    row: Row<'_, N>,
) -> Result<Array> {
    let mut shape: Shape = inputs[0].shape().clone();
    for a in &inputs[1..] {
        if *a.shape() != shape {
            shape = shape.broadcast(a.shape())?;
        }
    }
    let (storage, to) = fresh_of(&shape, out)?;
    let n = shape.numel();
    if n > 0 {
        let operands: [Operand; N] = std::array::from_fn(|k| {
            Operand::new(
                bases[k],
                inputs[k].layout(),
                &shape,
                inputs[k].dtype().size(),
            )
        });
        let run = operands.iter().map(Operand::run).max().unwrap_or(0);
        let to = Ptr(to);
        blocks(n, BLOCK, &|start, end| {
            // SAFETY: layouts lie inside their guarded storages; the result has room for n elements; blocks do not
            // overlap.
            unsafe {
                pieces(&operands, (start, end), run, &mut |i, from, len| {
                    row(to.get().wrapping_add(i * out.size()), from, len)
                });
            }
        });
    }
    Ok(Array::from_fresh_of(storage, shape, out))
}

/// Cuts elements `start..end` into pieces and serves every operand's neighbours.
///
/// # Safety
/// The operands' elements can be read.
unsafe fn pieces<const N: usize>(
    operands: &[Operand; N],
    (start, end): (usize, usize),
    run: usize,
    row: &mut dyn FnMut(usize, [*const u8; N], usize),
) {
    let mut buffers: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
    let mut i = start;
    while i < end {
        let mut len = PIECE.min(end - i);
        if run > 0 {
            len = len.min(run - i % run);
        }
        // SAFETY: the caller's promise; pieces are short enough for buffers, each of which serves one operand.
        let first = if i == start {
            PIECE.min(end - start)
        } else {
            0
        };
        let from = std::array::from_fn(|k| {
            // SAFETY: as above.
            unsafe { operands[k].piece(i, len, &mut buffers[k], first) }
        });
        row(i, from, len);
        i += len;
    }
}

/// Changes `dst` by `row`, which sees the operands stretched to it.
///
/// # Safety
/// `row` changes elements of `dst`'s dtype and reads elements of the operands' dtypes; the operands share no memory with
/// `dst` and stretch to its shape.
pub(super) unsafe fn change<const N: usize>(
    dst: &Array,
    operands: [&Array; N],
    row: RowAssign<'_, N>,
) -> Result<()> {
    let (_guards, mut bases) = read(operands)?;
    let write = dst.write()?;
    let (shape, n, size) = (dst.shape(), dst.numel(), dst.dtype().size());
    let sizes = operands.map(|a| a.dtype().size());
    let flat =
        dst.is_contiguous() && (operands.iter()).all(|a| a.is_contiguous() && a.shape() == shape);
    if flat {
        let to = write.ptr::<u8>().wrapping_add(dst.layout().offset() * size);
        for k in 0..N {
            bases[k] = bases[k].wrapping_add(operands[k].layout().offset() * sizes[k]);
        }
        let (to, bases) = (Ptr(to), bases.map(Ptr));
        blocks(n, BLOCK, &|start, end| {
            let from = std::array::from_fn(|k| {
                (bases[k].get().cast_const()).wrapping_add(start * sizes[k])
            });
            row(to.get().wrapping_add(start * size), from, end - start);
        });
        return Ok(());
    }
    if n == 0 {
        return Ok(());
    }
    let to = Operand::new(write.ptr(), dst.layout(), shape, size);
    let operands: [Operand; N] =
        std::array::from_fn(|k| Operand::new(bases[k], operands[k].layout(), shape, sizes[k]));
    let run = (operands.iter().map(Operand::run).max().unwrap_or(0)).max(to.run());
    blocks(n, BLOCK, &|start, end| {
        let mut room = Buffer::new();
        // SAFETY: layouts lie inside their guarded storages; a layout that may be written names no element twice, so
        // that blocks do not overlap.
        unsafe {
            pieces(
                &operands,
                (start, end),
                run,
                &mut |i, from, len| match to.direct(i, len) {
                    Some(to) => row(to, from, len),
                    None => {
                        to.gather(i, len, room.ptr());
                        row(room.ptr(), from, len);
                        to.scatter(i, len, room.ptr());
                    }
                },
            );
        }
    });
    Ok(())
}
