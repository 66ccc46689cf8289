//! Pooling: what is largest in each window and where it is, and means of windows. Windows of any kind are lists of spans, one list for each
//! dimension, so that one loop serves strides, dilations, ceilings and adaptive sizes.

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::{anchored, entered};
use crate::ops::common::gate::no_form;
use crate::ops::conv::largest::largest;
use crate::{Array, DType, Result, Shape};
use pullback_array::kernels::{self, Sizes};
use pullback_array::{Element, Real, dispatch, gathered};
use std::sync::Arc;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Part of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first element.
    pub start: usize,
    /// Behind the last one.
    pub end: usize,
    /// How far apart elements are.
    pub step: usize,
    /// How many there would be with those outside of the dimension.
    pub full: usize,
}

/// Windows of the last dimensions.
#[derive(Clone, Debug)]
pub struct Windows {
    /// The dimensions' sizes.
    pub size: Sizes,
    /// The windows along each.
    pub spans: Arc<Vec<Vec<Span>>>,
}

impl Windows {
    /// Spans of each dimension, made by `of(dimension, number)`.
    ///
    /// # Errors
    /// Where so many have no room.
    pub(in crate::ops) fn new(
        size: Sizes,
        counts: &[usize],
        of: impl Fn(usize, usize) -> Span,
    ) -> Result<Windows> {
        let spans = (counts.iter().enumerate())
            .map(|(d, &n)| gathered((0..n).map(|i| of(d, i))))
            .collect::<Result<Vec<_>>>()?;
        Ok(Windows {
            size,
            spans: Arc::new(spans),
        })
    }

    /// How many windows there are along each dimension.
    pub(in crate::ops) fn counts(&self) -> Sizes {
        self.spans.iter().map(Vec::len).collect()
    }

    /// The shape of what is made of `x`: as many as windows in the last dimensions.
    fn shape(&self, x: &Shape, last: &[usize]) -> Shape {
        let front = &x[..x.len() - last.len()];
        Shape::new(&[front, last].concat())
    }

    /// Elements of a plane.
    pub(super) fn plane(&self) -> usize {
        self.size.iter().product()
    }

    /// Calls `f` with each window's number and spans.
    #[inline(always)]
    pub(super) fn each(&self, mut f: impl FnMut(usize, &[Span])) {
        let mut number = 0;
        let mut next = |spans: &[Span]| {
            f(number, spans);
            number += 1;
        };
        match &self.spans[..] {
            [a] => a.iter().for_each(|&a| next(&[a])),
            [a, b] => {
                for &a in a {
                    b.iter().for_each(|&b| next(&[a, b]));
                }
            }
            [a, b, c] => {
                for (&a, &b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
                    c.iter().for_each(|&c| next(&[a, b, c]));
                }
            }
            _ => {}
        }
    }
}

/// Calls `f` with the place in the plane of each element of a window.
#[inline(always)]
pub(super) fn places(spans: &[Span], size: &[usize], mut f: impl FnMut(usize)) {
    match (spans, size) {
        ([a], _) => (a.start..a.end).step_by(a.step).for_each(f),
        ([a, b], &[_, width]) => {
            for i in (a.start..a.end).step_by(a.step) {
                (b.start..b.end)
                    .step_by(b.step)
                    .for_each(|j| f(i * width + j));
            }
        }
        ([a, b, c], &[_, height, width]) => {
            for i in (a.start..a.end).step_by(a.step) {
                for j in (b.start..b.end).step_by(b.step) {
                    let row = (i * height + j) * width;
                    (c.start..c.end).step_by(c.step).for_each(|k| f(row + k));
                }
            }
        }
        _ => {}
    }
}

/// Where the largest element of each window lies in its plane; NaN wins, the last of several; else the first of equals.
#[derive(Clone, Debug)]
pub struct MaxPoolAt {
    /// The windows.
    pub windows: Windows,
}
define! { MaxPoolAt: Cut "max_pool_at", "torch.nn.functional.max_pool2d";
    summary: "Where the largest element of each window lies in its plane.";
    formula: "arg max over the window of x";
    derivative: "none";
    proof: { samples: || pools(|windows| MaxPoolAt { windows }) }
}

impl Op for MaxPoolAt {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.stacked(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let counts = self.windows.counts();
        let shape = self.windows.shape(x[0].shape(), &counts);
        let even = self.windows.even();
        dispatch!(number x[0].dtype(), T => kernels::planes(x[0], &shape, counts.iter().product(), |plane: &[T], out: &mut [i64]| match &even {
            Some(even) => self.windows.largest_in_rows(even, plane, out),
            None => self.windows.each(|number, spans| out[number] = largest(spans, &self.windows.size, plane)),
        }), else Err(no_form("max_pool2d", x[0])))
    }
}

/// Means of windows, or, transposed, numbers spread over the windows that they are means of.
#[derive(Clone, Debug)]
pub struct AvgPool {
    /// The windows.
    pub windows: Windows,
    /// By what every sum is divided, where it is not by the number of its elements.
    pub divisor: Option<i64>,
    /// Whether elements outside of the dimensions, which are zeros, count too.
    pub outside: bool,
    /// Whether it is the transpose.
    pub transposed: bool,
}
define! { AvgPool: Linear "avg_pool", "torch.nn.functional.avg_pool2d";
    summary: "Means of windows, or the transpose: numbers spread over their windows.";
    formula: "Σ over the window of x / n";
    derivative: "g / n, added up over the windows of each element";
    node: "AvgPool2DBackward0";
    proof: { samples: || [
        pools(|windows| AvgPool { windows, divisor: None, outside: false, transposed: false }),
        pools(|windows| AvgPool { windows, divisor: Some(3), outside: true, transposed: false }),
        pools(|windows| AvgPool { windows, divisor: None, outside: true, transposed: false }),
    ].concat() }
}

