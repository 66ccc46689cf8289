//! What must be seen to when the process is copied by `fork`: locks.
//!
//! The copy has one thread, the one that forked. A lock that another thread held in that moment would stay locked in it
//! forever; so whoever has a lock that everything needs takes it before and gives it back after, in both processes.
//! Threads are made anew by who needs them (`threads.rs`).
#![allow(unsafe_code)]

/// Has `before` called before every `fork` of this process and `after` after it, in parent and child, on the thread that
/// forks. Neither may panic. Nothing happens on systems without `fork`.
#[cfg(unix)]
pub fn around_fork(before: extern "C" fn(), after: extern "C" fn()) {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn pthread_atfork(
            before: Option<extern "C" fn()>,
            in_parent: Option<extern "C" fn()>,
            in_child: Option<extern "C" fn()>,
        ) -> c_int;
    }
    // SAFETY: the functions live as long as the program. Where there is no memory to note them down, nothing is noted.
    unsafe {
        pthread_atfork(Some(before), Some(after), Some(after));
    }
}

/// Nothing forks here.
#[cfg(not(unix))]
pub fn around_fork(_before: extern "C" fn(), _after: extern "C" fn()) {}
