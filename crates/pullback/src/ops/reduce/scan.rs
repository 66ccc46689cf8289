//! Running totals along a dimension: `cumsum`, `cumprod`, `logcumsumexp`, and the linear recurrence that their rules are
//! written with. Running extremes are in `order`.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::device::on_host;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::{Where, cat, common, define};
use crate::{Array, Result, Shape};
use pullback_array::kernels::{self, Running};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, point};

#[cfg(feature = "proof")]
const DATA: [f64; 6] = [0.5, -1.25, 2.0, 0.75, -1.5, -0.25];

#[cfg(feature = "proof")]
fn lines<O: Op>(op: impl Fn(usize, bool) -> O) -> Vec<Sample> {
    let of = |dim, reverse, shape: &[usize]| {
        Sample::new(
            op(dim, reverse),
            &[(shape, &DATA[..shape.iter().product()])],
        )
    };
    vec![
        of(0, false, &[6]),
        of(1, true, &[3, 2]),
        of(0, false, &[2, 3]),
        of(1, false, &[1, 2, 3]),
        of(0, true, &[]),
        of(1, false, &[0, 3]),
        of(0, true, &[0]),
    ]
}

/// Elements moved one place on along `dim` (back with `reverse`); `fill` takes the free place.
fn shifted(x: &Tensor, dim: usize, reverse: bool, fill: f64) -> Result<Tensor> {
    let Some(&n) = x.shape().get(dim) else {
        return Tensor::full(Shape::scalar(), fill, x.dtype());
    };
    if n == 0 {
        return Ok(x.clone());
    }
    let mut one = x.shape().to_vec();
    one[dim] = 1;
    let fill = Tensor::full(one, fill, x.dtype())?;
    let rest = x.narrow(dim as i64, usize::from(reverse), n - 1)?;
    match reverse {
        false => cat(&[&fill, &rest], dim as i64),
        true => cat(&[&rest, &fill], dim as i64),
    }
}

/// Products of all elements along `dim` but each itself: what a product's gradient is made of where there are zeros.
pub(in crate::ops) fn other_products(x: &Tensor, dim: usize) -> Result<Tensor> {
    let site = Location::caller();
    let one_side = |reverse| {
        let rest = shifted(x, dim, reverse, 1.0)?;
        apply(CumProd { dim, reverse }, &[&rest], site)
    };
    one_side(false)?.mul(&one_side(true)?)
}

/// Whether there is a zero.
pub(in crate::ops) fn zeros(x: &Tensor) -> Result<usize> {
    if crate::core::watch::varies(x) {
        return Ok(1); // in one row or another
    }
    let dims: Vec<usize> = (0..x.ndim()).collect();
    let nonzero: i64 = kernels::count_nonzero(&*on_host(&x.array())?, &dims, false)?
        .item()?
        .cast();
    Ok(x.numel() - nonzero as usize)
}

