//! Activation functions, softmax, attention.

pub(super) mod attention;
pub(super) mod blocks;
pub(super) mod bounded;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod methods;
pub(super) mod prelu;
pub(super) mod rectifier;
pub(super) mod smooth;
pub(super) mod softmax;
