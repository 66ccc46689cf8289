//! Pooling by windows at random distances: PyTorch's `fractional_max_pool2d` and `fractional_max_pool3d`. Where the largest elements are is
//! found by an operation of its own, since every plane has its own windows; picking them is what `pool` does.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::entered;
use crate::ops::common::gate::no_form;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::random::tensors::rand;
use crate::{Array, Result, Shape};
use pullback_array::kernels::{self, Sizes};
use pullback_array::{Real, dispatch, filled};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Where the largest element of each window lies in its plane; windows begin where random numbers (samples, channels, dimensions) say.
#[derive(Clone, Debug)]
pub struct FractionalPoolAt {
    /// Sizes of a window.
    pub kernel: Sizes,
    /// How many windows there are along each dimension.
    pub counts: Sizes,
}
define! { FractionalPoolAt: Cut "fractional_pool_at", "torch.nn.functional.fractional_max_pool2d";
    summary: "Where the largest element of each window lies in its plane, of windows at random distances.";
    formula: "arg max over the window of x";
    derivative: "none";
    proof: { samples: samples }
}

impl FractionalPoolAt {
    fn dims(&self) -> usize {
        self.kernel.len()
    }

    /// Where windows along dimension `d` of size `n` begin, for the random number `u`.
    fn starts<T: Real>(&self, d: usize, n: usize, u: T, into: &mut [usize]) {
        let (count, last) = (self.counts[d], n - self.kernel[d].min(n));
        if count > 1 {
            let step = T::from_i64(last as i64) / T::from_i64(count as i64 - 1);
            let first = (u * step).to_i64();
            for (i, start) in into[..count - 1].iter_mut().enumerate() {
                let at = ((T::from_i64(i as i64) + u) * step)
                    .to_i64()
                    .saturating_sub(first);
                *start = usize::try_from(at).unwrap_or(0).min(last);
            }
        }
        if count > 0 {
            into[count - 1] = last;
        }
    }

    fn found<T: Real>(&self, x: &Array, samples: &Array, shape: &Shape) -> Result<Array> {
        let (dims, random) = (self.dims(), samples.numbers::<T>()?);
        let size = Sizes::from_slice(&x.shape()[x.rank() - dims..]);
        let most = self.counts.iter().copied().max().unwrap_or(0);
        // Asked for here, where a lack of memory is an error and no panic.
        drop(filled(most.saturating_mul(dims), 0usize)?);
        let to = self.counts.iter().product();
        kernels::planes_numbered(x, shape, to, |k, plane: &[T], out: &mut [i64]| {
            let mut starts = vec![0usize; most * dims];
            for d in 0..dims {
                // In two dimensions the first number is the width's.
                let at = if dims == 2 { 1 - d } else { d };
                let u = random[k * dims + at];
                self.starts(d, size[d], u, &mut starts[d * most..][..most]);
            }
            for (number, out) in out.iter_mut().enumerate() {
                let mut rest = number;
                let mut first: Sizes = Sizes::from_elem(0, dims);
                for d in (0..dims).rev() {
                    first[d] = starts[d * most + rest % self.counts[d]];
                    rest /= self.counts[d];
                }
                *out = self.largest(plane, &size, &first);
            }
        })
    }

    /// The largest element of the window that begins at `first`: the first of equals, of several NaN the last.
    fn largest<T: Real>(&self, plane: &[T], size: &Sizes, first: &Sizes) -> i64 {
        let (mut best, mut value) = (None, T::ZERO);
        let mut at = Sizes::from_elem(0, self.dims());
        for _ in 0..self.kernel.iter().product() {
            let place = (0..self.dims()).fold(0, |p, d| p * size[d] + first[d] + at[d]);
            let x = plane[place];
            #[allow(clippy::eq_op)] // NaN alone differs from itself
            if best.is_none() || x > value || x != x {
                (best, value) = (Some(place), x);
            }
            for d in (0..self.dims()).rev() {
                at[d] += 1;
                if at[d] < self.kernel[d] {
                    break;
                }
                at[d] = 0;
            }
        }
        best.map_or(0, |i| i as i64)
    }
}

