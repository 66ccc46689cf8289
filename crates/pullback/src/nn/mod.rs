//! Models: a plain struct of tensors and layers, one trait that names its tensors, and PyTorch's layers.
//!
//! ```
//! use pullback::nn::{self, Layer, Linear, Module};
//! use pullback::{DType, Result, Tensor, no_grad, random};
//!
//! #[derive(Clone)]
//! struct Mlp { hidden: Linear, out: Linear }
//! pullback::module!(Mlp { hidden, out });
//!
//! impl Mlp {
//!     fn forward(&self, x: &Tensor) -> Result<Tensor> {
//!         self.out.forward(&self.hidden.forward(x)?.tanh()?)
//!     }
//! }
//!
//! random::manual_seed(1);
//! let model = Mlp { hidden: Linear::new(2, 8)?, out: Linear::new(8, 1)? };
//! let x = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [4, 2])?;
//! let y = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 0.0], [4, 1])?;
//! for _ in 0..2000 {
//!     model.zero_grad();
//!     let loss = (model.forward(&x)? - &y).square()?.mean()?;
//!     loss.backward()?;
//!     let _guard = no_grad();
//!     for p in model.parameters() {
//!         p.add_scaled_(&p.grad().unwrap(), -0.3)?;
//!     }
//! }
//! let off = (model.forward(&x)? - &y).abs()?.max()?.item_f64()?;
//! assert!(off < 0.2, "{off}");
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! [`Module`] says what a model is and what can be done with one, [`module!`](crate::module) makes a struct one. Names, layouts, defaults and, from the same
//! seed, first values are PyTorch's, so a state goes from one to the other as it is. [`eval`] says that dropout and normalisation evaluate.
//! What a layer may be asked for beyond what it needs is at its builder: `Linear::builder(2, 3).bias(false).build()?`.

mod activation;
mod adaptive_softmax;
mod attention;
mod batch_norm;
mod blocks;
mod conv;
mod conv_transpose;
mod derivatives;
#[cfg(feature = "derive")]
#[doc(hidden)]
pub mod derived;
mod distance_loss;
mod dropout;
mod each;
mod embedding;
mod fields;
pub mod init;
mod layer;
mod linear;
mod load;
mod loss;
mod macros;
mod mode;
mod module;
mod named;
mod norm;
pub(crate) mod observe;
mod pad;
mod pool;
mod repr;
mod rnn;
mod sequential;
mod shape;
mod summary;
mod transformer;
mod unpool;
mod upsample;
pub mod utils;
mod visit;

