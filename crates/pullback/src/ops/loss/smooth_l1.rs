//! Losses of a difference that are squares near 0 and lines further out: smooth l1 and huber.

use crate::core::op::{Ctx, Reads};
use crate::core::tensor::Tensor;
use crate::ops::common::constant::{number_like, times};
use crate::ops::common::formula::Pulled;
use crate::ops::common::gate::no_form;
use crate::ops::common::piecewise::{Slope, above, below, pieces};
use crate::{Array, Error, Result};
use pullback_array::{Formula, Scalar, dispatch, kernels};

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary};

fn no(name: &'static str) -> impl Fn(&Array) -> Error {
    move |x| no_form(name, x)
}

pieces! {
    /// `x²/(2β)` near 0, `|x| - β/2` further out.
    SmoothL1 {
        /// Where the square ends.
        beta: f64
    } "smooth_l1_loss", "torch.nn.functional.smooth_l1_loss", no("smooth_l1_cpu");
    "A difference's square near 0, its magnitude further out.";
    "x²/(2β) where |x| < β, else |x| - β/2", "g·x/β where |x| < β, else g·sign(x)";
    "at ±β the line holds, as in PyTorch";
    value |s, x: T| {
        let (b, half, z) = (T::lit(s.beta), T::lit(0.5), x.abs());
        T::choose(z.below(b), || half * z * z / b, || z - half * b)
    };
    fused |s, g, x: T| {
        let b = T::lit(s.beta);
        T::choose(x.at_most(-b), || -g, || T::choose(x.at_least(b), || g, || x * g / b))
    };
    kinks |s| [below(-s.beta).nan_above(), above(s.beta)];
    piece |s, k, x| {
        let half = number_like(x, s.beta)?.mul(0.5)?;
        match k {
            0 => x.neg()?.sub(&half),
            1 => x.mul(x)?.mul(0.5)?.div(&number_like(x, s.beta)?),
            _ => x.sub(&half),
        }
    };
    slope |s, k, x| Ok(match k {
        0 => Slope::Number(-1.0),
        1 => { let x = x()?; Slope::Of(x.div(&number_like(&x, s.beta)?)?) }
        _ => Slope::Number(1.0),
    });
    samples || [1.0, 0.75, 2.0].map(|beta| unary(SmoothL1 { beta }, signed())).concat(),
    points || points1(SmoothL1 { beta: 0.5 }, &[(0.0, 0.0), (0.5, 1.0), (-0.5, -1.0), (0.25, 0.5), (f64::INFINITY, 1.0), (f64::NAN, f64::NAN)]);

    /// `x²/2` near 0, `δ·(|x| - δ/2)` further out.
    Huber {
        /// Where the square ends.
        delta: f64
    } "huber_loss", "torch.nn.functional.huber_loss", no("huber_cpu");
    "A difference's square near 0, a line of the same slope further out.";
    "x²/2 where |x| < δ, else δ·(|x| - δ/2)", "g·x where |x| < δ, else g·δ·sign(x)";
    "at ±δ the line holds, as in PyTorch";
    value |s, x: T| {
        let (d, half, z) = (T::lit(s.delta), T::lit(0.5), x.abs());
        T::choose(z.below(d), || half * z * z, || d * (z - half * d))
    };
    fused |s, g, x: T| {
        let d = T::lit(s.delta);
        T::choose(x.at_most(-d), || -(g * d), || T::choose(x.at_least(d), || g * d, || x * g))
    };
    kinks |s| [below(-s.delta).nan_above(), above(s.delta)];
    piece |s, k, x| {
        let half = number_like(x, s.delta)?.mul(0.5)?;
        match k {
            0 => times(&x.neg()?.sub(&half)?, s.delta),
            1 => x.mul(x)?.mul(0.5),
            _ => times(&x.sub(&half)?, s.delta),
        }
    };
    slope |s, k, x| Ok(match k { 0 => Slope::Number(-s.delta), 1 => Slope::Of(x()?), _ => Slope::Number(s.delta) });
    samples || [1.0, 0.75, 2.0].map(|delta| unary(Huber { delta }, signed())).concat(),
    points || points1(Huber { delta: 0.5 }, &[(0.0, 0.0), (0.5, 0.5), (-0.5, -0.5), (0.25, 0.25), (f64::INFINITY, 0.5), (f64::NAN, f64::NAN)]);
}
