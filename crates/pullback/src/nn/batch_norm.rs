//! Normalisation of channels, with running statistics: over a batch, or for each sample.

use super::macros::{builder, layer};
use super::repr::{Repr, float, python};
use super::{init, is_training, mode};
use crate::core::fail::{bail, ensure};
use crate::{BatchNorm as How, DType, Result, Tensor, module};

/// What both kinds have: a weight and a bias for each channel, and running statistics.
#[derive(Clone, Debug)]
struct Channels {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    running_mean: Option<Tensor>,
    running_var: Option<Tensor>,
    num_batches_tracked: Option<Tensor>,
}

/// Which of them there are.
struct Wanted {
    channels: usize,
    affine: bool,
    bias: bool,
    tracked: bool,
    dtype: DType,
}

impl Channels {
    fn new(wanted: &Wanted) -> Result<Channels> {
        let (n, dtype) = (wanted.channels, wanted.dtype);
        let weight = init::optional(wanted.affine, &[n], dtype)?;
        if let Some(weight) = &weight {
            init::ones_(weight)?;
        }
        let tracked = wanted.tracked;
        Ok(Channels {
            weight,
            bias: init::optional(wanted.affine && wanted.bias, &[n], dtype)?,
            running_mean: tracked.then(|| Tensor::zeros([n], dtype)).transpose()?,
            running_var: tracked.then(|| Tensor::ones([n], dtype)).transpose()?,
            num_batches_tracked: (tracked.then(|| Tensor::zeros((), DType::I64))).transpose()?,
        })
    }

    fn running(&self) -> Option<(&Tensor, &Tensor)> {
        self.running_mean.as_ref().zip(self.running_var.as_ref())
    }
}

/// What is printed of both kinds.
struct Printed {
    channels: usize,
    eps: f64,
    momentum: Option<f64>,
}

impl Printed {
    fn text(&self, own: &Channels) -> String {
        format!(
            "{}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={}",
            self.channels,
            float(self.eps),
            self.momentum.map_or("None".to_string(), float),
            python(own.weight.is_some()),
            python(own.bias.is_some()),
            python(own.running_mean.is_some())
        )
    }
}

/// Each channel of a batch shifted to mean 0 and scaled to variance 1, then times a weight, plus a bias. PyTorch's `nn.BatchNorm1d` to `nn.BatchNorm3d`, with
/// `D` dimensions of places; one takes inputs without places too.
///
/// While the thread trains ([`is_training`]) the statistics are the batch's, and the running ones move towards them; else they are the
/// running ones.
///
/// ```
/// use pullback::nn::{self, BatchNorm2d, Layer};
/// use pullback::{DType, randn};
/// let layer = BatchNorm2d::new(3)?;
/// let x = randn([8, 3, 4, 4], DType::F32)?;
/// layer.forward(&x)?;
/// let _eval = nn::eval();
/// assert_eq!(layer.forward(&x)?.shape(), x.shape());
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchNorm<const D: usize> {
    own: Channels,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
}

/// Channels of (samples, channels) or (samples, channels, length).
pub type BatchNorm1d = BatchNorm<1>;
/// Channels of (samples, channels, height, width).
pub type BatchNorm2d = BatchNorm<2>;
/// Channels of (samples, channels, depth, height, width).
pub type BatchNorm3d = BatchNorm<3>;

builder! {
    /// How a [`BatchNorm`] is made.
    BatchNormBuilder [const D: usize] [D] for BatchNorm<D>;
    (num_features: usize);
    {
        /// What is added to variances.
        eps: f64 = 1e-5,
        /// Whether there are a weight and a bias.
        affine: bool = true,
        /// Whether there is a bias besides the weight.
        bias: bool = true,
        /// Whether there are running statistics; without them evaluation uses the batch's too.
        track_running_stats: bool = true,
        /// Of weight, bias and statistics; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// How fast running statistics move; without it they are the means over all batches.
        momentum: Option<f64> = Some(0.1),
    }
}

impl<const D: usize> BatchNormBuilder<D> {
    /// Makes the layer: weights 1, biases 0, means 0, variances 1.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<BatchNorm<D>> {
        let own = Channels::new(&Wanted {
            channels: self.num_features,
            affine: self.affine,
            bias: self.bias,
            tracked: self.track_running_stats,
            dtype: self.dtype,
        })?;
        Ok(BatchNorm {
            own,
            num_features: self.num_features,
            eps: self.eps,
            momentum: self.momentum,
        })
    }
}

/// What can be asked of both kinds.
macro_rules! parts {
    ($name:ident) => {
        impl<const D: usize> $name<D> {
            /// (channels), if there is one.
            pub fn weight(&self) -> Option<&Tensor> {
                self.own.weight.as_ref()
            }

            /// (channels), if there is one.
            pub fn bias(&self) -> Option<&Tensor> {
                self.own.bias.as_ref()
            }

            /// Running means and variances, if there are any.
            pub fn running(&self) -> Option<(&Tensor, &Tensor)> {
                self.own.running()
            }

            /// Means 0, variances 1, no batches. PyTorch's `reset_running_stats()`.
            ///
            /// # Errors
            /// Where another thread is at them.
            pub fn reset_running_stats(&self) -> Result<()> {
                if let Some((mean, var)) = self.running() {
                    init::zeros_(mean)?;
                    init::ones_(var)?;
                }
                self.own
                    .num_batches_tracked
                    .as_ref()
                    .map_or(Ok(()), |n| init::constant_(n, 0))
            }
        }
    };
}

