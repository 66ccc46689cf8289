//! A law on its way: which step it is at, what it began with, and what it set last.

use crate::core::fail::ensure;
use crate::nn::NamedTensors;
use crate::optim::optimizer::Optimizer;
use crate::optim::state::Reading;
use crate::{Result, Tensor};

/// A schedule, whatever its law: for loops and checkpoints that take any.
pub trait Scheduler {
    /// Sets the rates of the next step. PyTorch's `step()`.
    ///
    /// # Errors
    /// Where the optimiser has another number of groups than the one it began with; where a schedule of a fixed length is at its end.
    fn step(&mut self, optim: &mut dyn Optimizer) -> Result<()>;

    /// The rates of the groups as of the last step. PyTorch's `get_last_lr()`.
    fn last_lr(&self) -> &[f64];

    /// All that changes, as tensors by name; the law's own options are not in it.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    fn state(&self) -> Result<NamedTensors>;

    /// Takes back what [`Scheduler::state`] gave. The optimiser's state has its rates.
    ///
    /// # Errors
    /// What is missing, unexpected or of another length; nothing is taken then.
    fn load(&mut self, state: &NamedTensors) -> Result<()>;

    /// In a box, as [`SequentialLR`](super::SequentialLR) and [`ChainedScheduler`](super::ChainedScheduler) take them.
    fn boxed(self) -> Box<dyn Scheduler>
    where
        Self: Sized + 'static,
    {
        Box::new(self)
    }

    /// One step less, for one that waits for its turn.
    #[doc(hidden)]
    fn undo(&mut self);

    /// The first step.
    #[doc(hidden)]
    fn begin(&mut self, optim: &mut dyn Optimizer) -> Result<()>;

    /// The step at which a turn begins.
    #[doc(hidden)]
    fn restart(&mut self, optim: &mut dyn Optimizer) -> Result<()>;
}

/// A number for all groups, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct PerGroup(Vec<f64>);

impl From<f64> for PerGroup {
    fn from(x: f64) -> PerGroup {
        PerGroup(vec![x])
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(all: Vec<f64>) -> PerGroup {
        PerGroup(all)
    }
}

impl<const N: usize> From<[f64; N]> for PerGroup {
    fn from(all: [f64; N]) -> PerGroup {
        PerGroup(all.to_vec())
    }
}

impl PerGroup {
    /// One for each of `n` groups.
    ///
    /// # Errors
    /// PyTorch's sentence where there are more or fewer.
    pub(super) fn of(&self, n: usize, name: &str) -> Result<Vec<f64>> {
        match &self.0[..] {
            [x] => Ok(vec![*x; n]),
            all => {
                ensure!(
                    all.len() == n,
                    Value,
                    "Expected {n} {name}, but got {}",
                    all.len()
                );
                Ok(all.to_vec())
            }
        }
    }
}

/// What a law sees of a group, and sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The rate with which the schedule began.
    pub base: f64,
    /// The rate now.
    pub lr: f64,
    /// The momentum now, where there is one.
    pub momentum: Option<f64>,
}

/// Where a schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The step, from 0.
    pub epoch: i64,
    /// How many steps were asked for since the beginning, with this one.
    pub count: i64,
    /// Whether the schedule begins with this one.
    pub initial: bool,
    /// Whether it goes to this one from elsewhere.
    pub jump: bool,
}

/// What rates do from step to step. A schedule of one's own is a struct with this trait.
pub trait Law {
    /// Sets what the groups begin with, before the first step.
    ///
    /// # Errors
    /// Options out of range; more or fewer numbers than groups.
    fn start(&mut self, rates: &mut [Rate]) -> Result<()> {
        let _ = rates;
        Ok(())
    }

    /// Sets the rates of a step: `rates` come with those of the step before.
    ///
    /// # Errors
    /// Where there is no such step.
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()>;

    /// What changes in the law itself.
    fn own(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Takes such a number back.
    fn put_own(&mut self, name: &str, x: f64) {
        let _ = (name, x);
    }

    /// Begins a schedule: the optimiser's rates are those of its first step then.
    ///
    /// # Errors
    /// Options out of range, in PyTorch's sentences.
    fn over(self, optim: &mut dyn Optimizer) -> Result<Schedule<Self>>
    where
        Self: Sized,
    {
        Schedule::new(self, optim)
    }
}

/// A law on its way.
#[derive(Clone, Debug)]
pub struct Schedule<L> {
    law: L,
    base: Vec<f64>,
    epoch: i64,
    count: i64,
    last: Vec<f64>,
}

impl<L: Law> Schedule<L> {
    fn new(mut law: L, optim: &mut dyn Optimizer) -> Result<Schedule<L>> {
        let initial: Vec<f64> = (0..optim.num_groups())
            .map(|i| optim.initial_lr(i).unwrap_or(optim.lr(i)))
            .collect();
        let mut rates = rates(optim, &initial);
        law.start(&mut rates)?;
        put(optim, &rates);
        for (i, rate) in rates.iter().enumerate() {
            if optim.initial_lr(i).is_none() {
                optim.set_initial_lr(i, rate.base);
            }
        }
        let mut schedule = Schedule {
            law,
            base: rates.iter().map(|r| r.base).collect(),
            epoch: -1,
            count: 0,
            last: Vec::new(),
        };
        schedule.begin(optim)?;
        Ok(schedule)
    }

