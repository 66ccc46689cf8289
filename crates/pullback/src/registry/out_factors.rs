//! Which dtypes `out=` may have of factorisations of matrices, and what PyTorch says to others. All other functions are in `out_rules.rs`.

use super::out_rules::{ANY, Rule, SAME, Takes};

/// What functions of LAPACK's say that compute in memory of their own and write what can be cast.
macro_rules! castable {
    ($name:literal, $what:literal) => {
        (
            Takes::Castable,
            concat!(
                $name,
                ": Expected ",
                $what,
                " to be safely castable from {result} dtype, but got ",
                $what,
                " with dtype {out}"
            ),
        )
    };
}

/// Functions that write their own dtype alone.
const EXACT: &[&str] = &[
    "cholesky",
    "cholesky_ex",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "inverse",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "lu_unpack",
    "polar",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "svd",
    "svdvals",
    "triangular_solve",
];

/// The rule for a result of a function, if it is one of these; `linalg`: of PyTorch's module of that name.
pub(super) fn rule(name: &str, linalg: bool, which: usize) -> Option<Rule> {
    Some(match (name, which) {
        ("lu", _) if !linalg => ANY,
        ("solve_triangular", _) => (Takes::Same, "expected scalar type {result} but found {out}"),
        ("ormqr", _) => (
            Takes::Same,
            "torch.ormqr: Expected input and result to have the same dtype, but input has dtype{result} and result has dtype {out}",
        ),
        ("cond", _) => castable!("linalg.cond", "result"),
        ("householder_product" | "orgqr", _) => {
            castable!("torch.linalg.householder_product", "result")
        }
        ("lstsq", 0 | 1) => castable!("torch.linalg.lstsq", "solution"),
        ("lstsq", 2) => castable!("torch.linalg.lstsq", "rank"),
        ("lstsq", _) => castable!("torch.linalg.lstsq", "singular_values"),
        ("matrix_rank", _) => castable!("torch.linalg.matrix_rank", "result"),
        ("pinv", _) => castable!("linalg.pinv", "result"),
        ("tensorinv", _) => castable!("tensorinv", "result"),
        ("tensorsolve", _) => castable!("tensorsolve", "result"),
        ("cholesky_inverse", _) => castable!("cholesky_inverse", "result"),
        ("cholesky_solve", _) => castable!("cholesky_solve", "result"),
        ("geqrf", 0) => castable!("torch.geqrf", "a"),
        ("geqrf", _) => castable!("torch.geqrf", "tau"),
        (name, _) if EXACT.contains(&name) => SAME,
        _ => return None,
    })
}
