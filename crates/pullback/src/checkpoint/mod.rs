//! A run in one file, from which it goes on with the same bits: models, optimisers, schedules, random streams, a loader's place, and numbers of one's own.
//!
//! A [`Checkpoint`] is the list of what a run is made of, by names of one's choice. It is made where it is used, and the same list is written and read:
//!
//! ```
//! use pullback::checkpoint::Checkpoint;
//! use pullback::data::{DataLoader, TensorDataset};
//! use pullback::nn::{Layer, Linear, Module};
//! use pullback::optim::lr_scheduler::{Law, Schedule, Scheduler, StepLR};
//! use pullback::optim::Adam;
//! use pullback::{DType, Result, Tensor, random};
//!
//! struct Run {
//!     model: Linear,
//!     optim: Adam,
//!     schedule: Schedule<StepLR>,
//!     epoch: u64,
//! }
//!
//! impl Run {
//!     fn new() -> Result<Run> {
//!         random::manual_seed(0);
//!         let model = Linear::new(2, 1)?;
//!         let mut optim = Adam::new(model.named_parameters(), 0.1)?;
//!         let schedule = StepLR::new(2).over(&mut optim)?;
//!         Ok(Run { model, optim, schedule, epoch: 0 })
//!     }
//!
//!     /// All that a run is made of.
//!     fn parts<'a>(&'a mut self, loader: &'a DataLoader<TensorDataset<1>>) -> Checkpoint<'a> {
//!         Checkpoint::new()
//!             .module("model", &self.model)
//!             .optimizer("optimizer", &mut self.optim)
//!             .scheduler("schedule", &mut self.schedule)
//!             .loader("loader", loader)
//!             .keep("epoch", &mut self.epoch)
//!     }
//! }
//!
//! # let path = std::env::temp_dir().join(format!("pullback-checkpoint-{}", std::process::id()));
//! # let path = &path;
//! let data = TensorDataset::new([&Tensor::ones([8, 2], DType::F32)?])?;
//! let loader = DataLoader::builder(data).batch_size(2).shuffle(true).build()?;
//! let mut run = Run::new()?;
//! run.parts(&loader).resume(path)?; // goes on where the file says, if there is one
//! while run.epoch < 3 {
//!     for batch in loader.iter()? {
//!         let [x] = batch?;
//!         run.model.zero_grad();
//!         run.model.forward(&x)?.square()?.mean()?.backward()?;
//!         run.optim.step()?;
//!         run.parts(&loader).save(path)?; // killed at any moment, the run loses a step at most
//!     }
//!     run.schedule.step(&mut run.optim)?;
//!     run.epoch += 1;
//!     run.parts(&loader).save(path)?;
//! }
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! **The file** is one of safetensors, which other tools read: the tensors of each part stand under its name (`model.weight`, `optimizer.state.weight.exp_avg`),
//! the default generator's state under `random`, and the notes say `format` (`pullback.checkpoint`), `version` and `parts`.
//! [`io::load`](crate::io::load) reads it too, and `under("model")` of that is the model's state alone.
//!
//! **Saving** writes the file whole or not at all. **Loading** looks at everything before it changes anything: after an error the parts are what they were.
//!
//! What it does not know: gradients (save when a step is done, not between `backward` and `step`), what a data set draws from streams of its own, and time.

mod keep;
mod load;
mod part;

pub use keep::Keep;

use crate::core::fail::{ensure, error};
use crate::data::{DataLoader, Dataset};
use crate::io::safetensors;
use crate::nn::{Module, NamedTensors};
use crate::optim::Optimizer;
use crate::optim::lr_scheduler::Scheduler;
use crate::{Error, Result, Tensor, random};
use part::Part;
use std::collections::HashSet;
use std::path::Path;

/// What the notes of a file call it.
const FORMAT: &str = "pullback.checkpoint";
/// Files of other versions are not read.
const VERSION: &str = "1";
/// The default generator's part.
const RANDOM: &str = "random";

/// What a run is made of: written to a file, and read back. See the [module](self).
#[derive(Default)]
#[must_use = "`save` writes it, `load` and `resume` read it"]
pub struct Checkpoint<'a> {
    parts: Vec<(String, Part<'a>)>,
}

