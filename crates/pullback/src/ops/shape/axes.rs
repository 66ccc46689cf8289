//! The order of dimensions: permute and its relatives. All are views.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::ops::Permute;
use std::panic::Location;

/// Dimensions reordered, by a node with the name of what was called, which the order does not always say.
fn permuted(x: &Tensor, order: Vec<usize>, node: &'static str, site: Site) -> Result<Tensor> {
    let told = Permute::spelled(&order) == node;
    let y = apply(Permute { order }, &[x], site)?;
    if !told {
        y.name_node(node, &[x]);
    }
    Ok(y)
}

#[pullback_macros::called]
impl Tensor {
    /// Reorders dimensions; negative ones count from the end.
    ///
    /// # Errors
    /// Where a dimension is missing, out of range or named twice.
    #[track_caller]
    pub fn permute(&self, dims: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            dims.len() == self.ndim(),
            Shape,
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}",
            self.ndim(),
            dims.len()
        );
        let order = dims
            .iter()
            .map(|&d| self.shape().dim(d))
            .collect::<Result<Vec<_>>>()?;
        if (1..order.len()).any(|k| order[..k].contains(&order[k])) {
            bail!(Shape, "permute(): duplicate dims are not allowed.");
        }
        permuted(self, order, "PermuteBackward0", site)
    }

    /// Exchanges two dimensions. PyTorch's `transpose`, `swapaxes` and `swapdims`.
    ///
    /// # Errors
    /// Where one is out of range.
    #[track_caller]
    pub fn transpose(&self, a: i64, b: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = |d| self.shape().dim(d);
        let (a, b) = (dim(a)?, dim(b)?);
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        if !order.is_empty() {
            order.swap(a, b);
        }
        permuted(self, order, "TransposeBackward0", site)
    }

    /// [`Tensor::transpose`] under NumPy's name.
    ///
    /// # Errors
    /// As [`Tensor::transpose`].
    #[track_caller]
    pub fn swapaxes(&self, a: i64, b: i64) -> Result<Tensor> {
        self.transpose(a, b)
    }

    /// [`Tensor::transpose`] under another name.
    ///
    /// # Errors
    /// As [`Tensor::transpose`].
    #[track_caller]
    pub fn swapdims(&self, a: i64, b: i64) -> Result<Tensor> {
        self.transpose(a, b)
    }

    /// The transpose of a matrix (a vector or a number stays as it is). PyTorch's `t()`.
    ///
    /// # Errors
    /// For more than two dimensions.
    #[track_caller]
    pub fn t(&self) -> Result<Tensor> {
        let site = Location::caller();
        match self.ndim() {
            0 | 1 => Ok(self.clone()),
            2 => apply(Permute { order: vec![1, 0] }, &[self], site),
            n => Err(error!(
                Shape,
                "t() expects a tensor with <= 2 dimensions, but self is {n}D"
            )),
        }
    }

    /// All dimensions in the opposite order. PyTorch's attribute `T`.
    #[track_caller]
    pub fn numpy_t(&self) -> Result<Tensor> {
        let order = (0..self.ndim()).rev().collect();
        permuted(self, order, "PermuteBackward0", Location::caller())
    }

    /// The last two dimensions exchanged: a batch of matrices transposed. PyTorch's attribute `mT`.
    ///
    /// # Errors
    /// For fewer than two dimensions.
    #[track_caller]
    pub fn mt(&self) -> Result<Tensor> {
        if self.ndim() < 2 {
            bail!(
                Shape,
                "tensor.mT is only supported on matrices or batches of matrices. Got {}-D tensor.",
                self.ndim()
            );
        }
        self.transpose(-2, -1)
    }

    /// Moves dimensions to other places; the rest keep their order. PyTorch's `movedim`.
    ///
    /// # Errors
    /// Where a dimension is out of range or named twice, or the lists differ in length.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let x = Tensor::zeros([2, 3, 4], DType::F32)?;
    /// assert_eq!(x.movedim(&[0], &[2])?.shape()[..], [3, 4, 2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn movedim(&self, source: &[i64], destination: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        ensure!(
            source.len() == destination.len(),
            Shape,
            "movedim: Invalid source or destination dims: source ({source:?} dims) should contain the same number of dims as destination ({destination:?} dims)"
        );
        let resolve = |dims: &[i64], what: &str| {
            let resolved = dims
                .iter()
                .map(|&d| self.shape().dim(d))
                .collect::<Result<Vec<_>>>()?;
            if (1..resolved.len()).any(|k| resolved[..k].contains(&resolved[k])) {
                bail!(Shape, "movedim: repeated dim in `{what}` ({dims:?})");
            }
            Ok(resolved)
        };
        let (from, to) = (
            resolve(source, "source")?,
            resolve(destination, "destination")?,
        );
        if self.ndim() == 0 {
            return Ok(self.clone());
        }
        let mut rest = (0..self.ndim()).filter(|d| !from.contains(d));
        let order = (0..self.ndim())
            .filter_map(|place| match to.iter().position(|&t| t == place) {
                Some(k) => Some(from[k]),
                None => rest.next(),
            })
            .collect();
        apply(Permute { order }, &[self], site)
    }

    /// [`Tensor::movedim`] under NumPy's name.
    ///
    /// # Errors
    /// As [`Tensor::movedim`].
    #[track_caller]
    pub fn moveaxis(&self, source: &[i64], destination: &[i64]) -> Result<Tensor> {
        self.movedim(source, destination)
    }
}
