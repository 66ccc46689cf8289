//! Sums, in PyTorch's order of additions.
//!
//! A plain running sum of n numbers loses up to n roundings; PyTorch cascades: blocks of at least 16, carried into four
//! levels, so the error grows like the fourth root. The order here is that of its CPU kernel
//! (`aten/src/ATen/native/cpu/SumKernel.cpp`: `multi_row_sum`, `row_sum`, `vectorized_inner_sum`,
//! `vectorized_outer_sum` and their scalar forms), walked over dimensions in the order of its `TensorIterator`
//! (`reorder_dimensions`, `coalesce_dimensions`), so that sums agree to the bit with PyTorch on one thread, whatever the
//! strides. One case differs, so that threads can share it: a sum of more than 65 536 evenly spaced elements to a single
//! number is cut into blocks of 32 768, whose sums are then added in the same manner. PyTorch cuts such sums by its
//! number of threads; here nothing depends on that. (Backward strides, which PyTorch lacks, are ordered by magnitude.)
#![allow(unsafe_code)]

use super::cascade::{cascade, contiguous, lanes, row, run};
use super::narrow::settled;
use super::nest::{Axes, Axis, merge, place, split};
use super::reduce::{Run, check_dims, reduce, reduced_shape};
use super::sum_narrow::sum_narrow;
use crate::array::{Array, unread};
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{BLOCK, LONG, blocks};
use crate::dispatch;
use crate::dtype::Element;
use crate::error::Result;
use crate::interrupt::Watch;
use crate::layout::Layout;
use crate::memory::ptr::Ptr;
use crate::memory::room::filled;
use crate::scalar::real::Real;

/// Columns that may go side by side, in any dtype: where columns are cut by so many, groups stay what they are.
pub(super) const GROUP: usize = 32;

/// Two dimensions to add up over the first of: element `i` of column `j` is `i * rows.1 + j * cols.1` from the start.
#[derive(Clone, Copy)]
struct Tile {
    rows: Axis,
    cols: Axis,
}

/// Forms of `cascade.rs` as functions of their own: a tile is added up in three places, and each form is long.
mod formed {
    use super::{Real, cascade, contiguous, row};

    /// # Safety
    /// As [`cascade`], for neighbours.
    #[inline(never)]
    pub(super) unsafe fn beside<T: Real, const K: usize>(
        p: *const T,
        step: isize,
        n: usize,
    ) -> [T; K] {
        // SAFETY: the caller's promise.
        unsafe { cascade::<T, K>(p, step, 1, n) }
    }

    /// # Safety
    /// As [`cascade`].
    #[inline(never)]
    pub(super) unsafe fn apart<T: Real>(p: *const T, step: isize, gap: isize, n: usize) -> [T; 4] {
        // SAFETY: the caller's promise.
        unsafe { cascade::<T, 4>(p, step, gap, n) }
    }

    /// # Safety
    /// As [`row`], for neighbours.
    #[inline(never)]
    pub(super) unsafe fn rows_beside<T: Real>(p: *const T, step: isize, n: usize) -> [T; 8] {
        // SAFETY: the caller's promise.
        unsafe { row::<T, 8>(p, step, 1, n) }
    }

    /// # Safety
    /// As [`row`].
    #[inline(never)]
    pub(super) unsafe fn rows<T: Real, const K: usize>(
        p: *const T,
        step: isize,
        gap: isize,
        n: usize,
    ) -> [T; K] {
        // SAFETY: the caller's promise.
        unsafe { row::<T, K>(p, step, gap, n) }
    }

    /// # Safety
    /// As [`contiguous`].
    #[inline(never)]
    pub(super) unsafe fn dense<T: Real, const LANES: usize>(p: *const T, n: usize) -> T {
        // SAFETY: the caller's promise.
        unsafe { contiguous::<T, LANES>(p, n) }
    }
}

/// How a tile's columns are added up.
#[derive(Clone, Copy)]
enum Form {
    /// Each column by itself, eight or four lanes at once.
    Vector,
    /// Each column by itself, one element after the other.
    Scalar,
    /// The first so many columns side by side down the rows, the others by themselves.
    Side(usize),
}

