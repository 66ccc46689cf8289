//! The odometer: visits strided operands row by row, so that kernels only write one inner loop.
//!
//! Dimensions that are contiguous to each other in every operand are merged first; a transposed or broadcast operand
//! then usually leaves one or two.

use crate::layout::Layout;
use smallvec::SmallVec;

/// One merged dimension: its size and each operand's step.
#[derive(Clone, Copy)]
struct Dim<const N: usize> {
    size: usize,
    steps: [isize; N],
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
