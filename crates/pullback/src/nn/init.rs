//! PyTorch's `torch.nn.init`: first values of parameters, written in place, with PyTorch's numbers from the same seed.
//!
//! All of them draw from the default generator and record nothing. The gains and fans are those of [`crate::random::torch`].

use crate::core::fail::{bail, ensure};
use crate::{DType, Number, Result, Tensor, no_grad};
use std::hint::black_box;

pub use pullback_random::torch::{FanMode, Nonlinearity, calculate_gain, fan_in_and_fan_out};

/// Uniform numbers between `a` and `b`.
///
/// # Errors
/// As [`Tensor::uniform_`].
pub fn uniform_(tensor: &Tensor, a: f64, b: f64) -> Result<()> {
    let _guard = no_grad();
    tensor.uniform_(a, b)
}

/// Normal numbers.
///
/// # Errors
/// As [`Tensor::normal_`].
pub fn normal_(tensor: &Tensor, mean: f64, std: f64) -> Result<()> {
    let _guard = no_grad();
    tensor.normal_(mean, std)
}

/// One number everywhere.
///
/// # Errors
/// As [`Tensor::fill_`].
pub fn constant_(tensor: &Tensor, value: impl Into<Number>) -> Result<()> {
    let _guard = no_grad();
    tensor.fill_(value)
}

/// Ones.
///
/// # Errors
/// As [`Tensor::fill_`].
pub fn ones_(tensor: &Tensor) -> Result<()> {
    constant_(tensor, 1.0)
}

/// Zeros.
///
/// # Errors
/// As [`Tensor::fill_`].
pub fn zeros_(tensor: &Tensor) -> Result<()> {
    constant_(tensor, 0.0)
}

/// Uniform numbers whose variance keeps that of signals in both directions.
///
/// # Errors
/// PyTorch's sentence for fewer than two dimensions.
pub fn xavier_uniform_(tensor: &Tensor, gain: f64) -> Result<()> {
    let bound = 3f64.sqrt() * xavier_std(tensor, gain)?;
    uniform_(tensor, -bound, bound)
}

/// Normal numbers whose variance keeps that of signals in both directions.
///
/// # Errors
/// As [`xavier_uniform_`].
pub fn xavier_normal_(tensor: &Tensor, gain: f64) -> Result<()> {
    normal_(tensor, 0.0, xavier_std(tensor, gain)?)
}

fn xavier_std(tensor: &Tensor, gain: f64) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor.shape())?;
    Ok(gain * (2.0 / (fan_in + fan_out) as f64).sqrt())
}

/// Uniform numbers whose variance suits a layer before a rectifier; `a` is the slope of a leaky one.
///
/// # Errors
/// As [`xavier_uniform_`].
///
/// ```
/// use pullback::nn::init::{FanMode, Nonlinearity, kaiming_uniform_};
/// use pullback::{DType, Tensor, random};
/// // Python: torch.manual_seed(42); nn.init.kaiming_uniform_(torch.empty(1, 2), a=5 ** 0.5)    -> [[0.5406, 0.5869]]
/// random::manual_seed(42);
/// let w = Tensor::zeros([1, 2], DType::F32)?;
/// kaiming_uniform_(&w, 5f64.sqrt(), FanMode::FanIn, Nonlinearity::LeakyRelu)?;
/// assert_eq!(w.to_vec::<f32>()?, [0.5406104, 0.5869042]);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn kaiming_uniform_(
    tensor: &Tensor,
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<()> {
    let bound = 3f64.sqrt() * kaiming_std(tensor, a, mode, nonlinearity)?;
    match tensor.numel() {
        0 => Ok(()),
        _ => uniform_(tensor, -bound, bound),
    }
}

/// Normal numbers whose variance suits a layer before a rectifier; `a` is the slope of a leaky one.
///
/// # Errors
/// As [`xavier_uniform_`].
pub fn kaiming_normal_(
    tensor: &Tensor,
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<()> {
    let std = kaiming_std(tensor, a, mode, nonlinearity)?;
    match tensor.numel() {
        0 => Ok(()),
        _ => normal_(tensor, 0.0, std),
    }
}

fn kaiming_std(tensor: &Tensor, a: f64, mode: FanMode, how: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = match tensor.numel() {
        0 => (1, 1),
        _ => fan_in_and_fan_out(tensor.shape())?,
    };
    let fan = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
    };
    Ok(calculate_gain(how, Some(a)) / (fan as f64).sqrt())
}

