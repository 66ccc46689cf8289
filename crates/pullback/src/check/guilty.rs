//! Which operation is to blame: each one's own gradient against differences of it alone.
//!
//! One sweep over the recorded run. For random u and v, ⟨u, J v⟩ by differences of the operation's smooth piece in double-double must
//! equal ⟨Jᵀu, v⟩ by its rule.

use super::numbers::{self, probe};
use super::oracle::Oracle;
use crate::core::op::{Ctx, Family, Op};
use crate::program::{Instruction, Replay, Values};
use crate::{DType, Dd, Result, Tensor, core::apply};
use std::fmt;

/// Which of an operation's two rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The one that pulls gradients back.
    Reverse,
    /// The one that pushes tangents forward.
    Forward,
}

/// An operation whose gradient is wrong.
#[derive(Clone, Debug)]
pub struct Guilty {
    /// Which of its rules is wrong.
    pub mode: Mode,
    /// Its name.
    pub op: String,
    /// The line that ran it.
    pub site: String,
    /// Its place in the recorded run.
    pub position: usize,
    /// Which of its inputs gets the wrong gradient.
    pub input: usize,
    /// ⟨Jᵀu, v⟩ or ⟨u, J v⟩ by its rule.
    pub rule: f64,
    /// ⟨u, J v⟩ by differences.
    pub differences: f64,
}

impl fmt::Display for Guilty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "#{} {} at {} (input {}): its {}rule gives {:.6e}, its differences {:.6e}",
            self.position,
            self.op,
            self.site,
            self.input,
            match self.mode {
                Mode::Reverse => "",
                Mode::Forward => "forward ",
            },
            self.rule,
            self.differences
        )
    }
}

/// One operation's rule for one of its inputs, beside differences of the operation alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleTest {
    /// Which input.
    pub input: usize,
    /// ⟨Jᵀu, v⟩ by its rule.
    pub rule: f64,
    /// ⟨u, J v⟩ by its forward rule; by differences, where a function of the user has none.
    pub forward: f64,
    /// ⟨u, J v⟩ by differences.
    pub differences: f64,
    /// How far they may be apart.
    pub allowed: f64,
}

impl RuleTest {
    /// Whether all three meet.
    pub fn passed(&self) -> bool {
        self.meets(Mode::Reverse) && self.meets(Mode::Forward)
    }

    /// Whether one rule meets the differences.
    pub fn meets(&self, mode: Mode) -> bool {
        (self.by(mode) - self.differences).abs() <= self.allowed
    }

    fn by(&self, mode: Mode) -> f64 {
        match mode {
            Mode::Reverse => self.rule,
            Mode::Forward => self.forward,
        }
    }
}

/// Every value of the recorded run in double-double, its decisions kept.
pub(super) fn values(oracle: &Oracle<'_>) -> Result<Values> {
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    oracle.program.replay_all(
        &refs,
        Replay {
            float: Some(DType::Dd),
            frozen: true,
        },
    )
}

/// The first operation of the recorded run whose rule disagrees with its own differences.
pub(super) fn find(oracle: &Oracle<'_>, mode: Mode) -> Result<Option<Guilty>> {
    let values = values(oracle)?;
    for (position, inst) in oracle.program.instructions().iter().enumerate() {
        let tests = test(inst, &values, position)?;
        if let Some(wrong) = tests.iter().find(|t| !t.meets(mode)) {
            return Ok(Some(Guilty {
                mode,
                op: inst.op.def().name.to_string(),
                site: inst.written(),
                position,
                input: wrong.input,
                rule: wrong.by(mode),
                differences: wrong.differences,
            }));
        }
    }
    Ok(None)
}

/// Tests one operation's rule for each of its inputs; none where there is nothing to test (no gradient, a decision that
/// falls otherwise in double-double, a stencil that leaves the domain).
pub(super) fn test(inst: &Instruction, values: &Values, position: usize) -> Result<Vec<RuleTest>> {
    let def = inst.op.def();
    if matches!(def.family, Family::Cut)
        || inst.dtype != values.get(inst.output).dtype() && !inst.dtype.is_float()
    {
        return Ok(Vec::new());
    }
    let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
    if let (Family::Gate, Some(recorded)) = (def.family, &inst.decision) {
        let now = inst.decide(&x)?;
        if !now.is_some_and(|n| {
            pullback_array::kernels::cast(&n, recorded.dtype())
                .and_then(|n| n.bits_equal(recorded))
                .unwrap_or(false)
        }) {
            return Ok(Vec::new());
        }
    }
    let mut tests = Vec::new();
    for input in (0..x.len()).filter(|&i| x[i].dtype().is_float() && x[i].numel() > 0) {
        tests.extend(compare(inst, &x, input, position as u64)?);
    }
    Ok(tests)
}

