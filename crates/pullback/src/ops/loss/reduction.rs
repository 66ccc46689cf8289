//! What losses do with their elements: PyTorch's `reduction`.

use crate::core::fail::error;
use crate::core::tensor::Tensor;
use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// What becomes of a loss's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// They stay as they are.
    None,
    /// Their sum, divided by the size of the first dimension: what [`Tensor::kl_div`] has besides.
    BatchMean,
}

/// PyTorch's name.
impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
            Reduction::None => "none",
            Reduction::BatchMean => "batchmean",
        })
    }
}

/// PyTorch's sentence for a reduction that a loss does not have.
pub(in crate::ops) fn invalid_reduction(name: &str) -> Error {
    error!(Value, "{name} is not a valid value for reduction")
}

impl FromStr for Reduction {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "mean" | "elementwise_mean" => Ok(Reduction::Mean),
            "sum" => Ok(Reduction::Sum),
            "none" => Ok(Reduction::None),
            "batchmean" => Ok(Reduction::BatchMean),
            other => Err(invalid_reduction(other)),
        }
    }
}

impl Reduction {
    /// The loss of these elements.
    #[track_caller]
    pub(crate) fn of(self, x: Tensor) -> Result<Tensor> {
        match self {
            Reduction::Mean => x.mean(),
            Reduction::Sum => x.sum(),
            Reduction::None => Ok(x),
            Reduction::BatchMean => Err(invalid_reduction("batchmean")),
        }
    }

    /// The loss of weighted elements: their mean is divided by the sum of the weights.
    #[track_caller]
    pub(in crate::ops) fn of_weighted(self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let x = x.mul(weight)?;
        match self {
            Reduction::Mean => x.sum()?.div(&weight.sum()?),
            Reduction::BatchMean => Err(error!(
                Value,
                "Invalid reduction mode: batchmean. Expected one of 'none', 'mean', 'sum'."
            )),
            other => other.of(x),
        }
    }
}
