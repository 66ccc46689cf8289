//! Products under their own names, with the ranks each allows: all of them matrix products or sums of products, and
//! compositions of those. Sums of products by letters are in `einsum`, products added to something in `addmm`.

use crate::core::apply::apply;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::ops::common::operand::{borrowed, promote};
use crate::ops::linalg::matmul::{Matmul, Outer};
use crate::ops::reduce::sum::resolve;
use crate::{DType, Result};
use std::borrow::Borrow;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    /// Product of two matrices.
    ///
    /// # Errors
    /// Where one is no matrix, the sizes do not fit or the dtypes differ.
    #[track_caller]
    pub fn mm(&self, mat2: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        for (what, t) in [("self", self), ("mat2", mat2)] {
            if t.ndim() != 2 {
                let n = t.ndim();
                bail!(Shape, "mm: {what} must be a matrix, got {n}-D tensor");
            }
        }
        apply(Matmul, &[self, mat2], site)
    }

    /// Product of two stacks of matrices, one by one.
    ///
    /// # Errors
    /// Where one is no stack of matrices, the sizes do not fit or the dtypes differ.
    #[track_caller]
    pub fn bmm(&self, mat2: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        fits_bmm(self, mat2)?;
        apply(Matmul, &[self, mat2], site)
    }

    /// Product of a matrix and a vector.
    ///
    /// # Errors
    /// Where the ranks are others, the sizes do not fit or the dtypes differ.
    #[track_caller]
    pub fn mv(&self, vec: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            (self.ndim(), vec.ndim()) == (2, 1),
            Shape,
            "vector + matrix @ vector expected, got 1, {}, {}",
            self.ndim(),
            vec.ndim()
        );
        apply(Matmul, &[self, vec], site)
    }

    /// Σ of the products of two vectors' elements.
    ///
    /// # Errors
    /// Where one is no vector, the sizes differ or the dtypes do.
    #[track_caller]
    pub fn dot(&self, other: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            (self.ndim(), other.ndim()) == (1, 1),
            Shape,
            "1D tensors expected, but got {}D and {}D tensors",
            self.ndim(),
            other.ndim()
        );
        if self.dtype() != other.dtype() {
            bail!(
                DType,
                "dot : expected both vectors to have same dtype, but found {} and {}",
                self.dtype().scalar_type_name(),
                other.dtype().scalar_type_name()
            );
        }
        apply(Matmul, &[self, other], site)
    }

    /// As [`Tensor::dot`]: for real numbers nothing is conjugated.
    #[track_caller]
    pub fn vdot(&self, other: &Tensor) -> Result<Tensor> {
        self.dot(other)
    }

    /// The matrix of all products of two vectors' elements, in their common dtype.
    ///
    /// # Errors
    /// Where one is no vector.
    #[track_caller]
    pub fn outer(&self, vec2: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        let (a, b) = promote(self, vec2.into(), site)?;
        if a.dtype() == DType::Bool && (a.ndim(), b.ndim()) == (1, 1) {
            return a.unsqueeze(1)?.mul(b.as_ref());
        }
        apply(Outer, &[a.as_ref(), b.as_ref()], site)
    }

    /// Σ of products over the last dimensions of both; a product of elements where one has no dimension.
    ///
    /// # Errors
    /// Where the last dimensions or the dtypes differ.
    #[track_caller]
    pub fn inner(&self, other: &Tensor) -> Result<Tensor> {
        if self.ndim() == 0 || other.ndim() == 0 {
            return self.mul(other);
        }
        let last = |t: &Tensor| t.shape()[t.ndim() - 1];
        ensure!(
            last(self) == last(other),
            Shape,
            "inner() the last dimension must match on both input tensors but got shapes {} and {}",
            self.shape(),
            other.shape()
        );
        self.tensordot(other, &[-1], &[-1])
    }

    /// Σ of products over pairs of dimensions: `dims_self[k]` of this tensor with `dims_other[k]` of the other. The
    /// remaining dimensions follow each other.
    ///
    /// # Errors
    /// Where the lists, the sizes or the dtypes differ, or a dimension is out of range or named twice.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let a = Tensor::arange(6)?.reshape([2, 3])?;
    /// assert_eq!(a.tensordot(&a, &[0, 1], &[0, 1])?.item_f64()?, 55.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn tensordot(
        &self,
        other: &Tensor,
        dims_self: &[i64],
        dims_other: &[i64],
    ) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            dims_self.len() == dims_other.len(),
            Shape,
            "both dimension lists should have same length"
        );
        ensure!(
            self.dtype() == other.dtype(),
            DType,
            "both inputs should have same dtype"
        );
        let (mut a, mut b) = (self.clone(), other.clone());
        let mut pairs = Vec::new();
        for (&i, &j) in dims_self.iter().zip(dims_other) {
            let (da, db) = (self.shape().dim(i)?, other.shape().dim(j)?);
            let (m, n) = (self.size(i)?, other.size(j)?);
            if m != n && m != 1 && n != 1 {
                bail!(
                    Shape,
                    "contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} in dim {j}"
                );
            }
            // A dimension of size 1 stands for any number of equal elements.
            if m == 1 && n != 1 {
                b = b.sum_dims(&[db as i64], true)?.to(self.dtype())?;
            } else if n == 1 && m != 1 {
                a = a.sum_dims(&[da as i64], true)?.to(self.dtype())?;
            }
            pairs.push((da, db));
        }
        if !dims_self.is_empty() {
            resolve(self, dims_self)?;
            resolve(other, dims_other)?;
        }
        let rest = |t: &Tensor, used: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..t.ndim()).filter(|&d| !used(d)).collect()
        };
        let rest_a = rest(&a, &|d| pairs.iter().any(|p| p.0 == d));
        let rest_b = rest(&b, &|d| pairs.iter().any(|p| p.1 == d));
        let sizes = |t: &Tensor, dims: &[usize]| -> Vec<usize> {
            dims.iter().map(|&d| t.shape()[d]).collect()
        };
        let (sa, sb) = (sizes(&a, &rest_a), sizes(&b, &rest_b));
        let k: usize = pairs.iter().map(|p| a.shape()[p.0]).product();
        let order = |first: &mut dyn Iterator<Item = usize>| -> Vec<i64> {
            first.map(|d| d as i64).collect()
        };
        let rows = order(&mut rest_a.iter().copied().chain(pairs.iter().map(|p| p.0)));
        let cols = order(&mut pairs.iter().map(|p| p.1).chain(rest_b.iter().copied()));
        let a = a.permute(&rows)?.reshape([sa.iter().product(), k])?;
        let b = b.permute(&cols)?.reshape([k, sb.iter().product()])?;
        apply(Matmul, &[&a, &b], site)?.reshape([sa, sb].concat())
    }

    /// Kronecker product: every element of the first times the whole second, dimension by dimension.
    #[track_caller]
    pub fn kron(&self, other: &Tensor) -> Result<Tensor> {
        let rank = self.ndim().max(other.ndim());
        let padded = |t: &Tensor| [&vec![1; rank - t.ndim()][..], &t.shape()[..]].concat();
        let (a, b) = (padded(self), padded(other));
        let spread = |own: &[usize], first: bool| -> Vec<usize> {
            own.iter()
                .flat_map(|&n| if first { [n, 1] } else { [1, n] })
                .collect()
        };
        let product = self
            .reshape(spread(&a, true))?
            .mul(&other.reshape(spread(&b, false))?)?;
        product.reshape(a.iter().zip(&b).map(|(m, n)| m * n).collect::<Vec<_>>())
    }
}

