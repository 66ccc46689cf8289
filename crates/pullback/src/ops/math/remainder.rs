//! Division with a rounding mode, and what is left over: remainders. Rounding of single numbers is in `zero` and `decimals`.

use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::gate::no_form;
use crate::ops::common::methods::{binary, binary_, binary_methods, not_implemented};
use crate::ops::common::operand::Operand;
use crate::{Array, DType, Error, Result};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{broken_shapes, pairs, point};

/// The larger integer types' arithmetic that divides.
trait Whole: pullback_array::Arith + Ord {
    fn quotient(self, other: Self) -> Self;
    fn rest(self, other: Self) -> Self;
}
macro_rules! whole {
    ($($t:ty),*) => {$(impl Whole for $t {
        #[inline(always)]
        fn quotient(self, other: $t) -> $t { self.wrapping_div(other) }
        #[inline(always)]
        fn rest(self, other: $t) -> $t { self.wrapping_rem(other) }
    })*};
}
whole!(u8, i32, i64);

/// Runs a body for an integer dtype.
macro_rules! integers {
    ($dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $dtype {
            DType::U8 => {
                type $T = u8;
                $body
            }
            DType::I32 => {
                type $T = i32;
                $body
            }
            DType::I64 => {
                type $T = i64;
                $body
            }
            _ => $other,
        }
    };
}

/// PyTorch's error for integers divided by zero; where there is nothing to divide, there is none.
fn no_zeros(number: &Array, divisor: &Array) -> Result<()> {
    if number.numel() == 0 || divisor.is_meta() {
        return Ok(());
    }
    let zeros = integers!(divisor.dtype(), T => {
        let list = divisor.numbers::<T>()?;
        list.contains(&T::default())
    }, else false);
    match zeros {
        true => Err(error!(Argument, "ZeroDivisionError")
            .note("an integer was divided by zero")
            .help_in(
                "floats have infinities: `x.to(DType::F32)?`",
                "floats have infinities: `x.float()`",
            )),
        false => Ok(()),
    }
}

/// How a quotient is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero.
    Trunc,
    /// Downwards.
    Floor,
}

/// Whether a remainder has the other sign than the divisor.
#[inline(always)]
fn turned<T: Scalar>(rest: T, b: T) -> T::Truth {
    let (down, below) = (b.below(T::ZERO), rest.below(T::ZERO));
    !rest.equals(T::ZERO) & ((down & !below) | (!down & below))
}

/// PyTorch's floor division: of the exact remainder, not of the rounded quotient.
#[inline(always)]
fn floor_div<T: Scalar>(a: T, b: T) -> T {
    let exact = || {
        let rest = a.rem(b);
        let quotient = (a - rest) / b;
        let quotient = T::choose(turned(rest, b), || quotient - T::ONE, || quotient);
        let rounded = || {
            let floor = quotient.floor();
            let more = (quotient - floor).above(T::lit(0.5));
            T::choose(more, || floor + T::ONE, || floor)
        };
        let zero = || T::ZERO.copysign(a / b);
        T::choose(quotient.equals(T::ZERO), zero, rounded)
    };
    T::choose(b.equals(T::ZERO), || a / b, exact)
}

impl Formula<2> for DivRounded {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        match self.how {
            Rounding::Trunc => (a / b).trunc(),
            Rounding::Floor => floor_div(a, b),
        }
    }
}

impl Formula<2> for Remainder {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        let rest = a.rem(b);
        T::choose(turned(rest, b), || rest + b, || rest)
    }
}

impl Formula<2> for Fmod {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a.rem(b)
    }
}

fn divided(x: &[&Array], how: Rounding) -> Result<Array> {
    let name = match how {
        Rounding::Trunc => "div_trunc_cpu",
        Rounding::Floor => "div_floor_cpu",
    };
    dispatch!(float x[0].dtype(), T => match how {
        Rounding::Trunc => kernels::zip(x[0], x[1], |a: T, b: T| (a / b).trunc()),
        Rounding::Floor => {
            let f: fn(T, T) -> T = floor_div;
            kernels::zip(x[0], x[1], f)
        }
    }, else integers!(x[0].dtype(), T => {
        no_zeros(x[0], x[1])?;
        kernels::zip(x[0], x[1], |a: T, b: T| {
            let (quotient, rest) = (a.quotient(b), a.rest(b));
            let down = how == Rounding::Floor && rest != T::default() && (rest < T::default()) != (b < T::default());
            if down { pullback_array::Arith::minus(quotient, 1) } else { quotient }
        })
    }, else Err(not_implemented(name, x[0].dtype()))))
}

