//! PyTorch's CPU generator and what is drawn from it, bit for bit (PyTorch 2.15, x86-64 wheels).
//!
//! A [`Generator`] is what `torch.Generator()` is. There is no global one here: `torch.manual_seed(42)`
//! followed by calls without a generator is [`manual_seed`]`(42)` kept in a variable.
//!
//! | Python | Rust |
//! |---|---|
//! | `torch.manual_seed(42)` | `let mut g = manual_seed(42);` |
//! | `torch.rand(3)` | `g.rand(3)` |
//! | `torch.randn(3, dtype=torch.float64)` | `g.randn_f64(3)` |
//! | `torch.randint(0, 10, (20,))` | `g.randint::<i64>(0, 10, 20)?` |
//! | `torch.randperm(50)` | `g.randperm(50)` |
//! | `x.uniform_(-2, 3)` | `g.fill_uniform_f32(-2.0, 3.0, &mut x)?` |
//! | `x.normal_(1, 2)` | `g.fill_normal_f32(1.0, 2.0, &mut x)?` |
//! | `x.bernoulli_(0.3)` | `g.fill_bernoulli(0.3, &mut x)?` |
//! | `torch.bernoulli(p)` | `g.bernoulli(&p)?` |
//! | `x.exponential_()` | `g.fill_exponential(1.0, &mut x)?` |
//! | `x.random_()` | `g.fill_random(&mut x)` |
//! | `torch.multinomial(p, 3)` | `g.multinomial(&p, &[4], 3, false)?` |
//! | `F.dropout(x, 0.5)` | `x` times `g.dropout_mask::<f32>(0.5, x.len())?` |
//! | `nn.Linear(5, 3)` | `linear::<f32>(&mut g, 5, 3, true)?` |
//! | `nn.init.xavier_uniform_(w)` | `xavier_uniform::<f32>(&mut g, &[6, 5], 1.0)?` |
//! | `DataLoader(d, shuffle=True, generator=g)` | `shuffled_epoch(&mut g, n)?` for each epoch |
//! | `torch.get_rng_state()` | `g.get_state()` |
//!
//! ```
//! use pullback_random::torch::manual_seed;
//!
//! // >>> torch.manual_seed(42)
//! let mut g = manual_seed(42);
//! // >>> torch.rand(2)
//! // tensor([0.8823, 0.9150])
//! assert_eq!(g.rand(2), [0.88226926, 0.91500396]);
//! // >>> torch.randn(2)
//! // tensor([0.4740, 0.1978])
//! assert_eq!(g.randn(2), [0.4740401, 0.19778664]);
//! ```
//!
//! # Where PyTorch's own numbers differ between machines
//!
//! - **Intel processors.** PyTorch built with MKL (the public wheels) draws `bernoulli_(p)`, hence
//!   dropout, and `exponential_`, hence `multinomial` without replacement, from a stream of MKL when it
//!   runs on an Intel processor. Here is the rule of all other processors and of builds without MKL.
//!   `torch.bernoulli(p)` with a tensor of probabilities is the same on both.
//! - **Without AVX2** (ARM, or `ATEN_CPU_CAPABILITY=default`) PyTorch's f32 `randn` of 16 numbers and more
//!   takes its logarithm, sine and cosine from the C library. Here is the form for AVX2, which AVX-512
//!   machines use as well, on every processor.
//! - **Non-contiguous tensors** are filled with normal numbers one by one whatever their size:
//!   [`Generator::fill_normal_serial_f32`].
//! - [`orthogonal`] agrees to rounding only: its factorisation is LAPACK's in PyTorch.
//!
//! Releases before 2.7 drew `randint` ranges from 2²⁸ to 2³² with one word, and older ones had another `trunc_normal_`.

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
