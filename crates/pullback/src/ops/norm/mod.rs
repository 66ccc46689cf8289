//! Norms of vectors and matrices, and normalisation.

pub(super) mod batch_norm;
pub(super) mod extreme_norm;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod layer_norm;
pub(super) mod matrix_norm;
pub(super) mod similarity;
pub(super) mod vector_norm;
