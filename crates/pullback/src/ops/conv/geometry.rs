//! What PyTorch says of the arguments of windows: strides, paddings, dilations, groups, and whether a kernel fits.

use crate::core::fail::{bail, ensure, error};
use crate::{Result, Shape};
use pullback_array::kernels::{Sizes, Window};

/// Arguments as they were given: one number for all dimensions, or one for each.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// How far apart windows begin.
    pub stride: &'a [i64],
    /// Zeros on both sides.
    pub padding: &'a [i64],
    /// How far apart the kernel's elements are.
    pub dilation: &'a [i64],
    /// Into how many parts channels are divided.
    pub groups: i64,
}

impl Default for Steps<'_> {
    /// Neighbouring windows of neighbouring elements without zeros around, all channels together.
    fn default() -> Self {
        Steps {
            stride: &[1],
            padding: &[0],
            dilation: &[1],
            groups: 1,
        }
    }
}

/// One number for each of `dims` dimensions.
///
/// # Errors
/// PyTorch's sentence for another count.
pub(in crate::ops) fn each(what: &str, given: &[i64], dims: usize) -> Result<Vec<i64>> {
    match given.len() {
        1 => Ok(vec![given[0]; dims]),
        n if n == dims => Ok(given.to_vec()),
        _ => Err(error!(
            Shape,
            "expected {what} to be a single integer value or a list of {dims} values to match the convolution dimensions, but got {what}={given:?}"
        )),
    }
}

/// Sizes that may not be negative, at most what memory can index.
pub(in crate::ops) fn sizes(given: &[i64]) -> Sizes {
    given
        .iter()
        .map(|&n| usize::try_from(n).unwrap_or(0))
        .collect()
}

/// At least two numbers: to PyTorch one dimension is the second of two, of which the first says `first`.
fn two<T: Copy>(given: &[T], first: T) -> Vec<T> {
    match given {
        [one] => vec![first, *one],
        more => more.to_vec(),
    }
}

impl Steps<'_> {
    /// The window that they are.
    ///
    /// # Errors
    /// PyTorch's sentences for numbers that make none.
    pub(in crate::ops) fn window(&self, dims: usize) -> Result<Window> {
        let stride = each("stride", self.stride, dims)?;
        let padding = each("padding", self.padding, dims)?;
        let dilation = each("dilation", self.dilation, dims)?;
        if padding.iter().any(|&p| p < 0) {
            bail!(Shape, "negative padding is not supported");
        }
        if stride.iter().any(|&s| s <= 0) {
            bail!(Shape, "non-positive stride is not supported");
        }
        if dilation.iter().any(|&d| d <= 0) {
            bail!(
                Shape,
                "dilation should be greater than zero, but got {:?}",
                two(&dilation, 1)
            );
        }
        if self.groups <= 0 {
            bail!(Shape, "non-positive groups is not supported");
        }
        Ok(Window {
            stride: sizes(&stride),
            padding: sizes(&padding),
            dilation: sizes(&dilation),
            groups: usize::try_from(self.groups).unwrap_or(1),
        })
    }
}

/// `3 x 4`.
fn by(sizes: impl Iterator<Item = i128>) -> String {
    sizes.map(|n| n.to_string()).collect::<Vec<_>>().join(" x ")
}

/// Whether input, weight and bias fit together.
///
/// # Errors
/// PyTorch's sentences where they do not.
pub(in crate::ops) fn fits(
    x: &Shape,
    w: &Shape,
    bias: Option<&Shape>,
    how: &Window,
    transposed: bool,
) -> Result<()> {
    let groups = how.groups;
    if w[0] < groups {
        bail!(
            Shape,
            "Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {w} instead"
        );
    }
    ensure!(
        w[0].is_multiple_of(groups),
        Shape,
        "Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size [{w}] instead"
    );
    let (given, channels, out) = match transposed {
        false => (
            format!("groups={groups}"),
            w[1].saturating_mul(groups),
            w[0],
        ),
        true => (
            "transposed=1".to_string(),
            w[0],
            w[1].saturating_mul(groups),
        ),
    };
    ensure!(
        x[1] == channels,
        Shape,
        "Given {given}, weight of size {w}, expected input{x} to have {channels} channels, but got {} channels instead",
        x[1]
    );
    if let Some(bias) = bias
        && bias[..] != [out]
    {
        let given = if transposed {
            "Given transposed=1, weight"
        } else {
            "Given weight"
        };
        bail!(
            Shape,
            "{given} of size {w}, expected bias to be 1-dimensional with {out} elements, but got bias of size {bias} instead"
        );
    }
    if transposed {
        return Ok(());
    }
    let dims = 0..x.len() - 2;
    let reach = |d: usize| (w[2 + d] as i128 - 1) * how.dilation[d] as i128 + 1;
    let padded = |d: usize| x[2 + d] as i128 + 2 * how.padding[d] as i128;
    if dims.clone().any(|d| padded(d) < reach(d)) {
        bail!(
            Shape,
            "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size",
            by(dims.clone().map(padded)),
            by(dims.map(reach))
        );
    }
    Ok(())
}

/// The size of a transposed convolution's result.
///
/// # Errors
/// PyTorch's sentences for one that is empty, and for a padding of the result that no window reaches.
pub(in crate::ops) fn transposed_size(
    x: &[usize],
    kernel: &[usize],
    how: &Window,
    output_padding: &[i64],
) -> Result<Sizes> {
    let dims = x.len();
    let more = each("output_padding", output_padding, dims)?;
    if more.iter().any(|&p| p < 0) {
        bail!(Shape, "negative output_padding is not supported");
    }
    let unreached = |d: usize| {
        let p = more[d] as i128;
        p >= how.stride[d] as i128 && p >= how.dilation[d] as i128
    };
    if (0..dims).any(unreached) {
        let axes = &["depth", "height", "width"][3 - dims.max(2)..];
        let named = |what: &str, given: Vec<i128>| {
            let one = |(axis, n): (&&str, i128)| format!("{what}_{axis}: {n}");
            axes.iter()
                .zip(given)
                .map(one)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let wide = |sizes: &Sizes| sizes.iter().map(|&n| n as i128).collect::<Vec<_>>();
        let more: Vec<i128> = more.iter().map(|&n| i128::from(n)).collect();
        bail!(
            Shape,
            "output padding must be smaller than either stride or dilation, but got {} {} {}",
            named("output_padding", two(&more, 0)),
            named("stride", two(&wide(&how.stride), 1)),
            named("dilation", two(&wide(&how.dilation), 1))
        );
    }
    let size = |d: usize| {
        (x[d] as i128 - 1) * how.stride[d] as i128 - 2 * how.padding[d] as i128
            + how.dilation[d] as i128 * (kernel[d] as i128 - 1)
            + more[d] as i128
            + 1
    };
    if (0..dims).any(|d| size(d) < 1) {
        bail!(
            Shape,
            "Given input size per channel: ({}). Calculated output size per channel: ({}). Output size is too small",
            by(two(&x.iter().map(|&n| n as i128).collect::<Vec<_>>(), 1).into_iter()),
            by(two(&(0..dims).map(size).collect::<Vec<_>>(), 1).into_iter())
        );
    }
    (0..dims)
        .map(|d| usize::try_from(size(d)).map_err(|_| error!(Shape, "the result is too large")))
        .collect()
}
