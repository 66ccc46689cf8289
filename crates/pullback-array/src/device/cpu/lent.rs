//! Memory that is lent for a result: the next fresh block of its dtype and size is no new memory but an array that somebody has.
//!
//! Kernels take fresh memory and write all of it. Where the caller already has the memory that the result shall lie in (`out=`, a plan that
//! runs again and again), it is lent for the time of a call; what the kernel writes then need not be copied. While it is lent, nobody reads or
//! writes the array: whoever tries gets an error, as of any other writer. Blocks that cost less to copy than to think about are never lent.
//! Not for: which results may be computed so, which is decided by who lends.
#![allow(unsafe_code)]

use crate::array::Array;
use crate::dtype::DType;
use crate::error::Result;
use crate::memory::guards::WriteGuard;
use crate::memory::pool;
use crate::memory::storage::Storage;
use std::cell::RefCell;
use std::marker::PhantomData;

/// Bytes from which memory is lent: smaller results are copied. Where assertions are on, as in tests, all memory is, so that every function is
/// seen to write all of it.
pub(crate) const SMALLEST: usize = if cfg!(debug_assertions) { 1 } else { 16 << 10 };

thread_local! {
    /// What the next fresh block of this dtype and number of bytes is made of.
    static LENT: RefCell<Option<(Storage, DType)>> = const { RefCell::new(None) };
}

/// The memory that is lent to this thread, if it is of this dtype and size; for one taker.
#[cold]
pub(crate) fn take(bytes: usize, dtype: DType) -> Option<Storage> {
    LENT.with(|lent| {
        let mut lent = lent.borrow_mut();
        match &*lent {
            Some((storage, d)) if storage.bytes() == bytes && *d == dtype => {
                lent.take().map(|(storage, _)| storage)
            }
            _ => None,
        }
    })
}

/// An array's memory, lent to the results that this thread computes until this is dropped; dropping it advances the array's version.
///
/// ```
/// use pullback_array::{Array, DType, Lent, kernels};
/// let a = Array::full([100, 100], 2.0, DType::F32)?;
/// let out = Array::zeros([100, 100], DType::F32)?;
/// let lent = Lent::new(&out)?.expect("large enough");
/// let product = kernels::matmul(&a, &a)?;
/// assert!(lent.holds(&product)); // no copy
/// assert!(out.to_vec::<f32>().is_err()); // nobody reads it while it is written
/// drop(product);
/// drop(lent);
/// assert!(out.to_vec::<f32>()?.iter().all(|&x| x == 400.0));
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub struct Lent<'a> {
    /// Another handle of what the taker gets.
    alias: Storage,
    outer: Option<(Storage, DType)>,
    _guard: WriteGuard<'a>,
    /// Belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl<'a> Lent<'a> {
    /// Lends the memory of `target`. `None` where it cannot be written as a block: small arrays, views with gaps or in another order, memory that
    /// does not begin where kernels' own does, arrays without memory here.
    ///
    /// # Errors
    /// [`ErrorKind::Concurrent`](crate::ErrorKind::Concurrent) while anybody else reads or writes it.
    pub fn new(target: &'a Array) -> Result<Option<Lent<'a>>> {
        let storage = target.storage();
        let (offset, bytes) = (
            target.layout().offset() * target.dtype().size(),
            target.numel() * target.dtype().size(),
        );
        let Some(start) = storage.address() else {
            return Ok(None);
        };
        if bytes < SMALLEST
            || !target.is_contiguous()
            || !(start + offset).is_multiple_of(pool::ALIGN)
        {
            return Ok(None);
        }
        let guard = storage.write()?;
        // SAFETY: the array lies inside its storage, which the alias keeps alive as its owner. Nobody reads or writes there meanwhile, since
        // the guard is held until the alias is closed.
        let alias = unsafe {
            Storage::foreign(
                guard.ptr::<u8>().add(offset),
                bytes,
                Box::new(storage.clone()),
            )?
        };
        let outer = LENT.with(|lent| lent.replace(Some((alias.clone(), target.dtype()))));
        Ok(Some(Lent {
            alias,
            outer,
            _guard: guard,
            thread: PhantomData,
        }))
    }

    /// Whether memory of so many bytes may be lent: for who would have to find out more before.
    pub fn pays(bytes: usize) -> bool {
        bytes >= SMALLEST
    }

    /// Whether an array lies in the lent memory, in whatever order: it cannot be read once this is dropped.
    pub fn made(&self, result: &Array) -> bool {
        result.storage().same(&self.alias)
    }

    /// Whether an array is what the memory was lent for: all of it, row by row.
    pub fn holds(&self, result: &Array) -> bool {
        self.made(result)
            && result.is_contiguous()
            && result.layout().offset() == 0
            && result.numel() * result.dtype().size() == self.alias.bytes()
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let untaken = LENT.with(|lent| lent.replace(self.outer.take()));
        drop(untaken);
        self.alias.shut();
    }
}
