//! Views in memory of their own (`…_copy`), splits that PyTorch calls unsafe, and what complex numbers ask of real ones.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, ensure};
use crate::core::mode;
use crate::ops::shape::functions::parts::slice_of;
use crate::{MemoryFormat, Operand, Result, Tensor, ops};
use pullback_array::dd::Dd;
use std::panic::Location;

/// Views that are none to those who write: each with a history and a version of its own over the memory that they share.
#[track_caller]
fn apart(views: Vec<Tensor>) -> Result<Value> {
    let site = Location::caller();
    let own = |t: Tensor| crate::core::apply::apply(ops::Apart, &[&t], site);
    let own: Result<Vec<Tensor>> = views.into_iter().map(own).collect();
    own.into_value()
}

/// Each part in memory of its own.
fn copies(parts: Vec<Tensor>) -> Result<Value> {
    // All of it at once, before the first is copied: parts of an expanded tensor may be as large as it looks.
    let all = |n: usize, t: &Tensor| n.saturating_add(t.numel().saturating_mul(t.dtype().size()));
    pullback_array::room::<u8>(parts.iter().fold(0, all))?;
    Value::tuple(
        (parts.iter())
            .map(|part| part.copy_in(MemoryFormat::Contiguous))
            .collect::<Result<Vec<_>>>()?,
    )
}

/// A function that shows its argument in another shape and copies what it shows.
macro_rules! copy {
    ($signature:literal, |$a:ident| $view:expr, $formula:literal, [$($sample:literal),*], [$($error:literal),*]) => {
        Function::new($signature, "torch", |$a| $view?.copy_in(MemoryFormat::Contiguous).into_value())
            .about("As the function without `_copy`, in memory of its own.", $formula)
            .exact()
            .samples(&[$($sample),*])
            .errors(&[$($error),*])
    };
}

/// What a real tensor is already.
macro_rules! itself {
    ($signature:literal, $places:literal, $about:literal) => {
        Function::new($signature, $places, |a| {
            a.tensor("input")?.clone().into_value()
        })
        .about($about, "x")
        .exact()
        .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "I(3, 5)", "B(2)"])
    };
}

fn angle(x: &Tensor) -> Result<Tensor> {
    let x = match x.dtype().is_float() {
        true => x.clone(),
        false => x.to(crate::DType::default_float())?,
    };
    // Locally constant; NaN stays.
    let base = x.sign()?.mul(0.0)?;
    let turned = crate::ops::Scale::of(&x.lt(0.0)?.to(x.dtype())?, Dd::PI)?;
    let y = base.add(&turned)?;
    x.detach().where_(&x.isnan()?, &y)
}

fn fill(a: &Args<'_>) -> Result<Value> {
    let y = a.tensor("input")?.copy()?;
    let _own = mode::set(mode::OWN, true);
    match a.operand("value")? {
        Operand::Number(n) => y.fill_(n)?,
        Operand::Tensor(v) => {
            ensure!(
                v.ndim() == 0,
                Shape,
                "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.",
                v.ndim()
            );
            y.copy_(v)?;
        }
    }
    y.into_value()
}

