//! Convolutions over one to three dimensions: windows as matrices, and products of matrices.
//!
//! The elements of an input that lie under the kernel, for each of its elements and for each window, are the columns of a matrix; the
//! convolution is the weight times that matrix. What is linear in each of (input, weight, result) has two transposes, and each of the three is
//! a function here. Samples, and rows of windows of large ones, go through in parts whose columns stay in a cache ([`COLUMNS`]).
//!
//! Floats of enough channels go another way, which makes no columns (`direct`).
//!
//! How columns are made and added up is `windows`. Not here: PyTorch's arguments and errors, unbatched inputs, biases. A window that does not
//! fit is a mistake of the caller.

use super::assign::{assign, zip_assign};
use super::direct::{self, Of, Way};
use super::matmul::matmul;
use super::windows::{Axis, Under};
use crate::array::Array;
use crate::device::cpu::threads::blocks;
use crate::dispatch;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::scalar::arith::Arith;
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Numbers of columns that are held at once, if it can be: what second-level caches hold beside the operands of a product.
const COLUMNS: usize = 1 << 17;

/// Parts whose results are held at once.
const AT_ONCE: usize = 16;

/// Sizes or steps, one for each dimension that the kernel goes over.
pub type Sizes = SmallVec<[usize; 3]>;

/// How a kernel goes over its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How far apart neighbouring windows begin.
    pub stride: Sizes,
    /// Zeros on both sides.
    pub padding: Sizes,
    /// How far apart the kernel's elements are.
    pub dilation: Sizes,
    /// Into how many parts channels are divided; each has kernels of its own.
    pub groups: usize,
}

impl Window {
    /// How many windows of `kernel` elements there are along dimension `d` of size `n`; none where it does not fit.
    pub fn count(&self, d: usize, n: usize, kernel: usize) -> Option<usize> {
        let padded = n.checked_add(self.padding[d].checked_mul(2)?)?;
        let reach = (kernel.checked_sub(1)?).checked_mul(self.dilation[d])?;
        Some(padded.checked_sub(reach.checked_add(1)?)? / self.stride[d] + 1)
    }

    /// The windows of `size` for a kernel.
    fn counts(&self, size: &[usize], kernel: &[usize]) -> Sizes {
        (0..size.len())
            .map(|d| self.count(d, size[d], kernel[d]).unwrap_or(0))
            .collect()
    }

    /// Along each of three dimensions, the first of which may be ones of one element.
    fn axes(&self, size: &[usize], kernel: &[usize], counts: &[usize]) -> Result<[Axis; 3]> {
        let mut axes = [Axis::ONE; 3];
        let Some(first) = axes.len().checked_sub(size.len()) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "convolutions go over at most three dimensions, not {}",
                    size.len()
                ),
            ));
        };
        for (d, axis) in axes[first..].iter_mut().enumerate() {
            *axis = Axis {
                size: size[d],
                kernel: kernel[d],
                count: counts[d],
                stride: self.stride[d],
                dilation: self.dilation[d],
                shift: -isize::try_from(self.padding[d]).unwrap_or(isize::MAX),
            };
        }
        Ok(axes)
    }
}

/// How many elements; as many as can be counted where it is more: then there is no memory for them.
fn product<'a>(sizes: impl IntoIterator<Item = &'a usize>) -> usize {
    let all: SmallVec<[usize; 8]> = sizes.into_iter().copied().collect();
    match all.contains(&0) {
        true => 0,
        false => all.iter().fold(1, |n, &m| n.saturating_mul(m)),
    }
}

/// A shape of sizes in a row.
fn shape(parts: &[&[usize]]) -> Shape {
    let all: SmallVec<[usize; 8]> = parts.iter().flat_map(|p| p.iter().copied()).collect();
    Shape::new(&all)
}

