//! PyTorch's CPU generator.
#![allow(missing_docs)]
mod fma;
mod generator;
mod kernels;
mod mt19937;
mod normal;
mod parallel;
mod shape;
mod simd;
mod state;
mod uniform;

pub use generator::{DEFAULT_SEED, Generator, manual_seed, seed_from_i128};
pub use shape::numel;
pub use state::STATE_SIZE;