impl Tile {
    /// PyTorch's choice (`cascade_sum`).
    fn form<T: Element>(&self) -> Form {
        let ((n, step), (columns, gap)) = (self.rows, self.cols);
        if step == 1 && n >= lanes::<T>() {
            Form::Vector
        } else if gap == 1 && columns >= lanes::<T>() {
            Form::Side(columns / (4 * lanes::<T>()) * (4 * lanes::<T>()))
        } else if step.unsigned_abs() < gap.unsigned_abs() {
            Form::Scalar
        } else {
            Form::Side(columns / 4 * 4)
        }
    }

    /// The sums of columns `start..end`, in order, to `sink`.
    ///
    /// # Safety
    /// The tile's elements can be read from `p` on.
    #[inline(always)]
    unsafe fn sums<T: Real>(
        &self,
        p: *const T,
        (start, end): (usize, usize),
        form: Form,
        sink: &mut impl FnMut(usize, T),
    ) {
        let ((n, step), (_, gap)) = (self.rows, self.cols);
        let mut j = start;
        let mut many = |j: usize, sums: &[T]| {
            for (k, sum) in sums.iter().enumerate() {
                sink(j + k, *sum);
            }
        };
        // SAFETY: the caller's promise; every column is below the tile's number of columns.
        unsafe {
            let column = |j: usize| p.offset(j as isize * gap);
            match (form, lanes::<T>()) {
                (Form::Vector, 8) => {
                    while j < end {
                        many(j, &[formed::dense::<T, 8>(column(j), n)]);
                        j += 1;
                    }
                }
                (Form::Vector, _) => {
                    while j < end {
                        many(j, &[formed::dense::<T, 4>(column(j), n)]);
                        j += 1;
                    }
                }
                (Form::Side(grouped), _) => {
                    // Neighbours have a loop of their own, which the compiler vectorises.
                    while gap == 1 && j + 16 <= end.min(grouped) {
                        many(j, &formed::beside::<T, 16>(column(j), step, n));
                        j += 16;
                    }
                    while gap == 1 && j + 8 <= end && j >= grouped {
                        many(j, &formed::rows_beside(column(j), step, n));
                        j += 8;
                    }
                    while j + 4 <= end.min(grouped) {
                        let sums = match gap {
                            1 => formed::beside::<T, 4>(column(j), step, n),
                            _ => formed::apart(column(j), step, gap, n),
                        };
                        many(j, &sums);
                        j += 4;
                    }
                }
                (Form::Scalar, _) => {}
            }
            while j + 4 <= end {
                many(j, &formed::rows::<T, 4>(column(j), step, gap, n));
                j += 4;
            }
            while j < end {
                many(j, &formed::rows::<T, 1>(column(j), step, 0, n));
                j += 1;
            }
        }
    }
}

/// Sum over `dims`, kept as size 1 if `keepdim`; integers and bools add up in `i64`, floats in their own type.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
/// assert_eq!(kernels::sum(&a, &[0], false)?.to_vec::<f32>()?, [5.0, 7.0, 9.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn sum(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    let total = total(a, dims, keepdim)?;
    match a.dtype().is_float() {
        true => settled(total, &[a.dtype()]),
        false => Ok(total),
    }
}

/// As [`sum`], but halves are added up to the dtype they compute in, for who goes on with that.
///
/// ```
/// use pullback_array::{Array, DType, kernels};
/// let a = kernels::cast(&Array::from_slice(&[256.0f32, 1.0], [2])?, DType::BF16)?;
/// assert_eq!(kernels::total(&a, &[0], false)?.to_vec::<f32>()?, [257.0]);
/// assert_eq!(kernels::cast(&kernels::sum(&a, &[0], false)?, DType::F32)?.to_vec::<f32>()?, [256.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn total(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    if a.dtype().is_narrow() && a.dtype().is_float() {
        return sum_narrow(a, dims, keepdim);
    }
    dispatch!(float a.dtype(), T => sum_real::<T>(a, dims, keepdim), else {
        dispatch!(a.dtype(), T => reduce(a, dims, keepdim, |run: Run<'_, T>| {
            run.fold(0i64, |s, x| s.wrapping_add(x.to_i64()))
        }))
    })
}

