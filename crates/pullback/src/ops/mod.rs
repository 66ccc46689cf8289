//! The operations, one file per family of formulas, and [`OPS`], the list that everything else walks.
//!
//! To add an operation: write its struct and definition in one of these files and name it in the list. ARCHITECTURE.md
//! shows it step by step.

mod activation;
mod activations;
mod addmm;
mod amax;
mod anchor;
mod arith;
mod attention;
mod axes;
mod bce;
mod bend;
mod binary;
mod blend;
mod bounded;
mod choose;
mod clamp;
mod clamp_tensor;
mod classes;
mod constant;
mod create;
mod cross;
mod cut;
mod decimals;
mod diag;
mod distance;
mod einsum;
mod embedding;
mod exponential;
mod extreme_norm;
mod extremes;
mod fill;
mod flip;
mod gate;
mod gather;
mod general;
mod histogram;
mod index;
mod index_write;
mod indexing;
mod indices;
mod integer;
mod join;
mod linear;
mod logic;
mod margin;
mod matmul;
mod matrix_norm;
mod moments;
mod noise;
mod norm;
mod normal;
mod once;
mod operand;
mod operators;
mod order;
mod pad;
mod partial_order;
mod piecewise;
mod pointwise;
mod polynomial;
mod positions;
mod power;
mod prelu;
mod product;
mod put;
mod quantile;
mod rectifier;
mod reduce;
mod reduction;
mod regression;
mod repeat;
mod rounding;
mod rows;
mod scale;
mod scan;
mod scatter;
mod scatter_reduce;
mod search;
mod series;
mod shape;
mod similarity;
mod sizes;
mod slice;
mod sort;
mod special;
mod split;
mod trig;
mod truth;
mod unfold;
mod unique;
mod view;
mod zero;

use crate::core::define::{common, define};
use crate::core::op::OpDef;
pub use crate::core::structural::{Alias, Clone, Copy, Detach, Overlay, To, Uncover, detach};

