//! Threads that help: a piece of work that the calling thread does, and others beside it.
//!
//! A call costs less than a microsecond where helpers are awake, and where they are not the caller goes on alone until they are. Each helper has a
//! place for one job. A caller that wants help puts its job there, if the place is free, and works itself; what no helper has begun when the caller
//! is through is taken back, so that nobody ever waits for a thread to wake up. Several callers share the helpers as they find them free; work that
//! asks for help itself is a caller like any other, and none waits for one that has not begun: there is nothing to deadlock.
//!
//! A helper without work looks for some for [`AWAKE`] and then sleeps: the next operation of a loop finds it awake, and a program that computes
//! nothing has it asleep.
//! Not for: how work is cut into pieces, and how many threads may take part, which is `threads`.
#![allow(unsafe_code)]

use crate::interrupt;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a helper looks for work before it sleeps. Waking it costs some fifty microseconds; looking for work longer than that would take the
/// processor from others for more than it saves.
const AWAKE: Duration = Duration::from_micros(60);
/// Looks between two questions for the time.
const LOOKS: u32 = 32;

/// A piece of work on its caller's stack. It stays there until nobody runs it.
struct Job<'a> {
    work: &'a (dyn Fn() + Sync),
    /// Helpers that have it or may still begin it.
    helpers: AtomicUsize,
    /// What a helper panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A thread that helps.
struct Helper {
    /// Its job: null where it is free; the address of a job that it has not begun; that address with [`BEGUN`] from then on until it is done.
    place: AtomicPtr<Job<'static>>,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// The lowest bit of an address, which no job's has.
const BEGUN: usize = 1;

fn begun(job: *mut Job<'static>) -> *mut Job<'static> {
    job.map_addr(|a| a | BEGUN)
}

/// All helpers of a process.
pub(crate) struct Team {
    helpers: Vec<&'static Helper>,
}

impl Team {
    /// At most `n` helpers: fewer where the system refuses threads.
    pub(crate) fn new(n: usize) -> Team {
        Team {
            helpers: (0..n).map_while(Helper::start).collect(),
        }
    }

    /// Runs `work` on this thread and at the same time on at most `more` others. It returns when all that began it are done.
    ///
    /// # Panics
    /// Where the work panics, on whatever thread.
    pub(crate) fn run(&self, more: usize, work: &(dyn Fn() + Sync)) {
        let job = Job {
            work,
            helpers: AtomicUsize::new(0),
            panic: Mutex::new(None),
        };
        {
            let _end = Calling {
                team: self,
                job: &job,
                asked: self.ask(more, &job),
            };
            work();
        }
        let panic = job.panic.into_inner();
        if let Some(payload) = panic.unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(payload);
        }
    }

    /// Puts a job where at most `more` helpers are free; how far down the list that was.
    fn ask(&self, more: usize, job: &Job<'_>) -> usize {
        let address = Calling::address(job);
        let mut found = 0;
        for (at, helper) in self.helpers.iter().enumerate() {
            if found == more {
                return at;
            }
            if !helper.place.load(Ordering::Relaxed).is_null() {
                continue;
            }
            // Before the helper can know of it, so that the count is never too low.
            job.helpers.fetch_add(1, Ordering::Relaxed);
            match helper.place.compare_exchange(
                ptr::null_mut(),
                address,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    found += 1;
                    helper.wake();
                }
                Err(_) => {
                    job.helpers.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        self.helpers.len()
    }
}

/// A caller at work. Its end, be it by a panic, waits for the helpers that have begun.
struct Calling<'a> {
    team: &'a Team,
    job: &'a Job<'a>,
    asked: usize,
}

impl Calling<'_> {
    /// The address that helpers see. The lifetime is taken from it; [`Calling`]'s end makes up for that.
    fn address(job: &Job<'_>) -> *mut Job<'static> {
        ptr::from_ref(job).cast::<Job<'static>>().cast_mut()
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        let address = Calling::address(self.job);
        for helper in &self.team.helpers[..self.asked] {
            // What has not been begun is taken back.
            if helper.place.load(Ordering::Relaxed) == address
                && (helper.place)
                    .compare_exchange(
                        address,
                        ptr::null_mut(),
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    )
                    .is_ok()
            {
                self.job.helpers.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let mut looks = 0u32;
        // What helpers wrote is seen after this.
        while self.job.helpers.load(Ordering::Acquire) != 0 {
            looks += 1;
            match looks {
                // They are at their last pieces, which may be large.
                0..=20_000 => std::hint::spin_loop(),
                _ => thread::yield_now(),
            }
        }
    }
}

impl Helper {
    /// A new thread; `None` where the system refuses it.
    fn start(n: usize) -> Option<&'static Helper> {
        let helper: &'static Helper = Box::leak(Box::new(Helper {
            place: AtomicPtr::new(ptr::null_mut()),
            asleep: AtomicBool::new(false),
            thread: OnceLock::new(),
        }));
        let thread = thread::Builder::new()
            .name(format!("pullback-{n}"))
            .spawn(move || {
                interrupt::never_ask_here();
                loop {
                    helper.help(helper.next());
                }
            })
            .ok()?;
        helper.thread.get_or_init(|| thread.thread().clone());
        Some(helper)
    }

