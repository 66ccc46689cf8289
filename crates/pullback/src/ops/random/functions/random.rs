//! Random tensors: uniform, normal, integers, permutations.

use crate::call::{Args, Function};
use crate::ops::create::functions::create::{float, like, made, sizes};
use crate::{DType, Result, Shape, Tensor, rand, randint, randn, randperm};

/// A tensor like the input: made at once where that lies row by row, else filled in the order in which it lies.
fn like_in_order(
    a: &Args<'_>,
    make: impl FnOnce(Shape, DType) -> Result<Tensor>,
    fill: impl FnOnce(&Tensor) -> Result<()>,
) -> Result<Tensor> {
    let x = a.tensor("input")?;
    if x.is_contiguous() {
        let dtype = a.dtype("dtype")?.unwrap_or(x.dtype());
        let device = pullback_array::creating_on().unwrap_or(x.device());
        return pullback_array::on_device(device, || make(x.shape().clone(), dtype));
    }
    let out = like(a)?;
    fill(&out)?;
    Ok(out)
}

fn integers_like(a: &Args<'_>, low: i64) -> Result<Tensor> {
    let high = a.int("high")?;
    like_in_order(
        a,
        |shape, dtype| randint(low, high, shape, dtype),
        |x| x.random_(Some(low), Some(high)),
    )
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "rand(*int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, rand(sizes(a)?, float(a)?)),
    )
    .about("Numbers drawn evenly from [0, 1).", "U(0, 1)")
    .exact()
    .random()
    .samples(&["2, 3", "(4,)", "()", "0", "20", "3, dtype=float64"])
    .errors(&["-1", "2, dtype=int64"]),
    Function::new(
        "randn(*int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, randn(sizes(a)?, float(a)?)),
    )
    .about("Numbers drawn from the standard normal distribution.", "N(0, 1)")
    .exact()
    .random()
    .samples(&["2, 3", "(4,)", "()", "0", "20", "3, 7", "3, dtype=float64", "17, dtype=float64"])
    .errors(&["-1", "2, dtype=int64"]),
    Function::new(
        "randint(int high, int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, randint(0, a.int("high")?, sizes(a)?, a.dtype("dtype")?.unwrap_or(DType::I64))),
    )
    .about("Integers drawn evenly.", "U{0, …, high - 1}")
    .exact()
    .random()
    .samples(&[
        "10, (2, 3)",
        "5, (4,), dtype=float32",
        "2, (), dtype=int32",
        "7, (0,)",
        "100, (3,), dtype=uint8",
    ])
    .errors(&["0, (2,)", "300, (2,), dtype=uint8"]),
    Function::new(
        "randint(int low, int high, int[] size, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, randint(a.int("low")?, a.int("high")?, sizes(a)?, a.dtype("dtype")?.unwrap_or(DType::I64))),
    )
    .about("Integers drawn evenly from a range.", "U{low, …, high - 1}")
    .exact()
    .random()
    .samples(&[
        "3, 10, (2, 3)",
        "-5, 5, (4,), dtype=float64",
        "0, 2, (3,), dtype=bool",
        "1, 2, ()",
        "-10000000000, 10000000000, (3,)",
    ])
    .errors(&["5, 5, (2,)", "5, 3, (2,)"]),
    Function::new(
        "randperm(int n, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, randperm(a.int("n")?, a.dtype("dtype")?.unwrap_or(DType::I64))),
    )
    .about("The numbers below n in random order.", "a permutation of 0, …, n - 1")
    .exact()
    .random()
    .samples(&["10", "1", "0", "5, dtype=int32", "6, dtype=float32"])
    .errors(&["-1"]),
    Function::new(
        "rand_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, like_in_order(a, rand, |x| x.uniform_(0.0, 1.0))),
    )
    .about("Numbers drawn evenly from [0, 1), in a tensor's shape and dtype.", "U(0, 1)")
    .exact()
    .random()
    .samples(&["T(2,3)", "T()", "T(0,2)", "I(3, 5), dtype=float32"])
    .errors(&["I(3, 5)"]),
    Function::new(
        "randn_like(Tensor input, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, like_in_order(a, randn, |x| x.normal_(0.0, 1.0))),
    )
    .about("Numbers drawn from the standard normal distribution, in a tensor's shape and dtype.", "N(0, 1)")
    .exact()
    .random()
    .samples(&["T(2,3)", "T()", "T(4,5)", "I(3, 5), dtype=float32"])
    .errors(&["I(3, 5)"]),
    Function::new(
        "randint_like(Tensor input, int high, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, integers_like(a, 0)),
    )
    .about("Integers drawn evenly, in a tensor's shape and dtype.", "U{0, …, high - 1}")
    .exact()
    .random()
    .samples(&["T(2,3), 10", "I(4, 5), 3", "T(), 5", "T(3), 9, dtype=int64"]),
    Function::new(
        "randint_like(Tensor input, int low, int high, *, dtype? dtype=None, bool requires_grad=False) -> Tensor",
        "torch",
        |a| made(a, integers_like(a, a.int("low")?)),
    )
    .about("Integers drawn evenly from a range, in a tensor's shape and dtype.", "U{low, …, high - 1}")
    .exact()
    .random()
    .samples(&["T(2,3), 2, 10", "I(4, 5), -3, 3", "T(), 1, 5", "T(3), 0, 9, dtype=int64"]),
];
