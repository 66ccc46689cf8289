//! Losses of class scores: the negative log-likelihood, and cross-entropy of class numbers or probabilities.

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::op::Op;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::entered;
use crate::ops::common::constant::{plus, times};
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::ops::common::operand::promote;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::loss::reduction::Reduction;
use crate::ops::{Take, common, define};
use crate::{Array, DType, Error, Result, Shape};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// For each class number, where its score stands among scores of shape (batch, classes, …), flattened; -1 for ignored ones.
#[derive(Clone, Debug)]
pub struct ClassPositions {
    /// How many classes there are.
    pub classes: usize,
    /// The number that stands for no class.
    pub ignore_index: i64,
}
define! { ClassPositions: Cut "class_positions", "torch.nn.functional.nll_loss";
    summary: "For each class number the place of its score, in row-major order; -1 for ignored ones.";
    formula: "(n·C + class)·D + d for target element (n, d)";
    derivative: "none";
    proof: { samples: || {
        let at = |shape: &[usize], t: &[f64]| Sample::mixed(ClassPositions { classes: 3, ignore_index: -7 }, vec![
            (shape.to_vec(), t.to_vec(), DType::I64)]);
        vec![at(&[], &[2.0]), at(&[4], &[2.0, 0.0, -7.0, 1.0]), at(&[2, 2], &[0.0, 1.0, 2.0, 0.0]), at(&[0], &[])]
    } }
}

impl Op for ClassPositions {
    common!(counts);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let t = batch.get(0);
        let shape = batch.shape(0);
        let (samples, inner) = match shape.first() {
            Some(&n) => (n, shape[1..].iter().product()),
            None => (1, 1),
        };
        let flat = t.reshape([batch.count() * samples, inner])?;
        let op = self.clone();
        let all = apply_dyn(&op, &[&flat], batch.site())?.reshape(t.shape())?;
        let len = samples * self.classes * inner;
        let own = all.sub(&batch.starts(all.ndim(), len)?)?;
        batch.one(own.where_(&all.ge(0i64)?, &all))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if unnumbered(x) {
            return inferred(x[0].shape(), DType::I64);
        }
        let mut list = x[0].numbers::<i64>()?;
        let inner: usize = x[0].shape().iter().skip(1).product();
        for (k, t) in list.iter_mut().enumerate() {
            *t = match *t {
                t if t == self.ignore_index => -1,
                t if (0..self.classes as i64).contains(&t) => {
                    let (n, d) = (k / inner, k % inner);
                    ((n * self.classes + t as usize) * inner + d) as i64
                }
                t => {
                    return Err(error!(Index, "Target {t} is out of bounds.").note(format!(
                        "in row {}; there are {} classes, from 0",
                        k / inner,
                        self.classes
                    )));
                }
            };
        }
        Array::from_slice(&list, x[0].shape().clone())
    }
}

/// How [`Tensor::cross_entropy`] counts; the default is PyTorch's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CrossEntropy<'a> {
    /// One weight for each class.
    pub weight: Option<&'a Tensor>,
    /// A class number that adds nothing.
    pub ignore_index: i64,
    /// What becomes of the elements.
    pub reduction: Reduction,
    /// How much of each target is spread evenly over all classes.
    pub label_smoothing: f64,
}

setters!(['a] CrossEntropy<'a> {
    weight: Option<&'a Tensor>,
    ignore_index: i64,
    reduction: Reduction,
    label_smoothing: f64,
});

impl Default for CrossEntropy<'_> {
    fn default() -> Self {
        CrossEntropy {
            weight: None,
            ignore_index: -100,
            reduction: Reduction::Mean,
            label_smoothing: 0.0,
        }
    }
}

