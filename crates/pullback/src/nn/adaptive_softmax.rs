//! A softmax over many classes of which few are frequent: those are told apart at once, the others in clusters, each by smaller layers.

use super::linear::Linear;
use super::macros::builder;
use super::sequential::Sequential;
use crate::core::fail::{bail, ensure};
use crate::nn::Layer;
use crate::{DType, Result, Tensor, cat, module, sequential};

/// What the loss gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Classified {
    /// (samples): the logarithmic probability of each sample's own class.
    pub output: Tensor,
    /// The mean of what `output` lacks of 0.
    pub loss: Tensor,
}

/// Logarithmic probabilities of many classes, whose rare ones share smaller layers. PyTorch's `nn.AdaptiveLogSoftmaxWithLoss`.
///
/// Classes are in order of how frequent they are; `cutoffs` say where clusters begin. Source: Grave et al., Efficient softmax approximation for GPUs.
///
/// ```
/// use pullback::nn::AdaptiveLogSoftmaxWithLoss;
/// use pullback::{DType, Tensor, tensor};
/// let classes = AdaptiveLogSoftmaxWithLoss::new(8, 20, [4, 10])?;
/// let x = Tensor::randn([3, 8], DType::F32)?;
/// let told = classes.forward(&x, &tensor![0, 5, 19])?;
/// assert_eq!(told.output.shape()[..], [3]);
/// assert_eq!(classes.log_prob(&x)?.shape()[..], [3, 20]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveLogSoftmaxWithLoss {
    /// To the frequent classes and the clusters.
    pub head: Linear,
    /// Of each cluster: to a smaller width, and to its classes.
    pub tail: Vec<Sequential>,
    in_features: usize,
    /// Where clusters begin, and the number of classes.
    cutoffs: Vec<usize>,
}

module!(AdaptiveLogSoftmaxWithLoss { head, tail });

