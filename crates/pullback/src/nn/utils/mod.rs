//! What is done with parameters and gradients besides: clipping, vectors of all parameters, averaged models, weights by length and direction, weights of
//! norm 1. PyTorch's `torch.nn.utils` and `torch.optim.swa_utils`.

mod averaged;
mod clip;
mod shell;
mod spectral_norm;
mod vector;
mod weight_norm;

pub use averaged::{AveragedModel, Averaging};
pub use clip::{
    clip_grad_norm_, clip_grad_norm_with, clip_grad_value_, clip_grads_with_norm_, get_total_norm,
};
pub use spectral_norm::SpectralNorm;
pub use vector::{parameters_to_vector, vector_to_parameters};
pub use weight_norm::WeightNorm;