/// Whether the operation's rule gives one row of the gradient where a sum over a broadcast dimension is due.
pub(super) fn unsummed(oracle: &Oracle<'_>, guilty: &Guilty) -> Result<bool> {
    let values = values(oracle)?;
    let inst = &oracle.program.instructions()[guilty.position];
    let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
    let op = inst.op.in_dtype(DType::Dd);
    let own = x[guilty.input].shape().clone();
    let pull = |at: &Tensor| -> Result<Option<Tensor>> {
        let leaf = numbers::leaf(at)?;
        let mut x = x.clone();
        x[guilty.input] = leaf.clone();
        let y = apply::boxed(&*op, &x.iter().collect::<Vec<_>>(), inst.site)?;
        let u = probe(y.shape(), 99)?.to(DType::Dd)?;
        let back = crate::grad(
            &[(&y, Some(&u))],
            &[&leaf],
            crate::BackwardOptions {
                allow_unused: true,
                ..crate::BackwardOptions::NEW
            },
        )?;
        Ok(back.into_iter().next().flatten())
    };
    let Ok(wide) = x[guilty.input].expand(inst.shape.clone()) else {
        return Ok(false);
    };
    if *wide.shape() == own {
        return Ok(false);
    }
    // Not every operation takes an operand of its result's shape.
    let (Some(got), Ok(Some(full))) = (pull(&x[guilty.input])?, pull(&wide.copy()?)) else {
        return Ok(false);
    };
    if full.ndim() < own.len() {
        return Ok(false);
    }
    let row = super::paths::first_row(&full, &own)?.to_f64_vec()?;
    let got = got.to_f64_vec()?;
    Ok((got.iter().zip(&row)).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()))
}

/// ⟨Jᵀu, v⟩ by the rule, ⟨u, Jv⟩ by the forward rule and by differences, and how far they may be apart.
fn compare(inst: &Instruction, x: &[Tensor], input: usize, seed: u64) -> Result<Option<RuleTest>> {
    let op = inst.op.in_dtype(DType::Dd);
    let leaves: Vec<Tensor> = (x.iter().enumerate())
        .map(|(i, t)| match i == input {
            true => numbers::leaf(t),
            false => Ok(t.clone()),
        })
        .collect::<Result<_>>()?;
    let y = apply::boxed(&*op, &leaves.iter().collect::<Vec<_>>(), inst.site)?;
    if !y.requires_grad() || y.numel() == 0 {
        return Ok(None);
    }
    let u = probe(y.shape(), 2 * seed + 1)?.to(DType::Dd)?;
    // Every element moves by its own size.
    let own = x[input].to_f64_vec()?;
    let v: Vec<f64> = (probe(x[input].shape(), 2 * seed + 2)?.to_f64_vec()?.iter())
        .zip(super::measure::scales_of(&own))
        .map(|(v, scale)| v * scale)
        .collect();
    let v = Tensor::from_slice(&v, x[input].shape().clone())?.to(DType::Dd)?;
    let (rule, coarse) = by_rule(&*op, &y, &u, &leaves[input], &v)?;
    let tangents: Vec<Option<Tensor>> = (0..x.len())
        .map(|i| (i == input).then(|| v.clone()))
        .collect();
    let pushed = {
        let _quiet = crate::no_grad();
        let cx = Ctx::live(op.def().name, x, &y, inst.site);
        match op.jvp(&cx, &tangents) {
            // A function of the user need not have a forward rule.
            Err(_) if op.lenient() => None,
            pushed => Some(pushed?),
        }
    };
    let forward = match pushed {
        Some(pushed) => Some(numbers::number(&pushed.expand(y.shape())?.mul(&u)?.sum()?)?.to_f64()),
        None => None,
    };
    let h = 2f64.powi(-30);
    let smooth = |h: f64| -> Result<Dd> {
        let mut moved: Vec<Tensor> = x.to_vec();
        moved[input] = x[input].add(&v.mul(h)?)?;
        let y = match (&inst.decision, inst.op.def().family) {
            (Some(d), Family::Gate) => inst.op.frozen(&moved, &Tensor::from_array(d.clone()))?,
            (_, Family::Zero) => y.detach(),
            _ => apply::boxed(&*op, &moved.iter().collect::<Vec<_>>(), inst.site)?,
        };
        numbers::number(&y.mul(&u)?.sum()?)
    };
    let (up, down) = (smooth(h)?, smooth(-h)?);
    let wide = ((up - down) / Dd::from(2.0 * h)).to_f64();
    let differences = ((smooth(h / 2.0)? - smooth(-h / 2.0)?) / Dd::from(h)).to_f64();
    if !differences.is_finite() {
        return Ok(None);
    }
    let size = up.abs().to_f64();
    let allowed =
        4.0 * (wide - differences).abs() + 1e-13 * differences.abs() + 1e-27 * size / h + coarse;
    Ok(Some(RuleTest {
        input,
        rule: rule.to_f64(),
        forward: forward.unwrap_or(differences),
        differences,
        allowed,
    }))
}

/// ⟨Jᵀu, v⟩ by the rule, and what it may be off by: a rule of the user's may compute with fewer digits than are asked of it.
fn by_rule(op: &dyn Op, y: &Tensor, u: &Tensor, leaf: &Tensor, v: &Tensor) -> Result<(Dd, f64)> {
    let options = crate::BackwardOptions {
        allow_unused: true,
        ..crate::BackwardOptions::NEW
    };
    let Some(g) = crate::grad(&[(y, Some(u))], &[leaf], options)?.remove(0) else {
        return Ok((Dd::ZERO, 0.0));
    };
    let terms = g.to(DType::Dd)?.mul(v)?;
    let coarse = match op.lenient() {
        true => 1e-13 * terms.abs()?.sum()?.item_f64()?,
        false => 0.0,
    };
    Ok((numbers::number(&terms.sum()?)?, coarse))
}
