//! Optimisers and schedules of their rates: PyTorch's `torch.optim`.
//!
//! ```
//! use pullback::nn::{Layer, Linear, Module};
//! use pullback::optim::Adam;
//! use pullback::{DType, Tensor, random};
//! random::manual_seed(0);
//! let model = Linear::new(2, 1)?;
//! let mut optim = Adam::new(model.named_parameters(), 0.1)?;
//! let x = Tensor::ones([4, 2], DType::F32)?;
//! for _ in 0..100 {
//!     model.zero_grad();
//!     model.forward(&x)?.square()?.mean()?.backward()?;
//!     optim.step()?;
//! }
//! assert!(model.forward(&x)?.abs()?.max()?.item_f64()? < 0.05);
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! An optimiser holds handles of the parameters and writes their memory; whoever else holds them sees it. What it keeps of a parameter goes by the
//! parameter's **name**, so a state ([`Optimizer::state`]) fits a model that was made anew. Options are structs with defaults and builders
//! ([`AdamOptions`]), of which each group of parameters has its own. A step of all parameters of a group is one pass over their memory, shared among
//! threads where that is worth it; half precisions are computed in float32 and rounded once a step, as by PyTorch's `fused=True`.

mod adam;
mod adaptive;
mod algorithm;
#[doc(hidden)]
pub mod binding;
mod decay;
mod factored;
mod lbfgs;
mod lbfgs_state;
mod line_search;
pub mod lr_scheduler;
mod moments;
mod optimizer;
mod options;
mod sgd;
mod signs;
mod state;

pub use adam::{AdamOptions, AdamWOptions};
pub use adaptive::{AdadeltaOptions, AdagradOptions, RMSpropOptions};
pub use algorithm::{Algorithm, Job};
pub use factored::{AdafactorOptions, AdjustLr, MuonOptions};
pub use lbfgs::{LBFGS, LBFGSOptions, LineSearch};
pub use moments::{AdamaxOptions, NAdamOptions, RAdamOptions};
pub use optimizer::{Optim, Optimizer};
pub use options::{Setting, Settings};
pub use sgd::SGDOptions;
pub use signs::{ASGDOptions, RpropOptions};

/// Gradient descent, with momentum. PyTorch's `optim.SGD`.
pub type SGD = Optim<SGDOptions>;
/// Steps along the mean gradient over the root of its mean square. PyTorch's `optim.Adam`.
pub type Adam = Optim<AdamOptions>;
/// Adam whose weight decay does not pass through the moments. PyTorch's `optim.AdamW`.
pub type AdamW = Optim<AdamWOptions>;
/// Adam with the largest recent gradient in the place of the mean square. PyTorch's `optim.Adamax`.
pub type Adamax = Optim<AdamaxOptions>;
/// Adam with Nesterov's momentum. PyTorch's `optim.NAdam`.
pub type NAdam = Optim<NAdamOptions>;
/// Adam that waits until the variance of its step is known. PyTorch's `optim.RAdam`.
pub type RAdam = Optim<RAdamOptions>;
/// Divides by the root of the sum of all squared gradients. PyTorch's `optim.Adagrad`.
pub type Adagrad = Optim<AdagradOptions>;
/// Steps whose size follows recent steps over recent gradients. PyTorch's `optim.Adadelta`.
pub type Adadelta = Optim<AdadeltaOptions>;
/// Divides by the root of the mean squared gradient. PyTorch's `optim.RMSprop`.
pub type RMSprop = Optim<RMSpropOptions>;
/// Steps that grow while signs stay and shrink where they turn. PyTorch's `optim.Rprop`.
pub type Rprop = Optim<RpropOptions>;
/// Gradient descent that also keeps the mean of where it was. PyTorch's `optim.ASGD`.
pub type ASGD = Optim<ASGDOptions>;
/// Steps relative to a parameter's size, with squares of rows and columns. PyTorch's `optim.Adafactor`.
pub type Adafactor = Optim<AdafactorOptions>;
/// Steps of matrices along their momentum made orthogonal. PyTorch's `optim.Muon`.
pub type Muon = Optim<MuonOptions>;