pub use activation::{Gelu, GeluTanh, LogSigmoid, Mish, Ndtr, NormalDensity, Silu};
pub use activations::Approximate;
pub use amax::{Amax, Amin, Max, Median, Min, NanMedian};
pub use anchor::Anchor;
pub use arith::{Add, AddScaled, Div, Mul, Neg, Sub};
pub use attention::{Attention, CausalSoftmax};
pub use bce::{Bce, BceWithLogits};
pub use bend::{Huber, SmoothL1};
pub use binary::{
    Atan2, Copysign, Heaviside, Hypot, Logaddexp, Logaddexp2, Nextafter, Xlog1py, Xlogy,
};
pub use blend::{Addcdiv, Addcmul, Lerp, LerpScalar};
pub use choose::NanToNum;
pub use clamp::Clamp;
pub use clamp_tensor::ClampTensor;
pub use classes::{ClassPositions, CrossEntropy};
pub use create::{arange, eye, linspace, logspace, one_hot, rand, randint, randn, randperm};
pub use cross::Cross;
pub use cut::{Compare, Eq, Ge, Gt, Le, Lt, Ne};
pub use decimals::RoundDecimals;
pub use diag::{DiagEmbed, Diagonal, Place, Tril, Triu, tril_indices, triu_indices};
pub use einsum::einsum;
pub use embedding::{Embedding, EmbeddingBackward, EmbeddingOptions};
pub use extreme_norm::ExtremeNorm;
pub use extremes::{Abs, Fmax, Fmin, Maximum, Minimum};
pub use flip::Flip;
pub use gate::{Relu, ThresholdBackward};
pub use general::{LogSoftmax, Softmax};
pub use histogram::{ArgMode, BinCounts, BinEdges, Exponent};
pub use index::{Put, Take, Where};
pub use indices::{Index, IntoIndices};
pub use integer::{
    BitwiseAnd, BitwiseLeftShift, BitwiseNot, BitwiseOr, BitwiseRightShift, BitwiseXor, Gcd, Lcm,
};
pub use join::{
    broadcast_tensors, cartesian_prod, column_stack, dstack, hstack, meshgrid, stack, vstack,
};
pub use linear::Linear;
pub use logic::{
    Closeness, Isfinite, Isinf, Isnan, Isneginf, Isposinf, Isreal, LogicalAnd, LogicalNot,
    LogicalOr, LogicalXor, Signbit,
};
pub use matmul::{Matmul, Outer};
pub use matrix_norm::NormOrder;
pub use moments::{Over, Std, Var};
pub use norm::{LogSumExp, VectorNorm};
pub use normal::{LayerNorm, RmsNorm};
pub(crate) use operand::result_type_number;
pub use operand::{Operand, result_type};
pub use order::{ArgMedian, ArgNanMedian, Argmax, Argmin, CumExtreme};
pub use pad::{Pad, PadMode};
pub use pointwise::{Exp, Exp2, Expm1, Log, Log1p, Log2, Log10, Reciprocal, Rsqrt, Sigmoid, Sqrt};
pub use polynomial::{Curve, Curved, Orthogonal, Polynomial, Zeta};
pub use positions::{Along, Nonzero, Positions};
pub use power::{Pow, PowScalar};
pub use prelu::Prelu;
pub use product::{bilinear, multi_dot};
pub use rectifier::{
    Elu, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyRelu, Softplus, Softshrink, Threshold,
};
pub use reduce::{Mean, Prod, Sum};
pub use reduction::Reduction;
pub use repeat::{RepeatIndex, repeat_interleave};
pub use rounding::{DivRounded, Fmod, Remainder, Rounding};
pub use rows::{IndexAddUp, IndexPut, IndexTake};
pub use scale::Scale;
pub use scan::{CumProd, CumSum, LogCumSumExp, Recurrence};
pub use scatter_reduce::{Reduce, ScatterReduce};
pub use search::{Bincount, Searchsorted};
pub use series::{
    BesselJ0, BesselJ1, BesselK0, BesselK1, BesselY0, BesselY1, Erfcx, ErfcxDerivative, LogNdtr,
    Ndtri,
};
pub use shape::{Expand, Permute, Reshape};
pub use similarity::TripletMargin;
pub use sizes::Sizes;
pub use slice::{Cat, Embed, Select, Slice, cat};
pub use sort::{Argsort, Kth, Topk};
pub use special::{Digamma, Entr, Erf, Erfc, Erfinv, I0, I0e, I1, I1e, Lgamma, Logit, Polygamma};
pub use trig::{
    Acos, Acosh, Asin, Asinh, Atan, Atanh, Cos, Cosh, Sin, Sinc, SincDerivative, Sinh, Tan, Tanh,
};
pub use truth::{All, Any, CountNonzero, NanSum};
pub use unfold::{Fold, Unfold};
pub use unique::{Distinct, Unique};
pub use zero::{Ceil, Floor, Round, Sign, Trunc};

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
    Embedding::DEF,
    EmbeddingBackward::DEF,
    Huber::DEF,
    Bce::DEF,
    BceWithLogits::DEF,
    ClassPositions::DEF,
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
    Outer::DEF,
    Cross::DEF,
    Diagonal::DEF,
    DiagEmbed::DEF,
    Tril::DEF,
    Triu::DEF,
    // smooth, with both rules written
    Softmax::DEF,
    LogSoftmax::DEF,
    // shape and index
    Alias::DEF,
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
    Curved::DEF,
    BinEdges::DEF,
    BinCounts::DEF,
    ArgMode::DEF,
    Exponent::DEF,
    Detach::DEF,
];

/// The definition of an operation by PyTorch's name.
pub fn find(name: &str) -> Option<&'static OpDef> {
    OPS.iter().copied().find(|d| d.name == name)
}
