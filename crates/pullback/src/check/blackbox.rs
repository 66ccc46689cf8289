//! Functions that can only be called: the best that is possible without replaying them.
//!
//! Noise is estimated from the function's own values (differences of neighbours on a fine grid, the spacing of the
//! values seen, runs at one point), derivatives from a ladder of steps with Richardson extrapolation; a bug is claimed only
//! where the gap exceeds ten times the uncertainty. A white box ([`super::Check`]) sees far smaller errors.

use super::{Coordinate, Ledger, Report, Status, Verdict};
use crate::{DType, Error, ErrorKind, Result};

/// A floating type of black boxes.
pub trait Float: Copy + 'static {
    /// The dtype.
    const DTYPE: DType;
    /// To double precision.
    fn wide(self) -> f64;
    /// From double precision, rounded.
    fn narrow(x: f64) -> Self;
}

impl Float for f32 {
    const DTYPE: DType = DType::F32;
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(x: f64) -> f32 {
        x as f32
    }
}

impl Float for f64 {
    const DTYPE: DType = DType::F64;
    fn wide(self) -> f64 {
        self
    }
    fn narrow(x: f64) -> f64 {
        x
    }
}

/// Options of [`black_box`].
#[derive(Clone, Copy, Debug, Default)]
pub struct BlackBoxOptions {
    /// The step of the difference quotient to explain.
    pub step: Option<f64>,
    /// The relative error a pass must rule out.
    pub power: Option<f64>,
}

/// Steps of the ladder, relative to the coordinate's scale.
const LADDER: i32 = 12;

/// Checks a claimed gradient of any closure over a slice of numbers.
///
/// The ledger of a black box has two terms only: `formula` is the claimed gradient minus the best estimate, the rest of the gap
/// stands under the cause it is put down to.
///
/// # Errors
/// Where gradient and point have different lengths, the point is empty, or the value there is not finite.
///
/// ```
/// use pullback::check::{self, Status};
/// let f = |x: &[f64]| x.iter().map(|v| v.sin()).sum::<f64>();
/// let x = [0.3f64, 1.1];
/// let right: Vec<f64> = x.iter().map(|v| v.cos()).collect();
/// assert_eq!(check::black_box(f, &x, &right, Default::default())?.status, Status::Pass);
/// let wrong = [right[0], -right[1]];
/// assert_eq!(check::black_box(f, &x, &wrong, Default::default())?.status, Status::Fail);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn black_box<T: Float>(
    f: impl Fn(&[T]) -> T,
    x: &[T],
    gradient: &[T],
    options: BlackBoxOptions,
) -> Result<Report> {
    if x.len() != gradient.len() {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "a point of {} numbers needs as many derivatives, {} were given",
                x.len(),
                gradient.len()
            ),
        ));
    }
    if x.is_empty() {
        return Err(Error::new(
            ErrorKind::Value,
            "there is nothing to differentiate: the point is empty",
        ));
    }
    let dtype = T::DTYPE;
    let u = dtype.unit_roundoff();
    let default = if dtype == DType::F32 { 1e-3 } else { 1e-6 };
    let step = options.step.unwrap_or(default);
    let power = options.power.unwrap_or(default);
    let mut probe = Probe {
        f: &f,
        x: x.to_vec(),
        evaluations: 0,
    };
    let value = probe.at_centre();
    if !value.is_finite() {
        let shown: Vec<f64> = x.iter().take(4).map(|v| v.wide()).collect();
        return Err(Error::new(
            ErrorKind::NonFinite,
            format!("the function's value is {value} at this point"),
        )
        .note(format!(
            "at x = {shown:?}{}",
            if x.len() > 4 { " and so on" } else { "" }
        )));
    }
    let spread = (0..2)
        .map(|_| (probe.at_centre() - value).abs())
        .fold(0.0, f64::max);
    let mut report = Report {
        status: Status::Pass,
        coordinates: Vec::new(),
        nearest_kink: None,
        guilty: None,
        bug: None,
        evaluations: 0,
        step,
        power,
        dtype,
        value,
        notes: vec!["a black box: it is called and not replayed, so small errors stay hidden (see each MDE)".into()],
        parameters: x.len(),
        adjoint: None,
    };
    let scale_all =
        super::measure::rms(&x.iter().map(|v| v.wide()).collect::<Vec<_>>()).unwrap_or(1.0);
    let mut estimates = Vec::new();
    for (i, x) in x.iter().enumerate() {
        let scale = match x.wide().abs() {
            s if s > 0.0 => s,
            _ if scale_all > 0.0 => scale_all,
            _ => 1.0,
        };
        estimates.push(probe.derivative(i, scale, value, u, spread));
    }
    let rms =
        super::measure::rms(&estimates.iter().map(|e| e.0).collect::<Vec<_>>()).unwrap_or(0.0);
    for (i, &(d, error, kink)) in estimates.iter().enumerate() {
        let numeric = (probe.moved(i, step) - probe.moved(i, -step)) / (2.0 * step);
        let numeric = T::narrow(numeric).wide();
        let claimed = gradient[i].wide();
        let size = if d != 0.0 { d.abs() } else { rms };
        let off = (claimed - d).abs();
        let budget = error + u * d.abs();
        let (verdict, status, remark) = if !d.is_finite() {
            (
                Verdict::Inconclusive,
                Status::Unknown,
                Some("the function is not finite around this point"),
            )
        } else if spread > 0.0 && budget > power * size {
            (
                Verdict::NonDeterministic,
                Status::Unknown,
                Some("different values at one point"),
            )
        } else if !claimed.is_finite() || (off > 10.0 * budget && !kink) {
            (Verdict::Bug, Status::Fail, None)
        } else if kink {
            (
                Verdict::KinkCrossed,
                Status::Unknown,
                Some("the slope jumps at or near this point"),
            )
        } else if off > budget && off > power * size {
            (
                Verdict::Inconclusive,
                Status::Unknown,
                Some("the gap is between one and ten times the uncertainty"),
            )
        } else if budget > power * size && size > 0.0 {
            (
                Verdict::RoundOff,
                Status::Unknown,
                Some("the function's own noise hides errors below the power asked for"),
            )
        } else if (claimed - numeric).abs() <= power * size {
            (Verdict::Agree, Status::Pass, None)
        } else if 8.0 * u * value.abs() / step >= 0.1 * (d - numeric).abs() {
            (Verdict::RoundOff, Status::Pass, None)
        } else {
            (Verdict::Truncation, Status::Pass, None)
        };
        let mut ledger = Ledger {
            formula: claimed - d,
            ..Ledger::default()
        };
        let rest = d - numeric;
        match verdict {
            Verdict::Truncation => ledger.truncation = rest,
            Verdict::KinkCrossed => ledger.kink = rest,
            _ => ledger.forward = rest,
        }
        report.coordinates.push(Coordinate {
            name: format!("x[{i}]"),
            input: 0,
            index: vec![i],
            claimed,
            numeric,
            oracle: d,
            gap: claimed - numeric,
            ledger,
            budget,
            mde: if size > 0.0 {
                10.0 * budget / size
            } else {
                0.0
            },
            verdict,
            status,
            remark: remark.map(str::to_string),
            outside: false,
        });
    }
    report.status = report
        .coordinates
        .iter()
        .map(|c| c.status)
        .max()
        .unwrap_or(Status::Pass);
    report.evaluations = probe.evaluations;
    Ok(report)
}