builder! {
    /// How an [`AdaptiveLogSoftmaxWithLoss`] is made.
    AdaptiveLogSoftmaxWithLossBuilder for AdaptiveLogSoftmaxWithLoss;
    (in_features: usize, n_classes: usize; cutoffs: Vec<usize>);
    {
        /// By what each cluster's width is less than that of the one before.
        div_value: f64 = 4.0,
        /// Whether the head has a bias.
        head_bias: bool = false,
        /// Of all weights; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl AdaptiveLogSoftmaxWithLossBuilder {
    /// Makes the layers: draws as [`Linear`] does.
    ///
    /// # Errors
    /// PyTorch's sentences for cutoffs that do not rise, or not from 1 to one less than the classes.
    #[track_caller]
    pub fn build(self) -> Result<AdaptiveLogSoftmaxWithLoss> {
        let given = &self.cutoffs;
        ensure!(
            !given.is_empty(),
            Value,
            "cutoffs should be a sequence of length larger than 0"
        );
        let rising = given.windows(2).all(|w| w[0] < w[1]);
        let inside = given.iter().all(|&c| c > 0 && c < self.n_classes);
        ensure!(
            rising && inside,
            Value,
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 and n_classes-1"
        );
        let linear = |of, out, bias| {
            let made = Linear::builder(of, out).bias(bias).dtype(self.dtype);
            made.build()
        };
        let clusters = given.len();
        let head = linear(self.in_features, given[0] + clusters, self.head_bias)?;
        let mut cutoffs = self.cutoffs.clone();
        cutoffs.push(self.n_classes);
        let mut tail = Vec::new();
        for i in 0..clusters {
            let power = i32::try_from(i + 1).unwrap_or(i32::MAX);
            let width = (self.in_features as f64 / self.div_value.powi(power)) as usize;
            tail.push(sequential![
                linear(self.in_features, width, false)?,
                linear(width, cutoffs[i + 1] - cutoffs[i], false)?
            ]);
        }
        Ok(AdaptiveLogSoftmaxWithLoss {
            head,
            tail,
            in_features: self.in_features,
            cutoffs,
        })
    }
}

impl AdaptiveLogSoftmaxWithLoss {
    fn classes(&self) -> usize {
        self.cutoffs.last().copied().unwrap_or(0)
    }

    /// What goes before the classes that this cluster's layers tell apart: the frequent classes have 0.
    fn place(&self, cluster: usize) -> i64 {
        i64::try_from(self.cutoffs[0] + cluster).unwrap_or(i64::MAX)
    }

    fn checked(&self, x: &Tensor, target: &Tensor) -> Result<()> {
        let (n, m) = (x.ndim(), target.ndim());
        match (m, n) {
            (1, 2) => ensure!(
                x.shape()[0] == target.shape()[0],
                Shape,
                "Input and target should have the same size in the batch dimension."
            ),
            (0, 1) => {}
            (1, _) => bail!(
                Shape,
                "1D target tensor expects 2D input tensors, but found inputs with size {}",
                size(x)
            ),
            (0, _) => bail!(
                Shape,
                "0D target tensor expects 1D input tensors, but found inputs with size {}",
                size(x)
            ),
            _ => bail!(
                Shape,
                "0D or 1D target tensor expected, multi-target not supported"
            ),
        }
        Ok(())
    }

    /// Each sample's logarithmic probability of its class, and the loss, of inputs (samples, features) and classes (samples); or of one sample.
    ///
    /// # Errors
    /// PyTorch's sentences for shapes that do not go together and for classes that there are not.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, target: &Tensor) -> Result<Classified> {
        self.checked(x, target)?;
        let one = target.ndim() == 0;
        let (x, target) = match one {
            true => (x.unsqueeze(0)?, target.unsqueeze(0)?),
            false => (x.clone(), target.clone()),
        };
        let samples = target.shape()[0];
        let mut output = Tensor::zeros([samples], x.dtype())?;
        let mut asked = target.clone();
        let mut seen = 0;
        for i in 0..self.cutoffs.len() {
            let from = if i == 0 { 0 } else { self.cutoffs[i - 1] };
            let inside = target.ge(from)?.logical_and(&target.lt(self.cutoffs[i])?)?;
            let rows = inside.nonzero()?.squeeze_dims(&[1])?;
            if rows.numel() == 0 {
                continue;
            }
            seen += rows.numel();
            if i == 0 {
                continue;
            }
            let relative = target.index_select(0, &rows)?.sub(from)?;
            let logits = self.tail[i - 1].forward(&x.index_select(0, &rows)?)?;
            let own = logits
                .log_softmax(1)?
                .gather(1, &relative.unsqueeze(1)?)?
                .squeeze_dims(&[1])?;
            output = output.index_add(0, &rows, &own, 1)?;
            let place = Tensor::full([rows.numel()], self.place(i - 1), DType::I64)?;
            asked = asked.index_copy(0, &rows, &place)?;
        }
        if seen != samples {
            bail!(
                Shape,
                "Target values should be in [0, {}], but values in range [{}, {}] were found. ",
                self.classes().saturating_sub(1),
                target.min()?.number()?,
                target.max()?.number()?
            );
        }
        let head = self.head.forward(&x)?.log_softmax(1)?;
        output = output.add(&head.gather(1, &asked.unsqueeze(1)?)?.squeeze_dims(&[1])?)?;
        let loss = output.neg()?.mean()?;
        let output = if one {
            output.squeeze_dims(&[0])?
        } else {
            output
        };
        Ok(Classified { output, loss })
    }

    /// (samples, classes): logarithmic probabilities of all classes.
    ///
    /// # Errors
    /// For inputs of another width.
    #[track_caller]
    pub fn log_prob(&self, x: &Tensor) -> Result<Tensor> {
        let head = self.head.forward(x)?.log_softmax(1)?;
        let mut parts = vec![head.narrow(1, 0, self.cutoffs[0])?];
        for (i, cluster) in self.tail.iter().enumerate() {
            let own = cluster.forward(x)?.log_softmax(1)?;
            parts.push(own.add(&head.narrow(1, self.cutoffs[0] + i, 1)?)?);
        }
        cat(&parts, 1)
    }

    /// (samples): the most probable classes.
    ///
    /// # Errors
    /// As [`AdaptiveLogSoftmaxWithLoss::log_prob`].
    #[track_caller]
    pub fn predict(&self, x: &Tensor) -> Result<Tensor> {
        self.log_prob(x)?.argmax(1, false)
    }

    /// The width of inputs.
    pub fn in_features(&self) -> usize {
        self.in_features
    }
}

/// A shape as PyTorch prints it.
fn size(x: &Tensor) -> String {
    format!("torch.Size({})", x.shape())
}
