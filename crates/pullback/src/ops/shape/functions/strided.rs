//! A tensor's memory under other sizes, strides or another dtype.

use crate::call::Function;
use crate::call::IntoValue;
use crate::ops;

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .as_strided(
                    &a.ints("size")?,
                    &a.ints("stride")?,
                    a.int_opt("storage_offset")?,
                )?
                .into_value()
        },
    )
    .of(ops::AsStrided::DEF)
    .exact()
    .by_place()
    .samples(&[
        "T(6), (2, 2), (2, 1)",
        "T(6), (2, 2), (1, 1), 1",
        "T(6), (3, 2), (0, 1), 2",
        "T(6), (), (), 3",
        "T(2,3), (0, 2), (1, 1)",
        "I(6, 9), (2, 3), (3, 1)",
    ])
    .edges(&["T(2,3).t, (2, 2), (1, 2)"])
    .errors(&[
        "T(6), (3,), (3,)",
        "T(6), (2,), (-1,)",
        "T(6), (2, 2), (1,)",
        "T(6), (2,), (1,), -1",
        "T(6), (2,), (1,), 5",
        "T(6), (-1,), (1,)",
    ]),
    // PyTorch's gradient to `input` is that at the places that are replaced, and 0 elsewhere, which its own gradcheck refuses: here it is the
    // other way round.
    Function::new(
        "as_strided_scatter(Tensor input, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .as_strided_scatter(
                    a.tensor("src")?,
                    &a.ints("size")?,
                    &a.ints("stride")?,
                    a.int_opt("storage_offset")?,
                )?
                .into_value()
        },
    )
    .node("AsStridedScatterBackward0")
    .about(
        "A copy with the elements at offset + Σ iₖ strideₖ replaced by those of `src`.",
        "src at those places, else x",
    )
    .exact()
    .by_place()
    .samples(&[
        "T(6).fixed, T(2,2), (2, 2), (3, 1)",
        "T(6).fixed, T(2,2), (2, 2), (3, 1), 1",
        "I(2,3, 9).t, I(2, 9), (2,), (2,)",
        "T(6).fixed, T(), (), (), 3",
    ])
    .errors(&["T(6), T(3), (2,), (1,)", "T(6), T(3), (3,), (3,)"]),
    Function::new("view(Tensor input, dtype dtype) -> Tensor", "Tensor", |a| {
        let x = a.tensor("input")?;
        match a.dtype("dtype")? {
            Some(dtype) => x.view_dtype(dtype)?.into_value(),
            None => x.view(x.shape())?.into_value(),
        }
    })
    .of(ops::ViewDtype::DEF)
    .exact()
    .no_check() // bytes: other widths have others
    .samples(&[
        "I(4, 9), int32",
        "I(2,4, 9), uint8",
        "T(4), int64",
        "T(4), float64",
        "I(2,3, 9).t, float64",
    ])
    .errors(&["T(), uint8", "T(2,3).t, uint8"]),
];
