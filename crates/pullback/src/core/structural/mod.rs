//! The operations that views and histories are made of: another name for a tensor, the end of its history, copies and
//! conversions, and what is left of it after a write. All others are in `ops`.

mod alias;
mod convert;
mod detach;
mod overlay;
mod replace;

pub use alias::{Alias, Apart};
pub use convert::{Clone, Copy, To};
pub(crate) use detach::data;
pub use detach::{Detach, detach};
pub use overlay::{Overlay, Uncover};
