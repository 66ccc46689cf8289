//! The loops of sampling: which elements lie near each place of a grid, with which weights, and what is summed of them. Not here: the
//! operations and their rules (`sample`), and how a line is looked up (`locate`).

use crate::core::device::HostRead;
use crate::ops::image::locate::{Line, Near, Sampling};
use crate::{Array, Result, Shape};
use pullback_array::kernels::{self, Sizes};
use pullback_array::{Arith, Real};

/// Points that one thread does at a time.
const BLOCK: usize = 1 << 11;

/// Image, places and their numbers.
pub(super) struct Plan<T> {
    how: Sampling,
    size: Sizes,
    grid: Vec<T>,
    channels: usize,
    places: usize,
}

impl<T: Real + Arith> Plan<T> {
    pub(super) fn new(
        how: &Sampling,
        size: &[usize],
        channels: usize,
        grid: &Array,
    ) -> Result<Plan<T>> {
        let shape = grid.shape();
        Ok(Plan {
            how: *how,
            size: Sizes::from_slice(size),
            grid: grid.numbers::<T>()?,
            channels,
            places: shape[1..shape.len() - 1].iter().product(),
        })
    }

    /// Elements of an image.
    fn plane(&self) -> usize {
        self.size.iter().product()
    }

    /// Planes that share the search for places: few enough that threads have work.
    fn together(&self) -> usize {
        self.channels.div_ceil(4).max(1)
    }

    /// Calls `f` with each element near place `p` of sample `n` and its weight; `false` where the place is nowhere.
    #[inline(always)]
    fn visit(&self, how: &Sampling, n: usize, p: usize, mut f: impl FnMut(usize, T)) -> bool {
        let dims = self.size.len();
        let at = &self.grid[(n * self.places + p) * dims..][..dims];
        let near = |c: usize| -> Near<T> {
            let line = Line {
                size: self.size[dims - 1 - c],
                flat: dims == 2,
            };
            line.near(how, at[c], how.orders[c])
        };
        let (Some(x), Some(y)) = (near(0), near(1)) else {
            return false;
        };
        let width = self.size[dims - 1];
        if dims == 2 {
            for &(j, v) in &y {
                for &(i, w) in &x {
                    f(j * width + i, v * w);
                }
            }
            return true;
        }
        let Some(z) = near(2) else { return false };
        for &(k, u) in &z {
            for &(j, v) in &y {
                for &(i, w) in &x {
                    f((k * self.size[dims - 2] + j) * width + i, u * v * w);
                }
            }
        }
        true
    }

    pub(super) fn sampled(&self, x: &Array, shape: &Shape) -> Result<Array> {
        let (data, plane, places) = (x.numbers::<T>()?, self.plane(), self.places);
        kernels::runs(shape, places, self.together(), |first, out: &mut [T]| {
            self.by_sample(first, out, places, |n, planes, out| {
                let mut near = Vec::with_capacity(64);
                for p in 0..places {
                    near.clear();
                    let there = self.visit(&self.how, n, p, |i, w| near.push((i, w)));
                    for (k, line) in out.chunks_exact_mut(places).enumerate() {
                        let from = &data[(planes + k) * plane..][..plane];
                        let sum = |s, &(i, w): &(usize, T)| s + from[i] * w;
                        line[p] = match there {
                            true => near.iter().fold(T::ZERO, sum),
                            false => T::lit(f64::NAN),
                        };
                    }
                }
            });
        })
    }

    pub(super) fn spread(&self, g: &Array, shape: &Shape) -> Result<Array> {
        let (data, plane, places) = (g.numbers::<T>()?, self.plane(), self.places);
        kernels::runs(shape, plane, self.together(), |first, out: &mut [T]| {
            self.by_sample(first, out, plane, |n, planes, out| {
                let mut near = Vec::with_capacity(64);
                for p in 0..places {
                    near.clear();
                    self.visit(&self.how, n, p, |i, w| near.push((i, w)));
                    for (k, image) in out.chunks_exact_mut(plane).enumerate() {
                        let part = data[(planes + k) * places + p];
                        near.iter().for_each(|&(i, w)| image[i] += part * w);
                    }
                }
            });
        })
    }

    pub(super) fn slopes(&self, g: &Array, x: &Array, shape: &Shape) -> Result<Array> {
        let (g, x) = (g.numbers::<T>()?, x.numbers::<T>()?);
        let (plane, places, dims) = (self.plane(), self.places, self.size.len());
        kernels::runs(shape, dims, BLOCK, |first, out: &mut [T]| {
            for (k, out) in out.chunks_exact_mut(dims).enumerate() {
                let (n, p) = ((first + k) / places, (first + k) % places);
                for (d, o) in out.iter_mut().enumerate() {
                    let there = self.visit(&self.how.by(d), n, p, |i, w| {
                        for c in n * self.channels..(n + 1) * self.channels {
                            *o += g[c * places + p] * x[c * plane + i] * w;
                        }
                    });
                    if !there {
                        *o = T::lit(f64::NAN);
                    }
                }
            }
        })
    }

    /// Cuts a block of planes from number `first` on into those of one sample each: `f(sample, first plane, results)`.
    fn by_sample<U>(
        &self,
        first: usize,
        mut out: &mut [U],
        to: usize,
        f: impl Fn(usize, usize, &mut [U]),
    ) {
        let mut plane = first;
        while !out.is_empty() {
            let sample = plane / self.channels;
            let many = ((sample + 1) * self.channels - plane).min(out.len() / to);
            let (now, rest) = out.split_at_mut(many * to);
            f(sample, plane, now);
            (out, plane) = (rest, plane + many);
        }
    }
}