pub(super) fn sum_real<T: Real>(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    a.expect_dtype::<T>()?;
    check_dims(a.shape(), dims)?;
    let shape = reduced_shape(a.shape(), dims, keepdim);
    let guard = match a.read() {
        Ok(guard) => guard,
        Err(e) => return unread(&[a], || Ok(Layout::row_major(shape)), T::DTYPE, e),
    };
    let (storage, out) = fresh::<T>(&shape)?;
    let outputs = shape.numel();
    // SAFETY: the array's elements lie inside the storage, which the guard protects; `out` has room for `outputs`.
    unsafe {
        if a.numel() == 0 {
            (0..outputs).for_each(|i| out.add(i).write(T::ZERO));
        } else {
            let p = guard.ptr::<T>().add(a.layout().offset());
            if a.is_contiguous() && dims.len() == a.rank() {
                out.write(whole(p, 1, a.numel())?);
            } else {
                let (reduced, kept) = axes(a.layout(), dims);
                sums(p, out, &reduced, &kept, outputs)?;
            }
        }
    }
    drop(guard);
    Ok(Array::from_fresh::<T>(storage, shape))
}

/// The reduced and the kept dimensions, innermost first, neighbours that are one walk merged: the order in which
/// PyTorch's `TensorIterator` goes.
pub(super) fn axes(layout: &Layout, dims: &[usize]) -> (Axes, Axes) {
    let (mut reduced, kept) = split(layout, dims);
    // Kept dimensions stay in the result's order. Reduced ones are sorted by stride, by insertion, where a stride of 0
    // compares with nothing.
    for i in 1..reduced.len() {
        let mut here = i;
        for before in (0..i).rev() {
            let (a, b) = (reduced[before], reduced[here]);
            let (sa, sb) = (a.1.unsigned_abs(), b.1.unsigned_abs());
            if sa == 0 || sb == 0 {
                continue;
            }
            if (sa, a.0) > (sb, b.0) {
                reduced.swap(before, here);
                here = before;
            } else if sa < sb {
                break;
            }
        }
    }
    (merge(&reduced), merge(&kept))
}

/// Sums over the reduced axes, an output for each place of the kept ones.
///
/// # Safety
/// `p` can be read over all axes, none of which is empty; `out` has room for `outputs`.
unsafe fn sums<T: Real>(
    p: *const T,
    out: *mut T,
    reduced: &[Axis],
    kept: &[Axis],
    outputs: usize,
) -> Result<()> {
    let (from, to) = (Ptr(p.cast_mut()), Ptr(out));
    let elements: usize = reduced.iter().map(|axis| axis.0).product();
    // SAFETY: the caller's promise; blocks write different outputs.
    unsafe {
        match (reduced, kept) {
            _ if elements > LONG => long(p, out, reduced, kept, outputs),
            (&[], &[]) => {
                out.write(T::ZERO + *p);
                Ok(())
            }
            (&[(n, step)], &[]) => {
                out.write(whole(p, step, n)?);
                Ok(())
            }
            (&[] | &[_], _) => {
                let rows = reduced.first().copied().unwrap_or((1, 0));
                let tile = Tile {
                    rows,
                    cols: kept[0],
                };
                let form = tile.form::<T>();
                let columns = kept[0].0;
                // Groups of columns stay together; with one tile its columns are shared, with many the tiles are.
                let block = (BLOCK / rows.0).max(1);
                let block = match form {
                    Form::Side(_) => block.next_multiple_of(4 * lanes::<T>()),
                    Form::Vector | Form::Scalar => block,
                };
                if kept.len() == 1 {
                    return blocks(columns, block, &|start, end| {
                        tile.sums(from.get(), (start, end), form, &mut |j, sum| {
                            to.get().add(j).write(sum);
                        });
                    });
                }
                blocks(
                    outputs / columns,
                    (block / columns).max(1),
                    &|start, end| {
                        for i in start..end {
                            let p = from.get().offset(place(&kept[1..], i));
                            tile.sums(p, (0, columns), form, &mut |j, sum| {
                                to.get().add(i * columns + j).write(sum);
                            });
                        }
                    },
                )
            }
            (&[rows, cols, ref outer @ ..], _) => {
                // Partial sums of the inner two go one after the other into the output.
                let tile = Tile { rows, cols };
                let form = tile.form::<T>();
                let tiles = elements / (rows.0 * cols.0);
                blocks(outputs, (BLOCK / elements).max(1), &|start, end| {
                    for i in start..end {
                        let mut total = T::ZERO;
                        for t in 0..tiles {
                            let p = from.get().offset(place(kept, i) + place(outer, t));
                            tile.sums(p, (0, cols.0), form, &mut |_, sum| total += sum);
                        }
                        to.get().add(i).write(total);
                    }
                })
            }
        }
    }
}

