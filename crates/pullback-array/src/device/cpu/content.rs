//! What arrays hold, copied out: as a vector, as one number, as bytes; and whether two hold the same.
#![allow(unsafe_code)]

use crate::array::Array;
use crate::dispatch;
use crate::dtype::number::Number;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::room::{gathered, room};

impl Array {
    /// All elements in row-major order.
    ///
    /// # Errors
    /// [`ErrorKind::DType`] where `T` is not this array's dtype (cast first).
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>()?;
        let guard = self.read()?;
        let base = guard.ptr::<T>();
        let n = self.numel();
        let mut out = room::<T>(n)?;
        if self.is_contiguous() {
            // SAFETY: the layout lies inside the storage (checked when it was made) and the guard keeps writers out.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    base.add(self.layout().offset()),
                    out.as_mut_ptr(),
                    n,
                );
                T::settle(out.as_mut_ptr(), n);
                out.set_len(n);
            }
            return Ok(out);
        }
        // SAFETY: as above, each place lies inside.
        out.extend((self.layout().places()).map(|p| unsafe { T::load(base.add(p)) }));
        Ok(out)
    }

    /// All elements as `f64`, whatever the dtype.
    pub fn to_f64_vec(&self) -> Result<Vec<f64>> {
        dispatch!(stored self.dtype(), T => gathered(self.to_vec::<T>()?.into_iter().map(Element::to_f64)))
    }

    /// The one element of an array of one element.
    ///
    /// # Errors
    /// PyTorch's sentence where there are more or none.
    #[inline]
    pub fn item(&self) -> Result<Number> {
        if self.numel() != 1 {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "a Tensor with {} elements cannot be converted to Scalar",
                    self.numel()
                ),
            )
            .note(format!("shape {}", self.shape())));
        }
        if self.is_meta() {
            return Err(Error::new(
                ErrorKind::Argument,
                "Tensor.item() cannot be called on meta tensors",
            ));
        }
        let guard = self.read()?;
        // SAFETY: one element, at the offset, inside the storage.
        dispatch!(stored self.dtype(), T => Ok(Number::of::<T>(unsafe { T::load(guard.ptr::<T>().add(self.layout().offset())) })))
    }

    /// Copies the elements in row-major order to `out`, as bytes in native order; `out` has exactly their size.
    pub fn copy_bytes(&self, out: &mut [u8]) -> Result<()> {
        if Some(out.len()) != self.numel().checked_mul(self.dtype().size()) {
            return Err(Error::new(
                ErrorKind::Value,
                "the buffer has another size than the array",
            ));
        }
        let dense = self.contiguous()?;
        let guard = dense.read()?;
        // SAFETY: a contiguous array has out.len() bytes from its offset on.
        unsafe {
            let from = guard
                .ptr::<u8>()
                .add(dense.layout().offset() * self.dtype().size());
            std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len());
        }
        if self.dtype() == DType::Bool {
            // SAFETY: `out` is ours, and a byte is as large as a bool.
            unsafe { bool::settle(out.as_mut_ptr().cast(), out.len()) };
        }
        Ok(())
    }

    /// Whether two arrays hold the same dtype, shape and bits (NaN equals itself, 0 and -0 differ).
    pub fn bits_equal(&self, other: &Array) -> Result<bool> {
        if self.dtype() != other.dtype() || self.shape() != other.shape() {
            return Ok(false);
        }
        let size = self.numel().saturating_mul(self.dtype().size());
        let (mut a, mut b) = (room::<u8>(size)?, room::<u8>(size)?);
        a.resize(size, 0);
        b.resize(size, 0);
        self.copy_bytes(&mut a)?;
        other.copy_bytes(&mut b)?;
        Ok(a == b)
    }
}