/// The weight (out, in / groups, kernel…) as a matrix for each group: (groups, out / groups, in / groups · kernel).
fn weights(w: &Array, groups: usize) -> Result<Array> {
    let out = w.shape()[0];
    let rest = product(&w.shape()[1..]);
    w.contiguous()?
        .reshape(&Shape::new(&[groups, out / groups, rest]))
}

/// The result where an operand has no memory.
fn inferred(operands: [&Array; 2], out: &Shape) -> Option<Result<Array>> {
    let meta = operands.iter().any(|a| a.is_meta());
    meta.then(|| Array::meta(Layout::row_major(out.clone()), operands[0].dtype()))
}

/// What goes through at once: samples, and rows of windows along the first dimension.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    samples: usize,
    row: usize,
    rows: usize,
}

/// All samples of `rows` rows in parts, each with `each` numbers of columns a row.
fn parts(samples: usize, rows: usize, each: usize) -> impl Iterator<Item = Part> {
    let whole = each.saturating_mul(rows).max(1);
    let (together, step) = match COLUMNS / whole {
        0 => (1, (COLUMNS / each.max(1)).clamp(1, rows.max(1))),
        n => (n.min(samples.max(1)), rows.max(1)),
    };
    (0..samples).step_by(together).flat_map(move |start| {
        (0..rows).step_by(step).map(move |row| Part {
            start,
            samples: together.min(samples - start),
            row,
            rows: step.min(rows - row),
        })
    })
}

/// The part's samples and rows of (samples, channels, windows…).
fn of_part(y: &Array, part: Part) -> Result<Array> {
    (y.slice(0, part.start, part.samples, 1)?).slice(2, part.row, part.rows, 1)
}

/// Makes an array of each of `parts`, as many at a time as [`AT_ONCE`], on several threads; `take` gets them in order.
fn each_part<P: Copy + Sync>(
    parts: impl Iterator<Item = P>,
    make: impl Fn(P) -> Result<Array> + Sync,
    mut take: impl FnMut(P, Array) -> Result<()>,
) -> Result<()> {
    let mut parts = parts;
    loop {
        let some: SmallVec<[P; AT_ONCE]> = parts.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(());
        }
        let made = [const { OnceLock::new() }; AT_ONCE];
        blocks(some.len(), 1, &|first, end| {
            for (&part, made) in some[first..end].iter().zip(&made[first..end]) {
                made.get_or_init(|| make(part));
            }
        })?;
        for (&part, made) in some.iter().zip(made) {
            // Where work was stopped, `blocks` has said so.
            if let Some(made) = made.into_inner() {
                take(part, made?)?;
            }
        }
    }
}

/// An input (samples, channels, size…) whose windows are asked for in parts.
struct Input<'a> {
    x: &'a Array,
    axes: [Axis; 3],
}

impl Input<'_> {
    /// The elements of `x` that lie under a part's windows, and along which dimensions.
    fn part(&self, part: Part) -> Result<(Array, [Axis; 3])> {
        let (mut axes, first) = (self.axes, 5 - self.x.rank());
        let (range, axis) = axes[first].rows(part.row, part.rows);
        axes[first] = axis;
        let x = self.x.slice(0, part.start, part.samples, 1)?;
        Ok((x.slice(2, range.start, range.len(), 1)?, axes))
    }

    /// Columns of each sample: (samples, groups, channels / groups · kernel, windows).
    fn columns(&self, part: Part, groups: usize) -> Result<Array> {
        let (x, axes) = self.part(part)?;
        let under = Under::new(axes, 1)?;
        let rows = (x.shape()[1] / groups).saturating_mul(under.kernel());
        under.columns(
            &x,
            &Shape::new(&[part.samples, groups, rows, under.windows()]),
        )
    }

    /// Columns of all samples side by side: (groups, channels / groups · kernel, samples · windows).
    fn columns_together(&self, part: Part, groups: usize) -> Result<Array> {
        let (x, axes) = self.part(part)?;
        let under = Under::new(axes, part.samples)?;
        let rows = (x.shape()[1] / groups).saturating_mul(under.kernel());
        let shape = [groups, rows, part.samples.saturating_mul(under.windows())];
        under.columns(&x.transpose(0, 1)?, &Shape::new(&shape))
    }
}

