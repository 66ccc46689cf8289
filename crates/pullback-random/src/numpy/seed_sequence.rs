//! `SeedSequence`: words of a seed mixed into a pool, the pool stretched into states, children by spawn key. Not the
//! reading of seeds (`seed.rs`) and not a source of draws.
//!
//! Source: class `SeedSequence` in `numpy/random/bit_generator.pyx`, after Melissa O'Neill's `seed_seq_fe`.

use super::seed::Seed;

const POOL: usize = 4;
const INIT_A: u32 = 0x43b0_d7e5;
const MULT_A: u32 = 0x931e_8875;
const INIT_B: u32 = 0x8b51_f9dd;
const MULT_B: u32 = 0x58f3_8ded;
const MIX_L: u32 = 0xca01_f9dd;
const MIX_R: u32 = 0x4973_f715;

/// NumPy's `SeedSequence` with its default pool of four words.
///
/// ```
/// use pullback_random::numpy::SeedSequence;
///
/// // Python: np.random.SeedSequence(42).generate_state(2)        -> array([3444837047, 2669555309], dtype=uint32)
/// assert_eq!(SeedSequence::new(42).generate_state_u32(2), [3444837047, 2669555309]);
/// // Python: np.random.SeedSequence(42).spawn(2)[1].spawn_key    -> (1,)
/// assert_eq!(SeedSequence::new(42).spawn(2)[1].spawn_key(), [1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSequence {
    entropy: Seed,
    spawn_key: Vec<u64>,
    children: u64,
    pool: [u32; POOL],
}

impl SeedSequence {
    /// A sequence without a spawn key.
    pub fn new(entropy: impl Into<Seed>) -> Self {
        SeedSequence::with_spawn_key(entropy, &[])
    }

    /// A child by name: what `spawn` gives its n-th child is the parent's key with n at its end.
    pub fn with_spawn_key(entropy: impl Into<Seed>, spawn_key: &[u64]) -> Self {
        let entropy = entropy.into();
        let mut words = entropy.words().to_vec();
        if !spawn_key.is_empty() {
            // Without the padding, seed (1, 2) and seed 1 with the key (2,) would collide.
            words.resize(words.len().max(POOL), 0);
            words.extend_from_slice(Seed::from(spawn_key).words());
        }
        SeedSequence {
            pool: mix_entropy(&words),
            entropy,
            spawn_key: spawn_key.to_vec(),
            children: 0,
        }
    }

    /// The seed it was made from.
    pub fn entropy(&self) -> &Seed {
        &self.entropy
    }

    /// The path from the root of the tree of spawned sequences.
    pub fn spawn_key(&self) -> &[u64] {
        &self.spawn_key
    }

    /// How many children have been spawned so far.
    pub fn n_children_spawned(&self) -> u64 {
        self.children
    }

    /// The next `n` children; a later call continues the numbering.
    pub fn spawn(&mut self, n: usize) -> Vec<SeedSequence> {
        let first = self.children;
        self.children += n as u64;
        (first..self.children)
            .map(|child| {
                let mut key = self.spawn_key.clone();
                key.push(child);
                SeedSequence::with_spawn_key(self.entropy.clone(), &key)
            })
            .collect()
    }

    /// `generate_state(n, dtype=uint32)`.
    pub fn generate_state_u32(&self, n: usize) -> Vec<u32> {
        let mut hash = INIT_B;
        (0..n)
            .map(|i| {
                let value = self.pool[i % POOL] ^ hash;
                hash = hash.wrapping_mul(MULT_B);
                let value = value.wrapping_mul(hash);
                value ^ (value >> 16)
            })
            .collect()
    }

    /// `generate_state(n, dtype=uint64)`: pairs of 32-bit words, the low one first.
    pub fn generate_state_u64(&self, n: usize) -> Vec<u64> {
        let words = self.generate_state_u32(2 * n);
        words
            .chunks_exact(2)
            .map(|w| u64::from(w[0]) | (u64::from(w[1]) << 32))
            .collect()
    }
}

fn mix_entropy(words: &[u32]) -> [u32; POOL] {
    let mut hash = INIT_A;
    let mut hashmix = |value: u32| {
        let value = value ^ hash;
        hash = hash.wrapping_mul(MULT_A);
        let value = value.wrapping_mul(hash);
        value ^ (value >> 16)
    };
    let mix = |x: u32, y: u32| {
        let r = MIX_L.wrapping_mul(x).wrapping_sub(MIX_R.wrapping_mul(y));
        r ^ (r >> 16)
    };
    let mut pool = [0; POOL];
    for (i, slot) in pool.iter_mut().enumerate() {
        *slot = hashmix(words.get(i).copied().unwrap_or(0));
    }
    for src in 0..POOL {
        for dst in 0..POOL {
            if src != dst {
                pool[dst] = mix(pool[dst], hashmix(pool[src]));
            }
        }
    }
    for &word in words.iter().skip(POOL) {
        for slot in &mut pool {
            *slot = mix(*slot, hashmix(word));
        }
    }
    pool
}
