//! Gradient descent, with momentum.

use super::algorithm::{Algorithm, Job, not_negative, pass};
use super::decay::Decay;
use super::options::options;
use crate::core::fail::ensure;
use crate::{Arith, Result};
use pullback_array::Scalar;
use pullback_array::kernels::{UpdateRule, plus_product};

options! {
    /// Options of [`SGD`](super::SGD): `p ← p - lr (g + weight_decay p)`, with momentum `b ← momentum b + (1 - dampening) g` in the gradient's place.
    SGDOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the last step stays.
        momentum: f64 = 0.0,
        /// How much of the gradient momentum leaves out.
        dampening: f64 = 0.0,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// Whether the gradient is added to the momentum once more.
        nesterov: bool = false,
        /// Whether to go up.
        maximize: bool = false,
    }
}

impl Algorithm for SGDOptions {
    const NAME: &'static str = "SGD";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("momentum value", self.momentum)?;
        not_negative("weight_decay value", self.weight_decay)?;
        ensure!(
            !self.nesterov || self.momentum > 0.0 && self.dampening == 0.0,
            Value,
            "Nesterov momentum requires a momentum and zero dampening"
        );
        Ok(())
    }

    fn numbers(&self) -> &'static [&'static str] {
        &[]
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        match self.momentum == 0.0 {
            true => &[],
            false => &["momentum_buffer"],
        }
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        let decay = Decay::coupled(self.maximize, self.weight_decay);
        let rule = |job: &Job| Momentum {
            decay,
            lr: self.lr,
            momentum: self.momentum,
            part: 1.0 - self.dampening,
            nesterov: self.nesterov,
            first: job.fresh,
        };
        match self.momentum == 0.0 {
            true => pass(jobs, |_| Plain { decay, lr: self.lr }),
            false => pass(jobs, rule),
        }
    }
}

/// Without momentum.
#[derive(Clone, Copy)]
struct Plain {
    decay: Decay,
    lr: f64,
}

impl UpdateRule<1> for Plain {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p]: [T; 1], g: T) -> [T; 1] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        [plus_product::<T, FUSED>(p, T::lit(-self.lr), g)]
    }
}

#[derive(Clone, Copy)]
struct Momentum {
    decay: Decay,
    lr: f64,
    momentum: f64,
    /// Of the gradient.
    part: f64,
    nesterov: bool,
    /// Whether there is no momentum yet: it begins with the gradient.
    first: bool,
}

impl UpdateRule<2> for Momentum {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, b]: [T; 2], g: T) -> [T; 2] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let b = match self.first {
            true => g,
            false => plus_product::<T, FUSED>(b * T::lit(self.momentum), T::lit(self.part), g),
        };
        let g = match self.nesterov {
            true => plus_product::<T, FUSED>(g, T::lit(self.momentum), b),
            false => b,
        };
        [plus_product::<T, FUSED>(p, T::lit(-self.lr), g), b]
    }
}
