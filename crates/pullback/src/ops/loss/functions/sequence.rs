//! Losses of sequences.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::device::HostRead;
use crate::core::fail::ensure;
use crate::ops::loss::functions::loss::named;
use crate::{Ctc, Reduction, Result};

/// Lengths given as integers or as a tensor of them.
fn lengths(a: &Args<'_>, name: &'static str) -> Result<Vec<i64>> {
    match a.value(name)? {
        Value::Tensor(t) => {
            ensure!(!t.dtype().is_float(), DType, "{name} must be integral");
            let numbers = t.numbers_f64()?;
            Ok(numbers.into_iter().map(|n| n as i64).collect())
        }
        given => {
            let list = match given {
                Value::List(list) => list.iter().map(Some).collect(),
                one => vec![Some(one)],
            };
            (list.into_iter().flatten())
                .map(|v| match v {
                    Value::Int(n) => Ok(*n),
                    Value::Tensor(t) if t.numel() == 1 => Ok(t.item_f64()? as i64),
                    other => Err(crate::call::wrong_type(
                        a.name(),
                        name,
                        "tuple of ints",
                        other,
                        None,
                    )),
                })
                .collect()
        }
    }
}

/// Only what nothing reduces is the loss's own.
fn node(a: &Args<'_>) -> Result<&'static str> {
    let plain = named(a, invalid)? == Reduction::None;
    let batched = a.tensor("log_probs")?.ndim() == 3;
    Ok(match (plain, batched, a.bool("zero_infinity")?) {
        (true, true, false) => "CtcLossBackward0",
        (true, false, _) => "SqueezeBackward1",
        _ => "",
    })
}

fn invalid(name: &str) -> String {
    format!("{name} is not a valid value for reduction")
}

pub(in crate::ops) static LIST: &[Function] = &[Function::new(
    "ctc_loss(Tensor log_probs, Tensor targets, any input_lengths, any target_lengths, int blank=0, str reduction='mean', bool zero_infinity=False) -> Tensor",
    "nn.functional",
    |a| {
        let how = Ctc {
            blank: a.int("blank")?,
            reduction: named(a, invalid)?,
            zero_infinity: a.bool("zero_infinity")?,
        };
        a.tensor("log_probs")?
            .ctc_loss(a.tensor("targets")?, &lengths(a, "input_lengths")?, &lengths(a, "target_lengths")?, how)
            .into_value()
    },
)
.node_by(node)
.about(
    "The negative log-likelihood of a sequence of labels, over all its alignments with a longer one.",
    "-ln Σ Π p(t, label at t) over alignments; the gradient is that by scores of a softmax",
)
// PyTorch's gradient takes the probabilities to be a softmax's.
.no_check()
.samples(&[
    "T(4,2,3), I[[1, 2], [2, 0]], (4, 4), (2, 1), reduction='none'",
    "T(5,2,4), I[1, 2, 2, 3, 1], I[5, 4], I[3, 2], reduction='sum'",
    "T(4,1,3).t, I[[1, 1]], (4,), (2,)",
    "T(4,3), I[1, 2], I[4], I[2], 0, 'none'",
    "T(4,2,3), I[[1, 0], [0, 1]], (4, 3), (2, 1), 2, 'mean', True",
    "T(3,2,3), I[[1, 2], [2, 1]], (1, 3), (2, 2), reduction='none', zero_infinity=True",
    "T(3,1,3), I(0, 2), (3,), (0,)",
])
.edges(&[
    "T(3,2,3), I[[1, 2], [2, 1]], (1, 3), (2, 2), reduction='none'",
    "T(3,2,3), I[[1, 2], [2, 1]], (0, 0), (0, 1), reduction='none'",
])
.errors(&[
    "T(3,2,3), I[[1, 2], [2, 1]], (4, 3), (2, 2)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, -3), (2, 2)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, 3), (2, 3)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, 3), (2, -1)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3,), (2, 2)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, 3), (2,)",
    "T(3,2,3), I[1, 2, 2], (3, 3), (2, 2)",
    "T(3,2,3), I[[1, 2]], (3, 3), (2, 2)",
    "T(3,2,3), I(2,2,1, 2), (3, 3), (2, 2)",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, 3), (2, 2), 3",
    "T(3), I[1], (3,), (1,)",
    "T(3,0,3), I(0,2, 2), (), ()",
    "I(3,2,3, 2), I[[1, 2], [2, 1]], (3, 3), (2, 2)",
    "T(3,2,3), I[[1, 2], [2, 1]], T(2), I[2, 2]",
    "T(3,2,3), I[[1, 2], [2, 1]], (3, 3), (2, 2), reduction='avg'",
])];
