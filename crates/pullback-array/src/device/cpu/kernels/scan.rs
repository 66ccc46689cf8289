//! Scans: running sums, products, extremes and recurrences along one dimension.
//!
//! Lines are cut into fixed blocks among threads; within a line the order is that of its elements, as in PyTorch, whose
//! accumulators for `f32` are double precision here too.
#![allow(unsafe_code)]

use super::fold::{Wide, beats};
use super::narrow::{all_wanted, placed, through};
use super::nest::{place, split};
use crate::array::{Array, no_such_dim, unread};
use crate::device::cpu::host::fresh;
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
    if x.iter().any(|a| a.dtype() != A::DTYPE) {
        let wide = all_wanted(x, A::DTYPE)?;
        let wide = std::array::from_fn(|k| wide[k].as_ref());
        return placed(scan(wide, dim, reverse, start, f)?, &x.map(Array::dtype));
    }
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
        Err(e) => return unread(&x, || Ok(Layout::row_major(shape.clone())), B::DTYPE, e),
    };
    let (storage, out) = fresh::<B>(shape)?;
    let out = Ptr(out);
    let bases: [Ptr<A>; N] = std::array::from_fn(|k| {
        // SAFETY: an array starts inside its storage, or at its end if it is empty.
        Ptr(unsafe { guards[k].ptr::<A>().add(x[k].layout().offset()) }.cast_mut())
    });
    blocks(lines, (BLOCK / len.max(1)).max(1), &|first, end| {
        for i in first..end {
            let starts: [isize; N] = std::array::from_fn(|k| place(&from[k].1, i));
            let start_to = place(&to.1, i);
            let mut state = start;
            for step in 0..len {
                let j = if reverse { len - 1 - step } else { step };
                // SAFETY: line `i` at position `j` is a place of each layout, inside its guarded storage; `out` has room
                // for the shape's elements, and every line writes its own.
                unsafe {
                    let here = std::array::from_fn(|k| {
                        A::load(bases[k].get().offset(starts[k] + j as isize * from[k].0))
                    });
                    let (next, value) = f(state, j, here);
                    state = next;
                    out.get().offset(start_to + j as isize * to.0).write(value);
                }
            }
        }
    })?;
    drop(guards);
    Ok(Array::from_fresh::<B>(storage, Shape::clone(shape)))
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
    if let Some(result) = through([a], |[a]| cumulate(a, dim, reverse, what)) {
        return result;
    }
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
    if let Some(result) = through([a], |[a]| cumulate_extreme(a, dim, largest)) {
        return result;
    }
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
    if let Some(result) = through([a, b], |[a, b]| recurrence(a, b, dim, reverse)) {
        return result;
    }
    dispatch!(float a.dtype(), T => scan([a, b], dim, reverse, None, |last: Option<T>, _, [a, b]: [T; 2]| {
        // The first factor meets no predecessor: not even an infinite one makes a NaN of nothing.
        let y = last.map_or(b, |y| b + a * y);
        (Some(y), y)
    }), else Err(Error::new(ErrorKind::DType, "a recurrence needs floats")))
}
