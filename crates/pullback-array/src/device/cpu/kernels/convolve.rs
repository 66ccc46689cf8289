//! Convolutions over any number of dimensions: windows as matrices, and products of matrices.
//!
//! The windows of an input that lie under the kernel are a view of it (strides times strides); copied out they are the columns of a
//! matrix, and the convolution is the weight times that matrix. What is linear in each of (input, weight, result) has two transposes, and
//! each of the three is a function here. Batches go through in chunks, so that the columns stay within [`COLUMNS`] numbers.
//!
//! Not here: PyTorch's arguments and errors, unbatched inputs, biases. A window that does not fit is a mistake of the caller.

use super::assign::{assign, zip_assign};
use super::matmul::matmul;
use crate::array::Array;
use crate::dispatch;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::scalar::arith::Arith;
use smallvec::SmallVec;

/// Numbers of columns that are held at once, unless one sample has more: some megabytes, which caches and memory bear.
const COLUMNS: usize = 1 << 21;

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

    /// `size` with the zeros.
    fn padded(&self, size: &[usize]) -> Sizes {
        (size.iter().zip(&self.padding))
            .map(|(n, p)| n.saturating_add(p.saturating_mul(2)))
            .collect()
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

/// The samples `start..start + n`.
fn samples(x: &Array, start: usize, n: usize) -> Result<Array> {
    match n == x.shape()[0] {
        true => Ok(x.clone()),
        false => x.slice(0, start, n, 1),
    }
}

/// `x` (samples, channels, size…) with its zeros around.
fn surrounded(x: &Array, how: &Window) -> Result<Array> {
    if how.padding.iter().all(|&p| p == 0) {
        return Ok(x.clone());
    }
    let (front, size) = x.shape().split_at(2);
    let padded = Array::zeros(shape(&[front, &how.padded(size)]), x.dtype())?;
    assign(&inside(&padded, size, how)?, x)?;
    Ok(padded)
}

/// What is left of an array without the zeros around it.
fn inside(padded: &Array, size: &[usize], how: &Window) -> Result<Array> {
    let mut view = padded.clone();
    for (d, (&n, &p)) in size.iter().zip(&how.padding).enumerate() {
        view = view.slice(2 + d, p, n, 1)?;
    }
    Ok(view)
}

/// The windows of a padded input as a matrix for each sample and group: (samples, groups, channels · kernel, windows).
fn columns(padded: &Array, how: &Window, kernel: &[usize], counts: &[usize]) -> Result<Array> {
    let layout = padded.layout();
    let (n, channels) = (padded.shape()[0], padded.shape()[1]);
    // A step that no second element takes may be of any length.
    let steps = layout.strides();
    let mut strides: SmallVec<[isize; 8]> = SmallVec::from_slice(&steps[..2]);
    strides.extend((0..kernel.len()).map(|d| steps[2 + d].wrapping_mul(how.dilation[d] as isize)));
    strides.extend((0..kernel.len()).map(|d| steps[2 + d].wrapping_mul(how.stride[d] as isize)));
    let windows = shape(&[&[n, channels], kernel, counts]);
    let view = padded.view(Layout::new(windows, &strides, layout.offset()))?;
    let rows = product(kernel.iter().chain(&[channels / how.groups]));
    let matrix = [n, how.groups, rows, product(counts)];
    view.contiguous()?.reshape(&Shape::new(&matrix))
}

/// The weight (out, in / groups, kernel…) as a matrix for each group: (groups, out / groups, in / groups · kernel).
fn weights(w: &Array, groups: usize) -> Result<Array> {
    let out = w.shape()[0];
    let rest = product(&w.shape()[1..]);
    w.contiguous()?
        .reshape(&Shape::new(&[groups, out / groups, rest]))
}

/// How many samples go through at once.
fn chunk(samples: usize, each: usize) -> usize {
    (COLUMNS / each.max(1)).clamp(1, samples.max(1))
}

/// The result where an operand has no memory.
fn inferred(operands: [&Array; 2], out: &Shape) -> Option<Result<Array>> {
    let meta = operands.iter().any(|a| a.is_meta());
    meta.then(|| Array::meta(Layout::row_major(out.clone()), operands[0].dtype()))
}

/// Runs `f` for each chunk of samples; what it gives is put together along the first dimension.
fn in_chunks(
    n: usize,
    each: usize,
    out: &Shape,
    dtype: crate::DType,
    f: impl Fn(usize, usize) -> Result<Array>,
) -> Result<Array> {
    let step = chunk(n, each);
    if out.numel() == 0 {
        return Array::zeros(out.clone(), dtype);
    }
    if step >= n {
        return f(0, n);
    }
    let all = Array::zeros(out.clone(), dtype)?;
    for start in (0..n).step_by(step) {
        let len = step.min(n - start);
        assign(&all.slice(0, start, len, 1)?, &f(start, len)?)?;
    }
    Ok(all)
}

/// The convolution (cross-correlation, as everywhere in machine learning) of `x` (samples, in, size…) with `w` (out, in / groups, kernel…):
/// (samples, out, windows…).
///
/// # Errors
/// Where memory is missing; what is wrong with shapes is the caller's to say.
pub fn convolve(x: &Array, w: &Array, how: &Window) -> Result<Array> {
    let (n, size, kernel) = (x.shape()[0], &x.shape()[2..], &w.shape()[2..]);
    let counts = how.counts(size, kernel);
    let out = shape(&[&[n, w.shape()[0]], &counts]);
    if let Some(meta) = inferred([x, w], &out) {
        return meta;
    }
    let matrix = weights(w, how.groups)?;
    let each = product(kernel.iter().chain(&counts).chain(&[x.shape()[1]]));
    in_chunks(n, each, &out, x.dtype(), |start, len| {
        let x = surrounded(&samples(x, start, len)?, how)?;
        let columns = columns(&x, how, kernel, &counts)?;
        matmul(&matrix, &columns)?.reshape(&shape(&[&[len, w.shape()[0]], &counts]))
    })
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
    let matrix = weights(w, how.groups)?.transpose(-2, -1)?;
    let windows = product(counts);
    let each = product(kernel.iter().chain(&[channels, windows]));
    in_chunks(n, each, &out, g.dtype(), |start, len| {
        let rows = Shape::new(&[len, how.groups, g.shape()[1] / how.groups, windows]);
        let g = samples(g, start, len)?.contiguous()?.reshape(&rows)?;
        let columns = matmul(&matrix, &g)?.reshape(&shape(&[&[len, channels], kernel, counts]))?;
        let padded = Array::zeros(shape(&[&[len, channels], &how.padded(size)]), g.dtype())?;
        add_windows(&padded, &columns, how, kernel, counts)?;
        inside(&padded, size, how)?.contiguous()
    })
}

/// Adds columns (samples, channels, kernel…, windows…) to where they came from: one element of the kernel after the other.
fn add_windows(
    padded: &Array,
    columns: &Array,
    how: &Window,
    kernel: &[usize],
    counts: &[usize],
) -> Result<()> {
    let mut at: Sizes = SmallVec::from_elem(0, kernel.len());
    for _ in 0..product(kernel) {
        let (mut to, mut from) = (padded.clone(), columns.clone());
        for d in 0..kernel.len() {
            to = to.slice(
                2 + d,
                at[d].saturating_mul(how.dilation[d]),
                counts[d],
                how.stride[d],
            )?;
            from = from.select(2, at[d])?;
        }
        dispatch!(number to.dtype(), T => zip_assign(&to, &from, |a: T, b: T| a.plus(b))?, else ());
        for d in (0..kernel.len()).rev() {
            at[d] += 1;
            if at[d] < kernel[d] {
                break;
            }
            at[d] = 0;
        }
    }
    Ok(())
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
    let windows = product(counts);
    let each = product(kernel.iter().chain(&[channels, windows]));
    let step = chunk(n, each);
    let mut sum: Option<Array> = None;
    if weight.numel() == 0 || g.numel() == 0 {
        return Array::zeros(weight, x.dtype());
    }
    for start in (0..n).step_by(step) {
        let len = step.min(n - start);
        let padded = surrounded(&samples(x, start, len)?, how)?;
        let columns = columns(&padded, how, kernel, counts)?.transpose(-2, -1)?;
        let rows = Shape::new(&[len, how.groups, out / how.groups, windows]);
        let g = samples(g, start, len)?.contiguous()?.reshape(&rows)?;
        let each = matmul(&g, &columns)?;
        let part = super::sum(&each, &[0], false)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => {
                dispatch!(number sum.dtype(), T => zip_assign(&sum, &part, |a: T, b: T| a.plus(b))?, else ());
                sum
            }
        });
    }
    match sum {
        Some(sum) => sum.reshape(&weight),
        None => Array::zeros(weight, x.dtype()),
    }
}
