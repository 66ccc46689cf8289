//! What the current thread is doing: recording gradients, recording a program, checking for non-finite values.
//!
//! One thread-local word, read once by every operation; guards restore it even when a closure panics.

use std::cell::Cell;

pub(crate) const GRAD: u32 = 1;
pub(crate) const RECORD: u32 = 2;

thread_local! {
    static FLAGS: Cell<u32> = const { Cell::new(GRAD) };
}

#[inline(always)]
pub(crate) fn flags() -> u32 {
    FLAGS.with(Cell::get)
}

/// Puts the thread's flags back when dropped.
#[must_use = "the mode ends when the guard is dropped"]
#[derive(Debug)]
pub struct ModeGuard {
    before: u32,
    /// Flags belong to a thread, and so do guards.
    not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for ModeGuard {
    fn drop(&mut self) {
        FLAGS.with(|f| f.set(self.before));
    }
}

pub(crate) fn set(flag: u32, on: bool) -> ModeGuard {
    FLAGS.with(|f| {
        let before = f.get();
        f.set(if on { before | flag } else { before & !flag });
        ModeGuard {
            before,
            not_send: std::marker::PhantomData,
        }
    })
}

/// Stops recording gradients on this thread until the guard is dropped. PyTorch's `with torch.no_grad():`.
///
/// ```
/// use pullback::{Tensor, no_grad};
/// let w = Tensor::scalar(2.0f32).requires_grad_(true)?;
/// let guard = no_grad();
/// assert!(!w.mul(&w)?.requires_grad());
/// drop(guard);
/// assert!(w.mul(&w)?.requires_grad());
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn no_grad() -> ModeGuard {
    set(GRAD, false)
}

/// Records gradients again inside a [`no_grad`].
pub fn enable_grad() -> ModeGuard {
    set(GRAD, true)
}

/// Switches gradient recording on or off until the guard is dropped.
pub fn set_grad_enabled(on: bool) -> ModeGuard {
    set(GRAD, on)
}

/// Whether operations on this thread record gradients.
pub fn is_grad_enabled() -> bool {
    flags() & GRAD != 0
}
