//! Mixtures of three: interpolation, fused products, choices by a mask.

use super::operand::{
    Operand, apart, cannot_cast, converted, direct_, not_implemented, promote, replace,
};
use super::{Where, common, define};
use crate::apply::{apply, apply_dyn};
use crate::op::{Ctx, Op, Reads};
use crate::tensor::Tensor;
use crate::{Arith, Array, DType, Error, ErrorKind, Number, Real, Result};
use pullback_array::{dispatch, kernels};
use std::borrow::Cow;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Failure, Sample, error, pairs, signed, unary};

#[cfg(feature = "proof")]
fn triples(op: impl Op + Clone) -> Vec<Sample> {
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
fn broken(op: impl Op) -> Vec<Failure> {
    vec![error(
        op,
        &[&[2, 3], &[4], &[]],
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    )]
}

/// PyTorch's form, which hits both ends exactly.
#[inline(always)]
fn interpolate<T: Real>(a: T, b: T, w: T) -> T {
    if w.abs() < T::lit(0.5) {
        a + w * (b - a)
    } else {
        b - (b - a) * (T::ONE - w)
    }
}

/// Interpolation with a tensor of weights.
#[derive(Clone, Debug)]
pub struct Lerp;
define! { Lerp: Pointwise "lerp", "torch.lerp";
    summary: "Linear interpolation between two tensors by a third, element by element, with broadcasting.";
    formula: "a + w(b - a)";
    derivative: "1 - w by a, w by b, b - a by w";
    proof: { samples: || triples(Lerp), errors: || broken(Lerp) }
}

impl Op for Lerp {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::zip3(x[0], x[1], x[2], interpolate::<T>), else
            Err(not_implemented("lerp_kernel_tensor", x[0].dtype())))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            2 => Reads::input(0).and(Reads::input(1)),
            _ => Reads::input(2),
        }
    }
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
    proof: { samples: || pairs(LerpScalar { weight: 0.375 }) }
}

impl Op for LerpScalar {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => {
            let w = T::lit(self.weight);
            kernels::zip(x[0], x[1], |a: T, b: T| interpolate(a, b, w))
        }, else Err(not_implemented("lerp_kernel_scalar", x[0].dtype())))
    }
    fn vjp(&self, _: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        g.mul(if i == 0 {
            1.0 - self.weight
        } else {
            self.weight
        })
    }
}

/// `a + value·b·c`.
#[derive(Clone, Debug)]
pub struct Addcmul {
    /// The factor.
    pub value: Number,
}
define! { Addcmul: Pointwise "addcmul", "torch.addcmul";
    summary: "Sum with a product, element by element, with broadcasting.";
    formula: "a + v·b·c";
    derivative: "1 by a, v·c by b, v·b by c";
    proof: { samples: || triples(Addcmul { value: Number::Float(-0.75) }), errors: || broken(Addcmul { value: Number::Int(1) }) }
}

impl Op for Addcmul {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(number x[0].dtype(), T => {
            let v: T = self.value.cast();
            kernels::zip3(x[0], x[1], x[2], |a: T, b: T, c: T| a.plus(v.times(b).times(c)))
        }, else Err(not_implemented("addcmul_cpu_out", x[0].dtype())))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::NOTHING,
            i => Reads::input(3 - i),
        }
    }
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        match i {
            0 => Tensor::ones(cx.shape(0).clone(), cx.dtype(0)),
            i => cx.input(3 - i)?.mul(self.value),
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => Ok(g.clone()),
            i => g.mul(&self.slope(cx, i)?),
        }
    }
}

/// `a + value·b/c`.
#[derive(Clone, Debug)]
pub struct Addcdiv {
    /// The factor.
    pub value: Number,
}
define! { Addcdiv: Pointwise "addcdiv", "torch.addcdiv";
    summary: "Sum with a quotient, element by element, with broadcasting.";
    formula: "a + v·b/c";
    derivative: "1 by a, v/c by b, -(v/c)(b/c) by c";
    proof: { samples: || triples(Addcdiv { value: Number::Float(-0.75) }), errors: || broken(Addcdiv { value: Number::Int(1) }) }
}

