//! The elements of planes that lie under a kernel as columns of a matrix, and columns added up to planes: each the transpose of the other.
//!
//! Not here: how large inputs go through in parts, which is `convolve`.

use super::cast::cast;
use super::narrow::computing;
use super::planes::planes;
use crate::array::Array;
use crate::dispatch;
use crate::dtype::Element;
use crate::error::Result;
use crate::layout::Shape;
use crate::memory::room::gathered;
use crate::scalar::arith::Arith;
use std::ops::Range;

/// How a kernel goes along one dimension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Elements of the dimension.
    pub(super) size: usize,
    /// Elements of the kernel.
    pub(super) kernel: usize,
    /// How many windows there are.
    pub(super) count: usize,
    /// How far apart neighbouring windows begin.
    pub(super) stride: usize,
    /// How far apart the kernel's elements are.
    pub(super) dilation: usize,
    /// Where the first window begins; before the first element where there are zeros around.
    pub(super) shift: isize,
}

impl Axis {
    /// A dimension of one element under a kernel of one.
    pub(super) const ONE: Axis = Axis {
        size: 1,
        kernel: 1,
        count: 1,
        stride: 1,
        dilation: 1,
        shift: 0,
    };

    /// Where element `k` of the kernel is in the first window.
    fn begin(&self, k: usize) -> isize {
        self.shift
            .saturating_add_unsigned(k.saturating_mul(self.dilation))
    }

    /// Where element `k` of the kernel lies inside.
    fn inside(&self, k: usize) -> Inside {
        let begin = self.begin(k);
        let first = match begin {
            0.. => 0,
            _ => (begin.unsigned_abs().div_ceil(self.stride)).min(self.count),
        };
        // Behind the last one.
        let room = (self.size as isize).saturating_sub(begin);
        let end = match room {
            1.. => (room.unsigned_abs().div_ceil(self.stride)).min(self.count),
            _ => 0,
        };
        let at = begin.saturating_add_unsigned(first.saturating_mul(self.stride));
        // Where there is none, nobody asks for the element.
        match first < end {
            true => (first..end, at.unsigned_abs()),
            false => (first..first, 0),
        }
    }

    /// The elements that lie under the windows `first..first + count`, and how those windows go along them.
    pub(super) fn rows(&self, first: usize, count: usize) -> (Range<usize>, Axis) {
        if count == self.count {
            return (0..self.size, *self);
        }
        let begin = self
            .shift
            .saturating_add_unsigned(first.saturating_mul(self.stride));
        let reach = (count.saturating_sub(1)).saturating_mul(self.stride)
            + self.kernel.saturating_sub(1).saturating_mul(self.dilation);
        let limit = |i: isize| (i.max(0).unsigned_abs()).min(self.size);
        let start = limit(begin);
        let end = limit(begin.saturating_add_unsigned(reach).saturating_add(1)).max(start);
        let axis = Axis {
            size: end - start,
            count,
            shift: begin.saturating_sub_unsigned(start),
            ..*self
        };
        (start..end, axis)
    }
}

/// Windows in which an element of the kernel lies on an element of a dimension, and that element of the first of them.
type Inside = (Range<usize>, usize);

/// Planes under a kernel: three dimensions, and before them samples that lie side by side in a plane and in its columns.
#[derive(Clone, Debug)]
pub(super) struct Under {
    axes: [Axis; 3],
    samples: usize,
    /// For each element of the kernel along each dimension.
    inside: [Vec<Inside>; 3],
}

/// A run of windows along the last dimension under one element of the kernel.
struct Run {
    /// The first element, in the plane.
    from: usize,
    /// Its place in the columns.
    to: usize,
    /// How many windows.
    len: usize,
}

impl Under {
    /// Planes of as many samples.
    ///
    /// # Errors
    /// Where there is no memory for a kernel of such a size.
    pub(super) fn new(axes: [Axis; 3], samples: usize) -> Result<Under> {
        let inside = |a: &Axis| gathered((0..a.kernel).map(|k| a.inside(k)));
        Ok(Under {
            inside: [inside(&axes[0])?, inside(&axes[1])?, inside(&axes[2])?],
            axes,
            samples,
        })
    }

