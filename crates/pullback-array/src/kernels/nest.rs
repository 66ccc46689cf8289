//! The odometer: visits strided operands row by row, so that kernels only write one inner loop.
//!
//! Dimensions that are contiguous to each other in every operand are merged first; a transposed or broadcast operand
//! then usually leaves one or two. Reductions, which need the dimensions in two groups, find those here too.

use crate::layout::Layout;
use smallvec::SmallVec;

/// One merged dimension: its size and each operand's step.
#[derive(Clone, Copy)]
struct Dim<const N: usize> {
    size: usize,
    steps: [isize; N],
}

/// A dimension: its size, and how far apart neighbours lie.
pub(super) type Axis = (usize, isize);
pub(super) type Axes = SmallVec<[Axis; 4]>;

/// The reduced and the kept dimensions, innermost first.
pub(super) fn split(layout: &Layout, dims: &[usize]) -> (Axes, Axes) {
    let strides = layout.strides();
    let (mut reduced, mut kept) = (Axes::new(), Axes::new());
    for k in (0..layout.rank()).rev() {
        let axis = (layout.shape()[k], strides[k]);
        if dims.contains(&k) {
            reduced.push(axis);
        } else {
            kept.push(axis);
        }
    }
    (reduced, kept)
}

/// Leaves dimensions of size 1 out and joins those that step where the one before ends.
pub(super) fn merge(axes: &Axes) -> Axes {
    let mut out = Axes::new();
    for &(n, step) in axes.iter().filter(|axis| axis.0 != 1) {
        match out.last_mut() {
            Some(inner) if (inner.0 as isize).wrapping_mul(inner.1) == step => inner.0 *= n,
            _ => out.push((n, step)),
        }
    }
    out
}

/// Place number `i` of the nested `axes`, none of which is empty.
#[inline]
pub(super) fn place(axes: &[Axis], mut i: usize) -> isize {
    let Some((outer, inner)) = axes.split_last() else {
        return 0;
    };
    let mut place = 0;
    for &(n, step) in inner {
        place += (i % n) as isize * step;
        i /= n;
    }
    place + i as isize * outer.1
}

/// Visits `N` operands of one common shape. `row(places, len, steps)` sees the first element's place in each operand,
/// the number of elements in the row, and the distance between them.
pub(crate) fn rows<const N: usize>(
    layouts: [&Layout; N],
    mut row: impl FnMut([isize; N], usize, [isize; N]),
) {
    let mut dims: SmallVec<[Dim<N>; 4]> = SmallVec::new();
    let strides: [_; N] = layouts.map(Layout::strides);
    for (k, &size) in layouts[0].shape().iter().enumerate() {
        if size == 0 {
            return;
        }
        if size == 1 {
            continue;
        }
        let steps: [isize; N] = std::array::from_fn(|i| strides[i][k]);
        match dims.last_mut() {
            Some(outer) if (0..N).all(|i| outer.steps[i] == steps[i] * size as isize) => {
                *outer = Dim {
                    size: outer.size * size,
                    steps,
                };
            }
            _ => dims.push(Dim { size, steps }),
        }
    }
    let mut places: [isize; N] = std::array::from_fn(|i| layouts[i].offset() as isize);
    let Some(inner) = dims.pop() else {
        row(places, 1, [1; N]);
        return;
    };
    let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, dims.len());
    loop {
        row(places, inner.size, inner.steps);
        let mut k = dims.len();
        loop {
            if k == 0 {
                return;
            }
            k -= 1;
            index[k] += 1;
            for (place, step) in places.iter_mut().zip(dims[k].steps) {
                *place += step;
            }
            if index[k] < dims[k].size {
                break;
            }
            for (place, step) in places.iter_mut().zip(dims[k].steps) {
                *place -= step * dims[k].size as isize;
            }
            index[k] = 0;
        }
    }
}
