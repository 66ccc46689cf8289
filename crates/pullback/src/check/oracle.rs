//! Evaluations in double-double, and derivatives by differences good to twenty digits and more.

use super::numbers::{gradients, leaf, number, reduced};
use super::point::{call, finite, weights};
use super::{Check, custom, kinks};
use crate::core::op::Family;
use crate::program::{Program, Replay};
use crate::{DType, Dd, Flow, Result, Tensor};
use std::cell::Cell;

/// Unit roundoff of the oracle's arithmetic, with a margin for functions that are not correctly rounded.
pub(super) const U_HI: f64 = 1.0 / ((1u128 << 100) as f64);

/// Rounding of a value in a stencil, relative to its size, where it is larger than the value at the point itself.
pub(super) const STENCIL: f64 = 16.0 * U_HI;

/// How far a derivative by two steps may be off, relative to what they differ by. Two steps across one jump of the function differ by
/// half of it over the step, and are off by 7/6 of it.
const APART: f64 = 2.5;

/// A step by which a slope would move a value by so many times its size is too long to see that slope.
const LONG: f64 = 10.0;

/// A slope that grows so much when the step is halved is none: the step is longer than the function's own scale, beyond which it is flat.
const GROWS: f64 = 1.2;

/// Numbers that may be computed for coordinates examined one by one, times the dozen runs that each takes.
const WORK: usize = 10_000_000;

/// The function under test, recorded once, ready to be run in any arithmetic.
pub(super) struct Oracle<'a> {
    pub(super) check: &'a Check<'a>,
    /// The run at the inputs, in the working precision.
    pub(super) program: Program,
    /// Its smooth part: every decision fixed as recorded.
    pub(super) frozen: Program,
    /// The same with what is cut off from gradients moving along, where there is such a cut: the function as it is between kinks.
    pub(super) opened: Option<Program>,
    /// Whether numbers came from the inputs by operations that no recorder saw.
    pub(super) unseen: bool,
    /// How many tensors from outside that require a gradient it reads.
    pub(super) captured: usize,
    /// The inputs in double-double, exactly.
    pub(super) wide: Vec<Tensor>,
    /// Weights of the result's elements, and its shape.
    weights: Option<Tensor>,
    shape: crate::Shape,
    pub(super) evaluations: Cell<usize>,
    /// A relative uncertainty of a derivative that is good enough: far below the power asked for.
    relative: f64,
}

/// Whether a gradient of `t` reaches one of the inputs.
fn leads_to(t: &Tensor, inputs: &[Tensor]) -> bool {
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    t.requires_grad() && t.flow(&inputs).contains(&Flow::Reached)
}

