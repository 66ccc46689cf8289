//! Pooling: largest elements, means and norms of windows.

use super::each::{Each, Target};
use super::macros::{builder, layer};
use super::repr::{Repr, float, python};
use crate::core::fail::ensure;
use crate::{Pool, Result, Tensor, module};

/// Calls the method of the dimensions' number.
macro_rules! by_dims {
    ($d:expr, $x:expr, [$one:ident $two:ident $three:ident], $($arg:expr),*) => {
        match $d {
            1 => $x.$one($($arg),*),
            2 => $x.$two($($arg),*),
            _ => $x.$three($($arg),*),
        }
    };
}

/// Errors for other than one to three dimensions, of which there are windows.
pub(super) fn windows(dims: usize) -> Result<()> {
    ensure!(
        (1..=3).contains(&dims),
        Value,
        "windows go over one to three dimensions, not {dims}"
    );
    Ok(())
}

/// The largest element of each window of the last `D` dimensions. PyTorch's `nn.MaxPool1d` to `nn.MaxPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool<const D: usize> {
    kernel_size: Each<D>,
    stride: Option<Each<D>>,
    padding: Each<D>,
    dilation: Each<D>,
    ceil_mode: bool,
}

/// The largest element of windows over one dimension.
pub type MaxPool1d = MaxPool<1>;
/// The largest element of windows over two dimensions.
pub type MaxPool2d = MaxPool<2>;
/// The largest element of windows over three dimensions.
pub type MaxPool3d = MaxPool<3>;

builder! {
    /// How a [`MaxPool`] is made.
    MaxPoolBuilder [const D: usize] [D] for MaxPool<D>;
    (; kernel_size: Each<D>);
    {
        /// Whether a last window that is not whole counts.
        ceil_mode: bool = false,
    } into {
        /// How far apart windows begin; as far as they are long without it.
        stride: Option<Each<D>> = None,
        /// Elements on both sides that count for nothing.
        padding: Each<D> = 0.into(),
        /// How far apart a window's elements are.
        dilation: Each<D> = 1.into(),
    }
}

impl<const D: usize> MaxPoolBuilder<D> {
    /// Makes the layer.
    ///
    /// # Errors
    /// For other than one to three dimensions.
    pub fn build(self) -> Result<MaxPool<D>> {
        windows(D)?;
        Ok(MaxPool {
            kernel_size: self.kernel_size,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            ceil_mode: self.ceil_mode,
        })
    }
}

impl<const D: usize> MaxPool<D> {
    /// The largest elements, and where they lie in their planes. PyTorch's `return_indices=True`.
    ///
    /// # Errors
    /// PyTorch's sentences for windows that there are none of.
    #[track_caller]
    pub fn forward_with_indices(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let [kernel, padding, dilation] =
            [&self.kernel_size, &self.padding, &self.dilation].map(Each::get);
        let stride = self.stride.map(|s| s.get());
        let pool = Pool {
            stride: stride.as_ref().map(|s| &s[..]),
            padding: &padding,
            dilation: &dilation,
            ceil_mode: self.ceil_mode,
            ..Pool::of(&kernel)
        };
        by_dims!(D, x, [max_pool1d max_pool2d max_pool3d], pool)
    }
}

layer!([const D: usize] MaxPool<D>, |m, x| Ok(m.forward_with_indices(x)?.0));

module!([const D: usize] MaxPool<D> {} => |m| Repr::new(format!("MaxPool{D}d")).extra(format!(
    "kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
    m.kernel_size, m.stride.unwrap_or(m.kernel_size), m.padding, m.dilation, python(m.ceil_mode)
)));

/// The mean of each window of the last `D` dimensions. PyTorch's `nn.AvgPool1d` to `nn.AvgPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool<const D: usize> {
    kernel_size: Each<D>,
    stride: Option<Each<D>>,
    padding: Each<D>,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<usize>,
}

/// Means of windows over one dimension.
pub type AvgPool1d = AvgPool<1>;
/// Means of windows over two dimensions.
pub type AvgPool2d = AvgPool<2>;
/// Means of windows over three dimensions.
pub type AvgPool3d = AvgPool<3>;

