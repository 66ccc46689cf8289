//! The list of parameters in groups, and one step of all. What is kept of them is written and read by `state`.

use super::algorithm::{Algorithm, Job};
use crate::core::fail::{bail, ensure, error};
use crate::core::{in_place, mode, watch};
use crate::nn::NamedTensors;
use crate::{Array, DType, Error, Result, Tensor, room};
use smallvec::SmallVec;
use std::collections::HashSet;
use std::panic::Location;

/// What every optimiser does, whatever its algorithm: for schedules, loops and checkpoints that take any.
pub trait Optimizer {
    /// PyTorch's name of the algorithm.
    fn name(&self) -> &'static str;
    /// Moves the parameters by their gradients.
    ///
    /// # Errors
    /// Where no parameter has a gradient; where an option is out of range; where a parameter cannot be written.
    fn step(&mut self) -> Result<()>;
    /// Forgets the gradients of all parameters.
    fn zero_grad(&self);
    /// How many groups there are.
    fn num_groups(&self) -> usize;
    /// The learning rate of a group.
    ///
    /// # Panics
    /// Where there is no such group.
    fn lr(&self, group: usize) -> f64;
    /// Sets the learning rate of a group.
    ///
    /// # Panics
    /// Where there is no such group.
    fn set_lr(&mut self, group: usize, lr: f64);
    /// The learning rate with which the first schedule of a group began, if there was one.
    ///
    /// # Panics
    /// Where there is no such group.
    fn initial_lr(&self, group: usize) -> Option<f64>;
    /// Sets it; a schedule does when it begins.
    ///
    /// # Panics
    /// Where there is no such group.
    fn set_initial_lr(&mut self, group: usize, lr: f64);
    /// The momentum of a group (`momentum`, or the first of `betas`), where the algorithm has one.
    ///
    /// # Panics
    /// Where there is no such group.
    fn momentum(&self, group: usize) -> Option<f64>;
    /// Sets the momentum of a group; `None` where the algorithm has none.
    ///
    /// # Panics
    /// Where there is no such group.
    fn set_momentum(&mut self, group: usize, momentum: f64) -> Option<()>;
    /// What is kept of the parameters, by their names, and the options of the groups: a copy.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    fn state(&self) -> Result<NamedTensors>;
    /// Takes back what [`Optimizer::state`] gave; steps go on with the same bits.
    ///
    /// # Errors
    /// What is missing, unexpected, or of another shape, by name. Nothing is taken then.
    fn load(&mut self, state: &NamedTensors) -> Result<()>;
}

/// An optimiser: groups of parameters, each with options, and what is kept of every parameter by its name.
///
/// Its names are those of the algorithms: [`Adam`](super::Adam) is `Optim<AdamOptions>`.
///
/// ```
/// use pullback::nn::{Layer, Linear, Module};
/// use pullback::optim::{AdamW, AdamWOptions};
/// use pullback::{DType, Tensor, random};
/// random::manual_seed(0);
/// let model = Linear::new(2, 1)?;
/// let options = AdamWOptions::default().lr(0.1).betas((0.9, 0.99));
/// let mut optim = AdamW::with(model.named_parameters(), options)?;
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 0.0], [2, 2])?;
/// let mut losses = Vec::new();
/// for _ in 0..50 {
///     model.zero_grad();
///     let loss = model.forward(&x)?.square()?.mean()?;
///     loss.backward()?;
///     optim.step()?;
///     losses.push(loss.item_f64()?);
/// }
/// assert!(losses[49] < 0.02 * losses[0], "{losses:?}");
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Optim<A> {
    pub(super) groups: Vec<Group<A>>,
}

/// Parameters with the same options.
#[derive(Clone, Debug)]
pub(super) struct Group<A> {
    pub(super) options: A,
    pub(super) initial_lr: Option<f64>,
    pub(super) slots: Vec<Slot>,
}

/// A parameter and what is kept of it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) param: Tensor,
    /// None before the first step.
    pub(super) kept: Option<Kept>,
}

/// What is kept of a parameter.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) numbers: SmallVec<[f64; 3]>,
    pub(super) names: &'static [&'static str],
    pub(super) arrays: SmallVec<[Array; 3]>,
}

