//! Powers: of a tensor to a number, of a tensor or a number to a tensor.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::derived;
use crate::ops::common::gate::select;
use crate::ops::common::loops::float_zip;
use crate::ops::common::methods::{binary, binary_, cannot_cast, direct_, not_implemented};
use crate::ops::common::operand::{Operand, converted, result_type_number};
use crate::{Arith, Array, DType, Dd, Number, Result};
use pullback_array::{Element, Expression, Formula, Scalar, dispatch, kernels};
use std::borrow::Cow;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, broken_shapes, pairs, point, points1, signed, unary};

/// `x` to the power of a number.
#[derive(Clone, Debug)]
pub struct PowScalar {
    /// The exponent.
    pub exponent: f64,
}
define! { PowScalar: Pointwise "pow", "torch.pow";
    summary: "Power with a number as exponent, element by element.";
    formula: "xᵉ";
    derivative: "e·xᵉ⁻¹, and 0 where e = 0";
    convention: "0⁰ is 1 with derivative 0; at x = 0 the derivative is 0 for e > 1, 1 for e = 1, infinite for 0 < e < 1";
    proof: { samples: pow_samples, points: || [
        points1(PowScalar { exponent: 0.0 }, &[(0.0, 0.0), (3.0, 0.0)]),
        points1(PowScalar { exponent: 1.0 }, &[(0.0, 1.0), (-2.0, 1.0)]),
        points1(PowScalar { exponent: 2.0 }, &[(0.0, 0.0), (-3.0, -6.0)]),
        points1(PowScalar { exponent: 0.5 }, &[(0.0, f64::INFINITY), (4.0, 0.25), (-1.0, f64::NAN)]),
        vec![point(PowScalar { exponent: 3.0 }, &[&[0.0, -1.0]], &[&[0.0, 3.0]])],
    ].concat() }
}

#[cfg(feature = "proof")]
fn pow_samples() -> Vec<Sample> {
    let at = |exponent, x: Vec<f64>| unary(PowScalar { exponent }, x);
    let positive = vec![0.3, 0.9, 1.7, 2.6];
    [
        at(2.0, signed()),
        at(3.0, signed()),
        at(-1.0, signed()),
        at(1.0, signed()),
        at(0.0, signed()),
        at(0.5, positive.clone()),
        at(-2.5, positive),
    ]
    .concat()
}

/// `x` to an integer power, wrapping.
fn power<T: Arith>(x: T, mut e: u64) -> T {
    let (mut base, mut y) = (x, T::UNIT);
    while e > 0 {
        if e & 1 == 1 {
            y = y.times(base);
        }
        base = base.times(base);
        e >>= 1;
    }
    y
}

impl Formula<1> for PowScalar {
    /// The exponents that PyTorch's kernel writes as products and roots are in its rounding.
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        let e = self.exponent;
        match e {
            1.0 => x,
            2.0 => x * x,
            3.0 => x * x * x,
            0.5 => x.sqrt(),
            -0.5 => T::ONE / x.sqrt(),
            -1.0 => T::ONE / x,
            -2.0 => T::ONE / (x * x),
            _ => x.powf(T::lit(e)),
        }
    }
}

impl Op for PowScalar {
    common!();
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let e = self.exponent;
        if !x[0].dtype().is_float() && e < 0.0 {
            bail!(
                Argument,
                "Integers to negative integer powers are not allowed."
            );
        }
        if e == 1.0 {
            return x[0].copy();
        }
        dispatch!(float x[0].dtype(), T => {
            // Loops of their own for the two that are short; one for all others, which call.
            if e == 2.0 {
                kernels::map(x[0], |x: T| PowScalar { exponent: 2.0 }.at([x]))
            } else if e == 3.0 {
                kernels::map(x[0], |x: T| PowScalar { exponent: 3.0 }.at([x]))
            } else {
                let f: &(dyn Fn(T) -> T + Sync) = &|x| self.at([x]);
                kernels::map(x[0], f)
            }
        }, else dispatch!(number x[0].dtype(), T => kernels::map(x[0], |a: T| power(a, e as u64)), else
            // Of `True` and `False`, whose powers are themselves or 1.
            Array::full(x[0].shape().clone(), true, DType::Bool)))
    }
    fn reads(&self, _: usize) -> Reads {
        if self.exponent == 0.0 {
            Reads::NOTHING
        } else {
            Reads::input(0)
        }
    }
}

