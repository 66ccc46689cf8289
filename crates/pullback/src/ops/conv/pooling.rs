//! Pooling as methods: PyTorch's `max_pool1d` to `max_pool3d`, `avg_pool1d` to `avg_pool3d`, and their adaptive forms.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::conv::pool::{AvgPool, Span, Windows};
use crate::ops::conv::pool_checks::{Steps, alone, asked_for, each, ranked, together, too_small};
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

impl Pool<'_> {
    /// The numbers of each of `dims` dimensions.
    fn steps(&self, name: &str, dims: usize) -> Result<Vec<Steps>> {
        let kernel = each(name, "kernel_size", self.kernel, dims)?;
        let stride = match self.stride {
            Some(stride) => each(name, "stride", stride, dims)?,
            None => kernel.clone(),
        };
        let padding = each(name, "padding", self.padding, dims)?;
        let dilation = each(name, "dilation", self.dilation, dims)?;
        Ok((0..dims)
            .map(|d| Steps {
                kernel: kernel[d],
                stride: stride[d],
                padding: padding[d],
                dilation: dilation[d],
            })
            .collect())
    }

    /// The windows over the last `dims` dimensions of `x`.
    fn windows(&self, name: &str, x: &Tensor, dims: usize) -> Result<Windows> {
        let rank = x.ndim() == dims + 1 || x.ndim() == dims + 2;
        if dims == 1 && (!rank || name == "max_pool1d") {
            ranked(name, x, dims)?;
        }
        let steps = self.steps(name, dims)?;
        if !rank {
            ranked(name, x, dims)?;
        }
        ensure!(
            self.divisor_override != Some(0),
            Shape,
            "divisor must be not zero"
        );
        match name {
            "max_pool1d" => alone(&steps[0])?,
            _ => together(&steps)?,
        }
        ranked(name, x, dims)?;
        let shape = x.shape();
        let size: Vec<i128> = shape[x.ndim() - dims..]
            .iter()
            .map(|&n| n as i128)
            .collect();
        let mut counts = Vec::new();
        for d in 0..dims {
            let Steps {
                kernel: k,
                stride: s,
                padding: p,
                dilation: l,
            } = steps[d];
            let room = size[d] + 2 * p - l * (k - 1) - 1 + if self.ceil_mode { s - 1 } else { 0 };
            let mut n = room.div_euclid(s) + 1;
            // The last window has to begin inside of the dimension or of the padding before it.
            if self.ceil_mode && (n - 1) * s >= size[d] + p {
                n -= 1;
            }
            counts.push(n);
        }
        if counts.iter().any(|&n| n < 1) {
            let kernel: Vec<i128> = steps.iter().map(|s| s.kernel).collect();
            return Err(too_small(name, shape, (&size, &counts), &kernel));
        }
        let count =
            |n: &i128| usize::try_from(*n).map_err(|_| error!(Shape, "the result is too large"));
        let counts: Vec<usize> = counts.iter().map(count).collect::<Result<_>>()?;
        Windows::new(
            Sizes::from_slice(&shape[x.ndim() - dims..]),
            &counts,
            |d, i| {
                let (k, n, l) = (steps[d].kernel, size[d], steps[d].dilation);
                let begin = i as i128 * steps[d].stride - steps[d].padding;
                // The first element inside, a multiple of the dilation on.
                let start = if begin < 0 {
                    begin + (-begin + l - 1) / l * l
                } else {
                    begin
                };
                let (end, reach) = (
                    (begin + (k - 1) * l + 1).min(n),
                    (begin + k).min(n + steps[d].padding),
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

fn largest(
    x: &Tensor,
    pool: Pool<'_>,
    dims: usize,
    name: &'static str,
    site: Site,
) -> Result<(Tensor, Tensor)> {
    x.max_pooled(pool.windows(name, x, dims)?, site)
}

fn means(
    x: &Tensor,
    pool: Pool<'_>,
    dims: usize,
    name: &'static str,
    site: Site,
) -> Result<Tensor> {
    let op = AvgPool {
        windows: pool.windows(name, x, dims)?,
        divisor: pool.divisor_override,
        outside: pool.count_include_pad,
        transposed: false,
    };
    apply_dyn(&op, &[x], site)
}

/// As many windows as are asked for, of nearly equal lengths.
fn adapted(name: &str, x: &Tensor, asked: &[i64], dims: usize) -> Result<Windows> {
    let (low, high) = (dims + 1, dims + 2);
    let largest = name.starts_with("adaptive_max");
    // To PyTorch's means, one dimension is the second of two.
    let of_two = |list: &[i64], at: usize| {
        let mut all = list.to_vec();
        if dims == 1 {
            all.insert(at, 1);
        }
        all
    };
    let sizes: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
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
                    if largest { ":" } else { "" },
                    x.shape()
                ),
            }
        );
    }
    let counts = asked_for(name, asked, dims)?;
    if !largest && counts.iter().any(|&n| n < 0) {
        let all: Vec<String> = (of_two(&counts, 0).iter()).map(i64::to_string).collect();
        bail!(
            Shape,
            "adaptive_avg_pool{}d: elements of output_size must be greater than or equal to 0 but received {{{}}}",
            dims.max(2),
            match &all[..] {
                // PyTorch leaves a blank out.
                [t, h, w] => format!("{t}, {h},{w}"),
                all => all.join(", "),
            }
        );
    }
    let size = Sizes::from_slice(&x.shape()[x.ndim() - dims..]);
    // Means of no channels are nothing.
    let first = match largest || dims == 3 {
        true => 1,
        false => x.ndim() - dims,
    };
    if let Some(d) = (first..x.ndim()).find(|&d| x.shape()[d] == 0) {
        let (name, sizes, d) = match (dims, largest) {
            (1, false) => ("adaptive_avg_pool2d", of_two(&sizes, x.ndim() - 1), d + 1),
            _ => (name, sizes, d),
        };
        bail!(
            Shape,
            "{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {sizes:?} with dimension {d} being empty"
        );
    }
    if let Some(n) = counts.iter().find(|&&n| n < 0) {
        let mut all = sizes[..x.ndim() - dims].to_vec();
        all.extend(of_two(&counts, 0));
        bail!(
            Shape,
            "Trying to create tensor with negative dimension {n}: {all:?}"
        );
    }
    let counts: Vec<usize> = counts.iter().map(|&n| n as usize).collect();
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

            #[doc = concat!("As [`Tensor::", stringify!($max), "`], with as many windows as are asked for.")]
            ///
            /// # Errors
            /// For an input without elements or of another number of dimensions.
            #[track_caller]
            pub fn $adaptive_max(&self, output_size: &[i64]) -> Result<(Tensor, Tensor)> {
                let (site, name) = (Location::caller(), stringify!($adaptive_max));
                adapted(name, self, output_size, $dims)
                    .and_then(|windows| self.max_pooled(windows, site))
            }

            #[doc = concat!("As [`Tensor::", stringify!($avg), "`], with as many windows as are asked for.")]
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
