//! Blocks of images as columns of a matrix, and columns added up to images: PyTorch's `unfold` and `fold`, each the transpose of the other.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::made::Made;
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::Sizes;
use crate::ops::common::gate::no_form;
use crate::{Array, DType, Result, Shape};
use pullback_array::{Element, Real, dispatch, kernels};
use std::borrow::Cow;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// How blocks lie in an image; one number for both dimensions, or one for each. The default is neighbouring blocks of neighbouring elements.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Blocks<'a> {
    /// A block's size.
    pub kernel: &'a [i64],
    /// How far apart a block's elements are.
    pub dilation: &'a [i64],
    /// Zeros on both sides.
    pub padding: &'a [i64],
    /// How far apart blocks begin.
    pub stride: &'a [i64],
}

impl<'a> Blocks<'a> {
    /// Blocks of this size, one for each element that has a whole one.
    pub const fn of(kernel: &'a [i64]) -> Blocks<'a> {
        Blocks {
            kernel,
            dilation: &[1],
            padding: &[0],
            stride: &[1],
        }
    }
}

/// Blocks along one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The dimension's size.
    pub size: usize,
    /// Elements of a block.
    pub kernel: usize,
    /// How far apart they are.
    pub dilation: usize,
    /// Zeros on both sides.
    pub padding: usize,
    /// How far apart blocks begin.
    pub stride: usize,
    /// How many blocks there are.
    pub count: usize,
}

impl Blocked {
    /// Where element `k` of block `i` lies, if inside.
    #[inline]
    fn place(&self, k: usize, i: usize) -> Option<usize> {
        let at = i * self.stride + k * self.dilation;
        at.checked_sub(self.padding).filter(|&at| at < self.size)
    }
}

/// Blocks of the last two dimensions as columns, or, transposed, columns added up to the last two dimensions.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Blocks along each of the two.
    pub by: [Blocked; 2],
    /// Whether it is the transpose.
    pub transposed: bool,
}
define! { Columns: Linear "columns", "torch.nn.functional.unfold";
    summary: "Blocks of an image as columns of a matrix; or the transpose: columns added up to an image.";
    formula: "y[n, c·k, i] = x[n, c, i·stride - padding + k·dilation]";
    derivative: "columns of g added up to the image, or blocks of g as columns";
    proof: { samples: samples }
}

impl Columns {
    /// Elements of a plane of the image, and of what it becomes.
    fn lengths(&self) -> (usize, usize) {
        let [h, w] = &self.by;
        let columns = [h.kernel, w.kernel, h.count, w.count];
        (
            h.size.saturating_mul(w.size),
            columns.iter().fold(1, |p: usize, &n| p.saturating_mul(n)),
        )
    }

    /// The shape of what is made of `x`.
    fn shape(&self, x: &Shape) -> Result<Shape> {
        let [h, w] = &self.by;
        let (kernel, blocks) = (
            h.kernel.saturating_mul(w.kernel),
            h.count.saturating_mul(w.count),
        );
        let wrong = || error!(Shape, "blocks {:?} do not fit a size of {x}", self.by);
        if self.transposed {
            let [front @ .., rows, columns] = &x[..] else {
                return Err(wrong());
            };
            let fits = *columns == blocks && kernel > 0 && rows.is_multiple_of(kernel);
            ensure!(
                fits,
                Shape,
                "blocks {:?} do not fit columns of size {x}",
                self.by
            );
            return Ok(Shape::new(
                &[front, &[rows / kernel, h.size, w.size]].concat(),
            ));
        }
        let [front @ .., channels, height, width] = &x[..] else {
            return Err(wrong());
        };
        match (*height, *width) == (h.size, w.size) {
            true => Ok(Shape::new(
                &[front, &[channels.saturating_mul(kernel), blocks]].concat(),
            )),
            false => Err(wrong()),
        }
    }

