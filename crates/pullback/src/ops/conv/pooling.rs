//! Pooling as methods: PyTorch's `max_pool1d` to `max_pool3d`, `avg_pool1d` to `avg_pool3d`, and their adaptive forms.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::conv::pool::{AvgPool, Span, Windows};
use crate::{Error, Result, Shape};
use pullback_array::kernels::Sizes;
use std::panic::Location;

/// The windows of a pooling: one number for all dimensions, or one for each. Built with [`Pool::of`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pool<'a> {
    /// Sizes of a window.
    pub kernel: &'a [i64],
    /// How far apart windows begin; as far as they are long, without it.
    pub stride: Option<&'a [i64]>,
    /// Elements on both sides that count for nothing, or for zeros in means.
    pub padding: &'a [i64],
    /// How far apart a window's elements are; of largest elements only.
    pub dilation: &'a [i64],
    /// Whether a last window that is not whole counts.
    pub ceil_mode: bool,
    /// Of means: whether the zeros around count.
    pub count_include_pad: bool,
    /// Of means: by what every sum is divided.
    pub divisor_override: Option<i64>,
}

setters!(['a] Pool<'a> {
    stride: Option<&'a [i64]>,
    padding: &'a [i64],
    dilation: &'a [i64],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<i64>,
});

impl<'a> Pool<'a> {
    /// Windows of these sizes, side by side.
    pub const fn of(kernel: &'a [i64]) -> Pool<'a> {
        Pool {
            kernel,
            stride: None,
            padding: &[0],
            dilation: &[1],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

/// `3x4`.
fn times(sizes: impl Iterator<Item = i128>) -> String {
    sizes.map(|n| n.to_string()).collect::<Vec<_>>().join("x")
}

/// One number for each dimension.
fn each(name: &str, what: &str, given: &[i64], dims: usize) -> Result<Vec<i128>> {
    let words = ["", "", "two ints", "three ints"];
    match given.len() {
        1 => Ok(vec![i128::from(given[0]); dims]),
        n if n == dims => Ok(given.iter().map(|&n| i128::from(n)).collect()),
        _ => Err(error!(
            Shape,
            "{}",
            match (dims, what) {
                (1, _) => format!("{name}() {what} should contain one int, but got {given:?}"),
                (_, "stride") => format!(
                    "{name}: stride must either be omitted, a single int, or a tuple of {}",
                    words[dims]
                ),
                _ => format!(
                    "{name}: {what} must either be a single int, or a tuple of {}",
                    words[dims]
                ),
            }
        )),
    }
}

impl Pool<'_> {
    /// The windows over the last `dims` dimensions of `x`.
    fn windows(&self, name: &str, x: &Tensor, dims: usize) -> Result<Windows> {
        let kernel = each(name, "kernel_size", self.kernel, dims)?;
        let stride = match self.stride {
            Some(stride) => each(name, "stride", stride, dims)?,
            None => kernel.clone(),
        };
        let padding = each(name, "padding", self.padding, dims)?;
        let dilation = each(name, "dilation", self.dilation, dims)?;
        let shape = x.shape();
        let size: Vec<i128> = shape[x.ndim() - dims..]
            .iter()
            .map(|&n| n as i128)
            .collect();
        let mut counts = Vec::new();
        for d in 0..dims {
            let (k, s, p, l) = (kernel[d], stride[d], padding[d], dilation[d]);
            steps(name, (k, s, p, l))?;
            let room = size[d] + 2 * p - l * (k - 1) - 1 + if self.ceil_mode { s - 1 } else { 0 };
            let mut n = room.div_euclid(s) + 1;
            // The last window has to begin inside of the dimension or of the padding before it.
            if self.ceil_mode && (n - 1) * s >= size[d] + p {
                n -= 1;
            }
            counts.push(n);
        }
        if counts.iter().any(|&n| n < 1) {
            return Err(too_small(name, shape, (&size, &counts), &kernel));
        }
        let count =
            |n: &i128| usize::try_from(*n).map_err(|_| error!(Shape, "the result is too large"));
        let counts: Vec<usize> = counts.iter().map(count).collect::<Result<_>>()?;
        Windows::new(
            Sizes::from_slice(&shape[x.ndim() - dims..]),
            &counts,
            |d, i| {
                let (k, n, l) = (kernel[d], size[d], dilation[d]);
                let begin = i as i128 * stride[d] - padding[d];
                // The first element inside, a multiple of the dilation on.
                let start = if begin < 0 {
                    begin + (-begin + l - 1) / l * l
                } else {
                    begin
                };
                let (end, reach) = (
                    (begin + (k - 1) * l + 1).min(n),
                    (begin + k).min(n + padding[d]),
                );
                let at = |x: i128| usize::try_from(x.clamp(0, n)).unwrap_or(0);
                Span {
                    start: at(start),
                    end: at(end),
                    step: usize::try_from(l).unwrap_or(1),
                    full: usize::try_from(reach - begin).unwrap_or(0),
                }
            },
        )
    }
}

/// Errors unless kernel, stride, padding and dilation of a dimension make windows.
fn steps(name: &str, (k, s, p, l): (i128, i128, i128, i128)) -> Result<()> {
    if name == "max_pool1d" && k <= 0 {
        bail!(
            Shape,
            "max_pool1d() kernel_size must be greater than zero, but got {k}"
        );
    }
    ensure!(s != 0, Shape, "stride should not be zero");
    if p < 0 {
        bail!(Shape, "pad must be non-negative, but got pad: {p}");
    }
    if p > ((k - 1) * l + 1).div_euclid(2) {
        ensure!(
            name != "max_pool1d",
            Shape,
            "max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={k}"
        );
        bail!(
            Shape,
            "pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={l}"
        );
    }
    if k <= 0 || s < 0 || l <= 0 {
        bail!(
            Shape,
            "kernel size, stride and dilation should be greater than zero, but got kernel_size={k}, stride={s} and dilation={l}"
        );
    }
    Ok(())
}

/// The error for windows that do not fit, in the words of the function that was called.
fn too_small(
    name: &str,
    shape: &Shape,
    (size, counts): (&[i128], &[i128]),
    kernel: &[i128],
) -> Error {
    let planes = shape[shape.len() - size.len() - 1] as i128;
    // To PyTorch's means, one dimension is the second of two.
    let front: &[i128] = if size.len() == 1 {
        &[planes, 1]
    } else {
        &[planes]
    };
    let all = |last: &[i128]| times(front.iter().chain(last).copied());
    error!(
        Shape,
        "{}",
        match (name, size, kernel) {
            ("max_pool1d", ..) =>
                format!("max_pool1d() Invalid computed output size: {}", counts[0]),
            ("avg_pool3d", [t, h, w], [kt, kh, kw]) => format!(
                "input image (T: {t} H: {h} W: {w}) smaller than kernel size (kT: {kt} kH: {kh} kW: {kw})"
            ),
            _ => format!(
                "Given input size: ({}). Calculated output size: ({}). Output size is too small",
                all(size),
                all(counts)
            ),
        }
    )
}

/// Errors where the input has not so many dimensions, or an empty one that is not the samples'.
fn ranked(name: &str, x: &Tensor, dims: usize) -> Result<()> {
    let (low, high) = (dims + 1, dims + 2);
    let rank = x.ndim() == low || x.ndim() == high;
    let empty = x
        .shape()
        .iter()
        .skip(usize::from(x.ndim() == high))
        .any(|&n| n == 0);
    match rank && !empty {
        true => Ok(()),
        false => Err(error!(
            Shape,
            "{}",
            match (name.starts_with("max"), dims) {
                (true, 1) => format!(
                    "{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{}",
                    x.shape()
                ),
                (_, _) if !rank => {
                    format!("non-empty {low}D or {high}D (batch mode) tensor expected for input")
                }
                _ => format!(
                    "Expected {low}D or {high}D (batch mode) tensor with optional 0 dim batch size for input, but got:{}",
                    x.shape()
                ),
            }
        )),
    }
}

fn largest(
    x: &Tensor,
    pool: Pool<'_>,
    dims: usize,
    name: &'static str,
    site: Site,
) -> Result<(Tensor, Tensor)> {
    ranked(name, x, dims)?;
    x.max_pooled(pool.windows(name, x, dims)?, site)
}

fn means(
    x: &Tensor,
    pool: Pool<'_>,
    dims: usize,
    name: &'static str,
    site: Site,
) -> Result<Tensor> {
    ranked(name, x, dims)?;
    ensure!(
        pool.divisor_override != Some(0),
        Shape,
        "divisor must be not zero"
    );
    let op = AvgPool {
        windows: pool.windows(name, x, dims)?,
        divisor: pool.divisor_override,
        outside: pool.count_include_pad,
        transposed: false,
    };
    apply_dyn(&op, &[x], site)
}

/// As many windows as are asked for, of nearly equal lengths; a negative number leaves a dimension as it is.
fn adapted(name: &str, x: &Tensor, asked: &[i64], dims: usize) -> Result<Windows> {
    let (low, high) = (dims + 1, dims + 2);
    if x.ndim() != low && x.ndim() != high {
        bail!(
            Shape,
            "{}",
            match dims {
                1 => format!(
                    "Expected {low} to {high} dimensions, but got {}-dimensional tensor for argument #1 'self' (while checking arguments for {name})",
                    x.ndim()
                ),
                _ => format!(
                    "{name}(): Expected {low}D or {high}D tensor, but got{} {}",
                    if name.starts_with("adaptive_max") {
                        ":"
                    } else {
                        ""
                    },
                    x.shape()
                ),
            }
        );
    }
    let size = Sizes::from_slice(&x.shape()[x.ndim() - dims..]);
    if size.contains(&0) {
        bail!(
            Shape,
            "{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {}",
            x.shape()
        );
    }
    let counts: Vec<usize> = match asked.len() {
        1 => vec![asked[0]; dims],
        n if n == dims => asked.to_vec(),
        _ => {
            bail!(Value, "{name}(): output_size must be {dims}");
        }
    }
    .iter()
    .zip(&size)
    .map(|(&n, &same)| usize::try_from(n).unwrap_or(same))
    .collect();
    Windows::new(size.clone(), &counts, |d, i| {
        let (n, m) = (size[d] as u128, counts[d] as u128);
        let (start, end) = (i as u128 * n / m, ((i as u128 + 1) * n).div_ceil(m));
        let (start, end) = (start as usize, end as usize);
        Span {
            start,
            end,
            step: 1,
            full: end - start,
        }
    })
}

macro_rules! pools {
    ($($max:ident $avg:ident $adaptive_max:ident $adaptive_avg:ident $dims:literal;)*) => {
        #[pullback_macros::called]
        impl Tensor {
            $(
            #[doc = concat!("The largest element of each window of the last ", $dims, " dimensions, and where it lies in its plane. PyTorch's `", stringify!($max), "`.")]
            ///
            /// Of equal elements the first counts; NaN wins.
            ///
            /// # Errors
            /// PyTorch's sentences for windows that there are none of.
            #[track_caller]
            pub fn $max(&self, pool: Pool<'_>) -> Result<(Tensor, Tensor)> {
                largest(self, pool, $dims, stringify!($max), Location::caller())
            }

            #[doc = concat!("The mean of each window of the last ", $dims, " dimensions. PyTorch's `", stringify!($avg), "`.")]
            ///
            /// # Errors
            /// PyTorch's sentences for windows that there are none of.
            #[track_caller]
            pub fn $avg(&self, pool: Pool<'_>) -> Result<Tensor> {
                means(self, pool, $dims, stringify!($avg), Location::caller())
            }

            #[doc = concat!("As [`Tensor::", stringify!($max), "`], with as many windows as are asked for; a negative number leaves a dimension as it is.")]
            ///
            /// # Errors
            /// For an input without elements or of another number of dimensions.
            #[track_caller]
            pub fn $adaptive_max(&self, output_size: &[i64]) -> Result<(Tensor, Tensor)> {
                let (site, name) = (Location::caller(), stringify!($adaptive_max));
                adapted(name, self, output_size, $dims)
                    .and_then(|windows| self.max_pooled(windows, site))
            }

            #[doc = concat!("As [`Tensor::", stringify!($avg), "`], with as many windows as are asked for; a negative number leaves a dimension as it is.")]
            ///
            /// # Errors
            /// For an input without elements or of another number of dimensions.
            #[track_caller]
            pub fn $adaptive_avg(&self, output_size: &[i64]) -> Result<Tensor> {
                let (site, name) = (Location::caller(), stringify!($adaptive_avg));
                    let windows = adapted(name, self, output_size, $dims)?;
                    let op = AvgPool { windows, divisor: None, outside: false, transposed: false };
                    apply_dyn(&op, &[self], site)
            })*
        }
    };
}

pools! {
    max_pool1d avg_pool1d adaptive_max_pool1d adaptive_avg_pool1d 1;
    max_pool2d avg_pool2d adaptive_max_pool2d adaptive_avg_pool2d 2;
    max_pool3d avg_pool3d adaptive_max_pool3d adaptive_avg_pool3d 3;
}