/// Sum of evenly spaced elements to one number: in blocks of a fixed size once there are several, so that threads can
/// share them.
///
/// # Safety
/// `p` can be read at `n` elements, `step` apart.
unsafe fn whole<T: Real>(p: *const T, step: isize, n: usize) -> Result<T> {
    // SAFETY: the caller's promise, and then `parts` is ours.
    unsafe {
        if n <= 2 * BLOCK {
            return Ok(run(p, step, n));
        }
        let mut parts = filled(n.div_ceil(BLOCK), T::ZERO)?;
        let (from, to) = (Ptr(p.cast_mut()), Ptr(parts.as_mut_ptr()));
        blocks(n, BLOCK, &|start, end| {
            // Each block writes its own part.
            let part = run(from.get().offset(start as isize * step), step, end - start);
            to.get().add(start / BLOCK).write(part);
        })?;
        Ok(run(parts.as_ptr(), 1, parts.len()))
    }
}

/// Sums of more elements than fit into most memories: those of an expanded array. Nothing is kept but a sum for each power of
/// two of stretches, which go two by two, and somebody may stop it between any two.
///
/// # Safety
/// As [`sums`]; there is a reduced axis.
unsafe fn long<T: Real>(
    p: *const T,
    out: *mut T,
    reduced: &[Axis],
    kept: &[Axis],
    outputs: usize,
) -> Result<()> {
    let elements: usize = reduced.iter().map(|axis| axis.0).product();
    let (inner, step) = reduced[0];
    let watch = Watch::new();
    for i in 0..outputs {
        let mut pairs = [T::ZERO; usize::BITS as usize];
        let (mut done, mut stretches, mut looked) = (0, 0usize, 0);
        while done < elements {
            if done - looked >= BLOCK {
                looked = done;
                if !watch.goes_on() {
                    return watch.end();
                }
            }
            let len = (inner - done % inner).min(BLOCK);
            // SAFETY: the caller's promise: both places are those of the axes.
            let mut sum =
                unsafe { run(p.offset(place(kept, i) + place(reduced, done)), step, len) };
            let carries = stretches.trailing_ones() as usize;
            (0..carries).for_each(|k| sum = pairs[k] + sum);
            pairs[carries] = sum;
            stretches += 1;
            done += len;
        }
        let used = (0..pairs.len()).filter(|&k| stretches >> k & 1 == 1);
        let total = used.fold(T::ZERO, |total, k| pairs[k] + total);
        // SAFETY: the caller's promise.
        unsafe { out.add(i).write(total) };
    }
    watch.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of long arrays are those of short ones, here of integers, which are exact in any order.
    #[test]
    fn stretch_by_stretch() {
        let data: Vec<f64> = (0..7).map(|i| f64::from(i * i + 1)).collect();
        let many = 9 * BLOCK + 11;
        let whole: f64 = data.iter().sum();
        // Kept: 7 numbers, or none; summed: the numbers, repetitions, or both in either order.
        type Case<'a> = (&'a [Axis], &'a [Axis], Vec<f64>);
        let each = |n: usize| data.iter().map(|x| x * n as f64).collect::<Vec<_>>();
        let cases: [Case<'_>; 5] = [
            (&[(many, 0)], &[(7, 1)], each(many)),
            (&[(7, 1), (many, 0)], &[], vec![whole * many as f64]),
            (&[(many, 0), (7, 1)], &[], vec![whole * many as f64]),
            (
                &[(3, 0), (7, 1), (many, 0)],
                &[],
                vec![whole * 3.0 * many as f64],
            ),
            (&[(7, 1)], &[], vec![whole]),
        ];
        for (reduced, kept, expected) in cases {
            let mut out = vec![0.0; expected.len()];
            // SAFETY: the axes stay inside of `data`, and `out` has room for every place of the kept ones.
            unsafe { long(data.as_ptr(), out.as_mut_ptr(), reduced, kept, out.len()) }.unwrap();
            assert_eq!(out, expected, "{reduced:?}");
        }
    }
}
