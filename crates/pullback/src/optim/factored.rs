//! Optimisers whose steps know a parameter's rows and columns: Adafactor and Muon.
//!
//! They are made of operations, a parameter after the other: products of matrices and norms are most of their work.

use super::algorithm::{Algorithm, Job};
use super::options::{Setting, options};
use crate::core::fail::ensure;
use crate::{Array, DType, Layout, Result, Shape, Tensor};

options! {
    /// Options of [`Adafactor`](super::Adafactor): steps relative to a parameter's size along the gradient over the root of its mean square, which is
    /// kept for rows and columns alone. Shazeer and Stern, 2018.
    AdafactorOptions {
        /// The largest relative step.
        lr: f64 = 1e-2,
        /// The power of the step with which the means of squares come to rest.
        beta2_decay: f64 = -0.8,
        /// What squares are at least (the dtype's epsilon without it), and a parameter's size.
        eps: (Option<f64>, f64) = (None, 1e-3),
        /// The root of the mean square that a step has at most.
        d: f64 = 1.0,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 0.0,
        /// Whether to go up.
        maximize: bool = false,
    }
}

options! {
    /// Options of [`Muon`](super::Muon): steps of a matrix along its momentum made orthogonal. Jordan and others, 2024.
    MuonOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the parameter is taken away.
        weight_decay: f64 = 0.1,
        /// How much of the momentum stays.
        momentum: f64 = 0.95,
        /// Whether the gradient is mixed in once more.
        nesterov: bool = true,
        /// Of the polynomial that is iterated.
        ns_coefficients: (f64, f64, f64) = (3.4445, -4.7750, 2.0315),
        /// The least norm.
        eps: f64 = 1e-7,
        /// How often the polynomial is iterated.
        ns_steps: usize = 5,
        /// How the rate depends on the shape.
        adjust_lr_fn: AdjustLr = AdjustLr::Original,
    }
}

/// How Muon's rate depends on a matrix's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AdjustLr {
    /// √max(1, rows/columns), as its author has it.
    #[default]
    Original,
    /// 0.2 √max(rows, columns): steps as large as AdamW's.
    MatchRmsAdamw,
    /// √(rows/columns).
    SpectralUnclamped,
}

impl Setting for AdjustLr {
    fn numbers(&self) -> Vec<f64> {
        vec![f64::from(*self as u8)]
    }
    fn of(numbers: &[f64]) -> Option<AdjustLr> {
        let all = [
            AdjustLr::Original,
            AdjustLr::MatchRmsAdamw,
            AdjustLr::SpectralUnclamped,
        ];
        all.into_iter().find(|a| a.numbers() == numbers)
    }
}

/// PyTorch's sentence for what is too small.
fn at_least(name: &str, x: f64, bound: f64) -> Result<()> {
    ensure!(
        (bound..).contains(&x),
        Value,
        "{name} should be >= {bound} but is: {x:?}"
    );
    Ok(())
}

impl Algorithm for AdafactorOptions {
    const NAME: &'static str = "Adafactor";

    fn check(&self) -> Result<()> {
        at_least("Learning rate", self.lr, 0.0)?;
        ensure!(
            (..=0.0).contains(&self.beta2_decay),
            Value,
            "beta2_decay should be <= 0 but is: {:?}",
            self.beta2_decay
        );
        at_least("epsilon1", self.eps.0.unwrap_or(0.0), 0.0)?;
        at_least("epsilon2", self.eps.1, 0.0)?;
        at_least("Clipping threshold d", self.d, 1.0)?;
        at_least("weight_decay", self.weight_decay, 0.0)
    }

    fn arrays(&self, ndim: usize) -> &'static [&'static str] {
        match ndim > 1 {
            true => &["row_var", "col_var"],
            false => &["variance"],
        }
    }

    fn first_array(&self, name: &str, param: &Array) -> Result<Array> {
        let mut sizes = param.shape().to_vec();
        let n = sizes.len();
        match name {
            "row_var" => sizes[n - 1] = 1,
            "col_var" => sizes[n - 2] = 1,
            _ => {}
        }
        param.new_zeros(Layout::row_major(Shape::new(&sizes)), param.dtype())
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        for job in jobs {
            let step = job.count();
            self.one(job, step)?;
        }
        Ok(())
    }
}

/// A tensor over the memory of an array.
fn tensor(a: &Array) -> Tensor {
    Tensor::from_array(a.clone())
}

/// The gradient, turned round to go up.
fn gradient(job: &Job, maximize: bool) -> Result<Tensor> {
    match maximize {
        true => tensor(&job.grad).neg(),
        false => Ok(tensor(&job.grad)),
    }
}

