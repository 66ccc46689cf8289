//! Scans: running sums, products, extremes and recurrences along one dimension.
//!
//! Lines are cut into fixed blocks among threads; within a line the order is that of its elements, as in PyTorch, whose
//! accumulators for `f32` are double precision here too.
#![allow(unsafe_code)]

use super::fold::{Wide, beats};
use super::narrow::placed_in;
use super::nest::{place, split};
use super::stored::{AT_ONCE, Room, Stored};
use crate::array::{Array, no_such_dim, unread};
use crate::device::cpu::host::fresh_of;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::scalar::real::Real;

/// Walks every line of `N` arrays of one shape along `dim` (backwards if `reverse`): `f` takes the state, the position
/// and the elements there to the next state and the element written.
///
/// # Errors
/// Where dtypes or shapes differ or the dimension does not exist.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1i64, 2, 3], [3])?;
/// let sums = kernels::scan([&a], 0, false, 0, |sum, _, [x]: [i64; 1]| (sum + x, sum + x))?;
/// assert_eq!(sums.to_vec::<i64>()?, [1, 3, 6]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn scan<A: Element, B: Element, S: Copy + Sync, const N: usize>(
    x: [&Array; N],
    dim: usize,
    reverse: bool,
    start: S,
    f: impl Fn(S, usize, [A; N]) -> (S, B) + Sync,
) -> Result<Array> {
    let shape = x[0].shape();
    let mut stored = [const { None }; N];
    for k in 0..N {
        stored[k] = Stored::of(x[k].dtype(), A::DTYPE)?;
    }
    let dtype = placed_in(&x.map(Array::dtype), B::DTYPE);
    let end = Stored::of(dtype, B::DTYPE)?;
    let converts = end.is_some() || stored.iter().any(Option::is_some);
    for a in x {
        if a.shape() != shape {
            return Err(Error::new(
                ErrorKind::Shape,
                format!("a scan of shapes {shape} and {}", a.shape()),
            ));
        }
    }
    if dim >= shape.len().max(1) {
        return Err(no_such_dim(dim, shape.len()));
    }
    let len = shape.get(dim).copied().unwrap_or(1);
    let lines = shape.numel().checked_div(len).unwrap_or(0);
    let line = |layout: &Layout| {
        let (along, rest) = split(layout, &[dim]);
        (along.first().map_or(0, |axis| axis.1), rest)
    };
    let from = x.map(|a| line(a.layout()));
    let to = line(&Layout::row_major(shape.clone()));
    let guards = x.iter().map(|a| a.read());
    let guards = match guards.collect::<Result<smallvec::SmallVec<[_; 2]>>>() {
        Ok(guards) => guards,
        Err(e) => return unread(&x, || Ok(Layout::row_major(shape.clone())), dtype, e),
    };
    let (storage, out) = fresh_of(shape, dtype)?;
    let out = Ptr(out);
    let bases: [Ptr<u8>; N] = std::array::from_fn(|k| {
        let start = x[k].layout().offset() * x[k].dtype().size();
        // SAFETY: an array starts inside its storage, or at its end if it is empty.
        Ptr(unsafe { guards[k].ptr::<u8>().add(start) }.cast_mut())
    });
    // A line goes at once, or piece by piece where elements are converted.
    let most = if converts { AT_ONCE } else { usize::MAX };
    blocks(lines, (BLOCK / len.max(1)).max(1), &|first, last| {
        let mut rooms: [Option<Box<Room>>; N] =
            std::array::from_fn(|k| stored[k].map(|_| Room::new()));
        let mut room = end.map(|_| Room::new());
        for i in first..last {
            let starts: [isize; N] = std::array::from_fn(|k| place(&from[k].1, i));
            let start_to = place(&to.1, i);
            let mut state = start;
            let mut done = 0;
            while done < len {
                let n = (len - done).min(most);
                let low = if reverse { len - done - n } else { done };
                // SAFETY: line `i` has positions below `len`, which are places of each layout, inside its guarded storage; `out` has
                // room for the shape's elements, and every line writes its own.
                unsafe {
                    let sources: [(*const A, isize); N] = std::array::from_fn(|k| {
                        let step = from[k].0;
                        let at = starts[k] + low as isize * step;
                        match (&stored[k], rooms[k].as_deref_mut()) {
                            (Some(stored), Some(room)) => {
                                let at = bases[k].get().offset(at * stored.size as isize);
                                (stored.load(at, step, n, room).cast(), 1)
                            }
                            _ => (bases[k].get().cast::<A>().cast_const().offset(at), step),
                        }
                    });
                    let at = start_to + low as isize * to.0;
                    let (written, step_to) = match room.as_deref_mut() {
                        Some(room) => (room.wide().cast::<B>(), 1),
                        None => (out.get().cast::<B>().offset(at), to.0),
                    };
                    for step in 0..n {
                        let j = if reverse { n - 1 - step } else { step };
                        let here = sources.map(|(p, step)| A::load(p.offset(j as isize * step)));
                        let (next, value) = f(state, low + j, here);
                        state = next;
                        written.offset(j as isize * step_to).write(value);
                    }
                    if let (Some(end), Some(room)) = (&end, room.as_deref_mut()) {
                        let to_here = out.get().offset(at * end.size as isize);
                        end.store(to_here, to.0, n, room);
                    }
                }
                done += n;
            }
        }
    })?;
    drop(guards);
    Ok(Array::from_fresh_of(storage, Shape::clone(shape), dtype))
}