impl Kept {
    /// What a parameter begins with.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub(super) fn new<A: Algorithm>(options: &A, param: &Array) -> Result<Kept> {
        let names = options.arrays(param.rank());
        // Float32, as in PyTorch's states.
        let first = |name: &&str| f64::from(options.first_number(name) as f32);
        Ok(Kept {
            numbers: options.numbers().iter().map(first).collect(),
            names,
            arrays: (names.iter())
                .map(|name| options.first_array(name, param))
                .collect::<Result<_>>()?,
        })
    }

    /// Has the arrays be those that the options ask for now; says whether there are new ones.
    fn follow<A: Algorithm>(&mut self, options: &A, param: &Array) -> Result<bool> {
        let names = options.arrays(param.rank());
        if names == self.names {
            return Ok(false);
        }
        let mut arrays = SmallVec::new();
        for &name in names {
            arrays.push(match self.names.iter().position(|&n| n == name) {
                Some(k) => self.arrays[k].clone(),
                None => options.first_array(name, param)?,
            });
        }
        (self.names, self.arrays) = (names, arrays);
        Ok(true)
    }
}

impl<A: Algorithm + Default> Optim<A> {
    /// An optimiser of these parameters with a learning rate, and the algorithm's other options as PyTorch has them.
    ///
    /// # Errors
    /// As [`Optim::with`].
    #[track_caller]
    pub fn new(params: NamedTensors, lr: f64) -> Result<Self> {
        let mut options = A::default();
        options.set_lr(lr);
        Optim::with(params, options)
    }
}

impl<A: Algorithm> Optim<A> {
    /// An optimiser of these parameters with these options.
    ///
    /// # Errors
    /// PyTorch's sentences: an empty list, results of operations, options out of range; two parameters of one name, or one with two names.
    #[track_caller]
    pub fn with(params: NamedTensors, options: A) -> Result<Self> {
        let mut optim = Optim { groups: Vec::new() };
        optim.add_group(params, options)?;
        Ok(optim)
    }

    /// Adds parameters with options of their own. PyTorch's `add_param_group`.
    ///
    /// # Errors
    /// As [`Optim::with`]; nothing is added then.
    ///
    /// ```
    /// use pullback::nn::{Linear, Module};
    /// use pullback::optim::{Optimizer, SGD, SGDOptions};
    /// let (body, head) = (Linear::new(4, 4)?, Linear::new(4, 1)?);
    /// let mut optim = SGD::new(body.named_parameters().with_prefix("body"), 0.1)?;
    /// optim.add_group(head.named_parameters().with_prefix("head"), SGDOptions::default().lr(0.01))?;
    /// assert_eq!((optim.num_groups(), optim.lr(1)), (2, 0.01));
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn add_group(&mut self, params: NamedTensors, options: A) -> Result<()> {
        let site = Location::caller();
        self.added(params, options)
            .map(|group| self.groups.push(group))
            .map_err(|e| e.op(A::NAME).at(site))
    }

    fn added(&self, params: NamedTensors, options: A) -> Result<Group<A>> {
        options.check()?;
        ensure!(
            !params.is_empty(),
            Value,
            "optimizer got an empty parameter list"
        );
        let known = || self.groups.iter().flat_map(|g| &g.slots);
        let mut names: HashSet<&str> = known().map(|s| &*s.name).collect();
        let mut places: HashSet<usize> = known().map(|s| s.param.address()).collect();
        for (name, param) in params.iter() {
            let of = |e: Error| e.note(format!("of `{name}`"));
            if !param.is_leaf() && !param.retains_grad() {
                return Err(of(error!(Value, "can't optimize a non-leaf Tensor")));
            }
            if !places.insert(param.address()) {
                bail!(
                    Value,
                    "some parameters appear in more than one parameter group: `{name}` is one that is there"
                );
            }
            ensure!(
                names.insert(name),
                Value,
                "two parameters are called `{name}`"
            );
            param.look(|a| options.check_param(a)).map_err(of)?;
        }
        let mut slots = room(params.len())?;
        slots.extend(params.into_iter().map(|(name, param)| Slot {
            name,
            param,
            kept: None,
        }));
        Ok(Group {
            options,
            initial_lr: None,
            slots,
        })
    }

    /// The options of a group.
    ///
    /// # Panics
    /// Where there is no such group.
    #[track_caller]
    pub fn options(&self, group: usize) -> &A {
        &self.groups[group].options
    }

    /// The options of a group, to be changed at any time: the next step goes by them.
    ///
    /// # Panics
    /// Where there is no such group.
    #[track_caller]
    pub fn options_mut(&mut self, group: usize) -> &mut A {
        &mut self.groups[group].options
    }

