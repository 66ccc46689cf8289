//! The gradient under test, in the working precision and in double-double, and what rounding may do to it.

use super::oracle::Oracle;
use super::{Check, Claim, kinks, numbers, point, rounding};
use crate::program::{Program, Replay};
use crate::{DType, Dd, Error, ErrorKind, Result, Tensor};

/// The gradient under test, flattened, for each floating input.
pub(super) type Gradient = Vec<Option<Vec<f64>>>;

pub(super) fn claimed(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Gradient> {
    match &check.claim {
        Claim::Autograd => {
            let leaves = check
                .inputs
                .iter()
                .map(numbers::leaf)
                .collect::<Result<Vec<_>>>()?;
            let y = oracle.direct(&leaves)?;
            flatten(check, &autograd(&y, &leaves)?)
        }
        Claim::Numbers(numbers) => flatten(check, numbers),
        Claim::Formula(formula) => flatten(check, &point::formula(check, formula, &check.inputs)?),
    }
}

/// What is said of a backward that forgets its incoming gradient.
pub(super) const DISPROPORTIONATE: &str = "the gradient is not proportional to what comes in: a backward does not multiply \
     by its incoming gradient";

/// The gradient of the function's numbers weighed by a cotangent: by the backward under test, or the engine's.
pub(super) fn weighed(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    cotangent: &Tensor,
) -> Result<Gradient> {
    if let Claim::Formula(formula) = &check.claim {
        let found = point::formula_of(check, formula, &check.inputs, cotangent)?;
        return flatten(check, &found);
    }
    let leaves = (check.inputs.iter().map(numbers::leaf)).collect::<Result<Vec<_>>>()?;
    let y = oracle.whole(&leaves)?;
    flatten(check, &autograd_of(&y, Some(cotangent), &leaves)?)
}

/// Whether two gradients that should be equal differ by more than rounding.
pub(super) fn differ(a: &[f64], b: &[f64], dtype: DType) -> bool {
    let small = if dtype == DType::F32 { 1e-4 } else { 1e-9 };
    let size = a.iter().chain(b).fold(0.0f64, |m, x| m.max(x.abs()));
    (a.iter().zip(b)).any(|(a, b)| (a - b).abs() > small * size && a.is_finite())
}

/// The engine's gradient, or that of a backward under test, by way of an incoming gradient of -2 times the one that comes in, where
/// half of it is another one than `claimed`: then some backward does not multiply by what comes in. Every right rule is linear in it, and a power of two changes no rounding.
pub(super) fn disproportionate(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    claimed: &Gradient,
) -> Result<Option<Gradient>> {
    let found = match &check.claim {
        Claim::Autograd => {
            let leaves = (check.inputs.iter().map(numbers::leaf)).collect::<Result<Vec<_>>>()?;
            let y = oracle.direct(&leaves)?;
            let incoming = Tensor::full(y.shape().clone(), -2.0, y.dtype())?;
            autograd_of(&y, Some(&incoming), &leaves)?
        }
        Claim::Formula(formula) if formula.backward => match check.incoming.get() {
            Some(incoming) => {
                point::formula_of(check, formula, &check.inputs, &incoming.mul(-2.0)?)?
            }
            None => return Ok(None),
        },
        Claim::Formula(_) | Claim::Numbers(_) => return Ok(None),
    };
    let mut floats = check
        .inputs
        .iter()
        .map(Tensor::dtype)
        .filter(|t| t.is_float());
    let dtype = floats.next().unwrap_or(DType::F64);
    let found = flatten(check, &found)?;
    let halved: Gradient = (found.into_iter())
        .map(|g| g.map(|g| g.into_iter().map(|x| x / -2.0).collect()))
        .collect();
    let differs = claimed.iter().zip(&halved).any(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => differ(a, b, dtype),
        _ => false,
    });
    Ok(differs.then_some(halved))
}

pub(super) fn autograd(y: &Tensor, leaves: &[Tensor]) -> Result<Vec<Tensor>> {
    autograd_of(y, None, leaves)
}

