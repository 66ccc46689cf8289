//! Sums, in PyTorch's order of additions.
//!
//! A plain running sum of n numbers loses up to n roundings; PyTorch cascades: blocks of at least 16, carried into four
//! levels, so the error grows like the fourth root. The order here is that of its CPU kernel
//! (`aten/src/ATen/native/cpu/SumKernel.cpp`: `multi_row_sum`, `row_sum`, `vectorized_inner_sum`,
//! `vectorized_outer_sum`), so sums below its threading threshold agree to the bit. It does not depend on threads.
#![allow(unsafe_code)]

use super::reduce::{Plan, reduce};
use crate::array::{Array, fresh};
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::real::Real;
use crate::threads::{BLOCK, Ptr, blocks};

const LEVELS: usize = 4;
/// Interleaved running sums of one row.
const ILP: usize = 4;

/// Cascade sum of `K` interleaved sequences of `n` elements each: element `i` of sequence `k` is at
/// `p + i * step + k * gap`.
///
/// # Safety
/// Those places can be read.
#[inline(always)]
unsafe fn cascade<T: Real, const K: usize>(
    p: *const T,
    step: isize,
    gap: isize,
    n: usize,
) -> [T; K] {
    let mut acc = [[T::ZERO; K]; LEVELS];
    let power = 4.max(n.next_power_of_two().trailing_zeros() as usize / LEVELS);
    let block = 1usize << power;
    let mut i = 0;
    let add = |acc: &mut [T; K], i: usize| {
        for (k, a) in acc.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *a += unsafe { *p.offset(i as isize * step + k as isize * gap) };
        }
    };
    while i + block <= n {
        for _ in 0..block {
            add(&mut acc[0], i);
            i += 1;
        }
        for level in 1..LEVELS {
            let (low, high) = acc.split_at_mut(level);
            for (h, l) in high[0].iter_mut().zip(&mut low[level - 1]) {
                *h += *l;
                *l = T::ZERO;
            }
            if i & ((block - 1) << (level * power)) != 0 {
                break;
            }
        }
    }
    while i < n {
        add(&mut acc[0], i);
        i += 1;
    }
    let (first, rest) = acc.split_at_mut(1);
    for level in rest {
        for (a, b) in first[0].iter_mut().zip(level) {
            *a += *b;
        }
    }
    first[0]
}

/// Sum of one row by four interleaved cascades; `K` rows that lie `gap` apart at once.
///
/// # Safety
/// As [`cascade`].
#[inline(always)]
unsafe fn row<T: Real, const LANES: usize>(
    p: *const T,
    step: isize,
    gap: isize,
    n: usize,
) -> [T; LANES] {
    let quarter = n / ILP;
    let mut parts = [[T::ZERO; LANES]; ILP];
    for (k, part) in parts.iter_mut().enumerate() {
        // SAFETY: the caller's promise; sequence k of the row starts k steps in.
        *part = unsafe {
            cascade::<T, LANES>(
                p.offset(k as isize * step),
                step * ILP as isize,
                gap,
                quarter,
            )
        };
    }
    for i in quarter * ILP..n {
        for (lane, a) in parts[0].iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *a += unsafe { *p.offset(i as isize * step + lane as isize * gap) };
        }
    }
    let (first, rest) = parts.split_at_mut(1);
    for part in rest {
        for (a, b) in first[0].iter_mut().zip(part) {
            *a += *b;
        }
    }
    first[0]
}

/// Sum of `n` contiguous elements: `LANES` interleaved rows, then their sums, then the tail first as PyTorch does.
///
/// # Safety
/// `p` can be read at `n` elements.
#[inline(always)]
unsafe fn contiguous<T: Real, const LANES: usize>(p: *const T, n: usize) -> T {
    let count = n / LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let lanes = row::<T, LANES>(p, LANES as isize, 1, count);
        let mut total = T::ZERO;
        for i in count * LANES..n {
            total += *p.add(i);
        }
        for lane in lanes {
            total += lane;
        }
        total
    }
}

/// Lanes of PyTorch's AVX2 kernel, which its public builds use for sums on every recent x86 CPU: 32 bytes.
const fn lanes<T: Element>() -> usize {
    if size_of::<T>() == 4 { 8 } else { 4 }
}

