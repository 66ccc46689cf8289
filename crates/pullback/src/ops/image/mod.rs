//! Operations on images: resizing, and sampling at places that a grid names.

pub(crate) mod bytes;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(crate) mod grid;
pub(crate) mod interpolate;
pub(crate) mod locate;
pub(crate) mod resize;
pub(crate) mod sample;
pub(super) mod spots;
pub(crate) mod taps;
