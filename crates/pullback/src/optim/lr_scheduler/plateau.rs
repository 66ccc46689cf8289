//! A schedule that follows a measured number: smaller rates when it stops improving.

use super::schedule::{PerGroup, numbers, same_groups, tensor};
use crate::Result;
use crate::core::fail::ensure;
use crate::nn::NamedTensors;
use crate::optim::optimizer::Optimizer;
use crate::optim::state::Reading;

/// Which numbers are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Better {
    /// Smaller ones.
    #[default]
    Min,
    /// Larger ones.
    Max,
}

/// What a number has to be better by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threshold {
    /// A part of the best one.
    #[default]
    Rel,
    /// A difference.
    Abs,
}

/// `factor` times less when a number has not improved for `patience` steps.
///
/// ```
/// use pullback::nn::{Linear, Module};
/// use pullback::optim::lr_scheduler::ReduceLROnPlateau;
/// use pullback::optim::{Optimizer, SGD};
/// let model = Linear::new(2, 1)?;
/// let mut optim = SGD::new(model.named_parameters(), 0.1)?;
/// let mut schedule = ReduceLROnPlateau::new().factor(0.5).patience(1).over(&optim)?;
/// for loss in [1.0, 0.8, 0.8, 0.8] {
///     schedule.step(&mut optim, loss)?;
/// }
/// assert_eq!(optim.lr(0), 0.05);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReduceLROnPlateau {
    mode: Better,
    factor: f64,
    patience: i64,
    threshold: f64,
    threshold_mode: Threshold,
    cooldown: i64,
    min_lr: PerGroup,
    eps: f64,
    least: Vec<f64>,
    best: f64,
    bad: i64,
    cooling: i64,
    epoch: i64,
    last: Vec<f64>,
}

macro_rules! option {
    ($($(#[$doc:meta])* $name:ident: $ty:ty;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: impl Into<$ty>) -> Self {
            self.$name = $name.into();
            self
        }
    )*};
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        ReduceLROnPlateau::new()
    }
}

impl ReduceLROnPlateau {
    /// With PyTorch's defaults; [`ReduceLROnPlateau::over`] begins.
    pub fn new() -> Self {
        ReduceLROnPlateau {
            mode: Better::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: Threshold::Rel,
            cooldown: 0,
            min_lr: PerGroup::from(0.0),
            eps: 1e-8,
            least: Vec::new(),
            best: f64::INFINITY,
            bad: 0,
            cooling: 0,
            epoch: 0,
            last: Vec::new(),
        }
    }

    option! {
        /// Which numbers are better.
        mode: Better;
        /// The factor.
        factor: f64;
        /// How many steps without a better number are waited for.
        patience: i64;
        /// What a number has to be better by.
        threshold: f64;
        /// Of what that is a part.
        threshold_mode: Threshold;
        /// How many steps after a change nothing is counted.
        cooldown: i64;
        /// The least rate, for all groups or for each.
        min_lr: PerGroup;
        /// Changes smaller than this are not made.
        eps: f64;
    }

    /// Begins.
    ///
    /// # Errors
    /// PyTorch's sentences for options out of range.
    pub fn over(mut self, optim: &dyn Optimizer) -> Result<Self> {
        let held = (..1.0).contains(&self.factor);
        ensure!(held, Value, "Factor should be < 1.0.");
        let n = optim.num_groups();
        self.least = self.min_lr.of(n, "min_lrs")?;
        self.last = (0..n).map(|i| optim.lr(i)).collect();
        self.best = match self.mode {
            Better::Min => f64::INFINITY,
            Better::Max => f64::NEG_INFINITY,
        };
        Ok(self)
    }

    /// The rates of the groups as of the last step.
    pub fn last_lr(&self) -> &[f64] {
        &self.last
    }

    /// How many steps there were.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    fn is_better(&self, x: f64) -> bool {
        let (best, by) = (self.best, self.threshold);
        match (self.mode, self.threshold_mode) {
            (Better::Min, Threshold::Rel) => x < best * (1.0 - by),
            (Better::Max, Threshold::Rel) => x > best * (by + 1.0),
            (Better::Min, Threshold::Abs) => x < best - by,
            (Better::Max, Threshold::Abs) => x > best + by,
        }
    }

    /// Looks at the number, and takes the rates down where it is time.
    ///
    /// # Errors
    /// Where the optimiser has another number of groups than the one it began with, or it has not begun.
    pub fn step(&mut self, optim: &mut dyn Optimizer, metrics: f64) -> Result<()> {
        same_groups(self.least.len(), optim)?;
        self.epoch += 1;
        match self.is_better(metrics) {
            true => (self.best, self.bad) = (metrics, 0),
            false => self.bad += 1,
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            for (i, &least) in self.least.iter().enumerate() {
                let old = optim.lr(i);
                let new = (old * self.factor).max(least);
                if old - new > self.eps {
                    optim.set_lr(i, new);
                }
            }
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
        self.last = (0..self.least.len()).map(|i| optim.lr(i)).collect();
        Ok(())
    }

    /// All that changes, as tensors by name.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub fn state(&self) -> Result<NamedTensors> {
        let all = [
            ("last_epoch", vec![self.epoch as f64]),
            ("best", vec![self.best]),
            ("num_bad_epochs", vec![self.bad as f64]),
            ("cooldown_counter", vec![self.cooling as f64]),
            ("_last_lr", self.last.clone()),
        ];
        all.into_iter()
            .map(|(name, x)| Ok((name.to_string(), tensor(&x)?)))
            .collect()
    }

    /// Takes back what [`ReduceLROnPlateau::state`] gave.
    ///
    /// # Errors
    /// What is missing, unexpected or of another length; nothing is taken then.
    pub fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut reading = Reading::new(state)?;
        let last = numbers(&mut reading, "_last_lr", self.least.len())?;
        let of = |reading: &mut Reading<'_>, name| reading.number(name);
        let (epoch, best) = (of(&mut reading, "last_epoch")?, of(&mut reading, "best")?);
        let bad = of(&mut reading, "num_bad_epochs")?;
        let cooling = of(&mut reading, "cooldown_counter")?;
        reading.end()?;
        (self.last, self.epoch, self.best) = (last, epoch as i64, best);
        (self.bad, self.cooling) = (bad as i64, cooling as i64);
        Ok(())
    }
}
