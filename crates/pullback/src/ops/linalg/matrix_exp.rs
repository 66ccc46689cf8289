//! The exponential of matrices, by a Taylor sum of the halved matrix that is squared again (Higham, *Functions of Matrices*, 10.3).

use super::matrices::{floating, sides, square};
use crate::core::apply::apply;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::cat;
use crate::{Array, DType, Error, ErrorKind, Real, Result, Shape};
use pullback_array::{dispatch, filled, gathered, kernels, room};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// e^A of each matrix.
#[derive(Clone, Debug)]
pub struct MatrixExp;
define! { MatrixExp: General "linalg_matrix_exp", "torch.linalg.matrix_exp";
    summary: "The exponential of each matrix.";
    formula: "Σ Aᵏ / k!";
    derivative: "the upper right block of exp [[Aᵀ, g], [0, Aᵀ]]";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::new(MatrixExp, &[(s, x)]);
        vec![
            of(&[2, 2], &[0.5, -1.0, 0.25, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, -3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 0.0, 0.5, 0.25, -0.125]),
            of(&[0, 2, 2], &[]),
            of(&[2, 0, 0], &[]),
            of(&[1, 1], &[-1.5]),
        ]
    }, spread: true }
}

/// How many terms a matrix of norm ½ needs: ½ⁿ/n! is below half a unit in the last place.
fn terms(dtype: DType) -> i32 {
    match dtype {
        DType::Dd => 24,
        _ => 14,
    }
}

/// How often each matrix is halved before its norm is ½ at most, by the largest sum of a column's magnitudes.
fn halvings<T: Real>(data: &[T], n: usize) -> Result<Vec<i32>> {
    gathered(data.chunks(n * n).map(|matrix| {
        let sums = (0..n).map(|j| (0..n).fold(T::ZERO, |s, i| s + matrix[i * n + j].abs()));
        let mut most = sums.fold(T::ZERO, |most, sum| if sum > most { sum } else { most });
        let mut count = 0;
        while most > T::lit(0.5) && count < 1100 {
            most = most * T::lit(0.5);
            count += 1;
        }
        count
    }))
}

/// Exponentials of matrices `[…, n, n]` that are halved equally often.
fn squared<T: Real>(a: &Array, n: usize, halvings: i32) -> Result<Array> {
    let scale = (0..halvings).fold(T::ONE, |s, _| s * T::lit(0.5));
    let halved = kernels::map(a, |x: T| x * scale)?;
    let mut one = room(n.saturating_mul(n))?;
    (0..n).for_each(|i| one.extend((0..n).map(|j| if i == j { T::ONE } else { T::ZERO })));
    let one = Array::from_slice(&one, Shape::new(&[n, n]))?;
    // Horner: 1 + A (1 + A/2 (1 + A/3 (…))).
    let mut sum = kernels::zip(&kernels::map(a, |_: T| T::ZERO)?, &one, |z: T, o: T| z + o)?;
    for k in (1..=terms(a.dtype())).rev() {
        let part = T::ONE / T::lit(f64::from(k));
        let product = kernels::map(&kernels::matmul(&halved, &sum)?, |x: T| x * part)?;
        sum = kernels::zip(&product, &one, |p: T, o: T| p + o)?;
    }
    for _ in 0..halvings {
        pullback_array::check_interrupt()?;
        sum = kernels::matmul(&sum, &sum)?;
    }
    Ok(sum)
}

/// Each square of a matrix loses digits, so none is squared more often than its own norm asks for.
fn exponential<T: Real>(a: &Array) -> Result<Array> {
    let n = a.shape().last().copied().unwrap_or(0);
    let data = a.numbers::<T>()?;
    let counts = halvings(&data, n)?;
    let first = counts.first().copied().unwrap_or(0);
    if counts.iter().all(|&count| count == first) {
        return squared::<T>(a, n, first);
    }
    let mut out = filled(data.len(), T::ZERO)?;
    let mut order: Vec<usize> = gathered(0..counts.len())?;
    order.sort_by_key(|&i| counts[i]);
    for group in order.chunk_by(|&i, &j| counts[i] == counts[j]) {
        let mut some = room(group.len().saturating_mul(n * n))?;
        for &i in group {
            some.extend_from_slice(&data[i * n * n..][..n * n]);
        }
        let some = Array::from_slice(&some, Shape::new(&[group.len(), n, n]))?;
        let found = squared::<T>(&some, n, counts[group[0]])?;
        for (&i, matrix) in group.iter().zip(found.numbers::<T>()?.chunks(n * n)) {
            out[i * n * n..][..n * n].copy_from_slice(matrix);
        }
    }
    Array::from_slice(&out, a.shape().clone())
}

/// For each matrix a power of two, `[…, 1, 1]`, that makes the largest of its elements about one; a constant to every gradient.
fn evening(y: &Tensor) -> Result<Tensor> {
    let most: i32 = if y.dtype() == DType::F32 { 120 } else { 1000 };
    let (low, high) = (2f64.powi(-most), 2f64.powi(most));
    let largest = y.detach().abs()?.amax(&[-2, -1], true)?;
    largest.clamp(low, high)?.log2()?.ceil()?.neg()?.exp2()
}

/// The upper right block of exp [[x, y], [0, x]], which is linear in `y`. That is evened, so that a large `y` does not decide
/// how often the whole is halved: `x` would lose the digits that are halved away.
fn block(x: &Tensor, y: &Tensor, site: &'static Location<'static>) -> Result<Tensor> {
    if x.numel() == 0 {
        return upper_right(x, y, site);
    }
    let by = evening(y)?;
    upper_right(x, &y.mul(&by)?, site)?.div(&by)
}

fn upper_right(x: &Tensor, y: &Tensor, site: &'static Location<'static>) -> Result<Tensor> {
    let n = sides(x).0;
    let upper = cat(&[x, y], -1)?;
    let lower = cat(&[&x.zeros_like()?, x], -1)?;
    let whole = apply(MatrixExp, &[&cat(&[&upper, &lower], -2)?], site)?;
    whole.narrow(-2, 0, n)?.narrow(-1, n, n)
}

impl Op for MatrixExp {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let a = x[0];
        if a.is_meta() {
            return Array::meta(crate::Layout::row_major(a.shape().clone()), a.dtype());
        }
        if a.numel() == 0 {
            return Array::zeros(a.shape().clone(), a.dtype());
        }
        if a.dtype() == DType::F32 {
            // Squares of squares would leave single precision few digits.
            return kernels::cast(
                &exponential::<f64>(&kernels::cast(a, DType::F64)?)?,
                DType::F32,
            );
        }
        dispatch!(float a.dtype(), T => exponential::<T>(a), else Err(Error::new(ErrorKind::DType, format!("exponentials of matrices need a floating dtype, not {}", a.dtype()))))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl rules::General for MatrixExp {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        block(&cx.input(0)?.mt()?, g, cx.site())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match &t[0] {
            Some(t) => block(&cx.input(0)?, t, cx.site()),
            None => cx.output()?.zeros_like(),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// e^A of a square matrix, or of each of a batch. PyTorch's `linalg.matrix_exp`.
    ///
    /// # Errors
    /// Where matrices are not square or of no floating dtype.
    #[track_caller]
    pub fn matrix_exp(&self) -> Result<Tensor> {
        let (site, name) = (Location::caller(), "linalg.matrix_exp");
        square(self, name)?;
        floating(self, name)?;
        apply(MatrixExp, &[self], site)
    }
}
