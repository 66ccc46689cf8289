//! Elements kept between bounds, which are numbers or tensors.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::number_like;
use crate::ops::common::gate::{no_form, select};
use crate::ops::common::methods::{apart, cannot_cast, direct_, replace};
use crate::ops::common::operand::{Operand, converted, result_type, result_type_number};
use crate::ops::{ClampTensor, Limit, common, define};
use crate::{Array, DType, Error, Number, Result};
use pullback_array::dd::Dd;
use pullback_array::{Element, Expression, Formula, Scalar, dispatch, kernels};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{points1, signed, unary};

/// What is decided about an element: it stays, or it becomes the lower or the upper bound. At a bound that is a tensor's it is shared;
/// where a NaN takes part PyTorch's masks leave nobody, or x and the upper bound.
pub(in crate::ops) const INSIDE: i64 = 0;
pub(in crate::ops) const LOW: i64 = 1;
pub(in crate::ops) const HIGH: i64 = 2;
pub(in crate::ops) const LOW_TIE: i64 = 3;
pub(in crate::ops) const HIGH_TIE: i64 = 4;
pub(in crate::ops) const NOBODY: i64 = 5;
pub(in crate::ops) const BOTH: i64 = 6;

/// Elements kept between two numbers.
#[derive(Clone, Debug)]
pub struct Clamp {
    /// The lower bound.
    pub min: Option<Number>,
    /// The upper bound; it wins over the lower one.
    pub max: Option<Number>,
}
define! { Clamp: Gate "clamp", "torch.clamp";
    summary: "Elements kept between two numbers, either of which may be missing.";
    formula: "min(max(x, low), high)";
    derivative: "g where low < x < high, else 0";
    convention: "at the bounds the gradient is 0, as in PyTorch; NaN stays and passes none";
    node: "ClampBackward1";
    proof: { samples: || {
        let at = |min: Option<f64>, max: Option<f64>| unary(Clamp { min: min.map(Number::Float), max: max.map(Number::Float) }, signed());
        [at(Some(-0.75), Some(1.5)), at(Some(0.25), None), at(None, Some(0.25)), at(Some(2.0), Some(1.0))].concat()
    }, points: || points1(Clamp { min: Some(Number::Float(-1.0)), max: Some(Number::Float(2.0)) },
        &[(-1.0, 0.0), (2.0, 0.0), (-1.5, 0.0), (2.5, 0.0), (0.5, 1.0), (f64::NAN, 0.0)]) }
}

/// PyTorch's order of comparisons: NaN stays, an equal element stays itself.
#[inline(always)]
pub(in crate::ops) fn above<T: PartialOrd>(x: T, low: T) -> T {
    if x < low { low } else { x }
}

#[inline(always)]
pub(in crate::ops) fn below<T: PartialOrd>(x: T, high: T) -> T {
    if x > high { high } else { x }
}

/// A float kept between bounds, by the same comparisons.
#[inline(always)]
fn kept<T: Scalar>(x: T, low: Option<T>, high: Option<T>) -> T {
    let x = match low {
        Some(low) => T::choose(x.below(low), || low, || x),
        None => x,
    };
    match high {
        Some(high) => T::choose(x.above(high), || high, || x),
        None => x,
    }
}

impl Formula<1> for Clamp {
    #[inline(always)]
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        let own = |n: Number| T::constant(n.cast::<Dd>());
        kept(x, self.min.map(own), self.max.map(own))
    }
}

impl Clamp {
    /// Whether a bound is not a number: then nothing else is.
    fn is_nan(&self) -> bool {
        [self.min, self.max]
            .iter()
            .flatten()
            .any(|n| n.to_f64().is_nan())
    }

    fn bounds<T: Element>(&self) -> (Option<T>, Option<T>) {
        (self.min.map(Number::cast), self.max.map(Number::cast))
    }

    fn inside(&self, x: &Tensor) -> Result<Tensor> {
        match (self.min, self.max) {
            (Some(low), Some(high)) => x.gt(low)?.logical_and(&x.lt(high)?),
            (Some(low), None) => x.gt(low),
            (None, Some(high)) => x.lt(high),
            (None, None) => x.eq(x),
        }
    }
}

