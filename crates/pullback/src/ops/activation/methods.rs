//! The methods that apply activations: PyTorch's names and arguments, and their in-place forms. Formulas are in
//! `activation` and `rectifier`.

use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::history::in_place_dyn;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::{
    Elu, Gelu, GeluTanh, Hardshrink, Hardsigmoid, Hardswish, Hardtanh, LeakyRelu, LogSigmoid, Mish,
    Relu, Silu, Softplus, Softshrink,
};
use crate::{DType, Error, Result};
use pullback_random::digits::Streamed;
use std::panic::Location;
use std::str::FromStr;

/// Which of its two forms [`Tensor::gelu`] has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximate {
    /// The normal distribution function itself.
    #[default]
    None,
    /// Its approximation by a hyperbolic tangent.
    Tanh,
}

impl FromStr for Approximate {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(Approximate::None),
            "tanh" => Ok(Approximate::Tanh),
            _ => Err(error!(
                Argument,
                "approximate argument must be either none or tanh."
            )),
        }
    }
}

/// PyTorch's constants of selu.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

impl Approximate {
    fn op(self) -> &'static dyn Op {
        match self {
            Approximate::None => &Gelu,
            Approximate::Tanh => &GeluTanh,
        }
    }
}

fn celu(alpha: f64) -> Result<Elu> {
    ensure!(
        alpha != 0.0,
        Argument,
        "ZeroDivisionError: alpha cannot be 0 for CELU"
    );
    Ok(Elu {
        alpha,
        scale: 1.0,
        input_scale: 1.0 / alpha,
    })
}

fn softshrink(x: &Tensor, lambd: f64) -> Result<Softshrink> {
    let (name, largest) = match x.dtype() {
        DType::F32 => ("Float", "3.40282e+38"),
        _ => ("Double", "1.79769e+308"),
    };
    if x.dtype().is_float() && !(0.0..f64::INFINITY).contains(&lambd) {
        bail!(
            Shape,
            "lambda must be in range [0, {largest}] for input dtype {name}, but found {}",
            Streamed(lambd)
        );
    }
    Ok(Softshrink { lambd })
}

/// Methods, with and without `_`, of functions of one tensor.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident, $in_place:ident ($($arg:ident: $ty:ty),*) => $op:expr;)*) => {
        #[pullback_macros::called]
        impl Tensor {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self $(, $arg: $ty)*) -> Result<Tensor> {
                let site = Location::caller();
                let op = $op;
                apply_dyn(&op, &[self], site)
            }

            #[doc = concat!("[`Tensor::", stringify!($name), "`] in place.")]
            ///
            /// # Errors
            /// As there; for a leaf that requires a gradient outside `no_grad`.
            #[track_caller]
            pub fn $in_place(&self $(, $arg: $ty)*) -> Result<()> {
                let site = Location::caller();
                let op = $op;
                in_place_dyn(&op, self, &[], site, &mut |_| Ok(false))
            }
        )*}
    };
}

methods! {
    /// `x` where positive, else `negative_slope·x`; PyTorch's default slope is 0.01.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[-4.0f32, 3.0], [2])?;
    /// assert_eq!(x.leaky_relu(0.25)?.to_vec::<f32>()?, [-1.0, 3.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    leaky_relu, leaky_relu_(negative_slope: f64) => LeakyRelu { negative_slope };

    /// `x` where positive, else `alpha·(eˣ - 1)`; PyTorch's default alpha is 1.
    elu, elu_(alpha: f64) => Elu { alpha, scale: 1.0, input_scale: 1.0 };

    /// [`Tensor::elu`] with the two constants that keep the variance of normal inputs.
    selu, selu_() => Elu { alpha: SELU_ALPHA, scale: SELU_SCALE, input_scale: 1.0 };

    /// `x` where positive, else `alpha·(e^{x/alpha} - 1)`; PyTorch's default alpha is 1.
    ///
    /// # Errors
    /// For an alpha of 0.
    celu, celu_(alpha: f64) => celu(alpha)?;

    /// `min(max(x, 0), 6)`.
    relu6, relu6_() => Hardtanh { min_val: 0.0, max_val: 6.0 };

    /// `min(max(x + 3, 0), 6)/6`.
    hardsigmoid, hardsigmoid_() => Hardsigmoid {};

    /// `x·min(max(x + 3, 0), 6)/6`.
    hardswish, hardswish_() => Hardswish {};

    /// 0 where `|x| ≤ lambd`, else `x`; PyTorch's default is 0.5.
    hardshrink, hardshrink_(lambd: f64) => Hardshrink { lambd };

    /// `ln(1 + e^{beta·x})/beta`, and `x` where `beta·x` is above `threshold`; PyTorch's defaults are 1 and 20.
    softplus, softplus_(beta: f64, threshold: f64) => Softplus { beta, threshold };

    /// `x/(1 + e⁻ˣ)`, also called swish.
    silu, silu_() => Silu;

    /// `x·tanh(ln(1 + eˣ))`.
    mish, mish_() => Mish;

    /// Logarithm of the logistic function, without overflow on the way.
    logsigmoid, logsigmoid_() => LogSigmoid;
}

