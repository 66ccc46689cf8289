//! The operations, one file per family of formulas, and [`OPS`], the list that everything else walks.
//!
//! To add an operation: write its struct and definition in one of these files and name it in the list. ARCHITECTURE.md
//! shows it step by step.

mod activation;
mod common;
mod conv;
mod create;
#[cfg(feature = "functions")]
pub(crate) mod functions;
mod image;
mod index;
mod linalg;
mod loss;
mod math;
mod norm;
mod random;
mod reduce;
pub(crate) mod sequence;
mod shape;

use crate::core::define::{common, define};
use crate::core::op::OpDef;
pub use crate::core::structural::{
    Alias, Apart, Clone, Copy, Detach, Overlay, To, Uncover, detach,
};

pub use activation::attention::{Attention, CausalSoftmax};
pub use activation::blocks::BlockAttention;
pub use activation::methods::Approximate;
pub use activation::prelu::Prelu;
pub use activation::rectifier::{
    Elu, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyRelu, Softplus, Softshrink, Threshold,
};
pub use activation::smooth::{Gelu, GeluTanh, LogSigmoid, Mish, Ndtr, NormalDensity, Silu};
pub use activation::softmax::{LogSoftmax, Softmax};
pub use common::anchor::{Anchor, Entry};
pub use common::gate::{Relu, ThresholdBackward};
pub(crate) use common::operand::result_type_number;
pub use common::operand::{Operand, common_type, result_type};
pub use common::scale::Scale;
pub use common::sizes::{Count, Sizes};
pub use conv::columns::{Blocked, Blocks, Columns};
pub use conv::convolution::{Convolution, ConvolutionInput, ConvolutionWeight};
pub use conv::fractional::FractionalPoolAt;
pub use conv::geometry::Steps;
pub use conv::pool::{AvgPool, MaxPoolAt, Span, Windows};
pub use conv::pooling::Pool;
pub use conv::unpool::Unpool;
pub use create::constants::{eye, one_hot};
pub use create::ranges::{arange, linspace, logspace};
pub use image::interpolate::Interpolate;
pub use image::locate::{Between, Outside, Sampling};
pub use image::resize::Resize;
pub use image::sample::{GridSample, GridSlopes, GridSpread};
pub use image::taps::{Axis, Filter};
pub use index::bracket_items::{Index, IntoIndices};
pub use index::embedding::{Embedding, EmbeddingBackward, EmbeddingOptions};
pub use index::embedding_bag::{BagMode, EmbeddingBag};
pub use index::positions::{Along, Nonzero, Positions};
pub use index::rows::{IndexAddUp, IndexPut, IndexTake};
pub use index::scatter_reduce::{Reduce, ScatterReduce};
pub use index::search::{Bincount, Searchsorted};
pub use index::sort::{Argsort, Kth, Topk};
pub use index::take_put::{Put, Take, Where};
pub use index::unique::{Distinct, Unique};
pub use linalg::cholesky::Cholesky;
pub use linalg::cross::Cross;
pub use linalg::determinant::{Det, Slogdet};
pub use linalg::diagonal::{DiagEmbed, Diagonal, Place, Tril, Triu, tril_indices, triu_indices};
pub use linalg::eigh::Eigh;
pub use linalg::einsum::einsum;
pub use linalg::inverse::{Inverse, Solve, SolveTriangular};
pub use linalg::ldl::{LdlFactor, LdlSolve};
pub use linalg::linear::Linear;
pub use linalg::lu::LuFactor;
pub use linalg::matmul::{Matmul, Outer};
pub use linalg::matrix_exp::MatrixExp;
pub use linalg::product::{bilinear, multi_dot};
pub use linalg::pseudo::{LeastSquares, Pinv};
pub use linalg::qr::{Qr, QrMode};
pub use linalg::reflections::Geqrf;
pub use linalg::roots::{MatrixSqrt, Polar};
pub use linalg::svd::Svd;
pub use loss::bce::{Bce, BceWithLogits};
pub use loss::cross_entropy::{ClassPositions, CrossEntropy};
pub use loss::ctc::CtcLoss;
pub use loss::ctc_call::Ctc;
pub use loss::reduction::Reduction;
pub use loss::smooth_l1::{Huber, SmoothL1};
pub use math::addc::{Addcdiv, Addcmul};
pub use math::angle::{AngleSlope, Atan2};
pub use math::arith::{Add, AddScaled, Div, Mul, Neg, Sub};
pub use math::binary::{
    Copysign, Heaviside, Hypot, Logaddexp, Logaddexp2, Nextafter, Xlog1py, Xlogy,
};
pub use math::clamp::Clamp;
pub use math::clamp_tensor::ClampTensor;
pub use math::compare::{Compare, Eq, Ge, Gt, Le, Lt, Ne};
pub use math::elementary::{
    Exp, Exp2, Expm1, Log, Log1p, Log2, Log10, Reciprocal, Rsqrt, Sigmoid, Sqrt,
};
pub use math::floor_sign::{Ceil, Floor, Round, Sign, Trunc};
pub use math::incomplete::{Igamma, Igammac};
pub use math::integer::{
    BitwiseAnd, BitwiseLeftShift, BitwiseNot, BitwiseOr, BitwiseRightShift, BitwiseXor, Gcd, Lcm,
};
pub use math::lerp::{Lerp, LerpScalar};
pub use math::limit::Limit;
pub use math::logic::{
    Closeness, Isfinite, Isinf, Isnan, Isneginf, Isposinf, Isreal, LogicalAnd, LogicalNot,
    LogicalOr, LogicalXor, Signbit,
};
pub use math::min_max::{Abs, Fmax, Fmin, Maximum, Minimum};
pub use math::nan_to_num::NanToNum;
pub use math::polynomial::{Curve, Curved, Orthogonal, Polynomial, Zeta};
pub use math::power::{Pow, PowScalar};
pub use math::remainder::{DivRounded, Fmod, Remainder, Rounding};
pub use math::round_decimals::RoundDecimals;
pub use math::series::{
    BesselJ0, BesselJ1, BesselK0, BesselK1, BesselY0, BesselY1, Erfcx, ErfcxDerivative, LogNdtr,
    Ndtri,
};
pub use math::special::{
    Digamma, Entr, Erf, Erfc, Erfinv, I0, I0e, I1, I1e, Lgamma, Logit, Polygamma,
};
pub use math::trig::{
    Acos, Acosh, Asin, Asinh, Atan, Atanh, Cos, Cosh, Sin, Sinc, SincDerivative, Sinh, Tan, Tanh,
};
pub use norm::batch_norm::{BatchNorm, Running};
pub use norm::extreme_norm::ExtremeNorm;
pub use norm::layer_norm::{LayerNorm, RmsNorm};
pub use norm::matrix_norm::NormOrder;
pub use norm::similarity::TripletMargin;
pub use norm::vector_norm::{LogSumExp, VectorNorm};
pub use random::tensors::{rand, randint, randn, randperm};
pub use reduce::any_all::{All, Any, CountNonzero, NanSum};
pub use reduce::arg_extreme::{ArgMedian, ArgNanMedian, Argmax, Argmin, CumExtreme};
pub use reduce::extreme::{Amax, Amin, Max, Median, Min, NanMedian};
pub use reduce::hash::Hash;
pub use reduce::histogram::{ArgMode, BinCounts, BinEdges, Exponent};
pub use reduce::moments::{Over, Std, Var};
pub use reduce::scan::{CumProd, CumSum, LogCumSumExp, Recurrence};
pub use reduce::sum::{Mean, Prod, Sum};
pub use sequence::layer::RecurrentLayer;
pub use shape::cat::{Cat, cat};
pub use shape::flip::Flip;
pub use shape::join::{
    broadcast_tensors, cartesian_prod, column_stack, dstack, hstack, meshgrid, stack, vstack,
};
pub use shape::pad::{Pad, PadMode};
pub use shape::rearrange::{Expand, Permute, Reshape};
pub use shape::repeat::{RepeatIndex, repeat_interleave};
pub use shape::slice::{Embed, Select, Slice};
pub use shape::strided::{AsStrided, ViewDtype};
pub use shape::unfold::{Fold, Unfold};

