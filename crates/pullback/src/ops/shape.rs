//! Rearrangements: reshape, permute, expand. All linear; most share memory.

use super::{common, define};
use crate::apply::apply;
use crate::op::{Ctx, Op};
use crate::tensor::Tensor;
use crate::{Array, Error, ErrorKind, Result, Shape};
use pullback_array::wrap_dim;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::proof::{Sample, error};

#[cfg(feature = "proof")]
pub(super) const SIX: [f64; 6] = [0.5, -1.0, 2.0, 3.0, -0.25, 1.5];

/// The same elements in the same order under another shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    /// Shape of the result.
    pub shape: Shape,
}
define! { Reshape: Linear "reshape", "torch.reshape", view: true;
    summary: "The same elements in row-major order under another shape; a view where strides allow it.";
    formula: "x";
    derivative: "g in the input's shape";
    proof: { samples: || {
        let to = |s: &[usize], from: &[usize]| Sample::new(Reshape { shape: Shape::new(s) }, &[(from, &SIX[..from.iter().product()])]);
        vec![to(&[3, 2], &[2, 3]), to(&[6], &[2, 3]), to(&[1, 2, 1, 3], &[6]), to(&[], &[1]), to(&[0, 4], &[2, 0])]
    }, errors: || vec![error(Reshape { shape: Shape::new(&[4]) }, &[&[2, 3]], "shape '[4]' is invalid for input of size 6")] }
}

impl Op for Reshape {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].reshape(&self.shape)
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.reshape(cx.shape(0))
    }
}

/// Reordered dimensions.
#[derive(Clone, Debug)]
pub struct Permute {
    /// Dimension k of the result is dimension `order[k]` of the input.
    pub order: Vec<usize>,
}
define! { Permute: Linear "permute", "torch.permute", view: true;
    summary: "Reordered dimensions, without a copy.";
    formula: "y[i₀, i₁, …] = x[i at the permuted places]";
    derivative: "g permuted back";
    proof: { samples: || {
        let by = |o: &[usize], from: &[usize]| Sample::new(Permute { order: o.to_vec() }, &[(from, &SIX[..from.iter().product()])]);
        vec![by(&[1, 0], &[2, 3]), by(&[2, 0, 1], &[1, 2, 3]), by(&[0], &[4]), by(&[], &[]), by(&[1, 0], &[0, 3])]
    } }
}

impl Op for Permute {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].view(x[0].layout().permute(&self.order))
    }
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let mut back = vec![0; self.order.len()];
        self.order
            .iter()
            .enumerate()
            .for_each(|(k, &o)| back[o] = k);
        apply(Permute { order: back }, &[g], cx.site())
    }
}

/// Stretched to a larger shape.
#[derive(Clone, Debug)]
pub struct Expand {
    /// Shape of the result.
    pub shape: Shape,
}
define! { Expand: Linear "expand", "torch.Tensor.expand", view: true;
    summary: "Size-1 and missing leading dimensions repeated, without a copy.";
    formula: "y[i, j] = x[0, j]";
    derivative: "g summed over the repeated dimensions";
    proof: { samples: || {
        let to = |s: &[usize], from: &[usize]| Sample::new(Expand { shape: Shape::new(s) }, &[(from, &SIX[..from.iter().product()])]);
        vec![to(&[4, 3], &[1, 3]), to(&[2, 2, 3], &[2, 3]), to(&[3], &[]), to(&[2, 3], &[2, 1]), to(&[0, 3], &[1, 3])]
    }, errors: || vec![error(Expand { shape: Shape::new(&[3, 3]) }, &[&[2, 3]],
        "The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0.  Target sizes: [3, 3].  Tensor sizes: [2, 3]")] }
}

impl Op for Expand {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].expand(&self.shape)
    }
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone()) // the engine sums it to the input's shape
    }
}

impl Tensor {
    /// The same elements in row-major order under another shape; a view where strides allow it.
    ///
    /// # Errors
    /// Where the number of elements differs.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        apply(
            Reshape {
                shape: shape.into(),
            },
            &[self],
            Location::caller(),
        )
    }

    /// All elements in one dimension.
    #[track_caller]
    pub fn flatten(&self) -> Result<Tensor> {
        self.reshape([self.numel()])
    }

    /// Drops all dimensions of size 1.
    #[track_caller]
    pub fn squeeze(&self) -> Result<Tensor> {
        self.reshape(
            self.shape()
                .iter()
                .copied()
                .filter(|&n| n != 1)
                .collect::<Shape>(),
        )
    }

    /// Inserts a dimension of size 1 before `dim` (`-1`: at the end).
    ///
    /// # Errors
    /// Where `dim` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, dim: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = wrap_dim(dim, self.ndim() + 1).map_err(|e| e.op("unsqueeze").at(site))?;
        let mut shape = self.shape().clone();
        shape.insert(dim, 1);
        apply(Reshape { shape }, &[self], site)
    }

    /// Reorders dimensions; negative ones count from the end.
    ///
    /// # Errors
    /// Where a dimension is missing, out of range or named twice.
    #[track_caller]
    pub fn permute(&self, dims: &[i64]) -> Result<Tensor> {
        let site = Location::caller();
        let context = |e: Error| e.op("permute").at(site);
        if dims.len() != self.ndim() {
            return Err(context(Error::new(
                ErrorKind::Shape,
                format!(
                    "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}",
                    self.ndim(),
                    dims.len()
                ),
            )));
        }
        let order = dims
            .iter()
            .map(|&d| self.shape().dim(d))
            .collect::<Result<Vec<_>>>()
            .map_err(context)?;
        if (1..order.len()).any(|k| order[..k].contains(&order[k])) {
            return Err(context(Error::new(
                ErrorKind::Shape,
                "permute(): duplicate dims are not allowed.",
            )));
        }
        apply(Permute { order }, &[self], site)
    }

    /// Exchanges two dimensions.
    ///
    /// # Errors
    /// Where one is out of range.
    #[track_caller]
    pub fn transpose(&self, a: i64, b: i64) -> Result<Tensor> {
        let site = Location::caller();
        let dim = |d| self.shape().dim(d).map_err(|e| e.op("transpose").at(site));
        let (a, b) = (dim(a)?, dim(b)?);
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        if !order.is_empty() {
            order.swap(a, b);
        }
        apply(Permute { order }, &[self], site)
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
            n => Err(Error::new(
                ErrorKind::Shape,
                format!("t() expects a tensor with <= 2 dimensions, but self is {n}D"),
            )
            .op("t")
            .at(site)),
        }
    }

    /// Repeats size-1 and missing leading dimensions to `shape`, without a copy.
    ///
    /// # Errors
    /// Where a size differs and is not 1.
    #[track_caller]
    pub fn expand(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        if *self.shape() == shape {
            return Ok(self.clone());
        }
        apply(Expand { shape }, &[self], Location::caller())
    }
}
