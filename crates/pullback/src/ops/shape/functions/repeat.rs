//! Repetitions: of the whole, and of each element.

use crate::call::Function;
use crate::call::IntoValue;
use crate::ops;

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "repeat(Tensor input, *int[] repeats) -> Tensor",
        "Tensor",
        |a| a.tensor("input")?.repeat(a.ints("repeats")?).into_value(),
    )
    .node("RepeatBackward0")
    .about("Copies side by side along each dimension.", "y[i] = x[i mod n]")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), 2",
        "T(2,3), (2, 1, 3)",
        "T(2,3).t, 1, 2",
        "T(), (2,)",
        "T(), ()",
        "T(0,2), 2, 2",
        "T(2), 0",
        "T(2,2), 1, 1",
    ])
    .errors(&["T(2,3), 2", "T(2,3), (2, -1)"]),
    Function::new(
        "tile(Tensor input, *int[] dims) -> Tensor",
        "Tensor torch",
        |a| a.tensor("input")?.tile(a.ints("dims")?).into_value(),
    )
    .node("RepeatBackward0")
    .about("Copies side by side, along the last dimensions.", "y[i] = x[i mod n]")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), 2",
        "T(2,3), (2,)",
        "T(2,3).t, 2, 1",
        "T(), (2,)",
        "T(0,2), 2, 2",
        "T(2), (2, 1, 2)",
    ])
    .errors(&["T(2,3), (2, -1)"]),
    Function::new(
        "repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .repeat_interleave(a.int("repeats")?, a.int_opt("dim")?)
                .into_value()
        },
    )
    .node_by(|_| Ok("ViewBackward0"))
    .about("Each element, or slab of a dimension, several times in a row.", "y[k·r + i] = x[k]")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), 2",
        "T(2,3), 2",
        "T(2,3), 3, 1",
        "T(2,3).t, 2, dim=0",
        "T(), 3",
        "T(0,2), 2, 0",
        "T(2), 0",
        "T(2,2), 1, -1",
    ])
    .errors(&["T(3), -1", "T(3), 2, 1"]),
    Function::new(
        "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .repeat_interleave_each(a.tensor("repeats")?, a.int_opt("dim")?)
                .into_value()
        },
    )
    .node_by(|_| Ok("IndexSelectBackward0"))
    .about("Each element, or slab of a dimension, as often in a row as it is told.", "y = x₀ r₀ times, x₁ r₁ times, …")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), I[2, 0, 1]",
        "T(2,3), I[1, 2], 0",
        "T(2,3).t, I[3], 1",
        "T(2,2), I[1, 2, 0, 1]",
        "T(0), I[2]",
    ])
    .errors(&["T(2,3), I[1, 2]", "T(2,3), I[1, -2], 0", "T(2), T[1.0, 2.0]", "T(2), I[[1, 2]]"]),
    Function::new(
        "repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor",
        "torch",
        |a| crate::repeat_interleave(a.tensor("repeats")?).into_value(),
    )
    .of(ops::RepeatIndex::DEF)
    .exact()
    .samples(&["I[2, 0, 1]", "I[3]", "I[0, 0]", "I[1, 2].i32"])
    .errors(&["I[1, -1]", "I[[1, 2]]"]),
];
