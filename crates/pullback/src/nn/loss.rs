//! Losses as modules: each calls the method of the same name.

use super::repr::float;
use crate::core::fail::{bail, ensure};
use crate::{CrossEntropy, Ctc, Reduction, Result, Tensor, TripletMargin, module};

/// Losses: what they are weighted with, their numbers with PyTorch's defaults, what they are given, what they give. All have a reduction.
macro_rules! losses {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$weight_doc:meta])* $weight:ident),* }
        ($($(#[$of:meta])* $number:ident: $type:ty = $default:expr),*)
        |$m:ident, $($x:ident),*| $body:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$weight_doc])* pub $weight: Option<Tensor>,)*
            $($(#[$of])* pub $number: $type,)*
            /// What becomes of the elements' losses.
            pub reduction: Reduction,
        }

        /// PyTorch's defaults: the mean.
        impl Default for $name {
            fn default() -> $name {
                $name {
                    $($weight: None,)*
                    $($number: $default,)*
                    reduction: Reduction::Mean,
                }
            }
        }

        impl $name {
            /// With PyTorch's defaults.
            pub fn new() -> $name {
                $name::default()
            }

            $($(#[$weight_doc])*
            #[must_use]
            pub fn $weight(mut self, $weight: Tensor) -> $name {
                self.$weight = Some($weight);
                self
            })*

            $($(#[$of])*
            #[must_use]
            pub fn $number(mut self, $number: $type) -> $name {
                self.$number = $number;
                self
            })*

            /// What becomes of the elements' losses.
            #[must_use]
            pub fn reduction(mut self, reduction: Reduction) -> $name {
                self.reduction = reduction;
                self
            }

            /// The loss.
            ///
            /// # Errors
            /// Those of the method of the same name.
            #[track_caller]
            pub fn forward(&self, $($x: &Tensor),*) -> Result<Tensor> {
                let $m = self;
                $body
            }
        }

        module!($name { $($weight),* });
    )*};
}

