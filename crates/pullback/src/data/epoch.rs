//! Where a loader is in its epoch, and that as tensors by name: so that a run that was stopped goes on with the batch it would have had next.

use super::dataset::Dataset;
use super::loader::{DataLoader, Order};
use super::sampler::{BatchSampler, held};
use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::random::torch::Generator;
use crate::{DType, Result, Tensor};
use pullback_array::{gathered, room};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The batches of an epoch, and how many of them were given.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) batches: Arc<BatchSampler>,
    pub(super) next: AtomicUsize,
    /// Whether the sampler was told that all samples were taken.
    pub(super) ended: AtomicBool,
}

impl Epoch {
    pub(super) fn new(batches: BatchSampler) -> Epoch {
        Epoch {
            batches: Arc::new(batches),
            next: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn position(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }
}

/// The epochs that a loader is in: those whose batches are being given, and one that was loaded and not taken up yet.
#[derive(Debug, Default)]
pub(super) struct Underway {
    running: Mutex<Vec<Arc<Epoch>>>,
    loaded: Mutex<Option<Epoch>>,
}

impl Underway {
    /// Notes an epoch while its batches are given.
    pub(super) fn begin(&self, epoch: Epoch) -> Arc<Epoch> {
        let epoch = Arc::new(epoch);
        held(&self.running).push(Arc::clone(&epoch));
        epoch
    }

    pub(super) fn end(&self, epoch: &Arc<Epoch>) {
        held(&self.running).retain(|other| !Arc::ptr_eq(other, epoch));
    }

    /// The epoch that was loaded, once.
    pub(super) fn take(&self) -> Option<Epoch> {
        held(&self.loaded).take()
    }
}

/// The least integers that hold places of `n` samples, one for each.
fn places(order: &[usize]) -> Result<Tensor> {
    let wide = order.iter().any(|&i| u32::try_from(i).is_err());
    match wide {
        true => {
            let all = gathered(order.iter().map(|&i| i as u64))?;
            Tensor::from_slice(&all, [all.len()])
        }
        false => {
            let all = gathered(order.iter().map(|&i| i as u32))?;
            Tensor::from_slice(&all, [all.len()])
        }
    }
}

/// What a state is said to hold, whole: a number, bytes, places.
struct Saved<'a>(&'a NamedTensors);

impl Saved<'_> {
    fn need(&self, name: &str) -> Result<&Tensor> {
        (self.0.get(name)).ok_or_else(|| error!(Argument, "the loader's state has no `{name}`"))
    }

    fn number(&self, name: &str) -> Result<usize> {
        let of = |t: &Tensor| t.to_vec::<u64>();
        match of(self.need(name)?).as_deref() {
            Ok(&[n]) => usize::try_from(n).map_err(|_| error!(Value, "`{name}` is {n}")),
            _ => bail!(Value, "`{name}` of the loader's state is no whole number"),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let t = self.need(name)?;
        t.to_vec::<u8>()
            .map_err(|_| error!(DType, "`{name}` of the loader's state holds no bytes"))
    }

    fn order(&self) -> Result<Vec<usize>> {
        let t = self.need("order")?;
        let mut out = room(t.numel())?;
        match t.dtype() {
            DType::U32 => out.extend(t.to_vec::<u32>()?.iter().map(|&i| i as usize)),
            DType::U64 => {
                for i in t.to_vec::<u64>()? {
                    let i = usize::try_from(i)
                        .map_err(|_| error!(Index, "`order` names sample {i}"))?;
                    out.push(i);
                }
            }
            other => bail!(DType, "`order` of the loader's state is {other}"),
        }
        Ok(out)
    }
}

const KNOWN: [&str; 8] = [
    "samples",
    "batch_size",
    "drop_last",
    "generator",
    "sampler",
    "order",
    "position",
    "ended",
];

impl<D: Dataset> DataLoader<D> {
    /// Where the loader is: its generator, its sampler, and, while an epoch's batches are being given, its order and how many were given.
    ///
    /// Batches that threads made ahead and nobody took are not given yet. What a data set draws by itself is not known here.
    ///
    /// # Errors
    /// While the batches of two epochs are given at once; where the memory is not to be had.
    pub fn state(&self) -> Result<NamedTensors> {
        let mut all = NamedTensors::new();
        let mut put = |name: &str, t: Tensor| all.insert(name, t);
        put("samples", Tensor::scalar(self.dataset.len() as u64));
        put("batch_size", Tensor::scalar(self.batch_size as u64));
        put("drop_last", Tensor::scalar(u64::from(self.drop_last)));
        if let Some(own) = &self.generator {
            let bytes = held(own).get_state();
            put("generator", Tensor::from_slice(&bytes, [bytes.len()])?);
        }
        if let Order::Sampler(sampler) = &self.order {
            let bytes = sampler.state();
            put("sampler", Tensor::from_slice(&bytes, [bytes.len()])?);
        }
        let running = held(&self.underway.running);
        let loaded = held(&self.underway.loaded);
        let epoch = match (&running[..], &*loaded) {
            ([], None) => return Ok(all),
            ([], Some(epoch)) => epoch,
            ([epoch], None) => epoch,
            _ => bail!(
                Unsupported,
                "the loader gives the batches of several epochs at once: its place is none of them"
            ),
        };
        put("order", places(epoch.batches.order())?);
        put("position", Tensor::scalar(epoch.position() as u64));
        let ended = epoch.ended.load(Ordering::Relaxed);
        put("ended", Tensor::scalar(u64::from(ended)));
        Ok(all)
    }

