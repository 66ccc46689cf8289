//! Relu's relatives: functions of one number with kinks, each as in PyTorch on both sides of them and at them.

use crate::core::fail::error;
use crate::core::op::{Ctx, Reads};
use crate::core::tensor::Tensor;
use crate::ops::common::constant::{number_like, times};
use crate::ops::common::formula::Pulled;
use crate::ops::common::gate::no_form;
use crate::ops::common::piecewise::{Slope, above, below, pieces};
use crate::{Array, DType, Element, Error, Result};
use pullback_array::{Formula, Scalar, dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary};

/// PyTorch's error for a dtype that the kernel `name` does not have.
fn no(name: &'static str) -> impl Fn(&Array) -> Error {
    move |x| no_form(name, x)
}

fn no_hardtanh(x: &Array) -> Error {
    error!(
        Unsupported,
        "{}",
        match x.dtype() {
            DType::Bool => "Bool inputs not supported for hardtanh".to_string(),
            other => format!(
                "\"hardtanh\" not implemented for '{}'",
                other.scalar_type_name()
            ),
        }
    )
}

/// A constant of `x`'s shape, as a piece.
fn constant(x: &Tensor, value: f64) -> Result<Tensor> {
    number_like(x, value)?.expand(x.shape())
}

pieces! {
    /// `x` where positive, else a multiple of it.
    LeakyRelu {
        /// The factor of negative numbers.
        negative_slope: f64
    } "leaky_relu", "torch.nn.functional.leaky_relu", no("leaky_relu_cpu");
    "Relu that lets a little of negative numbers through.";
    "x where x > 0, else a·x", "g where x > 0, else a·g";
    "the derivative at 0 is a, as in PyTorch";
    value |s, x: T| T::choose(x.above(T::ZERO), || x, || x * T::lit(s.negative_slope));
    fused |s, g, x: T| T::choose(x.above(T::ZERO), || g, || g * T::lit(s.negative_slope));
    kinks |_s| [below(0.0)];
    piece |s, k, x| if k == 0 { times(x, s.negative_slope) } else { Ok(x.clone()) };
    slope |s, k, _x| Ok(Slope::Number(if k == 0 { s.negative_slope } else { 1.0 }));
    samples || [0.01, -0.5].map(|negative_slope| unary(LeakyRelu { negative_slope }, signed())).concat(),
    points || points1(LeakyRelu { negative_slope: 0.25 }, &[(0.0, 0.25), (-0.0, 0.25), (1e-30, 1.0), (-1.0, 0.25), (f64::NAN, 0.25)]);

    /// `x` where positive, else an exponential that levels off; all scaled.
    Elu {
        /// How far below 0 it goes.
        alpha: f64,
        /// The factor of everything.
        scale: f64,
        /// The factor of x in the exponential.
        input_scale: f64
    } "elu", "torch.nn.functional.elu", no("elu_cpu");
    "Exponential linear unit: elu, and selu and celu by their constants.";
    "s·x where x > 0, else s·α·(e^{cx} - 1)", "g·s where x > 0, else g·s·α·c·e^{cx}";
    "at 0 the derivative is that of the exponential, s·α·c, at NaN that of the line, as in PyTorch's loops for few numbers";
    value |s, x: T| {
        let (negative, positive, c) = (T::lit(s.alpha * s.scale), T::lit(s.scale), T::lit(s.input_scale));
        // At 0 the line, whatever the constants are: there 0 times an infinite one is no number.
        T::choose(x.below(T::ZERO), || (x * c).exp_m1() * negative, || x * positive)
    };
    fused |s, g, x: T| {
        let (negative, positive, c) = (T::lit(s.alpha * s.scale), T::lit(s.scale), T::lit(s.input_scale));
        T::choose(x.at_most(T::ZERO), || g * c * negative * (x * c).exp(), || g * positive)
    };
    kinks |_s| [below(0.0).nan_above()];
    piece |s, k, x| if k == 0 { times(&times(x, s.input_scale)?.exp()?.sub(1.0)?, s.alpha * s.scale) } else { times(x, s.scale) };
    slope |s, k, x| Ok(if k == 0 {
        Slope::Of(times(&times(&times(&x()?, s.input_scale)?.exp()?, s.alpha * s.scale)?, s.input_scale)?)
    } else {
        Slope::Number(s.scale)
    });
    samples || [(1.0, 1.0, 1.0), (1.673, 1.0507, 1.0), (1.5, 1.0, 1.0 / 1.5)].map(|(alpha, scale, input_scale)| {
        unary(Elu { alpha, scale, input_scale }, signed())
    }).concat(),
    points || points1(Elu { alpha: 2.0, scale: 1.0, input_scale: 1.0 }, &[(0.0, 2.0), (-0.0, 2.0), (1.0, 1.0), (f64::NEG_INFINITY, 0.0), (f64::NAN, 1.0)]);

    /// `x` between two bounds, else the bound.
    Hardtanh {
        /// The lower bound.
        min_val: f64,
        /// The upper bound.
        max_val: f64
    } "hardtanh", "torch.nn.functional.hardtanh", no_hardtanh;
    "Numbers cut off at two bounds; relu6 is hardtanh between 0 and 6.";
    "min(max(x, low), high)", "g where low < x < high, else 0";
    "the derivative at the bounds is 0, at NaN it is 1, as in PyTorch's loops for few numbers";
    value |s, x: T| {
        let (low, high) = (T::lit(s.min_val), T::lit(s.max_val));
        if s.min_val.is_nan() || s.max_val.is_nan() {
            return T::lit(f64::NAN); // nothing of x is left, as in PyTorch
        }
        T::choose(x.below(low), || low, || T::choose(x.above(high), || high, || x))
    };
    integers |s, I| {
        let (low, high) = (I::from_f64(s.min_val), I::from_f64(s.max_val));
        move |x: I| if x < low { low } else if x > high { high } else { x }
    };
    fused |s, g, x: T| {
        let (low, high) = (T::lit(s.min_val), T::lit(s.max_val));
        T::choose(x.at_most(low) | x.at_least(high), || T::ZERO, || g)
    };
    kinks |s| [below(s.min_val).nan_above(), above(s.max_val)];
    piece |s, k, x| match k { 0 => constant(x, s.min_val), 1 => Ok(x.clone()), _ => constant(x, s.max_val) };
    slope |_s, k, _x| Ok(if k == 1 { Slope::Number(1.0) } else { Slope::None });
    samples || [(-1.0, 1.0), (0.0, 6.0), (-0.5, 2.0)].map(|(min_val, max_val)| unary(Hardtanh { min_val, max_val }, signed())).concat(),
    points || points1(Hardtanh { min_val: -1.0, max_val: 1.0 }, &[(-1.0, 0.0), (1.0, 0.0), (0.5, 1.0), (-2.0, 0.0), (f64::INFINITY, 0.0), (f64::NAN, 1.0)]);

    /// A line from 0 at -3 to 1 at 3.
    Hardsigmoid {} "hardsigmoid", "torch.nn.functional.hardsigmoid", no("hardsigmoid_cpu");
    "The logistic function in three straight pieces.";
    "min(max(x + 3, 0), 6)/6", "g/6 where -3 < x < 3, else 0";
    "the derivative at -3 and 3 is 0, and at NaN, as in PyTorch";
    value |_s, x: T| ramp(x) / T::lit(6.0);
    fused |_s, g, x: T| {
        let sixth = T::ONE / T::lit(6.0);
        T::choose(x.above(T::lit(-3.0)) & x.below(T::lit(3.0)), || g * sixth, || T::ZERO)
    };
    kinks |_s| [below(-3.0), above(3.0)];
    piece |_s, k, x| match k { 0 => constant(x, 0.0), 1 => x.add(3.0)?.div(6.0), _ => constant(x, 1.0) };
    slope |_s, k, x| Ok(if k == 1 { Slope::Of(x()?.ones_like()?.div(6.0)?) } else { Slope::None });
    samples || unary(Hardsigmoid {}, vec![0.6, -1.3, 3.5, -4.4, 1.7, -2.6]),
    points || points1(Hardsigmoid {}, &[(-3.0, 0.0), (3.0, 0.0), (4.0, 0.0), (f64::NAN, 0.0)]);

    /// `x` times [`Hardsigmoid`].
    Hardswish {} "hardswish", "torch.nn.functional.hardswish", no("hardswish_cpu");
    "x times the logistic function in three straight pieces.";
    "x·min(max(x + 3, 0), 6)/6", "0 where x ≤ -3, g where x ≥ 3, else g·(x/3 + 1/2)";
    "the derivative is 0 at -3, and 1 at 3 and at NaN, as in PyTorch's loops for few numbers";
    value |_s, x: T| x * ramp(x) / T::lit(6.0);
    fused |_s, g, x: T| T::choose(x.at_most(T::lit(-3.0)), || T::ZERO, || {
        T::choose(x.below(T::lit(3.0)), || g * (x / T::lit(3.0) + T::lit(0.5)), || g)
    });
    kinks |_s| [below(-3.0).nan_above(), above(3.0).nan_above()];
    piece |_s, k, x| match k { 0 => constant(x, 0.0), 1 => x.mul(&x.add(3.0)?)?.div(6.0), _ => Ok(x.clone()) };
    slope |_s, k, x| Ok(match k { 0 => Slope::None, 1 => Slope::Of(x()?.div(3.0)?.add(0.5)?), _ => Slope::Number(1.0) });
    samples || unary(Hardswish {}, vec![0.6, -1.3, 3.5, -4.4, 1.7, -2.6]),
    points || points1(Hardswish {}, &[(-3.0, 0.0), (3.0, 1.0), (0.0, 0.5), (f64::INFINITY, 1.0), (f64::NEG_INFINITY, 0.0), (f64::NAN, 1.0)]);

    /// 0 near 0, else `x`.
    Hardshrink {
        /// How near.
        lambd: f64
    } "hardshrink", "torch.nn.functional.hardshrink", no("hardshrink_cpu");
    "Numbers near 0 become 0, others stay.";
    "0 where |x| ≤ λ, else x", "0 where |x| ≤ λ, else g";
    "the derivative at ±λ is 0, at NaN it is 1, as in PyTorch's loops for few numbers";
    value |s, x: T| T::choose(x.at_least(-T::lit(s.lambd)) & x.at_most(T::lit(s.lambd)), || T::ZERO, || x);
    fused |s, g, x: T| T::choose(x.at_least(-T::lit(s.lambd)) & x.at_most(T::lit(s.lambd)), || T::ZERO, || g);
    kinks |s| [above(-s.lambd), below(s.lambd)];
    piece |_s, k, x| if k == 1 { constant(x, 0.0) } else { Ok(x.clone()) };
    slope |_s, k, _x| Ok(if k == 1 { Slope::None } else { Slope::Number(1.0) });
    samples || unary(Hardshrink { lambd: 0.5 }, signed()),
    points || points1(Hardshrink { lambd: 0.5 }, &[(0.5, 0.0), (-0.5, 0.0), (0.75, 1.0), (f64::NAN, 1.0)]);

    /// 0 near 0, else `x` moved towards 0.
    Softshrink {
        /// How near, and how far.
        lambd: f64
    } "softshrink", "torch.nn.functional.softshrink", no("softshrink_cpu");
    "Numbers move towards 0 and stop there.";
    "x - λ where x > λ, x + λ where x < -λ, else 0", "0 where |x| ≤ λ, else g";
    "the derivative at ±λ is 0, at NaN it is 1, and numbers near 0 keep their sign, as in PyTorch's loops for few numbers";
    value |s, x: T| {
        let l = T::lit(s.lambd);
        T::choose(x.above(l), || x - l, || T::choose(x.below(-l), || x + l, || x * T::ZERO))
    };
    fused |s, g, x: T| T::choose(x.at_least(-T::lit(s.lambd)) & x.at_most(T::lit(s.lambd)), || T::ZERO, || g);
    kinks |s| [above(-s.lambd), below(s.lambd)];
    piece |s, k, x| match k { 0 => x.add(s.lambd), 1 => constant(x, 0.0), _ => x.sub(s.lambd) };
    slope |_s, k, _x| Ok(if k == 1 { Slope::None } else { Slope::Number(1.0) });
    samples || unary(Softshrink { lambd: 0.5 }, signed()),
    points || points1(Softshrink { lambd: 0.5 }, &[(0.5, 0.0), (-0.5, 0.0), (0.75, 1.0), (f64::NAN, 1.0)]);

    /// `x` above a threshold, else a number.
    Threshold {
        /// The threshold.
        threshold: f64,
        /// What numbers up to it become.
        value: f64
    } "threshold", "torch.nn.functional.threshold", no("threshold_cpu");
    "Numbers up to a threshold are replaced.";
    "x where x > t, else v", "g where x > t, else 0";
    "the derivative at the threshold is 0, at NaN it is 1, as in PyTorch";
    value |s, x: T| T::choose(x.at_most(T::lit(s.threshold)), || T::lit(s.value), || x);
    integers |s, I| { let (t, v) = (I::from_f64(s.threshold), I::from_f64(s.value)); move |x: I| if x <= t { v } else { x } };
    fused |s, g, x: T| T::choose(x.at_most(T::lit(s.threshold)), || T::ZERO, || g);
    kinks |s| [below(s.threshold).nan_above()];
    piece |s, k, x| if k == 0 { constant(x, s.value) } else { Ok(x.clone()) };
    slope |_s, k, _x| Ok(if k == 1 { Slope::Number(1.0) } else { Slope::None });
    samples || unary(Threshold { threshold: 0.25, value: -7.5 }, signed()),
    points || points1(Threshold { threshold: 0.25, value: -7.5 }, &[(0.25, 0.0), (0.5, 1.0), (f64::NAN, 1.0)]);

    /// A smooth relu, and `x` itself where that makes no difference.
    Softplus {
        /// How sharp the bend is.
        beta: f64,
        /// Above which β·x the result is x.
        threshold: f64
    } "softplus", "torch.nn.functional.softplus", no("softplus_cpu");
    "A smooth relu, which becomes x itself where β·x is above the threshold.";
    "ln(1 + e^{βx})/β where βx ≤ t, else x", "g·e^{βx}/(e^{βx} + 1) where βx ≤ t, else g";
    "at βx = t the smooth form holds, as in PyTorch";
    value |s, x: T| {
        let (b, t) = (T::lit(s.beta), T::lit(s.threshold));
        T::choose((x * b).above(t), || x, || (x * b).exp().ln_1p() / b)
    };
    fused |s, g, x: T| {
        let (b, t) = (T::lit(s.beta), T::lit(s.threshold));
        T::choose((x * b).above(t), || g, || { let z = (x * b).exp(); g * z / (z + T::ONE) })
    };
    kinks |s| [if s.beta < 0.0 { above(s.threshold / s.beta).nan_above() } else { below(s.threshold / s.beta) }];
    piece |s, k, x| if s.smooth(k) { times(x, -s.beta)?.logsigmoid()?.div(&number_like(x, -s.beta)?) } else { Ok(x.clone()) };
    slope |s, k, x| Ok(if s.smooth(k) { Slope::Of(times(&x()?, s.beta)?.sigmoid()?) } else { Slope::Number(1.0) });
    samples || [(1.0, 20.0), (1.5, 2.0), (-0.5, 0.6)].map(|(beta, threshold)| unary(Softplus { beta, threshold }, signed())).concat(),
    points || points1(Softplus { beta: 1.0, threshold: 0.0 }, &[(0.0, 0.5), (1e-3, 1.0), (f64::NEG_INFINITY, 0.0), (f64::INFINITY, 1.0), (f64::NAN, f64::NAN)]);
}

impl Softplus {
    /// Whether piece `k` is the smooth one.
    fn smooth(&self, k: usize) -> bool {
        (k == 0) == (self.beta >= 0.0)
    }
}

/// `min(max(x + 3, 0), 6)`; NaN stays.
#[inline(always)]
fn ramp<T: Scalar>(x: T) -> T {
    let y = x + T::lit(3.0);
    T::choose(
        y.below(T::ZERO),
        || T::ZERO,
        || T::choose(y.above(T::lit(6.0)), || T::lit(6.0), || y),
    )
}
