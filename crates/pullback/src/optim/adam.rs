//! Adam and AdamW.

use super::algorithm::{Algorithm, Job, check_betas, not_negative, pass};
use super::decay::{Decay, squares, toward};
use super::options::options;
use crate::{Arith, Result};
use pullback_array::Scalar;
use pullback_array::kernels::UpdateRule;

options! {
    /// Options of [`Adam`](super::Adam): steps of size `lr` along the mean gradient over the root of the mean squared gradient, both without their
    /// bias. Kingma and Ba, 2015.
    AdamOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much stays of the mean and of the mean of squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-8,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 0.0,
        /// Whether the largest mean of squares counts, and not the last.
        amsgrad: bool = false,
        /// Whether to go up.
        maximize: bool = false,
        /// Whether weight decay goes past the moments, as in AdamW.
        decoupled_weight_decay: bool = false,
    }
}

options! {
    /// Options of [`AdamW`](super::AdamW): Adam whose weight decay does not pass through the moments. Loshchilov and Hutter, 2019.
    AdamWOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much stays of the mean and of the mean of squares.
        betas: (f64, f64) = (0.9, 0.999),
        /// What the root gets, so that it is not 0.
        eps: f64 = 1e-8,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 1e-2,
        /// Whether the largest mean of squares counts, and not the last.
        amsgrad: bool = false,
        /// Whether to go up.
        maximize: bool = false,
    }
}

impl From<&AdamWOptions> for AdamOptions {
    fn from(o: &AdamWOptions) -> AdamOptions {
        AdamOptions {
            lr: o.lr,
            betas: o.betas,
            eps: o.eps,
            weight_decay: o.weight_decay,
            amsgrad: o.amsgrad,
            maximize: o.maximize,
            decoupled_weight_decay: true,
        }
    }
}

impl Algorithm for AdamOptions {
    const NAME: &'static str = "Adam";

    fn check(&self) -> Result<()> {
        not_negative("learning rate", self.lr)?;
        not_negative("epsilon value", self.eps)?;
        not_negative("weight_decay value", self.weight_decay)?;
        check_betas(self.betas)
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        match self.amsgrad {
            true => &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
            false => &["exp_avg", "exp_avg_sq"],
        }
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        jobs.iter_mut().for_each(|job| {
            job.count();
        });
        let (beta1, beta2) = self.betas;
        let decay = Decay::new(
            self.maximize,
            self.weight_decay,
            self.lr,
            self.decoupled_weight_decay,
        );
        let rule = |job: &Job| Rule {
            decay,
            mean: 1.0 - beta1,
            beta2,
            eps: self.eps,
            size: self.lr / (1.0 - beta1.powf(job.step())),
            root: (1.0 - beta2.powf(job.step())).sqrt(),
        };
        match self.amsgrad {
            true => pass(jobs, |job| Largest(rule(job))),
            false => pass(jobs, rule),
        }
    }
}

impl Algorithm for AdamWOptions {
    const NAME: &'static str = "AdamW";

    fn check(&self) -> Result<()> {
        AdamOptions::from(self).check()
    }

    fn arrays(&self, ndim: usize) -> &'static [&'static str] {
        AdamOptions::from(self).arrays(ndim)
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        AdamOptions::from(self).advance(jobs)
    }
}

#[derive(Clone, Copy)]
struct Rule {
    decay: Decay,
    /// Of the gradient in the mean.
    mean: f64,
    beta2: f64,
    eps: f64,
    /// The learning rate over what the mean's bias is.
    size: f64,
    /// The root of what the bias of the mean of squares is.
    root: f64,
}

impl Rule {
    /// The parameter after a step along `m` over the root of `v`.
    #[inline(always)]
    fn stepped<T: Scalar>(&self, p: T, m: T, v: T) -> T {
        let below = v.sqrt() / T::lit(self.root) + T::lit(self.eps);
        p + T::lit(-self.size) * m / below
    }
}

impl UpdateRule<3> for Rule {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v]: [T; 3], g: T) -> [T; 3] {
        let (p, g) = self.decay.at::<T, FUSED>(p, g);
        let (m, v) = (toward(m, g, self.mean), squares(v, g, self.beta2));
        [self.stepped(p, m, v), m, v]
    }
}

/// With the largest mean of squares there was.
#[derive(Clone, Copy)]
struct Largest(Rule);

impl UpdateRule<4> for Largest {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v, most]: [T; 4], g: T) -> [T; 4] {
        let rule = &self.0;
        let (p, g) = rule.decay.at::<T, FUSED>(p, g);
        let (m, v) = (toward(m, g, rule.mean), squares(v, g, rule.beta2));
        // NaN stays, as in `maximum`.
        let most = T::choose(v.at_most(most) | most.is_nan(), || most, || v);
        [rule.stepped(p, m, most), m, v, most]
    }
}
