//! NumPy's `numpy.random` as of `default_rng`: `SeedSequence`, `PCG64` and `Generator`, bit for bit (NumPy 2.4).
//!
//! | Python | Rust |
//! |---|---|
//! | `rng = np.random.default_rng(42)` | `let mut rng = default_rng(42);` |
//! | `rng.random(3)` | `rng.random(3)` |
//! | `rng.random(3, dtype=np.float32)` | `rng.random_f32(3)` |
//! | `rng.uniform(-1, 1, (500, 2))` | `rng.uniform(-1.0, 1.0, 500 * 2)?` |
//! | `rng.normal(0.0, 0.1, (4, 2))` | `rng.normal(0.0, 0.1, 4 * 2)?` |
//! | `rng.standard_normal(out=a)` | `rng.fill_standard_normal_f64(&mut a)` |
//! | `rng.integers(0, 10, 20)` | `rng.integers::<i64>(0, 10, 20)?` |
//! | `rng.permutation(50)` | `rng.permutation(50)` |
//! | `rng.shuffle(x)` | `rng.shuffle(&mut x)` |
//! | `rng.choice(100, 10)` | `rng.choice(100, 10)?` |
//! | `rng.choice(100, 10, replace=False)` | `rng.choice_with(100, 10, &Choice { replace: false, ..Choice::default() })?` |
//! | `rng.spawn(2)` | `rng.spawn(2)` |
//! | `rng.bit_generator.advance(10)` | `rng.advance(10)` |
//!
//! ```
//! use pullback_random::numpy::default_rng;
//!
//! // >>> rng = np.random.default_rng(42)
//! let mut rng = default_rng(42);
//! // >>> rng.uniform(-1, 1, (2, 2)).ravel().tolist()
//! // [0.5479120971119267, -0.12224312049589536, 0.7171958398227649, 0.3947360581187278]
//! assert_eq!(
//!     rng.uniform(-1.0, 1.0, 2 * 2)?,
//!     [0.5479120971119267, -0.12224312049589536, 0.7171958398227649, 0.3947360581187278]
//! );
//! // >>> rng.standard_normal()
//! // -1.9510351886538364
//! assert_eq!(rng.next_standard_normal(), -1.9510351886538364);
//! # Ok::<(), pullback_random::Error>(())
//! ```
//!
//! The tails of the normal and exponential draws (one draw in a few hundred) go through the platform's `exp` and `log1p`,
//! as they do in NumPy: with the same C library the bits are the same.

mod bounded;
mod choice;
mod generator;
mod integers;
mod pcg64;
mod seed;
mod seed_sequence;
mod shape;
mod shuffle;
mod tables_exponential;
mod tables_normal;
mod ziggurat;

pub use bounded::Integer;
pub use choice::Choice;
pub use generator::{ExponentialMethod, Generator, default_rng};
pub use pcg64::{Pcg64, Pcg64State};
pub use seed::Seed;
pub use seed_sequence::SeedSequence;
pub use shape::numel;
