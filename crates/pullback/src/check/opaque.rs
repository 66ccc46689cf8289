//! A function that cannot be run in double-double, because a function of the user in it cannot: it is called in its own dtype,
//! as a black box, and a wrong rule is found by differences of that one `forward`.

use super::measure::scale_of;
use super::numbers::{self, probe};
use super::oracle::Oracle;
use super::{BlackBoxOptions, Check, Guilty, Mode, Report, Status, black_box, claims, run};
use crate::program::{Instruction, Replay, Values};
use crate::{DType, Error, Result, Tensor, core::apply};
use std::cell::RefCell;

/// The report of a black box, with the names of the check.
pub(super) fn run(check: &Check<'_>, oracle: &Oracle<'_>, name: &str) -> Result<Report> {
    let claimed = claims::claimed(check, oracle)?;
    let places: Vec<(usize, usize)> = (claimed.iter().enumerate())
        .flat_map(|(i, g)| (0..g.as_ref().map_or(0, Vec::len)).map(move |flat| (i, flat)))
        .collect();
    let claim: Vec<f64> = claimed.iter().flatten().flatten().copied().collect();
    let mut x = Vec::new();
    for t in check.inputs.iter().filter(|t| t.dtype().is_float()) {
        x.extend(t.to_f64_vec()?);
    }
    let failed: RefCell<Option<Error>> = RefCell::new(None);
    let value = |x: &[f64]| -> f64 {
        if failed.borrow().is_some() {
            return f64::NAN;
        }
        at(check, oracle, x).unwrap_or_else(|e| {
            *failed.borrow_mut() = Some(e);
            f64::NAN
        })
    };
    let options = BlackBoxOptions {
        step: check.step,
        power: check.power,
    };
    let single = (check.inputs.iter()).all(|t| !t.dtype().is_float() || t.dtype() == DType::F32);
    let found = match single {
        true => {
            let narrow = |v: &[f64]| v.iter().map(|&x| x as f32).collect::<Vec<f32>>();
            let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
            let value = |x: &[f32]| value(&wide(x)) as f32;
            black_box::<f32>(value, &narrow(&x), &narrow(&claim), options)
        }
        false => black_box::<f64>(value, &x, &claim, options),
    };
    if let Some(e) = failed.into_inner() {
        return Err(e);
    }
    let mut report = found?;
    for c in &mut report.coordinates {
        // A black box knows its numbers by their place alone.
        let flat = c.index.first().copied().unwrap_or(0);
        if let Some(&(input, flat)) = places.get(flat) {
            (c.name, c.index) = run::name_of(check, input, flat);
            c.input = input;
        }
    }
    report.notes.push(format!(
        "forward of {name} cannot be run in 32 digits, so the function was checked by calling it in {}",
        report.dtype
    ));
    if report.status == Status::Fail {
        report.guilty = guilty(check, oracle)?;
    }
    Ok(report)
}

/// The function at these numbers, in its own dtype.
fn at(check: &Check<'_>, oracle: &Oracle<'_>, x: &[f64]) -> Result<f64> {
    let mut from = 0;
    let mut inputs = Vec::new();
    for t in &check.inputs {
        if !t.dtype().is_float() {
            inputs.push(t.clone());
            continue;
        }
        let own = &x[from..from + t.numel()];
        from += t.numel();
        inputs.push(Tensor::from_slice(own, t.shape().clone())?.to(t.dtype())?);
    }
    oracle.direct(&inputs)?.item_f64()
}

/// The first function of the user whose rule is further from differences of its `forward` than these may be off.
fn guilty(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Option<Guilty>> {
    let refs: Vec<&Tensor> = check.inputs.iter().collect();
    let values = {
        let _quiet = crate::no_grad();
        oracle.program.replay_all(&refs, Replay::default())?
    };
    let own = oracle.program.instructions().iter().enumerate();
    for (position, inst) in own.filter(|(_, i)| i.op.lenient()) {
        for input in 0..inst.inputs.len() {
            let seed = (2 * position + 7 * input) as u64;
            let Some((rule, differences)) = apart(inst, &values, input, seed)? else {
                continue;
            };
            return Ok(Some(Guilty {
                mode: Mode::Reverse,
                op: inst.op.def().name.to_string(),
                site: inst.written(),
                position,
                input,
                rule,
                differences,
            }));
        }
    }
    Ok(None)
}

/// ⟨Jᵀu, v⟩ by the rule and ⟨u, J v⟩ by differences, where they are further apart than the differences' own error.
fn apart(
    inst: &Instruction,
    values: &Values,
    input: usize,
    seed: u64,
) -> Result<Option<(f64, f64)>> {
    let mut x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
    let t = x[input].clone();
    if !t.dtype().is_float() || t.numel() == 0 || !inst.dtype.is_float() {
        return Ok(None);
    }
    let leaf = numbers::leaf(&t)?;
    x[input] = leaf.clone();
    let run = |x: &[Tensor]| apply::boxed(&*inst.op, &x.iter().collect::<Vec<_>>(), inst.site);
    let y = run(&x)?;
    if !y.requires_grad() {
        return Ok(None);
    }
    let u = probe(y.shape(), seed + 1)?.to(y.dtype())?;
    let own = t.to_f64_vec()?;
    let v: Vec<f64> = (probe(t.shape(), seed + 2)?.to_f64_vec()?.iter().enumerate())
        .map(|(i, v)| v * scale_of(&own, i))
        .collect();
    let options = crate::BackwardOptions {
        allow_unused: true,
        ..crate::BackwardOptions::NEW
    };
    let back = crate::grad(&[(&y, Some(&u))], &[&leaf], options)?.remove(0);
    let rule = match back {
        Some(g) => (g.to_f64_vec()?.iter().zip(&v)).map(|(g, v)| g * v).sum(),
        None => 0.0,
    };
    let unit = t.dtype().unit_roundoff();
    let weights = u.to_f64_vec()?;
    let mut along = |h: f64| -> Result<(f64, f64)> {
        let moved: Vec<f64> = own.iter().zip(&v).map(|(x, v)| x + h * v).collect();
        x[input] = Tensor::from_slice(&moved, t.shape().clone())?.to(t.dtype())?;
        let y = run(&x)?.to_f64_vec()?;
        let terms = || y.iter().zip(&weights).map(|(y, u)| y * u);
        Ok((terms().sum(), terms().map(f64::abs).sum()))
    };
    let mut best = (f64::NAN, f64::INFINITY);
    for k in (2..24).step_by(2) {
        let h = 2f64.powi(-k);
        let ((up, size), (down, _)) = (along(h)?, along(-h)?);
        let ((near_up, _), (near_down, _)) = (along(h / 2.0)?, along(-h / 2.0)?);
        let (wide, narrow) = ((up - down) / (2.0 * h), (near_up - near_down) / h);
        let error = (wide - narrow).abs() + 8.0 * unit * size / h;
        if error < best.1 {
            best = ((4.0 * narrow - wide) / 3.0, error);
        }
    }
    Ok(((rule - best.0).abs() > 10.0 * best.1 || rule.is_nan()).then_some((rule, best.0)))
}
