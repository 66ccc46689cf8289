//! Norms of vectors of finite order, and the logarithm of a sum of exponentials. Norms of matrices are compositions of these.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::constant::derived;
use crate::ops::common::operand::floating;
use crate::ops::reduce::sum::{resolve, spread};
use crate::ops::{Where, common, define};
use crate::{Array, DType, Dd, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

/// `(Σ |x|ᵖ)^{1/p}` over dimensions.
#[derive(Clone, Debug)]
pub struct VectorNorm {
    /// The order p: any finite number; infinite orders are [`crate::ops::ExtremeNorm`]'s.
    pub ord: f64,
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keepdim: bool,
    /// Whether derivatives of all orders are 0 where the norm is 0 and, but for orders 1 and 2, along elements that are 0: so in
    /// PyTorch's `cdist`; its norms have NaN in the second order there.
    pub flat: bool,
}
define! { VectorNorm: General "linalg_vector_norm", "torch.linalg.vector_norm";
    summary: "Norm of any order over dimensions.";
    formula: "(Σ |x|ᵖ)^{1/p}; the number of elements that are not 0 for p = 0";
    derivative: "sign(x)·|x|ᵖ⁻¹ / ‖x‖ᵖ⁻¹";
    convention: "0 where the norm is 0; for p = 0 the gradient is 0, as in PyTorch";
    proof: { samples: norm_samples, points: || {
        let of = |ord| VectorNorm { ord, dims: vec![0], keepdim: false, flat: false };
        vec![
            point(of(2.0), &[&[0.0, 0.0]], &[&[0.0, 0.0]]),
            point(of(2.0), &[&[0.0, -4.0]], &[&[0.0, -1.0]]),
            point(of(1.0), &[&[0.0, -2.0, 1.0]], &[&[0.0, -1.0, 1.0]]),
            point(of(0.0), &[&[1.0, 0.0]], &[&[0.0, 0.0]]),
            point(of(3.0), &[&[0.0, 0.0]], &[&[0.0, 0.0]]),
        ]
    } }
}

#[cfg(feature = "proof")]
fn norm_samples() -> Vec<Sample> {
    let x = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];
    let of = |ord, dims: &[usize], keepdim, shape: &[usize]| {
        let dims = dims.to_vec();
        Sample::new(
            VectorNorm {
                ord,
                dims,
                keepdim,
                flat: false,
            },
            &[(shape, &x[..shape.iter().product()])],
        )
    };
    vec![
        of(2.0, &[0, 1], false, &[2, 3]),
        of(2.0, &[1], true, &[2, 3]),
        of(1.0, &[0], false, &[2, 3]),
        of(0.0, &[0], false, &[2, 3]),
        of(3.0, &[1], false, &[2, 3]),
        of(0.5, &[0], false, &[4]),
        of(1.5, &[0], true, &[4]),
        of(-1.0, &[0], false, &[4]),
        of(1.0, &[], false, &[]),
        of(2.0, &[0], false, &[0, 2]),
    ]
}

impl VectorNorm {
    fn of<T: Real>(&self, x: &Array) -> Result<Array> {
        let (dims, keep, p) = (&self.dims[..], self.keepdim, self.ord);
        let total = |f: fn(T) -> T| kernels::sum(&kernels::map(x, f)?, dims, keep);
        if p == 0.0 {
            return kernels::cast(&kernels::count_nonzero(x, dims, keep)?, T::DTYPE);
        }
        if p == 1.0 {
            return total(|a| a.abs());
        }
        if p == 2.0 {
            return kernels::map(&total(|a| a * a)?, |s: T| s.sqrt());
        }
        let power = T::lit(p);
        let sum = kernels::sum(&kernels::map(x, |a: T| a.abs().powf(power))?, dims, keep)?;
        kernels::map(&sum, |s: T| s.powf(T::ONE / power))
    }

