//! Loops over numbers in memory of this machine, the threads that share them, and the ways of numbers in and out of arrays.
//!
//! Only this folder and `memory` see pointers: `cargo xtask floors` reads the sources for them.

mod content;
pub mod factor;
pub(crate) mod host;
pub mod kernels;
pub(crate) mod lent;
pub(crate) mod team;
pub(crate) mod threads;
