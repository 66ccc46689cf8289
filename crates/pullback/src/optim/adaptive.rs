//! Optimisers that divide by what gradients were: Adagrad, Adadelta, RMSprop.

use super::algorithm::{Algorithm, Job, not_negative, pass};
use super::decay::{Decay, squares, toward};
use super::options::options;
use crate::core::fail::ensure;
use crate::{Arith, Array, Number, Result};
use pullback_array::kernels::{UpdateRule, plus_product};
use pullback_array::{Scalar, kernels};

options! {
    /// Options of [`Adagrad`](super::Adagrad): divides by the root of the sum of all squared gradients. Duchi, Hazan and Singer, 2011.
    AdagradOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// How the rate falls: it is divided by `1 + (step - 1) lr_decay`.
        lr_decay: f64 = 0.0,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// What the sum begins with.
        initial_accumulator_value: f64 = 0.0,
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-10,
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`Adadelta`](super::Adadelta): steps whose size follows recent steps over recent gradients. Zeiler, 2012.
    AdadeltaOptions {
        /// The learning rate.
        lr: f64 = 1.0,
        /// How much stays of both means.
        rho: f64 = 0.9,
        /// What both means get.
        eps: f64 = 1e-6,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`RMSprop`](super::RMSprop): divides by the root of the mean squared gradient. Hinton's lecture 6e.
    RMSpropOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// How much stays of the mean of squares.
        alpha: f64 = 0.99,
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-8,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// How much of the last step stays.
        momentum: f64 = 0.0,
        /// Whether to divide by the deviation, without the mean.
        centered: bool = false,
        /// Whether to go up.
        maximize: bool = false,
    }
}

impl Algorithm for AdagradOptions {
    const NAME: &'static str = "Adagrad";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("lr_decay value", self.lr_decay)?;
        not_negative("weight_decay value", self.weight_decay)?;
        not_negative(
            "initial_accumulator_value value",
            self.initial_accumulator_value,
        )?;
        not_negative("epsilon value", self.eps)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["sum"]
    }

    fn first_array(&self, _: &str, param: &Array) -> Result<Array> {
        full_like(param, self.initial_accumulator_value)
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        pass(jobs, |job| Summed {
            decay: Decay::coupled(self.maximize, self.weight_decay),
            rate: self.lr / (1.0 + (job.step() - 1.0) * self.lr_decay),
            eps: self.eps,
        })
    }
}

/// An array of one number that lies as another does.
///
/// # Errors
/// Where the memory is not to be had.
pub(super) fn full_like(like: &Array, x: f64) -> Result<Array> {
    let layout = crate::MemoryFormat::Preserve.of(like.layout())?;
    let full = like.new_zeros(layout, like.dtype())?;
    kernels::fill(&full, Number::Float(x))?;
    Ok(full)
}

#[derive(Clone, Copy)]
struct Summed {
    decay: Decay,
    rate: f64,
    eps: f64,
}

impl UpdateRule<2> for Summed {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, sum]: [T; 2], g: T) -> [T; 2] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let sum = sum + g * g;
        let below = sum.sqrt() + T::lit(self.eps);
        [p + T::lit(-self.rate) * g / below, sum]
    }
}

impl Algorithm for AdadeltaOptions {
    const NAME: &'static str = "Adadelta";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        ensure!(
            (0.0..=1.0).contains(&self.rho),
            Value,
            "Invalid rho value: {:?}",
            self.rho
        );
        not_negative("epsilon value", self.eps)?;
        not_negative("weight_decay value", self.weight_decay)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["square_avg", "acc_delta"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        pass(jobs, |_| Delta {
            decay: Decay::coupled(self.maximize, self.weight_decay),
            lr: self.lr,
            rho: self.rho,
            eps: self.eps,
        })
    }
}

#[derive(Clone, Copy)]
struct Delta {
    decay: Decay,
    lr: f64,
    rho: f64,
    eps: f64,
}