/// Every operation there is. Tests, documentation, the program and the bindings walk this list.
pub static OPS: &[&OpDef] = &[
    // arithmetic
    Add::DEF,
    AddScaled::DEF,
    Sub::DEF,
    Neg::DEF,
    Mul::DEF,
    Div::DEF,
    PowScalar::DEF,
    Pow::DEF,
    Scale::DEF,
    // pointwise
    Exp::DEF,
    Exp2::DEF,
    Expm1::DEF,
    Log::DEF,
    Log2::DEF,
    Log10::DEF,
    Log1p::DEF,
    Sqrt::DEF,
    Rsqrt::DEF,
    Reciprocal::DEF,
    Sigmoid::DEF,
    Sin::DEF,
    Cos::DEF,
    Tan::DEF,
    Asin::DEF,
    Acos::DEF,
    Atan::DEF,
    Sinh::DEF,
    Cosh::DEF,
    Tanh::DEF,
    Asinh::DEF,
    Acosh::DEF,
    Atanh::DEF,
    Sinc::DEF,
    SincDerivative::DEF,
    Erf::DEF,
    Erfc::DEF,
    Erfinv::DEF,
    Lgamma::DEF,
    Digamma::DEF,
    Polygamma::DEF,
    I0::DEF,
    I1::DEF,
    I0e::DEF,
    I1e::DEF,
    Entr::DEF,
    BesselJ0::DEF,
    BesselJ1::DEF,
    BesselY0::DEF,
    BesselY1::DEF,
    BesselK0::DEF,
    BesselK1::DEF,
    Erfcx::DEF,
    ErfcxDerivative::DEF,
    LogNdtr::DEF,
    Ndtri::DEF,
    Logit::DEF,
    // of two and three
    Atan2::DEF,
    AngleSlope::DEF,
    Hypot::DEF,
    Logaddexp::DEF,
    Logaddexp2::DEF,
    Xlogy::DEF,
    Xlog1py::DEF,
    Nextafter::DEF,
    NanToNum::DEF,
    Lerp::DEF,
    LerpScalar::DEF,
    Addcmul::DEF,
    Addcdiv::DEF,
    // gates
    Relu::DEF,
    ThresholdBackward::DEF,
    Abs::DEF,
    Maximum::DEF,
    Minimum::DEF,
    Fmax::DEF,
    Fmin::DEF,
    Clamp::DEF,
    ClampTensor::DEF,
    Copysign::DEF,
    Remainder::DEF,
    Fmod::DEF,
    Amax::DEF,
    // activations
    Anchor::DEF,
    Entry::DEF,
    LeakyRelu::DEF,
    Prelu::DEF,
    Elu::DEF,
    Hardtanh::DEF,
    Hardsigmoid::DEF,
    Hardswish::DEF,
    Hardshrink::DEF,
    Softshrink::DEF,
    Threshold::DEF,
    Softplus::DEF,
    Silu::DEF,
    Mish::DEF,
    LogSigmoid::DEF,
    Gelu::DEF,
    GeluTanh::DEF,
    Ndtr::DEF,
    NormalDensity::DEF,
    Amin::DEF,
    Max::DEF,
    Min::DEF,
    Median::DEF,
    NanMedian::DEF,
    // losses
    SmoothL1::DEF,
    LayerNorm::DEF,
    RmsNorm::DEF,
    CausalSoftmax::DEF,
    BlockAttention::DEF,
    Embedding::DEF,
    EmbeddingBackward::DEF,
    Huber::DEF,
    Bce::DEF,
    BceWithLogits::DEF,
    ClassPositions::DEF,
    CtcLoss::DEF,
    // reductions and products
    Sum::DEF,
    Mean::DEF,
    Prod::DEF,
    NanSum::DEF,
    Var::DEF,
    Std::DEF,
    VectorNorm::DEF,
    ExtremeNorm::DEF,
    LogSumExp::DEF,
    CumSum::DEF,
    CumProd::DEF,
    LogCumSumExp::DEF,
    Recurrence::DEF,
    Matmul::DEF,
    Linear::DEF,
    // convolutions and pooling
    Convolution::DEF,
    ConvolutionInput::DEF,
    ConvolutionWeight::DEF,
    MaxPoolAt::DEF,
    AvgPool::DEF,
    FractionalPoolAt::DEF,
    Columns::DEF,
    RecurrentLayer::DEF,
    Resize::DEF,
    GridSample::DEF,
    GridSpread::DEF,
    GridSlopes::DEF,
    Outer::DEF,
    Cholesky::DEF,
    Cross::DEF,
    Det::DEF,
    Eigh::DEF,
    Geqrf::DEF,
    Inverse::DEF,
    LdlFactor::DEF,
    LdlSolve::DEF,
    LuFactor::DEF,
    MatrixExp::DEF,
    MatrixSqrt::DEF,
    Pinv::DEF,
    Polar::DEF,
    Qr::DEF,
    Slogdet::DEF,
    Solve::DEF,
    SolveTriangular::DEF,
    Svd::DEF,
    Diagonal::DEF,
    DiagEmbed::DEF,
    Tril::DEF,
    Triu::DEF,
    // smooth, with both rules written
    Softmax::DEF,
    LogSoftmax::DEF,
    // shape and index
    Alias::DEF,
    Apart::DEF,
    Reshape::DEF,
    Permute::DEF,
    Expand::DEF,
    Select::DEF,
    Slice::DEF,
    Embed::DEF,
    Cat::DEF,
    Take::DEF,
    Put::DEF,
    IndexTake::DEF,
    IndexAddUp::DEF,
    IndexPut::DEF,
    ScatterReduce::DEF,
    Flip::DEF,
    Unfold::DEF,
    Fold::DEF,
    Pad::DEF,
    Where::DEF,
    Overlay::DEF,
    Uncover::DEF,
    AsStrided::DEF,
    Clone::DEF,
    Copy::DEF,
    To::DEF,
    // locally constant
    Floor::DEF,
    Ceil::DEF,
    Trunc::DEF,
    Round::DEF,
    RoundDecimals::DEF,
    DivRounded::DEF,
    Sign::DEF,
    // without gradient
    Gt::DEF,
    Ge::DEF,
    Lt::DEF,
    Le::DEF,
    Eq::DEF,
    Ne::DEF,
    Heaviside::DEF,
    Isnan::DEF,
    Isinf::DEF,
    Isfinite::DEF,
    Isposinf::DEF,
    Isneginf::DEF,
    Isreal::DEF,
    Signbit::DEF,
    LogicalNot::DEF,
    LogicalAnd::DEF,
    LogicalOr::DEF,
    LogicalXor::DEF,
    BitwiseAnd::DEF,
    BitwiseOr::DEF,
    BitwiseXor::DEF,
    BitwiseNot::DEF,
    BitwiseLeftShift::DEF,
    BitwiseRightShift::DEF,
    Gcd::DEF,
    Lcm::DEF,
    Argmax::DEF,
    Argmin::DEF,
    ArgMedian::DEF,
    ArgNanMedian::DEF,
    CumExtreme::DEF,
    All::DEF,
    Any::DEF,
    CountNonzero::DEF,
    Hash::DEF,
    Argsort::DEF,
    Topk::DEF,
    Kth::DEF,
    Positions::DEF,
    Along::DEF,
    Nonzero::DEF,
    RepeatIndex::DEF,
    Unique::DEF,
    Searchsorted::DEF,
    Bincount::DEF,
    Polynomial::DEF,
    Zeta::DEF,
    Igamma::DEF,
    Igammac::DEF,
    Curved::DEF,
    BinEdges::DEF,
    BinCounts::DEF,
    ArgMode::DEF,
    Exponent::DEF,
    Detach::DEF,
    ViewDtype::DEF,
];

/// The definition of an operation by PyTorch's name.
pub fn find(name: &str) -> Option<&'static OpDef> {
    OPS.iter().copied().find(|d| d.name == name)
}
