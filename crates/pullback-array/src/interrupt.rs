//! Stopping long computations from outside: a function of the host (an interpreter with signals of its own) that is asked
//! now and then.
//!
//! It is asked on the thread that called the kernel, never on a helper: the host may need a lock that the caller holds.

use crate::error::{Error, Result};
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static CHECK: OnceLock<fn() -> Result<()>> = OnceLock::new();

/// Time between two questions of one computation; shorter ones never ask.
const EVERY: Duration = Duration::from_millis(50);

/// Registers a function that long kernels and backward call now and then, on the thread that called them; an error that it
/// returns ends the computation and arrives at the caller. For hosts with signals of their own (an interpreter's Ctrl-C).
/// The first one stays; says whether this is it.
pub fn set_interrupt_check(check: fn() -> Result<()>) -> bool {
    CHECK.set(check).is_ok()
}

/// Asks that function, if there is one: for loops around kernels.
///
/// # Errors
/// What the function says.
#[inline]
pub fn check_interrupt() -> Result<()> {
    match CHECK.get() {
        Some(check) => check(),
        None => Ok(()),
    }
}

thread_local! {
    static HELPS: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread helps others and is never asked.
pub(crate) fn never_ask_here() {
    HELPS.set(true);
}

/// Whether this thread helps others.
pub(crate) fn is_helper() -> bool {
    HELPS.get()
}

/// Watches over one computation, which several threads may share: whether somebody wants it stopped.
pub(crate) struct Watch {
    /// An address of the thread that called.
    home: usize,
    /// Nanoseconds since the process first computed for long, when this computation last asked; 0 for never.
    asked: AtomicU64,
    error: OnceLock<Error>,
}

/// An address that is this thread's own.
#[inline]
fn here() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl Watch {
    #[inline]
    pub(crate) fn new() -> Watch {
        Watch {
            home: here(),
            asked: AtomicU64::new(0),
            error: OnceLock::new(),
        }
    }

    /// Whether to go on. For every few ten thousand elements: it looks at the clock.
    pub(crate) fn goes_on(&self) -> bool {
        if self.error.get().is_some() {
            return false;
        }
        let Some(check) = CHECK.get() else {
            return true;
        };
        if here() != self.home || is_helper() {
            return true;
        }
        static START: OnceLock<Instant> = OnceLock::new();
        let now = START.get_or_init(Instant::now).elapsed();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).max(1);
        let last = self.asked.load(Ordering::Relaxed);
        if last != 0 && now - last < EVERY.as_nanos() as u64 {
            return true;
        }
        self.asked.store(now, Ordering::Relaxed);
        // The first look only starts the clock.
        if last != 0
            && let Err(e) = check()
        {
            return self.error.set(e).is_err();
        }
        true
    }

    /// The computation's end: an error where it was stopped.
    #[inline]
    pub(crate) fn end(self) -> Result<()> {
        match self.error.into_inner() {
            None => Ok(()),
            Some(e) => Err(e),
        }
    }
}
