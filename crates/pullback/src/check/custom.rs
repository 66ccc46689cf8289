//! Functions of the user under the checker: what stands in for a forward rule that is not written, and whether their `forward`
//! can be run in double-double at all.
//!
//! Their reverse rule is what is tested, as every operation's is. `opaque.rs` checks those that cannot be run so.

use super::measure::scales_of;
use super::numbers::probe;
use super::oracle::Oracle;
use crate::core::op::{Ctx, Op};
use crate::program::{Instruction, Program, Replay};
use crate::{DType, ErrorKind, Result, Tensor, core::apply};
use std::panic::Location;

/// Whether a recorded run holds a function of the user.
pub(super) fn any(program: &Program) -> bool {
    program.instructions().iter().any(|i| i.op.lenient())
}

/// The tangent of one operation by its forward rule; by differences where a function of the user has none.
pub(super) fn push(
    op: &dyn Op,
    x: &[Tensor],
    y: &Tensor,
    d: &[Option<Tensor>],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    match op.jvp(&Ctx::live(op.def().name, x, y, site), d) {
        Err(e) if op.lenient() => {
            // A rule that is not written, or has no 32 digits, is stood in for; one that fails as it is called is an error.
            if e.kind() != ErrorKind::Unsupported {
                in_own_digits(op, x, d, site)?;
            }
            quotient(op, x, d, site)?.map_or_else(|| y.zeros_like(), Ok)
        }
        done => done,
    }
}

/// The error of a forward rule that fails in doubles too.
fn in_own_digits(
    op: &dyn Op,
    x: &[Tensor],
    d: &[Option<Tensor>],
    site: &'static Location<'static>,
) -> Result<()> {
    let _quiet = crate::no_grad();
    let narrow = |t: &Tensor| match t.dtype() {
        DType::Dd => t.to(DType::F64),
        _ => Ok(t.clone()),
    };
    let x = x.iter().map(narrow).collect::<Result<Vec<_>>>()?;
    let d = (d.iter().map(|d| d.as_ref().map(narrow).transpose())).collect::<Result<Vec<_>>>()?;
    let op = op.in_dtype(DType::F64);
    let y = apply::boxed(&*op, &x.iter().collect::<Vec<_>>(), site)?;
    match op.jvp(&Ctx::live(op.def().name, &x, &y, site), &d) {
        Err(e) if e.kind() != ErrorKind::Unsupported => Err(e),
        _ => Ok(()),
    }
}

/// The central difference of an operation along a direction; none where the direction is zero.
pub(super) fn quotient(
    op: &dyn Op,
    x: &[Tensor],
    d: &[Option<Tensor>],
    site: &'static Location<'static>,
) -> Result<Option<Tensor>> {
    let mut rate = 0.0f64;
    for (x, d) in x.iter().zip(d) {
        let Some(d) = d else { continue };
        let own = x.to_f64_vec()?;
        let moves = d.expand(x.shape())?.to_f64_vec()?;
        for (by, scale) in moves.iter().zip(scales_of(&own)) {
            rate = rate.max(by.abs() / scale);
        }
    }
    if rate == 0.0 || !rate.is_finite() {
        return Ok(None);
    }
    let wide = x.iter().any(|t| t.dtype() == DType::Dd);
    let relative = if wide { 2f64.powi(-34) } else { 2f64.powi(-18) };
    let h = (relative / rate).log2().floor().exp2();
    let up = moved(op, x, d, h, site)?;
    Ok(Some(up.sub(&moved(op, x, d, -h, site)?)?.div(2.0 * h)?))
}

/// What an operation gives at x + t·d.
fn moved(
    op: &dyn Op,
    x: &[Tensor],
    d: &[Option<Tensor>],
    t: f64,
    site: &'static Location<'static>,
) -> Result<Tensor> {
    let _quiet = crate::no_grad();
    let x = (x.iter().zip(d))
        .map(|(x, d)| match d {
            Some(d) => x.add(&d.mul(t)?),
            None => Ok(x.clone()),
        })
        .collect::<Result<Vec<_>>>()?;
    apply::boxed(op, &x.iter().collect::<Vec<_>>(), site)
}

