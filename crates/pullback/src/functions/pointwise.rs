//! Functions of elements: arithmetic, smooth functions, comparisons, logic.

use super::Function;
use super::value::IntoValue;
use crate::ops;

pub(super) static LIST: &[Function] = &[
    Function::new("exp(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.exp().into_value()
    })
    .of(ops::Exp::DEF)
    .in_place()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t", "I(3, 5)"])
    .edges(&["T[0.0, -0.0, inf, -inf, nan, 100.0, -200.0]"]),
    Function::new(
        "mul(Tensor input, Tensor|number other) -> Tensor",
        "torch Tensor torch:multiply Tensor:multiply",
        |a| a.tensor("input")?.mul(a.operand("other")?).into_value(),
    )
    .of(ops::Mul::DEF)
    .in_place()
    .exact()
    .samples(&[
        "T(2,3), T(2,3)",
        "T(2,3), T(3)",
        "T(2,1), T(1,3)",
        "T(), T(4)",
        "T(0,3), T(3)",
        "T(3), 2.5",
        "I(3, 5), T(3)",
        "T(3).f64, T(3).f32",
        "B(3), I(3, 4)",
    ])
    .edges(&["T[inf, 0.0, nan, -0.0], T[0.0, inf, 1.0, 2.0]"])
    .errors(&["T(2,3), T(4)"]),
];
