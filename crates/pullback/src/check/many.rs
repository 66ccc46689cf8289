//! Very many coordinates: which are examined one by one, and what is said of the others.

use super::examine::Bench;
use super::{Report, Status, fast, host};
use crate::{Dd, Result};

/// So few coordinates are examined one by one, whatever it costs.
pub(super) const AT_LEAST: usize = 24;

/// Most coordinates shown beside the suspects, as examples.
const EXAMPLES: usize = 16;

/// Most suspects examined one by one.
const SUSPECTS: usize = 64;

/// With very many coordinates: certifies the gradient by projections, and picks those to examine one by one.
pub(super) fn choose(
    w: &Bench<'_>,
    report: &mut Report,
    everything: &[(usize, usize)],
) -> Result<Vec<(usize, usize)>> {
    let (check, oracle) = (w.check, w.oracle);
    let affordable = oracle.affordable();
    let (examples, most) = (affordable.clamp(2, EXAMPLES), affordable.clamp(3, SUSPECTS));
    let under = |input: usize, flat: usize| w.bounds.under[w.rows[input]][flat];
    let certified = fast::certify(oracle, &w.wide, &w.scales, &under, w.hi_f, check.seed, most)?;
    let mut suspects = certified.suspects;
    let (mut hidden, mut weakest) = (0, 0.0f64);
    let scale = |i: usize, flat: usize| w.scales[i].as_ref().map_or(1.0, |s| s[flat]);
    for &(input, flat) in everything {
        let (Some(g), Some(a), Some(error)) =
            (&w.claimed[input], &w.wide[input], &certified.error[input])
        else {
            continue;
        };
        let (claimed, a) = (g[flat], a[flat]);
        let u = check.inputs[input].dtype().unit_roundoff();
        let q8 = (8.0 * w.bounds.q[w.rows[input]][flat]).max(u * a.abs().to_f64());
        let back = (Dd::from(claimed) - a).abs().to_f64();
        if (back.is_nan() || back > q8) && suspects.len() < most {
            suspects.push((input, flat));
        }
        let size = a.abs().to_f64();
        if size > 0.0 {
            let outside = match w.host.differs {
                true => host::unseen(check, scale(input, flat), w.inexact),
                false => 0.0,
            };
            let mde = (error[flat] + q8 + under(input, flat) + outside) / size;
            weakest = weakest.max(mde);
            hidden += usize::from(mde > report.power);
        }
    }
    if hidden > 0 {
        report.status = report.status.max(Status::Unknown);
        report.notes.push(format!(
            "rounding hides errors of the power asked for in {hidden} of {} coordinates (largest MDE {weakest:.0e})",
            everything.len()
        ));
    }
    if w.host.differs {
        let all: Vec<(usize, usize, f64)> = (everything.iter())
            .map(|&(i, flat)| (i, flat, scale(i, flat)))
            .collect();
        host::touched(oracle, &all, w.inexact, most, &mut suspects)?;
    }
    let stride = everything.len() / examples;
    suspects.extend((0..examples).map(|k| everything[k * stride]));
    suspects.sort_unstable();
    suspects.dedup();
    report.notes.push(format!(
        "{} coordinates certified by random projections, in which all of them move, in what is detached too: an error in a single one shows from {weakest:.0e} of it on; {} examined one by one",
        everything.len(),
        suspects.len()
    ));
    if !w.host.differs {
        report.notes.push("recorded again with every number moved, the function was the same program with the same numbers from outside: none of them left the graph by item, NumPy or a branch".into());
    }
    Ok(suspects)
}
