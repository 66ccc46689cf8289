//! Arithmetic and functions of numbers, element by element.

pub(super) mod addc;
pub(super) mod angle;
pub(super) mod arith;
mod arith_in_place;
mod assign;
pub(super) mod binary;
pub(super) mod clamp;
pub(super) mod clamp_tensor;
pub(super) mod compare;
pub(super) mod elementary;
pub(super) mod floor_sign;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod incomplete;
pub(super) mod integer;
pub(super) mod lerp;
pub(super) mod limit;
pub(super) mod logic;
pub(super) mod min_max;
pub(super) mod nan_to_num;
pub(super) mod operators;
pub(super) mod polynomial;
pub(super) mod power;
pub(super) mod remainder;
pub(super) mod round_decimals;
pub(super) mod series;
pub(super) mod special;
pub(super) mod trig;
