//! What is done with parameters and gradients besides: clipping, vectors of all parameters, averaged models, weights by length and direction, weights of
//! norm 1, orthogonal weights. PyTorch's `torch.nn.utils` and `torch.optim.swa_utils`.

mod averaged;
mod clip;
mod orthogonal;
mod shell;
mod spectral_norm;
mod update_bn;
mod vector;
mod weight_norm;

pub use averaged::{AveragedModel, Averaging};
pub use clip::{
    clip_grad_norm_, clip_grad_norm_with, clip_grad_value_, clip_grads_with_norm_, get_total_norm,
};
pub use orthogonal::{Orthogonal, OrthogonalMap};
pub use spectral_norm::SpectralNorm;
pub use update_bn::update_bn;
pub use vector::{parameters_to_vector, vector_to_parameters};
pub use weight_norm::WeightNorm;
