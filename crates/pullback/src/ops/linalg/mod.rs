//! Products of matrices and vectors, matrices taken apart, and factorisations.

pub(super) mod addmm;
pub(super) mod cholesky;
pub(super) mod cross;
pub(super) mod determinant;
pub(super) mod diagonal;
pub(super) mod distance;
pub(super) mod eigh;
pub(super) mod einsum;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod inverse;
pub(super) mod ldl;
pub(super) mod linear;
pub(super) mod lu;
pub(super) mod matmul;
pub(super) mod matrices;
pub(super) mod matrix_exp;
pub(super) mod product;
pub(super) mod pseudo;
pub(super) mod qr;
pub(super) mod reflections;
pub(super) mod roots;
pub(super) mod svd;
