//! Losses with margins: what lies beyond the margin costs nothing.

use crate::call::IntoValue;
use crate::call::{Args, Function};
use crate::ops::loss::functions::loss::{by_flags, pair, reduction};
use crate::{Reduction, Result, TripletMargin};

/// Margins end in a clamp, where nothing reduces them.
fn margin_node(a: &Args<'_>) -> Result<&'static str> {
    Ok(match reduction(a)? {
        Reduction::None => "ClampMinBackward0",
        _ => "",
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.hinge_embedding_loss(target, a.float("margin")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .about("Distances of pairs that are alike, what others lack of a margin.", "x where y = 1, max(m - x, 0) where y = -1")
    .samples(&[
        "T(2,3), I[[1, -1, 1], [-1, 1, -1]]",
        "T(2,3), I[1, -1, -1], margin=0.5, reduction='none'",
        "T(), I[1], reduction='sum'",
        "T(0), I(0, 2), reduction='sum'",
        "T(2,3).t, I[1, -1, 0]",
    ])
    .edges(&["T(0), I(0, 2)", "T[1.0, 0.5, 2.0, 1.0], I[1, -1, -1, -1], reduction='none'"])
    .errors(&["T(2,3), T(2)", "T(3), T(3), reduction='avg'"]),
    Function::new(
        "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            a.tensor("input1")?
                .margin_ranking_loss(a.tensor("input2")?, a.tensor("target")?, a.float("margin")?, reduction(a)?)
                .into_value()
        },
    )
    .warns(by_flags)
    .node_by(margin_node)
    .about("What the larger of two lacks of a lead over the other.", "max(m - y·(x₁ - x₂), 0)")
    .samples(&[
        "T(4), T(4), I[1, -1, 1, -1]",
        "T(2,3), T(2,3), T(1,3), margin=0.5, reduction='none'",
        "T(), T(), T(), 3.5",
        "T(0), T(0), T(0), reduction='sum'",
        "T(2,3).t, T(2,3), T(2,3), 2.0",
    ])
    .edges(&["T[1.0, 0.5, 2.0, 1.0], T[0.5, 1.0, 1.0, 1.0], T[1.0, -1.0, 1.0, 0.0], margin=0.5, reduction='none'"])
    .errors(&["T(2), T(2,1), T(2)", "T(2), T(3), T(2)"]),
    Function::new(
        "soft_margin_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.soft_margin_loss(target, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .node("SoftMarginLossBackward0")
    .about("A smooth hinge.", "ln(1 + e^{-y·x})")
    .samples(&[
        "T(4), I[1, -1, 1, -1]",
        "T(2,3), I(2,3, 2), reduction='none'",
        "T[0.75], I[1], reduction='sum'",
        "T(0), I(0, 2), reduction='sum'",
        "T(2,3).t, I(2,3, 2)",
    ])
    .edges(&["T(0), I(0, 2)", "T[1.0, -800.0, 800.0, inf, -inf], I[1, 1, -1, 1, 1], reduction='none'"])
    .errors(&["T(2), I(3, 2)", "T(2,1), I(2,3, 2)", "T(3), I(3, 2), reduction='avg'"]),
    Function::new(
        "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            a.tensor("input1")?
                .cosine_embedding_loss(a.tensor("input2")?, a.tensor("target")?, a.float("margin")?, reduction(a)?)
                .into_value()
        },
    )
    .warns(by_flags)
    .about("One less the cosine for pairs that are alike, the cosine above a margin for others.", "1 - cos where y = 1, max(cos - m, 0) where y = -1")
    .samples(&[
        "T(3,4), T(3,4), I[1, -1, 1]",
        "T(3,4), T(3,4), I[1, -1, -1], margin=-0.75, reduction='none'",
        "T(4), T(4), I(2)",
        "T(3,4).t, T(1,4), I[1, 1, -1], reduction='sum'",
        "T(0,4), T(0,4), I(0, 2), reduction='sum'",
    ])
    .edges(&["T(0,4), T(0,4), I(0, 2)", "T[[0.0, 0.0], [1.0, 2.0], [1.0, 0.0]], T[[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], I[1, -1, -1], margin=0.5, reduction='none'"])
    .errors(&["T(3,4), T(3,4), I(1,3, 2)", "T(4), T(4), I[1]", "T(3,4), T(3,4), I[1, 1]"]),
    Function::new(
        "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2, float eps=1e-06, bool swap=False, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let how = TripletMargin {
                margin: a.float("margin")?,
                p: a.float("p")?,
                eps: a.float("eps")?,
                swap: a.bool("swap")?,
                reduction: reduction(a)?,
            };
            a.tensor("anchor")?.triplet_margin_loss(a.tensor("positive")?, a.tensor("negative")?, how).into_value()
        },
    )
    .warns(by_flags)
    .node_by(margin_node)
    .about("What the distance to the negative lacks of a lead over the distance to the positive.", "max(m + |a - p| - |a - n|, 0)")
    .samples(&[
        "T(3,4), T(3,4), T(3,4)",
        "T(3,4), T(3,4), T(3,4), margin=4.0, reduction='none'",
        "T(4), T(4), T(4), 2.5, p=1",
        "T(2,5).t, T(1,5), T(2,5), 3.0, swap=True, reduction='sum'",
        "T(0,4), T(0,4), T(0,4), reduction='sum'",
        "T(3,4), T(3,4), T(3,4), 4.0, swap=True",
    ])
    .edges(&["T(0,4), T(0,4), T(0,4)", "T[[0.0, 0.0], [1.0, 2.0]], T[[1.0, 0.0], [0.0, 0.0]], T[[2.0, 0.0], [9.0, 9.0]], eps=0.0, reduction='none'"])
    .errors(&["T(2,3), T(2,3), T(3)", "T(2,3), T(2,3), T(2,3), margin=-1.0"]),
    Function::new(
        "multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.multi_margin_loss(target, a.int("p")?, a.float("margin")?, a.tensor_opt("weight")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .node("MultiMarginLossBackward0")
    .about("What the score of the right class lacks of a lead over each other class.", "Σᵢ max(m - x[y] + x[i], 0)ᵖ / C over i ≠ y")
    .samples(&[
        "T(3,4), I[0, 2, 3], margin=0.9",
        "T(3,4), I[0, 2, 3], p=2, margin=1.3, reduction='none'",
        "T(3,4).t, I[0, 2, 3], margin=0.7, reduction='sum'",
        "T(4), I[2], margin=1.1, reduction='none'",
    ])
    .edges(&["T(3,4), I[0, 2, 3]", "T(3,4), I[0, 2, 3], 2, 1.5, T(4, pos).fixed", "T[[0.0, 1.0, -1.0], [1.0, 2.0, 0.5]], I[0, 2], reduction='none'", "T[[0.0, 1.0, -1.0], [1.0, 2.0, 0.5]], I[0, 2], 2"])
    .errors(&["T(2,3), I[1, 5]", "T(2,3), I[1, 0], p=3", "T(2,3), I[1]"]),
    Function::new(
        "multilabel_margin_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.multilabel_margin_loss(target, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .node("MultilabelMarginLossBackward0")
    .about("What the scores of several right classes lack of a lead over each other class.", "Σ max(1 - x[yⱼ] + xᵢ, 0) / C over labels j and classes i that are no label")
    .samples(&[
        "T(2,4), I[[1, 0, -1, 2], [3, 2, -1, -1]]",
        "T(3,4), I[[1, 0, -1, 2], [3, 3, -1, -1], [-1, 1, 2, 0]], reduction='none'",
        "T(2,4).t, I[[1, -1, 0, 2], [3, 2, 1, -1]], reduction='sum'",
        "T(4), I[2, 0, -1, 1]",
        "T(4), I[1, 1, -1, 3], reduction='none'",
        "T(0,4), I(0,4, 2), reduction='none'",
    ])
    .edges(&["T(), I(1)", "T[[0.0, 1.0, 1.0, 2.0]], I[[3, -1, 0, 0]]", "T[[0.0, 1.0, 1.0, 2.0]], I[[0, 1, 2, 3]], reduction='none'"])
    .errors(&["T(2,3), I[[1, 5, 0], [0, 0, 0]]", "T(2,3), I[[1, -2, 0], [0, 0, 0]]", "T(2,3), I[1, 0, 1]", "T(2,2,2), I(2,2,2, 2)", "T(3,0), I(3,0, 2)", "I(2,3, 2), I(2,3, 2)", "T(2,3), T(2,3)", "T(3), I(3, 2), reduction='avg'"]),
    Function::new(
        "multilabel_soft_margin_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
        "nn.functional",
        |a| {
            let (x, target) = pair(a)?;
            x.multilabel_soft_margin_loss(target, a.tensor_opt("weight")?, reduction(a)?).into_value()
        },
    )
    .warns(by_flags)
    .about("The mean over labels of the cross-entropy of each label's logistic function.", "-Σ (y·ln σ(x) + (1 - y)·ln σ(-x)) / C")
    .samples(&[
        "T(3,4), T(3,4, unit)",
        "T(3,4), I(3,4, 2), reduction='none'",
        "T(3,4).t, T(3,4, unit), weight=T(4, pos)",
        "T(4), T(4, unit), reduction='sum'",
    ])
    .errors(&["T(2,3), T(2,2)"]),
];
