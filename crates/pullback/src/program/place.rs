//! Where a recorded operation was written, for users of another language than Rust: what a function of the binding says.
//!
//! Not for Rust's own lines, which every instruction has as its `site`.

use std::cell::Cell;
use std::sync::Arc;

/// Says where the program is, if it knows.
type Place = fn() -> Option<String>;

thread_local! {
    static PLACES: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Runs `f`; operations that are recorded meanwhile, on this thread, ask `place` where they are (`file:line`).
pub fn with_places<R>(place: fn() -> Option<String>, f: impl FnOnce() -> R) -> R {
    struct Before(Option<Place>);
    impl Drop for Before {
        fn drop(&mut self) {
            PLACES.set(self.0);
        }
    }
    let _before = Before(PLACES.replace(Some(place)));
    f()
}

/// The place of the operation being recorded, if somebody knows it.
pub(super) fn now() -> Option<Arc<str>> {
    PLACES.get()?().map(Arc::from)
}
