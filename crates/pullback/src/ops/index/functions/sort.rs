//! Orders along a dimension, distinct elements, looking up, counting.

use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::{DType, Operand, Result, Tensor, ops};

/// The results that were asked for: one alone is no tuple.
fn asked(all: [Tensor; 3], inverse: bool, counts: bool) -> Result<Value> {
    let [values, i, c] = all;
    match (inverse, counts) {
        (false, false) => values.into_value(),
        (true, false) => Value::tuple([values, i]),
        (false, true) => Value::tuple([values, c]),
        (true, true) => Value::tuple([values, i, c]),
    }
}

/// Positions in the integer type asked for.
fn positions(places: Tensor, out_int32: bool) -> Result<Value> {
    match out_int32 {
        true => places.to(DType::I32).into_value(),
        false => places.into_value(),
    }
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "sort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> (Tensor values, Tensor indices)",
        "Tensor torch",
        |a| a.tensor("input")?.sort(a.int("dim")?, a.bool("descending")?).into_value(),
    )
    .node_by(|a| Ok(if a.bool("stable")? { "SortBackward1" } else { "SortBackward0" }))
    .about("A dimension in order, and where its elements were; equals keep their order, NaN is the largest.", "x[argsort x]")
    .exact()
    .samples(&[
        "T(5)",
        "T(2,3), 0",
        "T(2,3).t, -1, True",
        "T(), 0",
        "T(0,3), 0",
        "T(2,0)",
        "I(6, 4)",
        "T(4), descending=True",
        "B(4)",
    ])
    .edges(&[
        "T[1.0, nan, -inf, inf, nan, 0.0, -0.0]",
        "T[1.0, nan, -inf, 1.0, nan, 0.0, -0.0], 0, True",
        "T[2.0, 1.0, 2.0, 1.0, 2.0]",
        "T[[2.0, 1.0, 2.0, 1.0]], descending=True, stable=True",
    ])
    .errors(&["T(2,3), 2"]),
    Function::new(
        "argsort(Tensor input, int dim=-1, bool descending=False, *, bool stable=False) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.argsort(a.int("dim")?, a.bool("descending")?).into_value(),
    )
    .of(ops::Argsort::DEF)
    .exact()
    .samples(&["T(5)", "T(2,3), 0", "T(2,3).t, -1, True", "T(), 0", "T(0,3), 0"])
    .edges(&["T[1.0, nan, -inf, inf, nan, 0.0, -0.0]", "I(9, 3), stable=True"])
    .errors(&["T(2,3), 2"]),
    Function::new("msort(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.msort().into_value()
    })
    .node("SortBackward0")
    .about("The first dimension in order.", "x[argsort x]")
    .exact()
    .samples(&["T(5)", "T(3,2)", "T(2,3).t", "T()", "T(0,2)"]),
    Function::new(
        "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .topk(a.int("k")?, a.int("dim")?, a.bool("largest")?, a.bool("sorted")?)
                .into_value()
        },
    )
    .node("TopkBackward0")
    .about("The k largest or smallest elements of a dimension, and where they are.", "the first k of x[argsort x]")
    .exact()
    .samples(&[
        "T(5), 2",
        "T(2,3), 1, 0",
        "T(2,3).t, 2, -1, False",
        "T(), 1",
        "T(0,3), 2",
        "T(4), 0",
        "T(6), 3, sorted=False",
        "T(4), 4",
    ])
    .edges(&[
        "T[1.0, nan, -inf, inf, nan, 0.0], 3",
        "T[1.0, nan, -inf, inf, nan, 0.0], 4, largest=False",
        "T[2.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0], 3",
        "I(40, 3), 9",
        "I(40, 3), 30, largest=False",
        "I(200, 4), 2",
        "I(3,50, 6), 20, -1, True, False",
    ])
    .errors(&["T(5), 6", "T(5), -1", "T(5), 1, 1"]),
    Function::new(
        "kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .kthvalue(a.int("k")?, a.int("dim")?, a.bool("keepdim")?)
                .into_value()
        },
    )
    .node("KthvalueBackward0")
    .about("The k-th smallest element of a dimension, and where it is.", "(x[argsort x])ₖ")
    .exact()
    .samples(&["T(5), 2", "T(2,3), 1, 0", "T(2,3).t, 2, -1, True", "T(), 1", "T(0,3), 2, 1"])
    .edges(&[
        "T[1.0, nan, -inf, inf, nan, 0.0], 5",
        "T[2.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0], 3",
        "I(40, 3), 9",
        "I(3,30, 6), 20",
    ])
    .errors(&["T(5), 6", "T(5), 0", "T(2,0), 1", "T(5), 1, 1"]),
    Function::new(
        "unique(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False, int? dim=None) -> Tensor",
        "torch Tensor",
        |a| {
            let all = a.tensor("input")?.unique(a.int_opt("dim")?)?;
            asked(all, a.bool("return_inverse")?, a.bool("return_counts")?)
        },
    )
    .of(ops::Unique::DEF)
    .exact()
    .no_check() // PyTorch has no gradient either
    .samples(&[
        "I(8, 4)",
        "I(2,4, 3), True, True, True",
        "T(3)",
        "T()",
        "I(0, 2), return_counts=True",
        "I[[1, 0], [0, 1], [1, 0]], return_inverse=True, return_counts=True, dim=0",
        "I[[1, 0], [1, 0]].t, dim=1, return_inverse=True",
        "B(5), return_counts=True",
    ])
    .edges(&["T[1.0, nan, -inf, 1.0, nan, 0.0, -0.0], return_inverse=True, return_counts=True"])
    .errors(&["T(2,3), dim=2"]),
    Function::new(
        "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False, int? dim=None) -> Tensor",
        "torch Tensor",
        |a| {
            let all = a.tensor("input")?.unique_consecutive(a.int_opt("dim")?)?;
            asked(all, a.bool("return_inverse")?, a.bool("return_counts")?)
        },
    )
    .about("Elements (or slabs of a dimension) that differ from the one before.", "(xᵢ where xᵢ ≠ xᵢ₋₁)")
    .exact()
    .no_check() // PyTorch has no gradient either
    .samples(&[
        "I[1, 1, 2, 2, 1]",
        "I[[1, 1], [2, 1]], True, True",
        "T(3)",
        "T()",
        "I(0, 2), return_counts=True",
        "I[[1, 0], [1, 0], [0, 1]], return_inverse=True, return_counts=True, dim=0",
    ])
    .edges(&["T[1.0, nan, nan, 0.0, -0.0], return_inverse=True, return_counts=True"])
    .errors(&["T(2,3), dim=2"]),
    Function::new(
        "searchsorted(Tensor sorted_sequence, Tensor|number input, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
        "torch",
        |a| {
            let sequence = a.tensor("sorted_sequence")?;
            let sorted = match a.tensor_opt("sorter")? {
                Some(sorter) => sequence.gather(-1, sorter)?,
                None => sequence.clone(),
            };
            let right = a.bool("right")? || a.str_opt("side")? == Some("right");
            positions(sorted.searchsorted(a.operand("input")?, right)?, a.bool("out_int32")?)
        },
    )
    .of(ops::Searchsorted::DEF)
    .exact()
    .samples(&[
        "T[1.0, 2.0, 4.0], T[0.5, 2.0, 3.0, 9.0]",
        "T[1.0, 2.0, 2.0, 4.0], T[[2.0, 3.0]], right=True",
        "T[[1.0, 2.0], [4.0, 5.0]], T[[2.0], [4.5]], side='right'",
        "T[1.0, 2.0], 1.5",
        "T(0), T(2)",
        "I[1, 3, 5], I[3, 4], out_int32=True",
        "T[3.0, 1.0, 2.0], T[1.5, 2.0], sorter=I[1, 2, 0]",
        "I[1, 2], 1.5",
    ])
    .edges(&[
        "T[1.0, 2.0, nan], T[nan, 3.0, inf, -inf]",
        "T[1.0, 2.0, nan], T[nan, 3.0, inf, -inf], right=True",
    ])
    .errors(&["T(2,3), T(3,1)", "T(2,3), T()"]),
    Function::new(
        "bucketize(Tensor|number input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
        "torch",
        |a| {
            let (boundaries, right) = (a.tensor("boundaries")?, a.bool("right")?);
            let places = match a.operand("input")? {
                Operand::Tensor(x) => x.bucketize(boundaries, right)?,
                number => boundaries.searchsorted(number, right)?,
            };
            positions(places, a.bool("out_int32")?)
        },
    )
    .about("Between which boundaries each element lies.", "number of boundaries < x (≤ x with `right`)")
    .exact()
    .samples(&[
        "T[0.5, 2.0, 3.0, 9.0], T[1.0, 2.0, 4.0]",
        "T[[2.0], [4.5]].t, T[1.0, 2.0, 4.0], right=True",
        "2.0, T[1.0, 2.0, 4.0]",
        "T(2,2), T(0)",
        "I(4, 9), I[2, 5], out_int32=True",
    ])
    .errors(&["T(2,3), T(2,3)"]),
    Function::new(
        "bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .bincount(a.tensor_opt("weights")?, a.int("minlength")?)
                .into_value()
        },
    )
    .of(ops::Bincount::DEF)
    .units(1.0, 1.0)
    .no_check() // PyTorch has no gradient either
    .samples(&[
        "I[1, 3, 1]",
        "I[1, 3, 1], T(3)",
        "I[1, 3, 1], minlength=6",
        "I(0, 2)",
        "I(0, 2), minlength=3",
        "I[2, 0].u8, I[5, 7]",
    ])
    .errors(&["I[-1]", "T(3)", "I[1], T(2)", "I[1], None, -1", "I[[1]]"]),
];
