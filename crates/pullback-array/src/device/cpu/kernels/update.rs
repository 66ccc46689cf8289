//! Optimisers' steps: several arrays of a parameter changed together by its gradient, in one pass over memory, for many parameters at once.
//!
//! What a step computes is an [`UpdateRule`], a formula of several results that is compiled into one loop per dtype. The elements of all
//! parameters are counted on, one parameter after the other, and cut into fixed blocks, so that a hundred small parameters are one piece of
//! work and a large one is shared by threads. Not here: what the rules are, and their state.
#![allow(unsafe_code)]

use super::narrow::{Convert, conversions};
use super::operand::{Buffer, Operand, PIECE};
use super::wide::{has_fma, wide};
use crate::array::{Array, wrong_dtype};
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::order::memory_order;
use crate::memory::guards::{ReadGuard, WriteGuard};
use crate::memory::room::room;
use crate::scalar::arith::Arith;
use crate::scalar::formula::Scalar;
use std::borrow::Cow;

/// How the elements of `N` arrays change, given the element of a gradient: a parameter, and what an optimiser keeps beside it.
///
/// ```
/// use pullback_array::kernels::{Update, UpdateRule, plus_product, update};
/// use pullback_array::{Arith, Array, Scalar};
/// /// Momentum: `b ← 0.9 b + g`, `p ← p - 0.1 b`.
/// #[derive(Clone, Copy)]
/// struct Momentum;
/// impl UpdateRule<2> for Momentum {
///     fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, b]: [T; 2], g: T) -> [T; 2] {
///         let b = b * T::lit(0.9) + g;
///         [plus_product::<T, FUSED>(p, T::lit(-0.1), b), b]
///     }
/// }
/// let p = Array::from_slice(&[1.0f64, 2.0], [2])?;
/// let b = Array::from_slice(&[0.0f64, 10.0], [2])?;
/// let g = Array::from_slice(&[1.0f64, 1.0], [2])?;
/// update(&[Update { rule: Momentum, kept: [&p, &b], grad: &g }])?;
/// assert_eq!((p.to_vec::<f64>()?, b.to_vec::<f64>()?), (vec![0.9, 1.0], vec![1.0, 10.0]));
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub trait UpdateRule<const N: usize>: Copy + Sync {
    /// The new elements. `FUSED` is for [`plus_product`] alone; the numbers are the same with it and without.
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, kept: [T; N], grad: T) -> [T; N];
}

/// `sum + a·b` in one rounding: by the machine's instruction where `FUSED` says that it is there.
#[inline(always)]
pub fn plus_product<T: Arith, const FUSED: bool>(sum: T, a: T, b: T) -> T {
    match FUSED {
        true => sum.plus_product_fused(a, b),
        false => sum.plus_product(a, b),
    }
}

/// One parameter's part of an [`update`].
#[derive(Clone, Copy)]
pub struct Update<'a, const N: usize, R> {
    /// How elements change.
    pub rule: R,
    /// What changes.
    pub kept: [&'a Array; N],
    /// The gradient.
    pub grad: &'a Array,
}

