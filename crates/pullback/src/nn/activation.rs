//! Activations as layers: each calls the method of the same name.

use super::init;
use super::macros::{builder, layer};
use super::repr::{Repr, float};
use crate::{Approximate, DType, Result, Tensor, module};

/// What stands in a printed layer's brackets.
fn shown(name: &str, numbers: &[(&str, f64)]) -> Repr {
    let all: Vec<String> = numbers
        .iter()
        .map(|(name, x)| format!("{name}={}", float(*x)))
        .collect();
    Repr::new(name).extra(all.join(", "))
}

/// Layers without numbers.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident: |$x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;
        module!($name {});
        layer!($name, |m, $x| { let _ = m; $body });
    )*};
}

/// Layers with numbers, each of which has a default.
macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident($($(#[$of:meta])* $number:ident: $default:expr),*): |$m:ident, $x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name { $($(#[$of])* pub $number: f64),* }

        impl $name {
            /// With these numbers.
            pub fn new($($number: f64),*) -> $name {
                $name { $($number),* }
            }
        }

        /// PyTorch's defaults.
        impl Default for $name {
            fn default() -> $name {
                $name { $($number: $default),* }
            }
        }

        module!($name {} => |m| shown(stringify!($name), &[$((stringify!($number), m.$number)),*]));
        layer!($name, |$m, $x| $body);
    )*};
}

plain! {
    /// What is positive, else 0. PyTorch's `nn.ReLU`.
    ReLU: |x| x.relu();
    /// What is positive, but at most 6. PyTorch's `nn.ReLU6`.
    ReLU6: |x| x.relu6();
    /// An exponential below 0, scaled such that means and variances stay. PyTorch's `nn.SELU`.
    SELU: |x| x.selu();
    /// The logistic function. PyTorch's `nn.Sigmoid`.
    Sigmoid: |x| x.sigmoid();
    /// The hyperbolic tangent. PyTorch's `nn.Tanh`.
    Tanh: |x| x.tanh();
    /// `x` times its logistic function. PyTorch's `nn.SiLU`.
    SiLU: |x| x.silu();
    /// `x·tanh(softplus(x))`. PyTorch's `nn.Mish`.
    Mish: |x| x.mish();
    /// A line for the logistic function. PyTorch's `nn.Hardsigmoid`.
    Hardsigmoid: |x| x.hardsigmoid();
    /// `x` times [`Hardsigmoid`]. PyTorch's `nn.Hardswish`.
    Hardswish: |x| x.hardswish();
    /// The logarithm of the logistic function. PyTorch's `nn.LogSigmoid`.
    LogSigmoid: |x| x.logsigmoid();
    /// `x/(1 + |x|)`. PyTorch's `nn.Softsign`.
    Softsign: |x| x.softsign();
    /// `x - tanh(x)`. PyTorch's `nn.Tanhshrink`.
    Tanhshrink: |x| x.tanhshrink();
}

numbered! {
    /// `x` where positive, else times a slope. PyTorch's `nn.LeakyReLU`.
    LeakyReLU(
        /// Below 0.
        negative_slope: 0.01
    ): |m, x| x.leaky_relu(m.negative_slope);
    /// `x` where positive, else `alpha·(eˣ - 1)`. PyTorch's `nn.ELU`.
    ELU(
        /// The limit below 0.
        alpha: 1.0
    ): |m, x| x.elu(m.alpha);
    /// `x` where positive, else `alpha·(e^{x/alpha} - 1)`. PyTorch's `nn.CELU`.
    CELU(
        /// The limit below 0.
        alpha: 1.0
    ): |m, x| x.celu(m.alpha);
    /// `x` between two bounds. PyTorch's `nn.Hardtanh`.
    Hardtanh(
        /// The lower bound.
        min_val: -1.0,
        /// The upper bound.
        max_val: 1.0
    ): |m, x| x.hardtanh(m.min_val, m.max_val);
    /// `ln(1 + e^{beta·x})/beta`, and `x` where that is large. PyTorch's `nn.Softplus`.
    Softplus(
        /// How sharp the bend is.
        beta: 1.0,
        /// Above which `beta·x` the result is `x`.
        threshold: 20.0
    ): |m, x| x.softplus(m.beta, m.threshold);
    /// `x` times a random slope where negative; the mean slope in evaluation. PyTorch's `nn.RReLU`.
    RReLU(
        /// The least slope.
        lower: 1.0 / 8.0,
        /// The largest slope.
        upper: 1.0 / 3.0
    ): |m, x| x.rrelu(m.lower, m.upper, super::is_training());
}