losses! {
    /// Mean absolute difference. PyTorch's `nn.L1Loss`.
    L1Loss {} () |m, input, target| input.l1_loss(target, m.reduction, None);

    /// Mean squared difference. PyTorch's `nn.MSELoss`.
    ///
    /// ```
    /// use pullback::nn::MSELoss;
    /// use pullback::Tensor;
    /// let (x, y) = (Tensor::from_slice(&[1.0f32, 4.0], [2])?, Tensor::from_slice(&[1.0f32, 2.0], [2])?);
    /// assert_eq!(MSELoss::new().forward(&x, &y)?.item_f64()?, 2.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    MSELoss {} () |m, input, target| input.mse_loss(target, m.reduction, None);

    /// Cross-entropy of scores and classes, or of probabilities of classes. PyTorch's `nn.CrossEntropyLoss`.
    CrossEntropyLoss {
        /// A factor for each class.
        weight
    } (
        /// The class that does not count.
        ignore_index: i64 = -100,
        /// How much of the target is spread over all classes.
        label_smoothing: f64 = 0.0
    ) |m, input, target| input.cross_entropy(target, CrossEntropy {
        weight: m.weight.as_ref(),
        ignore_index: m.ignore_index,
        reduction: m.reduction,
        label_smoothing: m.label_smoothing,
    });

    /// Negative log-likelihood of classes, of their logarithmic probabilities. PyTorch's `nn.NLLLoss`.
    NLLLoss {
        /// A factor for each class.
        weight
    } (
        /// The class that does not count.
        ignore_index: i64 = -100
    ) |m, input, target| input.nll_loss(target, m.weight.as_ref(), m.ignore_index, m.reduction);

    /// Negative log-likelihood of counts. PyTorch's `nn.PoissonNLLLoss`.
    PoissonNLLLoss {} (
        /// Whether the input is the logarithm of the rate.
        log_input: bool = true,
        /// Whether Stirling's approximation is added.
        full: bool = false,
        /// What is added to rates before their logarithm.
        eps: f64 = 1e-8
    ) |m, input, target| input.poisson_nll_loss(target, m.log_input, m.full, m.eps, m.reduction);

    /// Negative log-likelihood of numbers with a variance each. PyTorch's `nn.GaussianNLLLoss`.
    GaussianNLLLoss {} (
        /// Whether the constant is added.
        full: bool = false,
        /// The least that variances count as.
        eps: f64 = 1e-6
    ) |m, input, target, var| input.gaussian_nll_loss(target, var, m.full, m.eps, m.reduction);

    /// Divergence of distributions; the input holds logarithms. PyTorch's `nn.KLDivLoss`.
    KLDivLoss {} (
        /// Whether the target holds logarithms too.
        log_target: bool = false
    ) |m, input, target| input.kl_div(target, m.reduction, m.log_target);

    /// Binary cross-entropy of probabilities. PyTorch's `nn.BCELoss`.
    BCELoss {
        /// A factor for each element.
        weight
    } () |m, input, target| input.binary_cross_entropy(target, m.weight.as_ref(), m.reduction);

    /// Binary cross-entropy of logits. PyTorch's `nn.BCEWithLogitsLoss`.
    BCEWithLogitsLoss {
        /// A factor for each element.
        weight,
        /// A factor for each positive.
        pos_weight
    } () |m, input, target| input.binary_cross_entropy_with_logits(
        target, m.weight.as_ref(), m.reduction, m.pos_weight.as_ref()
    );

    /// Hinge of distances with labels 1 and -1. PyTorch's `nn.HingeEmbeddingLoss`.
    HingeEmbeddingLoss {} (
        /// The distance beyond which negatives cost nothing.
        margin: f64 = 1.0
    ) |m, input, target| input.hinge_embedding_loss(target, m.margin, m.reduction);

    /// Squares below `beta`, absolute differences beyond. PyTorch's `nn.SmoothL1Loss`.
    SmoothL1Loss {} (
        /// Where squares end.
        beta: f64 = 1.0
    ) |m, input, target| input.smooth_l1_loss(target, m.reduction, m.beta);

    /// Half squares below `delta`, lines beyond. PyTorch's `nn.HuberLoss`.
    HuberLoss {} (
        /// Where squares end.
        delta: f64 = 1.0
    ) |m, input, target| input.huber_loss(target, m.reduction, m.delta, None);

    /// Logistic loss with labels 1 and -1. PyTorch's `nn.SoftMarginLoss`.
    SoftMarginLoss {} () |m, input, target| input.soft_margin_loss(target, m.reduction);

    /// Hinge between the scores of the labels and those of the others. PyTorch's `nn.MultiLabelMarginLoss`.
    MultiLabelMarginLoss {} () |m, input, target| input.multilabel_margin_loss(target, m.reduction);

    /// Mean binary cross-entropy of several labels. PyTorch's `nn.MultiLabelSoftMarginLoss`.
    MultiLabelSoftMarginLoss {
        /// A factor for each class.
        weight
    } () |m, input, target| input.multilabel_soft_margin_loss(target, m.weight.as_ref(), m.reduction);

    /// One less the cosine for label 1, its hinge for label -1. PyTorch's `nn.CosineEmbeddingLoss`.
    CosineEmbeddingLoss {} (
        /// The cosine below which label -1 costs nothing.
        margin: f64 = 0.0
    ) |m, input1, input2, target| input1.cosine_embedding_loss(input2, target, m.margin, m.reduction);

    /// Hinge of differences that should have a sign. PyTorch's `nn.MarginRankingLoss`.
    MarginRankingLoss {} (
        /// How large differences should be.
        margin: f64 = 0.0
    ) |m, input1, input2, target| input1.margin_ranking_loss(input2, target, m.margin, m.reduction);

    /// Hinge between the class's score and the others. PyTorch's `nn.MultiMarginLoss`.
    MultiMarginLoss {
        /// A factor for each class.
        weight
    } (
        /// The power of the hinge: 1 or 2.
        p: i64 = 1,
        /// How much larger the class's score should be.
        margin: f64 = 1.0
    ) |m, input, target| {
        ensure!(m.p == 1 || m.p == 2, Value, "only p == 1 and p == 2 supported");
        input.multi_margin_loss(target, m.p, m.margin, m.weight.as_ref(), m.reduction)
    };

    /// The anchor nearer to the positive than to the negative by a margin. PyTorch's `nn.TripletMarginLoss`.
    TripletMarginLoss {} (
        /// By how much.
        margin: f64 = 1.0,
        /// The norm of differences.
        p: f64 = 2.0,
        /// What is added to differences.
        eps: f64 = 1e-6,
        /// Whether the positive's distance to the negative counts where it is less.
        swap: bool = false
    ) |m, anchor, positive, negative| {
        if m.margin <= 0.0 {
            bail!(
                Value,
                "TripletMarginLoss: expected margin to be greater than 0, got {} instead",
                float(m.margin)
            );
        }
        anchor.triplet_margin_loss(positive, negative, TripletMargin {
            margin: m.margin,
            p: m.p,
            eps: m.eps,
            swap: m.swap,
            reduction: m.reduction,
        })
    };
}

/// Negative log-likelihood of a sequence of labels, over all ways in which it may lie in a longer one. PyTorch's `nn.CTCLoss`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CTCLoss {
    /// The label that stands for none.
    pub blank: i64,
    /// What becomes of the samples' losses.
    pub reduction: Reduction,
    /// Whether losses that are infinite count as 0.
    pub zero_infinity: bool,
}

impl CTCLoss {
    /// With PyTorch's defaults: blank 0, the mean.
    pub fn new() -> CTCLoss {
        CTCLoss::default()
    }

    /// The label that stands for none.
    #[must_use]
    pub fn blank(mut self, blank: i64) -> CTCLoss {
        self.blank = blank;
        self
    }

    /// What becomes of the samples' losses.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> CTCLoss {
        self.reduction = reduction;
        self
    }

    /// Whether losses that are infinite count as 0.
    #[must_use]
    pub fn zero_infinity(mut self, on: bool) -> CTCLoss {
        self.zero_infinity = on;
        self
    }

    /// The loss of (steps, samples, labels) logarithmic probabilities.
    ///
    /// # Errors
    /// As [`Tensor::ctc_loss`].
    #[track_caller]
    pub fn forward(
        &self,
        log_probs: &Tensor,
        targets: &Tensor,
        input_lengths: &[i64],
        target_lengths: &[i64],
    ) -> Result<Tensor> {
        let how = Ctc {
            blank: self.blank,
            reduction: self.reduction,
            zero_infinity: self.zero_infinity,
        };
        log_probs.ctc_loss(targets, input_lengths, target_lengths, how)
    }
}

module!(CTCLoss {});
