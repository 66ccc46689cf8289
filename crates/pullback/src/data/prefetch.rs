//! Threads that make batches ahead of who takes them, in the order of their numbers.
//!
//! A thread takes the next number that nobody has, if it is not too far ahead, and puts what it made where the taker looks. Who drops the taker waits for the batches that
//! are being made, and for no others.

use crate::core::fail::{bail, error};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What threads and taker know of each other.
struct State<B> {
    /// The next number that nobody has.
    next: usize,
    /// Behind the last number.
    end: usize,
    /// The number that the taker wants.
    wanted: usize,
    /// Whether nobody takes any more.
    stopped: bool,
    made: BTreeMap<usize, Result<B>>,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    /// Something was made.
    made: Condvar,
    /// Something may be made.
    wanted: Condvar,
    /// How many batches may be ahead.
    most: usize,
}

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads at work.
pub(super) struct Ahead<B> {
    shared: Arc<Shared<B>>,
    threads: Vec<JoinHandle<()>>,
    /// Why there is no thread.
    refused: Option<String>,
}

impl<B: Send + 'static> Ahead<B> {
    /// Starts threads that make what `make` makes of these numbers, at most so many ahead.
    pub(super) fn start(
        workers: usize,
        most: usize,
        numbers: Range<usize>,
        make: impl Fn(usize) -> Result<B> + Send + Sync + 'static,
    ) -> Ahead<B> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                next: numbers.start,
                end: numbers.end,
                wanted: numbers.start,
                stopped: false,
                made: BTreeMap::new(),
            }),
            made: Condvar::new(),
            wanted: Condvar::new(),
            most: most.max(1),
        });
        let make = Arc::new(make);
        let mut ahead = Ahead {
            shared,
            threads: Vec::new(),
            refused: None,
        };
        for i in 0..workers.min(numbers.len()) {
            let (shared, make) = (Arc::clone(&ahead.shared), Arc::clone(&make));
            let thread = std::thread::Builder::new().name(format!("pullback-data-{i}"));
            match thread.spawn(move || work(&shared, &*make)) {
                Ok(thread) => ahead.threads.push(thread),
                Err(e) => {
                    // Fewer threads make the same batches.
                    ahead.refused = Some(e.to_string());
                    break;
                }
            }
        }
        ahead
    }

    /// What was made of a number; waits for it.
    ///
    /// # Errors
    /// That of making it.
    pub(super) fn take(&self, k: usize) -> Result<B> {
        if let (true, Some(why)) = (self.threads.is_empty(), &self.refused) {
            bail!(Alloc, "no thread could be started to load data: {why}");
        }
        let mut state = self.shared.lock();
        state.wanted = k;
        self.shared.wanted.notify_all();
        loop {
            if let Some(made) = state.made.remove(&k) {
                state.wanted = k + 1;
                self.shared.wanted.notify_all();
                return made;
            }
            state = self
                .shared
                .made
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<B> Drop for Ahead<B> {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.wanted.notify_all();
        for thread in self.threads.drain(..) {
            // What a thread has to say was said with its batch.
            let _ = thread.join();
        }
    }
}

/// What a panic said.
fn panicked(cause: &(dyn std::any::Any + Send)) -> Error {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    error!(
        Argument,
        "the data set panicked: {}",
        text.unwrap_or("without words")
    )
}

fn work<B>(shared: &Shared<B>, make: &dyn Fn(usize) -> Result<B>) {
    loop {
        let k = {
            let mut state = shared.lock();
            loop {
                if state.stopped || state.next >= state.end {
                    return;
                }
                if state.next < state.wanted.saturating_add(shared.most) {
                    break;
                }
                state = shared
                    .wanted
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.next += 1;
            state.next - 1
        };
        let made =
            catch_unwind(AssertUnwindSafe(|| make(k))).unwrap_or_else(|e| Err(panicked(&*e)));
        shared.lock().made.insert(k, made);
        shared.made.notify_all();
    }
}
