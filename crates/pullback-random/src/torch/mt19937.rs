//! The Mersenne twister as PyTorch runs it, word by word and in bulk. Not the generator's cached normal number nor its
//! saved form (`generator.rs`, `state.rs`).
//!
//! Source: `ATen/core/MT19937RNGEngine.h`.

use super::kernels::N;
use super::simd;

/// PyTorch's `mt19937_engine`, with its two counters, which its saved form shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mt19937 {
    pub(super) seed: u64,
    /// One more than the number of words of this block that are not drawn yet.
    pub(super) left: u32,
    /// The next word of the block.
    pub(super) next: u32,
    pub(super) state: [u32; N],
}

impl Mt19937 {
    /// Only the lower half of the seed reaches the state.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for j in 1..N {
            let last: u32 = state[j - 1];
            state[j] = 1812433253u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(j as u32);
        }
        Mt19937 {
            seed,
            left: 1,
            next: 0,
            state,
        }
    }

    #[inline]
    pub(super) fn next_u32(&mut self) -> u32 {
        let mut draw = [0];
        self.fill(&mut draw);
        draw[0]
    }

    /// The next draws, as many as `out` holds.
    pub(super) fn fill(&mut self, mut out: &mut [u32]) {
        while !out.is_empty() {
            // A restored state may claim more words than the block has: never read past its end.
            let ready = (self.left.saturating_sub(1) as usize).min(N - (self.next as usize).min(N));
            if ready == 0 {
                simd::twist(&mut self.state);
                self.left = N as u32 + 1;
                self.next = 0;
                continue;
            }
            let take = ready.min(out.len());
            let (now, later) = out.split_at_mut(take);
            let start = self.next as usize;
            simd::temper(&self.state[start..start + take], now);
            self.next += take as u32;
            self.left -= take as u32;
            out = later;
        }
    }
}
