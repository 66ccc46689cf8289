//! A second look at what seems wrong: with ever shorter steps, with steps of other lengths, and at rounded values.

use super::judge::Judged;
use super::probe::Probe;
use super::stairs;
use crate::Result;
use crate::check::Status;

/// Wrong coordinates that are looked at again with ever shorter steps; more are believed to be wrong in the same way.
const CONFIRMED: usize = 16;

/// Looks again with ever shorter steps where a gradient disagrees: a function that varies on a much smaller scale than its
/// input's size can make large steps agree with each other on a slope that is not its own.
pub(super) fn confirm(probe: &Probe<'_>, found: &mut [Judged]) -> Result<()> {
    let mut confirmed = 0;
    for j in found.iter_mut().filter(|j| j.wrong()) {
        if confirmed == CONFIRMED {
            break;
        }
        repeat(probe, j)?;
        j.stairs = stairs::hidden(probe, j.i, &j.slopes)?;
        shorter(probe, j)?;
        let stands = |k: usize| {
            let otherwise = j.shorter[k] || j.alone[k] || j.stairs[k];
            j.decisions[k].status == Status::Fail && !otherwise
        };
        confirmed += usize::from((0..j.shorter.len()).any(stands));
    }
    for j in found.iter_mut().filter(|j| !j.wrong()) {
        j.stairs = stairs::hidden(probe, j.i, &j.slopes)?;
    }
    Ok(())
}

/// Takes each slope again from steps that are no multiples of the ladder's: what noise gave by chance does not come again.
fn repeat(probe: &Probe<'_>, j: &mut Judged) -> Result<()> {
    let scale = probe.step_of(j.i);
    for k in 0..j.alone.len() {
        if j.decisions[k].status != Status::Fail {
            continue;
        }
        let s = &j.slopes[k];
        let claimed = probe.check.claims[k].gradient[j.i];
        let gap = (claimed - s.d).abs();
        let mut strays = 0;
        for part in [0.87, 0.71, 0.59] {
            let h = part * s.from;
            let n = [1.0, 0.5, 0.25].map(|part| {
                probe
                    .ends(&[(j.i, scale)], part * h)
                    .map(|e| e.odd[k] / (part * h * scale))
            });
            let [wide, middle, narrow] = n;
            let again = (64.0 * narrow? - 20.0 * middle? + wide?) / 45.0;
            strays += usize::from((again - s.d).abs() > 0.5 * gap);
        }
        j.alone[k] = strays > 0 && gap.is_finite();
    }
    Ok(())
}

/// Whether much shorter steps give the claimed slope and not the one found.
fn shorter(probe: &Probe<'_>, j: &mut Judged) -> Result<()> {
    let scale = probe.step_of(j.i);
    for power in [-14, -20, -26, -32, -40] {
        // No round number, as for the ladder.
        let h = 4.0 * probe.first(&[(j.i, scale)]) * 2f64.powi(power);
        // Several steps of about this length: noise gives the claimed slope at one of them by luck, hardly at all.
        let steps = [1.0, 0.83, 0.61, 0.5].map(|part| part * h);
        let ends = steps
            .iter()
            .map(|h| probe.ends(&[(j.i, scale)], *h))
            .collect::<Result<Vec<_>>>()?;
        for k in 0..j.shorter.len() {
            let claimed = probe.check.claims[k].gradient[j.i];
            let apart = (claimed - j.slopes[k].d).abs();
            let size = ends[0].sizes[k];
            let floor = probe.noise[k].max(probe.check.results.unit_roundoff() * size);
            let flat = ends.iter().all(|e| !e.moved[k] || e.odd[k] == 0.0);
            // Equal values are a plateau of a solver or of rounding, unless plateaus are the function's own.
            let plateau = flat && apart * h * scale < 1e-6 * size;
            let clear = 4.0 * floor / (h * scale) < apart / 8.0;
            let there = (ends.iter().zip(&steps))
                .all(|(e, h)| (e.odd[k] / (h * scale) - claimed).abs() < apart / 8.0);
            j.shorter[k] |= clear && !plateau && there;
        }
    }
    Ok(())
}
