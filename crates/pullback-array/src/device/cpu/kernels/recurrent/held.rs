//! Memory of a recurrence: operands under guards, and results that are read again while they are made.
#![allow(unsafe_code)]

use super::super::direct::{Direct, Panels};
use super::super::gemm::Gemm;
use super::super::matmul::{Mat, matrix, multiply, plus_row, row_major};
use super::work;
use crate::array::Array;
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{num_threads, watched};
use crate::dtype::Element;
use crate::error::Result;
use crate::interrupt::Watch;
use crate::layout::Shape;
use crate::memory::guards::ReadGuard;
use crate::memory::ptr::Ptr;
use crate::memory::room::room;
use crate::memory::storage::Storage;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;
use std::sync::OnceLock;

/// The fewest rows of a band: fewer would not use the registers for their sums.
const BAND: usize = 8;

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

/// A matrix that rows are multiplied by at every step.
pub(super) struct Times<T> {
    start: Ptr<T>,
    matrix: Mat<()>,
    panels: Option<Panels<T>>,
}

impl<T: Real + Arith + Gemm + Direct> Times<T> {
    /// `m`, by at most `rows` rows at a time.
    ///
    /// # Safety
    /// It can be read as long as this lives.
    pub(super) unsafe fn new(m: Mat<*const T>, rows: usize) -> Result<Times<T>> {
        Ok(Times {
            start: Ptr(m.ptr.cast_mut()),
            matrix: m.at(()),
            // SAFETY: the caller's promise.
            panels: unsafe { Panels::of(m, rows)? },
        })
    }

    /// Whether products of some rows have the numbers that they have among all rows.
    pub(super) fn parts(&self) -> bool {
        self.panels.is_some()
    }

    /// `to = from·m`, of `n` rows, plus the row `bias` if that is not null.
    ///
    /// # Safety
    /// From `from` and `to` on there are so many rows, the second of which nobody else touches; the bias can be read.
    pub(super) unsafe fn product(
        &self,
        from: *const T,
        n: usize,
        to: *mut T,
        bias: *const T,
    ) -> Result<()> {
        let (k, cols) = (self.matrix.rows, self.matrix.cols);
        let c = row_major(to, n, cols);
        // SAFETY: the caller's promise.
        unsafe {
            match &self.panels {
                Some(panels) => {
                    panels.product(from, n, to);
                    plus_row(c, bias);
                    Ok(())
                }
                None => {
                    let m = self.matrix.at(self.start.get().cast_const());
                    multiply(row_major(from, n, k), m, c, bias, work(n, k, cols))
                }
            }
        }
    }
}

/// Runs `band(first, end)` over bands of rows whose steps need no other rows: several at the same time where products of parts have the numbers of
/// those of all rows, else one band of all.
pub(super) fn bands(
    rows: usize,
    parts: bool,
    band: &(dyn Fn(usize, usize, &Watch) -> Result<()> + Sync),
) -> Result<()> {
    let size = match parts {
        true => rows.div_ceil(num_threads()).max(BAND),
        false => rows,
    };
    let (watch, failed) = (Watch::new(), OnceLock::new());
    watched(rows, size.max(1), true, &watch, &|first, end| {
        if let Err(e) = band(first, end, &watch) {
            drop(failed.set(e));
        }
    });
    watch.end()?;
    failed.into_inner().map_or(Ok(()), Err)
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