/// Changes the arrays of all parameters by their rules, each read and written once. Any layouts; half precisions are computed in float32 and
/// rounded once.
///
/// # Errors
/// Before anything of a parameter changes: where its arrays have several shapes or dtypes, or one that is no float; where two of them share
/// memory; where somebody else is at work. What comes before it in the list may have changed then.
pub fn update<const N: usize, R: UpdateRule<N>>(all: &[Update<'_, N, R>]) -> Result<()> {
    let mut at = 0;
    let mut ready = room(all.len())?;
    while at < all.len() {
        // As many as can be had at once: parameters may be views of one memory.
        let mut total = 0usize;
        ready.clear();
        while let Some(job) = all.get(at) {
            if job.kept.iter().any(|a| a.is_meta()) {
                job.kept.iter().for_each(|a| a.storage().note_write());
                at += 1;
                continue;
            }
            let foreign = job.kept.iter().any(|a| a.storage().is_foreign());
            if foreign && !ready.is_empty() {
                break;
            }
            match Ready::new(job, total) {
                Ok(one) => {
                    total = total.saturating_add(job.grad.numel());
                    ready.push(one);
                }
                Err(e) if ready.is_empty() => return Err(e),
                Err(_) => break,
            }
            at += 1;
            if foreign {
                break;
            }
        }
        run(&ready, total)?;
    }
    Ok(())
}

/// A parameter whose arrays are held.
struct Ready<'a, const N: usize, R> {
    rule: R,
    /// The number of its first element among those of all.
    first: usize,
    n: usize,
    kept: [Operand; N],
    grad: Operand,
    /// Whether neighbours are neighbours everywhere.
    dense: bool,
    /// Length at which pieces end, so that fewer are copied; 0 for any.
    run: usize,
    /// The loops to the dtype that is computed in, and back.
    convert: Option<(Convert, Convert)>,
    /// Changes the elements from one number to another.
    work: unsafe fn(&Ready<'a, N, R>, usize, usize),
    _read: Held<'a>,
    _write: [Option<WriteGuard<'a>>; N],
}

/// Leave to read the gradient, or a copy of it that nobody else has.
enum Held<'a> {
    Theirs { _guard: ReadGuard<'a> },
    Own { _copy: Array },
}

impl<'a, const N: usize, R: UpdateRule<N>> Ready<'a, N, R> {
    fn new(job: &Update<'a, N, R>, first: usize) -> Result<Self> {
        let (param, dtype) = (job.kept[0], job.kept[0].dtype());
        check(job, dtype)?;
        // Everything that refuses comes before the guards, which count as writes.
        let work = work_of(dtype)?;
        let shared = (job.kept.iter()).any(|a| a.storage().shares_memory(job.grad.storage()));
        let grad = match shared {
            true => Cow::Owned(job.grad.copy()?),
            false => Cow::Borrowed(job.grad),
        };
        let order = memory_order(param.shape(), [param.layout()]);
        let (size, shape, order) = (dtype.size(), param.shape(), order.as_ref());
        let (from, held) = match grad {
            Cow::Borrowed(grad) => {
                let guard = grad.read()?;
                let base = guard.ptr::<u8>().cast_mut();
                let from = Operand::ordered(base, grad.layout(), shape, size, order);
                (from, Held::Theirs { _guard: guard })
            }
            Cow::Owned(copy) => {
                let base = copy.read()?.ptr::<u8>().cast_mut();
                let from = Operand::ordered(base, copy.layout(), shape, size, order);
                (from, Held::Own { _copy: copy })
            }
        };
        let mut write = [const { None }; N];
        for (room, &a) in write.iter_mut().zip(&job.kept) {
            *room = Some(a.write()?);
        }
        let kept: [Operand; N] = std::array::from_fn(|k| {
            // Every one was taken above.
            let base = write[k].as_ref().map_or(std::ptr::null_mut(), |w| w.ptr());
            Operand::ordered(base, job.kept[k].layout(), shape, size, order)
        });
        let dense = from.is_dense() && kept.iter().all(Operand::is_dense);
        let run = (kept.iter().map(Operand::run)).fold(from.run(), usize::max);
        Ok(Ready {
            rule: job.rule,
            first,
            n: param.numel(),
            dense,
            run,
            convert: conversions(dtype),
            work,
            grad: from,
            kept,
            _read: held,
            _write: write,
        })
    }
}

/// Refuses what does not go together.
fn check<const N: usize, R>(job: &Update<'_, N, R>, dtype: DType) -> Result<()> {
    let shape = job.kept[0].shape();
    for (k, a) in job.kept.iter().chain([&job.grad]).enumerate() {
        if a.dtype() != dtype {
            return Err(wrong_dtype(dtype, a.dtype()));
        }
        if a.shape() != shape {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "a parameter of shape {shape} beside an array of shape {}",
                    a.shape()
                ),
            ));
        }
        let before = &job.kept[..k.min(N)];
        if k < N
            && before
                .iter()
                .any(|b| b.storage().shares_memory(a.storage()))
        {
            return Err(Error::new(
                ErrorKind::Argument,
                "two arrays that an update changes share memory",
            ));
        }
    }
    Ok(())
}

/// The loop for a dtype.
fn work_of<'a, const N: usize, R: UpdateRule<N>>(
    dtype: DType,
) -> Result<unsafe fn(&Ready<'a, N, R>, usize, usize)> {
    dispatch!(float dtype, T => Ok(change::<T, N, R>), else Err(Error::new(
        ErrorKind::DType,
        format!("an update is of floats, and not of {dtype}"),
    )))
}