impl Op for Clamp {
    common!(native);
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        (!self.is_nan()).then(|| Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].dtype().is_float() && self.is_nan() {
            return Array::full(x[0].shape().clone(), f64::NAN, x[0].dtype());
        }
        if let (None, None) = (self.min, self.max) {
            return x[0].copy();
        }
        // The bounds are converted once, and which there are is asked once.
        dispatch!(float x[0].dtype(), T => match self.bounds::<T>() {
            (Some(low), Some(high)) => kernels::map(x[0], |a: T| kept(a, Some(low), Some(high))),
            (Some(low), None) => kernels::map(x[0], |a: T| kept(a, Some(low), None)),
            (None, high) => kernels::map(x[0], |a: T| kept(a, None, high)),
        }, else dispatch!(number x[0].dtype(), T => match self.bounds::<T>() {
            (Some(low), Some(high)) => kernels::map(x[0], |a: T| below(above(a, low), high)),
            (Some(low), None) => kernels::map(x[0], |a: T| above(a, low)),
            (None, Some(high)) => kernels::map(x[0], |a: T| below(a, high)),
            (None, None) => x[0].copy(),
        }, else Err(no_form("clamp", x[0]))))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl rules::Gate for Clamp {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        select(&self.inside(&cx.input(0)?)?, g)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        let (low, high) = (self.min.map(Number::to_f64), self.max.map(Number::to_f64));
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| {
            if high.is_some_and(|h| a >= T::lit(h)) || matches!((low, high), (Some(l), Some(h)) if h < l) {
                HIGH
            } else if low.is_some_and(|l| a <= T::lit(l)) {
                LOW
            } else if a.is_nan() {
                NOBODY
            } else {
                INSIDE
            }
        }), else Err(no_form("clamp", x[0])))
        .map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let bound = |n: Option<Number>| number_like(&x[0], n.map_or(0.0, Number::to_f64));
        let at = |code: i64, n, other: &Tensor| bound(n)?.where_(&decision.eq(code)?, other);
        at(LOW, self.min, &at(HIGH, self.max, &x[0])?)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let (low, high) = (self.min.map(Number::to_f64), self.max.map(Number::to_f64));
        if matches!((low, high), (Some(l), Some(h)) if h < l) {
            return Array::full(x[0].shape().clone(), f64::INFINITY, x[0].dtype()).map(Some);
        }
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| {
            let to = |n: Option<f64>| n.map_or(T::lit(f64::INFINITY), |n| (a - T::lit(n)).abs());
            let (l, h) = (to(low), to(high));
            if l < h { l } else { h }
        }), else Err(no_form("clamp", x[0])))
        .map(Some)
    }
}

/// The dtype of a clamp with these bounds.
fn common_dtype(x: &Tensor, bounds: [Option<Operand<'_>>; 2]) -> DType {
    (bounds.into_iter().flatten()).fold(x.dtype(), |dtype, bound| match bound {
        Operand::Tensor(t) => dtype.promote(result_type(x, t)),
        Operand::Number(n) => dtype.promote(result_type_number(x.dtype(), n)),
    })
}

/// A bound as the dtype has it: none where every element is on its side, an error where none is. What an integer's dtype cannot
/// hold never wraps.
pub(in crate::ops) fn bound(n: Number, lower: bool, dtype: DType) -> Result<Option<Number>> {
    let harmless = match lower {
        true => Ordering::Less,
        false => Ordering::Greater,
    };
    match n.beside(dtype) {
        Ordering::Equal if dtype.is_float() => n.fit(dtype).map(|()| Some(n)),
        Ordering::Equal => Ok(Some(n)),
        side if side == harmless => Ok(None),
        _ => Err(error!(
            Argument,
            "Clamp {} value {} is outside the representable range of {}",
            if lower { "min" } else { "max" },
            shown(n),
            dtype.scalar_type_name()
        )),
    }
}

/// A number as C++ prints it: six digits.
fn shown(n: Number) -> String {
    let x = n.to_f64();
    if x.abs() < 1e6 {
        return n.to_string();
    }
    let text = format!("{x:.5e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}e+{exponent:0>2}")
}

/// Both bounds, if they are numbers, as the dtype has them.
fn bounds<'a>(bounds: [Option<Operand<'a>>; 2], dtype: DType) -> Result<[Option<Operand<'a>>; 2]> {
    let of = |b, lower| match b {
        Some(Operand::Number(n)) => bound(n, lower, dtype).map(|n| n.map(Operand::Number)),
        other => Ok(other),
    };
    Ok([of(bounds[0], true)?, of(bounds[1], false)?])
}

fn no_bounds() -> Error {
    error!(
        Argument,
        "torch.clamp: At least one of 'min' or 'max' must not be None"
    )
}