/// The convolution (cross-correlation, as everywhere in machine learning) of `x` (samples, in, size…) with `w` (out, in / groups, kernel…):
/// (samples, out, windows…).
///
/// # Errors
/// Where memory is missing, or there are more than three dimensions; what is wrong with shapes is the caller's to say.
pub fn convolve(x: &Array, w: &Array, how: &Window) -> Result<Array> {
    let (n, size, kernel) = (x.shape()[0], &x.shape()[2..], &w.shape()[2..]);
    let counts = how.counts(size, kernel);
    let out = shape(&[&[n, w.shape()[0]], &counts]);
    if let Some(meta) = inferred([x, w], &out) {
        return meta;
    }
    let axes = how.axes(size, kernel, &counts)?;
    if out.numel() == 0 || w.numel() == 0 {
        return Array::zeros(out, x.dtype());
    }
    let way = Way {
        axes,
        samples: n,
        groups: how.groups,
        channels: w.shape()[1],
        outs: w.shape()[0] / how.groups,
    };
    if let Some(y) = direct::product(&way, [x, w], Of::Windows, &out) {
        return y;
    }
    let (matrix, input) = (weights(w, how.groups)?, Input { x, axes });
    let each = product(kernel.iter().chain(&counts[1..]).chain(&[x.shape()[1]]));
    let of = |part: Part| {
        let y = matmul(&matrix, &input.columns(part, how.groups)?)?;
        let lines = [part.samples, w.shape()[0], part.rows];
        y.reshape(&shape(&[&lines, &counts[1..]]))
    };
    let mut parts = parts(n, counts[0], each).peekable();
    if let Some(part) = parts.next_if(|part| part.samples == n && part.rows == counts[0]) {
        return of(part);
    }
    let all = Array::zeros(out, x.dtype())?;
    each_part(parts, of, |part, y| assign(&of_part(&all, part)?, &y))?;
    Ok(all)
}

/// How a kernel goes over a result's gradient, so that the input's is a convolution too: where windows are neighbours.
fn turned(how: &Window, size: &[usize], kernel: &[usize], counts: &[usize]) -> Option<[Axis; 3]> {
    let mut axes = [Axis::ONE; 3];
    let first = axes.len().checked_sub(size.len())?;
    for (d, axis) in axes[first..].iter_mut().enumerate() {
        if how.stride[d] != 1 || how.count(d, size[d], kernel[d]) != Some(counts[d]) {
            return None;
        }
        let reach = isize::try_from((kernel[d] - 1).checked_mul(how.dilation[d])?).ok()?;
        *axis = Axis {
            size: counts[d],
            kernel: kernel[d],
            count: size[d],
            stride: 1,
            dilation: how.dilation[d],
            shift: isize::try_from(how.padding[d]).ok()?.checked_sub(reach)?,
        };
    }
    Some(axes)
}