/// Sum of one run of `n` elements.
///
/// # Safety
/// `p` can be read at `n` elements, `step` apart.
#[inline]
unsafe fn run<T: Real>(p: *const T, step: isize, n: usize) -> T {
    // SAFETY: the caller's promise.
    unsafe {
        match (step, lanes::<T>()) {
            (1, 8) if n >= 8 => contiguous::<T, 8>(p, n),
            (1, 4) if n >= 4 => contiguous::<T, 4>(p, n),
            _ => row::<T, 1>(p, step, 0, n)[0],
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
    dispatch!(float a.dtype(), T => sum_real::<T>(a, dims, keepdim), else {
        let wide = super::cast(a, DType::I64)?;
        reduce::<i64, i64>(&wide, dims, keepdim, |run| run.fold(0i64, i64::wrapping_add))
    })
}

fn sum_real<T: Real>(a: &Array, dims: &[usize], keepdim: bool) -> Result<Array> {
    let plan = Plan::new(a, dims, keepdim)?;
    let guard = plan.source.read()?;
    let (storage, out) = fresh::<T>(&plan.out)?;
    let (base, outputs) = (guard.ptr::<T>(), plan.out.numel());
    let (n, step) = (plan.len, plan.step);
    if outputs == 1 {
        // SAFETY: the plan's runs lie inside the source, which the guard protects; `out` has room for `outputs`.
        unsafe { out.write(whole(base.add(plan.kept.offset()), step, n)) };
    } else if plan.kept.is_contiguous() && step != 1 {
        // SAFETY: as above.
        unsafe { columns(base.add(plan.kept.offset()), out, step, n, outputs) };
    } else {
        let places: Vec<usize> = plan.kept.places().collect();
        let (base, out) = (Ptr(base.cast_mut()), Ptr(out));
        blocks(outputs, (BLOCK / n.max(1)).max(1), &|start, end| {
            for (i, &place) in places.iter().enumerate().take(end).skip(start) {
                // SAFETY: as above; blocks write different outputs.
                unsafe {
                    out.get()
                        .add(i)
                        .write(run(base.get().add(place).cast_const(), step, n))
                };
            }
        });
    }
    drop(guard);
    Ok(Array::from_fresh::<T>(storage, plan.out))
}

/// Sum to one number: in blocks of a fixed size once there are several, so that threads can share them.
///
/// # Safety
/// As [`run`].
unsafe fn whole<T: Real>(p: *const T, step: isize, n: usize) -> T {
    if n <= 2 * BLOCK {
        // SAFETY: the caller's promise.
        return unsafe { run(p, step, n) };
    }
    let mut parts = vec![T::ZERO; n.div_ceil(BLOCK)];
    let (from, to) = (Ptr(p.cast_mut()), Ptr(parts.as_mut_ptr()));
    blocks(n, BLOCK, &|start, end| {
        // SAFETY: the caller's promise; each block writes its own part.
        unsafe {
            let part = run(
                from.get().offset(start as isize * step).cast_const(),
                step,
                end - start,
            );
            to.get().add(start / BLOCK).write(part);
        }
    });
    // SAFETY: `parts` is ours.
    unsafe { run(parts.as_ptr(), 1, parts.len()) }
}

/// Sums of neighbouring columns: whole groups of columns go down the rows together, the rest one by one, in the
/// grouping (and so the order of additions) of PyTorch's kernel.
///
/// # Safety
/// Column `j` starts at `p + j` and has `n` elements `step` apart; `out` has room for `columns`.
unsafe fn columns<T: Real>(p: *const T, out: *mut T, step: isize, n: usize, columns: usize) {
    let group = if columns >= lanes::<T>() {
        4 * lanes::<T>()
    } else {
        4
    };
    let grouped = columns / group * group;
    let (p, out) = (Ptr(p.cast_mut()), Ptr(out));
    blocks(
        columns,
        group.max(BLOCK / n.max(1) / group * group),
        &|start, end| {
            let mut j = start;
            // SAFETY: the caller's promise; blocks write different columns.
            unsafe {
                let (p, out) = (p.get().cast_const(), out.get());
                while j + 16 <= end.min(grouped) {
                    let sums = cascade::<T, 16>(p.add(j), step, 1, n);
                    std::ptr::copy_nonoverlapping(sums.as_ptr(), out.add(j), 16);
                    j += 16;
                }
                while j + 4 <= end.min(grouped) {
                    let sums = cascade::<T, 4>(p.add(j), step, 1, n);
                    std::ptr::copy_nonoverlapping(sums.as_ptr(), out.add(j), 4);
                    j += 4;
                }
                while j + 8 <= end {
                    let sums = row::<T, 8>(p.add(j), step, 1, n);
                    std::ptr::copy_nonoverlapping(sums.as_ptr(), out.add(j), 8);
                    j += 8;
                }
                while j < end {
                    out.add(j).write(row::<T, 1>(p.add(j), step, 0, n)[0]);
                    j += 1;
                }
            }
        },
    );
}
