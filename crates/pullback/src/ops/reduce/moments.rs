//! Variance and standard deviation.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::fail::{ensure, error};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::reduce::sum::{resolve, spread};
use crate::ops::{Where, common, define};
use crate::{Array, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

#[cfg(feature = "proof")]
fn samples<O: Op>(op: impl Fn(Over) -> O) -> Vec<Sample> {
    let x = [0.5, -1.25, 2.0, 0.75, 3.5, -0.25];
    let of = |dims: &[usize], all, correction, keepdim, shape: &[usize]| {
        let over = Over {
            dims: dims.to_vec(),
            all,
            correction,
            keepdim,
        };
        Sample::new(op(over), &[(shape, &x[..shape.iter().product()])])
    };
    vec![
        of(&[0, 1], true, 1.0, false, &[2, 3]),
        of(&[1], false, 1.0, false, &[2, 3]),
        of(&[0], false, 0.0, true, &[3, 2]),
        of(&[0, 2], false, 0.5, false, &[2, 1, 3]),
        of(&[0], true, 0.0, true, &[5]),
        of(&[1], false, 1.0, false, &[0, 3]),
    ]
}

/// What is averaged over, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    /// Dimensions, resolved and in order.
    pub dims: Vec<usize>,
    /// No dimensions were named: PyTorch's gradient then has a rule of its own where there are no degrees of freedom.
    pub all: bool,
    /// What is taken off the number of elements in the divisor.
    pub correction: f64,
    /// Whether dimensions stay, with size 1.
    pub keepdim: bool,
}

impl Over {
    /// The same over dimensions of rows.
    fn batched(&self, batch: &Batch<'_>, op: impl FnOnce(Over) -> Box<dyn Op>) -> Batched {
        let (correction, all) = (self.correction, self.all || batch.rank(0) == 0);
        batch.reduced(&self.dims, self.keepdim, |dims, keepdim| {
            op(Over {
                dims,
                all,
                correction,
                keepdim,
            })
        })
    }

    fn count(&self, shape: &Shape) -> usize {
        self.dims.iter().map(|&d| shape[d]).product()
    }

    /// `v` times the derivative of the variance by each element.
    fn scaled(&self, x: &Tensor, v: &Tensor) -> Result<Tensor> {
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        let mean = x.mean_dims(&dims, true)?;
        let free = self.count(x.shape()) as f64 - self.correction;
        if free <= 0.0 && (self.all || x.ndim() == 0) {
            let edge = |value: f64| Tensor::full(Shape::scalar(), value, x.dtype());
            let (nan, infinite) = (edge(f64::NAN)?, edge(f64::INFINITY)?);
            return v.mul(&apply(
                Where,
                &[&x.eq(&mean)?, &nan, &infinite],
                Location::caller(),
            )?);
        }
        // 2·v/n and not (2/n)·v: exact constants stay exact in more digits.
        v.mul(2.0)?.div(free)?.mul(&x.sub(&mean)?)
    }

    /// The tangent of the variance.
    fn tangent(&self, x: &Tensor, t: &Tensor) -> Result<Tensor> {
        let dims: Vec<i64> = self.dims.iter().map(|&d| d as i64).collect();
        self.scaled(x, t)?.sum_dims(&dims, self.keepdim)
    }

    fn eval(&self, x: &Array, root: bool) -> Result<Array> {
        ensure!(
            x.dtype().is_float(),
            Unsupported,
            "std and var only support floating point and complex dtypes"
        );
        kernels::variance(x, &self.dims, self.keepdim, self.correction, root)
    }
}

/// Variance.
#[derive(Clone, Debug)]
pub struct Var(pub Over);
define! { Var: General "var", "torch.var";
    summary: "Variance over dimensions, with Bessel's or any other correction.";
    formula: "Σ (x - mean)² / (n - correction)";
    derivative: "2 (x - mean) / (n - correction)";
    convention: "without degrees of freedom the variance is NaN or infinite, and so is its gradient, as in PyTorch";
    proof: { samples: || samples(Var), points: || {
        let all = |correction| Var(Over { dims: vec![0], all: true, correction, keepdim: false });
        vec![
            point(all(1.0), &[&[3.0]], &[&[f64::NAN]]),
            point(all(2.0), &[&[1.0, 2.0]], &[&[f64::INFINITY, f64::INFINITY]]),
        ]
    } }
}

