//! Convolutions that make no columns: products whose left operand is read where windows lie.
//!
//! The elements under a window are at fixed distances from its first one, once the input has its zeros around it. So the element under window
//! `i` and element `k` of the kernel is at `windows[i] + terms[k]`, and the convolution is a product of those elements with the weights, whose
//! columns (results' channels) are the lanes of vectors. The weight's gradient (`weight.rs`) exchanges the two: its rows are elements of the kernel and
//! its terms windows. Both keep a tile of sums in registers (`tile.rs`); terms are added in runs of [`RUN`], first to last, as in `gemm`, so
//! that results depend on neither tiles nor parts nor threads.
//!
//! Products of a few rows with one matrix, again and again, go through the same kernels (`panels.rs`).
//!
//! Not here: which convolutions go this way is decided in `convolve`, with the other way for all others: types without such kernels, and few channels.
#![allow(unsafe_code)]

mod padded;
mod panels;
mod scratch;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_x86;
mod weight;

use super::matmul::Mat;
use super::windows::Axis;
use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::blocks;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::Shape;
use crate::memory::ptr::Ptr;
use crate::memory::room::{filled, gathered};
use padded::Planes;
pub(super) use panels::Panels;
use scratch::Scratch;
use std::ops::Range;
use std::sync::OnceLock;
pub(super) use tile::Direct;
use tile::{Kernel, Sum};

/// Terms that are added before a sum is written: a panel of so many rows stays in the first-level cache.
const RUN: usize = 256;
/// Numbers of an input and of results that a part works on: half of a second-level cache beside the weights.
const PART: usize = 1 << 16;
/// Windows that are worth reading the weights once more.
const WINDOWS: usize = 192;
/// Products for which it pays.
const LEAST: usize = 1 << 12;
/// Parts that a call is cut into, if it is worth it, for threads to share.
const SHARED: usize = 8;

/// How a convolution is laid out.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) axes: [Axis; 3],
    pub(super) samples: usize,
    pub(super) groups: usize,
    /// Channels of the input, of each group.
    pub(super) channels: usize,
    /// Channels of the result, of each group.
    pub(super) outs: usize,
}

/// Samples, and rows of windows along the dimension that is cut.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    samples: usize,
    row: usize,
    rows: usize,
}

/// Where a part's input lies.
struct Laid<T> {
    x: *const T,
    /// How far each window's first element is from there.
    windows: Vec<usize>,
    /// How far each element of the kernel is from a window's first one.
    terms: Vec<usize>,
}

impl Way {
    /// The dimension that parts are cut along: the first with more than one window.
    fn cut(&self) -> usize {
        self.axes.iter().position(|a| a.count > 1).unwrap_or(2)
    }

    /// Windows of `rows` rows of a sample.
    fn windows(&self, rows: usize) -> usize {
        let cut = self.cut();
        (self.axes.iter().enumerate())
            .map(|(d, a)| if d == cut { rows } else { a.count })
            .product()
    }

    /// Windows of a sample.
    fn plane(&self) -> usize {
        self.axes.iter().map(|a| a.count).product()
    }

    /// Windows of all samples and groups.
    fn windows_of_all(&self) -> usize {
        (self.samples.saturating_mul(self.groups)).saturating_mul(self.plane())
    }

    /// Elements under a window.
    fn terms(&self) -> usize {
        self.channels * self.axes.iter().map(|a| a.kernel).product::<usize>()
    }

    /// Elements of a channel of the input.
    fn area(&self) -> usize {
        self.axes.iter().map(|a| a.size).product()
    }

    /// Whether sizes are such that nothing here can overflow, and channels fill lanes well enough.
    fn fits(&self, lanes: usize) -> bool {
        let small = |n: usize| n < 1 << 20;
        let axes = self.axes.iter().all(|a| {
            small(a.size)
                && small(a.kernel)
                && small(a.count)
                && small(a.stride)
                && small(a.dilation)
        });
        axes && small(self.channels)
            && small(self.outs)
            && (self
                .channels
                .checked_mul(reach(&self.axes).iter().product()))
            .is_some_and(|n| n < 1 << 40)
            && self.outs.next_multiple_of(lanes) <= 2 * self.outs
            && self
                .windows_of_all()
                .saturating_mul(self.terms() * self.outs)
                > LEAST
    }