builder! {
    /// How an [`AvgPool`] is made.
    AvgPoolBuilder [const D: usize] [D] for AvgPool<D>;
    (; kernel_size: Each<D>);
    {
        /// Whether a last window that is not whole counts.
        ceil_mode: bool = false,
        /// Whether the zeros around count.
        count_include_pad: bool = true,
    } into {
        /// How far apart windows begin; as far as they are long without it.
        stride: Option<Each<D>> = None,
        /// Zeros on both sides.
        padding: Each<D> = 0.into(),
        /// By what every sum is divided, instead of by how many there are.
        divisor_override: Option<usize> = None,
    }
}

impl<const D: usize> AvgPoolBuilder<D> {
    /// Makes the layer.
    ///
    /// # Errors
    /// For other than one to three dimensions.
    pub fn build(self) -> Result<AvgPool<D>> {
        windows(D)?;
        Ok(AvgPool {
            kernel_size: self.kernel_size,
            stride: self.stride,
            padding: self.padding,
            ceil_mode: self.ceil_mode,
            count_include_pad: self.count_include_pad,
            divisor_override: self.divisor_override,
        })
    }
}

layer!([const D: usize] AvgPool<D>, |m, x| {
    let [kernel, padding] = [&m.kernel_size, &m.padding].map(Each::get);
    let stride = m.stride.map(|s| s.get());
    let pool = Pool {
        stride: stride.as_ref().map(|s| &s[..]),
        padding: &padding,
        ceil_mode: m.ceil_mode,
        count_include_pad: m.count_include_pad,
        divisor_override: m.divisor_override.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
        ..Pool::of(&kernel)
    };
    by_dims!(D, x, [avg_pool1d avg_pool2d avg_pool3d], pool)
});

module!([const D: usize] AvgPool<D> {} => |m| {
    let stride = m.stride.unwrap_or(m.kernel_size);
    // PyTorch keeps tuples where there is one dimension, and else what it is given.
    let extra = match D {
        1 => format!("kernel_size={}, stride={}, padding={}", m.kernel_size.tuple(), stride.tuple(), m.padding.tuple()),
        _ => format!("kernel_size={}, stride={stride}, padding={}", m.kernel_size, m.padding),
    };
    Repr::new(format!("AvgPool{D}d")).extra(extra)
});

/// Means of as many windows of the last `D` dimensions as are asked for. PyTorch's `nn.AdaptiveAvgPool1d` to `nn.AdaptiveAvgPool3d`.
///
/// ```
/// use pullback::nn::{AdaptiveAvgPool2d, Layer};
/// use pullback::{DType, Tensor};
/// let x = Tensor::ones([1, 3, 7, 5], DType::F32)?;
/// assert_eq!(AdaptiveAvgPool2d::new(1).forward(&x)?.shape()[..], [1, 3, 1, 1]);
/// // A dimension may keep its size.
/// assert_eq!(AdaptiveAvgPool2d::new([None, Some(2)]).forward(&x)?.shape()[..], [1, 3, 7, 2]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool<const D: usize> {
    output_size: Target<D>,
}

/// Means of as many windows over one dimension as are asked for.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// Means of as many windows over two dimensions as are asked for.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// Means of as many windows over three dimensions as are asked for.
pub type AdaptiveAvgPool3d = AdaptiveAvgPool<3>;

impl<const D: usize> AdaptiveAvgPool<D> {
    /// With this many windows.
    pub fn new(output_size: impl Into<Target<D>>) -> Self {
        AdaptiveAvgPool {
            output_size: output_size.into(),
        }
    }
}

layer!([const D: usize] AdaptiveAvgPool<D>, |m, x| {
    windows(D)?;
    let size = m.output_size.get(x);
    by_dims!(D, x, [adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d], &size)
});

module!([const D: usize] AdaptiveAvgPool<D> {} => |m| {
    Repr::new(format!("AdaptiveAvgPool{D}d")).extra(format!("output_size={}", m.output_size))
});

/// The largest elements of as many windows of the last `D` dimensions as are asked for. PyTorch's `nn.AdaptiveMaxPool1d` to `nn.AdaptiveMaxPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveMaxPool<const D: usize> {
    output_size: Target<D>,
}