impl UpdateRule<3> for Delta {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, v, steps]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let v = squares(v, g, self.rho);
        let below = (v + T::lit(self.eps)).sqrt();
        let step = (steps + T::lit(self.eps)).sqrt() / below * g;
        let steps = squares(steps, step, self.rho);
        let p = plus_product::<T, FUSED>(p, T::lit(-self.lr), step);
        [p, v, steps]
    }
}

impl Algorithm for RMSpropOptions {
    const NAME: &'static str = "RMSprop";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("epsilon value", self.eps)?;
        not_negative("momentum value", self.momentum)?;
        not_negative("weight_decay value", self.weight_decay)?;
        not_negative("alpha value", self.alpha)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "momentum_buffer"],
            (false, true) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "momentum_buffer", "grad_avg"],
        }
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        let rule = Root {
            decay: Decay::coupled(self.maximize, self.weight_decay),
            lr: self.lr,
            alpha: self.alpha,
            eps: self.eps,
            momentum: self.momentum,
        };
        match (self.momentum > 0.0, self.centered) {
            (false, false) => pass::<2, _>(jobs, |_| rule),
            (true, false) => pass(jobs, |_| RootMomentum(rule)),
            (false, true) => pass::<3, _>(jobs, |_| Centered(rule)),
            (true, true) => pass::<4, _>(jobs, |_| Centered(rule)),
        }
    }
}

#[derive(Clone, Copy)]
struct Root {
    decay: Decay,
    lr: f64,
    alpha: f64,
    eps: f64,
    momentum: f64,
}

impl Root {
    /// The parameter after a step.
    #[inline(always)]
    fn stepped<T: Scalar>(&self, p: T, g: T, root: T) -> T {
        p + T::lit(-self.lr) * g / (root + T::lit(self.eps))
    }

    /// The parameter after a step with momentum, and the momentum.
    #[inline(always)]
    fn moved<T: Scalar + Arith, const FUSED: bool>(&self, p: T, b: T, g: T, root: T) -> (T, T) {
        let b = b * T::lit(self.momentum) + g / (root + T::lit(self.eps));
        (plus_product::<T, FUSED>(p, T::lit(-self.lr), b), b)
    }
}

impl UpdateRule<2> for Root {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, v]: [T; 2], g: T) -> [T; 2] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let v = squares(v, g, self.alpha);
        [self.stepped(p, g, v.sqrt()), v]
    }
}

#[derive(Clone, Copy)]
struct RootMomentum(Root);

impl UpdateRule<3> for RootMomentum {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, v, b]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.0.decay.at::<T, FUSED>(p, g);
        let v = squares(v, g, self.0.alpha);
        let (p, b) = self.0.moved::<T, FUSED>(p, b, g, v.sqrt());
        [p, v, b]
    }
}

#[derive(Clone, Copy)]
struct Centered(Root);

impl Centered {
    /// The mean of squares, the mean, and the deviation.
    #[inline(always)]
    fn means<T: Scalar>(&self, v: T, mean: T, g: T) -> (T, T, T) {
        let (v, mean) = (
            squares(v, g, self.0.alpha),
            toward(mean, g, 1.0 - self.0.alpha),
        );
        (v, mean, (v - mean * mean).sqrt())
    }
}

impl UpdateRule<3> for Centered {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, v, mean]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.0.decay.at::<T, FUSED>(p, g);
        let (v, mean, root) = self.means(v, mean, g);
        [self.0.stepped(p, g, root), v, mean]
    }
}

impl UpdateRule<4> for Centered {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, v, b, mean]: [T; 4], g: T) -> [T; 4] {
        let (p, g) = self.0.decay.at::<T, FUSED>(p, g);
        let (v, mean, root) = self.means(v, mean, g);
        let (p, b) = self.0.moved::<T, FUSED>(p, b, g, root);
        [p, v, b, mean]
    }
}
