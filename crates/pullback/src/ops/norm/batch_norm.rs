//! Normalisation of channels over samples, of groups of channels, and of single channels: PyTorch's `batch_norm`, `group_norm` and
//! `instance_norm`. Each puts what is normalised together side by side and leaves the rest to `layer_norm`.

use crate::core::Site;
use crate::core::fail::{bail, ensure, error};
use crate::core::mode::no_grad;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::common::anchor::entered;
use crate::ops::common::constant::{number_like, times};
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::{DType, Result};
use pullback_array::MemoryFormat;
use pullback_random::digits::Streamed;
use std::panic::Location;

/// How `batch_norm` and `instance_norm` go about it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchNorm {
    /// Whether the input's own means and variances are used, and the running ones follow them; else the running ones are used.
    pub training: bool,
    /// How much of the running statistics is replaced at each call.
    pub momentum: f64,
    /// Added to the variances.
    pub eps: f64,
}

setters!([] BatchNorm {
    training: bool,
    momentum: f64,
    eps: f64,
});

impl Default for BatchNorm {
    /// Running statistics are used, and would take a tenth of new ones.
    fn default() -> Self {
        BatchNorm {
            training: false,
            momentum: 0.1,
            eps: 1e-5,
        }
    }
}

/// Running means and variances of the channels, which training overwrites.
pub type Running<'a> = Option<(&'a Tensor, &'a Tensor)>;

/// A vector of one number for each channel, to be broadcast over `x`.
fn along_channels(x: &Tensor, v: &Tensor) -> Result<Tensor> {
    let mut shape = vec![1; x.ndim()];
    shape[1] = v.numel();
    v.reshape(&shape[..])
}