/// The largest element of as many windows over one dimension as are asked for.
pub type AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
/// The largest element of as many windows over two dimensions as are asked for.
pub type AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
/// The largest element of as many windows over three dimensions as are asked for.
pub type AdaptiveMaxPool3d = AdaptiveMaxPool<3>;

impl<const D: usize> AdaptiveMaxPool<D> {
    /// With this many windows.
    pub fn new(output_size: impl Into<Target<D>>) -> Self {
        AdaptiveMaxPool {
            output_size: output_size.into(),
        }
    }

    /// The largest elements, and where they lie in their planes. PyTorch's `return_indices=True`.
    ///
    /// # Errors
    /// For an input without elements or of another number of dimensions.
    #[track_caller]
    pub fn forward_with_indices(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        windows(D)?;
        let size = self.output_size.get(x);
        by_dims!(D, x, [adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d], &size)
    }
}

layer!([const D: usize] AdaptiveMaxPool<D>, |m, x| Ok(m.forward_with_indices(x)?.0));

module!([const D: usize] AdaptiveMaxPool<D> {} => |m| {
    Repr::new(format!("AdaptiveMaxPool{D}d")).extra(format!("output_size={}", m.output_size))
});

/// The p-norm of each window of the last `D` dimensions, of signed powers. PyTorch's `nn.LPPool1d` to `nn.LPPool3d`.
#[derive(Clone, Copy, Debug)]
pub struct LPPool<const D: usize> {
    norm_type: f64,
    kernel_size: Each<D>,
    stride: Option<Each<D>>,
    ceil_mode: bool,
}

/// p-norms of windows over one dimension.
pub type LPPool1d = LPPool<1>;
/// p-norms of windows over two dimensions.
pub type LPPool2d = LPPool<2>;
/// p-norms of windows over three dimensions.
pub type LPPool3d = LPPool<3>;

builder! {
    /// How an [`LPPool`] is made.
    LPPoolBuilder [const D: usize] [D] for LPPool<D>;
    (norm_type: f64; kernel_size: Each<D>);
    {
        /// Whether a last window that is not whole counts.
        ceil_mode: bool = false,
    } into {
        /// How far apart windows begin; as far as they are long without it.
        stride: Option<Each<D>> = None,
    }
}

impl<const D: usize> LPPoolBuilder<D> {
    /// Makes the layer.
    ///
    /// # Errors
    /// For a power of 0, and for other than one to three dimensions.
    pub fn build(self) -> Result<LPPool<D>> {
        windows(D)?;
        ensure!(
            self.norm_type != 0.0,
            Value,
            "norm_type must be a non-zero value, but got {}",
            self.norm_type
        );
        Ok(LPPool {
            norm_type: self.norm_type,
            kernel_size: self.kernel_size,
            stride: self.stride,
            ceil_mode: self.ceil_mode,
        })
    }
}

impl<const D: usize> LPPool<D> {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let kernel = self.kernel_size.get();
        let stride = self.stride.map(|s| s.get());
        let pool = Pool {
            stride: stride.as_ref().map(|s| &s[..]),
            ceil_mode: self.ceil_mode,
            ..Pool::of(&kernel)
        };
        let largest = |x: Tensor| -> Result<Tensor> {
            Ok(by_dims!(D, x, [max_pool1d max_pool2d max_pool3d], pool)?.0)
        };
        if self.norm_type == f64::INFINITY {
            return largest(x.abs()?);
        }
        if self.norm_type == f64::NEG_INFINITY {
            return largest(x.abs()?.neg()?)?.neg();
        }
        let powers = x.pow(self.norm_type)?;
        let mean = by_dims!(D, powers, [avg_pool1d avg_pool2d avg_pool3d], pool)?;
        let many = kernel.iter().fold(1f64, |n, &k| n * k as f64);
        (mean.sign()?.mul(&mean.abs()?.relu()?)?.mul(many)?).pow(1.0 / self.norm_type)
    }
}

layer!([const D: usize] LPPool<D>, |m, x| m.run(x));

module!([const D: usize] LPPool<D> {} => |m| Repr::new(format!("LPPool{D}d")).extra(format!(
    "norm_type={}, kernel_size={}, stride={}, ceil_mode={}",
    float(m.norm_type), m.kernel_size, m.stride.map_or("None".to_string(), |s| s.to_string()), python(m.ceil_mode)
)));
