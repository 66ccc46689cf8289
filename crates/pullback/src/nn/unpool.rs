//! Pooling by windows at random distances, and largest elements put back to where they were.

use super::each::Each;
use super::macros::{builder, layer};
use super::repr::{Repr, float};
use crate::core::fail::ensure;
use crate::{Result, Tensor, Unpool, module};

/// Zeros with each element where its index says. PyTorch's `nn.MaxUnpool1d` to `nn.MaxUnpool3d`.
///
/// ```
/// use pullback::nn::{MaxPool2d, MaxUnpool2d};
/// use pullback::tensor;
/// let x = tensor![[[1.0, 2.0], [3.0, 4.0]]];
/// let (largest, at) = MaxPool2d::new(2)?.forward_with_indices(&x)?;
/// assert_eq!(MaxUnpool2d::new(2)?.forward(&largest, &at)?.to_vec::<f32>()?, [0.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MaxUnpool<const D: usize> {
    kernel_size: Each<D>,
    stride: Each<D>,
    padding: Each<D>,
}

/// Largest elements put back over one dimension.
pub type MaxUnpool1d = MaxUnpool<1>;
/// Largest elements put back over two dimensions.
pub type MaxUnpool2d = MaxUnpool<2>;
/// Largest elements put back over three dimensions.
pub type MaxUnpool3d = MaxUnpool<3>;

builder! {
    /// How a [`MaxUnpool`] is made.
    MaxUnpoolBuilder [const D: usize] [D] for MaxUnpool<D>;
    (; kernel_size: Each<D>);
    {} into {
        /// How far apart windows began; as far as they are long without it.
        stride: Option<Each<D>> = None,
        /// Elements on both sides that counted for nothing.
        padding: Each<D> = 0.into(),
    }
}

impl<const D: usize> MaxUnpoolBuilder<D> {
    /// Makes the layer.
    ///
    /// # Errors
    /// For other than one to three dimensions.
    pub fn build(self) -> Result<MaxUnpool<D>> {
        super::pool::windows(D)?;
        Ok(MaxUnpool {
            kernel_size: self.kernel_size,
            stride: self.stride.unwrap_or(self.kernel_size),
            padding: self.padding,
        })
    }
}

impl<const D: usize> MaxUnpool<D> {
    /// The smallest result of which pooling gives such an input.
    ///
    /// # Errors
    /// As [`MaxUnpool::forward_sized`].
    #[track_caller]
    pub fn forward(&self, x: &Tensor, indices: &Tensor) -> Result<Tensor> {
        self.run(x, indices, None)
    }

    /// A result of this size.
    ///
    /// # Errors
    /// PyTorch's sentences for sizes that such windows do not have, and for indices outside of the result.
    #[track_caller]
    pub fn forward_sized(
        &self,
        x: &Tensor,
        indices: &Tensor,
        output_size: [usize; D],
    ) -> Result<Tensor> {
        let size = Each::from(output_size).get();
        self.run(x, indices, Some(&size))
    }

    #[track_caller]
    fn run(&self, x: &Tensor, indices: &Tensor, size: Option<&[i64]>) -> Result<Tensor> {
        let [kernel, stride, padding] =
            [&self.kernel_size, &self.stride, &self.padding].map(Each::get);
        let how = Unpool::of(&kernel)
            .stride(Some(&stride))
            .padding(&padding)
            .output_size(size);
        match D {
            1 => x.max_unpool1d(indices, how),
            2 => x.max_unpool2d(indices, how),
            _ => x.max_unpool3d(indices, how),
        }
    }
}

module!([const D: usize] MaxUnpool<D> {} => |m| Repr::new(format!("MaxUnpool{D}d")).extra(format!(
    "kernel_size={}, stride={}, padding={}", m.kernel_size.tuple(), m.stride.tuple(), m.padding.tuple()
)));

