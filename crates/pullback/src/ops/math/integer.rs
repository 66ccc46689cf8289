//! Operations of integers and truth values: bits, shifts, common divisors. They have no gradients.
// One formula serves every integer type, and for the unsigned ones a conversion cannot fail.
#![allow(clippy::unnecessary_fallible_conversions)]

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::{binary_methods, direct_, not_implemented};
use crate::{Array, DType, Result};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Failure, Sample, error};

#[cfg(feature = "proof")]
fn samples(op: impl Op + Clone) -> Vec<Sample> {
    let of = |a: (&[usize], &[f64]), b: (&[usize], &[f64]), dtype| {
        let own = |(s, d): (&[usize], &[f64])| (s.to_vec(), d.to_vec(), dtype);
        Sample::mixed(op.clone(), vec![own(a), own(b)])
    };
    let (a, b) = (
        [12.0, -7.0, 5.0, 0.0, 1.0, 100.0],
        [3.0, 1.0, 2.0, 5.0, 0.0, 7.0],
    );
    vec![
        of((&[6], &a), (&[6], &b), DType::I64),
        of((&[2, 3], &a), (&[3], &b[..3]), DType::I32),
        of((&[], &a[..1]), (&[2, 1], &b[..2]), DType::U8),
        of((&[0, 3], &[]), (&[3], &b[..3]), DType::I64),
    ]
}

#[cfg(feature = "proof")]
fn floats(op: impl Op, message: &'static str) -> Vec<Failure> {
    vec![error(op, &[&[2], &[2]], message)]
}

/// Greatest common divisor, not negative but for the lowest integer.
macro_rules! gcd {
    ($a:expr, $b:expr, $T:ident) => {{
        let (mut a, mut b): ($T, $T) = ($a, $b);
        while b != 0 {
            (a, b) = (b, a.wrapping_rem(b));
        }
        #[allow(unused_comparisons)]
        if a < 0 { (0 as $T).wrapping_sub(a) } else { a }
    }};
}

macro_rules! integer_ops {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal $torch:literal $method:ident $method_:ident $kernel:literal $error:literal;
        $summary:literal; $formula:literal;
        |$a:ident, $b:ident: $T:ident| $value:expr; bool $bool:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Cut $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "none: integers have no gradients";
            proof: { samples: || samples($op), errors: || floats($op, $error) }
        }

        impl Op for $op {
            common!();
            fn elementwise(&self) -> bool {
                true
            }
            // Distances of shifts are of every integer type.
            #[allow(clippy::unnecessary_fallible_conversions)]
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                let bool_form: Option<fn(bool, bool) -> bool> = $bool;
                match (x[0].dtype(), bool_form) {
                    (DType::Bool, Some(f)) => kernels::zip(x[0], x[1], f),
                    (DType::U8, _) => { type $T = u8; kernels::zip(x[0], x[1], |$a: $T, $b: $T| -> $T { $value }) }
                    (DType::I32, _) => { type $T = i32; kernels::zip(x[0], x[1], |$a: $T, $b: $T| -> $T { $value }) }
                    (DType::I64, _) => { type $T = i64; kernels::zip(x[0], x[1], |$a: $T, $b: $T| -> $T { $value }) }
                    (other, _) => Err(not_implemented($kernel, other)),
                }
            }
        }

        binary_methods! { $(#[$doc])* $op $method $method_, float false, errors "For floats; where the shapes do not broadcast." }
    )*};
}