impl<'a> Oracle<'a> {
    /// `first` is what the function's first call gave.
    pub(super) fn new(check: &'a Check<'a>, first: &Tensor) -> Result<Oracle<'a>> {
        let inputs: Vec<&Tensor> = check.inputs.iter().collect();
        finite(check, first)?;
        let weights = weights(check, first)?;
        let mut handles = Vec::new();
        let (program, _, live) = Program::trace_live(&inputs, true, |x| {
            let y = call(check, x, Some(first.shape()))?;
            handles = x.to_vec();
            Ok(vec![reduced(&y, weights.as_ref())?])
        })?;
        let frozen = program.freeze(&inputs)?;
        let opened = match program.opened() {
            Some(program) => Some(program.freeze(&inputs)?),
            None => None,
        };
        let wide = check
            .inputs
            .iter()
            .map(|t| {
                if t.dtype().is_float() {
                    t.to(DType::Dd)
                } else {
                    Ok(t.clone())
                }
            })
            .collect::<Result<_>>()?;
        Ok(Oracle {
            check,
            unseen: live.iter().any(|c| leads_to(&c.1, &handles)),
            captured: live.iter().filter(|c| c.1.requires_grad()).count(),
            program,
            frozen,
            opened,
            wide,
            weights,
            shape: first.shape().clone(),
            evaluations: Cell::new(2),
            relative: 1e-7 * check.power.unwrap_or(1e-6),
        })
    }

    /// How much one run of the program computes: the numbers it reads and makes, functions being worth ten.
    fn work(&self) -> usize {
        let sizes: std::collections::HashMap<u32, usize> = (self.program.instructions().iter())
            .map(|i| (i.output, i.shape.numel()))
            .chain(
                self.program
                    .inputs()
                    .iter()
                    .zip(&self.wide)
                    .map(|(&id, t)| (id, t.numel())),
            )
            .chain(
                self.program
                    .constants()
                    .iter()
                    .map(|(id, a)| (*id, a.numel())),
            )
            .collect();
        let read = |ids: &[u32]| -> usize { ids.iter().filter_map(|id| sizes.get(id)).sum() };
        (self.program.instructions().iter())
            .map(|i| {
                let heavy = matches!(i.op.def().family, Family::Pointwise | Family::General);
                (read(&i.inputs) + i.shape.numel()) * if heavy { 10 } else { 1 }
            })
            .sum()
    }

    /// How many coordinates a second or so suffices to examine one by one, unless the user says otherwise.
    pub(super) fn affordable(&self) -> usize {
        WORK / self.work().max(1)
    }

    pub(super) fn count(&self, n: usize) {
        self.evaluations.set(self.evaluations.get() + n);
    }

    /// Whether the function returns one number.
    pub(super) fn is_number(&self) -> bool {
        self.shape.numel() == 1
    }

    pub(super) fn weights(&self) -> Option<&Tensor> {
        self.weights.as_ref()
    }

    /// The function itself in the working precision.
    pub(super) fn direct(&self, x: &[Tensor]) -> Result<Tensor> {
        reduced(&self.whole(x)?, self.weights())
    }

    /// All its numbers, before they are weighed.
    pub(super) fn whole(&self, x: &[Tensor]) -> Result<Tensor> {
        self.count(1);
        call(self.check, x, Some(&self.shape))
    }

    /// A recorded program at double-double inputs. The real one may not exist there: what it recorded may have had another
    /// shape (`nonzero`). Then it has no value.
    pub(super) fn value(&self, program: &Program, x: &[Tensor]) -> Result<Dd> {
        self.count(1);
        let refs: Vec<&Tensor> = x.iter().collect();
        let how = Replay {
            float: Some(DType::Dd),
            frozen: false,
        };
        match program.replay(&refs, how) {
            Ok(mut y) => number(&y.remove(0)),
            Err(_) if !std::ptr::eq(program, &self.frozen) => Ok(Dd::NAN),
            Err(e) => Err(e),
        }
    }

    /// The inputs with one element moved.
    pub(super) fn moved(&self, input: usize, flat: usize, by: Dd) -> Result<Vec<Tensor>> {
        let mut out = self.wide.clone();
        let mut data = out[input].to_vec::<Dd>()?;
        data[flat] += by;
        out[input] = Tensor::from_slice(&data, out[input].shape().clone())?;
        Ok(out)
    }

    /// The inputs moved along a direction: `x + t·v`.
    pub(super) fn along(&self, v: &[Option<Vec<f64>>], t: f64) -> Result<Vec<Tensor>> {
        (self.wide.iter().zip(v))
            .map(|(x, v)| match v {
                None => Ok(x.clone()),
                Some(v) => {
                    let data: Vec<Dd> = x
                        .to_vec::<Dd>()?
                        .iter()
                        .zip(v)
                        .map(|(a, b)| *a + Dd::from(*b) * Dd::from(t))
                        .collect();
                    Tensor::from_slice(&data, x.shape().clone())
                }
            })
            .collect()
    }

    /// The central difference of a program, exact steps of `h` on one element.
    pub(super) fn central(
        &self,
        program: &Program,
        input: usize,
        flat: usize,
        h: f64,
    ) -> Result<Dd> {
        self.central_sized(program, input, flat, h).map(|n| n.0)
    }

    /// The central difference, and the size of the values it is made of.
    pub(super) fn central_sized(
        &self,
        program: &Program,
        input: usize,
        flat: usize,
        h: f64,
    ) -> Result<(Dd, f64)> {
        let up = self.value(program, &self.moved(input, flat, Dd::from(h))?)?;
        let down = self.value(program, &self.moved(input, flat, Dd::from(-h))?)?;
        let size = up.abs().to_f64().max(down.abs().to_f64());
        Ok(((up - down) / Dd::from(2.0 * h), size))
    }

    /// The derivative of the smooth program along one element, and how far it may be off.
    pub(super) fn derivative(
        &self,
        input: usize,
        flat: usize,
        scale: f64,
        q_f: f64,
        good: f64,
    ) -> Result<(Dd, f64)> {
        let along = |h| self.central_sized(&self.frozen, input, flat, h);
        let mut best = self.ladder((scale, true), q_f, good, along)?;
        // A number much smaller than those beside it says nothing of how far the function is smooth. It may be smooth no further
        // all the same: then long steps contradict those of its own size, or their slopes grow as they shrink.
        let others = super::measure::rms(&self.wide[input].to_f64_vec()?).unwrap_or(1.0);
        for other in [others, 1.0] {
            let enough = good.max(1e-11 * best.0.abs().to_f64());
            let apart = (other / scale).log10().abs() > 2.0;
            if best.1 > enough && apart && other > 0.0 && other.is_finite() {
                let next = self.ladder((other, false), q_f, good, along)?;
                let agree = (next.0 - best.0).abs().to_f64() <= next.1 + best.1;
                if next.1 < best.1 && (agree || !best.0.is_finite()) {
                    best = next;
                }
            }
        }
        Ok(best)
    }

    /// Looks again with ever smaller steps where a gradient disagrees: a function that varies on a much smaller scale than its
    /// input's size can make large steps agree with each other on a slope that is not its own.
    pub(super) fn confirm(
        &self,
        input: usize,
        flat: usize,
        scale: f64,
        q_f: f64,
        found: (Dd, f64),
        claimed: f64,
    ) -> Result<(Dd, f64)> {
        let mut best = found;
        let mut h = (scale * 1e-12).log2().round().exp2();
        // The largest value seen at these steps: one that is bounded has no such slope over so long a step, whatever it has at the point.
        let mut largest = self.central_sized(&self.frozen, input, flat, h)?.1;
        for _ in 0..24 {
            let mut rounding = 3.0 * q_f / h;
            if rounding > 0.1 * claimed.abs().max(best.0.abs().to_f64()) || h < 1e-280 {
                break;
            }
            let (wide, size) = self.central_sized(&self.frozen, input, flat, h)?;
            let narrow = self.central(&self.frozen, input, flat, h / 2.0)?;
            largest = largest.max(size);
            rounding += STENCIL * size / h;
            let d = (Dd::from(4.0) * narrow - wide) / Dd::from(3.0);
            let error = APART * (narrow - wide).abs().to_f64() + rounding;
            if d.is_finite()
                && (!best.0.is_finite() || (d - best.0).abs().to_f64() > error + best.1)
            {
                best = (d, error);
            }
            h *= 2f64.powi(-10);
        }
        if claimed.abs() * h > LONG * largest {
            // Its steps are all too long, and shorter ones drown: of the slope at the point nothing is known.
            let apart = (Dd::from(claimed) - best.0).abs().to_f64();
            best.1 = best.1.max(2.0 * apart);
        }
        Ok(best)
    }

    /// The function between its kinks: what its gradient should be the gradient of.
    pub(super) fn between_kinks(&self) -> &Program {
        self.opened.as_ref().unwrap_or(&self.frozen)
    }

    /// Unit roundoff of what a rule computes in double-double: a function of the user may do so with fewer digits.
    pub(super) fn rule_unit(&self) -> f64 {
        match custom::any(&self.program) {
            true => 2f64.powi(-50),
            false => U_HI,
        }
    }

    /// The derivative of a smooth program along a direction. `sizes`: how far the point may be thought to move along it.
    pub(super) fn directional(
        &self,
        program: &Program,
        v: &[Option<Vec<f64>>],
        sizes: &[f64],
        q_f: f64,
        good: f64,
    ) -> Result<(Dd, f64)> {
        let along = |h| {
            let up = self.value(program, &self.along(v, h)?)?;
            let down = self.value(program, &self.along(v, -h)?)?;
            let size = up.abs().to_f64().max(down.abs().to_f64());
            Ok(((up - down) / Dd::from(2.0 * h), size))
        };
        let mut best = (Dd::NAN, f64::INFINITY);
        for size in sizes.iter().filter(|s| s.is_finite() && **s > 0.0) {
            let next = self.ladder((*size, true), q_f, good, along)?;
            if next.1 < best.1 {
                best = next;
            }
            if best.1 <= good.max(1e-9 * best.0.abs().to_f64()) {
                break;
            }
        }
        Ok(best)
    }

    /// Tries steps until the sum of truncation and rounding is `good` enough, and keeps the best.
    ///
    /// Steps are powers of two, so that x ± h is exact. D = (4 n(h/2) - n(h))/3; truncation is taken as some times |n(h/2) - n(h)|,
    /// which overstates D's own by about h². A `scale` that is not known to be the number's `own` may be too long: then slopes that
    /// grow as the step shrinks do not count.
    fn ladder(
        &self,
        (scale, own): (f64, bool),
        q_f: f64,
        good: f64,
        n: impl Fn(f64) -> Result<(Dd, f64)>,
    ) -> Result<(Dd, f64)> {
        let (mut best, mut from) = ((Dd::NAN, f64::INFINITY), f64::INFINITY);
        for factor in [1e-9, 1e-11, 1e-7, 1e-13, 1e-5, 1e-16] {
            let h = (scale * factor).log2().round().exp2();
            let ((wide, size), (narrow, _)) = (n(h)?, n(h / 2.0)?);
            if !wide.is_finite() || !narrow.is_finite() {
                continue;
            }
            let d = (Dd::from(4.0) * narrow - wide) / Dd::from(3.0);
            let rounding = (3.0 * q_f + STENCIL * size) / h;
            let error = APART * (narrow - wide).abs().to_f64() + rounding;
            let grows = narrow.abs().to_f64() > GROWS * wide.abs().to_f64() + rounding;
            if grows && !own {
                continue;
            }
            // Where two lengths of step contradict each other, the function varies on a scale that the longer one does not see.
            let apart = (d - best.0).abs().to_f64() > error + best.1;
            let better = match apart {
                true => h < from,
                false => error < best.1,
            };
            // A slope that rounding may change without bound is none.
            if error.is_finite() && (better || !best.0.is_finite()) {
                (best, from) = ((d, error), h);
            }
            let flat = wide == Dd::ZERO && narrow == Dd::ZERO;
            if flat || best.1 <= good.max(self.relative * best.0.abs().to_f64()) {
                break;
            }
        }
        Ok(best)
    }

    /// The gradient by reverse mode in double-double, every rule as the engine has it; and whether the decisions there
    /// are those of the working precision (if not, the smooth program's gradient is taken).
    pub(super) fn gradient(&self) -> Result<(Vec<Option<Vec<Dd>>>, bool)> {
        self.count(2);
        let how = Replay {
            float: Some(DType::Dd),
            frozen: false,
        };
        let leaves: Vec<Tensor> = self.wide.iter().map(leaf).collect::<Result<_>>()?;
        let refs: Vec<&Tensor> = leaves.iter().collect();
        let values = self.program.replay_all(&refs, how)?;
        let same = kinks::same_decisions(&self.program, &values)?;
        let y = if same {
            values.get(self.program.outputs()[0])
        } else {
            self.frozen.replay(&refs, how)?.remove(0)
        };
        Ok((gradients(&y, &leaves)?, same))
    }
}
