//! Decisions and margins: what non-smooth operations choose, and how far they are from choosing otherwise.

use super::case::{Case, Finding, Verdict, numbers};
use crate::core::op::{Family, Op};
use crate::{Array, DType, Dd, Result, Tensor};
use pullback_array::kernels;

/// What is decided: a gate's choice, or the value of a function that is constant between jumps.
fn decision(op: &dyn Op, x: &[&Array]) -> Result<Option<Array>> {
    match op.def().family {
        Family::Gate => op.decide(x),
        Family::Zero => op.eval(x).map(Some),
        _ => Ok(None),
    }
}

/// Margins are there, are not negative, and are 0 exactly for decisions that some change of one input element by 2⁻⁹⁰ of
/// its size switches; changes below the margin switch nothing.
pub(super) fn margins(case: &Case) -> Verdict {
    if !matches!(case.def().family, Family::Gate | Family::Zero) {
        return Ok(());
    }
    let wide = case.op.in_dtype(DType::Dd);
    let x: Vec<Array> = (case.inputs.iter())
        .map(|t| match t.dtype().is_float() {
            true => kernels::cast(&t.array(), DType::Dd),
            false => Ok(t.array().clone()),
        })
        .collect::<Result<_>>()?;
    let here = decided(&*wide, &x)?;
    let lent: Vec<&Array> = x.iter().collect();
    let Some(margin) = wide.margin(&lent)? else {
        return Err(Finding("it has no margin".into()));
    };
    let margin = numbers(&Tensor::from_array(margin))?;
    if margin.len() != here.len() {
        return Err(Finding(format!(
            "{} margins for {} decisions",
            margin.len(),
            here.len()
        )));
    }
    if let Some((i, m)) = margin
        .iter()
        .enumerate()
        .find(|(_, m)| m.is_nan() || **m < Dd::ZERO)
    {
        return Err(Finding(format!("the margin of element {i} is {m}")));
    }
    at_ties(&*wide, &x, &here, &margin)?;
    within_margins(&*wide, &x, &here, &margin)
}

/// A decision switches at once exactly where its margin is nothing.
fn at_ties(wide: &dyn Op, x: &[Array], here: &[Dd], margin: &[Dd]) -> Verdict {
    let mut switched = vec![false; here.len()];
    for (k, input) in x.iter().enumerate().filter(|(_, a)| a.dtype().is_float()) {
        for j in 0..input.numel() {
            for sign in [1.0, -1.0] {
                let moved = nudged(x, k, |i, a| {
                    let size = if a == Dd::ZERO { 1.0 } else { a.abs().to_f64() };
                    if i == j {
                        a + Dd::from(sign * size * 2f64.powi(-90))
                    } else {
                        a
                    }
                })?;
                for (i, d) in decided(wide, &moved)?.into_iter().enumerate() {
                    switched[i] |= d != here[i];
                }
            }
        }
    }
    for (i, (&s, m)) in switched.iter().zip(margin).enumerate() {
        if s != (*m == Dd::ZERO) {
            return Err(Finding(format!(
                "the margin of element {i} is {:e} but the decision {}",
                m.to_f64(),
                if s {
                    "switches at once"
                } else {
                    "does not switch"
                }
            )));
        }
    }
    Ok(())
}

/// No decision switches where all inputs move by less than half of the smallest margin, this way and that.
fn within_margins(wide: &dyn Op, x: &[Array], here: &[Dd], margin: &[Dd]) -> Verdict {
    let Some(least) = margin
        .iter()
        .map(|m| m.to_f64())
        .filter(|m| m.is_finite())
        .reduce(f64::min)
    else {
        return Ok(());
    };
    for pattern in 0..4u32 {
        let mut moved = x.to_vec();
        for k in (0..x.len()).filter(|&k| x[k].dtype().is_float()) {
            moved = nudged(&moved, k, |i, a| {
                let up = (i as u32 + k as u32 * 3).count_ones() + pattern;
                a + Dd::from(least * if up.is_multiple_of(2) { 0.499 } else { -0.499 })
            })?;
        }
        if least > 0.0 && decided(wide, &moved)? != here {
            return Err(Finding(format!(
                "changes below half the margin {least:e} switch a decision"
            )));
        }
    }
    Ok(())
}

fn decided(op: &dyn Op, x: &[Array]) -> Result<Vec<Dd>, Finding> {
    match decision(op, &x.iter().collect::<Vec<_>>())? {
        Some(d) => Ok(numbers(&Tensor::from_array(d))?),
        None => Err(Finding("it decides nothing".into())),
    }
}

fn nudged(x: &[Array], k: usize, f: impl Fn(usize, Dd) -> Dd) -> Result<Vec<Array>> {
    let data: Vec<Dd> = (x[k].to_vec::<Dd>()?.into_iter().enumerate())
        .map(|(i, a)| f(i, a))
        .collect();
    let mut out = x.to_vec();
    out[k] = Array::from_slice(&data, x[k].shape().clone())?;
    Ok(out)
}
