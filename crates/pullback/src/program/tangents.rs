//! Tangents pushed through a program: forward mode of a recorded run.

use super::{Program, Replay, ValueId};
use crate::core::op::{Ctx, Family};
use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result};

impl Program {
    /// Pushes tangents through a replay: the outputs, and for each its derivative along `tangents` (`None`: no input with
    /// a tangent reaches it). Tangents are made of tensor operations, so the whole may be differentiated again.
    ///
    /// # Errors
    /// As [`Program::replay`]; where a tangent has another shape or dtype than its input.
    pub fn jvp(
        &self,
        inputs: &[&Tensor],
        tangents: &[Option<&Tensor>],
        how: Replay,
    ) -> Result<Vec<(Tensor, Option<Tensor>)>> {
        self.jvp_live(inputs, tangents, how, &[])
    }

    /// The inputs' tangents, each in its place among all values'.
    fn seeded(
        &self,
        inputs: &[&Tensor],
        tangents: &[Option<&Tensor>],
    ) -> Result<Vec<Option<Tensor>>> {
        if tangents.len() != inputs.len() {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "jvp: {} inputs but {} tangents",
                    inputs.len(),
                    tangents.len()
                ),
            ));
        }
        let mut dots: Vec<Option<Tensor>> = vec![None; self.values()];
        for ((&id, x), t) in self.inputs.iter().zip(inputs).zip(tangents) {
            if let Some(t) = t {
                if t.shape() != x.shape() || t.dtype() != x.dtype() {
                    return Err(Error::new(
                        ErrorKind::Shape,
                        format!(
                            "a tangent must have its input's shape and dtype: {} {} for {} {}",
                            t.dtype(),
                            t.shape(),
                            x.dtype(),
                            x.shape()
                        ),
                    ));
                }
                dots[id as usize] = Some((*t).clone());
            }
        }
        Ok(dots)
    }

    /// As [`Program::jvp`], with some constants given as tensors.
    pub(crate) fn jvp_live(
        &self,
        inputs: &[&Tensor],
        tangents: &[Option<&Tensor>],
        how: Replay,
        live: &[(ValueId, Tensor)],
    ) -> Result<Vec<(Tensor, Option<Tensor>)>> {
        if how.frozen {
            let given: Vec<Tensor> = inputs.iter().map(|t| (*t).clone()).collect();
            return self.freeze(&given.iter().collect::<Vec<_>>())?.jvp(
                inputs,
                tangents,
                Replay {
                    frozen: false,
                    ..how
                },
            );
        }
        let mut values = self.start(inputs, how)?;
        for (id, constant) in live {
            values.0[*id as usize] = Some(constant.clone());
        }
        let mut dots = self.seeded(inputs, tangents)?;
        let last = self.last_uses();
        for (k, inst) in self.instructions.iter().enumerate() {
            let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
            let out = inst.run(&x.iter().collect::<Vec<_>>(), how)?;
            let t: Vec<Option<Tensor>> = inst
                .inputs
                .iter()
                .map(|&i| dots[i as usize].clone())
                .collect();
            if inst.op.def().family != Family::Cut
                && out.dtype().is_differentiable()
                && t.iter().any(Option::is_some)
            {
                let op = how
                    .float
                    .map_or_else(|| inst.op.boxed(), |d| inst.op.in_dtype(d));
                let dot = op
                    .jvp(&Ctx::live(op.def().name, &x, &out, inst.site), &t)
                    .and_then(|dot| dot.expand(out.shape()))
                    .map_err(|e| e.op(op.def().name).at(inst.site))?;
                dots[inst.output as usize] = Some(dot);
            }
            values.0[inst.output as usize] = Some(out);
            inst.ended(k, &last, |id| (values.0[id], dots[id]) = (None, None));
        }
        Ok(self
            .outputs
            .iter()
            .map(|&o| (values.get(o), dots[o as usize].clone()))
            .collect())
    }
}