pub(in crate::ops) static LIST: &[Function] = &[
    copy!(
        "alias_copy(Tensor input) -> Tensor",
        |a| a.tensor("input"),
        "x",
        ["T(2,3)", "T()", "T(2,3).t", "T(0,2)", "I(3, 5)"],
        []
    )
    .node("AliasBackward0_copy"),
    copy!(
        "detach_copy(Tensor input) -> Tensor",
        |a| Ok::<_, crate::Error>(a.tensor("input")?.detach()),
        "x",
        ["T(2,3)", "T()", "T(2,3).t", "T(0,2)", "I(3, 5)"],
        []
    ),
    copy!(
        "expand_copy(Tensor input, int[] size) -> Tensor",
        |a| a.tensor("input")?.expand(a.ints("size")?),
        "x",
        [
            "T(3), (2, 3)",
            "T(2,1), (2, 4)",
            "T(3,1).t, (3, 2)",
            "T(), (2,)",
            "T(2,1), (3, -1, 2)"
        ],
        ["T(2,3), (2, 4)"]
    )
    .node("ExpandBackward0_copy"),
    copy!(
        "narrow_copy(Tensor input, int dim, int start, int length) -> Tensor",
        |a| a.tensor("input")?.narrow_at(
            a.int("dim")?,
            a.int("start")?,
            a.int("length")?,
            std::panic::Location::caller()
        ),
        "x[…, start : start + length, …]",
        [
            "T(5), 0, 1, 3",
            "T(2,3), 1, 0, 2",
            "T(3,2).t, -1, 1, 1",
            "T(4), 0, 4, 0",
            "T(4), 0, -3, 2",
            "T(2,3), 1, -3, 3"
        ],
        [
            "T(4), 0, 3, 2",
            "T(4), 0, -1, 2",
            "T(4), 0, -5, 1",
            "T(4), 0, 5, 0",
            "~T(4), 0, 0, -1"
        ]
    )
    .node("NarrowCopyBackward0"),
    copy!(
        "view_copy(Tensor input, int[] size) -> Tensor",
        |a| {
            let (x, size) = (a.tensor("input")?, a.ints("size")?);
            x.view(&size[..]).or_else(|_| x.reshape(size))
        },
        "x",
        [
            "T(2,3), (3, 2)",
            "T(2,3), (-1,)",
            "T(), (1,)",
            "T(0,2), (2, 0)"
        ],
        ["T(2,3), (5,)"]
    )
    .node("ViewBackward0_copy"),
    copy!(
        "permute_copy(Tensor input, int[] dims) -> Tensor",
        |a| a.tensor("input")?.permute(&a.ints("dims")?),
        "x",
        [
            "T(2,3), (1, 0)",
            "T(2,3,2), (-1, 0, 1)",
            "T(), ()",
            "T(0,2), (1, 0)"
        ],
        ["T(2,3), (0, 0)", "T(2,3), (0,)"]
    )
    .node("PermuteBackward0_copy"),
    copy!(
        "transpose_copy(Tensor input, int dim0, int dim1) -> Tensor",
        |a| a.tensor("input")?.transpose(a.int("dim0")?, a.int("dim1")?),
        "x",
        [
            "T(2,3), 0, 1",
            "T(2,3,2), -1, 0",
            "T(), 0, -1",
            "T(0,2), 0, 1"
        ],
        ["T(2,3), 0, 5"]
    )
    .node("TransposeBackward0_copy"),
    copy!(
        "t_copy(Tensor input) -> Tensor",
        |a| a.tensor("input")?.t(),
        "xᵀ",
        ["T(2,3)", "T(3)", "T()", "T(0,2)", "T(2,3).t"],
        ["T(2,3,2)"]
    )
    .node("TBackward0_copy"),
    copy!(
        "diagonal_copy(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor",
        |a| a
            .tensor("input")?
            .diagonal(a.int("offset")?, a.int("dim1")?, a.int("dim2")?),
        "x[i, i + offset]",
        [
            "T(3,3)",
            "T(2,3), 1",
            "T(2,3,2), -1, 0, 2",
            "T(3,2).t, 0, 1, 0"
        ],
        ["T(3)", "T(2,3), 0, 1, 1"]
    )
    .node("DiagonalBackward0_copy"),
    copy!(
        "select_copy(Tensor input, int dim, int index) -> Tensor",
        |a| a.tensor("input")?.select(a.int("dim")?, a.int("index")?),
        "x[…, index, …]",
        [
            "T(2,3), 0, 1",
            "T(2,3), -1, -2",
            "T(2,3).t, 1, 0",
            "T(3), 0, 2"
        ],
        ["T(2,3), 0, 5", "T(), 0, 0"]
    )
    .node("SelectBackward0_copy"),
    copy!(
        "slice_copy(Tensor input, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
        |a| slice_of(a.tensor("input")?, a),
        "x[…, start : end : step, …]",
        [
            "T(5), 0, 1, 4",
            "T(2,3), 1, 0, 3, 2",
            "T(3,2).t, -1, -2",
            "T(4)",
            "T(4), 0, 3, 1"
        ],
        ["T(3), 0, 0, 2, 0"]
    )
    .node("SliceBackward0_copy"),
    copy!(
        "squeeze_copy(Tensor input) -> Tensor",
        |a| a.tensor("input")?.squeeze(),
        "x",
        ["T(2,1,3)", "T(1,1)", "T()", "T(1,0)"],
        []
    )
    .node("SqueezeBackward0_copy"),
    copy!(
        "squeeze_copy(Tensor input, int[] dim) -> Tensor",
        |a| a.tensor("input")?.squeeze_dims(&a.ints("dim")?),
        "x",
        ["T(2,1,3), 1", "T(1,3,1), (0, -1)", "T(), 0", "T(2,3), 0"],
        ["T(2,3), 5"]
    )
    .node_by(|a| {
        Ok(match a.ints("dim")?.len() {
            1 => "SqueezeBackward1_copy",
            _ => "SqueezeBackward2_copy",
        })
    }),
    copy!(
        "unsqueeze_copy(Tensor input, int dim) -> Tensor",
        |a| a.tensor("input")?.unsqueeze(a.int("dim")?),
        "x",
        ["T(3), 0", "T(2,3), -1", "T(), 0", "T(0,2), 1"],
        ["T(3), 5"]
    )
    .node("UnsqueezeBackward0_copy"),
    copy!(
        "unfold_copy(Tensor input, int dimension, int size, int step) -> Tensor",
        |a| a
            .tensor("input")?
            .unfold(a.int("dimension")?, a.int("size")?, a.int("step")?),
        "x[…, w·step + k, …]",
        [
            "T(6), 0, 3, 1",
            "T(2,5), 1, 2, 2",
            "T(3,2).t, -1, 2, 1",
            "T(), 0, 1, 1"
        ],
        ["T(3), 0, 5, 1", "T(3), 0, 2, 0"]
    )
    .node("UnfoldBackward0_copy"),
    copy!(
        "as_strided_copy(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
        |a| a.tensor("input")?.as_strided(
            &a.ints("size")?,
            &a.ints("stride")?,
            a.int_opt("storage_offset")?
        ),
        "the element at offset + Σ iₖ strideₖ",
        [
            "T(6), (2, 2), (2, 1)",
            "T(6), (2, 2), (1, 1), 1",
            "T(6), (3, 2), (0, 1), 2",
            "T(6), (), (), 3",
            "I(6, 9), (2, 3), (3, 1)"
        ],
        ["T(6), (3,), (3,)", "T(6), (2,), (-1,)", "T(6), (2, 2), (1,)"]
    )
    .by_place()
    .node("AsStridedBackward0_copy"),
    Function::new("fill(Tensor input, Tensor|number value) -> Tensor", "torch", fill)
        .node_by(|a| {
            Ok(match a.is_tensor("value") {
                true => "FillBackward1",
                false => "FillBackward0",
            })
        })
        .about("As many numbers as there are, all of them the same.", "v")
        .exact()
        .samples(&[
            "T(2,3), 2.5",
            "T(2,3).t, T()",
            "T(0,2), 1",
            "I(3, 5), 2.5",
            "T(3), True",
            "T(), T().f64",
        ])
        .errors(&["T(2), T(2)", "I(2, 3).u8, 300"]),
    Function::new(
        "unbind_copy(Tensor input, int dim=0) -> Tensor[]",
        "torch",
        |a| copies(a.tensor("input")?.unbind(a.int("dim")?)?),
    )
    .node("UnbindBackward0_copy")
    .about("As `unbind`, in memory of its own.", "x[…, k, …]")
    .exact()
    .samples(&["T(2,3)", "T(2,3), 1", "T(3,2).t, -1", "T(2)"])
    .errors(&["T(2,3), 5", "T()"]),
    Function::new(
        "split_copy(Tensor input, int split_size, int dim=0) -> Tensor[]",
        "torch",
        |a| {
            copies(
                a.tensor("input")?
                    .split(a.int("split_size")?, a.int("dim")?)?,
            )
        },
    )
    .node("SplitBackward0_copy")
    .about("As `split`, in memory of its own.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), 2", "T(2,3), 2, 1", "T(3,4).t, 3", "T(2), 4"])
    .errors(&["T(3), -1"]),
    Function::new(
        "split_with_sizes_copy(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
        "torch",
        |a| {
            copies(
                a.tensor("input")?
                    .split_with_sizes(&a.ints("split_sizes")?, a.int("dim")?)?,
            )
        },
    )
    .node("SplitWithSizesBackward0_copy")
    .about(
        "As `split_with_sizes`, in memory of its own.",
        "x = [y₀ y₁ …]",
    )
    .exact()
    .samples(&[
        "T(5), (2, 3)",
        "T(2,3), (1, 2), 1",
        "T(3,4).t, [3]",
        "T(2), (0, 2)",
    ])
    .errors(&["T(3), (1, 1)"]),
    Function::new(
        "unsafe_chunk(Tensor input, int chunks, int dim=0) -> Tensor[]",
        "torch Tensor",
        |a| apart(a.tensor("input")?.chunk(a.int("chunks")?, a.int("dim")?)?),
    )
    .node("UnsafeSplitBackward0")
    .about(
        "As `chunk`, with results that may be written in place: they are no views to autograd.",
        "x = [y₀ y₁ …]",
    )
    .exact()
    .samples(&["T(5), 2", "T(2,3), 3, 1", "T(3,4).t, 3", "T(2), 4"])
    .errors(&["T(3), 0"]),
    Function::new(
        "unsafe_split(Tensor input, int split_size, int dim=0) -> Tensor[]",
        "torch Tensor",
        |a| {
            apart(
                a.tensor("input")?
                    .split(a.int("split_size")?, a.int("dim")?)?,
            )
        },
    )
    .node("UnsafeSplitBackward0")
    .about(
        "As `split`, with results that may be written in place: they are no views to autograd.",
        "x = [y₀ y₁ …]",
    )
    .exact()
    .samples(&["T(5), 2", "T(2,3), 2, 1", "T(3,4).t, 3", "T(2), 4"])
    .errors(&["T(3), -1"]),
    Function::new(
        "unsafe_split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
        "torch Tensor",
        |a| {
            apart(
                a.tensor("input")?
                    .split_with_sizes(&a.ints("split_sizes")?, a.int("dim")?)?,
            )
        },
    )
    .node("UnsafeSplitWithSizesBackward0")
    .about(
        "As `split_with_sizes`, with results that may be written in place: they are no views to autograd.",
        "x = [y₀ y₁ …]",
    )
    .exact()
    .samples(&[
        "T(5), (2, 3)",
        "T(2,3), (1, 2), 1",
        "T(3,4).t, [3]",
        "T(2), (0, 2)",
    ])
    .errors(&["T(3), (1, 1)"]),
    itself!(
        "conj(Tensor input) -> Tensor",
        "torch Tensor",
        "The complex conjugate: of real numbers, the tensor itself."
    ),
    itself!(
        "resolve_conj(Tensor input) -> Tensor",
        "torch Tensor",
        "With a pending conjugation carried out: real numbers have none."
    ),
    itself!(
        "resolve_neg(Tensor input) -> Tensor",
        "torch Tensor",
        "With a pending negation carried out: real numbers have none."
    ),
    itself!(
        "real(Tensor input) -> Tensor",
        "torch",
        "The real part: of real numbers, the tensor itself."
    ),
    Function::new(
        "conj_physical(Tensor input) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.clone().into_value(),
    )
    .about(
        "The complex conjugate, carried out: of real numbers, the tensor itself.",
        "x",
    )
    .in_place()
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "I(3, 5)", "B(2)"]),
    Function::new("angle(Tensor input) -> Tensor", "torch Tensor", |a| {
        angle(a.tensor("input")?).into_value()
    })
    .node("AngleBackward0")
    .about(
        "The angle of a number in the complex plane: π below 0, else 0.",
        "π if x < 0 else 0",
    )
    .exact()
    .samples(&[
        "T(2,3)",
        "T()",
        "T(0,2)",
        "T(2,3).t",
        "I[-1, 0, 2]",
        "B[True, False]",
    ])
    .edges(&["T[0.0, -0.0, inf, -inf, nan]"]),
    Function::new("is_nonzero(Tensor input) -> bool", "torch Tensor", |a| {
        truth(a)
    })
    .about("Whether the only element is not zero.", "x ≠ 0")
    .samples(&["T(1)", "T()", "I[0]", "B[True]", "T[0.0]", "T[nan]"])
    .errors(&["T(2)", "T(0)"]),
];

fn truth(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    if x.numel() != 1 {
        let what = if x.numel() == 0 {
            "no values"
        } else {
            "more than one value"
        };
        bail!(Argument, "Boolean value of Tensor with {what} is ambiguous");
    }
    (x.item_f64()? != 0.0).into_value()
}
