//! Drivers of the elementwise kernels: guards, broadcasting, blocks and threads, once for every formula and dtype.
//!
//! A formula is only ever compiled into a loop over neighbouring elements (a [`Row`] or a [`RowAssign`]); these drivers
//! find or make such rows (`operand.rs`). Work is cut into fixed blocks of the result's elements.
#![allow(unsafe_code)]

use super::narrow::{changed, computed};
use super::operand::{Buffer, Operand, PIECE, TURN, strip};
use crate::array::{Array, unread, unwritten};
use crate::device::cpu::host::fresh_of;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::order::{Order, memory_order};
use crate::layout::{Layout, Shape};
use crate::memory::guards::ReadGuard;
use crate::memory::ptr::Ptr;
use std::mem::MaybeUninit;
use std::ptr;

/// Writes `n` results from `n` elements of each operand.
pub(super) type Row<'a, const N: usize> = &'a (dyn Fn(*mut u8, [*const u8; N], usize) + Sync);

/// Changes `n` elements, reading `n` of each operand.
pub(super) type RowAssign<'a, const N: usize> = &'a (dyn Fn(*mut u8, [*const u8; N], usize) + Sync);

type Guards<'a, const N: usize> = [Option<ReadGuard<'a>>; N];

/// Leave to read all of them, and where their storages start.
#[inline]
fn read<'a, const N: usize>(arrays: [&'a Array; N]) -> Result<(Guards<'a, N>, [*mut u8; N])> {
    let mut guards = [const { None }; N];
    let mut bases = [ptr::null_mut(); N];
    for k in 0..N {
        let guard = arrays[k].read()?;
        bases[k] = guard.ptr::<u8>().cast_mut();
        guards[k] = Some(guard);
    }
    Ok((guards, bases))
}

/// A new array of dtype `out`, computed by `row` from the broadcast inputs. Its dimensions lie in memory as those of the inputs
/// do ([`memory_order`]).
///
/// # Safety
/// `row` reads elements of the given dtypes (all initialised, which need not be neighbours of anything else) and writes
/// `n` elements of dtype `out`.
///
/// # Errors
/// Where an input neither has nor [computes in](DType::computing) the dtype, a writer is at work, or shapes do not broadcast.
#[inline(never)]
pub(super) unsafe fn compute<const N: usize>(
    inputs: [&Array; N],
    dtypes: [DType; N],
    out: DType,
    row: Row<'_, N>,
) -> Result<Array> {
    if (inputs.iter().zip(dtypes)).any(|(a, dtype)| a.dtype() != dtype) {
        // SAFETY: the caller's promise.
        return unsafe { computed(inputs, dtypes, out, row) };
    }
    let first = inputs[0].shape();
    let (guards, mut bases) = match read(inputs) {
        Ok(read) => read,
        Err(e) => return unread(&inputs, || infer(inputs), out, e),
    };
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
            })?;
        }
        drop(guards);
        return Ok(Array::from_fresh_of(storage, first.clone(), out));
    }
    // SAFETY: the caller's promise.
    let result = unsafe {
        match with_repeats(inputs, dtypes, out) {
            Some(wide) => compute_with_repeats(inputs, bases, wide, out, row),
            None => compute_strided(inputs, bases, out, row),
        }
    };
    drop(guards);
    result
}

/// Bytes up to which a repeated operand is written out beside a small array.
const SPREAD: usize = 1024;

/// Room for such an operand.
#[repr(align(64))]
struct Spread(MaybeUninit<[u8; SPREAD]>);

/// If all operands are small and row-major, and those that do not have the result's shape are its last dimensions or one element,
/// repeated: the operand whose shape the result has.
#[inline]
fn with_repeats<const N: usize>(
    inputs: [&Array; N],
    dtypes: [DType; N],
    out: DType,
) -> Option<usize> {
    let wide = (0..N).max_by_key(|&k| (inputs[k].numel(), inputs[k].rank()))?;
    let shape = inputs[wide].shape();
    let size = dtypes.iter().fold(out.size(), |s, d| s.max(d.size()));
    let fits = |a: &&Array| {
        a.is_contiguous()
            && a.rank() <= shape.len()
            && (a.numel() == 1 || a.shape()[..] == shape[shape.len() - a.rank()..])
    };
    (shape.numel() <= SPREAD / size && inputs.iter().all(fits)).then_some(wide)
}