impl<'a> Checkpoint<'a> {
    /// The default generator alone, which is always a part.
    pub fn new() -> Checkpoint<'a> {
        Checkpoint { parts: Vec::new() }
    }

    fn with(mut self, name: &str, part: Part<'a>) -> Self {
        self.parts.push((name.to_string(), part));
        self
    }

    /// A model: its parameters and buffers, bit for bit and in their own dtypes.
    pub fn module(self, name: &str, module: &'a dyn Module) -> Self {
        self.with(name, Part::Module(module))
    }

    /// An optimiser: what it keeps of each parameter, by the parameter's name, and its options.
    pub fn optimizer(self, name: &str, optim: &'a mut dyn Optimizer) -> Self {
        self.with(name, Part::Optimizer(optim))
    }

    /// A schedule of rates. [`ReduceLROnPlateau`](crate::optim::lr_scheduler::ReduceLROnPlateau) is taken by [`Checkpoint::keep`].
    pub fn scheduler(self, name: &str, scheduler: &'a mut dyn Scheduler) -> Self {
        self.with(name, Part::Scheduler(scheduler))
    }

    /// A loader: its place in the epoch, its generator, its sampler's.
    pub fn loader<D: Dataset>(self, name: &str, loader: &'a DataLoader<D>) -> Self {
        self.with(name, Part::Loader(Box::new(loader)))
    }

    /// Anything else: counts, numbers, texts, lists of numbers, tensors, generators, and whatever implements [`Keep`].
    pub fn keep(self, name: &str, value: &'a mut dyn Keep) -> Self {
        self.with(name, Part::Kept(value))
    }

    /// Writes the file whole or not at all: after a crash at any moment there is the one from before, or this one.
    ///
    /// # Errors
    /// Those of the file system, with the path; two parts of one name, or a name that is empty, has a dot or is `random`.
    pub fn save(self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let (all, names) = self.written().map_err(|e| of_file(path, e))?;
        let notes = [("format", FORMAT), ("version", VERSION), ("parts", &names)];
        safetensors::save(path, &all, &notes)
    }

    /// All tensors, and the names of the parts.
    fn written(&self) -> Result<(NamedTensors, String)> {
        self.check_names()?;
        let bytes = random::try_draw(|g| g.get_state())?;
        let default = Tensor::from_slice(&bytes, [bytes.len()])?;
        let mut all: NamedTensors = [(format!("{RANDOM}.torch"), default)].into_iter().collect();
        for (name, part) in &self.parts {
            let own = part.state().map_err(|e| of_part(name, e))?;
            all = all.and(own.with_prefix(name));
        }
        let names: Vec<&str> = self.parts.iter().map(|(name, _)| &**name).collect();
        Ok((all, names.join(",")))
    }

    fn check_names(&self) -> Result<()> {
        let mut seen = HashSet::from([RANDOM]);
        for (name, _) in &self.parts {
            ensure!(
                !name.is_empty() && !name.contains(['.', ',']),
                Value,
                "a part's name is a word without dots and commas, and `{name}` is none"
            );
            ensure!(
                seen.insert(name),
                Value,
                "two parts of the checkpoint are called `{name}`"
            );
        }
        Ok(())
    }

    /// Reads a file that [`Checkpoint::save`] wrote of the same parts. They, and the default generator, are what they were then.
    ///
    /// # Errors
    /// Those of the file system and of files that are no checkpoint; parts that are missing or too many; every tensor of a model that is missing, too much, or
    /// of another shape or dtype, with both. With the file's path, and nothing is changed then.
    pub fn load(mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.check_names().map_err(|e| of_file(path, e))?;
        let loaded = safetensors::load(path)?;
        load::load(&mut self.parts, &loaded).map_err(|e| of_file(path, e))
    }

    /// As [`Checkpoint::load`] where there is a file; says whether there was one. What a program begins with that may have been stopped before.
    ///
    /// # Errors
    /// As [`Checkpoint::load`], but for a file that is not there.
    pub fn resume(self, path: impl AsRef<Path>) -> Result<bool> {
        let path = path.as_ref();
        let there = path
            .try_exists()
            .map_err(|e| error!(Io, "cannot look for {}: {e}", path.display()).caused_by(e))?;
        if there {
            self.load(path)?;
        }
        Ok(there)
    }
}

fn of_file(path: &Path, e: Error) -> Error {
    e.note(format!("in {}", path.display()))
}

fn of_part(name: &str, e: Error) -> Error {
    e.note(format!("of the part `{name}`"))
}
