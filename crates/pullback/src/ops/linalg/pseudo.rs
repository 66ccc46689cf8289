//! What singular values decide: `pinv`, `lstsq`, `matrix_rank`.

use super::matrices::{batched, common_batch, refused, sides, square};
use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Real, Result, Shape};
use pullback_array::factor::{self, Factor};
use pullback_array::{dispatch, kernels};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The pseudoinverse of each matrix: singular values up to a bound count as zero. Of A `[…, m, n]`, the bounds `[…]`, and the bounds as
/// parts of the largest singular value `[…]`; the larger of both holds.
#[derive(Clone, Debug)]
pub struct Pinv {
    /// Whether A is symmetric and its lower triangle is read.
    pub hermitian: bool,
}
define! { Pinv: General "linalg_pinv", "torch.linalg.pinv";
    summary: "The Moore-Penrose inverse of each matrix.";
    formula: "V diag(1/s where s > max(atol, rtol max s), else 0) Uᵀ";
    derivative: "-Xᵀ g Xᵀ + (1 - A X) gᵀ X Xᵀ + Xᵀ X gᵀ (1 - X A), X the result: its rank is decided";
    node: "LinalgPinvBackward0";
    proof: { samples: || {
        let front = |s: &[usize]| s[..s.len() - 2].to_vec();
        let bounded = |hermitian, s: &[usize], x: &[f64]| {
            let n: usize = front(s).iter().product();
            Sample::new(Pinv { hermitian }, &[(s, x), (&front(s), &vec![0.125; n]), (&front(s), &vec![1e-6; n])])
        };
        let x = [2.0, 0.5, -1.0, 1.5, 0.25, 1.0, -0.75, 3.0];
        vec![
            bounded(false, &[2, 2], &x[..4]),
            bounded(false, &[3, 2], &x[..6]),
            bounded(false, &[2, 3], &x[..6]),
            bounded(false, &[2, 2, 2], &x),
            bounded(false, &[0, 2, 2], &[]),
            bounded(true, &[2, 2], &[2.0, 0.5, 0.5, -1.5]).of_symmetric(),
        ]
    }, spread: true }
}

/// One over each singular value above the bound, else zero.
fn inverted<T: Real + pullback_array::Element>(
    s: &Array,
    k: usize,
    bounds: [&Array; 2],
) -> Result<Array> {
    let mut values = s.numbers::<T>()?;
    let (atol, rtol) = (bounds[0].numbers::<T>()?, bounds[1].numbers::<T>()?);
    for (number, row) in values.chunks_mut(k.max(1)).enumerate() {
        let most = row.iter().fold(T::ZERO, |m, &s| if s > m { s } else { m }) * rtol[number];
        let bound = if most > atol[number] {
            most
        } else {
            atol[number]
        };
        for s in row {
            *s = if *s > bound { T::ONE / *s } else { T::ZERO };
        }
    }
    Array::from_slice(&values, s.shape().clone())
}

/// Each matrix with the lower triangle in both.
fn from_lower<T: Real + pullback_array::Element>(a: &Array) -> Result<Array> {
    let n = a.shape().last().copied().unwrap_or(0);
    let mut data = a.numbers::<T>()?;
    for matrix in data.chunks_mut((n * n).max(1)) {
        for i in 0..n {
            (i + 1..n).for_each(|j| matrix[i * n + j] = matrix[j * n + i]);
        }
    }
    Array::from_slice(&data, a.shape().clone())
}

impl Op for Pinv {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let a = x[0];
        let mut shape = a.shape().clone();
        let rank = a.rank();
        shape.dims_mut().swap(rank - 2, rank - 1);
        if a.is_meta() {
            return Array::meta(crate::Layout::row_major(shape), a.dtype());
        }
        let read = match self.hermitian {
            true => dispatch!(float a.dtype(), T => from_lower::<T>(a), else Ok(a.clone()))?,
            false => a.clone(),
        };
        let found = factor::factor(&read, Factor::Svd { full: false })?;
        super::matrices::failed("linalg.svd", a, &found.info, super::matrices::no_end)?;
        let (u, s, vh) = (&found.parts[0], &found.parts[1], &found.parts[2]);
        let k = s.shape().last().copied().unwrap_or(0);
        let parts =
            dispatch!(float a.dtype(), T => inverted::<T>(s, k, [x[1], x[2]]), else Ok(s.clone()))?;
        let column = parts.reshape(&Shape::new(&[&s.shape()[..], &[1]].concat()))?;
        let scaled = dispatch!(float a.dtype(), T => kernels::zip(&u.transpose(-2, -1)?, &column, |u: T, s: T| u * s), else Ok(u.clone()))?;
        kernels::matmul(&vh.transpose(-2, -1)?, &scaled)
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(0).and(Reads::OUTPUT),
            _ => Reads::NOTHING,
        }
    }
}

