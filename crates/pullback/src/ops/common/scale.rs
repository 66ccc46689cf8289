//! Products with a constant that is known to 32 digits: ln 2, π/180. In every dtype it is the nearest number, and in a replay with
//! more digits it has more of its own.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::unary_;
use crate::ops::common::operand::floating;
use crate::{Array, Result};
use pullback_array::dd::Dd;
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{signed, unary as samples_of};

/// `factor · x`.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The constant.
    pub factor: Dd,
}
define! { Scale: Linear "scale", "torch.mul";
    summary: "Product with a constant known to 32 digits, element by element.";
    formula: "c·x";
    derivative: "c·g";
    node: "MulBackward0";
    proof: { samples: || samples_of(Scale { factor: Dd::LN_2 }, signed()) }
}

impl Formula<1> for Scale {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * T::constant(self.factor)
    }
}

impl Op for Scale {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else Err(crate::ops::math::arith::needs_float(x[0])))
    }
}

impl rules::Linear for Scale {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        apply_dyn(self, &[g], cx.site())
    }
}

impl Scale {
    /// `factor · x`.
    pub(crate) fn of(x: &Tensor, factor: Dd) -> Result<Tensor> {
        apply_dyn(&Scale { factor }, &[x], Location::caller())
    }
}

/// Degrees in a radian, and the other way round.
fn degrees() -> [Scale; 2] {
    let half_turn = Dd::from(180.0);
    [half_turn / Dd::PI, Dd::PI / half_turn].map(|factor| Scale { factor })
}

macro_rules! angles {
    ($($(#[$doc:meta])* $name:ident $name_:ident $which:literal;)*) => {
        #[pullback_macros::called]
        impl Tensor {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(&self) -> Result<Tensor> {
                let site = Location::caller();
                apply_dyn(&degrees()[$which], &[floating(self, site)?.as_ref()], site)
            }

            #[doc = concat!("[`Tensor::", stringify!($name), "`], in place.")]
            ///
            /// # Errors
            /// Where the tensor is no float; a leaf that requires a gradient outside `no_grad`.
            #[track_caller]
            pub fn $name_(&self) -> Result<()> {
                unary_(&degrees()[$which], self, Location::caller())
            })*
        }
    };
}
angles! {
    /// Radians to degrees, element by element.
    rad2deg rad2deg_ 0;
    /// Degrees to radians, element by element.
    deg2rad deg2rad_ 1;
}
