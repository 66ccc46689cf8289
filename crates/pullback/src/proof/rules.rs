//! Rules: reverse, forward and higher orders against differences in double-double, and against each other.

use super::case::{Budget, Case, Finding, Verdict, leaf, numbers, probe, run, same_bits};
use super::difference::Differences;
use super::values::laid_out;
use crate::core::op::{Ctx, Op};
use crate::{BackwardOptions, Dd, Program, Replay, Result, Tensor, grad};
use std::panic::Location;

/// Roundings that a rule may take, each as large as the terms it adds: 64 u Σ |g||J|. An entry whose derivative is
/// exactly 0 must be exactly 0.
const ROUNDINGS: f64 = 64.0;

/// Gradients by the engine, of the inputs that `needs` names.
fn pull(
    op: &dyn Op,
    x: &[Tensor],
    g: &Tensor,
    needs: impl Fn(usize) -> bool,
) -> Result<Vec<Option<Tensor>>, Finding> {
    let x: Vec<Tensor> = (x.iter().enumerate())
        .map(|(k, t)| {
            if needs(k) {
                leaf(&t.array())
            } else {
                Ok(Tensor::from_array(t.array().clone()))
            }
        })
        .collect::<Result<_>>()?;
    let y = run(op, &x)?;
    let asked: Vec<usize> = (0..x.len()).filter(|&k| x[k].requires_grad()).collect();
    let leaves: Vec<&Tensor> = asked.iter().map(|&k| &x[k]).collect();
    let mut out = vec![None; x.len()];
    let found = grad(
        &[(&y, Some(g))],
        &leaves,
        BackwardOptions {
            allow_unused: true,
            ..BackwardOptions::NEW
        },
    )?;
    for (k, g) in asked.into_iter().zip(found) {
        let Some(g) = g else {
            return Err(Finding(format!("input {k} got no gradient")));
        };
        if g.shape() != x[k].shape() || g.dtype() != x[k].dtype() {
            return Err(Finding(format!(
                "the gradient of input {k} is {} {}, the input {} {}",
                g.dtype(),
                g.shape(),
                x[k].dtype(),
                x[k].shape()
            )));
        }
        out[k] = Some(g);
    }
    Ok(out)
}

/// Each gradient against Jᵀg.
pub(super) fn transposed(
    what: &str,
    got: &[Option<Tensor>],
    reference: &Differences,
    g: &[Dd],
    (u, spread): (f64, bool),
) -> Verdict {
    let least = if spread {
        reference.largest_transposed(g)
    } else {
        0.0
    };
    let mut lists = Vec::new();
    for g in got {
        lists.push(g.as_ref().map(numbers).transpose()?);
    }
    for (column, &(k, j)) in reference.columns.iter().enumerate() {
        let Some(list) = &lists[k] else { continue };
        let (want, scale, slack) = reference.transposed(column, g);
        let budget = Budget {
            relative: ROUNDINGS * u,
            scale: scale.max(least),
            slack,
        };
        budget.check(
            || format!("{what} of input {k}, element {j}"),
            list[j],
            want,
        )?;
    }
    Ok(())
}

