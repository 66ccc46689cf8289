//! Determinants, and exponentials of matrices.

use crate::Result;
use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::ops;

fn slogdet(a: &Args<'_>, name: &str) -> Result<Value> {
    let (sign, logarithm) = a.tensor(name)?.slogdet()?;
    Value::tuple([sign, logarithm])
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("det(Tensor A) -> Tensor", "linalg", |a| {
        a.tensor("A")?.det().into_value()
    })
    .of(ops::Det::DEF)
    .units(16.0, 64.0)
    .samples(&[
        "T[[2.0, 0.5], [-1.0, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]",
        "T(0,2,2)",
        "T[[-4.0]]",
        "T(0,0)",
    ])
    .edges(&["T[[1.0, nan], [2.0, 4.0]]"])
    .errors(&["T(2,3)", "T(3)", "I(2,2, 5)"]),
    Function::new("det(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.det().into_value()
    })
    .node("LinalgDetBackward0")
    .about("The determinant of a square matrix.", "det A")
    .units(16.0, 64.0)
    .samples(&[
        "T[[2.0, 0.5], [-1.0, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]",
        "T(0,2,2)",
        "T[[-4.0]]",
    ]),
    Function::new(
        "slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)",
        "linalg",
        |a| slogdet(a, "A"),
    )
    .of(ops::Slogdet::DEF)
    .units(16.0, 64.0)
    .samples(&[
        "T[[2.0, 0.5], [-1.0, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]",
        "T(0,2,2)",
        "T[[-4.0]]",
    ])
    .errors(&["T(2,3)", "T(3)", "I(2,2, 5)"]),
    Function::new(
        "slogdet(Tensor input) -> (Tensor sign, Tensor logabsdet)",
        "torch Tensor",
        |a| slogdet(a, "input"),
    )
    .node("LinalgSlogdetBackward0")
    .about(
        "The sign of the determinant, and the logarithm of its magnitude.",
        "sign(det A), log |det A|",
    )
    .units(16.0, 64.0)
    .samples(&[
        "T[[2.0, 0.5], [-1.0, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]",
        "T(0,2,2)",
        "T[[-4.0]]",
    ]),
    Function::new("logdet(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.logdet().into_value()
    })
    .about("The logarithm of the determinant.", "log det A")
    .units(16.0, 64.0)
    .samples(&[
        "T[[2.0, 0.5], [-1.0, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, 2.0]]]",
        "T(0,2,2)",
        "T[[4.0]]",
    ])
    .edges(&["T[[-4.0]]"])
    .errors(&["T(2,3)", "I(2,2, 5)"]),
    Function::new(
        "matrix_exp(Tensor input) -> Tensor",
        "torch Tensor linalg",
        |a| a.tensor("input")?.matrix_exp().into_value(),
    )
    .of(ops::MatrixExp::DEF)
    .units(64.0, 256.0)
    .samples(&[
        "T[[0.5, -1.0], [0.25, 1.5]]",
        "T[[[2.0, 0.5], [-1.0, 1.5]], [[0.0, 0.5], [0.25, -0.125]]]",
        "T(0,2,2)",
        "T[[-1.5]]",
    ])
    .errors(&["T(2,3)", "T(3)", "I(2,2, 5)"]),
];
