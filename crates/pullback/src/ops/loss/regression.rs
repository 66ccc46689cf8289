//! Losses between numbers: squared, absolute, smooth l1, huber, and the likelihoods of normal and Poisson distributions.

use crate::core::apply::apply_dyn;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::common::constant::{plus, times};
use crate::ops::common::gate::no_form;
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::ops::common::operand::{Operand, promote, result_type};
use crate::ops::loss::reduction::Reduction;
use crate::ops::{Huber, SmoothL1};
use crate::{Error, Result, no_grad};
use std::panic::Location;

/// The difference in a floating dtype; integers have no such loss, in the words of `kernel`.
#[track_caller]
fn difference(x: &Tensor, target: &Tensor, kernel: &str) -> Result<Tensor> {
    let d = x.sub(target)?;
    if d.dtype().is_float() {
        return Ok(d);
    }
    Err(no_form(kernel, &d.array()))
}

/// The loss of elements that may be weighted one by one.
#[track_caller]
fn reduced(
    x: Tensor,
    like: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let Some(weight) = weight else {
        return reduction.of(x);
    };
    ensure!(
        weight.shape() == like.shape(),
        Value,
        "Weights and input must have the same size."
    );
    reduction.of_weighted(&x, weight)
}

/// The same numbers under another shape broadcast to a table of all pairs, and the loss learns nothing: `[n, 1]` against `[n]`.
/// PyTorch warns; here it is an error that says what to write instead.
fn same_size(x: &Tensor, target: &Tensor) -> Result<()> {
    if x.shape() == target.shape() {
        return Ok(());
    }
    let e = error!(
        Shape,
        "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})). This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        target.shape(),
        x.shape()
    );
    let e = reshaped(e, x, target);
    let Ok(common) = x.shape().broadcast(target.shape()) else {
        return Err(e);
    };
    let text = format!("to broadcast on purpose, to {common}, say so");
    Err(e.help(format!(
        "{text}: `let xy = broadcast_tensors(&[&x, &y])?;`, then the loss of `xy[0]` and `xy[1]`"
    )))
}