impl AvgPool {
    fn divisor(&self, spans: &[Span]) -> f64 {
        let count = |s: &Span| match self.outside {
            true => s.full,
            false => s.end.saturating_sub(s.start),
        };
        match self.divisor {
            Some(n) => n as f64,
            None => spans.iter().map(|s| count(s) as f64).product(),
        }
    }

    fn means<T: Real>(&self, plane: &[T], out: &mut [T]) {
        self.windows.each(|number, spans| {
            let mut sum = T::ZERO;
            places(spans, &self.windows.size, |i| sum += plane[i]);
            out[number] = sum / T::lit(self.divisor(spans));
        });
    }

    fn spread<T: Real>(&self, g: &[T], out: &mut [T]) {
        self.windows.each(|number, spans| {
            let part = g[number] / T::lit(self.divisor(spans));
            places(spans, &self.windows.size, |i| out[i] += part);
        });
    }
}

impl Op for AvgPool {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.stacked(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let x = x[0];
        let last = match self.transposed {
            true => self.windows.size.clone(),
            false => self.windows.counts(),
        };
        let (shape, to) = (self.windows.shape(x.shape(), &last), last.iter().product());
        dispatch!(float x.dtype(), T => kernels::planes(x, &shape, to, |from: &[T], out: &mut [T]| match self.transposed {
            true => self.spread(from, out),
            false => self.means(from, out),
        }), else match x.dtype() {
            // Integers are divided as C divides.
            DType::I64 if !self.transposed => kernels::planes(x, &shape, to, |plane: &[i64], out: &mut [i64]| {
                self.windows.each(|number, spans| {
                    let mut sum = 0i64;
                    places(spans, &self.windows.size, |i| sum = sum.wrapping_add(plane[i]));
                    let divisor = match self.divisor(spans).to_i64() {
                        0 => 1,
                        n => n,
                    };
                    out[number] = sum.wrapping_div(divisor);
                });
            }),
            _ => Err(no_form("avg_pool2d_out_frame", x)),
        })
    }
    fn reads(&self, i: usize) -> Reads {
        match self.transposed {
            true => Reads::NOTHING,
            false => Reads::input(i),
        }
    }
}

impl rules::Linear for AvgPool {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let transposed = !self.transposed;
        let op = AvgPool {
            transposed,
            ..self.clone()
        };
        let g = apply_dyn(&op, &[g], cx.site())?;
        match transposed && cx.create_graph() {
            true => anchored(cx, "avg_pool2d", g, &cx.input(i)?),
            false => Ok(g),
        }
    }
}

impl Tensor {
    /// The largest element of each window, and where it lies in its plane.
    pub(in crate::ops) fn max_pooled(
        &self,
        windows: Windows,
        site: &'static std::panic::Location<'static>,
    ) -> Result<(Tensor, Tensor)> {
        let (plane, dims) = (windows.plane(), windows.size.len());
        let name = match dims {
            3 => "max_pool3d_with_indices",
            _ => "max_pool2d_with_indices",
        };
        let at = apply_dyn(&MaxPoolAt { windows }, &[self], site)?;
        let front = &self.shape()[..self.ndim() - dims];
        let flat = |t: &Tensor, last: usize| t.reshape(&[front, &[last]].concat()[..]);
        let many = at.shape()[front.len()..].iter().product();
        let picked = flat(&entered(self, name, site)?, plane)?.gather(-1, &flat(&at, many)?)?;
        Ok((picked.reshape(at.shape())?, at))
    }
}

/// Samples with windows that overlap, that leave gaps, and of unequal lengths, in one to three dimensions.
#[cfg(feature = "proof")]
fn pools<O: Op>(make: impl Fn(Windows) -> O) -> Vec<Sample> {
    let of = |shape: &[usize], dims: usize, counts: &[usize], span: fn(usize) -> Span| {
        let size = Sizes::from_slice(&shape[shape.len() - dims..]);
        let windows = Windows::new(size, counts, |_, i| span(i)).unwrap_or_else(|e| panic!("{e}"));
        let n: usize = shape.iter().product();
        let x: Vec<f64> = (0..n)
            .map(|i| f64::from(((i * 7) % 23) as u8) / 4.0 - 2.0)
            .collect();
        Sample::new(make(windows), &[(shape, &x)])
    };
    let pairs = |i: usize| Span {
        start: i,
        end: i + 2,
        step: 1,
        full: 2,
    };
    let apart = |i: usize| Span {
        start: 2 * i,
        end: 2 * i + 2,
        step: 1,
        full: 3,
    };
    vec![
        of(&[2, 5], 1, &[4], pairs),
        of(&[1, 2, 4, 5], 2, &[2, 2], apart),
        of(&[3, 4], 2, &[2, 3], pairs),
        of(&[2, 2, 3, 2], 3, &[1, 2, 1], pairs),
        of(&[0, 4], 1, &[2], apart),
        of(&[4], 1, &[2], apart),
    ]
}
