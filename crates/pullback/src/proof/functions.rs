//! The proof of a function as callers see it: its samples, in every width and layout, through whatever it is composed of.
//!
//! The oracle is the function itself in double-double: its values, and differences of them; for second order, differences of the
//! gradient. Primitives are proven one by one by [`super::prove`]; here it is their composition, promotion, arguments
//! and in-place forms.

use super::case::{Budget, Finding, Verdict, leaf, numbers, probe, same_bits, unit};
use super::difference::{Differences, differences};
use super::literal::Call;
use super::subject::*;
use super::suite::Report;
use super::values::laid_out;
use crate::registry::{Entry, Value, in_place};
use crate::{DType, Dd, Program, Replay, Result, Tensor};
use std::cell::OnceCell;

/// Roundings that a composition may take, each as large as the terms it adds.
const ROUNDINGS: f64 = 64.0;

/// Values are those of double-double; positions, masks, shapes and dtypes agree exactly.
fn values(s: &Subject<'_>) -> Verdict {
    let y = s.run(&s.x)?;
    let x = s.x.iter().map(wide).collect::<Result<Vec<_>>>()?;
    let exact = s.run_wide(&x)?;
    for (k, (y, exact)) in y.iter().zip(&exact).enumerate() {
        let float = y.dtype().is_float();
        if y.shape() != exact.shape() || float != exact.dtype().is_float() {
            return Err(Finding(format!(
                "result {k} is {} {} but in double-double {} {}",
                y.dtype(),
                y.shape(),
                exact.dtype(),
                exact.shape()
            )));
        }
        if !float {
            same_bits(&format!("result {k} in double-double"), exact, y)?;
        }
    }
    let (got, want, u) = (all_numbers(&y)?, all_numbers(&exact)?, s.unit(&y));
    let reference = s.reference()?;
    for (i, (got, want)) in got.into_iter().zip(want).enumerate() {
        let budget = Budget {
            relative: ROUNDINGS * u,
            scale: want.to_f64().abs() + reference.along(i, &reference.x).1,
            slack: 0.0,
        };
        budget.check(|| format!("element {i} of the value"), got, want)?;
    }
    Ok(())
}

/// Values and gradients do not depend on where the arguments' elements lie.
fn layouts(s: &Subject<'_>) -> Verdict {
    let plain = s.run(&s.x)?;
    for (what, x) in laid_out(&s.x)? {
        let y = match s.run(&x) {
            // `view` is there to refuse; what PyTorch refuses is compared with PyTorch.
            Err(e) if e.0.contains("view size is not compatible") => continue,
            other => other?,
        };
        let (reference, u) = (s.reference()?, s.unit(&y));
        let mut i = 0;
        for (k, (got, want)) in y.iter().zip(&plain).enumerate() {
            if let Err(finding) = same_bits(&format!("result {k}, {what}"), got, want) {
                if got.shape() != want.shape() || !got.dtype().is_float() {
                    return Err(finding);
                }
                for (j, (got, want)) in numbers(got)?.into_iter().zip(numbers(want)?).enumerate() {
                    let terms = reference.terms_of_output(i + j);
                    let budget = Budget {
                        relative: if terms > 1 { ROUNDINGS * u } else { 0.0 },
                        scale: want.to_f64().abs() + reference.along(i + j, &reference.x).1,
                        slack: 0.0,
                    };
                    budget.check(|| format!("result {k}, element {j}, {what}"), got, want)?;
                }
            }
            i += got.numel();
        }
    }
    Ok(())
}

/// Reverse mode is Jᵀg.
fn reverse(s: &Subject<'_>) -> Verdict {
    let x = leaves(&s.x)?;
    let y = s.run(&x)?;
    let g = probes(&y, 1)?;
    let Some(got) = pull(&y, &g, &x, false)? else {
        return Ok(());
    };
    let weights = cotangents(&y, &g)?;
    against(
        "the gradient",
        &got,
        &s.x,
        s.reference()?,
        &weights,
        s.unit(&y),
    )
}

/// One weight for every element of every output; zeros for those without gradient.
fn cotangents(y: &[Tensor], g: &[Tensor]) -> Result<Vec<Dd>> {
    let mut weights = Vec::new();
    for (y, g) in y.iter().zip(g) {
        match y.requires_grad() {
            true => weights.extend(numbers(g)?),
            false => weights.extend(std::iter::repeat_n(Dd::ZERO, y.numel())),
        }
    }
    Ok(weights)
}

