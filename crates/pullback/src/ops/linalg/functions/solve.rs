//! Inverses and what is solved with matrices as they are given.

use super::older;
use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::ensure;
use crate::ops;
use crate::ops::linalg::inverse;
use crate::{DType, Result, Tensor};
use std::panic::Location;

/// No matrix that could not be factorised, as int32 beside the results of functions that say so.
pub(super) fn none_failed(x: &Tensor) -> Result<Tensor> {
    Tensor::zeros(&x.shape()[..x.ndim().saturating_sub(2)], DType::I32)
}

fn inv_ex(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("A")?;
    let checked = a.bool("check_errors")?.then_some("linalg.inv_ex");
    let made = x.inverted(checked, Location::caller())?;
    let info = match checked {
        Some(_) => none_failed(x)?,
        None => inverse::singularity(x)?,
    };
    Value::tuple([made, info])
}

fn solve_ex(a: &Args<'_>) -> Result<Value> {
    let (x, b) = (a.tensor("A")?, a.tensor("B")?);
    let checked = a.bool("check_errors")?.then_some("torch.linalg.solve_ex");
    let made = x.solved(b, a.bool("left")?, checked, Location::caller())?;
    let info = match checked {
        Some(_) => none_failed(x)?,
        None => inverse::singularity(x)?,
    };
    Value::tuple([made, info])
}

fn triangular_solve(a: &Args<'_>) -> Result<Value> {
    let (b, t) = (a.tensor("input")?, a.tensor("A")?);
    for (x, word) in [(b, "b"), (t, "A")] {
        ensure!(
            x.ndim() >= 2,
            Shape,
            "torch.triangular_solve: Expected {word} to have at least 2 dimensions, but it has {} dimensions instead",
            x.ndim()
        );
    }
    inverse::older(b, t, "triangular_solve")?;
    let (upper, unit) = (a.bool("upper")?, a.bool("unitriangular")?);
    let x = match a.bool("transpose")? {
        true => t.mt()?.solve_triangular(b, !upper, true, unit)?,
        false => t.solve_triangular(b, upper, true, unit)?,
    };
    Value::tuple([x, t.copy()?])
}

/// The product of the first sizes, which is the other side of the matrix.
fn tensorinv(a: &Args<'_>) -> Result<Value> {
    let (x, ind) = (a.tensor("input")?, a.int("ind")?);
    ensure!(
        ind > 0,
        Argument,
        "Expected a strictly positive integer for 'ind', but got {ind}"
    );
    let ind = usize::try_from(ind).unwrap_or(usize::MAX);
    ensure!(
        ind <= x.ndim(),
        Shape,
        "ArrayRef: invalid slice, N = {ind}; size = {}",
        x.ndim()
    );
    let (front, back) = x.shape().split_at(ind);
    let (rows, columns): (usize, usize) = (front.iter().product(), back.iter().product());
    ensure!(
        rows == columns,
        Shape,
        "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {columns} != {rows}"
    );
    let sizes = [back, front].concat();
    let flat = x.reshape([rows, columns])?;
    let inverse = flat.inverted(Some("inv"), Location::caller())?;
    inverse.reshape(sizes.as_slice()).into_value()
}