/// The engine's gradient is Jᵀg; the same bits when only one input needs one, and for every layout of inputs and
/// gradient. Where there is no gradient, the result requires none.
pub(super) fn reverse(case: &Case) -> Verdict {
    let x: Vec<Tensor> = (case.inputs.iter())
        .map(|t| leaf(&t.array()))
        .collect::<Result<_>>()?;
    let y = case.run(&x)?;
    if !case.differentiable() {
        return match y.requires_grad() {
            true => Err(Finding("the result of a cut requires a gradient".into())),
            false => Ok(()),
        };
    }
    if !y.requires_grad() {
        return Err(Finding("the result does not require a gradient".into()));
    }
    let g = probe(y.shape(), y.dtype(), 1)?;
    let got = pull(&*case.op, &case.inputs, &g, |_| true)?;
    let reference = case.reference()?;
    transposed(
        "the gradient",
        &got,
        reference,
        &numbers(&g)?,
        (case.unit(y.dtype()), case.spread()),
    )?;
    for (k, want) in got.iter().enumerate().filter(|_| case.inputs.len() > 1) {
        let Some(want) = want else { continue };
        let alone = pull(&*case.op, &case.inputs, &g, |i| i == k)?;
        if let Some(alone) = &alone[k] {
            same_bits(
                &format!("the gradient of input {k} when no other is wanted"),
                alone,
                want,
            )?;
        }
    }
    let moved = laid_out(&case.inputs)?
        .into_iter()
        .map(|(what, x)| (what, x, g.clone()));
    let turned = laid_out(std::slice::from_ref(&g))?
        .into_iter()
        .map(|(what, mut g)| (format!("and g {what}"), case.inputs.clone(), g.remove(0)));
    for (what, x, g) in moved.chain(turned) {
        let again = pull(&*case.op, &x, &g, |_| true)?;
        for (k, (again, want)) in again.iter().zip(&got).enumerate() {
            if let (Some(again), Some(want)) = (again, want) {
                let what = format!("the gradient of input {k} with inputs {what}");
                reordered(case, &what, k, again, want)?;
            }
        }
    }
    Ok(())
}

/// The same bits, but for elements whose gradient adds up several: those may differ by two roundings a term.
fn reordered(case: &Case, what: &str, input: usize, got: &Tensor, want: &Tensor) -> Verdict {
    let Err(finding) = same_bits(what, got, want) else {
        return Ok(());
    };
    if got.dtype() != want.dtype() || got.shape() != want.shape() {
        return Err(finding);
    }
    let (reference, u) = (case.reference()?, case.unit(got.dtype()));
    let (got, want) = (numbers(got)?, numbers(want)?);
    let ones = vec![Dd::ONE; reference.value.len()];
    let least = match case.spread() {
        true => reference.largest_transposed(&ones),
        false => 0.0,
    };
    for (column, &(_, j)) in (reference.columns.iter().enumerate()).filter(|(_, c)| c.0 == input) {
        let terms = reference.terms_of_column(column);
        let budget = Budget {
            relative: if terms > 1 || case.spread() {
                2.0 * terms.max(1) as f64 * u
            } else {
                0.0
            },
            scale: 1.5 * reference.transposed(column, &ones).1.max(least), // cotangents are no larger
            slack: 0.0,
        };
        budget.check(|| format!("{what}: element {j}"), got[j], want[j])?;
    }
    Ok(())
}

/// The rule by itself (`vjp`, one input at a time, outside of any graph) is Jᵀg: what a fused `vjp_all` must equal.
pub(super) fn plain_rule(case: &Case) -> Verdict {
    if !case.differentiable() {
        return Ok(());
    }
    let y = case.run(&case.inputs)?;
    let g = probe(y.shape(), y.dtype(), 2)?;
    let cx = Ctx::live(case.def().name, &case.inputs, &y, Location::caller());
    let mut got = Vec::new();
    for (k, x) in case.inputs.iter().enumerate() {
        if !x.dtype().is_float() {
            got.push(None);
            continue;
        }
        let mut pulled = case.op.vjp(&cx, k, &g)?;
        if pulled.shape() != x.shape() {
            pulled = crate::engine::sum_to(&pulled, x.shape())?;
        }
        if pulled.shape() != x.shape() || pulled.dtype() != x.dtype() {
            return Err(Finding(format!(
                "vjp of input {k} gives {} {} where the input is {} {}",
                pulled.dtype(),
                pulled.shape(),
                x.dtype(),
                x.shape()
            )));
        }
        got.push(Some(pulled));
    }
    transposed(
        "vjp",
        &got,
        case.reference()?,
        &numbers(&g)?,
        (case.unit(y.dtype()), case.spread()),
    )
}