parts!(BatchNorm);
parts!(InstanceNorm);

impl<const D: usize> BatchNorm<D> {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let n = x.ndim();
        match D {
            1 if n != 2 && n != 3 => bail!(Value, "expected 2D or 3D input (got {n}D input)"),
            2 | 3 if n != D + 2 => bail!(Value, "expected {}D input (got {n}D input)", D + 2),
            _ => {}
        }
        let training = is_training();
        let mut momentum = self.momentum.unwrap_or(0.0);
        if training && let Some(count) = &self.own.num_batches_tracked {
            let anew = mode::measures_anew(count.address());
            if anew == Some(true) {
                self.reset_running_stats()?;
            }
            count.add_(1)?;
            if self.momentum.is_none() || anew.is_some() {
                momentum = 1.0 / count.item_f64()?;
            }
        }
        let running = self.own.running();
        let how = How {
            training: training || running.is_none(),
            momentum,
            eps: self.eps,
        };
        x.batch_norm(
            running,
            self.own.weight.as_ref(),
            self.own.bias.as_ref(),
            how,
        )
    }
}

layer!([const D: usize] BatchNorm<D>, |m, x| m.run(x));
module!(Channels {
    weight,
    bias,
    running_mean,
    running_var,
    num_batches_tracked
});

/// Each channel of each sample shifted to mean 0 and scaled to variance 1. PyTorch's `nn.InstanceNorm1d` to `nn.InstanceNorm3d`, of inputs with or without samples.
#[derive(Clone, Debug)]
pub struct InstanceNorm<const D: usize> {
    own: Channels,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
}

/// Channels of (samples, channels, length).
pub type InstanceNorm1d = InstanceNorm<1>;
/// Channels of (samples, channels, height, width).
pub type InstanceNorm2d = InstanceNorm<2>;
/// Channels of (samples, channels, depth, height, width).
pub type InstanceNorm3d = InstanceNorm<3>;

builder! {
    /// How an [`InstanceNorm`] is made.
    InstanceNormBuilder [const D: usize] [D] for InstanceNorm<D>;
    (num_features: usize);
    {
        /// What is added to variances.
        eps: f64 = 1e-5,
        /// Whether there are a weight and a bias.
        affine: bool = false,
        /// Whether there is a bias besides the weight.
        bias: bool = true,
        /// Whether there are running statistics, which evaluation uses.
        track_running_stats: bool = false,
        /// Of weight, bias and statistics; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// How fast running statistics move.
        momentum: Option<f64> = Some(0.1),
    }
}

impl<const D: usize> InstanceNormBuilder<D> {
    /// Makes the layer: weights 1, biases 0, means 0, variances 1.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<InstanceNorm<D>> {
        let own = Channels::new(&Wanted {
            channels: self.num_features,
            affine: self.affine,
            bias: self.bias,
            tracked: self.track_running_stats,
            dtype: self.dtype,
        })?;
        Ok(InstanceNorm {
            own,
            num_features: self.num_features,
            eps: self.eps,
            momentum: self.momentum,
        })
    }
}

impl<const D: usize> InstanceNorm<D> {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let n = x.ndim();
        ensure!(
            n == D + 1 || n == D + 2,
            Value,
            "expected {}D or {}D input (got {n}D input)",
            D + 1,
            D + 2
        );
        let at = n - D - 1;
        if x.shape()[at] != self.num_features && self.own.weight.is_some() {
            bail!(
                Value,
                "expected input's size at dim={at} to match num_features ({}), but got: {}.",
                self.num_features,
                x.shape()[at]
            );
        }
        let running = self.own.running();
        let how = How {
            training: is_training() || running.is_none(),
            momentum: self.momentum.unwrap_or(0.0),
            eps: self.eps,
        };
        let (weight, bias) = (self.own.weight.as_ref(), self.own.bias.as_ref());
        match at {
            0 => (x.unsqueeze(0)?.instance_norm(running, weight, bias, how)?).squeeze_dims(&[0]),
            _ => x.instance_norm(running, weight, bias, how),
        }
    }
}

layer!([const D: usize] InstanceNorm<D>, |m, x| m.run(x));

/// The names are those of the layer itself, whatever holds the tensors.
macro_rules! flat {
    ($name:ident) => {
        impl<const D: usize> super::Module for $name<D> {
            fn visit(&self, v: &mut super::Visit<'_>) {
                self.own.visit(v);
            }
            fn visit_mut(&mut self, v: &mut super::VisitMut<'_>) -> Result<()> {
                self.own.visit_mut(v)
            }
            fn repr(&self) -> Option<Repr> {
                let printed = Printed {
                    channels: self.num_features,
                    eps: self.eps,
                    momentum: self.momentum,
                };
                let name = format!("{}{D}d", stringify!($name));
                Some(Repr::new(name).extra(printed.text(&self.own)))
            }
        }

        impl<const D: usize> std::fmt::Display for $name<D> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                super::print(self, f)
            }
        }
    };
}

flat!(BatchNorm);
flat!(InstanceNorm);