/// Why a recorded run cannot be evaluated in double-double.
pub(super) struct Narrow {
    /// The function of the user whose `forward` cannot, or goes through numbers of fewer digits on its way.
    pub(super) name: &'static str,
    /// What cannot be run, the line that ran it, and what it failed with.
    what: &'static str,
    site: String,
    error: Option<String>,
}

impl Narrow {
    /// In words.
    pub(super) fn why(&self) -> String {
        let Narrow {
            name,
            what,
            site,
            error,
        } = self;
        match error {
            Some(error) => {
                format!("{what} of {name} at {site} cannot be run in 32 digits ({error})")
            }
            None => format!("{what} of {name} at {site} computes with fewer than 32 digits"),
        }
    }
}

/// What keeps a recorded run from being evaluated in double-double, if something does.
pub(super) fn narrow(oracle: &Oracle<'_>) -> Result<Option<Narrow>> {
    let own = || (oracle.program.instructions().iter()).filter(|i| i.op.lenient());
    let Some(first) = own().next() else {
        return Ok(None);
    };
    let _quiet = crate::no_grad();
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let how = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let failed = |inst: &Instruction, what, error: Option<crate::Error>| {
        let named = error.as_ref().and_then(crate::Error::op_name);
        let inst = own()
            .find(|i| named == Some(i.op.def().name))
            .unwrap_or(inst);
        Some(Narrow {
            name: inst.op.def().name,
            what,
            site: inst.written(),
            error: error.map(|e| e.message().to_string()),
        })
    };
    let values = match oracle.program.replay_all(&refs, how) {
        Ok(values) => values,
        Err(e) => return Ok(failed(first, "forward", Some(e))),
    };
    for (k, inst) in own().enumerate() {
        let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
        match steady(inst, &x, k as u64) {
            Ok(true) => {}
            Ok(false) => return Ok(failed(inst, "forward", None)),
            Err(e) => return Ok(failed(inst, "forward", Some(e))),
        }
    }
    // The rule too: a gradient that cannot be had in double-double leaves the claim's numbers alone to be compared.
    Ok(match oracle.gradient() {
        Ok(_) => None,
        Err(e) => failed(first, "backward", Some(e)),
    })
}

/// Whether an operation moves as smoothly with steps of 2⁻⁶⁰ as with steps of 2⁻³⁰: numbers of 53 bits on the way would not.
fn steady(inst: &Instruction, x: &[Tensor], seed: u64) -> Result<bool> {
    if !inst.dtype.is_float() {
        return Ok(true);
    }
    let d = x
        .iter()
        .map(|t| {
            if !t.dtype().is_float() {
                return Ok(None);
            }
            let own = t.to_f64_vec()?;
            let v: Vec<f64> = (probe(t.shape(), seed + 4000)?.to_f64_vec()?.iter())
                .zip(scales_of(&own))
                .map(|(v, scale)| v * scale)
                .collect();
            let v = Tensor::from_slice(&v, t.shape().clone())?;
            v.to(t.dtype()).map(Some)
        })
        .collect::<Result<Vec<_>>>()?;
    let op = inst.op.in_dtype(DType::Dd);
    let mut size = Vec::new();
    let mut slope = |h: f64| -> Result<Option<Vec<f64>>> {
        let (up, down) = (
            moved(&*op, x, &d, h, inst.site)?,
            moved(&*op, x, &d, -h, inst.site)?,
        );
        size = up.to_f64_vec()?;
        if up.dtype() != DType::Dd {
            return Ok(None);
        }
        up.sub(&down)?.div(2.0 * h)?.to_f64_vec().map(Some)
    };
    let (Some(long), Some(short)) = (slope(2f64.powi(-30))?, slope(2f64.powi(-60))?) else {
        return Ok(false);
    };
    Ok((long.iter().zip(&short).zip(&size)).all(|((a, b), y)| {
        (a - b).abs() <= 1e-3 * (a.abs() + b.abs()) + 2f64.powi(-36) * y.abs() || a.is_nan()
    }))
}
