//! Shapes: views, joins, splits.

use super::Function;

pub(super) static LIST: &[Function] = &[];
