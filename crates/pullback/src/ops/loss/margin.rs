//! Losses with a margin: hinge embedding, ranking, soft, and of several classes.

use crate::core::apply::apply_dyn;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::core::watch;
use crate::ops::Softplus;
use crate::ops::common::constant::plus;
use crate::ops::loss::reduction::Reduction;
use crate::{DType, Result};
use std::panic::Location;

/// `max(x, 0)`, whose derivative at 0 is 0.
#[track_caller]
fn hinge(x: &Tensor) -> Result<Tensor> {
    x.clamp_min(0.0)
}

/// `x` where the mask holds, else 0.
#[track_caller]
fn only(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    x.where_(mask, 0.0)
}

#[pullback_macros::called]
impl Tensor {
    /// This tensor where `target` is 1, `max(margin - self, 0)` where it is -1; PyTorch's default margin is 1.
    ///
    /// # Errors
    /// For shapes that do not broadcast.
    #[track_caller]
    pub fn hinge_embedding_loss(
        &self,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let short = hinge(&plus(&self.neg()?, margin)?)?;
        let dissimilar = only(&short, &target.ne(1i64)?)?;
        let similar = only(self, &target.ne(-1i64)?)?;
        reduction.of(dissimilar.add(&similar)?)
    }

    /// `max(margin - target·(self - other), 0)`: this tensor should be larger where `target` is 1, `other` where it is -1.
    ///
    /// # Errors
    /// For tensors of different numbers of dimensions, shapes that do not broadcast.
    #[track_caller]
    pub fn margin_ranking_loss(
        &self,
        other: &Tensor,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        if self.ndim() != other.ndim() || self.ndim() != target.ndim() {
            bail!(
                Shape,
                "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: torch.Size({}), input2: torch.Size({}), target: torch.Size({}) ",
                self.shape(),
                other.shape(),
                target.shape()
            );
        }
        let led = target.neg()?.mul(&self.sub(other)?)?;
        reduction.of(hinge(&plus(&led, margin)?)?)
    }

