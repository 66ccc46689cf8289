//! Who reads and writes a storage: guards, and the word of state that they change.
//!
//! A guard that cannot be had is an error and not a wait: two threads that write and read one tensor at once have a bug, and a lock would hide
//! it or deadlock. Not here: the block itself and its life (`storage`).
#![allow(unsafe_code)]

use crate::error::{Error, ErrorKind, Result};
use crate::memory::storage::Storage;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::Ordering;

pub(super) const WRITER: u32 = 1 << 31;
/// Set while one thread reads, computes and writes back; only that thread may write then.
const UPDATE: u32 = 1 << 30;
/// Set, with [`WRITER`] and for good, once the data was given back ([`Storage::close`]).
pub(super) const CLOSED: u32 = 1 << 29;
/// Set, with [`WRITER`] and for good, where there is no data ([`Storage::meta`]).
pub(super) const META: u32 = 1 << 28;
/// Set, with [`WRITER`] and for good, where the data lies on a device that the CPU does not reach ([`Storage::elsewhere`]).
pub(super) const ELSEWHERE: u32 = 1 << 27;
impl Storage {
    /// Leave to read, until the guard is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Concurrent`] while a writer is at work.
    #[inline]
    pub(crate) fn read(&self) -> Result<ReadGuard<'_>> {
        let state = self.state();
        if state.fetch_add(1, Ordering::Acquire) & WRITER != 0 {
            let now = state.fetch_sub(1, Ordering::Release);
            return Err(conflict("read", "writes", now));
        }
        Ok(ReadGuard(self))
    }

    /// Leave to write, until the guard is dropped; dropping it advances the version.
    ///
    /// # Errors
    /// [`ErrorKind::Concurrent`] while anybody else reads or writes.
    #[inline]
    pub(crate) fn write(&self) -> Result<WriteGuard<'_>> {
        let state = self.state();
        if state
            .compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
            && !self.write_in_update()
        {
            return Err(conflict("written", "uses", state.load(Ordering::Relaxed)));
        }
        Ok(WriteGuard(self))
    }

    /// Whether this thread is the one that updates the storage, and nobody reads it: then it is now the writer.
    #[cold]
    fn write_in_update(&self) -> bool {
        let state = self.state();
        UPDATING.get() == self.guarding().cast()
            && (state.compare_exchange(
                UPDATE,
                UPDATE | WRITER,
                Ordering::Acquire,
                Ordering::Relaxed,
            ))
            .is_ok()
    }

    /// Leave to read, compute and write back without another thread's write in between, until the guard is dropped. Others
    /// may read meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::Concurrent`] while anybody else writes or updates.
    pub fn update(&self) -> Result<UpdateGuard<'_>> {
        // Without data there is no writer to wait for.
        let free = |state: u32| {
            (state & (WRITER | UPDATE) == 0
                || state & (META | ELSEWHERE) != 0 && state & UPDATE == 0)
                .then_some(state | UPDATE)
        };
        let state = self.state();
        if state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, free)
            .is_err()
        {
            return Err(conflict("written", "writes", state.load(Ordering::Relaxed)));
        }
        Ok(UpdateGuard {
            storage: self,
            outer: UPDATING.replace(self.guarding().cast()),
            thread: PhantomData,
        })
    }
}

thread_local! {
    /// The storage that this thread updates.
    static UPDATING: Cell<*const ()> = const { Cell::new(ptr::null()) };
}

#[cold]
fn conflict(wanted: &str, other: &str, state: u32) -> Error {
    if state & META != 0 {
        return Error::new(
            ErrorKind::Unsupported,
            "Cannot copy out of meta tensor; no data!",
        );
    }
    if state & ELSEWHERE != 0 {
        return Error::new(
            ErrorKind::Unsupported,
            format!("memory of another device cannot be {wanted} by the CPU"),
        )
        .help_in(
            "copy the tensor first: `x.to_device(Device::Cpu)?`",
            "copy the tensor first: `x.cpu()`",
        );
    }
    if state & CLOSED != 0 {
        return Error::new(
            ErrorKind::Concurrent,
            format!("an array cannot be {wanted} after its tensor was given another one"),
        )
        .help(
            "hold the array itself, and not only a reference to it, before the tensor is given another one",
        );
    }
    Error::new(
        ErrorKind::Concurrent,
        format!("a tensor cannot be {wanted} while another thread {other} its memory"),
    )
    .help("give each thread its own copy, or let the threads take turns")
}

/// Leave to read a storage's bytes.
pub(crate) struct ReadGuard<'a>(&'a Storage);

impl ReadGuard<'_> {
    #[inline]
    pub(crate) fn ptr<T>(&self) -> *const T {
        self.0.header().data.cast()
    }
}

impl Drop for ReadGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.state().fetch_sub(1, Ordering::Release);
    }
}

/// Leave to read, compute and write back: what [`Storage::update`] gives.
#[must_use = "the update ends when the guard is dropped"]
pub struct UpdateGuard<'a> {
    storage: &'a Storage,
    /// The storage that this thread was updating before.
    outer: *const (),
    /// Belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Drop for UpdateGuard<'_> {
    fn drop(&mut self) {
        UPDATING.set(self.outer);
        self.storage.state().fetch_sub(UPDATE, Ordering::Release);
    }
}

/// Leave to write a storage's bytes, alone.
pub(crate) struct WriteGuard<'a>(&'a Storage);

impl WriteGuard<'_> {
    #[inline]
    pub(crate) fn ptr<T>(&self) -> *mut T {
        self.0.header().data.cast()
    }
}

impl Drop for WriteGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        let header = self.0.header();
        header.version.fetch_add(1, Ordering::Release);
        // Not a store: readers that were turned away may be between their add and their subtraction.
        self.0.state().fetch_sub(WRITER, Ordering::Release);
    }
}