impl rules::Pointwise for PowScalar {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let slope = self.slope(cx, i)?;
        // x⁰ is constant: +0 even for an infinite or negative gradient.
        if self.exponent == 0.0 {
            Ok(slope)
        } else {
            slope.mul(g)
        }
    }
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        if self.exponent == 0.0 {
            return Tensor::zeros_of(cx.shape(0), cx.dtype(0));
        }
        let x = cx.input(0)?;
        if self.exponent == 2.0 {
            x.mul(2.0)
        } else {
            let below = derived(&x, Dd::from(self.exponent) - Dd::ONE);
            x.pow(below)?.mul(self.exponent)
        }
    }
}

/// `a` to the power `b`, element by element.
#[derive(Clone, Debug)]
pub struct Pow;
define! { Pow: Pointwise "pow_tensor", "torch.pow";
    summary: "Power of two tensors, element by element, with broadcasting.";
    formula: "aᵇ";
    derivative: "b·aᵇ⁻¹ by a, and 0 where b = 0; aᵇ ln a by b, and 0 where a = 0 and b ≥ 0";
    node by |made| if made.number_first() { "PowBackward2" } else { "PowBackward1" };
    proof: { samples: pow_pairs, points: || vec![
        point(Pow, &[&[0.0, 0.0, 1.0, 0.0], &[0.0, 2.0, 0.0, -1.0]],
            &[&[0.0, 0.0, 0.0, f64::NEG_INFINITY], &[0.0, 0.0, 0.0, f64::NEG_INFINITY]]),
    ], errors: || broken_shapes(Pow) }
}

#[cfg(feature = "proof")]
fn pow_pairs() -> Vec<Sample> {
    let mut samples = pairs(Pow);
    samples
        .iter_mut()
        .for_each(|s| s.map_input(0, |a| a.abs() + 0.25));
    samples
}

impl Pow {
    /// Where the derivative is zero by definition, whatever the formula says.
    fn constant(cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let (a, b) = (cx.input(0)?, cx.input(1)?);
        if i == 0 {
            b.eq(0.0)
        } else {
            a.eq(0.0)?.logical_and(&b.ge(0.0)?)
        }
    }

    fn formula(cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let (a, b) = (cx.input(0)?, cx.input(1)?);
        if i == 0 {
            b.mul(&a.pow(&b.sub(1.0)?)?)
        } else {
            cx.output()?.mul(&a.log()?)
        }
    }
}

impl Formula<2> for Pow {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a.powf(b)
    }
}

impl Op for Pow {
    common!();
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].dtype().is_float() {
            return float_zip!(slow x[0], x[1], |a, b: T| Pow.at([a, b]));
        }
        dispatch!(number x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| {
            let (a_wide, b_wide) = (a.to_i64(), b.to_i64());
            match u64::try_from(b_wide) {
                Ok(e) => power(a, e),
                // What is left of 1/aⁿ: only ±1 has any.
                Err(_) if a_wide == 1 => T::UNIT,
                Err(_) if a_wide == -1 && b_wide & 1 == 0 => T::UNIT,
                Err(_) if a_wide == -1 => a,
                Err(_) => T::NIL,
            }
        }), else Err(not_implemented("pow", x[0].dtype())))
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::INPUTS
        } else {
            Reads::INPUTS.and(Reads::OUTPUT)
        }
    }
}

impl rules::Pointwise for Pow {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        let slope = Pow::formula(cx, i)?;
        select(&Pow::constant(cx, i)?.logical_not()?, &slope)
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        // Selected after the product, so that 0·∞ is not seen.
        let pulled = g.mul(&Pow::formula(cx, i)?)?;
        select(&Pow::constant(cx, i)?.logical_not()?, &pulled)
    }
}

/// The power that a number as exponent is: a constant where its digits are those of a double.
fn powered(x: &Tensor, exponent: Operand<'_>, site: Site) -> Result<Tensor> {
    match exponent {
        Operand::Tensor(_) | Operand::Number(Number::Dd(_)) => {
            binary(&Pow, x, exponent, false, site)
        }
        Operand::Number(n) => {
            let dtype = result_type_number(x.dtype(), n);
            let exponent = n.to_f64();
            if !dtype.is_float() && exponent >= 0.0 {
                n.fit(dtype)?;
                if long(n) {
                    return binary(&Pow, x, n.into(), false, site);
                }
            }
            apply_dyn(
                &PowScalar { exponent },
                &[converted(x, dtype, site)?.as_ref()],
                site,
            )
        }
    }
}

