//! Formulas of whole planes (runs of neighbours) whose results have another length: pooling, interpolation.
//!
//! As in `lines`, shared memory is never lent out as a slice: each plane is copied into a buffer first, and the result is filled with zeros
//! before the formula sees it.
#![allow(unsafe_code)]

use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;

/// Cuts `x` into runs of as many neighbours as `shape` has runs of `to` elements; `f(run, result)` makes each run's result, which is zeros
/// before.
///
/// ```
/// use pullback_array::{Array, Shape, kernels};
/// let x = Array::from_slice(&[1.0f64, 3.0, 5.0, 6.0], [2, 2])?;
/// let y = kernels::planes(&x, &Shape::new(&[2, 1]), 1, |run: &[f64], sum: &mut [f64]| {
///     sum[0] = run.iter().sum();
/// })?;
/// assert_eq!(y.to_vec::<f64>()?, [4.0, 11.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where `x` has another dtype, or the elements are not as many runs.
pub fn planes<A: Element, B: Element>(
    x: &Array,
    shape: &Shape,
    to: usize,
    f: impl Fn(&[A], &mut [B]) + Sync,
) -> Result<Array> {
    x.expect_dtype::<A>()?;
    if x.is_meta() {
        return Array::meta(Layout::row_major(shape.clone()), B::DTYPE);
    }
    let n = shape.checked_numel()?;
    if n == 0 {
        return Array::zeros(shape.clone(), B::DTYPE);
    }
    let runs = n / to.max(1);
    if runs * to != n || runs == 0 || !x.numel().is_multiple_of(runs) {
        return Err(Error::new(
            ErrorKind::Shape,
            format!("{} elements are not {runs} runs", x.numel()),
        ));
    }
    let from = x.numel() / runs;
    let x = x.contiguous()?;
    let guard = x.read()?;
    let (storage, out) = fresh::<B>(shape)?;
    // SAFETY: a contiguous array has its elements from its offset on.
    let start = Ptr(unsafe { guard.ptr::<A>().add(x.layout().offset()) }.cast_mut());
    let out = Ptr(out);
    // Made here, where a lack of memory is an error and no panic.
    drop(filled(from, A::default())?);
    let block = (BLOCK / from.max(to).max(1)).max(1);
    blocks(runs, block, &|first, end| {
        let mut run = vec![A::default(); from];
        for k in first..end {
            // SAFETY: run k lies inside the guarded source and its result inside the new storage, which nobody else holds; blocks
            // write different results, which are initialised before they are lent out.
            let result = unsafe {
                let source = start.get().add(k * from).cast_const();
                std::ptr::copy_nonoverlapping(source, run.as_mut_ptr(), from);
                A::settle(run.as_mut_ptr(), from);
                let result = out.get().add(k * to);
                (0..to).for_each(|i| result.add(i).write(B::default()));
                std::slice::from_raw_parts_mut(result, to)
            };
            f(&run, result);
        }
    })?;
    drop(guard);
    Ok(Array::from_fresh::<B>(storage, shape.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_mapped_to_planes_of_another_length() {
        let x = Array::from_slice(&[1i64, 2, 3, 4, 5, 6], [3, 2])
            .unwrap()
            .transpose(0, 1)
            .unwrap();
        let twice = |run: &[i64], out: &mut [i64]| {
            for (i, o) in out.iter_mut().enumerate() {
                *o = run[i % run.len()];
            }
        };
        let y = planes(&x, &Shape::new(&[2, 4]), 4, twice).unwrap();
        assert_eq!(y.to_vec::<i64>().unwrap(), [1, 3, 5, 1, 2, 4, 6, 2]);
        assert!(planes(&x, &Shape::new(&[4, 4]), 4, twice).is_err());
        assert!(planes(&x, &Shape::new(&[2, 4]), 4, |_: &[f32], _: &mut [i64]| ()).is_err());
        let none = planes(&x, &Shape::new(&[0, 4]), 4, twice).unwrap();
        assert_eq!(none.numel(), 0);
        let many = Array::full([5000, 16], 1.0, crate::DType::F64).unwrap();
        let sums = planes(
            &many,
            &Shape::new(&[5000]),
            1,
            |run: &[f64], out: &mut [f64]| {
                out[0] = run.iter().sum();
            },
        );
        assert!(
            sums.unwrap()
                .to_vec::<f64>()
                .unwrap()
                .iter()
                .all(|&s| s == 16.0)
        );
    }
}
