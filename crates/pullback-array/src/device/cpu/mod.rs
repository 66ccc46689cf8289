//! Loops over numbers in memory of this machine, and the threads that share them.

pub mod kernels;
pub(crate) mod threads;
