//! Stopping a long backward from outside: a function that the engine asks every few dozen operations.

use crate::Result;
use std::sync::OnceLock;

static CHECK: OnceLock<fn() -> Result<()>> = OnceLock::new();

/// Registers a function that backward calls now and then, on its own thread; an error that it returns ends the backward
/// and arrives at the caller. For hosts with signals of their own (an interpreter's Ctrl-C). The first one stays; says whether
/// this is it.
pub fn set_interrupt_check(check: fn() -> Result<()>) -> bool {
    CHECK.set(check).is_ok()
}

#[inline]
pub(super) fn poll() -> Result<()> {
    match CHECK.get() {
        Some(check) => check(),
        None => Ok(()),
    }
}
