//! Triangular and orthogonal factors of matrices, and what is solved with them.

use super::older;
use super::solve::none_failed;
use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::{bail, ensure};
use crate::ops;
use crate::ops::linalg::qr::QrMode;
use crate::ops::linalg::{cholesky, lu};
use crate::{Result, Tensor};
use std::panic::Location;

/// Pivoting is not left out on the CPU.
fn pivoted(a: &Args<'_>) -> Result<()> {
    ensure!(
        a.bool("pivot")?,
        Argument,
        "linalg.lu_factor: LU without pivoting is not implemented on the CPU"
    );
    Ok(())
}

fn cholesky_ex(a: &Args<'_>) -> Result<Value> {
    let (x, upper) = (a.tensor("input")?, a.bool("upper")?);
    let checked = a.bool("check_errors")?.then_some("linalg.cholesky_ex");
    let made = x.cholesky_with(upper, checked, Location::caller())?;
    let info = match checked {
        Some(_) => none_failed(x)?,
        None => cholesky::definiteness(x, upper)?,
    };
    Value::tuple([made, info])
}

fn lu_factor_ex(a: &Args<'_>) -> Result<Value> {
    pivoted(a)?;
    let checked = a
        .bool("check_errors")?
        .then_some("torch.linalg.lu_factor_ex");
    let (packed, pivots) =
        (a.tensor("A")?).lu_factor_with("torch.lu_factor", checked, Location::caller())?;
    let info = lu::zero_pivots(&packed)?;
    Value::tuple([packed, pivots, info])
}

/// `torch.lu`, which gives the third result where it is asked for.
fn lu_with_infos(a: &Args<'_>) -> Result<Value> {
    pivoted(a)?;
    let x = a.tensor("A")?;
    let (packed, pivots) = x.lu_factor_with("torch.lu_factor", None, Location::caller())?;
    match a.bool("get_infos")? {
        true => {
            let info = lu::zero_pivots(&packed)?;
            Value::tuple([packed, pivots, info])
        }
        false => Value::tuple([packed, pivots]),
    }
}

fn lu_unpack(a: &Args<'_>) -> Result<Value> {
    let (packed, pivots) = (a.tensor("LU_data")?, a.tensor("LU_pivots")?);
    let nothing = || Tensor::zeros([0], packed.dtype());
    // Asked for first: its errors are those of both.
    let p = match a.bool("unpack_pivots")? {
        true => lu::permutation(packed, pivots)?,
        false => nothing()?,
    };
    let (l, u) = match a.bool("unpack_data")? {
        true => lu::unpacked(packed)?,
        false => (nothing()?, nothing()?),
    };
    Value::tuple([p, l, u])
}

fn qr(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("A")?;
    let mode = match a.str("mode")? {
        "reduced" => QrMode::Reduced,
        "complete" => QrMode::Complete,
        "r" => QrMode::R,
        other => bail!(
            Argument,
            "qr received unrecognized mode '{other}' but expected one of 'reduced' (default), 'r', or 'complete'"
        ),
    };
    let (q, r) = x.qr(mode)?;
    Value::tuple([q, r])
}

