//! Which operation is to blame: each one's own gradient against differences of it alone.
//!
//! One sweep over the recorded run. For random u and v, ⟨u, J v⟩ by differences of the operation's smooth piece in double-double must
//! equal ⟨Jᵀu, v⟩ by its rule.

use super::kinks;
use super::oracle::{self, Oracle, probe};
use crate::op::Family;
use crate::program::{Instruction, Replay};
use crate::{DType, Dd, Result, Tensor, apply};
use std::fmt;

/// An operation whose gradient is wrong.
#[derive(Clone, Debug)]
pub struct Guilty {
    /// Its name.
    pub op: String,
    /// The line that ran it.
    pub site: String,
    /// Its place in the recorded run.
    pub position: usize,
    /// Which of its inputs gets the wrong gradient.
    pub input: usize,
    /// ⟨Jᵀu, v⟩ by its rule.
    pub rule: f64,
    /// ⟨u, J v⟩ by differences.
    pub differences: f64,
}

impl fmt::Display for Guilty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "#{} {} at {} (input {}): its rule gives {:.6e}, its differences {:.6e}",
            self.position, self.op, self.site, self.input, self.rule, self.differences
        )
    }
}

/// The first operation of the recorded run whose rule disagrees with its own differences.
pub(super) fn find(oracle: &Oracle<'_>) -> Result<Option<Guilty>> {
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let values = oracle.program.replay_all(
        &refs,
        Replay {
            float: Some(DType::Dd),
            frozen: true,
        },
    )?;
    for (position, inst) in oracle.program.instructions().iter().enumerate() {
        if matches!(inst.op.def().family, Family::Cut)
            || inst.dtype != values.get(inst.output).dtype() && !inst.dtype.is_float()
        {
            continue;
        }
        let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
        for input in (0..x.len()).filter(|&i| x[i].dtype().is_float() && x[i].numel() > 0) {
            if let Some((rule, differences, allowed)) = compare(inst, &x, input, position as u64)?
                && (rule - differences).abs() > allowed
            {
                return Ok(Some(Guilty {
                    op: inst.op.def().name.to_string(),
                    site: format!("{}:{}", inst.site.file(), inst.site.line()),
                    position,
                    input,
                    rule,
                    differences,
                }));
            }
        }
    }
    let _ = kinks::same_decisions;
    Ok(None)
}

/// ⟨Jᵀu, v⟩ by the rule, ⟨u, Jv⟩ by differences, and how far they may be apart.
fn compare(
    inst: &Instruction,
    x: &[Tensor],
    input: usize,
    seed: u64,
) -> Result<Option<(f64, f64, f64)>> {
    let op = inst.op.in_dtype(DType::Dd);
    let leaves: Vec<Tensor> = x
        .iter()
        .enumerate()
        .map(|(i, t)| {
            if i == input {
                oracle::leaf(t)
            } else {
                Ok(t.clone())
            }
        })
        .collect::<Result<_>>()?;
    let y = apply::boxed(&*op, &leaves.iter().collect::<Vec<_>>(), inst.site)?;
    if !y.requires_grad() || y.numel() == 0 {
        return Ok(None);
    }
    let u = probe(y.shape(), 2 * seed + 1)?.to(DType::Dd)?;
    let v = probe(x[input].shape(), 2 * seed + 2)?.to(DType::Dd)?;
    let back = crate::grad(
        &[(&y, Some(&u))],
        &[&leaves[input]],
        crate::BackwardOptions::default(),
    )?
    .remove(0);
    let rule = match back {
        Some(g) => oracle::number(&g.mul(&v)?.sum()?)?,
        None => Dd::ZERO,
    };
    let scale = x[input].abs()?.max()?.item_f64()?;
    let h = ((if scale > 0.0 { scale } else { 1.0 }) * 1e-9)
        .log2()
        .round()
        .exp2();
    let smooth = |sign: f64| -> Result<Dd> {
        let mut moved: Vec<Tensor> = x.to_vec();
        moved[input] = x[input].add(&v.mul(sign * h)?)?;
        let y = match (&inst.decision, inst.op.def().family) {
            (Some(d), Family::Gate) => inst.op.frozen(&moved, &Tensor::from_array(d.clone()))?,
            (_, Family::Zero) => y.detach(),
            _ => apply::boxed(&*op, &moved.iter().collect::<Vec<_>>(), inst.site)?,
        };
        oracle::number(&y.mul(&u)?.sum()?)
    };
    let (up, down) = (smooth(1.0)?, smooth(-1.0)?);
    let differences = ((up - down) / Dd::from(2.0 * h)).to_f64();
    if !differences.is_finite() {
        return Ok(None);
    }
    let size = up.abs().to_f64().max(differences.abs());
    let allowed = 1e-12 * size + 1e-10 * differences.abs() + 1e-26 * size / h;
    Ok(Some((rule.to_f64(), differences, allowed)))
}
