//! Shapes: other sizes, other orders of dimensions, repetitions, windows, and what a tensor's shape is.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::{Result, Tensor, broadcast_tensors, meshgrid, ops};

/// `atleast_…` of one tensor is a tensor, of several a tuple.
fn each(tensors: &[&Tensor], f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Value> {
    match tensors {
        [only] => f(only).into_value(),
        all => Value::tuple(all.iter().map(|t| f(t)).collect::<Result<Vec<_>>>()?),
    }
}

/// A view of its own where nothing had to change: in PyTorch these functions never return their argument.
fn view_of(x: &Tensor, y: Tensor) -> Result<Value> {
    if !x.is(&y) {
        return y.into_value();
    }
    let order: Vec<i64> = (0..x.ndim() as i64).collect();
    x.permute(&order)?.into_value()
}

/// A view where one is possible, else a view of a copy.
fn reshape_node(a: &Args<'_>) -> Result<&'static str> {
    Ok(if a.tensor("input")?.array().is_contiguous() {
        "ViewBackward0"
    } else {
        "UnsafeViewBackward0"
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "reshape(Tensor input, *int[] shape) -> Tensor",
        "Tensor torch",
        |a| a.tensor("input")?.reshape(a.ints("shape")?).into_value(),
    )
    .node_by(reshape_node)
    .of(ops::Reshape::DEF)
    .exact()
    .samples(&[
        "T(2,3), (3, 2)",
        "T(2,3), 6",
        "T(2,3).t, -1",
        "T(2,3).t, (1, -1, 2)",
        "T(1), ()",
        "T(), (1, 1)",
        "T(2,0), (0, 4)",
        "I(2,3, 9), [-1, 2]",
    ])
    .errors(&[
        "T(2,3), 4",
        "T(2,3), (-1, 4)",
        "T(2,3), (-1, -1)",
        "T(2,3), (2, -2)",
        "T(0,3), (-1, 0)",
    ]),
    Function::new("view(Tensor input, *int[] size) -> Tensor", "Tensor", |a| {
        a.tensor("input")?.view(a.ints("size")?).into_value()
    })
    .node("ViewBackward0")
    .about("The same memory under another shape.", "x")
    .exact()
    .samples(&[
        "T(2,3), (3, 2)",
        "T(2,3), -1",
        "T(2,1,3), 2, 3",
        "T(), 1",
        "T(0,2), 4, 0",
        "T(2,3).t, (2, 1, 3)",
    ])
    .errors(&[
        "T(2,3), 5",
        "T(2,3).t, 6",
        "T(2,3), (-1, -1)",
        "T(2,3), (2, -2)",
    ]),
    Function::new(
        "view_as(Tensor input, Tensor other) -> Tensor",
        "Tensor",
        |a| a.tensor("input")?.view_as(a.tensor("other")?).into_value(),
    )
    .node("ViewBackward0")
    .about("A view of the shape of another tensor.", "x")
    .exact()
    .samples(&[
        "T(2,3), T(3,2)",
        "T(4), T(2,2)",
        "T(), T(1)",
        "T(0,2), T(3,0)",
    ])
    .errors(&["T(2,3), T(4)"]),
    Function::new(
        "reshape_as(Tensor input, Tensor other) -> Tensor",
        "Tensor",
        |a| {
            a.tensor("input")?
                .reshape_as(a.tensor("other")?)
                .into_value()
        },
    )
    .node_by(reshape_node)
    .about("Reshaped to the shape of another tensor.", "x")
    .exact()
    .samples(&[
        "T(2,3), T(3,2)",
        "T(2,3).t, T(6)",
        "T(), T(1)",
        "T(0,2), T(3,0)",
    ])
    .errors(&["T(2,3), T(4)"]),
    Function::new(
        "flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .flatten_dims(a.int("start_dim")?, a.int("end_dim")?)
                .into_value()
        },
    )
    .node_by(reshape_node)
    .about("Neighbouring dimensions as one.", "x")
    .exact()
    .samples(&[
        "T(2,3)",
        "T(2,3).t",
        "T(2,1,3), 1",
        "T(2,3,2), -3, -2",
        "T()",
        "T(2,0,3), 0, 1",
        "T(2,3), start_dim=1",
    ])
    .errors(&["T(2,3), 1, 0", "T(2,3), 2", "T(2,3), 0, 5"]),
    Function::new("ravel(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.ravel().into_value()
    })
    .node("ViewBackward0")
    .about("All elements in one dimension.", "x")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T()", "T(0,2)"]),
    Function::new(
        "unflatten(Tensor input, int dim, int[] sizes) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .unflatten(a.int("dim")?, a.ints("sizes")?)
                .into_value()
        },
    )
    .node("ViewBackward0")
    .about("One dimension as several.", "x")
    .exact()
    .samples(&[
        "T(6), 0, (2, 3)",
        "T(2,6), -1, (3, -1)",
        "T(2,4).t, 1, (2, 2)",
        "T(0,2), 0, (0, 3)",
        "T(3), 0, (1, 3, 1)",
    ])
    .errors(&[
        "T(2,3), 1, (2, 2)",
        "T(2,3), 5, (1,)",
        "T(4), 0, (-1, -1)",
        "T(4), 0, ()",
    ]),
    Function::new("squeeze(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.squeeze().into_value()
    })
    .node("SqueezeBackward0")
    .about("Without the dimensions of size 1.", "x")
    .exact()
    .samples(&["T(1,3,1)", "T(2,3)", "T()", "T(1,1)", "T(1,0)", "T(3,1).t"]),
    Function::new(
        "squeeze(Tensor input, int[] dim) -> Tensor",
        "torch Tensor",
        |a| {
            a.tensor("input")?
                .squeeze_dims(&a.ints("dim")?)
                .into_value()
        },
    )
    .node_by(|a| {
        Ok(match a.ints("dim")?.len() {
            1 => "SqueezeBackward1",
            _ => "SqueezeBackward2",
        })
    })
    .about(
        "Without those of the dimensions named that have size 1.",
        "x",
    )
    .exact()
    .samples(&[
        "T(1,3,1), 0",
        "T(1,3,1), (0, -1)",
        "T(1,3,1), (0, 1)",
        "T(2,3), 1",
        "T(), 0",
        "T(1,0), -2",
        "T(1,3), dim=()",
    ])
    .errors(&["T(1,3), 2", "T(1,3), (0, 0)", "T(1,3), (0, -2)"]),
    Function::new(
        "unsqueeze(Tensor input, int dim) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.unsqueeze(a.int("dim")?).into_value(),
    )
    .about("A new dimension of size 1.", "x")
    .exact()
    .samples(&[
        "T(2,3), 0",
        "T(2,3).t, -1",
        "T(2,3), 1",
        "T(), 0",
        "T(0), -2",
    ])
    .errors(&["T(2,3), 3", "T(2,3), -4"]),
    Function::new(
        "permute(Tensor input, *int[] dims) -> Tensor",
        "Tensor torch",
        |a| a.tensor("input")?.permute(&a.ints("dims")?).into_value(),
    )
    .node("PermuteBackward0")
    .of(ops::Permute::DEF)
    .exact()
    .samples(&[
        "T(2,3), (1, 0)",
        "T(2,3,1), 2, 0, 1",
        "T(2,3,1), (-1, 0, -2)",
        "T(), ()",
        "T(0,3), 1, 0",
    ])
    .errors(&["T(2,3), (0,)", "T(2,3), (0, 0)", "T(2,3), (0, 5)"]),
    Function::new(
        "transpose(Tensor input, int dim0, int dim1) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .transpose(a.int("dim0")?, a.int("dim1")?)
                .into_value()
        },
    )
    .node("TransposeBackward0")
    .about("Two dimensions exchanged.", "xᵀ")
    .exact()
    .samples(&[
        "T(2,3), 0, 1",
        "T(2,3,1), 0, -1",
        "T(), 0, -1",
        "T(0,2), 1, 0",
        "T(3), 0, 0",
    ])
    .errors(&["T(2,3), 0, 2", "T(), 0, 1"]),
    Function::new(
        "swapaxes(Tensor input, int axis0, int axis1) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .swapaxes(a.int("axis0")?, a.int("axis1")?)
                .into_value()
        },
    )
    .node("TransposeBackward0")
    .about("Two dimensions exchanged.", "xᵀ")
    .exact()
    .samples(&[
        "T(2,3), 0, 1",
        "T(2,3,1), 0, -1",
        "T(), 0, -1",
        "T(0,2), axis0=1, axis1=0",
    ])
    .errors(&["T(2,3), 0, 2"]),
    Function::new(
        "swapdims(Tensor input, int dim0, int dim1) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .swapdims(a.int("dim0")?, a.int("dim1")?)
                .into_value()
        },
    )
    .node("TransposeBackward0")
    .about("Two dimensions exchanged.", "xᵀ")
    .exact()
    .samples(&[
        "T(2,3), 0, 1",
        "T(2,3,1), 0, -1",
        "T(), 0, -1",
        "T(0,2), 1, 0",
    ])
    .errors(&["T(2,3), 0, 2"]),
    Function::new("t(Tensor input) -> Tensor", "torch Tensor", |a| {
        let x = a.tensor("input")?;
        view_of(x, x.t()?)
    })
    .node("TBackward0")
    .about("The transpose of a matrix.", "xᵀ")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T(4)", "T()", "T(0,2)"])
    .errors(&["T(2,3,1)"]),
    Function::new(
        "movedim(Tensor input, int[] source, int[] destination) -> Tensor",
        "torch Tensor torch:moveaxis Tensor:moveaxis",
        |a| {
            (a.tensor("input")?)
                .movedim(&a.ints("source")?, &a.ints("destination")?)
                .into_value()
        },
    )
    .node("PermuteBackward0")
    .about(
        "Dimensions moved to other places; the rest keep their order.",
        "x",
    )
    .exact()
    .samples(&[
        "T(2,3,1), 0, 2",
        "T(2,3,1), (0, 1), (-1, 0)",
        "T(2,3,1,2).t, (0, 3), (1, 2)",
        "T(0,3), 1, 0",
        "T(3), 0, -1",
        "T(), 0, 0",
    ])
    .errors(&[
        "T(2,3), (0, 1), (0,)",
        "T(2,3), (0, 0), (0, 1)",
        "T(2,3), (0, 1), (1, 1)",
        "T(2,3), 0, 2",
    ]),
    Function::new(
        "expand(Tensor input, *int[] size) -> Tensor",
        "Tensor",
        |a| {
            let x = a.tensor("input")?;
            view_of(x, x.expand(a.ints("size")?)?)
        },
    )
    .node("ExpandBackward0")
    .of(ops::Expand::DEF)
    .units(0.0, 4.0) // gradients are sums
    .samples(&[
        "T(1,3), 2, 3",
        "T(3), (2, -1)",
        "T(1,2).t, 3, 2",
        "T(), (2,)",
        "T(1,0), 3, 0",
        "T(2,3), -1, -1",
        "T(1), 0",
    ])
    .errors(&[
        "T(2,3), 3, 3",
        "T(2,3), (3,)",
        "T(2,3), (-1, 2, 3)",
        "T(2,3), (2, -2)",
    ]),
    Function::new(
        "expand_as(Tensor input, Tensor other) -> Tensor",
        "Tensor",
        |a| {
            let x = a.tensor("input")?;
            view_of(x, x.expand_as(a.tensor("other")?)?)
        },
    )
    .node("ExpandBackward0")
    .about(
        "Repeated to the shape of another tensor, without a copy.",
        "y[i, j] = x[0, j]",
    )
    .units(0.0, 4.0)
    .samples(&["T(1,3), T(2,3)", "T(3), T(2,3)", "T(), T(2)", "T(1), T(0)"])
    .errors(&["T(2,3), T(3,3)"]),
    Function::new(
        "broadcast_to(Tensor input, int[] size) -> Tensor",
        "torch Tensor",
        |a| {
            let x = a.tensor("input")?;
            view_of(x, x.broadcast_to(a.ints("size")?)?)
        },
    )
    .node("ExpandBackward0")
    .about("Repeated to a shape, without a copy.", "y[i, j] = x[0, j]")
    .units(0.0, 4.0)
    .samples(&[
        "T(1,3), (2, 3)",
        "T(3), (2, 3)",
        "T(), (2,)",
        "T(1), (0,)",
        "T(1,2).t, (3, 2)",
    ])
    .errors(&["T(2,3), (2, 2, 2)"]),
    Function::new(
        "broadcast_tensors(*Tensor[] tensors) -> Tensor[]",
        "torch",
        |a| broadcast_tensors(&a.tensors("tensors")?).into_value(),
    )
    .about(
        "Tensors repeated to their common shape, without copies.",
        "y[i, j] = x[0, j]",
    )
    .units(0.0, 4.0)
    .samples(&[
        "T(2,1), T(3)",
        "T(), T(2,2)",
        "T(2,3)",
        "T(1), T(0)",
        "T(2,1,1), T(3,1), T(2)",
    ])
    .errors(&["T(2,3), T(2)"]),
    Function::new("atleast_1d(*Tensor[] tensors) -> Tensor", "torch", |a| {
        each(&a.tensors("tensors")?, Tensor::atleast_1d)
    })
    .about("At least one dimension.", "x")
    .exact()
    .samples(&["T()", "T(2,3)", "T(3), T()", "T(0)"]),
    Function::new("atleast_2d(*Tensor[] tensors) -> Tensor", "torch", |a| {
        each(&a.tensors("tensors")?, Tensor::atleast_2d)
    })
    .about("At least two dimensions; a vector is a row.", "x")
    .exact()
    .samples(&["T()", "T(2,3)", "T(3), T()", "T(0)"]),
    Function::new("atleast_3d(*Tensor[] tensors) -> Tensor", "torch", |a| {
        each(&a.tensors("tensors")?, Tensor::atleast_3d)
    })
    .about(
        "At least three dimensions; a vector lies in the second, a matrix in the first two.",
        "x",
    )
    .exact()
    .samples(&["T()", "T(2,3)", "T(3), T(), T(2,1,2)", "T(0)", "T(2,3).t"]),
    Function::new(
        "unfold(Tensor input, int dimension, int size, int step) -> Tensor",
        "Tensor",
        |a| {
            (a.tensor("input")?)
                .unfold(a.int("dimension")?, a.int("size")?, a.int("step")?)
                .into_value()
        },
    )
    .of(ops::Unfold::DEF)
    .units(0.0, 4.0)
    .samples(&[
        "T(6), 0, 3, 1",
        "T(2,5), 1, 2, 2",
        "T(2,5).t, -1, 3, 2",
        "T(), 0, 1, 1",
        "T(0,3), 1, 2, 1",
        "T(3), 0, 0, 1",
    ])
    .errors(&[
        "T(2,3), 0, 3, 1",
        "T(3), 0, 1, 0",
        "T(3), 0, -1, 1",
        "T(3), 1, 1, 1",
    ]),
    Function::new(
        "meshgrid(*Tensor[] tensors, *, str? indexing=None) -> Tensor[]",
        "torch",
        |a| meshgrid(&a.tensors("tensors")?, a.str_opt("indexing")?.unwrap_or("ij")).into_value(),
    )
    .warns(|a| {
        Ok(a.str_opt("indexing")?.is_none().then(|| {
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.".to_string()
        }).into_iter().collect())
    })
    .about(
        "Coordinates of the points of a grid, one tensor for each axis.",
        "Xₖ[i₀, i₁, …] = xₖ[iₖ]",
    )
    .units(0.0, 4.0)
    .samples(&[
        "T(2), T(3)",
        "T(2), T(3), indexing='xy'",
        "[T(2), T(), T(2)], indexing='xy'",
        "T(3)",
        "T(0), T(2)",
        "I(2, 5), I(3, 5), indexing='ij'",
    ])
    .errors(&[
        "~T(2,3), T(3)",
        "T(2).f32, T(2).f64",
        "T(2), T(3), indexing='no'",
    ]),
    Function::new("numel(Tensor input) -> int", "torch Tensor", |a| {
        a.tensor("input")?.numel().into_value()
    })
    .about("Number of elements.", "n₀ · n₁ · …")
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t"]),
    Function::new(
        "dim(Tensor input) -> int",
        "Tensor Tensor:ndimension",
        |a| a.tensor("input")?.ndim().into_value(),
    )
    .about("Number of dimensions.", "d")
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t"]),
    Function::new("size(Tensor input) -> int[]", "Tensor", |a| {
        a.tensor("input")?.shape().to_vec().into_value()
    })
    .about("Sizes of the dimensions.", "(n₀, n₁, …)")
    .exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t"]),
    Function::new("size(Tensor input, int dim) -> int", "Tensor", |a| {
        a.tensor("input")?.size(a.int("dim")?).into_value()
    })
    .about("Size of one dimension.", "nₖ")
    .exact()
    .samples(&["T(2,3), 0", "T(4), -1", "T(0,2), 0", "T(2,3).t, 1"])
    .errors(&["T(2,3), 2"]),
];
