//! What the current thread is doing: recording gradients, recording a program, checking for non-finite values.
//!
//! One thread-local word, read once by every operation; guards restore it even when a closure panics, each its own mode
//! and no other, in whatever order they are dropped.

use std::cell::{Cell, RefCell};

pub(crate) const GRAD: u32 = 1;
pub(crate) const RECORD: u32 = 2;
pub(crate) const INFERENCE: u32 = 4;
/// Backward looks for NaN.
pub(crate) const ANOMALY: u32 = 8;
/// Every result and gradient is looked at for NaN and infinity.
pub(crate) const FINITE: u32 = 16;
/// Cuts keep the history behind them.
pub(crate) const FLOW: u32 = 32;
/// Forward mode: operations push tangents.
pub(crate) const DUAL: u32 = 64;

/// Hooks are set that pack what is saved.
pub(crate) const PACK: u32 = 128;
/// One row of a batch is run for all of them: what depends on its numbers must not decide what runs.
pub(crate) const BATCH: u32 = 256;

/// Whether operations record gradients.
#[inline(always)]
pub(crate) fn records(flags: u32) -> bool {
    flags & (GRAD | INFERENCE) == GRAD
}

/// Whether a recorder watches this thread, or tangents are pushed: then decisions are taken by operations that are seen, or a
/// replay would keep old ones and a gradient would lose its tangent.
#[inline]
pub(crate) fn watched() -> bool {
    flags() & (RECORD | DUAL) != 0
}

/// What is written is a result being made, and nobody's yet.
pub(crate) const OWN: u32 = 512;

/// Whether what runs now stands for all rows of a batch.
#[inline]
pub(crate) fn batching() -> bool {
    flags() & BATCH != 0
}

thread_local! {
    static FLAGS: Cell<u32> = const { Cell::new(GRAD) };
    /// Guards alive, oldest first, with growing numbers: Rust drops them in any order (a tuple front to back).
    static GUARDS: RefCell<Vec<Alive>> = const { RefCell::new(Vec::new()) };
    /// Whether gradients are recorded where no guard says otherwise.
    static OUTSIDE: Cell<bool> = const { Cell::new(true) };
}

struct Alive {
    number: u64,
    flag: u32,
    on: bool,
}

#[inline(always)]
pub(crate) fn flags() -> u32 {
    FLAGS.with(Cell::get)
}

/// Ends its mode when dropped: then the youngest guard alive decides, and without one the thread's default.
#[must_use = "the mode ends when the guard is dropped"]
#[derive(Debug)]
pub struct ModeGuard {
    number: u64,
    flag: u32,
    /// Flags belong to a thread, and so do guards.
    not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for ModeGuard {
    fn drop(&mut self) {
        // While a thread ends its list may be gone already; then no operation follows.
        let _ = GUARDS.try_with(|guards| {
            let mut guards = guards.borrow_mut();
            if let Some(at) = guards.iter().rposition(|g| g.number == self.number) {
                guards.remove(at);
            }
            let youngest = guards.iter().rfind(|g| g.flag == self.flag);
            put(
                self.flag,
                youngest.map_or(self.flag == GRAD && OUTSIDE.get(), |g| g.on),
            );
        });
    }
}

fn put(flag: u32, on: bool) {
    FLAGS.with(|f| f.set(if on { f.get() | flag } else { f.get() & !flag }));
}

/// Says whether hooks pack what is saved: they are a list of their own, without guards.
pub(crate) fn put_packing(on: bool) {
    put(PACK, on);
}

pub(crate) fn set(flag: u32, on: bool) -> ModeGuard {
    let number = GUARDS.with(|guards| {
        let mut guards = guards.borrow_mut();
        let number = guards.last().map_or(0, |g| g.number + 1);
        guards.push(Alive { number, flag, on });
        number
    });
    put(flag, on);
    ModeGuard {
        number,
        flag,
        not_send: std::marker::PhantomData,
    }
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

/// Switches gradient recording on or off for the rest of the innermost scope: until the youngest living guard of its kind is
/// dropped, or for good where there is none. For languages without destructors; PyTorch's `torch.set_grad_enabled(False)` as a
/// statement. A hook that calls it changes nothing outside of the backward that called the hook.
pub fn switch_grad(on: bool) {
    GUARDS.with(
        |guards| match (guards.borrow_mut().iter_mut()).rfind(|g| g.flag == GRAD) {
            Some(guard) => guard.on = on,
            None => OUTSIDE.set(on),
        },
    );
    put(GRAD, on);
}

/// Stops recording gradients and counting versions until the guard is dropped: for programs that never differentiate what
/// they compute here. PyTorch's `with torch.inference_mode():`.
///
/// Tensors made inside are *inference tensors*: outside they can be read, but not saved for a backward, written in place, or
/// made to require a gradient. [`enable_grad`] does not change that; `inference_mode(false)` does, inside.
///
/// ```
/// use pullback::{Tensor, inference_mode};
/// let w = Tensor::scalar(2.0f32).requires_grad_(true)?;
/// let h = {
///     let _guard = inference_mode(true);
///     w.mul(3.0)?
/// };
/// assert!(h.is_inference() && !h.requires_grad());
/// let e = w.mul(&h).unwrap_err();
/// assert!(e.message().starts_with("Inference tensors cannot be saved for backward."));
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn inference_mode(on: bool) -> InferenceGuard {
    InferenceGuard {
        _inference: set(INFERENCE, on),
        _grad: set(GRAD, !on),
    }
}

/// Ends [`inference_mode`] when dropped.
#[must_use = "the mode ends when the guard is dropped"]
#[derive(Debug)]
pub struct InferenceGuard {
    _inference: ModeGuard,
    _grad: ModeGuard,
}

/// Whether this thread is in inference mode.
pub fn is_inference_mode_enabled() -> bool {
    flags() & INFERENCE != 0
}

/// Whether operations on this thread record gradients.
pub fn is_grad_enabled() -> bool {
    flags() & GRAD != 0
}
