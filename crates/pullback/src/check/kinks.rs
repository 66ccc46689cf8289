//! Decisions: whether two runs took the same, how far a run is from taking another, what lies on a kink.

use super::oracle::Oracle;
use crate::core::op::Family;
use crate::program::{Program, Replay, Values};
use crate::{DType, Dd, Result, Tensor};
use pullback_array::kernels;

/// The kink that the user's step meets first.
#[derive(Clone, Debug)]
pub struct NearestKink {
    /// The coordinate whose step leads there.
    pub name: String,
    /// The operation that would decide otherwise, with its line.
    pub op: String,
    /// Which of its elements.
    pub unit: usize,
    /// How many of the user's steps away it is, to first order.
    pub steps: f64,
}

/// Whether a replay decided as the recorded run did, at every gate and every jump.
pub(super) fn same_decisions(program: &Program, values: &Values) -> Result<bool> {
    for inst in program.instructions() {
        let Some(recorded) = &inst.decision else {
            continue;
        };
        let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
        let now = match inst.op.def().family {
            Family::Gate => inst.decide(&x)?,
            // What is cut or locally constant is compared by value, unless it carries numbers along (detach).
            Family::Zero | Family::Cut if inst.op.def().name != "detach" => {
                let now = values.get(inst.output);
                // Exactly: a rounded decimal, 1.1, is another number in another precision.
                if !now
                    .array()
                    .bits_equal(&kernels::cast(recorded, now.dtype())?)?
                {
                    return Ok(false);
                }
                None
            }
            _ => None,
        };
        if let Some(now) = now
            && !kernels::cast(&now, recorded.dtype())?.bits_equal(recorded)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How far each gate's elements are from deciding otherwise, in a replay.
pub(super) struct Margins {
    /// By instruction: its number, and the distances.
    pub(super) gates: Vec<(usize, Vec<f64>)>,
}

impl Margins {
    pub(super) fn of(program: &Program, values: &Values) -> Result<Margins> {
        let mut gates = Vec::new();
        for (k, inst) in program.instructions().iter().enumerate() {
            let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
            let x: Vec<&Tensor> = x.iter().collect();
            if let Some(margin) = Tensor::with_arrays(&x, &mut |arrays| inst.op.margin(arrays))? {
                gates.push((k, margin.to_f64_vec()?));
            }
        }
        Ok(Margins { gates })
    }
}

impl Oracle<'_> {
    /// A replay of the recorded program in double-double, deciding anew, with all values.
    pub(super) fn values_at(&self, x: &[Tensor]) -> Result<Values> {
        self.count(1);
        let refs: Vec<&Tensor> = x.iter().collect();
        self.program.replay_all(
            &refs,
            Replay {
                float: Some(DType::Dd),
                frozen: false,
            },
        )
    }

    /// For one coordinate: the gate element whose margin vanishes first when it moves either way (instruction and
    /// element), and after how far.
    pub(super) fn first_crossing(
        &self,
        at: &Margins,
        input: usize,
        flat: usize,
        scale: f64,
    ) -> Result<Option<(usize, usize, f64)>> {
        let mut first: Option<(usize, usize, f64)> = None;
        for (gate, unit, distance) in self.crossings(at, input, flat, scale)? {
            if first.is_none_or(|f| distance < f.2) {
                first = Some((at.gates[gate].0, unit, distance));
            }
        }
        Ok(first)
    }

    /// For one coordinate: every gate element (the gate by its place in `at`) whose margin its moves change, and after
    /// how far it vanishes.
    ///
    /// To first order: margin over the margin's derivative. The derivative is a difference over a step so small that
    /// nothing is crossed.
    pub(super) fn crossings(
        &self,
        at: &Margins,
        input: usize,
        flat: usize,
        scale: f64,
    ) -> Result<Vec<(usize, usize, f64)>> {
        if at.gates.is_empty() {
            return Ok(Vec::new());
        }
        let h = (scale * 1e-12).log2().round().exp2();
        let Ok(values) = self.values_at(&self.moved(input, flat, Dd::from(h))?) else {
            return Ok(Vec::new());
        };
        let up = Margins::of(&self.program, &values)?;
        let mut found = Vec::new();
        for (k, ((_, m), (_, moved))) in at.gates.iter().zip(&up.gates).enumerate() {
            for (unit, (a, b)) in m.iter().zip(moved).enumerate() {
                let rate = (b - a).abs() / h;
                if rate > 0.0 {
                    found.push((k, unit, a / rate));
                }
            }
        }
        Ok(found)
    }

    /// The one-sided derivatives of the real (unfrozen) program along one coordinate, left and right, and how far they
    /// may be off, `hi_f` being what one evaluation may be.
    pub(super) fn one_sided(
        &self,
        input: usize,
        flat: usize,
        scale: f64,
        hi_f: f64,
    ) -> Result<(f64, f64, f64)> {
        let centre = self.value(&self.program, &self.wide)?;
        let side = |h: f64| -> Result<(f64, f64)> {
            let slope = |h: f64| -> Result<Dd> {
                Ok(
                    (self.value(&self.program, &self.moved(input, flat, Dd::from(h))?)? - centre)
                        / Dd::from(h),
                )
            };
            // Richardson for a one-sided quotient: 2 s(h/2) - s(h).
            let (near, far) = (slope(h / 2.0)?, slope(h)?);
            let error = (near - far).abs().to_f64() + 16.0 * hi_f / h.abs();
            Ok(((Dd::from(2.0) * near - far).to_f64(), error))
        };
        let h = (scale * 1e-13).log2().round().exp2();
        let (left, right) = (side(-h)?, side(h)?);
        Ok((left.0, right.0, left.1.max(right.1)))
    }
}