    /// Elements of the kernel.
    pub(super) fn kernel(&self) -> usize {
        self.axes.iter().fold(1, |n, a| n.saturating_mul(a.kernel))
    }

    /// Windows of a sample.
    pub(super) fn windows(&self) -> usize {
        self.axes.iter().fold(1, |n, a| n.saturating_mul(a.count))
    }

    /// Calls `f` for every run of windows that lies inside.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(Run)) {
        let [a, b, c] = &self.axes;
        let plane = a.size * b.size * c.size;
        let mut row = 0;
        for (ra, ia) in &self.inside[0] {
            for (rb, ib) in &self.inside[1] {
                for (rc, ic) in &self.inside[2] {
                    for sample in 0..self.samples {
                        for (m, oa) in ra.clone().enumerate() {
                            let slab = sample * plane + (ia + m * a.stride) * b.size * c.size;
                            let to = ((row * self.samples + sample) * a.count + oa) * b.count;
                            for (m, ob) in rb.clone().enumerate() {
                                f(Run {
                                    from: slab + (ib + m * b.stride) * c.size + ic,
                                    to: (to + ob) * c.count + rc.start,
                                    len: rc.len(),
                                });
                            }
                        }
                    }
                    row += 1;
                }
            }
        }
    }

    /// Columns of planes, of which the last dimensions of `x` are as many as `shape` has numbers for: for each plane (kernel, samples, windows).
    pub(super) fn columns(&self, x: &Array, shape: &Shape) -> Result<Array> {
        let to = (self.kernel().saturating_mul(self.samples)).saturating_mul(self.windows());
        dispatch!(stored x.dtype(), T => planes(x, shape, to, |plane: &[T], columns: &mut [T]| self.spread(plane, columns)))
    }

    fn spread<T: Element>(&self, plane: &[T], columns: &mut [T]) {
        let stride = self.axes[2].stride;
        self.runs(|run| {
            let to = &mut columns[run.to..][..run.len];
            let from = &plane[run.from.min(plane.len())..];
            match stride {
                1 => copy(to, &from[..run.len]),
                _ => (to.iter_mut().zip(from.iter().step_by(stride))).for_each(|(t, &f)| *t = f),
            }
        });
    }

    /// Columns (kernel, windows) of each plane added up to planes of `shape`. Half precisions are added up in single and rounded once.
    pub(super) fn added(&self, columns: &Array, shape: &Shape) -> Result<Array> {
        let dtype = columns.dtype();
        if dtype.is_narrow() {
            return cast(&self.added(computing(columns)?.as_ref(), shape)?, dtype);
        }
        let to = self
            .axes
            .iter()
            .fold(1, |n: usize, a| n.saturating_mul(a.size));
        dispatch!(number dtype, T => planes(columns, shape, to, |columns: &[T], plane: &mut [T]| self.gather(columns, plane)), else Array::zeros(shape.clone(), dtype))
    }

    fn gather<T: Arith>(&self, columns: &[T], plane: &mut [T]) {
        let stride = self.axes[2].stride;
        self.runs(|run| {
            let from = &columns[run.to..][..run.len];
            let start = run.from.min(plane.len());
            let to = &mut plane[start..];
            match stride {
                1 => (to[..run.len].iter_mut().zip(from)).for_each(|(t, &f)| *t = t.plus(f)),
                _ => {
                    let to = to.iter_mut().step_by(stride);
                    to.zip(from).for_each(|(t, &f)| *t = t.plus(f));
                }
            }
        });
    }
}

