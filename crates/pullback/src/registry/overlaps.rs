//! Which arguments of a function may share memory with what it writes, in place or by `out=`: PyTorch's rule for each.
//!
//! Nearly always a tensor may be the written one itself but share no part of it. Functions that read in another order than they
//! write must share nothing. Where PyTorch does not look (and may compute from numbers that it has overwritten), nothing is refused
//! and the old numbers are read. `tests/overlap` of the Python package holds the table that this follows.

use crate::call::Value;
use crate::core::overlap::{apart, same_or_apart};
use crate::{Result, Tensor};

/// What an argument must be to the written tensor.
#[derive(Clone, Copy)]
enum Rule {
    /// Anything.
    Free,
    /// The same, or nothing shared.
    Same,
    /// Nothing shared.
    Apart,
}

/// The rule for an argument of a function.
fn rule(name: &str, place: usize) -> Rule {
    match name {
        "index_select" | "gather" | "masked_select" | "take" | "take_along_dim" | "cat"
        | "concat" | "concatenate" | "stack" | "hstack" | "vstack" | "row_stack"
        | "column_stack" | "dstack" | "cross" => Rule::Apart,
        "index_fill" if place == 3 => Rule::Free,
        "index_copy" if place == 0 => Rule::Same,
        "scatter" | "scatter_add" | "scatter_reduce" | "index_add" | "index_copy"
        | "index_fill" | "index_put" | "index_reduce" | "put"
            if place > 0 =>
        {
            Rule::Apart
        }
        "masked_scatter" | "masked_fill" if place == 2 => Rule::Free,
        "ldexp" if place == 1 => Rule::Free,
        "addmm" | "addmv" | "addbmm" | "baddbmm" if place > 0 => Rule::Free,
        "unbind_copy" | "split_copy" | "split_with_sizes_copy" => Rule::Same,
        _ if FREE.contains(&name) || name.ends_with("_copy") => Rule::Free,
        _ => Rule::Same,
    }
}

/// Functions whose arguments PyTorch does not compare with `out`.
const FREE: &[&str] = &[
    "all",
    "amax",
    "amin",
    "any",
    "argsort",
    "avg_pool2d",
    "avg_pool3d",
    "bmm",
    "chain_matmul",
    "cummax",
    "cummin",
    "diag",
    "histc",
    "histogram",
    "inner",
    "linear",
    "log_softmax",
    "logsigmoid",
    "logsumexp",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "mean",
    "mm",
    "multi_dot",
    "multigammaln",
    "mv",
    "mvlgamma",
    "nanmean",
    "nanquantile",
    "nansum",
    "ndtr",
    "norm",
    "prod",
    "quantile",
    "slice_scatter",
    "softmax",
    "std",
    "sum",
    "tensordot",
    "tril",
    "triu",
    "var",
    "vecdot",
    "vector_norm",
];

/// Errors where a call would write into memory that it reads, as PyTorch does. `args` are those after the first `skip`.
///
/// # Errors
/// PyTorch's sentence.
pub fn check_overlap(
    name: &str,
    target: &Tensor,
    args: &[Value],
    kwargs: &[(&str, Value)],
    skip: usize,
) -> Result<()> {
    // A product with a tensor without dimensions goes element by element.
    let name = match args
        .iter()
        .any(|v| matches!(v, Value::Tensor(t) if t.ndim() == 0))
    {
        true if name == "inner" => "mul",
        _ => name,
    };
    let plain = args.iter().enumerate().skip(skip);
    let named = kwargs.iter().map(|(_, v)| (usize::MAX, v));
    for (place, value) in plain.chain(named) {
        check_value(name, target, place, value)?;
    }
    Ok(())
}

fn check_value(name: &str, target: &Tensor, place: usize, value: &Value) -> Result<()> {
    match value {
        Value::Tensor(t) => match rule(name, place) {
            Rule::Free => Ok(()),
            Rule::Same => same_or_apart(&target.array(), &t.array()),
            Rule::Apart => apart(&target.array(), &t.array()),
        },
        Value::List(list) => list
            .iter()
            .try_for_each(|v| check_value(name, target, place, v)),
        _ => Ok(()),
    }
}
