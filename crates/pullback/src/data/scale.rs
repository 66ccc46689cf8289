//! Features shifted to mean 0 and scaled to deviation 1, as a training part says.

use crate::core::fail::ensure;
use crate::{Result, Tensor, module, no_grad};

/// Means and deviations of features, fitted on a training part. A [`Module`](crate::nn::Module), so that a model that holds it saves it.
///
/// ```
/// use pullback::Tensor;
/// use pullback::data::Standardize;
/// let train = Tensor::from_slice(&[1.0f64, 10.0, 3.0, 30.0], [2, 2])?;
/// let scale = Standardize::fit(&train)?;
/// assert_eq!(scale.transform(&train)?.to_vec::<f64>()?, [-1.0, -1.0, 1.0, 1.0]);
/// let there_and_back = scale.inverse(&scale.transform(&train)?)?;
/// assert_eq!(there_and_back.to_vec::<f64>()?, train.to_vec::<f64>()?);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Standardize {
    /// The mean of each feature.
    pub mean: Tensor,
    /// The deviation of each feature, by n; 1 where it is 0.
    pub std: Tensor,
}

module!(Standardize { mean, std });

impl Standardize {
    /// Of the features in the columns of (samples, features…).
    ///
    /// # Errors
    /// Without samples; for what is no float.
    pub fn fit(train: &Tensor) -> Result<Standardize> {
        let rows = train.size(0)?;
        ensure!(rows > 0, Value, "there are no samples to fit a mean to");
        let _guard = no_grad();
        let x = train.detach();
        let mean = x.mean_dims(&[0], false)?;
        let spread = x.sub(&mean)?.square()?.mean_dims(&[0], false)?.sqrt()?;
        // A feature that is the same everywhere stays 0.
        let std = spread.masked_fill(&spread.eq(0.0)?, 1.0)?;
        Ok(Standardize { mean, std })
    }

    /// Features as they were fitted: mean 0, deviation 1.
    ///
    /// # Errors
    /// For other features.
    pub fn transform(&self, x: &Tensor) -> Result<Tensor> {
        x.sub(&self.mean)?.div(&self.std)
    }

    /// Features as they were before.
    ///
    /// # Errors
    /// For other features.
    pub fn inverse(&self, x: &Tensor) -> Result<Tensor> {
        x.mul(&self.std)?.add(&self.mean)
    }
}