/// Pairs whose quotients are small and no integers.
#[cfg(feature = "proof")]
fn apart_from_jumps(op: impl Op + Clone) -> Vec<crate::core::samples::Sample> {
    let mut samples = pairs(op);
    let larger = |b: f64| (b.abs() * 0.5 + 1.27).copysign(b);
    samples.iter_mut().for_each(|s| s.map_input(1, larger));
    samples
}

/// How far a quotient is from the next integer, in the units of its operands: the remainder or what it lacks of the divisor, over the
/// size of the quotient.
fn to_next_integer(a: &Array, b: &Array, upwards_too: bool) -> Result<Array> {
    dispatch!(float a.dtype(), T => kernels::zip(a, b, |a: T, b: T| {
        let rest = a.rem(b).abs();
        let (quotient, left) = ((a / b).trunc(), b.abs() - rest);
        let reach = T::ONE + T::ONE + quotient.abs();
        // Around 0 truncation has no jump.
        let near = if rest < left && (upwards_too || quotient != T::ZERO) { rest } else { left };
        near / reach
    }), else Err(no_form("div", a)))
}

/// A rounded quotient.
#[derive(Clone, Debug)]
pub struct DivRounded {
    /// Which way.
    pub how: Rounding,
}
define! { DivRounded: Zero "div_rounded", "torch.div";
    summary: "Quotient rounded to an integer, downwards or towards zero, element by element, with broadcasting.";
    formula: "⌊a/b⌋ or trunc(a/b)";
    derivative: "0";
    convention: "locally constant: the gradient is exactly 0 everywhere, at the jumps too, as in PyTorch";
    node: "DivBackward1";
    proof: { samples: || [Rounding::Trunc, Rounding::Floor].map(|how| apart_from_jumps(DivRounded { how })).concat(),
        points: || vec![point(DivRounded { how: Rounding::Floor }, &[&[4.0, -1.5], &[2.0, 1.0]], &[&[0.0, 0.0], &[0.0, 0.0]])],
        errors: || broken_shapes(DivRounded { how: Rounding::Floor }) }
}

impl Op for DivRounded {
    common!();
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        divided(x, self.how)
    }
}

impl rules::Zero for DivRounded {
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        to_next_integer(x[0], x[1], self.how == Rounding::Floor).map(Some)
    }
}

macro_rules! remainders {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal $torch:literal $node:literal $method:ident $method_:ident $kernel:literal $how:ident;
        $summary:literal; $formula:literal, $derivative:literal; $points:expr;
        |$i:ident, $j:ident| $int:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Gate $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            convention: "at the jumps too the gradient is that of the piece the value is on, as in PyTorch";
            node: $node;
            proof: { samples: || apart_from_jumps($op), points: || $points, errors: || broken_shapes($op) }
        }

        impl Op for $op {
            common!();
            fn expression(&self) -> Option<Expression> {
                Some(Expression::of(self))
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), T => {
                    let f: fn(T, T) -> T = |a, b| $op.at([a, b]);
                    kernels::zip(x[0], x[1], f)
                }, else integers!(x[0].dtype(), T => {
                    no_zeros(x[0], x[1])?;
                    kernels::zip(x[0], x[1], |$i: T, $j: T| -> T { $int })
                }, else Err(not_implemented($kernel, x[0].dtype()))))
            }
            fn reads(&self, i: usize) -> Reads {
                if i == 0 { Reads::NOTHING } else { Reads::INPUTS }
            }
        }

        impl rules::Gate for $op {
            fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
                if i == 0 {
                    return Ok(g.clone());
                }
                let quotient = cx.input(0)?.div_rounded(&cx.input(1)?, Some(Rounding::$how))?;
                g.neg()?.mul(&quotient)
            }
            fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
                divided(x, Rounding::$how).map(Some)
            }
            fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
                x[0].sub(&x[1].mul(&decision.to(x[0].dtype())?)?)
            }
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                to_next_integer(x[0], x[1], Rounding::$how == Rounding::Floor).map(Some)
            }
        }

        binary_methods! { $(#[$doc])* $op $method $method_, float false, errors "Where the shapes do not broadcast; integers divided by zero." }
    )*};
}

