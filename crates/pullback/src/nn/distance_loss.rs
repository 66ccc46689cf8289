//! Losses that hold something: a triplet's with a distance of one's own, and cross-entropy together with the linear layer before it.

use super::linear::Linear;
use super::macros::builder;
use super::repr::{Repr, float, python, tuple};
use super::shape::PairwiseDistance;
use crate::core::fail::{bail, ensure};
use crate::nn::{Layer, Module, Visit, VisitMut};
use crate::{CrossEntropy, DType, Reduction, Result, Tensor, module};

/// The anchor nearer to the positive than to the negative by a margin, by a distance of one's own. PyTorch's `nn.TripletMarginWithDistanceLoss`.
///
/// ```
/// use pullback::nn::TripletMarginWithDistanceLoss;
/// use pullback::tensor;
/// let loss = TripletMarginWithDistanceLoss::new(|x, y| x.sub(y)?.abs()?.amax(&[1], false));
/// let (anchor, near, far) = (tensor![[0.0, 0.0]], tensor![[0.5, 0.0]], tensor![[0.0, 1.0]]);
/// assert_eq!(loss.forward(&anchor, &near, &far)?.item::<f32>()?, 0.5);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TripletMarginWithDistanceLoss<F = PairwiseDistance> {
    distance: F,
    margin: f64,
    swap: bool,
    reduction: Reduction,
}

/// What says how far vectors are from each other: a closure of two tensors, or [`PairwiseDistance`].
pub trait Distance {
    /// The distances between two lists of vectors.
    ///
    /// # Errors
    /// Those of its arithmetic.
    fn distance(&self, x: &Tensor, y: &Tensor) -> Result<Tensor>;

    /// What is printed of it as a part of a module, if anything.
    fn part(&self) -> Option<&dyn Module> {
        None
    }
}

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor>> Distance for F {
    fn distance(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        self(x, y)
    }
}

impl Distance for PairwiseDistance {
    fn distance(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        self.forward(x, y)
    }
    fn part(&self) -> Option<&dyn Module> {
        Some(self)
    }
}

/// PyTorch's defaults: the Euclidean distance, a margin of 1, the mean.
impl Default for TripletMarginWithDistanceLoss {
    fn default() -> Self {
        TripletMarginWithDistanceLoss::made(PairwiseDistance::default())
    }
}

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor>> TripletMarginWithDistanceLoss<F> {
    /// With this distance and PyTorch's defaults.
    pub fn new(distance: F) -> Self {
        TripletMarginWithDistanceLoss::made(distance)
    }
}

impl<F: Distance> TripletMarginWithDistanceLoss<F> {
    fn made(distance: F) -> Self {
        TripletMarginWithDistanceLoss {
            distance,
            margin: 1.0,
            swap: false,
            reduction: Reduction::Mean,
        }
    }

    /// By how much.
    #[must_use]
    pub fn margin(mut self, margin: f64) -> Self {
        self.margin = margin;
        self
    }

    /// Whether the positive's distance to the negative counts where it is less.
    #[must_use]
    pub fn swap(mut self, on: bool) -> Self {
        self.swap = on;
        self
    }

    /// What becomes of the samples' losses.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// What the distance to the negative lacks of a lead over that to the positive.
    ///
    /// # Errors
    /// For a margin that is not positive, tensors of different numbers of dimensions, and those of the distance.
    #[track_caller]
    pub fn forward(&self, anchor: &Tensor, positive: &Tensor, negative: &Tensor) -> Result<Tensor> {
        if self.margin <= 0.0 {
            bail!(
                Value,
                "margin must be greater than 0, got {}",
                float(self.margin)
            );
        }
        let (a, p, n) = (anchor.ndim(), positive.ndim(), negative.ndim());
        ensure!(
            a == p && p == n,
            Shape,
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor {a}D, positive {p}D, and negative {n}D inputs"
        );
        let near = self.distance.distance(anchor, positive)?;
        let mut far = self.distance.distance(anchor, negative)?;
        if self.swap {
            far = far.minimum(&self.distance.distance(positive, negative)?)?;
        }
        let lacking = near.sub(&far)?.add(self.margin)?.clamp_min(0.0)?;
        self.reduction.of(lacking)
    }
}

impl<F: Distance> Module for TripletMarginWithDistanceLoss<F> {
    fn visit(&self, v: &mut Visit<'_>) {
        if let Some(part) = self.distance.part() {
            v.field("distance_function", part);
        }
    }
    fn visit_mut(&mut self, _: &mut VisitMut<'_>) -> Result<()> {
        Ok(()) // a distance has no tensors
    }
    fn repr(&self) -> Option<Repr> {
        Some(Repr::new("TripletMarginWithDistanceLoss"))
    }
}

