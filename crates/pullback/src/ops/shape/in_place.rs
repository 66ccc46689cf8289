//! Tensors that change their own shape: PyTorch's `t_`, `transpose_`, `squeeze_`, `unsqueeze_`, `as_strided_` and other names of them. Every handle of
//! the tensor sees the new shape; the memory is the same, and its version advances as PyTorch's does. Not here: what gives a
//! tensor other memory (`core/structural/replace.rs`).

use crate::Result;
use crate::core::tensor::Tensor;
use crate::ops::Sizes;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    /// [`Tensor::unsqueeze`] of the tensor itself. PyTorch's `unsqueeze_`.
    ///
    /// # Errors
    /// As [`Tensor::unsqueeze`]; a leaf that requires a gradient outside `no_grad`.
    ///
    /// ```
    /// use pullback::Tensor;
    /// let x = Tensor::arange(3)?;
    /// let handle = x.clone();
    /// x.unsqueeze_(0)?;
    /// assert_eq!(handle.shape()[..], [1, 3]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn unsqueeze_(&self, dim: i64) -> Result<()> {
        let site = Location::caller();
        self.named_write("UnsqueezeBackward1", || {
            self.become_view("unsqueeze_", site, |x| x.unsqueeze(dim))
        })
    }

    /// [`Tensor::squeeze`] of the tensor itself. PyTorch's `squeeze_()`.
    ///
    /// # Errors
    /// A leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn squeeze_(&self) -> Result<()> {
        let site = Location::caller();
        self.named_write("SqueezeBackward3", || {
            self.become_view("squeeze_", site, Tensor::squeeze)
        })
    }

    /// [`Tensor::squeeze_dims`] of the tensor itself. PyTorch's `squeeze_(dim)`.
    ///
    /// # Errors
    /// As [`Tensor::squeeze_dims`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn squeeze_dims_(&self, dims: &[i64]) -> Result<()> {
        let site = Location::caller();
        let node = match dims.len() {
            1 => "SqueezeBackward4",
            _ => "SqueezeBackward5",
        };
        self.named_write(node, || {
            self.become_view("squeeze_", site, |x| x.squeeze_dims(dims))
        })
    }

    /// [`Tensor::transpose`] of the tensor itself. PyTorch's `transpose_`, `swapaxes_` and `swapdims_`.
    ///
    /// # Errors
    /// As [`Tensor::transpose`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn transpose_(&self, a: i64, b: i64) -> Result<()> {
        let site = Location::caller();
        self.named_write("TransposeBackward1", || {
            self.become_view("transpose_", site, |x| x.transpose(a, b))
        })
    }

    /// [`Tensor::transpose_`] under NumPy's name.
    ///
    /// # Errors
    /// As [`Tensor::transpose_`].
    #[track_caller]
    pub fn swapaxes_(&self, a: i64, b: i64) -> Result<()> {
        self.transpose_(a, b)
    }

    /// [`Tensor::transpose_`] under another name.
    ///
    /// # Errors
    /// As [`Tensor::transpose_`].
    #[track_caller]
    pub fn swapdims_(&self, a: i64, b: i64) -> Result<()> {
        self.transpose_(a, b)
    }

    /// [`Tensor::t`] of the tensor itself. PyTorch's `t_`.
    ///
    /// # Errors
    /// As [`Tensor::t`]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn t_(&self) -> Result<()> {
        let site = Location::caller();
        self.named_write("TBackward1", || self.become_view("t_", site, Tensor::t))
    }

    /// [`Tensor::as_strided`] of the tensor itself. PyTorch's `as_strided_`.
    ///
    /// # Errors
    /// As [`Tensor::as_strided`]; a leaf that requires a gradient outside `no_grad`.
    ///
    /// ```
    /// use pullback::Tensor;
    /// let x = Tensor::arange(6)?;
    /// x.as_strided_(&[2, 2], &[1, 2], Some(1))?;
    /// assert_eq!(x.to_vec::<i64>()?, [1, 3, 2, 4]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn as_strided_(
        &self,
        sizes: impl Into<Sizes>,
        strides: impl Into<Sizes>,
        offset: Option<i64>,
    ) -> Result<()> {
        let sizes = sizes.into();
        let sizes = &sizes.0[..];
        let strides = strides.into();
        let strides = &strides.0[..];
        let site = Location::caller();
        self.named_write("AsStridedBackward1", || {
            self.become_view("as_strided_", site, |x| {
                x.as_strided(sizes, strides, offset)
            })
        })
    }
}
