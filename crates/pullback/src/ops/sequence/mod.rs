//! Recurrent networks: one direction of one layer as an operation (`layer.rs`), its rules step by step in tensor operations (`steps.rs`), and layers and directions
//! put together (`stack.rs`). Attention is in `activation`.

#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod layer;
pub(crate) mod stack;
mod steps;