    /// Calls `f` for each run of blocks in a row of an image with their places in the columns and the block's element along the width.
    #[inline(always)]
    fn rows(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [h, w] = &self.by;
        for k in 0..h.kernel {
            for l in 0..w.kernel {
                for i in 0..h.count {
                    if let Some(row) = h.place(k, i) {
                        f(row, ((k * w.kernel + l) * h.count + i) * w.count, l);
                    }
                }
            }
        }
    }

    fn blocks<T: Element>(&self, plane: &[T], out: &mut [T]) {
        let w = &self.by[1];
        self.rows(|row, at, l| {
            let line = &plane[row * w.size..][..w.size];
            for (j, o) in out[at..][..w.count].iter_mut().enumerate() {
                if let Some(i) = w.place(l, j) {
                    *o = line[i];
                }
            }
        });
    }

    fn added<T: Element>(&self, columns: &[T], out: &mut [T], add: impl Fn(T, T) -> T) {
        let w = &self.by[1];
        self.rows(|row, at, l| {
            let line = &mut out[row * w.size..][..w.size];
            for (j, &x) in columns[at..][..w.count].iter().enumerate() {
                if let Some(i) = w.place(l, j) {
                    line[i] = add(line[i], x);
                }
            }
        });
    }

    fn sums<T: Real>(&self, x: &Array, shape: &Shape) -> Result<Array> {
        kernels::planes(x, shape, self.lengths().0, |from: &[T], out: &mut [T]| {
            self.added(from, out, |a, b| a + b);
        })
    }
}

impl Op for Columns {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.stacked(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (x, (plane, columns)) = (x[0], self.lengths());
        let shape = self.shape(x.shape())?;
        if !x.dtype().is_float() && x.dtype() != DType::Bool {
            let name = if self.transposed {
                "col2im_out_cpu"
            } else {
                "im2col_out_cpu"
            };
            return Err(no_form(name, x));
        }
        match (self.transposed, x.dtype()) {
            (true, DType::Bool) => {
                kernels::planes(x, &shape, plane, |from: &[bool], out: &mut [bool]| {
                    self.added(from, out, |a, b| a | b);
                })
            }
            (true, dtype) => {
                dispatch!(float dtype, T => self.sums::<T>(x, &shape), else Err(no_form("col2im_out_cpu", x)))
            }
            (false, dtype) => {
                dispatch!(dtype, T => kernels::planes(x, &shape, columns, |from: &[T], out: &mut [T]| self.blocks(from, out)))
            }
        }
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        let name = if self.transposed { "Col2Im" } else { "Im2Col" };
        Some(format!("{name}Backward0").into())
    }
}

impl rules::Linear for Columns {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let op = Columns {
            transposed: !self.transposed,
            ..self.clone()
        };
        apply_dyn(&op, &[g], cx.site())
    }
}

/// Arguments in the order of PyTorch's checks.
struct Given {
    kernel: [i64; 2],
    dilation: [i64; 2],
    padding: [i64; 2],
    stride: [i64; 2],
}

/// One number for both dimensions, or one for each.
fn pair(what: &str, given: &[i64]) -> Result<[i64; 2]> {
    match *given {
        [n] => Ok([n; 2]),
        [a, b] => Ok([a, b]),
        _ => Err(error!(
            Shape,
            "It is expected {what} equals to 2, but got size {}",
            given.len()
        )),
    }
}

/// `(3, 4)`.
fn both([a, b]: [i64; 2]) -> String {
    format!("({a}, {b})")
}

