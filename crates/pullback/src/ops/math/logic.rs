//! Questions about elements, answered by truth values: NaN, infinities, signs, closeness, and logic of the answers.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::fail::bail;
use crate::core::op::Op;
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Real, Result};
use pullback_array::{dispatch, kernels};
use pullback_random::digits::Streamed;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, signed, unary};

macro_rules! questions {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal $torch:literal $method:ident; $summary:literal; $formula:literal;
        float |$x:ident: $T:ident| $value:expr; integer |$i:ident| $int:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Cut $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "none: the result is bool";
            proof: { samples: || unary($op, signed()) }
        }

        impl Op for $op {
            common!();
            fn elementwise(&self) -> bool {
                true
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), $T => kernels::map(x[0], |$x: $T| $value), else {
                    let exact = kernels::cast(x[0], DType::I64)?;
                    kernels::map(&exact, |$i: i64| $int)
                })
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self) -> Result<Tensor> {
                apply_dyn(&$op, &[self], Location::caller())
            }
        }
    )*};
}

questions! {
    /// Which elements are NaN.
    Isnan "isnan" "torch.isnan" isnan; "Whether an element is NaN."; "x ≠ x";
    float |x: T| x.is_nan(); integer |_i| false;

    /// Which elements are infinite, of either sign.
    Isinf "isinf" "torch.isinf" isinf; "Whether an element is infinite."; "|x| = ∞";
    float |x: T| !x.is_finite() && !x.is_nan(); integer |_i| false;

    /// Which elements are neither infinite nor NaN.
    Isfinite "isfinite" "torch.isfinite" isfinite; "Whether an element is neither infinite nor NaN."; "|x| < ∞";
    float |x: T| x.is_finite(); integer |_i| true;

    /// Which elements are +∞.
    Isposinf "isposinf" "torch.isposinf" isposinf; "Whether an element is positively infinite."; "x = ∞";
    float |x: T| x == T::lit(f64::INFINITY); integer |_i| false;

    /// Which elements are -∞.
    Isneginf "isneginf" "torch.isneginf" isneginf; "Whether an element is negatively infinite."; "x = -∞";
    float |x: T| x == T::lit(f64::NEG_INFINITY); integer |_i| false;

    /// Which elements are real numbers: all, since there are no complex ones.
    Isreal "isreal" "torch.isreal" isreal; "Whether an element is real: all are."; "true";
    float |_x: T| true; integer |_i| true;

    /// Which elements have their sign bit set: negative numbers, -0.
    Signbit "signbit" "torch.signbit" signbit; "Whether the sign bit is set."; "x < 0 or x = -0";
    float |x: T| x.is_sign_negative(); integer |i| i < 0;

    /// Which elements are zero.
    LogicalNot "logical_not" "torch.logical_not" logical_not; "Whether an element is zero."; "x = 0";
    float |x: T| x == T::ZERO; integer |i| i == 0;
}

macro_rules! logic {
    ($(
        $(#[$doc:meta])*
        $op:ident $name:literal $torch:literal $method:ident $method_:ident; $summary:literal; $formula:literal; |$a:ident, $b:ident| $value:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op;
        define! { $op: Cut $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: "none: the result is bool";
            proof: { samples: || {
                let of = |s: &[usize], a: &[f64], t: &[usize], b: &[f64]|
                    Sample::mixed($op, vec![(s.to_vec(), a.to_vec(), DType::Bool), (t.to_vec(), b.to_vec(), DType::Bool)]);
                vec![of(&[4], &[0.0, 0.0, 1.0, 1.0], &[4], &[0.0, 1.0, 0.0, 1.0]), of(&[2, 1], &[0.0, 1.0], &[2], &[0.0, 1.0]),
                    of(&[], &[1.0], &[3], &[0.0, 1.0, 0.0]), of(&[0, 2], &[], &[2], &[0.0, 1.0])]
            } }
        }

        impl Op for $op {
            common!();
            fn elementwise(&self) -> bool {
                true
            }
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                kernels::zip(x[0], x[1], |$a: bool, $b: bool| $value)
            }
        }

        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            /// What is not zero counts as true, NaN too.
            ///
            /// # Errors
            /// Where the shapes do not broadcast.
            #[track_caller]
            pub fn $method(&self, other: &Tensor) -> Result<Tensor> {
                let site = Location::caller();
                let truth = |t| crate::ops::common::operand::converted(t, DType::Bool, site);
                apply_dyn(&$op, &[truth(self)?.as_ref(), truth(other)?.as_ref()], site)
            }

            #[doc = concat!("[`Tensor::", stringify!($method), "`], in place: zeros and ones of the tensor's dtype.")]
            ///
            /// # Errors
            /// As [`Tensor::add_`].
            #[track_caller]
            pub fn $method_(&self, other: &Tensor) -> Result<()> {
                let site = Location::caller();
                crate::core::overlap::same_or_apart(&self.array(), &other.array())?;
                self.overwrite(&self.$method(other)?, $name, site)
            }
        }
    )*};
}