#[pullback_macros::called]
impl Tensor {
    /// `x·Φ(x)`, with the normal distribution function or its approximation by a hyperbolic tangent.
    ///
    /// ```
    /// # use pullback::{Approximate, Tensor};
    /// let x = Tensor::from_slice(&[1.0f64], [1])?;
    /// assert!((x.gelu(Approximate::None)?.item_f64()? - 0.8413447460685429).abs() < 1e-15);
    /// assert!((x.gelu(Approximate::Tanh)?.item_f64()? - 0.8411919906082768).abs() < 1e-15);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn gelu(&self, approximate: Approximate) -> Result<Tensor> {
        apply_dyn(approximate.op(), &[self], Location::caller())
    }

    /// [`Tensor::gelu`] in place.
    ///
    /// # Errors
    /// For a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn gelu_(&self, approximate: Approximate) -> Result<()> {
        let site = Location::caller();
        in_place_dyn(approximate.op(), self, &[], site, &mut |_| Ok(false))
    }

    /// `max(x, 0)` in place.
    ///
    /// # Errors
    /// For a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn relu_(&self) -> Result<()> {
        in_place_dyn(&Relu, self, &[], Location::caller(), &mut |_| Ok(false))
    }

    /// `x` moved towards 0 by `lambd`, but not beyond; PyTorch's default is 0.5.
    ///
    /// # Errors
    /// For a negative `lambd`.
    #[track_caller]
    pub fn softshrink(&self, lambd: f64) -> Result<Tensor> {
        let site = Location::caller();
        let op = softshrink(self, lambd)?;
        apply_dyn(&op, &[self], site)
    }

    /// `x/(1 + |x|)`.
    #[track_caller]
    pub fn softsign(&self) -> Result<Tensor> {
        self.div(&self.abs()?.add(1i64)?)
    }

    /// `x - tanh x`.
    #[track_caller]
    pub fn tanhshrink(&self) -> Result<Tensor> {
        self.sub(&self.tanh()?)
    }

    /// The first half along `dim`, times the logistic function of the second; PyTorch's default is the last dimension.
    ///
    /// # Errors
    /// Without dimensions; for a dimension out of range or of an odd size.
    #[track_caller]
    pub fn glu(&self, dim: i64) -> Result<Tensor> {
        ensure!(
            self.ndim() != 0,
            Argument,
            "glu does not support scalars because halving size must be even"
        );
        let at = self.shape().dim(dim)?;
        let n = self.shape()[at];
        ensure!(
            n.is_multiple_of(2),
            Shape,
            "Halving dimension must be even, but dimension {at} is size {n}"
        );
        if !self.dtype().is_float() {
            return Err(crate::ops::common::gate::no_form("glu_cpu", &self.array()));
        }
        let half = n / 2;
        let (a, b) = (self.narrow(dim, 0, half)?, self.narrow(dim, half, half)?);
        a.mul(&b.sigmoid()?)
    }

    /// Exponentials of the negative along `dim`, scaled to sum to one.
    #[track_caller]
    pub fn softmin(&self, dim: i64) -> Result<Tensor> {
        self.neg()?.softmax(dim)
    }

    /// `x` where positive, else `weight·x`: one weight, or one for each size of dimension 1.
    ///
    /// # Errors
    /// PyTorch's sentences for weights of another size.
    #[track_caller]
    pub fn prelu(&self, weight: &Tensor) -> Result<Tensor> {
        crate::ops::activation::prelu::prelu(self, weight, Location::caller())
    }
}
