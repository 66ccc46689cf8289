//! Tensors from nothing: constants, ranges, random numbers.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, ensure, error};
use crate::{
    Category, DType, Number, Result, Shape, Tensor, arange, eye, linspace, logspace, one_hot,
};

/// The sizes asked for; functions that fill numbers in have a sentence of their own for negative ones.
pub(in crate::ops) fn sizes(a: &Args<'_>) -> Result<Shape> {
    Ok(a.sizes("size")?.into())
}

/// The dtype asked for, or PyTorch's default float.
pub(in crate::ops) fn float(a: &Args<'_>) -> Result<DType> {
    Ok(a.dtype("dtype")?.unwrap_or_else(DType::default_float))
}

/// A new tensor, as a leaf if one was asked for.
pub(in crate::ops) fn made(a: &Args<'_>, t: Result<Tensor>) -> Result<Value> {
    let (t, leaf) = (t?, a.bool("requires_grad")?);
    if leaf && !t.dtype().is_differentiable() {
        return Err(error!(
            DType,
            "Only Tensors of floating point and complex dtype can require gradients"
        ));
    }
    t.requires_grad_(leaf).into_value()
}

/// Zeros of the shape and dtype of a `…_like` function, which lie in memory as its input does.
pub(in crate::ops) fn like(a: &Args<'_>) -> Result<Tensor> {
    let x = a.tensor("input")?;
    x.zeros_like_in(a.dtype("dtype")?.unwrap_or(x.dtype()))
}

/// One number everywhere, as [`like`].
fn filled_like(a: &Args<'_>, value: Number) -> Result<Tensor> {
    let x = a.tensor("input")?;
    x.full_like(value, a.dtype("dtype")?.unwrap_or(x.dtype()))
}

/// Size and dtype of a `new_…` function.
fn newly(a: &Args<'_>) -> Result<(Shape, DType)> {
    let dtype = a.dtype("dtype")?;
    Ok((sizes(a)?, dtype.unwrap_or(a.tensor("input")?.dtype())))
}

/// What a `new_…` function makes: where its tensor lies, unless a device was said.
fn beside(a: &Args<'_>, make: impl FnOnce() -> Result<Tensor>) -> Result<Result<Tensor>> {
    let own = a.tensor("input")?.device();
    let device = pullback_array::creating_on().unwrap_or(own);
    Ok(pullback_array::on_device(device, make))
}

/// The dtype a fill value asks for.
fn of_number(n: Number) -> DType {
    n.default_dtype()
}

/// Nested lists of numbers as a tensor.
fn from_data(data: &Value, dtype: Option<DType>) -> Result<Tensor> {
    if let Value::Tensor(t) = data {
        let t = t.detach();
        return t.to(dtype.unwrap_or(t.dtype()))?.copy();
    }
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    measure(data, &mut shape);
    collect(data, 0, &shape, &mut numbers)?;
    let highest = numbers.iter().map(|n| n.category()).max();
    let dtype = dtype.unwrap_or(match highest {
        Some(Category::Bool) => DType::Bool,
        Some(Category::Integer) => DType::I64,
        _ => DType::default_float(),
    });
    let whole = numbers.iter().all(|n| n.category() != Category::Float);
    // Through the widest type of the kind, so that nothing is rounded twice.
    let wide = if whole {
        let list: Vec<i64> = numbers.into_iter().map(Number::cast).collect();
        Tensor::from_slice(&list, shape)?
    } else {
        let list: Vec<f64> = numbers.into_iter().map(Number::cast).collect();
        Tensor::from_slice(&list, shape)?
    };
    wide.to(dtype)
}

/// The sizes that the first element of each list has.
fn measure(data: &Value, shape: &mut Vec<usize>) {
    if let Value::List(list) = data {
        shape.push(list.len());
        if let Some(first) = list.first() {
            measure(first, shape);
        }
    }
}

