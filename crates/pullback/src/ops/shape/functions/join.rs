//! Joins and splits, borders, and tensors turned round.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::device::HostRead;
use crate::{
    DType, PadMode, Result, Tensor, cartesian_prod, cat, column_stack, dstack, hstack, ops, stack,
    vstack,
};

/// `hsplit` and its kin with a list: parts that end at indices.
fn split_named(x: &Tensor, name: &'static str, indices: &[i64]) -> Result<Value> {
    let dim = x.named_split_dim(name, None)?;
    x.tensor_split_at(indices, dim).into_value()
}

/// PyTorch has an operation for each mode and number of dimensions.
fn pad_node(a: &Args<'_>) -> Result<&'static str> {
    Ok(match (a.str("mode")?, a.ints("pad")?.len() / 2) {
        ("reflect", 1) => "ReflectionPad1DBackward0",
        ("reflect", 2) => "ReflectionPad2DBackward0",
        ("reflect", _) => "ReflectionPad3DBackward0",
        ("replicate", 1) => "ReplicationPad1DBackward0",
        ("replicate", 2) => "ReplicationPad2DBackward0",
        ("replicate", _) => "ReplicationPad3DBackward0",
        ("circular", _) => "torch::autograd::CopySlices",
        _ => "",
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "cat(Tensor[] tensors, int dim=0) -> Tensor",
        "torch torch:concat torch:concatenate",
        |a| cat(&a.tensors("tensors")?, a.int("dim")?).into_value(),
    )
    .of(ops::Cat::DEF)
    .exact()
    .samples(&[
        "[T(2), T(3)]",
        "[T(2,1), T(2,2).t, T(2,1)], 1",
        "[T(2,3), T(0,3)], dim=-2",
        "[T(3)]",
        "[T(2).f32, T(2).f64]",
        "[I(2, 5), T(2)]",
        "[T(0), T(2,3)], 1",
        "[T(2,3), T(0)]",
        "[T(0), T(0)]",
    ])
    .errors(&[
        "[T(2,3), T(2,4)]",
        "[T(2,3), T(2)]",
        "[T()]",
        "[T(2), T()]",
        "[]",
        "[T(2), T(2)], 1",
    ]),
    Function::new("stack(Tensor[] tensors, int dim=0) -> Tensor", "torch", |a| {
        stack(&a.tensors("tensors")?, a.int("dim")?).into_value()
    })
    .node("StackBackward0")
    .about("Tensors of one shape joined along a new dimension.", "y[k] = xₖ")
    .exact()
    .samples(&[
        "[T(3), T(3)]",
        "[T(2,3), T(2,3)], 1",
        "[T(3,2).t, T(3,2)], -1",
        "[T(), T(), T()]",
        "[T(0,2)]",
        "[I(2, 5), T(2)]",
    ])
    .errors(&["[T(2,3), T(3)]", "[]", "[T(2)], 2"]),
    Function::new("hstack(Tensor[] tensors) -> Tensor", "torch", |a| {
        hstack(&a.tensors("tensors")?).into_value()
    })
    .about("Tensors side by side.", "[a b …]")
    .exact()
    .samples(&[
        "[T(2), T(3)]",
        "[T(2,1), T(2,2)]",
        "[T(), T()]",
        "[T(2,0), T(2,1)]",
        "[T(3,2).t, T(3,1)]",
    ])
    .errors(&["[T(2,3), T(3,3)]", "[]"]),
    Function::new("vstack(Tensor[] tensors) -> Tensor", "torch torch:row_stack", |a| {
        vstack(&a.tensors("tensors")?).into_value()
    })
    .about("Tensors one above the other.", "[a; b; …]")
    .exact()
    .samples(&[
        "[T(3), T(3)]",
        "[T(2,3), T(1,3)]",
        "[T(), T()]",
        "[T(0,2), T(2)]",
        "[T(2,3).t, T(3)]",
    ])
    .errors(&["[T(2,3), T(2,2)]", "[]"]),
    Function::new("dstack(Tensor[] tensors) -> Tensor", "torch", |a| {
        dstack(&a.tensors("tensors")?).into_value()
    })
    .about("Tensors one behind the other.", "y[…, k] = xₖ")
    .exact()
    .samples(&[
        "[T(3), T(3)]",
        "[T(2,3), T(2,3)]",
        "[T(), T()]",
        "[T(0,2), T(0,2)]",
        "[T(2,1,2), T(2,1,1)]",
    ])
    .errors(&["[T(2,3), T(2,2)]", "[]"]),
    Function::new("column_stack(Tensor[] tensors) -> Tensor", "torch", |a| {
        column_stack(&a.tensors("tensors")?).into_value()
    })
    .about("Vectors as columns, matrices side by side.", "[a b …]")
    .exact()
    .samples(&["[T(3), T(3)]", "[T(2,3), T(2)]", "[T(), T()]", "[T(0), T(0,2)]"])
    .errors(&["[T(2,3), T(3)]", "[]"]),
    Function::new(
        "split(Tensor tensor, int split_size, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| a.tensor("tensor")?.split(a.int("split_size")?, a.int("dim")?).into_value(),
    )
    .node("SplitBackward0")
    .about("Parts of one size; the last may be smaller.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), 2", "T(2,3), 1, 1", "T(3,4).t, 3, -2", "T(0,2), 2", "T(0,2), 0", "T(3), 7"])
    .errors(&["T(3), 0", "T(3), -1", "T(), 1", "T(3), 1, 1"]),
    Function::new(
        "split(Tensor tensor, int[] split_size, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| {
            (a.tensor("tensor")?)
                .split_with_sizes(&a.ints("split_size")?, a.int("dim")?)
                .into_value()
        },
    )
    .node("SplitWithSizesBackward0")
    .about("Parts of the sizes given.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), [2, 3]", "T(2,3), (1, 0, 2), 1", "T(4,3).t, [4], -2", "T(0), [0, 0]"])
    .errors(&["T(3), [1, 1]", "T(3), [4, -1]"]),
    Function::new(
        "split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| {
            (a.tensor("input")?)
                .split_with_sizes(&a.ints("split_sizes")?, a.int("dim")?)
                .into_value()
        },
    )
    .node("SplitWithSizesBackward0")
    .about("Parts of the sizes given.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), [2, 3]", "T(2,3), (1, 0, 2), 1", "T(4,3).t, [4], -2", "T(0), [0, 0]"])
    .errors(&["T(3), [1, 1]", "T(3), [4, -1]", "T(3), [3], 1"]),
    Function::new(
        "tensor_split(Tensor input, int indices_or_sections, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| {
            (a.tensor("input")?)
                .tensor_split(a.int("indices_or_sections")?, a.int("dim")?)
                .into_value()
        },
    )
    .about("Parts whose sizes differ by at most one.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), 2", "T(2,3), 2, 1", "T(3,4).t, 3", "T(2), 4", "T(0,2), 2"])
    .errors(&["T(3), 0", "T(), 2", "T(3), 2, 1"]),
    Function::new(
        "tensor_split(Tensor input, int[] indices_or_sections, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| {
            (a.tensor("input")?)
                .tensor_split_at(&a.ints("indices_or_sections")?, a.int("dim")?)
                .into_value()
        },
    )
    .about("Parts that end where the indices say.", "yₖ = x[iₖ₋₁ : iₖ]")
    .exact()
    .samples(&[
        "T(5), (1, 3)",
        "T(2,3), (1, 5), 1",
        "T(3,4).t, (-1,)",
        "T(4), (3, 1)",
        "T(0), (1,)",
        "T(3), ()",
    ])
    .errors(&["T(), (1,)"]),
    Function::new(
        "tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]",
        "Tensor torch",
        |a| {
            let (x, at) = (a.tensor("input")?, a.tensor("tensor_indices_or_sections")?);
            let (list, dim) = (at.to(DType::I64)?.numbers::<i64>()?, a.int("dim")?);
            match at.ndim() {
                0 => x.tensor_split(list[0], dim).into_value(),
                _ => x.tensor_split_at(&list, dim).into_value(),
            }
        },
    )
    .about("Parts by numbers in a tensor.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), I[1, 3]", "T(2,3), I[1], 1", "T(4,3).t, I[-1]", "T(0), I[0]"]),
    Function::new(
        "chunk(Tensor input, int chunks, int dim=0) -> Tensor[]",
        "torch Tensor",
        |a| a.tensor("input")?.chunk(a.int("chunks")?, a.int("dim")?).into_value(),
    )
    .node_by(|a| Ok(match a.tensor("input")?.size(a.int("dim")?)? { 0 => "SplitWithSizesBackward0", _ => "SplitBackward0" }))
    .about("At most so many parts of one size; the last may be smaller.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(5), 2", "T(2,3), 2, 1", "T(3,4).t, 3, -2", "T(2), 4", "T(0,2), 2"])
    .errors(&["T(3), 0", "T(), 1", "T(3), 2, 1"]),
    Function::new("unbind(Tensor input, int dim=0) -> Tensor[]", "torch Tensor", |a| {
        a.tensor("input")?.unbind(a.int("dim")?).into_value()
    })
    .node("UnbindBackward0")
    .about("One view for each index of a dimension.", "yₖ = x[k]")
    .exact()
    .samples(&["T(3)", "T(2,3), 1", "T(2,3).t", "T(2,0), 0"])
    .errors(&["T(2,3), 2", "T()"]),
    Function::new("hsplit(Tensor input, int indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        a.tensor("input")?.hsplit(a.int("indices_or_sections")?).into_value()
    })
    .about("Equal parts side by side.", "x = [y₀ y₁ …]")
    .exact()
    .samples(&["T(4), 2", "T(2,4), 2", "T(2,4).t, 4", "T(2,0), 2"])
    .errors(&["T(2,3), 2", "T(), 1"]),
    Function::new("hsplit(Tensor input, int[] indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        split_named(a.tensor("input")?, "hsplit", &a.ints("indices_or_sections")?)
    })
    .about("Parts side by side that end where the indices say.", "yₖ = x[:, iₖ₋₁ : iₖ]")
    .exact()
    .samples(&["T(4), (1, 3)", "T(2,4), (2,)", "T(4,2).t, (1, 2)", "T(2,0), (0,)"])
    .errors(&["T(), (1,)"]),
    Function::new("vsplit(Tensor input, int indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        a.tensor("input")?.vsplit(a.int("indices_or_sections")?).into_value()
    })
    .about("Equal parts one above the other.", "x = [y₀; y₁; …]")
    .exact()
    .samples(&["T(4,1), 2", "T(2,4), 2", "T(2,4).t, 2", "T(0,2), 2"])
    .errors(&["T(3,2), 2", "T(3), 1"]),
    Function::new("vsplit(Tensor input, int[] indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        split_named(a.tensor("input")?, "vsplit", &a.ints("indices_or_sections")?)
    })
    .about("Parts one above the other that end where the indices say.", "yₖ = x[iₖ₋₁ : iₖ]")
    .exact()
    .samples(&["T(4,1), (1, 3)", "T(2,4), (2,)", "T(2,4).t, (1, 2)", "T(0,2), (0,)"])
    .errors(&["T(3), (1,)"]),
    Function::new("dsplit(Tensor input, int indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        a.tensor("input")?.dsplit(a.int("indices_or_sections")?).into_value()
    })
    .about("Equal parts one behind the other.", "yₖ = part k of x[…, :]")
    .exact()
    .samples(&["T(1,2,4), 2", "T(2,1,2), 2", "T(2,1,4).t, 4", "T(2,1,0), 2"])
    .errors(&["T(2,1,3), 2", "T(3,2), 1"]),
    Function::new("dsplit(Tensor input, int[] indices_or_sections) -> Tensor[]", "torch Tensor", |a| {
        split_named(a.tensor("input")?, "dsplit", &a.ints("indices_or_sections")?)
    })
    .about("Parts one behind the other that end where the indices say.", "yₖ = x[:, :, iₖ₋₁ : iₖ]")
    .exact()
    .samples(&["T(1,2,4), (1, 3)", "T(2,1,2), (1,)", "T(4,1,2).t, (1, 2)", "T(2,1,0), (0,)"])
    .errors(&["T(3,2), (1,)"]),
    Function::new("flip(Tensor input, *int[] dims) -> Tensor", "Tensor torch", |a| {
        a.tensor("input")?.flip(&a.ints("dims")?).into_value()
    })
    .of(ops::Flip::DEF)
    .exact()
    .samples(&[
        "T(3), 0",
        "T(2,3), (0, 1)",
        "T(2,3).t, -1",
        "T(), ()",
        "T(0,2), 1",
        "T(2,1,3), 0, 2",
    ])
    .errors(&["T(2,3), (0, 0)", "T(2,3), 2"]),
    Function::new("fliplr(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.fliplr().into_value()
    })
    .about("Columns backwards.", "y[i, j] = x[i, n-1-j]")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T(0,2)", "T(2,2,2)"])
    .errors(&["T(3)"]),
    Function::new("flipud(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.flipud().into_value()
    })
    .about("Rows backwards.", "y[i] = x[n-1-i]")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T(0,2)", "T(3)"])
    .errors(&["T()"]),
    Function::new("rot90(Tensor input, int k=1, int[] dims=[0, 1]) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.rot90(a.int("k")?, &a.ints("dims")?).into_value()
    })
    .node("Rot90Backward0")
    .about("Turned by right angles from one dimension to another.", "y[i, j] = x[j, n-1-i]")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t, 2", "T(2,3), -1", "T(2,1,3), 3, (2, 0)", "T(0,2)", "T(2,2), 4"])
    .errors(&["T(2,3), 1, (0, 0)", "T(2,3), 1, (0,)", "T(3)", "T(2,3), 1, (0, 2)"]),
    Function::new("roll(Tensor input, int[] shifts, int[] dims=[]) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.roll(&a.ints("shifts")?, &a.ints("dims")?).into_value()
    })
    .node("RollBackward0")
    .about("Elements moved along dimensions, those that leave coming back at the other end.", "y[(i + s) mod n] = x[i]")
    .exact()
    .samples(&[
        "T(4), 1",
        "T(2,3), -2",
        "T(2,3).t, 1, 0",
        "T(2,3), (1, 4), (0, 1)",
        "T(0,2), 1, 0",
        "T(3), 3, 0",
        "T(), 2",
        "T(2,3), (1, 1), (1, 1)",
    ])
    .errors(&[
        "T(2,3), 1, (0, 1)",
        "T(2,3), (1, 1), 0",
        "T(2,3), (), ()",
        "T(2,3), 1, 2",
        "T(2,3), (1, 2)",
    ]),
    Function::new("cartesian_prod(*Tensor[] tensors) -> Tensor", "torch", |a| {
        cartesian_prod(&a.tensors("tensors")?).into_value()
    })
    .node("StackBackward0")
    .about("Every combination of one element of each vector, a row each.", "{(a, b, …)}")
    .units(0.0, 4.0)
    .samples(&["T(2), T(3)", "T(3)", "T(2), T(1), T(2)", "T(0), T(2)"])
    .errors(&["T(2,3)", "T(2), T()"]),
    Function::new(
        "diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .diff(a.int("n")?, a.int("dim")?, a.tensor_opt("prepend")?, a.tensor_opt("append")?)
                .into_value()
        },
    )
    .about("Differences of neighbours along a dimension.", "yᵢ = xᵢ₊₁ - xᵢ")
    .units(0.0, 4.0)
    .samples(&[
        "T(4)",
        "T(2,3).t, 2, 0",
        "T(2,3), dim=0",
        "T(3), prepend=T(2), append=T(1)",
        "T(2,3), 5",
        "T(0)",
        "T(3), 0",
        "B(4)",
        "I(4, 9), 2",
    ])
    .errors(&["T(3), -1", "T()", "T(2,3), prepend=T(3)", "T(2,3), append=T(1,1)", "T(3), 1, 2"]),
    Function::new(
        "pad(Tensor input, int[] pad, str mode='constant', number? value=None) -> Tensor",
        "nn.functional",
        |a| {
            let mode = PadMode::from_name(a.str("mode")?)?;
            a.tensor("input")?.pad(&a.ints("pad")?, mode, a.number_opt("value")?).into_value()
        },
    )
    .node_by(pad_node)
    .about("A border around a tensor: of one number, mirrored, of the last element, or as if the tensor went round.", "x inside; outside v, x[-i], x[0] or x[i mod n]")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), (1, 2)",
        "T(2,3), (1, 0, 2, 1), value=2.5",
        "T(2,3).t, (-1, 2)",
        "T(), ()",
        "T(0,2), (1, 1, 1, 0)",
        "T(2,3), (1, 2), 'reflect'",
        "T(1,3,4), (2, 1, 1, 2), 'reflect'",
        "T(1,2,2,3), (1, 1, 1, 0, 0, 1), mode='reflect'",
        "T(2,3), (2, 4), 'replicate'",
        "T(2,2,3).t, (1, 1, 2, 0), 'replicate'",
        "T(1,2,2,3), (1, 1, 1, 0, 0, 1), mode='replicate'",
        "T(2,3), (2, 1), 'circular'",
        "T(1,2,3), (3, 0, 1, 2), 'circular'",
        "T(2,4), (-1, 2), 'circular'",
        "T(2,4), (-1, -1), 'replicate'",
        "I(2,3, 9), (1, 1), value=7",
        "B(3), (1, 0), value=True",
    ])
    .errors(&[
        "T(2,3), (1,)",
        "T(2,3), (1, 1, 1, 1, 1, 1)",
        "T(2,3), (-2, -2)",
        "T(2,3), (3, 3), 'reflect'",
        "T(2,3), (1, 1, 1, 1), 'reflect'",
        "T(2,3), (4, 1), 'circular'",
        "T(2,3), (1, 1), 'no'",
        "T(2,3), (1, 1), 'reflect', 1.0",
    ]),
];