/// The transpose of [`convolve`] in its input, of size `size`: every number of `g` (samples, out, windows…) times the kernel, added up
/// where windows overlap.
///
/// # Errors
/// As [`convolve`].
pub fn convolve_input(g: &Array, w: &Array, how: &Window, size: &[usize]) -> Result<Array> {
    let (n, counts, kernel) = (g.shape()[0], &g.shape()[2..], &w.shape()[2..]);
    let channels = w.shape()[1].saturating_mul(how.groups);
    let out = shape(&[&[n, channels], size]);
    if let Some(meta) = inferred([g, w], &out) {
        return meta;
    }
    let axes = how.axes(size, kernel, counts)?;
    if out.numel() == 0 || g.numel() == 0 || w.numel() == 0 {
        return Array::zeros(out, g.dtype());
    }
    if let Some(axes) = turned(how, size, kernel, counts) {
        let way = Way {
            axes,
            samples: n,
            groups: how.groups,
            channels: w.shape()[0] / how.groups,
            outs: w.shape()[1],
        };
        if let Some(x) = direct::product(&way, [g, w], Of::Gradient, &out) {
            return x;
        }
    }
    let matrix = weights(w, how.groups)?.transpose(-2, -1)?;
    let under = Under::new(axes, 1)?;
    let windows = product(counts);
    let each = product(kernel.iter().chain(&[channels, windows]));
    let together = (COLUMNS / each.max(1)).clamp(1, n);
    // Of one group the channels of one sample may go through in parts too.
    let some = match (how.groups, together) {
        (1, 1) => (4 * COLUMNS / (each / channels).max(1)).clamp(1, channels),
        _ => channels,
    };
    let of = |(start, channel): (usize, usize)| {
        let (len, some) = (together.min(n - start), some.min(channels - channel));
        let rows = [len, how.groups, g.shape()[1] / how.groups, windows];
        let g = (g.slice(0, start, len, 1)?.contiguous()?).reshape(&Shape::new(&rows))?;
        let (first, rows) = match some == channels {
            true => (0, matrix.shape()[1]),
            false => (channel * under.kernel(), some * under.kernel()),
        };
        let columns = matmul(&matrix.slice(1, first, rows, 1)?, &g)?;
        under.added(&columns, &shape(&[&[len, some], size]))
    };
    if together == n && some == channels {
        return of((0, 0));
    }
    let all = Array::zeros(out, g.dtype())?;
    let channels = (0..channels).step_by(some);
    let parts = (0..n).step_by(together);
    let parts = parts.flat_map(|start| channels.clone().map(move |channel| (start, channel)));
    each_part(parts, of, |(start, channel), made| {
        let to = all.slice(0, start, made.shape()[0], 1)?;
        assign(&to.slice(1, channel, made.shape()[1], 1)?, &made)
    })?;
    Ok(all)
}

/// The transpose of [`convolve`] in its weight, of kernel `kernel`: each channel of `x` under each of `g`.
///
/// # Errors
/// As [`convolve`].
pub fn convolve_weight(x: &Array, g: &Array, how: &Window, kernel: &[usize]) -> Result<Array> {
    let (n, counts) = (x.shape()[0], &g.shape()[2..]);
    let (channels, out) = (x.shape()[1], g.shape()[1]);
    let weight = shape(&[&[out, channels / how.groups], kernel]);
    if let Some(meta) = inferred([x, g], &weight) {
        return meta;
    }
    let axes = how.axes(&x.shape()[2..], kernel, counts)?;
    if weight.numel() == 0 || g.numel() == 0 || x.numel() == 0 {
        return Array::zeros(weight, x.dtype());
    }
    let way = Way {
        axes,
        samples: n,
        groups: how.groups,
        channels: channels / how.groups,
        outs: out / how.groups,
    };
    if let Some(w) = direct::product(&way, [x, g], Of::Weight, &weight) {
        return w;
    }
    let input = Input { x, axes };
    let each = product(kernel.iter().chain(&counts[1..]).chain(&[channels]));
    let of = |part: Part| {
        let columns = input.columns_together(part, how.groups)?;
        let rows = [how.groups, out / how.groups, columns.shape()[2]];
        let g = of_part(g, part)?.transpose(0, 1)?.contiguous()?;
        matmul(&g.reshape(&Shape::new(&rows))?, &columns.transpose(-2, -1)?)
    };
    let mut sum: Option<Array> = None;
    each_part(parts(n, counts[0], each), of, |_, made| {
        match &sum {
            None => sum = Some(made),
            Some(sum) => {
                dispatch!(number sum.dtype(), T => zip_assign(sum, &made, |a: T, b: T| a.plus(b))?, else ());
            }
        }
        Ok(())
    })?;
    match sum {
        Some(sum) => sum.reshape(&weight),
        None => Array::zeros(weight, x.dtype()),
    }
}
