//! PyTorch's CPU generator and what is drawn from it, bit for bit (PyTorch 2.15).
mod bernoulli;
mod continuous;
mod fma;
mod generator;
mod init;
mod integers;
mod kernels;
mod layers;
mod loader;
mod mt19937;
mod multinomial;
mod normal;
mod number;
mod orthogonal;
mod parallel;
mod select;
mod shape;
mod simd;
mod state;
mod trunc_normal;
mod uniform;

pub use generator::{DEFAULT_SEED, Generator, manual_seed, seed_from_i128};
pub use init::{
    FanMode, Nonlinearity, calculate_gain, fan_in_and_fan_out, kaiming_normal, kaiming_uniform,
    xavier_normal, xavier_uniform,
};
pub use layers::{Parameters, conv, conv2d, embedding, linear};
pub use loader::{
    loader_base_seed, random_sampler, sampler_generator, shuffled_epoch, shuffled_epoch_global,
    shuffled_epoch_started,
};
pub use number::{Float, Number};
pub use orthogonal::orthogonal;
pub use shape::numel;
pub use state::STATE_SIZE;
pub use trunc_normal::trunc_normal;