fn tensorsolve(a: &Args<'_>) -> Result<Value> {
    let (x, b) = (a.tensor("input")?, a.tensor("other")?);
    let x = match a.ints_opt("dims")? {
        Some(dims) => {
            let count = i64::try_from(dims.len()).unwrap_or(i64::MAX);
            let ends: Vec<i64> = (0..count).map(|k| k - count).collect();
            x.movedim(&dims, &ends)?
        }
        None => x.clone(),
    };
    let sizes = x.shape()[b.ndim().min(x.ndim())..].to_vec();
    let columns: usize = sizes.iter().product();
    ensure!(
        columns == b.numel(),
        Shape,
        "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {columns} != {}",
        b.numel()
    );
    let flat = x.reshape([columns, columns])?;
    let solved = flat.solve(&b.reshape([columns])?, true)?;
    solved.reshape(sizes.as_slice()).into_value()
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("inv(Tensor A) -> Tensor", "linalg", |a| a.tensor("A")?.inv().into_value())
        .of(ops::Inverse::DEF)
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)", "T(2,0,0)", "T[[2.0, 0.5], [-1.0, 1.5]].t", "T[[-4.0]]"])
        .edges(&["T[[1.0, nan], [2.0, 4.0]]"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]]", "T(2,3)", "T(3)", "I(2,2, 5)", "T[[[2.0, 0.5], [-1.0, 1.5]], [[0.0, 0.0], [0.0, 0.0]]]"]),
    Function::new("inverse(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.inv().into_value())
        .node("LinalgInvExBackward0")
        .about("The inverse of a square matrix.", "A⁻¹")
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)", "T[[-4.0]]"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]]", "T(2,3)"]),
    Function::new("inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", "linalg", inv_ex)
        .node("LinalgInvExBackward0")
        .about("The inverse of a square matrix, and which pivot is zero.", "A⁻¹")
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)", "T[[-4.0]], check_errors=True"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]], check_errors=True", "T(2,3)"]),
    Function::new("solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", "linalg", |a| a.tensor("A")?.solve(a.tensor("B")?, a.bool("left")?).into_value())
        .of(ops::Solve::DEF)
        .node("LinalgSolveExBackward0")
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], T(2,3)", "T[[2.0, 0.5], [-1.0, 1.5]], T(2)", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], T(2,2)", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], T(2,1)", "T[[2.0, 0.5], [-1.0, 1.5]], T(3,2), left=False", "T(0,2,2), T(0,2,3)"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]], T(2)", "T(2,3), T(2)", "T[[2.0, 0.5], [-1.0, 1.5]], T(3,2)", "T[[2.0, 0.5], [-1.0, 1.5]], T(2), left=False", "I(2,2, 5), I(2,2, 5)", "T[[2.0, 0.5], [-1.0, 1.5]], I(2,2, 5)"]),
    Function::new("solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)", "linalg", solve_ex)
        .node("LinalgSolveExBackward0")
        .about("The solution of A X = B, and which pivot of A is zero.", "A⁻¹ B")
        .units(16.0, 64.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], T(2,3)", "T[[2.0, 0.5], [-1.0, 1.5]], T(2)", "T[[2.0, 0.5], [-1.0, 1.5]], T(3,2), left=False", "T(0,2,2), T(0,2,3)"])
        .errors(&["T[[1.0, 2.0], [2.0, 4.0]], T(2), check_errors=True"]),
    Function::new("solve_triangular(Tensor input, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor", "linalg", |a| {
        a.tensor("input")?.solve_triangular(a.tensor("B")?, a.bool("upper")?, a.bool("left")?, a.bool("unitriangular")?).into_value()
    })
    .of(ops::SolveTriangular::DEF)
    .node("LinalgSolveTriangularBackward0")
    .units(16.0, 64.0)
    .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], T(2,3), upper=True", "T[[2.0, 0.5], [-1.0, 1.5]], T(2,3), upper=False", "T[[2.0, 0.5], [-1.0, 1.5]], T(3,2), upper=True, left=False", "T[[2.0, 0.5], [-1.0, 1.5]], T(2,3), upper=True, unitriangular=True", "T[[2.0, 0.5], [-1.0, 1.5]], T(2,2,3), upper=False", "T(0,2,2), T(0,2,3), upper=True"])
    .errors(&["T(2,3), T(2,2), upper=True", "T[[2.0, 0.5], [-1.0, 1.5]], T(3,2), upper=True", "T[[2.0, 0.5], [-1.0, 1.5]], T(2), upper=True", "I(2,2, 5), I(2,2, 5), upper=True"]),
    Function::new("triangular_solve(Tensor input, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)", "torch Tensor", triangular_solve)
        .warns(older::triangular_solve)
        .node("TriangularSolveBackward0")
        .about("The solution of T X = B for triangular T, and a copy of T.", "T⁻¹ B")
        .units(16.0, 64.0)
        .samples(&["T(2,3), T[[2.0, 0.5], [-1.0, 1.5]]", "T(2,3), T[[2.0, 0.5], [-1.0, 1.5]], False", "T(2,3), T[[2.0, 0.5], [-1.0, 1.5]], True, True", "T(2,3), T[[2.0, 0.5], [-1.0, 1.5]], unitriangular=True"])
        .errors(&["T(2), T(2,2)", "T(2,2), T(2,3)", "T(3,2), T(2,2)"]),
    Function::new("tensorinv(Tensor input, int ind=2) -> Tensor", "linalg", tensorinv)
        .about("The inverse of a tensor seen as a matrix.", "A⁻¹")
        .units(64.0, 256.0)
        .samples(&["T[[[2.0, 0.5]], [[-1.0, 1.5]]], 1", "T[[2.0, 0.5], [-1.0, 1.5]], 1", "T[[[[2.0, 0.5]]], [[[-1.0, 1.5]]]], 2", "T[[4.0]], 1"])
        .errors(&["T(2,3), 1", "T(2,2), 0", "T(2,2), 3", "T[[1.0, 2.0], [2.0, 4.0]], 1"]),
    Function::new("tensorsolve(Tensor input, Tensor other, int[]? dims=None) -> Tensor", "linalg", tensorsolve)
        .about("The X of a tensor equation A X = B.", "A⁻¹ B")
        .units(64.0, 256.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], T(2)", "T[[[2.0, 0.5]], [[-1.0, 1.5]]], T(2,1)", "T[[2.0, 0.5], [-1.0, 1.5]], T(2), (0,)", "T[[4.0]], T(1)"])
        .errors(&["T(2,3), T(2)", "T[[1.0, 2.0], [2.0, 4.0]], T(2)"]),
];
