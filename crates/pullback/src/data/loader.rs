//! Batches of a data set, epoch after epoch: PyTorch's `DataLoader`, with its draws. Threads that work ahead are in `prefetch`, where a loader is in its
//! epoch in `epoch`.

use super::collate::Collate;
use super::dataset::Dataset;
use super::epoch::{Epoch, Underway};
use super::prefetch::Ahead;
use super::sampler::{BatchSampler, RandomSampler, Sampler, SequentialSampler, held};
use crate::Result;
use crate::core::fail::ensure;
use crate::random::torch::{Generator, loader_base_seed};
use crate::random::try_draw;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// A batch of a data set.
type BatchOf<D> = <<D as Dataset>::Item as Collate>::Batch;

/// In which order a loader visits.
pub(super) enum Order {
    Sequential,
    /// As PyTorch's `shuffle=True`, with the loader's generator where it has one.
    Shuffled,
    Sampler(Box<dyn Sampler>),
}

/// Batches of a data set. PyTorch's `DataLoader`.
pub struct DataLoader<D> {
    pub(super) dataset: Arc<D>,
    pub(super) batch_size: usize,
    pub(super) drop_last: bool,
    pub(super) order: Order,
    pub(super) generator: Option<Mutex<Generator>>,
    num_workers: usize,
    prefetch_factor: usize,
    pub(super) underway: Underway,
}

/// How a [`DataLoader`] is made.
#[must_use = "`build()` makes the loader"]
pub struct DataLoaderBuilder<D> {
    made: DataLoader<D>,
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of one sample, in order: PyTorch's defaults.
    pub fn builder(dataset: D) -> DataLoaderBuilder<D> {
        DataLoaderBuilder {
            made: DataLoader {
                dataset: Arc::new(dataset),
                batch_size: 1,
                drop_last: false,
                order: Order::Sequential,
                generator: None,
                num_workers: 0,
                prefetch_factor: 2,
                underway: Underway::default(),
            },
        }
    }

    /// The data set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// How many batches an epoch has where it has all samples.
    pub fn len(&self) -> usize {
        match self.drop_last {
            true => self.dataset.len() / self.batch_size,
            false => self.dataset.len().div_ceil(self.batch_size),
        }
    }

    /// Whether an epoch has no batches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<D: Dataset> DataLoaderBuilder<D> {
    /// How many samples a batch has.
    pub fn batch_size(mut self, n: usize) -> Self {
        self.made.batch_size = n;
        self
    }

    /// Whether the order is drawn, anew for each epoch.
    pub fn shuffle(mut self, on: bool) -> Self {
        self.made.order = if on {
            Order::Shuffled
        } else {
            Order::Sequential
        };
        self
    }

    /// The order is this sampler's.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.made.order = Order::Sampler(Box::new(sampler));
        self
    }

    /// Whether a last batch that is not whole is left out.
    pub fn drop_last(mut self, on: bool) -> Self {
        self.made.drop_last = on;
        self
    }

    /// Draws come from this generator, and not from the default one.
    pub fn generator(mut self, generator: Generator) -> Self {
        self.made.generator = Some(Mutex::new(generator));
        self
    }

    /// How many threads make batches ahead; the order stays. A data set that draws makes it depend on who is first.
    pub fn num_workers(mut self, n: usize) -> Self {
        self.made.num_workers = n;
        self
    }

    /// How many batches each thread may be ahead.
    pub fn prefetch_factor(mut self, n: usize) -> Self {
        self.made.prefetch_factor = n;
        self
    }

    /// Makes the loader.
    ///
    /// # Errors
    /// PyTorch's sentence for batches of nothing; for an empty data set that is to be shuffled.
    pub fn build(self) -> Result<DataLoader<D>> {
        let made = self.made;
        BatchSampler::new(Vec::new(), made.batch_size, false)?;
        ensure!(
            !matches!(made.order, Order::Shuffled) || !made.dataset.is_empty(),
            Value,
            "num_samples should be a positive integer value, but got num_samples=0"
        );
        ensure!(
            made.num_workers == 0 || made.prefetch_factor > 0,
            Value,
            "prefetch_factor must be positive where there are workers"
        );
        Ok(made)
    }
}