impl Op for FractionalPoolAt {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.stacked(self)
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (image, samples) = (x[0], x[1]);
        let front = &image.shape()[..image.rank() - self.dims()];
        let shape = Shape::new(&[front, &self.counts[..]].concat());
        if unnumbered(x) {
            return inferred(shape, crate::DType::I64);
        }
        let name = format!("fractional_max_pool{}d_out_frame", self.dims());
        dispatch!(float image.dtype(), T => self.found::<T>(image, samples, &shape), else Err(no_form(&name, image)))
    }
}

/// How PyTorch says that kernel and image do not fit.
struct Words {
    name: &'static str,
    /// The name that its checks bear.
    checks: &'static str,
    axes: &'static [&'static str],
}

const WORDS: [Words; 2] = [
    Words {
        name: "fractional_max_pool2d",
        checks: "fractional_max_pool2d",
        axes: &["height", "width"],
    },
    Words {
        name: "fractional_max_pool3d",
        checks: "fractional_max_pool3d_out",
        axes: &["time", "height", "width"],
    },
];

/// One number for each dimension.
fn each(words: &Words, what: &str, given: &[i64]) -> Result<Vec<i64>> {
    let dims = words.axes.len();
    match given.len() {
        1 => Ok(vec![given[0]; dims]),
        n if n == dims => Ok(given.to_vec()),
        _ => Err(error!(
            Shape,
            "{}: {what} must either be a single Int or tuple of {}Ints",
            words.name,
            if dims == 3 { "three " } else { "" }
        )),
    }
}

/// Errors where the random numbers are not (samples, channels, dimensions) of the input's dtype.
fn drawn(x: &Tensor, samples: &Tensor, dims: usize) -> Result<()> {
    ensure!(
        samples.dtype() == x.dtype(),
        DType,
        "Expect _random_samples to have the same dtype as input"
    );
    ensure!(
        samples.ndim() == 3,
        Shape,
        "Expect _random_samples to have 3 dimensions, got {}",
        samples.ndim()
    );
    let channels = x.shape()[x.ndim() - dims - 1];
    let many = match x.ndim() == dims + 2 {
        true => x.shape()[0],
        false => 1,
    };
    ensure!(
        samples.shape()[0] >= many,
        Shape,
        "Expect _random_samples.size(0) no less then input batch size."
    );
    ensure!(
        samples.shape()[1] == channels,
        Shape,
        "Expect _random_samples.size(1) equals to input channel size."
    );
    ensure!(
        samples.shape()[2] == dims,
        Shape,
        "Expect _random_samples.size(2) equals to {dims}; got {}.",
        samples.shape()[2]
    );
    Ok(())
}

