//! Reductions and scans along dimensions.

use super::Function;

pub(super) static LIST: &[Function] = &[];
