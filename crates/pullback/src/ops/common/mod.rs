//! What operations of several folders share: operands and their dtypes, gates, pieces, sizes, constants.

pub(super) mod anchor;
pub(super) mod constant;
pub(super) mod formula;
pub(super) mod gate;
pub(super) mod halves;
pub(super) mod loops;
pub(super) mod methods;
pub(super) mod once;
pub(super) mod operand;
pub(super) mod piecewise;
pub(super) mod scale;
pub(super) mod sizes;