    /// `v` times the derivative by each element; `norm` and `v` have the reduced dimensions kept.
    fn scaled(&self, x: &Tensor, norm: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (site, p) = (Location::caller(), self.ord);
        let less = |n: f64| derived(x, Dd::from(p) - Dd::from(n));
        let zero = Tensor::zeros(Shape::scalar(), v.dtype())?;
        let unless = |mask: &Tensor, t: &Tensor| apply(Where, &[mask, &zero, t], site);
        if p == 0.0 {
            return x.zeros_like();
        }
        if p == 1.0 {
            return x.sign()?.mul(v);
        }
        let one = Tensor::ones(Shape::scalar(), v.dtype())?;
        let gone = norm.eq(0.0)?;
        let norm = &match self.flat {
            true => apply(Where, &[&gone, &one, norm], site)?,
            false => norm.clone(),
        };
        if p == 2.0 {
            return v.mul(&unless(&gone, &x.div(norm)?)?);
        }
        let size = match self.flat {
            true => apply(Where, &[&x.eq(0.0)?, &one, &x.abs()?], site)?,
            false => x.abs()?,
        };
        let slope = x.sign()?.mul(&size.pow(less(1.0))?);
        if p < 1.0 {
            return unless(&x.eq(0.0)?, &slope?)?
                .mul(v)?
                .mul(&norm.pow(derived(x, Dd::ONE - Dd::from(p)))?);
        }
        let slope = if p < 2.0 || self.flat {
            slope?
        } else {
            x.mul(&size.pow(less(2.0))?)?
        };
        let scale = v.div(&norm.pow(less(1.0))?)?;
        slope.mul(&unless(&gone, &scale)?)
    }
}

impl Op for VectorNorm {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        batch.reduced(&self.dims, self.keepdim, |dims, keepdim| {
            Box::new(VectorNorm {
                dims,
                keepdim,
                ord: self.ord,
                flat: self.flat,
            })
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => self.of::<T>(x[0]), else Err(error!(Unsupported, "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}", x[0].dtype().scalar_type_name())))
    }
}

impl rules::General for VectorNorm {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let kept = kernels::reduced_shape(cx.shape(0), &self.dims, true);
        let norm = cx.output()?.reshape(kept.clone())?;
        self.scaled(&cx.input(0)?, &norm, &g.reshape(kept)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let kept = kernels::reduced_shape(cx.shape(0), &self.dims, true);
        let norm = cx.output()?.reshape(kept)?;
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        sum_terms(t, |_, t| {
            self.scaled(&cx.input(0)?, &norm, t)?
                .sum_dims(&dims, self.keepdim)
        })
    }
}

/// `ln Σ eˣ` over dimensions.
#[derive(Clone, Debug)]
pub struct LogSumExp {
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keepdim: bool,
}
define! { LogSumExp: General "logsumexp", "torch.logsumexp";
    summary: "Logarithm of the sum of exponentials over dimensions, without overflow on the way.";
    formula: "ln Σ eˣ";
    derivative: "g·e^{x - y}";
    convention: "infinite results have NaN among their gradients, as in PyTorch";
    proof: { samples: || {
        let x = [0.5, -1.25, 1.0, 0.75, 1.5, -0.25];
        let of = |dims: &[usize], keepdim, shape: &[usize]| {
            Sample::new(LogSumExp { dims: dims.to_vec(), keepdim }, &[(shape, &x[..shape.iter().product()])])
        };
        vec![of(&[0, 1], false, &[2, 3]), of(&[1], true, &[2, 3]), of(&[0], false, &[2, 3]), of(&[], false, &[]), of(&[1], false, &[0, 3])]
    }, points: || {
        let inf = f64::INFINITY;
        let of = || LogSumExp { dims: vec![0], keepdim: false };
        vec![
            point(of(), &[&[-inf, -inf]], &[&[f64::NAN, f64::NAN]]),
            point(of(), &[&[inf, 1.0]], &[&[f64::NAN, 0.0]]),
            point(of(), &[&[-inf, 1.0]], &[&[0.0, 1.0]]),
        ]
    } }
}

