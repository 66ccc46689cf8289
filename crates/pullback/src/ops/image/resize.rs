//! Resizing: every element of the result is a sum of elements of the input, with weights that are products over the dimensions. Linear, and its
//! transpose is the same loop over transposed tables, so every order follows.
//!
//! Rows are resized when the first row of the result needs them and kept while neighbouring rows do. Not here: the tables (`taps`), bytes
//! (`bytes`), what PyTorch's arguments mean (`interpolate`).

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::ensure;
use crate::core::made::Made;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::no_form;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::image::bytes;
use crate::ops::image::taps::{Axis, Filter, Taps};
use crate::{Array, DType, Element, Result, Shape};
use pullback_array::{Arith, Real, dispatch, filled, gathered, kernels};
use smallvec::SmallVec;
use std::borrow::Cow;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Elements of a result that one thread makes at a time.
const BLOCK: usize = 1 << 15;

/// The last one, two or three dimensions, in other sizes.
#[derive(Clone, Debug)]
pub struct Resize {
    /// How elements between elements are made.
    pub filter: Filter,
    /// The dimensions.
    pub axes: SmallVec<[Axis; 3]>,
    /// Whether it is the transpose.
    pub transposed: bool,
}
define! { Resize: Linear "resize", "torch.nn.functional.interpolate";
    summary: "The last dimensions in other sizes, with elements between elements; or the transpose.";
    formula: "y[i] = Σ w(i, k) x[k], and w is a product over the dimensions";
    derivative: "Σ w(i, k) g[i]";
    proof: { samples: samples }
}

impl Resize {
    /// The shape of what is made of `x`.
    fn shape(&self, x: &Shape) -> Result<Shape> {
        let size = |a: &Axis, to: bool| if to != self.transposed { a.to } else { a.from };
        let front = x.len().saturating_sub(self.axes.len());
        let from: Vec<usize> = self.axes.iter().map(|a| size(a, false)).collect();
        ensure!(
            x[front..] == from[..],
            Shape,
            "an image of size {x} cannot be resized as one of {from:?}"
        );
        let last: Vec<usize> = self.axes.iter().map(|a| size(a, true)).collect();
        Ok(Shape::new(&[&x[..front], &last].concat()))
    }

    /// What PyTorch calls the part of it that has no form for a dtype.
    fn part(&self) -> &'static str {
        let image = self.axes.len() == 2;
        match self.filter {
            Filter::Nearest | Filter::NearestExact if image => "upsample_nearest2d_channels_last",
            Filter::Nearest | Filter::NearestExact => "compute_indices_weights_nearest",
            Filter::Linear if image => "upsample_bilinear2d_channels_last",
            Filter::Linear => "compute_indices_weights_linear",
            Filter::Cubic => "compute_indices_weights_cubic",
            Filter::LinearSmooth | Filter::CubicSmooth | Filter::Lanczos => {
                "compute_index_ranges_weights"
            }
        }
    }

    fn taps<T: Real + Arith>(&self, axis: &Axis) -> Result<Taps<T>> {
        let taps = Taps::of(self.filter, axis)?;
        match self.transposed {
            true => taps.transposed(axis.from),
            false => Ok(taps),
        }
    }

    /// The sums, one or two dimensions at once and then the depth.
    fn sums<T: Real + Arith>(&self, x: &Array, shape: &Shape) -> Result<Array> {
        let (deep, plane) = match &self.axes[..] {
            [deep, rest @ ..] if rest.len() == 2 => (Some(deep), rest),
            plane => (None, plane),
        };
        let (width, rows) = match plane {
            [rows, width] => (width, Some(self.taps::<T>(rows)?)),
            [width] => (width, None),
            _ => return x.copy(),
        };
        let columns = self.taps::<T>(width)?;
        let dims = x.rank();
        let Some(deep) = deep else {
            return planes(x, shape, rows.as_ref(), &columns);
        };
        let mut flat = shape.to_vec();
        flat[dims - 3] = x.shape()[dims - 3];
        let slices = planes(x, &Shape::new(&flat), rows.as_ref(), &columns)?;
        let size = x.shape()[dims - 3];
        layers(&slices, shape, size, &self.taps::<T>(deep)?)
    }

    /// The elements that are nearest, moved as they are.
    fn picked<T: Element, U: Real + Arith>(&self, x: &Array, shape: &Shape) -> Result<Array> {
        let table = |axis: &Axis| {
            let axis = axis.clone();
            let filter = self.filter;
            gathered((0..axis.to).map(move |i| axis.nearest::<U>(filter, i)))
        };
        let tables: Vec<Vec<usize>> = self.axes.iter().map(table).collect::<Result<_>>()?;
        let Some((columns, outer)) = tables.split_last() else {
            return x.copy();
        };
        let data = x.numbers::<T>()?;
        let width = columns.len();
        let from = self.axes.last().map_or(1, |a| a.from);
        kernels::runs(
            shape,
            width,
            BLOCK / width.max(1),
            |first, out: &mut [T]| {
                for (n, line) in out.chunks_exact_mut(width).enumerate() {
                    // The number of the input's row, from the innermost dimension out.
                    let (mut rest, mut row, mut stride) = (first + n, 0, 1);
                    for (axis, table) in self.axes.iter().zip(outer).rev() {
                        row += table[rest % table.len()] * stride;
                        (rest, stride) = (rest / table.len(), stride * axis.from);
                    }
                    let source = &data[(row + rest * stride) * from..][..from];
                    for (o, &i) in line.iter_mut().zip(columns) {
                        *o = source[i];
                    }
                }
            },
        )
    }
}

