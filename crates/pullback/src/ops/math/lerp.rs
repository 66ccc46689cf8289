//! Interpolation, and what operations of three operands share. Sums with a product or a quotient are in `addc`.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::fail::error;
use crate::core::history::in_place_dyn;
use crate::core::op::{Ctx, Op, Reads, pulled};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::derived;
use crate::ops::common::methods::{apart, cannot_cast, direct_, not_implemented, replace};
use crate::ops::common::operand::{Operand, converted};
use crate::{Array, DType, Dd, Result};
use pullback_array::{Expression, Formula, Scalar, dispatch, kernels};
use std::borrow::Cow;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Failure, Sample, error, pairs};

#[cfg(feature = "proof")]
pub(super) fn triples(op: impl Op + Clone) -> Vec<Sample> {
    let a = [0.6, -1.3, 2.2, -0.4, 1.7, -2.6];
    let b = [1.1, 0.7, -1.9, 2.4, -0.8, 0.3];
    let c = [0.3, 0.9, -0.5, 1.4, 0.25, -1.2];
    let of = |s: [&[usize]; 3]| {
        let n = s.map(|s| s.iter().product::<usize>());
        let inputs = [(s[0], &a[..n[0]]), (s[1], &b[..n[1]]), (s[2], &c[..n[2]])];
        Sample::new(op.clone(), &inputs)
    };
    vec![
        of([&[6], &[6], &[6]]),
        of([&[2, 3], &[3], &[2, 1]]),
        of([&[], &[2], &[]]),
        of([&[], &[], &[]]),
        of([&[0, 3], &[3], &[]]),
    ]
}

#[cfg(feature = "proof")]
pub(super) fn broken(op: impl Op) -> Vec<Failure> {
    vec![error(
        op,
        &[&[2, 3], &[4], &[]],
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    )]
}

/// PyTorch's form, which hits both ends exactly.
#[inline(always)]
fn interpolate<T: Scalar>(a: T, b: T, w: T) -> T {
    T::choose(
        w.abs().below(T::lit(0.5)),
        || a + w * (b - a),
        || b - (b - a) * (T::ONE - w),
    )
}

/// Interpolation with a tensor of weights.
#[derive(Clone, Debug)]
pub struct Lerp;
define! { Lerp: Pointwise "lerp", "torch.lerp";
    summary: "Linear interpolation between two tensors by a third, element by element, with broadcasting.";
    formula: "a + w(b - a)";
    derivative: "1 - w by a, w by b, b - a by w";
    node: "LerpBackward1";
    proof: { samples: || triples(Lerp), errors: || broken(Lerp) }
}

impl Formula<3> for Lerp {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b, w]: [T; 3]) -> T {
        interpolate(a, b, w)
    }
}

impl Op for Lerp {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip3(x[0], x[1], x[2], |a: T, b: T, w: T| self.at([a, b, w])), else
            Err(not_implemented("lerp_kernel_tensor", x[0].dtype())))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            2 => Reads::input(0).and(Reads::input(1)),
            _ => Reads::input(2),
        }
    }
}

impl rules::Pointwise for Lerp {
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        match i {
            0 => cx.input(2)?.neg()?.add(1.0),
            1 => cx.input(2),
            _ => cx.input(1)?.sub(&cx.input(0)?),
        }
    }
}

/// Interpolation with a number as weight.
#[derive(Clone, Debug)]
pub struct LerpScalar {
    /// The weight of the second tensor.
    pub weight: f64,
}
define! { LerpScalar: Linear "lerp_scalar", "torch.lerp";
    summary: "Linear interpolation between two tensors by a number, element by element, with broadcasting.";
    formula: "a + w(b - a)";
    derivative: "1 - w by a, w by b";
    node: "LerpBackward0";
    proof: { samples: || pairs(LerpScalar { weight: 0.375 }) }
}

impl Formula<2> for LerpScalar {
    #[inline(always)]
    fn at<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        interpolate(a, b, T::lit(self.weight))
    }
}

impl Op for LerpScalar {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip(x[0], x[1], |a: T, b: T| self.at([a, b])), else Err(not_implemented("lerp_kernel_scalar", x[0].dtype())))
    }
}

impl rules::Linear for LerpScalar {
    fn vjp(&self, _: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => g.mul(derived(g, Dd::ONE - Dd::from(self.weight))),
            _ => g.mul(self.weight),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        // Not the interpolation itself: an infinite tangent would be taken from itself.
        pulled(self, cx, t)
    }
}

