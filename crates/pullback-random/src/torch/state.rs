//! `get_state` and `set_state`: PyTorch's 5056 bytes, readable both ways. The bytes are those of a 64-bit little-endian
//! machine, whatever this program runs on.
//!
//! Source: `CPUGeneratorImplState` in `ATen/CPUGeneratorImpl.cpp`. Each word of the twister takes eight bytes there.

use super::generator::Generator;
use super::kernels::N;
use super::mt19937::Mt19937;
use crate::error::{Error, Result};

/// The length of a saved state in bytes.
pub const STATE_SIZE: usize = 5056;

const SEED: usize = 0;
const LEFT: usize = 8;
const SEEDED: usize = 12;
const NEXT: usize = 16;
const WORDS: usize = 24;
const NORMAL_X: usize = WORDS + 8 * N;
const NORMAL_Y: usize = NORMAL_X + 8;
const NORMAL_IS_VALID: usize = NORMAL_X + 24;
const NORMAL_F32: usize = NORMAL_X + 32;
const NORMAL_F32_IS_VALID: usize = NORMAL_F32 + 4;

impl Generator {
    /// `get_state()`, as in `torch.get_rng_state()`.
    ///
    /// ```
    /// use pullback_random::torch::Generator;
    ///
    /// let mut g = Generator::with_seed(42);
    /// let state = g.get_state();
    /// assert_eq!(state.len(), 5056);
    /// let first = g.randn(3);
    /// g.set_state(&state)?;
    /// assert_eq!(g.randn(3), first);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn get_state(&self) -> Vec<u8> {
        let mut blob = vec![0; STATE_SIZE];
        let mut put = |at: usize, bytes: &[u8]| blob[at..at + bytes.len()].copy_from_slice(bytes);
        put(SEED, &self.engine.seed.to_le_bytes());
        put(LEFT, &self.engine.left.to_le_bytes());
        put(SEEDED, &1u32.to_le_bytes());
        put(NEXT, &u64::from(self.engine.next).to_le_bytes());
        for (i, &word) in self.engine.state.iter().enumerate() {
            put(WORDS + 8 * i, &u64::from(word).to_le_bytes());
        }
        if let Some(normal) = self.next_normal {
            put(NORMAL_Y, &normal.to_le_bytes());
            put(NORMAL_IS_VALID, &1u32.to_le_bytes());
        }
        if let Some(normal) = self.next_normal_f32 {
            put(NORMAL_F32, &normal.to_le_bytes());
            put(NORMAL_F32_IS_VALID, &[1]);
        }
        blob
    }

    /// `set_state(blob)`, as in `torch.set_rng_state(blob)`. On an error the generator stays as it was.
    ///
    /// ```
    /// use pullback_random::torch::Generator;
    ///
    /// // Python: torch.set_rng_state(torch.zeros(10, dtype=torch.uint8))
    /// assert_eq!(
    ///     Generator::new().set_state(&[0; 10]).unwrap_err().message(),
    ///     "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 10"
    /// );
    /// ```
    pub fn set_state(&mut self, blob: &[u8]) -> Result<()> {
        if blob.len() != STATE_SIZE {
            return Err(Error::runtime(format!(
                "Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG state size to be {}",
                blob.len()
            )));
        }
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| blob[at + i]));
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| blob[at + i]));
        let (left, next) = (u32_at(LEFT), u64_at(NEXT) as u32);
        if u32_at(SEEDED) == 0 || left == 0 || left > N as u32 || next > N as u32 {
            return Err(Error::runtime("Invalid mt19937 state"));
        }
        let state = std::array::from_fn(|i| u64_at(WORDS + 8 * i) as u32);
        self.engine = Mt19937 {
            seed: u64_at(SEED),
            left,
            next,
            state,
        };
        self.next_normal = (u32_at(NORMAL_IS_VALID) != 0).then(|| f64::from_bits(u64_at(NORMAL_Y)));
        self.next_normal_f32 =
            (blob[NORMAL_F32_IS_VALID] != 0).then(|| f32::from_bits(u32_at(NORMAL_F32)));
        Ok(())
    }
}