/// Cross-entropy of what a linear layer gives, the layer included. PyTorch's `nn.LinearCrossEntropyLoss`.
///
/// PyTorch's `options`, which compute a large batch in parts, are not there.
///
/// ```
/// use pullback::nn::LinearCrossEntropyLoss;
/// use pullback::{DType, Tensor, tensor};
/// let loss = LinearCrossEntropyLoss::new(5, 10)?;
/// let x = Tensor::randn([3, 5], DType::F32)?;
/// assert_eq!(loss.forward(&x, &tensor![0, 9, 4])?.shape()[..], []);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearCrossEntropyLoss {
    /// A weight for each class, if there is one.
    pub weight: Option<Tensor>,
    /// From features to classes.
    pub linear: Linear,
    num_classes: usize,
    out_features: Vec<usize>,
    reduction: Reduction,
    ignore_index: Option<i64>,
    label_smoothing: f64,
}

module!(LinearCrossEntropyLoss { weight, linear } => |m| {
    let sizes = match m.out_features.is_empty() {
        true => "()".to_string(),
        false => tuple(&m.out_features),
    };
    Repr::new("LinearCrossEntropyLoss").extra(format!(
        "in_features={}, num_classes={}, out_features={sizes}, bias={}, reduction={}, ignore_index={}, label_smoothing={}, options=None",
        m.linear.weight.shape().get(1).copied().unwrap_or(0),
        m.num_classes,
        python(m.linear.bias.is_some()),
        m.reduction,
        m.ignore_index.map_or("None".to_string(), |i| i.to_string()),
        float(m.label_smoothing)
    ))
});

builder! {
    /// How a [`LinearCrossEntropyLoss`] is made.
    LinearCrossEntropyLossBuilder for LinearCrossEntropyLoss;
    (in_features: usize, num_classes: usize);
    {
        /// Whether the linear layer has a bias.
        bias: bool = false,
        /// What becomes of the samples' losses.
        reduction: Reduction = Reduction::Mean,
        /// How much of a target is shared among all classes.
        label_smoothing: f64 = 0.0,
        /// Of the linear layer; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// Sizes behind the classes: for several losses of each sample.
        out_features: Vec<usize> = Vec::new(),
        /// A weight for each class.
        weight: Option<Tensor> = None,
        /// A class that does not count; -100 without it.
        ignore_index: Option<i64> = None,
    }
}

impl LinearCrossEntropyLossBuilder {
    /// Makes the layer: draws as [`Linear`] does.
    ///
    /// # Errors
    /// PyTorch's sentences for weights of another number than classes and for a smoothing outside of [0, 1].
    #[track_caller]
    pub fn build(self) -> Result<LinearCrossEntropyLoss> {
        if let Some(weight) = &self.weight
            && weight.shape()[..] != [self.num_classes]
        {
            bail!(
                Shape,
                "expected weight shape to be ({},), got {}",
                self.num_classes,
                tuple(weight.shape())
            );
        }
        ensure!(
            (0.0..=1.0).contains(&self.label_smoothing),
            Shape,
            "expected label_smoothing to be in range [0, 1], got {}",
            float(self.label_smoothing)
        );
        let many = self
            .out_features
            .iter()
            .try_fold(self.num_classes, |n, &k| n.checked_mul(k));
        let Some(many) = many else {
            bail!(Alloc, "out_features {:?} are too large", self.out_features);
        };
        let linear = Linear::builder(self.in_features, many).bias(self.bias);
        Ok(LinearCrossEntropyLoss {
            weight: self.weight,
            linear: linear.dtype(self.dtype).build()?,
            num_classes: self.num_classes,
            out_features: self.out_features,
            reduction: self.reduction,
            ignore_index: self.ignore_index,
            label_smoothing: self.label_smoothing,
        })
    }
}

impl LinearCrossEntropyLoss {
    /// The loss of inputs (samples, features) and classes (samples, sizes…) or probabilities of classes (samples, classes, sizes…).
    ///
    /// # Errors
    /// PyTorch's sentences for inputs of other dimensions, and as [`Tensor::cross_entropy`].
    #[track_caller]
    pub fn forward(&self, x: &Tensor, target: &Tensor) -> Result<Tensor> {
        ensure!(
            (1..=2).contains(&x.ndim()),
            Shape,
            "expected input with dimensionality 1 or 2, got {}",
            x.ndim()
        );
        let front = &x.shape()[..x.ndim() - 1];
        let shape = [front, &[self.num_classes], &self.out_features].concat();
        if target.shape()[..] == shape[..] && self.ignore_index.is_some() {
            bail!(
                Shape,
                "ignore_index cannot be specified when target contains probabilities"
            );
        }
        let logits = self.linear.forward(x)?.reshape(shape)?;
        logits.cross_entropy(
            target,
            CrossEntropy {
                weight: self.weight.as_ref(),
                ignore_index: self.ignore_index.unwrap_or(-100),
                reduction: self.reduction,
                label_smoothing: self.label_smoothing,
            },
        )
    }
}
