//! Adam's kin: Adamax, NAdam, RAdam.

use super::algorithm::{Algorithm, Job, check_betas, not_negative, pass};
use super::decay::{Decay, squares, toward};
use super::options::options;
use crate::{Arith, Result};
use pullback_array::Scalar;
use pullback_array::kernels::UpdateRule;

options! {
    /// Options of [`Adamax`](super::Adamax): Adam with the largest recent gradient in the place of the mean square.
    AdamaxOptions {
        /// The learning rate.
        lr: f64 = 2e-3,
        /// How much stays of the mean and of the largest gradient.
        betas: (f64, f64) = (0.9, 0.999),
        /// What gradients get, so that none is 0.
        eps: f64 = 1e-8,
        /// How much of the parameter the gradient gets.
        weight_decay: f64 = 0.0,
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`NAdam`](super::NAdam): Adam with Nesterov's momentum. Dozat, 2016.
    NAdamOptions {
        /// The learning rate.
        lr: f64 = 2e-3,
        /// How much stays of the mean and of the mean of squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-8,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 0.0,
        /// How fast the momentum comes near to its last value.
        momentum_decay: f64 = 4e-3,
        /// Whether weight decay goes past the moments.
        decoupled_weight_decay: bool = false,
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`RAdam`](super::RAdam): Adam that waits until the variance of its step is known. Liu and others, 2020.
    RAdamOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much stays of the mean and of the mean of squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-8,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 0.0,
        /// Whether weight decay goes past the moments.
        decoupled_weight_decay: bool = false,
        /// Whether to go up.
        maximize: bool = false,
    }
}

impl Algorithm for AdamaxOptions {
    const NAME: &'static str = "Adamax";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("epsilon value", self.eps)?;
        check_betas(self.betas)?;
        not_negative("weight_decay value", self.weight_decay)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["exp_avg", "exp_inf"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        pass(jobs, |job| Max {
            decay: Decay::coupled(self.maximize, self.weight_decay),
            mean: 1.0 - self.betas.0,
            beta2: self.betas.1,
            eps: self.eps,
            size: self.lr / (1.0 - self.betas.0.powf(job.step())),
        })
    }
}

#[derive(Clone, Copy)]
struct Max {
    decay: Decay,
    mean: f64,
    beta2: f64,
    eps: f64,
    size: f64,
}

impl UpdateRule<3> for Max {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, most]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let m = toward(m, g, self.mean);
        let (old, new) = (most * T::lit(self.beta2), g.abs() + T::lit(self.eps));
        // NaN stays, as in `maximum`.
        let most = T::choose(new.at_most(old) | old.is_nan(), || old, || new);
        [p + T::lit(-self.size) * m / most, m, most]
    }
}

impl Algorithm for NAdamOptions {
    const NAME: &'static str = "NAdam";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("epsilon value", self.eps)?;
        check_betas(self.betas)?;
        not_negative("weight_decay value", self.weight_decay)?;
        not_negative("momentum_decay value", self.momentum_decay)
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["step", "mu_product"]
    }

    fn first_number(&self, name: &str) -> f64 {
        f64::from(u8::from(name == "mu_product"))
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        let (beta1, beta2) = self.betas;
        let momentum = |step: f64| beta1 * (1.0 - 0.5 * 0.96f64.powf(step * self.momentum_decay));
        for job in jobs.iter_mut() {
            let step = job.count();
            // A product of two numbers as they are kept.
            job.numbers[1] = job.rounded(job.numbers[1] * job.rounded(momentum(step)));
        }
        pass(jobs, |job| {
            let (step, product) = (job.step(), job.numbers[1]);
            let (now, next) = (momentum(step), momentum(step + 1.0));
            Nesterov {
                decay: Decay::new(
                    self.maximize,
                    self.weight_decay,
                    self.lr,
                    self.decoupled_weight_decay,
                ),
                mean: 1.0 - beta1,
                beta2,
                eps: self.eps,
                bias: 1.0 - beta2.powf(step),
                along_grad: -self.lr * (1.0 - now) / (1.0 - product),
                along_mean: (-self.lr * next) / (1.0 - product * next),
            }
        })
    }
}

#[derive(Clone, Copy)]
struct Nesterov {
    decay: Decay,
    mean: f64,
    beta2: f64,
    eps: f64,
    /// Of the mean of squares.
    bias: f64,
    along_grad: f64,
    along_mean: f64,
}

impl UpdateRule<3> for Nesterov {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let (m, v) = (toward(m, g, self.mean), squares(v, g, self.beta2));
        let below = (v / T::lit(self.bias)).sqrt() + T::lit(self.eps);
        let p = p + T::lit(self.along_grad) * g / below;
        [p + T::lit(self.along_mean) * m / below, m, v]
    }
}

impl Algorithm for RAdamOptions {
    const NAME: &'static str = "RAdam";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("epsilon value", self.eps)?;
        check_betas(self.betas)?;
        not_negative("weight_decay value", self.weight_decay)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        let (beta1, beta2) = self.betas;
        pass(jobs, |job| {
            let step = job.step();
            let bias = 1.0 - beta2.powf(step);
            let longest = 2.0 / (1.0 - beta2) - 1.0;
            let length = longest - 2.0 * step * beta2.powf(step) / bias;
            let rect = (length - 4.0) * (length - 2.0) * longest
                / ((longest - 4.0) * (longest - 2.0) * length);
            Rectified {
                decay: Decay::new(
                    self.maximize,
                    self.weight_decay,
                    self.lr,
                    self.decoupled_weight_decay,
                ),
                mean: 1.0 - beta1,
                beta2,
                eps: self.eps,
                bias: 1.0 - beta1.powf(step),
                lr: self.lr,
                known: length > 5.0,
                root: bias.sqrt(),
                rect: rect.sqrt(),
            }
        })
    }
}

#[derive(Clone, Copy)]
struct Rectified {
    decay: Decay,
    mean: f64,
    beta2: f64,
    eps: f64,
    /// Of the mean.
    bias: f64,
    lr: f64,
    /// Whether the variance is known.
    known: bool,
    root: f64,
    rect: f64,
}

impl UpdateRule<3> for Rectified {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let (m, v) = (toward(m, g, self.mean), squares(v, g, self.beta2));
        let along = m / T::lit(self.bias) * T::lit(self.lr);
        let along = match self.known {
            true => {
                let adaptive = T::lit(self.root) / (v.sqrt() + T::lit(self.eps));
                along * adaptive * T::lit(self.rect)
            }
            false => along,
        };
        [p - along, m, v]
    }
}
