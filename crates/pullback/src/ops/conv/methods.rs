//! Convolutions as methods: PyTorch's `conv1d` to `conv3d` and `conv_transpose1d` to `conv_transpose3d`.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::PadMode;
use crate::ops::conv::convolution::{Convolution, ConvolutionInput};
use crate::ops::conv::geometry::{Steps, each, fits, transposed_size};
use std::panic::Location;

/// The three operands in one dtype, which is a float.
fn dtypes(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    if let Some(b) = bias {
        ensure!(
            b.dtype() == x.dtype(),
            DType,
            "Input type ({}) and bias type ({}) should be the same",
            x.dtype().cpp_name(),
            b.dtype().cpp_name()
        );
    }
    ensure!(
        w.dtype() == x.dtype(),
        DType,
        "expected scalar type {} but found {}",
        x.dtype().scalar_type_name(),
        w.dtype().scalar_type_name()
    );
    Ok(())
}

/// The input with a dimension of samples, and whether it lacked it.
fn batched(x: &Tensor, dims: usize, name: &str) -> Result<(Tensor, bool)> {
    match x.ndim() {
        n if n == dims + 2 => Ok((x.clone(), false)),
        n if n == dims + 1 => Ok((x.unsqueeze(0)?, true)),
        _ => Err(error!(
            Shape,
            "Expected {}D (unbatched) or {}D (batched) input to {name}, but got input of size: {}",
            dims + 1,
            dims + 2,
            x.shape()
        )),
    }
}

/// Errors where the weight has another number of dimensions than the input.
fn ranked(x: &Tensor, w: &Tensor, steps: &Steps<'_>) -> Result<()> {
    let (n, dims) = (w.ndim(), x.ndim() - 2);
    if n == x.ndim() {
        return Ok(());
    }
    let (x, w) = (x.shape(), w.shape());
    let e = match n {
        0..3 => error!(Shape, "weight should have at least three dimensions"),
        _ if dims == 1 => error!(
            Shape,
            "Expected {n}-dimensional input for {n}-dimensional weight {w}, but got 3-dimensional input of size {x} instead"
        ),
        _ => error!(
            Shape,
            "expected stride to be a single integer value or a list of {} values to match the convolution dimensions, but got stride={:?}",
            n - 2,
            each("stride", steps.stride, dims)?
        ),
    };
    Err(e.note(format!(
        "the weight is {w}, and an input of {x} needs one of {} dimensions",
        dims + 2
    )))
}

/// Errors for windows of no elements.
fn kernel_of_something(w: &Tensor, dilation: &[usize], transposed: bool) -> Result<()> {
    let kernel = &w.shape()[2..];
    if !kernel.contains(&0) {
        return Ok(());
    }
    let said = match (kernel, transposed) {
        (_, true) if kernel.len() == 3 => bail!(
            Shape,
            "non-empty 5D (n_output_plane x n_input_plane x kernel_depth x kernel_height x kernel_width) tensor expected for weight, but got: {}",
            w.shape()
        ),
        // To PyTorch's means, one dimension is the second of two.
        ([n], false) if dilation.iter().any(|&d| d != 1) => format!("[1, {n}]"),
        (_, false) if dilation.iter().any(|&d| d != 1) => format!("{kernel:?}"),
        ([w], _) => format!("kernel_height: 1 kernel_width: {w}"),
        ([h, w], _) => format!("kernel_height: {h} kernel_width: {w}"),
        _ => {
            let all: Vec<String> = kernel.iter().map(usize::to_string).collect();
            bail!(
                Shape,
                "kernel size should be greater than zero, but got: {} (TxHxW)",
                all.join(" x ")
            )
        }
    };
    Err(error!(
        Shape,
        "kernel size should be greater than zero, but got {said}"
    ))
}

/// `op` of these operands, and the dimension of samples gone where there was none.
fn applied<O: Op>(
    op: &O,
    [x, w]: [&Tensor; 2],
    bias: Option<&Tensor>,
    alone: bool,
    site: Site,
) -> Result<Tensor> {
    let y = match bias {
        Some(bias) => apply_dyn(op, &[x, w, bias], site)?,
        None => apply_dyn(op, &[x, w], site)?,
    };
    if alone { y.squeeze_dims(&[0]) } else { Ok(y) }
}

