//! Elements picked, placed, sorted and counted.

use super::Function;

pub(super) static LIST: &[Function] = &[];
