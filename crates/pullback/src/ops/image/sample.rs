//! Images sampled where a grid points: the samples, their transpose in the image, and their slopes in the grid. The derivatives of each of the
//! three are the others with a higher order by one of the grid's numbers, so every order follows.
//!
//! Not here: where a number of the grid points (`locate`), arguments and their errors (`grid`).

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::ensure;
use crate::core::made::Made;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::no_form;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::image::locate::Sampling;
use crate::ops::image::spots::Plan;
use crate::{Array, Result, Shape};
use pullback_array::dispatch;
use pullback_array::kernels::Sizes;
use std::borrow::Cow;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;
#[cfg(feature = "proof")]
use crate::ops::image::locate::{Between, Outside};

/// An image (samples, channels, size…) at the places of a grid (samples, places…, numbers): (samples, channels, places…).
#[derive(Clone, Debug)]
pub struct GridSample {
    /// How the grid is read.
    pub how: Sampling,
}
define! { GridSample: General "grid_sample", "torch.nn.functional.grid_sample";
    summary: "An image at the places that a grid names, or a derivative of it by the grid's numbers.";
    formula: "y[n, c, p] = Σ w(grid[n, p], i) x[n, c, i]";
    derivative: "g spread with the same weights to x; Σ g w′ x to the grid";
    proof: { samples: || cases(|how, _| GridSample { how }, |x, grid, _| vec![x, grid]) }
}

/// The transpose of [`GridSample`] in the image: numbers (samples, channels, places…) spread over an image.
#[derive(Clone, Debug)]
pub struct GridSpread {
    /// How the grid is read.
    pub how: Sampling,
    /// The image's size.
    pub size: Sizes,
}
define! { GridSpread: General "grid_spread", "torch.nn.functional.grid_sample";
    summary: "Numbers spread over an image at the places that a grid names: the transpose of sampling.";
    formula: "x[n, c, i] = Σ w(grid[n, p], i) g[n, c, p]";
    derivative: "samples of the gradient to g; Σ g w′ of it to the grid";
    proof: { samples: || cases(|how, size| GridSpread { how, size }, |_, grid, g| vec![g, grid]) }
}

/// What flows into the grid of a [`GridSample`]: for each of its numbers, Σ over the channels of the gradient times the samples' derivative.
#[derive(Clone, Debug)]
pub struct GridSlopes {
    /// How the grid is read; the derivative's order is one higher by each number in turn.
    pub how: Sampling,
}
define! { GridSlopes: General "grid_slopes", "torch.nn.functional.grid_sample";
    summary: "Numbers times the derivatives of an image by a grid's numbers, added up over the channels.";
    formula: "s[n, p, d] = Σ g[n, c, p] ∂w(grid[n, p], i)/∂d x[n, c, i]";
    derivative: "each operand's, with the other two as they are";
    proof: { samples: || cases(|how, _| GridSlopes { how }, |x, grid, g| vec![g, x, grid]) }
}

/// A shape of sizes in a row.
fn shape(parts: &[&[usize]]) -> Shape {
    Shape::new(&parts.concat())
}

/// Errors where image (or what is to become one) and grid do not fit: mistakes of who composes.
fn fits(image: &Array, grid: &Array) -> Result<()> {
    let dims = grid.rank().saturating_sub(2);
    let numbers = grid.shape().last().copied().unwrap_or(0);
    ensure!(
        (2..=3).contains(&dims)
            && image.rank() == dims + 2
            && numbers == dims
            && image.shape()[0] == grid.shape()[0],
        Shape,
        "a grid of size {} does not fit an image of size {}",
        grid.shape(),
        image.shape()
    );
    match image.dtype() == grid.dtype() {
        true => Ok(()),
        false => Err(crate::core::fail::error!(
            DType,
            "expected scalar type {} but found {}",
            image.dtype().scalar_type_name(),
            grid.dtype().scalar_type_name()
        )),
    }
}

/// PyTorch's name of a node over a grid of so many dimensions.
fn node(rank: usize, back: &str) -> Option<Cow<'static, str>> {
    Some(format!("GridSampler{}DBackward{back}0", rank.saturating_sub(2)).into())
}

