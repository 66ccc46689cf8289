//! Quantiles: sorted, then interpolated between two neighbours.

use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::Operand;
use crate::{DType, Number, Result};
use pullback_random::digits::Streamed;

/// What is said of a quantile between two elements.
const WAYS: [&str; 5] = ["linear", "lower", "higher", "midpoint", "nearest"];

/// The shares that are asked for as a tensor, and PyTorch's errors for what does not fit.
fn shares(x: &Tensor, q: Operand<'_>, way: &str) -> Result<Tensor> {
    let q = match q {
        Operand::Tensor(q) => q.clone(),
        Operand::Number(n) => {
            if !(0.0..=1.0).contains(&n.to_f64()) {
                let text = format!(
                    "q must be in the range [0, 1] but got {}",
                    Streamed(n.to_f64())
                );
                bail!(Shape, "quantile() {text}");
            }
            Tensor::full(crate::Shape::scalar(), n, x.dtype())?
        }
    };
    ensure!(
        x.numel() != 0,
        Shape,
        "quantile() input tensor must be non-empty"
    );
    if q.ndim() > 1 {
        bail!(Shape, "quantile() q must be a scalar or 1D tensor");
    }
    ensure!(
        x.dtype().is_float(),
        DType,
        "quantile() input tensor must be either float or double dtype"
    );
    ensure!(
        q.dtype() == x.dtype(),
        DType,
        "quantile() q tensor must be same dtype as the input tensor"
    );
    if !WAYS.contains(&way) {
        let text = format!(
            "interpolation must be one of linear, lower, higher, midpoint or nearest, but got {way}"
        );
        bail!(Shape, "quantile() {text}");
    }
    let outside = q.lt(0.0)?.add(&q.gt(1.0)?)?;
    ensure!(
        q.array().is_meta()
            || crate::core::watch::varies(&q)
            || outside.any(&[], false)?.number()? != Number::Bool(true),
        Shape,
        "quantile() q values must be in the range [0, 1]"
    );
    Ok(q)
}

#[pullback_macros::called]
impl Tensor {
    /// Quantiles along `dim`, or of all elements for `None`: for a `q` without dimensions one, for a vector of them one
    /// for each, along a new first dimension. Between two elements `interpolation` decides: `"linear"`, `"lower"`,
    /// `"higher"`, `"midpoint"` or `"nearest"`. A NaN makes the quantile NaN.
    ///
    /// # Errors
    /// In PyTorch's words: for integers, for nothing, for a `q` outside 0…1 or of another dtype.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32, 1.0, 2.0, 4.0], [4])?;
    /// assert_eq!(x.quantile(0.5, None, false, "linear")?.item_f64()?, 2.5);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn quantile<'a>(
        &self,
        q: impl Into<Operand<'a>>,
        dim: impl Into<Option<i64>>,
        keepdim: bool,
        interpolation: &str,
    ) -> Result<Tensor> {
        self.quantiles(q.into(), dim.into(), keepdim, interpolation, false)
    }

    /// As [`Tensor::quantile`], of the elements that are no NaN.
    ///
    /// # Errors
    /// As [`Tensor::quantile`].
    #[track_caller]
    pub fn nanquantile<'a>(
        &self,
        q: impl Into<Operand<'a>>,
        dim: impl Into<Option<i64>>,
        keepdim: bool,
        interpolation: &str,
    ) -> Result<Tensor> {
        self.quantiles(q.into(), dim.into(), keepdim, interpolation, true)
    }

    fn quantiles(
        &self,
        q: Operand<'_>,
        dim: Option<i64>,
        keepdim: bool,
        way: &str,
        ignore_nan: bool,
    ) -> Result<Tensor> {
        let q = shares(self, q, way)?;
        let at = match dim {
            Some(d) => Some(self.shape().dim(d)?),
            None => None,
        };
        // The dimension comes last; `kept` is the shape around it.
        let (lines, mut kept) = match at {
            Some(d) if self.ndim() > 0 => {
                let mut kept = self.shape().to_vec();
                kept[d] = 1;
                let turned = self.unsqueeze(-1)?.transpose(d as i64, -1)?;
                (turned, kept)
            }
            _ => (self.reshape([self.numel()])?, vec![1; self.ndim()]),
        };
        let sorted = lines.sort(-1, false)?.0;
        let ranks = ranks(&sorted, &q.reshape([q.numel()])?, ignore_nan)?;
        let quantiles = between(&sorted, &ranks, way)?;
        if !keepdim {
            match at {
                Some(d) if self.ndim() > 0 => drop(kept.remove(d)),
                _ => kept.clear(),
            }
        }
        // Quantiles lie along the last dimension and go first; without dimensions of q there is one.
        let last = quantiles.ndim() as i64 - 1;
        let order: Vec<i64> = std::iter::once(last).chain(0..last).collect();
        if q.ndim() == 1 {
            kept.insert(0, q.numel());
        }
        quantiles.permute(&order)?.reshape(kept)
    }
}

/// Where each quantile lies among the sorted elements, in units of places.
fn ranks(sorted: &Tensor, q: &Tensor, ignore_nan: bool) -> Result<Tensor> {
    let plain = sorted.detach();
    let numbers = plain.eq(&plain)?;
    let last = sorted.size(-1)? as i64 - 1;
    if ignore_nan {
        let most = numbers.sum_dims(&[-1], true)?.sub(1i64)?.to(q.dtype())?;
        let ranks = q.mul(&most)?;
        return ranks.zeros_like()?.where_(&ranks.lt(0.0)?, &ranks);
    }
    let spoilt = numbers.all(&[-1], true)?.eq(&Tensor::scalar(false))?;
    let last = Tensor::full(crate::Shape::scalar(), last, q.dtype())?;
    last.where_(&spoilt, &q.mul(&last)?)
}

fn between(sorted: &Tensor, ranks: &Tensor, way: &str) -> Result<Tensor> {
    let ranks = match way {
        "lower" => ranks.floor()?,
        "higher" => ranks.ceil()?,
        "nearest" => ranks.round()?,
        _ => ranks.clone(),
    };
    let below = ranks.detach().to(DType::I64)?;
    let shape = [
        &sorted.shape()[..sorted.ndim() - 1],
        &ranks.shape()[ranks.ndim() - 1..],
    ]
    .concat();
    let here = |at: &Tensor| sorted.gather(-1, &at.expand(shape.as_slice())?);
    let low = here(&below)?;
    let weight = match way {
        "linear" => ranks.sub(&below.to(ranks.dtype())?)?,
        "midpoint" => Tensor::full(ranks.shape().clone(), 0.5, ranks.dtype())?,
        _ => return Ok(low),
    };
    let above = ranks.detach().ceil()?.to(DType::I64)?;
    low.lerp(&here(&above)?, &weight)
}
