//! Recorded and replayed: in the same arithmetic, in wider ones, and with the decisions frozen.

use super::case::{Budget, Case, Finding, Verdict, numbers, probe, run, same_bits};
use super::difference::differences;
use super::rules::adjoint;
use crate::core::op::Family;
use crate::{DType, Dd, Program, Replay, Result, Tensor};

const FROZEN: Replay = Replay {
    float: None,
    frozen: true,
};

fn lend(x: &[Tensor]) -> Vec<&Tensor> {
    x.iter().collect()
}

fn trace(case: &Case) -> Result<(Program, Tensor)> {
    let (program, mut out) = Program::snapshot(&lend(&case.inputs), |x| Ok(vec![case.run(x)?]))?;
    Ok((program, out.remove(0)))
}

fn convert(x: &[Tensor], dtype: DType) -> Result<Vec<Tensor>> {
    x.iter()
        .map(|t| {
            if t.dtype().is_float() {
                t.to(dtype)
            } else {
                Ok(t.clone())
            }
        })
        .collect()
}

/// A replay gives the same bits; one in a wider dtype what the operation gives there.
pub(super) fn replay(case: &Case) -> Verdict {
    let (program, y) = trace(case)?;
    let again = program
        .replay(&lend(&case.inputs), Replay::default())?
        .remove(0);
    same_bits("the replay", &again, &y)?;
    for float in [DType::F32, DType::F64, DType::Dd] {
        let x = convert(&case.inputs, float)?;
        let direct = run(&*case.op.in_dtype(float), &x)?;
        let how = Replay {
            float: Some(float),
            frozen: false,
        };
        same_bits(
            &format!("the replay in {float}"),
            &program.replay(&lend(&x), how)?[0],
            &direct,
        )?;
        let converted = program.replay(&lend(&case.inputs), how)?.remove(0);
        same_bits(
            &format!("the replay in {float} of the inputs as they are"),
            &converted,
            &direct,
        )?;
    }
    Ok(())
}

/// Frozen at the same point the value is the same; elsewhere the recorded decisions stand: nothing in the frozen program
/// decides again, locally constant results stay what they were, and a linear piece goes on as a line.
pub(super) fn frozen(case: &Case) -> Verdict {
    let (program, y) = trace(case)?;
    let here = program.replay(&lend(&case.inputs), FROZEN)?.remove(0);
    let u = case.unit(y.dtype());
    for (i, (got, want)) in numbers(&here)?.into_iter().zip(numbers(&y)?).enumerate() {
        let budget = Budget {
            relative: 4.0 * u,
            scale: want.to_f64().abs(),
            slack: 0.0,
        };
        budget.check(
            || format!("frozen at the same point, element {i}"),
            got,
            want,
        )?;
    }
    // Across kinks at 0 and around 0 for gates; elsewhere inside the domain, which may be the positive numbers.
    let factors: &[f64] = match case.def().family {
        Family::Gate => &[-1.25, 0.125],
        _ => &[1.5],
    };
    for &factor in factors {
        let there: Vec<Tensor> = (case.inputs.iter())
            .map(|t| match t.dtype().is_float() {
                true => t.mul(factor),
                false => Ok(t.clone()),
            })
            .collect::<Result<_>>()?;
        let got = program.replay(&lend(&there), FROZEN)?.remove(0);
        match case.def().family {
            Family::Zero | Family::Cut => same_bits("frozen elsewhere", &got, &y)?,
            Family::Gate => frozen_gate(case, &program, &there, &got)?,
            _ => same_bits("frozen elsewhere", &got, &case.run(&there)?)?,
        }
    }
    Ok(())
}

/// A gate's pieces, elsewhere: on the line of the piece where it is linear, else what the same pieces give that were recorded.
fn frozen_gate(case: &Case, program: &Program, there: &[Tensor], got: &Tensor) -> Verdict {
    let smooth = program.freeze(&lend(&case.inputs))?;
    match decides_again(&smooth) {
        Some(name) => Err(Finding(format!(
            "the frozen form decides again, in `{name}`"
        ))),
        None if linear(&smooth) => on_the_line(case, there, got),
        None => {
            let again = smooth.replay(&lend(there), Replay::default())?.remove(0);
            same_bits("frozen elsewhere, beside a program of its own", got, &again)
        }
    }
}

/// For each value, whether it depends on the program's inputs.
fn dependent(program: &Program) -> Vec<bool> {
    let mut depends = vec![false; program.values()];
    for &i in program.inputs() {
        depends[i as usize] = true;
    }
    for inst in program.instructions() {
        depends[inst.output as usize] = inst.inputs.iter().any(|&i| depends[i as usize]);
    }
    depends
}

