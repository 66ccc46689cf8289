//! Products added to something: `beta·input + alpha·(a b)` for matrices, vectors and stacks of matrices.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::common::halves::{is_half, wide};
use crate::ops::common::operand::promote;
use crate::ops::linalg::matmul::Matmul;
use crate::ops::linalg::product::fits_bmm;
use crate::ops::{Where, result_type};
use crate::{Category, DType, Number, Result, Shape};
use std::panic::Location;

/// A factor in the dtype of what it multiplies, which must hold it: integers take its integer part, as PyTorch's kernels do.
fn factor(n: Number, dtype: DType) -> Result<Number> {
    n.fit(dtype)?;
    Ok(match (dtype.category(), n) {
        (Category::Float, n) => n,
        (Category::Bool, n) => Number::Bool(n.to_f64() != 0.0),
        (_, n) => Number::Int(n.cast::<i64>()),
    })
}

fn scaled(t: &Tensor, by: Number) -> Result<Tensor> {
    if by.to_f64() == 1.0 {
        return Ok(t.clone());
    }
    t.mul(by)
}

/// `beta·input + alpha·(a b)`, of halves rounded once.
fn add_product(
    input: &Tensor,
    [a, b]: [&Tensor; 2],
    beta: Number,
    alpha: Number,
    site: Site,
) -> Result<Tensor> {
    if is_half(input) {
        let product = apply(Matmul, &[&wide(a)?, &wide(b)?], site)?;
        return combine(&wide(input)?, &product, beta, alpha, false, site)?.to(input.dtype());
    }
    let product = apply(Matmul, &[a, b], site)?;
    combine(input, &product, beta, alpha, false, site)
}

/// `beta·input + alpha·product`; with `beta` 0 the input's numbers play no part, not even NaN, and its gradient is 0.
fn combine(
    input: &Tensor,
    product: &Tensor,
    beta: Number,
    alpha: Number,
    lies_as_input: bool,
    site: Site,
) -> Result<Tensor> {
    let dtype = product.dtype();
    let (beta, alpha) = (factor(beta, dtype)?, factor(alpha, dtype)?);
    let product = scaled(product, alpha)?;
    if beta.to_f64() == 0.0 {
        return apply(Where, &[&Tensor::scalar(false), input, &product], site);
    }
    let input = scaled(input, beta)?;
    // The result lies in memory as the first of them does.
    match lies_as_input {
        true => input.add(&product),
        false => product.add(&input),
    }
}

/// Errors unless `input` (or a bias) can be added to the product of a matrix of shape `mat1` with `mat2`.
pub(in crate::ops) fn fits_addmm(
    input: &Tensor,
    mat1: (&[usize], DType),
    mat2: &Tensor,
) -> Result<()> {
    for (what, rank) in [("self", mat1.0.len()), ("mat2", mat2.ndim())] {
        ensure!(
            rank == 2,
            Shape,
            "addmm: {what} must be a matrix, got {rank}-D tensor"
        );
    }
    let (m, n) = (mat1.0, mat2.shape());
    ensure!(
        m[1] == n[0],
        Shape,
        "addmm: mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})",
        m[0],
        m[1],
        n[0],
        n[1]
    );
    same_dtypes(input, mat1.1, mat2)?;
    expandable(input, &[m[0], n[1]])
}

/// Errors where what is added or either factor has a dtype of its own.
pub(in crate::ops) fn same_dtypes(input: &Tensor, mat1: DType, mat2: &Tensor) -> Result<()> {
    for (what, dtype) in [("self", input.dtype()), ("mat1", mat1)] {
        ensure!(
            dtype == mat2.dtype(),
            DType,
            "{what} and mat2 must have the same dtype, but got {} and {}",
            dtype.scalar_type_name(),
            mat2.dtype().scalar_type_name()
        );
    }
    Ok(())
}

fn expandable(input: &Tensor, shape: &[usize]) -> Result<()> {
    input
        .array()
        .layout()
        .expand(&Shape::new(shape))
        .map(|_| ())
}

#[pullback_macros::called]
impl Tensor {
    /// `beta·self + alpha·(mat1 mat2)`; this tensor is broadcast to the product's shape. With `beta` 0 its numbers play no
    /// part.
    ///
    /// # Errors
    /// Where ranks, sizes or dtypes do not fit.
    #[track_caller]
    pub fn addmm(
        &self,
        mat1: &Tensor,
        mat2: &Tensor,
        beta: impl Into<Number>,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        fits_addmm(self, (mat1.shape(), mat1.dtype()), mat2)?;
        add_product(self, [mat1, mat2], beta.into(), alpha.into(), site)
    }

