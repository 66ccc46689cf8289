//! Reductions that are no sums: products, extremes and where they are, counts, spreads, logarithms of sums.
//!
//! Each is a fold over the runs that `reduce.rs` finds. What PyTorch accumulates in double precision for `f32` (variance)
//! is accumulated so here; double-double accumulates in itself.

use super::narrow::{settled, through};
use super::reduce::{Run, reduce};
use crate::array::Array;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::real::Real;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A float and the type its long accumulations are kept in.
pub(super) trait Wide: Real {
    type Acc: Real;
    fn wide(self) -> Self::Acc;
    fn narrow(x: Self::Acc) -> Self;
}

macro_rules! wide {
    ($($t:ty => $acc:ty, $wide:ident, $narrow:ident);*) => {$(
        impl Wide for $t {
            type Acc = $acc;
            #[inline(always)]
            fn wide(self) -> $acc {
                self.$wide()
            }
            #[inline(always)]
            fn narrow(x: $acc) -> Self {
                Self::$narrow(x)
            }
        }
    )*};
}
wide!(f32 => f64, to_f64, from_f64; f64 => f64, to_f64, from_f64; crate::dd::Dd => crate::dd::Dd, to_dd, from_dd);

/// Whether `x` replaces `best`: it is further out, or the first NaN.
#[inline(always)]
#[allow(clippy::eq_op)] // NaN alone differs from itself
pub(super) fn beats<T: Element + PartialOrd>(x: T, best: T, largest: bool) -> bool {
    let further = if largest { x > best } else { x < best };
    (further || x != x) && best == best
}

fn needs_float(name: &str, dtype: DType) -> Error {
    let dtype = dtype.scalar_type_name();
    Error::new(
        ErrorKind::Unsupported,
        format!("\"{name}\" not implemented for '{dtype}'"),
    )
}

/// Product over `dims`, kept as size 1 if `keepdim`; integers and bools multiply in `i64`.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// assert_eq!(kernels::prod(&a, &[0], false)?.to_vec::<f32>()?, [3.0, 8.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn prod(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    dispatch!(float a.dtype(), T => reduce(a, dims, keepdim, |run: Run<'_, T>| run.fold(T::ONE, |p, x| p * x)), else {
        dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |run: Run<'_, T>| {
            run.fold(1i64, |p, x| p.wrapping_mul(x.to_i64()))
        }))
    })
}

/// The array with each reduced dimension that repeats one element (`expand`) cut to one element: for reductions to which a
/// repetition is nothing new. And how many equal ones each that is left stands for.
fn distinct<'a>(a: &'a Array, dims: &[usize]) -> Result<(Cow<'a, Array>, usize)> {
    if a.is_contiguous() {
        return Ok((Cow::Borrowed(a), 1));
    }
    let (mut rest, mut times) = (Cow::Borrowed(a), 1usize);
    for &k in dims {
        let Some(&n) = a.shape().get(k) else {
            continue; // the reduction says what is wrong
        };
        if n > 1 && a.layout().stride(k) == 0 {
            rest = Cow::Owned(rest.slice(k, 0, 1, 1)?);
            times = times.saturating_mul(n);
        }
    }
    Ok((rest, times))
}

/// The largest (or smallest) element over `dims`; NaN wins. What there is none of is zero: callers forbid it.
pub fn extreme(a: &Array, dims: &[usize], keepdim: bool, largest: bool) -> Result<Array> {
    let (a, _) = distinct(a, dims)?;
    let best = dispatch!(a.dtype(), T => reduce(&a, dims, keepdim, |mut run: Run<'_, T>| {
        let first = run.next().unwrap_or_default();
        run.fold(first, |best, x| if beats(x, best, largest) { x } else { best })
    }))?;
    settled(best, &[a.dtype()])
}

