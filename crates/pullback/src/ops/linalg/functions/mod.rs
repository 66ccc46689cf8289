//! Products of matrices, diagonals, distances, factorisations by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod determinant;
pub(in crate::ops) mod diagonal;
pub(in crate::ops) mod factor;
mod older;
pub(in crate::ops) mod product;
pub(in crate::ops) mod solve;
pub(in crate::ops) mod spectrum;