/// PyTorch's checks of scores, class numbers and weights, in its order.
fn check(x: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<()> {
    let (xs, ts) = (x.shape(), target.shape());
    if x.ndim() < 1 {
        bail!(Value, "Expected 1 or more dimensions (got 0)");
    }
    if x.ndim() > 1 && ts.first() != xs.first() {
        bail!(
            Value,
            "Expected input batch_size ({}) to match target batch_size ({}).",
            xs[0],
            ts.first().copied().unwrap_or(0)
        );
    }
    if x.ndim() == 1 && target.ndim() == 1 && target.numel() != 1 {
        bail!(
            Value,
            "For 1D input, 1D target must have size 1, but got target size: {}",
            ts[0]
        );
    }
    if x.ndim() <= 2 && target.ndim() > 1 {
        bail!(
            Shape,
            "0D or 1D target tensor expected, multi-target not supported"
        );
    }
    if x.ndim() == 4 && target.ndim() != 3 {
        bail!(
            Shape,
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: {}",
            target.ndim()
        );
    }
    if x.ndim() > 2 {
        let mut want = xs.clone();
        want.remove(1);
        ensure!(
            *ts == want,
            Shape,
            "{}",
            if x.ndim() == 4 {
                format!("size mismatch (got input: {xs} , target: {ts}")
            } else {
                format!("Expected target size {want}, got {ts}")
            }
        );
    }
    if !matches!(target.dtype(), DType::I64 | DType::U8) {
        bail!(
            DType,
            "expected target dtype to be Long or Byte, but got {}",
            target.dtype().scalar_type_name()
        );
    }
    let classes = xs[class_dim(x)];
    if let Some(w) = weight {
        ensure!(
            w.shape()[..] == [classes],
            Shape,
            "weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {}",
            w.shape()
        );
        ensure!(
            w.dtype() == x.dtype(),
            DType,
            "expected scalar type {} but found {}",
            x.dtype().scalar_type_name(),
            w.dtype().scalar_type_name()
        );
    }
    Ok(())
}

fn class_dim(x: &Tensor) -> usize {
    usize::from(x.ndim() > 1)
}

/// The weight along the class dimension of `x`.
fn spread(weight: &Tensor, x: &Tensor) -> Result<Tensor> {
    let size = |k| if k == class_dim(x) { weight.numel() } else { 1 };
    weight.reshape((0..x.ndim()).map(size).collect::<Shape>())
}

/// Which targets count, and the class numbers with -1 in place of the others.
fn counted(target: &Tensor, ignore_index: i64) -> Result<(Tensor, Tensor)> {
    let counts = target.ne(ignore_index)?;
    let classes = target.where_(&counts, -1i64)?;
    Ok((counts, classes))
}

#[pullback_macros::called]
impl Tensor {
    /// The negative log-likelihood of class numbers: this tensor holds log-probabilities of shape (batch, classes, …), or
    /// (classes) for a single target. Means are divided by the sum of the weights that were used.
    ///
    /// PyTorch's defaults are no weight, -100 and the mean.
    ///
    /// # Errors
    /// PyTorch's sentences: a class number out of range, shapes that do not fit, targets that are no int64 or uint8.
    #[track_caller]
    pub fn nll_loss(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        ignore_index: i64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let site = Location::caller();
        check(self, target, weight)?;
        if is_half(self) {
            let weight = wide_if(weight)?;
            return wide(self)?
                .nll_loss(target, weight.as_ref(), ignore_index, reduction)?
                .to(self.dtype());
        }
        let target = target.to(DType::I64)?;
        let classes = self.shape()[class_dim(self)];
        let op = ClassPositions {
            classes,
            ignore_index,
        };
        // The target of a single sample may have a dimension or none; its loss has none.
        let target = if self.ndim() == 1 {
            target.reshape(Shape::scalar())?
        } else {
            target
        };
        let positions = apply_dyn(&op, &[&target], site)?;
        let scores = entered(self, "nll_loss", site)?;
        let mut loss = apply_dyn(&Take, &[&scores, &positions], site)?.neg()?;
        let weights = match weight {
            None => None,
            Some(w) => {
                let (_, classes) = counted(&target, ignore_index)?;
                Some(apply_dyn(&Take, &[w, &classes], site)?)
            }
        };
        if let Some(w) = &weights {
            loss = loss.mul(w)?;
        }
        match reduction {
            Reduction::Mean => {
                let total = match weights {
                    Some(w) => w.sum()?,
                    None => target.ne(ignore_index)?.sum()?.to(self.dtype())?,
                };
                loss.sum()?.div(&total)
            }
            other => other.of(loss),
        }
    }

    /// Cross-entropy of class scores of shape (batch, classes, …), or (classes), and either class numbers or, where `target` has
    /// the scores' shape, class probabilities.
    ///
    /// ```
    /// # use pullback::{CrossEntropy, Tensor};
    /// let scores = Tensor::from_slice(&[0.0f64, 0.0, 1.0, 0.0], [2, 2])?;
    /// let target = Tensor::from_slice(&[1i64, -100], [2])?;
    /// let loss = scores.cross_entropy(&target, CrossEntropy::default())?;
    /// assert!((loss.item_f64()? - 2f64.ln()).abs() < 1e-15);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::nll_loss`]; for a smoothing outside of [0, 1].
    #[track_caller]
    pub fn cross_entropy(&self, target: &Tensor, how: CrossEntropy<'_>) -> Result<Tensor> {
        let site = Location::caller();
        if self.shape() == target.shape() {
            return self.cross_entropy_of_probabilities(target, how);
        }
        if !(0.0..=1.0).contains(&how.label_smoothing) {
            return Err(bad_smoothing(how.label_smoothing));
        }
        check(self, target, how.weight)?;
        if is_half(self) {
            let weight = wide_if(how.weight)?;
            let (target, weight) = (wide(target)?, weight.as_ref());
            return wide(self)?
                .cross_entropy(&target, CrossEntropy { weight, ..how })?
                .to(self.dtype());
        }
        let dim = class_dim(self);
        let x = self.log_softmax(dim as i64)?;
        let likelihood = x.nll_loss(target, how.weight, how.ignore_index, how.reduction)?;
        if how.label_smoothing == 0.0 {
            return Ok(likelihood);
        }
        // The part of the targets that is spread over all classes.
        let (counts, classes) = counted(&target.to(DType::I64)?, how.ignore_index)?;
        let weighted = match how.weight {
            Some(w) => x.mul(&spread(w, &x)?)?,
            None => x.clone(),
        };
        let all = weighted
            .sum_dims(&[dim as i64], false)?
            .neg()?
            .reshape(counts.shape())?;
        let all = all.where_(&counts, 0.0)?;
        let even = match (how.reduction, how.weight) {
            (Reduction::Mean, Some(w)) => {
                let total = apply_dyn(&Take, &[w, &classes], site)?.sum()?;
                all.sum()?.div(&total)?
            }
            (Reduction::Mean, None) => all.sum()?.div(&counts.sum()?.to(x.dtype())?)?,
            (other, _) => other.of(all)?,
        };
        let share = how.label_smoothing / self.shape()[dim] as f64;
        times(&likelihood, 1.0 - how.label_smoothing)?.add(&times(&even, share)?)
    }

    #[track_caller]
    fn cross_entropy_of_probabilities(
        &self,
        target: &Tensor,
        how: CrossEntropy<'_>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            target.dtype().is_float(),
            DType,
            "Expected floating point type for target with class probabilities, got {}",
            target.dtype().scalar_type_name()
        );
        if how.ignore_index >= 0 {
            bail!(
                Argument,
                "ignore_index is not supported for floating point target"
            );
        }
        if is_half(self) {
            let weight = wide_if(how.weight)?;
            let (target, weight) = (wide(target)?, weight.as_ref());
            return wide(self)?
                .cross_entropy(&target, CrossEntropy { weight, ..how })?
                .to(self.dtype());
        }
        if !(0.0..=1.0).contains(&how.label_smoothing) {
            return Err(bad_smoothing(how.label_smoothing));
        }
        let dim = class_dim(self);
        let classes = self.shape().get(dim).copied().unwrap_or(1);
        if let Some(w) = how.weight.filter(|w| w.shape()[..] != [classes]) {
            bail!(
                Shape,
                "cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {}",
                w.shape()
            );
        }
        let x = self.log_softmax(dim as i64)?;
        let mut target = target.clone();
        if how.label_smoothing > 0.0 {
            let even = how.label_smoothing / classes as f64;
            target = plus(&times(&target, 1.0 - how.label_smoothing)?, even)?;
        }
        let (x, target) = promote(&x, (&target).into(), site)?;
        let mut terms = x.mul(target.as_ref())?;
        if let Some(w) = how.weight {
            terms = terms.mul(&spread(w, &x)?)?;
        }
        match how.reduction {
            Reduction::Mean => {
                let samples = self.numel() as f64 / classes as f64;
                terms.sum()?.neg()?.div(samples)
            }
            Reduction::None => terms.sum_dims(&[dim as i64], false)?.neg(),
            other => other.of(terms)?.neg(),
        }
    }
}

fn bad_smoothing(value: f64) -> Error {
    error!(
        Argument,
        "label_smoothing must be between 0.0 and 1.0. Got: {value}"
    )
}