/// The root of the sum of all squares.
fn length(t: &Tensor) -> Result<f64> {
    t.vector_norm(2.0, &[], false, None)?.item_f64()
}

impl AdafactorOptions {
    fn one(&self, job: &Job, step: f64) -> Result<()> {
        let (p, grad) = (tensor(&job.param), gradient(job, self.maximize)?);
        let least = self.eps.0.unwrap_or(epsilon(p.dtype()));
        let weight = step.powf(self.beta2_decay);
        let count = p.numel() as f64;
        let size = self.eps.1.max(length(&p)? / count.sqrt()) * self.lr.min(1.0 / step.sqrt());
        if self.weight_decay != 0.0 {
            p.mul_(1.0 - self.lr * self.weight_decay)?;
        }
        let square = match &job.arrays[..] {
            [rows, columns] => {
                let (rows, columns) = (tensor(rows), tensor(columns));
                for (kept, dim) in [(&rows, -1), (&columns, -2)] {
                    let n = grad.size(dim)? as f64;
                    let norm = grad.square()?.sum_dims(&[dim], true)?.div(n)?;
                    kept.lerp_(&norm, weight)?;
                }
                let mean = rows.mean_dims(&[-2], true)?.clamp_min(least)?;
                rows.matmul(&columns)?.div(&mean)?
            }
            all => {
                let kept = tensor(&all[0]);
                kept.lerp_(&grad.square()?, weight)?;
                kept.copy()?
            }
        };
        let update = square.clamp_min(least * least)?.rsqrt()?.mul(&grad)?;
        let too_large = (length(&update)? / (count.sqrt() * self.d)).max(1.0);
        p.add_scaled_(&update, -size / too_large)
    }
}

/// The distance from 1 to the next number.
fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        _ => f64::from(f32::EPSILON),
    }
}

impl Algorithm for MuonOptions {
    const NAME: &'static str = "Muon";

    fn check(&self) -> Result<()> {
        at_least("Learning rate", self.lr, 0.0)?;
        at_least("momentum", self.momentum, 0.0)?;
        at_least("weight decay", self.weight_decay, 0.0)?;
        ensure!(
            self.ns_steps < 100,
            Value,
            "Number of steps must be less than 100 for computational efficiency"
        );
        Ok(())
    }

    fn check_param(&self, param: &Array) -> Result<()> {
        ensure!(
            param.rank() == 2,
            Value,
            "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size({})",
            param.shape()
        );
        Ok(())
    }

    fn numbers(&self) -> &'static [&'static str] {
        &[]
    }

    fn arrays(&self, _: usize) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    fn advance(&self, jobs: &mut [Job]) -> Result<()> {
        for job in jobs {
            let (p, grad) = (tensor(&job.param), tensor(&job.grad));
            let kept = tensor(&job.arrays[0]);
            kept.lerp_(&grad, 1.0 - self.momentum)?;
            let update = match self.nesterov {
                true => grad.lerp(&kept, self.momentum)?,
                false => kept,
            };
            let update = self.orthogonal(&update)?.to(p.dtype())?;
            let (rows, columns) = (p.size(0)? as f64, p.size(1)? as f64);
            let ratio = match self.adjust_lr_fn {
                AdjustLr::Original => (rows / columns).max(1.0).sqrt(),
                AdjustLr::MatchRmsAdamw => 0.2 * rows.max(columns).sqrt(),
                AdjustLr::SpectralUnclamped => (rows / columns).sqrt(),
            };
            p.mul_(1.0 - self.lr * self.weight_decay)?;
            p.add_scaled_(&update, -self.lr * ratio)?;
        }
        Ok(())
    }
}

impl MuonOptions {
    /// Newton and Schulz's iteration, in bfloat16: the singular values go near to 1, the directions stay.
    fn orthogonal(&self, matrix: &Tensor) -> Result<Tensor> {
        let (a, b, c) = self.ns_coefficients;
        let tall = matrix.size(0)? > matrix.size(1)?;
        let x = matrix.to(DType::BF16)?;
        let x = if tall { x.t()? } else { x };
        let mut x = x.div(&x.vector_norm(2.0, &[], false, None)?.clamp_min(self.eps)?)?;
        for _ in 0..self.ns_steps {
            let gram = x.matmul(&x.t()?)?;
            let both = gram.addmm(&gram, &gram, b, c)?;
            x = x.addmm(&both, &x, a, 1.0)?;
        }
        if tall { x.t() } else { Ok(x) }
    }
}