impl Op for Addcdiv {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => {
            let v: T = self.value.cast();
            kernels::zip3(x[0], x[1], x[2], |a: T, b: T, c: T| a + v * b / c)
        }, else Err(not_implemented("addcdiv_cpu_out", x[0].dtype())))
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::NOTHING,
            1 => Reads::input(2),
            _ => Reads::input(1).and(Reads::input(2)),
        }
    }
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor> {
        if i == 0 {
            return Tensor::ones(cx.shape(0).clone(), cx.dtype(0));
        }
        let c = cx.input(2)?;
        let part = Tensor::full([], self.value, c.dtype())?.div(&c)?;
        match i {
            1 => Ok(part),
            _ => part.neg()?.mul(&cx.input(1)?.div(&c)?),
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        match i {
            0 => Ok(g.clone()),
            i => g.mul(&self.slope(cx, i)?),
        }
    }
}

/// Numbers in place of NaN and infinities.
#[derive(Clone, Debug)]
pub struct NanToNum {
    /// In place of NaN; 0 if there is none.
    pub nan: Option<f64>,
    /// In place of ∞; the dtype's largest number if there is none.
    pub posinf: Option<f64>,
    /// In place of -∞; the dtype's lowest number if there is none.
    pub neginf: Option<f64>,
}
define! { NanToNum: Pointwise "nan_to_num", "torch.nan_to_num";
    summary: "Numbers in place of NaN and the infinities, element by element.";
    formula: "x where it is finite";
    derivative: "1 where x is finite, else 0";
    proof: { samples: || unary(NanToNum { nan: None, posinf: None, neginf: None }, signed()) }
}

impl Op for NanToNum {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let most = match x[0].dtype() {
            DType::F32 => f64::from(f32::MAX),
            _ => f64::MAX,
        };
        dispatch!(float x[0].dtype(), T => {
            let nan = T::lit(self.nan.unwrap_or(0.0));
            let high = T::lit(self.posinf.unwrap_or(most));
            let low = T::lit(self.neginf.unwrap_or(-most));
            kernels::map(x[0], |a: T| {
                if a.is_finite() {
                    a
                } else if a.is_nan() {
                    nan
                } else if a > T::ZERO {
                    high
                } else {
                    low
                }
            })
        }, else x[0].copy())
    }
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        cx.input(0)?.isfinite()?.to(cx.dtype(0))
    }
}

/// The name C++ gives a dtype's type, as some of PyTorch's sentences do.
fn cpp_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        DType::U8 => "unsigned char",
        DType::I32 => "int",
        DType::I64 => "long int",
        DType::F32 => "float",
        DType::F64 => "double",
        _ => "double-double",
    }
}

type Site = &'static Location<'static>;

fn same_dtype(x: &Tensor, other: &Tensor, what: &str, site: Site) -> Result<()> {
    if x.dtype() == other.dtype() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::DType,
        format!(
            "expected dtype {} for `{what}` but got dtype {}",
            cpp_name(x.dtype()),
            cpp_name(other.dtype())
        ),
    )
    .op("lerp")
    .at(site))
}

/// A weight in the dtype of the ends; one without dimensions may have another.
fn weight<'a>(x: &Tensor, w: &'a Tensor, site: Site) -> Result<Cow<'a, Tensor>> {
    if w.ndim() > 0 {
        same_dtype(x, w, "weight", site)?;
    }
    converted(w, x.dtype(), site)
}

/// Three operands in their common dtype.
fn promote3<'a>(x: [&'a Tensor; 3], site: Site) -> Result<[Cow<'a, Tensor>; 3]> {
    let dtype = common3(x);
    let [a, b, c] = x.map(|t| converted(t, dtype, site));
    Ok([a?, b?, c?])
}

/// The common dtype: tensors with dimensions decide, the others count where their category is higher.
fn common3([a, b, c]: [&Tensor; 3]) -> DType {
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

const INTEGER_ADDCDIV: &str = "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.";

fn divisible(b: &Tensor, c: &Tensor, site: Site) -> Result<()> {
    if b.dtype().is_float() || c.dtype().is_float() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::DType, INTEGER_ADDCDIV)
        .op("addcdiv")
        .at(site))
}

fn ternary(op: &dyn Op, x: [&Tensor; 3], site: Site) -> Result<Tensor> {
    let [a, b, c] = promote3(x, site)?;
    apply_dyn(op, &[a.as_ref(), b.as_ref(), c.as_ref()], site)
}