/// A row of a result.
fn row<T: Real>(from: &[T], taps: &Taps<T>, uniform: Option<usize>, out: &mut [T]) {
    match uniform {
        Some(2) => {
            let pairs = taps.index.chunks_exact(2).zip(taps.weight.chunks_exact(2));
            for (o, (i, w)) in out.iter_mut().zip(pairs) {
                *o = from[i[0]] * w[0] + from[i[1]] * w[1];
            }
        }
        Some(4) => {
            let fours = taps.index.chunks_exact(4).zip(taps.weight.chunks_exact(4));
            for (o, (i, w)) in out.iter_mut().zip(fours) {
                *o = from[i[0]] * w[0] + from[i[1]] * w[1] + from[i[2]] * w[2] + from[i[3]] * w[3];
            }
        }
        _ => {
            for (o, at) in out.iter_mut().zip(taps.start.windows(2)) {
                let (index, weight) = (&taps.index[at[0]..at[1]], &taps.weight[at[0]..at[1]]);
                let mut terms = index.iter().zip(weight);
                let first = terms.next().map_or(T::ZERO, |(&i, &w)| from[i] * w);
                *o = terms.fold(first, |sum, (&i, &w)| sum + from[i] * w);
            }
        }
    }
}

/// `Σ w·line`, of lines that are found by number.
fn blend<'a, T: Real>(taps: &Taps<T>, i: usize, line: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    let at = taps.start[i]..taps.start[i + 1];
    let (index, weight) = (&taps.index[at.clone()], &taps.weight[at]);
    match (index, weight) {
        ([], _) => {}
        (&[a, b], &[v, w]) => {
            for ((o, &x), &y) in out.iter_mut().zip(line(a)).zip(line(b)) {
                *o = x * v + y * w;
            }
        }
        (&[a, ref more @ ..], &[v, ref weights @ ..]) => {
            for (o, &x) in out.iter_mut().zip(line(a)) {
                *o = x * v;
            }
            for (&b, &w) in more.iter().zip(weights) {
                for (o, &y) in out.iter_mut().zip(line(b)) {
                    *o += y * w;
                }
            }
        }
        _ => {}
    }
}

/// The last dimension, and the one before it where there are tables for both.
fn planes<T: Real + Arith>(
    x: &Array,
    shape: &Shape,
    rows: Option<&Taps<T>>,
    columns: &Taps<T>,
) -> Result<Array> {
    let (from, to) = (x.shape()[x.rank() - 1], shape[shape.len() - 1]);
    let uniform = columns.uniform();
    let data = x.numbers::<T>()?;
    let Some(rows) = rows else {
        return kernels::runs(shape, to, BLOCK / to.max(1), |first, out: &mut [T]| {
            for (n, line) in out.chunks_exact_mut(to).enumerate() {
                row(&data[(first + n) * from..][..from], columns, uniform, line);
            }
        });
    };
    let (height, result) = (x.shape()[x.rank() - 2], shape[shape.len() - 2]);
    let kept = rows.span();
    // Asked for here, where a lack of memory is an error and no panic.
    drop(filled(kept.saturating_mul(to), T::ZERO)?);
    kernels::runs(shape, to, BLOCK / to.max(1), |first, out: &mut [T]| {
        let mut lines = vec![T::ZERO; kept * to];
        let mut whose = vec![usize::MAX; kept];
        for (n, line) in out.chunks_exact_mut(to).enumerate() {
            let (plane, i) = ((first + n) / result, (first + n) % result);
            for &k in &rows.index[rows.start[i]..rows.start[i + 1]] {
                let source = plane * height + k;
                if whose[k % kept] != source {
                    whose[k % kept] = source;
                    let held = &mut lines[k % kept * to..][..to];
                    row(&data[source * from..][..from], columns, uniform, held);
                }
            }
            blend(rows, i, |k| &lines[k % kept * to..][..to], line);
        }
    })
}