/// Copies a run of neighbours. Most have some ten, for which a call of `memcpy` takes longer than the copy: up to 64 are two copies of a known
/// length that may overlap.
#[inline(always)]
fn copy<T: Copy>(to: &mut [T], from: &[T]) {
    #[inline(always)]
    fn ends<const N: usize, T: Copy>(to: &mut [T], from: &[T]) {
        let last = to.len() - N;
        to[..N].copy_from_slice(&from[..N]);
        to[last..].copy_from_slice(&from[last..]);
    }
    match to.len() {
        65.. => to.copy_from_slice(from),
        33.. => ends::<32, T>(to, from),
        17.. => ends::<16, T>(to, from),
        9.. => ends::<8, T>(to, from),
        5.. => ends::<4, T>(to, from),
        3.. => ends::<2, T>(to, from),
        1.. => ends::<1, T>(to, from),
        0 => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(size: usize, kernel: usize, [stride, dilation, padding]: [usize; 3]) -> Axis {
        let count = (size + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1;
        Axis {
            size,
            kernel,
            count,
            stride,
            dilation,
            shift: -(padding as isize),
        }
    }

    /// Every axis of small sizes, and what the definition says of each element of each window.
    fn all() -> impl Iterator<Item = Axis> {
        (1..6usize).flat_map(|size| {
            (1..4usize).flat_map(move |kernel| {
                [[1, 1, 0], [2, 1, 1], [1, 2, 2], [3, 1, 2], [2, 3, 3]]
                    .into_iter()
                    .filter(move |[_, dilation, padding]| {
                        size + 2 * padding > (kernel - 1) * dilation
                    })
                    .map(move |how| axis(size, kernel, how))
            })
        })
    }

    fn at(a: &Axis, k: usize, o: usize) -> Option<usize> {
        let i = (o * a.stride + k * a.dilation) as isize + a.shift;
        usize::try_from(i).ok().filter(|&i| i < a.size)
    }

    #[test]
    fn windows_lie_where_the_definition_says() {
        for a in all() {
            for k in 0..a.kernel {
                let (range, first) = a.inside(k);
                for o in 0..a.count {
                    let expected = at(&a, k, o);
                    let found = range
                        .contains(&o)
                        .then(|| first + (o - range.start) * a.stride);
                    assert_eq!(found, expected, "{a:?} {k} {o}");
                }
            }
        }
    }

    #[test]
    fn parts_of_windows_see_the_same_elements() {
        for a in all() {
            for first in 0..a.count {
                for count in 1..=a.count - first {
                    let (range, part) = a.rows(first, count);
                    for (k, o) in (0..a.kernel).flat_map(|k| (0..count).map(move |o| (k, o))) {
                        let found = at(&part, k, o).map(|i| i + range.start);
                        assert_eq!(found, at(&a, k, first + o), "{a:?} {first} {count}");
                    }
                }
            }
        }
    }

    #[test]
    fn runs_of_every_length_are_copied() {
        let from: Vec<u16> = (1..200).collect();
        for n in 0..from.len() {
            let mut to = vec![0; n];
            copy(&mut to, &from[..n]);
            assert_eq!(to, from[..n]);
        }
    }

    /// y · columns(x) = added(y) · x.
    #[test]
    fn adding_up_is_the_transpose_of_columns() {
        let axes: Vec<Axis> = all().collect();
        for (n, &last) in axes.iter().enumerate() {
            let three = [
                axes[(n * 7 + 3) % axes.len()],
                axes[(n * 5 + 1) % axes.len()],
                last,
            ];
            let under = Under::new(three, 1).unwrap();
            let size: usize = under.axes.iter().map(|a| a.size).product();
            let many = under.kernel() * under.windows();
            let numbers = |n: usize| {
                Array::from_slice(
                    &(0..n as i64).map(|i| i * i % 17 - 8).collect::<Vec<_>>(),
                    [n],
                )
                .unwrap()
            };
            let (x, y) = (numbers(2 * size), numbers(2 * many));
            let columns = under
                .columns(&x, &Shape::new(&[2, many]))
                .unwrap()
                .to_vec::<i64>()
                .unwrap();
            let planes = under
                .added(&y, &Shape::new(&[2, size]))
                .unwrap()
                .to_vec::<i64>()
                .unwrap();
            let dot = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>();
            assert_eq!(
                dot(&columns, &y.to_vec::<i64>().unwrap()),
                dot(&planes, &x.to_vec::<i64>().unwrap())
            );
        }
    }
}
