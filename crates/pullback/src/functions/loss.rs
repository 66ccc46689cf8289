//! Losses.

use super::Function;

pub(super) static LIST: &[Function] = &[];