/// What a running total is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// Σ x.
    Sum,
    /// Π x.
    Product,
    /// ln Σ eˣ, floats only.
    LogSumExp,
}

/// `ln(eᵃ + eᵇ)`, as PyTorch's `_log_add_exp_helper` computes it.
#[inline(always)]
fn log_add_exp<T: Real>(a: T, b: T) -> T {
    if a.is_nan() || b.is_nan() {
        return a + b;
    }
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low != high || low.is_finite() {
        (low - high).exp().ln_1p() + high
    } else {
        a
    }
}

/// Running totals along `dim`; integers and bools total in `i64`.
///
/// # Errors
/// [`ErrorKind::DType`] where integers are asked for logarithms.
pub fn cumulate(a: &Array, dim: usize, reverse: bool, what: Running) -> Result<Array> {
    dispatch!(float a.dtype(), T => running::<T>(a, dim, reverse, what), else {
        let wide = super::cast(a, DType::I64)?;
        match what {
            Running::Sum => scan([&wide], dim, reverse, 0, |s: i64, _, [x]: [i64; 1]| (s.wrapping_add(x), s.wrapping_add(x))),
            Running::Product => scan([&wide], dim, reverse, 1, |p: i64, _, [x]: [i64; 1]| (p.wrapping_mul(x), p.wrapping_mul(x))),
            Running::LogSumExp => Err(Error::new(ErrorKind::Unsupported, format!(
                "\"logcumsumexp_out_cpu\" not implemented for '{}'", a.dtype().scalar_type_name()))),
        }
    })
}

fn running<T: Wide>(a: &Array, dim: usize, reverse: bool, what: Running) -> Result<Array> {
    let start = match what {
        Running::Sum => T::Acc::ZERO,
        Running::Product => T::Acc::ONE,
        Running::LogSumExp => T::Acc::lit(f64::NEG_INFINITY),
    };
    scan([a], dim, reverse, start, |total, _, [x]: [T; 1]| {
        let x = x.wide();
        let total = match what {
            Running::Sum => total + x,
            Running::Product => total * x,
            Running::LogSumExp => log_add_exp(x, total),
        };
        (total, T::narrow(total))
    })
}

/// For every position, where along `dim` the largest (or smallest) element up to it lies: the last of equals, and of
/// NaNs, as in PyTorch's `cummax`.
pub fn cumulate_extreme(a: &Array, dim: usize, largest: bool) -> Result<Array> {
    dispatch!(a.dtype(), T => scan([a], dim, false, (0i64, T::default()), |(at, best), j, [x]: [T; 1]| {
        let next = if j == 0 || x == best || beats(x, best, largest) || is_nan(x) { (j as i64, x) } else { (at, best) };
        (next, next.0)
    }))
}

#[allow(clippy::eq_op)] // NaN alone differs from itself
fn is_nan<T: Element>(x: T) -> bool {
    x != x
}

/// The linear recurrence `yₖ = bₖ + aₖ·yₖ₋₁` along `dim`, from 0; with `reverse`, `yₖ = bₖ + aₖ·yₖ₊₁`.
///
/// # Errors
/// Where dtypes or shapes differ, or the dtype is no float.
pub fn recurrence(a: &Array, b: &Array, dim: usize, reverse: bool) -> Result<Array> {
    dispatch!(float a.dtype(), T => scan([a, b], dim, reverse, None, |last: Option<T>, _, [a, b]: [T; 2]| {
        // The first factor meets no predecessor: not even an infinite one makes a NaN of nothing.
        let y = last.map_or(b, |y| b + a * y);
        (Some(y), y)
    }), else Err(Error::new(ErrorKind::DType, "a recurrence needs floats")))
}