/// Whether an integer has more digits than double precision, in which [`PowScalar`] keeps it.
fn long(n: Number) -> bool {
    matches!(n, Number::Int(i) if i.unsigned_abs() > 1 << 53)
}

/// In double precision; double-double stays.
fn wide<'a>(t: &'a Tensor, site: Site) -> Result<Cow<'a, Tensor>> {
    converted(t, t.dtype().promote(DType::F64), site)
}

#[pullback_macros::called]
impl Tensor {
    /// `self` to a power, element by element; the exponent is a number or a tensor. 0⁰ is 1, with derivative 0.
    ///
    /// # Errors
    /// Integers to a negative number; where shapes do not broadcast.
    #[track_caller]
    pub fn pow<'a>(&'a self, exponent: impl Into<Operand<'a>>) -> Result<Tensor> {
        powered(self, exponent.into(), Location::caller())
    }

    /// [`Tensor::pow`], in place.
    ///
    /// # Errors
    /// As [`Tensor::pow`] and [`Tensor::add_`].
    #[track_caller]
    pub fn pow_<'a>(&'a self, exponent: impl Into<Operand<'a>>) -> Result<()> {
        let (site, exponent) = (Location::caller(), exponent.into());
        match exponent {
            Operand::Number(n)
                if !matches!(n, Number::Dd(_))
                    && result_type_number(self.dtype(), n) == self.dtype() =>
            {
                let exponent = n.to_f64();
                if !self.dtype().is_float() && exponent >= 0.0 {
                    n.fit(self.dtype())?;
                    if long(n) {
                        return binary_(&Pow, self, n.into(), false, site);
                    }
                }
                direct_(&PowScalar { exponent }, self, &[], site)
            }
            Operand::Number(n) => {
                let dtype = result_type_number(self.dtype(), n);
                Err(cannot_cast(dtype, self.dtype()))
            }
            Operand::Tensor(_) => binary_(&Pow, self, exponent, false, site),
        }
    }

    /// A number to the power of `self`, element by element: PyTorch's `torch.pow(base, self)`.
    #[track_caller]
    pub fn rpow(&self, base: impl Into<Number>) -> Result<Tensor> {
        let (site, base) = (Location::caller(), base.into());
        let dtype = result_type_number(self.dtype(), base);
        if let (Number::UInt(_), DType::Bool) = (base, self.dtype()) {
            base.fit(dtype)?;
        }
        let base = Tensor::from_array(Array::number(base, dtype)?);
        let exponent = converted(self, dtype, site)?.contiguous()?;
        apply_dyn(&Pow, &[&base, &exponent], site)
    }

    /// `self · self`; truth values become integers.
    #[track_caller]
    pub fn square(&self) -> Result<Tensor> {
        powered(self, 2i64.into(), Location::caller())
    }

    /// [`Tensor::square`], in place.
    ///
    /// # Errors
    /// As [`Tensor::pow_`].
    #[track_caller]
    pub fn square_(&self) -> Result<()> {
        self.pow_(2i64)
    }

    /// The power computed in double precision, whatever the dtypes.
    ///
    /// # Errors
    /// Where shapes do not broadcast.
    #[track_caller]
    pub fn float_power<'a>(&'a self, exponent: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        match exponent.into() {
            Operand::Tensor(t) => powered(&*wide(self, site)?, (&*wide(t, site)?).into(), site),
            number => powered(&*wide(self, site)?, number, site),
        }
    }

    /// [`Tensor::float_power`], in place.
    ///
    /// # Errors
    /// Where the tensor is not in double precision.
    #[track_caller]
    pub fn float_power_<'a>(&'a self, exponent: impl Into<Operand<'a>>) -> Result<()> {
        let site = Location::caller();
        ensure!(
            self.dtype() == DType::F64,
            DType,
            "the base given to float_power_ has dtype {} but the operation's result requires dtype Double",
            self.dtype().scalar_type_name()
        );
        match exponent.into() {
            Operand::Tensor(t) => self.pow_(&*converted(t, DType::F64, site)?),
            number => self.pow_(number),
        }
    }
}
