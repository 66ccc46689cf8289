//! Convolutions over one to three dimensions. Their transposes are in `conv_transpose`.

use super::each::Each;
use super::init;
use super::macros::{builder, layer};
use super::repr::{Repr, tuple};
use crate::core::fail::ensure;
use crate::{DType, PadMode, Result, Steps, Tensor, module};

/// What stands around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const D: usize> {
    /// So many elements on both sides.
    Each([usize; D]),
    /// As many as it takes for as many windows as elements. PyTorch's `"same"`.
    Same,
    /// None. PyTorch's `"valid"`.
    Valid,
}

impl<const D: usize> From<usize> for Padding<D> {
    fn from(n: usize) -> Self {
        Padding::Each([n; D])
    }
}

impl<const D: usize> From<[usize; D]> for Padding<D> {
    fn from(sizes: [usize; D]) -> Self {
        Padding::Each(sizes)
    }
}

/// Kernels going over `D` dimensions. PyTorch's `nn.Conv1d` to `nn.Conv3d`.
///
/// The input is (samples, in, size…) or (in, size…), the result (samples, out, windows…).
///
/// ```
/// use pullback::nn::{Conv2d, Layer, Module};
/// use pullback::{DType, Tensor};
/// let layer = Conv2d::builder(3, 8, 3).padding(1).bias(false).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([2, 3, 6, 6], DType::F32)?)?.shape()[..], [2, 8, 6, 6]);
/// assert_eq!(layer.to_string(), "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)");
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv<const D: usize> {
    /// (out, in / groups, kernel…).
    pub weight: Tensor,
    /// (out), if there is one.
    pub bias: Option<Tensor>,
    stride: Each<D>,
    padding: Padding<D>,
    dilation: Each<D>,
    groups: usize,
    padding_mode: PadMode,
}

/// Kernels going over one dimension.
pub type Conv1d = Conv<1>;
/// Kernels going over two dimensions.
pub type Conv2d = Conv<2>;
/// Kernels going over three dimensions.
pub type Conv3d = Conv<3>;

builder! {
    /// How a [`Conv`] is made.
    ConvBuilder [const D: usize] [D] for Conv<D>;
    (in_channels: usize, out_channels: usize; kernel_size: Each<D>);
    {
        /// Into how many parts channels are divided.
        groups: usize = 1,
        /// Whether there is a bias.
        bias: bool = true,
        /// What the padding is: zeros ([`PadMode::Constant`]), or elements of the input.
        padding_mode: PadMode = PadMode::Constant,
        /// Of weight and bias; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// How far apart windows begin.
        stride: Each<D> = 1.into(),
        /// What stands around the input.
        padding: Padding<D> = 0.into(),
        /// How far apart the kernel's elements are.
        dilation: Each<D> = 1.into(),
    }
}

/// Errors for channels that are not so many groups, and for other than one to three dimensions.
pub(super) fn grouped(dims: usize, [of, out]: [usize; 2], groups: usize) -> Result<()> {
    ensure!(
        (1..=3).contains(&dims),
        Value,
        "convolutions go over one to three dimensions, not {dims}"
    );
    ensure!(groups > 0, Value, "groups must be a positive integer");
    ensure!(
        of.is_multiple_of(groups),
        Value,
        "in_channels must be divisible by groups"
    );
    ensure!(
        out.is_multiple_of(groups),
        Value,
        "out_channels must be divisible by groups"
    );
    Ok(())
}

impl<const D: usize> ConvBuilder<D> {
    /// Makes the layer: draws weight and bias between ±1/√(inputs of a unit).
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are not so many groups, and for strides with [`Padding::Same`].
    #[track_caller]
    pub fn build(self) -> Result<Conv<D>> {
        let (of, out, groups) = (self.in_channels, self.out_channels, self.groups);
        grouped(D, [of, out], groups)?;
        ensure!(
            self.padding != Padding::Same || self.stride.sizes() == [1; D],
            Value,
            "padding='same' is not supported for strided convolutions"
        );
        let shape = [&[out, of / groups][..], &self.kernel_size.sizes()].concat();
        let weight = init::parameter(&shape, self.dtype)?;
        let bias = init::optional(self.bias, &[out], self.dtype)?;
        init::affine(&weight, bias.as_ref())?;
        Ok(Conv {
            weight,
            bias,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups,
            padding_mode: self.padding_mode,
        })
    }
}