impl Op for LogSumExp {
    common!(over_dims);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::logsumexp(x[0], &self.dims, self.keepdim)
    }
}

impl rules::General for LogSumExp {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let y = spread(&cx.output()?, cx, &self.dims, self.keepdim)?;
        let g = spread(g, cx, &self.dims, self.keepdim)?;
        g.mul(&cx.input(0)?.sub(&y)?.exp()?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let y = spread(&cx.output()?, cx, &self.dims, self.keepdim)?;
        sum_terms(t, |_, t| {
            t.mul(&cx.input(0)?.sub(&y)?.exp()?)?
                .sum_dims(&dims, self.keepdim)
        })
    }
}

#[pullback_macros::called]
impl Tensor {
    /// `ln Σ eˣ` over `dims` (all if empty); integers are computed in float32.
    ///
    /// # Errors
    /// For a dimension out of range or named twice.
    #[track_caller]
    pub fn logsumexp(&self, dims: &[i64], keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let dims = resolve(self, dims)?;
        let x = floating(self, site)?;
        apply(LogSumExp { dims, keepdim }, &[x.as_ref()], site)
    }

    /// Norm of order `ord` over `dims` (all if empty), in `dtype` if one is given. PyTorch's `linalg.vector_norm`.
    ///
    /// # Errors
    /// For integers; where an order without a value for nothing meets an empty dimension; for a dimension out of range
    /// or named twice.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32, -4.0], [2])?;
    /// assert_eq!(x.vector_norm(2.0, &[], false, None)?.item_f64()?, 5.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn vector_norm(
        &self,
        ord: f64,
        dims: &[i64],
        keepdim: bool,
        dtype: Option<DType>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let name = |d: DType| d.scalar_type_name();
        ensure!(
            self.dtype().is_float(),
            Unsupported,
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
            name(self.dtype())
        );
        let resolved = resolve(self, dims)?;
        self.has_norm(ord, dims, &resolved)?;
        let x = match dtype {
            Some(d) if !d.is_float() => {
                bail!(
                    DType,
                    "linalg.vector_norm: dtype should be floating point or complex, but got {}",
                    name(d)
                );
            }
            Some(d) if d < self.dtype() && self.dtype() != DType::Dd => {
                bail!(
                    DType,
                    "linalg.vector_norm: the dtype of the input ({}) should be convertible without narrowing to the specified dtype ({})",
                    name(self.dtype()),
                    name(d)
                );
            }
            Some(d) => self.to(d)?,
            None => self.clone(),
        };
        if ord.is_infinite() {
            let op = crate::ops::ExtremeNorm {
                largest: ord > 0.0,
                dims: resolved,
                keepdim,
            };
            return apply(op, &[&x], site);
        }
        let op = VectorNorm {
            ord,
            dims: resolved,
            keepdim,
            flat: false,
        };
        apply(op, &[&x], site)
    }

    /// Orders below 0 and infinity have no value for nothing.
    fn has_norm(&self, ord: f64, dims: &[i64], resolved: &[usize]) -> Result<()> {
        if self.numel() > 0 || !(ord < 0.0 || ord == f64::INFINITY) {
            return Ok(());
        }
        let order = match ord {
            f64::INFINITY => "inf".to_string(),
            f64::NEG_INFINITY => "-inf".to_string(),
            other => format!("{other}"),
        };
        let empty = resolved.iter().find(|&&d| self.shape()[d] == 0);
        let text = match (dims.is_empty(), empty) {
            (true, _) => format!(
                "linalg.vector_norm cannot compute the {order} norm on an empty tensor because the operation does not have an identity"
            ),
            (false, Some(d)) => format!(
                "linalg.vector_norm cannot compute the {order} norm on the dimension {d}because this dimension is empty and the operation does not have an identity"
            ),
            (false, None) => return Ok(()),
        };
        Err(error!(Shape, "{text}"))
    }
}