fn collect(data: &Value, depth: usize, shape: &[usize], out: &mut Vec<Number>) -> Result<()> {
    match data {
        Value::List(list) => {
            let Some(&want) = shape.get(depth) else {
                bail!(Type, "'list' object cannot be interpreted as an integer");
            };
            ensure!(
                list.len() == want,
                Value,
                "expected sequence of length {want} at dim {depth} (got {})",
                list.len()
            );
            list.iter()
                .try_for_each(|v| collect(v, depth + 1, shape, out))
        }
        Value::Tensor(t) if t.numel() == 1 && depth == shape.len() => {
            out.push(t.number()?);
            Ok(())
        }
        Value::Tensor(_) => Err(error!(
            Value,
            "only one element tensors can be converted to Python scalars"
        )),
        other if depth < shape.len() && other.number().is_some() => {
            Err(error!(Type, "not a sequence"))
        }
        Value::None => Err(error!(Argument, "Could not infer dtype of NoneType")),
        other => match other.number() {
            Some(n) => {
                out.push(n);
                Ok(())
            }
            None => Err(error!(
                Type,
                "new(): invalid data type '{}'",
                other.type_name()
            )),
        },
    }
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "tensor(any data, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, from_data(a.value("data")?, a.dtype("dtype")?)),
    )
    .about("A tensor of the numbers given.", "x")
    .exact()
    .edges(&["[T[2.0].f32, 2]"])
    .samples(&[
        "[1, 2, 3]",
        "[[1.5, 2], [3, 4]]",
        "2.5",
        "True",
        "[True, False]",
        "[]",
        "[[], []]",
        "[1, 2], dtype=float64",
        "[1.5, -1.5], dtype=int64",
        "[True, 2]",
        "[1.0], requires_grad=True",
        "[[[1], [2]]]",
        "[[1], [True], [2.5]]",
    ])
    .errors(&["[[1, 2], [3]]", "[1, [2]]", "[[1], 2]", "[None]", "'a'"]),
    Function::new(
        "zeros(*int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| {
            if a.ints("size")?.iter().any(|&n| n < 0) {
                return Err(error!(Argument, "zeros: Dimension size must be non-negative."));
            }
            made(a, Tensor::zeros(sizes(a)?, float(a)?))
        },
    )
    .about("Zeros.", "0")
    .exact()
    .samples(&[
        "2, 3",
        "(2, 3)",
        "()",
        "0, 2, dtype=int64",
        "3, dtype=bool",
        "2, requires_grad=True",
    ])
    .errors(&["~-1", "~(2, -3)"]),
    Function::new(
        "ones(*int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, Tensor::ones(sizes(a)?, float(a)?)),
    )
    .about("Ones.", "1")
    .exact()
    .samples(&["2, 3", "(2, 3)", "()", "0, 2, dtype=int64", "3, dtype=bool"])
    .errors(&["~-1"]),
    Function::new(
        "empty(*int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, Tensor::zeros(sizes(a)?, float(a)?)),
    )
    .about("Numbers that do not matter; zeros here.", "any")
    .exact()
    .samples(&["0", "(2, 0)", "0, 3, dtype=int64"])
    .errors(&["-1"]),
    Function::new(
        "full(int[] size, number fill_value, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| {
            let value = a.number("fill_value")?;
            let dtype = a.dtype("dtype")?.unwrap_or(of_number(value));
            made(a, Tensor::full(sizes(a)?, value, dtype))
        },
    )
    .about("One number everywhere.", "v")
    .exact()
    .samples(&[
        "(2, 3), 1.5",
        "(2,), 7",
        "(), True",
        "(0, 2), 1.0",
        "(2,), 2.5, dtype=int64",
        "(2,), 1, dtype=float64",
    ])
    .errors(&["~(-1,), 1.0"]),
    Function::new(
        "zeros_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, like(a)),
    )
    .about("Zeros of a tensor's shape and dtype.", "0")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T(), dtype=int64", "T(0,2)", "I(3, 5)"]),
    Function::new(
        "ones_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, filled_like(a, Number::Int(1))),
    )
    .about("Ones of a tensor's shape and dtype.", "1")
    .exact()
    .samples(&["T(2,3)", "T(2,3).t", "T(), dtype=int64", "T(0,2)", "B(3)"]),
    Function::new(
        "empty_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, like(a)),
    )
    .about("Numbers that do not matter, of a tensor's shape and dtype; zeros here.", "any")
    .exact()
    .samples(&["T(0,3)", "T(2,0).t", "T(0), dtype=int64", "I(0, 2)"]),
    Function::new(
        "full_like(Tensor input, number fill_value, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, filled_like(a, a.number("fill_value")?)),
    )
    .about("One number everywhere, in a tensor's shape and dtype.", "v")
    .exact()
    .samples(&["T(2,3), 1.5", "T(2,3).t, 2", "T(), 1.5, dtype=int64", "T(0,2), 1.0", "I(3, 5), 7"]),
    Function::new(
        "new_zeros(Tensor input, *int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "Tensor",
        |a| { let (s, d) = newly(a)?; made(a, beside(a, || Tensor::zeros(s, d))?) },
    )
    .about("Zeros of a tensor's dtype.", "0")
    .exact()
    .samples(&["T(2), 2, 3", "I(2, 5), (2,)", "T(2), ()", "T(2), 0, dtype=bool"]),
    Function::new(
        "new_ones(Tensor input, *int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "Tensor",
        |a| { let (s, d) = newly(a)?; made(a, beside(a, || Tensor::ones(s, d))?) },
    )
    .about("Ones of a tensor's dtype.", "1")
    .exact()
    .samples(&["T(2), (2, 3)", "I(2, 5), (2,)", "T(2), ()", "T(2), (0,), dtype=bool"]),
    Function::new(
        "new_empty(Tensor input, *int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "Tensor",
        |a| { let (s, d) = newly(a)?; made(a, beside(a, || Tensor::zeros(s, d))?) },
    )
    .about("Numbers that do not matter, of a tensor's dtype; zeros here.", "any")
    .exact()
    .samples(&["T(2), 0, 3", "I(2, 5), (0,)", "T(2), 2, 0", "T(2), 0, dtype=bool"]),
    Function::new(
        "new_full(Tensor input, int[] size, number fill_value, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "Tensor",
        |a| { let (s, d) = newly(a)?; made(a, beside(a, || Tensor::full(s, a.number("fill_value")?, d))?) },
    )
    .about("One number everywhere, in a tensor's dtype.", "v")
    .exact()
    .samples(&[
        "T(2), (2, 3), 1.5",
        "I(2, 5), (2,), 3",
        "T(2), (), 2",
        "T(2), (0,), 1, dtype=int64",
    ]),
    Function::new(
        "new_tensor(Tensor input, any data, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "Tensor",
        |a| {
            let dtype = a.dtype("dtype")?.unwrap_or(a.tensor("input")?.dtype());
            made(a, from_data(a.value("data")?, Some(dtype)))
        },
    )
    .about("A tensor of the numbers given, in a tensor's dtype.", "x")
    .exact()
    .samples(&["T(2), [1, 2]", "I(2, 5), [1.5, 2.5]", "T(2), 3", "T(2), [[1], [2]], dtype=int64"]),
    Function::new(
        "arange(number end, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, arange(0i64, a.number("end")?, 1i64, a.dtype("dtype")?)),
    )
    .about("The numbers from 0 on.", "0, 1, 2, … < end")
    .exact()
    .samples(&["5", "0", "3.5", "4, dtype=float64", "4, dtype=int32"])
    .errors(&["-1", "inf"]),
    Function::new(
        "arange(number start, number end, number step=1, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, arange(a.number("start")?, a.number("end")?, a.number("step")?, a.dtype("dtype")?)),
    )
    .about("Numbers at equal distances.", "start, start + step, … < end")
    .exact()
    .samples(&[
        "1, 6",
        "1, 6, 2",
        "0.0, 1.0, 0.1",
        "5, 0, -2",
        "1.5, 20.0, 0.3",
        "1.5, 20.0, 0.3, dtype=float64",
        "0.5, 3.7, dtype=int64",
        "2, 2",
        "0, 10, 3, dtype=float32",
        "-1.0, 1.0, 0.25",
        "0, 7, 0.5",
        "0.1, 30.0, 0.3",
        "0.3, 7.0, 0.7, dtype=int32",
    ])
    .errors(&["0, 1, 0", "1, 0, 1", "0, 1, -1", "0, inf"]),
    Function::new(
        "linspace(number start, number end, int steps, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, linspace(a.number("start")?, a.number("end")?, a.int("steps")?, a.dtype("dtype")?)),
    )
    .about("Numbers at equal distances, both ends included.", "start + i·(end - start)/(steps - 1)")
    .exact()
    .samples(&[
        "0, 1, 5",
        "-3.3, 9.1, 33",
        "-3.3, 9.1, 33, dtype=float64",
        "0.0, 1.0, 100",
        "2, 5, 1",
        "1, 2, 0",
        "0, 10, 7, dtype=int64",
        "5, -5, 4",
        "0.3, 7.7, steps=23, dtype=float64",
    ])
    .errors(&["0, 1, -1"]),
    Function::new(
        "logspace(number start, number end, int steps, float base=10.0, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, logspace(a.number("start")?, a.number("end")?, a.int("steps")?, a.float("base")?, a.dtype("dtype")?)),
    )
    .about("Powers of a base, the exponents at equal distances.", "base^(start + i·(end - start)/(steps - 1))")
    .units(2.0, 0.0)
    .samples(&[
        "0, 1, 5",
        "-3.3, 9.1, 33, dtype=float64",
        "0.0, 1.0, 20",
        "2, 5, 1",
        "1, 2, 0",
        "0, 4, 5, 2.0",
        "0, 3, 4, 10.0, dtype=int64",
    ])
    .errors(&["0, 1, -1"]),
    Function::new(
        "eye(int n, int? m=None, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, eye(a.int("n")?, a.int_opt("m")?.map(Into::into), float(a)?)),
    )
    .about("Ones on the diagonal, zeros elsewhere.", "1 if i = j else 0")
    .exact()
    .samples(&["3", "2, 3", "3, 2", "0", "2, dtype=bool", "2, 2, dtype=int64"])
    .errors(&["-1", "2, -1"]),
    Function::new(
        "one_hot(Tensor input, int num_classes=-1) -> Tensor",
        "nn.functional",
        |a| one_hot(a.tensor("input")?, a.int("num_classes")?).into_value(),
    )
    .about("Class numbers as rows of zeros with a one in their place.", "yₖ = 1 if k = x else 0")
    .exact()
    .samples(&["I[0, 2, 1]", "I[[0, 2], [1, 1]], 4", "I(0, 2), 3", "I[1], num_classes=2"])
    .errors(&["T(2)", "I[-1]", "I[3], 2", "I(0, 2)"]),
];
