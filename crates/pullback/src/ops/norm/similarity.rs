//! Lengths and angles of vectors along a dimension, and the losses made of them.

use crate::core::fail::{bail, ensure};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::plus;
use crate::ops::common::halves::{is_half, wide};
use crate::ops::common::operand::{converted, result_type};
use crate::ops::loss::reduction::Reduction;
use crate::{DType, Result, no_grad};
use pullback_random::digits::Streamed;
use std::panic::Location;

/// How [`Tensor::triplet_margin_loss`] measures; the default is PyTorch's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TripletMargin {
    /// By how much the negative should be further away than the positive.
    pub margin: f64,
    /// The order of the norm.
    pub p: f64,
    /// Added to every difference.
    pub eps: f64,
    /// Whether the negative's distance to the positive counts where it is smaller.
    pub swap: bool,
    /// What becomes of the elements.
    pub reduction: Reduction,
}

setters!([] TripletMargin {
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: Reduction,
});

impl Default for TripletMargin {
    fn default() -> Self {
        TripletMargin {
            margin: 1.0,
            p: 2.0,
            eps: 1e-6,
            swap: false,
            reduction: Reduction::Mean,
        }
    }
}

/// The length along `dim`, no less than `eps`, without a gradient of its own for that: what PyTorch divides by.
#[track_caller]
fn length(x: &Tensor, dim: i64, eps: f64) -> Result<Tensor> {
    let length = x.vector_norm(2.0, &[dim], true, None)?.copy()?;
    let _quiet = no_grad();
    length.clamp_min_(eps)?;
    Ok(length)
}

#[pullback_macros::called]
impl Tensor {
    /// This tensor divided by its norm of order `p` along `dim`, or by `eps` where that is larger; PyTorch's defaults are 2, 1 and
    /// 1e-12.
    ///
    /// # Errors
    /// For integers; for a dimension out of range.
    #[track_caller]
    pub fn normalize(&self, p: f64, dim: i64, eps: f64) -> Result<Tensor> {
        if is_half(self) {
            return wide(self)?.normalize(p, dim, eps)?.to(self.dtype());
        }
        let norm = self.vector_norm(p, &[dim], true, None)?;
        self.div(&norm.clamp_min(eps)?)
    }

    /// The cosine of the angle between two vectors along `dim`; lengths below `eps` count as `eps`. PyTorch's defaults are 1 and
    /// 1e-8.
    ///
    /// # Errors
    /// For integers; for shapes that do not broadcast, a dimension out of range.
    #[track_caller]
    pub fn cosine_similarity(&self, other: &Tensor, dim: i64, eps: f64) -> Result<Tensor> {
        let site = Location::caller();
        let dtype = result_type(self, other);
        ensure!(
            dtype.is_float(),
            DType,
            "expected common dtype to be floating point, yet common dtype is {}",
            dtype.scalar_type_name()
        );
        if eps < 0.0 || eps.is_nan() {
            bail!(Shape, "eps must be non-negative, got: {}", Streamed(eps));
        }
        if dtype.is_narrow() {
            let [a, b] = [self.to(DType::F32)?, other.to(DType::F32)?];
            return a.cosine_similarity(&b, dim, eps)?.to(dtype);
        }
        let shape = self.shape().broadcast(other.shape())?;
        let a = converted(self, dtype, site)?.expand(&shape)?;
        let b = converted(other, dtype, site)?.expand(&shape)?;
        let (one, two) = (length(&a, dim, eps)?, length(&b, dim, eps)?);
        a.div(&one)?.mul(&b.div(&two)?)?.sum_dims(&[dim], false)
    }

    /// The norm of order `p` of the differences plus `eps`, along the last dimension; PyTorch's defaults are 2, 1e-6 and
    /// `false`.
    ///
    /// # Errors
    /// For shapes that do not broadcast.
    #[track_caller]
    pub fn pairwise_distance(
        &self,
        other: &Tensor,
        p: f64,
        eps: f64,
        keepdim: bool,
    ) -> Result<Tensor> {
        plus(&self.sub(other)?, eps)?.vector_norm(p, &[-1], keepdim, None)
    }

    /// `1 - cos` where `target` is 1, `max(cos - margin, 0)` where it is -1, of rows and one target each, or of two vectors and a
    /// target without dimensions.
    ///
    /// # Errors
    /// PyTorch's sentences for other numbers of dimensions and shapes that do not broadcast.
    #[track_caller]
    pub fn cosine_embedding_loss(
        &self,
        other: &Tensor,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Tensor> {
        let n = target.ndim();
        if n > 1 {
            bail!(
                Shape,
                "0D or 1D target tensor expected, multi-target not supported"
            );
        }
        ensure!(
            self.ndim() == n + 1,
            Shape,
            "{n}D target tensor expects {}D input tensors, but found inputs with sizes {} and {}.",
            n + 1,
            self.shape(),
            other.shape()
        );
        let dim = &[n as i64];
        // PyTorch has this number in single precision.
        let square = |x: &Tensor| plus(&x.mul(x)?.sum_dims(dim, false)?, f64::from(1e-12f32));
        let product = self.mul(other)?.sum_dims(dim, false)?;
        let cosine = product.div(&square(self)?.mul(&square(other)?)?.sqrt()?)?;
        let alike = cosine.neg()?.add(1.0)?.where_(&target.eq(1i64)?, 0.0)?;
        let unlike = cosine
            .sub(margin)?
            .relu()?
            .where_(&target.eq(-1i64)?, 0.0)?;
        reduction.of(alike.add(&unlike)?)
    }

    /// What the distance to `negative` lacks of a lead over the distance to `positive`:
    /// `max(margin + d(self, positive) - d(self, negative), 0)`.
    ///
    /// # Errors
    /// For tensors of different numbers of dimensions, a margin that is not positive, shapes that do not broadcast.
    #[track_caller]
    pub fn triplet_margin_loss(
        &self,
        positive: &Tensor,
        negative: &Tensor,
        how: TripletMargin,
    ) -> Result<Tensor> {
        if how.margin <= 0.0 {
            bail!(Value, "margin must be greater than 0, got {:?}", how.margin);
        }
        let (a, p, n) = (self.ndim(), positive.ndim(), negative.ndim());
        if a != p || p != n {
            bail!(
                Shape,
                "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {a}D, positive {p}D, and negative {n}D inputs"
            );
        }
        let distance = |x: &Tensor, y: &Tensor| x.pairwise_distance(y, how.p, how.eps, false);
        let near = distance(self, positive)?;
        let mut far = distance(self, negative)?;
        if how.swap {
            far = far.minimum(&distance(positive, negative)?)?;
        }
        (how.reduction).of(plus(&near.sub(&far)?, how.margin)?.clamp_min(0.0)?)
    }
}