impl Op for Var {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        self.0.batched(batch, |over| Box::new(Var(over)))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        self.0.eval(x[0], false)
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl rules::General for Var {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let g = spread(g, cx, &self.0.dims, self.0.keepdim)?;
        self.0.scaled(&cx.input(0)?, &g)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| self.0.tangent(&cx.input(0)?, t))
    }
}

/// Standard deviation.
#[derive(Clone, Debug)]
pub struct Std(pub Over);
define! { Std: General "std", "torch.std";
    summary: "Standard deviation over dimensions, with Bessel's or any other correction.";
    formula: "√(Σ (x - mean)² / (n - correction))";
    derivative: "(x - mean) / ((n - correction)·std)";
    convention: "0 where all elements are equal, as in PyTorch";
    proof: { samples: || samples(Std), points: || vec![
        point(Std(Over { dims: vec![0], all: true, correction: 1.0, keepdim: false }), &[&[2.0, 2.0]], &[&[0.0, 0.0]]),
    ] }
}

impl Std {
    /// `v / (2·std)`, and 0 where that is 0.
    fn of_variance(y: &Tensor, v: &Tensor) -> Result<Tensor> {
        let zero = Tensor::zeros(Shape::scalar(), v.dtype())?;
        let scaled = v.div(&y.mul(2.0)?)?;
        apply(Where, &[&y.eq(0.0)?, &zero, &scaled], Location::caller())
    }
}

impl Op for Std {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        self.0.batched(batch, |over| Box::new(Std(over)))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        self.0.eval(x[0], true)
    }
}

impl rules::General for Std {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let g = Std::of_variance(&cx.output()?, g)?;
        let g = spread(&g, cx, &self.0.dims, self.0.keepdim)?;
        self.0.scaled(&cx.input(0)?, &g)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let y = spread(&cx.output()?, cx, &self.0.dims, self.0.keepdim)?;
        sum_terms(t, |_, t| {
            let t = Std::of_variance(&y, t)?;
            self.0.tangent(&cx.input(0)?, &t)
        })
    }
}

#[pullback_macros::called]
impl Tensor {
    fn over(&self, dims: &[i64], correction: f64, keepdim: bool) -> Result<Over> {
        Ok(Over {
            dims: resolve(self, dims)?,
            all: dims.is_empty(),
            correction,
            keepdim,
        })
    }

    /// Variance over `dims` (all if empty), with `n - correction` as divisor: 1 is Bessel's correction and PyTorch's
    /// default, 0 gives the population's variance.
    ///
    /// # Errors
    /// For integers; for a dimension out of range or named twice.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0], [3])?;
    /// assert_eq!(x.var(&[], 1.0, false)?.item_f64()?, 1.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn var(&self, dims: &[i64], correction: f64, keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let over = (self.over(dims, correction, keepdim))?;
        apply(Var(over), &[self], site)
    }

    /// Standard deviation over `dims` (all if empty), with `n - correction` as divisor; see [`Tensor::var`]. Equal
    /// elements have the gradient 0.
    ///
    /// # Errors
    /// As [`Tensor::var`].
    #[track_caller]
    pub fn std(&self, dims: &[i64], correction: f64, keepdim: bool) -> Result<Tensor> {
        let site = Location::caller();
        let over = (self.over(dims, correction, keepdim))?;
        apply(Std(over), &[self], site)
    }

    /// Variance and mean; see [`Tensor::var`].
    ///
    /// # Errors
    /// As [`Tensor::var`].
    #[track_caller]
    pub fn var_mean(
        &self,
        dims: &[i64],
        correction: f64,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        self.floats_only("var_mean")?;
        Ok((
            self.var(dims, correction, keepdim)?,
            self.mean_dims(dims, keepdim)?,
        ))
    }

    /// Standard deviation and mean; see [`Tensor::std`].
    ///
    /// # Errors
    /// As [`Tensor::var`].
    #[track_caller]
    pub fn std_mean(
        &self,
        dims: &[i64],
        correction: f64,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        self.floats_only("std_mean")?;
        Ok((
            self.std(dims, correction, keepdim)?,
            self.mean_dims(dims, keepdim)?,
        ))
    }

    #[track_caller]
    fn floats_only(&self, name: &'static str) -> Result<()> {
        if self.dtype().is_float() {
            return Ok(());
        }
        Err(error!(
            Unsupported,
            "{name} only support floating point and complex dtypes"
        ))
    }
}
