//! Elements picked, written, sorted and looked up.

pub(super) mod bracket_items;
pub(super) mod brackets;
pub(super) mod embedding;
pub(super) mod embedding_bag;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod gather;
pub(super) mod index_add;
pub(super) mod index_put;
mod nowhere;
pub(super) mod partial_order;
pub(super) mod positions;
pub(super) mod put;
pub(super) mod rows;
pub(super) mod scatter;
pub(super) mod scatter_reduce;
pub(super) mod search;
pub(super) mod sort;
pub(super) mod take_put;
pub(super) mod unique;
