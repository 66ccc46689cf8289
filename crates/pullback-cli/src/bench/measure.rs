//! Taking time: warm-up, many runs, median and spread. And one step's peak of memory.
//!
//! A run is one step, or as many as take some microseconds, so that reading the clock does not count.

use super::memory;
use std::time::Instant;

/// What was measured, per step.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// Half of the runs were faster.
    pub(crate) median_ns: f64,
    /// The fastest run.
    pub(crate) min_ns: f64,
    /// Width of the middle half of the runs.
    pub(crate) spread_ns: f64,
    /// Number of runs.
    pub(crate) runs: usize,
    /// Most bytes of the process in memory during one step, where the system says so.
    pub(crate) peak: Option<u64>,
}

/// Shortest run worth timing.
const RUN_NS: f64 = 20_000.0;
/// Fewest runs.
const LEAST: usize = 5;
/// Warm-up, as a share of the time measured.
const WARM: f64 = 0.2;

/// Times `step` for about `seconds`, after warming up.
///
/// # Errors
/// The step's.
pub(crate) fn measure(
    step: &mut dyn FnMut() -> anyhow::Result<()>,
    seconds: f64,
) -> anyhow::Result<Measurement> {
    let begin = Instant::now();
    let mut steps = 0u32;
    while steps < 3 || begin.elapsed().as_secs_f64() < WARM * seconds {
        step()?;
        steps += 1;
    }
    let one = begin.elapsed().as_secs_f64() * 1e9 / f64::from(steps);
    let peak = memory::peak_of(&mut *step)?;
    let batch = (RUN_NS / one).ceil().max(1.0) as usize;
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < LEAST || begin.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        for _ in 0..batch {
            step()?;
        }
        times.push(start.elapsed().as_secs_f64() * 1e9 / batch as f64);
    }
    times.sort_by(f64::total_cmp);
    let n = times.len();
    Ok(Measurement {
        median_ns: times[n / 2],
        min_ns: times[0],
        spread_ns: times[(3 * n / 4).min(n - 1)] - times[n / 4],
        runs: n,
        peak,
    })
}