impl rules::General for Pinv {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i > 0 {
            return Tensor::zeros_of(cx.shape(i), cx.dtype(i));
        }
        let (a, x) = (cx.input(0)?, cx.output()?);
        let (xt, gt) = (x.mt()?, g.mt()?);
        let inner = xt.matmul(g)?.matmul(&xt)?.neg()?;
        let left = gt.matmul(&x)?.matmul(&xt)?;
        let right = xt.matmul(&x)?.matmul(&gt)?;
        let left = left.sub(&a.matmul(&x.matmul(&left)?)?)?;
        let right = right.sub(&right.matmul(&x)?.matmul(&a)?)?;
        inner.add(&left)?.add(&right)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (a, x) = (cx.input(0)?, cx.output()?);
        let Some(t) = &t[0] else {
            return x.zeros_like();
        };
        let (xt, tt) = (x.mt()?, t.mt()?);
        let inner = x.matmul(t)?.matmul(&x)?.neg()?;
        let left = x.matmul(&xt)?.matmul(&tt)?;
        let left = left.sub(&left.matmul(&a)?.matmul(&x)?)?;
        let right = tt.matmul(&xt)?.matmul(&x)?;
        let right = right.sub(&x.matmul(&a.matmul(&right)?)?)?;
        inner.add(&left)?.add(&right)
    }
}

/// PyTorch's bound where none is given: as many rounding errors as the larger side has elements.
pub(crate) fn usual_tolerance(a: &Tensor, atol: f64) -> f64 {
    if atol > 0.0 {
        return 0.0;
    }
    let (m, n) = sides(a);
    let unit = match a.dtype() {
        DType::F32 => f64::from(f32::EPSILON),
        DType::Dd => f64::EPSILON * f64::EPSILON,
        _ => f64::EPSILON,
    };
    unit * m.max(n) as f64
}

/// Least squares: what `lstsq` gives.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// X `[…, n, k]`, or `[…, n]` for vectors.
    pub solution: Tensor,
    /// The sums of squares of A X - B `[…, k]`, where A has more rows than columns and full rank; else empty.
    pub residuals: Tensor,
    /// The ranks `[…]`, int64.
    pub rank: Tensor,
    /// The singular values `[…, min(m, n)]`.
    pub singular_values: Tensor,
}

#[pullback_macros::called]
impl Tensor {
    /// The Moore-Penrose inverse `[…, n, m]`; singular values up to max(`atol`, `rtol`·largest) count as zero; `rtol` of `None` is
    /// ε·max(m, n) where `atol` is 0. PyTorch's `linalg.pinv`.
    ///
    /// # Errors
    /// Where there is no matrix of a floating dtype; without the feature `linalg`.
    #[track_caller]
    pub fn pinv(&self, atol: f64, rtol: Option<f64>) -> Result<Tensor> {
        let site = Location::caller();
        let rtol = rtol.unwrap_or_else(|| usual_tolerance(self, atol));
        let bound = |x: f64| Tensor::full([], x, self.dtype());
        self.pinv_within(&bound(atol)?, &bound(rtol)?, false, site)
    }

    /// As [`Tensor::pinv`], with bounds for each matrix.
    pub(crate) fn pinv_within(
        &self,
        atol: &Tensor,
        rtol: &Tensor,
        hermitian: bool,
        site: &'static Location<'static>,
    ) -> Result<Tensor> {
        let known = matches!(self.dtype(), DType::F32 | DType::F64 | DType::Dd);
        if self.ndim() < 2 || !known {
            let sizes: Vec<String> = self.shape().iter().map(usize::to_string).collect();
            return Err(refused(format!(
                "linalg.pinv({}{{[{}]}}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types",
                self.dtype().scalar_type_name(),
                sizes.join(", ")
            )));
        }
        if hermitian {
            square(self, "linalg.eigh")?;
        }
        let front = Shape::new(&self.shape()[..self.ndim() - 2]);
        let bound = |t: &Tensor| t.detach().to(self.dtype())?.expand(front.clone());
        let (atol, rtol) = (bound(atol)?, bound(rtol)?);
        apply(Pinv { hermitian }, &[self, &atol, &rtol], site)
    }

    /// The ranks of matrices, int64 `[…]`: how many singular values exceed max(`atol`, `rtol`·largest), `rtol` as for
    /// [`Tensor::pinv`]. PyTorch's `linalg.matrix_rank`.
    ///
    /// # Errors
    /// As [`Tensor::pinv`].
    #[track_caller]
    pub fn matrix_rank(&self, atol: f64, rtol: Option<f64>) -> Result<Tensor> {
        let site = Location::caller();
        let rtol = rtol.unwrap_or_else(|| usual_tolerance(self, atol));
        let bound = |x: f64| Tensor::full([], x, DType::F64);
        self.rank_within(&bound(atol)?, &bound(rtol)?, false, site)
    }

