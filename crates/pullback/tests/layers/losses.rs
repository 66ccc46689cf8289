//! Losses of two or three tensors.

use crate::with;
use pullback::nn::*;
use pullback::{Reduction, Result, Tensor};

pub(crate) fn losses() {
    macro_rules! each {
        ($($case:literal $make:expr, [$($x:expr),*];)*) => {$(
            with($case, || Ok($make), |m, x| {
                let given: Vec<Tensor> = [$($x),*].iter().map(|f: &fn(&[Tensor]) -> Tensor| f(x)).collect();
                Ok(vec![called(m, &given)?])
            });
        )*};
    }
    /// A loss of two or three tensors.
    trait Called: Module {
        fn called(&self, x: &[Tensor]) -> Result<Tensor>;
    }
    fn called<L: Called>(loss: &L, x: &[Tensor]) -> Result<Tensor> {
        loss.called(x)
    }
    macro_rules! of_two {
        ($($name:ident)*) => { $(impl Called for $name {
            fn called(&self, x: &[Tensor]) -> Result<Tensor> { self.forward(&x[0], &x[1]) }
        })* };
    }
    macro_rules! of_three {
        ($($name:ident)*) => { $(impl Called for $name {
            fn called(&self, x: &[Tensor]) -> Result<Tensor> { self.forward(&x[0], &x[1], &x[2]) }
        })* };
    }
    of_two! { L1Loss MSELoss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss PoissonNLLLoss KLDivLoss BCELoss BCEWithLogitsLoss }
    of_two! { HingeEmbeddingLoss SoftMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss }
    of_three! { GaussianNLLLoss CosineEmbeddingLoss MarginRankingLoss TripletMarginLoss }
    const A: fn(&[Tensor]) -> Tensor = |x| x[0].clone();
    const B: fn(&[Tensor]) -> Tensor = |x| x[1].clone();
    const C: fn(&[Tensor]) -> Tensor = |x| x[2].clone();
    const LABELS: fn(&[Tensor]) -> Tensor = |x| x[1].detach();
    const LABELS_3: fn(&[Tensor]) -> Tensor = |x| x[2].detach();
    let vector = |v: &[f32]| Tensor::from_slice(v, [v.len()]);
    each! {
        "L1Loss" L1Loss::new(), [A, B];
        "MSELoss" MSELoss::new(), [A, B];
        "SmoothL1Loss" SmoothL1Loss::new(), [A, B];
        "HuberLoss" HuberLoss::new(), [A, B];
        "SmoothL1Loss_beta" SmoothL1Loss::new().beta(0.3).reduction(Reduction::Sum), [A, B];
        "HuberLoss_delta" HuberLoss::new().delta(0.3).reduction(Reduction::None), [A, B];
        "CrossEntropyLoss" CrossEntropyLoss::new().weight(vector(&[1.0, 2.0, 0.5])?).label_smoothing(0.1).ignore_index(1), [A, B];
        "NLLLoss" NLLLoss::new(), [A, B];
        "PoissonNLLLoss" PoissonNLLLoss::new().full(true), [A, |x| x[1].detach().mul(5.0).unwrap()];
        "GaussianNLLLoss" GaussianNLLLoss::new(), [A, B, C];
        "KLDivLoss" KLDivLoss::new().reduction(Reduction::BatchMean), [A, B];
        "BCELoss" BCELoss::new(), [A, B];
        "BCEWithLogitsLoss" BCEWithLogitsLoss::new().pos_weight(vector(&[1.0, 2.0, 0.5, 1.0])?), [A, B];
        "HingeEmbeddingLoss" HingeEmbeddingLoss::new(), [A, LABELS];
        "SoftMarginLoss" SoftMarginLoss::new(), [A, LABELS];
        "MultiLabelSoftMarginLoss" MultiLabelSoftMarginLoss::new(), [A, LABELS];
        "CosineEmbeddingLoss" CosineEmbeddingLoss::new(), [A, B, LABELS_3];
        "MarginRankingLoss" MarginRankingLoss::new().margin(0.1), [A, B, LABELS_3];
        "MultiMarginLoss" MultiMarginLoss::new(), [A, B];
        "TripletMarginLoss" TripletMarginLoss::new().swap(true), [A, B, C];
    }
}