/// [`compute`] for what [`with_repeats`] found: a number or a row beside a small array. For two elements this is half of what
/// [`compute_strided`] costs, for 32 rows of four a fourth.
///
/// # Safety
/// As [`compute`]; the inputs' storages start at `bases` and are guarded, and `wide` is what [`with_repeats`] gave.
#[inline(never)]
unsafe fn compute_with_repeats<const N: usize>(
    inputs: [&Array; N],
    bases: [*mut u8; N],
    wide: usize,
    out: DType,
    row: Row<'_, N>,
) -> Result<Array> {
    let shape = inputs[wide].shape();
    let n = shape.numel();
    let (storage, to) = fresh_of(shape, out)?;
    let mut rooms = [const { Spread(MaybeUninit::uninit()) }; N];
    let mut from: [*const u8; N] = [ptr::null(); N];
    for (k, room) in rooms.iter_mut().enumerate() {
        let (size, own) = (inputs[k].dtype().size(), inputs[k].numel());
        from[k] = bases[k].wrapping_add(inputs[k].layout().offset() * size);
        if own != n {
            let room = room.0.as_mut_ptr().cast::<u8>();
            // SAFETY: the operand's elements are initialised and guarded; n elements fit the room.
            unsafe { spread(from[k], own, size, n, room) };
            from[k] = room;
        }
    }
    row(to, from, n);
    Ok(Array::from_fresh_of(storage, shape.clone(), out))
}

/// Writes `own` elements of `size` bytes over and over, until there are `n`.
///
/// # Safety
/// `own` elements can be read at `from`, `to` has room for `n`; both are aligned to `size`.
unsafe fn spread(from: *const u8, own: usize, size: usize, n: usize, to: *mut u8) {
    /// # Safety
    /// As [`spread`], for one element of type `T`.
    #[inline(always)]
    unsafe fn of<T: Copy>(from: *const u8, n: usize, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let x = from.cast::<T>().read();
            (0..n).for_each(|i| to.cast::<T>().add(i).write(x));
        }
    }
    // SAFETY: the caller's promise; what is copied was written before and lies in front of its copy.
    unsafe {
        match (own, size) {
            (1, 1) => of::<u8>(from, n, to),
            (1, 4) => of::<u32>(from, n, to),
            (1, 8) => of::<u64>(from, n, to),
            _ => {
                let (end, mut done) = (n * size, own.min(n) * size);
                ptr::copy_nonoverlapping(from, to, done);
                while done > 0 && done < end {
                    let len = done.min(end - done);
                    ptr::copy_nonoverlapping(to, to.add(done), len);
                    done += len;
                }
            }
        }
    }
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
    let layouts = inputs.map(Array::layout);
    let order = memory_order(&shape, layouts);
    let (storage, to) = fresh_of(&shape, out)?;
    let n = shape.numel();
    if n > 0 {
        let operands: [Operand; N] = std::array::from_fn(|k| {
            let size = inputs[k].dtype().size();
            Operand::ordered(bases[k], layouts[k], &shape, size, order.as_ref())
        });
        let dense = operands.iter().all(Operand::is_dense);
        let cut = Cut::new(&operands, None);
        let to = Ptr(to);
        blocks(n, cut.block, &|start, end| {
            let mut row = |i: usize, from: [*const u8; N], len: usize| {
                row(to.get().wrapping_add(i * out.size()), from, len);
            };
            if dense {
                let from = operands.each_ref().map(|a| a.start(start).cast_const());
                return row(start, from, end - start);
            }
            // SAFETY: layouts lie inside their guarded storages; the result has room for n elements; blocks do not
            // overlap.
            unsafe { pieces(&operands, (start, end), &cut, &mut row) };
        })?;
    }
    Ok(Array::from_parts(
        storage,
        result_layout(shape, layouts, order.as_ref()),
        out,
    ))
}

/// The layout of a result of [`compute`].
fn infer<const N: usize>(inputs: [&Array; N]) -> Result<Layout> {
    let mut shape: Shape = inputs[0].shape().clone();
    for a in &inputs[1..] {
        shape = shape.broadcast(a.shape())?;
    }
    let layouts = inputs.map(Array::layout);
    let order = memory_order(&shape, layouts);
    Ok(result_layout(shape, layouts, order.as_ref()))
}

/// The layout of a result of [`compute_strided`]: that of the inputs where all have one without gaps.
fn result_layout<const N: usize>(
    shape: Shape,
    layouts: [&Layout; N],
    order: Option<&Order>,
) -> Layout {
    let Some(order) = order else {
        return Layout::row_major(shape);
    };
    let first = layouts[0];
    let same = |a: &&Layout| *a.shape() == shape && a.strides() == first.strides();
    match first.is_dense() && layouts.iter().all(same) {
        true => first.without_gaps(),
        false => Layout::dense(shape, Some(order)),
    }
}