    /// `beta·self + alpha·(mat vec)`; see [`Tensor::addmm`].
    ///
    /// # Errors
    /// Where ranks, sizes or dtypes do not fit.
    #[track_caller]
    pub fn addmv(
        &self,
        mat: &Tensor,
        vec: &Tensor,
        beta: impl Into<Number>,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        if vec.ndim() != 1 || mat.ndim() != 2 || self.ndim() > 1 {
            bail!(
                Shape,
                "vector + matrix @ vector expected, got {}, {}, {}",
                self.ndim(),
                mat.ndim(),
                vec.ndim()
            );
        }
        let (rows, cols) = (mat.shape()[0], mat.shape()[1]);
        if cols != vec.numel() || (self.numel() != rows && self.numel() != 1) {
            bail!(
                Shape,
                "size mismatch, got input ({}), mat ({rows}x{cols}), vec ({})",
                self.numel(),
                vec.numel()
            );
        }
        if self.dtype() != mat.dtype() || mat.dtype() != vec.dtype() {
            let [a, b, c] = [self, mat, vec].map(|t| t.dtype().scalar_type_name());
            bail!(
                DType,
                "addmv input tensors must have the same dtype, but got {a}, {b}, and {c}"
            );
        }
        add_product(self, [mat, vec], beta.into(), alpha.into(), site)
    }

    /// `beta·self + alpha·Σ` of the products of two stacks of matrices; see [`Tensor::addmm`].
    ///
    /// # Errors
    /// Where ranks, sizes or dtypes do not fit.
    #[track_caller]
    pub fn addbmm(
        &self,
        batch1: &Tensor,
        batch2: &Tensor,
        beta: impl Into<Number>,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let target = [batch1.size(1)?, batch2.size(2)?];
        expandable(self, &target)?;
        for (what, t) in [("batch1", batch1), ("batch2", batch2)] {
            ensure!(t.ndim() == 3, Shape, "{what} must be a 3D tensor");
        }
        let (a, b) = (batch1.shape(), batch2.shape());
        ensure!(
            a[0] == b[0],
            Shape,
            "batch1 and batch2 must have same number of batches, got {} and {}",
            a[0],
            b[0]
        );
        ensure!(
            a[2] == b[1],
            Shape,
            "Incompatible matrix sizes for bmm ({}x{} and {}x{})",
            a[1],
            a[2],
            b[1],
            b[2]
        );
        // The stacks side by side are one long product.
        let k = a[0] * a[2];
        let rows = batch1.permute(&[1, 0, 2])?.reshape([a[1], k])?;
        let cols = batch2.reshape([k, b[2]])?;
        fits_addmm(self, (rows.shape(), rows.dtype()), &cols)?;
        add_product(self, [&rows, &cols], beta.into(), alpha.into(), site)
    }

    /// `beta·self + alpha·` the products of two stacks of matrices, one by one; see [`Tensor::addmm`].
    ///
    /// # Errors
    /// Where ranks, sizes or dtypes do not fit.
    #[track_caller]
    pub fn baddbmm(
        &self,
        batch1: &Tensor,
        batch2: &Tensor,
        beta: impl Into<Number>,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let site = Location::caller();
        let size = |t: &Tensor, d| t.size(d);
        let target = [size(batch1, 0)?, size(batch1, 1)?, size(batch2, 2)?];
        fits_bmm(batch1, batch2)?;
        expandable(self, &target)?;
        if self.dtype() != batch1.dtype() || batch1.dtype() != batch2.dtype() {
            let [a, b, c] = [self, batch1, batch2].map(|t| t.dtype().cpp_name());
            bail!(
                DType,
                "Input dtypes must be the same, got: input {a}, batch1: {b}, batch2: {c}"
            );
        }
        add_product(self, [batch1, batch2], beta.into(), alpha.into(), site)
    }

    /// `beta·self + alpha·(vec1 vec2ᵀ)`; see [`Tensor::addmm`]. Dtypes are brought together, unlike there.
    ///
    /// # Errors
    /// Where ranks or sizes do not fit; for a floating factor among integers.
    #[track_caller]
    pub fn addr(
        &self,
        vec1: &Tensor,
        vec2: &Tensor,
        beta: impl Into<Number>,
        alpha: impl Into<Number>,
    ) -> Result<Tensor> {
        let (site, beta, alpha) = (Location::caller(), beta.into(), alpha.into());
        for (what, t) in [("vec1", vec1), ("vec2", vec2)] {
            if t.ndim() != 1 {
                let n = t.ndim();
                bail!(Shape, "addr: Expected 1-D argument {what}, but got {n}-D");
            }
        }
        expandable(self, &[vec1.numel(), vec2.numel()])?;
        let product = vec1.outer(vec2)?;
        let dtype = result_type(&product, self);
        for (what, n) in [("beta", beta), ("alpha", alpha)] {
            if !dtype.is_float() && n.category() == Category::Float {
                bail!(
                    DType,
                    "For integral input tensors, argument {what} must not be a floating point number."
                );
            }
        }
        if dtype.is_float() && dtype.is_narrow() {
            let product = vec1.to(DType::F32)?.outer(&vec2.to(DType::F32)?)?;
            let input = self.to(DType::F32)?;
            return combine(&input, &product, beta, alpha, true, site)?.to(dtype);
        }
        let (input, product) = promote(self, (&product).into(), site)?;
        combine(input.as_ref(), product.as_ref(), beta, alpha, true, site)
    }
}