    /// All samples and rows in parts, the same whatever the number of threads.
    fn parts(&self, padded: usize) -> Result<Vec<Part>> {
        let rows = self.axes[self.cut()].count;
        let row = self.windows(1);
        let each =
            self.channels * reach(&self.axes).iter().product::<usize>() / rows + row * padded;
        let most = (PART / each.max(1)).max(WINDOWS.div_ceil(row));
        // A few samples are cut further, but not into crumbs.
        let shares = SHARED.div_ceil(self.samples * self.groups);
        let step = most
            .min(rows.div_ceil(shares).max(WINDOWS.div_ceil(row)))
            .clamp(1, rows);
        let step = rows.div_ceil(rows.div_ceil(step));
        let together = match step == rows {
            true => (WINDOWS.div_ceil(row * rows))
                .min(self.samples.div_ceil(SHARED))
                .max(1),
            false => 1,
        };
        gathered((0..self.samples).step_by(together).flat_map(|start| {
            (0..rows).step_by(step).map(move |row| Part {
                start,
                samples: together.min(self.samples - start),
                row,
                rows: step.min(rows - row),
            })
        }))
    }

    /// The input of a part of a group, where it lies or copied into `scratch` with zeros around it.
    ///
    /// # Safety
    /// `x` is the start of (samples, groups · channels, sizes…), which can be read.
    unsafe fn laid<T: Direct>(
        &self,
        x: *const T,
        group: usize,
        part: Part,
        scratch: &mut Scratch,
    ) -> Result<Laid<T>> {
        let (mut axes, cut) = (self.axes, self.cut());
        let (range, axis) = axes[cut].rows(part.row, part.rows);
        axes[cut] = axis;
        let need = reach(&axes);
        let sizes = self.axes.map(|a| a.size);
        let sample = self.groups * self.channels * self.area();
        let from = part.start * sample + group * self.channels * self.area();
        let step = |sizes: [usize; 3], d: usize| sizes[d + 1..].iter().product::<usize>();
        let inside = (axes.iter().zip(need)).all(|(a, need)| a.shift == 0 && need <= a.size);
        let start = range.start * step(sizes, cut);
        let (x, sizes, sample) = match inside {
            true => (x.wrapping_add(from + start), sizes, sample),
            false => {
                let sample_here = self.channels * need.iter().product::<usize>();
                let to = scratch.lend::<T>(0, part.samples.saturating_mul(sample_here))?;
                for s in 0..part.samples {
                    let planes = Planes {
                        count: self.channels,
                        area: self.area(),
                        steps: [step(sizes, 0), step(sizes, 1)],
                        need,
                    };
                    // SAFETY: the sample's channels, from the first element of the range on; the scratch has room for them.
                    unsafe {
                        let from = x.add(from + start + s * sample);
                        planes.padded(from, &axes, to.add(s * sample_here));
                    }
                }
                (to.cast_const(), need, sample_here)
            }
        };
        let steps = [step(sizes, 0), step(sizes, 1), 1];
        let plane = sizes.iter().product::<usize>();
        Ok(Laid {
            x,
            windows: places(part.samples, sample, |d| {
                (axes[d].count, axes[d].stride * steps[d])
            })?,
            terms: places(self.channels, plane, |d| {
                (axes[d].kernel, axes[d].dilation * steps[d])
            })?,
        })
    }
}

