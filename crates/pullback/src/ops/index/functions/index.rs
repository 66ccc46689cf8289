//! Elements picked and written by an index.

use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::core::fail::bail;
use crate::{Reduce, ops};

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("select(Tensor input, int dim, int index) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.select(a.int("dim")?, a.int("index")?).into_value()
    })
    .of(ops::Select::DEF)
    .exact()
    .samples(&["T(2,3), 0, 1", "T(2,3).t, -1, -2", "T(4), 0, 3", "T(0,3), 1, 0"])
    .errors(&["T(2,3), 0, 5", "T(2,3), 2, 0", "T(), 0, 0", "T(2,3), -1, -4"]),
    Function::new(
        "narrow(Tensor input, int dim, int start, int length) -> Tensor",
        "torch Tensor",
        |a| {
            let site = std::panic::Location::caller();
            (a.tensor("input")?)
                .narrow_at(a.int("dim")?, a.int("start")?, a.int("length")?, site)
                .into_value()
        },
    )
    .about("Neighbouring indices of a dimension; a view.", "x[…, start : start + length, …]")
    .exact()
    .samples(&["T(4), 0, 1, 2", "T(2,3).t, 0, -2, 2", "T(2,3), 1, 3, 0", "T(0,3), -1, 0, 2"])
    .errors(&[
        "T(2,3), 0, 1, 5",
        "T(2,3), 0, 3, 0",
        "T(2,3), 0, 0, -1",
        "T(), 0, 0, 0",
        "T(2,3), 2, 0, 1",
    ]),
    Function::new(
        "index_select(Tensor input, int dim, Tensor index) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.index_select(a.int("dim")?, a.tensor("index")?).into_value(),
    )
    .node("IndexSelectBackward0")
    .about("Slabs of a dimension in another order or number.", "y[…, j, …] = x[…, index[j], …]")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), 0, I[2, 0, 2]",
        "T(2,3), 1, I[1, 1, 0, 2]",
        "T(3,2).t, -2, I[2].i32",
        "T(2,3), 0, I(0, 2)",
        "T(), 0, I[0]",
        "T(0,2), 1, I[1]",
        "T(3), 0, I[1, 1]",
    ])
    .errors(&[
        "T(2,3), 0, I[5]",
        "T(2,3), 0, I[-1]",
        "T(2,3), 0, I[[0]]",
        "T(2,3), 0, T[0.0]",
        "T(2,3), 2, I[0]",
    ]),
    Function::new(
        "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.gather(a.int("dim")?, a.tensor("index")?).into_value(),
    )
    .node("GatherBackward0")
    .about("For each place of the index, the element that it names along a dimension.", "y[i, j] = x[index[i, j], j]")
    .units(0.0, 4.0)
    .samples(&[
        "T(2,3), 1, I[[2, 0], [1, 1]]",
        "T(2,3), 0, I[[1, 0, 1]]",
        "T(3,2).t, -1, I[[1, 1], [0, 0], [1, 0]]",
        "T(3), 0, I[2, 2, 0, 1]",
        "T(), 0, I[0]",
        "T(2,3), 1, I(2,0, 3)",
        "T(0,3), 1, I(0,2, 3)",
        "T(2,2), 0, I[[1], [1]].i32",
    ])
    .errors(&[
        "T(2,3), 0, I[[0, 5, 0]]",
        "T(2,3), 0, I[0]",
        "T(2,3), 0, I[[0, 0, 0, 0]]",
        "T(2,3), 0, T[[0.0]]",
        "T(2,3), 2, I[[0]]",
        "T(2,3), 0, I[[-1]]",
    ]),
    Function::new("take(Tensor input, Tensor index) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.take(a.tensor("index")?).into_value()
    })
    .about("Elements at positions in row-major order.", "x[index], x flattened")
    .units(0.0, 4.0)
    .samples(&["T(4), I[3, 0, 3]", "T(2,3).t, I[[1, -1], [2, 2]]", "T(2,2), I(0, 2)", "T(), I[0]"])
    .errors(&["T(2,3), I[9]", "T(2,3), I[-7]", "T(2,3), T[0.0]", "T(0), I[0]"]),
    Function::new(
        "take_along_dim(Tensor input, Tensor indices, int? dim=None) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.take_along_dim(a.tensor("indices")?, a.int_opt("dim")?).into_value(),
    )
    .about("Elements along a dimension at the places that argsort or argmax found.", "y[i, j] = x[index[i, j], j]")
    .units(0.0, 4.0)
    .samples(&[
        "T(2,3), I[[2, 0], [1, 1]], 1",
        "T(2,3), I[[1]], 0",
        "T(2,3).t, I[[0, 1, 1]].t, 0",
        "T(2,3), I[5, 0, 0]",
        "T(2,1), I[[0, 0]], dim=-2",
        "T(3), I(0, 3), 0",
        "T(2,3), I[[5, -1]], 1",
    ])
    .errors(&["T(2,3), I[0], 0", "T(2,3), T[[0.0]], 0"]),
    Function::new("masked_select(Tensor input, Tensor mask) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.masked_select(a.tensor("mask")?).into_value()
    })
    .about("The elements where a mask holds, as a vector.", "(xᵢ where mᵢ)")
    .units(0.0, 4.0)
    .samples(&[
        "T(3), B[True, False, True]",
        "T(2,3), B[True, False, True]",
        "T(3,2).t, B(3,2)",
        "T(3), B[[True], [False]]",
        "T(), B[True]",
        "T(0), B(0)",
        "T(2), B[False, False]",
    ])
    .errors(&["T(2,3), B[True, False]", "T(3), I[1, 0, 1]"]),
    Function::new(
        "masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.masked_scatter(a.tensor("mask")?, a.tensor("source")?).into_value(),
    )
    .node("MaskedScatterBackward0")
    .about("The first elements of a source written where a mask holds.", "yᵢ = next of s where mᵢ, else xᵢ")
    .in_place()
    .exact()
    .samples(&[
        "T(3), B[True, False, True], T(2)",
        "T(2,3), B[True, False, True], T(2,3)",
        "T(3,2).t, B(3,2), T(6)",
        "T(2), B[False, False], T(0)",
        "T(0), B(0), T(1)",
    ])
    .errors(&[
        "T(3), B[True, True, True], T(2)",
        "T(3), I[1, 0, 1], T(3)",
        "T(3).f32, B(3), T(3).f64",
    ]),
    Function::new(
        "scatter(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.scatter(a.int("dim")?, a.tensor("index")?, a.tensor("src")?).into_value(),
    )
    .node("ScatterBackward0")
    .about("A source written where an index names places along a dimension.", "y = x; y[index[i, j], j] = s[i, j]")
    .in_place()
    .exact()
    .samples(&[
        "T(2,3), 1, I[[2, 0], [1, 0]], T(2,2)",
        "T(3,2), 0, I[[2, 0]], T(2,3)",
        "T(3,2).t, 0, I[[1, 2], [0, 0]], T(2,2).t",
        "T(3), 0, I[1], T(2)",
        "T(2,3), 1, I(0,0, 3), T(2,3)",
        "T(), 0, I[0], T(1)",
    ])
    .edges(&["T(3), 0, I[1, 1, 2], T(3)"])
    .errors(&[
        "T(2,3), 0, I[[0, 5, 0]], T(1,3)",
        "T(2,3), 0, I[[0, 1, 0]], T(1,2)",
        "T(2,3).f32, 0, I[[0, 1, 0]], T(1,3).f64",
        "T(2,3), 0, I[0], T(1,3)",
        "T(2,3), 2, I[[0]], T(1,3)",
        "T(2,3), 0, T[[0.0]], T(1,3)",
    ]),
    Function::new(
        "scatter(Tensor input, int dim, Tensor index, number value) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.scatter(a.int("dim")?, a.tensor("index")?, a.number("value")?).into_value(),
    )
    .node("ScatterBackward1")
    .about("One number written where an index names places along a dimension.", "y = x; y[index[i, j], j] = v")
    .in_place()
    .exact()
    .samples(&[
        "T(2,3), 1, I[[2, 0], [1, 0]], 1.5",
        "T(3,2), 0, I[[2, 2]], 0",
        "T(3,2).t, 0, I[[1, 2], [0, 0]], value=-1.0",
        "T(3), 0, I(0, 3), 2.0",
        "I(3, 5), 0, I[1], 2",
    ])
    .errors(&["T(2,3), 0, I[[0, 5, 0]], 1.0", "T(2,3), 0, I[[0, 0, 0, 0]], 1.0"]),
    Function::new(
        "scatter(Tensor input, int dim, Tensor index, Tensor|number src, *, str reduce) -> Tensor",
        "torch Tensor",
        |a| {
            let reduce = match a.str("reduce")? {
                "add" => Reduce::Sum,
                "multiply" => Reduce::Prod,
                _ => {
                    bail!(Shape, "reduce argument must be either add or multiply.");
                }
            };
            (a.tensor("input")?)
                .scatter_reduce(a.int("dim")?, a.tensor("index")?, a.operand("src")?, reduce, true)
                .into_value()
        },
    )
    .about("A source added to, or multiplied with, what is there.", "y = x; y[index[i, j], j] += s[i, j], or ·=")
    .in_place()
    .exact()
    .samples(&[
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), reduce='add'",
        "T(3,2), 0, I[[2, 0]], T(2,3), reduce='multiply'",
        "T(3), 0, I[1, 1, 2], 1.5, reduce='multiply'",
        "I(3, 5), 0, I[1, 1], 2, reduce='add'",
    ])
    .errors(&["T(3), 0, I[1], T(1), reduce='no'"]),
    Function::new(
        "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor",
        "torch Tensor",
        |a| {
            let reduce = Reduce::from_name(a.str("reduce")?)?;
            let (index, src) = (a.tensor("index")?, a.tensor("src")?);
            (a.tensor("input")?)
                .scatter_reduce(a.int("dim")?, index, src, reduce, a.bool("include_self")?)
                .into_value()
        },
    )
    .node("ScatterReduceBackward0")
    .of(ops::ScatterReduce::DEF)
    .in_place()
    .units(1.0, 4.0)
    .samples(&[
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), 'sum'",
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), 'sum', include_self=False",
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), 'mean'",
        "T(3,2).t, 0, I[[2, 0], [2, 1]], T(2,2), reduce='mean', include_self=False",
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), 'prod'",
        "T(2,3), 0, I[[1, 0, 1]], T(1,3), 'prod', include_self=False",
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2), 'amax'",
        "T(3), 0, I[1, 1, 2], T(3), 'amin', include_self=False",
        "T(3), 0, I(0, 3), T(0), 'amax'",
        "I(4, 9), 0, I[0, 0, 3], I[5, 8, 1], 'mean'",
        "B(3), 0, I[0, 1], B[True, False], 'prod'",
    ])
    .edges(&[
        "T[2.0, 0.0, 3.0], 0, I[0, 0, 1, 2], T[2.0, 2.0, 4.0, 3.0], 'amax'",
        "T[2.0, nan, 3.0], 0, I[0, 0, 1, 2], T[nan, 2.0, 4.0, -inf], 'amin'",
        "T[2.0, 0.0, 3.0], 0, I[0, 0, 1, 2, 2], T[0.0, 2.0, 4.0, 0.0, 0.0], 'prod'",
        "T[2.0, 0.0, 3.0], 0, I[0, 0], T[0.0, 2.0], 'prod', include_self=False",
    ])
    .errors(&["T(3), 0, I[1], T(1), 'no'", "T(3), 0, I[5], T(1), 'sum'"]),
    Function::new(
        "scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.scatter_add(a.int("dim")?, a.tensor("index")?, a.tensor("src")?).into_value(),
    )
    .node("ScatterAddBackward0")
    .about("A source added where an index names places along a dimension.", "y = x; y[index[i, j], j] += s[i, j]")
    .in_place()
    .exact()
    .samples(&[
        "T(2,3), 1, I[[2, 2], [1, 0]], T(2,2)",
        "T(3,2), 0, I[[2, 0], [2, 0], [2, 1]], T(3,3)",
        "T(3,2).t, 0, I[[1, 2], [1, 0]], T(2,2).t",
        "T(3), 0, I[1, 1, 1], T(3)",
        "T(2,3), 1, I(0,0, 3), T(2,3)",
        "I(3, 5), 0, I[1, 1], I(2, 5)",
    ])
    .errors(&["T(2,3), 0, I[[0, 5, 0]], T(1,3)", "T(2,3), 0, I[[0, 1, 0]], T(1,2)"]),
    Function::new(
        "index_add(Tensor input, int dim, Tensor index, Tensor source, *, number alpha=1) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .index_add(a.int("dim")?, a.tensor("index")?, a.tensor("source")?, a.number("alpha")?)
                .into_value()
        },
    )
    .node("IndexAddBackward0")
    .about("Slabs added to the slabs of a dimension that an index names.", "y = x; y[…, index[j], …] += α·s[…, j, …]")
    .in_place()
    .units(2.0, 2.0)
    .samples(&[
        "T(3), 0, I[2, 0, 2], T(3)",
        "T(2,3), 1, I[1, 1], T(2,2)",
        "T(3,2).t, 0, I[2], T(1,2), alpha=2",
        "T(2,3), 0, I(0, 2), T(0,3)",
        "T(), 0, I[0], T()",
        "T(3,2), 0, I[0, 1], T(2,2), alpha=-1.5",
    ])
    .errors(&[
        "T(2,3), 0, I[5], T(1,3)",
        "T(2,3), 0, I[0], T(2,3)",
        "T(2,3), 0, I[0], T(1,2)",
        "T(2,3), 0, I[[0]], T(1,3)",
        "T(2,3).f32, 0, I[0], T(1,3).f64",
    ]),
    Function::new(
        "index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.index_copy(a.int("dim")?, a.tensor("index")?, a.tensor("source")?).into_value(),
    )
    .node("IndexCopyBackward0")
    .about("Slabs written over the slabs of a dimension that an index names.", "y = x; y[…, index[j], …] = s[…, j, …]")
    .in_place()
    .exact()
    .samples(&[
        "T(3), 0, I[2, 0], T(2)",
        "T(2,3), 1, I[1], T(2,1)",
        "T(3,2).t, 0, I[2, 0], T(2,2).t",
        "T(2,3), 0, I(0, 2), T(0,3)",
        "T(), 0, I[0], T(1)",
    ])
    .errors(&[
        "T(2,3), 0, I[5], T(1,3)",
        "T(2,3), 0, I[0], T(2,3)",
        "T(2,3), 0, I[0], T(1,2)",
        "T(2,3), 0, I[0], T(3)",
        "T(2,3), 0, T[0.0], T(1,3)",
    ]),
    Function::new(
        "index_fill(Tensor input, int dim, Tensor index, Tensor|number value) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.index_fill(a.int("dim")?, a.tensor("index")?, a.operand("value")?).into_value(),
    )
    .node_by(|a| Ok(if a.is_tensor("value") { "IndexFillBackward1" } else { "IndexFillBackward0" }))
    .about("Slabs of a dimension that an index names set to one value.", "y = x; y[…, index[j], …] = v")
    .in_place()
    .units(0.0, 4.0)
    .samples(&[
        "T(3), 0, I[2, 0], 1.5",
        "T(2,3), 1, I[1, -1], T()",
        "T(3,2).t, 0, I[2], 0",
        "T(2,3), 0, I(0, 2), 1.0",
        "T(3), 0, I[1, 1], T()",
    ])
    .errors(&["T(2,3), 0, I[5], 1.0", "T(2,3), 0, I[0], T(2)", "T(2,3), 0, T[0.0], 1.0"]),
    Function::new(
        "index_put(Tensor input, Tensor[] indices, Tensor values, bool accumulate=False) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .index_put(&a.tensors("indices")?, a.tensor("values")?, a.bool("accumulate")?)
                .into_value()
        },
    )
    .about("Values written, or added, where indices of the first dimensions point.", "y = x; y[i₀, i₁, …] = v")
    .in_place()
    .units(0.0, 4.0)
    .samples(&[
        "T(3), [I[2, 0]], T(2)",
        "T(2,3), [I[1, 0], I[-1, 1]], T(2)",
        "T(2,3), [I[1]], T(3)",
        "T(2,3), [B[True, False]], T(1,3)",
        "T(3,2).t, [I[2, 2]], T(2,2), True",
        "T(2,3), [B(2,3)], T()",
        "T(2,3), [I(0, 2)], T(1,3)",
        "T(2,3), [I[[0], [1]], I[0, 2]], T(2,2), accumulate=True",
    ])
    .edges(&["T(3), [I[1, 1, 2]], T(3)"])
    .errors(&[
        "T(2,3), [I[5]], T()",
        "T(2,3), [I[0]], T(2,3)",
        "T(2,3), [I[0, 1], I[0, 1, 2]], T()",
        "T(2).f32, [I[0]], T().f64",
        "T(3), [T[0.0]], T()",
        "T(3), [B[True]], T()",
    ]),
    Function::new(
        "put(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
        "torch Tensor",
        |a| {
            (a.tensor("input")?)
                .put(a.tensor("index")?, a.tensor("source")?, a.bool("accumulate")?)
                .into_value()
        },
    )
    .node("PutBackward0")
    .about("Elements written, or added, at positions in row-major order.", "y = x; y[index] = s, flattened")
    .in_place()
    .exact()
    .samples(&[
        "T(4), I[3, 0], T(2)",
        "T(2,3).t, I[[1, -1]], T(2)",
        "T(2,2), I[1, 1, 2], T(3), True",
        "T(2,2), I(0, 2), T(0)",
        "T(), I[0], T(1)",
    ])
    .errors(&[
        "T(2,3), I[9], T(1)",
        "T(2,3), I[0, 1], T(1)",
        "T(3), T[0.0], T(1)",
        "T(2).f32, I[0], T(1).f64",
    ]),
    Function::new("nonzero(Tensor input, *, bool as_tuple=False) -> Tensor", "torch Tensor", |a| {
        let x = a.tensor("input")?;
        if a.bool("as_tuple")? {
            return Value::tuple(x.nonzero_tuple()?);
        }
        x.nonzero().into_value()
    })
    .of(ops::Nonzero::DEF)
    .exact()
    .samples(&[
        "T[0.0, 1.5, 0.0, -2.0]",
        "B(2,3)",
        "B(2,3), as_tuple=True",
        "T()",
        "T(), as_tuple=True",
        "T(0,2)",
        "I(2,3, 2).t",
    ])
    .edges(&["T[nan, -0.0, inf]"]),
    Function::new("argwhere(Tensor input) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.argwhere().into_value()
    })
    .about("The places of elements that are not zero, one row of indices each.", "all (i₀, i₁, …) with x[i₀, i₁, …] ≠ 0")
    .exact()
    .samples(&["T[0.0, 1.5, 0.0, -2.0]", "B(2,3)", "T()", "T(0,2)"]),
];
