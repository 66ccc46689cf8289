//! [`Tensor::ctc_loss`]: labels in both of PyTorch's forms, lengths, reductions, and PyTorch's gradient.

use crate::core::apply::apply_dyn;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::loss::ctc::CtcLoss;
use crate::ops::loss::reduction::{Reduction, invalid_reduction};
use crate::{DType, Result};
use std::panic::Location;

/// How [`Tensor::ctc_loss`] counts; the default is PyTorch's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Ctc {
    /// The class that stands between labels.
    pub blank: i64,
    /// What becomes of the elements; the mean is of losses divided by the number of labels.
    pub reduction: Reduction,
    /// Whether infinite losses, of samples too short for their labels, become 0 with a gradient of 0.
    pub zero_infinity: bool,
}

setters!([] Ctc {
    blank: i64,
    reduction: Reduction,
    zero_infinity: bool,
});

/// Where PyTorch says it looks.
const WHERE: &str = "(while checking arguments for ctc_loss_allocate_outputs)";

/// Lengths as sizes, none of them above `most`.
fn lengths(name: &str, given: &[i64], most: usize) -> Result<Vec<usize>> {
    let mut out = Vec::new();
    for &n in given {
        ensure!(
            n >= 0,
            Shape,
            "Expected {name} to have value at least 0, but got value {n} {WHERE}"
        );
        ensure!(
            n as usize <= most,
            Shape,
            "Expected {name} to have value at most {most}, but got value {n} {WHERE}"
        );
        out.push(n as usize);
    }
    Ok(out)
}

/// Labels as a matrix with a row for each sample: as they are, or cut out of the vector that all of them are in.
fn rows(targets: &Tensor, counts: &[usize]) -> Result<Tensor> {
    let n = counts.len();
    let longest = counts.iter().copied().max().unwrap_or(0);
    let targets = targets.to(DType::I64)?;
    if targets.ndim() > 2 {
        bail!(
            Shape,
            "Expected 1 to 2 dimensions, but got {}-dimensional tensor for argument #2 'targets' {WHERE}",
            targets.ndim()
        );
    }
    let sized = |want: String, dim: usize, got: usize| {
        crate::core::fail::error!(
            Shape,
            "Expected tensor to have size {want} at dimension {dim}, but got size {got} for argument #2 'targets' {WHERE}"
        )
    };
    if targets.ndim() == 2 {
        let (rows, width) = (targets.shape()[0], targets.shape()[1]);
        if rows != n {
            return Err(sized(n.to_string(), 0, rows));
        }
        if width < longest {
            return Err(sized(format!("at least {longest}"), 1, width));
        }
        return targets.narrow(1, 0, longest);
    }
    let total: usize = counts.iter().sum();
    if targets.numel() != total {
        return Err(sized(total.to_string(), 0, targets.numel()));
    }
    if total == 0 {
        return targets.reshape([n, longest]);
    }
    // A row that is shorter than the longest repeats a label, which nobody reads.
    let mut places = pullback_array::room(n * longest)?;
    let mut start = 0;
    for &count in counts {
        places
            .extend((0..longest).map(|k| (start + k.min(count.max(1) - 1)).min(total - 1) as i64));
        start += count;
    }
    let places = Tensor::from_slice(&places, [n * longest])?.to_device(targets.device())?;
    targets.index_select(0, &places)?.reshape([n, longest])
}

/// The sum of probabilities of each sample over its steps, less itself: 0, whose gradient by log-probabilities is the probabilities.
fn nothing(x: &Tensor, input_lengths: &[usize]) -> Result<Tensor> {
    let (steps, n) = (x.shape()[0], x.shape()[1]);
    let list: Vec<i64> = input_lengths.iter().map(|&n| n as i64).collect();
    let inside = Tensor::arange(steps)?
        .reshape([steps, 1, 1])?
        .lt(&Tensor::from_slice(&list, [1, n, 1])?)?
        .to_device(x.device())?;
    let sum = x.exp()?.where_(&inside, 0.0)?.sum_dims(&[0, 2], false)?;
    sum.sub(&sum.detach())
}

