//! Products of matrices and vectors. Diagonals and triangles are in `diagonal`.

use super::older;
use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::{bail, error};
use crate::ops::{self, bilinear, einsum, multi_dot};
use crate::{Number, Result, Tensor};

fn two(a: &Args<'_>, other: &str, f: fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Value> {
    f(a.tensor("input")?, a.tensor(other)?).into_value()
}

type Added = fn(&Tensor, &Tensor, &Tensor, Number, Number) -> Result<Tensor>;

fn added(a: &Args<'_>, first: &str, second: &str, f: Added) -> Result<Value> {
    let (beta, alpha) = (a.number("beta")?, a.number("alpha")?);
    f(
        a.tensor("input")?,
        a.tensor(first)?,
        a.tensor(second)?,
        beta,
        alpha,
    )
    .into_value()
}

/// The two lists of dimensions of a tensordot: given, or the last and first so many.
fn pairs(a: &Args<'_>) -> Result<(Vec<i64>, Vec<i64>)> {
    let ints = |v: &Value| -> Result<Vec<i64>> {
        match v {
            Value::Int(i) => Ok(vec![*i]),
            Value::List(list) => Ok(list
                .iter()
                .filter_map(|v| match v {
                    Value::Int(i) => Some(*i),
                    _ => None,
                })
                .collect()),
            _ => Err(error!(
                Shape,
                "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists"
            )),
        }
    };
    let (x, y) = (a.tensor("a")?, a.tensor("b")?);
    match a.value("dims")? {
        Value::List(list) if list.len() == 2 => Ok((ints(&list[0])?, ints(&list[1])?)),
        Value::Int(n) if *n < 0 => Err(error!(
            Shape,
            "tensordot expects dims >= 0, but got dims={n}"
        )),
        Value::Int(n) if *n > x.ndim().min(y.ndim()) as i64 => Err(error!(
            Shape,
            "tensordot expects dims < ndim_a or ndim_b, but got dims={n}"
        )),
        Value::Int(n) => Ok(((-n..0).collect(), (0..*n).collect())),
        _ => Err(error!(
            Shape,
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists"
        )),
    }
}

fn chain_matmul(a: &Args<'_>) -> Result<Value> {
    let matrices = a.tensors("matrices")?;
    for m in &matrices {
        if m.ndim() != 2 {
            let n = m.ndim();
            bail!(Shape, "Tensor dimension is {n}, expected 2 instead.");
        }
    }
    match &matrices[..] {
        [one] => (*one).clone().into_value(),
        _ => multi_dot(&matrices).into_value(),
    }
}