    /// The law.
    pub fn law(&self) -> &L {
        &self.law
    }

    /// The step it is at.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    fn go(&mut self, optim: &mut dyn Optimizer, initial: bool, jump: bool) -> Result<()> {
        same_groups(self.base.len(), optim)?;
        let at = At {
            epoch: if jump { 0 } else { self.epoch + 1 },
            count: self.count + 1,
            initial,
            jump,
        };
        let mut rates = rates(optim, &self.base);
        self.law.next(at, &mut rates)?;
        put(optim, &rates);
        (self.epoch, self.count) = (at.epoch, at.count);
        self.last = rates.iter().map(|r| r.lr).collect();
        Ok(())
    }
}

/// Errors where an optimiser has other groups.
///
/// # Errors
/// With both numbers.
pub(super) fn same_groups(n: usize, optim: &dyn Optimizer) -> Result<()> {
    ensure!(
        n == optim.num_groups(),
        Value,
        "the schedule began over {n} groups of parameters, and the optimizer has {}",
        optim.num_groups()
    );
    Ok(())
}

/// What groups have now.
pub(super) fn rates(optim: &dyn Optimizer, base: &[f64]) -> Vec<Rate> {
    let of = |i: usize| Rate {
        base: base[i],
        lr: optim.lr(i),
        momentum: optim.momentum(i),
    };
    (0..optim.num_groups()).map(of).collect()
}

/// Gives groups what was set.
pub(super) fn put(optim: &mut dyn Optimizer, rates: &[Rate]) {
    for (i, rate) in rates.iter().enumerate() {
        optim.set_lr(i, rate.lr);
        if let Some(momentum) = rate.momentum {
            optim.set_momentum(i, momentum);
        }
    }
}

/// Numbers as a tensor.
pub(super) fn tensor(numbers: &[f64]) -> Result<Tensor> {
    Tensor::from_slice(numbers, [numbers.len()])
}

/// So many numbers of a state.
///
/// # Errors
/// Where they are missing, or more or fewer.
pub(super) fn numbers(reading: &mut Reading<'_>, name: &str, n: usize) -> Result<Vec<f64>> {
    let all = reading.need(name)?.to_f64_vec()?;
    ensure!(
        all.len() == n,
        Value,
        "`{name}` holds {} numbers where {n} are needed",
        all.len()
    );
    Ok(all)
}

impl<L: Law> Scheduler for Schedule<L> {
    fn step(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.go(optim, false, false)
    }
    fn last_lr(&self) -> &[f64] {
        &self.last
    }
    fn state(&self) -> Result<NamedTensors> {
        let one = |name: &str, x: f64| -> Result<_> { Ok((name.to_string(), tensor(&[x])?)) };
        let mut all = vec![
            ("base_lrs".to_string(), tensor(&self.base)?),
            one("last_epoch", self.epoch as f64)?,
            one("_step_count", self.count as f64)?,
            ("_last_lr".to_string(), tensor(&self.last)?),
        ];
        for (name, x) in self.law.own() {
            all.push(one(name, x)?);
        }
        Ok(all.into_iter().collect())
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut reading = Reading::new(state)?;
        let n = self.base.len();
        let base = numbers(&mut reading, "base_lrs", n)?;
        let last = numbers(&mut reading, "_last_lr", n)?;
        let epoch = reading.number("last_epoch")? as i64;
        let count = reading.number("_step_count")? as i64;
        let own = (self.law.own().into_iter())
            .map(|(name, _)| Ok((name, reading.number(name)?)))
            .collect::<Result<Vec<_>>>()?;
        reading.end()?;
        (self.base, self.last, self.epoch, self.count) = (base, last, epoch, count);
        own.into_iter()
            .for_each(|(name, x)| self.law.put_own(name, x));
        Ok(())
    }
    fn undo(&mut self) {
        self.epoch -= 1;
    }
    fn begin(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.count = 0;
        self.go(optim, true, false)
    }
    fn restart(&mut self, optim: &mut dyn Optimizer) -> Result<()> {
        self.go(optim, false, true)
    }
}
