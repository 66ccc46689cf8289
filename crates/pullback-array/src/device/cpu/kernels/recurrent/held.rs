//! Memory of a recurrence: operands under guards, and results that are read again while they are made.
#![allow(unsafe_code)]

use super::super::matmul::{Mat, matrix};
use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::dtype::Element;
use crate::error::Result;
use crate::layout::Shape;
use crate::memory::guards::ReadGuard;
use crate::memory::ptr::Ptr;
use crate::memory::room::room;
use crate::memory::storage::Storage;
use crate::scalar::real::Real;

/// Arrays side by side with guards of their memory.
pub(super) struct Lent<'a, T> {
    arrays: &'a [Array],
    guards: Vec<ReadGuard<'a>>,
    of: std::marker::PhantomData<T>,
}

impl<'a, T: Element> Lent<'a, T> {
    pub(super) fn new(arrays: &'a [Array]) -> Result<Lent<'a, T>> {
        let mut guards = room(arrays.len())?;
        for a in arrays {
            guards.push(a.read()?);
        }
        Ok(Lent {
            arrays,
            guards,
            of: std::marker::PhantomData,
        })
    }

    /// Where array `k` begins, which is contiguous and of `T`.
    pub(super) fn ptr(&self, k: usize) -> *const T {
        // SAFETY: an array starts inside its storage, or at its end if it is empty.
        unsafe {
            self.guards[k]
                .ptr::<T>()
                .add(self.arrays[k].layout().offset())
        }
    }

    /// Array `k` as a matrix.
    pub(super) fn matrix(&self, k: usize) -> Mat<*const T> {
        let m = matrix(&self.arrays[k], self.ptr(k), false);
        m.at(self.ptr(k))
    }
}

/// New memory for an array; what is written there is read again while steps go on, by this kernel alone.
pub(super) struct New<T> {
    storage: Storage,
    pub(super) ptr: Ptr<T>,
    shape: Shape,
}

impl<T: Element> New<T> {
    pub(super) fn of(shape: &[usize]) -> Result<New<T>> {
        let shape = Shape::new(shape);
        let (storage, ptr) = fresh::<T>(&shape)?;
        let ptr = Ptr(ptr);
        Ok(New {
            storage,
            ptr,
            shape,
        })
    }

    /// A copy of numbers that lie side by side.
    ///
    /// # Safety
    /// `from` holds as many elements as the shape.
    pub(super) unsafe fn copy(shape: &[usize], from: *const T) -> Result<New<T>> {
        let new = New::of(shape)?;
        // SAFETY: the caller's promise; the memory is new and has room for them.
        unsafe { std::ptr::copy_nonoverlapping(from, new.ptr.get(), new.shape.numel()) };
        Ok(new)
    }

    pub(super) fn array(self) -> Array {
        Array::from_fresh::<T>(self.storage, self.shape)
    }
}

/// `len` elements from `at` on, to write.
///
/// # Safety
/// They are initialised, and nobody else holds them while the slice lives.
#[inline(always)]
pub(super) unsafe fn part<'a, T>(p: Ptr<T>, at: usize, len: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(p.get().add(at), len) }
}

/// `len` elements from `at` on, copied from one place to another.
///
/// # Safety
/// Both lie inside of their memory and do not overlap.
#[inline(always)]
pub(super) unsafe fn moved<T: Element>(from: *const T, to: *mut T, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(from, to, len) };
}

/// Zeros, which nobody else holds.
pub(super) fn zeros<T: Element + Real>(shape: &[usize]) -> Result<New<T>> {
    let new = New::<T>::of(shape)?;
    for k in 0..new.shape.numel() {
        // SAFETY: the new memory has room for so many.
        unsafe { new.ptr.get().add(k).write(T::ZERO) };
    }
    Ok(new)
}