struct Probe<'a, T> {
    f: &'a dyn Fn(&[T]) -> T,
    x: Vec<T>,
    evaluations: usize,
}

impl<T: Float> Probe<'_, T> {
    fn at_centre(&mut self) -> f64 {
        self.evaluations += 1;
        (self.f)(&self.x).wide()
    }

    /// The value with one coordinate moved; the step is the one that can be stored.
    fn moved(&mut self, i: usize, by: f64) -> f64 {
        let old = self.x[i];
        self.x[i] = T::narrow(old.wide() + by);
        let y = self.at_centre();
        self.x[i] = old;
        y
    }

    /// Derivative, its uncertainty, and whether the slope jumps here.
    fn derivative(
        &mut self,
        i: usize,
        scale: f64,
        value: f64,
        u: f64,
        spread: f64,
    ) -> (f64, f64, bool) {
        let centre = self.x[i].wide();
        // Noise: third differences on a fine grid, spacing of the values seen, rounding of the value itself.
        let fine = scale * (8.0 * u).sqrt() * 1e-2;
        let grid: Vec<f64> = (-3..=3)
            .map(|k| self.moved(i, f64::from(k) * fine))
            .collect();
        let third = grid
            .windows(4)
            .map(|w| (w[3] - 3.0 * w[2] + 3.0 * w[1] - w[0]).abs() / 20f64.sqrt())
            .fold(0.0, f64::max);
        let mut sorted = grid.clone();
        sorted.sort_by(f64::total_cmp);
        let quantum = sorted
            .windows(2)
            .map(|w| w[1] - w[0])
            .filter(|d| *d > 0.0)
            .fold(f64::INFINITY, f64::min);
        let quantum = if quantum.is_finite() { quantum } else { 0.0 };
        let noise = third
            .max(u * value.abs())
            .max(quantum.min(64.0 * u * value.abs()))
            .max(spread);
        let mut rungs: Vec<(f64, f64, f64)> = Vec::new();
        for k in 0..LADDER {
            let h = (scale * 0.05 * 4f64.powi(-k)).log2().round().exp2();
            let (up, down) = (
                T::narrow(centre + h).wide() - centre,
                centre - T::narrow(centre - h).wide(),
            );
            if up <= 0.0 || down <= 0.0 {
                continue;
            }
            let (a, b) = (self.moved(i, h), self.moved(i, -h));
            let central = (a - b) / (up + down);
            let jump = (a - value) / up - (value - b) / down;
            rungs.push((h, central, jump));
        }
        // Richardson over neighbours (their steps differ by four): D = (16 n(h/4) - n(h)) / 15.
        let better: Vec<(f64, f64)> = rungs
            .windows(2)
            .map(|w| (w[1].0, (16.0 * w[1].1 - w[0].1) / 15.0))
            .collect();
        let mut best = (f64::NAN, f64::INFINITY);
        for (k, &(h, d)) in better.iter().enumerate() {
            let neighbours = [k.checked_sub(1), Some(k + 1)]
                .into_iter()
                .flatten()
                .filter_map(|j| better.get(j));
            let disagreement = neighbours.map(|n| (n.1 - d).abs()).fold(0.0, f64::max);
            let error = disagreement + 8.0 * noise / h;
            if d.is_finite() && error < best.1 {
                best = (d, error);
            }
        }
        // A kink at the point: the slopes of the two sides differ by as much at every step, beyond noise.
        let jumps: Vec<f64> = rungs
            .iter()
            .filter(|r| 16.0 * noise / r.0 < r.2.abs())
            .map(|r| r.2)
            .collect();
        let kink = jumps.len() >= 4
            && jumps
                .windows(2)
                .all(|w| (w[0] - w[1]).abs() <= 0.05 * w[0].abs().max(w[1].abs()))
            && jumps[0].abs() > 1e-6 * best.0.abs().max(f64::MIN_POSITIVE);
        (best.0, best.1, kink)
    }
}
