//! Products of matrices and vectors.

use super::Function;

pub(super) static LIST: &[Function] = &[];