logic! {
    /// Both, element by element.
    LogicalAnd "logical_and" "torch.logical_and" logical_and logical_and_;
    "Whether both are not zero, element by element, with broadcasting."; "a ∧ b"; |a, b| a & b;

    /// One or both, element by element.
    LogicalOr "logical_or" "torch.logical_or" logical_or logical_or_;
    "Whether one or both are not zero, element by element, with broadcasting."; "a ∨ b"; |a, b| a | b;

    /// Exactly one, element by element.
    LogicalXor "logical_xor" "torch.logical_xor" logical_xor logical_xor_;
    "Whether exactly one is not zero, element by element, with broadcasting."; "a ⊕ b"; |a, b| a ^ b;
}

/// Comparisons in place: zeros and ones of the tensor's own dtype.
macro_rules! compare_ {
    ($($name:ident $name_:ident)*) => {
        #[pullback_macros::called]
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($name), "`], in place: zeros and ones of the tensor's dtype.")]
            ///
            /// # Errors
            /// As [`Tensor::add_`].
            #[track_caller]
            pub fn $name_<'a>(&'a self, other: impl Into<crate::ops::Operand<'a>>) -> Result<()> {
                let (site, other) = (Location::caller(), other.into());
                if let crate::ops::Operand::Tensor(t) = other {
                    crate::core::overlap::same_or_apart(&self.array(), &t.array())?;
                }
                self.overwrite(&self.$name(other)?, stringify!($name), site)
            }
        )*}
    };
}
compare_! { eq eq_ ne ne_ lt lt_ le le_ gt gt_ ge ge_ }

/// How near two numbers must be for [`Tensor::isclose`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Closeness {
    /// In proportion to the second.
    pub rtol: f64,
    /// Absolutely.
    pub atol: f64,
    /// Whether NaN is near NaN.
    pub equal_nan: bool,
}

setters!([] Closeness {
    rtol: f64,
    atol: f64,
    equal_nan: bool,
});

impl Default for Closeness {
    fn default() -> Self {
        Closeness {
            rtol: 1e-5,
            atol: 1e-8,
            equal_nan: false,
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// [`Tensor::logical_not`], in place: zeros and ones of the tensor's dtype.
    ///
    /// # Errors
    /// As [`Tensor::add_`].
    #[track_caller]
    pub fn logical_not_(&self) -> Result<()> {
        self.overwrite(&self.logical_not()?, "logical_not", Location::caller())
    }

    /// Which elements are near: |self - other| ≤ atol + rtol·|other|, or equal.
    ///
    /// ```
    /// # use pullback::{Closeness, Tensor};
    /// let a = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let near = a.isclose(&a.add(1e-7)?, Closeness::default())?;
    /// assert_eq!(near.to_vec::<bool>()?, [true, true]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the dtypes differ, a tolerance is negative, or shapes do not broadcast.
    #[track_caller]
    pub fn isclose(&self, other: &Tensor, how: Closeness) -> Result<Tensor> {
        let (a, b) = (self.detach(), other.detach());
        if a.dtype() != b.dtype() {
            let names = [&a, &b].map(|t| t.dtype().scalar_type_name());
            bail!(DType, "{} did not match {}", names[0], names[1]);
        }
        for (name, tolerance) in [("rtol", how.rtol), ("atol", how.atol)] {
            if tolerance < 0.0 || tolerance.is_nan() {
                bail!(
                    Argument,
                    "{name} must be greater than or equal to zero, but got {}",
                    Streamed(tolerance)
                );
            }
        }
        let mut close = a.eq(&b)?;
        if how.equal_nan && a.dtype().is_float() {
            close = close.logical_or(&a.isnan()?.logical_and(&b.isnan()?)?)?;
        }
        if how.rtol == 0.0 && how.atol == 0.0 {
            return Ok(close);
        }
        let b = crate::ops::common::operand::floating(&b, Location::caller())?;
        let allowed = b.mul(how.rtol)?.abs()?.add(how.atol)?;
        let actual = a.sub(b.as_ref())?.abs()?;
        let near = actual.isfinite()?.logical_and(&actual.le(&allowed)?)?;
        close.logical_or(&near)
    }

    /// Whether all elements are near; see [`Tensor::isclose`].
    ///
    /// # Errors
    /// As [`Tensor::isclose`].
    #[track_caller]
    pub fn allclose(&self, other: &Tensor, how: Closeness) -> Result<bool> {
        let close = self.isclose(other, how)?.array().numbers::<bool>()?;
        Ok(close.into_iter().all(|c| c))
    }

    /// Whether shapes and all elements are equal; NaN equals nothing. PyTorch's `torch.equal`.
    ///
    /// # Errors
    /// None but those of reading memory that another thread writes.
    #[track_caller]
    pub fn equal(&self, other: &Tensor) -> Result<bool> {
        if self.shape() != other.shape() {
            return Ok(false);
        }
        let equal = self
            .detach()
            .eq(&other.detach())?
            .array()
            .numbers::<bool>()?;
        Ok(equal.into_iter().all(|e| e))
    }
}