/// Errors unless two stacks of matrices can be multiplied one by one.
pub(in crate::ops) fn fits_bmm(a: &Tensor, b: &Tensor) -> Result<()> {
    for (what, t) in [("batch1", a), ("batch2", b)] {
        ensure!(t.ndim() == 3, Shape, "{what} must be a 3D tensor");
    }
    ensure!(
        (a.shape()[0], a.shape()[2]) == (b.shape()[0], b.shape()[1]),
        Shape,
        "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].",
        a.shape()[0],
        a.shape()[2],
        b.shape()[0],
        b.shape()[1]
    );
    Ok(())
}

/// Product of several matrices in the order that takes the fewest multiplications; the first and the last may be
/// vectors. PyTorch's `linalg.multi_dot`.
///
/// # Errors
/// For fewer than two, other ranks, sizes that do not fit, dtypes that differ.
#[pullback_macros::called]
#[track_caller]
pub fn multi_dot<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    let n = tensors.len();
    if n < 2 {
        bail!(
            Shape,
            "multi_dot(): expected at least 2 tensors but got {n}"
        );
    }
    let mut matrices = Vec::with_capacity(n);
    for (i, t) in tensors.iter().enumerate() {
        let rank = t.ndim();
        let end = match i {
            0 => Some("first"),
            i if i == n - 1 => Some("last"),
            _ => None,
        };
        match end {
            Some(end) if !(1..=2).contains(&rank) => {
                bail!(
                    Shape,
                    "multi_dot(): the {end} tensor must be 1D or 2D but got {rank}D"
                );
            }
            None if rank != 2 => {
                bail!(Shape, "multi_dot(): tensor {i} must be 2D but got {rank}D");
            }
            _ => {}
        }
        ensure!(
            t.dtype() == tensors[0].dtype(),
            DType,
            "multi_dot(): all tensors must have be the same dtype but tensor 0 is {} and tensor {i} {}",
            tensors[0].dtype().cpp_name(),
            t.dtype().cpp_name()
        );
        matrices.push(match (rank, i) {
            (1, 0) => t.unsqueeze(0)?,
            (1, _) => t.unsqueeze(1)?,
            _ => (*t).clone(),
        });
    }
    for i in 0..n - 1 {
        ensure!(
            matrices[i].shape()[1] == matrices[i + 1].shape()[0],
            Shape,
            "multi_dot(): tensors {i} and {} with shapes {} and {} cannot be multiplied",
            i + 1,
            tensors[i].shape(),
            tensors[i + 1].shape()
        );
    }
    let product = chain(&matrices, &cuts(&matrices), 0, n - 1)?;
    let mut shape = product.shape().to_vec();
    if tensors[n - 1].ndim() == 1 {
        shape.pop();
    }
    if tensors[0].ndim() == 1 {
        shape.remove(0);
    }
    product.reshape(shape)
}