fn against(
    what: &str,
    got: &[Tensor],
    x: &[Tensor],
    reference: &Differences,
    weights: &[Dd],
    u: f64,
) -> Verdict {
    let floats: Vec<usize> = (0..x.len()).filter(|&k| x[k].dtype().is_float()).collect();
    let lists = got.iter().map(numbers).collect::<Result<Vec<_>>>()?;
    // A composition's gradient may be a difference of larger terms than those that are left in it; a gradient's gradient is.
    let largest = (0..reference.columns.len())
        .map(|c| reference.transposed(c, weights).1)
        .fold(0.0, f64::max);
    let largest = match what.contains("order") {
        true => largest,
        false => largest / 16.0,
    };
    for (column, &(k, j)) in reference.columns.iter().enumerate() {
        let Some(slot) = floats.iter().position(|&f| f == k) else {
            continue;
        };
        if got[slot].shape() != x[k].shape() || got[slot].dtype() != x[k].dtype() {
            return Err(Finding(format!(
                "{what} of argument {k} is {} {}, the argument {} {}",
                got[slot].dtype(),
                got[slot].shape(),
                x[k].dtype(),
                x[k].shape()
            )));
        }
        let (want, scale, slack) = reference.transposed(column, weights);
        let budget = Budget {
            relative: ROUNDINGS * u,
            scale: scale.max(largest),
            // What differences say of their own error is an estimate from two steps and no bound.
            slack: 8.0 * slack,
        };
        budget.check(
            || format!("{what} of argument {k}, element {j}"),
            lists[slot][j],
            want,
        )?;
    }
    Ok(())
}

/// Forward mode, through a recorded program, is J v; the program repeats itself in double-double elsewhere.
fn forward(s: &Subject<'_>) -> Verdict {
    let refs: Vec<&Tensor> = s.x.iter().collect();
    let (program, y) = Program::snapshot(&refs, |x| {
        s.run(x)
            .map_err(|e| crate::Error::new(crate::ErrorKind::Value, e.0))
    })?;
    let tangents = (s.x.iter().enumerate())
        .map(|(k, t)| match t.dtype().is_float() {
            true => probe(t.shape(), t.dtype(), 3 + k as u64).map(Some),
            false => Ok(None),
        })
        .collect::<Result<Vec<_>>>()?;
    let lent: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
    let reference = s.reference()?;
    let mut v = Vec::new();
    for &(k, j) in &reference.columns {
        v.push(match &tangents[k] {
            Some(t) => numbers(t)?[j],
            None => Dd::ZERO,
        });
    }
    let u = s.unit(&y);
    let mut row = 0;
    let dots = program.jvp(&refs, &lent, Replay::default())?;
    for (k, ((again, dot), y)) in dots.iter().zip(&y).enumerate() {
        same_bits(&format!("result {k} of a replay"), again, y)?;
        if let Some(dot) = dot {
            for (j, got) in numbers(dot)?.into_iter().enumerate() {
                let (want, scale, slack) = reference.along(row + j, &v);
                let budget = Budget {
                    relative: ROUNDINGS * u,
                    scale,
                    slack,
                };
                budget.check(
                    || format!("the tangent of result {k}, element {j}"),
                    got,
                    want,
                )?;
            }
        }
        row += y.numel();
    }
    elsewhere(s, &program)
}

/// A program that was recorded at one point, at another: the same as the function there, in double-double.
fn elsewhere(s: &Subject<'_>, program: &Program) -> Verdict {
    if !s.x.iter().any(|t| t.dtype().is_float()) {
        return Ok(()); // integers become float32 in every width
    }
    let there: Vec<Tensor> = (s.x.iter())
        .map(|t| match t.dtype().is_float() {
            true => wide(t)?.mul(1.0625),
            false => Ok(t.clone()),
        })
        .collect::<Result<_>>()?;
    // Where the point elsewhere is outside of the function's domain, there is nothing to repeat.
    let Ok(direct) = s.run_wide(&there) else {
        return Ok(());
    };
    let how = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let replayed = program.replay(&there.iter().collect::<Vec<_>>(), how)?;
    for (k, (got, want)) in replayed.iter().zip(&direct).enumerate() {
        let what = format!("result {k} of a replay elsewhere");
        if got.shape() != want.shape() {
            return Err(Finding(format!(
                "{what}: {} for {}",
                got.shape(),
                want.shape()
            )));
        }
        for (j, (got, want)) in numbers(got)?.into_iter().zip(numbers(want)?).enumerate() {
            let budget = Budget {
                relative: ROUNDINGS * unit(DType::Dd),
                scale: want.to_f64().abs() + 1.0,
                slack: 0.0,
            };
            budget.check(|| format!("{what}, element {j}"), got, want)?;
        }
    }
    Ok(())
}

