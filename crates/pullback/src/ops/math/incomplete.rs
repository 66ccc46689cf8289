//! The incomplete gamma functions, as shares of the whole one. PyTorch differentiates them by their second argument alone.

use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::loops::float_zip;
use crate::ops::common::methods::{binary, not_implemented};
use crate::{Array, Result};
use pullback_array::{Series, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::DType;
#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// PyTorch's sentence for the argument that it has no derivative by.
pub(super) fn no_derivative<T>(of: &str) -> Result<T> {
    bail!(Unsupported, "the derivative for '{of}' is not implemented.")
}

/// The derivative of the lower share by its second argument: e^-x xᵃ⁻¹/Γ(a).
fn density(cx: &Ctx<'_>) -> Result<Tensor> {
    let x = cx.input(1)?;
    let a = cx.input(0)?.to(x.dtype())?;
    let power = a.sub(1.0)?.mul(&x.log()?)?;
    power.sub(&x)?.sub(&a.lgamma()?)?.exp()
}

#[cfg(feature = "proof")]
fn samples<O: Op + Clone>(op: O) -> Vec<Sample> {
    // Orders are integers here, by which nothing differentiates.
    let of = |a: &[usize], x: &[usize]| {
        let orders = [1.0, 2.0, 3.0, 5.0, 1.0, 4.0][..a.iter().product()].to_vec();
        let at = [0.5, 1.25, 2.5, 3.75, 0.75, 6.5][..x.iter().product()].to_vec();
        Sample::mixed(
            op.clone(),
            vec![
                (a.to_vec(), orders, DType::I64),
                (x.to_vec(), at, DType::F64),
            ],
        )
    };
    vec![
        of(&[2, 3], &[2, 3]),
        of(&[3], &[2, 3]),
        of(&[], &[4]),
        of(&[2, 1], &[1, 3]),
        of(&[0], &[1]),
    ]
}

macro_rules! shares {
    ($($(#[$doc:meta])* $op:ident $name:ident $text:literal $torch:literal $share:ident $sign:ident; $summary:literal; $formula:literal; $derivative:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Pointwise $text, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            proof: { samples: || samples($op) }
        }

        impl Op for $op {
            common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                if !x[1].dtype().is_float() {
                    return Err(not_implemented(concat!($text, "_cpu"), x[1].dtype()));
                }
                let a = kernels::cast(x[0], x[1].dtype())?;
                float_zip!(slow &a, x[1], |a, x: T| Series::$share(a, x))
            }
            fn reads(&self, _: usize) -> Reads {
                Reads::INPUTS
            }
        }

        impl rules::Pointwise for $op {
            fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
                match i {
                    0 => no_derivative(concat!($text, ": input")),
                    _ => $sign(density(cx)?),
                }
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// # Errors
            /// For integers, and where the shapes do not broadcast. A gradient by this tensor, the order, is not there.
            #[track_caller]
            pub fn $name(&self, x: &Tensor) -> Result<Tensor> {
                let dtype = crate::result_type(self, x);
                ensure!(
                    dtype.is_float(),
                    Unsupported,
                    concat!("\"", $text, "_cpu\" not implemented for '{}'"),
                    dtype.scalar_type_name()
                );
                binary(&$op, self, x.into(), true, Location::caller())
            }
        }
    )*};
}

fn plus(x: Tensor) -> Result<Tensor> {
    Ok(x)
}

fn minus(x: Tensor) -> Result<Tensor> {
    x.neg()
}

shares! {
    /// The share of Γ(a) below `x`, a being this tensor: the regularised lower incomplete gamma function, element by element.
    Igamma igamma "igamma" "torch.igamma" gammainc plus;
    "The share of Γ(a) below x, element by element, with broadcasting.";
    "∫₀ˣ tᵃ⁻¹e^-t dt / Γ(a)";
    "e^-x xᵃ⁻¹/Γ(a) by x; none by a, as in PyTorch";

    /// The share of Γ(a) above `x`, a being this tensor: the regularised upper incomplete gamma function, element by element.
    Igammac igammac "igammac" "torch.igammac" gammaincc minus;
    "The share of Γ(a) above x, element by element, with broadcasting.";
    "∫ₓ^∞ tᵃ⁻¹e^-t dt / Γ(a)";
    "-e^-x xᵃ⁻¹/Γ(a) by x; none by a, as in PyTorch";
}