fn fractional(
    x: &Tensor,
    (kernel, counts): (&[i64], &[i64]),
    samples: Option<&Tensor>,
    words: &Words,
    site: Site,
) -> Result<(Tensor, Tensor)> {
    let dims = words.axes.len();
    if x.ndim() < dims + 1 {
        bail!(
            Index,
            "Dimension out of range (expected to be in range of [-{0}, {1}], but got -{2})",
            x.ndim().max(1),
            x.ndim().max(1) - 1,
            dims + 1
        );
    }
    ensure!(
        x.ndim() <= dims + 2,
        Shape,
        "{}(): Expected {}D or {}D tensor, but got: {}",
        words.checks,
        dims + 1,
        dims + 2,
        x.shape()
    );
    let front = &x.shape()[..x.ndim() - dims];
    let fresh = match samples {
        Some(_) => None,
        None => {
            let many = if front.len() == 2 { front[0] } else { 1 };
            let channels = front[front.len() - 1];
            Some(rand([many, channels, dims], x.dtype())?)
        }
    };
    let samples = samples.or(fresh.as_ref()).unwrap_or(x);
    let kernel = each(words, "kernel_size", kernel)?;
    let counts = each(words, "output_size", counts)?;
    if kernel.iter().any(|&k| k <= 0) {
        let words_of: Vec<String> = kernel.iter().map(i64::to_string).collect();
        bail!(
            Shape,
            "{}(): kernel size should be greater than zero, but got {}",
            words.name,
            words_of.join("x")
        );
    }
    if let Some(d) = (usize::from(front.len() == 2)..x.ndim()).find(|&d| x.shape()[d] == 0) {
        bail!(
            Shape,
            "{}(): Expected input to have non-zero size for non-batch dimensions, but got{} with dimension {d} being empty.",
            words.checks,
            x.shape()
        );
    }
    for (d, axis) in words.axes.iter().enumerate() {
        let n = x.shape()[x.ndim() - dims + d];
        // In three dimensions one more element is asked for.
        let spare = i128::from(dims == 3);
        if i128::from(counts[d]) + i128::from(kernel[d]) - 1 + spare > n as i128 {
            bail!(
                Shape,
                "{}(): pool {axis} {} too large relative to input {axis} {n}",
                words.checks,
                kernel[d]
            );
        }
        ensure!(
            counts[d] >= 0,
            Shape,
            "Trying to create tensor with negative dimension {}: {counts:?}",
            counts[d]
        );
    }
    drawn(x, samples, dims)?;
    let sizes = |given: &[i64]| -> Sizes {
        given
            .iter()
            .map(|&n| usize::try_from(n).unwrap_or(0))
            .collect()
    };
    let op = FractionalPoolAt {
        kernel: sizes(&kernel),
        counts: sizes(&counts),
    };
    let many: usize = op.counts.iter().product();
    let at = apply_dyn(&op, &[x, samples], site)?;
    let plane = x.shape()[front.len()..].iter().product();
    let flat = |t: &Tensor, last: usize| t.reshape(&[front, &[last]].concat()[..]);
    let picked = flat(&entered(x, words.name, site)?, plane)?.gather(-1, &flat(&at, many)?)?;
    Ok((picked.reshape(at.shape())?, at))
}

macro_rules! fractionals {
    ($($name:ident $at:literal $dims:literal;)*) => {
        #[pullback_macros::called]
        impl Tensor {
            $(
            #[doc = concat!("The largest element of each of as many windows over the last ", $dims, " dimensions as are asked for, and where it lies in its plane; windows begin at random distances. PyTorch's `", stringify!($name), "`.")]
            ///
            #[doc = concat!("`samples` (samples, channels, ", $dims, ") are numbers from 0 to 1 that say where; else they are drawn from the default generator.")]
            ///
            /// # Errors
            /// PyTorch's sentences for windows that do not fit.
            #[track_caller]
            pub fn $name(&self, kernel: &[i64], output_size: &[i64], samples: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
                fractional(self, (kernel, output_size), samples, &WORDS[$at], Location::caller())
            })*
        }
    };
}

fractionals! {
    fractional_max_pool2d 0 2;
    fractional_max_pool3d 1 3;
}

/// Windows that overlap and that leave gaps, in two and three dimensions.
#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let of = |x: &[usize], kernel: &[usize], counts: &[usize]| {
        let dims = kernel.len();
        let front = &x[..x.len() - dims];
        let many = if front.len() == 2 { front[0] } else { 1 };
        let random = [many, front[front.len() - 1], dims];
        let numbers = |n: usize, by: f64| -> Vec<f64> {
            (0..n)
                .map(|i| f64::from(((i * 7) % 23) as u8) / by)
                .collect()
        };
        let op = FractionalPoolAt {
            kernel: Sizes::from_slice(kernel),
            counts: Sizes::from_slice(counts),
        };
        let (image, u) = (
            numbers(x.iter().product(), 4.0),
            numbers(random.iter().product(), 23.0),
        );
        Sample::new(op, &[(x, &image), (&random, &u)])
    };
    vec![
        of(&[1, 2, 5, 4], &[2, 2], &[3, 2]),
        of(&[2, 5, 5], &[3, 1], &[2, 4]),
        of(&[1, 1, 4, 3, 4], &[2, 1, 2], &[2, 2, 3]),
        of(&[0, 1, 4, 4], &[2, 2], &[2, 2]),
        of(&[1, 3, 3], &[3, 3], &[1, 1]),
    ]
}