impl<const D: usize> Conv<D> {
    /// Numbers on both sides of each dimension, the last dimension first, as `pad` takes them.
    fn around(&self) -> Vec<i64> {
        let kernel = |d: usize| self.weight.shape().get(2 + d).copied().unwrap_or(1);
        let dilation = self.dilation.sizes();
        let sides = |d: usize| match self.padding {
            Padding::Each(sizes) => [sizes[d], sizes[d]],
            Padding::Valid => [0, 0],
            Padding::Same => {
                let total = dilation[d].saturating_mul(kernel(d).saturating_sub(1));
                [total / 2, total - total / 2]
            }
        };
        let all = (0..D).rev().flat_map(sides);
        all.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).collect()
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, self.bias.as_ref());
        let (stride, dilation) = (self.stride.get(), self.dilation.get());
        let zeros = [0; D];
        let mut steps = Steps {
            stride: &stride,
            padding: &zeros,
            dilation: &dilation,
            groups: i64::try_from(self.groups).unwrap_or(i64::MAX),
        };
        if self.padding_mode != PadMode::Constant {
            let x = x.pad(&self.around(), self.padding_mode, None)?;
            return convolved::<D>(&x, weight, bias, steps);
        }
        match self.padding {
            Padding::Valid => convolved::<D>(x, weight, bias, steps),
            Padding::Same => match D {
                1 => x.conv1d_same(weight, bias, steps),
                2 => x.conv2d_same(weight, bias, steps),
                _ => x.conv3d_same(weight, bias, steps),
            },
            Padding::Each(sizes) => {
                let sizes = sizes.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
                steps.padding = &sizes;
                convolved::<D>(x, weight, bias, steps)
            }
        }
    }
}

fn convolved<const D: usize>(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    steps: Steps<'_>,
) -> Result<Tensor> {
    match D {
        1 => x.conv1d(weight, bias, steps),
        2 => x.conv2d(weight, bias, steps),
        _ => x.conv3d(weight, bias, steps),
    }
}

layer!([const D: usize] Conv<D>, |m, x| m.run(x));

/// What PyTorch prints of the steps that are not those without options.
pub(super) struct Printed<'a, const D: usize> {
    pub(super) weight: &'a Tensor,
    pub(super) stride: &'a Each<D>,
    pub(super) padding: Padding<D>,
    pub(super) dilation: &'a Each<D>,
    pub(super) output_padding: Option<&'a Each<D>>,
    pub(super) groups: usize,
    pub(super) bias: bool,
    pub(super) padding_mode: PadMode,
}

impl<const D: usize> Printed<'_, D> {
    pub(super) fn text(&self, [of, out]: [usize; 2]) -> String {
        let kernel = tuple(self.weight.shape().get(2..).unwrap_or(&[]));
        let mut s = format!(
            "{of}, {out}, kernel_size={kernel}, stride={}",
            self.stride.tuple()
        );
        match self.padding {
            Padding::Same => s += ", padding=same",
            Padding::Valid => s += ", padding=valid",
            Padding::Each(sizes) if sizes != [0; D] => s += &format!(", padding={}", tuple(&sizes)),
            Padding::Each(_) => {}
        }
        if self.dilation.sizes() != [1; D] {
            s += &format!(", dilation={}", self.dilation.tuple());
        }
        if let Some(more) = self.output_padding
            && more.sizes() != [0; D]
        {
            s += &format!(", output_padding={}", more.tuple());
        }
        if self.groups != 1 {
            s += &format!(", groups={}", self.groups);
        }
        if !self.bias {
            s += ", bias=False";
        }
        if self.padding_mode != PadMode::Constant {
            s += &format!(", padding_mode={}", self.padding_mode.name());
        }
        s
    }
}

module!([const D: usize] Conv<D> { weight, bias } => |m| {
    let printed = Printed {
        weight: &m.weight,
        stride: &m.stride,
        padding: m.padding,
        dilation: &m.dilation,
        output_padding: None,
        groups: m.groups,
        bias: m.bias.is_some(),
        padding_mode: m.padding_mode,
    };
    let size = |d: usize| m.weight.shape().get(d).copied().unwrap_or(0);
    let channels = [size(1) * m.groups, size(0)];
    Repr::new(format!("Conv{D}d")).extra(printed.text(channels))
});
