//! A product or a quotient of two tensors, times a number, added to a third: `addcmul` and `addcdiv`.

use crate::core::define::{common, define};
use crate::core::fail::error;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::not_implemented;
use crate::ops::math::lerp::{ternary, ternary_};
use crate::{Arith, Array, Number, Result};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::ops::math::lerp::{broken, triples};

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
            self.value.fit(x[0].dtype())?;
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
}

impl rules::Pointwise for Addcmul {
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
            self.value.fit(x[0].dtype())?;
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
}

impl rules::Pointwise for Addcdiv {
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

const INTEGER_ADDCDIV: &str = "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.";

fn divisible(b: &Tensor, c: &Tensor) -> Result<()> {
    if b.dtype().is_float() || c.dtype().is_float() {
        return Ok(());
    }
    Err(error!(DType, "{}", INTEGER_ADDCDIV))
}

#[pullback_macros::called]
impl Tensor {
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
            |x, b, c| {
                dispatch!(float x.dtype(), T => {
                    value.fit(x.dtype())?;
                    let v: T = value.cast();
                    kernels::zip3_assign(x, b, c, |a: T, b: T, c: T| a + v * b * c).map(|()| true)
                }, else Ok(false))
            },
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
        divisible(tensor1, tensor2)?;
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
        divisible(tensor1, tensor2)?;
        ternary_(
            &Addcdiv { value },
            [self, tensor1, tensor2],
            site,
            |x, b, c| {
                dispatch!(float x.dtype(), T => {
                    value.fit(x.dtype())?;
                    let v: T = value.cast();
                    kernels::zip3_assign(x, b, c, |a: T, b: T, c: T| a + v * b / c).map(|()| true)
                }, else Ok(false))
            },
        )
    }
}
