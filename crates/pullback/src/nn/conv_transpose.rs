//! Transposes of convolutions over one to three dimensions.

use super::conv::{Padding, Printed, grouped};
use super::each::Each;
use super::macros::{builder, layer};
use super::repr::Repr;
use super::{init, observe};
use crate::core::fail::{bail, ensure};
use crate::{DType, PadMode, Result, Steps, Tensor, module};

/// The transpose of a convolution over `D` dimensions. PyTorch's `nn.ConvTranspose1d` to `nn.ConvTranspose3d`.
///
/// The input is (samples, in, size…) or (in, size…).
///
/// ```
/// use pullback::nn::{ConvTranspose2d, Layer};
/// use pullback::{DType, Tensor};
/// let layer = ConvTranspose2d::builder(3, 8, 2).stride(2).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 3, 6, 6], DType::F32)?)?.shape()[..], [2, 8, 12, 12]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvTranspose<const D: usize> {
    /// (in, out / groups, kernel…).
    pub weight: Tensor,
    /// (out), if there is one.
    pub bias: Option<Tensor>,
    stride: Each<D>,
    padding: Each<D>,
    output_padding: Each<D>,
    dilation: Each<D>,
    groups: usize,
}

/// The transpose of a convolution over one dimension.
pub type ConvTranspose1d = ConvTranspose<1>;
/// The transpose of a convolution over two dimensions.
pub type ConvTranspose2d = ConvTranspose<2>;
/// The transpose of a convolution over three dimensions.
pub type ConvTranspose3d = ConvTranspose<3>;

builder! {
    /// How a [`ConvTranspose`] is made.
    ConvTransposeBuilder [const D: usize] [D] for ConvTranspose<D>;
    (in_channels: usize, out_channels: usize; kernel_size: Each<D>);
    {
        /// Into how many parts channels are divided.
        groups: usize = 1,
        /// Whether there is a bias.
        bias: bool = true,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// How far apart the result's windows begin.
        stride: Each<D> = 1.into(),
        /// How many elements of the result are cut off on both sides.
        padding: Each<D> = 0.into(),
        /// How many elements the result gets on its far side.
        output_padding: Each<D> = 0.into(),
        /// How far apart the kernel's elements are.
        dilation: Each<D> = 1.into(),
    }
}

impl<const D: usize> ConvTransposeBuilder<D> {
    /// Makes the layer: draws weight and bias.
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are not so many groups.
    #[track_caller]
    pub fn build(self) -> Result<ConvTranspose<D>> {
        let (of, out, groups) = (self.in_channels, self.out_channels, self.groups);
        grouped(D, [of, out], groups)?;
        let shape = [&[of, out / groups][..], &self.kernel_size.sizes()].concat();
        let weight = init::parameter(&shape, self.dtype)?;
        let bias = init::optional(self.bias, &[out], self.dtype)?;
        init::affine(&weight, bias.as_ref())?;
        Ok(ConvTranspose {
            weight,
            bias,
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups,
        })
    }
}

impl<const D: usize> ConvTranspose<D> {
    /// The result of a size that is asked for, of those that are this layer's convolution's inputs.
    ///
    /// # Errors
    /// PyTorch's sentences for a size that is none of them.
    #[track_caller]
    pub fn forward_sized(&self, x: &Tensor, output_size: [usize; D]) -> Result<Tensor> {
        let front = x.ndim().saturating_sub(D);
        ensure!(
            front == 1 || front == 2,
            Value,
            "ConvTranspose{D}d: Expected {}D or {}D input, but got {}D",
            D + 1,
            D + 2,
            x.ndim()
        );
        let size = &x.shape()[front..];
        let least: [i64; D] = std::array::from_fn(|d| {
            let [stride, padding, dilation] =
                [&self.stride, &self.padding, &self.dilation].map(|e| e.get()[d]);
            let kernel = self.weight.shape().get(2 + d).copied().unwrap_or(1);
            let span = dilation.saturating_mul(kernel as i64 - 1);
            ((size[d] as i64 - 1).saturating_mul(stride))
                .saturating_sub(padding.saturating_mul(2))
                .saturating_add(span.saturating_add(1))
        });
        let most: [i64; D] =
            std::array::from_fn(|d| least[d].saturating_add(self.stride.get()[d] - 1));
        let asked = output_size.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        if (0..D).any(|d| asked[d] < least[d] || asked[d] > most[d]) {
            bail!(
                Value,
                "requested an output size of {asked:?}, but valid sizes range from {least:?} to {most:?} (for an input of {size:?})"
            );
        }
        let more: [i64; D] = std::array::from_fn(|d| asked[d] - least[d]);
        observe::of(self, || self.run(x, &more))
    }

    fn run(&self, x: &Tensor, output_padding: &[i64; D]) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, self.bias.as_ref());
        let [stride, padding, dilation] =
            [&self.stride, &self.padding, &self.dilation].map(Each::get);
        let steps = Steps {
            stride: &stride,
            padding: &padding,
            dilation: &dilation,
            groups: i64::try_from(self.groups).unwrap_or(i64::MAX),
        };
        match D {
            1 => x.conv_transpose1d(weight, bias, steps, output_padding),
            2 => x.conv_transpose2d(weight, bias, steps, output_padding),
            _ => x.conv_transpose3d(weight, bias, steps, output_padding),
        }
    }
}

layer!([const D: usize] ConvTranspose<D>, |m, x| m.run(x, &m.output_padding.get()));

module!([const D: usize] ConvTranspose<D> { weight, bias } => |m| {
    let printed = Printed {
        weight: &m.weight,
        stride: &m.stride,
        padding: Padding::Each(m.padding.sizes()),
        dilation: &m.dilation,
        output_padding: Some(&m.output_padding),
        groups: m.groups,
        bias: m.bias.is_some(),
        padding_mode: PadMode::Constant,
    };
    let size = |d: usize| m.weight.shape().get(d).copied().unwrap_or(0);
    let channels = [size(0), size(1) * m.groups];
    Repr::new(format!("ConvTranspose{D}d")).extra(printed.text(channels))
});