/// The gradient's gradient is that of its differences.
fn second_order(s: &Subject<'_>) -> Verdict {
    let n = s.x.len();
    let first = |z: &[Tensor], wide: bool| -> Tensors {
        let (x, g) = z.split_at(n);
        let x: Vec<Tensor> = (x.iter())
            .map(|t| match t.requires_grad() {
                true => Ok(t.clone()),
                false => leaf(&t.array()),
            })
            .collect::<Result<_>>()?;
        let y = if wide { s.run_wide(&x)? } else { s.run(&x)? };
        Ok(pull(&y, g, &x, true)?.unwrap_or_default())
    };
    let y = s.run(&leaves(&s.x)?)?;
    if !y.iter().any(Tensor::requires_grad) {
        return Ok(());
    }
    let mut z = leaves(&s.x)?;
    z.extend(leaves(&probes(&y, 11)?)?);
    let gradients = first(&z, false)?;
    let up = probes(&gradients, 21)?;
    let got = match pull(&gradients, &up, &z, false)? {
        Some(got) => got,
        None => (z.iter().filter(is_float))
            .map(Tensor::zeros_like)
            .collect::<Result<_>>()?,
    };
    let reference = differences(&z, &|z| first(z, true))?;
    let mut weights = Vec::new();
    for t in &up {
        weights.extend(numbers(t)?);
    }
    let u = s.unit(&y);
    against("the gradient of order 2", &got, &z, &reference, &weights, u)
}

/// `Tensor.name_` has the value and the gradients of `name`.
fn writes(s: &Subject<'_>) -> Verdict {
    let x = leaves(&s.x)?;
    let Ok(plain) = s.run(&x) else { return Ok(()) };
    let call = s.call.with(&x);
    let Some(Value::Tensor(first)) = call.args.first() else {
        return Ok(());
    };
    // A copy is written, since a leaf must not be; the call of `name` takes the same copy.
    let target = first.copy()?;
    let mut args = call.args.clone();
    args[0] = Value::Tensor(target.clone());
    let fits = plain[0].shape() == first.shape() && plain[0].dtype() == first.dtype();
    match in_place(s.entry, &args, &call.named()) {
        Err(_) if !fits => return Ok(()),
        Ok(_) if !fits && plain[0].shape() != first.shape() => {
            return Err(Finding("a result of another shape was written".into()));
        }
        other => drop(other?),
    }
    if fits {
        same_bits("the value written in place", &target, &plain[0])?;
        let g = probes(&plain, 41)?;
        let (got, want) = (
            pull(std::slice::from_ref(&target), &g, &x, false)?,
            pull(&plain, &g, &x, false)?,
        );
        if let (Some(got), Some(want)) = (got, want) {
            for (k, (got, want)) in got.iter().zip(&want).enumerate() {
                // The old numbers send zeros back, which are added: zeros lose their sign.
                let (got, want) = (got.add(0.0)?, want.add(0.0)?);
                same_bits(&format!("gradient {k} after a write in place"), &got, &want)?;
            }
        }
    }
    Ok(())
}

type Check = (&'static str, fn(&Subject<'_>) -> Verdict);

/// Proves one function on its samples, in the dtypes given.
pub fn prove_function(entry: &Entry, dtypes: &[DType]) -> Report {
    let mut report = Report::default();
    let f = entry.function;
    for text in f.samples {
        for &dtype in dtypes {
            let label = |check: &str| format!("{}({text}), {dtype}, {check}", f.name());
            let call = match Call::parse(text, dtype) {
                Ok(call) => call,
                Err(e) => {
                    report.note(|| label("sample"), || Err(e.into()));
                    continue;
                }
            };
            let x = call.tensors();
            if dtype != DType::F32 && !x.iter().any(|t| t.dtype() == dtype) {
                continue; // nothing in it has the dtype under test
            }
            let subject = Subject {
                entry,
                call,
                x,
                reference: OnceCell::new(),
            };
            let mut checks: Vec<Check> = Vec::new();
            if f.checkable {
                checks.push(("value", values));
                if !f.by_place {
                    checks.push(("layout", layouts));
                }
                checks.push(("reverse", reverse));
                checks.push(("forward", forward));
                checks.push(("second order", second_order));
            }
            if f.in_place {
                checks.push(("in place", writes));
            }
            for (name, check) in checks {
                report.note(|| label(name), || check(&subject));
            }
        }
    }
    report
}