/// Layers whose one number is printed without its name.
macro_rules! shrinks {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            /// How far from 0.
            pub lambd: f64,
        }

        impl $name {
            /// With this number.
            pub fn new(lambd: f64) -> $name {
                $name { lambd }
            }
        }

        /// PyTorch's default: 0.5.
        impl Default for $name {
            fn default() -> $name {
                $name { lambd: 0.5 }
            }
        }

        module!($name {} => |m| Repr::new(stringify!($name)).extra(float(m.lambd)));
        layer!($name, |m, x| x.$method(m.lambd));
    )*};
}

shrinks! {
    /// 0 where small, else `x`. PyTorch's `nn.Hardshrink`.
    Hardshrink hardshrink;
    /// `x` moved towards 0, but not beyond. PyTorch's `nn.Softshrink`.
    Softshrink softshrink;
}

/// `x` where above a threshold, else a value. PyTorch's `nn.Threshold`.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// Above it `x` stays.
    pub threshold: f64,
    /// What stands for the others.
    pub value: f64,
}

impl Threshold {
    /// With these numbers.
    pub fn new(threshold: f64, value: f64) -> Threshold {
        Threshold { threshold, value }
    }
}

module!(Threshold {} => |m| shown("Threshold", &[("threshold", m.threshold), ("value", m.value)]));
layer!(Threshold, |m, x| x.threshold(m.threshold, m.value));

/// Layers along one dimension.
macro_rules! along {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            /// The dimension; negative ones count from the end.
            pub dim: i64,
        }

        impl $name {
            /// Along this dimension.
            pub fn new(dim: i64) -> $name {
                $name { dim }
            }
        }

        module!($name {} => |m| Repr::new(stringify!($name)).extra(format!("dim={}", m.dim)));
        layer!($name, |m, x| x.$method(m.dim));
    )*};
}

along! {
    /// Exponentials over their sum along a dimension. PyTorch's `nn.Softmax`.
    Softmax softmax;
    /// Softmax of the negative. PyTorch's `nn.Softmin`.
    Softmin softmin;
    /// The logarithm of softmax. PyTorch's `nn.LogSoftmax`.
    LogSoftmax log_softmax;
    /// One half times the logistic function of the other; PyTorch's default is the last dimension. PyTorch's `nn.GLU`.
    GLU glu;
}

/// The last dimension.
impl Default for GLU {
    fn default() -> GLU {
        GLU { dim: -1 }
    }
}

/// Softmax over the channels of each place of an image. PyTorch's `nn.Softmax2d`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Softmax2d;

module!(Softmax2d {});
layer!(Softmax2d, |m, x| {
    let _ = m;
    match x.ndim() {
        3 | 4 => x.softmax(-3),
        n => Err(crate::core::fail::error!(
            Value,
            "Softmax2d: expected input to be 3D or 4D, got {n}D instead"
        )),
    }
});

/// `x` times the probability that a normal number is below it. PyTorch's `nn.GELU`.
#[derive(Clone, Copy, Debug)]
pub struct GELU {
    /// By a tangent, or not at all.
    pub approximate: Approximate,
}

impl GELU {
    /// With this approximation.
    pub fn new(approximate: Approximate) -> GELU {
        GELU { approximate }
    }
}

/// Not approximated.
impl Default for GELU {
    fn default() -> GELU {
        GELU::new(Approximate::None)
    }
}

module!(GELU {} => |m| Repr::new("GELU").extra(match m.approximate {
    Approximate::None => "approximate='none'",
    Approximate::Tanh => "approximate='tanh'",
}));
layer!(GELU, |m, x| x.gelu(m.approximate));

/// `x` where positive, else times a slope that is trained, one for all or one for each channel. PyTorch's `nn.PReLU`.
#[derive(Clone, Debug)]
pub struct PReLU {
    /// The slopes.
    pub weight: Tensor,
}

module!(PReLU { weight } => |m| Repr::new("PReLU").extra(format!("num_parameters={}", m.weight.numel())));
layer!(PReLU, |m, x| x.prelu(&m.weight));

builder! {
    /// How a [`PReLU`] is made.
    PReLUBuilder for PReLU;
    ();
    {
        /// 1, or the number of channels.
        num_parameters: usize = 1,
        /// The slope at first.
        init: f64 = 0.25,
        /// Of the slopes; float32 without it.
        dtype: DType = DType::F32,
    } into {}
}

impl PReLUBuilder {
    /// Makes the layer.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<PReLU> {
        let weight = init::parameter(&[self.num_parameters], self.dtype)?;
        init::constant_(&weight, self.init)?;
        Ok(PReLU { weight })
    }
}