/// The third dimension from behind, of `size` elements.
fn layers<T: Real + Arith>(x: &Array, shape: &Shape, size: usize, taps: &Taps<T>) -> Result<Array> {
    let (layer, result) = (
        shape[shape.len() - 2] * shape[shape.len() - 1],
        shape[shape.len() - 3],
    );
    let data = x.numbers::<T>()?;
    kernels::runs(
        shape,
        layer,
        BLOCK / layer.max(1),
        |first, out: &mut [T]| {
            for (n, out) in out.chunks_exact_mut(layer).enumerate() {
                let (block, i) = ((first + n) / result, (first + n) % result);
                blend(
                    taps,
                    i,
                    |k| &data[(block * size + k) * layer..][..layer],
                    out,
                );
            }
        },
    )
}

impl Op for Resize {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let shape = self.shape(x[0].shape())?;
        let (nearest, dtype) = (self.filter.is_nearest(), x[0].dtype());
        let bytes = dtype == DType::U8 && (nearest || self.axes.len() == 2);
        if !dtype.is_float() && (self.transposed || !bytes) {
            return Err(no_form(self.part(), x[0]));
        }
        if unnumbered(x) {
            return inferred(shape, dtype);
        }
        if bytes {
            return match nearest {
                true => self.picked::<u8, f32>(x[0], &shape),
                false => bytes::resized(self, x[0], &shape),
            };
        }
        dispatch!(float dtype, T => match nearest && !self.transposed {
            true => self.picked::<T, T>(x[0], &shape),
            false => self.sums::<T>(x[0], &shape),
        }, else Err(no_form(self.part(), x[0])))
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        let dims = self.axes.len();
        let way = match self.filter {
            Filter::Nearest => "Nearest",
            Filter::NearestExact => "NearestExact",
            Filter::Linear => ["", "Linear", "Bilinear", "Trilinear"][dims.min(3)],
            Filter::Cubic => "Bicubic",
            Filter::LinearSmooth => "Bilinear",
            Filter::CubicSmooth => "Bicubic",
            Filter::Lanczos => "Lanczos",
        };
        let smooth = if self.filter.is_smooth() { "Aa" } else { "" };
        let back = if self.transposed { "Backward" } else { "" };
        Some(format!("Upsample{way}{dims}D{smooth}{back}Backward0").into())
    }
}

impl rules::Linear for Resize {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let op = Resize {
            transposed: !self.transposed,
            ..self.clone()
        };
        apply_dyn(&op, &[g], cx.site())
    }
}

/// All kinds, larger and smaller, in one to three dimensions, and the transposes.
#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let axis = |from, to, align, scale| Axis {
        from,
        to,
        align,
        scale,
        fused: true,
    };
    let of = |filter, axes: &[Axis], front: &[usize], transposed| {
        let op = Resize {
            filter,
            axes: axes.iter().cloned().collect(),
            transposed,
        };
        let last = axes.iter().map(|a| if transposed { a.to } else { a.from });
        let shape: Vec<usize> = front.iter().copied().chain(last).collect();
        let n: usize = shape.iter().product();
        let x: Vec<f64> = (0..n)
            .map(|i| f64::from(((i * 7) % 23) as u8) / 4.0 - 2.0)
            .collect();
        Sample::new(op, &[(&shape, &x)])
    };
    let mut all = Vec::new();
    for transposed in [false, true] {
        // Weights that are exact, or rounding is all that differences see.
        let (up, down) = (axis(2, 4, false, None), axis(4, 2, false, Some(0.5)));
        let ends = |from, to| axis(from, to, true, None);
        let many = |axes: &[&Axis]| axes.iter().copied().cloned().collect::<Vec<_>>();
        let (line, image) = (many(&[&up]), many(&[&down, &up]));
        let solid = [up.clone(), ends(2, 2), ends(2, 3)];
        all.extend([
            of(Filter::Nearest, &line, &[2], transposed),
            of(Filter::NearestExact, &image, &[], transposed),
            of(Filter::Linear, &[ends(4, 3)], &[2], transposed),
            of(Filter::Linear, &image, &[1, 2], transposed),
            of(Filter::Linear, &solid, &[1], transposed),
            of(Filter::Cubic, &[up.clone(), ends(3, 5)], &[2], transposed),
            of(Filter::LinearSmooth, &image, &[], transposed),
            of(Filter::CubicSmooth, &[down, ends(3, 3)], &[1], transposed),
            of(Filter::Lanczos, &image, &[], transposed),
            of(Filter::Linear, &image, &[0], transposed),
        ]);
    }
    all
}