impl<D> DataLoader<D>
where
    D: Dataset + Send + Sync + 'static,
    BatchOf<D>: Send + 'static,
{
    /// The batches of one epoch. Draws the epoch's order, as PyTorch does: also where nothing is shuffled a seed for workers is drawn.
    ///
    /// After [`DataLoader::load`] of a state from the middle of an epoch these are the batches that were left of it, and nothing is drawn.
    ///
    /// # Errors
    /// Inside of [`random::draw`](crate::random::draw).
    pub fn iter(&self) -> Result<Batches<'_, D>> {
        let epoch = match self.underway.take() {
            Some(left) => left,
            None => self.drawn()?,
        };
        Ok(Batches {
            loader: self,
            epoch: self.underway.begin(epoch),
            ahead: None,
        })
    }

    fn drawn(&self) -> Result<Epoch> {
        match &self.generator {
            Some(own) => loader_base_seed(&mut held(own)),
            None => try_draw(loader_base_seed)?,
        };
        let n = self.dataset.len();
        let order = match (&self.order, &self.generator) {
            (Order::Sequential, _) => SequentialSampler(n).order()?,
            (Order::Shuffled, Some(own)) => {
                held(own).randperm(n).iter().map(|&i| i as usize).collect()
            }
            (Order::Shuffled, None) => RandomSampler::new(n).order()?,
            (Order::Sampler(sampler), _) => sampler.order()?,
        };
        let batches = BatchSampler::new(order, self.batch_size, self.drop_last)?;
        Ok(Epoch::new(batches))
    }
}

/// The batches of one epoch. Dropped before their end, they are the end of the epoch.
pub struct Batches<'a, D: Dataset> {
    loader: &'a DataLoader<D>,
    epoch: Arc<Epoch>,
    /// Threads that work ahead, once there is something to do.
    ahead: Option<Ahead<BatchOf<D>>>,
}

impl<D: Dataset> Drop for Batches<'_, D> {
    fn drop(&mut self) {
        self.loader.underway.end(&self.epoch);
    }
}

impl<D: Dataset> Batches<'_, D> {
    /// How many batches were given, or passed over.
    pub fn position(&self) -> usize {
        self.epoch.position()
    }

    /// Passes over batches without making them: where an epoch is taken up again that was left in the middle.
    #[must_use]
    pub fn skip_batches(self, n: usize) -> Self {
        let next = self.position().saturating_add(n);
        let next = next.min(self.epoch.batches.len());
        self.epoch.next.store(next, Ordering::Relaxed);
        self
    }

    /// Tells the sampler, once, that all samples were taken.
    fn finish(&mut self) -> Result<()> {
        if self.epoch.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        match (&self.loader.order, &self.loader.generator) {
            (Order::Sampler(sampler), _) => sampler.finished(),
            (Order::Shuffled, Some(own)) => {
                held(own).randperm(self.loader.dataset.len());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl<D> Iterator for Batches<'_, D>
where
    D: Dataset + Send + Sync + 'static,
    BatchOf<D>: Send + 'static,
{
    type Item = Result<BatchOf<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        let k = self.epoch.position();
        let epoch = Arc::clone(&self.epoch);
        let Some(indices) = epoch.batches.get(k) else {
            let done = self.finish();
            self.loader.underway.end(&self.epoch);
            return done.err().map(Err);
        };
        epoch.next.store(k + 1, Ordering::Relaxed);
        // A batch that is not whole is known to be the last: the sampler was asked for more.
        let partial = indices.len() < self.loader.batch_size;
        let loader = self.loader;
        let made = match loader.num_workers {
            0 => loader.dataset.batch(indices),
            workers => {
                let (dataset, batches) = (&loader.dataset, &epoch.batches);
                let ahead = self.ahead.get_or_insert_with(|| {
                    let (dataset, batches) = (Arc::clone(dataset), Arc::clone(batches));
                    let most = workers.saturating_mul(loader.prefetch_factor);
                    let (first, count) = (k, batches.len());
                    Ahead::start(workers, most, first..count, move |k| {
                        dataset.batch(batches.get(k).unwrap_or(&[]))
                    })
                });
                ahead.take(k)
            }
        };
        if partial && let Err(e) = self.finish() {
            return Some(Err(e));
        }
        Some(made.map_err(|e| e.note(format!("of batch {k}"))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self
            .epoch
            .batches
            .len()
            .saturating_sub(self.epoch.position());
        (left, Some(left))
    }
}