/// `x·weight + bias`, by channels.
fn scaled(x: Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Tensor> {
    let mut y = x;
    if let Some(weight) = weight {
        y = y.mul(&along_channels(&y, weight)?)?;
    }
    if let Some(bias) = bias {
        y = y.add(&along_channels(&y, bias)?)?;
    }
    Ok(y)
}

/// Weight and bias, whose gradients are of one operation that reads its operands, as PyTorch's are.
fn parts(
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    site: Site,
) -> Result<[Option<Tensor>; 2]> {
    let of = |v: &Tensor| entered(v, "native_batch_norm", site);
    Ok([weight.map(of).transpose()?, bias.map(of).transpose()?])
}

/// All dimensions but that of the channels.
fn others(x: &Tensor) -> Vec<i64> {
    (0..x.ndim() as i64).filter(|&d| d != 1).collect()
}

/// Errors where the vectors do not fit the channels, or have another dtype.
fn fits(x: &Tensor, vectors: [(&str, Option<&Tensor>); 4]) -> Result<()> {
    if x.ndim() < 2 {
        bail!(
            Shape,
            "Expected at least 2 dimensions for the input of a normalisation by channels, but got {}",
            x.shape()
        );
    }
    ensure!(
        x.dtype().is_float(),
        Unsupported,
        "\"batch_norm\" not implemented for '{}'",
        x.dtype().scalar_type_name()
    );
    let channels = x.shape()[1];
    for (name, vector) in vectors {
        let Some(v) = vector else { continue };
        ensure!(
            v.numel() == channels,
            Shape,
            "{name} should contain {channels} elements not {}",
            v.numel()
        );
        if v.dtype() != x.dtype() && (v.dtype() != DType::F32 || !is_half(x)) {
            // Halves go with parameters of single precision, too.
            let said = match is_half(x) {
                true => "expect parameter to have scalar type of Float",
                false => "all inputs must share same datatype.",
            };
            let e = error!(DType, "mixed dtype (CPU): {said}");
            return Err(e.note(format!(
                "the input is {} and {name} is {}",
                x.dtype(),
                v.dtype()
            )));
        }
    }
    let given = || vectors.iter().filter_map(|(_, v)| *v);
    if given().any(|v| v.dtype() != x.dtype()) && given().any(is_half) {
        bail!(
            DType,
            "expected scalar type {} but found Float",
            x.dtype().scalar_type_name()
        );
    }
    Ok(())
}

/// `r` moves towards `new`: `(1 - momentum)·r + momentum·new`.
fn follow(r: &Tensor, new: &Tensor, momentum: f64) -> Result<()> {
    let _quiet = no_grad();
    let moved = r.detach().mul(1.0 - momentum)?.add(&new.mul(momentum)?)?;
    r.copy_(&moved)
}

/// Writes statistics that moved in single precision where halves keep them.
fn moved(running: Running<'_>, wider: Running<'_>, training: bool) -> Result<()> {
    let (Some((mean, var)), Some((m, v)), true) = (running, wider, training) else {
        return Ok(());
    };
    let _quiet = no_grad();
    mean.copy_(m)?;
    var.copy_(v)
}

/// Each channel with mean 0 and variance 1 over all other dimensions. The result lies row by row, or with the channels innermost where the
/// input's do, as PyTorch's: what follows may view it, and draws are made in the order of memory.
fn normalised(x: &Tensor, eps: f64) -> Result<Tensor> {
    let turned = x.transpose(0, 1)?;
    let (shape, channels) = (turned.shape().clone(), x.shape()[1]);
    let each: usize = shape[1..].iter().product();
    let flat = turned.reshape([channels, each])?;
    let y = (flat.layer_norm(&[each], None, None, eps)?)
        .reshape(shape)?
        .transpose(0, 1)?;
    let last = match x.ndim() {
        4 => MemoryFormat::ChannelsLast,
        5 => MemoryFormat::ChannelsLast3d,
        _ => MemoryFormat::Contiguous,
    };
    let format = match last.of(x.array().layout())?.strides() == x.array().layout().strides() {
        true => last,
        false => MemoryFormat::Contiguous,
    };
    match y.is_contiguous() && format == MemoryFormat::Contiguous {
        true => Ok(y),
        false => y.copy_in(format),
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Each channel (dimension 1) shifted to mean 0 and scaled to variance 1 over all other dimensions, then times a weight, plus a
    /// bias. PyTorch's `batch_norm`.
    ///
    /// In training the statistics are the input's, and `running` moves towards them by `momentum` (variances with n - 1); else they are
    /// `running`.
    ///
    /// # Errors
    /// PyTorch's sentences for vectors that do not fit, for running statistics that are missing, and for one number in each channel.
    #[track_caller]
    pub fn batch_norm(
        &self,
        running: Running<'_>,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        how: BatchNorm,
    ) -> Result<Tensor> {
        self.batch_normed(running, weight, bias, how, Location::caller())
    }

    fn batch_normed(
        &self,
        running: Running<'_>,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        how: BatchNorm,
        site: Site,
    ) -> Result<Tensor> {
        let (mean, var) = running.unzip();
        if self.ndim() == 1 && self.numel() == 0 && weight.is_none() && bias.is_none() {
            return self.copy(); // nothing has no channels, which PyTorch lets pass
        }
        let each = self
            .numel()
            .checked_div(self.shape().get(1).copied().unwrap_or(1));
        if how.training && self.ndim() >= 2 && each == Some(1) {
            bail!(
                Value,
                "Expected more than 1 value per channel when training, got input size torch.Size({})",
                self.shape()
            );
        }
        let bound = if how.training {
            how.eps > 0.0
        } else {
            how.eps >= 0.0
        };
        if !bound {
            let (must, when) = match how.training {
                true => ("positive during training", ""),
                false => ("non-negative", ""),
            };
            bail!(
                Value,
                "batch_norm eps must be {must}{when}, but got {}",
                Streamed(how.eps)
            );
        }
        if !how.training && running.is_none() {
            bail!(Shape, "running_mean must be defined in evaluation mode");
        }
        fits(
            self,
            [
                ("running_mean", mean),
                ("running_var", var),
                ("weight", weight),
                ("bias", bias),
            ],
        )?;
        if is_half(self) {
            let [mean, var] = [wide_if(mean)?, wide_if(var)?];
            let [weight, bias] = [wide_if(weight)?, wide_if(bias)?];
            let wider = mean.as_ref().zip(var.as_ref());
            let y = wide(self)?.batch_normed(wider, weight.as_ref(), bias.as_ref(), how, site)?;
            moved(running, wider, how.training)?;
            return y.to(self.dtype());
        }
        let [weight, bias] = &parts(weight, bias, site)?;
        let (weight, bias) = (weight.as_ref(), bias.as_ref());
        match running {
            Some((mean, var)) if !how.training => {
                let spread = var.add(how.eps)?.rsqrt()?;
                let factor = match weight {
                    Some(weight) => spread.mul(weight)?,
                    None => spread,
                };
                let shift = mean.mul(&factor)?.neg()?;
                let shift = match bias {
                    Some(bias) => shift.add(bias)?,
                    None => shift,
                };
                // Row by row, as in PyTorch, but for images, which keep their order.
                let x = match self.ndim() < 4 {
                    true => entered(&self.contiguous()?, "native_batch_norm", site)?,
                    false => entered(self, "native_batch_norm", site)?,
                };
                scaled(x, Some(&factor), Some(&shift))
            }
            _ => {
                let y = scaled(normalised(self, how.eps)?, weight, bias)?;
                if let Some((mean, var)) = running
                    && self.numel() > 0
                {
                    let _quiet = no_grad();
                    let (v, m) = self.detach().var_mean(&others(self), 1.0, false)?;
                    follow(mean, &m, how.momentum)?;
                    follow(var, &v, how.momentum)?;
                }
                Ok(y)
            }
        }
    }

    /// Channels in `groups` groups, each shifted to mean 0 and scaled to variance 1 for each sample, then times a weight, plus a bias, by
    /// channels. PyTorch's `group_norm`.
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are not so many groups and for vectors that do not fit.
    #[track_caller]
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Result<Tensor> {
        if self.ndim() < 2 {
            bail!(
                Shape,
                "Expected at least 2 dimensions for input tensor but received {}",
                self.ndim()
            );
        }
        let (n, channels) = (self.shape()[0], self.shape()[1]);
        ensure!(
            channels > 0,
            Shape,
            "Expected number of channels to be greater than 0, got 0"
        );
        ensure!(
            !self.shape()[2..].contains(&0),
            Shape,
            "Expected HxW to be greater than 0, got 0"
        );
        if groups == 0 || !channels.is_multiple_of(groups) {
            bail!(
                Shape,
                "Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={groups}",
                self.shape()
            );
        }
        for (name, v) in [("weight", weight), ("bias", bias)] {
            if let Some(v) = v
                && v.shape()[..] != [channels]
            {
                bail!(
                    Shape,
                    "Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {} and input of shape {}",
                    v.shape(),
                    self.shape()
                );
            }
        }
        fits(
            self,
            [("weight", weight), ("bias", bias), ("", None), ("", None)],
        )?;
        if is_half(self) {
            let [weight, bias] = [wide_if(weight)?, wide_if(bias)?];
            return wide(self)?
                .group_norm(groups, weight.as_ref(), bias.as_ref(), eps)?
                .to(self.dtype());
        }
        let each = self.shape()[1..].iter().product::<usize>() / groups;
        let flat = self.reshape([n * groups, each])?;
        let y = flat
            .layer_norm(&[each], None, None, eps)?
            .reshape(self.shape())?;
        scaled(y, weight, bias)
    }

    /// Each channel of each sample shifted to mean 0 and scaled to variance 1, then times a weight, plus a bias, by channels; or, without
    /// `training`, by running statistics. PyTorch's `instance_norm`, whose `use_input_stats` is `training`.
    ///
    /// # Errors
    /// As [`Tensor::batch_norm`]; for one number in each channel of a sample.
    #[track_caller]
    pub fn instance_norm(
        &self,
        running: Running<'_>,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        how: BatchNorm,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if !how.training {
            let Some(running) = running else {
                bail!(
                    Shape,
                    "Expected running_mean and running_var to be defined when use_input_stats is false"
                );
            };
            return self.batch_normed(Some(running), weight, bias, how, site);
        }
        let (mean, var) = running.unzip();
        fits(
            self,
            [
                ("running_mean", mean),
                ("running_var", var),
                ("weight", weight),
                ("bias", bias),
            ],
        )?;
        if is_half(self) {
            let [mean, var] = [wide_if(mean)?, wide_if(var)?];
            let [weight, bias] = [wide_if(weight)?, wide_if(bias)?];
            let wider = mean.as_ref().zip(var.as_ref());
            let y = wide(self)?.instance_norm(wider, weight.as_ref(), bias.as_ref(), how)?;
            moved(running, wider, true)?;
            return y.to(self.dtype());
        }
        let each: usize = self.shape()[2..].iter().product();
        ensure!(
            each != 1,
            Value,
            "Expected more than 1 spatial element when training, got input size torch.Size({})",
            self.shape()
        );
        let flat = self.reshape([self.shape()[0] * self.shape()[1], each])?;
        let y = flat
            .layer_norm(&[each], None, None, how.eps)?
            .reshape(self.shape())?;
        let [weight, bias] = &parts(weight, bias, site)?;
        let y = scaled(y, weight.as_ref(), bias.as_ref())?;
        if let Some((mean, var)) = running
            && self.numel() > 0
        {
            let inner: Vec<i64> = (2..self.ndim() as i64).collect();
            let _quiet = no_grad();
            let (v, m) = self.detach().var_mean(&inner, 1.0, false)?;
            follow(mean, &m.mean_dims(&[0], false)?, how.momentum)?;
            follow(var, &v.mean_dims(&[0], false)?, how.momentum)?;
        }
        Ok(y)
    }

    /// Each number divided by a power of the squares' mean over `size` neighbouring channels. PyTorch's `local_response_norm`.
    ///
    /// # Errors
    /// For fewer than three dimensions.
    #[track_caller]
    pub fn local_response_norm(
        &self,
        size: impl Into<Count>,
        alpha: f64,
        beta: f64,
        k: f64,
    ) -> Result<Tensor> {
        let size = size.into().0;
        if self.ndim() < 3 {
            bail!(
                Value,
                "Expected 3D or higher dimensionality                          input (got {} dimensions)",
                self.ndim()
            );
        }
        if self.numel() == 0 {
            return Ok(self.clone());
        }
        // Channels last, so that windows are taken along them.
        let square = self.mul(self)?.transpose(1, -1)?;
        let around = [size / 2, (size - 1) / 2];
        let windows = square
            .pad(&around, crate::PadMode::Constant, None)?
            .unfold(-1, size, 1)?;
        let mean = match self.dtype().is_float() {
            true => windows.mean_dims(&[-1], false)?,
            // Integers are divided as C divides.
            false => windows
                .sum_dims(&[-1], false)?
                .div_rounded(size, Some(crate::Rounding::Trunc))?
                .to(DType::default_float())?,
        }
        .transpose(1, -1)?;
        self.div(
            &times(&mean, alpha)?
                .add(&number_like(&mean, k)?)?
                .pow(beta)?,
        )
    }
}
