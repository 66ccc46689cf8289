//! Values: against the same formula in more digits, and independent of layout.

use super::case::{Budget, Case, Finding, Verdict, numbers, run, same_bits, unit};
use super::layouts::{repeated, variants};
use crate::{DType, Dd, Result, Tensor};
use pullback_array::kernels;

/// The value is that of the formula in double-double, rounded.
///
/// Allowed are 8 roundings of every term: u·(|y| + Σ |∂y/∂x|·|x|), which covers the sums of up to eight terms that
/// samples have, and functions good to 4 units in the last place. Double-double itself is held to double precision.
pub(super) fn values(case: &Case) -> Verdict {
    let y = case.run(&case.inputs)?;
    let reference = case.reference()?;
    let (want, u) = if case.inputs.iter().any(|t| t.dtype() == DType::Dd) {
        (in_f64(case)?, case.unit(y.dtype()).max(unit(DType::F64)))
    } else {
        (reference.value.clone(), case.unit(y.dtype()))
    };
    let got = numbers(&y)?;
    if got.len() != want.len() {
        return Err(Finding(format!(
            "{} elements where the wide form has {}",
            got.len(),
            want.len()
        )));
    }
    let least = match case.spread() {
        true => reference.largest_along(&reference.x),
        false => 0.0,
    };
    for (i, (got, want)) in got.into_iter().zip(want).enumerate() {
        let reach = reference.along(i, &reference.x).1.max(least);
        let budget = Budget {
            relative: if y.dtype().is_float() { 8.0 * u } else { 0.0 },
            scale: want.to_f64().abs() + reach,
            slack: 0.0,
        };
        budget.check(|| format!("element {i} of the value"), got, want)?;
    }
    Ok(())
}

/// The value in plain double precision.
fn in_f64(case: &Case) -> Result<Vec<Dd>, Finding> {
    let x: Vec<Tensor> = (case.inputs.iter())
        .map(|t| match t.dtype().is_float() {
            true => t.to(DType::F64),
            false => Ok(t.clone()),
        })
        .collect::<Result<_>>()?;
    Ok(numbers(&run(&*case.op.in_dtype(DType::F64), &x)?)?)
}

/// The same bits wherever the inputs' elements lie: spread, transposed, backwards, repeated. Where an element of the
/// result adds up several of one input, the order of additions may follow the strides, as PyTorch's does.
pub(super) fn layouts(case: &Case) -> Verdict {
    let plain = case.run(&case.inputs)?;
    for (what, x) in laid_out(&case.inputs)? {
        reordered(case, &format!("inputs {what}"), &case.run(&x)?, &plain)?;
    }
    for (k, input) in case.inputs.iter().enumerate() {
        for (view, copy) in repeated(&input.array())? {
            let with = |a| {
                let mut x = case.inputs.clone();
                x[k] = Tensor::from_array(a);
                Case::new(&*case.op, x)
            };
            let (view, copy) = (with(view), with(copy));
            let want = match copy.run(&copy.inputs) {
                // Equal rows make a matrix singular: the view must fail as its copy does.
                Err(e) => match view.run(&view.inputs) {
                    Err(again) if again.message() == e.message() => continue,
                    _ => return Err(Finding(format!("only a copy fails: {}", e.message()))),
                },
                Ok(want) => want,
            };
            let got = view.run(&view.inputs)?;
            reordered(
                &copy,
                &format!("input {k} with a repeated dimension"),
                &got,
                &want,
            )?;
        }
    }
    Ok(())
}

/// The same bits, but for elements that add up several of one input: those may differ by two roundings a term.
fn reordered(case: &Case, what: &str, got: &Tensor, want: &Tensor) -> Verdict {
    let Err(finding) = same_bits(what, got, want) else {
        return Ok(());
    };
    if got.dtype() != want.dtype() || got.shape() != want.shape() {
        return Err(finding);
    }
    let (reference, u) = (case.reference()?, case.unit(got.dtype()));
    for (i, (got, want)) in numbers(got)?.into_iter().zip(numbers(want)?).enumerate() {
        let terms = reference.terms_of_output(i);
        let budget = Budget {
            relative: if terms > 1 {
                2.0 * terms as f64 * u
            } else {
                0.0
            },
            scale: want.to_f64().abs() + reference.along(i, &reference.x).1,
            slack: 0.0,
        };
        budget.check(|| format!("{what}: element {i}"), got, want)?;
    }
    Ok(())
}

/// All inputs at once, and then each alone, in every layout.
pub(super) fn laid_out(inputs: &[Tensor]) -> Result<Vec<(String, Vec<Tensor>)>> {
    let mut out: Vec<(String, Vec<Tensor>)> = Vec::new();
    let all = inputs
        .iter()
        .map(|t| variants(&t.array()))
        .collect::<Result<Vec<_>>>()?;
    for name in [
        "spread over a larger array",
        "transposed in memory",
        "backwards in memory",
    ] {
        let pick = |k: usize| {
            all[k]
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, a)| Tensor::from_array(a.clone()))
        };
        let some: Vec<usize> = (0..inputs.len()).filter(|&k| pick(k).is_some()).collect();
        if some.is_empty() {
            continue;
        }
        let mut sets = vec![some.clone()];
        if inputs.len() > 1 {
            sets.extend(some.iter().map(|&k| vec![k]));
        }
        for set in sets {
            let x = (0..inputs.len())
                .map(|k| {
                    pick(k)
                        .filter(|_| set.contains(&k))
                        .unwrap_or_else(|| inputs[k].clone())
                })
                .collect();
            out.push((format!("{set:?} {name}"), x));
        }
    }
    Ok(out)
}

/// A result has the operation's dtype rules in every width: floats stay what they are, positions and masks too.
pub(super) fn dtypes(case: &Case) -> Verdict {
    let y = case.run(&case.inputs)?;
    let wide = run(
        &*case.op.in_dtype(DType::Dd),
        &(case.inputs.iter())
            .map(|t| match t.dtype().is_float() {
                true => kernels::cast(&t.array(), DType::Dd).map(Tensor::from_array),
                false => Ok(t.clone()),
            })
            .collect::<Result<Vec<_>>>()?,
    )?;
    let expected = if y.dtype().is_float() {
        DType::Dd
    } else {
        y.dtype()
    };
    if wide.dtype() != expected || wide.shape() != y.shape() {
        return Err(Finding(format!(
            "the result is {} {} but in double-double {} {}",
            y.dtype(),
            y.shape(),
            wide.dtype(),
            wide.shape()
        )));
    }
    Ok(())
}
