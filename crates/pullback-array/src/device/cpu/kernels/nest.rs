//! Nested dimensions as kernels walk them: innermost first, those that are one walk merged, so that a transposed or
//! broadcast operand usually leaves one or two.

use crate::layout::Layout;
use smallvec::SmallVec;

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