remainders! {
    /// The remainder with the divisor's sign (Python's `%`), element by element.
    Remainder "remainder" "torch.remainder" "RemainderBackward1" remainder remainder_ "remainder_cpu" Floor;
    "Remainder with the divisor's sign, element by element, with broadcasting.";
    "a - b⌊a/b⌋", "g to a, -g⌊a/b⌋ to b";
    vec![point(Remainder, &[&[4.0, -1.5], &[2.0, 1.0]], &[&[1.0, 1.0], &[-2.0, 2.0]])];
    |i, j| {
        let rest = i.rest(j);
        let zero = T::default();
        if rest != zero && (rest < zero) != (j < zero) { pullback_array::Arith::plus(rest, j) } else { rest }
    };

    /// The remainder with the dividend's sign (C's `fmod`), element by element.
    Fmod "fmod" "torch.fmod" "FmodBackward0" fmod fmod_ "fmod_cpu" Trunc;
    "Remainder with the dividend's sign, element by element, with broadcasting.";
    "a - b trunc(a/b)", "g to a, -g trunc(a/b) to b";
    vec![point(Fmod, &[&[4.0, -1.5], &[2.0, 1.0]], &[&[1.0, 1.0], &[-2.0, 1.0]])];
    |i, j| i.rest(j);
}

/// The mode that a word stands for.
impl std::str::FromStr for Rounding {
    type Err = Error;

    fn from_str(word: &str) -> Result<Rounding> {
        match word {
            "trunc" => Ok(Rounding::Trunc),
            "floor" => Ok(Rounding::Floor),
            other => Err(error!(
                Argument,
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{other}'"
            )
            .op("div")),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// `self / other`, rounded: PyTorch's `div(other, rounding_mode=…)`. Integers stay integers.
    ///
    /// # Errors
    /// Where the shapes do not broadcast; integers divided by zero.
    #[track_caller]
    pub fn div_rounded<'a>(
        &'a self,
        other: impl Into<Operand<'a>>,
        rounding: Option<Rounding>,
    ) -> Result<Tensor> {
        match rounding {
            None => self.div(other),
            Some(how) => binary(
                &DivRounded { how },
                self,
                other.into(),
                false,
                Location::caller(),
            ),
        }
    }

    /// [`Tensor::div_rounded`], in place.
    ///
    /// # Errors
    /// As [`Tensor::div_rounded`] and [`Tensor::add_`].
    #[track_caller]
    pub fn div_rounded_<'a>(
        &'a self,
        other: impl Into<Operand<'a>>,
        rounding: Option<Rounding>,
    ) -> Result<()> {
        match rounding {
            None => self.div_(other),
            Some(how) => binary_(
                &DivRounded { how },
                self,
                other.into(),
                false,
                Location::caller(),
            ),
        }
    }

    /// `self / other` rounded downwards: Python's `//`.
    ///
    /// # Errors
    /// As [`Tensor::div_rounded`].
    #[track_caller]
    pub fn floor_divide<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let how = Rounding::Floor;
        binary(
            &DivRounded { how },
            self,
            other.into(),
            false,
            Location::caller(),
        )
    }

    /// [`Tensor::floor_divide`], in place.
    ///
    /// # Errors
    /// As [`Tensor::div_rounded`] and [`Tensor::add_`].
    #[track_caller]
    pub fn floor_divide_<'a>(&'a self, other: impl Into<Operand<'a>>) -> Result<()> {
        let how = Rounding::Floor;
        binary_(
            &DivRounded { how },
            self,
            other.into(),
            false,
            Location::caller(),
        )
    }
}