    /// `ln(1 + e^{-target·self})`.
    ///
    /// # Errors
    /// For shapes that do not broadcast.
    #[track_caller]
    pub fn soft_margin_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        let z = self.mul(target)?;
        ensure!(
            z.shape() == self.shape(),
            Shape,
            "output with shape {} doesn't match the broadcast shape {}",
            self.shape(),
            z.shape()
        );
        // Never the line instead of the logarithm: PyTorch's values are infinite where the exponential is.
        let smooth = Softplus {
            beta: 1.0,
            threshold: f64::INFINITY,
        };
        reduction.of(apply_dyn(&smooth, &[&z.neg()?], Location::caller())?)
    }

    /// For each row of scores, `Σ max(margin - score of the target + score, 0)ᵖ` over the other classes, divided by the number of
    /// classes; `weight` has one factor for each target class. PyTorch's defaults are 1, 1, no weight and the mean.
    ///
    /// # Errors
    /// PyTorch's sentences: powers other than 1 and 2, a class number out of range, shapes that do not fit.
    #[track_caller]
    pub fn multi_margin_loss(
        &self,
        target: &Tensor,
        p: i64,
        margin: f64,
        weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        if p != 1 && p != 2 {
            bail!(Value, "only p == 1 and p == 2 supported");
        }
        if weight.is_some_and(|w| w.ndim() != 1) {
            bail!(Value, "weight must be one-dimensional");
        }
        if self.ndim() > 2 || self.shape().last() == Some(&0) {
            bail!(
                Shape,
                "Expected non-empty vector or matrix with optional 0-dim batch size, but got: {}",
                self.shape()
            );
        }
        let rows = if self.ndim() < 2 {
            self.reshape([1, self.numel()])?
        } else {
            self.clone()
        };
        let (n, classes) = (rows.shape()[0], rows.shape()[1]);
        if target.ndim() > 1 || target.numel() != n {
            bail!(
                Shape,
                "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). Expected target size [{n}], but got {}. Input has shape {}.",
                target.shape(),
                self.shape()
            );
        }
        if let Some(w) = weight.filter(|w| w.numel() != classes) {
            bail!(
                Shape,
                "inconsistent weight size, expected {classes} but got {}",
                w.shape()
            );
        }
        let want = [(Some(target), DType::I64), (weight, self.dtype())];
        for (given, dtype) in want {
            if let Some(t) = given.filter(|t| t.dtype() != dtype) {
                bail!(
                    DType,
                    "expected scalar type {} but found {}",
                    dtype.scalar_type_name(),
                    t.dtype().scalar_type_name()
                );
            }
        }
        let numbers = match target.array().is_meta() || watch::varies(target) {
            true => Vec::new(), // there is nothing to check
            false => target.numbers_f64()?,
        };
        let outside = |&(_, &t): &(usize, &f64)| !(0.0..classes as f64).contains(&t);
        if let Some((row, t)) = numbers.iter().enumerate().find(outside) {
            return Err(error!(Argument, "target out of range").note(format!(
                "{t} in row {row}; there are {classes} classes, from 0"
            )));
        }
        let column = target.to(DType::I64)?.reshape([n, 1])?;
        let number = Tensor::arange(classes)?;
        let own = number.eq(&column)?;
        // The score of the target, exactly: everything else is 0 in the sum.
        let score = only(&rows, &own)?.sum_dims(&[1], true)?;
        let mut short = hinge(&plus(&rows.sub(&score)?, margin)?)?;
        if p == 2 {
            short = short.mul(&short)?;
        }
        let mut loss = only(&short, &own.eq(false)?)?;
        if let Some(w) = weight {
            let own_weight = only(&w.expand([n, classes])?, &own)?.sum_dims(&[1], true)?;
            loss = loss.mul(&own_weight)?;
        }
        let loss = loss.sum_dims(&[1], false)?.div(classes as f64)?;
        reduction.of(if self.ndim() < 2 {
            loss.reshape(target.shape())?
        } else {
            loss
        })
    }

    /// For each row of scores and a list of its labels, which ends before the first negative number:
    /// `Σ max(1 - (score of a label - score of another class), 0) / C` over labels and the classes that are no labels.
    ///
    /// # Errors
    /// PyTorch's sentences: shapes that do not fit, labels that are no int64 or out of range.
    #[track_caller]
    pub fn multilabel_margin_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        if self.ndim() > 2 || self.ndim() > 0 && self.shape()[self.ndim() - 1] == 0 {
            bail!(
                Shape,
                "Expected non-empty vector or matrix with optional 0-dim batch size, but got: {}",
                self.shape()
            );
        }
        let classes = self.shape().last().copied().unwrap_or(1);
        let fits = match self.ndim() {
            2 => target.shape() == self.shape(),
            _ => target.ndim() <= 1 && target.numel() == classes,
        };
        ensure!(
            fits,
            Shape,
            "inconsistent target size: {} for input of size: {}",
            target.shape(),
            self.shape()
        );
        ensure!(
            target.dtype() == DType::I64,
            DType,
            "expected scalar type Long but found {}",
            target.dtype().scalar_type_name()
        );
        ensure!(
            self.dtype().is_float(),
            Unsupported,
            "\"multilabel_margin_loss_forward_out_frame\" not implemented for '{}'",
            self.dtype().scalar_type_name()
        );
        let numbers = match target.array().is_meta() || watch::varies(target) {
            true => Vec::new(), // there is nothing to check
            false => target.numbers_f64()?,
        };
        let outside = |&(_, &t): &(usize, &f64)| !(-1.0..classes as f64).contains(&t);
        if let Some((at, t)) = numbers.iter().enumerate().find(outside) {
            return Err(
                error!(Argument, "argument #2 'target' is out of range").note(format!(
                    "{t} in row {}; there are {classes} classes, from 0",
                    at / classes.max(1)
                )),
            );
        }
        let n = self.numel() / classes;
        let (rows, target) = (self.reshape([n, classes])?, target.reshape([n, classes])?);
        // Labels before the first -1, and which classes are among them.
        let named = target.ge(0i64)?.to(DType::I64)?.cumprod(1)?.ne(0i64)?;
        let label = target.clamp_min(0i64)?;
        let count = target
            .zeros_like()?
            .scatter_add(1, &label, &named.to(DType::I64)?)?;
        let counts = named
            .unsqueeze(2)?
            .logical_and(&count.eq(0i64)?.unsqueeze(1)?)?;
        let lead = rows
            .gather(1, &label)?
            .unsqueeze(2)?
            .sub(&rows.unsqueeze(1)?)?;
        let short = hinge(&plus(&lead.neg()?, 1.0)?)?;
        let loss = only(&short, &counts)?
            .sum_dims(&[1, 2], false)?
            .div(classes as f64)?;
        reduction.of(match self.ndim() {
            2 => loss,
            _ => loss.reshape(())?,
        })
    }

    /// For several labels at once: the mean over the last dimension of the cross-entropy of each label's logistic function.
    ///
    /// # Errors
    /// For shapes that do not broadcast; without dimensions.
    #[track_caller]
    pub fn multilabel_soft_margin_loss(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let negative = target.neg()?.add(1i64)?.mul(&self.neg()?.logsigmoid()?)?;
        let mut loss = target.mul(&self.logsigmoid()?)?.add(&negative)?.neg()?;
        if let Some(w) = weight {
            loss = loss.mul(w)?;
        }
        let classes = self.size(-1)?;
        reduction.of(loss.sum_dims(&[-1], false)?.div(classes as f64)?)
    }
}
