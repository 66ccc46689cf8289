//! The draws of `torch.utils.data`: what a `DataLoader` takes from its generator and in which order it visits the samples.
//! No batches here: batches of `n` are the order cut into pieces of `n`.
//!
//! Source: `_BaseDataLoaderIter.__init__` in `torch/utils/data/dataloader.py`, `RandomSampler.__iter__` in
//! `torch/utils/data/sampler.py`.

use super::generator::Generator;
use crate::error::{Error, Result};

/// The seed for worker processes, which every iteration over a loader draws first, shuffling or not, workers or not.
pub fn loader_base_seed(g: &mut Generator) -> i64 {
    let mut seed = [0];
    g.fill_random(&mut seed);
    seed[0]
}

/// One epoch of `DataLoader(…, shuffle=True, generator=g)`, from the first batch to the last: the order of its `n` samples.
///
/// ```
/// use pullback_random::torch::{Generator, shuffled_epoch};
///
/// // Python: loader = DataLoader(range(5), shuffle=True, generator=torch.Generator().manual_seed(42))
/// let mut g = Generator::with_seed(42);
/// // Python: [int(b) for b in loader]    -> [1, 3, 2, 4, 0]
/// assert_eq!(shuffled_epoch(&mut g, 5)?, [1, 3, 2, 4, 0]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn shuffled_epoch(g: &mut Generator, n: usize) -> Result<Vec<i64>> {
    check_samples(n as i64)?;
    let order = shuffled_epoch_started(g, n);
    g.randperm(n);
    Ok(order)
}

/// An epoch as [`shuffled_epoch`] that is left before its end. At its end the sampler draws one more permutation, of which
/// it uses nothing; who breaks out of the loop leaves it undrawn.
pub fn shuffled_epoch_started(g: &mut Generator, n: usize) -> Vec<i64> {
    loader_base_seed(g);
    g.randperm(n)
}

/// One epoch of `DataLoader(…, shuffle=True)` without a generator; `global` is the generator that `torch.manual_seed` seeds.
/// The sampler seeds a generator of its own from it, so it does not matter whether the epoch is left early.
///
/// ```
/// use pullback_random::torch::{manual_seed, shuffled_epoch_global};
///
/// // Python: torch.manual_seed(42); [int(b) for b in DataLoader(range(5), shuffle=True)]    -> [3, 2, 1, 4, 0]
/// assert_eq!(shuffled_epoch_global(&mut manual_seed(42), 5)?, [3, 2, 1, 4, 0]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn shuffled_epoch_global(global: &mut Generator, n: usize) -> Result<Vec<i64>> {
    check_samples(n as i64)?;
    loader_base_seed(global);
    Ok(sampler_generator(global).randperm(n))
}

/// The generator that a `RandomSampler` without one makes for an epoch.
pub fn sampler_generator(global: &mut Generator) -> Generator {
    Generator::with_seed(loader_base_seed(global) as u64)
}

/// `list(RandomSampler(range(n), replacement, num_samples, generator=g))`.
///
/// ```
/// use pullback_random::torch::{manual_seed, random_sampler};
///
/// let mut g = manual_seed(42);
/// // Python: list(RandomSampler(range(3), num_samples=5, generator=g))
/// assert_eq!(random_sampler(&mut g, 3, false, 5)?, [0, 2, 1, 1, 0]);
/// // Python: RandomSampler(range(3), num_samples=0)
/// assert_eq!(
///     random_sampler(&mut g, 3, false, 0).unwrap_err().message(),
///     "num_samples should be a positive integer value, but got num_samples=0"
/// );
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn random_sampler(
    g: &mut Generator,
    n: usize,
    replacement: bool,
    num_samples: i64,
) -> Result<Vec<i64>> {
    check_samples(num_samples)?;
    let count = num_samples as usize;
    if replacement {
        return g.randint(0, n as i64, count);
    }
    if n == 0 {
        return Err(Error::zero_division("integer division or modulo by zero"));
    }
    let mut order = Vec::new();
    for _ in 0..count / n {
        order.extend(g.randperm(n));
    }
    // Drawn even where nothing of it is used.
    order.extend(&g.randperm(n)[..count % n]);
    Ok(order)
}

fn check_samples(num_samples: i64) -> Result<()> {
    if num_samples > 0 {
        return Ok(());
    }
    Err(Error::value(format!(
        "num_samples should be a positive integer value, but got num_samples={num_samples}"
    )))
}