fn clamped(
    x: &Tensor,
    min: Option<Operand<'_>>,
    max: Option<Operand<'_>>,
    site: Site,
) -> Result<Tensor> {
    let dtype = common_dtype(x, [min, max]);
    let x = converted(x, dtype, site)?;
    if min.is_none() && max.is_none() {
        return Err(no_bounds());
    }
    let [min, max] = bounds([min, max], dtype)?;
    let numbers = |b: Option<Operand<'_>>| match b {
        None => Ok(None),
        Some(Operand::Number(n)) => Ok(Some(n)),
        Some(Operand::Tensor(_)) => Err(()),
    };
    match (numbers(min), numbers(max)) {
        (Ok(min), Ok(max)) => apply_dyn(&Clamp { min, max }, &[x.as_ref()], site),
        _ => {
            let tensor = |b| match b {
                Operand::Tensor(t) => converted(t, dtype, site),
                Operand::Number(n) => {
                    Array::number(n, dtype).map(|a| Cow::Owned(Tensor::from_array(a)))
                }
            };
            let (min, max) = (min.map(tensor).transpose()?, max.map(tensor).transpose()?);
            for bound in [&min, &max].into_iter().flatten() {
                // The errors name x first.
                let common = x.shape().broadcast(bound.shape());
                common?;
            }
            match (min, max) {
                (Some(low), Some(high)) => apply_dyn(
                    &ClampTensor,
                    &[x.as_ref(), low.as_ref(), high.as_ref()],
                    site,
                ),
                // Of zeros with different signs the second stays: x, as in PyTorch.
                (Some(low), None) => {
                    apply_dyn(&crate::ops::Maximum, &[low.as_ref(), x.as_ref()], site)
                }
                (_, Some(high)) => {
                    apply_dyn(&crate::ops::Minimum, &[high.as_ref(), x.as_ref()], site)
                }
                (None, None) => Err(no_bounds()),
            }
        }
    }
}

fn clamped_(
    x: &Tensor,
    min: Option<Operand<'_>>,
    max: Option<Operand<'_>>,
    site: Site,
) -> Result<()> {
    let dtype = common_dtype(x, [min, max]);
    if dtype.category() > x.dtype().category() {
        return Err(cannot_cast(dtype, x.dtype()));
    }
    if min.is_none() && max.is_none() {
        return Err(no_bounds());
    }
    let [min, max] = bounds([min, max], dtype)?;
    match (min, max) {
        (None | Some(Operand::Number(_)), None | Some(Operand::Number(_)))
            if dtype == x.dtype() =>
        {
            let number = |b| match b {
                Some(Operand::Number(n)) => Some(n),
                _ => None,
            };
            let (min, max) = (number(min), number(max));
            direct_(&Clamp { min, max }, x, &[], site)
        }
        _ => {
            let own = |b: Option<Operand<'_>>| {
                b.map(|b| match b {
                    Operand::Tensor(t) => apart(x, t, site).map(|t| Ok(t.into_owned())),
                    Operand::Number(n) => Ok(Err(n)),
                })
                .transpose()
            };
            let (min, max) = (own(min)?, own(max)?);
            fn lend(b: &Option<std::result::Result<Tensor, Number>>) -> Option<Operand<'_>> {
                b.as_ref().map(|b| match b {
                    Ok(t) => t.into(),
                    Err(n) => Operand::Number(*n),
                })
            }
            let others: Vec<&Tensor> = [&min, &max]
                .into_iter()
                .flatten()
                .filter_map(|b| b.as_ref().ok())
                .collect();
            replace(x, &others, "clamp", site, |x| {
                clamped(x, lend(&min), lend(&max), site)
            })
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Elements kept between `min` and `max`, which are numbers or tensors; either may be left open by `..`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[-1.0f32, 0.5, 2.0], [3])?;
    /// assert_eq!(x.clamp(0.0, 1.0)?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    /// assert_eq!(x.clamp(.., 1.0)?.to_vec::<f32>()?, [-1.0, 0.5, 1.0]);
    /// assert_eq!(x.clamp(&x.neg()?, ..)?.to_vec::<f32>()?, [1.0, 0.5, 2.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where both are open; where shapes do not broadcast.
    #[track_caller]
    pub fn clamp<'a>(
        &self,
        min: impl Into<Limit<'a>>,
        max: impl Into<Limit<'a>>,
    ) -> Result<Tensor> {
        clamped(self, min.into().0, max.into().0, Location::caller())
    }

    /// [`Tensor::clamp`], in place.
    ///
    /// # Errors
    /// As [`Tensor::clamp`] and [`Tensor::add_`].
    #[track_caller]
    pub fn clamp_<'a>(&self, min: impl Into<Limit<'a>>, max: impl Into<Limit<'a>>) -> Result<()> {
        clamped_(self, min.into().0, max.into().0, Location::caller())
    }

    /// Elements that are less than `min` become it.
    #[track_caller]
    pub fn clamp_min<'a>(&self, min: impl Into<Operand<'a>>) -> Result<Tensor> {
        clamped(self, Some(min.into()), None, Location::caller())
    }

    /// [`Tensor::clamp_min`], in place.
    #[track_caller]
    pub fn clamp_min_<'a>(&self, min: impl Into<Operand<'a>>) -> Result<()> {
        clamped_(self, Some(min.into()), None, Location::caller())
    }

    /// Elements that are greater than `max` become it.
    #[track_caller]
    pub fn clamp_max<'a>(&self, max: impl Into<Operand<'a>>) -> Result<Tensor> {
        clamped(self, None, Some(max.into()), Location::caller())
    }

    /// [`Tensor::clamp_max`], in place.
    #[track_caller]
    pub fn clamp_max_<'a>(&self, max: impl Into<Operand<'a>>) -> Result<()> {
        clamped_(self, None, Some(max.into()), Location::caller())
    }
}
