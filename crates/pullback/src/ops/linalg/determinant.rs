//! Determinants: `det`, `slogdet`, `logdet`.

use super::matrices::{floating, not_half, precise, sides, square, times_columns};
use crate::core::apply::{apply, apply_many};
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::cat;
use crate::{Array, Error, ErrorKind, Real, Result, Shape};
use pullback_array::factor::{self, Factor};
use pullback_array::{Element, dispatch};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The determinant of each matrix.
#[derive(Clone, Debug)]
pub struct Det;
define! { Det: General "linalg_det", "torch.linalg.det";
    summary: "The determinant of each matrix.";
    formula: "det A";
    derivative: "g det(A) A⁻ᵀ; of singular matrices by the cofactors det(U) det(V) U diag(Πⱼ≠ᵢ sⱼ) Vᵀ";
    convention: "Where PyTorch 2.15 gives zeros, at matrices with a pivot of exactly zero, this is the derivative.";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::new(Det, &[(s, x)]);
        vec![
            of(&[2, 2], &[2.0, 0.5, -1.0, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0]),
            of(&[0, 2, 2], &[]),
            of(&[1, 1], &[-4.0]),
        ]
    }, spread: true }
}

/// For each matrix of a batch, what `f` makes of the diagonal of U, after the sign of its exchanges.
fn of_pivots<T: Real + Element>(
    x: &Array,
    f: impl Fn(T, &mut dyn Iterator<Item = T>) -> T,
) -> Result<Array> {
    let n = x.shape().last().copied().unwrap_or(0);
    let front = Shape::new(&x.shape()[..x.rank() - 2]);
    let found = factor::factor(x, Factor::Lu)?;
    let (packed, pivots) = (
        found.parts[0].numbers::<T>()?,
        found.parts[1].numbers::<i32>()?,
    );
    let one = |number: usize| {
        let exchanged = (pivots[number * n..][..n].iter().enumerate())
            .filter(|&(i, &p)| p as usize != i + 1)
            .count();
        let sign = if exchanged % 2 == 0 { T::ONE } else { -T::ONE };
        f(sign, &mut (0..n).map(|i| packed[(number * n + i) * n + i]))
    };
    let all: Vec<T> = pullback_array::gathered((0..front.numel()).map(one))?;
    Array::from_slice(&all, front)
}

fn inferred(x: &Array) -> Result<Array> {
    let front = Shape::new(&x.shape()[..x.rank() - 2]);
    Array::meta(crate::Layout::row_major(front), x.dtype())
}

#[cold]
fn no_dtype(x: &Array) -> Error {
    Error::new(
        ErrorKind::DType,
        format!("determinants need a floating dtype, not {}", x.dtype()),
    )
}

/// The gradient of the determinant, for singular matrices too.
fn cofactors(a: &Tensor, det: &Tensor, site: &'static Location<'static>) -> Result<Tensor> {
    let singular = det.array().is_meta() || det.eq(0.0)?.any(&[], false)?.item_f64()? != 0.0;
    if !singular {
        let inverse = apply(super::inverse::Inverse { checked: None }, &[a], site)?;
        return det.unsqueeze(-1)?.unsqueeze(-1)?.mul(&inverse.mt()?);
    }
    let (u, s, vh) = a.svd_as(false, "linalg.svd", site)?;
    let n = sides(a).0;
    let others: Vec<Tensor> = (0..n)
        .map(|i| {
            let rest = cat(
                &[&s.narrow(-1, 0, i)?, &s.narrow(-1, i + 1, n - i - 1)?],
                -1,
            )?;
            rest.prod_dim(-1, true)
        })
        .collect::<Result<_>>()?;
    let sign = apply(Det, &[&u], site)?
        .mul(&apply(Det, &[&vh], site)?)?
        .detach();
    let columns = cat(&others.iter().collect::<Vec<_>>(), -1)?.mul(&sign.unsqueeze(-1)?)?;
    times_columns(&u, &columns)?.matmul(&vh)
}

impl Op for Det {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if x[0].is_meta() {
            return inferred(x[0]);
        }
        dispatch!(float x[0].dtype(), T => of_pivots(x[0], |sign: T, pivots| pivots.fold(sign, |d, p| d * p)), else Err(no_dtype(x[0])))
    }
}

