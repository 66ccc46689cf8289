//! PCG64, NumPy's default bit generator: a 128-bit congruential generator with the XSL-RR output. Bits only; numbers
//! are made from them elsewhere.
//!
//! Source: `numpy/random/src/pcg64/pcg64.{h,c}` and `numpy/random/_pcg64.pyx`.

use super::seed::Seed;
use super::seed_sequence::SeedSequence;

const MULTIPLIER: u128 = (2549297995355413924 << 64) | 4865540595714422341;
/// The distance of `jumped`: 2¹²⁸ divided by the golden ratio, so that streams of many jumps stay apart.
const JUMP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// NumPy's `PCG64`.
///
/// ```
/// use pullback_random::numpy::Pcg64;
///
/// // Python: np.random.PCG64(42).random_raw(2)
/// assert_eq!(Pcg64::new(42).random_raw(2), [14276969152011380360, 8095878257575067585]);
/// ```
#[derive(Clone, Debug)]
pub struct Pcg64 {
    seed_sequence: SeedSequence,
    pub(super) words: Words,
}

/// The generator proper with its kept half, small enough for a fill to work on a copy in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) lcg: Lcg,
    /// The upper half of a 64-bit draw of which a 32-bit draw took the lower: the next 32-bit draw
    /// takes it, even if 64-bit draws happen in between. A half once taken stays readable, as in
    /// NumPy's `state`.
    has_half: bool,
    half: u32,
}

impl Words {
    #[inline(always)]
    pub(super) fn next_u64(&mut self) -> u64 {
        self.lcg.next()
    }

    #[inline(always)]
    pub(super) fn next_u32(&mut self) -> u32 {
        if self.has_half {
            self.has_half = false;
            return self.half;
        }
        let word = self.lcg.next();
        self.has_half = true;
        self.half = (word >> 32) as u32;
        word as u32
    }
}

/// The congruential generator alone, small enough to live in registers while a fill runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lcg {
    pub(super) state: u128,
    inc: u128,
}

impl Lcg {
    #[inline(always)]
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.inc);
        output(self.state)
    }

    /// The affine map of `delta` steps at once, as (multiplier, increment).
    pub(super) fn leap(&self, mut delta: u128) -> (u128, u128) {
        let (mut mult, mut plus) = (MULTIPLIER, self.inc);
        let (mut acc_mult, mut acc_plus) = (1u128, 0u128);
        while delta > 0 {
            if delta & 1 == 1 {
                acc_mult = acc_mult.wrapping_mul(mult);
                acc_plus = acc_plus.wrapping_mul(mult).wrapping_add(plus);
            }
            plus = mult.wrapping_add(1).wrapping_mul(plus);
            mult = mult.wrapping_mul(mult);
            delta >>= 1;
        }
        (acc_mult, acc_plus)
    }
}

/// XSL-RR: fold the halves, rotate by the top six bits.
#[inline(always)]
pub(super) fn output(state: u128) -> u64 {
    (((state >> 64) as u64) ^ state as u64).rotate_right((state >> 122) as u32)
}

/// The state of a [`Pcg64`], field by field as in NumPy's `bit_generator.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pcg64State {
    /// `state["state"]["state"]`
    pub state: u128,
    /// `state["state"]["inc"]`
    pub inc: u128,
    /// `state["has_uint32"]`
    pub has_uint32: bool,
    /// `state["uinteger"]`
    pub uinteger: u32,
}

impl Pcg64 {
    /// Seeds by way of a [`SeedSequence`].
    pub fn new(seed: impl Into<Seed>) -> Self {
        Pcg64::from_seed_sequence(SeedSequence::new(seed))
    }

    /// Seeds from a sequence, of which later `spawn`s make children.
    pub fn from_seed_sequence(seed_sequence: SeedSequence) -> Self {
        let words = seed_sequence.generate_state_u64(4);
        let wide = |hi: u64, lo: u64| (u128::from(hi) << 64) | u128::from(lo);
        let inc = (wide(words[2], words[3]) << 1) | 1;
        let mut lcg = Lcg { state: 0, inc };
        lcg.next();
        lcg.state = lcg.state.wrapping_add(wide(words[0], words[1]));
        lcg.next();
        Pcg64 {
            seed_sequence,
            words: Words {
                lcg,
                has_half: false,
                half: 0,
            },
        }
    }

    /// The sequence it was seeded from.
    pub fn seed_sequence(&self) -> &SeedSequence {
        &self.seed_sequence
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.words.lcg.next()
    }

    /// The next 32 bits: the lower half of a 64-bit draw now, its upper half at the next call.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// `random_raw(n)`.
    pub fn random_raw(&mut self, n: usize) -> Vec<u64> {
        (0..n).map(|_| self.words.lcg.next()).collect()
    }

    /// Moves ahead by `delta` 64-bit draws, modulo 2¹²⁸ (so `(-5i128) as u128` goes back by five), and forgets a kept
    /// half, as NumPy does.
    pub fn advance(&mut self, delta: u128) {
        let (mult, plus) = self.words.lcg.leap(delta);
        self.words.lcg.state = self.words.lcg.state.wrapping_mul(mult).wrapping_add(plus);
        self.words.has_half = false;
        self.words.half = 0;
    }

    /// A copy that is `jumps` times 2¹²⁸/φ draws ahead.
    pub fn jumped(&self, jumps: u128) -> Pcg64 {
        let mut copy = self.clone();
        copy.advance(JUMP.wrapping_mul(jumps));
        copy
    }

    /// Generators seeded from the children of the seed sequence.
    pub fn spawn(&mut self, n: usize) -> Vec<Pcg64> {
        self.seed_sequence
            .spawn(n)
            .into_iter()
            .map(Pcg64::from_seed_sequence)
            .collect()
    }

    /// The state, to save or to compare with NumPy's.
    pub fn state(&self) -> Pcg64State {
        Pcg64State {
            state: self.words.lcg.state,
            inc: self.words.lcg.inc,
            has_uint32: self.words.has_half,
            uinteger: self.words.half,
        }
    }

    /// Takes over a state; the seed sequence stays, as in NumPy.
    pub fn set_state(&mut self, state: Pcg64State) {
        self.words.lcg = Lcg {
            state: state.state,
            inc: state.inc,
        };
        self.words.has_half = state.has_uint32;
        self.words.half = state.uinteger;
    }
}