impl Op for GridSample {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.folded(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (image, grid) = (x[0], x[1]);
        if !image.dtype().is_float() {
            let dims = image.rank().saturating_sub(2);
            return Err(match dims {
                2 => no_form("grid_sampler_2d_cpu_kernel_impl", image),
                _ => no_form("grid_sampler_3d_cpu", image),
            });
        }
        fits(image, grid)?;
        let (front, size) = image.shape().split_at(2);
        let places = &grid.shape()[1..grid.rank() - 1];
        let out = shape(&[front, places]);
        if unnumbered(x) {
            return inferred(out, image.dtype());
        }
        dispatch!(float image.dtype(), T => Plan::<T>::new(&self.how, size, front[1], grid)?.sampled(image, &out), else Err(no_form("grid_sampler_2d_cpu_kernel_impl", image)))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(1),
            _ => Reads::INPUTS,
        }
    }
    fn node_name(&self, made: &Made<'_>) -> Option<Cow<'static, str>> {
        node(made.rank(0), "")
    }
}

impl rules::General for GridSample {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let grid = cx.input(1)?;
        match i {
            0 => spread(self.how, &cx.shape(0)[2..], [g, &grid], cx),
            _ => apply_dyn(
                &GridSlopes { how: self.how },
                &[g, &cx.factor(0)?, &grid],
                cx.site(),
            ),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (x, grid) = (cx.input(0)?, cx.input(1)?);
        sum_terms(t, |i, t| match i {
            0 => apply_dyn(self, &[t, &grid], cx.site()),
            _ => by_numbers(t, |c, t| {
                sample(self.how.by(c), [&x, &grid], cx)?.mul(&t.unsqueeze(1)?)
            }),
        })
    }
}

impl Op for GridSpread {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.folded(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (g, grid) = (x[0], x[1]);
        fits(g, grid)?;
        let out = shape(&[&g.shape()[..2], &self.size]);
        if unnumbered(x) {
            return inferred(out, g.dtype());
        }
        dispatch!(float g.dtype(), T => Plan::<T>::new(&self.how, &self.size, g.shape()[1], grid)?.spread(g, &out), else Err(no_form("grid_sampler_2d_backward", g)))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(1),
            _ => Reads::INPUTS,
        }
    }
    fn node_name(&self, made: &Made<'_>) -> Option<Cow<'static, str>> {
        node(made.rank(0), "Backward")
    }
}

impl rules::General for GridSpread {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let grid = cx.input(1)?;
        match i {
            0 => sample(self.how, [g, &grid], cx),
            _ => apply_dyn(
                &GridSlopes { how: self.how },
                &[&cx.factor(0)?, g, &grid],
                cx.site(),
            ),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (g, grid) = (cx.input(0)?, cx.input(1)?);
        sum_terms(t, |i, t| match i {
            0 => apply_dyn(self, &[t, &grid], cx.site()),
            _ => by_numbers(t, |c, t| {
                spread(
                    self.how.by(c),
                    &self.size,
                    [&g.mul(&t.unsqueeze(1)?)?, &grid],
                    cx,
                )
            }),
        })
    }
}

impl Op for GridSlopes {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.folded(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (g, image, grid) = (x[0], x[1], x[2]);
        fits(g, grid)?;
        fits(image, grid)?;
        if unnumbered(x) {
            return inferred(grid.shape().clone(), g.dtype());
        }
        let (front, size) = image.shape().split_at(2);
        dispatch!(float g.dtype(), T => Plan::<T>::new(&self.how, size, front[1], grid)?.slopes(g, image, grid.shape()), else Err(no_form("grid_sampler_2d_backward", g)))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(1).and(Reads::input(2)),
            1 => Reads::input(0).and(Reads::input(2)),
            _ => Reads::INPUTS,
        }
    }
    fn node_name(&self, made: &Made<'_>) -> Option<Cow<'static, str>> {
        node(made.rank(0), "Backward")
    }
}

impl rules::General for GridSlopes {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, h: &Tensor) -> Result<Tensor> {
        let grid = cx.input(2)?;
        by_numbers(h, |c, h| {
            let how = self.how.by(c);
            let h1 = h.unsqueeze(1)?;
            match i {
                0 => sample(how, [&cx.factor(1)?, &grid], cx)?.mul(&h1),
                1 => spread(
                    how,
                    &cx.shape(1)[2..],
                    [&cx.factor(0)?.mul(&h1)?, &grid],
                    cx,
                ),
                _ => apply_dyn(
                    &GridSlopes { how },
                    &[&cx.factor(0)?, &cx.factor(1)?, &grid],
                    cx.site(),
                )?
                .mul(&h.unsqueeze(-1)?),
            }
        })
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (g, x, grid) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
        sum_terms(t, |i, t| match i {
            0 => apply_dyn(self, &[t, &x, &grid], cx.site()),
            1 => apply_dyn(self, &[&g, t, &grid], cx.site()),
            _ => by_numbers(t, |c, t| {
                apply_dyn(
                    &GridSlopes {
                        how: self.how.by(c),
                    },
                    &[&g, &x, &grid],
                    cx.site(),
                )?
                .mul(&t.unsqueeze(-1)?)
            }),
        })
    }
}