    /// Wakes it if it sleeps, or is about to: it looks once more after it has said so.
    fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// The next job, begun.
    fn next(&self) -> *const Job<'static> {
        let mut idle = Instant::now();
        let mut looks = 0u32;
        loop {
            let job = self.place.load(Ordering::Relaxed);
            if !job.is_null() {
                if (self.place)
                    .compare_exchange(job, begun(job), Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    return job;
                }
                continue; // it was taken back
            }
            looks = looks.wrapping_add(1);
            if !looks.is_multiple_of(LOOKS) || idle.elapsed() < AWAKE {
                std::hint::spin_loop();
                continue;
            }
            self.asleep.store(true, Ordering::SeqCst);
            while self.place.load(Ordering::SeqCst).is_null() {
                thread::park();
            }
            self.asleep.store(false, Ordering::Relaxed);
            idle = Instant::now();
        }
    }

    /// Does a job that was begun.
    fn help(&self, job: *const Job<'static>) {
        // SAFETY: the job's caller waits until `helpers`, in which this thread is counted, is nothing.
        let job = unsafe { &*job };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(job.work)) {
            *job.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
        }
        self.place.store(ptr::null_mut(), Ordering::Relaxed);
        // The last look at the job: what was written by it is seen by who reads this.
        job.helpers.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::is_helper;
    use std::sync::atomic::AtomicU64;

    /// Takes numbers up to `n` and adds them up, with whoever helps.
    fn sum(team: &Team, more: usize, n: u64) -> u64 {
        let (next, sum) = (AtomicU64::new(0), AtomicU64::new(0));
        team.run(more, &|| {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    return;
                }
                sum.fetch_add(i, Ordering::Relaxed);
            }
        });
        sum.into_inner()
    }

    #[test]
    fn every_piece_is_done_once_by_any_number_of_helpers() {
        for helpers in [0, 1, 3] {
            let team = Team::new(helpers);
            for more in 0..5 {
                for n in [0, 1, 2, 100, 10_000] {
                    assert_eq!(sum(&team, more, n), n * n.saturating_sub(1) / 2);
                }
            }
        }
    }

    /// What helpers write without atomics is seen by the caller.
    #[test]
    fn what_helpers_wrote_is_there() {
        let team = Team::new(2);
        for round in 0..2000u64 {
            let mut cells = vec![0u64; 64];
            let start = cells.as_mut_ptr() as usize;
            let next = AtomicUsize::new(0);
            team.run(2, &|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= 64 {
                        return;
                    }
                    // SAFETY: each cell is written by who drew its number.
                    unsafe { (start as *mut u64).add(i).write(round + i as u64) };
                }
            });
            assert!(cells.iter().zip(round..).all(|(&x, want)| x == want));
        }
    }

    #[test]
    fn callers_on_several_threads_and_inside_of_work_share_the_helpers() {
        let team = Team::new(2);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let total = AtomicU64::new(0);
                        team.run(1, &|| {
                            total.fetch_add(sum(&team, 2, 100), Ordering::Relaxed);
                        });
                        // Once for the caller, and once more where a helper came in time.
                        assert!([4950, 9900].contains(&total.into_inner()));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_of_anybody_is_the_callers_and_nothing_is_left_behind() {
        let team = Team::new(2);
        for round in 0..50 {
            let helped = AtomicBool::new(false);
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.run(2, &|| {
                    if is_helper() {
                        helped.store(true, Ordering::SeqCst);
                        panic!("in a helper");
                    }
                    if round % 2 == 0 {
                        panic!("in the caller");
                    }
                    let begun = Instant::now();
                    while !helped.load(Ordering::SeqCst)
                        && begun.elapsed() < Duration::from_secs(10)
                    {
                        thread::yield_now();
                    }
                });
            }));
            assert!(result.is_err());
            assert_eq!(sum(&team, 2, 100), 4950);
        }
    }

    /// Helpers that sleep are woken, and nobody waits for them.
    #[test]
    fn helpers_sleep_and_wake() {
        let team = Team::new(1);
        for _ in 0..20 {
            let begun = Instant::now();
            while !team.helpers[0].asleep.load(Ordering::SeqCst) {
                assert!(begun.elapsed() < Duration::from_secs(30));
                thread::yield_now();
            }
            assert_eq!(sum(&team, 1, 1000), 499_500);
        }
    }
}