/// A convolution over `dims` dimensions.
fn convolved(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    (steps, dims): (Steps<'_>, usize),
    name: &'static str,
    site: Site,
) -> Result<Tensor> {
    let (x, alone) = batched(x, dims, name)?;
    let how = steps.window(dims)?;
    ranked(&x, w, &steps)?;
    fits(x.shape(), w.shape(), bias.map(Tensor::shape), &how, false)?;
    kernel_of_something(w, &how.dilation, false)?;
    dtypes(&x, w, bias)?;
    applied(&Convolution { how }, [&x, w], bias, alone, site)
}

/// The transpose of a convolution over `dims` dimensions.
fn transposed(
    x: &Tensor,
    w: &Tensor,
    bias: Option<&Tensor>,
    (steps, output_padding, dims): (Steps<'_>, &[i64], usize),
    name: &'static str,
    site: Site,
) -> Result<Tensor> {
    let (x, alone) = batched(x, dims, name)?;
    let how = steps.window(dims)?;
    ranked(&x, w, &steps)?;
    kernel_of_something(w, &how.dilation, true)?;
    let size = transposed_size(&x.shape()[2..], &w.shape()[2..], &how, output_padding)?;
    fits(x.shape(), w.shape(), bias.map(Tensor::shape), &how, true)?;
    dtypes(&x, w, bias)?;
    let op = ConvolutionInput { how, size };
    applied(&op, [&x, w], bias, alone, site)
}

/// The input with the zeros that `padding="same"` means, of which an odd one is behind.
fn same(x: &Tensor, w: &Tensor, steps: &Steps<'_>, dims: usize) -> Result<Tensor> {
    if steps.stride.iter().any(|&s| s != 1) {
        bail!(
            Shape,
            "padding='same' is not supported for strided convolutions"
        );
    }
    let dilation = each("dilation", steps.dilation, dims)?;
    let mut pads = Vec::with_capacity(2 * dims);
    for d in (0..dims).rev() {
        let kernel = w.shape().get(2 + d).copied().unwrap_or(1) as i64;
        let total = dilation[d].saturating_mul(kernel - 1).max(0);
        pads.extend([total / 2, total - total / 2]);
    }
    match pads.iter().all(|&p| p == 0) {
        true => Ok(x.clone()),
        false => x.pad(&pads, PadMode::Constant, None),
    }
}

macro_rules! convolutions {
    ($($(#[$doc:meta])* $name:ident $same:ident $transposed:ident $dims:literal;)*) => {
        impl Tensor {
            $($(#[$doc])*
            ///
            /// The input is (samples, in, size…) or (in, size…), the weight (out, in / groups, kernel…), the bias (out).
            ///
            /// # Errors
            /// PyTorch's sentences for sizes that do not fit, for steps that make no window, and for dtypes that differ.
            #[pullback_macros::called]
            #[track_caller]
            pub fn $name(&self, weight: &Tensor, bias: Option<&Tensor>, steps: Steps<'_>) -> Result<Tensor> {
                convolved(self, weight, bias, (steps, $dims), stringify!($name), Location::caller())
            }

            #[doc = concat!("[`Tensor::", stringify!($name), "`] with zeros around such that there are as many windows as elements: PyTorch's `padding=\"same\"`.")]
            ///
            /// # Errors
            /// As there; for strides.
            #[track_caller]
            pub fn $same(&self, weight: &Tensor, bias: Option<&Tensor>, steps: Steps<'_>) -> Result<Tensor> {
                let site = Location::caller();
                let _called = pullback_array::Called::enter(stringify!($name), Some(site));
                let x = same(self, weight, &steps, $dims)?;
                let steps = Steps { padding: &[0], ..steps };
                convolved(&x, weight, bias, (steps, $dims), stringify!($name), site)
            }

            #[doc = concat!("The transpose of [`Tensor::", stringify!($name), "`] in its input, `output_padding` larger. PyTorch's `", stringify!($transposed), "`.")]
            ///
            /// The input is (samples, in, size…) or (in, size…), the weight (in, out / groups, kernel…), the bias (out).
            ///
            /// # Errors
            /// PyTorch's sentences for sizes that do not fit, for steps that make no window, and for dtypes that differ.
            #[pullback_macros::called]
            #[track_caller]
            pub fn $transposed(&self, weight: &Tensor, bias: Option<&Tensor>, steps: Steps<'_>, output_padding: &[i64]) -> Result<Tensor> {
                transposed(self, weight, bias, (steps, output_padding, $dims), stringify!($transposed), Location::caller())
            })*
        }
    };
}

convolutions! {
    /// Kernels going over one dimension. PyTorch's `conv1d`.
    ///
    /// ```
    /// # use pullback::{Tensor, Steps};
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 4.0, 8.0], [1, 1, 4])?;
    /// let w = Tensor::from_slice(&[-1.0f32, 1.0], [1, 1, 2])?;
    /// assert_eq!(x.conv1d(&w, None, Steps::default())?.to_vec::<f32>()?, [1.0, 2.0, 4.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    conv1d conv1d_same conv_transpose1d 1;
    /// Kernels going over two dimensions. PyTorch's `conv2d`.
    conv2d conv2d_same conv_transpose2d 2;
    /// Kernels going over three dimensions. PyTorch's `conv3d`.
    conv3d conv3d_same conv_transpose3d 3;
}
