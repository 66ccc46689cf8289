//! NumPy's and PyTorch's CPU random streams, bit for bit, so that an experiment begun in Python goes on
//! in Rust with the same data, the same weights and the same batches.
//!
//! - [`numpy`]: `SeedSequence`, `PCG64`, `Generator`, `default_rng` of NumPy 2.4.
//! - [`torch`]: `torch.Generator`, `manual_seed`, the random functions, the initialisers of `torch.nn`
//!   and the order of `DataLoader`, of PyTorch 2.15.
//!
//! The two modules know nothing of each other, and the crate depends on nothing: whoever wants only
//! NumPy's numbers takes only those.
//!
//! | Python | Rust |
//! |---|---|
//! | `np.random.default_rng(42).uniform(-1, 1, 3)` | `numpy::default_rng(42).uniform(-1.0, 1.0, 3)?` |
//! | `torch.manual_seed(42); torch.randn(3)` | `torch::manual_seed(42).randn(3)` |
//!
//! ```
//! use pullback_random::{numpy, torch};
//!
//! // >>> np.random.default_rng(42).uniform(-1, 1, 3).tolist()
//! // [0.5479120971119267, -0.12224312049589536, 0.7171958398227649]
//! assert_eq!(
//!     numpy::default_rng(42).uniform(-1.0, 1.0, 3)?,
//!     [0.5479120971119267, -0.12224312049589536, 0.7171958398227649]
//! );
//!
//! // >>> torch.manual_seed(42); torch.randn(3)
//! // tensor([0.3367, 0.1288, 0.2345])
//! assert_eq!(torch::manual_seed(42).randn(3), [0.33669037, 0.1288094, 0.23446237]);
//! # Ok::<(), pullback_random::Error>(())
//! ```
//!
//! # What "bit for bit" rests on
//!
//! `exp`, `log`, `log1p`, `sin`, `cos` and `tan` are the platform's, as in NumPy and PyTorch: with the
//! same C library they give the same bits. With another one, rare draws may differ in the last bit.
//! PyTorch's f32 `randn` of 16 numbers and more needs none of them and is the same everywhere. The rules
//! for rounding are those of the x86-64 wheels: NumPy without fused multiply-add, PyTorch with it.
//!
//! # Errors
//!
//! Bad input gives an [`Error`] with the sentence Python would show, and leaves the generator as it was
//! (PyTorch's may be further on, by the draws for what came before the bad element).
//! Nothing panics. More numbers than there is memory for are an error of the functions that return a
//! `Result`; those that return a plain `Vec` end as any `Vec` does ([`room`] and `fill_*` avoid that). Shapes from Python, whose extents may be negative, go
//! through [`numpy::numel`] and [`torch::numel`].
//!
//! # Speed
//!
//! Fills are faster than the originals'; `cargo run --release --example speed` measures them. One
//! small module calls functions compiled for AVX2 after asking the processor, which is the only `unsafe`
//! of the crate; without AVX2 the same bits come out of portable code.
#![deny(unsafe_code)]

pub mod digits;
mod error;
pub mod numpy;
mod room;
pub mod torch;

pub use error::{Error, ErrorKind, Result};
pub use room::{filled, room};