/// Changes the elements of all that are held.
fn run<const N: usize, R: UpdateRule<N>>(ready: &[Ready<'_, N, R>], total: usize) -> Result<()> {
    blocks(total, BLOCK, &|start, end| {
        let mut at = ready.partition_point(|one| one.first + one.n <= start);
        let mut i = start;
        while i < end {
            let one = &ready[at];
            let upto = end.min(one.first + one.n);
            if i < upto {
                // SAFETY: layouts lie inside their guarded storages, each block's elements are changed by one thread, and a layout that
                // may be written names no element twice.
                unsafe { (one.work)(one, i - one.first, upto - one.first) };
            }
            (i, at) = (upto, at + 1);
        }
    })
}

/// # Safety
/// The arrays have the dtype of `T`, or one that computes in it; elements `start..end` are there, and nobody else touches them.
unsafe fn change<T: Scalar + Arith, const N: usize, R: UpdateRule<N>>(
    one: &Ready<'_, N, R>,
    start: usize,
    end: usize,
) {
    if one.dense && one.convert.is_none() {
        let kept = one.kept.each_ref().map(|a| a.start(start).cast::<T>());
        // SAFETY: the caller's promise.
        return unsafe {
            row(
                one.rule,
                kept,
                one.grad.start(start).cast::<T>(),
                end - start,
            )
        };
    }
    let mut rooms: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
    let mut wide: [Buffer; N] = std::array::from_fn(|_| Buffer::new());
    let (mut grad_room, mut grad_wide) = (Buffer::new(), Buffer::new());
    let mut i = start;
    while i < end {
        let mut n = PIECE.min(end - i);
        if one.run > 0 {
            n = n.min(one.run - i % one.run);
        }
        // SAFETY: the caller's promise; a buffer has room for a piece of any dtype, and serves one operand alone.
        unsafe {
            let mut grad = one.grad.piece(i, n, &mut grad_room, n);
            if let Some((widen, _)) = one.convert {
                widen(grad_wide.ptr(), grad, n);
                grad = grad_wide.ptr();
            }
            let places: [*mut u8; N] = std::array::from_fn(|k| {
                one.kept[k].direct(i, n).unwrap_or_else(|| {
                    one.kept[k].gather(i, n, rooms[k].ptr());
                    rooms[k].ptr()
                })
            });
            let kept: [*mut T; N] = std::array::from_fn(|k| match one.convert {
                None => places[k].cast(),
                Some((widen, _)) => {
                    widen(wide[k].ptr(), places[k], n);
                    wide[k].ptr().cast()
                }
            });
            row(one.rule, kept, grad.cast::<T>(), n);
            for k in 0..N {
                if let Some((_, narrow)) = one.convert {
                    narrow(places[k], kept[k].cast(), n);
                }
                if one.kept[k].direct(i, n).is_none() {
                    one.kept[k].scatter(i, n, places[k]);
                }
            }
        }
        i += n;
    }
}

/// Changes `n` neighbours.
///
/// # Safety
/// They can be read and written, and no two arrays overlap.
#[inline(never)]
unsafe fn row<T: Scalar + Arith, const N: usize, R: UpdateRule<N>>(
    rule: R,
    kept: [*mut T; N],
    grad: *const T,
    n: usize,
) {
    // Double-double has no vectors to be made of.
    if const { size_of::<T>() > 8 } || !has_fma() {
        // SAFETY: the caller's promise.
        return unsafe { elements::<T, N, R, false>(rule, kept, grad, n) };
    }
    wide(
        #[inline(always)]
        // SAFETY: the caller's promise.
        move || unsafe { elements::<T, N, R, true>(rule, kept, grad, n) },
    );
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn elements<T: Scalar + Arith, const N: usize, R: UpdateRule<N>, const FUSED: bool>(
    rule: R,
    kept: [*mut T; N],
    grad: *const T,
    n: usize,
) {
    for i in 0..n {
        // SAFETY: the caller's promise.
        unsafe {
            let old = std::array::from_fn(
                #[inline(always)]
                |k| kept[k].add(i).read(),
            );
            let new = rule.at::<T, FUSED>(old, grad.add(i).read());
            for k in 0..N {
                kept[k].add(i).write(new[k]);
            }
        }
    }
}
