//! Norms by name: of matrices, and PyTorch's three functions that choose between those of vectors and of matrices.
//!
//! Compositions of [`VectorNorm`](crate::ops::VectorNorm), extremes, and singular values (2, -2, nuclear).

use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::{DType, Result};
use std::fmt;

/// The order of a norm: a number, or `"fro"` or `"nuc"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NormOrder<'a> {
    /// A number, infinities too.
    Number(f64),
    /// A name.
    Name(&'a str),
}

impl From<f64> for NormOrder<'_> {
    fn from(x: f64) -> Self {
        NormOrder::Number(x)
    }
}

impl<'a> From<&'a str> for NormOrder<'a> {
    fn from(x: &'a str) -> Self {
        NormOrder::Name(x)
    }
}

impl fmt::Display for NormOrder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NormOrder::Number(x) => write!(f, "{x}"),
            NormOrder::Name(name) => f.write_str(name),
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// Norm of the matrices in two dimensions: `"fro"` (the root of the sum of squares), 1 or -1 (largest or smallest sum
    /// of magnitudes of a column), ∞ or -∞ (of a row), 2 or -2 (largest or smallest singular value), `"nuc"` (the sum of those).
    /// PyTorch's `linalg.matrix_norm`.
    ///
    /// # Errors
    /// For other orders; dimensions and dtypes as in PyTorch; without the feature `linalg` where singular values are needed.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let a = Tensor::from_slice(&[1.0f32, -2.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(a.matrix_norm(1.0, &[-2, -1], false, None)?.item_f64()?, 6.0);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn matrix_norm<'a>(
        &self,
        ord: impl Into<NormOrder<'a>>,
        dims: &[i64],
        keepdim: bool,
        dtype: Option<DType>,
    ) -> Result<Tensor> {
        let ord = ord.into();
        let [first, second] = self.matrix_dims(dims, dtype)?;
        let number = match ord {
            NormOrder::Name("fro") => return self.vector_norm(2.0, dims, keepdim, dtype),
            NormOrder::Name("nuc") => {
                return self.of_singular([first, second], keepdim, dtype, |s| {
                    s.sum_dims(&[-1], false)
                });
            }
            NormOrder::Name(_) => {
                bail!(Shape, "linalg.matrix_norm: Order {ord} not supported.");
            }
            NormOrder::Number(2.0) => {
                return self.of_singular([first, second], keepdim, dtype, |s| s.amax(&[-1], false));
            }
            NormOrder::Number(-2.0) => {
                return self.of_singular([first, second], keepdim, dtype, |s| s.amin(&[-1], false));
            }
            NormOrder::Number(x) if x.abs() == 1.0 || x.is_infinite() => x,
            NormOrder::Number(_) => {
                bail!(Shape, "linalg.matrix_norm: Order {ord} not supported.");
            }
        };
        // Sums go over rows for 1, over columns for ∞; the extreme is of the sums.
        let (summed, mut chosen) = match number.is_infinite() {
            true => (second, first),
            false => (first, second),
        };
        let sums = self.vector_norm(1.0, &[summed], keepdim, dtype)?;
        if !keepdim && chosen > summed {
            chosen -= 1;
        }
        if number < 0.0 {
            return sums.amin(&[chosen], keepdim);
        }
        if sums.size(chosen)? == 0 {
            // The largest of no sums is 0 here, in PyTorch too, and depends on nothing.
            return sums.detach().sum_dims(&[chosen], keepdim);
        }
        sums.amax(&[chosen], keepdim)
    }

    /// What `f` makes of the singular values, which are the last dimension of what it is given.
    fn of_singular(
        &self,
        [first, second]: [i64; 2],
        keepdim: bool,
        dtype: Option<DType>,
        f: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let x = self.to(dtype.unwrap_or(self.dtype()))?;
        let made = f(&x.movedim(&[first, second], &[-2, -1])?.svdvals()?)?;
        if !keepdim {
            return Ok(made);
        }
        let (low, high) = (first.min(second), first.max(second));
        made.unsqueeze(low)?.unsqueeze(high)
    }

    fn matrix_dims(&self, dims: &[i64], dtype: Option<DType>) -> Result<[i64; 2]> {
        let name = |d: DType| d.scalar_type_name();
        ensure!(
            self.dtype().is_float(),
            Unsupported,
            "linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {}",
            name(self.dtype())
        );
        if let Some(d) = dtype.filter(|d| !d.is_float()) {
            bail!(
                DType,
                "linalg.matrix_norm: dtype should be floating point or complex, but got {}",
                name(d)
            );
        }
        if self.ndim() < 2 {
            bail!(
                Shape,
                "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
            );
        }
        let &[first, second] = dims else {
            let list: Vec<String> = dims.iter().map(i64::to_string).collect();
            bail!(
                Shape,
                "linalg.matrix_norm: dim must be a 2-tuple. Got {}",
                list.join(" ")
            );
        };
        let wrap = |d| self.shape().dim(d);
        let (a, b) = (wrap(first)? as i64, wrap(second)? as i64);
        ensure!(
            a != b,
            Shape,
            "linalg.matrix_norm: dims must be different. Got ({first}, {second})"
        );
        Ok([a, b])
    }

    /// A vector's or a matrix's norm: of vectors for one dimension, of matrices for two (or for a matrix without `dims`) if
    /// an order is given; else the root of the sum of squares. PyTorch's `linalg.norm`.
    ///
    /// # Errors
    /// As [`Tensor::vector_norm`] and [`Tensor::matrix_norm`].
    #[track_caller]
    pub fn linalg_norm(
        &self,
        ord: Option<NormOrder<'_>>,
        dims: Option<&[i64]>,
        keepdim: bool,
        dtype: Option<DType>,
    ) -> Result<Tensor> {
        match dims {
            Some(dims) if !(1..=2).contains(&dims.len()) => {
                let list: Vec<String> = dims.iter().map(i64::to_string).collect();
                bail!(
                    Shape,
                    "linalg.norm: If dim is specified, it must be of length 1 or 2. Got [{}]",
                    list.join(", ")
                );
            }
            None if ord.is_some() && !(1..=2).contains(&self.ndim()) => {
                bail!(
                    Shape,
                    "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {}D.",
                    self.ndim()
                );
            }
            _ => {}
        }
        let both = [-2, -1];
        match ord {
            Some(name @ NormOrder::Name(_)) => {
                self.matrix_norm(name, dims.unwrap_or(&both), keepdim, dtype)
            }
            Some(ord) if dims.map_or(self.ndim(), <[i64]>::len) == 2 => {
                self.matrix_norm(ord, dims.unwrap_or(&both), keepdim, dtype)
            }
            Some(NormOrder::Number(ord)) => {
                self.vector_norm(ord, dims.unwrap_or(&[]), keepdim, dtype)
            }
            None => self.vector_norm(2.0, dims.unwrap_or(&[]), keepdim, dtype),
        }
    }

    /// Norm over dimensions as of one vector, for a number; `"fro"` is 2. PyTorch's `torch.norm`.
    ///
    /// # Errors
    /// As [`Tensor::vector_norm`]; `"nuc"` as [`Tensor::matrix_norm`].
    #[track_caller]
    pub fn norm<'a>(
        &self,
        p: impl Into<NormOrder<'a>>,
        dims: &[i64],
        keepdim: bool,
        dtype: Option<DType>,
    ) -> Result<Tensor> {
        match p.into() {
            NormOrder::Number(p) => self.vector_norm(p, dims, keepdim, dtype),
            NormOrder::Name("fro") if dims.len() <= 2 => {
                self.vector_norm(2.0, dims, keepdim, dtype)
            }
            name if dims.is_empty() => self.matrix_norm(name, &[-2, -1], keepdim, dtype),
            name => self.matrix_norm(name, dims, keepdim, dtype),
        }
    }
}