/// How a kernel's elements are cut: into blocks for threads, and those into pieces.
struct Cut {
    block: usize,
    /// Length at which pieces end, so that operands need not be copied; 0 for any.
    run: usize,
    /// Length of the rows of turned operands, if there are some.
    turned: usize,
    /// Elements of such a row that are copied together with those of its neighbours.
    strip: usize,
}

impl Cut {
    fn new(operands: &[Operand], more: Option<&Operand>) -> Cut {
        let all = || operands.iter().chain(more);
        let turned = (operands
            .iter()
            .filter(|a| a.is_turned())
            .map(Operand::row_len)
            .max())
        .unwrap_or(0);
        let run = all().map(Operand::run).max().unwrap_or(0);
        let strip = all().map(|a| strip(a.size())).min().unwrap_or(PIECE);
        // With turned operands whole groups of rows make a block, and other operands' rows end where theirs do.
        let (block, run) = match turned {
            0 => (BLOCK, run),
            n => (BLOCK.next_multiple_of(TURN * n), n),
        };
        Cut {
            block,
            run,
            turned,
            strip,
        }
    }
}

/// Cuts elements `start..end` into pieces and serves every operand's neighbours.
///
/// # Safety
/// The operands' elements can be read.
unsafe fn pieces<const N: usize>(
    operands: &[Operand; N],
    (mut start, end): (usize, usize),
    cut: &Cut,
    row: &mut dyn FnMut(usize, [*const u8; N], usize),
) {
    let mut buffers: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
    let first = PIECE.min(end - start);
    if cut.turned > 0 {
        let n = cut.turned;
        let turned = (operands.each_ref()).map(|a| a.is_turned() && a.row_len() == n);
        let mut fresh = first;
        while start + TURN * n <= end {
            for left in (0..n).step_by(cut.strip) {
                let len = cut.strip.min(n - left);
                for k in 0..N {
                    if turned[k] {
                        // SAFETY: the caller's promise; turned operands have rows of n elements.
                        unsafe { operands[k].turn(start + left, len, cut.strip, &mut buffers[k]) };
                    }
                }
                for r in 0..TURN {
                    let i = start + r * n + left;
                    let from = std::array::from_fn(|k| {
                        if turned[k] {
                            let at = r * cut.strip * operands[k].size();
                            return buffers[k].ptr().wrapping_add(at).cast_const();
                        }
                        // SAFETY: the caller's promise; pieces are shorter than the first one would be.
                        unsafe { operands[k].piece(i, len, &mut buffers[k], fresh) }
                    });
                    fresh = 0;
                    row(i, from, len);
                }
            }
            start += TURN * n;
        }
    }
    let mut i = start;
    while i < end {
        let mut len = PIECE.min(end - i);
        if cut.run > 0 {
            len = len.min(cut.run - i % cut.run);
        }
        let first = if i == start { first } else { 0 };
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
/// `row` changes elements of the dtype named beside `dst` and reads elements of `dtypes`; the operands share no memory with `dst` and
/// stretch to its shape.
///
/// # Errors
/// Where an array neither has nor [computes in](DType::computing) its dtype, or somebody else is at work.
pub(super) unsafe fn change<const N: usize>(
    (dst, own): (&Array, DType),
    operands: [&Array; N],
    dtypes: [DType; N],
    row: RowAssign<'_, N>,
) -> Result<()> {
    if dst.dtype() != own || (operands.iter().zip(dtypes)).any(|(a, dtype)| a.dtype() != dtype) {
        // SAFETY: the caller's promise.
        return unsafe { changed((dst, own), operands, dtypes, row) };
    }
    let write = match dst.write() {
        Ok(write) => write,
        Err(e) => return unwritten(dst, e),
    };
    let (_guards, mut bases) = read(operands)?;
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
        })?;
        return Ok(());
    }
    if n == 0 {
        return Ok(());
    }
    // In the order in which the destination lies, so that it is walked from end to end.
    let order = memory_order(shape, [dst.layout()]);
    let order = order.as_ref();
    let to = Operand::ordered(write.ptr(), dst.layout(), shape, size, order);
    let operands: [Operand; N] = std::array::from_fn(|k| {
        Operand::ordered(bases[k], operands[k].layout(), shape, sizes[k], order)
    });
    let cut = Cut::new(&operands, Some(&to));
    blocks(n, cut.block, &|start, end| {
        let mut room = Buffer::new();
        // SAFETY: layouts lie inside their guarded storages; a layout that may be written names no element twice, so
        // that blocks do not overlap.
        unsafe {
            pieces(
                &operands,
                (start, end),
                &cut,
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
    })?;
    Ok(())
}