fn ternary_(op: &dyn Op, [x, b, c]: [&Tensor; 3], site: Site) -> Result<()> {
    let common = common3([x, b, c]);
    if common.category() > x.dtype().category() {
        return Err(cannot_cast(common, x.dtype()).op(op.def().name).at(site));
    }
    if common != x.dtype() {
        let (b, c) = (apart(x, b, site)?, apart(x, c, site)?);
        return replace(x, &[&b, &c], op.def().name, site, |x| {
            ternary(op, [x, &b, &c], site)
        });
    }
    let (b, c) = (converted(b, common, site)?, converted(c, common, site)?);
    direct_(op, x, &[b.as_ref(), c.as_ref()], site)
}

impl Tensor {
    /// Linear interpolation: `self + weight·(end - self)`, weight a number or a tensor.
    ///
    /// # Errors
    /// Where the dtypes differ or are no floats; where the shapes do not broadcast.
    #[track_caller]
    pub fn lerp<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        same_dtype(self, end, "end", site)?;
        match weight.into() {
            Operand::Number(w) => {
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
        same_dtype(self, end, "end", site)?;
        match weight.into() {
            Operand::Number(w) => {
                let weight = w.to_f64();
                direct_(&LerpScalar { weight }, self, &[end], site)
            }
            Operand::Tensor(w) => {
                let w = self::weight(self, w, site)?;
                direct_(&Lerp, self, &[end, w.as_ref()], site)
            }
        }
    }

    /// `self + value·tensor1·tensor2`, element by element.
    ///
    /// # Errors
    /// Where the shapes do not broadcast.
    #[track_caller]
    pub fn addcmul(
        &self,
        tensor1: &Tensor,
        tensor2: &Tensor,
        value: impl Into<Number>,
    ) -> Result<Tensor> {
        let value = value.into();
        ternary(
            &Addcmul { value },
            [self, tensor1, tensor2],
            Location::caller(),
        )
    }

    /// [`Tensor::addcmul`], in place.
    ///
    /// # Errors
    /// As [`Tensor::addcmul`] and [`Tensor::add_`].
    #[track_caller]
    pub fn addcmul_(
        &self,
        tensor1: &Tensor,
        tensor2: &Tensor,
        value: impl Into<Number>,
    ) -> Result<()> {
        let value = value.into();
        ternary_(
            &Addcmul { value },
            [self, tensor1, tensor2],
            Location::caller(),
        )
    }

    /// `self + value·tensor1/tensor2`, element by element.
    ///
    /// # Errors
    /// Where both divided tensors are integers; where the shapes do not broadcast.
    #[track_caller]
    pub fn addcdiv(
        &self,
        tensor1: &Tensor,
        tensor2: &Tensor,
        value: impl Into<Number>,
    ) -> Result<Tensor> {
        let (site, value) = (Location::caller(), value.into());
        divisible(tensor1, tensor2, site)?;
        ternary(&Addcdiv { value }, [self, tensor1, tensor2], site)
    }

    /// [`Tensor::addcdiv`], in place.
    ///
    /// # Errors
    /// As [`Tensor::addcdiv`] and [`Tensor::add_`].
    #[track_caller]
    pub fn addcdiv_(
        &self,
        tensor1: &Tensor,
        tensor2: &Tensor,
        value: impl Into<Number>,
    ) -> Result<()> {
        let (site, value) = (Location::caller(), value.into());
        divisible(tensor1, tensor2, site)?;
        ternary_(&Addcdiv { value }, [self, tensor1, tensor2], site)
    }

    /// `a` where this mask holds, else `b`; both are tensors or numbers. PyTorch's `torch.where(self, a, b)`.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[-1.0f32, 2.0], [2])?;
    /// assert_eq!(x.gt(0.0)?.choose(&x, 0.0)?.to_vec::<f32>()?, [0.0, 2.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the mask is not bool (or uint8, as PyTorch allows still) or the shapes do not broadcast.
    #[track_caller]
    pub fn choose<'a>(
        &self,
        a: impl Into<Operand<'a>>,
        b: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let mask = match self.dtype() {
            DType::Bool => Cow::Borrowed(self),
            DType::U8 => converted(self, DType::Bool, site)?,
            other => {
                return Err(Error::new(
                    ErrorKind::DType,
                    format!(
                        "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
                        other.scalar_type_name()
                    ),
                )
                .op("where")
                .at(site));
            }
        };
        let own = |n: Number, dtype| Array::number(n, dtype).map(Tensor::from_array);
        let (a, b) = match (a.into(), b.into()) {
            (Operand::Tensor(a), b) => {
                let (a, b) = promote(a, b, site)?;
                (a.into_owned(), b.into_owned())
            }
            (a, Operand::Tensor(b)) => {
                let (b, a) = promote(b, a, site)?;
                (a.into_owned(), b.into_owned())
            }
            (Operand::Number(a), Operand::Number(b)) => {
                let dtype = a.default_dtype().promote(b.default_dtype());
                (own(a, dtype)?, own(b, dtype)?)
            }
        };
        apply(Where, &[mask.as_ref(), &a, &b], site)
    }

