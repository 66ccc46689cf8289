//! `Generator`: the engine, the second normal number it keeps, seeding. Draws are `impl` blocks in files of their own.
//!
//! Source: `ATen/CPUGeneratorImpl.{h,cpp}`.

use super::mt19937::Mt19937;
use crate::error::{Error, Result};
use crate::numpy::Seed;

/// The seed of a generator that nobody seeded: `c10::default_rng_seed_val`.
pub const DEFAULT_SEED: u64 = 67280421310721;

/// PyTorch's CPU generator, `torch.Generator()`.
///
/// ```
/// use pullback_random::torch::Generator;
///
/// let mut g = Generator::new();
/// // Python: torch.Generator().initial_seed()
/// assert_eq!(g.initial_seed(), 67280421310721);
/// // Python: torch.rand(2, generator=g.manual_seed(42))    -> tensor([0.8823, 0.9150])
/// assert_eq!(g.manual_seed(42).rand(2), [0.88226926, 0.91500396]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    pub(super) engine: Mt19937,
    /// Box-Muller makes two numbers at a time: the second waits here for the next serial draw.
    pub(super) next_normal: Option<f64>,
    /// PyTorch's state has room for a kept f32 too. Its CPU kernels never fill it; a restored one is handed on.
    pub(super) next_normal_f32: Option<f32>,
}

/// A generator seeded as `torch.manual_seed(seed)` seeds the global one.
///
/// ```
/// use pullback_random::torch::manual_seed;
///
/// // Python: torch.manual_seed(42); torch.randn(2)    -> tensor([0.3367, 0.1288])
/// assert_eq!(manual_seed(42).randn(2), [0.33669037, 0.1288094]);
/// ```
pub fn manual_seed(seed: u64) -> Generator {
    Generator::with_seed(seed)
}

/// The seed that `torch.manual_seed` makes of a Python integer: negative ones wrap.
///
/// ```
/// use pullback_random::torch::seed_from_i128;
///
/// assert_eq!(seed_from_i128(-1)?, u64::MAX);
/// // Python: torch.manual_seed(2**64)
/// assert_eq!(seed_from_i128(1 << 64).unwrap_err().message(), "Overflow when unpacking long long");
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn seed_from_i128(seed: i128) -> Result<u64> {
    if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&seed) {
        Ok(seed as u64)
    } else {
        Err(Error::value("Overflow when unpacking long long"))
    }
}

impl Default for Generator {
    fn default() -> Self {
        Generator::new()
    }
}

impl Generator {
    /// `torch.Generator()`, with PyTorch's default seed.
    pub fn new() -> Self {
        Generator::with_seed(DEFAULT_SEED)
    }

    /// `torch.Generator().manual_seed(seed)`. As in PyTorch, only the lower 32 bits of the seed matter for the draws.
    pub fn with_seed(seed: u64) -> Self {
        Generator {
            engine: Mt19937::new(seed),
            next_normal: None,
            next_normal_f32: None,
        }
    }

    /// Starts the stream of `seed`.
    pub fn manual_seed(&mut self, seed: u64) -> &mut Self {
        *self = Generator::with_seed(seed);
        self
    }

    /// Seeds from entropy of the system and returns the seed.
    pub fn seed(&mut self) -> u64 {
        let entropy = Seed::from_entropy();
        let seed = entropy
            .words()
            .iter()
            .fold(0, |seed: u64, &word| seed.rotate_left(32) ^ u64::from(word));
        self.manual_seed(seed);
        seed
    }

    /// The seed the stream started from.
    pub fn initial_seed(&self) -> u64 {
        self.engine.seed
    }

    /// The next 32 bits.
    pub fn random(&mut self) -> u32 {
        self.engine.next_u32()
    }

    /// The next 64 bits: two draws, the high word first.
    pub fn random64(&mut self) -> u64 {
        let mut draws = [0; 2];
        self.engine.fill(&mut draws);
        (u64::from(draws[0]) << 32) | u64::from(draws[1])
    }

    /// 53 bits in [0, 1), as the serial kernels draw them.
    pub(super) fn unit_f64(&mut self) -> f64 {
        let mut draws = [0; 2];
        self.engine.fill(&mut draws);
        super::kernels::unit_f64(draws[0], draws[1])
    }

    /// Hands the draws for `out`, `PER` words an element, to `make` in pieces.
    pub(super) fn in_pieces<T, const PER: usize>(
        &mut self,
        out: &mut [T],
        mut make: impl FnMut(&[u32], &mut [T]),
    ) {
        let mut words = [0; 1024];
        for piece in out.chunks_mut(words.len() / PER) {
            let words = &mut words[..PER * piece.len()];
            self.engine.fill(words);
            make(words, piece);
        }
    }
}