/// Places in a lattice: so many, so far apart, of three dimensions within.
fn places(n: usize, apart: usize, of: impl Fn(usize) -> (usize, usize)) -> Result<Vec<usize>> {
    let [(na, a), (nb, b), (nc, c)] = [of(0), of(1), of(2)];
    let all = n.saturating_mul(na).saturating_mul(nb).saturating_mul(nc);
    let mut out = crate::memory::room::room(all)?;
    for k in 0..n {
        for i in 0..na {
            for j in 0..nb {
                let first = k * apart + i * a + j * b;
                out.extend((0..nc).map(|l| first + l * c));
            }
        }
    }
    Ok(out)
}

/// How many elements windows go over along each dimension, with the zeros around.
fn reach(axes: &[Axis; 3]) -> [usize; 3] {
    axes.map(|a| (a.count.saturating_sub(1)) * a.stride + (a.kernel - 1) * a.dilation + 1)
}

/// Tiles of nearly equal sizes: the first rows, and how many.
fn tiles(n: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let size = n.div_ceil(n.div_ceil(most).max(1)).max(1);
    (0..n).step_by(size).map(move |i| i..n.min(i + size))
}

/// Panels of columns: where each begins, and whether it is two vectors wide.
fn panels(padded: usize, lanes: usize) -> impl Iterator<Item = (usize, bool)> {
    (0..padded)
        .step_by(2 * lanes)
        .map(move |left| (left, padded - left > lanes))
}

/// Weights in panels of columns: for each group and panel, each term's numbers side by side. `at(group, out, term)` is where one is.
fn packed<T: Direct>(
    way: &Way,
    kernel: &Kernel<T>,
    at: impl Fn(usize, usize, usize) -> T,
) -> Result<Vec<T>> {
    let (terms, padded) = (way.terms(), way.outs.next_multiple_of(kernel.lanes));
    let mut all = filled(
        way.groups.saturating_mul(terms).saturating_mul(padded),
        T::ZERO,
    )?;
    for (group, all) in all.chunks_mut((terms * padded).max(1)).enumerate() {
        for (left, wide) in panels(padded, kernel.lanes) {
            let width = kernel.lanes * (1 + usize::from(wide));
            let panel = &mut all[left * terms..][..width * terms];
            for (lane, out) in (left..way.outs.min(left + width)).enumerate() {
                for (term, row) in panel.chunks_mut(width).enumerate() {
                    row[lane] = at(group, out, term);
                }
            }
        }
    }
    Ok(all)
}

/// Which of the three functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Windows of the input times weights (groups · outs, channels, kernel…).
    Windows,
    /// Windows of a result's gradient times weights (groups · channels, outs, kernel…) whose kernel is turned round.
    Gradient,
    /// Windows of the input times a result's gradient: the weights' gradient.
    Weight,
}

/// The function of two operands, in a new array of shape `out`, where it goes this way.
pub(super) fn product(
    way: &Way,
    operands: [&Array; 2],
    of: Of,
    out: &Shape,
) -> Option<Result<Array>> {
    let dtype = operands[0].dtype();
    if operands[1].dtype() != dtype {
        return None;
    }
    if dtype == DType::F32 {
        product_of::<f32>(way, operands, of, out)
    } else if dtype == DType::F64 {
        product_of::<f64>(way, operands, of, out)
    } else {
        None
    }
}

fn product_of<T: Direct>(
    way: &Way,
    [a, b]: [&Array; 2],
    of: Of,
    out: &Shape,
) -> Option<Result<Array>> {
    let kernel = T::kernel()?;
    way.fits(kernel.lanes).then(|| match of {
        Of::Weight => weight::convolved_weight(&kernel, way, a, b, out),
        Of::Windows | Of::Gradient => convolved(&kernel, way, a, b, of, out),
    })
}

