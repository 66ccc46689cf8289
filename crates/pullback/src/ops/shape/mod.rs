//! The same elements in another shape or order; parts and joins.

pub(super) mod axes;
pub(super) mod cat;
pub(super) mod flip;
#[cfg(feature = "functions")]
pub(super) mod functions;
mod in_place;
pub(super) mod join;
pub(super) mod pad;
mod pixels;
pub(super) mod rearrange;
pub(super) mod repeat;
pub(super) mod slice;
pub(super) mod split;
pub(super) mod strided;
pub(super) mod unfold;
pub(super) mod view;
