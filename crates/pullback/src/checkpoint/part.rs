//! The kinds of parts, as one: each gives its state by name and takes it back.

use super::keep::Keep;
use crate::data::{DataLoader, Dataset};
use crate::nn::{Module, NamedTensors};
use crate::optim::Optimizer;
use crate::optim::lr_scheduler::Scheduler;
use crate::{Result, no_grad};

/// A loader, whatever its data set.
pub(super) trait Loader {
    fn state(&self) -> Result<NamedTensors>;
    fn load(&self, state: &NamedTensors) -> Result<()>;
}

impl<D: Dataset> Loader for &DataLoader<D> {
    fn state(&self) -> Result<NamedTensors> {
        DataLoader::state(self)
    }
    fn load(&self, state: &NamedTensors) -> Result<()> {
        DataLoader::load(self, state)
    }
}

/// One part of a run.
pub(super) enum Part<'a> {
    Module(&'a dyn Module),
    Optimizer(&'a mut dyn Optimizer),
    Scheduler(&'a mut dyn Scheduler),
    Loader(Box<dyn Loader + 'a>),
    Kept(&'a mut dyn Keep),
}

impl Part<'_> {
    /// What is written: handles for models and for tensors that are kept, copies for the rest.
    pub(super) fn state(&self) -> Result<NamedTensors> {
        match self {
            Part::Module(module) => Ok(module.state()),
            Part::Optimizer(optim) => optim.state(),
            Part::Scheduler(scheduler) => scheduler.state(),
            Part::Loader(loader) => loader.state(),
            Part::Kept(value) => value.state(),
        }
    }

    /// Numbers that stay what they are while the part changes.
    pub(super) fn copied(&self) -> Result<NamedTensors> {
        let state = self.state()?;
        if !matches!(self, Part::Module(_) | Part::Kept(_)) {
            return Ok(state);
        }
        let _guard = no_grad();
        let copies = state
            .iter()
            .map(|(name, t)| Ok((name.to_string(), t.detach().copy()?)));
        copies.collect()
    }

    /// Takes a state back.
    pub(super) fn load(&mut self, state: &NamedTensors) -> Result<()> {
        match self {
            Part::Module(module) => module.load(state),
            Part::Optimizer(optim) => optim.load(state),
            Part::Scheduler(scheduler) => scheduler.load(state),
            Part::Loader(loader) => loader.load(state),
            Part::Kept(value) => value.load(state),
        }
    }
}
