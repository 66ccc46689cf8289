//! Models averaged over the steps of a training: equally (SWA), or with weights that fall (EMA).

use crate::core::fail::ensure;
use crate::nn::{Module, NamedTensors};
use crate::{DType, Result, Tensor, module, no_grad};

/// How models are averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaging {
    /// All the same. PyTorch's `get_swa_avg_fn()`.
    Equal,
    /// Older ones less: the average is `decay` of itself and the rest of the new model. PyTorch's `get_ema_avg_fn(decay)`.
    Exponential {
        /// Between 0 and 1; PyTorch's default is 0.999.
        decay: f64,
    },
}

/// A model and the average of what it was. PyTorch's `torch.optim.swa_utils.AveragedModel`.
///
/// ```
/// use pullback::nn::utils::{AveragedModel, Averaging};
/// use pullback::nn::{Linear, init};
/// let model = Linear::new(1, 1)?;
/// init::constant_(&model.weight, 1.0)?;
/// let mut average = AveragedModel::new(&model, Averaging::Equal)?;
/// average.update_parameters(&model)?;
/// init::constant_(&model.weight, 3.0)?;
/// average.update_parameters(&model)?;
/// assert_eq!(average.module.weight.to_vec::<f32>()?, [2.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AveragedModel<M> {
    /// How many models it is of.
    pub n_averaged: Tensor,
    /// The average, a model like the others.
    pub module: M,
    how: Averaging,
    use_buffers: bool,
}

module!([M: Module] AveragedModel<M> { n_averaged, module });

impl<M: Module + Clone> AveragedModel<M> {
    /// Of no models yet, with the numbers of this one.
    ///
    /// # Errors
    /// PyTorch's sentence for a decay that is none.
    pub fn new(model: &M, how: Averaging) -> Result<AveragedModel<M>> {
        if let Averaging::Exponential { decay } = how {
            ensure!(
                (0.0..=1.0).contains(&decay),
                Value,
                "Invalid decay value {decay} provided. Please provide a value in [0,1] range."
            );
        }
        Ok(AveragedModel {
            n_averaged: Tensor::zeros((), DType::I64)?,
            module: model.deep_copy()?,
            how,
            use_buffers: false,
        })
    }

    /// Whether buffers are averaged too; else they are those of the last model.
    #[must_use]
    pub fn use_buffers(mut self, on: bool) -> Self {
        self.use_buffers = on;
        self
    }

    /// Adds a model to the average; the first is the average.
    ///
    /// # Errors
    /// Where it has other tensors than the one that this was made of.
    pub fn update_parameters(&mut self, model: &M) -> Result<()> {
        let n = self.n_averaged.item_f64()?;
        let (own, given) = (self.module.state(), model.state());
        ensure!(
            own.len() == given.len(),
            Value,
            "the average has {} tensors, but the model has {}",
            own.len(),
            given.len()
        );
        let _guard = no_grad();
        for ((name, to), (_, from)) in own.iter().zip(given.iter()) {
            self.updated(n, to, from)
                .map_err(|e| e.note(format!("of `{name}`")))?;
        }
        self.n_averaged.add_(1)
    }

    fn updated(&self, n: f64, to: &Tensor, from: &Tensor) -> Result<()> {
        let averaged = to.requires_grad() || self.use_buffers && to.dtype().is_float();
        if n == 0.0 || !averaged {
            return to.copy_(&from.detach());
        }
        let share = match self.how {
            Averaging::Equal => 1.0 / (n + 1.0),
            Averaging::Exponential { decay } => 1.0 - decay,
        };
        to.lerp_(&from.detach(), share)
    }

    /// The average's tensors, by name.
    pub fn averages(&self) -> NamedTensors {
        self.module.state()
    }
}
