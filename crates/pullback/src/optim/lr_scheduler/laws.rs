//! Laws of rates alone.
//!
//! PyTorch computes most of them from the rate of the step before, so that they can be chained; where a turn of [`SequentialLR`](super::SequentialLR)
//! begins, by the closed form.

use super::schedule::{At, Law, Rate};
use crate::Result;
use crate::core::fail::ensure;
use std::f64::consts::PI;

/// A law as a struct whose options are a builder's methods: those that must be given come first.
macro_rules! law {
    ($(#[$doc:meta])* $Law:ident ($($(#[$must:meta])* $need:ident: $need_ty:ty),*) { $($(#[$of:meta])* $field:ident: $ty:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $Law {
            $($(#[$must])* pub $need: $need_ty,)*
            $($(#[$of])* pub $field: $ty,)*
        }

        impl $Law {
            /// With PyTorch's defaults for the rest.
            pub fn new($($need: impl Into<$need_ty>),*) -> $Law {
                $Law { $($need: $need.into(),)* $($field: $default,)* }
            }

            $($(#[$of])*
            #[must_use]
            pub fn $field(mut self, $field: impl Into<$ty>) -> Self {
                self.$field = $field.into();
                self
            })*
        }
    };
}
pub(super) use law;

/// Functions of the step, one for all groups or one for each.
struct Functions(Vec<Box<dyn Fn(i64) -> f64>>);

impl Functions {
    fn check(&self, n: usize) -> Result<()> {
        let m = self.0.len();
        ensure!(
            m == 1 || m == n,
            Value,
            "Expected {n} lr_lambdas, but got {m}"
        );
        Ok(())
    }

    fn at(&self, group: usize, epoch: i64) -> f64 {
        self.0[group.min(self.0.len() - 1)](epoch)
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} functions", self.0.len())
    }
}

macro_rules! functions {
    ($(#[$doc:meta])* $Law:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $Law(Functions);

        impl $Law {
            /// One function for all groups.
            pub fn new(f: impl Fn(i64) -> f64 + 'static) -> $Law {
                $Law(Functions(vec![Box::new(f)]))
            }

            /// One function for each group.
            pub fn per_group(all: Vec<Box<dyn Fn(i64) -> f64>>) -> $Law {
                $Law(Functions(all))
            }
        }
    };
}

functions! {
    /// The initial rate times a function of the step. Its functions are not in its state.
    LambdaLR
}

functions! {
    /// The rate times a function of the step, each time. Its functions are not in its state.
    MultiplicativeLR
}

impl Law for LambdaLR {
    fn start(&mut self, rates: &mut [Rate]) -> Result<()> {
        self.0.check(rates.len())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        for (i, rate) in rates.iter_mut().enumerate() {
            rate.lr = rate.base * self.0.at(i, at.epoch);
        }
        Ok(())
    }
}

impl Law for MultiplicativeLR {
    fn start(&mut self, rates: &mut [Rate]) -> Result<()> {
        self.0.check(rates.len())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        if !at.initial {
            for (i, rate) in rates.iter_mut().enumerate() {
                rate.lr *= self.0.at(i, at.epoch);
            }
        }
        Ok(())
    }
}

/// Sets each rate by a function of it.
pub(super) fn each(rates: &mut [Rate], f: impl Fn(&Rate) -> f64) -> Result<()> {
    rates.iter_mut().for_each(|rate| rate.lr = f(rate));
    Ok(())
}

law! {
    /// `gamma` times less every `step_size` steps.
    StepLR(
        /// How many steps have the same rate.
        step_size: i64
    ) {
        /// The factor.
        gamma: f64 = 0.1,
    }
}

impl Law for StepLR {
    fn start(&mut self, _: &mut [Rate]) -> Result<()> {
        ensure!(
            self.step_size > 0,
            Value,
            "step_size should be positive, but is {}",
            self.step_size
        );
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        if at.jump {
            let times = at.epoch.div_euclid(self.step_size);
            return each(rates, |r| r.base * self.gamma.powf(times as f64));
        }
        match at.epoch == 0 || at.epoch % self.step_size != 0 {
            true => Ok(()),
            false => each(rates, |r| r.lr * self.gamma),
        }
    }
}

law! {
    /// `gamma` times less at each milestone.
    MultiStepLR(
        /// The steps at which the rate changes; one that stands there twice counts twice.
        milestones: Vec<i64>
    ) {
        /// The factor.
        gamma: f64 = 0.1,
    }
}

impl Law for MultiStepLR {
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let count = |f: &dyn Fn(i64) -> bool| self.milestones.iter().filter(|&&m| f(m)).count();
        if at.jump {
            let times = count(&|m| m <= at.epoch);
            return each(rates, |r| r.base * self.gamma.powf(times as f64));
        }
        match count(&|m| m == at.epoch) {
            0 => Ok(()),
            times => each(rates, |r| r.lr * self.gamma.powf(times as f64)),
        }
    }
}

law! {
    /// The rate times a factor until `total_iters` steps are done.
    ConstantLR() {
        /// The factor.
        factor: f64 = 1.0 / 3.0,
        /// For how many steps.
        total_iters: i64 = 5,
    }
}

impl Default for ConstantLR {
    fn default() -> Self {
        ConstantLR::new()
    }
}

impl Law for ConstantLR {
    fn start(&mut self, _: &mut [Rate]) -> Result<()> {
        let held = (0.0..=1.0).contains(&self.factor);
        ensure!(
            held,
            Value,
            "Constant multiplicative factor expected to be between 0 and 1."
        );
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        if at.jump {
            let done = f64::from(u8::from(at.epoch >= self.total_iters));
            return each(rates, |r| {
                r.base * (self.factor + done * (1.0 - self.factor))
            });
        }
        match at.epoch {
            0 => each(rates, |r| r.lr * self.factor),
            n if n == self.total_iters => each(rates, |r| r.lr * (1.0 / self.factor)),
            _ => Ok(()),
        }
    }
}

law! {
    /// A factor that goes from one number to another in `total_iters` steps.
    LinearLR() {
        /// The factor of the first step.
        start_factor: f64 = 1.0 / 3.0,
        /// The factor at the end.
        end_factor: f64 = 1.0,
        /// In how many steps.
        total_iters: i64 = 5,
    }
}

impl Default for LinearLR {
    fn default() -> Self {
        LinearLR::new()
    }
}

impl Law for LinearLR {
    fn start(&mut self, _: &mut [Rate]) -> Result<()> {
        ensure!(
            self.start_factor > 0.0 && self.start_factor <= 1.0,
            Value,
            "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."
        );
        ensure!(
            (0.0..=1.0).contains(&self.end_factor),
            Value,
            "Ending multiplicative factor expected to be between 0 and 1."
        );
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let (span, total) = (self.end_factor - self.start_factor, self.total_iters as f64);
        if at.jump {
            let done = self.total_iters.min(at.epoch) as f64 / total;
            return each(rates, |r| r.base * (self.start_factor + span * done));
        }
        if at.epoch == 0 {
            return each(rates, |r| r.lr * self.start_factor);
        }
        if at.initial || at.epoch > self.total_iters {
            return Ok(());
        }
        let before = total * self.start_factor + (at.epoch - 1) as f64 * span;
        each(rates, |r| r.lr * (1.0 + span / before))
    }
}

law! {
    /// `gamma` times less at every step.
    ExponentialLR(
        /// The factor.
        gamma: f64
    ) {}
}

impl Law for ExponentialLR {
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        if at.jump {
            return each(rates, |r| r.base * self.gamma.powf(at.epoch as f64));
        }
        match at.initial {
            true => Ok(()),
            false => each(rates, |r| r.lr * self.gamma),
        }
    }
}

law! {
    /// A power of what is left of `total_iters` steps.
    PolynomialLR() {
        /// At which step the rate is 0.
        total_iters: i64 = 5,
        /// The power.
        power: f64 = 1.0,
    }
}

impl Default for PolynomialLR {
    fn default() -> Self {
        PolynomialLR::new()
    }
}

impl Law for PolynomialLR {
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let (total, t) = (self.total_iters as f64, at.epoch as f64);
        if at.jump {
            let left = 1.0 - total.min(t) / total;
            return each(rates, |r| r.base * left.powf(self.power));
        }
        if at.initial || at.epoch > self.total_iters {
            return Ok(());
        }
        let factor = ((1.0 - t / total) / (1.0 - (t - 1.0) / total)).powf(self.power);
        each(rates, |r| r.lr * factor)
    }
}

law! {
    /// Half a cosine from the initial rate to `eta_min` in `t_max` steps, and back, and so on.
    CosineAnnealingLR(
        /// Steps of half a cosine. PyTorch's `T_max`.
        t_max: i64
    ) {
        /// The least rate.
        eta_min: f64 = 0.0,
    }
}

impl Law for CosineAnnealingLR {
    fn start(&mut self, _: &mut [Rate]) -> Result<()> {
        ensure!(
            self.t_max > 0,
            Value,
            "T_max should be positive, but is {}",
            self.t_max
        );
        Ok(())
    }
    fn next(&mut self, at: At, rates: &mut [Rate]) -> Result<()> {
        let (low, n, t) = (self.eta_min, self.t_max as f64, at.epoch as f64);
        let closed = |r: &Rate| low + (r.base - low) * (1.0 + (PI * t / n).cos()) / 2.0;
        if at.jump || at.count == 1 && at.epoch > 0 && !at.initial {
            return each(rates, closed);
        }
        if at.initial {
            return Ok(());
        }
        if (at.epoch - 1 - self.t_max) % (2 * self.t_max) == 0 {
            return each(rates, |r| {
                r.lr + (r.base - low) * (1.0 - (PI / n).cos()) / 2.0
            });
        }
        let ratio = (1.0 + (PI * t / n).cos()) / (1.0 + (PI * (t - 1.0) / n).cos());
        each(rates, |r| ratio * (r.lr - low) + low)
    }
}
