//! Operations on images: resizing, and sampling at places that a grid names.

pub(crate) mod bytes;
pub(super) mod functions;
pub(crate) mod grid;
pub(crate) mod interpolate;
pub(crate) mod locate;
pub(crate) mod resize;
pub(crate) mod sample;
#[cfg(feature = "functions")]
pub(super) mod spots;
pub(crate) mod taps;
