//! The middle of a run, and where it is.
//!
//! Which of several equal elements is named is settled as in PyTorch: equals keep their order, as in a stable sort.

use super::reduce::{Run, reduce};
use crate::array::Array;
use crate::dispatch;
use crate::dtype::Element;
use crate::error::Result;
use crate::memory::room::{gathered, room};
use std::cmp::Ordering;
use std::sync::OnceLock;

/// Where the lower median over `dims` lies (row-major). NaN wins, the first one; with `ignore_nan` NaNs are left out
/// unless there is nothing else. An empty run has its median at 0: callers forbid it.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[3.0f32, 1.0, 2.0, 4.0], [4])?;
/// assert_eq!(kernels::arg_median(&a, &[0], false, false)?.to_vec::<i64>()?, [2]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn arg_median(a: &Array, dims: &[usize], keepdim: bool, ignore_nan: bool) -> Result<Array> {
    let failed = OnceLock::new();
    let at = dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |run: Run<'_, T>| {
        let found = gathered(run).and_then(|x| place(&x, ignore_nan));
        found.unwrap_or_else(|e| {
            drop(failed.set(e));
            0
        })
    }))?;
    match failed.into_inner() {
        None => Ok(at),
        Some(e) => Err(e),
    }
}

#[allow(clippy::eq_op)] // NaN alone differs from itself
fn place<T: Element + PartialOrd>(x: &[T], ignore_nan: bool) -> Result<i64> {
    let mut order = room::<usize>(x.len())?;
    order.extend((0..x.len()).filter(|&i| x[i] == x[i]));
    let nans = x.len() - order.len();
    if nans > 0 && (!ignore_nan || order.is_empty()) {
        return Ok((0..x.len()).find(|&i| x[i] != x[i]).unwrap_or(0) as i64);
    }
    if order.is_empty() {
        return Ok(0);
    }
    let middle = (order.len() - 1) / 2;
    let compare = |&i: &usize, &j: &usize| {
        x[i].partial_cmp(&x[j])
            .unwrap_or(Ordering::Equal)
            .then(i.cmp(&j))
    };
    Ok(*order.select_nth_unstable_by(middle, compare).1 as i64)
}

#[cfg(test)]
mod tests {
    use super::place;

    /// Positions PyTorch names among equals and beside NaN.
    #[test]
    fn ties_are_pytorchs() {
        for (data, at) in [
            (&[1, 2, 2, 1, 1][..], 4),
            (&[2, 2, 1, 1], 3),
            (&[5, 3, 3, 3, 3, 3, 9, 3], 4),
            (&[1, 2, 2], 1),
        ] {
            assert_eq!(place(data, false).unwrap(), at, "{data:?}");
        }
        let x = [1.0, f64::NAN, 2.0, f64::NAN, 3.0];
        assert_eq!(
            (place(&x, false).unwrap(), place(&x, true).unwrap()),
            (1, 2)
        );
        assert_eq!(place(&[f64::NAN; 2], true).unwrap(), 0);
    }
}