    /// `value` where `mask` holds, else this tensor; the value is a number or a tensor without dimensions.
    ///
    /// # Errors
    /// Where the mask is not bool, the value has dimensions, or the shapes do not broadcast.
    #[track_caller]
    pub fn masked_fill<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        let site = Location::caller();
        let fail = |kind, text| Err(Error::new(kind, text).op("masked_fill").at(site));
        if mask.dtype() != DType::Bool {
            let got = cpp_name(mask.dtype());
            let text =
                format!("masked_fill_ only supports boolean masks, but got mask with dtype {got}");
            return fail(ErrorKind::DType, text);
        }
        let value = match value.into() {
            Operand::Number(n) => Cow::Owned(Tensor::from_array(Array::number(n, self.dtype())?)),
            Operand::Tensor(t) if t.ndim() > 0 => {
                let text = format!(
                    "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                    t.ndim()
                );
                return fail(ErrorKind::Shape, text);
            }
            Operand::Tensor(t) => converted(t, self.dtype(), site)?,
        };
        apply(Where, &[mask, value.as_ref(), self], site).map_err(|e| e.op("masked_fill"))
    }

    /// [`Tensor::masked_fill`], in place.
    ///
    /// # Errors
    /// As [`Tensor::masked_fill`]; where the mask does not broadcast to this shape.
    #[track_caller]
    pub fn masked_fill_<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<()> {
        let (site, value) = (Location::caller(), value.into());
        match value {
            Operand::Tensor(t) => {
                let t = apart(self, t, site)?;
                replace(self, &[&t], "masked_fill", site, |x| {
                    x.masked_fill(mask, &*t)
                })
            }
            number => replace(self, &[], "masked_fill", site, |x| {
                x.masked_fill(mask, number)
            }),
        }
    }

    /// Numbers in place of NaN and the infinities: by default 0 and the largest numbers of the dtype, of both signs.
    #[track_caller]
    pub fn nan_to_num(
        &self,
        nan: Option<f64>,
        posinf: Option<f64>,
        neginf: Option<f64>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let op = NanToNum {
            nan,
            posinf,
            neginf,
        };
        apply_dyn(&op, &[self], site)
    }

    /// [`Tensor::nan_to_num`], in place.
    ///
    /// # Errors
    /// A leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn nan_to_num_(
        &self,
        nan: Option<f64>,
        posinf: Option<f64>,
        neginf: Option<f64>,
    ) -> Result<()> {
        let op = NanToNum {
            nan,
            posinf,
            neginf,
        };
        direct_(&op, self, &[], Location::caller())
    }

    /// [`Tensor::logit`], in place.
    ///
    /// # Errors
    /// Where the tensor is no float; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn logit_(&self, eps: Option<f64>) -> Result<()> {
        replace(self, &[], "logit", Location::caller(), |x| x.logit(eps))
    }

    /// [`Tensor::polygamma`], in place.
    ///
    /// # Errors
    /// As [`Tensor::polygamma`]; where the tensor is no float.
    #[track_caller]
    pub fn polygamma_(&self, n: i64) -> Result<()> {
        replace(self, &[], "polygamma", Location::caller(), |x| {
            x.polygamma(n)
        })
    }

    /// [`Tensor::mvlgamma`], in place.
    ///
    /// # Errors
    /// As [`Tensor::mvlgamma`]; where the tensor is no float.
    #[track_caller]
    pub fn mvlgamma_(&self, p: i64) -> Result<()> {
        replace(self, &[], "mvlgamma", Location::caller(), |x| x.mvlgamma(p))
    }

    /// The tensor itself. PyTorch's unary `+`.
    ///
    /// # Errors
    /// For truth values.
    #[track_caller]
    pub fn positive(&self) -> Result<Tensor> {
        if self.dtype() == DType::Bool {
            return Err(Error::new(
                ErrorKind::DType,
                "The `+` operator, on a bool tensor is not supported.",
            )
            .op("positive")
            .at(Location::caller()));
        }
        Ok(self.clone())
    }
}
