//! Schedules made of schedules: one after the other, or all at once.

use super::schedule::{Scheduler, numbers, same_groups, tensor};
use crate::Result;
use crate::core::fail::ensure;
use crate::nn::NamedTensors;
use crate::optim::optimizer::Optimizer;
use crate::optim::state::Reading;

/// One schedule after the other, changing at the milestones.
///
/// ```
/// use pullback::nn::{Linear, Module};
/// use pullback::optim::lr_scheduler::{CosineAnnealingLR, Law, LinearLR, Scheduler, SequentialLR};
/// use pullback::optim::{Optimizer, SGD};
/// let model = Linear::new(2, 1)?;
/// let mut optim = SGD::new(model.named_parameters(), 0.1)?;
/// let warm = LinearLR::new().start_factor(0.1).total_iters(5).over(&mut optim)?;
/// let cool = CosineAnnealingLR::new(20).over(&mut optim)?;
/// let mut schedule = SequentialLR::new(&mut optim, vec![warm.boxed(), cool.boxed()], &[5])?;
/// assert!((optim.lr(0) - 0.01).abs() < 1e-12);
/// for _ in 0..5 {
///     schedule.step(&mut optim)?;
/// }
/// assert_eq!(optim.lr(0), 0.1);
/// # Ok::<(), pullback::Error>(())
/// ```
pub struct SequentialLR {
    parts: Vec<Box<dyn Scheduler>>,
    milestones: Vec<i64>,
    epoch: i64,
    last: Vec<f64>,
}

impl SequentialLR {
    /// Begins with the first; the others wait.
    ///
    /// # Errors
    /// PyTorch's sentences: no schedule, or more or fewer milestones than changes.
    pub fn new(
        optim: &mut dyn Optimizer,
        mut parts: Vec<Box<dyn Scheduler>>,
        milestones: &[i64],
    ) -> Result<SequentialLR> {
        ensure!(
            !parts.is_empty(),
            Value,
            "SequentialLR expects at least one scheduler, but got no scheduler."
        );
        let (n, m) = (parts.len(), milestones.len());
        ensure!(
            m + 1 == n,
            Value,
            "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of schedulers {n} and the number of milestones to be equal to {m}"
        );
        // Each has done its first step over the others'.
        same_groups(parts[0].last_lr().len(), optim)?;
        for i in 0..optim.num_groups() {
            if let Some(lr) = optim.initial_lr(i) {
                optim.set_lr(i, lr);
            }
        }
        parts.iter_mut().for_each(|part| part.undo());
        parts[0].begin(optim)?;
        Ok(SequentialLR {
            last: parts[0].last_lr().to_vec(),
            milestones: milestones.to_vec(),
            epoch: 0,
            parts,
        })
    }
}

impl Scheduler for SequentialLR {
    fn step(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        let epoch = self.epoch + 1;
        let at = self.milestones.partition_point(|&m| m <= epoch);
        let part = &mut self.parts[at];
        match at > 0 && self.milestones[at - 1] == epoch {
            true => part.restart(optim)?,
            false => part.step(optim)?,
        }
        self.epoch = epoch;
        self.last = part.last_lr().to_vec();
        Ok(())
    }
    fn last_lr(&self) -> &[f64] {
        &self.last
    }
    fn state(&self) -> Result<NamedTensors> {
        let own = [
            ("last_epoch".to_string(), tensor(&[self.epoch as f64])?),
            ("_last_lr".to_string(), tensor(&self.last)?),
        ];
        with_parts(own.into_iter().collect(), &self.parts)
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut reading = Reading::new(state)?;
        let epoch = reading.number("last_epoch")? as i64;
        let last = numbers(&mut reading, "_last_lr", self.last.len())?;
        load_parts(&mut self.parts, state)?;
        (self.epoch, self.last) = (epoch, last);
        Ok(())
    }
    fn undo(&mut self) {
        // As in PyTorch, its own count stays: inside of another one its milestones come a step earlier.
        self.parts.iter_mut().for_each(|part| part.undo());
    }
    fn begin(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.step(optim)
    }
    fn restart(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.step(optim)
    }
}

/// The states of parts beside a state.
fn with_parts(own: NamedTensors, parts: &[Box<dyn Scheduler>]) -> Result<NamedTensors> {
    parts.iter().enumerate().try_fold(own, |all, (i, part)| {
        Ok(all.and(part.state()?.with_prefix(&format!("_schedulers.{i}"))))
    })
}

/// Has parts take their states back; those before one that does not fit have done so.
fn load_parts(parts: &mut [Box<dyn Scheduler>], state: &NamedTensors) -> Result<()> {
    for (i, part) in parts.iter_mut().enumerate() {
        let name = format!("_schedulers.{i}");
        part.load(&state.under(&name))
            .map_err(|e| e.note(format!("of `{name}`")))?;
    }
    Ok(())
}

/// Several schedules at once, each changing what the others left.
pub struct ChainedScheduler {
    parts: Vec<Box<dyn Scheduler>>,
    last: Vec<f64>,
}

impl ChainedScheduler {
    /// Of schedules that have begun over this optimiser.
    ///
    /// # Errors
    /// PyTorch's sentence where there are none.
    pub fn new(optim: &dyn Optimizer, parts: Vec<Box<dyn Scheduler>>) -> Result<ChainedScheduler> {
        ensure!(
            !parts.is_empty(),
            Value,
            "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler."
        );
        Ok(ChainedScheduler {
            last: (0..optim.num_groups()).map(|i| optim.lr(i)).collect(),
            parts,
        })
    }
}

impl Scheduler for ChainedScheduler {
    fn step(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.parts
            .iter_mut()
            .try_for_each(|part| part.step(optim))?;
        self.last = (0..optim.num_groups()).map(|i| optim.lr(i)).collect();
        Ok(())
    }
    fn last_lr(&self) -> &[f64] {
        &self.last
    }
    fn state(&self) -> Result<NamedTensors> {
        let own = [("_last_lr".to_string(), tensor(&self.last)?)];
        with_parts(own.into_iter().collect(), &self.parts)
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut reading = Reading::new(state)?;
        let last = numbers(&mut reading, "_last_lr", self.last.len())?;
        load_parts(&mut self.parts, state)?;
        self.last = last;
        Ok(())
    }
    fn undo(&mut self) {
        self.parts.iter_mut().for_each(|part| part.undo());
    }
    fn begin(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.parts.iter_mut().try_for_each(|part| part.begin(optim))
    }
    fn restart(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        (self.parts.iter_mut()).try_for_each(|part| part.restart(optim))
    }
}
