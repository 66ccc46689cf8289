//! Reductions that are no sums: products, extremes and where they are, counts, spreads, logarithms of sums.
//!
//! Each is a fold over the runs that `reduce.rs` finds. What PyTorch accumulates in double precision for `f32` (variance)
//! is accumulated so here; double-double accumulates in itself.

use super::reduce::{Run, reduce};
use crate::array::Array;
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::real::Real;

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
        let wide = super::cast(a, DType::I64)?;
        reduce(&wide, dims, keepdim, |run: Run<'_, i64>| run.fold(1, i64::wrapping_mul))
    })
}

/// The largest (or smallest) element over `dims`; NaN wins. What there is none of is zero: callers forbid it.
pub fn extreme(a: &Array, dims: &[usize], keepdim: bool, largest: bool) -> Result<Array> {
    dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |mut run: Run<'_, T>| {
        let first = run.next().unwrap_or_default();
        run.fold(first, |best, x| if beats(x, best, largest) { x } else { best })
    }))
}

/// Where the largest (or smallest) element lies in row-major order over `dims`: the first of equals, the first NaN.
pub fn arg_extreme(a: &Array, dims: &[usize], keepdim: bool, largest: bool) -> Result<Array> {
    dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |mut run: Run<'_, T>| {
        let mut best = (0, run.next().unwrap_or_default());
        for (i, x) in run.enumerate() {
            if beats(x, best.1, largest) {
                best = (i as i64 + 1, x);
            }
        }
        best.0
    }))
}

/// How many elements over `dims` are not zero; NaN is not.
pub fn count_nonzero(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |run: Run<'_, T>| {
        run.fold(0i64, |n, x| n + i64::from(x != T::default()))
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
        let sum: T = super::sum(a, dims, false)?.item()?.cast();
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
            for x in run {
                let off = x.wide() - mean;
                squares += off * off;
            }
            return finish(squares, n);
        }
        let mut mean = T::Acc::ZERO;
        for (i, x) in run.enumerate() {
            let x = x.wide();
            let off = x - mean;
            mean += off / number(i + 1);
            squares += off * (x - mean);
        }
        finish(squares, n)
    })
}

/// `ln Σ eˣ` over `dims`, without overflow on the way; of nothing it is -∞.
///
/// # Errors
/// [`ErrorKind::DType`] for what is no float.
pub fn logsumexp(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
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
