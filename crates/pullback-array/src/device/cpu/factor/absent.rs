//! What factorisations are without the feature `linalg`: an error.

use super::{Factor, Factors, Sizes};
use crate::{Array, Error, ErrorKind, Result, Shape};

#[cold]
fn absent() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "factorisations of matrices are not built into this program",
    )
    .help("the feature linalg of the crate pullback builds them: name it in Cargo.toml")
}

pub(super) fn factor(
    _: &Array,
    _: Factor,
    _: &Shape,
    _: usize,
    _: (usize, usize),
    _: &[Sizes],
) -> Result<Factors> {
    Err(absent())
}

pub(super) fn solve(
    _: &Array,
    _: &Array,
    _: usize,
    _: (usize, usize),
) -> Result<(Array, Vec<i32>)> {
    Err(absent())
}

pub(super) fn ldl_solve(
    _: &Array,
    _: &Array,
    _: &Array,
    _: usize,
    _: (usize, usize),
) -> Result<Array> {
    Err(absent())
}

pub(super) fn solve_triangular(
    _: &Array,
    _: &Array,
    _: usize,
    _: (usize, usize),
    _: (bool, bool),
) -> Result<Array> {
    Err(absent())
}