impl rules::General for Det {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (a, det) = (cx.input(0)?, cx.output()?);
        if a.numel() == 0 {
            return a.zeros_like();
        }
        cofactors(&a, &det, cx.site())?.mul(&g.unsqueeze(-1)?.unsqueeze(-1)?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (a, det) = (cx.input(0)?, cx.output()?);
        match &t[0] {
            Some(t) if a.numel() > 0 => cofactors(&a, &det, cx.site())?
                .mul(t)?
                .sum_dims(&[-2, -1], false),
            _ => det.zeros_like(),
        }
    }
}

/// The sign of the determinant and the logarithm of its magnitude.
#[derive(Clone, Debug)]
pub struct Slogdet;
define! { Slogdet: General "linalg_slogdet", "torch.linalg.slogdet";
    summary: "The sign of the determinant of each matrix, and the logarithm of its magnitude.";
    formula: "sign(det A), log |det A|";
    derivative: "g A⁻ᵀ to the logarithm; the sign is decided";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::result(Slogdet, 1, &[(s, x)]);
        vec![
            of(&[2, 2], &[2.0, 0.5, -1.0, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0]),
            of(&[0, 2, 2], &[]),
            of(&[1, 1], &[-4.0]),
        ]
    }, spread: true }
}

fn signed<T: Real>(x: T) -> T {
    match x {
        x if x > T::ZERO => T::ONE,
        x if x < T::ZERO => -T::ONE,
        // Zero and NaN, as PyTorch's `sgn`.
        _ => T::ZERO,
    }
}

impl Slogdet {
    fn inverse(a: &Tensor, site: &'static Location<'static>) -> Result<Tensor> {
        let inverse = apply(super::inverse::Inverse { checked: None }, &[a], site)?;
        inverse.mt()
    }
}

impl Op for Slogdet {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let a = x[0];
        if a.is_meta() {
            return Ok(smallvec![inferred(a)?, inferred(a)?]);
        }
        dispatch!(float a.dtype(), T => {
            let sign = of_pivots(a, |sign: T, pivots| pivots.fold(sign, |s, p| s * signed(p)))?;
            let logarithm = of_pivots(a, |_: T, pivots| pivots.fold(T::ZERO, |l, p| l + p.abs().ln()))?;
            Ok(smallvec![sign, logarithm])
        }, else Err(no_dtype(a)))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        let a = cx.input(0)?;
        out[0] = Some(match &g[1] {
            Some(g) => Slogdet::inverse(&a, cx.site())?.mul(&g.unsqueeze(-1)?.unsqueeze(-1)?)?,
            // The sign does not move.
            None => a.zeros_like()?,
        });
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None]);
        };
        let inverse = Slogdet::inverse(&cx.input(0)?, cx.site())?;
        Ok(smallvec![
            None,
            Some(inverse.mul(t)?.sum_dims(&[-2, -1], false)?)
        ])
    }
}

rules::by_first!(Slogdet);

#[pullback_macros::called]
impl Tensor {
    /// The determinant of a square matrix, or of each of a batch: `[…]`. PyTorch's `linalg.det`.
    ///
    /// # Errors
    /// Where matrices are not square or of no floating dtype; without the feature `linalg`.
    #[track_caller]
    pub fn det(&self) -> Result<Tensor> {
        let (site, name) = (Location::caller(), "linalg.det");
        square(self, name)?;
        floating(self, name)?;
        precise(self, "lu_cpu")?;
        apply(Det, &[self], site)
    }

    /// The sign of the determinant and the logarithm of its magnitude; (0, -∞) of a singular matrix. PyTorch's `linalg.slogdet`.
    ///
    /// # Errors
    /// As [`Tensor::det`].
    #[track_caller]
    pub fn slogdet(&self) -> Result<(Tensor, Tensor)> {
        self.slogdet_as("linalg.slogdet", Location::caller())
    }

    fn slogdet_as(&self, name: &str, site: &'static Location<'static>) -> Result<(Tensor, Tensor)> {
        square(self, name)?;
        not_half(self, name)?;
        let mut both = apply_many(&Slogdet, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(sign), Some(logarithm)) => Ok((sign, logarithm)),
            _ => Err(Error::new(ErrorKind::Value, "two results were expected")),
        }
    }

    /// log det A: NaN where the determinant is negative, -∞ where it is zero. PyTorch's `logdet`.
    ///
    /// # Errors
    /// As [`Tensor::det`].
    #[track_caller]
    pub fn logdet(&self) -> Result<Tensor> {
        let (sign, logarithm) = self.slogdet_as("logdet", Location::caller())?;
        let negative = sign.eq(-1.0)?;
        logarithm.masked_fill(&negative, f64::NAN)
    }
}
