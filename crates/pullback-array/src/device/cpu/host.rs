//! Arrays from numbers in this machine's memory: fresh memory for results, constants, slices, memory of others.
//!
//! Not for: numbers out of arrays, which is `content`, and loops over several arrays, which are `kernels`.
#![allow(unsafe_code)]

use crate::array::{Array, check_bounds, too_large, unaligned};
use crate::device::cpu::lent;
use crate::dispatch;
use crate::dtype::number::Number;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::place::{Device, creating_on};
use crate::memory::storage::Storage;
use std::any::Any;

/// A new storage for `shape` and a pointer to its start; the caller writes every element.
#[inline]
pub(crate) fn fresh<T: Element>(shape: &Shape) -> Result<(Storage, *mut T)> {
    let (storage, ptr) = fresh_of(shape, T::DTYPE)?;
    Ok((storage, ptr.cast()))
}

/// As [`fresh`], for a dtype known when the program runs.
#[inline(always)]
pub(crate) fn fresh_of(shape: &Shape, dtype: DType) -> Result<(Storage, *mut u8)> {
    let n = shape.checked_numel()?;
    let bytes = n
        .checked_mul(dtype.size())
        .filter(|&b| b <= isize::MAX as usize)
        .ok_or_else(|| too_large(shape))?;
    let storage = match bytes >= lent::SMALLEST {
        true => lent::take(bytes, dtype),
        false => None,
    };
    let storage = match storage {
        Some(storage) => storage,
        None => Storage::new(bytes, false)?,
    };
    let ptr = storage.start();
    Ok((storage, ptr))
}

impl Array {
    /// Every element the same.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the dtype cannot hold the number ([`Number::fits`]); [`ErrorKind::Alloc`].
    pub fn full(shape: impl Into<Shape>, value: impl Into<Number>, dtype: DType) -> Result<Array> {
        let (shape, value) = (shape.into(), value.into());
        value.fit(dtype)?;
        if creating_on() == Some(Device::Meta) {
            return Array::meta(Layout::row_major(shape), dtype);
        }
        dispatch!(stored dtype, T => {
            let x: T = value.cast();
            let (storage, out) = fresh::<T>(&shape)?;
            // SAFETY: `fresh` gave room for numel elements, and nobody else holds it.
            unsafe {
                for i in 0..shape.numel() {
                    out.add(i).write(x);
                }
            }
            Ok(Array::from_fresh::<T>(storage, shape))
        })
    }

    /// An array of its elements' bytes in native order, row by row: what [`Array::copy_bytes`] gives. Bytes of truth values are true where they are not 0.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the shape has another number of bytes; [`ErrorKind::Alloc`].
    pub fn from_bytes(bytes: &[u8], shape: impl Into<Shape>, dtype: DType) -> Result<Array> {
        let shape = shape.into();
        if shape.checked_numel()?.checked_mul(dtype.size()) != Some(bytes.len()) {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "shape '{shape}' of {dtype} is invalid for {} bytes",
                    bytes.len()
                ),
            ));
        }
        let (storage, out) = fresh_of(&shape, dtype)?;
        // SAFETY: `fresh_of` gave room for these bytes, and nobody else holds it; a byte is as large as a bool.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len());
            if dtype == DType::Bool {
                bool::settle(out.cast(), bytes.len());
            }
        }
        Ok(Array::from_fresh_of(storage, shape, dtype))
    }

    /// Copies a slice into a new array, row by row.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the shape has another number of elements.
    #[inline]
    pub fn from_slice<T: Element>(data: &[T], shape: impl Into<Shape>) -> Result<Array> {
        let shape = shape.into();
        if shape.checked_numel()? != data.len() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "shape '{shape}' is invalid for input of size {}",
                    data.len()
                ),
            ));
        }
        let (storage, out) = fresh::<T>(&shape)?;
        // SAFETY: `out` has room for data.len() elements of T and is not shared.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), out, data.len()) };
        Ok(Array::from_fresh::<T>(storage, shape))
    }

    /// An array of no dimensions.
    #[inline]
    pub fn scalar<T: Element>(x: T) -> Result<Array> {
        let (storage, out) = fresh::<T>(&Shape::scalar())?;
        // SAFETY: room for one element.
        unsafe { out.write(x) };
        Ok(Array::from_fresh::<T>(storage, Shape::scalar()))
    }

    /// An array of no dimensions holding `value` as `dtype`, wrapped and rounded as C does: what a number beside a tensor
    /// becomes. See [`Number::fit`] where it has to fit.
    #[inline]
    pub fn number(value: Number, dtype: DType) -> Result<Array> {
        dispatch!(stored dtype, T => Array::scalar::<T>(value.cast()))
    }

    /// Memory that somebody else owns, seen as an array. `offset` and strides count elements.
    ///
    /// # Safety
    /// As [`Storage::foreign`]. Every bit pattern is an element: bools are read by [`Element::load`], as whether a byte is not 0.
    ///
    /// # Errors
    /// Where the layout reaches outside `bytes`, or `data` is not aligned for the dtype (copy it first, then).
    pub unsafe fn foreign(
        data: *mut u8,
        bytes: usize,
        layout: Layout,
        dtype: DType,
        owner: Box<dyn Any + Send + Sync>,
    ) -> Result<Array> {
        check_bounds(&layout, bytes / dtype.size())?;
        check_aligned(data as usize, dtype)?;
        // SAFETY: the caller's promise.
        let storage = unsafe { Storage::foreign(data, bytes, owner) }?;
        Ok(Array::from_parts(storage, layout, dtype))
    }

    /// The address of the element at the layout's offset, for who hands memory to others (NumPy, DLPack): whoever uses it keeps the
    /// array, and knows that no kernel writes meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the CPU does not reach the memory.
    pub fn host_address(&self) -> Result<usize> {
        match self.storage().address() {
            Some(start) => {
                Ok(start.wrapping_add(self.layout().offset().wrapping_mul(self.dtype().size())))
            }
            None => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "a tensor on {} has no address in this machine's memory",
                    self.device()
                ),
            )),
        }
    }
}

fn check_aligned(address: usize, dtype: DType) -> Result<()> {
    match address.is_multiple_of(dtype.alignment()) {
        true => Ok(()),
        false => Err(unaligned(dtype)),
    }
}
