//! What everything else stands on: tensors with a history, the graph, what an operation is, and the two ways in which one is run
//! (`apply`, `in_place`).
//!
//! The core names no concrete operation outside of [`structural`] and none of those who listen (`watch`).

pub(crate) mod address;
pub(crate) mod anomaly;
pub(crate) mod apply;
pub(crate) mod batch;
pub mod binding;
mod construct;
pub(crate) mod ctx;
pub(crate) mod define;
pub(crate) mod device;
pub(crate) mod fail;
pub(crate) mod flow;
pub(crate) mod grad_fn;
pub(crate) mod graph;
pub(crate) mod history;
mod hooked;
pub(crate) mod hooks;
pub(crate) mod in_place;
mod leaf;
pub(crate) mod literal;
pub(crate) mod made;
pub(crate) mod mode;
pub(crate) mod narrow;
pub(crate) mod op;
pub(crate) mod operand;
pub(crate) mod overlap;
pub(crate) mod projection;
pub(crate) mod replace;
pub mod rules;
#[cfg(feature = "proof")]
pub(crate) mod samples;
pub(crate) mod saved_hooks;
pub(crate) mod setters;
pub(crate) mod structural;
#[cfg(feature = "proof")]
pub(crate) mod symmetric;
pub(crate) mod tensor;
pub(crate) mod watch;

/// The user's line, which a public function notes when it is called.
pub(crate) type Site = &'static std::panic::Location<'static>;
