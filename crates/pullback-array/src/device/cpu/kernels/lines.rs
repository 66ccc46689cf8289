//! Formulas of whole runs of neighbours: softmax, normalisation. A run is read, and its result written, at once.
//!
//! Shared memory is never lent out as a slice: runs are copied into the result and into buffers, and the formula sees those.
#![allow(unsafe_code)]

use super::narrow::{all_wanted, placed, wanted};
use super::wide::wide_for;
use crate::array::{Array, unread};
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dtype::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::memory::ptr::Ptr;

/// Errors where operands are of several shapes, or no whole number of runs.
fn fits_lines(x: &Array, others: &[&Array], len: usize) -> Result<()> {
    let fail = |text| Err(Error::new(ErrorKind::Shape, text));
    if let Some(other) = others.iter().find(|a| a.shape() != x.shape()) {
        return fail(format!(
            "runs of shapes {} and {}",
            x.shape(),
            other.shape()
        ));
    }
    match x.numel() {
        0 => Ok(()),
        n if len == 0 || !n.is_multiple_of(len) => {
            fail(format!("{n} elements are not runs of {len}"))
        }
        _ => Ok(()),
    }
}

/// An array like `x`, in which `f(number, run, others)` has rewritten every run of `len` neighbours: `run` holds that of `x` and
/// is overwritten, `others` are the runs of the same number of arrays of the same shape. For `f32` it is compiled for wide
/// vectors too, if the closure is marked `#[inline(always)]`.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let x = Array::from_slice(&[1.0f64, 3.0, 5.0, 6.0], [2, 2])?;
/// let y = kernels::lines(&x, [], 2, |_, run: &mut [f64], []| {
///     let sum: f64 = run.iter().sum();
///     run.iter_mut().for_each(|x| *x -= sum);
/// })?;
/// assert_eq!(y.to_vec::<f64>()?, [-3.0, -1.0, -6.0, -5.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where shapes differ, or the elements are not a whole number of runs.
pub fn lines<T: Element, const N: usize>(
    x: &Array,
    others: [&Array; N],
    len: usize,
    f: impl Fn(usize, &mut [T], [&[T]; N]) + Sync,
) -> Result<Array> {
    if x.dtype() != T::DTYPE || others.iter().any(|a| a.dtype() != T::DTYPE) {
        let wide = wanted(x, T::DTYPE)?;
        let rest = all_wanted(others, T::DTYPE)?;
        let rest = std::array::from_fn(|k| rest[k].as_ref());
        return placed(lines(&wide, rest, len, f)?, &[x.dtype()]);
    }
    let n = x.numel();
    fits_lines(x, &others, len)?;
    if n == 0 {
        return x.new_zeros(Layout::row_major(x.shape().clone()), T::DTYPE);
    }
    let x = x.contiguous()?;
    let mut held = Vec::with_capacity(N);
    for other in others {
        held.push(other.contiguous()?);
    }
    let read = || -> Result<_> {
        let guards = held.iter().map(Array::read).collect::<Result<Vec<_>>>()?;
        Ok((x.read()?, guards))
    };
    let (guard, guards) = match read() {
        Ok(guards) => guards,
        Err(e) => {
            let inputs: Vec<&Array> = held.iter().chain([&x]).collect();
            return unread(&inputs, || Ok(x.layout().without_gaps()), T::DTYPE, e);
        }
    };
    let (storage, out) = fresh::<T>(x.shape())?;
    // SAFETY: contiguous arrays have n elements from their offsets on.
    let from = Ptr(unsafe { guard.ptr::<T>().add(x.layout().offset()) }.cast_mut());
    let sources: Vec<Ptr<T>> = (guards.iter().zip(&held))
        // SAFETY: as above; they have the shape of `x`.
        .map(|(g, a)| Ptr(unsafe { g.ptr::<T>().add(a.layout().offset()) }.cast_mut()))
        .collect();
    let out = Ptr(out);
    blocks(n / len, (BLOCK / len).max(1), &|start, end| {
        let mut buffer = vec![T::default(); N * len];
        wide_for::<T, _>(
            #[inline(always)]
            || {
                for k in start..end {
                    // SAFETY: run k lies inside the guarded sources and inside the result, which nobody else holds;
                    // blocks write different runs; the run is initialised by the copy before it is lent out.
                    let run = unsafe {
                        let run = out.get().add(k * len);
                        let from = from.get().add(k * len).cast_const();
                        std::ptr::copy_nonoverlapping(from, run, len);
                        T::settle(run, len);
                        for (part, source) in buffer.chunks_exact_mut(len).zip(&sources) {
                            let source = source.get().add(k * len).cast_const();
                            std::ptr::copy_nonoverlapping(source, part.as_mut_ptr(), len);
                            T::settle(part.as_mut_ptr(), len);
                        }
                        std::slice::from_raw_parts_mut(run, len)
                    };
                    let parts = std::array::from_fn(|i| &buffer[i * len..(i + 1) * len]);
                    f(k, run, parts);
                }
            },
        );
    })?;
    drop((guard, guards));
    Ok(Array::from_fresh::<T>(storage, x.shape().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_rewritten_with_their_companions() {
        let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
        // The same numbers, transposed in memory.
        let turned = Array::from_slice(&[1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0], [3, 2])
            .and_then(|a| a.transpose(0, 1))
            .unwrap();
        let y = lines(&turned, [&x], 3, |k, run: &mut [f32], [other]| {
            for (a, b) in run.iter_mut().zip(other) {
                *a = *a * b + k as f32;
            }
        });
        assert_eq!(
            y.unwrap().to_vec::<f32>().unwrap(),
            [1.0, 4.0, 9.0, 17.0, 26.0, 37.0]
        );
        assert!(lines(&x, [], 4, |_, _: &mut [f32], []| ()).is_err());
        assert!(lines(&x, [], 3, |_, _: &mut [f64], []| ()).is_err());
        let none = Array::zeros([0, 3], crate::DType::F32).unwrap();
        assert_eq!(
            lines(&none, [], 3, |_, _: &mut [f32], []| ())
                .unwrap()
                .numel(),
            0
        );
        // Many runs, on threads.
        let many = Array::full([5000, 16], 1.0, crate::DType::F64).unwrap();
        let sums = lines(&many, [], 16, |k, run: &mut [f64], []| {
            run.iter_mut().for_each(|x| *x += k as f64);
        });
        let sums = sums.unwrap().to_vec::<f64>().unwrap();
        assert!(
            sums.iter()
                .enumerate()
                .all(|(i, &x)| x == 1.0 + (i / 16) as f64)
        );
    }
}
