//! Choices element by element: by a mask, and of numbers in place of NaN and infinities.

use crate::core::apply::{apply, apply_dyn};
use crate::core::fail::{bail, ensure};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::{direct_, replace, set_apart};
use crate::ops::common::operand::{Operand, converted, promote};
use crate::ops::{Where, common, define};
use crate::{Array, DType, Number, Real, Result};
use pullback_array::{dispatch, kernels};
use std::borrow::Cow;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{signed, unary};

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
        let most = x[0].dtype().largest().min(f64::MAX);
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
}

impl rules::Pointwise for NanToNum {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        cx.input(0)?.isfinite()?.to(cx.dtype(0))
    }
}

#[pullback_macros::called]
impl Tensor {
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
                bail!(
                    DType,
                    "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
                    other.scalar_type_name()
                );
            }
        };
        let own = |n: Number, dtype| Array::number(n, dtype).map(Tensor::from_array);
        let fits = |n: Operand<'_>, dtype| match n {
            Operand::Number(n) => n.fit(dtype),
            Operand::Tensor(_) => Ok(()),
        };
        let (a, b) = match (a.into(), b.into()) {
            (Operand::Tensor(a), n) => {
                let (a, b) = promote(a, n, site)?;
                fits(n, a.dtype())?;
                (a.into_owned(), b.into_owned())
            }
            (n, Operand::Tensor(b)) => {
                let (b, a) = promote(b, n, site)?;
                fits(n, a.dtype())?;
                (a.into_owned(), b.into_owned())
            }
            (Operand::Number(a), Operand::Number(b)) => {
                let dtype = a.default_dtype().promote(b.default_dtype());
                fits(a.into(), dtype)?;
                fits(b.into(), dtype)?;
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
        ensure!(
            mask.dtype() == DType::Bool,
            DType,
            "masked_fill_ only supports boolean masks, but got mask with dtype {}",
            mask.dtype().cpp_name()
        );
        let value = match value.into() {
            Operand::Number(n) => {
                n.fit(self.dtype())?;
                Cow::Owned(Tensor::from_array(Array::number(n, self.dtype())?))
            }
            Operand::Tensor(t) if t.ndim() > 0 => {
                bail!(
                    Shape,
                    "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {} dimension(s).",
                    t.ndim()
                );
            }
            Operand::Tensor(t) => {
                if t.dtype() != self.dtype()
                    && !t.array().is_meta()
                    && !crate::core::watch::varies(t)
                {
                    t.number()?.fit(self.dtype())?;
                }
                converted(t, self.dtype(), site)?
            }
        };
        // PyTorch's copy is row-major.
        let (mask, x) = (mask.contiguous()?, self.contiguous()?);
        apply(Where, &[&mask, value.as_ref(), &x], site).map_err(|e| e.op("masked_fill"))
    }

    /// [`Tensor::masked_fill`], in place.
    ///
    /// # Errors
    /// As [`Tensor::masked_fill`]; where the mask does not broadcast to this shape.
    #[track_caller]
    pub fn masked_fill_<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<()> {
        let (site, value) = (Location::caller(), value.into());
        crate::core::overlap::same_or_apart(&self.array(), &mask.array())?;
        match value {
            Operand::Tensor(t) => {
                let t = set_apart(self, t, site)?;
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

    /// The tensor itself. PyTorch's unary `+`.
    ///
    /// # Errors
    /// For truth values.
    #[track_caller]
    pub fn positive(&self) -> Result<Tensor> {
        ensure!(
            self.dtype() != DType::Bool,
            Unsupported,
            "The `+` operator, on a bool tensor is not supported."
        );
        Ok(self.clone())
    }
}