/// The first operation that decides by something that depends on the inputs.
fn decides_again(program: &Program) -> Option<&'static str> {
    let depends = dependent(program);
    (program.instructions().iter())
        .find(|inst| {
            matches!(
                inst.op.def().family,
                Family::Gate | Family::Zero | Family::Cut
            ) && depends[inst.output as usize]
        })
        .map(|inst| inst.op.def().name)
}

/// Whether every operation on what depends on the inputs is linear in it.
fn linear(program: &Program) -> bool {
    let depends = dependent(program);
    program.instructions().iter().all(|inst| {
        let moving: Vec<usize> = (0..inst.inputs.len())
            .filter(|&k| depends[inst.inputs[k] as usize])
            .collect();
        let def = inst.op.def();
        match def.family {
            Family::Linear => true,
            Family::Multilinear => moving.len() < 2,
            _ => moving.is_empty() || def.name == "div" && moving == [0],
        }
    })
}

/// f(x) + J (x′ - x), with J by differences at x.
fn on_the_line(case: &Case, there: &[Tensor], got: &Tensor) -> Verdict {
    let reference = case.reference()?;
    let mut step = Vec::new();
    for (&(k, j), &x) in reference.columns.iter().zip(&reference.x) {
        step.push(numbers(&there[k])?[j] - x);
    }
    let u = case.unit(got.dtype());
    for (i, got) in numbers(got)?.into_iter().enumerate() {
        let (rise, scale, slack) = reference.along(i, &step);
        let want = reference.value[i] + rise;
        let scale = scale + reference.value[i].to_f64().abs();
        let budget = Budget {
            relative: 16.0 * u,
            scale,
            slack,
        };
        budget.check(|| format!("frozen across the kink, element {i}"), got, want)?;
    }
    Ok(())
}

/// The frozen program's forward mode is the adjoint of the operation's reverse mode, and the derivative of the frozen
/// program wherever it goes.
pub(super) fn frozen_forward(case: &Case) -> Verdict {
    if !case.differentiable() || case.def().family == Family::Zero {
        return Ok(());
    }
    let (program, y) = trace(case)?;
    let smooth = program.freeze(&lend(&case.inputs))?;
    let tangents: Vec<Option<Tensor>> = (case.inputs.iter().enumerate())
        .map(|(k, t)| match t.dtype().is_float() {
            true => probe(t.shape(), t.dtype(), 40 + k as u64).map(Some),
            false => Ok(None),
        })
        .collect::<Result<_>>()?;
    let lent: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
    let (_, dot) = smooth
        .jvp(&lend(&case.inputs), &lent, Replay::default())?
        .remove(0);
    let Some(dot) = dot else {
        return Err(Finding("the frozen program lost the tangents".into()));
    };
    adjoint(case, &y, &tangents, &dot)?;
    // Across the kink, in double-double: the frozen program is differentiable there too.
    let factor = if case.def().family == Family::Gate {
        -1.25
    } else {
        1.5
    };
    let x: Vec<Tensor> = convert(&case.inputs, DType::Dd)?
        .iter()
        .map(|t| {
            if t.dtype().is_float() {
                t.mul(factor)
            } else {
                Ok(t.clone())
            }
        })
        .collect::<Result<_>>()?;
    let wide = Replay {
        float: Some(DType::Dd),
        frozen: true,
    };
    let reference = differences(&x, &|x| Ok(program.replay(&lend(x), wide)?))?;
    let tangents = tangents
        .iter()
        .map(|t| t.as_ref().map(|t| t.to(DType::Dd)).transpose())
        .collect::<Result<Vec<_>>>()?;
    let lent: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
    let (_, dot) = program.jvp(&lend(&x), &lent, FROZEN)?.remove(0);
    let Some(dot) = dot else {
        return Err(Finding("the frozen replay lost the tangents".into()));
    };
    let mut v = Vec::new();
    for &(k, j) in &reference.columns {
        v.push(
            tangents[k]
                .as_ref()
                .map(numbers)
                .transpose()?
                .map_or(Dd::ZERO, |t| t[j]),
        );
    }
    // Factorisations have fewer digits than double-double: their library's wide numbers lose some in quotients.
    let (least, roundings) = match case.spread() {
        true => (reference.largest_along(&v), 65536.0),
        false => (0.0, 64.0),
    };
    for (i, got) in numbers(&dot)?.into_iter().enumerate() {
        let (want, scale, slack) = reference.along(i, &v);
        let budget = Budget {
            relative: roundings * 2f64.powi(-98),
            scale: scale.max(least),
            slack,
        };
        budget.check(
            || format!("the tangent of the frozen program elsewhere, element {i}"),
            got,
            want,
        )?;
    }
    Ok(())
}
