//! In which order samples are visited: PyTorch's samplers, with their draws.

use super::split::permutation;
use crate::core::fail::ensure;
use crate::random::torch::{Generator, random_sampler, sampler_generator};
use crate::random::try_draw;
use crate::{DType, Result, Tensor};
use std::sync::{Mutex, PoisonError};

/// An order of samples, another one each time it is asked for.
pub trait Sampler: Send + Sync {
    /// The numbers of an epoch's samples.
    ///
    /// # Errors
    /// Where the order cannot be drawn.
    fn order(&self) -> Result<Vec<usize>>;

    /// Called when an epoch's last sample was taken: some draw once more then, as PyTorch's do.
    ///
    /// # Errors
    /// Where that cannot be drawn.
    fn finished(&self) -> Result<()> {
        Ok(())
    }

    /// What changes from epoch to epoch, for a run that is to go on later: a generator's state. None where the sampler has nothing of its own.
    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes back what [`Sampler::state`] gave.
    ///
    /// # Errors
    /// For bytes that are no such state; nothing is taken then.
    fn set_state(&self, state: &[u8]) -> Result<()> {
        ensure!(
            state.is_empty(),
            Value,
            "the sampler that was saved had a state of {} bytes, and this one has none",
            state.len()
        );
        Ok(())
    }
}

/// The state of a generator that a sampler may have.
fn state_of(generator: &Option<Mutex<Generator>>) -> Vec<u8> {
    generator
        .as_ref()
        .map_or_else(Vec::new, |own| held(own).get_state())
}

/// Gives it back.
fn put_state(generator: &Option<Mutex<Generator>>, state: &[u8]) -> Result<()> {
    match generator {
        Some(own) => Ok(held(own).set_state(state)?),
        None => {
            ensure!(
                state.is_empty(),
                Value,
                "the sampler that was saved had a generator of its own, and this one has none"
            );
            Ok(())
        }
    }
}

/// Of samplers with a generator.
macro_rules! states {
    () => {
        fn state(&self) -> Vec<u8> {
            state_of(&self.generator)
        }
        fn set_state(&self, state: &[u8]) -> Result<()> {
            put_state(&self.generator, state)
        }
    };
}

/// Numbers that fit because they are below a length.
fn places(order: &[i64]) -> Vec<usize> {
    order.iter().map(|&i| i as usize).collect()
}

/// One after the other. PyTorch's `SequentialSampler`.
#[derive(Clone, Copy, Debug)]
pub struct SequentialSampler(pub usize);

impl Sampler for SequentialSampler {
    fn order(&self) -> Result<Vec<usize>> {
        pullback_array::gathered(0..self.0)
    }
}

/// Drawn, with or without replacement. PyTorch's `RandomSampler`.
///
/// Without a generator of its own each epoch has one whose seed is drawn from the default generator.
#[derive(Debug)]
pub struct RandomSampler {
    n: usize,
    replacement: bool,
    num_samples: usize,
    generator: Option<Mutex<Generator>>,
}

impl RandomSampler {
    /// All of `n` samples, each once.
    pub fn new(n: usize) -> RandomSampler {
        RandomSampler {
            n,
            replacement: false,
            num_samples: n,
            generator: None,
        }
    }

    /// With samples drawn anew each time.
    #[must_use]
    pub fn replacement(mut self, on: bool) -> RandomSampler {
        self.replacement = on;
        self
    }

    /// So many samples; more than there are begin again.
    #[must_use]
    pub fn num_samples(mut self, n: usize) -> RandomSampler {
        self.num_samples = n;
        self
    }

    /// Drawing from this generator.
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> RandomSampler {
        self.generator = Some(Mutex::new(generator));
        self
    }
}

/// What is behind a lock, whatever happened to who held it: a generator is as good at any place.
pub(super) fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sampler for RandomSampler {
    states!();

    fn order(&self) -> Result<Vec<usize>> {
        ensure!(
            self.num_samples > 0,
            Value,
            "num_samples should be a positive integer value, but got num_samples={}",
            self.num_samples
        );
        let count = i64::try_from(self.num_samples).unwrap_or(i64::MAX);
        if let (Some(own), false, true) = (
            &self.generator,
            self.replacement,
            self.num_samples == self.n,
        ) {
            // What is drawn after the last sample is drawn there.
            return Ok(places(&held(own).randperm(self.n)));
        }
        let order = match &self.generator {
            Some(own) => random_sampler(&mut held(own), self.n, self.replacement, count)?,
            None => {
                let mut own = try_draw(sampler_generator)?;
                random_sampler(&mut own, self.n, self.replacement, count)?
            }
        };
        Ok(places(&order))
    }

    fn finished(&self) -> Result<()> {
        if let (Some(own), false, true) = (
            &self.generator,
            self.replacement,
            self.num_samples == self.n,
        ) {
            held(own).randperm(self.n);
        }
        Ok(())
    }
}

