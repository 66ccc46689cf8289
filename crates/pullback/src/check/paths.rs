//! Mistakes in how gradients are added up: a path that overwrites another, a row instead of a sum.
//!
//! The smooth program is replayed with one use of a value changed, and what reverse mode makes of that is compared with
//! the gradient under test.

use super::numbers::{self, gradients};
use super::oracle::Oracle;
use super::{BugKind, Coordinate, Report};
use crate::{DType, Dd, Result, Tensor, core::apply};

/// Uses that are tried.
const USES: usize = 64;

/// One operand of one instruction.
type Use = (usize, usize);

/// Replays the smooth program in double-double; `change` sees every operand on its way.
fn replay(
    oracle: &Oracle<'_>,
    leaves: &[Tensor],
    change: &mut dyn FnMut(Use, u32, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let program = &oracle.frozen;
    let mut values: Vec<Option<Tensor>> = vec![None; program.values()];
    for (&id, x) in program.inputs().iter().zip(leaves) {
        values[id as usize] = Some(x.clone());
    }
    for (id, array) in program.constants() {
        let t = Tensor::from_array(array.clone());
        let float = t.dtype().is_float();
        values[*id as usize] = Some(if float { t.to(DType::Dd)? } else { t });
    }
    for (k, inst) in program.instructions().iter().enumerate() {
        let mut x = Vec::new();
        for (p, &id) in inst.inputs.iter().enumerate() {
            let t = values[id as usize]
                .clone()
                .unwrap_or(oracle.wide[0].clone());
            x.push(change((k, p), id, &t)?);
        }
        let op = inst.op.in_dtype(DType::Dd);
        let y = apply::boxed(&*op, &x.iter().collect::<Vec<_>>(), inst.site)?;
        values[inst.output as usize] = Some(y);
    }
    let out = program.outputs()[0] as usize;
    Ok(values[out].clone().unwrap_or(oracle.wide[0].clone()))
}

fn leaves(oracle: &Oracle<'_>) -> Result<Vec<Tensor>> {
    oracle.wide.iter().map(numbers::leaf).collect()
}

/// Whether a gradient is the one under test, within its rounding.
fn explains(report: &Report, model: &[Option<Vec<Dd>>], of: impl Fn(&Coordinate) -> bool) -> bool {
    let u = report.dtype.unit_roundoff();
    let mut at = vec![0; model.len()];
    let mut any = false;
    for c in &report.coordinates {
        let Some(m) = model[c.input].as_ref().and_then(|m| m.get(at[c.input])) else {
            return false;
        };
        at[c.input] += 1;
        if of(c) {
            any = true;
            let m = m.to_f64();
            let off = (c.claimed - m).abs();
            if off.is_nan() || off > 2.0 * c.budget + 8.0 * u * m.abs() {
                return false;
            }
        }
    }
    any
}

/// A mistake in adding up that explains the whole gradient, if one does.
pub(super) fn find(oracle: &Oracle<'_>, report: &Report) -> Result<Option<BugKind>> {
    if report.coordinates.len() < report.parameters {
        return Ok(None);
    }
    let program = &oracle.frozen;
    let mut uses: Vec<Vec<Use>> = vec![Vec::new(); program.values()];
    for (k, inst) in program.instructions().iter().enumerate() {
        for (p, &id) in inst.inputs.iter().enumerate() {
            uses[id as usize].push((k, p));
        }
    }
    let several = uses.iter().enumerate().filter(|u| u.1.len() > 1);
    let tried: Vec<(u32, Use)> = several
        .flat_map(|(id, u)| u.iter().map(move |&u| (id as u32, u)))
        .take(USES)
        .collect();
    for (value, kept) in tried {
        let own = leaves(oracle)?;
        let y = replay(oracle, &own, &mut |at, id, t| {
            Ok(if id == value && at != kept {
                t.detach()
            } else {
                t.clone()
            })
        })?;
        if explains(report, &gradients(&y, &own)?, |_| true) {
            return Ok(Some(BugKind::OverwrittenFanOut));
        }
    }
    for (input, &id) in program.inputs().iter().enumerate() {
        for &(k, p) in uses[id as usize].iter().take(USES) {
            let shape = program.instructions()[k].shape.clone();
            let Ok(wide) = oracle.wide[input].expand(shape) else {
                continue;
            };
            if wide.shape() == oracle.wide[input].shape() {
                continue;
            }
            let leaf = numbers::leaf(&wide.copy()?)?;
            // Not every operation takes an operand of its result's shape.
            let replayed = replay(oracle, &oracle.wide, &mut |at, _, t| {
                Ok(if at == (k, p) {
                    leaf.clone()
                } else {
                    t.clone()
                })
            });
            let Ok(y) = replayed else {
                continue;
            };
            if !y.requires_grad() {
                continue;
            }
            let options = crate::BackwardOptions {
                allow_unused: true,
                ..crate::BackwardOptions::NEW
            };
            // Nor does every backward, that of a user's function least of all.
            let Ok(full) = crate::grad(&[(&y, None)], &[&leaf], options) else {
                continue;
            };
            let Some(full) = full.into_iter().next().flatten() else {
                continue;
            };
            let mut model: Vec<Option<Vec<Dd>>> = vec![None; oracle.wide.len()];
            model[input] = Some(first_row(&full, oracle.wide[input].shape())?.to_vec::<Dd>()?);
            for (i, x) in oracle.wide.iter().enumerate() {
                if i != input && x.dtype().is_float() {
                    model[i] = Some(vec![Dd::ZERO; x.numel()]);
                }
            }
            if explains(report, &model, |c| c.input == input) {
                return Ok(Some(BugKind::MissingReduction));
            }
        }
    }
    Ok(None)
}

/// The first row of a gradient where a sum over broadcast dimensions is due.
pub(super) fn first_row(full: &Tensor, shape: &crate::Shape) -> Result<Tensor> {
    let mut row = full.clone();
    while row.ndim() > shape.len() {
        row = row.select(0, 0)?;
    }
    for (k, &n) in shape.iter().enumerate() {
        row = row.narrow(k as i64, 0, n.min(row.shape()[k]))?;
    }
    row.reshape(shape.clone())
}