/// Where to cut each run of matrices so that fewest multiplications are needed (Cormen et al., section 15.2).
fn cuts(matrices: &[Tensor]) -> Vec<Vec<usize>> {
    let n = matrices.len();
    let size = |i: usize| match i {
        0 => matrices[0].shape()[0] as f64,
        i => matrices[i - 1].shape()[1] as f64,
    };
    let (mut cost, mut cut) = (vec![vec![0.0; n]; n], vec![vec![0; n]; n]);
    for len in 1..n {
        for i in 0..n - len {
            let j = i + len;
            cost[i][j] = f64::INFINITY;
            for k in i..j {
                let total = cost[i][k] + cost[k + 1][j] + size(i) * size(k + 1) * size(j + 1);
                if total < cost[i][j] {
                    (cost[i][j], cut[i][j]) = (total, k);
                }
            }
        }
    }
    cut
}

fn chain(matrices: &[Tensor], cut: &[Vec<usize>], i: usize, j: usize) -> Result<Tensor> {
    if i == j {
        return Ok(matrices[i].clone());
    }
    let k = cut[i][j];
    chain(matrices, cut, i, k)?.mm(&chain(matrices, cut, k + 1, j)?)
}

/// `Σᵢⱼ x₁ᵢ Wₒᵢⱼ x₂ⱼ + bₒ`: PyTorch's `nn.functional.bilinear`.
///
/// # Errors
/// Where the sizes do not fit.
#[pullback_macros::called]
#[track_caller]
pub fn bilinear(
    input1: &Tensor,
    input2: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (r1, r2) = (input1.ndim(), input2.ndim());
    ensure!(
        r1 == r2,
        Shape,
        "bilinear(): input dimensions do not match: got {r1} and {r2}"
    );
    let lead = r1.saturating_sub(1);
    for d in 0..lead {
        let (m, n) = (input1.shape()[d], input2.shape()[d]);
        ensure!(
            m == n,
            Shape,
            "bilinear(): input batch dimensions do not match at dim {d}: got {m} and {n}"
        );
    }
    for (which, input) in [("input1", input1), ("input2", input2)] {
        let place = if which == "input1" { 1 } else { 2 };
        let (got, want) = (input.size(-1)?, weight.size(place)?);
        ensure!(
            got == want,
            Shape,
            "bilinear(): {which} size does not match weight size: got {got} but expected {want}"
        );
    }
    let out = weight.shape()[0];
    if let Some(b) = bias
        && b.shape()[..] != [out]
    {
        bail!(
            Shape,
            "bilinear(): bias size does not match weight size: got {} but expected {out}",
            b.size(0)?
        );
    }
    if is_half(input1) {
        let bias = wide_if(bias)?;
        return bilinear(
            &wide(input1)?,
            &wide(input2)?,
            &wide(weight)?,
            bias.as_ref(),
        )?
        .to(input1.dtype());
    }
    let mut shape = input1.shape()[..lead].to_vec();
    let rows: usize = shape.iter().product();
    let flat = |t: &Tensor| t.reshape([rows, t.shape()[lead]]);
    // (out, rows, in2), then the products with the second input are summed.
    let half = flat(input1)?.matmul(weight)?;
    let terms = half.mul(&flat(input2)?)?;
    let result = (terms.sum_dims(&[-1], false)?.to(terms.dtype())?)
        .t()?
        .contiguous()?;
    shape.push(out);
    let result = result.reshape(shape)?;
    match bias {
        Some(b) => result.add(b),
        None => Ok(result),
    }
}