/// Some samples, in a drawn order. PyTorch's `SubsetRandomSampler`.
#[derive(Debug)]
pub struct SubsetRandomSampler {
    indices: Vec<usize>,
    generator: Option<Mutex<Generator>>,
}

impl SubsetRandomSampler {
    /// Of these.
    pub fn new(indices: impl Into<Vec<usize>>) -> SubsetRandomSampler {
        SubsetRandomSampler {
            indices: indices.into(),
            generator: None,
        }
    }

    /// Drawing from this generator, and not from the default one.
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> SubsetRandomSampler {
        self.generator = Some(Mutex::new(generator));
        self
    }
}

impl Sampler for SubsetRandomSampler {
    states!();

    fn order(&self) -> Result<Vec<usize>> {
        let n = self.indices.len();
        let order = match &self.generator {
            Some(own) => permutation(Some(&mut held(own)), n)?,
            None => permutation(None, n)?,
        };
        Ok(order.iter().map(|&i| self.indices[i as usize]).collect())
    }
}

/// Samples drawn by their weights. PyTorch's `WeightedRandomSampler`, whose draws without replacement differ on Intel's processors as `multinomial`'s do.
#[derive(Debug)]
pub struct WeightedRandomSampler {
    weights: Vec<f64>,
    num_samples: usize,
    replacement: bool,
    generator: Option<Mutex<Generator>>,
}

impl WeightedRandomSampler {
    /// So many samples by these weights, with replacement.
    ///
    /// # Errors
    /// PyTorch's sentence for no samples.
    pub fn new(weights: impl Into<Vec<f64>>, num_samples: usize) -> Result<WeightedRandomSampler> {
        ensure!(
            num_samples > 0,
            Value,
            "num_samples should be a positive integer value, but got num_samples={num_samples}"
        );
        Ok(WeightedRandomSampler {
            weights: weights.into(),
            num_samples,
            replacement: true,
            generator: None,
        })
    }

    /// Whether a sample may be drawn again.
    #[must_use]
    pub fn replacement(mut self, on: bool) -> WeightedRandomSampler {
        self.replacement = on;
        self
    }

    /// Drawing from this generator, and not from the default one.
    #[must_use]
    pub fn generator(mut self, generator: Generator) -> WeightedRandomSampler {
        self.generator = Some(Mutex::new(generator));
        self
    }
}

impl Sampler for WeightedRandomSampler {
    states!();

    fn order(&self) -> Result<Vec<usize>> {
        let count = i64::try_from(self.num_samples).unwrap_or(i64::MAX);
        let shape = [self.weights.len()];
        let order = match &self.generator {
            Some(own) => {
                let mut own = held(own);
                own.multinomial(&self.weights, &shape, count, self.replacement)?
            }
            None => {
                let weights = Tensor::from_slice(&self.weights, shape)?;
                let drawn = weights.multinomial(count, self.replacement)?;
                drawn.to(DType::I64)?.to_vec::<i64>()?
            }
        };
        Ok(places(&order))
    }
}

/// An order cut into batches. PyTorch's `BatchSampler`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSampler {
    order: Vec<usize>,
    batch_size: usize,
    drop_last: bool,
}

impl BatchSampler {
    /// Batches of this size; the last may be smaller, or is left out.
    ///
    /// # Errors
    /// PyTorch's sentence for batches of nothing.
    pub fn new(order: Vec<usize>, batch_size: usize, drop_last: bool) -> Result<BatchSampler> {
        ensure!(
            batch_size > 0,
            Value,
            "batch_size should be a positive integer value, but got batch_size={batch_size}"
        );
        Ok(BatchSampler {
            order,
            batch_size,
            drop_last,
        })
    }

    /// The samples of all batches, in order.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// How many batches there are.
    pub fn len(&self) -> usize {
        match self.drop_last {
            true => self.order.len() / self.batch_size,
            false => self.order.len().div_ceil(self.batch_size),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples of a batch, of which there must be more than `k`.
    pub fn get(&self, k: usize) -> Option<&[usize]> {
        let start = k.checked_mul(self.batch_size).filter(|_| k < self.len())?;
        let end = (start + self.batch_size).min(self.order.len());
        self.order.get(start..end)
    }
}