impl Given {
    fn of(how: &Blocks<'_>) -> Result<Given> {
        let given = Given {
            kernel: pair("kernel_size", how.kernel)?,
            dilation: pair("dilation", how.dilation)?,
            padding: pair("padding", how.padding)?,
            stride: pair("stride", how.stride)?,
        };
        let named = |what: &str, [h, w]: [i64; 2]| format!("{what}_height: {h} {what}_width: {w}");
        for (what, short, pair) in [
            ("kernel size", "kernel", given.kernel),
            ("dilation", "dilation", given.dilation),
        ] {
            if pair.iter().any(|&n| n <= 0) {
                bail!(
                    Shape,
                    "{what} should be greater than zero, but got {}",
                    named(short, pair)
                );
            }
        }
        if given.padding.iter().any(|&n| n < 0) {
            bail!(
                Shape,
                "padding should be non-negative, but got {}",
                named("pad", given.padding)
            );
        }
        if given.stride.iter().any(|&n| n <= 0) {
            bail!(
                Shape,
                "stride should be greater than zero, but got {}",
                named("stride", given.stride)
            );
        }
        Ok(given)
    }

    /// How many blocks there are along each dimension, as PyTorch counts them: none or fewer where none fits.
    fn counts(&self, size: [i64; 2]) -> [i128; 2] {
        [0, 1].map(|d| {
            let reach = i128::from(self.dilation[d]) * (i128::from(self.kernel[d]) - 1) + 1;
            let room = i128::from(size[d]) + 2 * i128::from(self.padding[d]) - reach;
            room.div_euclid(i128::from(self.stride[d])) + 1
        })
    }

    fn blocked(&self, size: [i64; 2]) -> Result<[Blocked; 2]> {
        let counts = self.counts(size);
        let whole =
            |n: i128| usize::try_from(n).map_err(|_| error!(Shape, "the result is too large"));
        let one = |d: usize| -> Result<Blocked> {
            Ok(Blocked {
                size: whole(size[d].into())?,
                kernel: whole(self.kernel[d].into())?,
                dilation: whole(self.dilation[d].into())?,
                padding: whole(self.padding[d].into())?,
                stride: whole(self.stride[d].into())?,
                count: whole(counts[d])?,
            })
        };
        Ok([one(0)?, one(1)?])
    }
}

/// Whether what follows the samples has elements, of which there may be none.
fn filled(x: &Tensor, rank: usize) -> bool {
    (x.ndim() == rank || x.ndim() == rank + 1)
        && x.shape().iter().skip(x.ndim() - rank).all(|&n| n > 0)
}

fn unfolded(x: &Tensor, how: &Blocks<'_>, site: Site) -> Result<Tensor> {
    let given = Given::of(how)?;
    let rank = x.ndim();
    if rank < 3 {
        let at = rank.min(2);
        bail!(
            Index,
            "Dimension out of range (expected to be in range of [-{0}, {1}], but got {at})",
            rank.max(1),
            rank.max(1) - 1
        );
    }
    ensure!(
        filled(x, 3),
        Shape,
        "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {}",
        x.shape()
    );
    let size = [x.shape()[rank - 2] as i64, x.shape()[rank - 1] as i64];
    let counts = given.counts(size);
    if counts.iter().any(|&n| n < 1) {
        bail!(
            Shape,
            "Given input with spatial size {}, kernel_size={}, dilation={}, padding={}, calculated shape of the array of sliding blocks as ({}, {}), but its components must be at least one.",
            both(size),
            both(given.kernel),
            both(given.dilation),
            both(given.padding),
            counts[0],
            counts[1]
        );
    }
    let op = Columns {
        by: given.blocked(size)?,
        transposed: false,
    };
    apply_dyn(&op, &[x], site)
}

