//! Learning rates that follow a schedule: PyTorch's `torch.optim.lr_scheduler`.
//!
//! ```
//! use pullback::nn::{Linear, Module};
//! use pullback::optim::lr_scheduler::{Law, Scheduler, StepLR};
//! use pullback::optim::{Optimizer, SGD};
//! let model = Linear::new(2, 1)?;
//! let mut optim = SGD::new(model.named_parameters(), 0.1)?;
//! let mut schedule = StepLR::new(2).gamma(0.5).over(&mut optim)?;
//! let mut rates = Vec::new();
//! for _ in 0..4 {
//!     rates.push(optim.lr(0));
//!     // Here the optimiser steps, once or for a whole epoch.
//!     schedule.step(&mut optim)?;
//! }
//! assert_eq!(rates, [0.1, 0.1, 0.05, 0.05]);
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! A law ([`StepLR`], [`CosineAnnealingLR`]) says what comes next; `over` begins a [`Schedule`] of it, which holds no optimiser: each step is given
//! the one whose rates it sets. [`SequentialLR`] and [`ChainedScheduler`] are made of schedules, [`ReduceLROnPlateau`] follows a number.

mod cycles;
mod laws;
mod parts;
mod plateau;
mod restarts;
mod schedule;

pub use cycles::{Anneal, CycleMode, CyclicLR, OneCycleLR};
pub use laws::{
    ConstantLR, CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR,
    MultiplicativeLR, PolynomialLR, StepLR,
};
pub use parts::{ChainedScheduler, SequentialLR};
pub use plateau::{Better, ReduceLROnPlateau, Threshold};
pub use restarts::CosineAnnealingWarmRestarts;
pub use schedule::{At, Law, PerGroup, Rate, Schedule, Scheduler};
