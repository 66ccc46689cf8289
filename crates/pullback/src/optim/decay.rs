//! What the rules of several optimisers begin with: the sign of the gradient and the weight decay; and how averages move.

use crate::Arith;
use pullback_array::Scalar;
use pullback_array::kernels::plus_product;

/// The sign and the decay of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decay {
    /// Whether the gradient is turned round.
    pub(super) maximize: bool,
    /// What the gradient gets of the parameter; 0 for nothing.
    pub(super) coupled: f64,
    /// What the parameter is multiplied with.
    pub(super) shrink: f64,
}

impl Decay {
    /// Weight decay that goes through the gradient.
    pub(super) fn coupled(maximize: bool, decay: f64) -> Decay {
        Decay {
            maximize,
            coupled: decay,
            shrink: 1.0,
        }
    }

    /// Weight decay beside the gradient, or through it.
    pub(super) fn new(maximize: bool, decay: f64, lr: f64, decoupled: bool) -> Decay {
        match decoupled {
            true => Decay {
                maximize,
                coupled: 0.0,
                shrink: 1.0 - lr * decay,
            },
            false => Decay::coupled(maximize, decay),
        }
    }

    /// The parameter and the gradient with which the step goes on.
    #[inline(always)]
    pub(super) fn at<T: Scalar + Arith, const FUSED: bool>(&self, p: T, g: T) -> (T, T) {
        let g = if self.maximize { -g } else { g };
        let g = match self.coupled == 0.0 {
            true => g,
            false => plus_product::<T, FUSED>(g, T::lit(self.coupled), p),
        };
        (p * T::lit(self.shrink), g)
    }
}

/// `a` on the way to `b`, as PyTorch's `lerp` with a number.
#[inline(always)]
pub(super) fn toward<T: Scalar>(a: T, b: T, weight: f64) -> T {
    let w = T::lit(weight);
    T::choose(
        w.abs().below(T::lit(0.5)),
        || a + w * (b - a),
        || b - (b - a) * (T::ONE - w),
    )
}

/// The mean of squares, of which `beta` stays: PyTorch's `mul_` and `addcmul_`.
#[inline(always)]
pub(super) fn squares<T: Scalar>(mean: T, g: T, beta: f64) -> T {
    mean * T::lit(beta) + T::lit(1.0 - beta) * g * g
}