/// Running sums.
#[derive(Clone, Debug)]
pub struct CumSum {
    /// The dimension, resolved.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}
define! { CumSum: Linear "cumsum", "torch.cumsum";
    summary: "Running sums along a dimension; integers and bools add up in int64.";
    formula: "yᵢ = Σ xⱼ over j ≤ i";
    derivative: "running sums of g from the end";
    proof: { samples: || lines(|dim, reverse| CumSum { dim, reverse }) }
}

impl Op for CumSum {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(CumSum { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::cumulate(x[0], self.dim, self.reverse, Running::Sum)
    }
}

impl rules::Linear for CumSum {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let back = CumSum {
            dim: self.dim,
            reverse: !self.reverse,
        };
        apply(back, &[g], cx.site())
    }
}

/// Running products.
#[derive(Clone, Debug)]
pub struct CumProd {
    /// The dimension, resolved.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}
define! { CumProd: General "cumprod", "torch.cumprod";
    summary: "Running products along a dimension; integers and bools multiply in int64.";
    formula: "yᵢ = Π xⱼ over j ≤ i";
    derivative: "Σ gⱼ yⱼ / xᵢ over j ≥ i; where there are zeros, by a recurrence without division";
    convention: "zeros have their exact gradient, to every order";
    proof: { samples: || lines(|dim, reverse| CumProd { dim, reverse }), points: || vec![
        point(CumProd { dim: 0, reverse: false }, &[&[2.0, 0.0, 3.0, 0.0, 4.0]], &[&[1.0, 8.0, 0.0, 0.0, 0.0]]),
    ] }
}

impl Op for CumProd {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(CumProd { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::cumulate(x[0], self.dim, self.reverse, Running::Product)
    }
}

impl rules::General for CumProd {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (dim, back) = (self.dim, !self.reverse);
        if cx.shape(0).get(dim).is_none_or(|&n| n == 1) {
            return Ok(g.clone());
        }
        let x = cx.factor(0)?;
        if zeros(&x)? == 0 {
            let weighted = cx.output_factor()?.mul(g)?;
            return apply(CumSum { dim, reverse: back }, &[&weighted], cx.site())?.div(&x);
        }
        // Sᵢ = gᵢ + xᵢ₊₁ Sᵢ₊₁, and the products before i.
        let after = shifted(&x, dim, back, 1.0)?;
        let sums = apply(Recurrence { dim, reverse: back }, &[&after, g], cx.site())?;
        self.before(&x, cx.site())?.mul(&sums)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |_, t| {
            let x = cx.input(0)?;
            let own = self.before(&x, cx.site())?.mul(t)?;
            let op = Recurrence {
                dim: self.dim,
                reverse: self.reverse,
            };
            apply(op, &[&x, &own], cx.site())
        })
    }
}

impl CumProd {
    /// Products of the elements before each.
    fn before(&self, x: &Tensor, site: Site) -> Result<Tensor> {
        let rest = shifted(x, self.dim, self.reverse, 1.0)?;
        apply(self.clone(), &[&rest], site)
    }
}

/// `yₖ = bₖ + aₖ·yₖ₋₁` along a dimension.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// The dimension, resolved.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}
define! { Recurrence: General "recurrence", "torch.cumprod";
    summary: "A linear recurrence along a dimension: each result is the one before it times a factor, plus a term.";
    formula: "yₖ = bₖ + aₖ·yₖ₋₁, from 0";
    derivative: "rₖ = gₖ + aₖ₊₁·rₖ₊₁ to b, rₖ·yₖ₋₁ to a";
    proof: { samples: || {
        let of = |dim, reverse, shape: &[usize]| {
            let n: usize = shape.iter().product();
            Sample::new(Recurrence { dim, reverse }, &[(shape, &DATA[6 - n..]), (shape, &DATA[..n])])
        };
        vec![of(0, false, &[4]), of(1, true, &[2, 3]), of(0, false, &[2, 3]), of(0, true, &[]), of(1, false, &[0, 2])]
    } }
}

impl Op for Recurrence {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(Recurrence { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::recurrence(x[0], x[1], self.dim, self.reverse)
    }
    fn reads(&self, i: usize) -> Reads {
        if i == 0 {
            Reads::input(0).and(Reads::OUTPUT)
        } else {
            Reads::input(0)
        }
    }
}

impl rules::General for Recurrence {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (dim, back) = (self.dim, !self.reverse);
        let next = shifted(&cx.factor(0)?, dim, back, 1.0)?;
        let sums = apply(Recurrence { dim, reverse: back }, &[&next, g], cx.site())?;
        if i == 1 {
            return Ok(sums);
        }
        sums.mul(&shifted(&cx.output_factor()?, dim, self.reverse, 0.0)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let moved = sum_terms(t, |i, t| match i {
            0 => t.mul(&shifted(&cx.output()?, self.dim, self.reverse, 0.0)?),
            _ => Ok(t.clone()),
        })?;
        apply(self.clone(), &[&cx.input(0)?, &moved], cx.site())
    }
}

/// Logarithms of running sums of exponentials.
#[derive(Clone, Debug)]
pub struct LogCumSumExp {
    /// The dimension, resolved.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}
define! { LogCumSumExp: General "logcumsumexp", "torch.logcumsumexp";
    summary: "Logarithms of running sums of exponentials along a dimension, without overflow on the way.";
    formula: "yᵢ = ln Σ e^{xⱼ} over j ≤ i";
    derivative: "Σ gⱼ e^{xᵢ - yⱼ} over j ≥ i";
    convention: "an infinite x has the gradient NaN, as in PyTorch";
    proof: { samples: || lines(|dim, reverse| LogCumSumExp { dim, reverse }), points: || vec![
        point(LogCumSumExp { dim: 0, reverse: false }, &[&[f64::INFINITY, 1.0]], &[&[f64::NAN, 0.0]]),
    ] }
}

impl LogCumSumExp {
    /// `e^{yₖ - yₖ₊₁}`: how much of the sum up to one place the sum up to the place before is (after it with `reverse`).
    /// The first place, which has none before it, gets 1.
    fn ratios(&self, y: &Tensor, reverse: bool) -> Result<Tensor> {
        let (dim, n) = (self.dim as i64, y.shape()[self.dim]);
        let (low, high) = (y.narrow(dim, 0, n - 1)?, y.narrow(dim, 1, n - 1)?);
        let zero = Tensor::zeros(Shape::scalar(), y.dtype())?;
        let step = match self.reverse {
            false => low.sub(&high)?,
            true => high.sub(&low)?,
        };
        // Equal infinities are the same sum.
        let same = low.eq(&high)?.mul(&step.ne(&step)?)?;
        let step = apply(Where, &[&same, &zero, &step], Location::caller())?;
        let mut one = y.shape().to_vec();
        one[self.dim] = 1;
        let one = Tensor::zeros(one, y.dtype())?;
        match reverse {
            false => cat(&[&one, &step], dim)?.exp(),
            true => cat(&[&step, &one], dim)?.exp(),
        }
    }
}

impl Op for LogCumSumExp {
    common!(pieces);
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let op = self.clone();
        batch.along(self.dim, |dim| Box::new(LogCumSumExp { dim, ..op }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::cumulate(x[0], self.dim, self.reverse, Running::LogSumExp)
    }
}

impl rules::General for LogCumSumExp {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        if g.ndim() == 0 || g.numel() == 0 {
            return Ok(g.clone());
        }
        // rᵢ = Σ gⱼ e^{yᵢ - yⱼ} over j ≥ i is a recurrence with factors of at most 1.
        let (x, y) = (cx.input(0)?, cx.output()?);
        let reverse = !self.reverse;
        let op = Recurrence {
            dim: self.dim,
            reverse,
        };
        let sums = apply(op, &[&self.ratios(&y, reverse)?, g], cx.site())?;
        sums.mul(&x.sub(&y)?.exp()?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (x, y) = (cx.input(0)?, cx.output()?);
        sum_terms(t, |_, t| {
            if t.ndim() == 0 || t.numel() == 0 {
                return Ok(t.clone());
            }
            let own = t.mul(&x.sub(&y)?.exp()?)?;
            let op = Recurrence {
                dim: self.dim,
                reverse: self.reverse,
            };
            apply(op, &[&self.ratios(&y, self.reverse)?, &own], cx.site())
        })
    }
}

macro_rules! running {
    ($($(#[$doc:meta])* $method:ident $op:ident;)*) => {$(
        #[pullback_macros::called]
        impl Tensor {
            $(#[$doc])*
            ///
            /// # Errors
            /// Where `dim` is out of range.
            #[track_caller]
            pub fn $method(&self, dim: i64) -> Result<Tensor> {
                let site = Location::caller();
                let dim = self.shape().dim(dim)?;
                apply($op { dim, reverse: false }, &[self], site)
            }
        }
    )*};
}

running! {
    /// Running sums along `dim`; integers and bools add up in int64.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// assert_eq!(Tensor::arange(5)?.cumsum(0)?.to_vec::<i64>()?, [0, 1, 3, 6, 10]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    cumsum CumSum;
    /// Running products along `dim`; integers and bools multiply in int64. Zeros have their exact gradient.
    cumprod CumProd;
    /// Logarithms of running sums of exponentials along `dim`.
    logcumsumexp LogCumSumExp;
}