/// Normal numbers, all between `a` and `b`; those outside are drawn again, in PyTorch's order.
///
/// # Errors
/// As [`Tensor::normal_`].
pub fn trunc_normal_(tensor: &Tensor, mean: f64, std: f64, a: f64, b: f64) -> Result<()> {
    let drawn = match tensor.dtype() {
        DType::F64 => {
            let all = crate::random::try_draw(|g| {
                pullback_random::torch::trunc_normal::<f64>(g, tensor.shape(), mean, std, a, b)
            })??;
            Tensor::from_slice(&all, tensor.shape())?
        }
        _ => {
            let all = crate::random::try_draw(|g| {
                pullback_random::torch::trunc_normal::<f32>(g, tensor.shape(), mean, std, a, b)
            })??;
            Tensor::from_slice(&all, tensor.shape())?
        }
    };
    let _guard = no_grad();
    tensor.copy_(&drawn)
}

/// The identity.
///
/// # Errors
/// PyTorch's sentence for other than two dimensions.
pub fn eye_(tensor: &Tensor) -> Result<()> {
    let [rows, columns] = tensor.shape()[..] else {
        bail!(Value, "Only tensors with 2 dimensions are supported");
    };
    let _guard = no_grad();
    tensor.zero_()?;
    (0..rows.min(columns) as i64).try_for_each(|i| tensor.select(0, i)?.select(0, i)?.fill_(1.0))
}

/// A convolution that hands its input through, as far as there are channels.
///
/// # Errors
/// PyTorch's sentences for other than three to five dimensions, and channels that are not so many groups.
pub fn dirac_(tensor: &Tensor, groups: usize) -> Result<()> {
    let sizes = tensor.shape().clone();
    ensure!(
        (3..=5).contains(&sizes.len()),
        Value,
        "Only tensors with 3, 4, or 5 dimensions are supported"
    );
    ensure!(
        groups > 0 && sizes[0].is_multiple_of(groups),
        Value,
        "dim 0 must be divisible by groups"
    );
    let each = sizes[0] / groups;
    let _guard = no_grad();
    tensor.zero_()?;
    for group in 0..groups {
        for channel in 0..each.min(sizes[1]) {
            let mut at = tensor.select(0, (group * each + channel) as i64)?;
            at = at.select(0, channel as i64)?;
            for &size in &sizes[2..] {
                at = at.select(0, (size / 2) as i64)?;
            }
            at.fill_(1.0)?;
        }
    }
    Ok(())
}

/// Normal numbers, of which a share in each column is zero.
///
/// # Errors
/// PyTorch's sentence for other than two dimensions.
pub fn sparse_(tensor: &Tensor, sparsity: f64, std: f64) -> Result<()> {
    let [rows, columns] = tensor.shape()[..] else {
        bail!(Value, "Only tensors with 2 dimensions are supported");
    };
    let zeros = (sparsity * rows as f64).ceil().max(0.0) as usize;
    let _guard = no_grad();
    tensor.normal_(0.0, std)?;
    for column in 0..columns {
        let order = crate::randperm(rows as i64, DType::I64)?.to_vec::<i64>()?;
        let column = tensor.select(1, column as i64)?;
        for &row in order.iter().take(zeros) {
            column.select(0, row)?.fill_(0.0)?;
        }
    }
    Ok(())
}

/// A matrix (the first dimension against the others) with orthonormal rows or columns, whichever are fewer, times `gain`. Agrees with PyTorch to the rounding of
/// its factorisation.
///
/// # Errors
/// PyTorch's sentence for fewer than two dimensions.
pub fn orthogonal_(tensor: &Tensor, gain: f64) -> Result<()> {
    let made = match tensor.dtype() {
        DType::F64 => {
            let all = crate::random::try_draw(|g| {
                pullback_random::torch::orthogonal::<f64>(g, tensor.shape(), gain)
            })??;
            Tensor::from_slice(&all, tensor.shape())?
        }
        _ => {
            let all = crate::random::try_draw(|g| {
                pullback_random::torch::orthogonal::<f32>(g, tensor.shape(), gain)
            })??;
            Tensor::from_slice(&all, tensor.shape())?
        }
    };
    let _guard = no_grad();
    tensor.copy_(&made)
}

/// The weight of a linear layer or a convolution, and its bias: PyTorch's `reset_parameters` of both.
pub(super) fn affine(weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
    kaiming_uniform_(
        weight,
        black_box(5f64).sqrt(),
        FanMode::FanIn,
        Nonlinearity::LeakyRelu,
    )?;
    let Some(bias) = bias else {
        return Ok(());
    };
    let (fan_in, _) = fan_in_and_fan_out(weight.shape())?;
    let bound = match fan_in {
        0 => 0.0,
        _ => 1.0 / (fan_in as f64).sqrt(),
    };
    uniform_(bias, -bound, bound)
}

/// A tensor for a parameter, which an initialiser fills.
pub(super) fn parameter(shape: &[usize], dtype: DType) -> Result<Tensor> {
    Tensor::zeros(shape, dtype)?.requires_grad_(true)
}

/// [`parameter`], where there is one.
pub(super) fn optional(there: bool, shape: &[usize], dtype: DType) -> Result<Option<Tensor>> {
    there.then(|| parameter(shape, dtype)).transpose()
}
