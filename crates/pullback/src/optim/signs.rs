//! Optimisers that divide by nothing: Rprop, whose steps follow signs, and ASGD, which averages where it was.

use super::adaptive::full_like;
use super::algorithm::{Algorithm, Job, not_negative, pass};
use super::decay::Decay;
use super::options::options;
use crate::core::fail::ensure;
use crate::{Arith, Array, MemoryFormat, Result};
use pullback_array::Scalar;
use pullback_array::kernels::{UpdateRule, plus_product};

options! {
    /// Options of [`Rprop`](super::Rprop): steps that grow while signs stay and shrink where they turn. Riedmiller and Braun, 1993.
    RpropOptions {
        /// The size of the first step.
        lr: f64 = 1e-2,
        /// What steps are multiplied with where signs turn, and where they stay.
        etas: (f64, f64) = (0.5, 1.2),
        /// The least and the largest step.
        step_sizes: (f64, f64) = (1e-6, 50.0),
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`ASGD`](super::ASGD): gradient descent that also keeps the mean of where it was. Polyak and Juditsky, 1992.
    ASGDOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// How much of the parameter is taken away.
        lambd: f64 = 1e-4,
        /// The power with which the rate falls.
        alpha: f64 = 0.75,
        /// The step at which the mean begins.
        t0: f64 = 1e6,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// Whether to go up.
        maximize: bool = false,
    }
}

impl Algorithm for RpropOptions {
    const NAME: &'static str = "Rprop";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        let (down, up) = self.etas;
        ensure!(
            0.0 < down && down < 1.0 && 1.0 < up,
            Value,
            "Invalid eta values: {down:?}, {up:?}"
        );
        Ok(())
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["prev", "step_size"]
    }

    fn first_array(&self, name: &str, param: &Array) -> Result<Array> {
        match name {
            "step_size" => full_like(param, self.lr),
            _ => param.new_zeros(MemoryFormat::Preserve.of(param.layout())?, param.dtype()),
        }
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        pass(jobs, |_| Signs {
            maximize: self.maximize,
            etas: self.etas,
            sizes: self.step_sizes,
        })
    }
}

#[derive(Clone, Copy)]
struct Signs {
    maximize: bool,
    etas: (f64, f64),
    sizes: (f64, f64),
}

impl UpdateRule<3> for Signs {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, prev, size]: [T; 3], g: T) -> [T; 3] {
        let g = if self.maximize { -g } else { g };
        let turn = g * prev;
        let (up, down) = (T::lit(self.etas.1), T::lit(self.etas.0));
        let (least, most) = (T::lit(self.sizes.0), T::lit(self.sizes.1));
        let factor = T::choose(turn.below(T::ZERO), || down, || T::ONE);
        let size = size * T::choose(turn.above(T::ZERO), || up, || factor);
        let size = T::choose(size.below(least), || least, || size);
        let size = T::choose(size.above(most), || most, || size);
        let g = T::choose(turn.below(T::ZERO), || T::ZERO, || g);
        let sign = T::choose(g.below(T::ZERO), || -T::ONE, || g);
        let sign = T::choose(g.above(T::ZERO), || T::ONE, || sign);
        [p - sign * size, g, size]
    }
}

impl Algorithm for ASGDOptions {
    const NAME: &'static str = "ASGD";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("weight_decay value", self.weight_decay)?;
        not_negative("lambd value", self.lambd)?;
        not_negative("alpha value", self.alpha)
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["step", "eta", "mu"]
    }

    fn first_number(&self, name: &str) -> f64 {
        match name {
            "eta" => self.lr,
            "mu" => 1.0,
            _ => 0.0,
        }
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["ax"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        pass(jobs, |job| {
            let (eta, mu) = (job.numbers[1], job.numbers[2]);
            Averaged {
                decay: Decay {
                    maximize: self.maximize,
                    coupled: self.weight_decay,
                    shrink: 1.0 - self.lambd * eta,
                },
                eta,
                mu,
            }
        })?;
        for job in jobs {
            let step = job.step();
            let eta = self.lr / (1.0 + self.lambd * self.lr * step).powf(self.alpha);
            job.numbers[1] = job.rounded(eta);
            job.numbers[2] = job.rounded(1.0 / (step - self.t0).max(1.0));
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Averaged {
    decay: Decay,
    eta: f64,
    /// How far the mean goes to where the parameter is.
    mu: f64,
}

impl UpdateRule<2> for Averaged {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, mean]: [T; 2], g: T) -> [T; 2] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let p = plus_product::<T, FUSED>(p, T::lit(-self.eta), g);
        let mean = match self.mu == 1.0 {
            true => p,
            false => mean + (p - mean) * T::lit(self.mu),
        };
        [p, mean]
    }
}
