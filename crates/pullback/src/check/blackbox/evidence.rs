//! What a ladder of steps shows beside a derivative: noise, stairs, a jump of the slope, and whether the shortest steps that can be read
//! contradict a claim. `slope` takes the steps; nothing is called here.

use super::slope::{Rung, Slope};

/// So many of the shortest readable steps must contradict a claim.
pub(super) const CONTRADICT: usize = 3;

/// So much of a gap the shortest readable steps may differ by among themselves.
const DRIFT: f64 = 0.25;

/// Noise of a derivative from three steps, times what it must be smaller than a gap by.
pub(super) const READABLE: f64 = 20.0;

/// A jump of the slope.
pub(super) struct Kink {
    pub(super) jump: f64,
    /// It is the same at all shorter steps that could show it.
    pub(super) steady: bool,
    /// It is gone from this step on, so that it is beside the point.
    pub(super) gone: Option<usize>,
}

/// What no even polynomial of fourth degree moves, at the shortest steps: noise that differences may hide by chance.
pub(super) fn even_noise(rungs: &[Rung], k: usize) -> f64 {
    let short = &rungs[rungs.len().saturating_sub(5)..];
    let rests = short.windows(3).map(|w| {
        let even = |i: usize| w[i].even[k];
        (even(2) - 5.0 / 16.0 * even(1) + even(0) / 64.0).abs()
    });
    rests.filter(|r| r.is_finite()).fold(0.0, f64::max)
}

/// Where four steps change nothing though longer ones do, by less than a millionth: the height of what is a plateau of rounding, or of a
/// solver's tolerance.
pub(super) fn plateau(rungs: &[Rung], i: usize, k: usize) -> f64 {
    // What storing the points changed is taken out of the differences, which makes no step of it.
    let steps = |r: &&Rung| r.moved[k] && r.odd[k] != 0.0;
    if rungs[i..i + 4].iter().any(|r| steps(&r)) {
        return 0.0;
    }
    let heights = rungs[..i].iter().filter(steps).map(|r| r.odd[k].abs());
    let height = heights.fold(f64::INFINITY, f64::min);
    match height < 1e-6 * rungs[i].sizes[k] {
        true => height,
        false => 0.0,
    }
}

/// Whether the shortest steps that noise leaves readable contradict a claim, and not only those that say most.
///
/// Noise hides what lies nearer than some step. A kink there leaves the slope at the point unknown, and where several kinks lie about
/// a point, the steps across them may agree by chance on a slope that is none of its.
pub(super) fn contradicted(
    rungs: &[Rung],
    s: &Slope,
    k: usize,
    (claimed, noise): (f64, f64),
    d6: &[f64],
) -> bool {
    // How far the claim is outside of the slopes of both sides.
    let gap = (claimed - s.d).abs() - s.jump.unwrap_or(0.0).abs() / 2.0;
    if !claimed.is_finite() {
        return true;
    }
    let readable = (0..d6.len()).rev().filter(|i| {
        let r = &rungs[i + 2];
        d6[*i].is_finite() && READABLE * noise / r.h < gap
    });
    let half = |i: usize| rungs[i].even[k] / rungs[i].h;
    let against = |i: &usize| {
        // Half the jump of the slope, without what curvature adds.
        let jump = (2.0 * half(i + 2) - half(i + 1)).abs();
        (claimed - d6[*i]).abs() - jump > gap / 2.0
    };
    let shortest: Vec<usize> = readable.take(CONTRADICT).collect();
    // Over a kink beside the point slopes change with the step; what changes so may be the claimed one at the point.
    let (low, high) = (shortest.iter().map(|i| d6[*i]))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| {
            (l.min(d), h.max(d))
        });
    let drifts = high - low > DRIFT * gap;
    shortest.len() == CONTRADICT && !drifts && shortest.iter().all(against)
}

/// Whether the shortest steps change nothing, so that the derivative `d` seems to be 0, and longer ones climb evenly, by the claimed slope;
/// of a claim of 0, by whatever slope.
pub(super) fn staircase(rungs: &[Rung], k: usize, claimed: f64, d: f64) -> bool {
    let moved: Vec<&Rung> = rungs.iter().filter(|r| r.moved[k]).collect();
    let still = rungs.len() - moved.len();
    if moved.len() < 2 || still < 2 || rungs[moved.len()..].iter().any(|r| r.moved[k]) {
        return false;
    }
    let slope = match claimed == 0.0 {
        true => moved[0].odd[k] / moved[0].h,
        false => claimed,
    };
    if d.abs() > 0.1 * slope.abs() {
        return false;
    }
    let climbs = moved.iter().map(|r| r.odd[k].abs()).filter(|c| *c > 0.0);
    // A step of one side alone is half as high in the mean of both.
    let stair = 1.05 * climbs.fold(f64::INFINITY, f64::min);
    // From some step on all must fit, and the longest of these be some stairs long.
    let fits = |r: &&&Rung| (r.odd[k] - slope * r.h).abs() <= stair;
    let fitting: Vec<&&Rung> = moved.iter().rev().take_while(fits).collect();
    (fitting.last()).is_some_and(|r| fitting.len() >= 2 && r.odd[k].abs() >= 1.9 * stair)
}

/// A slope's size: that of derivative and claim, or where both are no more than noise, what the ladder's steps change the value by.
pub(super) fn size_seen(rungs: &[Rung], s: &Slope, k: usize, claimed: f64) -> f64 {
    let size = s.d.abs().max(claimed.abs());
    if size > 2.0 * s.e {
        return size;
    }
    let seen = rungs
        .iter()
        .map(|r| (r.odd[k].abs() + r.even[k].abs()) / r.h);
    seen.filter(|r| r.is_finite()).fold(size, f64::max)
}

/// The difference of the slopes on both sides, where four steps in a row agree on it.
pub(super) fn kink(rungs: &[Rung], k: usize, noise: f64) -> Option<Kink> {
    let r = |i: usize| 2.0 * rungs[i].even[k] / rungs[i].h;
    // Without what curvature adds.
    let jumps: Vec<f64> = (0..rungs.len() - 1)
        .map(|i| 2.0 * r(i + 1) - r(i))
        .collect();
    // Whether a jump can be told from noise at a step.
    let clear = |j: f64, i: usize| j.abs() > 64.0 * noise / rungs[i + 1].h;
    let same = |j: f64, other: f64| (j - other).abs() <= 0.05 * other.abs();
    let end = (3..jumps.len()).rev().find(|end| {
        let jump = jumps[*end];
        (end - 3..=*end).all(|i| clear(jumps[i], i) && same(jumps[i], jump))
    })?;
    let jump = jumps[end];
    let later: Vec<usize> = (end + 1..jumps.len()).filter(|i| clear(jump, *i)).collect();
    let absent = |i: &usize| jumps[*i].abs() < 0.1 * jump.abs();
    let gone = later.windows(3).find(|w| w.iter().all(absent));
    Some(Kink {
        jump,
        steady: later.iter().all(|i| same(jumps[*i], jump)),
        gone: gone.map(|w| w[0]),
    })
}
