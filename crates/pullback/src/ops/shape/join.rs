//! Tensors put together: stack and its relatives, meshgrid, cartesian_prod, broadcast_tensors, diff. All compositions;
//! the primitive `cat` is in `slice`.

use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::ops::cat;
use crate::ops::common::operand::borrowed;
use crate::{DType, Result, Shape};
use pullback_array::wrap_dim;
use std::borrow::Borrow;

fn lent(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}

/// Joins tensors of one shape along a new dimension. PyTorch's `torch.stack`.
///
/// # Errors
/// Where shapes differ; for an empty list.
///
/// ```
/// # use pullback::{Tensor, stack};
/// let x = Tensor::arange(3)?;
/// assert_eq!(stack(&[&x, &x], 0)?.shape()[..], [2, 3]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn stack<T: Borrow<Tensor>>(tensors: &[T], dim: i64) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    let Some(first) = tensors.first() else {
        bail!(Shape, "stack expects a non-empty TensorList");
    };
    let dim = wrap_dim(dim, first.ndim() + 1)? as i64;
    if let Some((k, t)) = (tensors.iter().enumerate()).find(|(_, t)| t.shape() != first.shape()) {
        bail!(
            Shape,
            "stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {k}",
            first.shape(),
            t.shape()
        );
    }
    let rows = (tensors.iter())
        .map(|t| t.unsqueeze(dim))
        .collect::<Result<Vec<_>>>()?;
    cat(&lent(&rows), dim)
}

fn nonempty(name: &'static str, tensors: &[&Tensor]) -> Result<()> {
    match tensors {
        [] => Err(error!(Shape, "{name} expects a non-empty TensorList")),
        _ => Ok(()),
    }
}

/// Joins side by side: along the columns, vectors along their only dimension. PyTorch's `torch.hstack`.
///
/// # Errors
/// Where other sizes differ; for an empty list.
#[pullback_macros::called]
#[track_caller]
pub fn hstack<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    nonempty("hstack", tensors)?;
    let rows = (tensors.iter())
        .map(|t| t.atleast_1d())
        .collect::<Result<Vec<_>>>()?;
    cat(&lent(&rows), i64::from(rows[0].ndim() > 1))
}

/// Joins one above the other: along the rows; vectors are rows. PyTorch's `torch.vstack`.
///
/// # Errors
/// Where other sizes differ; for an empty list.
#[pullback_macros::called]
#[track_caller]
pub fn vstack<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    nonempty("vstack", tensors)?;
    let rows = (tensors.iter())
        .map(|t| t.atleast_2d())
        .collect::<Result<Vec<_>>>()?;
    cat(&lent(&rows), 0)
}

/// Joins one behind the other: along the third dimension. PyTorch's `torch.dstack`.
///
/// # Errors
/// Where other sizes differ; for an empty list.
#[pullback_macros::called]
#[track_caller]
pub fn dstack<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    nonempty("dstack", tensors)?;
    let rows = (tensors.iter())
        .map(|t| t.atleast_3d())
        .collect::<Result<Vec<_>>>()?;
    cat(&lent(&rows), 2)
}

/// Joins vectors as columns, and matrices side by side. PyTorch's `torch.column_stack`.
///
/// # Errors
/// Where other sizes differ; for an empty list.
#[pullback_macros::called]
#[track_caller]
pub fn column_stack<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    nonempty("column_stack", tensors)?;
    let columns = (tensors.iter())
        .map(|t| match t.ndim() {
            0 | 1 => t.reshape([t.numel(), 1]),
            _ => Ok((*t).clone()),
        })
        .collect::<Result<Vec<_>>>()?;
    hstack(&lent(&columns))
}

/// All tensors expanded to their common shape, without copies. PyTorch's `torch.broadcast_tensors`.
///
/// # Errors
/// Where the shapes do not broadcast.
#[pullback_macros::called]
#[track_caller]
pub fn broadcast_tensors<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Vec<Tensor>> {
    let tensors = &borrowed(tensors)[..];
    let shape =
        (tensors.iter()).try_fold(Shape::scalar(), |shape, t| shape.broadcast(t.shape()))?;
    tensors.iter().map(|t| t.expand(&shape)).collect()
}