integer_ops! {
    /// Bits that both have, element by element; `and` of truth values.
    BitwiseAnd "bitwise_and" "torch.bitwise_and" bitwise_and bitwise_and_ "bitwise_and_cpu" "\"bitwise_and_cpu\" not implemented for 'Float'";
    "Bits that both have, element by element, with broadcasting."; "a & b";
    |a, b: T| a & b; bool Some(|a, b| a & b);

    /// Bits that one or both have, element by element; `or` of truth values.
    BitwiseOr "bitwise_or" "torch.bitwise_or" bitwise_or bitwise_or_ "bitwise_or_cpu" "\"bitwise_or_cpu\" not implemented for 'Float'";
    "Bits that one or both have, element by element, with broadcasting."; "a | b";
    |a, b: T| a | b; bool Some(|a, b| a | b);

    /// Bits that exactly one has, element by element; inequality of truth values.
    BitwiseXor "bitwise_xor" "torch.bitwise_xor" bitwise_xor bitwise_xor_ "bitwise_xor_cpu" "\"bitwise_xor_cpu\" not implemented for 'Float'";
    "Bits that exactly one has, element by element, with broadcasting."; "a ^ b";
    |a, b: T| a ^ b; bool Some(|a, b| a ^ b);

    /// Bits moved up, element by element; 0 for a distance that is negative or not less than the number of bits.
    BitwiseLeftShift "bitwise_left_shift" "torch.bitwise_left_shift" bitwise_left_shift bitwise_left_shift_ "lshift_cpu" "\"lshift_cpu\" not implemented for 'Float'";
    "Bits moved up, element by element, with broadcasting; 0 where all of them leave."; "a · 2ᵇ";
    |a, b: T| match u32::try_from(b) { Ok(n) if n < T::BITS => a << n, _ => 0 }; bool None;

    /// Bits moved down, element by element, the sign after them; all sign for a distance that is negative or too large.
    BitwiseRightShift "bitwise_right_shift" "torch.bitwise_right_shift" bitwise_right_shift bitwise_right_shift_ "rshift_cpu" "\"rshift_cpu\" not implemented for 'Float'";
    "Bits moved down, the sign after them, element by element, with broadcasting."; "⌊a/2ᵇ⌋";
    |a, b: T| match u32::try_from(b) { Ok(n) if n < T::BITS => a >> n, _ if T::MIN != 0 => a >> (T::BITS - 1), _ => 0 }; bool None;

    /// Greatest common divisor, element by element.
    Gcd "gcd" "torch.gcd" gcd gcd_ "gcd_cpu" "\"gcd_cpu\" not implemented for 'Float'";
    "Greatest common divisor, element by element, with broadcasting."; "gcd(a, b)";
    |a, b: T| gcd!(a, b, T); bool None;

    /// Least common multiple, element by element; 0 where one is 0.
    Lcm "lcm" "torch.lcm" lcm lcm_ "lcm_cpu" "\"lcm_cpu\" not implemented for 'Float'";
    "Least common multiple, element by element, with broadcasting; 0 where one is 0."; "lcm(a, b)";
    |a, b: T| {
        let g = gcd!(a, b, T);
        if g == 0 { 0 } else { gcd!(a.wrapping_div(g).wrapping_mul(b), 0, T) }
    }; bool None;
}

/// All bits turned over; `not` of truth values.
#[derive(Clone, Debug)]
pub struct BitwiseNot;
define! { BitwiseNot: Cut "bitwise_not", "torch.bitwise_not";
    summary: "All bits turned over, element by element.";
    formula: "-1 - x";
    derivative: "none: integers have no gradients";
    proof: { samples: || {
        let of = |s: &[usize], d: &[f64], dtype| Sample::mixed(BitwiseNot, vec![(s.to_vec(), d.to_vec(), dtype)]);
        vec![of(&[3], &[5.0, -1.0, 0.0], DType::I64), of(&[2, 2], &[1.0, 2.0, 3.0, 250.0], DType::U8),
            of(&[], &[1.0], DType::Bool), of(&[0, 2], &[], DType::I32)]
    }, errors: || vec![error(BitwiseNot, &[&[2]], "\"bitwise_not_cpu\" not implemented for 'Float'")] }
}

impl Op for BitwiseNot {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        match x[0].dtype() {
            DType::Bool => kernels::map(x[0], |a: bool| !a),
            DType::U8 => kernels::map(x[0], |a: u8| !a),
            DType::I32 => kernels::map(x[0], |a: i32| !a),
            DType::I64 => kernels::map(x[0], |a: i64| !a),
            other => Err(not_implemented("bitwise_not_cpu", other)),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// All bits turned over, element by element; `not` of truth values.
    ///
    /// # Errors
    /// For floats.
    #[track_caller]
    pub fn bitwise_not(&self) -> Result<Tensor> {
        apply_dyn(&BitwiseNot, &[self], Location::caller())
    }

    /// [`Tensor::bitwise_not`], in place.
    ///
    /// # Errors
    /// For floats.
    #[track_caller]
    pub fn bitwise_not_(&self) -> Result<()> {
        direct_(&BitwiseNot, self, &[], Location::caller())
    }
}
