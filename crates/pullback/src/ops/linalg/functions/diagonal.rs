//! Diagonals and triangles of matrices.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::ops::{self, tril_indices, triu_indices};
use crate::{DType, Result, Tensor};

fn place(a: &Args<'_>, f: fn(&Tensor, i64, i64, i64) -> Result<Tensor>) -> Result<Value> {
    let x = a.tensor("input")?;
    f(x, a.int("offset")?, a.int("dim1")?, a.int("dim2")?).into_value()
}

fn indices(a: &Args<'_>, f: fn(i64, i64, i64, DType) -> Result<Tensor>) -> Result<Value> {
    let dtype = a.dtype("dtype")?.unwrap_or(DType::I64);
    f(a.int("row")?, a.int("col")?, a.int("offset")?, dtype).into_value()
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor",
        "torch Tensor",
        |a| place(a, Tensor::diagonal),
    )
    .of(ops::Diagonal::DEF)
    .exact()
    .samples(&[
        "T(3,3)",
        "T(2,3), 1",
        "T(3,2).t, -1",
        "T(2,3,4), 1, -1, 0",
        "T(2,3), 7",
        "T(2,3), -7",
        "T(0,3)",
        "I(3,3, 5)",
        "T(2,2,3), offset=0, dim1=1, dim2=2",
    ])
    .errors(&[
        "T(3)",
        "T(2,3), 0, 0, 0",
        "T(2,3), 0, 0, -2",
        "T(2,3), 0, 3, 1",
    ]),
    Function::new(
        "diagonal(Tensor A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
        "linalg",
        |a| {
            a.tensor("A")?
                .diagonal(a.int("offset")?, a.int("dim1")?, a.int("dim2")?)
                .into_value()
        },
    )
    .of(ops::Diagonal::DEF)
    .exact()
    .samples(&[
        "T(3,2)",
        "T(2,3), offset=1",
        "T(2,2,3)",
        "T(2,2,3), dim1=0, dim2=2",
    ]),
    Function::new(
        "diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
        "torch Tensor",
        |a| place(a, Tensor::diag_embed),
    )
    .of(ops::DiagEmbed::DEF)
    .exact()
    .samples(&[
        "T(3)",
        "T(2,3)",
        "T(3,2).t, 1",
        "T(2,3), 1, 0, 1",
        "T(2), -2, 1, 0",
        "T(0)",
        "I(3, 5)",
        "T(2,3), 0, 2, 0",
    ])
    .errors(&["T(2,3), 1, 0, 0", "T(2,3), 0, 5, 1"]),
    Function::new(
        "diag(Tensor input, int diagonal=0) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.diag(a.int("diagonal")?).into_value(),
    )
    .about(
        "A vector's matrix with it on a diagonal, or a matrix's diagonal.",
        "y[i, i + diagonal] = x[i], or y[i] = x[i, i + diagonal]",
    )
    .exact()
    .samples(&[
        "T(3)",
        "T(3), 1",
        "T(3), -2",
        "T(2,3)",
        "T(3,2).t, -1",
        "T(2,3), 5",
        "T(0)",
        "I(3, 5)",
    ])
    .errors(&["T()", "T(2,2,2)"]),
    Function::new(
        "diagflat(Tensor input, int offset=0) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.diagflat(a.int("offset")?).into_value(),
    )
    .about(
        "The matrix with all elements on a diagonal.",
        "y[i, i + offset] = xᵢ",
    )
    .exact()
    .samples(&["T(3)", "T(2,2), 1", "T(2,3).t, -1", "T()", "T(0)"]),
    Function::new("trace(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.trace().into_value()
    })
    .node("TraceBackward0")
    .about("The sum of a matrix's diagonal.", "Σ xᵢᵢ")
    .samples(&[
        "T(3,3)",
        "T(2,3)",
        "T(4,2).t",
        "T(0,3)",
        "I(3,3, 9)",
        "I(2,3, 9).u8",
    ])
    .errors(&["T(3)", "T(2,2,2)", "B(2,2)"]),
    Function::new(
        "tril(Tensor input, int diagonal=0) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.tril(a.int("diagonal")?).into_value(),
    )
    .of(ops::Tril::DEF)
    .exact()
    .in_place()
    .samples(&[
        "T(3,3)",
        "T(2,3), 1",
        "T(3,2).t, -1",
        "T(2,2,3)",
        "B(2,2)",
        "I(2,3, 5), 5",
        "T(0,3)",
        "T(2,2), -5",
    ])
    .edges(&["T[[nan, inf], [inf, nan]]"])
    .errors(&["T(3)"]),
    Function::new(
        "triu(Tensor input, int diagonal=0) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.triu(a.int("diagonal")?).into_value(),
    )
    .of(ops::Triu::DEF)
    .exact()
    .in_place()
    .samples(&[
        "T(3,3)",
        "T(2,3), 1",
        "T(3,2).t, -1",
        "T(2,2,3)",
        "B(2,2)",
        "I(2,3, 5), 5",
        "T(0,3)",
        "T(2,2), -5",
    ])
    .edges(&["T[[nan, inf], [inf, nan]]"])
    .errors(&["T(3)"]),
    Function::new(
        "tril_indices(int row, int col, int offset=0, *, dtype? dtype=int64) -> Tensor",
        "torch",
        |a| indices(a, tril_indices),
    )
    .about(
        "Rows and columns of the elements on and below a diagonal of a matrix.",
        "(i, j) with j ≤ i + offset",
    )
    .samples(&["2, 3", "3, 3, 1", "3, 3, -2", "2, 3, dtype=int32", "0, 3"])
    .errors(&["-1, 3", "2, -3", "2, 3, dtype=float32"]),
    Function::new(
        "triu_indices(int row, int col, int offset=0, *, dtype? dtype=int64) -> Tensor",
        "torch",
        |a| indices(a, triu_indices),
    )
    .about(
        "Rows and columns of the elements on and above a diagonal of a matrix.",
        "(i, j) with j ≥ i + offset",
    )
    .samples(&["2, 3", "3, 3, 1", "3, 3, -2", "2, 3, dtype=int32", "3, 0"])
    .errors(&["-1, 3", "3, -1, 1", "2, 3, dtype=float64"]),
];