/// The likeliest way out, where the numbers are as many.
pub(in crate::ops) fn reshaped(e: Error, x: &Tensor, target: &Tensor) -> Error {
    match x.numel() == target.numel() {
        true => e.help_in(
            "if they are the same numbers in another shape: `y.reshape(x.shape())?`",
            "if they are the same numbers in another shape: `y.reshape(x.shape)`",
        ),
        false => e,
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Squared differences; each may have a weight, and their mean is divided by the sum of the weights then.
    ///
    /// ```
    /// # use pullback::{Reduction, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 4.0], [2])?;
    /// let y = Tensor::from_slice(&[0.0f32, 1.0], [2])?;
    /// assert_eq!(x.mse_loss(&y, Reduction::Mean, None)?.item_f64()?, 5.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// For a target of another shape (PyTorch warns and broadcasts), integers, weights of another shape than this tensor's.
    #[track_caller]
    pub fn mse_loss(
        &self,
        target: &Tensor,
        reduction: Reduction,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        same_size(self, target)?;
        self.mse_loss_broadcast(target, reduction, weight)
    }

    /// [`Tensor::mse_loss`] of shapes that may differ, as PyTorch has it.
    #[track_caller]
    pub(crate) fn mse_loss_broadcast(
        &self,
        target: &Tensor,
        reduction: Reduction,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        let d = difference(self, target, "mse_cpu")?;
        reduced(d.mul(&d)?, self, weight, reduction)
    }

    /// Magnitudes of differences; weights as in [`Tensor::mse_loss`].
    ///
    /// # Errors
    /// For a target of another shape (PyTorch warns and broadcasts), weights of another shape than this tensor's, a mean of
    /// integers.
    #[track_caller]
    pub fn l1_loss(
        &self,
        target: &Tensor,
        reduction: Reduction,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        same_size(self, target)?;
        self.l1_loss_broadcast(target, reduction, weight)
    }

    /// [`Tensor::l1_loss`] of shapes that may differ, as PyTorch has it.
    #[track_caller]
    pub(crate) fn l1_loss_broadcast(
        &self,
        target: &Tensor,
        reduction: Reduction,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        reduced(self.sub(target)?.abs()?, self, weight, reduction)
    }

    /// `d²/(2·beta)` where a difference is smaller than `beta`, else `|d| - beta/2`; PyTorch's default is 1, and 0 is
    /// [`Tensor::l1_loss`].
    ///
    /// # Errors
    /// For a target of another shape (PyTorch warns and broadcasts), a negative `beta`, integers.
    #[track_caller]
    pub fn smooth_l1_loss(
        &self,
        target: &Tensor,
        reduction: Reduction,
        beta: f64,
    ) -> Result<Tensor> {
        same_size(self, target)?;
        self.smooth_l1_loss_broadcast(target, reduction, beta)
    }

    /// [`Tensor::smooth_l1_loss`] of shapes that may differ, as PyTorch has it.
    #[track_caller]
    pub(crate) fn smooth_l1_loss_broadcast(
        &self,
        target: &Tensor,
        reduction: Reduction,
        beta: f64,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if beta == 0.0 {
            return self.l1_loss_broadcast(target, reduction, None);
        }
        if beta < 0.0 || beta.is_nan() {
            bail!(
                Argument,
                "smooth_l1_loss does not support negative values for beta."
            );
        }
        let d = difference(self, target, "smooth_l1_cpu")?;
        reduction.of(apply_dyn(&SmoothL1 { beta }, &[&d], site)?)
    }

    /// `d²/2` where a difference is smaller than `delta`, else `delta·(|d| - delta/2)`; PyTorch's default is 1. With weights the
    /// mean is one of weighted losses, not divided by the weights.
    ///
    /// # Errors
    /// For a target of another shape (PyTorch warns and broadcasts), a `delta` that is not positive, integers, weights of
    /// another shape than this tensor's.
    #[track_caller]
    pub fn huber_loss(
        &self,
        target: &Tensor,
        reduction: Reduction,
        delta: f64,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        same_size(self, target)?;
        self.huber_loss_broadcast(target, reduction, delta, weight)
    }

    /// [`Tensor::huber_loss`] of shapes that may differ, as PyTorch has it.
    #[track_caller]
    pub(crate) fn huber_loss_broadcast(
        &self,
        target: &Tensor,
        reduction: Reduction,
        delta: f64,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if delta <= 0.0 || delta.is_nan() {
            bail!(
                Argument,
                "huber_loss does not support non-positive values for delta."
            );
        }
        if weight.is_some_and(|w| w.shape() != self.shape()) {
            bail!(Value, "Weights and input must have the same size.");
        }
        let d = difference(self, target, "huber_cpu")?;
        let loss = apply_dyn(&Huber { delta }, &[&d], site)?;
        reduction.of(match weight {
            Some(w) => loss.mul(w)?,
            None => loss,
        })
    }

    /// The negative logarithm of a normal density with this mean and the variance `var`, at `target`; `full` adds the
    /// constant. Variances below `eps` count as `eps` and still get a gradient. PyTorch's defaults are `false` and 1e-6.
    ///
    /// # Errors
    /// For negative variances, or variances of another size than this tensor, than all but its last dimension, or than it with
    /// one dimension of size 1.
    #[track_caller]
    pub fn gaussian_nll_loss<'a>(
        &self,
        target: &Tensor,
        var: impl Into<Operand<'a>>,
        full: bool,
        eps: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let mut var = match var.into() {
            Operand::Tensor(t) => t.clone(),
            Operand::Number(n) => self.ones_like()?.mul(n)?,
        };
        if !var.array().is_meta()
            && crate::ops::common::operand::once(&var.array())?
                .numbers_f64()?
                .iter()
                .any(|&v| v < 0.0)
        {
            bail!(Value, "var has negative entry/entries");
        }
        let (shape, n) = (self.shape(), self.ndim());
        if var.shape() != shape {
            let different: Vec<usize> = match var.ndim() == n {
                true => (0..n).filter(|&k| shape[k] != var.shape()[k]).collect(),
                false => Vec::new(),
            };
            if n > 0 && var.shape()[..] == shape[..n - 1] {
                var = var.unsqueeze(-1)?;
            } else if different.iter().map(|&k| var.shape()[k]).sum::<usize>() != 1 {
                bail!(Value, "var is of incorrect size");
            }
        }
        // Clamped behind the gradient's back, as PyTorch does.
        let var = var.copy()?;
        {
            let _quiet = no_grad();
            var.clamp_min_(eps)?;
        }
        let d = self.sub(target)?;
        let mut loss = var.log()?.add(&d.mul(&d)?.div(&var)?)?.mul(0.5)?;
        if full {
            loss = plus(&loss, 0.5 * (2.0 * std::f64::consts::PI).ln())?;
        }
        match reduction {
            Reduction::BatchMean => Err(error!(Value, "batchmean is not valid")),
            other => other.of(loss),
        }
    }

    /// The negative logarithm of a Poisson probability of `target`, this tensor being the rate, or its logarithm if
    /// `log_input`; `full` adds Stirling's approximation for targets above 1. PyTorch's defaults are `true`, `false` and 1e-8.
    ///
    /// # Errors
    /// For shapes that do not broadcast.
    #[track_caller]
    pub fn poisson_nll_loss(
        &self,
        target: &Tensor,
        log_input: bool,
        full: bool,
        eps: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let mut loss = if log_input {
            self.exp()?.sub(&target.mul(self)?)?
        } else {
            self.sub(&target.mul(&plus(self, eps)?.log()?)?)?
        };
        if full {
            let turns = times(target, 2.0 * std::f64::consts::PI)?;
            let stirling = target
                .mul(&target.log()?)?
                .sub(target)?
                .add(&turns.log()?.mul(0.5)?)?;
            let none = Tensor::zeros([], stirling.dtype())?;
            loss = loss.add(&none.where_(&target.le(1i64)?, &stirling)?)?;
        }
        reduction.of(loss)
    }

    /// The Kullback-Leibler divergence of elements: `target·(ln target - self)`, this tensor being a logarithm, and `target` one too
    /// if `log_target`. [`Reduction::BatchMean`] is the mean over samples.
    ///
    /// # Errors
    /// For integers, shapes that do not broadcast.
    #[track_caller]
    pub fn kl_div(
        &self,
        target: &Tensor,
        reduction: Reduction,
        log_target: bool,
    ) -> Result<Tensor> {
        if !self.dtype().is_float() || !target.dtype().is_float() {
            bail!(DType, "kl_div: Integral inputs not supported.");
        }
        let loss = if log_target {
            target.exp()?.mul(&target.sub(self)?)?
        } else {
            target.xlogy(target)?.sub(&target.mul(self)?)?
        };
        match (reduction, self.shape().first()) {
            (Reduction::BatchMean, Some(&n)) => loss.sum()?.div(n as f64),
            (Reduction::BatchMean, None) => loss.sum(),
            (other, _) => other.of(loss),
        }
    }

    /// Cross-entropy of these probabilities and a target of the same shape, with logarithms no less than -100.
    ///
    /// # Errors
    /// For numbers outside of [0, 1], another shape or dtype of the target, a weight that does not broadcast to it.
    #[track_caller]
    pub fn binary_cross_entropy(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if target.shape() != self.shape() {
            let e = error!(
                Value,
                "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})) is deprecated. Please ensure they have the same size.",
                target.shape(),
                self.shape()
            );
            return Err(reshaped(e, self, target));
        }
        let loss = apply_dyn(&crate::ops::Bce, &[self, target], site)?;
        reduction.of(match weight {
            Some(w) => loss.mul(w)?,
            None => loss,
        })
    }

    /// Cross-entropy of the logistic function of this tensor and a target of the same shape, without overflow;
    /// `pos_weight` multiplies what positive targets add.
    ///
    /// # Errors
    /// For a target of another shape, weights that do not broadcast, integers.
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        reduction: Reduction,
        pos_weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if target.shape() != self.shape() {
            let e = error!(
                Value,
                "Target size (torch.Size({})) must be the same as input size (torch.Size({}))",
                target.shape(),
                self.shape()
            );
            return Err(reshaped(e, self, target));
        }
        if !self.dtype().is_float() {
            return Err(no_form("log_sigmoid_cpu", &self.array()));
        }
        let result = result_type(self, target);
        if is_half(self) && result == self.dtype() {
            let (weight, pos_weight) = (wide_if(weight)?, wide_if(pos_weight)?);
            return wide(self)?
                .binary_cross_entropy_with_logits(
                    &wide(target)?,
                    weight.as_ref(),
                    reduction,
                    pos_weight.as_ref(),
                )?
                .to(result);
        }
        let (x, t) = promote(self, target.into(), site)?;
        let op = &crate::ops::BceWithLogits;
        let loss = match pos_weight {
            None => apply_dyn(op, &[x.as_ref(), t.as_ref()], site)?,
            Some(p) => {
                let w = p.sub(1.0)?.mul(t.as_ref())?.add(1.0)?;
                let (x, w) = promote(x.as_ref(), (&w).into(), site)?;
                let t = t.to(x.dtype())?;
                apply_dyn(op, &[x.as_ref(), &t, w.as_ref()], site)?
            }
        };
        reduction.of(match weight {
            Some(w) => loss.mul(w)?,
            None => loss,
        })
    }
}
