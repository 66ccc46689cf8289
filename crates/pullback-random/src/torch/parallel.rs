//! Elementwise work on a filled buffer, spread over the processor's threads when it is long. Which thread computes an
//! element never changes its bits, and the draws themselves are always made by one thread.

/// Below this many elements a thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 16;

/// Calls `work` on pieces of `data` whose lengths are multiples of `unit`, except for the last.
pub(super) fn for_each_chunk<T: Send>(data: &mut [T], unit: usize, work: impl Fn(&mut [T]) + Sync) {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(data.len() / WORTH_A_THREAD);
    if threads < 2 {
        return work(data);
    }
    let share = data.len().div_ceil(threads).next_multiple_of(unit);
    std::thread::scope(|scope| {
        let (first, rest) = data.split_at_mut(share);
        let work = &work;
        for chunk in rest.chunks_mut(share) {
            scope.spawn(move || work(chunk));
        }
        work(first);
    });
}