pub use activation::{
    CELU, ELU, GELU, GLU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyReLU, LogSigmoid,
    LogSoftmax, Mish, PReLU, PReLUBuilder, RReLU, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax,
    Softmax2d, Softmin, Softplus, Softshrink, Softsign, Tanh, Tanhshrink, Threshold,
};
pub use adaptive_softmax::{
    AdaptiveLogSoftmaxWithLoss, AdaptiveLogSoftmaxWithLossBuilder, Classified,
};
pub use attention::{Attend, MultiheadAttention, MultiheadAttentionBuilder};
pub use batch_norm::{
    BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormBuilder, InstanceNorm,
    InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, InstanceNormBuilder,
};
pub use blocks::{Fold, FoldBuilder, Unfold, UnfoldBuilder};
pub use conv::{Conv, Conv1d, Conv2d, Conv3d, ConvBuilder, Padding};
pub use conv_transpose::{
    ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, ConvTransposeBuilder,
};
pub use derivatives::Hessian;
pub use distance_loss::{
    Distance, LinearCrossEntropyLoss, LinearCrossEntropyLossBuilder, TripletMarginWithDistanceLoss,
};
pub use dropout::{AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout};
pub use each::{Each, Target};
pub use embedding::{Embedding, EmbeddingBag, EmbeddingBagBuilder, EmbeddingBuilder};
pub use layer::{Lambda, Layer};
pub use linear::{Bilinear, BilinearBuilder, Identity, Linear, LinearBuilder};
pub use load::LoadReport;
pub use loss::{
    BCELoss, BCEWithLogitsLoss, CTCLoss, CosineEmbeddingLoss, CrossEntropyLoss, GaussianNLLLoss,
    HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, MarginRankingLoss,
    MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss, NLLLoss, PoissonNLLLoss,
    SmoothL1Loss, SoftMarginLoss, TripletMarginLoss,
};
pub use mode::{TrainingGuard, eval, is_training, set_training, train};
pub use module::{Module, meta};
pub use named::NamedTensors;
pub use norm::{
    GroupNorm, GroupNormBuilder, LayerNorm, LayerNormBuilder, LocalResponseNorm,
    LocalResponseNormBuilder, RMSNorm, RMSNormBuilder,
};
pub use pad::{
    Border, CircularPad, CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad, ConstantPad1d,
    ConstantPad2d, ConstantPad3d, ReflectionPad, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d,
    ReplicationPad, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d, ZeroPad, ZeroPad1d,
    ZeroPad2d, ZeroPad3d,
};
pub use pool::{
    AdaptiveAvgPool, AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool,
    AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d, AvgPool, AvgPool1d, AvgPool2d,
    AvgPool3d, AvgPoolBuilder, LPPool, LPPool1d, LPPool2d, LPPool3d, LPPoolBuilder, MaxPool,
    MaxPool1d, MaxPool2d, MaxPool3d, MaxPoolBuilder,
};
/// A struct as a [`trait@Module`], every field of which is a tensor, a layer or something of them, with the feature `derive`:
///
/// ```
/// use pullback::nn::{Linear, Module};
/// #[derive(Clone, Module)]
/// struct Block {
///     hidden: Vec<Linear>,
///     #[module(name = "out")]
///     head: Linear,
///     #[module(skip)]
///     scale: f64,
/// }
/// let block = Block { hidden: vec![Linear::new(2, 2)?], head: Linear::new(2, 1)?, scale: 0.5 };
/// assert_eq!(block.state().names().collect::<Vec<_>>(), ["hidden.0.weight", "hidden.0.bias", "out.weight", "out.bias"]);
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// A field of another type is one error, at its type: "`f64` is no tensor and no module".
///
/// ```compile_fail
/// # use pullback::nn::Module;
/// #[derive(Module)]
/// struct Scaled { scale: f64 }
/// ```
#[cfg(feature = "derive")]
pub use pullback_derive::Module;
pub use repr::{Repr, print};
pub use rnn::{
    Elman, GRU, GRUCell, Gru, LSTM, LSTMCell, Lstm, PackedSequence, RNN, RNNCell, Recurrent,
    RecurrentBuilder, RecurrentCell, RecurrentCellBuilder, Step, pack_padded_sequence,
    pack_sequence, pad_packed_sequence, pad_sequence,
};
pub use sequential::{BoxedLayer, Sequential};
pub use shape::{
    ChannelShuffle, CosineSimilarity, Flatten, PairwiseDistance, PixelShuffle, PixelUnshuffle,
    Unflatten,
};
pub use summary::{Summary, SummaryRow, summary};
pub use transformer::{
    FeedForward, Masks, Transformer, TransformerBuilder, TransformerDecoder,
    TransformerDecoderLayer, TransformerDecoderLayerBuilder, TransformerEncoder,
    TransformerEncoderLayer, TransformerEncoderLayerBuilder, TransformerMasks,
};
pub use unpool::{
    FractionalMaxPool, FractionalMaxPool2d, FractionalMaxPool3d, MaxUnpool, MaxUnpool1d,
    MaxUnpool2d, MaxUnpool3d, MaxUnpoolBuilder,
};
pub use upsample::{ImageSize, ScaleFactor, Upsample, UpsamplingBilinear2d, UpsamplingNearest2d};
pub use visit::{Visit, VisitMut};