/// Largest elements of windows that begin at random distances, over two or three dimensions. PyTorch's `nn.FractionalMaxPool2d` and `nn.FractionalMaxPool3d`.
///
/// Where windows begin is drawn anew at every call, from the default generator.
///
/// ```
/// use pullback::nn::{FractionalMaxPool2d, Layer};
/// use pullback::{DType, Tensor};
/// let half = FractionalMaxPool2d::ratio(2, 0.5)?;
/// assert_eq!(half.forward(&Tensor::ones([1, 3, 8, 9], DType::F32)?)?.shape()[..], [1, 3, 4, 4]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FractionalMaxPool<const D: usize> {
    kernel_size: Each<D>,
    output_size: Option<Each<D>>,
    output_ratio: Option<[f64; D]>,
    samples: Option<Tensor>,
}

/// Largest elements of windows over two dimensions that begin at random distances.
pub type FractionalMaxPool2d = FractionalMaxPool<2>;
/// Largest elements of windows over three dimensions that begin at random distances.
pub type FractionalMaxPool3d = FractionalMaxPool<3>;

impl<const D: usize> FractionalMaxPool<D> {
    fn made(
        kernel_size: Each<D>,
        output_size: Option<Each<D>>,
        output_ratio: Option<[f64; D]>,
    ) -> Result<Self> {
        ensure!(
            (2..=3).contains(&D),
            Value,
            "windows at random distances go over two or three dimensions, not {D}"
        );
        Ok(FractionalMaxPool {
            kernel_size,
            output_size,
            output_ratio,
            samples: None,
        })
    }

    /// With so many windows.
    ///
    /// # Errors
    /// For other than two or three dimensions.
    pub fn new(kernel_size: impl Into<Each<D>>, output_size: impl Into<Each<D>>) -> Result<Self> {
        Self::made(kernel_size.into(), Some(output_size.into()), None)
    }

    /// With as many windows as this part of the elements.
    ///
    /// # Errors
    /// PyTorch's sentence for what is not between 0 and 1.
    pub fn ratio(kernel_size: impl Into<Each<D>>, output_ratio: f64) -> Result<Self> {
        ensure!(
            0.0 < output_ratio && output_ratio < 1.0,
            Value,
            "output_ratio must be between 0 and 1 (got {})",
            float(output_ratio)
        );
        Self::made(kernel_size.into(), None, Some([output_ratio; D]))
    }

    /// Where windows begin: numbers from 0 to 1 (samples, channels, dimensions), the same at every call.
    #[must_use]
    pub fn random_samples(mut self, samples: Tensor) -> Self {
        self.samples = Some(samples);
        self
    }

    /// The largest elements, and where they lie in their planes. PyTorch's `return_indices=True`.
    ///
    /// # Errors
    /// PyTorch's sentences for windows that do not fit.
    #[track_caller]
    pub fn forward_with_indices(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let size = match (&self.output_size, &self.output_ratio) {
            (Some(size), _) => size.get().to_vec(),
            (None, ratio) => {
                let front = x.ndim().saturating_sub(D);
                let ratios = ratio.unwrap_or([1.0; D]);
                let places = x.shape()[front..].iter().zip(ratios);
                places.map(|(&n, part)| (n as f64 * part) as i64).collect()
            }
        };
        let (kernel, samples) = (self.kernel_size.get(), self.samples.as_ref());
        match D {
            2 => x.fractional_max_pool2d(&kernel, &size, samples),
            _ => x.fractional_max_pool3d(&kernel, &size, samples),
        }
    }
}

impl<const D: usize> super::Module for FractionalMaxPool<D> {
    fn visit(&self, v: &mut super::Visit<'_>) {
        v.field("_random_samples", &self.samples);
    }
    fn visit_mut(&mut self, v: &mut super::VisitMut<'_>) -> Result<()> {
        v.field("_random_samples", &mut self.samples)
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new(format!("FractionalMaxPool{D}d")))
    }
}

impl<const D: usize> std::fmt::Display for FractionalMaxPool<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::print(self, f)
    }
}

layer!([const D: usize] FractionalMaxPool<D>, |m, x| Ok(m.forward_with_indices(x)?.0));