/// Forward mode is J v, by the rule and through a recorded program, for all tangents together and each alone; and it is
/// the adjoint of reverse mode: ⟨u, J v⟩ = ⟨Jᵀu, v⟩.
pub(super) fn forward(case: &Case) -> Verdict {
    let refs: Vec<&Tensor> = case.inputs.iter().collect();
    let (program, y) = Program::snapshot(&refs, |x| Ok(vec![case.run(x)?]))?;
    let y = &y[0];
    let floats: Vec<usize> = (0..refs.len())
        .filter(|&k| refs[k].dtype().is_float())
        .collect();
    let mut sets = vec![floats.clone()];
    if floats.len() > 1 {
        sets.extend(floats.iter().map(|&k| vec![k]));
    }
    for set in sets {
        let tangents = (0..refs.len())
            .map(|k| match set.contains(&k) {
                true => probe(refs[k].shape(), refs[k].dtype(), 3 + k as u64).map(Some),
                false => Ok(None),
            })
            .collect::<Result<Vec<Option<Tensor>>>>()?;
        let lent: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
        let (_, dot) = program.jvp(&refs, &lent, Replay::default())?.remove(0);
        let dot = match (case.differentiable(), dot) {
            (false, None) => return Ok(()),
            (false, Some(_)) => return Err(Finding("a cut passed a tangent on".into())),
            (true, None) => return Err(Finding(format!("tangents of {set:?} were lost"))),
            (true, Some(dot)) => dot,
        };
        if dot.dtype() != y.dtype() {
            return Err(Finding(format!(
                "the tangent is {}, the result {}",
                dot.dtype(),
                y.dtype()
            )));
        }
        let cx = Ctx::live(case.def().name, &case.inputs, y, Location::caller());
        let direct = case.op.jvp(&cx, &tangents)?.expand(y.shape())?;
        same_bits("the tangent by a program and by the rule", &dot, &direct)?;
        against_differences(case, &tangents, &dot)?;
        adjoint(case, y, &tangents, &dot)?;
    }
    Ok(())
}

fn against_differences(case: &Case, tangents: &[Option<Tensor>], dot: &Tensor) -> Verdict {
    let reference = case.reference()?;
    let v = weights(reference, tangents)?;
    let u = case.unit(dot.dtype());
    let least = match case.spread() {
        true => reference.largest_along(&v),
        false => 0.0,
    };
    for (i, got) in numbers(dot)?.into_iter().enumerate() {
        let (want, scale, slack) = reference.along(i, &v);
        let budget = Budget {
            relative: ROUNDINGS * u,
            scale: scale.max(least),
            slack,
        };
        budget.check(|| format!("the tangent, element {i}"), got, want)?;
    }
    Ok(())
}

/// One weight per column of the Jacobian.
fn weights(reference: &Differences, tangents: &[Option<Tensor>]) -> Result<Vec<Dd>> {
    let lists = (tangents.iter())
        .map(|t| t.as_ref().map(numbers).transpose())
        .collect::<Result<Vec<_>>>()?;
    Ok((reference.columns.iter())
        .map(|&(k, j)| lists[k].as_ref().map_or(Dd::ZERO, |v| v[j]))
        .collect())
}

/// ⟨u, J v⟩ = ⟨Jᵀu, v⟩ for a tangent `dot` = J v.
pub(super) fn adjoint(
    case: &Case,
    y: &Tensor,
    tangents: &[Option<Tensor>],
    dot: &Tensor,
) -> Verdict {
    let up = probe(y.shape(), y.dtype(), 9)?;
    let back = pull(&*case.op, &case.inputs, &up, |k| tangents[k].is_some())?;
    let inner = |a: &[Dd], b: &[Dd]| a.iter().zip(b).fold(Dd::ZERO, |s, (&a, &b)| s + a * b);
    let left = inner(&numbers(&up)?, &numbers(dot)?);
    let mut right = Dd::ZERO;
    for (g, t) in back.iter().zip(tangents) {
        if let (Some(g), Some(t)) = (g, t) {
            right += inner(&numbers(g)?, &numbers(t)?);
        }
    }
    let reference = case.reference()?;
    let (v, up) = (weights(reference, tangents)?, numbers(&up)?);
    let scale = (0..up.len())
        .map(|i| reference.along(i, &v).1 * up[i].to_f64().abs())
        .sum();
    let budget = Budget {
        relative: ROUNDINGS * case.unit(y.dtype()),
        scale,
        slack: 0.0,
    };
    budget.check(|| "⟨u, J v⟩ against ⟨Jᵀu, v⟩".into(), left, right)
}