fn sample(how: Sampling, [x, grid]: [&Tensor; 2], cx: &Ctx<'_>) -> Result<Tensor> {
    apply_dyn(&GridSample { how }, &[x, grid], cx.site())
}

fn spread(how: Sampling, size: &[usize], [g, grid]: [&Tensor; 2], cx: &Ctx<'_>) -> Result<Tensor> {
    let size = Sizes::from_slice(size);
    apply_dyn(&GridSpread { how, size }, &[g, grid], cx.site())
}

/// Σ over a grid's numbers of `f` of the number's index and of its part of `t`.
fn by_numbers(t: &Tensor, f: impl Fn(usize, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let numbers = t.shape().last().copied().unwrap_or(0);
    let parts = (0..numbers)
        .map(|c| t.select(-1, c as i64).map(Some))
        .collect::<Result<Vec<_>>>()?;
    sum_terms(&parts, f)
}

/// Samples in two and three dimensions, in all ways of reading a grid, away from where those change; which operands, by `pick` of image, grid
/// and numbers at its places.
#[cfg(feature = "proof")]
fn cases<O: Op>(
    make: impl Fn(Sampling, Sizes) -> O,
    pick: impl for<'a> Fn(
        (&'a [usize], &'a [f64]),
        (&'a [usize], &'a [f64]),
        (&'a [usize], &'a [f64]),
    ) -> Vec<(&'a [usize], &'a [f64])>,
) -> Vec<Sample> {
    let of = |between, outside, align, orders, x: &[usize], places: &[usize]| {
        let dims = x.len() - 2;
        let grid = [&x[..1], places, &[dims]].concat();
        let at = [&x[..2], places].concat();
        let numbers = |s: &[usize], from: usize| -> Vec<f64> {
            (0..s.iter().product::<usize>())
                .map(|i| f64::from(((i * 7 + from) % 11) as u8) / 4.0 - 1.25)
                .collect()
        };
        let spots: Vec<f64> = (0..grid.iter().product::<usize>())
            // Odd sixty-fourths of sizes to 4: exact, and never where pieces meet.
            .map(|i| f64::from((2 * ((i * 29 + 5) % 37) + 1) as u8) / 32.0 - 1.1875)
            .collect();
        let how = Sampling {
            between,
            outside,
            align,
            orders,
        };
        let (a, b) = (numbers(x, 0), numbers(&at, 5));
        let operands = pick((x, &a), (&grid, &spots), (&at, &b));
        Sample::new(make(how, Sizes::from_slice(&x[2..])), &operands)
    };
    use Between::{Bicubic, Bilinear, Nearest};
    use Outside::{Border, Reflection, Zeros};
    let (flat, deep) = (&[1, 2, 3, 4][..], &[1, 1, 2, 3, 2][..]);
    vec![
        of(Bilinear, Zeros, false, [0, 0, 0], flat, &[2, 2]),
        of(Bilinear, Border, true, [0, 0, 0], flat, &[1, 3]),
        of(Bilinear, Reflection, false, [1, 0, 0], flat, &[2, 1]),
        of(Bicubic, Zeros, true, [0, 0, 0], flat, &[2, 2]),
        of(Bicubic, Zeros, false, [0, 1, 0], flat, &[1, 2]),
        of(Bicubic, Reflection, true, [0, 0, 0], &[2, 1, 2, 3], &[1, 2]),
        of(Nearest, Border, false, [0, 0, 0], flat, &[2, 2]),
        of(Bilinear, Zeros, true, [0, 0, 0], deep, &[1, 2, 1]),
        of(Bilinear, Reflection, true, [0, 0, 0], deep, &[1, 1, 2]),
        of(Bicubic, Zeros, false, [0, 0, 0], deep, &[1, 2, 1]),
        of(Bilinear, Zeros, false, [0, 0, 0], &[0, 2, 3, 2], &[1, 2]),
    ]
}