/// Where the largest (or smallest) element lies in row-major order over `dims`: the first of equals, the first NaN.
pub fn arg_extreme(a: &Array, dims: &[usize], keepdim: bool, largest: bool) -> Result<Array> {
    let (rest, times) = distinct(a, dims)?;
    let at = dispatch!(a.dtype(), T => reduce(&rest, dims, keepdim, |mut run: Run<'_, T>| {
        let first = (0i64, run.next().unwrap_or_default());
        let further = |best: (i64, T), (i, x): (usize, T)| match beats(x, best.1, largest) {
            true => (i as i64 + 1, x),
            false => best,
        };
        run.enumerate().fold(first, further).0
    }))?;
    if times == 1 {
        return Ok(at);
    }
    // Among what was left, number i is that of a place at 0 along every dimension that was cut.
    let mut steps: SmallVec<[(i64, i64); 4]> = SmallVec::new();
    let mut step = 1i64;
    for k in (0..a.rank()).rev().filter(|k| dims.contains(k)) {
        steps.push((rest.shape()[k].max(1) as i64, step));
        step = step.wrapping_mul(a.shape()[k].max(1) as i64);
    }
    super::map(&at, move |mut i: i64| {
        let mut place = 0;
        for &(n, step) in &steps {
            place += i % n * step;
            i /= n;
        }
        place
    })
}

/// How many elements over `dims` are not zero; NaN is not.
pub fn count_nonzero(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    let (a, times) = distinct(a, dims)?;
    let times = times as i64;
    dispatch!(a.dtype(), T => reduce(&a, dims, keepdim, |run: Run<'_, T>| {
        times.wrapping_mul(run.fold(0i64, |n, x| n + i64::from(x != T::default())))
    }))
}

/// Variance over `dims` with `n - correction` as divisor (not below 0), or its root.
///
/// The order is PyTorch's: a single number from the rounded mean in a second pass, several by Welford's recurrence, both
/// in double precision at least.
///
/// # Errors
/// [`ErrorKind::DType`] for what is no float.
pub fn variance(
    a: &Array,
    dims: &[usize],
    keepdim: bool,
    correction: f64,
    root: bool,
) -> Result<Array> {
    if a.is_meta() && a.dtype().is_float() {
        return super::sum(a, dims, keepdim); // of the same shape
    }
    dispatch!(float a.dtype(), T => spread::<T>(a, dims, keepdim, correction, root), else Err(needs_float("std_var", a.dtype())))
}

fn spread<T: Wide>(
    a: &Array,
    dims: &[usize],
    keepdim: bool,
    correction: f64,
    root: bool,
) -> Result<Array> {
    let number = |x: usize| T::Acc::lit(x as f64);
    let finish = |squares: T::Acc, n: usize| {
        let free = n as f64 - correction;
        let variance = squares / T::Acc::lit(if free > 0.0 { free } else { 0.0 });
        T::narrow(if root { variance.sqrt() } else { variance })
    };
    let outputs = super::reduced_shape(a.shape(), dims, false).numel();
    let one_mean = if outputs == 1 && a.numel() > 0 {
        let sum: T = super::total(a, dims, false)?.item()?.cast();
        Some((sum / T::lit(a.numel() as f64)).wide())
    } else {
        None
    };
    reduce(a, dims, keepdim, |run: Run<'_, T>| {
        let n = run.len();
        if n == 0 {
            return T::lit(f64::NAN);
        }
        let mut squares = T::Acc::ZERO;
        if let Some(mean) = one_mean {
            run.for_each(|x| {
                let off = x.wide() - mean;
                squares += off * off;
            });
            return finish(squares, n);
        }
        let mut mean = T::Acc::ZERO;
        run.enumerate().for_each(|(i, x)| {
            let x = x.wide();
            let off = x - mean;
            mean += off / number(i + 1);
            squares += off * (x - mean);
        });
        finish(squares, n)
    })
}

/// `ln Σ eˣ` over `dims`, without overflow on the way; of nothing it is -∞.
///
/// # Errors
/// [`ErrorKind::DType`] for what is no float.
pub fn logsumexp(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    if let Some(result) = through([a], |[a]| logsumexp(a, dims, keepdim)) {
        return result;
    }
    // Terms lie in memory as their operands do; in row-major order their sum is the same however the input lies.
    let a = &a.contiguous()?;
    dispatch!(float a.dtype(), T => {
        if a.numel() == 0 {
            let sum = super::sum(a, dims, keepdim)?;
            return super::map(&sum, |s: T| s.ln());
        }
        let top = super::map(&extreme(a, dims, true, true)?, |m: T| {
            if m.is_finite() || m.is_nan() { m } else { T::ZERO }
        })?;
        let sum = super::sum(&super::zip(a, &top, |x: T, m: T| (x - m).exp())?, dims, keepdim)?;
        super::zip(&sum, &top.reshape(sum.shape())?, |s: T, m: T| s.ln() + m)
    }, else Err(needs_float("logsumexp", a.dtype())))
}