#[pullback_macros::called]
impl Tensor {
    /// Connectionist temporal classification: this tensor has logarithmic probabilities of shape (time, batch, classes), or (time,
    /// classes); `targets` has labels, a row for each sample, or all of them one after the other.
    ///
    /// The gradient is PyTorch's, that by scores of a softmax, from which the probabilities are taken to come: it sums to 0 over the
    /// classes.
    ///
    /// ```
    /// # use pullback::{Ctc, Tensor};
    /// let x = Tensor::from_slice(&[0.5f64, 0.5, 0.5, 0.5], [2, 1, 2])?.log()?;
    /// let labels = Tensor::from_slice(&[1i64], [1, 1])?;
    /// // Three of the four ways through two steps say "1" and nothing else.
    /// let loss = x.ctc_loss(&labels, &[2], &[1], Ctc::default())?;
    /// assert!((loss.item_f64()? + 0.75f64.ln()).abs() < 1e-15);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// PyTorch's sentences: lengths that do not fit, a blank that is no class, integers.
    #[track_caller]
    pub fn ctc_loss(
        &self,
        targets: &Tensor,
        input_lengths: &[i64],
        target_lengths: &[i64],
        how: Ctc,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if how.reduction == Reduction::BatchMean {
            return Err(invalid_reduction("batchmean"));
        }
        let alone = self.ndim() != 3;
        let x = if alone {
            self.unsqueeze(1)?
        } else {
            self.clone()
        };
        let targets = match alone && targets.ndim() == 1 {
            true => targets.unsqueeze(0)?,
            false => targets.clone(),
        };
        ensure!(x.numel() > 0, Shape, "log_probs tensor must not be empty");
        if !x.dtype().is_float() {
            return Err(crate::ops::common::methods::not_implemented(
                "ctc_loss_cpu",
                x.dtype(),
            ));
        }
        if x.ndim() != 3 {
            bail!(
                Shape,
                "Expected 3-dimensional tensor, but got {}-dimensional tensor for argument #1 'log_probs' {WHERE}",
                x.ndim()
            );
        }
        let (steps, n, classes) = (x.shape()[0], x.shape()[1], x.shape()[2]);
        ensure!(
            (0..classes as i64).contains(&how.blank),
            Argument,
            "blank must be in label range"
        );
        for (name, list) in [
            ("input_lengths", input_lengths),
            ("target_lengths", target_lengths),
        ] {
            ensure!(list.len() == n, Shape, "{name} must be of size batch_size");
        }
        let counts = lengths("target_lengths", target_lengths, usize::MAX)?;
        let labels = rows(&targets, &counts)?;
        let op = CtcLoss {
            blank: how.blank as usize,
            input_lengths: lengths("input_lengths", input_lengths, steps)?,
            target_lengths: counts,
            zero_infinity: how.zero_infinity,
        };
        op.check(&labels, classes)?;
        let loss = apply_dyn(&op, &[&x, &labels], site)?;
        let mut loss = loss.add(&nothing(&x, &op.input_lengths)?)?;
        if how.zero_infinity {
            loss =
                Tensor::zeros([], x.dtype())?.where_(&loss.detach().eq(f64::INFINITY)?, &loss)?;
        }
        if how.reduction == Reduction::Mean {
            let counts: Vec<f64> = op.target_lengths.iter().map(|&n| n.max(1) as f64).collect();
            let counts = Tensor::from_slice(&counts, [n])?.to(x.dtype())?;
            loss = loss.div(&counts.to_device(x.device())?)?;
        }
        let loss = how.reduction.of(loss)?;
        match alone && how.reduction == Reduction::None {
            true => loss.squeeze_dims(&[0]),
            false => Ok(loss),
        }
    }
}

impl CtcLoss {
    /// Errors where a label that is read is no class: PyTorch reads other memory there.
    fn check(&self, labels: &Tensor, classes: usize) -> Result<()> {
        if labels.array().is_meta() {
            return Ok(()); // there is nothing to check
        }
        let longest = labels.shape()[1];
        let numbers = labels.array().numbers::<i64>()?;
        for (row, &count) in numbers.chunks(longest.max(1)).zip(&self.target_lengths) {
            if let Some(bad) = row[..count]
                .iter()
                .find(|&&c| !(0..classes as i64).contains(&c))
            {
                bail!(Index, "Target {bad} is out of bounds.");
            }
        }
        Ok(())
    }
}