/// The convolution of `x` (samples, groups · channels, sizes…) in a new array of shape `out`: (samples, groups · outs, counts…).
///
/// # Errors
/// Where memory is missing, or somebody wants it stopped.
fn convolved<T: Direct>(
    kernel: &Kernel<T>,
    way: &Way,
    x: &Array,
    w: &Array,
    of: Of,
    out: &Shape,
) -> Result<Array> {
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    x.expect_dtype::<T>()?;
    w.expect_dtype::<T>()?;
    let (gx, gw) = (x.read()?, w.read()?);
    // SAFETY: a contiguous array has its elements from its offset on.
    let (px, pw) = unsafe {
        (
            gx.ptr::<T>().add(x.layout().offset()),
            gw.ptr::<T>().add(w.layout().offset()),
        )
    };
    let size = way.terms() / way.channels;
    let weights = packed(way, kernel, |group, out, term| {
        let (channel, k) = (term / size, term % size);
        let place = match of == Of::Gradient {
            false => (group * way.outs + out) * way.terms() + term,
            // Channels of the gradient are the weight's first dimension.
            true => ((group * way.channels + channel) * way.outs + out) * size + (size - 1 - k),
        };
        // SAFETY: the weight has groups · outs · terms elements.
        unsafe { *pw.add(place) }
    })?;
    drop(gw);
    let padded = way.outs.next_multiple_of(kernel.lanes);
    let parts = way.parts(padded)?;
    let (storage, to) = fresh::<T>(out)?;
    let (px, to, failed) = (Ptr(px.cast_mut()), Ptr(to), OnceLock::<Error>::new());
    blocks(parts.len() * way.groups, 1, &|first, end| {
        for task in first..end {
            let (part, group) = (parts[task / way.groups], task % way.groups);
            let weights = &weights[group * way.terms() * padded..][..way.terms() * padded];
            // SAFETY: the input is guarded; parts of groups are different places of the result, which nobody else holds.
            let done = Scratch::with(|scratch| unsafe {
                one(
                    kernel,
                    way,
                    (px.get(), to.get()),
                    group,
                    part,
                    weights,
                    scratch,
                )
            });
            if let Err(e) = done {
                drop(failed.set(e));
            }
        }
    })?;
    drop(gx);
    match failed.into_inner() {
        Some(e) => Err(e),
        None => Ok(Array::from_fresh::<T>(storage, out.clone())),
    }
}

/// One part of a group.
///
/// # Safety
/// `x` can be read, and the part's place in the result, whose start is `to`, can be written.
unsafe fn one<T: Direct>(
    kernel: &Kernel<T>,
    way: &Way,
    (x, to): (*mut T, *mut T),
    group: usize,
    part: Part,
    weights: &[T],
    scratch: &mut Scratch,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let laid = unsafe { way.laid(x.cast_const(), group, part, scratch)? };
    let (terms, padded) = (laid.terms.len(), way.outs.next_multiple_of(kernel.lanes));
    let y = scratch.lend::<T>(1, laid.windows.len().saturating_mul(padded))?;
    for at in (0..terms).step_by(RUN) {
        let k = RUN.min(terms - at);
        for (left, wide) in panels(padded, kernel.lanes) {
            let width = kernel.lanes * (1 + usize::from(wide));
            let b = weights[terms * left + at * width..][..k * width].as_ptr();
            for tile in tiles(laid.windows.len(), kernel.rows) {
                let sum = Sum {
                    terms: &laid.terms[at..at + k],
                    x: laid.x,
                    b,
                    c: y.wrapping_add(tile.start * padded + left),
                    step: padded,
                    add: at > 0,
                };
                // SAFETY: every window and term is an element of the input; the panel has k rows, and there is room for every sum.
                unsafe { (kernel.run)(&sum, &laid.windows[tile], wide) };
            }
        }
    }
    let (each, plane) = (way.windows(part.rows), way.plane());
    let first = part.row * way.windows(1);
    for s in 0..part.samples {
        let from = Mat {
            ptr: y.wrapping_add(s * each * padded).cast_const(),
            rows: each,
            cols: way.outs,
            rs: padded as isize,
            cs: 1,
        };
        let place = ((part.start + s) * way.groups + group) * way.outs * plane + first;
        // SAFETY: the sums were written; the part's windows are neighbours in each channel.
        unsafe { (kernel.turn)(from, to.add(place), plane) };
    }
    Ok(())
}