fn ldl_factor_ex(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let checked = (a.bool("check_errors")?).then_some("torch.linalg.ldl_factor_ex");
    let (factors, pivots) = x.ldl_factor_with(checked, Location::caller())?;
    let info = match checked {
        Some(_) => none_failed(x)?,
        None => ops::linalg::ldl::zero_blocks(x)?,
    };
    Value::tuple([factors, pivots, info])
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("cholesky(Tensor input, *, bool upper=False) -> Tensor", "linalg", |a| a.tensor("input")?.cholesky(a.bool("upper")?).into_value())
        .of(ops::Cholesky::DEF)
        .node("LinalgCholeskyExBackward0")
        .symmetric()
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [0.5, 1.5]]", "T[[2.0, 0.5], [0.5, 1.5]], upper=True", "T[[[2.0, 0.5], [0.5, 1.5]], [[1.0, 0.25], [0.25, 2.0]]]", "T(0,2,2)", "T[[4.0]]"])
        .errors(&["T[[1.0, 2.0], [2.0, 1.0]]", "T(2,3)", "T[[[2.0, 0.5], [0.5, 1.5]], [[-1.0, 0.25], [0.25, 2.0]]]", "I(2,2, 5)", "T[[1.0, nan], [nan, 2.0]]"]),
    Function::new("cholesky_ex(Tensor input, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)", "linalg", cholesky_ex)
        .node("LinalgCholeskyExBackward0")
        .about("The triangular factor of a symmetric positive definite matrix, and which leading minor is not positive.", "L with L Lᵀ = A")
        .symmetric()
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [0.5, 1.5]]", "T[[2.0, 0.5], [0.5, 1.5]], upper=True", "T[[[2.0, 0.5], [0.5, 1.5]], [[1.0, 0.25], [0.25, 2.0]]]", "T[[4.0]], check_errors=True"])
        .errors(&["T[[1.0, 2.0], [2.0, 1.0]], check_errors=True"]),
    Function::new("cholesky_solve(Tensor input, Tensor input2, bool upper=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.cholesky_solve(a.tensor("input2")?, a.bool("upper")?).into_value()
    })
    .node("CholeskySolveBackward0")
    .about("The solution of A X = B, given the Cholesky factor of A.", "(L Lᵀ)⁻¹ B")
    .triangle(1)
    .units(32.0, 128.0)
    .samples(&["T(2,3), T[[2.0, 0.0], [0.5, 1.5]]", "T(2,1), T[[2.0, 0.5], [0.0, 1.5]], True", "T(2,2,1), T[[[2.0, 0.0], [0.5, 1.5]], [[1.0, 0.0], [0.25, 2.0]]]", "T(2,2), T[[2.0, 0.0], [-0.5, 1.0]], upper=False"])
    .errors(&["T(2), T(2,2)", "T(2,2), T(2,3)", "T(3,2), T(2,2)", "I(2,2, 5), I(2,2, 5)"]),
    Function::new("cholesky_inverse(Tensor input, bool upper=False) -> Tensor", "torch Tensor", |a| a.tensor("input")?.cholesky_inverse(a.bool("upper")?).into_value())
        .node("CholeskyInverseBackward0")
        .about("The inverse of a matrix, given its Cholesky factor.", "(L Lᵀ)⁻¹")
        .triangle(0)
        .units(32.0, 128.0)
        .samples(&["T[[2.0, 0.0], [0.5, 1.5]]", "T[[2.0, 0.5], [0.0, 1.5]], True", "T[[[2.0, 0.0], [0.5, 1.5]], [[1.0, 0.0], [0.25, 2.0]]]", "T[[4.0]]"])
        .errors(&["T(2,3)", "T(3)", "I(2,2, 5)"]),
    Function::new("lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", "linalg", |a| {
        pivoted(a)?;
        let (packed, pivots) = a.tensor("A")?.lu_factor()?;
        Value::tuple([packed, pivots])
    })
    .of(ops::LuFactor::DEF)
    .units(16.0, 64.0)
    .samples(&["T[[0.5, 2.0], [-1.0, 1.5]]", "T[[0.5, 2.0, 0.75], [-1.0, 1.5, 0.25]]", "T[[0.5, 2.0], [0.75, -1.0], [1.5, 0.25]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)"])
    .errors(&["T[[1.0, 2.0], [2.0, 4.0]]", "T(3)", "T(2,2), pivot=False", "I(2,2, 5)"]),
    Function::new("lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots, Tensor info)", "linalg", lu_factor_ex)
        .node("LinalgLuFactorExBackward0")
        .about("L and U in one matrix, the rows exchanged, and which pivot is zero.", "P A = L U")
        .units(16.0, 64.0)
        .samples(&["T[[0.5, 2.0], [-1.0, 1.5]]", "T[[0.5, 2.0, 0.75], [-1.0, 1.5, 0.25]]", "T[[0.5, 2.0], [0.75, -1.0], [1.5, 0.25]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], check_errors=True"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]], check_errors=True", "T(3)"]),
    Function::new("lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", "linalg", |a| {
        pivoted(a)?;
        let (p, l, u) = a.tensor("A")?.lu()?;
        Value::tuple([p, l, u])
    })
    .node("LinalgLuBackward0")
    .about("A matrix as a permutation, a lower and an upper triangular one.", "P L U = A")
    .units(16.0, 64.0)
    .samples(&["T[[0.5, 2.0], [-1.0, 1.5]]", "T[[0.5, 2.0, 0.75], [-1.0, 1.5, 0.25]]", "T[[0.5, 2.0], [0.75, -1.0], [1.5, 0.25]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]"])
    .errors(&["T(3)", "T(2,2), pivot=False"]),
    Function::new("lu(Tensor A, bool pivot=True, bool get_infos=False) -> (Tensor, Tensor)", "torch Tensor", lu_with_infos)
        .warns(older::lu)
        .node("LinalgLuFactorExBackward0")
        .about("L and U in one matrix, and the rows exchanged; and which pivot is zero, if that is asked for.", "P A = L U")
        .units(16.0, 64.0)
        .samples(&["T[[0.5, 2.0], [-1.0, 1.5]], True", "T[[0.5, 2.0, 0.75], [-1.0, 1.5, 0.25]], True, True", "T[[0.5, 2.0], [0.75, -1.0], [1.5, 0.25]], get_infos=True", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], True"])
        .errors(&["T(3), True", "T(2,2), False"]),
    Function::new("lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor", "linalg", |a| {
        a.tensor("LU")?.lu_solve(a.tensor("pivots")?, a.tensor("B")?, a.bool("left")?, a.bool("adjoint")?).into_value()
    })
    .node("LinalgLuSolveBackward0")
    .about("The solution of A X = B, given what `lu_factor` gives of A.", "A⁻¹ B")
    .units(32.0, 128.0)
    .samples(&["T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32, T(2,3)", "T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32, T(3,2), left=False", "T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32, T(2,3), adjoint=True", "T[[2.0, 0.5], [-0.5, 1.5]], I[1, 2].i32, T(2,3)"])
    .errors(&["T(2,3), I[1, 2].i32, T(2,3)", "T(2,2), I[1, 2], T(2,3)", "T(2,2), I[1, 2, 2].i32, T(2,3)", "T(2,2), I[1, 2].i32, T(3,3)", "T(2,2), I[1, 2].i32, T(2)", "T(2,2), I[1, 7].i32, T(2,2)"]),
    Function::new("lu_solve(Tensor input, Tensor LU_data, Tensor LU_pivots) -> Tensor", "torch Tensor", |a| {
        a.tensor("LU_data")?.lu_solve(a.tensor("LU_pivots")?, a.tensor("input")?, true, false).into_value()
    })
    .warns(older::lu_solve)
    .node("LinalgLuSolveBackward0")
    .about("The solution of A X = B, given what `lu_factor` gives of A.", "A⁻¹ B")
    .units(32.0, 128.0)
    .samples(&["T(2,3), T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32", "T(2,1), T[[2.0, 0.5], [-0.5, 1.5]], I[1, 2].i32", "T(2,2,1), T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32", "T(1,2), T[[4.0]], I[1].i32"])
    .errors(&["T(3,3), T(2,2), I[1, 2].i32"]),
    Function::new("lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)", "torch", lu_unpack)
        .node("LuUnpackBackward0")
        .about("The factors of what `lu_factor` gives.", "P, L, U")
        .samples(&["T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32", "T[[2.0, 0.5, 1.0], [-0.5, 1.5, 0.25]], I[2, 2].i32", "T[[2.0, 0.5], [-0.5, 1.5], [0.25, 1.0]], I[3, 2].i32", "T[[2.0, 0.5], [-0.5, 1.5]], I[2, 2].i32, True, False"])
        .errors(&["T(2,2), I[1, 2]", "T(2,2), I[1].i32", "T(2,2), I[1, 9].i32"]),
    Function::new("qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", "linalg", qr)
        .of(ops::Qr::DEF)
        .units(32.0, 256.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]], 'complete'"])
        .edges(&["T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], 'complete'", "T[[2.0, 0.5], [-1.0, 1.5]], 'r'", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], mode='r'", "T[[0.0, 1.0], [0.0, 2.0]]"])
        .errors(&["T(3)", "T(2,2), 'none'", "I(2,2, 5)"]),
    Function::new("geqrf(Tensor input) -> (Tensor a, Tensor tau)", "torch Tensor", |a| {
        let (made, tau) = a.tensor("input")?.geqrf()?;
        Value::tuple([made, tau])
    })
    .of(ops::Geqrf::DEF)
    .units(32.0, 64.0)
    .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T[[0.0, 1.0], [0.0, 2.0]]"])
    .errors(&["T(3)", "I(2,2, 5)"]),
    Function::new("householder_product(Tensor input, Tensor tau) -> Tensor", "linalg torch:orgqr Tensor:orgqr", |a| a.tensor("input")?.householder_product(a.tensor("tau")?).into_value())
        .node("LinalgHouseholderProductBackward0")
        .about("The first columns of a product of reflections.", "(1 - τ₁ v₁ v₁ᵀ) (1 - τ₂ v₂ v₂ᵀ) …")
        .units(32.0, 128.0)
        .samples(&["T(3,2), T(2)", "T(2,2), T(2)", "T(3,2), T(1)", "T(2,3,2), T(2,2)"])
        .errors(&["T(2,3), T(2)", "T(3,2), T(3)", "T(3), T(3)", "T(3,2), T(2,2)", "T(2,3,2), T(1,2)", "I(2,2, 5), I(2, 5)"]),
    Function::new("ormqr(Tensor input, Tensor tau, Tensor other, bool left=True, bool transpose=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.ormqr(a.tensor("tau")?, a.tensor("other")?, a.bool("left")?, a.bool("transpose")?).into_value()
    })
    .node("OrmqrBackward0")
    .about("A matrix times a product of reflections.", "Q B, Q = (1 - τ₁ v₁ v₁ᵀ) (1 - τ₂ v₂ v₂ᵀ) …")
    .units(32.0, 2048.0)
    .samples(&["T(3,2), T(2), T(3,2)", "T(3,2), T(2), T(2,3), False", "T(3,2), T(2), T(3,1), True, True", "T(2,3,2), T(2,2), T(2,1,3), False, True", "T(3,3), T(3), T(3,2)"])
    .errors(&["T(3), T(3), T(3,2)", "T(3,2), T(2), T(3)", "T(3,2), T(2), T(2,3)", "T(3,2), T(2,2), T(3,2)", "T(3,2), T(2), T(1,3,2)", "I(2,2, 5), I(2, 5), I(2,2, 5)"]),
    Function::new("ldl_factor(Tensor input, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)", "linalg", |a| {
        let (factors, pivots) = a.tensor("input")?.ldl_factor()?;
        Value::tuple([factors, pivots])
    })
    .of(ops::LdlFactor::DEF)
    .units(16.0, 64.0)
    .samples(&["T[[2.0, 0.5], [0.5, -1.5]]", "T[[0.25, 2.0, -0.5], [2.0, -1.5, 0.25], [-0.5, 0.25, 4.0]]", "T[[[0.0, 0.5], [0.5, 0.0]], [[1.0, 0.25], [0.25, 2.5]]]", "T(0,2,2)", "T[[0.0, 2.0, -0.5, 1.0], [2.0, 0.0, 0.25, 3.0], [-0.5, 0.25, 0.0, -0.75], [1.0, 3.0, -0.75, 0.125]], hermitian=True"])
    .errors(&["T(2,3)", "T(3)", "I(2,2, 5)"]),
    Function::new("ldl_factor_ex(Tensor input, *, bool hermitian=False, bool check_errors=False) -> (Tensor LD, Tensor pivots, Tensor info)", "linalg", ldl_factor_ex)
        .about("L D Lᵀ of symmetric matrices, and which block of D is zero.", "P L D Lᵀ Pᵀ = A")
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [0.5, -1.5]]", "T[[0.25, 2.0, -0.5], [2.0, -1.5, 0.25], [-0.5, 0.25, 4.0]]", "T[[[0.0, 0.5], [0.5, 0.0]], [[1.0, 0.25], [0.25, 2.5]]]", "T(0,2,2)", "T[[0.0, 0.0], [0.0, 2.0]]"])
        .errors(&["T(2,3)"]),
    Function::new("ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor", "linalg", |a| {
        a.tensor("LD")?.ldl_solve(a.tensor("pivots")?, a.tensor("B")?).into_value()
    })
    .of(ops::LdlSolve::DEF)
    .units(32.0, 64.0)
    .samples(&["T[[2.0, 0.0], [0.5, -1.5]], I[1, 2].i32, T(2,3)", "T[[0.25, 0.0, 0.0], [2.0, -1.5, 0.0], [-0.5, 0.25, 4.0]], I[-2, -2, 3].i32, T(3,2)", "T[[2.0, 0.0], [0.5, -1.5]], I[2, 2].i32, T(2,2,1)", "T[[0.25, 0.0, 0.0], [0.5, 0.0, 0.0], [-0.5, 2.0, 0.0]], I[1, -3, -3].i32, T(3,1), hermitian=True"])
    .errors(&["T(2,3), I[1, 2].i32, T(2,3)", "T(2,2), I[1, 2, 2].i32, T(2,3)", "T(2,2), I[1, 2].i32, T(3,3)", "I(2,2, 5), I[1, 2].i32, I(2,2, 5)"]),
];