fn same_dtype(x: &Tensor, other: &Tensor, what: &str) -> Result<()> {
    if x.dtype() == other.dtype() {
        return Ok(());
    }
    Err(error!(
        DType,
        "expected dtype {} for `{what}` but got dtype {}",
        x.dtype().cpp_name(),
        other.dtype().cpp_name()
    ))
}

/// A weight in the dtype of the ends; one without dimensions may have another.
fn weight<'a>(x: &Tensor, w: &'a Tensor, site: Site) -> Result<Cow<'a, Tensor>> {
    if w.ndim() > 0 {
        same_dtype(x, w, "weight")?;
    }
    converted(w, x.dtype(), site)
}

/// Three operands in their common dtype.
pub(super) fn promote3<'a>(x: [&'a Tensor; 3], site: Site) -> Result<[Cow<'a, Tensor>; 3]> {
    let dtype = common3(x);
    let [a, b, c] = x.map(|t| converted(t, dtype, site));
    Ok([a?, b?, c?])
}

/// The common dtype: tensors with dimensions decide, the others count where their category is higher.
pub(super) fn common3([a, b, c]: [&Tensor; 3]) -> DType {
    let mut ranks = [None::<DType>; 2];
    for t in [a, b, c] {
        let rank = &mut ranks[usize::from(t.ndim() == 0)];
        *rank = Some(rank.map_or(t.dtype(), |d| d.promote(t.dtype())));
    }
    match ranks {
        [Some(high), Some(low)] if low.category() > high.category() => high.promote(low),
        [Some(high), _] => high,
        [None, low] => low.unwrap_or(a.dtype()),
    }
}

pub(super) fn ternary(op: &dyn Op, x: [&Tensor; 3], site: Site) -> Result<Tensor> {
    let [a, b, c] = promote3(x, site)?;
    apply_dyn(op, &[a.as_ref(), b.as_ref(), c.as_ref()], site)
}

/// An operation of three over its first operand; `write` computes it in the operand's memory, where it can.
pub(super) fn ternary_(
    op: &dyn Op,
    [x, b, c]: [&Tensor; 3],
    site: Site,
    write: impl Fn(&Array, &Array, &Array) -> Result<bool>,
) -> Result<()> {
    let common = common3([x, b, c]);
    if common.category() > x.dtype().category() {
        return Err(cannot_cast(common, x.dtype()));
    }
    if common != x.dtype() {
        let (b, c) = (apart(x, b, site)?, apart(x, c, site)?);
        return replace(x, &[&b, &c], op.def().name, site, |x| {
            ternary(op, [x, &b, &c], site)
        });
    }
    let (b, c) = (converted(b, common, site)?, converted(c, common, site)?);
    in_place_dyn(op, x, &[b.as_ref(), c.as_ref()], site, &mut |x| {
        write(x, &b.array(), &c.array())
    })
}

#[pullback_macros::called]
impl Tensor {
    /// Linear interpolation: `self + weight·(end - self)`, weight a number or a tensor.
    ///
    /// # Errors
    /// Where the dtypes differ or are no floats; where the shapes do not broadcast.
    #[track_caller]
    pub fn lerp<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        same_dtype(self, end, "end")?;
        match weight.into() {
            Operand::Number(w) => {
                if self.dtype().is_float() {
                    w.fit(self.dtype())?;
                }
                let weight = w.to_f64();
                apply_dyn(&LerpScalar { weight }, &[self, end], site)
            }
            Operand::Tensor(w) => {
                let w = self::weight(self, w, site)?;
                apply_dyn(&Lerp, &[self, end, w.as_ref()], site)
            }
        }
    }

    /// [`Tensor::lerp`], in place.
    ///
    /// # Errors
    /// As [`Tensor::lerp`] and [`Tensor::add_`].
    #[track_caller]
    pub fn lerp_<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<()> {
        let site = Location::caller();
        same_dtype(self, end, "end")?;
        match weight.into() {
            Operand::Number(w) => {
                if self.dtype().is_float() {
                    w.fit(self.dtype())?;
                }
                let weight = w.to_f64();
                direct_(&LerpScalar { weight }, self, &[end], site)
            }
            Operand::Tensor(w) => {
                let w = self::weight(self, w, site)?;
                direct_(&Lerp, self, &[end, w.as_ref()], site)
            }
        }
    }
}
