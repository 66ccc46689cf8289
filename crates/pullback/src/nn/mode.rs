//! Training or evaluation: asked of the thread that computes, and of no layer.
//!
//! Dropout drops and batches are normalised by their own statistics while training, which is how a thread begins.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::marker::PhantomData;

thread_local! {
    /// While batch normalisations measure anew: the running means of those that began.
    static CUMULATIVE: RefCell<Option<HashSet<usize>>> = const { RefCell::new(None) };
    static EVALUATES: Cell<bool> = const { Cell::new(false) };
}

/// Holds a thread in training or in evaluation until it is dropped.
#[must_use = "the mode ends with the guard: `let _eval = nn::eval();`"]
pub struct TrainingGuard {
    before: bool,
    /// A mode belongs to a thread, and so does its guard.
    not_send: PhantomData<*const ()>,
}

impl Drop for TrainingGuard {
    fn drop(&mut self) {
        let _ = EVALUATES.try_with(|e| e.set(self.before));
    }
}

/// Has layers of this thread train, or evaluate, until the guard is dropped. PyTorch's `module.train(mode)`, for whatever is computed meanwhile.
pub fn set_training(on: bool) -> TrainingGuard {
    TrainingGuard {
        before: EVALUATES.replace(!on),
        not_send: PhantomData,
    }
}

/// Has layers of this thread evaluate until the guard is dropped: nothing is dropped out, and normalisation uses running statistics.
///
/// ```
/// use pullback::nn::{self, Dropout, Layer};
/// use pullback::{DType, Tensor, no_grad};
/// let (dropout, x) = (Dropout::new(0.5)?, Tensor::ones([100], DType::F32)?);
/// {
///     let (_eval, _no_grad) = (nn::eval(), no_grad());
///     assert!(dropout.forward(&x)?.equal(&x)?);
/// }
/// assert!(!dropout.forward(&x)?.equal(&x)?);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn eval() -> TrainingGuard {
    set_training(false)
}

/// Has layers of this thread train again inside an [`eval`].
pub fn train() -> TrainingGuard {
    set_training(true)
}

/// Whether layers of this thread train.
pub fn is_training() -> bool {
    !EVALUATES.get()
}

/// Holds a thread's batch normalisations at measuring anew until it is dropped.
pub(super) struct Cumulative {
    before: Option<HashSet<usize>>,
}

impl Drop for Cumulative {
    fn drop(&mut self) {
        let _ = CUMULATIVE.try_with(|c| c.replace(self.before.take()));
    }
}

/// Has batch normalisations of this thread average over all batches from now on, each from nothing.
pub(super) fn cumulative() -> Cumulative {
    Cumulative {
        before: CUMULATIVE.replace(Some(HashSet::new())),
    }
}

/// Whether statistics at this address are measured anew, and whether this is their first batch.
pub(super) fn measures_anew(address: usize) -> Option<bool> {
    CUMULATIVE.with_borrow_mut(|c| c.as_mut().map(|seen| seen.insert(address)))
}
