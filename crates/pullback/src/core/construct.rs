//! Tensors from numbers: slices, constants, and constants like another tensor.

use crate::core::device;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Element, Number, Result, Shape};
use std::panic::Location;

#[cfg(doc)]
use crate::ErrorKind;

#[pullback_macros::called]
impl Tensor {
    /// Copies a slice into a new tensor, row by row. PyTorch's `torch.tensor(data)`.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the shape has another number of elements.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(x.shape()[..], [2, 2]);
    /// assert!(Tensor::from_slice(&[1.0f32, 2.0], [3]).is_err());
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn from_slice<T: Element>(data: &[T], shape: impl Into<Shape>) -> Result<Tensor> {
        let site = Location::caller();
        (Array::from_slice(data, shape).map(Tensor::from_array))
            .map_err(|e| e.op("tensor").at(site))
    }

    /// A tensor of no dimensions.
    pub fn scalar<T: Element>(x: T) -> Tensor {
        Tensor::from_array(Array::scalar(x).unwrap_or_else(|e| panic!("{e}")))
    }

    /// Every element the same. PyTorch's `torch.full`.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: impl Into<Number>, dtype: DType) -> Result<Tensor> {
        let site = Location::caller();
        (Array::full(shape, value, dtype).and_then(device::created))
            .map(Tensor::from_array)
            .map_err(|e| e.op("full").at(site))
    }

    /// Zeros. PyTorch's `torch.zeros`.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where the memory is not to be had; a huge size never aborts.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// assert_eq!(Tensor::zeros([2], DType::F64)?.to_vec::<f64>()?, [0.0, 0.0]);
    /// assert!(Tensor::zeros([1 << 50], DType::F32).is_err());
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        let site = Location::caller();
        (Array::zeros(shape, dtype).and_then(device::created))
            .map(Tensor::from_array)
            .map_err(|e| e.op("zeros").at(site))
    }

    /// Ones. PyTorch's `torch.ones`.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        Tensor::full(shape, 1i64, dtype)
    }

    pub(crate) fn zeros_of(shape: &Shape, dtype: DType) -> Result<Tensor> {
        Tensor::zeros(shape.clone(), dtype)
    }

    /// Zeros of this tensor's shape and dtype that lie in memory as it does, without gaps. PyTorch's `torch.zeros_like`.
    #[track_caller]
    pub fn zeros_like(&self) -> Result<Tensor> {
        self.zeros_like_in(self.dtype())
    }

    /// [`Tensor::zeros_like`] of another dtype.
    #[track_caller]
    pub fn zeros_like_in(&self, dtype: DType) -> Result<Tensor> {
        let site = Location::caller();
        let x = self.array();
        (x.new_zeros(x.layout().without_gaps(), dtype))
            .and_then(|a| device::beside(&x, a))
            .map(Tensor::from_array)
            .map_err(|e| e.op("zeros_like").at(site))
    }

    /// Ones of this tensor's shape and dtype, which lie in memory as it does, without gaps. PyTorch's `torch.ones_like`.
    #[track_caller]
    pub fn ones_like(&self) -> Result<Tensor> {
        self.full_like(1i64, self.dtype())
    }

    /// Every element the same, in this tensor's shape and order in memory. PyTorch's `torch.full_like`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the dtype cannot hold the number.
    #[track_caller]
    pub fn full_like(&self, value: impl Into<Number>, dtype: DType) -> Result<Tensor> {
        let site = Location::caller();
        let value = value.into();
        let full = self.look(|x| {
            let place = pullback_array::creating_on().unwrap_or(x.device());
            match place == crate::Device::Meta {
                false if x.is_contiguous() => Array::full(x.shape().clone(), value, dtype),
                false => Array::full(x.shape().clone(), value, dtype)
                    .and_then(|a| a.view(x.layout().without_gaps())),
                true => value
                    .fit(dtype)
                    .and_then(|()| Array::meta(x.layout().without_gaps(), dtype)),
            }
            .and_then(|a| device::beside(x, a))
        });
        full.map(Tensor::from_array)
            .map_err(|e| e.op("full_like").at(site))
    }

    /// `0, 1, …, n-1` as 64-bit integers. PyTorch's `torch.arange(n)`.
    #[track_caller]
    pub fn arange(n: usize) -> Result<Tensor> {
        Shape::new(&[n]).checked_numel()?;
        Tensor::from_slice(&pullback_array::gathered(0..n as i64)?, [n])
    }
}