    /// Takes back what [`DataLoader::state`] gave. If that was in the middle of an epoch, the next [`DataLoader::iter`] goes on with it and draws nothing.
    ///
    /// ```
    /// use pullback::data::{DataLoader, TensorDataset};
    /// use pullback::{Result, Tensor, random};
    /// let loader = || {
    ///     let data = TensorDataset::new([&Tensor::arange(6)?])?;
    ///     DataLoader::builder(data).batch_size(2).shuffle(true).build()
    /// };
    /// random::manual_seed(0);
    /// let first = loader()?;
    /// let mut epoch = first.iter()?;
    /// epoch.next();
    /// let state = first.state()?;
    /// let rest = |batches: &mut dyn Iterator<Item = Result<[Tensor; 1]>>| {
    ///     batches.map(|b| b?[0].to_vec::<i64>()).collect::<Result<Vec<_>>>()
    /// };
    /// let second = loader()?;
    /// second.load(&state)?;
    /// assert_eq!(rest(&mut second.iter()?)?, rest(&mut epoch)?);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// A state of another data set, another size of batches, a loader with another kind of generator; while batches are being given. Nothing is
    /// taken then.
    pub fn load(&self, state: &NamedTensors) -> Result<()> {
        let saved = Saved(state);
        if let Some(name) = state.names().find(|name| !KNOWN.contains(name)) {
            bail!(
                Argument,
                "the loader's state has a `{name}`, which is unknown"
            );
        }
        for (name, own) in [
            ("samples", self.dataset.len()),
            ("batch_size", self.batch_size),
            ("drop_last", usize::from(self.drop_last)),
        ] {
            let was = saved.number(name)?;
            ensure!(
                was == own,
                Value,
                "the loader was saved with {name} {was}, and this one has {own}"
            );
        }
        let kinds = [
            ("generator", self.generator.is_some()),
            ("sampler", matches!(self.order, Order::Sampler(_))),
        ];
        for (name, own) in kinds {
            let was = state.get(name).is_some();
            ensure!(
                was == own,
                Value,
                "one of both has a {name} of its own: the loader that was saved ({was}) or this one ({own})"
            );
        }
        let epoch = match state.get("order") {
            None => None,
            Some(_) => Some(self.epoch_of(&saved)?),
        };
        ensure!(
            held(&self.underway.running).is_empty(),
            Unsupported,
            "the loader is giving the batches of an epoch: load it before, or drop them"
        );
        let generator = match &self.generator {
            None => None,
            Some(own) => {
                let mut new: Generator = held(own).clone();
                new.set_state(&saved.bytes("generator")?)?;
                Some((own, new))
            }
        };
        if let Order::Sampler(sampler) = &self.order {
            sampler.set_state(&saved.bytes("sampler")?)?;
        }
        if let Some((own, new)) = generator {
            *held(own) = new;
        }
        *held(&self.underway.loaded) = epoch;
        Ok(())
    }

    /// The epoch of a state.
    fn epoch_of(&self, saved: &Saved<'_>) -> Result<Epoch> {
        let order = saved.order()?;
        let n = self.dataset.len();
        if let Some(i) = order.iter().find(|&&i| i >= n) {
            bail!(Index, "`order` names sample {i} of {n}");
        }
        let batches = BatchSampler::new(order, self.batch_size, self.drop_last)?;
        let position = saved.number("position")?;
        ensure!(
            position <= batches.len(),
            Index,
            "`position` is {position} in an epoch of {} batches",
            batches.len()
        );
        let epoch = Epoch::new(batches);
        epoch.next.store(position, Ordering::Relaxed);
        let ended = saved.number("ended")? != 0;
        epoch.ended.store(ended, Ordering::Relaxed);
        Ok(epoch)
    }
}
