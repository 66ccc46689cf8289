//! Seeds: everything `default_rng` accepts, brought to NumPy's common form, a list of 32-bit words. Not the mixing of
//! those words (`seed_sequence.rs`).
//!
//! Source: `_coerce_to_uint32_array` in `numpy/random/bit_generator.pyx`.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;

use crate::error::{Error, Result};

/// What a NumPy stream starts from: an integer of any size, a sequence of integers, or entropy of the system.
///
/// | Python | Rust |
/// |---|---|
/// | `default_rng(42)` | `default_rng(42)` |
/// | `default_rng([1, 2, 3])` | `default_rng([1, 2, 3])` |
/// | `default_rng(2**128 + 5)` | `default_rng("340282366920938463463374607431768211461".parse::<Seed>()?)` |
/// | `default_rng([2**70, 1])` | `default_rng(Seed::sequence([Seed::from_u128(1 << 70), Seed::from(1)]))` |
/// | `default_rng()` | `default_rng(None)` |
///
/// ```
/// use pullback_random::numpy::{Seed, default_rng};
///
/// // Python: np.random.default_rng(2**128 + 5).random() == 0.2531538239071238
/// let seed: Seed = "340282366920938463463374607431768211461".parse()?;
/// assert_eq!(default_rng(seed).next_random(), 0.2531538239071238);
/// # Ok::<(), pullback_random::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seed {
    words: Vec<u32>,
}

impl Seed {
    /// A seed below 2¹²⁸.
    pub fn from_u128(value: u128) -> Self {
        let mut words: Vec<u32> = (0..4).map(|i| (value >> (32 * i)) as u32).collect();
        trim(&mut words);
        Seed { words }
    }

    /// A signed integer, as Python code may hand over: negative ones are NumPy's error.
    pub fn from_i128(value: i128) -> Result<Self> {
        u128::try_from(value)
            .map(Seed::from_u128)
            .map_err(|_| Error::value("expected non-negative integer"))
    }

    /// One integer of any size, as little-endian 32-bit words.
    pub fn from_le_words(words: &[u32]) -> Self {
        let mut words = words.to_vec();
        trim(&mut words);
        Seed { words }
    }

    /// A sequence of seeds: NumPy lines up the words of each, so `[1, 2**40]` has three words.
    pub fn sequence(parts: impl IntoIterator<Item = Seed>) -> Self {
        Seed {
            words: parts.into_iter().flat_map(|s| s.words).collect(),
        }
    }

    /// 128 bits from the operating system, by way of the keys with which the standard library seeds its hash maps.
    /// Good for independent streams; not meant for cryptography.
    pub fn from_entropy() -> Self {
        let draw = || RandomState::new().build_hasher().finish() as u128;
        Seed::from_u128((draw() << 64) | draw())
    }

    /// The 32-bit words that enter the entropy pool.
    pub fn words(&self) -> &[u32] {
        &self.words
    }
}

/// NumPy writes an integer without leading zero words, and 0 as one word.
fn trim(words: &mut Vec<u32>) {
    while words.len() > 1 && words.last() == Some(&0) {
        words.pop();
    }
    if words.is_empty() {
        words.push(0);
    }
}

impl From<u64> for Seed {
    fn from(value: u64) -> Self {
        Seed::from_u128(u128::from(value))
    }
}

impl From<&[u64]> for Seed {
    fn from(values: &[u64]) -> Self {
        Seed::sequence(values.iter().map(|&v| Seed::from(v)))
    }
}

impl<const N: usize> From<[u64; N]> for Seed {
    fn from(values: [u64; N]) -> Self {
        Seed::from(&values[..])
    }
}

impl From<Vec<u64>> for Seed {
    fn from(values: Vec<u64>) -> Self {
        Seed::from(&values[..])
    }
}

impl From<Option<u64>> for Seed {
    fn from(value: Option<u64>) -> Self {
        value.map_or_else(Seed::from_entropy, Seed::from)
    }
}

impl FromStr for Seed {
    type Err = Error;

    /// Reads a decimal integer, or a hexadecimal one after `0x`, of any length.
    fn from_str(text: &str) -> Result<Self> {
        let unrecognized = || {
            Error::type_(format!(
                "SeedSequence expects int or sequence of ints for entropy not {text}"
            ))
        };
        if text.starts_with('-') && text[1..].bytes().all(|b| b.is_ascii_digit()) && text.len() > 1
        {
            return Err(Error::value("expected non-negative integer"));
        }
        let (digits, radix) = match text.strip_prefix("0x") {
            Some(rest) => (rest, 16),
            None => (text, 10),
        };
        if digits.is_empty() {
            return Err(unrecognized());
        }
        let mut words: Vec<u32> = Vec::new();
        for c in digits.chars() {
            let mut carry = u64::from(c.to_digit(radix).ok_or_else(unrecognized)?);
            for word in &mut words {
                let wide = u64::from(*word) * u64::from(radix) + carry;
                *word = wide as u32;
                carry = wide >> 32;
            }
            if carry != 0 {
                words.push(carry as u32);
            }
        }
        trim(&mut words);
        Ok(Seed { words })
    }
}