    /// Sets the learning rate of all groups.
    pub fn set_all_lr(&mut self, lr: f64) {
        self.groups.iter_mut().for_each(|g| g.options.set_lr(lr));
    }

    /// Moves the parameters by their gradients; those without one stay. PyTorch's `step()`.
    ///
    /// # Errors
    /// Where no parameter has a gradient (PyTorch does nothing then, which hides a forgotten `backward`); where an option is out of range; where
    /// a parameter cannot be written.
    #[track_caller]
    pub fn step(&mut self) -> Result<()> {
        let site = Location::caller();
        self.stepped(site).map_err(|e| e.op(A::NAME).at(site))
    }

    fn stepped(&mut self, site: &'static Location<'static>) -> Result<()> {
        let _guard = crate::no_grad();
        let flags = mode::flags();
        ensure!(
            flags & watch::WATCHED == 0,
            Unsupported,
            "an optimizer's step has no derivative and is not recorded"
        );
        self.groups.iter().try_for_each(|g| g.options.check())?;
        let mut moved = false;
        for group in &mut self.groups {
            moved |= group.step(flags, site)?;
        }
        if !moved {
            return Err(error!(Autograd, "no parameter has a gradient").help_in(
                "call `backward()` on a loss that depends on them before `step()`, and `zero_grad()` before that and not between",
                "",
            ));
        }
        Ok(())
    }
}

impl<A: Algorithm> Group<A> {
    /// Steps; says whether there was a gradient.
    fn step(&mut self, flags: u32, site: &'static Location<'static>) -> Result<bool> {
        let mut jobs: Vec<Job> = room(self.slots.len())?;
        let mut places: Vec<usize> = room(self.slots.len())?;
        for (place, slot) in self.slots.iter_mut().enumerate() {
            let Some(grad) = slot.param.grad() else {
                continue;
            };
            let job = slot.job(&self.options, &grad, flags);
            jobs.push(job.map_err(|e| e.note(format!("of `{}`", slot.name)))?);
            places.push(place);
        }
        if jobs.is_empty() {
            return Ok(false);
        }
        self.options.advance(&mut jobs)?;
        for (place, job) in places.into_iter().zip(jobs) {
            job.param.storage().set_writer(site);
            if let Some(kept) = &mut self.slots[place].kept {
                kept.numbers = job.numbers;
            }
        }
        Ok(true)
    }
}

impl Slot {
    fn job<A: Algorithm>(&mut self, options: &A, grad: &Tensor, flags: u32) -> Result<Job> {
        in_place::writable(&self.param, false, flags)?;
        let param = self.param.array().clone();
        let fresh = self.kept.is_none();
        let kept = match &mut self.kept {
            Some(kept) => kept,
            none => none.insert(Kept::new(options, &param)?),
        };
        let changed = kept.follow(options, &param)?;
        Ok(Job {
            grad: grad.array().clone(),
            param,
            arrays: kept.arrays.clone(),
            numbers: kept.numbers.clone(),
            fresh: fresh || changed,
            rounds: DType::F32,
        })
    }
}

impl<A: Algorithm> Optimizer for Optim<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }
    #[track_caller]
    fn step(&mut self) -> Result<()> {
        Optim::step(self)
    }
    fn zero_grad(&self) {
        let all = self.groups.iter().flat_map(|g| &g.slots);
        all.for_each(|slot| slot.param.zero_grad());
    }
    fn num_groups(&self) -> usize {
        self.groups.len()
    }
    fn lr(&self, group: usize) -> f64 {
        self.groups[group].options.lr()
    }
    fn set_lr(&mut self, group: usize, lr: f64) {
        self.groups[group].options.set_lr(lr);
    }
    fn initial_lr(&self, group: usize) -> Option<f64> {
        self.groups[group].initial_lr
    }
    fn set_initial_lr(&mut self, group: usize, lr: f64) {
        self.groups[group].initial_lr = Some(lr);
    }
    fn momentum(&self, group: usize) -> Option<f64> {
        self.groups[group].options.momentum()
    }
    fn set_momentum(&mut self, group: usize, momentum: f64) -> Option<()> {
        self.groups[group].options.set_momentum(momentum)
    }
    fn state(&self) -> Result<NamedTensors> {
        super::state::of(&self.groups)
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        super::state::load(&mut self.groups, state).map_err(|e| e.op("load"))
    }
}