/// A product of matrices with a bias is one operation in PyTorch; more dimensions are folded into one and shaped back.
fn linear_node(a: &Args<'_>) -> Result<&'static str> {
    let (x, w) = (a.tensor("input")?, a.tensor("weight")?);
    let bias = a.tensor_opt("bias")?.map(Tensor::ndim);
    Ok(match (x.ndim(), w.ndim(), bias) {
        (2, 2, Some(_)) => "AddmmBackward0",
        (_, 2, Some(1)) => "UnsafeViewBackward0",
        (_, _, Some(_)) => "AddBackward0",
        _ => "",
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("matmul(Tensor input, Tensor other) -> Tensor", "torch Tensor linalg", |a| two(a, "other", Tensor::matmul))
        .of(ops::Matmul::DEF)
        .samples(&[
            "T(2,3), T(3,4)",
            "T(2,3), T(3)",
            "T(3), T(3,2)",
            "T(4), T(4)",
            "T(2,2,3), T(3,2)",
            "T(2,2,3), T(2,3,2)",
            "T(2,1,2,3), T(3,3,2)",
            "T(3), T(2,3,2)",
            "T(2,2,3), T(3)",
            "T(3,2).t, T(2,4).t",
            "T(2,0), T(0,3)",
            "T(0,2), T(2,3)",
            "T(0), T(0)",
            "I(2,3, 5), I(3,2, 5)",
            "T(2,2,3).t, T(3,2).t",
        ])
        .edges(&["T[[inf, 1.0]], T[[0.0], [1.0]]", "T[[nan, 1.0]], T[[0.0], [1.0]]"])
        .errors(&[
            "T(2,3), T(2,3)",
            "T(2,3), T(2)",
            "T(2), T(3)",
            "T(), T(2)",
            "T(2), T()",
            "T(2,2,3), T(2,2,3)",
            "T(2,2,3), T(3,3,2)",
            "T(2,3), I(3,2, 5)",
            "B(2), B(2)",
            "B(2,2), B(2,2)",
            "B(2,2), B(2)",
            "T(3), I(3, 5)",
        ]),
    Function::new("mm(Tensor input, Tensor mat2) -> Tensor", "torch Tensor", |a| two(a, "mat2", Tensor::mm))
        .about("Product of two matrices.", "A B")
        .samples(&["T(2,3), T(3,4)", "T(3,2).t, T(2,3)", "T(0,3), T(3,2)", "T(2,0), T(0,3)", "I(2,2, 5), I(2,2, 5)", "T(1,1), T(1,1)", "T(5,7), T(7,6)"])
        .errors(&["T(2,3), T(2,3)", "T(3), T(3,2)", "T(2,3), T(3)", "T(2,3), I(3,2, 5)", "B(2,3), B(3,2)"]),
    Function::new("bmm(Tensor input, Tensor mat2) -> Tensor", "torch Tensor", |a| two(a, "mat2", Tensor::bmm))
        .node("BmmBackward0")
    .about("Products of two stacks of matrices.", "Aₖ Bₖ")
        .samples(&["T(2,2,3), T(2,3,2)", "T(2,2,3).t, T(2,3,1)", "T(0,2,3), T(0,3,2)", "T(2,2,0), T(2,0,2)", "I(2,2,2, 5), I(2,2,2, 5)", "T(1,3,4), T(1,4,2)"])
        .errors(&["T(2,3), T(2,3,2)", "T(2,2,3), T(2,3)", "T(2,2,3), T(3,3,2)", "T(2,2,3), T(2,2,2)", "T(2,2,3), I(2,3,2, 5)"]),
    Function::new("mv(Tensor input, Tensor vec) -> Tensor", "torch Tensor", |a| two(a, "vec", Tensor::mv))
        .about("Product of a matrix and a vector.", "A x")
        .samples(&["T(2,3), T(3)", "T(4,3).t, T(3)", "T(0,3), T(3)", "T(2,0), T(0)", "I(2,3, 5), I(3, 5)"])
        .errors(&["T(2,3), T(2)", "T(2,3), T(3,1)", "T(3), T(3)", "T(2,3), I(3, 5)"]),
    Function::new("dot(Tensor input, Tensor tensor) -> Tensor", "torch Tensor", |a| two(a, "tensor", Tensor::dot))
        .about("Sum of the products of two vectors' elements.", "Σ aᵢbᵢ")
        .samples(&["T(4), T(4)", "T(1), T(1)", "T(0), T(0)", "I(5, 9), I(5, 9)", "T(40), T(40)"])
        .errors(&["T(3), T(2)", "T(3,1), T(3)", "T(3), I(3, 5)", "B(3), B(3)"]),
    Function::new("vdot(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| two(a, "other", Tensor::vdot))
        .node("VdotBackward0")
    .about("Sum of the products of two vectors' elements; nothing is conjugated for real numbers.", "Σ aᵢbᵢ")
        .samples(&["T(4), T(4)", "T(1), T(1)", "T(0), T(0)", "I(5, 9), I(5, 9)"])
        .errors(&["T(3), T(2)", "T(3), T(3,1)", "T(3), I(3, 5)"]),
    Function::new("inner(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| two(a, "other", Tensor::inner))
        .node_by(|a| Ok(match (a.tensor("input")?.ndim(), a.tensor("other")?.ndim()) { (0, _) | (_, 0) => "MulBackward0", _ => "ViewBackward0" }))
    .about("Sums of products over the last dimensions of both.", "Σₖ a[…, k] b[…, k]")
        .samples(&["T(2,3), T(4,3)", "T(3), T(3)", "T(2,3), T(3)", "T(2,2,3), T(2,3).t", "T(), T(2,3)", "T(2), T()", "T(0), T(0)", "I(2,3, 5), I(2,3, 5)"])
        .errors(&["T(2,3), T(2,2)", "T(3), T(2)", "T(2,3), I(3, 5)"]),
    Function::new("outer(Tensor input, Tensor vec2) -> Tensor", "torch Tensor torch:ger Tensor:ger", |a| two(a, "vec2", Tensor::outer))
        .of(ops::Outer::DEF)
        .exact()
        .samples(&["T(2), T(3)", "T(1), T(4)", "T(0), T(3)", "T(3), I(2, 5)", "I(2, 5), I(3, 5)", "B(2), B(3)"])
        .errors(&["T(2,3), T(3)", "T(3), T(2,3)"]),
    Function::new("einsum(str equation, *Tensor[] operands) -> Tensor", "torch", |a| {
        einsum(a.str("equation")?, &a.tensors("operands")?).into_value()
    })
    .about("Sums of products by letters, in Einstein's notation.", "Σ over letters that are not in the output of the products of elements")
    .samples(&[
        "'ij,jk->ik', T(2,3), T(3,4)",
        "'ij,jk', T(2,3), T(3,2)",
        "'ii->i', T(3,3)",
        "'ii', T(3,3)",
        "'...ij,...jk->...ik', T(2,2,3), T(3,2)",
        "'i...->...', T(2,3)",
        "' i j -> j i', T(2,3)",
        "'ij,k->', T(2,3), T(2)",
        "'b...,b...->b...', T(2,3,1), T(2,1,2)",
        "'...,...', T(2,3), T(2,1,3)",
        "'bk,...k->...b', T(2,3), T(2,2,3)",
        "'ij,ij->ij', T(2,1), T(2,3)",
        "'ij,jk,kl->il', T(2,3), T(3,2), T(2,2)",
        "'bn,knm,bm->bk', T(2,3), T(2,3,2), T(2,2)",
        "'...ii->...i', T(2,2,2)",
        "'i,i->', I(3, 5), I(3, 5)",
        "'ij,j->i', T(2,0), T(0)",
        "'i,->i', T(3), T()",
        "',->', T(), T()",
        "'Xi', T(2,3)",
        "'iX,Xi', T(2,3), T(3,2)",
        "'ii,ii->i', T(2,2), T(2,2)",
        "'ij,kj->ik', T(2,1), T(2,3)",
        "'ij->...ij', T(3,2).t",
        "'a...b->b...a', T(2,1,2,3)",
        "'i,j->ij', B(2), B(3)",
        "'ij,jk', [T(2,3), T(3,2)]",
        "'bij,bjk->bik', T(2,2,3), T(2,3,2)",
        "'bhid,bhjd->bhij', T(1,2,2,3), T(1,2,3,3)",
        "'ijk->', T(2,1,3)",
    ])
    .errors(&[
        "'ii->i', T(3,4)",
        "'ij,jk->ik', T(2,3), T(2,4)",
        "'ij->ijk', T(2,3)",
        "'ij->ii', T(2,3)",
        "'ij', T(2)",
        "'i', T(2,3)",
        "'ij,jk', T(2,3)",
        "'ij', T(2,3), T(3)",
        "'i1', T(2,3)",
        "'i.j', T(2,3)",
        "'...i...', T(2,3)",
        "'i->i->i', T(2)",
        "'ij,jk', T(2,3), I(3,2, 5)",
        "'i...', T()",
        "'ij->j.', T(2,3)",
        "'ij->j....', T(2,3)",
        "'', T(2)",
        "'i,i', T(2), T(3)",
    ]),
    Function::new("addmm(Tensor input, Tensor mat1, Tensor mat2, *, number beta=1, number alpha=1) -> Tensor", "torch Tensor", |a| added(a, "mat1", "mat2", Tensor::addmm))
        .node("AddmmBackward0")
    .in_place()
    .about("A product of matrices added to something.", "beta·input + alpha·(A B)")
        .samples(&["T(2,4), T(2,3), T(3,4)", "T(2,2), T(2,3), T(3,2), beta=2, alpha=0.5", "T(2), T(2,3), T(3,2)", "T(1,1), T(2,3).t, T(3,2)", "T(), T(2,3), T(3,2)", "I(2,2, 5), I(2,3, 5), I(3,2, 5), alpha=2", "T(2,2), T(2,0), T(0,2)", "I(2,2, 5), I(2,3, 5), I(3,2, 5), beta=1.5"])
        .edges(&["T[nan], T(2,3), T(3,2), beta=0", "T[inf], T(2,3), T(3,2), beta=0.0, alpha=2"])
        .errors(&["T(3), T(2,3), T(3,2)", "T(2), T(2,3), T(2,3)", "T(2,2), T(3), T(3,2)", "T(2,2), T(2,3), T(3)", "I(2,2, 5), T(2,3), T(3,2)", "T(2,2), T(2,3), I(3,2, 5)", "B(2,2), B(2,3), B(3,2)", "~T(2,2,2), T(2,3), T(3,2)"]),
    Function::new("addmv(Tensor input, Tensor mat, Tensor vec, *, number beta=1, number alpha=1) -> Tensor", "torch Tensor", |a| added(a, "mat", "vec", Tensor::addmv))
        .node("AddmvBackward0")
    .in_place()
    .about("A product of a matrix and a vector added to something.", "beta·input + alpha·(A x)")
        .samples(&["T(2), T(2,3), T(3)", "T(2), T(2,3).t, T(3), beta=2, alpha=-0.5", "T(1), T(2,3), T(3)", "T(), T(2,3), T(3)", "I(2, 5), I(2,3, 5), I(3, 5)", "T(2), T(2,0), T(0)"])
        .edges(&["T[nan, 1.0], T(2,3), T(3), beta=0"])
        .errors(&["T(3), T(2,3), T(3)", "T(2), T(2,3), T(2)", "T(2), T(2,3), T(3,1)", "T(2,2), T(2,3), T(3)", "I(2, 5), T(2,3), T(3)"]),
    Function::new("addbmm(Tensor input, Tensor batch1, Tensor batch2, *, number beta=1, number alpha=1) -> Tensor", "torch Tensor", |a| added(a, "batch1", "batch2", Tensor::addbmm))
        .node("AddbmmBackward0")
    .in_place()
    .about("The sum of products of two stacks of matrices added to something.", "beta·input + alpha·Σₖ Aₖ Bₖ")
        .samples(&["T(2,2), T(2,2,3), T(2,3,2)", "T(2,2), T(2,2,3), T(2,3,2), beta=0.5, alpha=2", "T(2), T(2,2,3).t, T(2,3,2)", "T(), T(1,2,3), T(1,3,2)", "T(2,2), T(0,2,3), T(0,3,2)"])
        .edges(&["T[nan], T(2,2,3), T(2,3,2), beta=0"])
        .errors(&["T(2,2), T(2,2,3), T(3,3,2)", "T(2,2), T(2,2,3), T(2,2,2)", "T(2,2), T(2,3), T(2,3,2)", "T(2,2), T(2,2,3), T(2,2)", "T(3,2), T(2,2,3), T(2,3,2)", "I(2,2, 5), T(2,2,3), T(2,3,2)"]),
    Function::new("baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, number beta=1, number alpha=1) -> Tensor", "torch Tensor", |a| added(a, "batch1", "batch2", Tensor::baddbmm))
        .node("BaddbmmBackward0")
    .in_place()
    .about("Products of two stacks of matrices added to something.", "beta·inputₖ + alpha·Aₖ Bₖ")
        .samples(&["T(2,2,2), T(2,2,3), T(2,3,2)", "T(2,2,2), T(2,2,3), T(2,3,2), beta=0.5, alpha=2", "T(2), T(2,2,3).t, T(2,3,2)", "T(), T(1,2,3), T(1,3,2)", "T(2,2), T(0,2,3), T(0,3,2)"])
        .edges(&["T[nan], T(2,2,3), T(2,3,2), beta=0"])
        .errors(&["T(3,2), T(2,2,3), T(2,3,2)", "T(2), T(2,2,3), T(3,3,2)", "T(2), T(2,3), T(3,3,2)", "T(2), T(2,2,3), T(3,2)", "T(2), T(2,2,3), T(2,2,2)", "I(2, 5), T(2,2,3), T(2,3,2)"]),
    Function::new("addr(Tensor input, Tensor vec1, Tensor vec2, *, number beta=1, number alpha=1) -> Tensor", "torch Tensor", |a| added(a, "vec1", "vec2", Tensor::addr))
        .node("AddrBackward0")
    .in_place()
    .about("All products of two vectors' elements added to something.", "beta·input + alpha·(a bᵀ)")
        .samples(&["T(2,3), T(2), T(3)", "T(2,3), T(2), T(3), beta=0.5, alpha=2", "T(3), T(2), T(3)", "T(), T(2), T(3)", "I(3, 5), T(2), T(3)", "B(3), B(2), B(3)", "I(2,3, 5), I(2, 5), I(3, 5), alpha=2"])
        .edges(&["T[nan], T(2), T(3), beta=0"])
        .errors(&["T(4), T(2), T(3)", "T(3), T(2,1), T(3)", "T(3), T(2), T(3,1)", "I(3, 5), I(2, 5), I(3, 5), alpha=0.5", "I(3, 5), I(2, 5), I(3, 5), beta=0.5"]),
    Function::new("tensordot(Tensor a, Tensor b, any dims=2) -> Tensor", "torch", |a| {
        let (first, second) = pairs(a)?;
        a.tensor("a")?.tensordot(a.tensor("b")?, &first, &second).into_value()
    })
    .node("ViewBackward0")
    .about("Sums of products over pairs of dimensions.", "Σ a[…, k, l] b[k, l, …]")
    .samples(&["T(2,3), T(3,2), 1", "T(2,2,3), T(2,3,2)", "T(2,3), T(3,2), ([1], [0])", "T(2,3), T(3,2), ([1, 0], [0, 1])", "T(2,3), T(2), 0", "T(2,1), T(3,2), ([1], [0])", "T(2,3), T(1,2), ([1], [0])", "T(3,2).t, T(2,3), ([-1], [-2])", "T(2,0), T(0,2), 1", "T(), T(), 0"])
    .errors(&["T(2,3), T(2,2), 1", "T(2,3), T(3,2), -1", "T(2,3), T(3,2), 3", "T(2,3), T(3,2), ([1, 0], [0])", "T(2,3), T(3,2), ([1, 1], [0, 0])", "T(2,3), T(3,2), ([5], [0])", "T(2,3), I(3,2, 5), 1"]),
    Function::new("kron(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| two(a, "other", Tensor::kron))
        .node("UnsafeViewBackward0")
    .about("Kronecker product: every element of the first times the whole second.", "y[i·m + k, j·n + l] = a[i, j] b[k, l]")
        .exact()
        .samples(&["T(2,2), T(3)", "T(2), T(2,3)", "T(3,2), T(1,2)", "T(), T(3)", "T(2), I(3, 5)", "T(0,2), T(2,2)"]),
    Function::new("chain_matmul(*Tensor[] matrices) -> Tensor", "torch", chain_matmul)
        .warns(older::chain_matmul)
        .about("Product of several matrices in the order that takes the fewest multiplications.", "A B C …")
        .samples(&["T(2,3)", "T(2,3), T(3,2)", "T(2,3), T(3,2), T(2,4)", "T(4,1), T(1,5), T(5,2), T(2,3)"])
        .errors(&["T(3), T(3,2)", "T(2,3), T(2,3)"]),
    Function::new("multi_dot(Tensor[] tensors) -> Tensor", "linalg", |a| multi_dot(&a.tensors("tensors")?).into_value())
        .about("Product of several matrices in the order that takes the fewest multiplications; the ends may be vectors.", "A B C …")
        .samples(&["[T(2,3), T(3,2)]", "[T(3), T(3,2), T(2)]", "[T(2,3), T(3,2), T(2)]", "[T(4,1), T(1,5), T(5,2), T(2,3)]", "[T(3,2).t, T(2,2)]", "[T(2), T(2)]"])
        .errors(&["[T(2,3)]", "[T(2,3), T(2,3)]", "[T(2,3), T(3), T(3,2)]", "[T(2,3,1), T(3,2)]", "[T(2,3), T(3,2,1)]", "[T(2,3), I(3,2, 5)]"]),
    Function::new("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", "nn.functional", |a| {
        a.tensor("input")?.linear(a.tensor("weight")?, a.tensor_opt("bias")?).into_value()
    })
    .of(ops::Linear::DEF)
    .node_by(linear_node)
    .about("An affine map of the last dimension.", "x Wᵀ + b")
    .samples(&["T(2,3), T(4,3)", "T(2,3), T(4,3), T(4)", "T(2,2,3), T(4,3), T(4)", "T(3), T(4,3), T(4)", "T(3), T(3)", "T(2,3), T(3)", "T(2,3).t, T(4,3), T(1)", "T(2,3), T(4,3), T(2,1)", "T(0,3), T(4,3), T(4)", "T(2,0), T(4,0), T(4)", "T(2,2,3), T(4,3), T(2,2,4)", "T(2,2,3), T(3)"])
    .errors(&["T(2,3), T(4,2)", "T(2,3), T(4,3), T(3)", "T(2,3), I(4,3, 5)", "T(2,2,3), T(4,2)", "T(2,3), T(2,4,3)", "T(2,2,3), T(4,2), T(4)", "T(2,3), T(3), T(1)", "T(2,2,3), T(4,3), I(4, 5)"]),
    Function::new("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor", "nn.functional torch", |a| {
        bilinear(a.tensor("input1")?, a.tensor("input2")?, a.tensor("weight")?, a.tensor_opt("bias")?).into_value()
    })
    .about("A form linear in each of two inputs.", "Σᵢⱼ x₁ᵢ Wₒᵢⱼ x₂ⱼ + bₒ")
    .samples(&["T(2,3), T(2,2), T(2,3,2)", "T(2,3), T(2,2), T(2,3,2), T(2)", "T(3), T(2), T(2,3,2), T(2)", "T(2,2,3), T(2,2,1), T(2,3,1), T(2)", "T(0,3), T(0,2), T(2,3,2)"])
    .errors(&["T(2,3), T(3,4), T(5,3,4)", "T(2,3), T(2,4), T(5,2,4)", "T(2,3), T(2,4), T(5,3,3)", "T(2,3), T(2,4), T(5,3,4), T(4)", "T(2,2,3), T(2,4), T(5,3,4)"]),
    Function::new("cross(Tensor input, Tensor other, int? dim=None) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.cross(a.tensor("other")?, a.int_opt("dim")?).into_value()
    })
    .warns(older::cross)
    .about("Cross product of vectors of three elements, along the first dimension of size 3 unless one is given.", "a × b")
    .exact()
    .samples(&["T(3), T(3)", "T(2,3), T(2,3)", "T(3,2), T(3,2)", "T(3,2).t, T(3,2), 0", "T(2,3), T(1,3), dim=1", "T(0,3), T(0,3)", "I(3, 5), I(3, 5)"])
    .errors(&["T(2,2), T(2,2)", "T(3), T(1,3)", "T(2,3), T(4,3), 1"]),
    Function::new("cross(Tensor input, Tensor other, *, int dim=-1) -> Tensor", "linalg", |a| {
        a.tensor("input")?.cross(a.tensor("other")?, a.int("dim")?).into_value()
    })
    .of(ops::Cross::DEF)
    .exact()
    .samples(&["T(3), T(3), dim=0", "T(2,3), T(2,3), dim=-1", "T(1,3), T(2,3)", "T(3,2), T(3,2), dim=0"])
    .errors(&["T(3), T(2,3)", "T(2), T(2)", "T(2,3), T(3,2)", "T(2,3), T(2,3), dim=0", "T(3).f64, I(3, 5)"]),
];
