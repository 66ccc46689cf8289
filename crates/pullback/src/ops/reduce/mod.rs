//! Reductions over dimensions, and running totals.

pub(super) mod any_all;
pub(super) mod arg_extreme;
pub(super) mod extreme;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod hash;
pub(super) mod histogram;
pub(super) mod moments;
pub(super) mod quantile;
pub(super) mod scan;
pub(super) mod sum;