fn folded(x: &Tensor, size: &[i64], how: &Blocks<'_>, site: Site) -> Result<Tensor> {
    let size = pair("output_size", size)?;
    let given = Given::of(how)?;
    ensure!(
        filled(x, 2),
        Shape,
        "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {}",
        x.shape()
    );
    let rank = x.ndim();
    let (rows, columns) = (x.shape()[rank - 2] as i128, x.shape()[rank - 1] as i128);
    let block = i128::from(given.kernel[0]) * i128::from(given.kernel[1]);
    // PyTorch counts dimensions with that of samples.
    ensure!(
        rows % block == 0,
        Shape,
        "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={rows} and kernel_size={}.",
        both(given.kernel)
    );
    let [h, w] = given.counts(size);
    let about = || {
        format!(
            "Given output_size={}, kernel_size={}, dilation={}, padding={}, stride={}, expected size of input's dimension 2 to match the calculated number of sliding blocks {h} * {w} = {}, but got input.size(2)={columns}.",
            both(size),
            both(given.kernel),
            both(given.dilation),
            both(given.padding),
            both(given.stride),
            h.saturating_mul(w)
        )
    };
    ensure!(
        columns == h.saturating_mul(w) && h > 0 && w > 0,
        Shape,
        "{}",
        about()
    );
    if size.iter().any(|&n| n < 1) {
        bail!(
            Shape,
            "Expected output spatial size to be positive, but got output_size={}",
            both(size)
        );
    }
    let op = Columns {
        by: given.blocked(size)?,
        transposed: true,
    };
    apply_dyn(&op, &[x], site)
}

impl Tensor {
    /// The blocks of an image (samples, channels, height, width) as columns: (samples, channels · block, blocks). PyTorch's
    /// `nn.functional.unfold`.
    ///
    /// The dimension of samples may be missing. Floating dtypes and bool.
    ///
    /// # Errors
    /// PyTorch's sentences for blocks that there are none of.
    ///
    /// ```
    /// # use pullback::{Blocks, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 2, 2])?;
    /// let y = x.image_blocks(Blocks::of(&[1, 2]))?;
    /// assert_eq!(y.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn image_blocks(&self, how: Blocks<'_>) -> Result<Tensor> {
        let site = Location::caller();
        let _called = pullback_array::Called::enter("unfold", Some(site));
        unfolded(self, &how, site)
    }

    /// Blocks in columns (samples, channels · block, blocks) added up to an image (samples, channels, height, width) of a size. PyTorch's
    /// `nn.functional.fold`.
    ///
    /// The dimension of samples may be missing. Floating dtypes and bool.
    ///
    /// # Errors
    /// PyTorch's sentences for columns that are no blocks of such an image.
    #[track_caller]
    pub fn fold(&self, output_size: impl Into<Sizes>, how: Blocks<'_>) -> Result<Tensor> {
        let output_size = output_size.into();
        let output_size = &output_size.0[..];
        let site = Location::caller();
        let _called = pullback_array::Called::enter("fold", Some(site));
        folded(self, output_size, &how, site)
    }
}

/// Blocks with gaps, steps and zeros around, both ways.
#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let of = |front: &[usize], size: [i64; 2], given: Given, transposed: bool| {
        let by = given.blocked(size).unwrap_or_else(|e| panic!("{e}"));
        let op = Columns { by, transposed };
        let last = match transposed {
            false => vec![by[0].size, by[1].size],
            true => vec![by[0].count * by[1].count],
        };
        let mut shape = [front, &last].concat();
        if transposed {
            shape[front.len() - 1] *= by[0].kernel * by[1].kernel;
        }
        let x: Vec<f64> = (0..shape.iter().product::<usize>())
            .map(|i| f64::from(((i * 7) % 23) as u8) / 4.0 - 2.0)
            .collect();
        Sample::new(op, &[(&shape, &x)])
    };
    let given = |kernel, dilation, padding, stride| Given {
        kernel,
        dilation,
        padding,
        stride,
    };
    [false, true]
        .into_iter()
        .flat_map(|back| {
            [
                of(&[1, 2], [3, 4], given([2, 2], [1, 1], [0, 0], [1, 1]), back),
                of(&[2], [4, 3], given([2, 1], [2, 1], [1, 0], [1, 2]), back),
                of(&[1, 1], [3, 3], given([3, 2], [1, 2], [1, 1], [2, 1]), back),
                of(&[0, 2], [2, 3], given([1, 2], [1, 1], [0, 0], [1, 1]), back),
            ]
        })
        .collect()
}