/// Coordinates of the points of a grid, one tensor for each axis: the first dimension runs along the first tensor
/// (`"ij"`), or along the second (`"xy"`). Views. PyTorch's `torch.meshgrid`.
///
/// # Errors
/// Where a tensor has more than one dimension, dtypes differ, or the indexing is neither.
///
/// ```
/// # use pullback::{Tensor, meshgrid};
/// let grid = meshgrid(&[&Tensor::arange(2)?, &Tensor::arange(3)?], "ij")?;
/// assert_eq!(grid[1].to_vec::<i64>()?, [0, 1, 2, 0, 1, 2]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn meshgrid<T: Borrow<Tensor>>(tensors: &[T], indexing: &str) -> Result<Vec<Tensor>> {
    let tensors = &borrowed(tensors)[..];
    let Some(first) = tensors.first() else {
        bail!(Shape, "meshgrid expects a non-empty TensorList");
    };
    let swap = match indexing {
        "xy" => tensors.len() >= 2,
        "ij" => false,
        other => {
            bail!(
                Shape,
                "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {other}"
            );
        }
    };
    if tensors.iter().any(|t| t.dtype() != first.dtype()) {
        bail!(Shape, "meshgrid expects all tensors to have the same dtype");
    }
    if let Some(t) = tensors.iter().find(|t| t.ndim() > 1) {
        // PyTorch prints the tensor; its shape says what is wrong.
        bail!(
            Shape,
            "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {}",
            t.shape()
        );
    }
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    if swap {
        order.swap(0, 1);
    }
    let shape: Shape = order.iter().map(|&k| tensors[k].numel()).collect();
    (tensors.iter().enumerate())
        .map(|(k, t)| {
            let place = if swap && k < 2 { 1 - k } else { k };
            let mut column = vec![1; tensors.len()];
            column[place] = t.numel();
            let grid = t.reshape(column)?.expand(&shape)?;
            // PyTorch's "xy" is a transpose of its "ij"; the dimensions are placed at once here.
            Ok(grid)
        })
        .collect()
}

/// Every combination of one element of each vector, a row each. PyTorch's `torch.cartesian_prod`.
///
/// # Errors
/// Where a tensor is no vector.
#[pullback_macros::called]
#[track_caller]
pub fn cartesian_prod<T: Borrow<Tensor>>(tensors: &[T]) -> Result<Tensor> {
    let tensors = &borrowed(tensors)[..];
    if let Some(t) = tensors.iter().find(|t| t.ndim() != 1) {
        bail!(Shape, "Expect a 1D vector, but got shape {}", t.shape());
    }
    if let [only] = tensors {
        return Ok((*only).clone());
    }
    let columns = (meshgrid(tensors, "ij")?.iter())
        .map(Tensor::flatten)
        .collect::<Result<Vec<_>>>()?;
    stack(&lent(&columns), 1)
}

#[pullback_macros::called]
impl Tensor {
    /// Differences of neighbours along a dimension, taken `n` times; `prepend` and `append` are joined on before.
    /// PyTorch's `torch.diff`; differences of truth values are "not equal".
    ///
    /// # Errors
    /// Where `n` is negative or there is no dimension.
    #[track_caller]
    pub fn diff(
        &self,
        n: impl Into<Count>,
        dim: i64,
        prepend: Option<&Tensor>,
        append: Option<&Tensor>,
    ) -> Result<Tensor> {
        let n = n.into().0;
        ensure!(
            self.ndim() != 0,
            Shape,
            "diff expects input to be at least one-dimensional"
        );
        let at = self.shape().dim(dim)?;
        for t in [prepend, append].into_iter().flatten() {
            ensure!(
                t.ndim() == self.ndim(),
                Shape,
                "diff expects prepend or append to be the same dimension as input"
            );
            let clash = (0..self.ndim()).find(|&d| d != at && t.shape()[d] != self.shape()[d]);
            if let Some(d) = clash {
                bail!(
                    Shape,
                    "diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; input.size({d}) = {}, but got tensor.size({d}) = {}",
                    self.shape()[d],
                    t.shape()[d]
                );
            }
        }
        if n < 0 {
            bail!(Shape, "order must be non-negative but got {n}");
        }
        if n == 0 {
            return self.copy();
        }
        let mut x = match (prepend, append) {
            (None, None) => self.clone(),
            (before, after) => {
                let all: Vec<&Tensor> = before.into_iter().chain([self]).chain(after).collect();
                cat(&all, dim)?
            }
        };
        // Beyond its length nothing is left to subtract.
        for _ in 0..n.min(x.shape()[at].max(1) as i64) {
            let size = x.shape()[at];
            let len = size.saturating_sub(1);
            let (low, high) = (
                x.narrow(dim, 0, len)?,
                x.narrow(dim, usize::from(size > 0), len)?,
            );
            x = if x.dtype() == DType::Bool {
                high.ne(&low)?
            } else {
                high.sub(&low)?
            };
        }
        Ok(x)
    }
}