    /// As [`Tensor::matrix_rank`], with bounds for each matrix.
    pub(crate) fn rank_within(
        &self,
        atol: &Tensor,
        rtol: &Tensor,
        hermitian: bool,
        site: &'static Location<'static>,
    ) -> Result<Tensor> {
        if !matches!(self.dtype(), DType::F32 | DType::F64 | DType::Dd) {
            return Err(refused(
                "This function doesn't handle types other than float and double".into(),
            ));
        }
        if self.ndim() < 2 {
            return Err(refused(
                "torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions."
                    .into(),
            ));
        }
        let s = match hermitian {
            true => self.detach().eigh(false)?.0.abs()?,
            false => self.detach().svd_as(false, "linalg.svd", site)?.1,
        };
        let front = Shape::new(&self.shape()[..self.ndim() - 2]);
        if s.shape().last() == Some(&0) {
            return Tensor::zeros(front, DType::I64);
        }
        let most = s.amax(&[-1], false)?;
        let bound = |t: &Tensor| t.detach().to(s.dtype())?.expand(front.clone());
        let bound = most.mul(&bound(rtol)?)?.maximum(&bound(atol)?)?;
        s.gt(&bound.unsqueeze(-1)?)?
            .to(DType::I64)?
            .sum_dims(&[-1], false)
    }

    /// The X that makes A X - B least in the sense of squares, the shortest of several: A `[…, m, n]` (`self`), B `[…, m, k]` or
    /// `[…, m]`. PyTorch's `linalg.lstsq` with a driver that finds the rank.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit; without the feature `linalg`.
    #[track_caller]
    pub fn lstsq(&self, b: &Tensor, rcond: Option<f64>) -> Result<LeastSquares> {
        let name = "torch.linalg.lstsq";
        if self.ndim() < 2 {
            return Err(refused(format!(
                "{name}: input must have at least 2 dimensions."
            )));
        }
        if b.ndim() < 1 {
            return Err(refused(format!(
                "{name}: other must have at least 1 dimension."
            )));
        }
        if self.dtype() != b.dtype() {
            return Err(refused(format!(
                "{name}: Expected input and other to have the same dtype, but got input's dtype {} and other's dtype {}",
                self.dtype().scalar_type_name(),
                b.dtype().scalar_type_name()
            )));
        }
        if !matches!(self.dtype(), DType::F32 | DType::F64 | DType::Dd) {
            return Err(refused(
                "This function doesn't handle types other than float and double".into(),
            ));
        }
        let (m, n) = sides(self);
        let vector = super::inverse::is_vector(self, b);
        let column = if vector { b.unsqueeze(-1)? } else { b.clone() };
        if sides(&column).0 != m {
            return Err(refused(format!(
                "{name}: input.size(-2) should match other.size({})",
                if vector { -1 } else { -2 }
            )));
        }
        let rtol = rcond.unwrap_or_else(|| usual_tolerance(self, 0.0));
        let front = common_batch(self, &column)?;
        let (a, column) = (batched(self, &front)?, batched(&column, &front)?);
        let x = a.pinv(0.0, Some(rtol))?.matmul(&column)?;
        let rank = self.matrix_rank(0.0, Some(rtol))?;
        let n_all = crate::Number::from(i64::try_from(n).unwrap_or(i64::MAX));
        // Where there are no numbers, ranks are taken to be full.
        let full = m > n
            && (self.array().is_meta() || rank.eq(n_all)?.all(&[], false)?.item_f64()? != 0.0);
        let residuals = match full {
            true => a
                .matmul(&x)?
                .sub(&column)?
                .square()?
                .sum_dims(&[-2], false)?,
            false => x.flatten()?.narrow(0, 0, 0)?,
        };
        let solution = if vector { x.squeeze_dims(&[-1])? } else { x };
        let singular_values = self.detach().svdvals()?;
        Ok(LeastSquares {
            solution,
            residuals,
            rank,
            singular_values,
        })
    }

    /// The condition of matrices in the norm of singular values: largest over smallest. PyTorch's `linalg.cond` with `p=None`.
    ///
    /// # Errors
    /// As [`Tensor::svd`].
    #[track_caller]
    pub fn cond(&self) -> Result<Tensor> {
        let (largest, smallest) = self.extreme_values(Location::caller())?;
        largest.div(&smallest)
    }

    /// The smallest singular value over the largest one.
    #[cfg_attr(not(all(feature = "linalg", feature = "functions")), allow(dead_code))]
    pub(crate) fn cond_smallest(&self) -> Result<Tensor> {
        let (largest, smallest) = self.extreme_values(Location::caller())?;
        smallest.div(&largest)
    }

    fn extreme_values(&self, site: &'static Location<'static>) -> Result<(Tensor, Tensor)> {
        if self.ndim() < 2 {
            return Err(refused(
                "linalg.cond: The input tensor must have at least 2 dimensions.".into(),
            ));
        }
        let s = self.svd_as(false, "linalg.svd", site)?.1;
        match s.shape().last() {
            Some(&k) if k > 0 => Ok((s.select(-1, 0)?, s.select(-1, k as i64 - 1)?)),
            _ => {
                // The condition of nothing is zero.
                let front = s.detach().sum_dims(&[-1], false)?;
                Ok((front.clone(), front.ones_like()?))
            }
        }
    }
}
