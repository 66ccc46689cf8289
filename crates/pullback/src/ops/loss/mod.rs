//! Losses, and what they do with their elements.

pub(super) mod bce;
pub(super) mod cross_entropy;
pub(super) mod ctc;
pub(super) mod ctc_call;
pub(super) mod ctc_steps;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod margin;
pub(super) mod reduction;
pub(super) mod regression;
pub(super) mod smooth_l1;
