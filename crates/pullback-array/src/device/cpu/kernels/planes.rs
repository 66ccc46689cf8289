//! Formulas of whole planes (runs of neighbours) whose results have another length: pooling, columns, interpolation.
//!
//! As in `lines`, shared memory is never lent out as a slice: each plane is copied into a buffer first, and the result is filled with zeros
//! before the formula sees it. Who needs several operands, or a part of many planes, copies them out itself and makes the result with
//! [`runs`].
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
    planes_numbered(x, shape, to, |_, run: &[A], result: &mut [B]| {
        f(run, result);
    })
}

/// As [`planes`]; `f` is told too which run it is.
///
/// # Errors
/// As there.
pub fn planes_numbered<A: Element, B: Element>(
    x: &Array,
    shape: &Shape,
    to: usize,
    f: impl Fn(usize, &[A], &mut [B]) + Sync,
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
            f(k, &run, result);
        }
    })?;
    drop(guard);
    Ok(Array::from_fresh::<B>(storage, shape.clone()))
}

/// A new array of `shape`, of runs of `to` elements: `f(first, results)` makes as many runs as fit into `results`, `together` of them or
/// fewer, from number `first` on. Results are zeros before. Several threads make different runs.
///
/// ```
/// use pullback_array::{Shape, kernels};
/// let y = kernels::runs(&Shape::new(&[3, 2]), 2, 1, |first, results: &mut [i64]| {
///     results.fill(first as i64);
/// })?;
/// assert_eq!(y.to_vec::<i64>()?, [0, 0, 1, 1, 2, 2]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where the elements are no such runs; where memory is missing.
pub fn runs<B: Element>(
    shape: &Shape,
    to: usize,
    together: usize,
    f: impl Fn(usize, &mut [B]) + Sync,
) -> Result<Array> {
    let n = shape.checked_numel()?;
    if n == 0 {
        return Array::zeros(shape.clone(), B::DTYPE);
    }
    let count = n / to.max(1);
    if count * to != n {
        return Err(Error::new(
            ErrorKind::Shape,
            format!("{n} elements are no runs of {to}"),
        ));
    }
    let (storage, out) = fresh::<B>(shape)?;
    let out = Ptr(out);
    blocks(count, together.max(1), &|first, end| {
        // SAFETY: the runs lie inside the new storage, which nobody else holds; blocks write different ones, which are initialised before
        // they are lent out.
        let results = unsafe {
            let start = out.get().add(first * to);
            let len = (end - first) * to;
            (0..len).for_each(|i| start.add(i).write(B::default()));
            std::slice::from_raw_parts_mut(start, len)
        };
        f(first, results);
    })?;
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

    #[test]
    fn planes_know_their_number_and_runs_are_made_in_blocks() {
        let x = Array::from_slice(&[1i64, 2, 3, 4, 5, 6], [3, 2]).unwrap();
        let y = planes_numbered(
            &x,
            &Shape::new(&[3]),
            1,
            |k, run: &[i64], out: &mut [i64]| out[0] = run[1] * 10 + k as i64,
        );
        assert_eq!(y.unwrap().to_vec::<i64>().unwrap(), [20, 41, 62]);
        let y = runs(&Shape::new(&[50, 100]), 100, 7, |first, out: &mut [f32]| {
            assert!(out.iter().all(|&x| x == 0.0));
            for (i, run) in out.chunks_mut(100).enumerate() {
                run.fill((first + i) as f32);
            }
        });
        let y = y.unwrap().to_vec::<f32>().unwrap();
        assert!(y.iter().enumerate().all(|(i, &x)| x == (i / 100) as f32));
        let none = runs(&Shape::new(&[0, 4]), 4, 1, |_, _: &mut [f32]| ());
        assert_eq!(none.unwrap().numel(), 0);
        assert!(runs(&Shape::new(&[5]), 2, 1, |_, _: &mut [f32]| ()).is_err());
    }
}
