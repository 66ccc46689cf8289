//! Products of matrices and vectors, and matrices taken apart.

pub(super) mod addmm;
pub(super) mod cross;
pub(super) mod diagonal;
pub(super) mod distance;
pub(super) mod einsum;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod linear;
pub(super) mod matmul;
pub(super) mod product;
