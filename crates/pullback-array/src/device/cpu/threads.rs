//! How many threads kernels may use, and how they share work.
//!
//! Results never depend on it: kernels cut work into fixed blocks. Below their thresholds they stay on the caller's
//! thread, because waking helpers costs more than a small operation. The caller works along, so that it can ask whether
//! somebody wants it stopped (`interrupt.rs`).

use crate::device::cpu::team::Team;
use crate::error::Result;
use crate::interrupt::Watch;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Elements per block of parallel elementwise work.
pub(crate) const BLOCK: usize = 1 << 15;

/// Elements above which one result is computed on the caller's thread alone, since nobody could stop its helpers: more than a
/// second's work. Memory of that size is rare; repeated elements (`expand`) make it.
pub(crate) const LONG: usize = 1 << 31;

/// Sets how many threads kernels may use: 1 keeps everything on the caller's thread, 0 means what the process began with.
/// That is the number in `PULLBACK_NUM_THREADS`, else in `OMP_NUM_THREADS`, else all cores. (Of a list such as `4,2` the first
/// number counts; what is no positive number is ignored.)
///
/// Takes effect at the next operation, on every thread of the process. There are never more threads than cores: larger
/// numbers change nothing.
pub fn set_num_threads(n: usize) {
    LIMIT.store(n, Ordering::Relaxed);
}

/// How many threads kernels may use.
#[inline]
pub fn num_threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => from_environment(),
        n => n.min(cores()),
    }
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn from_environment() -> usize {
    static BEGAN: OnceLock<usize> = OnceLock::new();
    *BEGAN.get_or_init(|| {
        let first = |name: &str| std::env::var(name).ok().as_deref().and_then(positive);
        let named = first("PULLBACK_NUM_THREADS").or_else(|| first("OMP_NUM_THREADS"));
        named.unwrap_or(usize::MAX).min(cores())
    })
}

/// The first number of a list, if it is positive.
fn positive(text: &str) -> Option<usize> {
    let first = text.split(',').next()?.trim().parse().ok();
    first.filter(|&n| n > 0)
}

/// The helpers of one process.
struct Own {
    process: u32,
    team: Team,
}

/// The helpers of this process. A child that was made by `fork` has none of its parent's threads, though it has their names:
/// it gets helpers of its own. Asking for the process costs a system call, where waking a helper costs several.
fn helpers() -> Option<&'static Team> {
    static TEAM: AtomicPtr<Own> = AtomicPtr::new(std::ptr::null_mut());
    let process = std::process::id();
    let known = TEAM.load(Ordering::Acquire);
    #[allow(unsafe_code)]
    // SAFETY: what is stored here came from a box that is never freed.
    let of = |own: *mut Own| unsafe { own.as_ref() };
    if let Some(own) = of(known).filter(|own| own.process == process) {
        return Some(&own.team);
    }
    static MAKING: Mutex<u32> = Mutex::new(0);
    // One thread makes them; others go on alone meanwhile, as does a child whose parent was making some.
    let Ok(mut making) = MAKING.try_lock() else {
        return None;
    };
    if *making == process {
        return of(TEAM.load(Ordering::Acquire)).map(|own| &own.team);
    }
    *making = process;
    let team = Team::new(cores() - 1);
    let new = Box::into_raw(Box::new(Own { process, team }));
    TEAM.store(new, Ordering::Release);
    of(new).map(|own| &own.team)
}

/// Runs `work(first, end)` over `0..n` in blocks of `block`, on several threads where that is worth it.
///
/// `work` sees the same blocks whatever the number of threads.
///
/// # Errors
/// Where somebody wants it stopped: then some blocks were left out.
#[inline]
pub(crate) fn blocks(n: usize, block: usize, work: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
    if n <= block {
        if n > 0 {
            work(0, n);
        }
        return Ok(());
    }
    let watch = Watch::new();
    watched(n, block, true, &watch, work);
    watch.end()
}

/// As [`blocks`], for work that looks at the watch on its own too; on the caller's thread alone unless it is to be shared.
#[inline(never)]
pub(crate) fn watched(
    n: usize,
    block: usize,
    share: bool,
    watch: &Watch,
    work: &(dyn Fn(usize, usize) + Sync),
) {
    let count = n.div_ceil(block);
    let next = AtomicUsize::new(0);
    let take = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count || count > 1 && !watch.goes_on() {
                return;
            }
            work(i * block, n.min(i.saturating_add(1).saturating_mul(block)));
        }
    };
    let more = match share && count > 1 {
        true => (num_threads() - 1).min(count - 1),
        false => 0,
    };
    match (more > 0).then(helpers).flatten() {
        Some(team) => team.run(more, &take),
        None => take(),
    }
}

#[cfg(test)]
mod tests {
    use super::positive;

    #[test]
    fn numbers_of_threads_are_read_as_openmp_reads_them() {
        for (text, n) in [
            ("3", Some(3)),
            (" 2 ", Some(2)),
            ("4,2,1", Some(4)),
            ("0", None),
            ("-1", None),
            ("", None),
            ("many", None),
            (",2", None),
            ("1.5", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(positive(text), n, "{text:?}");
        }
    }
}