/// The gradient of `y` for an incoming gradient; `None` is one.
fn autograd_of(y: &Tensor, incoming: Option<&Tensor>, leaves: &[Tensor]) -> Result<Vec<Tensor>> {
    let floats: Vec<&Tensor> = leaves.iter().filter(|t| t.dtype().is_float()).collect();
    if !y.requires_grad() {
        return floats.iter().map(|t| t.zeros_like()).collect();
    }
    let found = crate::grad(
        &[(y, incoming)],
        &floats,
        crate::BackwardOptions {
            allow_unused: true,
            ..crate::BackwardOptions::NEW
        },
    )?;
    found
        .into_iter()
        .zip(floats)
        .map(|(g, t)| g.map_or_else(|| t.zeros_like(), Ok))
        .collect()
}

/// Puts gradients beside their inputs, after checking that they fit.
pub(super) fn flatten(check: &Check<'_>, gradients: &[Tensor]) -> Result<Gradient> {
    let floats = check.inputs.iter().filter(|t| t.dtype().is_float()).count();
    if gradients.len() != floats {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "{floats} floating inputs need {floats} gradients, {} were given",
                gradients.len()
            ),
        ));
    }
    let mut next = gradients.iter();
    let mut out = Vec::new();
    for (x, name) in check.inputs.iter().zip(&check.names) {
        if !x.dtype().is_float() {
            out.push(None);
            continue;
        }
        let Some(g) = next.next() else { break };
        if g.shape() != x.shape() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "the gradient of {name} has shape {}, but {name} has {}",
                    g.shape(),
                    x.shape()
                ),
            ));
        }
        if g.dtype() != x.dtype() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "the gradient of {name} is {}, but {name} is {}",
                    g.dtype(),
                    x.dtype()
                ),
            ));
        }
        out.push(Some(g.to_f64_vec()?));
    }
    Ok(out)
}

/// Error bounds of the value and of each gradient, from the recorded forward and backward.
pub(super) fn bounds(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
) -> Result<(Program, rounding::Bounds)> {
    let refs: Vec<&Tensor> = check.inputs.iter().collect();
    let (program, _) = Program::snapshot(&refs, |x| {
        let mut out = Vec::new();
        if let Claim::Formula(formula) = &check.claim {
            let _quiet = crate::no_grad();
            out.push(oracle.direct(x)?);
            out.extend(point::formula(check, formula, x)?);
            return Ok(out);
        }
        let leaves = point::handed(x, false)?;
        let y = oracle.direct(&leaves)?;
        let gradients = autograd(&y, &leaves)?;
        out.push(y);
        out.extend(gradients);
        Ok(out)
    })?;
    let bounds = rounding::read(&program, &refs, check.seed)?;
    Ok((program, bounds))
}

/// The claimed gradient in double-double: the engine's, or the formula's own.
pub(super) fn claimed_wide(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Vec<Option<Vec<Dd>>>> {
    if let Claim::Formula(formula) = &check.claim {
        // Recorded and replayed, as the function itself is: what the formula captured is widened with its inputs.
        oracle.count(2);
        let inputs: Vec<&Tensor> = check.inputs.iter().collect();
        let (program, _) = Program::snapshot(&inputs, |x| point::formula(check, formula, x))?;
        let wide: Vec<&Tensor> = oracle.wide.iter().collect();
        let how = Replay {
            float: Some(DType::Dd),
            frozen: false,
        };
        let mut found = program.replay(&wide, how)?.into_iter();
        return (check.inputs.iter())
            .map(|x| match x.dtype().is_float() {
                false => Ok(None),
                true => found
                    .next()
                    .map(|g| g.to(DType::Dd)?.to_vec::<Dd>())
                    .transpose(),
            })
            .collect();
    }
    oracle.gradient().map(|g| g.0)
}

/// Every output of a recorded forward and backward run in double-double, with the decisions it took; none where it cannot be
/// run so.
pub(super) fn replayed(oracle: &Oracle<'_>, backward: &Program) -> Result<Option<Vec<Vec<Dd>>>> {
    oracle.count(1);
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let wide = |frozen| Replay {
        float: Some(DType::Dd),
        frozen,
    };
    let Ok(values) = backward.replay_all(&refs, wide(false)) else {
        return Ok(None);
    };
    let found: Vec<Tensor> = match kinks::same_decisions(backward, &values)? {
        true => backward.outputs().iter().map(|&o| values.get(o)).collect(),
        false => match backward.replay(&refs, wide(true)) {
            Ok(found) => found,
            Err(_) => return Ok(None),
        },
    };
    let numbers = |t: &Tensor| t.to(DType::Dd)?.to_vec::<Dd>();
    found.iter().map(numbers).collect::<Result<_>>().map(Some)
}
