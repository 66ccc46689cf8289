//! What PyTorch says of functions that others have taken the place of, in its words.

use crate::call::Args;
use crate::{Error, Result};

type Said = Result<Vec<String>, Error>;

fn said(text: &str) -> Said {
    Ok(vec![text.to_string()])
}

pub(super) fn lu(_: &Args<'_>) -> Said {
    said(
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be removed in a future PyTorch release.\n\
         LU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\nLU, pivots = torch.linalg.lu_factor(A, compute_pivots)\nand\n\
         LU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\nshould be replaced with\n\
         LU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)",
    )
}

pub(super) fn lu_solve(_: &Args<'_>) -> Said {
    said(
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release.\n\
         Note that torch.linalg.lu_solve has its arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\nshould be replaced with\n\
         X = torch.linalg.lu_solve(LU, pivots, B)",
    )
}

pub(super) fn triangular_solve(_: &Args<'_>) -> Said {
    said(
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future PyTorch release.\n\
         torch.linalg.solve_triangular has its arguments reversed and does not return a copy of one of the inputs.\n\
         X = torch.triangular_solve(B, A).solution\nshould be replaced with\nX = torch.linalg.solve_triangular(A, B).",
    )
}

pub(super) fn chain_matmul(_: &Args<'_>) -> Said {
    said(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot instead, which accepts a list \
         of two or more tensors rather than multiple parameters.",
    )
}

pub(super) fn cross(a: &Args<'_>) -> Said {
    match a.int_opt("dim")? {
        Some(_) => Ok(Vec::new()),
        None => said(
            "Using torch.cross without specifying the dim arg is deprecated.\n\
             Please either pass the dim explicitly or simply use torch.linalg.cross.\n\
             The default value of dim will change to agree with that of linalg.cross in a future release.",
        ),
    }
}
